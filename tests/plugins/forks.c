/* forks.c - run() that forks. */
#include <sgrun/plugin.h>

#include <unistd.h>

SG_MIGRATION("forks", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "forks");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE forks ()");
	return fork() < 0 ? SG_FAILED : SG_OK;
}
