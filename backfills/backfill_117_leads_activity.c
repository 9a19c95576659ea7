/* backfill_117_leads_activity.c - when something last happened with an old lead.
 *
 * The latest of its messages, its calls, its appointments (when they were made: one
 * that lies ahead has not happened), and of its own entry, which is there always: so a
 * NULL is a lead that is left to do, and nothing else. greatest() leaves NULLs out.
 *
 * Each of the three tables has an index on lead_id, so this costs three lookups a
 * lead. It only reads them; what is written is leads alone. Those of them that came
 * twice are to be gone before, so the manifest has it wait for the two dedupe_….
 *
 * Repeatable: the application writes the column, too, and whoever was first stays. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_117_leads_activity", "last activity of old leads", "leads", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads WHERE last_activity_at IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE leads l SET last_activity_at = greatest(l.created_at AT TIME ZONE 'UTC',"
	                  " (SELECT max(m.created_at) FROM messages m WHERE m.lead_id = l.id),"
	                  " (SELECT max(c.started_at) FROM call_log c WHERE c.lead_id = l.id),"
	                  " (SELECT max(a.created_at) AT TIME ZONE 'UTC' FROM appointments a WHERE a.lead_id = l.id))"
	                  " WHERE l.id BETWEEN $1 AND $2 AND l.last_activity_at IS NULL",
	              SG_ARGS(batch->first, batch->last));
}
