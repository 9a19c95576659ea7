/* dml_rows.c - how many rows does a query give, if they are written out in it: VALUES, SELECT without FROM, unnest of an ARRAY,
 * generate_series of constants, their joins and UNIONs, CTEs of such. A query that reads a table may give any number. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"
#include "core/sql/tree.h"

#define ROWS_LIMIT ((size_t)1 << 40)
#define CTE_DEPTH 16

struct counting {
	const struct sg_dml_reader *reader;
	struct sg_relation source;
	unsigned depth; /* of CTEs in CTEs */
	size_t steps;   /* CTEs looked into: one may name another twice, and so on */
};

static bool count_query(struct counting *counting, const struct sg_json *select, const struct sg_dml_with *with,
                        size_t *rows_r);

static size_t product(size_t a, size_t b)
{
	return a == 0 || b == 0 ? 0 : a > ROWS_LIMIT / b ? ROWS_LIMIT : a * b;
}

static bool whole_number(const struct sg_json *node, int64_t *value_r)
{
	const struct sg_json *number = sg_json_get(sg_node_as(node, "A_Const"), "ival");

	*value_r = sg_json_int(sg_json_get(number, "ival"));
	return number != NULL;
}

static const struct sg_json *without_cast(const struct sg_json *node)
{
	while (sg_node_as(node, "TypeCast") != NULL)
		node = sg_json_get(sg_node_as(node, "TypeCast"), "arg");
	return node;
}

/* A function that gives a row set; false: not known how large. */
static bool count_call(const struct sg_json *call, size_t *rows_r)
{
	const struct sg_json *args = sg_json_get(call, "args");
	const struct sg_json *array = sg_node_as(without_cast(sg_json_at(args, 0)), "A_ArrayExpr");
	struct sg_relation name;
	int64_t from, to;

	if (!sg_tree_names(sg_json_get(call, "funcname"), &name))
		return false;
	if (strcmp(name.name, "unnest") == 0 && sg_json_count(args) == 1 && array != NULL) {
		*rows_r = sg_json_count(sg_json_get(array, "elements"));
		return true;
	}
	if (strcmp(name.name, "generate_series") == 0 && sg_json_count(args) == 2 && whole_number(sg_json_at(args, 0), &from) &&
	    whole_number(sg_json_at(args, 1), &to)) {
		*rows_r = to < from ? 0 : (size_t)(to - from) + 1;
		return true;
	}
	return false;
}

static bool count_function(const struct sg_json *body, size_t *rows_r)
{
	/* functions: [{"List": {"items": [FuncCall, columns]}}] */
	const struct sg_json *functions = sg_json_get(body, "functions");
	const struct sg_json *items = sg_json_get(sg_node_as(sg_json_at(functions, 0), "List"), "items");

	return sg_json_count(functions) == 1 && count_call(sg_node_as(sg_json_at(items, 0), "FuncCall"), rows_r);
}

/* SELECT unnest(…) and the like: rows that no FROM shows. */
static bool count_targets(const struct sg_json *list, size_t *rows_r)
{
	static const char *const sets[] = { "unnest",
		                            "generate_series",
		                            "generate_subscripts",
		                            "regexp_split_to_table",
		                            "regexp_matches",
		                            "string_to_table",
		                            "json_array_elements",
		                            "jsonb_array_elements",
		                            "json_array_elements_text",
		                            "jsonb_array_elements_text",
		                            "json_each",
		                            "jsonb_each",
		                            "jsonb_object_keys",
		                            "json_object_keys" };

	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *value = sg_json_get(sg_node_as(sg_json_at(list, i), "ResTarget"), "val");
		const struct sg_json *call = sg_node_as(without_cast(value), "FuncCall");
		struct sg_relation name;
		size_t rows = 1;
		bool set = false;

		if (call == NULL || !sg_tree_names(sg_json_get(call, "funcname"), &name))
			continue;
		for (size_t n = 0; n < SG_COUNT(sets); n++)
			set = set || strcmp(sets[n], name.name) == 0;
		if (set && !count_call(call, &rows))
			return false;
		*rows_r = rows > *rows_r ? rows : *rows_r;
	}
	return true;
}

/* … WHERE right.key IS NULL: what has a partner is left out, so the join adds no rows. */
static bool is_anti(const struct sg_json *where)
{
	const struct sg_json *both = sg_node_as(where, "BoolExpr");

	if (sg_node_is(sg_node_as(where, "NullTest"), "nulltesttype", "IS_NULL"))
		return true;
	if (!sg_node_is(both, "boolop", "AND_EXPR"))
		return false;
	for (size_t i = 0; i < sg_json_count(sg_json_get(both, "args")); i++)
		if (is_anti(sg_json_at(sg_json_get(both, "args"), i)))
			return true;
	return false;
}

static bool count_cte(struct counting *counting, const struct sg_json *query, const struct sg_dml_with *with, size_t *rows_r)
{
	const struct sg_json *insert = sg_node_as(query, "InsertStmt");
	bool known = false;

	if (counting->depth >= CTE_DEPTH || ++counting->steps > 256)
		return false;
	counting->depth++;
	if (sg_node_as(query, "SelectStmt") != NULL)
		known = count_query(counting, sg_node_as(query, "SelectStmt"), with, rows_r);
	else if (insert != NULL) /* RETURNING gives what it has written, or less */
		known = count_query(counting, sg_node_as(sg_json_get(insert, "selectStmt"), "SelectStmt"), with, rows_r);
	counting->depth--;
	return known;
}

static bool count_from(struct counting *counting, const struct sg_json *item, const struct sg_dml_with *with, bool anti,
                       size_t *rows_r)
{
	const struct sg_json *body;

	if ((body = sg_node_as(item, "RangeVar")) != NULL) {
		struct sg_relation name = sg_tree_relation(body);
		const struct sg_dml_with *at;
		const struct sg_json *query = name.schema == NULL ? sg_dml_cte(with, name.name, &at) : NULL;

		if (query != NULL)
			return count_cte(counting, query, at, rows_r);
		if (counting->source.name == NULL || (sg_dml_is_fresh(counting->reader, counting->source) &&
		                                      !sg_dml_is_fresh(counting->reader, name)))
			counting->source = name;
		return false;
	}
	if ((body = sg_node_as(item, "RangeSubselect")) != NULL)
		return count_query(counting, sg_node_as(sg_json_get(body, "subquery"), "SelectStmt"), with, rows_r);
	if ((body = sg_node_as(item, "RangeFunction")) != NULL)
		return count_function(body, rows_r);
	if ((body = sg_node_as(item, "JoinExpr")) != NULL) {
		size_t left = 0, right = 0;
		bool some = count_from(counting, sg_json_get(body, "larg"), with, anti, &left);
		struct counting apart = *counting;
		bool missing = some && anti && sg_node_is(body, "jointype", "JOIN_LEFT");
		bool others = count_from(missing ? &apart : counting, sg_json_get(body, "rarg"), with, anti, &right);

		*rows_r = missing ? left : product(left, right > 0 ? right : 1);
		return some && (others || missing);
	}
	return false;
}

static bool count_query(struct counting *counting, const struct sg_json *select, const struct sg_dml_with *with, size_t *rows_r)
{
	struct sg_dml_with inner = { .up = with, .clause = sg_json_get(select, "withClause") };
	const struct sg_json *from = sg_json_get(select, "fromClause"), *values = sg_json_get(select, "valuesLists");
	bool known = true, anti = is_anti(sg_json_get(select, "whereClause"));
	size_t rows = 1;

	*rows_r = 0;
	if (select == NULL)
		return false;
	if (inner.clause != NULL)
		with = &inner;
	if (sg_json_get(select, "larg") != NULL) {
		size_t left, right;

		/* both, so that the source is found */
		known = count_query(counting, sg_json_get(select, "larg"), with, &left);
		known = count_query(counting, sg_json_get(select, "rarg"), with, &right) && known;
		*rows_r = left + right;
		return known;
	}
	if (values != NULL) {
		*rows_r = sg_json_count(values);
		return true;
	}
	for (size_t i = 0; i < sg_json_count(from); i++) {
		size_t some = 0;

		known = count_from(counting, sg_json_at(from, i), with, anti, &some) && known;
		rows = product(rows, some);
	}
	*rows_r = 1;
	known = count_targets(sg_json_get(select, "targetList"), rows_r) && known;
	*rows_r = product(*rows_r, rows);
	return known;
}

bool sg_dml_rows(struct sg_dml_reader *reader, const struct sg_json *select, const struct sg_dml_with *with, size_t *rows_r,
                 struct sg_relation *source_r)
{
	struct counting counting = { .reader = reader };
	bool known = count_query(&counting, select, with, rows_r);

	*source_r = (struct sg_relation){ .schema = sg_arena_strdup(reader->scope->arena, counting.source.schema),
		                          .name = sg_arena_strdup(reader->scope->arena, counting.source.name) };
	return known;
}

const struct sg_json *sg_dml_cte(const struct sg_dml_with *with, const char *name, const struct sg_dml_with **at_r)
{
	for (; with != NULL && name != NULL; with = with->up) {
		const struct sg_json *ctes = sg_json_get(with->clause, "ctes");

		for (size_t i = 0; i < sg_json_count(ctes); i++) {
			const struct sg_json *cte = sg_node_as(sg_json_at(ctes, i), "CommonTableExpr");

			if (sg_node_is(cte, "ctename", name)) {
				if (at_r != NULL)
					*at_r = with;
				return sg_json_get(cte, "ctequery");
			}
		}
	}
	return NULL;
}
