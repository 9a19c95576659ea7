/* rows_bounds.c - see rows_parts.h: values of partition keys that lie within the bounds of the partitions.
 *
 * All key columns of a tree go by the same number: row i goes to leaf i % leaves, and each column takes the bounds that leaf has
 * on its way up, whichever level they come from. Where that cannot be (hash, expressions), the plain values stay, and the
 * partitions' constraints are a rule like any other: tried, and rows that no partition takes are left out. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/rehearse/rows_parts.h"

#define LEAVES 200
#define COLUMNS 32

struct bound {
	bool list;
	const char *low, *high; /* literals as the server writes them; NULL: without bound */
};
struct leaf {
	struct bound of[COLUMNS]; /* by place in `numbers` */
	bool known[COLUMNS];
};
struct bounds {
	int numbers[COLUMNS];
	size_t column_count;
	struct leaf leaves[LEAVES];
	size_t leaf_count;
};

/* One literal of "('a', 1, MINVALUE)"; *at moves behind it and its comma. NULL at the end. */
static const char *next_literal(struct rows *rows, const char **at)
{
	const char *begin = *at, *end = begin;

	if (*begin == '\0' || *begin == ')')
		return NULL;
	while (*end != '\0' && *end != ',' && *end != ')') {
		if (*end == '\'')
			for (end++; *end != '\0' && (*end != '\'' || end[1] == '\''); end++)
				end += *end == '\'';
		end += *end != '\0';
	}
	*at = end;
	if (**at == ',')
		*at += strspn(*at, ", ");
	return sg_arena_strndup(&rows->scratch, begin, (size_t)(end - begin));
}

static size_t place_of(struct bounds *bounds, int number)
{
	for (size_t i = 0; i < bounds->column_count; i++)
		if (bounds->numbers[i] == number)
			return i;
	if (bounds->column_count == COLUMNS)
		return COLUMNS;
	bounds->numbers[bounds->column_count] = number;
	return bounds->column_count++;
}

static void keep(struct bounds *bounds, struct leaf *leaf, int number, struct bound bound)
{
	size_t place = number > 0 ? place_of(bounds, number) : COLUMNS;

	if (place < COLUMNS && !leaf->known[place]) { /* the deepest level came first, and is the narrowest */
		leaf->known[place] = true;
		leaf->of[place] = bound;
	}
}

/* One level's bound. False: no row shall be sent there (DEFAULT, only NULL). */
static bool read_bound(struct rows *rows, struct bounds *bounds, struct leaf *leaf, const char *text, const char *numbers)
{
	const char *low, *high, *from, *to;
	int number = (int)strtol(numbers, NULL, 10);

	if (strcmp(text, "DEFAULT") == 0)
		return false;
	if (sg_text_prefix(text, "FOR VALUES IN (")) {
		from = text + strlen("FOR VALUES IN (");
		while ((low = next_literal(rows, &from)) != NULL)
			if (strcmp(low, "NULL") != 0) {
				keep(bounds, leaf, number, (struct bound){ true, low, NULL });
				return true;
			}
		return false;
	}
	if (!sg_text_prefix(text, "FOR VALUES FROM ("))
		return true; /* by hash */
	from = text + strlen("FOR VALUES FROM (");
	to = strstr(from, ") TO (");
	to = to != NULL ? to + strlen(") TO (") : "";
	for (bool open = true; (low = next_literal(rows, &from)) != NULL && (high = next_literal(rows, &to)) != NULL;) {
		struct bound bound = { false, strcmp(low, "MINVALUE") == 0 ? NULL : low,
		                       strcmp(high, "MAXVALUE") == 0 || strcmp(high, "MINVALUE") == 0 ? NULL : high };
		char *next;

		if (!open)
			bound.high = NULL;
		if (open && *from != ')' && bound.low != NULL && (bound.high == NULL || strcmp(bound.low, bound.high) != 0)) {
			bound.list = true; /* of several columns: the first stays at its lower end, and the next has only that */
			open = false;
		}
		keep(bounds, leaf, number, bound);
		(void)strtol(numbers, &next, 10);
		numbers = *next == ' ' ? next + 1 : next;
		number = (int)strtol(numbers, NULL, 10);
	}
	return true;
}

/* ---- as ways ---- */

static const char *array(struct rows *rows, const struct bounds *bounds, size_t place, bool high, const char *type,
                         const char *low_else, const char *high_else)
{
	struct sg_buf sql = SG_BUF_INIT;
	const char *text;

	sg_buf_adds(&sql, "(ARRAY[");
	for (size_t i = 0; i < bounds->leaf_count; i++) {
		const struct bound *bound = &bounds->leaves[i].of[place];
		const char *this = high ? bound->high : bound->low, *other = high ? bound->low : bound->high;

		sg_buf_adds(&sql, i ? ", " : "");
		if (this != NULL)
			sg_buf_addf(&sql, "(%s)::%s", this, type);
		else if (other != NULL)
			sg_buf_addf(&sql, "((%s)::%s%s)::%s", other, type, high ? high_else : low_else, type);
		else
			sg_buf_addf(&sql, "(%s)::%s", high ? high_else : low_else, type);
	}
	sg_buf_addf(&sql, "]::%s[])", type);
	text = sg_arena_strdup(&rows->scratch, sql.data);
	sg_buf_release(&sql);
	return text;
}

static bool all_lists(const struct bounds *bounds, size_t place)
{
	for (size_t i = 0; i < bounds->leaf_count; i++)
		if (!bounds->leaves[i].of[place].list)
			return false;
	return true;
}

/* Within [low, high): whole numbers and days one after the other, other types in equal steps; texts at the lower bound. */
static void add_way(struct rows *rows, const struct bounds *bounds, size_t place, struct rows_column *column)
{
	const char *type = column->type, *base = column->type;
	const char *leaf = sg_arena_printf(&rows->scratch, "[(" ROWS_I " - 1) %% %zu + 1]", bounds->leaf_count);
	const char *turn = sg_arena_printf(&rows->scratch, "((" ROWS_I " - 1) / %zu)", bounds->leaf_count);
	int64_t steps = rows->n / (int64_t)bounds->leaf_count + 2;
	const char *low, *high, *sql;

	if (all_lists(bounds, place)) {
		low = array(rows, bounds, place, false, type, "", "");
		rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "%s%s", low, leaf), 1);
		return;
	}
	if (column->category == 'N') {
		bool whole = strcmp(base, "integer") == 0 || strcmp(base, "bigint") == 0 || strcmp(base, "smallint") == 0;

		low = array(rows, bounds, place, false, "numeric", " - 10000", " + 10000");
		high = array(rows, bounds, place, true, "numeric", " - 10000", " + 10000");
		sql = whole ? sg_arena_printf(&rows->scratch, "(%s%s::bigint + %s %% greatest((%s%s - %s%s)::bigint, 1))", low, leaf, turn, high,
		                              leaf, low, leaf)
		            : sg_arena_printf(&rows->scratch, "(%s%s + (%s%s - %s%s) * %s / %lld)", low, leaf, high, leaf, low, leaf, turn,
		                              (long long)steps);
		rows_ways_add(rows, &column->ways, sql, 0);
	} else if (strcmp(base, "date") == 0) {
		low = array(rows, bounds, place, false, "date", " - 1000", " + 1000");
		high = array(rows, bounds, place, true, "date", " - 1000", " + 1000");
		rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s%s + (%s %% greatest(%s%s - %s%s, 1))::int4)", low, leaf,
		                                                   turn, high, leaf, low, leaf), 0);
	} else if (column->category == 'D' && sg_text_prefix(base, "timestamp")) {
		low = array(rows, bounds, place, false, type, " - INTERVAL '1000 days'", " + INTERVAL '1000 days'");
		high = array(rows, bounds, place, true, type, " - INTERVAL '1000 days'", " + INTERVAL '1000 days'");
		rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s%s + (%s%s - %s%s) * (%s::float8 / %lld))", low, leaf, high,
		                                                   leaf, low, leaf, turn, (long long)steps), 0);
	} else {
		low = array(rows, bounds, place, false, type, "", "");
		if (column->category == 'S')
			rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s%s || %s)", low, leaf, turn), 0);
		rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s%s)", low, leaf), 1);
	}
}

static bool known_everywhere(const struct bounds *bounds, size_t place)
{
	for (size_t i = 0; i < bounds->leaf_count; i++)
		if (!bounds->leaves[i].known[place])
			return false;
	return bounds->leaf_count > 0;
}

static void set_columns(struct rows *rows, const struct rows_table *table, const struct bounds *bounds)
{
	for (size_t place = 0; place < bounds->column_count; place++) {
		struct rows_column *column = rows_column_of(table, bounds->numbers[place]);
		bool open = true;

		if (column == NULL || column->generated != NULL || !known_everywhere(bounds, place) || strchr(column->type, ROWS_I[0]) != NULL)
			continue;
		for (size_t i = 0; i < bounds->leaf_count; i++)
			open = open && bounds->leaves[i].of[place].low == NULL && bounds->leaves[i].of[place].high == NULL;
		if (open)
			continue;
		column->ways.count = 0;
		add_way(rows, bounds, place, column);
		column->bound = true;
		column->by_server = false;
		column->nulls = ROWS_NULLS_NONE; /* only a list or the default takes NULL */
	}
}

/* The leaves' own constraints, joined by OR: what the rows of this table must meet. */
static int add_rule(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	struct sg_result *result;
	struct rows_rule *rule;

	if (sg_db_query(rows->db,
	                "SELECT string_agg('(' || pg_get_partition_constraintdef(p.relid) || ')', ' OR ') FROM pg_partition_tree($1::oid) p"
	                " WHERE p.isleaf HAVING count(*) BETWEEN 1 AND 200 AND bool_and(pg_get_partition_constraintdef(p.relid) IS NOT NULL)",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	if (sg_result_rows(result) != 1 || sg_result_value(result, 0, 0) == NULL)
		return 0;
	table->rules = sg_arena_grow(&rows->scratch, table->rules, &table->rule_capacity, table->rule_count + 1, sizeof *table->rules);
	rule = &table->rules[table->rule_count++];
	*rule = (struct rows_rule){ .kind = ROWS_RULE_PARTITION, .name = "the bounds of its partitions", .sql = sg_result_value(result, 0, 0) };
	rule->numbers = sg_arena_array(&rows->scratch, table->column_count, sizeof *rule->numbers);
	if (sg_db_query(rows->db, "SELECT DISTINCT k.number FROM pg_partition_tree($1::oid) p"
	                " JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = p.relid, unnest(t.partattrs::int2[]) AS k(number)"
	                " ORDER BY 1", 1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	for (int i = 0; i < sg_result_rows(result) && rule->number_count < table->column_count; i++)
		rule->numbers[rule->number_count++] = (int)sg_result_int(result, i, 0);
	return 0;
}

int rows_bounds_read(struct rows *rows, struct rows_table *table, struct sg_err *err)
{
	struct bounds *bounds = sg_arena_alloc(&rows->scratch, sizeof *bounds);
	struct sg_result *result;

	if (table->kind != 'p')
		return 0;
	/* a line a leaf and level above it, from the leaf upwards; partattrs as names, since a partition's numbers may be others */
	if (sg_db_query(rows->db,
	                "SELECT l.relid::oid::text, pg_get_expr(c.relpartbound, c.oid),"
	                " coalesce((SELECT string_agg(coalesce(r.attnum, 0)::text, ' ' ORDER BY k.place) FROM unnest(t.partattrs::int2[])"
	                "  WITH ORDINALITY AS k(number, place) LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.partrelid"
	                "  AND a.attnum = k.number AND k.number > 0"
	                "  LEFT JOIN pg_catalog.pg_attribute r ON r.attrelid = $1::oid AND r.attname = a.attname), '0')"
	                " FROM pg_partition_tree($1::oid) l JOIN pg_catalog.pg_class lc ON lc.oid = l.relid AND lc.relkind = 'r'"
	                " CROSS JOIN LATERAL pg_partition_ancestors(l.relid) WITH ORDINALITY AS u(relid, height)"
	                " JOIN pg_catalog.pg_class c ON c.oid = u.relid AND c.relpartbound IS NOT NULL"
	                " JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid"
	                " JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = h.inhparent"
	                " WHERE l.isleaf ORDER BY lc.relname, l.relid, u.height",
	                1, &table->oid, &rows->scratch, &result, err) != 0)
		return -1;
	if (sg_result_rows(result) == 0) {
		table->why = "it has no partition";
		return 0;
	}
	for (int i = 0, next; i < sg_result_rows(result) && bounds->leaf_count < LEAVES; i = next) {
		struct leaf *leaf = &bounds->leaves[bounds->leaf_count];
		bool usable = true;

		memset(leaf, 0, sizeof *leaf);
		for (next = i; next < sg_result_rows(result) &&
		     strcmp(sg_result_value(result, next, 0), sg_result_value(result, i, 0)) == 0; next++)
			usable = usable && read_bound(rows, bounds, leaf, sg_result_value(result, next, 1), sg_result_value(result, next, 2));
		bounds->leaf_count += usable;
	}
	set_columns(rows, table, bounds);
	return add_rule(rows, table, err);
}
