/* backfill_90_receipts_source.c - receipts that a synchronisation brought say so.
 *
 * 0090 made all of them 'manual', which is the truth for most. Whoever has the
 * provider's id in external_id came from the provider; '' is what the form sent. By
 * which run nobody wrote down, so sync_run_id stays NULL.
 *
 * Repeatable: what is 'sync' is left out. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_90_receipts_source", "where old receipts came from",
              "receipts", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM receipts WHERE source = 'manual' AND external_id <> ''", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE receipts SET source = 'sync'"
	                  " WHERE id BETWEEN $1 AND $2 AND source = 'manual' AND external_id <> ''",
	              SG_ARGS(batch->first, batch->last));
}
