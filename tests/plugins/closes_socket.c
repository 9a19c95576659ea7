/* closes_socket.c - run() that closes its socket and goes on. */
#include <sgrun/plugin.h>

#include <unistd.h>

SG_MIGRATION("closes_socket", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "closes_socket");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE closes_socket ()");
	close(0);
	sleep(60);
	return SG_OK;
}
