/* good_ddl.c - a migration that issues as many statements as its option says. */
#include <sgrun/plugin.h>

#include <stdio.h>
#include <stdlib.h>

SG_MIGRATION("good_ddl", "some tables");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t1");
}

int run(sg_ctx *sg)
{
	const char *count = sg_option(sg, "count");
	int n = count == NULL ? 1 : atoi(count), i;

	for (i = 1; i <= n; i++) {
		char sql[64];

		snprintf(sql, sizeof sql, "CREATE TABLE t%d (id bigint)", i);
		sg_ddl(sg, sql);
		sg_progress(sg, i, n);
	}
	sg_log(sg, "made %d tables", n);
	return SG_OK;
}
