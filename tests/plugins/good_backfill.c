/* good_backfill.c - one UPDATE a batch, by a key of two columns. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("good_backfill", "fills a column", "leads", "id, name", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads WHERE name IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	if (batch->size != sizeof *batch || batch->nkeys != 2 || batch->number != 7 || batch->limit != 500)
		return -1;
	return sg_dml(sg, "UPDATE leads SET name = '' WHERE (id, name) BETWEEN ($1, $2) AND ($3, $4)",
	              SG_ARGS(batch->first, batch->firsts[1], batch->last, batch->lasts[1]));
}
