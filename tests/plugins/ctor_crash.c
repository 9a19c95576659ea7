/* ctor_crash.c - a constructor that crashes. */
#include <sgrun/plugin.h>

#include <stdlib.h>

SG_MIGRATION("ctor_crash", "a constructor");

__attribute__((constructor)) static void at_load(void)
{
	abort();
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
