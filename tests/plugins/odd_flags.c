/* odd_flags.c - a migration with the flag of a backfill. */
#include <sgrun/plugin.h>

const sg_plugin_info *sg_plugin(void)
{
	static const sg_plugin_info info = {
		(uint32_t)sizeof(sg_plugin_info), SG_PLUGIN_MAGIC, SG_ABI_MAJOR, SG_ABI_MINOR, SG_KIND_MIGRATION,
		SG_REPEATABLE, 0, "odd_flags", "", NULL, NULL,
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
