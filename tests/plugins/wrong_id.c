/* wrong_id.c - was copied from another plugin, its id with it. */
#include <sgrun/plugin.h>

SG_MIGRATION("some_other_id", "copied");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
