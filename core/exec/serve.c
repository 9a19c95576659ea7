/* serve.c - the requests of one entry point: each statement is judged, guarded,
 * sent, classified and noted; each check asked; what may not be called here is
 * refused. */
#include "config.h"
#include "core/exec/serve_parts.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/exec/checks.h"
#include "core/exec/inner.h"
#include "core/plugin/abi.h"
#include "core/sql/mask.h"

/* Whoever set the statement had it as it was sent; and the server's own words
 * may quote a secret from it (an invalid connection string, say). */
static void hide_secrets(struct sg_executor *executor, struct sg_err *err)
{
	const char *sql = err->statement, *masked;

	if (sql == NULL || (masked = sg_sql_mask_secrets(executor->arena, sql)) == sql)
		return;
	if (err->primary != NULL)
		sg_err_primary(err, "%s", sg_sql_mask_quoted(executor->arena, sql, masked, err->primary));
	if (err->detail != NULL)
		sg_err_detail(err, "%s", sg_sql_mask_quoted(executor->arena, sql, masked, err->detail));
	if (err->hint != NULL)
		sg_err_hint(err, "%s", sg_sql_mask_quoted(executor->arena, sql, masked, err->hint));
	sg_err_statement(err, masked, err->position);
}

/* Adds to a server's error what the operator needs to know. */
int sg_serve_fail(struct sg_executor *executor, const char *sql, struct sg_err *err)
{
	if (sg_stop_count() >= 2 && strcmp(err->sqlstate, "57014") == 0)
		return sg_stop_err(err);
	if (executor->lease_lost)
		return sg_lease_lost_err(executor->watch->lease, err);
	/* a probe's error names the statement before */
	if (err->statement == NULL)
		sg_err_statement(err, sql, err->position);
	hide_secrets(executor, err);
	if (err->class == SG_CLASS_LOCKED) {
		if (executor->waited_on != NULL)
			sg_err_detail(err, "blocked by %s", executor->waited_on);
		if (err->hint == NULL)
			sg_err_hint(err, "%s", executor->phase == SG_PHASE_BATCH
			                               ? "Let the blocking session end, or end it. lock_ms in [backfills] says how long a batch waits."
			                               : "Let the blocking session end, or end it; then run again. lock_seconds says how long sgrun tries.");
	} else if (strcmp(err->sqlstate, "57014") == 0) {
		sg_err_hint(err, "The statement ran into its time limit (%s) or was cancelled by someone.",
		            executor->phase == SG_PHASE_BATCH ? "statement_seconds in [backfills]"
		                                              : "ddl_seconds or read_seconds in [policy]");
	} else if (strcmp(err->sqlstate, "42501") == 0 && err->hint == NULL) {
		sg_err_hint(err, "The role sgrun connects as lacks a privilege, or row security hides rows from it: connect as the owner,"
		                 " or name a role that may, by role in [database].");
	}
	return -1;
}

static const struct sg_policy_rules *rules(struct sg_executor *executor, struct sg_policy_rules *rules_r)
{
	memset(rules_r, 0, sizeof *rules_r);
	rules_r->phase = executor->phase;
	rules_r->state_schema = executor->run->manifest->state_schema;
	rules_r->schema = executor->run->manifest->schema;
	rules_r->no_transaction = executor->outside;
	rules_r->drain = executor->drain;
	rules_r->unparsed_allow = executor->step->policy.unparsed_allow;
	rules_r->made = &executor->made;
	rules_r->body_writes = &executor->bodies;
	return rules_r;
}

int sg_serve_judge(struct sg_executor *executor, enum sg_call call, const struct sg_request *request,
                   struct sg_arena *arena, struct sg_verdict *verdict_r, struct sg_err *err)
{
	struct sg_policy_rules facts;

	if (sg_policy_judge(rules(executor, &facts), call, request->sql, request->sql_length, arena, verdict_r, err) == 0)
		return 0;
	if (err->statement != NULL)
		sg_err_statement(err, sg_sql_mask_secrets(arena, err->statement), err->position);
	return -1;
}

int64_t sg_serve_limit_ms(const struct sg_executor *executor)
{
	int64_t seconds = executor->phase == SG_PHASE_BATCH ? executor->step->backfill.statement_seconds
	                                                    : executor->step->policy.read_seconds;

	return seconds > 0 ? seconds * 1000 + SG_HOST_LIMIT_MS : 0;
}

/* Nothing is sent while the batch's own guards stand: that saves it a round trip. */
static int prepare_batch(struct sg_executor *executor, struct sg_err *err)
{
	if (executor->guarded)
		return 0;
	sg_session_guards(executor->session, executor->step, executor->lock_ms, executor->step->backfill.statement_seconds,
	                  executor->scratch);
	sg_executor_role(executor);
	sg_executor_limit(executor, SG_HOST_LIMIT_MS, NULL);
	return sg_session_flush(executor->session, err);
}

/* Guards again, since SQL of the plugin may have undone them; and, from the
 * second statement on, the server's word on the one before. */
int sg_serve_prepare(struct sg_executor *executor, bool ddl, bool savepoint, struct sg_err *err)
{
	const struct sg_policy_settings *policy = &executor->step->policy;
	struct sg_session *session = executor->session;
	bool probe = executor->phase == SG_PHASE_RUN && executor->last_sql != NULL;

	if (executor->phase == SG_PHASE_BATCH)
		return prepare_batch(executor, err);
	if (executor->savepoint)
		sg_buf_adds(&session->pending, "RELEASE SAVEPOINT sgrun_ddl;");
	executor->savepoint = savepoint;
	sg_session_guards(session, executor->step, executor->lock_ms, ddl ? policy->ddl_seconds : policy->read_seconds,
	                  executor->scratch);
	sg_executor_role(executor);
	if (savepoint)
		sg_buf_adds(&session->pending, "SAVEPOINT sgrun_ddl;");
	sg_executor_limit(executor, SG_HOST_LIMIT_MS, NULL);
	if (executor->schema_asked && sg_executor_flush_in_schema(executor, err) != 0)
		return -1;
	executor->schema_asked = false;
	if (!probe)
		return sg_session_flush(session, err);
	return sg_probe_ask(session, executor->step, &executor->snapshot, &executor->altered, &executor->bodies,
	                    executor->last_sql, &executor->journal, executor->arena, err);
}

/* What was sent before was judged by prepare(): the newest look knows most, for
 * what our own DDL holds can be measured. */
int sg_serve_snapshot(struct sg_executor *executor, struct sg_err *err)
{
	executor->altered.count = 0;
	return sg_probe_snapshot(executor->session, executor->arena, executor->scratch, &executor->snapshot, err);
}

/* What comes before a read is sent; sql_r is in scratch. */
static int prepare_read(struct sg_executor *executor, const struct sg_request *request, struct sg_verdict *verdict_r,
                        const char **sql_r, struct sg_err *err)
{
	bool run = executor->phase == SG_PHASE_RUN;

	if (sg_serve_judge(executor, SG_CALL_QUERY, request, executor->scratch, verdict_r, err) != 0)
		return -1;
	if (executor->outside && run) {
		sg_err_set(err, SG_CLASS_POLICY, "run of an SG_NO_TRANSACTION migration reads before its statement only in fingerprint");
		return sg_err_hint(err, "Ask in fingerprint, and let run send its one statement.");
	}
	*sql_r = sg_arena_strndup(executor->scratch, request->sql, request->sql_length);
	if (executor->phase != SG_PHASE_FINGERPRINT && sg_serve_prepare(executor, false, false, err) != 0)
		return -1;
	executor->guarded = false;
	if (run && verdict_r->opaque && sg_serve_snapshot(executor, err) != 0)
		return -1;
	if (run && verdict_r->opaque)
		executor->last_sql = sg_arena_strdup(executor->arena, sg_sql_mask_secrets(executor->scratch, *sql_r));
	sg_executor_limit(executor, sg_serve_limit_ms(executor), NULL);
	return 0;
}

static int serve_query(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	struct sg_verdict verdict;
	struct sg_result *result;
	const char *sql;

	if (prepare_read(executor, request, &verdict, &sql, err) != 0)
		return -1;
	if (sg_db_query_limited(executor->session->db, sql, request->n, request->values, SG_MAX_RESULT, executor->scratch,
	                        &result, err) != 0)
		return sg_serve_fail(executor, sg_sql_mask_secrets(executor->scratch, sql), err);
	return sg_process_answer_rows(executor->process, result, err);
}

/* Whoever wants to know how much is left counts with it (core/backfill/open.c). */
static void keep_found(struct sg_executor *executor, const struct sg_request *request, const char *sql)
{
	const char **values = sg_arena_array(executor->arena, (size_t)request->n + 1, sizeof *values);

	for (int i = 0; i < request->n; i++)
		values[i] = sg_arena_strdup(executor->arena, request->values[i]);
	executor->found_sql = sg_arena_strdup(executor->arena, sql);
	executor->found_n = request->n;
	executor->found_values = values;
}

#define FIRST_ROW "SELECT sgrun_exists.* FROM ("

/* The first row is enough: the query goes into one with LIMIT 1, for then the planner
 * knows, and an answer is one round trip; a cursor takes three, and plans for a tenth of
 * the rows. All its columns are wanted: an error in one of them must not read as "there is
 * one". A lock (FOR UPDATE) is taken on that row alone. What is no SELECT (SHOW,
 * EXPLAIN), or could not be read, is sent as it is. */
static int serve_exists(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	struct sg_verdict verdict;
	struct sg_result *result;
	const char *sql, *sent;
	bool inner;

	if (prepare_read(executor, request, &verdict, &sql, err) != 0)
		return -1;
	inner = !verdict.unparsed && strcmp(verdict.kind, "SELECT") == 0;
	sent = inner ? sg_inner_sql(executor->scratch, FIRST_ROW, sql, ") sgrun_exists LIMIT 1") : sql;
	if (sg_db_query_limited(executor->session->db, sent, request->n, request->values, SG_MAX_RESULT, executor->scratch,
	                        &result, err) != 0) {
		int before = inner ? (int)strlen(FIRST_ROW) : 0;

		/* as the plugin knows it */
		if (err->statement != NULL)
			sg_err_statement(err, sql, err->position > before ? err->position - before : 0);
		return sg_serve_fail(executor, sg_sql_mask_secrets(executor->scratch, sql), err);
	}
	if (executor->phase == SG_PHASE_FINGERPRINT && inner && sg_result_rows(result) > 0)
		keep_found(executor, request, sql);
	return sg_process_answer_int(executor->process, sg_result_rows(result) > 0, err);
}

static int serve_check(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	if (executor->phase != SG_PHASE_FINGERPRINT && !executor->outside && sg_serve_prepare(executor, false, false, err) != 0)
		return -1;
	sg_executor_limit(executor, sg_serve_limit_ms(executor), NULL);
	if (request->kind == SG_REQUEST_CHECK) {
		int answer;

		if (sg_check_ask(executor->session->db, request->what, request->a, request->b, executor->scratch, &answer, err) != 0)
			return sg_serve_fail(executor, NULL, err);
		return sg_process_answer_int(executor->process, answer, err);
	} else {
		const char *text;

		if (sg_check_describe(executor->session->db, request->what, request->a, request->b, executor->scratch, &text,
		                      err) != 0)
			return sg_serve_fail(executor, NULL, err);
		return sg_process_answer_text(executor->process, text, err);
	}
}

static const char *phase_name(enum sg_phase phase)
{
	return phase == SG_PHASE_FINGERPRINT ? "fingerprint" : phase == SG_PHASE_RUN ? "run" : "backfill_batch";
}

static int refuse_call(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	const char *call = request->kind == SG_REQUEST_DDL ? "sg_ddl" : "sg_dml";

	sg_err_set(err, SG_CLASS_POLICY, "%s called %s", phase_name(executor->phase), call);
	sg_err_detail(err, "Rule: %s.",
	              executor->phase == SG_PHASE_FINGERPRINT ? "a fingerprint only reads"
	              : executor->phase == SG_PHASE_RUN       ? "migrations are DDL only"
	                                                      : "a backfill's batch sends no DDL");
	sg_err_statement(err, sg_sql_mask_secrets(executor->arena,
	                                          sg_arena_strndup(executor->arena, request->sql, request->sql_length)),
	                 0);
	return sg_err_hint(err, "%s",
	                   request->kind == SG_REQUEST_DML ? "Move the data in a backfill." : "Send DDL from run of a migration.");
}

static int serve_request(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	switch (request->kind) {
	case SG_REQUEST_DDL:
		return executor->phase == SG_PHASE_RUN ? sg_serve_ddl(executor, request, err) : refuse_call(executor, request, err);
	case SG_REQUEST_DML:
		return executor->phase == SG_PHASE_BATCH ? sg_serve_dml(executor, request, err)
		                                         : refuse_call(executor, request, err);
	case SG_REQUEST_QUERY:
		return serve_query(executor, request, err);
	case SG_REQUEST_EXISTS:
		return serve_exists(executor, request, err);
	case SG_REQUEST_CHECK:
	case SG_REQUEST_DESCRIBE:
		return serve_check(executor, request, err);
	case SG_REQUEST_DONE:
		break;
	}
	SG_BUG("unknown request");
}

/* The server ends a transaction that is idle for so long: to try again would
 * only end it again. What froze us and the plugin together does not count. */
static int judge_thinking(const struct sg_executor *executor, int64_t ms, struct sg_err *err)
{
	int idle_seconds = executor->step->policy.idle_seconds;
	char span[32];

	if ((executor->outside && executor->phase == SG_PHASE_RUN) || ms < (int64_t)idle_seconds * 1000)
		return 0;
	sg_clock_text(ms, span);
	sg_err_set(err, SG_CLASS_TIMEOUT, "the plugin worked for %s in %s() without a statement: the server ends a transaction"
	                                  " that is idle for %d s", span, phase_name(executor->phase), idle_seconds);
	return sg_err_hint(err, "Let it do less between two statements, or raise idle_seconds (and lease_seconds above it).");
}

/* Each of a batch's statements has its time, however many there are: together they must not hold rows
 * and a snapshot for ever. A smaller batch may do, as where one statement takes too long. */
static int judge_batch(const struct sg_executor *executor, int64_t started_ms, struct sg_err *err)
{
	int64_t ms = sg_clock_ms() - started_ms, seconds = executor->step->backfill.statement_seconds;
	char span[32];

	if (ms < seconds * 1000 * SG_BATCH_STATEMENTS)
		return 0;
	sg_clock_text(ms, span);
	sg_err_set(err, SG_CLASS_SQL, "the statements of a batch took %s together: more than %d times statement_seconds", span,
	           SG_BATCH_STATEMENTS);
	return sg_err_sqlstate(err, "57014");
}

int sg_serve(struct sg_executor *executor, enum sg_entry entry, const struct sg_process_batch *batch,
             struct sg_request *done_r, struct sg_err *err)
{
	const struct sg_step *step = executor->step;
	const char **options = sg_arena_array(executor->arena, step->option_count * 2, sizeof *options);
	int64_t started = sg_clock_ms();
	int status;

	for (size_t i = 0; i < step->option_count; i++) {
		options[2 * i] = step->options[i].key;
		options[2 * i + 1] = step->options[i].value;
	}
	if (sg_process_call(executor->process, entry, options, step->option_count, batch, err) != 0)
		return -1;
	do {
		struct sg_arena scratch = SG_ARENA_INIT;
		int64_t before = sg_process_spent_ms(executor->process);

		if (sg_process_next(executor->process, done_r, err) != 0 ||
		    judge_thinking(executor, sg_process_spent_ms(executor->process) - before, err) != 0)
			return -1;
		/* The first signal: no further statement is sent, all is rolled back; but a batch is finished. */
		if (sg_stop_count() > (entry == SG_ENTRY_BATCH ? 1 : 0))
			return sg_stop_err(err);
		if (done_r->kind == SG_REQUEST_DONE)
			return 0;
		if (entry == SG_ENTRY_BATCH && judge_batch(executor, started, err) != 0)
			return -1;
		executor->scratch = &scratch;
		status = serve_request(executor, done_r, err);
		executor->scratch = executor->arena;
		sg_arena_release(&scratch);
	} while (status == 0);
	return -1;
}
