/* executor.c - the phases of a step inside its transaction, and what is looked
 * after while a statement runs; the plugin's requests are served in serve.c. */
#include "config.h"
#include "core/exec/executor.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/serve.h"
#include "core/plugin/abi.h"

#define FIRST_LOOK_MS 100 /* before this, and half of lock_timeout, nobody is asked who blocks */
#define NEXT_LOOK_MS 400
#define BATCH_LOOK_MS 400 /* batches run all the time: who looks too often is a load himself */
#define MOST_ROWS INT64_C(1000000000000) /* of a batch: counts are added up, here and in the state */

void sg_executor_init(struct sg_executor *executor, struct sg_run *run, const struct sg_step *step,
                      struct sg_session *session, struct sg_process *process, struct sg_watch *watch, int lock_ms,
                      struct sg_arena *arena)
{
	memset(executor, 0, sizeof *executor);
	executor->run = run;
	executor->step = step;
	executor->session = session;
	executor->process = process;
	executor->watch = watch;
	executor->lock_ms = lock_ms;
	executor->arena = executor->scratch = arena;
	executor->limit_ms = SG_HOST_LIMIT_MS;
}

void sg_executor_say(struct sg_executor *executor, const char *text)
{
	const struct sg_observer *observer = executor->run->observer;

	if (observer != NULL && observer->doing != NULL)
		observer->doing(observer->context, executor->step, text);
}

/* Outside a transaction no lock on its row is a sign of life. */
static void keep_lease(struct sg_executor *executor)
{
	struct sg_err why = SG_ERR_INIT;

	if (executor->outside && executor->watch != NULL && !executor->lease_lost)
		executor->lease_lost = sg_watch_renew(executor->watch, &why) != 0;
	sg_err_release(&why);
}

/* In one place, however long the wait is. */
static void keep_blockers(struct sg_executor *executor, const char *text)
{
	size_t size = strlen(text) + 1;

	if (executor->waited_room < size) {
		executor->waited_room = 2 * size;
		executor->waited_text = sg_arena_alloc(executor->arena, executor->waited_room);
	}
	memcpy(executor->waited_text, text, size);
	executor->waited_on = executor->waited_text;
}

/* A wait that is over before anybody asked would leave its blocker without a name. */
static int64_t first_look(const struct sg_executor *executor)
{
	int64_t half = executor->lock_ms / 2, usual = executor->phase == SG_PHASE_BATCH ? BATCH_LOOK_MS : FIRST_LOOK_MS;

	return half > 0 && half < usual ? half : usual;
}

/* From look to look. While a batch waits for nobody, a deadlock may begin at any time. */
static int64_t next_look(const struct sg_executor *executor)
{
	if (executor->phase != SG_PHASE_BATCH)
		return NEXT_LOOK_MS;
	return executor->waited_on != NULL ? 2 * BATCH_LOOK_MS : BATCH_LOOK_MS / 2;
}

/* While a statement runs: signals, the lease, our own deadline, and who blocks. */
static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	struct sg_executor *executor = context;
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_blockers blockers;

	keep_lease(executor);
	if (sg_stop_count() >= 2)
		return sg_session_stopping();
	if (executor->lease_lost)
		return SG_WAIT_CANCEL;
	if (executor->limit_ms > 0 && elapsed_ms > executor->limit_ms)
		return SG_WAIT_ABANDON;
	if (executor->watch == NULL || executor->session->backend == 0 || elapsed_ms < first_look(executor) ||
	    elapsed_ms - executor->asked_ms < next_look(executor))
		return SG_WAIT_ON;
	executor->asked_ms = elapsed_ms;
	sg_watch_blockers(executor->watch, executor->session->backend, &scratch, &blockers);
	if (blockers.text != NULL) {
		executor->waited_ms = blockers.waited_ms;
		executor->waited_table = blockers.table;
		keep_blockers(executor, blockers.text);
		sg_executor_say(executor, sg_arena_printf(&scratch, "lock held by %s", blockers.text));
	} else if (executor->now != NULL) {
		sg_executor_say(executor, executor->now);
	}
	sg_arena_release(&scratch);
	/* It has waited longer, so the server would end it, not us: the application before a batch. */
	if (blockers.deadlock && executor->phase == SG_PHASE_BATCH) {
		executor->gave_way = true;
		return SG_WAIT_CANCEL;
	}
	return SG_WAIT_ON;
}

void sg_executor_watch(struct sg_executor *executor)
{
	sg_db_on_wait(executor->session->db, on_wait, executor);
}

void sg_executor_limit(struct sg_executor *executor, int64_t limit_ms, const char *doing)
{
	executor->limit_ms = limit_ms;
	executor->asked_ms = -2 * BATCH_LOOK_MS;
	executor->waited_ms = 0;
	executor->waited_on = NULL;
	executor->waited_table = executor->gave_way = false;
	executor->now = doing;
}

void sg_executor_role(struct sg_executor *executor)
{
	sg_session_role(executor->session, true, executor->scratch);
}

static bool is_absence(const struct sg_err *err)
{
	static const char *const states[] = { "42P01", "42703", "42704", "42883", "3F000" };

	for (size_t i = 0; i < SG_COUNT(states); i++)
		if (strcmp(states[i], err->sqlstate) == 0)
			return true;
	return false;
}

int sg_executor_flush_in_schema(struct sg_executor *executor, struct sg_err *err)
{
	const char *schema = executor->run->manifest->schema, *there;
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_result *rows;
	int status = -1;

	sg_buf_adds(&executor->session->pending, "SELECT pg_catalog.current_schema();");
	if (sg_session_flush_rows(executor->session, &scratch, &rows, err) == 0) {
		there = sg_result_rows(rows) == 1 ? sg_result_value(rows, 0, 0) : NULL;
		status = there != NULL && strcmp(there, schema) == 0 ? 0 : -1;
		if (status != 0) {
			sg_err_set(err, SG_CLASS_SQL, "schema \"%s\" does not exist, or this role may not use it", schema);
			sg_err_sqlstate(err, "3F000");
			sg_err_hint(err, "Create it, grant USAGE and CREATE on it, or name another one by schema in [database].");
		}
	}
	executor->in_schema = status == 0;
	sg_arena_release(&scratch);
	return status;
}

int sg_executor_fingerprint(struct sg_executor *executor, bool *holds_r, bool *spent_r, struct sg_err *err)
{
	struct sg_session *session = executor->session;
	struct sg_request done;

	*holds_r = *spent_r = false;
	executor->phase = SG_PHASE_FINGERPRINT;
	executor->found_sql = NULL;
	if (executor->savepoint)
		sg_buf_adds(&session->pending, "RELEASE SAVEPOINT sgrun_ddl;");
	executor->savepoint = false;
	sg_session_guards(session, executor->step, executor->lock_ms, executor->step->policy.read_seconds, executor->arena);
	sg_executor_role(executor);
	sg_buf_adds(&session->pending, "SAVEPOINT sgrun_read;SET TRANSACTION READ ONLY;");
	sg_executor_limit(executor, SG_HOST_LIMIT_MS, NULL);
	if ((executor->in_schema ? sg_executor_flush_in_schema(executor, err) : sg_session_flush(session, err)) != 0)
		return -1;
	if (sg_serve(executor, SG_ENTRY_FINGERPRINT, NULL, &done, err) != 0) {
		if (sg_db_lost(session->db))
			return -1;
		if (strcmp(err->sqlstate, "25006") == 0) {
			/* not a standby: our own savepoint is read-only */
			err->class = SG_CLASS_POLICY;
			sg_err_wrap(err, "fingerprint tried to write");
			sg_err_hint(err, "A fingerprint only reads: write in run or in a backfill.");
			return -1;
		}
		if (err->class != SG_CLASS_SQL || !is_absence(err))
			return -1;
		sg_log(SG_LOG_INFO, "fingerprint", executor->step->id, 0, "counts as not there: %s (SQLSTATE %s)", err->primary,
		       err->sqlstate);
		sg_err_clear(err);
		*spent_r = true;
	} else if (done.fail != NULL) {
		sg_err_set(err, SG_CLASS_FAILED, "fingerprint failed: %s", done.fail);
		return -1;
	} else if (done.status != 0 && done.status != 1) {
		sg_err_set(err, SG_CLASS_FAILED, "fingerprint returned %" PRId64 ", which is neither 0 nor 1", done.status);
		sg_err_hint(err, "Return 1 if what the step does is there already, else 0.");
		return -1;
	} else {
		*holds_r = done.status == 1;
	}
	sg_buf_adds(&session->pending, "ROLLBACK TO SAVEPOINT sgrun_read;RELEASE SAVEPOINT sgrun_read;");
	return 0;
}

int sg_executor_run(struct sg_executor *executor, struct sg_err *err)
{
	struct sg_request done;

	executor->phase = SG_PHASE_RUN;
	if (sg_serve(executor, SG_ENTRY_RUN, NULL, &done, err) != 0)
		return -1;
	if (done.fail != NULL) {
		sg_err_set(err, SG_CLASS_FAILED, "%s", done.fail);
		if (done.status == SG_OK)
			sg_err_detail(err, "run called sg_fail and returned SG_OK all the same: that is a failure.");
		return -1;
	}
	if (done.status != SG_OK) {
		sg_err_set(err, SG_CLASS_FAILED, "run returned %" PRId64, done.status);
		return sg_err_hint(err, "Only SG_OK (0) is success; say why a step fails with `return sg_fail(sg, \"…\");`.");
	}
	return 0;
}

int sg_executor_batch(struct sg_executor *executor, const struct sg_process_batch *batch, bool drain,
                      int64_t *changed_r, struct sg_err *err)
{
	struct sg_request done;

	executor->phase = SG_PHASE_BATCH;
	executor->drain = drain;
	if (sg_serve(executor, SG_ENTRY_BATCH, batch, &done, err) != 0)
		return -1;
	if (done.fail != NULL) {
		sg_err_set(err, SG_CLASS_FAILED, "%s", done.fail);
		if (done.status != SG_FAILED)
			sg_err_detail(err, "backfill_batch called sg_fail and returned %" PRId64 ": that is a failure all the same.",
			              done.status);
		return -1;
	}
	if (done.status < 0 || done.status > MOST_ROWS) {
		sg_err_set(err, SG_CLASS_FAILED, "backfill_batch returned %" PRId64, done.status);
		return sg_err_hint(err, "Return how many rows were changed; say why a batch fails with `return sg_fail(sg, \"…\");`.");
	}
	*changed_r = done.status;
	return 0;
}

int sg_executor_probe(struct sg_executor *executor, struct sg_err *err)
{
	struct sg_session *session = executor->session;

	if (executor->savepoint)
		sg_buf_adds(&session->pending, "RELEASE SAVEPOINT sgrun_ddl;");
	executor->savepoint = false;
	/* A WITH HOLD cursor runs its query at COMMIT, deferred triggers fire there:
	 * both must happen before we look. */
	sg_buf_adds(&session->pending, "CLOSE ALL;SET CONSTRAINTS ALL IMMEDIATE;SET LOCAL ROLE NONE;"
	                               "SET LOCAL search_path = pg_catalog, pg_temp;");
	sg_executor_limit(executor, SG_HOST_LIMIT_MS, "checks what was written");
	return sg_probe_ask(session, executor->step, &executor->snapshot, &executor->altered, &executor->bodies,
	                    executor->last_sql, &executor->journal, executor->arena, err);
}
