/* ranges.c - the SQL of backfill_ranges and backfill_failures.
 *
 * The claim is one statement, so that state, counts and lock cost one round trip. Its
 * counts are of the statement's snapshot, but the locked row is of the newest
 * committed version: FOR UPDATE follows the row's updates and asks the WHERE again
 * (READ COMMITTED; executor/nodeLockRows.c). A snapshot is of one moment: when it holds
 * no range of a kind, there is none, held or free; ranges come only of ranges.
 *
 * Everything is named in full, operators too: the search_path is the application's. */
#include "config.h"
#include "core/state/ranges.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/state/words.h"

#define MOST_LANES 256

/* The table's name, and what picks a row of it. */
static const char *table(const struct sg_ranges *of, const char *name, struct sg_arena *arena)
{
	return sg_arena_printf(arena, "%s.%s", sg_db_identifier(arena, of->state_schema), name);
}

static const char *array(const struct sg_ranges *of, sg_range_key key, struct sg_arena *arena)
{
	if (key == NULL)
		return "NULL";
	return sg_db_literal(arena, sg_db_text_array(arena, key, of->keys));
}

static const char *or_null(const char *text, struct sg_arena *arena)
{
	return text != NULL ? sg_db_literal(arena, text) : "NULL";
}

const char *sg_ranges_claim_sql(const struct sg_ranges *of, int64_t mine, int64_t lowest,
                                const char *deferred_before, struct sg_arena *arena)
{
	const char *key = sg_db_literal(arena, of->key);
	const char *ranges = table(of, "backfill_ranges", arena);
	const char *kind = "NOT r.deferred";
	const char *alive = sg_arena_printf(arena, "r.no OPERATOR(pg_catalog.>=) %" PRId64 "::bigint", lowest);

	if (deferred_before != NULL)
		kind = sg_arena_printf(arena, "r.deferred AND r.updated_at" SG_LT "%s::pg_catalog.timestamptz",
		                       sg_db_literal(arena, deferred_before));
	return sg_arena_printf(arena,
	                       "SELECT b.state AS b_state, b.paused_by, " SG_UTC("b.paused_at") " AS paused_at, b.lanes,"
	                       " c.ranges, c.deferred AS ranges_deferred, c.kind, c.lowest,"
	                       " g.no, g.lo, g.hi, g.pos, g.deferred, g.rows_done, g.batches, g.batch_size, g.batch_ms"
	                       " FROM %s.backfills b"
	                       " CROSS JOIN (SELECT pg_catalog.min(r.no) AS lowest, pg_catalog.count(*) AS ranges,"
	                       " pg_catalog.count(*) FILTER (WHERE r.deferred) AS deferred,"
	                       " pg_catalog.count(*) FILTER (WHERE %s) AS kind"
	                       " FROM %s r WHERE r.key" SG_EQ "%s AND %s) c"
	                       " LEFT JOIN LATERAL (SELECT r.* FROM %s r WHERE r.key" SG_EQ "%s AND %s AND %s"
	                       " AND (b.state" SG_EQ "'pending' OR b.state" SG_EQ "'running')"
	                       " ORDER BY (r.no" SG_EQ "%" PRId64 "::bigint) DESC, r.no LIMIT 1 FOR UPDATE SKIP LOCKED) g ON true"
	                       " WHERE b.key" SG_EQ "%s",
	                       sg_db_identifier(arena, of->state_schema), kind, ranges, key, alive, ranges, key, alive, kind, mine,
	                       key);
}

int sg_ranges_claimed(const struct sg_ranges *of, const struct sg_result *result, int column, struct sg_arena *arena,
                      struct sg_claim *claim_r, struct sg_err *err)
{
	const char *state = sg_result_rows(result) == 1 ? sg_result_value(result, 0, column) : NULL;
	struct sg_range *range = &claim_r->range;
	const char *value;

	memset(claim_r, 0, sizeof *claim_r);
	claim_r->what = SG_CLAIMED_OVER;
	if (state == NULL)
		return 0;
	claim_r->paused_by = sg_result_value(result, 0, column + 1);
	claim_r->paused_at = sg_result_value(result, 0, column + 2);
	claim_r->lanes = (int)sg_result_int(result, 0, column + 3);
	claim_r->ranges = sg_result_int(result, 0, column + 4);
	claim_r->deferred = sg_result_int(result, 0, column + 5);
	if (strcmp(state, "paused") == 0) {
		claim_r->what = SG_CLAIMED_PAUSED;
		return 0;
	}
	if (strcmp(state, "pending") != 0 && strcmp(state, "running") != 0)
		return 0;
	claim_r->lowest = sg_result_int(result, 0, column + 7);
	if (sg_result_value(result, 0, column + 8) == NULL) {
		claim_r->what = sg_result_int(result, 0, column + 6) > 0 ? SG_CLAIMED_BUSY : SG_CLAIMED_NOTHING;
		return 0;
	}
	range->no = sg_result_int(result, 0, column + 8);
	for (int i = 0; i < 3; i++) {
		sg_range_key *keys_r = i == 0 ? &range->lo : i == 1 ? &range->hi : &range->pos;

		value = sg_result_value(result, 0, column + 9 + i);
		if (value == NULL && i == 2)
			continue;
		if (sg_ranges_array(value, of->keys, arena, keys_r, err) != 0)
			return sg_err_wrap(err, "range %" PRId64 " of backfill %s", range->no, of->key);
	}
	range->deferred = sg_result_true(result, 0, column + 12);
	range->rows_done = sg_result_int(result, 0, column + 13);
	range->batches = sg_result_int(result, 0, column + 14);
	range->batch_size = (int)sg_result_int(result, 0, column + 15);
	value = sg_result_value(result, 0, column + 16);
	range->batch_ms = value != NULL ? strtod(value, NULL) : 0;
	claim_r->what = SG_CLAIMED_RANGE;
	return 0;
}

static void add_where(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range,
                      struct sg_arena *arena)
{
	sg_buf_addf(sql, " WHERE r.key" SG_EQ "%s AND r.no" SG_EQ "%" PRId64 "::bigint", sg_db_literal(arena, of->key),
	            range->no);
}

void sg_ranges_move(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, sg_range_key to,
                    int64_t rows, double batch_ms, const char *runner, struct sg_arena *arena)
{
	sg_buf_addf(sql,
	            "UPDATE %s r SET pos = %s, rows_done = r.rows_done" SG_PLUS "%" PRId64 "::bigint,"
	            " batches = r.batches" SG_PLUS "1::bigint, batch_size = %d, batch_ms = %.3f, runner = %s,"
	            " updated_at = pg_catalog.clock_timestamp()",
	            table(of, "backfill_ranges", arena), array(of, to, arena), rows, (int)(rows < INT_MAX ? rows : INT_MAX),
	            isfinite(batch_ms) && batch_ms > 0 ? batch_ms : 0.0, or_null(runner, arena));
	add_where(sql, of, range, arena);
	sg_buf_adds(sql, ";");
}

void sg_ranges_finish(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, int64_t rows,
                      struct sg_arena *arena)
{
	sg_buf_addf(sql, "WITH gone AS (DELETE FROM %s r", table(of, "backfill_ranges", arena));
	add_where(sql, of, range, arena);
	sg_buf_addf(sql,
	            " RETURNING r.rows_done) UPDATE %s b SET rows_done = b.rows_done" SG_PLUS "gone.rows_done" SG_PLUS "%" PRId64
	            "::bigint FROM gone WHERE b.key" SG_EQ "%s;",
	            table(of, "backfills", arena), rows, sg_db_literal(arena, of->key));
}

void sg_ranges_defer(struct sg_buf *sql, const struct sg_ranges *of, sg_range_key lo, sg_range_key hi,
                     const char *runner, struct sg_arena *arena)
{
	sg_buf_addf(sql,
	            "INSERT INTO %s (key, lo, hi, deferred, runner, updated_at) VALUES (%s, %s, %s, true, %s,"
	            " pg_catalog.clock_timestamp());",
	            table(of, "backfill_ranges", arena), sg_db_literal(arena, of->key), array(of, lo, arena),
	            array(of, hi, arena), or_null(runner, arena));
}

void sg_ranges_touch(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, const char *runner,
                     struct sg_arena *arena)
{
	sg_buf_addf(sql, "UPDATE %s r SET runner = %s, updated_at = pg_catalog.clock_timestamp()",
	            table(of, "backfill_ranges", arena), or_null(runner, arena));
	add_where(sql, of, range, arena);
	sg_buf_adds(sql, ";");
}

/* The new range's pos is `at`: its first key is the one after, whichever that is. */
void sg_ranges_cut(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, sg_range_key at,
                   struct sg_arena *arena)
{
	const char *ranges = table(of, "backfill_ranges", arena);
	const char *cut = array(of, at, arena);

	sg_buf_addf(sql, "INSERT INTO %s (key, lo, hi, pos, batch_size, batch_ms) VALUES (%s, %s, %s, %s, ", ranges,
	            sg_db_literal(arena, of->key), cut, array(of, range->hi, arena), cut);
	/* whoever takes it begins with batches of a size that is known to do */
	if (range->batch_size > 0 && isfinite(range->batch_ms))
		sg_buf_addf(sql, "%d, %.3f);", range->batch_size, range->batch_ms);
	else
		sg_buf_adds(sql, "NULL, NULL);");
	sg_buf_addf(sql, "UPDATE %s r SET hi = %s", ranges, cut);
	add_where(sql, of, range, arena);
	sg_buf_adds(sql, ";");
}

/* attempts: a key that was put back by --retry has its earlier ones in its range (backfills_ask.c). */
void sg_ranges_bad(struct sg_buf *sql, const struct sg_ranges *of, sg_range_key key, const struct sg_err *why,
                   struct sg_arena *arena)
{
	const char *name = sg_db_literal(arena, of->key);
	const char *row = array(of, key, arena);

	sg_buf_addf(sql,
	            "INSERT INTO %s AS f (key, row_key, sqlstate, message, attempts) VALUES (%s, %s, %s, %s,"
	            " 1" SG_PLUS "COALESCE((SELECT pg_catalog.max(r.batches) FROM %s r WHERE r.key" SG_EQ "%s AND r.deferred"
	            " AND r.lo" SG_EQ "%s::pg_catalog.text[]), 0::bigint)::integer)"
	            " ON CONFLICT (key, row_key) DO UPDATE SET sqlstate = excluded.sqlstate, message = excluded.message,"
	            " attempts = f.attempts" SG_PLUS "1, at = pg_catalog.clock_timestamp();",
	            table(of, "backfill_failures", arena), name, row, or_null(why->sqlstate[0] ? why->sqlstate : NULL, arena),
	            or_null(sg_state_bounded(arena, why->primary), arena), table(of, "backfill_ranges", arena), name, row);
}

/* Deferred ranges are not cut, so they count for nothing here. */
void sg_ranges_want(struct sg_buf *sql, const struct sg_ranges *of, struct sg_arena *arena)
{
	const char *key = sg_db_literal(arena, of->key);

	sg_buf_addf(sql,
	            "UPDATE %s b SET lanes = w.lanes FROM (SELECT LEAST(%d, 1" SG_PLUS "pg_catalog.count(*)::integer) AS lanes"
	            " FROM %s r WHERE r.key" SG_EQ "%s AND NOT r.deferred) w WHERE b.key" SG_EQ "%s AND b.lanes" SG_LT "w.lanes;",
	            table(of, "backfills", arena), MOST_LANES, table(of, "backfill_ranges", arena), key, key);
}

/* One element, quoted or bare (backend's utils/adt/arrayfuncs.c, array_out); NULL: not well-formed, or SQL's NULL. */
static const char *element(const char **at, char *out)
{
	const char *c = *at;
	char *start = out;

	if (*c == '"') {
		for (c++; *c != '"'; c++) {
			if (*c == '\\')
				c++;
			if (*c == '\0')
				return NULL;
			*out++ = *c;
		}
		c++;
	} else {
		for (; *c != ',' && *c != '}'; c++) {
			if (*c == '\0' || *c == '{' || *c == '"' || *c == '\\')
				return NULL;
			*out++ = *c;
		}
		if (out == start || ((out - start) == 4 && memcmp(start, "NULL", 4) == 0))
			return NULL;
	}
	*out = '\0';
	*at = c;
	return start;
}

int sg_ranges_bad_rows(struct sg_db *db, const char *state_schema, const char *key, int most, struct sg_arena *arena,
                       struct sg_bad_row **rows_r, size_t *count_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_script_rows(db,
	                      sg_arena_printf(arena,
	                                      "SELECT pg_catalog.array_to_string(f.row_key, ', '), f.sqlstate, f.message"
	                                      " FROM %s.backfill_failures f WHERE f.key" SG_EQ "%s ORDER BY f.at, f.row_key LIMIT %d",
	                                      sg_db_identifier(arena, state_schema), sg_db_literal(arena, key), most),
	                      arena, &result, err) != 0)
		return -1;
	*count_r = (size_t)sg_result_rows(result);
	*rows_r = sg_arena_array(arena, *count_r, sizeof **rows_r);
	for (size_t i = 0; i < *count_r; i++)
		(*rows_r)[i] = (struct sg_bad_row){ .key = sg_result_value(result, (int)i, 0),
			                            .sqlstate = sg_result_value(result, (int)i, 1),
			                            .message = sg_result_value(result, (int)i, 2) };
	return 0;
}

int sg_ranges_array(const char *text, size_t count, struct sg_arena *arena, sg_range_key *key_r, struct sg_err *err)
{
	const char **values = sg_arena_array(arena, count, sizeof *values);
	const char *at = text;
	size_t found = 0;
	char *out;

	if (text != NULL && *at == '{') {
		/* what is taken apart is never longer: quotes and commas make room for the NULs */
		out = sg_arena_alloc(arena, strlen(text) + 1);
		for (at++; found < count; at++) {
			if ((values[found] = element(&at, out)) == NULL)
				break;
			out += strlen(values[found++]) + 1;
			if (*at != ',' || found == count)
				break;
		}
		if (found == count && at[0] == '}' && at[1] == '\0') {
			*key_r = values;
			return 0;
		}
	}
	sg_err_set(err, SG_CLASS_STATE, "a key of %zu %s was expected in the state, found %.200s", count,
	           count == 1 ? "column" : "columns", text != NULL ? text : "none");
	return sg_err_hint(err, "The state was changed by hand, or the backfill's key was changed after it had begun: put the"
	                        " key back as it was, and let it end first.");
}
