/* ctor_read.c - a constructor that reads what it should not, and says what came of it. */
#include <sgrun/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

SG_MIGRATION("ctor_read", "a constructor");

__attribute__((constructor)) static void at_load(void)
{
	int passwd = open("/etc/passwd", O_RDONLY), parent = open("/proc/self/environ", O_RDONLY);

	printf("passwd: %s, environ: %s\n", passwd < 0 ? strerror(errno) : "open", parent < 0 ? strerror(errno) : "open");
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
