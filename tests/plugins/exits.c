/* exits.c - run() that calls exit(0). */
#include <sgrun/plugin.h>

#include <stdlib.h>

SG_MIGRATION("exits", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "exits");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE exits ()");
	exit(0);
}
