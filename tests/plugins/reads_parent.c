/* reads_parent.c - run() that reads the environment of the host. */
#include <sgrun/plugin.h>

#include <stdio.h>
#include <unistd.h>

SG_MIGRATION("reads_parent", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "reads_parent");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE reads_parent ()");
	{
		char path[64];

		snprintf(path, sizeof path, "/proc/%ld/environ", (long)getppid());
		return fopen(path, "r") == NULL ? SG_FAILED : SG_OK;
	}
}
