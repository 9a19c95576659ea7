/* newer_minor.c - uses a function that came with ABI 1.7. */
#define SG_USE_ABI_MINOR 7
#include <sgrun/plugin.h>

SG_MIGRATION("newer_minor", "from the future");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
