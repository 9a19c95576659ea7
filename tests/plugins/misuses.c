/* misuses.c - run() that passes NULL for a statement. */
#include <sgrun/plugin.h>

SG_MIGRATION("misuses", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "misuses");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE misuses ()");
	return sg_ddl(sg, NULL);
}
