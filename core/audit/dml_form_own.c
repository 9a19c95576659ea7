/* dml_form_own.c - what a WHERE says of the table's own columns: NULL, empty, equal to constants. */
#include "config.h"
#include "core/audit/dml_form.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

static bool is_zero(const struct sg_json *node)
{
	static const char *const zeros[] = { "''", "'{}'", "'[]'", "0", "false", "'0'", "'false'", "'f'", "0.0", "0.00", NULL };
	struct sg_arena arena = SG_ARENA_INIT;
	const char *text;
	bool zero;

	while (sg_node_as(node, "TypeCast") != NULL)
		node = sg_json_get(sg_node_as(node, "TypeCast"), "arg");
	text = sg_dml_say(&arena, node);
	zero = sg_node_as(node, "A_Const") != NULL && text != NULL && sg_dml_is_one_of(text, zeros);
	sg_arena_release(&arena);
	return zero;
}

static bool is_constant(const struct sg_json *node)
{
	while (sg_node_as(node, "TypeCast") != NULL)
		node = sg_json_get(sg_node_as(node, "TypeCast"), "arg");
	return sg_node_as(node, "A_Const") != NULL;
}

static void test_list(const struct sg_json *list, struct sg_dml_condition *condition)
{
	bool zero = true;

	for (size_t i = 0; i < sg_json_count(list); i++) {
		if (!is_constant(sg_json_at(list, i)))
			return;
		zero = zero && is_zero(sg_json_at(list, i));
	}
	condition->test = zero ? SG_TEST_EMPTY : SG_TEST_CONSTANT;
	condition->values = sg_json_count(list);
}

static void test_comparison(struct sg_form *form, const struct sg_json *body, struct sg_dml_condition *condition)
{
	const struct sg_json *left = sg_json_get(body, "lexpr"), *right = sg_json_get(body, "rexpr");
	struct sg_relation op;

	if (!sg_tree_names(sg_json_get(body, "name"), &op) || strcmp(op.name, "=") != 0)
		return;
	if (is_constant(left)) {
		const struct sg_json *swap = left;

		left = right;
		right = swap;
	}
	if (sg_node_is(body, "kind", "AEXPR_IN") && sg_dml_column(left, NULL) != NULL)
		test_list(sg_json_get(sg_node_as(right, "List"), "items"), condition);
	if (sg_node_is(body, "kind", "AEXPR_OP_ANY") && sg_node_as(right, "A_ArrayExpr") != NULL)
		test_list(sg_json_get(sg_node_as(right, "A_ArrayExpr"), "elements"), condition);
	if ((!sg_node_is(body, "kind", "AEXPR_OP") && !sg_node_is(body, "kind", "AEXPR_NOT_DISTINCT")) || !is_constant(right))
		return;
	condition->test = is_zero(right) ? SG_TEST_EMPTY : SG_TEST_CONSTANT;
	if (sg_dml_column(left, NULL) != NULL) {
		while (sg_node_as(right, "TypeCast") != NULL)
			right = sg_json_get(sg_node_as(right, "TypeCast"), "arg");
		condition->value = sg_dml_say(form->arena, right);
		condition->values = 1;
	} else if (condition->test == SG_TEST_CONSTANT) {
		condition->test = SG_TEST_OTHER; /* lower(x) = 'a' */
	}
}

static enum sg_dml_test weaker(enum sg_dml_test a, enum sg_dml_test b)
{
	static const int strength[] = {
		[SG_TEST_OTHER] = 0, [SG_TEST_NOT_NULL] = 0, [SG_TEST_NULL] = 3, [SG_TEST_EMPTY] = 2, [SG_TEST_CONSTANT] = 1
	};

	return strength[a] < strength[b] ? a : b;
}

static bool has_sublink(const struct sg_json *node)
{
	if (sg_node_as(node, "SubLink") != NULL)
		return true;
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member))
		if (has_sublink(sg_json_value(member)))
			return true;
	for (size_t i = 0; i < sg_json_count(node); i++)
		if (has_sublink(sg_json_at(node, i)))
			return true;
	return false;
}

static void test(struct sg_form *form, const struct sg_json *node, struct sg_dml_condition *condition)
{
	const struct sg_json *body = sg_node_as(node, "BoolExpr");

	if (sg_node_is(body, "boolop", "OR_EXPR")) {
		const struct sg_json *args = sg_json_get(body, "args");
		struct sg_dml_condition part;

		for (size_t i = 0; i < sg_json_count(args); i++) {
			part = (struct sg_dml_condition){ .test = SG_TEST_OTHER };
			test(form, sg_json_at(args, i), &part);
			condition->test = i == 0 ? part.test : weaker(condition->test, part.test);
			condition->values += part.values;
		}
	} else if (sg_node_is(body, "boolop", "NOT_EXPR")) {
		if (sg_node_as(sg_json_at(sg_json_get(body, "args"), 0), "ColumnRef") != NULL)
			condition->test = SG_TEST_EMPTY;
	} else if ((body = sg_node_as(node, "NullTest")) != NULL) {
		condition->test = sg_node_is(body, "nulltesttype", "IS_NULL") ? SG_TEST_NULL : SG_TEST_NOT_NULL;
	} else if ((body = sg_node_as(node, "BooleanTest")) != NULL) {
		if (sg_node_is(body, "booltesttype", "IS_FALSE") || sg_node_is(body, "booltesttype", "IS_NOT_TRUE"))
			condition->test = SG_TEST_EMPTY;
	} else if ((body = sg_node_as(node, "A_Expr")) != NULL) {
		test_comparison(form, body, condition);
	}
}

/* Columns of the target alone; false: of others too. */
static bool own_columns(struct sg_form *form, const struct sg_form_level *level, const struct sg_json *node,
                        struct sg_dml_names *columns)
{
	bool own = true;

	if (sg_node_as(node, "SubLink") != NULL)
		return false;
	if (sg_node_as(node, "ColumnRef") != NULL) {
		bool sure;
		const struct sg_form_source *source = sg_form_owner(form, level, node, &sure);

		if (source == NULL || source != &level->sources[0])
			return false;
		sg_dml_names_add(form->arena, columns, sg_dml_column(node, NULL));
		return true;
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member))
		own = own_columns(form, level, sg_json_value(member), columns) && own;
	for (size_t i = 0; i < sg_json_count(node); i++)
		own = own_columns(form, level, sg_json_at(node, i), columns) && own;
	return own;
}

void sg_form_own_conditions(struct sg_form *form, const struct sg_form_level *level, const struct sg_json *node)
{
	const struct sg_json *both = sg_node_as(node, "BoolExpr");
	struct sg_dml_op *op = form->op;
	struct sg_dml_condition condition = { .test = SG_TEST_OTHER };

	if (node == NULL)
		return;
	if (sg_node_is(both, "boolop", "AND_EXPR")) {
		for (size_t i = 0; i < sg_json_count(sg_json_get(both, "args")); i++)
			sg_form_own_conditions(form, level, sg_json_at(sg_json_get(both, "args"), i));
		return;
	}
	condition.subquery = has_sublink(node);
	if (own_columns(form, level, node, &condition.columns))
		test(form, node, &condition);
	condition.values += condition.values > 0 ? form->left_out : 0;
	op->conditions = sg_arena_grow(form->arena, op->conditions, &op->condition_capacity, op->condition_count + 1,
	                               sizeof *op->conditions);
	op->conditions[op->condition_count++] = condition;
}
