/* good_drain.c - deletes until nothing is left. */
#include <sgrun/plugin.h>

SG_DRAIN("good_drain", "empties a queue");

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM queue", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	(void)batch;
	return sg_dml(sg, "DELETE FROM queue WHERE id IN (SELECT id FROM queue LIMIT 100)", SG_NOARGS);
}
