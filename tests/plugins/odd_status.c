/* odd_status.c - run() that returns a status that does not exist. */
#include <sgrun/plugin.h>

SG_MIGRATION("odd_status", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "odd_status");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE odd_status ()");
	return 42;
}
