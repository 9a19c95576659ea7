/* garbage.c - run() that writes garbage to the socket. */
#include <sgrun/plugin.h>

#include <string.h>
#include <unistd.h>

SG_MIGRATION("garbage", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "garbage");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE garbage ()");
	{
		char bytes[256];

		memset(bytes, 0xA5, sizeof bytes);
		(void)!write(0, bytes, sizeof bytes);
	}
	return SG_OK;
}
