/* outside.c - the end of earlier ones' statements; fingerprint in a transaction;
 * the statement outside any; the fingerprint again, and the record, in a
 * transaction. */
#include "config.h"
#include "core/run/outside.h"

#include <inttypes.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/executor.h"
#include "core/exec/trace.h"
#include "core/state/schema.h"

#define GHOST_PAUSE_MS 500

/* Asks a new process; when the fingerprint holds, records and commits. */
static int ask_and_record(struct sg_attempt *attempt, enum sg_outcome outcome, const struct sg_journal *journal,
                          bool *recorded_r, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_executor executor;
	struct sg_begun begun = { 0 };
	bool holds = false, spent;
	int status = -1;

	*recorded_r = false;
	sg_executor_init(&executor, attempt->run, attempt->step, attempt->session, NULL, attempt->watch, attempt->lock_ms,
	                 &arena);
	if (sg_session_open(attempt->session, err) != 0 ||
	    sg_plugins_take(attempt->plugins, attempt->slot, &executor.process, err) != 0)
		goto done;
	sg_executor_watch(&executor);
	if (sg_attempt_begin(attempt->run, attempt->step, attempt->lease, attempt->session, &arena, &begun, err) != 0)
		goto done;
	sg_executor_watch(&executor); /* the connection may be a new one, after a ghost */
	if (begun.recorded) {
		attempt->outcome = attempt->uncertain ? outcome : SG_OUTCOME_SKIPPED;
		*recorded_r = true;
	} else if (sg_executor_fingerprint(&executor, &holds, &spent, err) != 0) {
		goto done;
	}
	if (!begun.recorded)
		sg_trace_asked(attempt->run, attempt->step, holds);
	if (!begun.recorded && holds) {
		struct sg_record what = {
			.step = attempt->step,
			.outcome = outcome == SG_OUTCOME_APPLIED ? SG_RECORDED_APPLIED : SG_RECORDED_RECONCILED,
			.title = attempt->title,
			.sha256 = attempt->sha256,
			.duration_ms = sg_clock_ms() - attempt->started_ms,
			.attempts = attempt->number,
			.journal = journal,
			.superseded = attempt->superseded,
			.superseded_count = attempt->superseded_count,
		};

		attempt->outcome = outcome;
		if (sg_executor_probe(&executor, err) != 0 ||
		    sg_record_write(attempt->session, attempt->lease, &what, &arena, err) != 0 ||
		    sg_db_commit(attempt->session->db, err) != 0)
			goto done;
		*recorded_r = true;
	}
	status = 0;
done:
	sg_process_kill(executor.process);
	sg_session_unwatch(attempt->session);
	if (status == 0 && (!*recorded_r || begun.recorded))
		sg_session_rollback(attempt->session); /* after a failure the caller does */
	sg_arena_release(&arena);
	return status;
}

/* A statement of ours that is still at work: an attempt's whose connection was
 * lost, or a dead runner's. */
static int wait_for_ghost(struct sg_attempt *attempt, struct sg_err *err)
{
	bool said = false;

	for (;;) {
		int ghosts = sg_watch_ghosts(attempt->watch, attempt->step->id, err);

		if (ghosts <= 0)
			return ghosts;
		if (!said)
			sg_log(SG_LOG_INFO, "ghost", attempt->step->id, 0,
			       "an earlier statement of this migration is still at work on the server: waiting for its end");
		said = true;
		if (sg_watch_sleep(attempt->watch, GHOST_PAUSE_MS, err) != 0)
			return -1;
	}
}

/* Ours, by what this session sees. From here on a taker sees our application_name,
 * and ends this session or waits for its end: no statement of a runner that has
 * lost its lease is sent. */
static int check_lease(struct sg_attempt *attempt, struct sg_session *own, struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_lease *lease = attempt->lease;
	struct sg_result *result;

	sg_buf_addf(&own->pending, "SELECT owner OPERATOR(pg_catalog.=) %s AND fence OPERATOR(pg_catalog.=) %" PRId64
	                           " FROM %s.lease WHERE owner IS NOT NULL",
	            sg_db_literal(arena, lease->owner), lease->fence, sg_db_identifier(arena, lease->state_schema));
	if (sg_session_flush_rows(own, arena, &result, err) == 0) {
		if (sg_result_rows(result) == 1 && sg_result_true(result, 0, 0))
			return 0;
		if (sg_result_rows(result) == 1)
			return sg_lease_lost_err(lease, err);
	} else if (sg_db_lost(own->db) || !sg_state_is_missing(err)) {
		sg_state_explain(err, "read", lease->state_schema);
		return -1;
	}
	sg_err_clear(err);
	sg_err_set(err, SG_CLASS_STATE, "direct_dsn leads to another database than dsn: our lease is not there");
	return sg_err_hint(err, "Let direct_dsn in [database] name the same server and database, past the pooler.");
}

/* Settings of a session that is ours alone, for its one statement. */
static int open_own_session(struct sg_attempt *attempt, struct sg_session *own, struct sg_arena *arena,
                            struct sg_err *err)
{
	const struct sg_manifest *manifest = attempt->run->manifest;
	struct sg_result *result;

	if (sg_session_open(own, err) != 0)
		return -1;
	if (sg_db_query(own->db, "SELECT pg_catalog.pg_backend_pid()", 0, NULL, arena, &result, err) != 0)
		return -1;
	if ((int)sg_result_int(result, 0, 0) != sg_db_pid(own->db)) {
		sg_err_set(err, SG_CLASS_REFUSED, "an SG_NO_TRANSACTION migration needs a session of its own, and a pooler is in between");
		return sg_err_hint(err, "Give [database] a direct_dsn that leads past the pooler.");
	}
	own->backend = sg_db_pid(own->db);
	sg_buf_addf(&own->pending,
	            "SET default_transaction_read_only = off;SET default_transaction_isolation = 'read committed';"
	            "SET search_path = %s, pg_temp;SET lock_timeout = %d;SET statement_timeout = %d;SET TimeZone = 'UTC';"
	            "SET client_connection_check_interval = 500;SET application_name = %s;",
	            sg_db_identifier(arena, manifest->schema), attempt->lock_ms, attempt->step->policy.ddl_seconds * 1000,
	            sg_db_literal(arena, sg_arena_printf(arena, "sgrun:%s", attempt->step->id)));
	if (check_lease(attempt, own, arena, err) != 0)
		return -1;
	if (manifest->role != NULL)
		sg_buf_addf(&own->pending, "SET ROLE %s;", sg_db_identifier(arena, manifest->role));
	return sg_session_flush(own, err);
}

static int send(struct sg_attempt *attempt, struct sg_journal *journal_r, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_executor executor;
	struct sg_session own;
	int status = -1;

	sg_session_init(&own, attempt->run, true);
	sg_executor_init(&executor, attempt->run, attempt->step, &own, NULL, attempt->watch, attempt->lock_ms, arena);
	executor.outside = true;
	if (open_own_session(attempt, &own, arena, err) == 0 &&
	    sg_plugins_take(attempt->plugins, attempt->slot, &executor.process, err) == 0) {
		struct sg_process *process;

		sg_executor_watch(&executor);
		status = sg_executor_run(&executor, err);
		process = executor.process;
		if (status == 0)
			status = sg_process_finish(process, err);
		else
			sg_process_kill(process);
		if (executor.sent_outside)
			attempt->uncertain = true;
		*journal_r = executor.journal;
	}
	sg_session_drop(&own);
	return status;
}

/* The statement failed for good, err says how; is what it was to do there all
 * the same? Then that is recorded: 0. Else -1 with the same err. */
static int look_after_failure(struct sg_attempt *attempt, struct sg_err *err)
{
	struct sg_err failure = SG_ERR_INIT;
	bool recorded = false;
	int status;

	if (err->class != SG_CLASS_SQL || !attempt->uncertain || sg_stop_count() > 0)
		return -1;
	sg_err_move(&failure, err);
	status = ask_and_record(attempt, SG_OUTCOME_RECONCILED, NULL, &recorded, err);
	if (status == 0 && recorded) {
		sg_log(SG_LOG_WARNING, "failed-but-there", attempt->step->id, attempt->number,
		       "%s, SQLSTATE %s; but the fingerprint holds now", failure.primary, failure.sqlstate);
	} else if (status == 0 || !sg_class_retries(err->class)) {
		sg_err_clear(err);
		sg_err_move(err, &failure);
		status = -1;
	}
	/* what may pass is tried again, and begins with the same question */
	sg_err_release(&failure);
	return status;
}

int sg_outside_run(struct sg_attempt *attempt, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_journal journal = { NULL, 0, 0 };
	bool recorded;
	int status;

	/* First the ghost's end, then the question: what a ghost still does, the
	 * fingerprint cannot see. */
	if (wait_for_ghost(attempt, err) != 0)
		return -1;
	sg_trace_begun(attempt->run, attempt->step);
	status = ask_and_record(attempt, attempt->uncertain ? SG_OUTCOME_APPLIED : SG_OUTCOME_RECONCILED, NULL, &recorded, err);
	if (status == 0 && !recorded) {
		if (send(attempt, &journal, &arena, err) != 0) {
			status = look_after_failure(attempt, err);
		} else {
			status = ask_and_record(attempt, SG_OUTCOME_APPLIED, &journal, &recorded, err);
			if (status == 0 && !recorded) {
				sg_err_set(err, SG_CLASS_VERIFY, "run said it is done, but the fingerprint does not hold");
				sg_err_hint(err, "What run did outside a transaction stays; look at it, and mend the fingerprint or the database.");
				status = -1;
			}
		}
	}
	sg_arena_release(&arena);
	return status;
}
