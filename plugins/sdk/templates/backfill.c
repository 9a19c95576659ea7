/* @KEY@.c - @TITLE@
 *
 * A backfill moves data in batches while the application works. The runner hands out ranges of the key, remembers the position in
 * the batch's own transaction, and defers rows that are locked. sgrun-plugin(3) is the manual. */
#include <sgrun/plugin.h>

/* SG_REPEATABLE: the WHERE below leaves out rows that are done, so a row may be given again. */
SG_BACKFILL_X("@KEY@", "@TITLE@", "@BARE@", "@COLUMNS@", SG_REPEATABLE);

/* Is no row left to do? 1 or 0. */
int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM @TABLE@ WHERE some_column IS NULL", SG_NOARGS);
}

/* The rows from batch->first to batch->last, both included. Returns how many were changed. */
int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE @TABLE@ SET some_column = '' WHERE @RANGE@ AND some_column IS NULL",
	              SG_ARGS(@ARGS@));
}
