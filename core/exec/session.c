/* session.c - connections and the constant prologue of every transaction. */
#include "config.h"
#include "core/exec/session.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"

#define LIMIT_MS 60000 /* for a statement of ours */
#define CANCEL_MS 1000 /* from a cancel request to its answer */

void sg_session_init(struct sg_session *session, struct sg_run *run, bool direct)
{
	memset(session, 0, sizeof *session);
	session->run = run;
	session->direct = direct;
	sg_buf_init(&session->pending, 0);
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

	if (session->db != NULL && !sg_db_lost(session->db))
		return 0;
	sg_session_drop(session);
	if (sg_db_open(&session->db, session->direct ? &run->direct : &run->dsn, "sgrun",
	               sg_clock_ms() + (int64_t)run->manifest->connect_seconds * 1000, err) != 0)
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

/* An acknowledged COMMIT must be on disk, whatever the role's default. */
#define SURE_COMMIT \
	"CASE WHEN pg_catalog.current_setting('synchronous_commit') IN ('off', 'local')" \
	" THEN pg_catalog.set_config('synchronous_commit', 'on', true) END"

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

int sg_session_begin(struct sg_session *session, const struct sg_step *step, const struct sg_lease *lease,
                     const char *id, int lock_ms, struct sg_arena *arena, struct sg_begun *begun_r, struct sg_err *err)
{
	const struct sg_manifest *manifest = session->run->manifest;
	const char *schema = sg_db_identifier(arena, manifest->state_schema);
	struct sg_buf *sql = &session->pending;
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
		            " AND fence = %" PRId64 "), s.outcome, s.runner, " SURE_COMMIT " FROM (SELECT 1) one LEFT JOIN %s.schema_migrations s"
		            " ON s.id = %s",
		            schema, sg_db_literal(arena, lease->owner), lease->fence, schema,
		            id ? sg_db_literal(arena, id) : "NULL");
	} else {
		sg_buf_adds(sql, "SELECT pg_catalog.pg_backend_pid(), false, NULL, NULL, " SURE_COMMIT);
	}
	if (sg_session_flush_rows(session, arena, &result, err) != 0)
		return -1;
	session->backend = (int)sg_result_int(result, 0, 0);
	say_pooler(session);
	begun_r->lease_held = sg_result_true(result, 0, 1);
	begun_r->recorded = sg_result_value(result, 0, 2) != NULL;
	begun_r->runner = sg_result_value(result, 0, 3);
	for (int k = SG_RECORDED_APPLIED; begun_r->recorded && k <= SG_RECORDED_SUPERSEDED; k++)
		if (strcmp(sg_recorded_name((enum sg_recorded)k), sg_result_value(result, 0, 2)) == 0)
			begun_r->outcome = (enum sg_recorded)k;
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

int sg_session_flush(struct sg_session *session, struct sg_err *err)
{
	int status = 0;

	SG_ASSERT(!session->pending.cut);
	if (session->pending.length > 0)
		status = sg_db_script(session->db, session->pending.data, err);
	sg_buf_clear(&session->pending);
	return status;
}

int sg_session_flush_rows(struct sg_session *session, struct sg_arena *arena, struct sg_result **result_r,
                          struct sg_err *err)
{
	int status;

	SG_ASSERT(!session->pending.cut && session->pending.length > 0);
	status = sg_db_script_rows(session->db, session->pending.data, arena, result_r, err);
	sg_buf_clear(&session->pending);
	return status;
}
