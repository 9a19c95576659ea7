/* session.c - connections and the constant prologue of every transaction. */
#include "config.h"
#include "core/exec/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"

#define LIMIT_MS 60000 /* for a statement of ours */
#define PENDING_LIMIT ((size_t)512 << 20) /* the server takes 1 GB */
#define CANCEL_MS 1000 /* from a cancel request to its answer */

void sg_session_init(struct sg_session *session, struct sg_run *run, bool direct)
{
	memset(session, 0, sizeof *session);
	session->run = run;
	session->direct = direct;
	sg_buf_init(&session->pending, PENDING_LIMIT);
}

void sg_session_drop(struct sg_session *session)
{
	sg_db_close(session->db);
	session->db = NULL;
	session->backend = 0;
	session->begun = false;
	sg_buf_release(&session->pending);
}

enum sg_wait sg_session_stopping(void)
{
	static int64_t since_ms;

	if (sg_stop_count() < 2)
		return SG_WAIT_ON;
	if (since_ms == 0)
		since_ms = sg_clock_ms();
	return sg_clock_ms() - since_ms < CANCEL_MS ? SG_WAIT_CANCEL : SG_WAIT_ABANDON;
}

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	(void)context;
	return elapsed_ms > LIMIT_MS ? SG_WAIT_ABANDON : sg_session_stopping();
}

void sg_session_unwatch(struct sg_session *session)
{
	if (session->db != NULL && !sg_db_lost(session->db))
		sg_db_on_wait(session->db, on_wait, NULL);
}

int sg_session_open(struct sg_session *session, struct sg_err *err)
{
	const struct sg_run *run = session->run;
	int64_t connect_ms = (int64_t)run->manifest->connect_seconds * 1000;

	if (session->db != NULL && !sg_db_lost(session->db))
		return 0;
	sg_session_drop(session);
	if (session->connect_ms > 0 && session->connect_ms < connect_ms)
		connect_ms = session->connect_ms;
	if (sg_db_open(&session->db, session->direct ? &run->direct : &run->dsn, "sgrun",
	               sg_clock_ms() + connect_ms, err) != 0)
		return -1;
	sg_session_unwatch(session);
	return 0;
}

/* The values that make results and meaning the same on every server and role. */
static void add_guards(struct sg_buf *sql, const struct sg_manifest *manifest, const struct sg_step *step, int lock_ms,
                       int statement_ms, struct sg_arena *arena)
{
	int idle = step != NULL ? step->policy.idle_seconds : manifest->policy.idle_seconds;

	if (step != NULL)
		sg_buf_addf(sql, "SET LOCAL application_name = %s;",
		            sg_db_literal(arena, sg_arena_printf(arena, "sgrun:%s", step->id)));

	sg_buf_addf(sql,
	            "SET LOCAL search_path = %s, pg_temp;SET LOCAL lock_timeout = %d;SET LOCAL statement_timeout = %d;"
	            "SET LOCAL idle_in_transaction_session_timeout = %d;SET LOCAL row_security = off;"
	            "SET LOCAL DateStyle = 'ISO';SET LOCAL IntervalStyle = 'postgres';SET LOCAL TimeZone = 'UTC';"
	            "SET LOCAL extra_float_digits = 1;SET LOCAL bytea_output = 'hex';"
	            "SET LOCAL client_connection_check_interval = 500;",
	            sg_db_identifier(arena, manifest->schema), lock_ms, statement_ms, idle * 1000);
}

void sg_session_guards(struct sg_session *session, const struct sg_step *step, int lock_ms, int statement_seconds,
                       struct sg_arena *arena)
{
	add_guards(&session->pending, session->run->manifest, step, lock_ms, statement_seconds * 1000, arena);
}

static void say_pooler(struct sg_session *session)
{
	struct sg_run *run = session->run;

	if (session->direct && run->has_direct)
		return;
	if (!run->pooler_known && session->backend != sg_db_pid(session->db)) {
		run->pooler = true;
		sg_log(SG_LOG_INFO, "pooler", NULL, 0,
		       "a connection pooler is in between: no session state is used%s",
		       run->has_direct ? "; what needs a session goes by direct_dsn" : "");
	}
	run->pooler_known = true;
}

#define RUNGS_QUESTION ", (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout')"

/* A running autovacuum makes way for who has waited for deadlock_timeout, and
 * for nobody else (storage/lmgr/proc.c, ProcSleep). */
static void say_rungs(struct sg_run *run, const struct sg_step *step, const char *deadlock_ms)
{
	const struct sg_policy_settings *policy = step != NULL ? &step->policy : &run->manifest->policy;
	long ms = deadlock_ms != NULL ? strtol(deadlock_ms, NULL, 10) : 0;

	for (size_t i = 0; i < policy->lock_rungs; i++)
		if (policy->lock_rungs_ms[i] > ms)
			return;
	sg_log(SG_LOG_WARNING, "rungs", NULL, 0,
	       "no rung of lock_rungs_ms is longer than the server's deadlock_timeout (%ld ms): a running autovacuum will not make way",
	       ms);
}

int sg_session_begin(struct sg_session *session, const struct sg_step *step, const struct sg_lease *lease,
                     const char *id, int lock_ms, struct sg_arena *arena, struct sg_begun *begun_r, struct sg_err *err)
{
	const struct sg_manifest *manifest = session->run->manifest;
	const char *schema = sg_db_identifier(arena, manifest->state_schema);
	struct sg_buf *sql = &session->pending;
	bool first = lease != NULL && !session->run->rungs_known;
	struct sg_result *result;

	memset(begun_r, 0, sizeof *begun_r);
	session->begun = true;
	sg_buf_clear(sql);
	sg_buf_adds(sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
	add_guards(sql, manifest, step, lock_ms, (step ? step->policy.read_seconds : manifest->policy.read_seconds) * 1000,
	           arena);
	if (lease != NULL) {
		/* The lock first and, in a statement of its own, what it protects:
		 * a ghost that still holds the row is waited out before we read. */
		sg_buf_addf(sql,
		            "SELECT 1 FROM %s.lease WHERE name = 'migrate' AND owner = %s AND fence = %" PRId64
		            " FOR NO KEY UPDATE;",
		            schema, sg_db_literal(arena, lease->owner), lease->fence);
		sg_buf_addf(sql,
		            "SELECT pg_catalog.pg_backend_pid(), EXISTS (SELECT FROM %s.lease WHERE name = 'migrate' AND owner = %s"
		            " AND fence = %" PRId64 "), s.outcome, s.runner, " SG_SURE_COMMIT "%s FROM (SELECT 1) one LEFT JOIN %s.schema_migrations s"
		            " ON s.id = %s",
		            schema, sg_db_literal(arena, lease->owner), lease->fence, first ? RUNGS_QUESTION : "",
		            schema, id ? sg_db_literal(arena, id) : "NULL");
	} else {
		sg_buf_adds(sql, "SELECT pg_catalog.pg_backend_pid(), false, NULL, NULL, " SG_SURE_COMMIT);
	}
	if (sg_session_flush_rows(session, arena, &result, err) != 0)
		return -1;
	session->backend = (int)sg_result_int(result, 0, 0);
	say_pooler(session);
	if (first)
		say_rungs(session->run, step, sg_result_value(result, 0, 5));
	session->run->rungs_known |= first;
	begun_r->lease_held = sg_result_true(result, 0, 1);
	begun_r->recorded = sg_result_value(result, 0, 2) != NULL;
	begun_r->runner = sg_result_value(result, 0, 3);
	for (int k = SG_RECORDED_APPLIED; begun_r->recorded && k <= SG_RECORDED_SUPERSEDED; k++)
		if (strcmp(sg_recorded_name((enum sg_recorded)k), sg_result_value(result, 0, 2)) == 0)
			begun_r->outcome = (enum sg_recorded)k;
	return 0;
}

int sg_session_begin_look(struct sg_session *session, struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_policy_settings *policy = &session->run->manifest->policy;
	struct sg_buf *sql = &session->pending;
	struct sg_result *result;

	session->begun = true;
	sg_buf_clear(sql);
	sg_buf_adds(sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;");
	add_guards(sql, session->run->manifest, NULL, 1000, policy->read_seconds * 1000, arena);
	sg_buf_adds(sql, "SELECT pg_catalog.pg_backend_pid()");
	if (sg_session_flush_rows(session, arena, &result, err) != 0)
		return -1;
	session->backend = (int)sg_result_int(result, 0, 0);
	say_pooler(session);
	return 0;
}

void sg_session_role(struct sg_session *session, bool on, struct sg_arena *arena)
{
	const char *role = session->run->manifest->role;

	if (role != NULL)
		sg_buf_addf(&session->pending, "SET LOCAL ROLE %s;", on ? sg_db_identifier(arena, role) : "NONE");
}

int sg_session_begin_batch(struct sg_session *session, const struct sg_step *step, const char *question,
                           struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err)
{
	struct sg_buf *sql = &session->pending;

	session->begun = true;
	sg_buf_clear(sql);
	sg_buf_adds(sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
	add_guards(sql, session->run->manifest, step, step->backfill.lock_ms, step->backfill.statement_seconds * 1000, arena);
	/* jit: what it compiles for a large batch costs more than the batch */
	sg_buf_addf(sql,
	            "SET LOCAL jit = off;SELECT pg_catalog.pg_backend_pid(), " SG_SURE_COMMIT ", q.*"
	            " FROM (SELECT 1) one LEFT JOIN LATERAL (%s) q ON true",
	            question);
	if (sg_session_flush_rows(session, arena, result_r, err) != 0)
		return -1;
	session->backend = (int)sg_result_int(*result_r, 0, 0);
	say_pooler(session);
	return 0;
}

void sg_session_rollback(struct sg_session *session)
{
	sg_buf_clear(&session->pending);
	if (session->begun && session->db != NULL && !sg_db_lost(session->db))
		sg_db_rollback(session->db);
	session->begun = false;
	session->backend = 0;
}

/* A plugin that sends function bodies without end comes here, by its journal. */
static int refuse_cut(struct sg_session *session, struct sg_err *err)
{
	if (!session->pending.cut)
		return 0;
	sg_buf_clear(&session->pending);
	sg_err_set(err, SG_CLASS_POLICY, "the statements of this migration are too large for its journal (%zu MiB)",
	           session->pending.limit >> 20);
	return sg_err_hint(err, "Make several migrations of it.");
}

int sg_session_flush(struct sg_session *session, struct sg_err *err)
{
	int status = 0;

	if (refuse_cut(session, err) != 0)
		return -1;
	if (session->pending.length > 0)
		status = sg_db_script(session->db, session->pending.data, err);
	sg_buf_clear(&session->pending);
	return status;
}

int sg_session_flush_rows(struct sg_session *session, struct sg_arena *arena, struct sg_result **result_r,
                          struct sg_err *err)
{
	int status;

	SG_ASSERT(session->pending.length > 0);
	if (refuse_cut(session, err) != 0)
		return -1;
	status = sg_db_script_rows(session->db, session->pending.data, arena, result_r, err);
	sg_buf_clear(&session->pending);
	return status;
}
