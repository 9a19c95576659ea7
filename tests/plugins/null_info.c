/* null_info.c - an sg_plugin() that returns nothing. */
#include <sgrun/plugin.h>

const sg_plugin_info *sg_plugin(void)
{
	return NULL;
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
