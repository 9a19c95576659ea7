/* lender.c - a library that has a run() by chance; borrowed_entry links it. */
#include <sgrun/plugin.h>

SG_EXPORT int lend(void);

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "DROP TABLE everything");
}

int lend(void)
{
	return 1;
}
