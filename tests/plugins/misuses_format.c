/* misuses_format.c - run() with a directive that sg_ddlf does not have. */
#include <sgrun/plugin.h>

SG_MIGRATION("misuses_format", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "misuses_format");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE misuses_format ()");
	return sg_ddlf(sg, "ALTER TABLE %I ADD COLUMN n integer DEFAULT %d", "t", 1);
}
