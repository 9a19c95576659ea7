/* ctor_write.c - a constructor that makes a file. */
#include <sgrun/plugin.h>

#include <fcntl.h>

SG_MIGRATION("ctor_write", "a constructor");

__attribute__((constructor)) static void at_load(void)
{
	(void)!open("/tmp/sgrun-zoo-was-here", O_WRONLY | O_CREAT, 0600);
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
