/* ctor_loop.c - a constructor that never ends. */
#include <sgrun/plugin.h>



SG_MIGRATION("ctor_loop", "a constructor");

__attribute__((constructor)) static void at_load(void)
{
	for (volatile unsigned long i = 0;; i++)
		;
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
