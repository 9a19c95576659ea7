/* borrowed_entry.c - has no run() of its own, but links a library that has one. */
#include <sgrun/plugin.h>

SG_MIGRATION("borrowed_entry", "whose run is it");

int lend(void);

int fingerprint(sg_ctx *sg)
{
	return lend() && sg_table_exists(sg, "t");
}
