/* model_expressions.c - what the model asks of expressions: which columns they name, and of which columns a CHECK says that they are
 * not NULL. */
#include "config.h"
#include "core/audit/model_parts.h"

#include "core/base/base.h"
#include "core/sql/tree.h"

bool sg_model_list_has(const struct sg_model_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->names[i] == name)
			return true;
	return false;
}

void sg_model_list_add(struct sg_model *model, struct sg_model_list *list, const char *name)
{
	if (sg_model_list_has(list, name))
		return;
	list->names = sg_arena_grow(&model->arena, list->names, &list->capacity, list->count + 1, sizeof *list->names);
	list->names[list->count++] = name;
}

/* The columns of the table that stand anywhere in an expression. */
void sg_model_collect(const struct sg_table *table, const struct sg_json *value, struct sg_model_list *list)
{
	const struct sg_json *fields = sg_json_get(sg_json_get(value, "ColumnRef"), "fields");
	const char *name = sg_node_string(sg_json_at(fields, sg_json_count(fields) > 0 ? sg_json_count(fields) - 1 : 0));

	if (list->count >= SG_MODEL_COLUMNS_MAX)
		return;
	if (name != NULL) {
		name = sg_model_keep(table->model, name);
		if (!table->seen.known || sg_model_column_of(table, name) != NULL)
			sg_model_list_add(table->model, list, name);
	}
	for (void *member = sg_json_is_object(value) ? sg_json_next(value, NULL) : NULL; member != NULL;
	     member = sg_json_next(value, member))
		sg_model_collect(table, sg_json_value(member), list);
	for (size_t i = 0; i < sg_json_count(value); i++)
		sg_model_collect(table, sg_json_at(value, i), list);
}

/* The column of "column IS NOT NULL", or of IS NULL. */
const char *sg_model_null_tested(struct sg_model *model, const struct sg_json *expr, const char *type)
{
	const struct sg_json *test = sg_node_as(expr, "NullTest");
	const struct sg_json *fields = sg_json_get(sg_node_as(sg_json_get(test, "arg"), "ColumnRef"), "fields");

	if (!sg_node_is(test, "nulltesttype", type) || sg_json_count(fields) == 0)
		return NULL;
	return sg_model_keep(model, sg_node_string(sg_json_at(fields, sg_json_count(fields) - 1)));
}

static void collect_proved(struct sg_model *model, const struct sg_json *expr, bool negative, struct sg_model_list *list, unsigned depth);

/* What each side of an OR proves. */
static void collect_common(struct sg_model *model, const struct sg_json *sides, bool negative, struct sg_model_list *list, unsigned depth)
{
	struct sg_model_list common = { 0 };

	collect_proved(model, sg_json_at(sides, 0), negative, &common, depth);
	for (size_t i = 1; i < sg_json_count(sides) && common.count > 0; i++) {
		struct sg_model_list one = { 0 };
		size_t kept = 0;

		collect_proved(model, sg_json_at(sides, i), negative, &one, depth);
		for (size_t c = 0; c < common.count; c++)
			if (sg_model_list_has(&one, common.names[c]))
				common.names[kept++] = common.names[c];
		common.count = kept;
	}
	for (size_t c = 0; c < common.count; c++)
		sg_model_list_add(model, list, common.names[c]);
}

/* Columns of which a CHECK says that they are not NULL, as predicate_implied_by() finds them once NOT was pushed down to the tests
 * (src/backend/optimizer/util/predtest.c, prep/prepqual.c): a comparison says nothing, NULL passes it. */
static void collect_proved(struct sg_model *model, const struct sg_json *expr, bool negative, struct sg_model_list *list, unsigned depth)
{
	const struct sg_json *logic = sg_node_as(expr, "BoolExpr"), *args = sg_json_get(logic, "args");
	const char *column = negative ? sg_model_null_tested(model, expr, "IS_NULL") : sg_model_null_tested(model, expr, "IS_NOT_NULL");

	if (column != NULL && list->count < SG_MODEL_COLUMNS_MAX)
		sg_model_list_add(model, list, column);
	if (logic == NULL || depth > SG_MODEL_DEPTH_MAX || !sg_model_spend(model, sg_json_count(args)))
		return;
	if (sg_node_is(logic, "boolop", "NOT_EXPR"))
		collect_proved(model, sg_json_at(args, 0), !negative, list, depth + 1);
	else if (sg_node_is(logic, "boolop", negative ? "AND_EXPR" : "OR_EXPR"))
		collect_common(model, args, negative, list, depth + 1);
	else
		for (size_t i = 0; i < sg_json_count(args); i++)
			collect_proved(model, sg_json_at(args, i), negative, list, depth + 1);
}

void sg_model_collect_proved(struct sg_model *model, const struct sg_json *expr, struct sg_model_list *list)
{
	collect_proved(model, expr, false, list, 0);
}
