/* no_info.c - forgot SG_MIGRATION: there is no sg_plugin. */
#include <sgrun/plugin.h>

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
