/* needs_libpq.c - brings its own libpq along. */
#include <sgrun/plugin.h>

SG_MIGRATION("needs_libpq", "a connection of its own");

void *PQconnectdb(const char *conninfo);

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	(void)sg;
	return PQconnectdb("") == NULL ? SG_FAILED : SG_OK;
}
