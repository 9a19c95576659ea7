/* attempt.c - BEGIN, lease, ledger, fingerprint, run, fingerprint, probe,
 * journal, ledger, COMMIT: the protocol of one migration.
 *
 * Nothing of a failed attempt is used again: the caller drops the session, and
 * the process is dead when this returns. */
#include "config.h"
#include "core/run/attempt.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/executor.h"
#include "core/exec/trace.h"

#define GHOST_LOCK_MS 1000
#define COMMIT_LIMIT_MS 120000

int sg_attempt_begin(struct sg_run *run, const struct sg_step *step, const struct sg_lease *lease,
                     struct sg_session *session, struct sg_arena *arena, struct sg_begun *begun_r, struct sg_err *err)
{
	(void)run;
	for (int turn = 0;; turn++) {
		if (sg_session_open(session, err) != 0)
			return -1;
		if (sg_session_begin(session, step, lease, step->id, GHOST_LOCK_MS, arena, begun_r, err) == 0)
			break;
		/* The row's lock is a ghost of ours (or a taker's one statement): its
		 * transaction must end before we read. It counts nowhere. */
		if (err->class != SG_CLASS_LOCKED)
			return -1;
		sg_err_clear(err);
		sg_session_rollback(session);
		if (turn == 1)
			sg_log(SG_LOG_INFO, "ghost", step->id, 0,
			       "an earlier transaction of this run is still at work on the server: waiting for its end");
		if (!sg_stop_sleep(100))
			return sg_stop_err(err);
	}
	if (begun_r->lease_held)
		return 0;
	return sg_lease_lost_err(lease, err);
}

/* Taken while a COMMIT was uncertain: the taker has waited out our ghost, so
 * what the ledger says now is final. */
static int tell_fate(const struct sg_attempt *attempt, const struct sg_begun *begun, struct sg_err *err)
{
	if (!attempt->uncertain || err->class != SG_CLASS_LEASE)
		return -1;
	return sg_err_detail(err, "The answer to our COMMIT of this migration was lost; the ledger says that it is %s.",
	                     begun->recorded ? "recorded" : "not recorded");
}

static int record(struct sg_attempt *attempt, struct sg_executor *executor, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_record what = {
		.step = attempt->step,
		.outcome = attempt->outcome == SG_OUTCOME_RECONCILED ? SG_RECORDED_RECONCILED : SG_RECORDED_APPLIED,
		.title = attempt->title,
		.sha256 = attempt->sha256,
		.duration_ms = sg_clock_ms() - attempt->started_ms,
		.attempts = attempt->number,
		.journal = &executor->journal,
		.superseded = attempt->superseded,
		.superseded_count = attempt->superseded_count,
	};

	sg_executor_limit(executor, COMMIT_LIMIT_MS, "records and commits");
	if (sg_record_write(attempt->session, attempt->lease, &what, arena, err) != 0)
		return -1;
	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	if (sg_db_commit(attempt->session->db, err) != 0) {
		attempt->intended = attempt->outcome;
		return -1;
	}
	attempt->session->backend = 0;
	sg_trace_committed(attempt->run, attempt->step);
	return 0;
}

/* Between BEGIN and COMMIT. */
static int work(struct sg_attempt *attempt, struct sg_executor *executor, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_process *process;
	bool holds, spent;

	sg_trace_begun(attempt->run, attempt->step);
	if (sg_executor_fingerprint(executor, &holds, &spent, err) != 0)
		return -1;
	sg_trace_asked(attempt->run, attempt->step, holds);
	attempt->outcome = holds ? SG_OUTCOME_RECONCILED : SG_OUTCOME_APPLIED;
	if (!holds) {
		if (spent) {
			/* Its failed question was never answered: it waits for ever. */
			sg_process_kill(executor->process);
			executor->process = NULL;
			if (sg_plugins_take(attempt->plugins, attempt->slot, &executor->process, err) != 0)
				return -1;
		}
		if (sg_executor_run(executor, err) != 0)
			return -1;
		if (sg_executor_fingerprint(executor, &holds, &spent, err) != 0)
			return -1;
		sg_trace_asked(attempt->run, attempt->step, holds);
		if (!holds) {
			sg_err_set(err, SG_CLASS_VERIFY, "run said it is done, but the fingerprint does not hold");
			return sg_err_hint(err, "Make the fingerprint ask for what run does; the migration is rolled back.");
		}
	}
	attempt->existed = executor->existed;
	process = executor->process;
	executor->process = NULL;
	if (spent)
		sg_process_kill(process);
	else if (sg_process_finish(process, err) != 0)
		return -1;
	if (sg_executor_probe(executor, err) != 0)
		return -1;
	return record(attempt, executor, arena, err);
}

int sg_attempt_run(struct sg_attempt *attempt, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_executor executor;
	struct sg_begun begun = { 0 };
	int status = -1;

	sg_executor_init(&executor, attempt->run, attempt->step, attempt->session, NULL, attempt->watch,
	                 attempt->lock_ms, &arena);
	if (sg_session_open(attempt->session, err) != 0 ||
	    sg_plugins_take(attempt->plugins, attempt->slot, &executor.process, err) != 0)
		goto done;
	sg_executor_watch(&executor);
	if (sg_attempt_begin(attempt->run, attempt->step, attempt->lease, attempt->session, &arena, &begun, err) != 0) {
		tell_fate(attempt, &begun, err);
		goto done;
	}
	if (begun.recorded) {
		/* Ours, when the answer to a COMMIT was lost; else somebody else's. */
		attempt->outcome = attempt->uncertain ? attempt->intended : SG_OUTCOME_SKIPPED;
		sg_session_rollback(attempt->session);
		status = 0;
		goto done;
	}
	sg_executor_watch(&executor); /* the connection may be a new one, after a ghost */
	attempt->uncertain = false; /* the row's lock was ours, and the ledger has no record: rolled back */
	status = work(attempt, &executor, &arena, err);
done:
	if (status != 0 && err->statement == NULL && err->class == SG_CLASS_SQL && executor.last_sql != NULL)
		sg_err_detail(err, "%s%safter: %s", err->detail ? err->detail : "", err->detail ? "; " : "", executor.last_sql);
	sg_process_kill(executor.process);
	sg_session_unwatch(attempt->session);
	sg_arena_release(&arena);
	return status;
}
