/* rows.c - see rows.h: which table comes when, the INSERT, and the proof that what it made holds.
 *
 * Rows are inserted as a replica would: no trigger of a user fires, and no foreign key is checked row by row, which would cost more
 * than all the rest. So every foreign key is asked for afterwards, in the same transaction, with one query; where it does not
 * hold, the table stays empty. What a CHECK or a unique index refuses in spite of all choosing is left out, row by row, where a
 * second try without those rows brings any at all. */
#include "config.h"
#include "core/rehearse/rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/rehearse/rows_parts.h"

#define SAMPLE 300
#define TRIES 4000

/* ---- one table ---- */

static const char *columns_of(struct rows *rows, const struct rows_table *table)
{
	struct sg_buf names = SG_BUF_INIT;
	const char *text;

	for (size_t i = 0; i < table->column_count; i++)
		if (table->columns[i].generated == NULL && !table->columns[i].by_server)
			sg_buf_addf(&names, "%s%s", names.length ? ", " : "", table->columns[i].name);
	text = sg_arena_strdup(&rows->scratch, names.data);
	sg_buf_release(&names);
	return text;
}

static const char *insert(struct rows *rows, const struct rows_table *table, bool filter, bool skip)
{
	const char *columns = columns_of(rows, table), *text;
	/* of which rows are left out, more are offered, unless their number is bounded by what the table is */
	int64_t offered = table->rows < rows->n ? table->rows : table->rows * (table->rows <= 10000 ? 64 : table->rows <= 100000 ? 8 : 2);
	struct sg_buf sql = SG_BUF_INIT;

	sg_buf_addf(&sql, "INSERT INTO %s ", table->relation);
	if (columns[0] != '\0')
		sg_buf_addf(&sql, "(%s) ", columns);
	if (table->overriding)
		sg_buf_adds(&sql, "OVERRIDING SYSTEM VALUE ");
	if (filter) {
		sg_buf_addf(&sql, "SELECT %s FROM (%s) AS t WHERE true", columns, rows_source(rows, table, offered, true));
		for (size_t r = 0; r < table->rule_count; r++)
			if (table->rules[r].kind == ROWS_RULE_CHECK)
				sg_buf_addf(&sql, " AND (%s) IS NOT FALSE", table->rules[r].sql);
			else if (table->rules[r].kind == ROWS_RULE_PARTITION)
				sg_buf_addf(&sql, " AND (%s)", table->rules[r].sql);
		sg_buf_addf(&sql, " LIMIT %lld", (long long)table->rows);
	} else
		sg_buf_adds(&sql, rows_source(rows, table, table->rows, false));
	if (skip)
		sg_buf_adds(&sql, " ON CONFLICT DO NOTHING");
	text = sg_arena_strdup(&rows->scratch, sql.data);
	sg_buf_release(&sql);
	return text;
}

/* Triggers and rules that fire on a replica, too, are switched off for the transaction; `on` switches them on again. */
static int switch_off(struct rows *rows, const struct rows_table *table, const char **on_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(rows->db,
	                "WITH t(oid) AS (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1::oid)),"
	                " f(oid, what, name, state) AS (SELECT t.oid, 'TRIGGER', g.tgname, g.tgenabled FROM t"
	                "  JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal AND g.tgparentid = 0"
	                "  UNION ALL SELECT t.oid, 'RULE', r.rulename, r.ev_enabled FROM t JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid)"
	                " SELECT coalesce(string_agg(format('ALTER TABLE %s DISABLE %s %I', oid::regclass, what, name), '; '), ''),"
	                " coalesce(string_agg(format('ALTER TABLE %s ENABLE %s %s %I', oid::regclass,"
	                "  CASE state WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, what, name), '; '), '')"
	                " FROM f WHERE state IN ('A', 'R')",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	*on_r = sg_result_value(result, 0, 1);
	return sg_db_script(rows->db, sg_result_value(result, 0, 0), err);
}

/* 1 it holds, 0 it does not. */
static int key_holds(struct rows *rows, const struct rows_table *table, const struct rows_key *key, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int is = -1;

	sg_buf_addf(&sql, "SELECT NOT EXISTS (SELECT FROM %s%s AS c WHERE ", table->kind == 'r' ? "ONLY " : "", table->relation);
	for (size_t c = 0; c < key->count; c++)
		sg_buf_addf(&sql, "c.%s IS NOT NULL AND ", rows_column_of(table, key->numbers[c])->name);
	sg_buf_addf(&sql, "NOT EXISTS (SELECT FROM %s AS p WHERE true", key->parent);
	for (size_t c = 0; c < key->count; c++)
		sg_buf_addf(&sql, " AND p.%s = c.%s", key->columns[c], rows_column_of(table, key->numbers[c])->name);
	sg_buf_adds(&sql, "))");
	if (sg_db_query(rows->db, sql.data, 0, NULL, &rows->scratch, &result, err) == 0)
		is = sg_result_true(result, 0, 0);
	sg_buf_release(&sql);
	return is;
}

/* A deferrable constraint is checked by a trigger of the server's, which does not fire on a replica. */
static int unique_holds(struct rows *rows, const struct rows_table *table, const struct rows_rule *rule, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int is = -1;

	sg_buf_addf(&sql, "SELECT NOT EXISTS (SELECT FROM %s WHERE true", table->relation);
	for (size_t i = 0; i < rule->key_count && !rule->nulls_equal; i++)
		sg_buf_addf(&sql, " AND (%s) IS NOT NULL", rule->keys[i]);
	for (size_t i = 0; i < rule->key_count; i++)
		sg_buf_addf(&sql, "%s(%s)", i ? ", " : " GROUP BY ", rule->keys[i]);
	sg_buf_adds(&sql, " HAVING count(*) > 1)");
	if (sg_db_query(rows->db, sql.data, 0, NULL, &rows->scratch, &result, err) == 0)
		is = sg_result_true(result, 0, 0);
	sg_buf_release(&sql);
	return is;
}

static int prove(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	for (size_t k = 0; k < table->key_count; k++) {
		int is = key_holds(rows, table, &table->keys[k], err);

		if (is < 0)
			return -1;
		if (is == 0)
			table->why = sg_arena_printf(rows->arena, "no values were found for which its foreign key %s holds", table->keys[k].name);
	}
	for (size_t r = 0; r < table->rule_count; r++) {
		const struct rows_rule *rule = &table->rules[r];
		int is = rule->deferrable && rule->kind == ROWS_RULE_UNIQUE ? unique_holds(rows, table, rule, err) : 1;

		if (is < 0)
			return -1;
		if (is == 0)
			table->why = sg_arena_printf(rows->arena, "no values were found for which %s is unique", rule->name);
	}
	return 0;
}

static int in_transaction(struct rows *rows, struct rows_table *table, bool filter, bool skip, int64_t *made_r, struct sg_err *err)
{
	struct sg_result *result;
	const char *on;

	if (sg_db_script(rows->db, "BEGIN; SET LOCAL statement_timeout = '120s'; SET LOCAL work_mem = '512MB'; "
	                           "SET LOCAL session_replication_role = replica", err) != 0 ||
	    switch_off(rows, table, &on, err) != 0 ||
	    sg_db_query(rows->db, insert(rows, table, filter, skip), 0, NULL, &rows->scratch, &result, err) != 0 ||
	    sg_db_script(rows->db, on, err) != 0)
		return -1;
	*made_r = sg_result_affected(result);
	if (*made_r == 0 || prove(rows, table, err) != 0)
		return *made_r == 0 ? 0 : -1;
	return table->why != NULL ? 0 : sg_db_commit(rows->db, err);
}

static const char *refusal(struct rows *rows, const struct rows_table *table, const struct sg_err *err)
{
	static const char *const kinds[] = { "CHECK ", "", "UNIQUE ", "EXCLUDE " };
	static const char *const states[] = { "23514", "23514", "23505", "23P01" };

	for (size_t r = 0; r < table->rule_count; r++) {
		const struct rows_rule *rule = &table->rules[r];

		if (rule->unmet && (err->sqlstate[0] == '\0' || strcmp(err->sqlstate, states[rule->kind]) == 0))
			return sg_arena_printf(rows->arena, "refused by %s%s (SQLSTATE %s)", kinds[rule->kind], rule->name, states[rule->kind]);
	}
	if (err->sqlstate[0] == '\0')
		return "no row was found that its constraints take";
	return sg_arena_printf(rows->arena, "refused: %s (SQLSTATE %s)", err->primary, err->sqlstate);
}

static int fill(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	bool filter = false, skip = false;
	struct sg_err refused = SG_ERR_INIT;
	int64_t made = 0;
	int rc = 0;

	for (size_t r = 0; r < table->rule_count; r++)
		if (table->rules[r].unmet)
			*(table->rules[r].kind <= ROWS_RULE_PARTITION ? &filter : &skip) = true;
	for (int attempt = 0; attempt < 3; attempt++) {
		bool checked, single;

		sg_err_clear(&refused);
		if (in_transaction(rows, table, filter, skip, &made, &refused) == 0 && made > 0 && table->why == NULL)
			break;
		if (sg_db_lost(rows->db)) {
			sg_err_move(err, &refused);
			rc = -1;
			break;
		}
		sg_db_rollback(rows->db);
		made = 0;
		checked = strcmp(refused.sqlstate, "23514") == 0 && !filter;
		single = (strcmp(refused.sqlstate, "23505") == 0 || strcmp(refused.sqlstate, "23P01") == 0) && !skip;
		if (!checked && !single)
			break;
		filter = filter || checked;
		skip = skip || single;
	}
	if (rc == 0 && made == 0 && table->why == NULL)
		table->why = refusal(rows, table, &refused);
	table->rows = made;
	sg_err_release(&refused);
	return rc;
}

/* A sequence that ends before the rows do. */
static int heed_sequences(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const char *const values[] = { table->columns[i].sequence };
		struct sg_result *result;
		int64_t left;

		if (!table->columns[i].by_server || values[0] == NULL)
			continue;
		if (sg_db_query(rows->db,
		                "SELECT least(1e15, CASE WHEN s.seqcycle THEN 1e15 WHEN s.seqincrement > 0"
		                " THEN s.seqmax::numeric - coalesce(pg_sequence_last_value(s.seqrelid), s.seqstart::numeric - s.seqincrement)"
		                " ELSE coalesce(pg_sequence_last_value(s.seqrelid), s.seqstart::numeric - s.seqincrement) - s.seqmin::numeric END"
		                " / abs(s.seqincrement))::bigint"
		                " FROM pg_catalog.pg_sequence s WHERE s.seqrelid = $1::regclass", 1, values, &rows->scratch, &result, err) != 0)
			return -1;
		left = sg_result_rows(result) == 1 ? sg_result_int(result, 0, 0) : table->rows;
		if (left < table->rows)
			table->rows = left;
	}
	return 0;
}

/* Values that we gave in a sequence's place are behind it. */
static int move_sequences(struct rows *rows, const struct rows_table *table, struct sg_err *err)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct rows_column *column = &table->columns[i];

		if (column->sequence == NULL || column->by_server || column->category != 'N')
			continue;
		if (rows_true(rows, sg_arena_printf(&rows->scratch, "SELECT setval(%s::regclass, m) > 0 FROM (SELECT max(%s)::bigint AS m FROM %s)"
		                                    " AS t WHERE m > 0", sg_db_literal(&rows->scratch, column->sequence), column->name,
		                                    table->relation), err) < 0)
			return -1;
	}
	return 0;
}

static int make(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	rows->sample = SAMPLE;
	rows->tries = TRIES;
	table->rows = rows->n;
	if (rows_read_columns(rows, table, err) != 0 || rows_read_keys(rows, table, err) != 0 || rows_read_rules(rows, table, err) != 0 ||
	    rows_bounds_read(rows, table, err) != 0)
		return -1;
	if (table->why == NULL && (heed_sequences(rows, table, err) != 0 || rows_choose(rows, table, err) != 0))
		return -1;
	if (table->why != NULL || table->rows <= 0) {
		table->rows = 0;
		table->why = table->why != NULL ? table->why : "its sequence has no more values";
		return 0;
	}
	if (fill(rows, table, err) != 0)
		return -1;
	if (table->why == NULL &&
	    (move_sequences(rows, table, err) != 0 ||
	     rows_true(rows, sg_arena_printf(&rows->scratch, "ANALYZE %s", table->relation), err) < 0))
		return -1;
	return 0;
}

/* ---- the order ---- */

struct edge {
	size_t child, parent;
	bool required; /* none of its columns may be NULL */
};

struct tables {
	struct rows_table *list;
	size_t count;
	struct edge *edges;
	size_t edge_count;
};

static bool named(const struct sg_rehearsal *rehearsal, const char *relation)
{
	for (size_t i = 0; i < rehearsal->filled_count; i++)
		if (strcmp(rehearsal->filled[i].relation, relation) == 0)
			return true;
	return false;
}

static int read_tables(struct rows *rows, const char *state_schema, const struct sg_rehearsal *rehearsal, struct tables *tables,
                       struct sg_arena *arena, struct sg_err *err)
{
	struct sg_result *result, *empty;

	if (sg_db_query(rows->db,
	                "SELECT c.oid::text, n.nspname, c.relname, c.relkind,"
	                " CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END"
	                " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	                " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'"
	                " AND n.nspname NOT IN ('information_schema', $1) AND n.nspname !~ '^pg_'"
	                " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass"
	                "  AND d.objid = c.oid AND d.deptype = 'e')"
	                " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
	                1, &state_schema, arena, &result, err) != 0)
		return -1;
	tables->list = sg_arena_array(arena, (size_t)sg_result_rows(result), sizeof *tables->list);
	for (int i = 0; i < sg_result_rows(result); i++) {
		struct rows_table *table = &tables->list[tables->count];

		table->oid = sg_result_value(result, i, 0);
		table->kind = sg_result_value(result, i, 3)[0];
		table->shown = sg_result_value(result, i, 4);
		table->relation = sg_arena_printf(arena, "%s.%s", sg_db_identifier(arena, sg_result_value(result, i, 1)),
		                                  sg_db_identifier(arena, sg_result_value(result, i, 2)));
		if (named(rehearsal, table->shown))
			continue;
		if (sg_db_query(rows->db, sg_arena_printf(&rows->scratch, "SELECT NOT EXISTS (SELECT FROM %s%s)",
		                                          table->kind == 'r' ? "ONLY " : "", table->relation), 0, NULL, &rows->scratch, &empty,
		                err) != 0)
			return -1;
		tables->count += sg_result_true(empty, 0, 0);
	}
	return 0;
}

static bool index_of(const struct tables *tables, const char *oid, size_t *index_r)
{
	for (size_t i = 0; i < tables->count; i++)
		if (strcmp(tables->list[i].oid, oid) == 0) {
			*index_r = i;
			return true;
		}
	return false;
}

static int read_edges(struct rows *rows, struct tables *tables, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(rows->db,
	                "SELECT f.conrelid::text, coalesce(pg_partition_root(f.confrelid)::oid, f.confrelid)::text,"
	                " (SELECT bool_and(a.attnotnull OR t.typnotnull) FROM pg_catalog.pg_attribute a"
	                "  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey))"
	                " FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid <> f.confrelid",
	                0, NULL, &rows->scratch, &result, err) != 0)
		return -1;
	tables->edges = sg_arena_array(arena, (size_t)sg_result_rows(result), sizeof *tables->edges);
	for (int i = 0; i < sg_result_rows(result); i++) {
		struct edge *edge = &tables->edges[tables->edge_count];

		if (index_of(tables, sg_result_value(result, i, 0), &edge->child) &&
		    index_of(tables, sg_result_value(result, i, 1), &edge->parent) &&
		    edge->child != edge->parent) {
			edge->required = sg_result_true(result, i, 2);
			tables->edge_count++;
		}
	}
	return 0;
}

/* The first whose parents are all done; else the first whose parents that it cannot do without are. */
static struct rows_table *next_table(const struct tables *tables)
{
	for (int required = 0; required < 2; required++)
		for (size_t i = 0; i < tables->count; i++) {
			bool waits = tables->list[i].done;

			for (size_t e = 0; e < tables->edge_count && !waits; e++)
				waits = tables->edges[e].child == i && !tables->list[tables->edges[e].parent].done &&
				        (!required || tables->edges[e].required);
			if (!waits)
				return &tables->list[i];
		}
	return NULL;
}

static void report(struct sg_rehearsal *rehearsal, const struct rows_table *table, struct sg_arena *arena)
{
	rehearsal->filled = sg_arena_grow(arena, rehearsal->filled, &rehearsal->filled_capacity, rehearsal->filled_count + 1,
	                                  sizeof *rehearsal->filled);
	rehearsal->filled[rehearsal->filled_count++] = (struct sg_rehearsal_table){
		sg_arena_strdup(arena, table->shown), table->rows, sg_arena_strdup(arena, table->why)
	};
}

static int fill_all(struct rows *rows, struct tables *tables, struct sg_rehearsal *rehearsal, struct sg_err *err)
{
	struct rows_table *table;

	while ((table = next_table(tables)) != NULL) {
		int rc = make(rows, table, err);

		table->done = true;
		sg_arena_reset(&rows->scratch);
		if (rc != 0)
			return -1;
		report(rehearsal, table, rows->arena);
	}
	for (size_t i = 0; i < tables->count; i++)
		if (!tables->list[i].done) {
			tables->list[i].rows = 0;
			tables->list[i].why = "its foreign keys, none of which may be NULL, lead in a circle";
			report(rehearsal, &tables->list[i], rows->arena);
		}
	return 0;
}

int sg_rows_fill(struct sg_db *db, const char *state_schema, int64_t n, struct sg_arena *arena, struct sg_rehearsal *rehearsal,
                 struct sg_err *err)
{
	struct rows rows = { .db = db, .n = n, .arena = arena };
	struct tables tables = { 0 };
	struct sg_arena own;
	struct sg_result *saved;
	int rc = -1;

	if (n <= 0)
		return 0;
	sg_arena_init(&own);
	sg_arena_init(&rows.scratch);
	sg_arena_init(&rows.types);
	if (sg_db_query(db, "SELECT current_setting('statement_timeout'), current_setting('jit')", 0, NULL, &own, &saved, err) == 0 &&
	    sg_db_script(db, "SET statement_timeout = '5s'; SET jit = off", err) == 0 &&
	    read_tables(&rows, state_schema, rehearsal, &tables, &own, err) == 0 && read_edges(&rows, &tables, &own, err) == 0 &&
	    fill_all(&rows, &tables, rehearsal, err) == 0) {
		const char *const values[] = { sg_result_value(saved, 0, 0), sg_result_value(saved, 0, 1) };

		rc = sg_db_query(db, "SELECT set_config('statement_timeout', $1, false), set_config('jit', $2, false)", 2, values, &own, NULL,
		                 err);
	}
	sg_arena_release(&rows.scratch);
	sg_arena_release(&rows.types);
	sg_arena_release(&own);
	return rc;
}
