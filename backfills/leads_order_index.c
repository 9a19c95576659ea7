/* leads_order_index.c - each lead gets its own place on the board (0011).
 *
 * The column began as 0 for everyone. The application sorts by (order_index, id),
 * so a board looks the same before this, during it and after it.
 *
 * Repeatable: 0 is what marks a row that is left to do, and no lead has the id 0,
 * so no row is done twice, and what an old release inserts meanwhile is found by
 * another sweep. A lead that somebody has moved has another number, and keeps it. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("leads_order_index", "each lead's place on the board", "leads", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads WHERE order_index = 0", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE leads SET order_index = id WHERE id BETWEEN $1 AND $2 AND order_index = 0",
	              SG_ARGS(batch->first, batch->last));
}
