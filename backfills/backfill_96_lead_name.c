/* backfill_96_lead_name.c - leads.name from first_name and last_name.
 *
 * Either may be NULL, '' or blank. concat_ws leaves NULLs out and is never NULL
 * itself: with || one missing name would have made the whole NULL, and NULL is what
 * marks a lead as left to do, so the loop would have met it for ever. A lead without
 * any name gets '', which says "looked at, has none". 100 + 1 + 100 characters fit
 * into the 255 without a cut.
 *
 * Our old loop took 200 rows at a time, `WHERE name IS NULL LIMIT 200`, and read all
 * that was done already to find them: it grew slower with each batch. Here a batch
 * is a part of the key, and its size is measured (batch_size = auto); `batch_size =
 * 200` in the manifest would bring the old number back. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_96_lead_name", "leads.name from first and last name", "leads", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads WHERE name IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE leads SET name = concat_ws(' ', nullif(btrim(first_name), ''), nullif(btrim(last_name), ''))"
	                  " WHERE id BETWEEN $1 AND $2 AND name IS NULL",
	              SG_ARGS(batch->first, batch->last));
}
