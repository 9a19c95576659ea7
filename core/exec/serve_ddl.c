/* serve_ddl.c - sg_ddl: a statement of a migration, its savepoint, and what
 * "already exists" means for it. */
#include "config.h"
#include "core/exec/serve_parts.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/exec/existing.h"
#include "core/exec/trace.h"
#include "core/plugin/abi.h"
#include "core/sql/mask.h"

static void add_relations(struct sg_executor *executor, struct sg_relations *to, const struct sg_relations *from)
{
	if (from->count == 0)
		return;
	to->list = sg_arena_grow(executor->arena, to->list, &to->capacity, to->count + from->count, sizeof *to->list);
	memcpy(to->list + to->count, from->list, from->count * sizeof *to->list);
	to->count += from->count;
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

/* What looks on is told of it right before and right after. */
static int send(struct sg_executor *executor, const char *sql, const char *masked, const struct sg_verdict *verdict,
                struct sg_err *err)
{
	struct sg_db *db = executor->session->db;

	if (sg_trace_before(executor->run, executor->step, db, executor->outside, err) != 0 ||
	    sg_db_query(db, sql, 0, NULL, executor->arena, NULL, err) != 0)
		return -1;
	return sg_trace_after(executor->run, executor->step, db, verdict->kind, masked, false, err);
}

static int send_outside(struct sg_executor *executor, const char *sql, const char *masked,
                        const struct sg_verdict *verdict, struct sg_err *err)
{
	if (executor->sent_outside) {
		sg_err_set(err, SG_CLASS_POLICY, "an SG_NO_TRANSACTION migration sends exactly one statement");
		sg_err_statement(err, masked, 0);
		return sg_err_hint(err, "Make a migration of each: what is not in a transaction cannot be rolled back together.");
	}
	executor->sent_outside = true;
	sg_executor_limit(executor, ddl_limit(executor), masked);
	return send(executor, sql, masked, verdict, err);
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
	if (sg_serve_prepare(executor, true, savepoint, err) != 0)
		return -1;
	if ((verdict->opaque || executor->run->event_triggers) && sg_serve_snapshot(executor, err) != 0)
		return -1;
	executor->last_sql = masked;
	sg_executor_limit(executor, ddl_limit(executor), masked);
	if (send(executor, sql, masked, verdict, err) == 0) {
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
	    sg_existing_compare(executor->session->db, verdict, executor->arena, err) == 0 &&
	    sg_trace_after(executor->run, executor->step, executor->session->db, verdict->kind, masked, true, err) == 0)
		*existed_r = true;
	else if (err->class == SG_CLASS_SQL && err->sqlstate[0] == '\0')
		sg_err_sqlstate(err, why.sqlstate);
	sg_err_release(&why);
	return *existed_r ? 0 : -1;
}

int sg_serve_ddl(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	struct sg_verdict verdict;
	struct sg_journal_entry *entry;
	const char *sql, *masked;
	bool existed = false;
	int64_t started;
	int status;

	if (sg_serve_judge(executor, SG_CALL_DDL, request, executor->arena, &verdict, err) != 0)
		return -1;
	sql = sg_arena_strndup(executor->arena, request->sql, request->sql_length);
	masked = sg_sql_mask_secrets(executor->arena, sql);
	sg_executor_say(executor, masked);
	started = sg_clock_us();
	status = executor->outside ? send_outside(executor, sql, masked, &verdict, err)
	                           : send_ddl(executor, sql, masked, &verdict, &existed, err);
	if (status != 0) {
		if (err->class == SG_CLASS_SQL && verdict.exists_hint != NULL && err->sqlstate[0] == '4' && err->hint == NULL)
			sg_err_hint(err, "%s", verdict.exists_hint);
		return sg_serve_fail(executor, masked, err);
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
