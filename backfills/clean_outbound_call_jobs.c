/* clean_outbound_call_jobs.c - jobs that stand in the way of unique_run_lead (0113).
 *
 * Jobs whose campaign or lead is gone, and all but the first of those that call a
 * lead twice in a campaign. 0113 says `requires = backfill:clean_outbound_call_jobs`
 * in the manifest: it waits until this is complete, and so do the migrations after it. A
 * duplicate that comes between the two makes 0113 fail, changing nothing; then
 * `backfill --again clean_outbound_call_jobs`.
 *
 * There is an index on run_id, and a campaign has few jobs, so here an EXISTS that
 * looks for a lower id costs a short lookup a row (compare the dedupe_… ones).
 * Repeatable: a row that is gone is left out by itself. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("clean_outbound_call_jobs", "calls without campaign or lead, and those planned twice",
              "outbound_call_jobs", "id", SG_REPEATABLE);

#define NO_RUN "NOT EXISTS (SELECT 1 FROM outbound_call_runs r WHERE r.id = j.run_id)"
#define NO_LEAD "NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = j.lead_id)"

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM outbound_call_jobs j WHERE " NO_RUN, SG_NOARGS)
		&& !sg_exists(sg, "SELECT 1 FROM outbound_call_jobs j WHERE " NO_LEAD, SG_NOARGS)
		&& !sg_exists(sg, "SELECT 1 FROM outbound_call_jobs GROUP BY run_id, lead_id HAVING count(*) > 1", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	int64_t gone;

	/* a question a statement: the server answers each by a join, and an OR of them row by row */
	gone = sg_dml(sg, "DELETE FROM outbound_call_jobs j WHERE j.id BETWEEN $1 AND $2 AND " NO_RUN,
	              SG_ARGS(batch->first, batch->last));
	gone += sg_dml(sg, "DELETE FROM outbound_call_jobs j WHERE j.id BETWEEN $1 AND $2 AND " NO_LEAD,
	               SG_ARGS(batch->first, batch->last));
	gone += sg_dml(sg, "DELETE FROM outbound_call_jobs j WHERE j.id BETWEEN $1 AND $2"
	                   " AND EXISTS (SELECT 1 FROM outbound_call_jobs o"
	                   "  WHERE o.run_id = j.run_id AND o.lead_id = j.lead_id AND o.id < j.id)",
	               SG_ARGS(batch->first, batch->last));
	return gone;
}
