/* backfills.c - the rows of backfills: how they are read, and what a run writes.
 *
 * Reading is one statement, for whoever asks from wherever: what is done is the sum of
 * the row and its ranges, of one snapshot. Who is at work is told by the locks on the ranges
 * (a range that SKIP LOCKED skips is held), where this session may lock at all.
 * What a person asks for is in backfills_ask.c. */
#include "config.h"
#include "core/state/backfills.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/state/schema.h"
#include "core/state/words.h"

static const char *const state_names[] = { "pending", "running", "paused", "failed", "residual", "complete" };

const char *sg_backfill_state_name(enum sg_backfill_state state)
{
	SG_ASSERT((size_t)state < SG_COUNT(state_names));
	return state_names[state];
}

static bool ended(enum sg_backfill_state state)
{
	return state == SG_BACKFILL_FAILED || state == SG_BACKFILL_RESIDUAL || state == SG_BACKFILL_COMPLETE;
}

/* ---- reading ---------------------------------------------------------------- */

/* May this session lock rows here, and will a row that somebody has just changed do (another
 * isolation level would fail on it)? An error would end a transaction that is not ours. */
static int may_lock(struct sg_db *db, const char *state_schema, struct sg_arena *arena, bool *may_r,
                    struct sg_err *err)
{
	struct sg_result *result;
	const char *ranges = sg_arena_printf(arena, "%s.backfill_ranges", sg_db_identifier(arena, state_schema));
	const char *backfills = sg_arena_printf(arena, "%s.backfills", sg_db_identifier(arena, state_schema));

	if (sg_db_query(db,
	                sg_arena_printf(arena,
	                                "SELECT NOT pg_catalog.pg_is_in_recovery()"
	                                " AND pg_catalog.current_setting('transaction_read_only')" SG_EQ "'off'"
	                                " AND pg_catalog.current_setting('transaction_isolation')" SG_EQ "'read committed'"
	                                " AND pg_catalog.has_table_privilege(%s, 'UPDATE')"
	                                " AND pg_catalog.has_table_privilege(%s, 'UPDATE')",
	                                sg_db_literal(arena, ranges), sg_db_literal(arena, backfills)),
	                0, NULL, arena, &result, err) != 0) {
		sg_state_explain(err, "read", state_schema);
		return -1;
	}
	*may_r = sg_result_true(result, 0, 0);
	return 0;
}

#define NOW "pg_catalog.clock_timestamp()"

/* A question of each range, and no join: what the planner knows of rows that came this minute is little, and it
 * would compare each with each. That there are many is no rarity: a range for each row that was locked.
 * held: a range that somebody works on. In drain mode there are none, and the row itself is
 * what a batch holds. A deferred range is touched, too, when it is put aside: only the lock tells. */
static const char *read_sql(const char *state_schema, bool lock, const char *key, struct sg_arena *arena)
{
	const char *schema = sg_db_identifier(arena, state_schema);
	const char *of_key = key != NULL ? sg_arena_printf(arena, " WHERE t.key" SG_EQ "%s", sg_db_literal(arena, key)) : "";
	const char *free = lock ? " FOR SHARE SKIP LOCKED" : "";

	return sg_arena_printf(
		arena,
		"WITH free AS MATERIALIZED (SELECT t.key, t.no FROM %1$s.backfill_ranges t%2$s%3$s),"
		" idle AS MATERIALIZED (SELECT t.key FROM %1$s.backfills t%2$s%3$s),"
		" looked AS (SELECT t.*, NOT ROW(t.key, t.no)" SG_EQ "ANY (SELECT f.key, f.no FROM free f)"
		" OR (NOT t.deferred AND t.updated_at" SG_GT "(" NOW SG_MINUS "'10 s'::pg_catalog.interval)) AS held"
		" FROM %1$s.backfill_ranges t%2$s),"
		" summed AS (SELECT l.key, pg_catalog.count(*) AS ranges, pg_catalog.count(*) FILTER (WHERE l.deferred) AS deferred,"
		" pg_catalog.sum(l.rows_done)::bigint AS rows_done, pg_catalog.count(*) FILTER (WHERE l.held) AS lanes,"
		" pg_catalog.sum(CASE WHEN l.batch_ms" SG_GT "0::double precision THEN l.batch_size::double precision"
		" OPERATOR(pg_catalog./) l.batch_ms END) FILTER (WHERE l.held AND NOT l.deferred) AS rows_per_ms,"
		" pg_catalog.max(l.batch_size) FILTER (WHERE l.held) AS batch_size,"
		" pg_catalog.max(l.updated_at) FILTER (WHERE l.batches" SG_GT "0::bigint) AS moved_at"
		" FROM looked l GROUP BY l.key),"
		" bad AS (SELECT t.key, pg_catalog.count(*) AS bad FROM %1$s.backfill_failures t%2$s GROUP BY t.key)"
		" SELECT t.key, t.state, t.started_at IS NOT NULL, t.pass, t.rows_done" SG_PLUS "COALESCE(s.rows_done, 0::bigint),"
		" t.rows_estimate, s.ranges, s.deferred, bad.bad, " SG_UTC("t.started_at") ", " SG_UTC("t.finished_at") ","
		" t.paused_by, " SG_UTC("t.paused_at") ","
		" GREATEST(s.lanes, (i.key IS NULL)::integer::bigint), s.rows_per_ms, s.batch_size,"
		" pg_catalog.date_part('epoch', " NOW SG_MINUS "s.moved_at)::bigint, t.class, t.sqlstate, t.message"
		" FROM %1$s.backfills t LEFT JOIN summed s ON s.key" SG_EQ "t.key LEFT JOIN bad ON bad.key" SG_EQ "t.key"
		" LEFT JOIN idle i ON i.key" SG_EQ "t.key%2$s ORDER BY t.key",
		schema, of_key, free);
}

static void read_failure(struct sg_backfill_row *row, const char *class, const char *sqlstate, const char *message,
                         struct sg_arena *arena)
{
	enum sg_class found = SG_CLASS_NONE;

	row->message = message;
	for (int k = 0; class != NULL && k < SG_CLASS_COUNT; k++)
		if (strcmp(sg_class_name((enum sg_class)k), class) == 0)
			found = (enum sg_class)k;
	if (found == SG_CLASS_NONE)
		return;
	sg_err_defer(&row->err, arena);
	sg_err_set(&row->err, found, "%s", message != NULL ? message : "");
	sg_err_sqlstate(&row->err, sqlstate);
	sg_err_step(&row->err, row->key);
}

static void read_row(const struct sg_result *result, int at, struct sg_arena *arena, struct sg_backfill_row *row)
{
	const char *state = sg_result_value(result, at, 1), *rate, *message;

	row->key = sg_result_value(result, at, 0);
	for (size_t i = 0; i < SG_COUNT(state_names); i++)
		if (strcmp(state, state_names[i]) == 0)
			row->state = (enum sg_backfill_state)i;
	row->begun = sg_result_true(result, at, 2);
	row->pass = (int)sg_result_int(result, at, 3);
	row->again = !row->begun && row->pass == 0;
	row->rows_done = sg_result_int(result, at, 4);
	row->rows_estimate = sg_result_int_or(result, at, 5, -1);
	row->left = row->state == SG_BACKFILL_COMPLETE ? 0 : -1;
	if (row->left < 0 && row->rows_estimate >= 0)
		row->left = row->rows_estimate > row->rows_done ? row->rows_estimate - row->rows_done : 0;
	row->ranges = sg_result_int(result, at, 6);
	row->deferred = sg_result_int(result, at, 7);
	row->bad_rows = sg_result_int(result, at, 8);
	row->started_at = sg_result_value(result, at, 9);
	row->finished_at = sg_result_value(result, at, 10);
	row->paused_by = sg_result_value(result, at, 11);
	row->paused_at = sg_result_value(result, at, 12);
	row->seconds_left = -1;
	row->silent_s = -1;
	if (!ended(row->state)) {
		row->lanes = (int)sg_result_int(result, at, 13);
		row->silent_s = sg_result_int_or(result, at, 16, -1);
	}
	message = sg_result_value(result, at, 19);
	row->nobody = row->state == SG_BACKFILL_RUNNING && row->lanes == 0 && (message == NULL || row->ranges > row->deferred);
	rate = sg_result_value(result, at, 14);
	if (row->lanes > 0 && (row->state != SG_BACKFILL_RUNNING || message == NULL)) {
		row->rows_per_s = rate != NULL ? strtod(rate, NULL) * 1000 : 0;
		row->batch_size = (int)sg_result_int(result, at, 15);
		if (row->left >= 0 && row->rows_per_s > 0)
			row->seconds_left = (int64_t)((double)row->left / row->rows_per_s + 0.5);
	}
	read_failure(row, sg_result_value(result, at, 17), sg_result_value(result, at, 18), message, arena);
}

static int read_rows(struct sg_db *db, const char *state_schema, bool lock, const char *key, struct sg_arena *arena,
                     struct sg_backfill_row **rows_r, size_t *count_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db, read_sql(state_schema, lock, key, arena), 0, NULL, arena, &result, err) != 0) {
		sg_state_explain(err, "read", state_schema);
		return -1;
	}
	*count_r = (size_t)sg_result_rows(result);
	*rows_r = sg_arena_array(arena, *count_r, sizeof **rows_r);
	for (size_t i = 0; i < *count_r; i++)
		read_row(result, (int)i, arena, &(*rows_r)[i]);
	return 0;
}

int sg_backfills_read(struct sg_db *db, const char *state_schema, struct sg_arena *arena,
                      struct sg_backfill_row **rows_r, size_t *count_r, struct sg_err *err)
{
	bool lock;

	if (may_lock(db, state_schema, arena, &lock, err) != 0)
		return -1;
	return read_rows(db, state_schema, lock, NULL, arena, rows_r, count_r, err);
}

const struct sg_backfill_row *sg_backfills_find(const struct sg_backfill_row *rows, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

/* ---- for people ---------------------------------------------------------------- */

/* 1234567 as 1,234,567 */
static const char *grouped(int64_t n, struct sg_arena *arena)
{
	char *plain = sg_arena_printf(arena, "%" PRId64, n);
	size_t digits = strlen(plain), at = 0;
	char *text = sg_arena_alloc(arena, digits + digits / 3 + 1);

	for (size_t i = 0; i < digits; i++) {
		if (i > 0 && (digits - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = plain[i];
	}
	return text;
}

static const char *what_is_left(const struct sg_backfill_row *row, struct sg_arena *arena)
{
	const char *text;

	if (row->ranges > 0 && row->ranges == row->deferred)
		text = sg_arena_printf(arena, "%s %s left that others held locked", grouped(row->deferred, arena),
		                       row->deferred == 1 ? "row is" : "rows are");
	else if (row->left > 0)
		text = sg_arena_printf(arena, "%s of about %s rows left", grouped(row->left, arena),
		                       grouped(row->rows_estimate, arena));
	else
		text = sg_arena_printf(arena, "%s %s done, how many are left is not known", grouped(row->rows_done, arena),
		                       row->rows_done == 1 ? "row is" : "rows are");
	if (row->seconds_left >= 0 && row->left > 0) {
		char span[32];

		sg_clock_text(row->seconds_left * 1000, span);
		text = sg_arena_printf(arena, "%s, about %s", text, span);
	}
	return text;
}

const char *sg_backfill_row_text(const struct sg_backfill_row *row, struct sg_arena *arena)
{
	const char *left = row->begun ? what_is_left(row, arena) : "not started";
	const char *message = row->message != NULL ? row->message : "";

	switch (row->state) {
	case SG_BACKFILL_COMPLETE:
		return "complete";
	case SG_BACKFILL_PAUSED:
		return sg_arena_printf(arena, "paused by %s since %s: %s", row->paused_by ? row->paused_by : "somebody",
		                       row->paused_at ? row->paused_at : "some time", left);
	case SG_BACKFILL_FAILED:
		return sg_arena_printf(arena, "failed: %s (%s)", message, left);
	case SG_BACKFILL_RESIDUAL:
		if (row->bad_rows > 0)
			return sg_arena_printf(arena, "residual: %s bad %s left", grouped(row->bad_rows, arena),
			                       row->bad_rows == 1 ? "row is" : "rows are");
		if (row->left > 0)
			return sg_arena_printf(arena, "residual: %s %s left that came or changed since", grouped(row->left, arena),
			                       row->left == 1 ? "row is" : "rows are");
		return "residual: its fingerprint does not hold";
	case SG_BACKFILL_RUNNING:
		if (row->nobody)
			return sg_arena_printf(arena, "%s; nobody is at work", left);
		return row->message != NULL ? sg_arena_printf(arena, "%s; it holds still: %s", left, message) : left;
	case SG_BACKFILL_PENDING:
		break;
	}
	return left;
}

/* ---- of a run ---------------------------------------------------------------- */

static const char *backfills(const char *state_schema, struct sg_arena *arena)
{
	return sg_arena_printf(arena, "%s.backfills", sg_db_identifier(arena, state_schema));
}

static const char *or_null(const char *text, struct sg_arena *arena)
{
	return text != NULL ? sg_db_literal(arena, text) : "NULL";
}

static int gone(const char *key, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_STATE, "backfill %s has lost its row in the state", key);
	return sg_err_hint(err, "Somebody deleted it: run `sgrun backfill` again, and it begins anew.");
}

int sg_backfills_lock(struct sg_db *db, const char *state_schema, const char *key, struct sg_arena *arena,
                      struct sg_backfill_row *row_r, struct sg_err *err)
{
	const char *table = backfills(state_schema, arena);
	struct sg_backfill_row *rows;
	struct sg_result *result;
	size_t count;

	/* The lock in a statement of its own: what is read next is read after it. */
	if (sg_db_script_rows(db,
	                      sg_arena_printf(arena,
	                                      "INSERT INTO %s (key) VALUES (%s) ON CONFLICT (key) DO NOTHING;"
	                                      "SELECT 1 FROM %s b WHERE b.key" SG_EQ "%s FOR UPDATE",
	                                      table, sg_db_literal(arena, key), table, sg_db_literal(arena, key)),
	                      arena, &result, err) != 0) {
		sg_state_explain(err, "write to", state_schema);
		return -1;
	}
	if (read_rows(db, state_schema, false, key, arena, &rows, &count, err) != 0)
		return -1;
	if (count != 1)
		return gone(key, err);
	*row_r = rows[0];
	return 0;
}

int sg_backfills_begin(struct sg_db *db, const struct sg_ranges *of, sg_range_key lo, sg_range_key hi,
                       int64_t estimate, const char *sha256, const char *runner, struct sg_arena *arena,
                       struct sg_err *err)
{
	const char *schema = sg_db_identifier(arena, of->state_schema);
	const char *key = sg_db_literal(arena, of->key);
	struct sg_buf sql = SG_BUF_INIT;
	int status;

	sg_buf_addf(&sql,
	            "UPDATE %s.backfills b SET state = CASE WHEN b.state" SG_EQ "'paused' THEN b.state ELSE 'running' END,"
	            " plugin_sha256 = %s, pass = 1, lanes = 0, rows_done = 0, rows_estimate = %s, started_at = " NOW ","
	            " finished_at = NULL, class = NULL, sqlstate = NULL, message = NULL WHERE b.key" SG_EQ "%s;"
	            "DELETE FROM %s.backfill_failures f WHERE f.key" SG_EQ "%s;",
	            schema, or_null(sha256, arena), estimate >= 0 ? sg_arena_printf(arena, "%" PRId64, estimate) : "NULL", key,
	            schema, key);
	if (lo != NULL)
		sg_buf_addf(&sql, "INSERT INTO %s.backfill_ranges (key, lo, hi, runner) VALUES (%s, %s, %s, %s);", schema, key,
		            sg_db_literal(arena, sg_db_text_array(arena, lo, of->keys)),
		            sg_db_literal(arena, sg_db_text_array(arena, hi, of->keys)), or_null(runner, arena));
	status = sg_db_script(db, sql.data, err);
	if (status != 0)
		sg_state_explain(err, "write to", of->state_schema);
	sg_buf_release(&sql);
	return status;
}

int sg_backfills_set(struct sg_db *db, const char *state_schema, const char *key, enum sg_backfill_state state,
                     const char *message, const struct sg_err *why, int64_t left, struct sg_arena *arena,
                     struct sg_err *err)
{
	bool failed = why != NULL && why->class != SG_CLASS_NONE;
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int status = -1;

	if (message == NULL && failed)
		message = why->primary;
	sg_buf_addf(&sql, "UPDATE %s b SET", backfills(state_schema, arena));
	if (ended(state))
		sg_buf_addf(&sql, " state = '%s', finished_at = " NOW ", paused_by = NULL, paused_at = NULL", state_names[state]);
	else
		sg_buf_addf(&sql, " state = CASE WHEN b.state" SG_EQ "'paused' THEN b.state ELSE '%s' END, finished_at = NULL",
		            state_names[state]);
	if (state != SG_BACKFILL_RUNNING)
		sg_buf_adds(&sql, ", lanes = 0");
	/* what is left of a residual one is not of the estimate: its ranges are done */
	if (state == SG_BACKFILL_RESIDUAL)
		sg_buf_addf(&sql, ", rows_estimate = %s",
		            left >= 0 ? sg_arena_printf(arena, "b.rows_done" SG_PLUS "%" PRId64 "::bigint", left) : "NULL");
	sg_buf_addf(&sql, ", class = %s, sqlstate = %s, message = %s WHERE b.key" SG_EQ "%s",
	            or_null(failed ? sg_class_name(why->class) : NULL, arena),
	            or_null(failed && why->sqlstate[0] != '\0' ? why->sqlstate : NULL, arena),
	            or_null(sg_state_bounded(arena, message), arena), sg_db_literal(arena, key));
	if (sg_db_query(db, sql.data, 0, NULL, arena, &result, err) != 0)
		sg_state_explain(err, "write to", state_schema);
	else
		status = sg_result_affected(result) == 1 ? 0 : gone(key, err);
	sg_buf_release(&sql);
	return status;
}

int sg_backfills_pass(struct sg_db *db, const char *state_schema, const char *key, struct sg_arena *arena,
                      const char **before_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db,
	                sg_arena_printf(arena,
	                                "UPDATE %s b SET pass = b.pass" SG_PLUS "1 WHERE b.key" SG_EQ "%s"
	                                " RETURNING " SG_UTC_EXACT(NOW),
	                                backfills(state_schema, arena), sg_db_literal(arena, key)),
	                0, NULL, arena, &result, err) != 0)
		return -1;
	if (sg_result_rows(result) != 1)
		return gone(key, err);
	*before_r = sg_result_value(result, 0, 0);
	return 0;
}

int sg_backfills_alive(struct sg_db *db, const char *state_schema, const char *key, const char *runner, int lanes,
                       struct sg_arena *arena, struct sg_err *err)
{
	const char *table = sg_arena_printf(arena, "%s.backfill_ranges", sg_db_identifier(arena, state_schema));

	if (lanes < 1)
		return 0;
	return sg_db_script(db,
	                    sg_arena_printf(arena,
	                                    "UPDATE %s r SET runner = %s, updated_at = " NOW " FROM (SELECT t.no FROM %s t"
	                                    " WHERE t.key" SG_EQ "%s AND NOT t.deferred ORDER BY t.no LIMIT %d FOR UPDATE SKIP LOCKED) f"
	                                    " WHERE r.key" SG_EQ "%s AND r.no" SG_EQ "f.no",
	                                    table, or_null(runner, arena), table, sg_db_literal(arena, key), lanes,
	                                    sg_db_literal(arena, key)),
	                    err);
}

/* A lane's name is its runner's, and a number. */
int sg_backfills_others(struct sg_db *db, const char *state_schema, const char *key, const char *runner,
                        struct sg_arena *arena, bool *others_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db,
	                sg_arena_printf(arena,
	                                "SELECT EXISTS (SELECT FROM %s.backfill_ranges r WHERE r.key" SG_EQ "%s AND r.batches" SG_GT
	                                "0 AND NOT pg_catalog.starts_with(r.runner, %s) AND r.updated_at" SG_GT "(" NOW SG_MINUS
	                                "interval '10 s'))",
	                                sg_db_identifier(arena, state_schema), sg_db_literal(arena, key),
	                                sg_db_literal(arena, runner)),
	                0, NULL, arena, &result, err) != 0)
		return -1;
	*others_r = sg_result_true(result, 0, 0);
	return 0;
}

/* ---- drain mode ---------------------------------------------------------------- */

const char *sg_backfills_drain_sql(const struct sg_ranges *of, struct sg_arena *arena)
{
	const char *table = backfills(of->state_schema, arena);
	const char *key = sg_db_literal(arena, of->key);

	return sg_arena_printf(arena,
	                       "SELECT b.state, b.paused_by, " SG_UTC("b.paused_at") " AS paused_at, b.lanes, m.key IS NOT NULL AS mine"
	                       " FROM %s b LEFT JOIN LATERAL (SELECT d.key FROM %s d WHERE d.key" SG_EQ "%s AND"
	                       " (d.state" SG_EQ "'pending' OR d.state" SG_EQ "'running') FOR UPDATE SKIP LOCKED) m ON true"
	                       " WHERE b.key" SG_EQ "%s",
	                       table, table, key, key);
}

int sg_backfills_drain_claimed(const struct sg_result *result, int column, struct sg_claim *claim_r,
                               struct sg_err *err)
{
	const char *state = sg_result_rows(result) == 1 ? sg_result_value(result, 0, column) : NULL;

	memset(claim_r, 0, sizeof *claim_r);
	claim_r->what = SG_CLAIMED_OVER;
	if (sg_result_columns(result) < column + 5)
		return sg_err_set(err, SG_CLASS_BUG, "the answer to a claim has %d columns", sg_result_columns(result));
	if (state == NULL)
		return 0;
	claim_r->paused_by = sg_result_value(result, 0, column + 1);
	claim_r->paused_at = sg_result_value(result, 0, column + 2);
	claim_r->lanes = (int)sg_result_int(result, 0, column + 3);
	if (sg_result_true(result, 0, column + 4))
		claim_r->what = SG_CLAIMED_RANGE;
	else if (strcmp(state, "paused") == 0)
		claim_r->what = SG_CLAIMED_PAUSED;
	else if (strcmp(state, "pending") == 0 || strcmp(state, "running") == 0)
		claim_r->what = SG_CLAIMED_BUSY;
	return 0;
}

void sg_backfills_drained(struct sg_buf *sql, const struct sg_ranges *of, int64_t rows, struct sg_arena *arena)
{
	sg_buf_addf(sql, "UPDATE %s b SET rows_done = b.rows_done" SG_PLUS "%" PRId64 "::bigint WHERE b.key" SG_EQ "%s;",
	            backfills(of->state_schema, arena), rows, sg_db_literal(arena, of->key));
}
