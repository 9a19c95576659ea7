/* wrong_kind.c - of a kind that does not exist. */
#include <sgrun/plugin.h>

const sg_plugin_info *sg_plugin(void)
{
	static const sg_plugin_info info = {
		(uint32_t)sizeof(sg_plugin_info), SG_PLUGIN_MAGIC, SG_ABI_MAJOR, SG_ABI_MINOR, 77, 0, 0, "wrong_kind", "",
		NULL, NULL,
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
