/* serve_dml.c - sg_dml: a statement of a backfill's batch, its parameters, and the
 * rows that it changed. What it wrote to is asked once, after the batch (writes.h). */
#include "config.h"
#include "core/exec/serve_parts.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/plugin/abi.h"
#include "core/sql/mask.h"

static bool in_journal(const struct sg_journal *journal, const char *kind)
{
	for (size_t i = 0; i < journal->count; i++)
		if (strcmp(journal->entries[i].kind, kind) == 0)
			return true;
	return false;
}

/* A batch may send the same statement for each of its rows: the first of each kind says enough. */
static void note(struct sg_executor *executor, const struct sg_verdict *verdict, const char *sql, int64_t started_us,
                 int64_t rows)
{
	struct sg_journal_entry *entry;

	if (in_journal(&executor->journal, verdict->kind))
		return;
	entry = sg_journal_add(&executor->journal, executor->arena);
	entry->kind = sg_arena_strdup(executor->arena, verdict->kind);
	entry->sql = sg_arena_strdup(executor->arena, sg_sql_mask_secrets(executor->scratch, sql));
	entry->started_us = started_us;
	entry->ended_us = sg_clock_us();
	entry->rows = rows;
	entry->waited_ms = executor->waited_ms;
	entry->waited_on = sg_arena_strdup(executor->arena, executor->waited_on);
}

int sg_serve_dml(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err)
{
	struct sg_verdict verdict;
	struct sg_result *result;
	int64_t started, rows;
	const char *sql;

	if (sg_serve_judge(executor, SG_CALL_DML, request, executor->scratch, &verdict, err) != 0 ||
	    sg_serve_prepare(executor, false, false, err) != 0)
		return -1;
	sql = sg_arena_strndup(executor->scratch, request->sql, request->sql_length);
	executor->guarded = false;
	started = sg_clock_us();
	sg_executor_limit(executor, sg_serve_limit_ms(executor), NULL);
	/* Rows come with RETURNING only, and nobody reads them. */
	if (sg_db_query_limited(executor->session->db, sql, request->n, request->values, SG_MAX_RESULT,
	                        executor->scratch, &result, err) != 0)
		return sg_serve_fail(executor, sg_sql_mask_secrets(executor->scratch, sql), err);
	rows = sg_result_affected(result);
	note(executor, &verdict, sql, started, rows);
	return sg_process_answer_int(executor->process, rows, err);
}
