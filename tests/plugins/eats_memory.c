/* eats_memory.c - run() that allocates without end. */
#include <sgrun/plugin.h>

#include <stdlib.h>

SG_MIGRATION("eats_memory", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "eats_memory");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE eats_memory ()");
	for (;;) {
		volatile char *volatile more = malloc((size_t)64 << 20);

		*more = 1;
	}
}
