/* backfill_71_notes.c - what leads.notes says becomes a row of notes.
 *
 * It walks leads and writes notes, so the manifest says `also_writes = notes`;
 * without that line the first batch is rolled back, and the line to add is said.
 * Ids below zero are the copies: -id of the lead, which the identity never gives. So
 * both questions, "copied already?" here and in the fingerprint, go through the primary
 * key; an index on lead_id is not there yet.
 *
 * Not repeatable, though ON CONFLICT leaves out what is there: a copy that somebody
 * deletes meanwhile would come back with a second sweep. Each lead is given to a batch
 * exactly once, so it does not. If leads are left at the end (an old release
 * still wrote to the field), that is `residual`, with their number, and a person
 * says `backfill --again` or does not. */
#include <sgrun/plugin.h>

SG_BACKFILL("migration_71_notes", "old notes of leads as rows", "leads", "id");

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads l WHERE btrim(l.notes) <> ''"
	                      " AND NOT EXISTS (SELECT 1 FROM notes n WHERE n.id = -l.id)", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	/* timestamps without a time zone are UTC in this database */
	return sg_dml(sg, "INSERT INTO notes (id, business_id, lead_id, body, created_at)"
	                  " SELECT -l.id, l.business_id, l.id, l.notes, l.updated_at AT TIME ZONE 'UTC'"
	                  " FROM leads l WHERE l.id BETWEEN $1 AND $2 AND btrim(l.notes) <> ''"
	                  " ON CONFLICT (id) DO NOTHING",
	              SG_ARGS(batch->first, batch->last));
}
