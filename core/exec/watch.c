/* watch.c - the second connection of watch.h. */
#include "config.h"
#include "core/exec/watch.h"

#include <string.h>

#include "core/base/buf.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/sql/mask.h"

#define ANSWER_MS 500
#define CONNECT_MS 2000 /* the first connection is not listened to meanwhile */
#define MOST_FAILURES 3

void sg_watch_init(struct sg_watch *watch, struct sg_run *run, struct sg_lease *lease)
{
	memset(watch, 0, sizeof *watch);
	sg_session_init(&watch->session, run, false);
	watch->session.connect_ms = CONNECT_MS;
	watch->lease = lease;
	watch->renewed_ms = sg_clock_ms();
}

void sg_watch_release(struct sg_watch *watch)
{
	sg_session_drop(&watch->session);
}

/* A pool of one connection would never answer: give up soon, do not hang. */
static enum sg_wait bounded(void *context, int64_t elapsed_ms)
{
	(void)context;
	return elapsed_ms > ANSWER_MS ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

int sg_watch_open(struct sg_watch *watch, struct sg_err *err)
{
	if (sg_session_open(&watch->session, err) != 0)
		return -1;
	sg_db_on_wait(watch->session.db, bounded, NULL);
	return 0;
}

void sg_watch_add_session(struct sg_buf *text, const struct sg_result *result, int row, int column,
                          struct sg_arena *arena)
{
	const char *application = sg_result_value(result, row, column + 1), *user = sg_result_value(result, row, column + 2);
	const char *state = sg_result_value(result, row, column + 3), *query = sg_result_value(result, row, column + 5);
	const char *type = sg_result_value(result, row, column + 6);
	bool client = type == NULL || strcmp(type, "client backend") == 0;
	char age[32];

	if (sg_result_int(result, row, column) == 0) {
		sg_buf_adds(text, "a prepared transaction (see pg_prepared_xacts)");
		return;
	}
	sg_buf_addf(text, "pid %s (%s%s%s%s%s, %s", sg_result_value(result, row, column), client ? "" : type,
	            client ? "" : ", ", application && application[0] ? application : "no application name",
	            user ? ", user " : "", user ? user : "", state ? state : "state not visible");
	if (sg_result_value(result, row, column + 4) != NULL) {
		sg_clock_text(sg_result_int(result, row, column + 4), age);
		sg_buf_addf(text, " for %s", age);
	}
	if (query != NULL && query[0] != '\0')
		sg_buf_addf(text, ": %s", sg_sql_mask_literals(arena, query));
	sg_buf_addc(text, ')');
}

/* In a transaction of its own, since the role may have another search_path. */
static const char blockers_sql[] =
	"BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;"
	" SELECT (SELECT (extract(epoch FROM clock_timestamp() - min(l.waitstart)) * 1000)::int8"
	" FROM pg_locks l WHERE l.pid = %1$d AND NOT l.granted),"
	" b.pid, a.application_name, a.usename, a.state,"
	" (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::int8, left(a.query, 300), a.backend_type,"
	" (SELECT bool_or(l.locktype = 'relation') FROM pg_locks l WHERE l.pid = %1$d AND NOT l.granted),"
	" (SELECT bool_or(%1$d = ANY (pg_blocking_pids(o))) FROM unnest(pg_blocking_pids(%1$d)) o)"
	" FROM unnest(pg_blocking_pids(%1$d)) b (pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid"
	" ORDER BY a.xact_start LIMIT 5; COMMIT";

void sg_watch_blockers(struct sg_watch *watch, int backend, struct sg_arena *arena, struct sg_blockers *blockers_r)
{
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	struct sg_buf text = SG_BUF_INIT;
	struct sg_result *result;

	memset(blockers_r, 0, sizeof *blockers_r);
	if (watch->off)
		return;
	if (sg_watch_open(watch, &err) != 0 ||
	    sg_db_script_rows(watch->session.db, sg_arena_printf(&scratch, blockers_sql, backend), &scratch, &result, &err) != 0) {
		sg_session_drop(&watch->session);
		/* A machine that is busy for a moment is no reason to give up. */
		watch->off = ++watch->failures >= MOST_FAILURES;
		if (watch->off)
			sg_log(SG_LOG_WARNING, "watch", NULL, 0, "cannot say who blocks: the second connection failed (%s)", err.primary);
	} else {
		watch->failures = 0;
		if (sg_result_rows(result) > 0)
			blockers_r->waited_ms = sg_result_int(result, 0, 0) + 1;
		blockers_r->table = sg_result_rows(result) > 0 && sg_result_true(result, 0, 8);
		blockers_r->deadlock = sg_result_rows(result) > 0 && sg_result_true(result, 0, 9);
		for (int i = 0; i < sg_result_rows(result); i++) {
			if (i > 0)
				sg_buf_adds(&text, "; ");
			sg_watch_add_session(&text, result, i, 1, &scratch);
		}
		if (text.length > 0)
			blockers_r->text = sg_arena_strndup(arena, text.data, text.length);
	}
	sg_buf_release(&text);
	sg_err_release(&err);
	sg_arena_release(&scratch);
}

int sg_watch_renew(struct sg_watch *watch, struct sg_err *err)
{
	struct sg_err why = SG_ERR_INIT;
	int64_t now = sg_clock_ms();
	int held;

	if (watch->lease == NULL || watch->lease->fence == 0 ||
	    now - watch->renewed_ms < (int64_t)watch->lease->seconds * 1000 / 3)
		return 0;
	watch->renewed_ms = now;
	held = sg_watch_open(watch, &why) != 0 ? -1 : sg_lease_renew(watch->lease, watch->session.db, NULL, &why);
	if (held < 0) {
		sg_log(SG_LOG_WARNING, "lease", NULL, 0, "the lease could not be renewed, trying again: %s", why.primary);
		sg_session_drop(&watch->session);
	}
	/* sooner than the next third: the lease is running out */
	if (held < 0 || held == 2)
		watch->renewed_ms = now - (int64_t)watch->lease->seconds * 1000 / 4;
	sg_err_release(&why);
	return held == 0 ? sg_lease_lost_err(watch->lease, err) : 0;
}

int sg_watch_keep(struct sg_watch *watch, struct sg_err *err)
{
	return sg_stop_count() > 0 ? sg_stop_err(err) : sg_watch_renew(watch, err);
}

int sg_watch_sleep(struct sg_watch *watch, int64_t ms, struct sg_err *err)
{
	int64_t end = sg_clock_ms() + ms;

	for (;;) {
		int64_t left = end - sg_clock_ms();

		if (sg_watch_keep(watch, err) != 0)
			return -1;
		if (left <= 0)
			return 0;
		(void)sg_stop_sleep(left < 200 ? left : 200);
	}
}

int sg_watch_ghosts(struct sg_watch *watch, const char *step, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_result *result;
	int status = -1;

	if (sg_watch_open(watch, err) == 0 &&
	    sg_db_script_rows(watch->session.db,
	                      /* an idle one has done its work, or has not read it yet: it is ended before it can */
	                      sg_arena_printf(&arena,
	                                      "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;"
	                                      " SELECT CASE WHEN state = 'idle' THEN pg_terminate_backend(pid) END"
	                                      " FROM pg_stat_activity WHERE datname = current_database()"
	                                      " AND usename = session_user AND pid <> pg_backend_pid()"
	                                      " AND application_name = left('sgrun:' || %s, 63); COMMIT",
	                                      sg_db_literal(&arena, step)),
	                      &arena, &result, err) == 0)
		status = sg_result_rows(result) > 0;
	sg_arena_release(&arena);
	return status;
}
