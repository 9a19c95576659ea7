/* wrong_magic.c - an sg_plugin() that is another program's. */
#include <sgrun/plugin.h>

const sg_plugin_info *sg_plugin(void)
{
	static const sg_plugin_info info = {
		(uint32_t)sizeof(sg_plugin_info), 0x12345678, SG_ABI_MAJOR, SG_ABI_MINOR, SG_KIND_MIGRATION, 0, 0,
		"wrong_magic", "", NULL, NULL,
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
