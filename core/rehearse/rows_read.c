/* rows_read.c - see rows_parts.h: a table's columns, foreign keys and constraints, as the catalogue has them.
 *
 * The queries are those of PostgreSQL 14 to 18; what only newer versions know (NULLS NOT DISTINCT, NOT ENFORCED) is asked of the
 * row as a whole, so that an older server answers that it is not so. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/rehearse/rows_parts.h"

struct rows_column *rows_column_of(const struct rows_table *table, int number)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (table->columns[i].number == number)
			return &table->columns[i];
	return NULL;
}

/* A column's own list of ways, to which others may be added. */
static struct rows_ways copy_ways(struct sg_arena *arena, const struct rows_ways *ways, bool texts)
{
	struct rows_ways copy = { sg_arena_array(arena, ways->count, sizeof *ways->list), ways->count, ways->count };

	for (size_t i = 0; i < ways->count; i++)
		copy.list[i] = (struct rows_way){ texts ? sg_arena_strdup(arena, ways->list[i].sql) : ways->list[i].sql,
		                                  ways->list[i].distinct };
	return copy;
}

/* Tables share their types: each is asked for once. */
static int known_ways(struct rows *rows, const char *oid, int typmod, struct rows_ways *ways_r, struct sg_err *err)
{
	struct rows_ways fresh = { 0 };
	struct rows_known *known;

	for (size_t i = 0; i < rows->known_count; i++)
		if (rows->known[i].typmod == typmod && strcmp(rows->known[i].oid, oid) == 0) {
			*ways_r = copy_ways(&rows->scratch, &rows->known[i].ways, false);
			return 0;
		}
	if (rows_type_ways(rows, oid, typmod, 0, &fresh, err) != 0)
		return -1;
	rows->known = sg_arena_grow(&rows->types, rows->known, &rows->known_capacity, rows->known_count + 1, sizeof *rows->known);
	known = &rows->known[rows->known_count++];
	*known = (struct rows_known){ sg_arena_strdup(&rows->types, oid), typmod, copy_ways(&rows->types, &fresh, true) };
	*ways_r = copy_ways(&rows->scratch, &known->ways, false);
	return 0;
}

int rows_read_columns(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(rows->db,
	                "SELECT a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.atttypid::text, a.atttypmod, t.typcategory,"
	                " a.attnotnull, a.attidentity = 'a', a.attgenerated <> '' AND d.oid IS NOT NULL,"
	                " pg_get_expr(d.adbin, d.adrelid),"
	                " coalesce(pg_get_serial_sequence($1::oid::regclass::text, a.attname),"
	                "  (SELECT p.refobjid::regclass::text FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_class s ON s.oid = p.refobjid"
	                "   WHERE p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid"
	                "   AND p.refclassid = 'pg_catalog.pg_class'::regclass AND s.relkind = 'S' LIMIT 1)),"
	                " a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE '%nextval(%',"
	                " t.typtype = 'd'"
	                " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
	                " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	                " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	table->column_count = (size_t)sg_result_rows(result);
	table->columns = sg_arena_array(&rows->scratch, table->column_count, sizeof *table->columns);
	for (int i = 0; i < sg_result_rows(result); i++) {
		struct rows_column *column = &table->columns[i];

		column->name = sg_db_identifier(&rows->scratch, sg_result_value(result, i, 0));
		column->number = (int)sg_result_int(result, i, 1);
		column->type = sg_result_value(result, i, 2);
		column->type_oid = sg_result_value(result, i, 3);
		column->typmod = (int)sg_result_int(result, i, 4);
		column->category = sg_result_value(result, i, 5)[0];
		column->nullable = !sg_result_true(result, i, 6);
		column->always = sg_result_true(result, i, 7);
		column->generated = sg_result_true(result, i, 8) ? sg_result_value(result, i, 9) : NULL;
		column->fallback = column->generated ? NULL : sg_result_value(result, i, 9);
		column->sequence = sg_result_value(result, i, 10);
		column->by_server = sg_result_true(result, i, 11) && column->generated == NULL;
		if (column->nullable && sg_result_true(result, i, 12)) {
			/* a domain, or one that it is made of, may refuse NULL in two ways */
			int takes = rows_true(rows, sg_arena_printf(&rows->scratch, "SELECT NULL::%s IS NULL", column->type), err);

			if (takes < 0)
				return -1;
			column->nullable = takes > 0;
		}
		column->nulls = column->nullable && !column->by_server ? ROWS_NULLS_TENTH : ROWS_NULLS_NONE;
		column->stride = 1;
		column->key = -1;
		if (column->generated == NULL && known_ways(rows, column->type_oid, column->typmod, &column->ways, err) != 0)
			return -1;
	}
	return 0;
}

/* Rows of the result that have the same text in a column as the one at `first`. */
static int run_of(const struct sg_result *result, int first, int column)
{
	int next = first;

	while (next < sg_result_rows(result) &&
	       strcmp(sg_result_value(result, next, column), sg_result_value(result, first, column)) == 0)
		next++;
	return next - first;
}

int rows_read_keys(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	struct sg_result *result;

	/* the widest first: what belongs together is taken together */
	if (sg_db_query(rows->db,
	                "SELECT f.oid::text, f.conname, f.confrelid::text, pn.nspname, p.relname, p.relkind = 'r', f.confmatchtype = 'f',"
	                " c.number, a.attname, CASE WHEN pg_table_is_visible(p.oid) THEN p.relname ELSE pn.nspname || '.' || p.relname END"
	                " FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class p ON p.oid = f.confrelid"
	                " JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
	                " CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS c(number, parent, place)"
	                " JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = c.parent"
	                " WHERE f.conrelid = $1::oid AND f.contype = 'f' AND f.conparentid = 0"
	                " ORDER BY cardinality(f.conkey) DESC, f.conname, f.oid, c.place",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	table->keys = sg_arena_array(&rows->scratch, (size_t)sg_result_rows(result), sizeof *table->keys);
	for (int i = 0, length; i < sg_result_rows(result); i += length) {
		struct rows_key *key = &table->keys[table->key_count++];

		length = run_of(result, i, 0);
		key->name = sg_result_value(result, i, 1);
		key->parent_oid = sg_result_value(result, i, 2);
		key->parent = sg_arena_printf(&rows->scratch, "%s%s.%s", sg_result_true(result, i, 5) ? "ONLY " : "",
		                              sg_db_identifier(&rows->scratch, sg_result_value(result, i, 3)),
		                              sg_db_identifier(&rows->scratch, sg_result_value(result, i, 4)));
		key->full = sg_result_true(result, i, 6);
		key->parent_name = sg_result_value(result, i, 9);
		key->self = strcmp(key->parent_oid, table->oid) == 0;
		key->count = (size_t)length;
		key->stride = 1;
		key->numbers = sg_arena_array(&rows->scratch, key->count, sizeof *key->numbers);
		key->columns = sg_arena_array(&rows->scratch, key->count, sizeof *key->columns);
		for (int k = 0; k < length; k++) {
			key->numbers[k] = (int)sg_result_int(result, i + k, 7);
			key->columns[k] = sg_db_identifier(&rows->scratch, sg_result_value(result, i + k, 8));
		}
	}
	return 0;
}

static struct rows_rule *add_rule(struct rows *rows, struct rows_table *table, enum rows_rule_kind kind, const char *name)
{
	struct rows_rule *rule;

	table->rules = sg_arena_grow(&rows->scratch, table->rules, &table->rule_capacity, table->rule_count + 1, sizeof *table->rules);
	rule = &table->rules[table->rule_count++];
	*rule = (struct rows_rule){ .kind = kind, .name = name };
	return rule;
}

static void add_number(struct rows *rows, struct rows_rule *rule, int number)
{
	size_t capacity = rule->number_count;

	rule->numbers = sg_arena_grow(&rows->scratch, rule->numbers, &capacity, rule->number_count + 1, sizeof *rule->numbers);
	rule->numbers[rule->number_count++] = number;
}

static int read_checks(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(rows->db,
	                "SELECT c.oid::text, c.conname, pg_get_expr(c.conbin, c.conrelid), k.number"
	                " FROM pg_catalog.pg_constraint c LEFT JOIN LATERAL unnest(c.conkey) AS k(number) ON true"
	                " WHERE c.conrelid = $1::oid AND c.contype = 'c'"
	                " AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)"
	                " ORDER BY cardinality(coalesce(c.conkey, '{}')), c.conname, c.oid, k.number",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	for (int i = 0, length; i < sg_result_rows(result); i += length) {
		struct rows_rule *rule = add_rule(rows, table, ROWS_RULE_CHECK, sg_result_value(result, i, 1));

		length = run_of(result, i, 0);
		rule->sql = sg_result_value(result, i, 2);
		for (int k = i; k < i + length; k++)
			if (sg_result_value(result, k, 3) != NULL)
				add_number(rows, rule, (int)sg_result_int(result, k, 3));
	}
	return 0;
}

static void add_others(struct rows *rows, struct rows_rule *rule, const char *numbers)
{
	char *next;

	for (; numbers != NULL && *numbers != '\0'; numbers = *next == ' ' ? next + 1 : "") {
		int number = (int)strtol(numbers, &next, 10);
		bool known = false;

		for (size_t i = 0; i < rule->number_count; i++)
			known = known || rule->numbers[i] == number;
		if (!known)
			add_number(rows, rule, number);
	}
	if (rule->number_count == 0)
		add_number(rows, rule, 0);
}

/* Indexes that are unique, or of an exclusion; the primary key first, then those of few columns. */
static int read_indexes(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(rows->db,
	                "SELECT i.indexrelid::text, c.relname, o.conexclop IS NOT NULL, pg_get_expr(i.indpred, i.indrelid),"
	                " i.indisprimary OR coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), NOT i.indimmediate,"
	                " i.indkey[k.place - 1], pg_get_indexdef(i.indexrelid, k.place, false),"
	                " (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || p.oprname || ')' FROM pg_catalog.pg_operator p"
	                "  JOIN pg_catalog.pg_namespace n ON n.oid = p.oprnamespace WHERE p.oid = o.conexclop[k.place]),"
	                " (SELECT string_agg(DISTINCT d.refobjsubid::text, ' ') FROM pg_catalog.pg_depend d" /* expressions and WHERE */
	                "  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid"
	                "  AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0)"
	                " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
	                " LEFT JOIN pg_catalog.pg_constraint o ON o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x')"
	                "  AND o.conrelid = i.indrelid"
	                " CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) AS k(place)"
	                " WHERE i.indrelid = $1::oid AND (i.indisunique OR i.indisexclusion) AND i.indislive"
	                " ORDER BY o.conexclop IS NOT NULL, i.indisprimary DESC, i.indnkeyatts, c.relname, i.indexrelid, k.place",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	for (int i = 0, length; i < sg_result_rows(result); i += length) {
		struct rows_rule *rule = add_rule(rows, table, sg_result_true(result, i, 2) ? ROWS_RULE_EXCLUDE : ROWS_RULE_UNIQUE,
		                                  sg_result_value(result, i, 1));

		length = run_of(result, i, 0);
		rule->where = sg_result_value(result, i, 3);
		rule->nulls_equal = sg_result_true(result, i, 4);
		rule->deferrable = sg_result_true(result, i, 5);
		rule->key_count = (size_t)length;
		rule->keys = sg_arena_array(&rows->scratch, rule->key_count, sizeof *rule->keys);
		rule->operators = sg_arena_array(&rows->scratch, rule->key_count, sizeof *rule->operators);
		rule->plain = rule->where == NULL;
		for (int k = 0; k < length; k++) {
			int number = (int)sg_result_int(result, i + k, 6);

			rule->plain = rule->plain && number > 0;
			if (number > 0)
				add_number(rows, rule, number);
			rule->keys[k] = sg_result_value(result, i + k, 7);
			rule->operators[k] = sg_result_value(result, i + k, 8);
		}
		if (!rule->plain)
			add_others(rows, rule, sg_result_value(result, i, 9));
	}
	return 0;
}

int rows_read_rules(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	return read_checks(rows, table, err) != 0 || read_indexes(rows, table, err) != 0 ? -1 : 0;
}
