/* too_small.c - an sg_plugin() that gives half of what it should. */
#include <sgrun/plugin.h>

const sg_plugin_info *sg_plugin(void)
{
	static const sg_plugin_info info = {
		8, SG_PLUGIN_MAGIC, SG_ABI_MAJOR, SG_ABI_MINOR, SG_KIND_MIGRATION, 0, 0, "too_small", "", NULL, NULL,
	};
	return &info;
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
