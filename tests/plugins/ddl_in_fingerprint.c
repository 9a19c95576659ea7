/* ddl_in_fingerprint.c - fingerprint() that changes the schema. */
#include <sgrun/plugin.h>

SG_MIGRATION("ddl_in_fingerprint", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE ddl_in_fingerprint ()");
	return 1;
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE ddl_in_fingerprint ()");
}
