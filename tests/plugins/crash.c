/* crash.c - run() that dies of a wild pointer. */
#include <sgrun/plugin.h>

SG_MIGRATION("crash", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "crash");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE crash ()");
	{
		volatile int *volatile nowhere = NULL;

		*nowhere = 1;
	}
	return SG_OK;
}
