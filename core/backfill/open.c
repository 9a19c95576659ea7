/* open.c - what a backfill is, learned once: its plugin, its key, the tables that it
 * may write to; and its fingerprint, asked as often as need be. */
#include "config.h"
#include "core/backfill/backfill.h"

#include <string.h>

#include "core/base/stop.h"
#include "core/exec/again.h"
#include "core/exec/executor.h"
#include "core/exec/inner.h"
#include "core/exec/serve.h"
#include "core/exec/trace.h"
#include "core/plugin/abi.h"

/* ---- the plugin's process --------------------------------------------------- */

/* A first signal lets a batch end; a fingerprint is asked anew by the next run. */
static bool stopping(void *context)
{
	(void)context;
	return sg_stop_count() > 1;
}

static int start(const struct sg_run *run, const struct sg_step *step, const struct sg_image *image,
                 struct sg_process **process_r, struct sg_hello *hello_r, struct sg_err *err)
{
	const struct sg_expected expected = {
		.step = step->id,
		.libraries = step->libraries.items,
		.library_count = step->libraries.count,
		.sandbox = (enum sg_sandbox)run->manifest->sandbox,
		.limit_ms = (int64_t)step->policy.plugin_seconds * 1000,
	};

	*process_r = NULL;
	if (sg_process_start(process_r, image, &expected, err) == 0) {
		sg_process_on_wait(*process_r, stopping, NULL);
		if (sg_process_hello(*process_r, hello_r, err) == 0)
			return 0;
	}
	sg_process_kill(*process_r);
	*process_r = NULL;
	sg_err_step(err, step->id);
	return sg_err_at(err, run->manifest->path, step->plugin_line);
}

int sg_backfill_process(const struct sg_backfill *backfill, struct sg_process **process_r, struct sg_err *err)
{
	struct sg_hello hello;

	return start(backfill->run, backfill->step, &backfill->image, process_r, &hello, err);
}

/* ---- what it is ------------------------------------------------------------- */

/* Of what its declaration says, apart from table and key. */
static int take_hello(struct sg_backfill *backfill, const struct sg_hello *hello, struct sg_err *err)
{
	const struct sg_step *step = backfill->step;
	struct sg_arena *arena = backfill->run->arena;

	backfill->flags = hello->flags;
	backfill->drain = hello->kind == SG_KIND_DRAIN;
	backfill->title = sg_arena_strdup(arena, step->title != NULL ? step->title : hello->title);
	if (!backfill->drain || step->also_writes.count > 0)
		return 0;
	sg_err_set(err, SG_CLASS_REFUSED, "nothing says which tables this backfill writes to");
	sg_err_detail(err, "It is in drain mode (SG_DRAIN): its plugin selects its own rows, and declares no table.");
	sg_err_hint(err, "Let its section say: also_writes = TABLE (all tables that it writes to, separated by commas)");
	sg_err_step(err, step->id);
	return sg_err_at(err, backfill->run->manifest->path, step->line);
}

static int open_plugin(struct sg_backfill *backfill, const char **table_r, const char **key_r, struct sg_err *err)
{
	struct sg_run *run = backfill->run;
	const struct sg_step *step = backfill->step;
	const struct sg_manifest *manifest = run->manifest;
	struct sg_process *process;
	struct sg_hello hello;
	int status;

	if (sg_image_open(step->plugin, manifest->folder, manifest->plugin_path.items, manifest->plugin_path.count, step->sha256,
	                  run->arena, &backfill->image, err) != 0) {
		sg_err_step(err, step->id);
		return sg_err_at(err, manifest->path, step->plugin_line);
	}
	if (start(run, step, &backfill->image, &process, &hello, err) != 0)
		return -1;
	*table_r = sg_arena_strdup(run->arena, hello.table);
	*key_r = sg_arena_strdup(run->arena, hello.key);
	status = take_hello(backfill, &hello, err);
	sg_process_kill(process);
	return status;
}

static int last_rung(const struct sg_step *step)
{
	return step->policy.lock_rungs_ms[step->policy.lock_rungs - 1];
}

/* The login role may not even see the table. */
static int as_role(struct sg_session *session, struct sg_arena *arena, struct sg_err *err)
{
	sg_session_role(session, true, arena);
	return sg_session_flush(session, err);
}

static int learn(struct sg_backfill *backfill, struct sg_session *session, const char *table, const char *key,
                 struct sg_err *err)
{
	const struct sg_step *step = backfill->step;
	struct sg_arena *arena = backfill->run->arena;
	struct sg_begun begun;
	int status = -1;

	if (sg_session_open(session, err) != 0)
		return -1;
	sg_session_unwatch(session);
	if (sg_session_begin(session, step, NULL, NULL, last_rung(step), arena, &begun, err) == 0 &&
	    as_role(session, arena, err) == 0 &&
	    (backfill->drain || sg_key_learn(session->db, table, key, arena, &backfill->key, err) == 0))
		status = sg_writes_learn(session, step, backfill->key.oid, arena, &backfill->writes, err);
	sg_session_rollback(session);
	return status;
}

/* Whoever only looks waits for no lock: that one is told, and not tried again. */
static int again(const struct sg_backfill *backfill, struct sg_session *session, struct sg_retry *retry,
                 struct sg_err *err)
{
	const struct sg_step *step = backfill->step;

	if (err->class == SG_CLASS_LOCKED || !sg_class_retries(err->class) || sg_again_after(retry, err) != 0) {
		sg_err_step(err, step->id);
		return sg_err_at(err, backfill->run->manifest->path, step->line);
	}
	sg_session_drop(session);
	return 0;
}

int sg_backfill_open(struct sg_backfill *backfill, struct sg_run *run, const struct sg_step *step,
                     struct sg_session *session, struct sg_err *err)
{
	const char *table = NULL, *key = NULL;
	struct sg_retry retry;

	memset(backfill, 0, sizeof *backfill);
	backfill->run = run;
	backfill->step = step;
	if (open_plugin(backfill, &table, &key, err) != 0)
		return -1;
	sg_retry_init(&retry, &step->policy);
	while (learn(backfill, session, table, key, err) != 0)
		if (again(backfill, session, &retry, err) != 0)
			return -1;
	backfill->ranges = (struct sg_ranges){
		.state_schema = run->manifest->state_schema,
		.key = step->id,
		.keys = backfill->key.count,
	};
	return 0;
}

/* ---- its fingerprint -------------------------------------------------------- */

/* The rows that the fingerprint's last question found: of use, not of need. */
static int64_t count_left(struct sg_executor *executor, struct sg_arena *arena)
{
	struct sg_session *session = executor->session;
	struct sg_err err = SG_ERR_INIT;
	struct sg_result *rows;
	int64_t left = -1;

	if (executor->found_sql == NULL)
		return -1;
	sg_session_guards(session, executor->step, executor->lock_ms, executor->step->policy.read_seconds, arena);
	sg_executor_role(executor);
	sg_buf_adds(&session->pending, "SAVEPOINT sgrun_left;SET TRANSACTION READ ONLY;");
	sg_executor_limit(executor, (executor->step->policy.read_seconds + 1) * INT64_C(1000), "counts what is left");
	if (sg_session_flush(session, &err) == 0 &&
	    sg_db_query(session->db, sg_inner_sql(arena, "SELECT pg_catalog.count(*) FROM (", executor->found_sql, ") sgrun_left"),
	                executor->found_n, executor->found_values, arena, &rows, &err) == 0)
		left = sg_result_int(rows, 0, 0);
	sg_err_release(&err);
	return left;
}

static int ask_once(const struct sg_backfill *backfill, struct sg_session *session, bool *holds_r, int64_t *left_r,
                    struct sg_err *err)
{
	const struct sg_step *step = backfill->step;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_executor executor;
	struct sg_begun begun;
	bool spent;
	int status = -1;

	sg_executor_init(&executor, backfill->run, step, session, NULL, NULL, last_rung(step), &arena);
	if (sg_session_open(session, err) == 0 && sg_backfill_process(backfill, &executor.process, err) == 0) {
		sg_executor_watch(&executor);
		if (sg_session_begin(session, step, NULL, NULL, executor.lock_ms, &arena, &begun, err) == 0)
			status = sg_executor_fingerprint(&executor, holds_r, &spent, err);
		if (status == 0 && left_r != NULL && !*holds_r)
			*left_r = count_left(&executor, &arena);
		sg_session_rollback(session);
		sg_session_unwatch(session);
	}
	sg_process_kill(executor.process);
	sg_arena_release(&arena);
	return status;
}

int sg_backfill_holds(const struct sg_backfill *backfill, struct sg_session *session, bool *holds_r, int64_t *left_r,
                      struct sg_err *err)
{
	const struct sg_step *step = backfill->step;
	struct sg_retry retry;

	*holds_r = false;
	if (left_r != NULL)
		*left_r = -1;
	sg_retry_init(&retry, &step->policy);
	while (ask_once(backfill, session, holds_r, left_r, err) != 0) {
		if (again(backfill, session, &retry, err) == 0)
			continue;
		if (strcmp(err->sqlstate, "57014") == 0) {
			sg_err_wrap(err, "fingerprint");
			sg_err_hint(err, "It may take read_seconds (%d s): give its query an index (a partial one, of the rows that are not"
			                 " done), or let the section say more.", step->policy.read_seconds);
		}
		return -1;
	}
	sg_trace_asked(backfill->run, step, *holds_r);
	return 0;
}
