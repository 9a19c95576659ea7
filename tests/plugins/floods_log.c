/* floods_log.c - run() that logs without end. */
#include <sgrun/plugin.h>

SG_MIGRATION("floods_log", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "floods_log");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE floods_log ()");
	for (;;)
		sg_log(sg, "again and again");
}
