/* too_big.c - run() with a statement of two MiB. */
#include <sgrun/plugin.h>

#include <stdlib.h>
#include <string.h>

SG_MIGRATION("too_big", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "too_big");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE too_big ()");
	{
		size_t size = (size_t)2 << 20;
		char *sql = malloc(size + 1);

		memset(sql, ' ', size);
		sql[size] = '\0';
		return sg_ddl(sg, sql);
	}
}
