/* backfill_110_call_log_outcome.c - what came of old calls, and how long they took.
 *
 * The outcome follows from the carrier's status, the duration from ended_at -
 * started_at. Either may be unknown, and then stays NULL: the carrier gave no status, or the
 * call has no end. Hence a WHERE that asks for what can be filled in, not for NULL
 * alone, or this would never be complete. A clock that was set back gives 0 and
 * not a negative duration; greatest() leaves NULLs out, so a call without end needs
 * the CASE, or it took 0 seconds.
 *
 * Repeatable: what is filled in is left as it is, whoever filled it in. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_110_call_log_outcome", "outcome and duration of old calls",
              "call_log", "id", SG_REPEATABLE);

#define LEFT_TO_DO "(outcome IS NULL AND status <> '' OR duration_seconds IS NULL AND ended_at IS NOT NULL)"

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM call_log WHERE " LEFT_TO_DO, SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE call_log SET"
	                  " outcome = coalesce(outcome, CASE status WHEN 'completed' THEN 'answered'"
	                  "  WHEN 'no-answer' THEN 'missed' ELSE nullif(status, '') END),"
	                  " duration_seconds = coalesce(duration_seconds, CASE WHEN ended_at IS NOT NULL"
	                  "  THEN greatest(0, extract(epoch FROM ended_at - started_at))::integer END)"
	                  " WHERE id BETWEEN $1 AND $2 AND " LEFT_TO_DO,
	              SG_ARGS(batch->first, batch->last));
}
