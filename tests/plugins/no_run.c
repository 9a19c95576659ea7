/* no_run.c - a migration whose run is static. */
#define run not_exported
#include <sgrun/plugin.h>

SG_MIGRATION("no_run", "nothing to run");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}
