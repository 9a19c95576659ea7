/* oversleeps.c - run() that sleeps past its deadline. */
#include <sgrun/plugin.h>

#include <unistd.h>

SG_MIGRATION("oversleeps", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "oversleeps");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE oversleeps ()");
	sleep(60);
	return SG_OK;
}
