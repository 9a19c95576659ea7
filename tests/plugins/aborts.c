/* aborts.c - run() that calls abort(), with a last word. */
#include <sgrun/plugin.h>

#include <stdio.h>
#include <stdlib.h>

SG_MIGRATION("aborts", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "aborts");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE aborts ()");
	fputs("this cannot be\n", stderr);
	abort();
}
