/* dml_form_where.c - conditions: what joins the table with itself or with a parent, what is under a NOT or an OR. */
#include "config.h"
#include "core/audit/dml_form.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

/* ---- parents that are missing ------------------------------------------------------ */

void sg_form_add_orphan(struct sg_form *form, const struct sg_dml_orphan *orphan)
{
	struct sg_dml_op *op = form->op;

	if (orphan->child.count == 0 || orphan->child.count != orphan->parent_columns.count || orphan->parent.name == NULL)
		return;
	op->orphans = sg_arena_grow(form->arena, op->orphans, &op->orphan_capacity, op->orphan_count + 1, sizeof *op->orphans);
	op->orphans[op->orphan_count++] = *orphan;
}

void sg_form_pair(struct sg_form *form, struct sg_dml_orphan *orphan, const struct sg_form_source *parent, const char *child,
                  const char *parent_column, bool either)
{
	orphan->parent = (struct sg_relation){ .schema = sg_arena_strdup(form->arena, parent->table.schema),
		                               .name = sg_arena_strdup(form->arena, parent->table.name) };
	sg_dml_names_add(form->arena, &orphan->child, child);
	sg_dml_names_add(form->arena, &orphan->parent_columns, parent_column);
	orphan->either = orphan->either || either;
}

/* column NOT IN (SELECT id FROM parent) */
static void not_in(struct sg_form *form, const struct sg_form_level *level, const struct sg_json *test,
                   const struct sg_json *select, const struct sg_form_level *inner)
{
	const struct sg_json *row = sg_json_get(sg_node_as(test, "RowExpr"), "args"), *list = sg_json_get(select, "targetList");
	const struct sg_form_source *parent = inner->count == 1 ? &inner->sources[0] : NULL;
	struct sg_dml_orphan orphan = { .either = false };

	if (parent == NULL || parent->table.name == NULL || inner->other || inner->pairs.child.count > 0 ||
	    sg_json_get(select, "groupClause") != NULL || sg_json_count(list) != (row != NULL ? sg_json_count(row) : 1))
		return;
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *column = row != NULL ? sg_json_at(row, i) : test;
		const struct sg_json *value = sg_json_get(sg_node_as(sg_json_at(list, i), "ResTarget"), "val");
		const struct sg_form_source *child;
		bool sure;

		child = sg_form_owner(form, level, column, &sure);
		if (child == NULL || !child->target || sg_dml_column(value, NULL) == NULL)
			return;
		sg_form_pair(form, &orphan, parent, sg_dml_column(column, NULL), sg_dml_column(value, NULL), false);
	}
	sg_form_add_orphan(form, &orphan);
}

/* ---- conditions --------------------------------------------------------------------- */

/* Two columns, or expressions of one table each, are equal. True: that is all that is said. */
static bool look_at_equal(struct sg_form *form, struct sg_form_level *level, const struct sg_json *left,
                          const struct sg_json *right, bool distinct_nulls)
{
	bool sure_l = true, sure_r = true, mixed = false;
	struct sg_form_source *l = sg_form_owner_of(form, level, left, &sure_l, &mixed),
			      *r = sg_form_owner_of(form, level, right, &sure_r, &mixed);
	const char *text_l = sg_dml_say(form->arena, left), *text_r = sg_dml_say(form->arena, right);
	struct sg_dml_orphan *pairs = level->joining != NULL ? &level->joining->join : &level->pairs;

	if (mixed || l == NULL || r == NULL || text_l == NULL || text_r == NULL)
		return false;
	if (l == r && !(sure_l && sure_r) && level->up != NULL && level->count == 1 && level->sources[0].table.name != NULL &&
	    !level->sources[0].target) {
		/* id = lead_id: one of them is of a table further out */
		sg_form_pair(form, pairs, &level->sources[0], text_l, text_r, true);
		return true;
	}
	if (l->target && r->target) {
		if (l == r || strcmp(text_l, text_r) != 0)
			return false;
		sg_dml_names_add(form->arena, &level->equal, text_l);
		if (distinct_nulls)
			sg_dml_names_add(form->arena, &form->op->tested, text_l);
		return true;
	}
	form->linked = form->linked || (l->target && r->derived) || (r->target && l->derived);
	if (l->target && r->table.name != NULL) {
		sg_form_pair(form, pairs, r, text_l, text_r, !sure_l || !sure_r);
		return true;
	}
	if (r->target && l->table.name != NULL) {
		sg_form_pair(form, pairs, l, text_r, text_l, !sure_l || !sure_r);
		return true;
	}
	return false;
}

static bool is_inequality(const char *op)
{
	static const char *const list[] = { "<", ">", "<=", ">=", "<>", "!=", NULL };

	return sg_dml_is_one_of(op, list);
}

/* A comparison. True: nothing more than an equality of columns. */
static bool look_at_comparison(struct sg_form *form, struct sg_form_level *level, const struct sg_json *body, bool negative)
{
	const struct sg_json *left = sg_json_get(body, "lexpr"), *right = sg_json_get(body, "rexpr");
	const struct sg_json *rows_l = sg_json_get(sg_node_as(left, "RowExpr"), "args");
	const struct sg_json *rows_r = sg_json_get(sg_node_as(right, "RowExpr"), "args");
	bool same = sg_node_is(body, "kind", "AEXPR_NOT_DISTINCT"), differs = sg_node_is(body, "kind", "AEXPR_DISTINCT");
	struct sg_relation op;

	if ((!sg_node_is(body, "kind", "AEXPR_OP") && !same && !differs) || !sg_tree_names(sg_json_get(body, "name"), &op))
		return false;
	if (!differs && strcmp(op.name, "=") == 0 && !negative) {
		bool all = true;

		if (rows_l == NULL || sg_json_count(rows_l) != sg_json_count(rows_r)) {
			sg_form_filter(form, "=", left, right, level->negative);
			return look_at_equal(form, level, left, right, !same);
		}
		for (size_t i = 0; i < sg_json_count(rows_l); i++)
			all = look_at_equal(form, level, sg_json_at(rows_l, i), sg_json_at(rows_r, i), !same) && all;
		return all;
	}
	sg_form_filter(form, op.name, left, right, level->negative != negative);
	if (strcmp(op.name, "<") == 0)
		sg_form_filter(form, ">", right, left, level->negative != negative);
	if (differs || (is_inequality(op.name) && !negative)) {
		bool sure;
		const struct sg_form_source *l = sg_form_owner(form, level, left, &sure),
					    *r = sg_form_owner(form, level, right, &sure);

		if (sg_form_is_target(l) && sg_form_is_target(r)) {
			form->different = true;
			level->unequal = level->unequal || l != r;
		}
		form->different = form->different || (sg_form_is_target(l) && sg_node_as(right, "SubLink") != NULL) ||
		                  (sg_form_is_target(r) && sg_node_as(left, "SubLink") != NULL);
	}
	return false;
}

static void look_at_sublink(struct sg_form *form, struct sg_form_level *level, const struct sg_json *body, bool negative)
{
	const struct sg_json *select = sg_node_as(sg_json_get(body, "subselect"), "SelectStmt");
	const struct sg_json *test = sg_json_get(body, "testexpr");
	bool all = sg_node_is(body, "subLinkType", "ALL_SUBLINK"), exists = sg_node_is(body, "subLinkType", "EXISTS_SUBLINK");
	bool any = sg_node_is(body, "subLinkType", "ANY_SUBLINK");
	size_t groups = form->op->group_count;
	struct sg_dml_names tested = { .count = 0 };
	struct sg_relation op;
	struct sg_form_level inner;

	if (all &&
	    (!sg_tree_names(sg_json_get(body, "operName"), &op) || (strcmp(op.name, "<>") != 0 && strcmp(op.name, "!=") != 0)))
		all = false;
	negative = all ? !negative : negative;
	sg_form_select(form, select, level, level->with, negative, &inner);
	/* x IN (SELECT x … PARTITION BY x …): whole groups, nothing stays */
	sg_dml_columns_of(form->arena, test, &tested);
	for (size_t i = groups; i < form->op->group_count; i++)
		form->op->groups[i].whole = sg_dml_names_within(&tested, &form->op->groups[i].by);
	if (negative && exists && !inner.other && inner.count == 1 && inner.sources[0].table.name != NULL &&
	    inner.equal.count == 0)
		sg_form_add_orphan(form, &inner.pairs);
	if (negative && (any || all))
		not_in(form, level, test, select, &inner);
	/* EXISTS (SELECT 1 FROM t o WHERE o.x = t.x AND o.id < t.id) */
	if (!negative && exists && inner.equal.count > 0 && inner.unequal) {
		struct sg_dml_group *group = sg_form_add_group(form, false);

		group->by = inner.equal;
		group->picks = true;
	}
}

/* Columns that must have a value where the condition holds. */
static void note_tested(struct sg_form *form, const struct sg_json *node)
{
	const struct sg_json *body = sg_node_as(node, "A_Expr");
	const struct sg_json *null_test = sg_node_as(node, "NullTest");

	if (sg_node_is(null_test, "nulltesttype", "IS_NOT_NULL"))
		sg_dml_names_add(form->arena, &form->op->tested, sg_dml_column(sg_json_get(null_test, "arg"), NULL));
	if (body == NULL || sg_node_is(body, "kind", "AEXPR_DISTINCT") || sg_node_is(body, "kind", "AEXPR_NOT_DISTINCT"))
		return;
	sg_dml_names_add(form->arena, &form->op->tested, sg_dml_column(sg_json_get(body, "lexpr"), NULL));
	sg_dml_names_add(form->arena, &form->op->tested, sg_dml_column(sg_json_get(body, "rexpr"), NULL));
}

/* Subqueries inside an expression that is no condition itself. */
static void sublinks(struct sg_form *form, struct sg_form_level *level, const struct sg_json *node, bool negative)
{
	const struct sg_json *sublink = sg_node_as(node, "SubLink");

	if (sublink != NULL) {
		look_at_sublink(form, level, sublink, negative);
		return;
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member))
		sublinks(form, level, sg_json_value(member), negative);
	for (size_t i = 0; i < sg_json_count(node); i++)
		sublinks(form, level, sg_json_at(node, i), negative);
}

static void look_at_null_test(struct sg_form *form, struct sg_form_level *level, const struct sg_json *body, bool negative,
                              bool must)
{
	bool is_null = sg_node_is(body, "nulltesttype", "IS_NULL") != negative, sure;
	struct sg_form_source *source = sg_form_owner(form, level, sg_json_get(body, "arg"), &sure);

	if (!is_null)
		return; /* IS NOT NULL takes nothing away from what a form says */
	if (source != NULL && source->missing && must)
		source->tested = true;
	if (source != NULL && source->derived && must)
		form->anti = true;
	level->other = level->other || source == NULL || !source->missing;
}

/* a.at < b.at, alone or with more that must hold. */
static bool tells_apart(struct sg_form *form, struct sg_form_level *level, const struct sg_json *node)
{
	const struct sg_json *body = sg_node_as(node, "A_Expr"), *both = sg_node_as(node, "BoolExpr");
	struct sg_relation op;
	bool sure;

	if (sg_node_is(both, "boolop", "AND_EXPR")) {
		for (size_t i = 0; i < sg_json_count(sg_json_get(both, "args")); i++)
			if (tells_apart(form, level, sg_json_at(sg_json_get(both, "args"), i)))
				return true;
		return false;
	}
	if (!sg_node_is(body, "kind", "AEXPR_OP") || !sg_tree_names(sg_json_get(body, "name"), &op) || !is_inequality(op.name))
		return false;
	return sg_form_is_target(sg_form_owner(form, level, sg_json_get(body, "lexpr"), &sure)) &&
	       sg_form_is_target(sg_form_owner(form, level, sg_json_get(body, "rexpr"), &sure));
}

/* a.x IS NULL AND b.x IS NULL */
static bool is_both_null(const struct sg_json *node)
{
	const struct sg_json *both = sg_node_as(node, "BoolExpr"), *args = sg_json_get(both, "args");
	bool all = sg_node_is(both, "boolop", "AND_EXPR") && sg_json_count(args) == 2;

	for (size_t i = 0; all && i < 2; i++)
		all = sg_node_is(sg_node_as(sg_json_at(args, i), "NullTest"), "nulltesttype", "IS_NULL");
	return all;
}

/* The two ORs that a join of the table with itself is often written with:
 * (a.x = b.x OR (a.x IS NULL AND b.x IS NULL)), (a.at < b.at OR (a.at = b.at AND a.id < b.id)). */
static bool is_known_choice(struct sg_form *form, struct sg_form_level *level, const struct sg_json *args)
{
	bool apart = true;

	for (size_t i = 0; i < 2 && sg_json_count(args) == 2; i++) {
		const struct sg_json *equal = sg_node_as(sg_json_at(args, i), "A_Expr");
		struct sg_relation op;

		if (is_both_null(sg_json_at(args, 1 - i)) && sg_node_is(equal, "kind", "AEXPR_OP") &&
		    sg_tree_names(sg_json_get(equal, "name"), &op) && strcmp(op.name, "=") == 0 &&
		    look_at_equal(form, level, sg_json_get(equal, "lexpr"), sg_json_get(equal, "rexpr"), false))
			return true;
	}
	for (size_t i = 0; i < sg_json_count(args); i++)
		apart = apart && tells_apart(form, level, sg_json_at(args, i));
	level->unequal = level->unequal || apart;
	form->different = form->different || apart;
	return apart;
}

/* What is found under an OR excuses nothing, for there is the other side; but if each side finds orphans, all of them may be
 * excused. */
static void read_choice(struct sg_form *form, struct sg_form_level *level, const struct sg_json *args, bool negative)
{
	struct sg_dml_op *op = form->op;
	size_t groups = op->group_count, orphans = op->orphan_count, choice = ++form->choices;
	bool all = true;

	level->other = true;
	for (size_t i = 0; i < sg_json_count(args); i++) {
		size_t before = op->orphan_count;

		sg_form_condition(form, level, sg_json_at(args, i), negative, false);
		all = all && op->orphan_count == before + 1 && op->orphans[before].choice == 0;
	}
	op->group_count = groups;
	for (size_t i = orphans; i < op->orphan_count; i++)
		op->orphans[i].choice = choice;
	if (!all)
		op->orphan_count = orphans;
}

/* must: the level's rows all satisfy it (it stands under no OR). */
void sg_form_condition(struct sg_form *form, struct sg_form_level *level, const struct sg_json *node, bool negative, bool must)
{
	const struct sg_json *body = sg_node_as(node, "BoolExpr");

	if (node == NULL)
		return;
	if (body != NULL) {
		bool no = sg_node_is(body, "boolop", "NOT_EXPR"), and = sg_node_is(body, "boolop",
		                                                                   negative ? "OR_EXPR" : "AND_EXPR");
		const struct sg_json *args = sg_json_get(body, "args");

		if (!no && !and) {
			if (must && !negative && is_known_choice(form, level, args))
				return;
			read_choice(form, level, args, negative);
			return;
		}
		for (size_t i = 0; i < sg_json_count(args); i++)
			sg_form_condition(form, level, sg_json_at(args, i), negative != no, must && (no || and));
		return;
	}
	if (!negative && !level->negative)
		note_tested(form, node);
	if ((body = sg_node_as(node, "SubLink")) != NULL) {
		look_at_sublink(form, level, body, level->negative != negative);
		level->other = true;
	} else if ((body = sg_node_as(node, "NullTest")) != NULL) {
		look_at_null_test(form, level, body, negative, must);
	} else if ((body = sg_node_as(node, "A_Expr")) != NULL) {
		if (!must || !look_at_comparison(form, level, body, negative))
			level->other = true;
		sublinks(form, level, sg_json_get(body, "lexpr"), level->negative != negative);
		sublinks(form, level, sg_json_get(body, "rexpr"), level->negative != negative);
	} else {
		level->other = true;
		sublinks(form, level, node, level->negative != negative);
	}
}
