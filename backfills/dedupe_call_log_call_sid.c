/* dedupe_call_log_call_sid.c - one row a call that its carrier reported twice.
 *
 * The lowest id stays; NULL and '' are no ids. How it looks for the other one without an
 * index on call_sid, and why its batches are large, is said in
 * dedupe_messages_provider_msg_id.c. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("dedupe_call_log_call_sid", "calls that were reported twice", "call_log", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM call_log WHERE call_sid <> '' GROUP BY call_sid HAVING count(*) > 1", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "DELETE FROM call_log c USING"
	                  " (SELECT o.call_sid, min(o.id) AS keep FROM call_log o"
	                  "   WHERE o.id <= $2 AND o.call_sid IN (SELECT i.call_sid FROM call_log i"
	                  "    WHERE i.id BETWEEN $1 AND $2 AND i.call_sid <> '')"
	                  "   GROUP BY o.call_sid) d"
	                  " WHERE c.id BETWEEN $1 AND $2 AND c.call_sid = d.call_sid AND c.id > d.keep",
	              SG_ARGS(batch->first, batch->last));
}
