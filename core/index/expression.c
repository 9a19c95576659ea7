/* expression.c - what an index's expressions and predicate may hold.
 *
 * Only what is wrong whatever the table looks like: the server has the last word on types and on what is immutable. What
 * the server would take, but read anew each time as something else ('now'::timestamptz is a constant of the
 * moment in which the index is made), is refused as well: the definition would never compare as equal. */
#include "config.h"
#include "core/index/judge.h"

#include <string.h>
#include <strings.h>

#include "core/sql/tree.h"

struct walk {
	struct sg_index_reading *reading;
	const struct sg_index_piece *piece;
	bool told; /* one mistake an expression */
};

static void refuse(struct walk *walk, const struct sg_json *body, const char *what, const char *detail, const char *hint)
{
	int64_t location = sg_json_int(sg_json_get(body, "location"));
	struct sg_err *err;

	if (walk->told)
		return;
	walk->told = true;
	err = sg_index_mistake(walk->reading, walk->piece->key, "%s", what);
	(void)sg_err_detail(err, "%s", detail);
	(void)sg_err_hint(err, "%s", hint);
	if (location > 0)
		sg_index_place(err, walk->piece, (size_t)location);
}

/* Of pg_catalog, whatever their arguments; what is only sometimes wrong is left to the server. */
static const char aggregates[] = " array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every "
                                 "json_agg json_object_agg jsonb_agg jsonb_object_agg max min range_agg range_intersect_agg "
                                 "regr_slope stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg ";
static const char sets[] = " generate_series generate_subscripts json_array_elements json_array_elements_text json_each "
                           "json_each_text json_object_keys jsonb_array_elements jsonb_array_elements_text jsonb_each "
                           "jsonb_each_text jsonb_object_keys jsonb_path_query regexp_matches regexp_split_to_table "
                           "string_to_table unnest ";
static const char restless[] = " clock_timestamp current_database current_schemas current_setting currval gen_random_uuid "
                               "inet_client_addr lastval nextval now pg_backend_pid random row_security_active setval "
                               "statement_timestamp timeofday transaction_timestamp txid_current ";
static const char windows[] = " cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank "
                              "row_number ";

static bool among(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; length > 0 && (at = strstr(at + 1, name)) != NULL;)
		if (at[-1] == ' ' && at[length] == ' ')
			return true;
	return false;
}

#define HINT_EXPRESSION "An index's expression is made of the row's own columns and of functions that are IMMUTABLE."

static void visit_call(struct walk *walk, const struct sg_json *body)
{
	struct sg_relation name;

	if (!sg_tree_names(sg_json_get(body, "funcname"), &name))
		return;
	if (sg_json_get(body, "over") != NULL) {
		refuse(walk, body, "a window function", "An index knows one row at a time.", HINT_EXPRESSION);
	} else if (sg_json_true(sg_json_get(body, "agg_star")) || sg_json_true(sg_json_get(body, "agg_distinct")) ||
	           sg_json_true(sg_json_get(body, "agg_within_group")) || sg_json_get(body, "agg_order") != NULL ||
	           sg_json_get(body, "agg_filter") != NULL) {
		refuse(walk, body, "an aggregate", "An index knows one row at a time.", HINT_EXPRESSION);
	} else if (name.schema != NULL && strcmp(name.schema, "pg_catalog") != 0) {
		return;
	} else if (among(aggregates, name.name) || among(windows, name.name)) {
		refuse(walk, body, sg_arena_printf(walk->reading->arena, "%s() needs many rows", name.name),
		       "An index knows one row at a time.", HINT_EXPRESSION);
	} else if (among(sets, name.name)) {
		refuse(walk, body, sg_arena_printf(walk->reading->arena, "%s() gives a set", name.name),
		       "A row has one value in an index.", "For what an array or a document holds, use method = gin on the column.");
	} else if (among(restless, name.name)) {
		refuse(walk, body, sg_arena_printf(walk->reading->arena, "%s() is not IMMUTABLE", name.name),
		       "What is in an index may never change by itself: it would be wrong from the next moment on.",
		       "Index the column, and leave such a condition to the queries.");
	}
}

static void visit_column(struct walk *walk, const struct sg_json *body)
{
	static const char system[] = " cmax cmin ctid tableoid xmax xmin ";
	const struct sg_json *fields = sg_json_get(body, "fields");
	const char *first = sg_node_string(sg_json_at(fields, 0));
	size_t count = sg_json_count(fields);

	if (count > 1 || first == NULL)
		refuse(walk, body, "a column is written with its table, or a whole row",
		       "The index is compared on a copy of the table, and built on each partition: they have other names.",
		       "Write the column's name alone; of a composite column (column).field.");
	else if (among(system, first))
		refuse(walk, body, sg_arena_printf(walk->reading->arena, "%s is a system column", first),
		       "The server makes no index on it.", "Index a column of the table's own.");
}

static void visit_cast(struct walk *walk, const struct sg_json *body)
{
	static const char moments[] = " now today tomorrow yesterday ";
	static const char types[] = " date time timestamp timestamptz timetz ";
	const struct sg_json *constant = sg_node_as(sg_json_get(body, "arg"), "A_Const");
	const char *text = sg_json_text(sg_json_get(sg_json_get(constant, "sval"), "sval"));
	char word[16] = "";
	struct sg_relation type;
	size_t length = 0;

	if (text == NULL || !sg_tree_names(sg_json_get(sg_json_get(body, "typeName"), "names"), &type) ||
	    !among(types, type.name))
		return;
	text += strspn(text, " \t\n");
	while (length < sizeof word - 1 && ((text[length] | 0x20) >= 'a' && (text[length] | 0x20) <= 'z')) {
		word[length] = (char)(text[length] | 0x20);
		length++;
	}
	if (among(moments, word))
		refuse(walk, constant, sg_arena_printf(walk->reading->arena, "'%s' is the moment in which the index is made", word),
		       "It becomes a constant then, and another one with each comparison.", "Write the date itself, or leave it out.");
}

static const struct {
	const char *node, *what, *detail;
} refused[] = {
	{ "SubLink", "a subquery", "An index knows one row of one table." },
	{ "SelectStmt", "a subquery", "An index knows one row of one table." },
	{ "ParamRef", "a parameter", "There is nobody to give it a value." },
	{ "GroupingFunc", "GROUPING", "An index knows one row at a time." },
	{ "SetToDefault", "DEFAULT", "It is no value." },
	{ "CurrentOfExpr", "WHERE CURRENT OF", "There is no cursor." },
	{ "WindowDef", "a window", "An index knows one row at a time." },
	{ "SQLValueFunction", "the time, or who is asking", "What is in an index may never change by itself." }
};

static void visit(struct walk *walk, const struct sg_json *value)
{
	for (size_t i = 0; i < sg_json_count(value) && !walk->told; i++)
		visit(walk, sg_json_at(value, i));
	if (!sg_json_is_object(value))
		return;
	for (void *at = sg_json_next(value, NULL); at != NULL && !walk->told; at = sg_json_next(value, at)) {
		const char *key = sg_json_key(at);
		const struct sg_json *body = sg_json_value(at);

		for (size_t i = 0; i < SG_COUNT(refused); i++)
			if (strcmp(key, refused[i].node) == 0)
				refuse(walk, body, refused[i].what, refused[i].detail, HINT_EXPRESSION);
		if (strcmp(key, "FuncCall") == 0)
			visit_call(walk, body);
		else if (strcmp(key, "ColumnRef") == 0)
			visit_column(walk, body);
		else if (strcmp(key, "TypeCast") == 0)
			visit_cast(walk, body);
		visit(walk, body);
	}
}

void sg_index_judge_expression(struct sg_index_reading *reading, const struct sg_index_piece *piece,
                               const struct sg_json *tree)
{
	struct walk walk = { reading, piece, false };

	visit(&walk, tree);
}
