/* says_no.c - run() that fails in the ordinary way. */
#include <sgrun/plugin.h>

SG_MIGRATION("says_no", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "says_no");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE says_no ()");
	return sg_fail(sg, "found %d rows too many", 7);
}
