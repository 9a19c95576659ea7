/* forges_done.c - run() that says by itself that it is done, and then goes on. */
#include <sgrun/plugin.h>

#include <unistd.h>

SG_MIGRATION("forges_done", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "forges_done");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE forges_done ()");
	/* payload of 12 bytes, type 28, number 3: status 0, no text */
	(void)!write(0, "\x0c\0\0\0" "\x1c\0\0\0" "\x03\0\0\0" "\0\0\0\0\0\0\0\0" "\xff\xff\xff\xff", 24);
	return SG_OK;
}
