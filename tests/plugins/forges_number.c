/* forges_number.c - run() that guesses the wrong number for a forged "done". */
#include <sgrun/plugin.h>

#include <unistd.h>

SG_MIGRATION("forges_number", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "forges_number");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE forges_number ()");
	(void)!write(0, "\x0c\0\0\0" "\x1c\0\0\0" "\x63\0\0\0" "\0\0\0\0\0\0\0\0" "\xff\xff\xff\xff", 24);
	return SG_OK;
}
