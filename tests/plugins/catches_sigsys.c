/* catches_sigsys.c - run() that takes over the handler of SIGSYS. */
#include <sgrun/plugin.h>

#include <signal.h>

SG_MIGRATION("catches_sigsys", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "catches_sigsys");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE catches_sigsys ()");
	signal(SIGSYS, SIG_IGN);
	return SG_OK;
}
