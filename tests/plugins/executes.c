/* executes.c - run() that runs a program. */
#include <sgrun/plugin.h>

#include <unistd.h>

SG_MIGRATION("executes", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "executes");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE executes ()");
	execl("/bin/true", "true", (char *)NULL);
	return SG_OK;
}
