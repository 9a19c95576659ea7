/* floods_output.c - run() that prints without end. */
#include <sgrun/plugin.h>

#include <stdio.h>

SG_MIGRATION("floods_output", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "floods_output");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE floods_output ()");
	for (;;)
		puts("again and again");
}
