/* serve.c - the requests of one entry point: each statement is judged, guarded,
 * sent, classified and noted; each check asked; what may not be called here is
 * refused. */
#include "config.h"
#include "core/exec/serve.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/checks.h"
#include "core/exec/existing.h"
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
static int fail_statement(struct sg_executor *executor, const char *sql, struct sg_err *err)
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
			sg_err_hint(err, "Let the blocking session end, or end it; then run again. lock_seconds says how long sgrun tries.");
	} else if (strcmp(err->sqlstate, "57014") == 0) {
		sg_err_hint(err, "The statement ran into its time limit (ddl_seconds or read_seconds in [policy]) or was cancelled "
		                 "by someone.");
	} else if (strcmp(err->sqlstate, "42501") == 0 && err->hint == NULL) {
		sg_err_hint(err, "The role sgrun connects as lacks a privilege, or row security hides rows from it: connect as the owner,"
		                 " or name a role that may, by role in [database].");
	}
	return -1;
}

/* As sg_policy_judge, and what its error shows is free of secrets. */
static int judge(const struct sg_policy_rules *facts, enum sg_call call, const struct sg_request *request,
                 struct sg_arena *arena, struct sg_verdict *verdict_r, struct sg_err *err)
{
	if (sg_policy_judge(facts, call, request->sql, request->sql_length, arena, verdict_r, err) == 0)
		return 0;
	if (err->statement != NULL)
		sg_err_statement(err, sg_sql_mask_secrets(arena, err->statement), err->position);
	return -1;
}

static const struct sg_policy_rules *rules(struct sg_executor *executor, struct sg_policy_rules *rules_r)
{
	memset(rules_r, 0, sizeof *rules_r);
	rules_r->phase = executor->phase;
	rules_r->state_schema = executor->run->manifest->state_schema;
	rules_r->schema = executor->run->manifest->schema;
	rules_r->no_transaction = executor->outside;
	rules_r->unparsed_allow = executor->step->policy.unparsed_allow;
	rules_r->made = &executor->made;
	rules_r->body_writes = &executor->bodies;
	return rules_r;
}

static void add_relations(struct sg_executor *executor, struct sg_relations *to, const struct sg_relations *from)
{
	if (from->count == 0)
		return;
	to->list = sg_arena_grow(executor->arena, to->list, &to->capacity, to->count + from->count, sizeof *to->list);
	memcpy(to->list + to->count, from->list, from->count * sizeof *to->list);
	to->count += from->count;
}

/* Guards again, since SQL of the plugin may have undone them; and, from the
 * second statement on, the server's word on the one before. */
static int prepare(struct sg_executor *executor, bool ddl, bool savepoint, struct sg_err *err)
{
	const struct sg_policy_settings *policy = &executor->step->policy;
	struct sg_session *session = executor->session;
	bool probe = executor->phase == SG_PHASE_RUN && executor->last_sql != NULL;

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
static int take_snapshot(struct sg_executor *executor, struct sg_err *err)
{
	executor->altered.count = 0;
	return sg_probe_snapshot(executor->session, executor->arena, executor->scratch, &executor->snapshot, err);
}

static bool passes(const struct sg_executor *executor, const struct sg_verdict *verdict, const struct sg_err *err)
{
	if (!executor->step->policy.already_exists_pass || verdict->makes == SG_MAKES_NOTHING)
		return false;
	for (size_t i = 0; i < SG_COUNT(verdict->exists_sqlstates) && verdict->exists_sqlstates[i] != NULL; i++)
		if (strcmp(verdict->exists_sqlstates[i], err->sqlstate) == 0)
			return true;
	return false;
}

/* The server's own limit comes first; ours is for one that is silent. */
static int64_t ddl_limit(const struct sg_executor *executor)
{
	int64_t seconds = executor->step->policy.ddl_seconds;

	return seconds > 0 ? seconds * 1000 + SG_HOST_LIMIT_MS : 0;
}

static int send_outside(struct sg_executor *executor, const char *sql, const char *masked, struct sg_err *err)
{
	if (executor->sent_outside) {
		sg_err_set(err, SG_CLASS_POLICY, "an SG_NO_TRANSACTION migration sends exactly one statement");
		sg_err_statement(err, masked, 0);
		return sg_err_hint(err, "Make a migration of each: what is not in a transaction cannot be rolled back together.");
	}
	executor->sent_outside = true;
	sg_executor_limit(executor, ddl_limit(executor), masked);
	return sg_db_query(executor->session->db, sql, 0, NULL, executor->arena, NULL, err);
}

/* Whether it makes something where search_path says: with [database] schema
 * missing that would be pg_temp, and gone with the session. */
static bool makes_in_schema(const struct sg_verdict *verdict)
{
	static const char *const kinds[] = { "TABLE",     "VIEW",      "MATERIALIZED VIEW", "SEQUENCE", "TYPE",
		                             "DOMAIN",    "FUNCTION",  "PROCEDURE",         "FOREIGN TABLE" };

	if (strncmp(verdict->kind, "CREATE ", 7) != 0 || verdict->object.schema != NULL ||
	    (verdict->made.count > 0 && verdict->made.list[0].schema != NULL))
		return false;
	for (size_t i = 0; i < SG_COUNT(kinds); i++)
		if (strcmp(verdict->kind + 7, kinds[i]) == 0)
			return true;
	return false;
}

static int send_ddl(struct sg_executor *executor, const char *sql, const char *masked,
                    const struct sg_verdict *verdict, bool *existed_r, struct sg_err *err)
{
	bool savepoint = verdict->makes != SG_MAKES_NOTHING && executor->step->policy.already_exists_pass;
	struct sg_err why = SG_ERR_INIT;

	executor->schema_asked = !executor->in_schema && makes_in_schema(verdict);
	if (prepare(executor, true, savepoint, err) != 0)
		return -1;
	if ((verdict->opaque || executor->run->event_triggers) && take_snapshot(executor, err) != 0)
		return -1;
	executor->last_sql = masked;
	sg_executor_limit(executor, ddl_limit(executor), masked);
	if (sg_db_query(executor->session->db, sql, 0, NULL, executor->arena, NULL, err) == 0) {
		/* IF NOT EXISTS says yes to whatever bears the name. */
		if (verdict->if_not_exists && verdict->makes != SG_MAKES_NOTHING)
			return sg_existing_compare(executor->session->db, verdict, executor->arena, err);
		return 0;
	}
	if (!passes(executor, verdict, err) || sg_db_lost(executor->session->db))
		return -1;
	/* By SQLSTATE alone it is there; now whether it is what was wanted. */
	sg_err_move(&why, err);
	if (sg_db_script(executor->session->db, "ROLLBACK TO SAVEPOINT sgrun_ddl", err) == 0 &&
	    sg_existing_compare(executor->session->db, verdict, executor->arena, err) == 0)
		*existed_r = true;
	else if (err->class == SG_CLASS_SQL && err->sqlstate[0] == '\0')
		sg_err_sqlstate(err, why.sqlstate);
	sg_err_release(&why);
	return *existed_r ? 0 : -1;
}

static int serve_ddl(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	struct sg_policy_rules facts;
	struct sg_verdict verdict;
	struct sg_journal_entry *entry;
	const char *sql, *masked;
	bool existed = false;
	int64_t started;
	int status;

	if (judge(rules(executor, &facts), SG_CALL_DDL, request, executor->arena, &verdict, err) != 0)
		return -1;
	sql = sg_arena_strndup(executor->arena, request->sql, request->sql_length);
	masked = sg_sql_mask_secrets(executor->arena, sql);
	sg_executor_say(executor, masked);
	started = sg_clock_us();
	status = executor->outside ? send_outside(executor, sql, masked, err)
	                           : send_ddl(executor, sql, masked, &verdict, &existed, err);
	if (status != 0) {
		if (err->class == SG_CLASS_SQL && verdict.exists_hint != NULL && err->sqlstate[0] == '4' && err->hint == NULL)
			sg_err_hint(err, "%s", verdict.exists_hint);
		return fail_statement(executor, masked, err);
	}
	entry = sg_journal_add(&executor->journal, executor->arena);
	entry->kind = verdict.kind;
	entry->sql = masked;
	entry->started_us = started;
	entry->ended_us = sg_clock_us();
	entry->waited_ms = executor->waited_ms;
	entry->waited_on = sg_arena_strdup(executor->arena, executor->waited_on);
	entry->existed = existed;
	executor->existed += existed;
	executor->run->event_triggers |= strstr(verdict.kind, "EVENT TRIGGER") != NULL;
	add_relations(executor, &executor->altered, &verdict.named);
	if (!existed) {
		add_relations(executor, &executor->made, &verdict.made);
		add_relations(executor, &executor->bodies, &verdict.body_writes);
	}
	if (existed)
		sg_log(SG_LOG_INFO, "existed", executor->step->id, 0, "was there already, as wanted: %s", masked);
	return sg_process_answer_int(executor->process, existed ? SG_EXISTED : SG_OK, err);
}

static int serve_query(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	struct sg_policy_rules facts;
	struct sg_verdict verdict;
	struct sg_result *result;
	const char *sql;

	if (judge(rules(executor, &facts), SG_CALL_QUERY, request, executor->scratch, &verdict, err) != 0)
		return -1;
	if (executor->outside && executor->phase == SG_PHASE_RUN) {
		sg_err_set(err, SG_CLASS_POLICY, "run of an SG_NO_TRANSACTION migration reads before its statement only in fingerprint");
		return sg_err_hint(err, "Ask in fingerprint, and let run send its one statement.");
	}
	sql = sg_arena_strndup(executor->scratch, request->sql, request->sql_length);
	if (executor->phase == SG_PHASE_RUN && prepare(executor, false, false, err) != 0)
		return -1;
	if (executor->phase == SG_PHASE_RUN && verdict.opaque && take_snapshot(executor, err) != 0)
		return -1;
	if (executor->phase == SG_PHASE_RUN && verdict.opaque)
		executor->last_sql = sg_arena_strdup(executor->arena, sg_sql_mask_secrets(executor->scratch, sql));
	sg_executor_limit(executor, executor->step->policy.read_seconds * INT64_C(1000) + SG_HOST_LIMIT_MS, NULL);
	if (sg_db_query_limited(executor->session->db, sql, request->n, request->values, SG_MAX_RESULT, executor->scratch,
	                        &result, err) != 0)
		return fail_statement(executor, sg_sql_mask_secrets(executor->scratch, sql), err);
	return sg_process_answer_rows(executor->process, result, err);
}

static int serve_check(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	if (executor->phase == SG_PHASE_RUN && !executor->outside && prepare(executor, false, false, err) != 0)
		return -1;
	sg_executor_limit(executor, executor->step->policy.read_seconds * INT64_C(1000) + SG_HOST_LIMIT_MS, NULL);
	if (request->kind == SG_REQUEST_CHECK) {
		int answer;

		if (sg_check_ask(executor->session->db, request->what, request->a, request->b, executor->scratch, &answer, err) != 0)
			return fail_statement(executor, NULL, err);
		return sg_process_answer_int(executor->process, answer, err);
	} else {
		const char *text;

		if (sg_check_describe(executor->session->db, request->what, request->a, request->b, executor->scratch, &text,
		                      err) != 0)
			return fail_statement(executor, NULL, err);
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
		return executor->phase == SG_PHASE_RUN ? serve_ddl(executor, request, err) : refuse_call(executor, request, err);
	case SG_REQUEST_DML:
		return refuse_call(executor, request, err);
	case SG_REQUEST_QUERY:
		return serve_query(executor, request, err);
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

int sg_serve(struct sg_executor *executor, enum sg_entry entry, struct sg_request *done_r, struct sg_err *err)
{
	const struct sg_step *step = executor->step;
	const char **options = sg_arena_array(executor->arena, step->option_count * 2, sizeof *options);
	int status;

	for (size_t i = 0; i < step->option_count; i++) {
		options[2 * i] = step->options[i].key;
		options[2 * i + 1] = step->options[i].value;
	}
	if (sg_process_call(executor->process, entry, options, step->option_count, NULL, err) != 0)
		return -1;
	do {
		struct sg_arena scratch = SG_ARENA_INIT;
		int64_t before = sg_process_spent_ms(executor->process);

		if (sg_process_next(executor->process, done_r, err) != 0 ||
		    judge_thinking(executor, sg_process_spent_ms(executor->process) - before, err) != 0)
			return -1;
		/* The first signal: no further statement is sent, all is rolled back. */
		if (sg_stop_count() > 0)
			return sg_stop_err(err);
		if (done_r->kind == SG_REQUEST_DONE)
			return 0;
		executor->scratch = &scratch;
		status = serve_request(executor, done_r, err);
		executor->scratch = executor->arena;
		sg_arena_release(&scratch);
	} while (status == 0);
	return -1;
}
