/* kills_parent.c - run() that kills the host. */
#include <sgrun/plugin.h>

#include <signal.h>
#include <unistd.h>

SG_MIGRATION("kills_parent", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "kills_parent");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE kills_parent ()");
	kill(getppid(), SIGKILL);
	return SG_OK;
}
