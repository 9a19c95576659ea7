/* ctor_socket.c - a constructor that opens a socket. */
#include <sgrun/plugin.h>

#include <sys/socket.h>

SG_MIGRATION("ctor_socket", "a constructor");

__attribute__((constructor)) static void at_load(void)
{
	(void)!socket(AF_INET, SOCK_STREAM, 0);
}

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "CREATE TABLE t ()");
}
