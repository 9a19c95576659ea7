/* rows_choose.c - see rows_parts.h: which way for which column, so that every rule of the table holds.
 *
 * In this order: foreign keys give their columns the parents' values; ways that the server does not take at all are dropped; each
 * CHECK is tried on a few hundred rows, and where it refuses them, its columns are tried with other ways, one at a time, then two;
 * columns that only together are unique go round like the digits of a number; what is unique or excluded otherwise is tried as a
 * CHECK is. A rule that no way meets is marked, and left to the INSERT, which leaves out what it refuses. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/rehearse/rows_parts.h"

/* ---- does a rule hold? ---- */

/* The generated columns' expressions name columns without a table: in a SELECT over one sub-query they mean its. */
static const char *trial(struct rows *rows, const struct rows_table *table, const struct rows_rule *rule)
{
	struct sg_buf sql = SG_BUF_INIT;
	int64_t n = table->rows < rows->sample ? table->rows : rows->sample;
	const char *source, *text;

	if (rule->kind == ROWS_RULE_EXCLUDE && n > 200)
		n = 200;
	source = rows_source(rows, table, n, true);
	switch (rule->kind) {
	case ROWS_RULE_CHECK:
	case ROWS_RULE_PARTITION:
		sg_buf_addf(&sql, "SELECT bool_and((%s) IS %s) FROM (%s) AS t", rule->sql, rule->kind == ROWS_RULE_CHECK ? "NOT FALSE" : "TRUE",
		            source);
		break;
	case ROWS_RULE_UNIQUE:
		sg_buf_addf(&sql, "SELECT NOT EXISTS (SELECT FROM (%s) AS t WHERE (%s)", source, rule->where ? rule->where : "true");
		for (size_t i = 0; i < rule->key_count && !rule->nulls_equal; i++)
			sg_buf_addf(&sql, " AND (%s) IS NOT NULL", rule->keys[i]);
		for (size_t i = 0; i < rule->key_count; i++)
			sg_buf_addf(&sql, "%s(%s)", i ? ", " : " GROUP BY ", rule->keys[i]);
		sg_buf_adds(&sql, " HAVING count(*) > 1)");
		break;
	case ROWS_RULE_EXCLUDE:
		sg_buf_adds(&sql, "WITH s AS MATERIALIZED (SELECT row_number() OVER () AS n");
		for (size_t i = 0; i < rule->key_count; i++)
			sg_buf_addf(&sql, ", (%s) AS k%zu", rule->keys[i], i);
		sg_buf_addf(&sql, " FROM (%s) AS t WHERE (%s)) SELECT NOT EXISTS (SELECT FROM s AS a JOIN s AS b ON a.n < b.n", source,
		            rule->where ? rule->where : "true");
		for (size_t i = 0; i < rule->key_count; i++)
			sg_buf_addf(&sql, " AND a.k%zu %s b.k%zu", i, rule->operators[i] ? rule->operators[i] : "=", i);
		sg_buf_adds(&sql, ")");
		break;
	}
	text = sg_arena_strdup(&rows->scratch, sql.data);
	sg_buf_release(&sql);
	return text;
}

static bool speaks_of(const struct rows_rule *rule, int number)
{
	for (size_t i = 0; i < rule->number_count; i++)
		if (rule->numbers[i] == number || rule->numbers[i] == 0)
			return true;
	return false;
}

/* Whether the rule holds, and those before it that speak of one of the two columns (NULL: none). */
static int holds(struct rows *rows, const struct rows_table *table, size_t rule, const struct rows_column *one,
                 const struct rows_column *two, struct sg_err *err)
{
	int is;

	rows->tries--;
	is = rows_true(rows, trial(rows, table, &table->rules[rule]), err);
	for (size_t i = 0; i < rule && is > 0; i++) {
		const struct rows_rule *before = &table->rules[i];

		if (!before->unmet && ((one != NULL && speaks_of(before, one->number)) || (two != NULL && speaks_of(before, two->number))))
			is = rows_true(rows, trial(rows, table, before), err);
	}
	return is;
}

/* ---- another way ---- */

struct choice {
	size_t way;
	enum rows_nulls nulls;
};

static struct choice current(const struct rows_column *column)
{
	return (struct choice){ column->way, column->nulls };
}

static void set(struct rows_column *column, struct choice choice)
{
	column->way = choice.way;
	column->nulls = choice.nulls;
}

static size_t choices_of(const struct rows_column *column)
{
	size_t ways = column->key >= 0 || column->bound || column->by_server ? 1 : column->ways.count;

	return column->nullable && !column->by_server ? 2 * ways + 1 : ways;
}

/* The ways as they are with a NULL in every tenth row, then without, then NULL alone. */
static struct choice choice_at(const struct rows_column *column, size_t at)
{
	size_t ways = column->key >= 0 || column->bound || column->by_server ? 1 : column->ways.count;

	if (!column->nullable || column->by_server)
		return (struct choice){ ways == 1 ? column->way : at, ROWS_NULLS_NONE };
	if (at == 2 * ways)
		return (struct choice){ column->way, ROWS_NULLS_ALL };
	return (struct choice){ ways == 1 ? column->way : at / 2, at % 2 == 0 ? ROWS_NULLS_TENTH : ROWS_NULLS_NONE };
}

static int try_one(struct rows *rows, const struct rows_table *table, size_t rule, struct rows_column *column, struct sg_err *err)
{
	struct choice before = current(column);

	for (size_t i = 0; i < choices_of(column) && rows->tries > 0; i++) {
		int is;

		set(column, choice_at(column, i));
		is = holds(rows, table, rule, column, NULL, err);
		if (is != 0)
			return is;
	}
	set(column, before);
	return 0;
}

static int try_two(struct rows *rows, const struct rows_table *table, size_t rule, struct rows_column *one, struct rows_column *two,
                   struct sg_err *err)
{
	struct choice before = current(one), other = current(two);

	for (size_t i = 0; i < choices_of(one) && rows->tries > 0; i++)
		for (size_t k = 0; k < choices_of(two) && rows->tries > 0; k++) {
			int is;

			set(one, choice_at(one, i));
			set(two, choice_at(two, k));
			is = holds(rows, table, rule, one, two, err);
			if (is != 0)
				return is;
		}
	set(one, before);
	set(two, other);
	return 0;
}

static int search(struct rows *rows, struct rows_table *table, size_t rule, struct sg_err *err)
{
	struct rows_rule *this = &table->rules[rule];
	struct rows_column *columns[8];
	size_t count = 0;

	for (size_t i = 0; i < table->column_count && count < 8; i++)
		if (speaks_of(this, table->columns[i].number) && table->columns[i].generated == NULL)
			columns[count++] = &table->columns[i];
	for (size_t i = 0; i < count; i++)
		if (columns[i]->key < 0 && !columns[i]->bound && !columns[i]->by_server &&
		    rows_shapes_add(rows, columns[i], this->sql != NULL ? this->sql : this->where != NULL ? this->where : "", err) != 0)
			return -1;
	for (size_t i = 0; i < count; i++) {
		int is = try_one(rows, table, rule, columns[i], err);

		if (is != 0)
			return is;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++) {
			int is = try_two(rows, table, rule, columns[i], columns[k], err);

			if (is != 0)
				return is;
		}
	return 0;
}

static int meet(struct rows *rows, struct rows_table *table, size_t rule, struct sg_err *err)
{
	int is = holds(rows, table, rule, NULL, NULL, err);

	if (is == 0)
		is = search(rows, table, rule, err);
	table->rules[rule].unmet = is == 0;
	return is < 0 ? -1 : 0;
}

/* ---- foreign keys ---- */

static int count_parents(struct rows *rows, struct rows_key *key, int64_t most, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int rc;

	sg_buf_addf(&sql, "SELECT count(*) FROM (SELECT FROM %s WHERE ", key->parent);
	for (size_t c = 0; c < key->count; c++)
		sg_buf_addf(&sql, "%s%s IS NOT NULL", c ? " AND " : "", key->columns[c]);
	sg_buf_addf(&sql, " LIMIT %lld) AS k", (long long)most);
	rc = sg_db_query(rows->db, sql.data, 0, NULL, &rows->scratch, &result, err);
	if (rc == 0)
		key->parents = sg_result_int(result, 0, 0);
	sg_buf_release(&sql);
	return rc;
}

static bool in_unique(const struct rows_table *table, const struct rows_key *key)
{
	for (size_t r = 0; r < table->rule_count; r++)
		for (size_t c = 0; c < key->count && table->rules[r].kind >= ROWS_RULE_UNIQUE; c++)
			if (speaks_of(&table->rules[r], key->numbers[c]))
				return true;
	return false;
}

/* No value for the columns that are only this key's: NULL, or the table stays empty. */
static void without_parent(struct rows *rows, struct rows_table *table, const struct rows_key *key)
{
	for (size_t c = 0; c < key->count; c++) {
		struct rows_column *column = rows_column_of(table, key->numbers[c]);

		if (column != NULL && column->nullable && column->key < 0) {
			column->nulls = ROWS_NULLS_ALL;
			column->bound = true;
			if (!key->full)
				return;
		}
	}
	for (size_t c = 0; c < key->count; c++) {
		const struct rows_column *column = rows_column_of(table, key->numbers[c]);

		if (column != NULL && column->nulls == ROWS_NULLS_ALL)
			return;
	}
	table->why = sg_arena_printf(rows->arena, "its foreign key %s needs rows in %s, which has none", key->name, key->parent_name);
}

/* A row that refers to itself: the referring columns have the values of those referred to. */
static void to_itself(struct rows_table *table, const struct rows_key *key)
{
	for (size_t c = 0; c < key->count; c++) {
		struct rows_column *column = rows_column_of(table, key->numbers[c]), *target = NULL;

		for (size_t i = 0; i < table->column_count; i++)
			if (strcmp(table->columns[i].name, key->columns[c]) == 0)
				target = &table->columns[i];
		if (column == NULL || target == NULL || target == column)
			continue;
		target->by_server = false;
		column->by_server = false;
		column->ways = target->ways;
		column->way = target->way;
		column->key = target->key;
		column->key_column = target->key_column;
		column->nulls = target->nulls;
		column->bound = target->bound = true;
	}
}

static int use_key(struct rows *rows, struct rows_table *table, size_t k, struct sg_err *err)
{
	struct rows_key *key = &table->keys[k];
	bool nullable = false, all_nullable = true;
	size_t taken = 0;

	for (size_t c = 0; c < key->count; c++) {
		const struct rows_column *column = rows_column_of(table, key->numbers[c]);

		nullable = nullable || (column != NULL && column->nullable && column->key < 0);
		all_nullable = all_nullable && column != NULL && column->nullable;
		taken += column != NULL && column->key >= 0;
	}
	if (taken == key->count)
		return 0; /* it is checked with the others, afterwards */
	if (key->self) {
		if (nullable)
			without_parent(rows, table, key);
		else
			to_itself(table, key);
		return 0;
	}
	if (count_parents(rows, key, in_unique(table, key) || rows->n < 1000 ? rows->n : 1000, err) != 0)
		return -1;
	if (key->parents == 0) {
		without_parent(rows, table, key);
		return 0;
	}
	key->used = true;
	key->partial = taken > 0;
	for (size_t c = 0; c < key->count; c++) {
		struct rows_column *column = rows_column_of(table, key->numbers[c]);

		if (column == NULL || column->key >= 0)
			continue;
		column->key = (int)k;
		column->key_column = (int)c;
		column->by_server = false;
		column->bound = false;
		if (key->full && !all_nullable)
			column->nulls = ROWS_NULLS_NONE;
	}
	return 0;
}

/* ---- what is unique only together ---- */

static int64_t distinct_of(const struct rows_table *table, const struct rows_column *column)
{
	if (column->nulls == ROWS_NULLS_ALL)
		return 1;
	if (column->key >= 0)
		return table->keys[column->key].partial ? 1 : table->keys[column->key].parents;
	if (column->by_server || column->way >= column->ways.count)
		return 0;
	return column->ways.list[column->way].distinct;
}

static bool enough(int64_t distinct, int64_t rows)
{
	return distinct == 0 || distinct >= rows;
}

/* A way of the column with enough values, if no rule has chosen one for it. */
static void widen(struct rows_column *column, int64_t rows)
{
	if (column->key >= 0 || column->bound || column->by_server || column->shaped)
		return;
	for (size_t i = 0; i < column->ways.count; i++)
		if (enough(column->ways.list[i].distinct, rows)) {
			column->way = i;
			return;
		}
}

static void go_round(struct rows_table *table, const struct rows_rule *rule)
{
	struct rows_column *columns[32];
	int64_t product = 1;
	size_t count = 0;

	if (rule->kind != ROWS_RULE_UNIQUE || !rule->plain)
		return;
	for (size_t i = 0; i < rule->number_count; i++) {
		struct rows_column *column = rows_column_of(table, rule->numbers[i]);

		if (column == NULL || column->generated != NULL || count == 32)
			return; /* an expression: it is tried as a whole */
		if (rule->nulls_equal && column->nulls == ROWS_NULLS_TENTH)
			column->nulls = ROWS_NULLS_NONE;
		if (!rule->nulls_equal && column->nulls == ROWS_NULLS_ALL)
			return;
		columns[count++] = column;
	}
	for (int wider = 0; wider < 2; wider++)
		for (size_t i = 0; i < count; i++) {
			if (wider)
				widen(columns[i], table->rows);
			if (enough(distinct_of(table, columns[i]), table->rows) && columns[i]->stride == 1)
				return;
		}
	for (size_t i = 0; i < count; i++) {
		int64_t distinct = distinct_of(table, columns[i]);
		bool again = false;

		for (size_t k = 0; k < i; k++) /* of the same foreign key: they move together */
			again = again || (columns[i]->key >= 0 && columns[k]->key == columns[i]->key);
		if (again || distinct == 1)
			continue;
		if (columns[i]->key >= 0)
			table->keys[columns[i]->key].stride = product;
		else
			columns[i]->stride = product;
		product = enough(distinct, table->rows) || product > table->rows / distinct + 1 ? table->rows : product * distinct;
	}
	if (product < table->rows)
		table->rows = product;
}

/* ---- the whole ---- */

/* Ways that the server does not take for the column at all: a domain's CHECK, a type built without a library. */
static int drop_ways(struct rows *rows, struct rows_table *table, struct rows_column *column, struct sg_err *err)
{
	bool domain_tried = false;

	for (size_t i = 0; i < column->ways.count;) {
		struct rows_column alone = *column;
		struct sg_buf sql = SG_BUF_INIT;
		int is;

		alone.way = i;
		alone.nulls = ROWS_NULLS_NONE;
		sg_buf_adds(&sql, "SELECT count(v) >= 0 FROM (SELECT ");
		rows_add_column(&sql, &alone);
		sg_buf_addf(&sql, " AS v FROM generate_series(1::bigint, %lld::bigint) AS g(i) OFFSET 0) AS t",
		            (long long)(table->rows < rows->sample ? table->rows : rows->sample));
		is = rows->tries-- > 0 ? rows_true(rows, sql.data, err) : 0;
		sg_buf_release(&sql);
		if (is < 0)
			return -1;
		if (is > 0) { /* the first that is taken; those behind it are tried when they are needed */
			column->way = i;
			return 0;
		}
		i++;
		if (i == column->ways.count && !domain_tried) {
			struct sg_result *result;

			domain_tried = true;
			if (sg_db_query(rows->db,
			                "WITH RECURSIVE d(oid) AS (SELECT $1::oid UNION ALL SELECT t.typbasetype FROM d JOIN pg_catalog.pg_type t"
			                " ON t.oid = d.oid WHERE t.typtype = 'd') SELECT string_agg(pg_get_constraintdef(c.oid), ' ')"
			                " FROM pg_catalog.pg_constraint c WHERE c.contypid IN (SELECT oid FROM d)",
			                1, (const char *const[]){ column->type_oid }, &rows->scratch, &result, err) != 0)
				return -1;
			if (sg_result_value(result, 0, 0) != NULL &&
			    rows_shapes_add(rows, column, sg_result_value(result, 0, 0), err) != 0)
				return -1;
		}
	}
	column->ways.count = 0;
	if (column->fallback != NULL && strchr(column->fallback, ROWS_I[0]) == NULL)
		rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s)", column->fallback), 1);
	else if (column->nullable)
		column->nulls = ROWS_NULLS_ALL;
	else
		table->why = sg_arena_printf(rows->arena, "its column %s is NOT NULL, and of a type that no value is known for (%s)", column->name,
		                             column->type);
	return 0;
}

static bool is_made(const struct rows_column *column)
{
	return column->generated == NULL && column->key < 0 && column->nulls != ROWS_NULLS_ALL;
}

/* Mostly the first way of each column is taken: one question for all. */
static int all_taken(struct rows *rows, const struct rows_table *table, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	int is = 1;

	sg_buf_adds(&sql, "SELECT true");
	for (size_t i = 0; i < table->column_count && is > 0; i++)
		if (is_made(&table->columns[i])) {
			struct rows_column alone = table->columns[i];

			alone.nulls = ROWS_NULLS_NONE;
			is = alone.ways.count > 0;
			sg_buf_adds(&sql, " AND count(");
			rows_add_column(&sql, &alone);
			sg_buf_adds(&sql, ") >= 0");
		}
	sg_buf_addf(&sql, " FROM generate_series(1::bigint, %lld::bigint) AS g(i)",
	            (long long)(table->rows < rows->sample ? table->rows : rows->sample));
	if (is > 0)
		is = rows_true(rows, sql.data, err);
	sg_buf_release(&sql);
	return is;
}

static int by_kind(const void *a, const void *b)
{
	const struct rows_rule *one = a, *two = b;

	if (one->kind != two->kind)
		return one->kind == ROWS_RULE_PARTITION ? -1 : two->kind == ROWS_RULE_PARTITION ? 1 : one->kind < two->kind ? -1 : 1;
	if (one->kind == ROWS_RULE_CHECK && one->number_count != two->number_count)
		return one->number_count < two->number_count ? -1 : 1;
	return one->place < two->place ? -1 : one->place > two->place; /* as they were read */
}

int rows_choose(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	int taken = 0;

	for (size_t k = 0; k < table->key_count && table->why == NULL; k++)
		if (use_key(rows, table, k, err) != 0)
			return -1;
	if (table->why == NULL)
		taken = all_taken(rows, table, err);
	if (taken < 0)
		return -1;
	for (size_t i = 0; i < table->column_count && table->why == NULL && !taken; i++)
		if (is_made(&table->columns[i]) && drop_ways(rows, table, &table->columns[i], err) != 0)
			return -1;
	for (size_t r = 0; r < table->rule_count; r++)
		table->rules[r].place = r;
	if (table->rule_count > 1)
		qsort(table->rules, table->rule_count, sizeof *table->rules, by_kind);
	for (size_t r = 0; r < table->rule_count && table->why == NULL; r++) {
		go_round(table, &table->rules[r]);
		if (meet(rows, table, r, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < table->column_count; i++)
		table->overriding = table->overriding || (table->columns[i].always && !table->columns[i].by_server);
	return 0;
}
