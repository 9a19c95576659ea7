/* newer_major.c - built for the ABI after this one. */
#include <sgrun/plugin.h>

const sg_plugin_info *sg_plugin(void)
{
	static const sg_plugin_info info = {
		(uint32_t)sizeof(sg_plugin_info), SG_PLUGIN_MAGIC, SG_ABI_MAJOR + 1, 0, SG_KIND_MIGRATION, 0, 0,
		"newer_major", "", NULL, NULL,
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
