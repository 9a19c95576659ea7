/* extra_entry.c - wants to be a migration and a backfill at once. */
#include <sgrun/plugin.h>

SG_MIGRATION("extra_entry", "two things in one");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "DELETE FROM t WHERE id <= $1", SG_ARGS(batch->last));
}
