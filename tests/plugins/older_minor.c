/* older_minor.c - a backfill that keeps to ABI 1.0: it asks sg_exists by sg_query. */
#define SG_USE_ABI_MINOR 0
#include <sgrun/plugin.h>

SG_BACKFILL("older_minor", "from the past", "leads", "id");

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads WHERE name IS NULL AND id > $1", SG_ARGS("0"));
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE leads SET name = 'x' WHERE id BETWEEN $1 AND $2 AND name IS NULL",
	              SG_ARGS(batch->first, batch->last));
}
