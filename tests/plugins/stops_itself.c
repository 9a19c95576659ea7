/* stops_itself.c - run() that stops its own process. */
#include <sgrun/plugin.h>

#include <signal.h>

SG_MIGRATION("stops_itself", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "stops_itself");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE stops_itself ()");
	raise(SIGSTOP);
	return SG_OK;
}
