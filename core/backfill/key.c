/* key.c - the questions that walk a key through its index.
 *
 * Each is one statement behind settings that leave the planner no other way than
 * the index's order, whatever it believes of the table: a batch costs what its
 * rows cost, at the end of a table as at its beginning. It travels with the settings
 * in one round trip, as one string, so values are literals, each cast to its
 * column's type and compared in its column's collation. */
#include "config.h"
#include "core/backfill/key.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"

#define CUT_STEP 10000 /* index entries a statement */
#define SHOWN_BYTES 100 /* of a value, for people */

/* Without these a table without statistics is sorted whole, once a batch; workers would read on past the LIMIT.
 * Two statements in all, since ten of SET LOCAL take longer than a small batch's keys. */
#define SET(to) \
	"pg_catalog.set_config('enable_seqscan', " to ", true), pg_catalog.set_config('enable_bitmapscan', " to ", true)," \
	" pg_catalog.set_config('enable_sort', " to ", true), pg_catalog.set_config('enable_incremental_sort', " to ", true)"
#define WALK "SELECT " SET("'off'") ", pg_catalog.set_config('max_parallel_workers_per_gather', '0', true);"
/* Columns at the end of the question itself, which is planned by then; NULL: to the session's default. */
#define WALKED ", " SET("NULL") ", pg_catalog.set_config('max_parallel_workers_per_gather', NULL, true)"

static int ask(struct sg_db *db, const char *columns, const char *from, struct sg_arena *arena,
               struct sg_result **result_r, struct sg_err *err)
{
	return sg_db_script_rows(db, sg_arena_printf(arena, WALK "SELECT %s" WALKED " FROM %s", columns, from), arena,
	                         result_r, err);
}

/* ---- pieces of SQL ---- */

/* t."a" AS k0, t."b" AS k1, 1 AS there: a key of a composite type may well be a value that IS NULL. */
static const char *selected(const struct sg_key *key, struct sg_arena *arena)
{
	const char *all = "";

	for (size_t i = 0; i < key->count; i++)
		all = sg_arena_printf(arena, "%s%st.%s AS k%zu", all, i > 0 ? ", " : "", key->columns[i], i);
	return sg_arena_printf(arena, "%s, 1 AS there", all);
}

/* The key's columns under an alias: t."a", ROW(t."a", t."b"), or those selected before, f.k0, ROW(f.k0, f.k1). */
static const char *row_of(const struct sg_key *key, const char *alias, bool renamed, struct sg_arena *arena)
{
	const char *all = "";

	for (size_t i = 0; i < key->count; i++) {
		const char *name = renamed ? sg_arena_printf(arena, "k%zu", i) : key->columns[i];

		all = sg_arena_printf(arena, "%s%s%s.%s", all, i > 0 ? ", " : "", alias, name);
	}
	return key->count == 1 ? all : sg_arena_printf(arena, "ROW(%s)", all);
}

static const char *row_values(const struct sg_key *key, sg_key_values values, struct sg_arena *arena)
{
	const char *all = "";

	for (size_t i = 0; i < key->count; i++)
		all = sg_arena_printf(arena, "%s%s%s::%s%s", all, i > 0 ? ", " : "", sg_db_literal(arena, values[i]),
		                      key->types[i], key->collations[i]);
	return key->count == 1 ? all : sg_arena_printf(arena, "ROW(%s)", all);
}

/* WHERE of a span. Row comparisons alone: with `a >= x` beside them the scan would begin at the first row of that
 * a, and read it again and again where many rows share it (_bt_first takes the first key that fits). */
static const char *within(const struct sg_key *key, const struct sg_key_span *span, struct sg_arena *arena)
{
	const char *column = row_of(key, "t", false, arena);

	return sg_arena_printf(arena, "%s %s %s AND %s %s %s", column,
	                       span->after != NULL ? key->greater : key->greater_equal,
	                       row_values(key, span->after != NULL ? span->after : span->from, arena), column,
	                       key->less_equal, row_values(key, span->to, arena));
}

/* Values of the row's columns from `column` on; NULL where there is no such key. */
static sg_key_values take(const struct sg_key *key, const struct sg_result *result, int column, struct sg_arena *arena)
{
	const char **values;

	if (sg_result_value(result, 0, column + (int)key->count) == NULL)
		return NULL;
	values = sg_arena_array(arena, key->count, sizeof *values);
	for (size_t i = 0; i < key->count; i++)
		values[i] = sg_result_value(result, 0, column + (int)i);
	return values;
}

/* ---- the questions ---- */

int sg_key_ends(struct sg_db *db, const struct sg_key *key, struct sg_arena *arena, sg_key_values *lowest_r,
                sg_key_values *highest_r, struct sg_err *err)
{
	const char *columns = selected(key, arena);
	struct sg_result *result;

	if (ask(db, "l.*, h.*",
	        sg_arena_printf(arena,
	                        "(SELECT 1) one"
	                        " LEFT JOIN LATERAL (SELECT %s FROM %s t ORDER BY %s LIMIT 1) l ON true"
	                        " LEFT JOIN LATERAL (SELECT %s FROM %s t ORDER BY %s LIMIT 1) h ON true",
	                        columns, key->table, key->up, columns, key->table, key->down),
	        arena, &result, err) != 0)
		return -1;
	*lowest_r = take(key, result, 0, arena);
	*highest_r = take(key, result, (int)key->count + 1, arena);
	return 0;
}

/* The planner's word: reltuples by the file's pages, dead rows and all. */
static int planned_rows(struct sg_db *db, const struct sg_key *key, struct sg_arena *arena, int64_t *rows_r,
                        struct sg_err *err)
{
	struct sg_result *result;
	struct sg_json *plans;
	const char *text;

	if (sg_db_script_rows(db, sg_arena_printf(arena, "EXPLAIN (FORMAT JSON) SELECT FROM %s t", key->table), arena,
	                      &result, err) != 0)
		return -1;
	text = sg_result_value(result, 0, 0);
	plans = sg_json_parse(text, strlen(text), err);
	if (plans == NULL)
		return -1;
	*rows_r = sg_json_int(sg_json_get(sg_json_get(sg_json_at(plans, 0), "Plan"), "Plan Rows"));
	if (*rows_r < 0)
		*rows_r = 0;
	sg_json_free(plans);
	return 0;
}

int sg_key_estimate(struct sg_db *db, const struct sg_key *key, struct sg_arena *arena, int64_t *rows_r,
                    struct sg_err *err)
{
	struct sg_result *result;

	/* A table that a backfill before has rewritten is half dead: the counters know. They are lost in a crash. */
	if (sg_db_script_rows(db,
	                      sg_arena_printf(arena,
	                                      "SELECT pg_catalog.sum(pg_catalog.pg_stat_get_live_tuples(p.oid))::pg_catalog.int8"
	                                      " FROM (SELECT %u::pg_catalog.oid AS oid UNION"
	                                      " SELECT t.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(%u) t"
	                                      " WHERE t.isleaf) p",
	                                      key->oid, key->oid),
	                      arena, &result, err) != 0)
		return -1;
	*rows_r = sg_result_int(result, 0, 0);
	return *rows_r > 0 ? 0 : planned_rows(db, key, arena, rows_r, err);
}

/* Last of all, unless `more`, and where keys may be equal: how many rows beyond the limit bear the last key.
 * One row: first key, last key, is it the span's end, how many rows are left where there is no last one. `more`: and
 * whether any row follows the last. The count reads again what the OFFSET read, but only once a range, and no
 * more than a batch. */
static int look(struct sg_db *db, const struct sg_key *key, const struct sg_key_span *span, int64_t limit, bool more,
                struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err)
{
	const char *columns = selected(key, arena), *where = within(key, span, arena);
	const char *to = row_values(key, span->to, arena), *last = row_of(key, "l", true, arena);
	const char *column = row_of(key, "t", false, arena), *follows = "";

	/* No EXISTS: it forgets the ORDER BY, and with it that only this index will do. */
	if (more)
		follows = sg_arena_printf(arena, ", (SELECT true FROM %s t WHERE %s %s %s AND %s %s %s ORDER BY %s LIMIT 1)",
		                          key->table, column, key->greater, last, column, key->less_equal, to, key->up);
	else if (!key->unique)
		follows = sg_arena_printf(arena,
		                          ", CASE WHEN (SELECT pg_catalog.count(*) FROM (SELECT FROM %s t WHERE %s %s %s AND %s %s %s"
		                          " ORDER BY %s LIMIT 2) e) OPERATOR(pg_catalog.>) 1 THEN (SELECT pg_catalog.count(*) FROM"
		                          " (SELECT FROM %s t WHERE %s AND %s %s %s ORDER BY %s OFFSET %" PRId64 ") n) END",
		                          key->table, column, key->greater_equal, last, column, key->less_equal, last, key->up,
		                          key->table, where, column, key->less_equal, last, key->up, limit);
	return ask(db,
	           sg_arena_printf(arena,
	                           "f.*, l.*, l.there IS NOT NULL AND %s %s %s, CASE WHEN f.there IS NULL THEN 0 WHEN l.there IS"
	                           " NULL THEN (SELECT pg_catalog.count(*) FROM (SELECT FROM %s t WHERE %s ORDER BY %s LIMIT %" PRId64
	                           ") n) ELSE %" PRId64 " END%s",
	                           last, key->greater_equal, to, key->table, where, key->up, limit, limit, follows),
	           sg_arena_printf(arena,
	                           "(SELECT 1) one"
	                           " LEFT JOIN LATERAL (SELECT %s FROM %s t WHERE %s ORDER BY %s LIMIT 1) f ON true"
	                           " LEFT JOIN LATERAL (SELECT %s FROM %s t WHERE %s ORDER BY %s OFFSET %" PRId64
	                           " LIMIT 1) l ON true",
	                           columns, key->table, where, key->up, columns, key->table, where, key->up, limit - 1),
	           arena, result_r, err);
}

static void read_batch(const struct sg_key *key, const struct sg_key_span *span, const struct sg_result *result,
                       struct sg_arena *arena, struct sg_key_batch *batch_r)
{
	int count = (int)key->count;

	batch_r->firsts = take(key, result, 0, arena);
	batch_r->lasts = take(key, result, count + 1, arena);
	batch_r->rows = sg_result_int(result, 0, 2 * count + 3);
	batch_r->beyond = 0;
	batch_r->ends = batch_r->lasts == NULL || sg_result_true(result, 0, 2 * count + 2);
	if (batch_r->lasts == NULL && batch_r->firsts != NULL)
		batch_r->lasts = span->to;
}

int sg_key_next(struct sg_db *db, const struct sg_key *key, const struct sg_key_span *span, int64_t limit,
                struct sg_arena *arena, struct sg_key_batch *batch_r, struct sg_err *err)
{
	struct sg_result *result;

	SG_ASSERT(limit > 0);
	if (look(db, key, span, limit, false, arena, &result, err) != 0)
		return -1;
	read_batch(key, span, result, arena, batch_r);
	if (!key->unique)
		batch_r->beyond = sg_result_int(result, 0, 2 * (int)key->count + 4);
	return 0;
}

int sg_key_cut(struct sg_db *db, const struct sg_key *key, const struct sg_key_span *span, int64_t n,
               struct sg_arena *arena, sg_key_values *at_r, int64_t *rows_r, struct sg_err *err)
{
	struct sg_key_span left = *span;
	struct sg_key_batch batch;

	SG_ASSERT(n > 0);
	*at_r = NULL;
	*rows_r = 0;
	while (*rows_r < n) {
		int64_t step = n - *rows_r < CUT_STEP ? n - *rows_r : CUT_STEP;
		struct sg_result *result;

		if (look(db, key, &left, step, true, arena, &result, err) != 0)
			return -1;
		read_batch(key, &left, result, arena, &batch);
		*rows_r += batch.rows;
		if (batch.ends || !sg_result_true(result, 0, 2 * (int)key->count + 4))
			return 0;
		left.after = batch.lasts;
	}
	*at_r = left.after;
	return 0;
}

/* ---- for people ---- */

static void add_value(struct sg_buf *buf, const char *value)
{
	size_t length = strlen(value), shown = length;
	bool plain = length > 0;

	for (size_t i = 0; i < length; i++)
		plain &= (unsigned char)value[i] > ' ' && strchr("',()\"", value[i]) == NULL;
	if (length > SHOWN_BYTES)
		for (shown = SHOWN_BYTES; shown > 0 && ((unsigned char)value[shown] & 0xC0) == 0x80; shown--)
			;
	sg_buf_addf(buf, "%s%.*s%s%s", plain ? "" : "'", (int)shown, value, shown < length ? "…" : "", plain ? "" : "'");
}

const char *sg_key_text(const struct sg_key *key, sg_key_values values, struct sg_arena *arena)
{
	struct sg_buf buf = SG_BUF_INIT;
	const char *text;

	sg_buf_adds(&buf, key->count > 1 ? "(" : "");
	for (size_t i = 0; i < key->count; i++)
		sg_buf_addf(&buf, "%s%s", i > 0 ? ", " : "", key->names[i]);
	sg_buf_adds(&buf, key->count > 1 ? ") = (" : " = ");
	for (size_t i = 0; i < key->count; i++) {
		sg_buf_adds(&buf, i > 0 ? ", " : "");
		add_value(&buf, values[i]);
	}
	sg_buf_adds(&buf, key->count > 1 ? ")" : "");
	text = sg_arena_strdup(arena, buf.data);
	sg_buf_release(&buf);
	return text;
}
