/* @KEY@.c - @TITLE@
 *
 * A drain selects its own rows, so many at a time, until none is left. sgrun-plugin(3) is the manual. */
#include <sgrun/plugin.h>

#include <stdio.h>

SG_DRAIN("@KEY@", "@TITLE@");

/* Is no row left to do? 1 or 0. */
int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM @TABLE@ WHERE some_column IS NULL", SG_NOARGS);
}

/* At most batch->limit rows; those that somebody has locked are left for later. Returns how many were changed: 0 ends the drain. */
int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	char limit[24];

	snprintf(limit, sizeof limit, "%lld", (long long)batch->limit);
	return sg_dml(sg, "UPDATE @TABLE@ SET some_column = '' WHERE ctid = ANY (ARRAY("
	                  "SELECT ctid FROM @TABLE@ WHERE some_column IS NULL LIMIT $1 FOR UPDATE SKIP LOCKED))",
	              SG_ARGS(limit));
}
