/* ok_after_fail.c - run() that fails and says that all is well. */
#include <sgrun/plugin.h>

SG_MIGRATION("ok_after_fail", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "ok_after_fail");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE ok_after_fail ()");
	sg_fail(sg, "the table %s is not what it should be", "odd");
	return SG_OK;
}
