/* reads_pgpass.c - run() that looks for passwords. */
#include <sgrun/plugin.h>

#include <stdio.h>

SG_MIGRATION("reads_pgpass", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "reads_pgpass");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE reads_pgpass ()");
	return fopen("/root/.pgpass", "r") == NULL ? SG_FAILED : SG_OK;
}
