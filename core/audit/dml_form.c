/* dml_form.c - by what does a DELETE or UPDATE choose its rows? By duplicates (GROUP BY, windows, DISTINCT ON, a join of the table
 * with itself), by parents that are missing (NOT EXISTS, NOT IN, LEFT JOIN … IS NULL), by values of its own columns.
 *
 * It reads forms, it proves nothing: what it does not know is "other", and then nothing excuses the statement. Each query of the
 * statement is a level with its sources; a name is looked up from the inside out, as the server does. "Negative" is what stands
 * under an odd number of NOTs: rows that NOT IN (SELECT min(id) …) finds are those that are not picked. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"
#include "core/base/base.h"
#include "core/sql/tree.h"

#define CTE_DEPTH 16
#define CTE_STEPS 256

/* What stands in a FROM. */
struct source {
	const char *alias;
	struct sg_relation table;    /* name NULL: a query */
	bool target;                 /* the table that is written */
	bool derived;                /* a query over it */
	/* The right side of a LEFT JOIN: how it is joined with the target, and nothing else but that */
	bool missing, plain;
	struct sg_dml_orphan join;
	bool tested;                 /* … WHERE right.column IS NULL */
};

struct level {
	const struct level *up;
	const struct sg_dml_with *with;
	struct source *sources;
	size_t count, capacity;
	bool negative;
	struct sg_dml_names equal;   /* columns that are equal in two instances of the target */
	bool unequal;                /* and others differ */
	struct sg_dml_orphan pairs;  /* columns of the target (child) and of another table here that are equal */
	bool other;                  /* it says more than that */
	struct source *joining;      /* the quals of this LEFT JOIN's right side are being read */
};

struct form {
	struct sg_arena *arena;
	const struct sg_model *model;
	struct sg_audit_dml_notes *notes;
	struct sg_dml_op *op;
	struct sg_relation target;
	struct sg_dml_names filters; /* names that say "not the first": rn > 1 */
	bool different, anti;        /* a comparison keeps one; … IS NULL of a joined query */
	bool linked;                 /* the target is joined with a query over it by equality */
	size_t choices;              /* ORs of which all sides find orphans */
	unsigned depth;
	size_t steps;
	size_t left_out;             /* elements of lists that the tree lacks */
};

static bool read_select(struct form *form, const struct sg_json *select, const struct level *up, const struct sg_dml_with *with,
                        bool negative, struct level *level_r);
static void read_condition(struct form *form, struct level *level, const struct sg_json *node, bool negative, bool must);

/* ---- names ---------------------------------------------------------------------- */

/* Whose column is it? *sure_r: false if it may be of a table further out as well. */
static struct source *owner(const struct form *form, const struct level *level, const struct sg_json *ref, bool *sure_r)
{
	const char *qualifier, *name = sg_dml_column(ref, &qualifier);
	struct source *maybe = NULL;

	*sure_r = true;
	for (; level != NULL && name != NULL; level = level->up)
		for (size_t i = 0; i < level->count; i++) {
			struct source *source = &level->sources[i];
			const struct sg_model_table *table;

			if (qualifier != NULL) {
				if (source->alias != NULL && strcmp(source->alias, qualifier) == 0)
					return source;
				continue;
			}
			table = source->table.name != NULL ? sg_model_table(form->model, source->table) : NULL;
			if (table != NULL && sg_model_column(table, name) != NULL)
				return source;
			if ((table == NULL || !table->known) && maybe == NULL) {
				*sure_r = level->up == NULL && level->count == 1;
				maybe = source;
			}
		}
	return maybe;
}

/* The one source that all columns of an expression are of. */
static struct source *owner_of(const struct form *form, const struct level *level, const struct sg_json *node, bool *sure_r,
                               bool *mixed_r)
{
	struct source *found = NULL;

	if (sg_node_as(node, "ColumnRef") != NULL)
		return owner(form, level, node, sure_r);
	if (sg_node_as(node, "SubLink") != NULL) {
		*mixed_r = true;
		return NULL;
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member)) {
		struct source *one = owner_of(form, level, sg_json_value(member), sure_r, mixed_r);

		*mixed_r = *mixed_r || (found != NULL && one != NULL && one != found);
		found = one != NULL ? one : found;
	}
	for (size_t i = 0; i < sg_json_count(node); i++) {
		struct source *one = owner_of(form, level, sg_json_at(node, i), sure_r, mixed_r);

		*mixed_r = *mixed_r || (found != NULL && one != NULL && one != found);
		found = one != NULL ? one : found;
	}
	return found;
}

static bool is_of_target(const struct source *source)
{
	return source != NULL && (source->target || source->derived);
}

/* ---- duplicates ------------------------------------------------------------------ */

static struct sg_dml_group *add_group(struct form *form, bool negative)
{
	struct sg_dml_op *op = form->op;
	struct sg_dml_group *group;

	op->groups = sg_arena_grow(form->arena, op->groups, &op->group_capacity, op->group_count + 1, sizeof *op->groups);
	group = &op->groups[op->group_count++];
	*group = (struct sg_dml_group){ .negative = negative };
	return group;
}

/* A list of GROUP BY, PARTITION BY, DISTINCT ON; numbers are places in the target list. */
static void add_keys(struct form *form, struct sg_dml_names *names, const struct sg_json *list, const struct sg_json *targets)
{
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *node = sg_json_at(list, i);
		const struct sg_json *number = sg_json_get(sg_node_as(node, "A_Const"), "ival");
		const char *text;

		if (number != NULL && targets != NULL)
			node = sg_json_get(sg_node_as(sg_json_at(targets, (size_t)(sg_json_int(sg_json_get(number, "ival")) - 1)),
			                              "ResTarget"),
			                   "val");
		text = sg_dml_say(form->arena, node);
		sg_dml_names_add(form->arena, names, text != NULL ? text : "?");
	}
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static const struct sg_json *window_of(const struct sg_json *over, const struct sg_json *windows)
{
	const char *name = sg_json_text(sg_json_get(over, "name"));

	for (size_t i = 0; name != NULL && i < sg_json_count(windows); i++) {
		const struct sg_json *window = sg_node_as(sg_json_at(windows, i), "WindowDef");

		if (sg_node_is(window, "name", name))
			return window;
	}
	return over;
}

struct targets {
	const struct sg_json *windows;
	bool picks, slices;
};

/* Aggregates and windows of a target list. as: the name of the column. */
static void look_at_target(struct form *form, struct level *level, struct targets *targets, const struct sg_json *node,
                           const char *as)
{
	static const char *const numbering[] = { "row_number", "rank", "dense_rank", NULL };
	static const char *const picking[] = { "min", "max", "first_value", "last_value", "first", "last", "any_value", NULL };
	const struct sg_json *call = sg_node_as(node, "FuncCall");
	struct sg_relation name;

	if (sg_node_as(node, "SubLink") != NULL)
		return;
	if (call != NULL && sg_tree_names(sg_json_get(call, "funcname"), &name)) {
		const struct sg_json *over = sg_json_get(call, "over");

		if (over != NULL) {
			struct sg_dml_group *group = add_group(form, level->negative);

			add_keys(form, &group->by, sg_json_get(window_of(over, targets->windows), "partitionClause"), NULL);
			group->picks = is_one_of(name.name, numbering) || is_one_of(name.name, picking);
			if (is_one_of(name.name, numbering) || strcmp(name.name, "count") == 0)
				group->filter = sg_arena_strdup(form->arena, as != NULL ? as : name.name);
		} else {
			targets->picks = targets->picks || is_one_of(name.name, picking);
			if (strcmp(name.name, "array_agg") == 0)
				targets->picks = targets->slices = true;
		}
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member))
		look_at_target(form, level, targets, sg_json_value(member), as);
	for (size_t i = 0; i < sg_json_count(node); i++)
		look_at_target(form, level, targets, sg_json_at(node, i), as);
}

/* What a query over the target groups by. */
static void look_at_groups(struct form *form, struct level *level, const struct sg_json *select)
{
	const struct sg_json *list = sg_json_get(select, "targetList"), *distinct = sg_json_get(select, "distinctClause");
	struct targets targets = { .windows = sg_json_get(select, "windowClause") };

	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *target = sg_node_as(sg_json_at(list, i), "ResTarget");

		look_at_target(form, level, &targets, sg_json_get(target, "val"), sg_json_text(sg_json_get(target, "name")));
	}
	if (sg_json_get(select, "groupClause") != NULL) {
		struct sg_dml_group *group = add_group(form, level->negative);

		add_keys(form, &group->by, sg_json_get(select, "groupClause"), list);
		group->picks = targets.picks;
		group->having = sg_json_get(select, "havingClause") != NULL || targets.slices;
	} else if (targets.picks && level->equal.count > 0) {
		/* id > (SELECT min(id) FROM t o WHERE o.x = t.x) */
		struct sg_dml_group *group = add_group(form, level->negative);

		group->by = level->equal;
		group->picks = true;
	}
	if (sg_node_name(sg_json_at(distinct, 0)) != NULL) {
		struct sg_dml_group *group = add_group(form, level->negative);

		add_keys(form, &group->by, distinct, list);
		group->picks = true;
	}
}

/* "rn > 1": all but the first; "rn = 1": the first, which helps under a NOT. */
static void note_filter(struct form *form, const char *op, const struct sg_json *left, const struct sg_json *right, bool negative)
{
	const struct sg_json *number = sg_json_get(sg_node_as(right, "A_Const"), "ival");
	const char *name = sg_dml_column(left, NULL);
	int64_t value = sg_json_int(sg_json_get(number, "ival"));
	bool rest, first;

	if (number == NULL || name == NULL)
		return;
	rest = (value == 1 && (strcmp(op, ">") == 0 || strcmp(op, "<>") == 0 || strcmp(op, "!=") == 0)) ||
	       (value == 2 && strcmp(op, ">=") == 0);
	first = (value == 1 && (strcmp(op, "=") == 0 || strcmp(op, "<=") == 0)) || (value == 2 && strcmp(op, "<") == 0);
	if ((rest && !negative) || (first && negative))
		sg_dml_names_add(form->arena, &form->filters, name);
}

/* ---- parents that are missing ------------------------------------------------------ */

static void add_orphan(struct form *form, const struct sg_dml_orphan *orphan)
{
	struct sg_dml_op *op = form->op;

	if (orphan->child.count == 0 || orphan->child.count != orphan->parent_columns.count || orphan->parent.name == NULL)
		return;
	op->orphans = sg_arena_grow(form->arena, op->orphans, &op->orphan_capacity, op->orphan_count + 1, sizeof *op->orphans);
	op->orphans[op->orphan_count++] = *orphan;
}

static void add_pair(struct form *form, struct sg_dml_orphan *orphan, const struct source *parent, const char *child,
                     const char *parent_column, bool either)
{
	orphan->parent = (struct sg_relation){ .schema = sg_arena_strdup(form->arena, parent->table.schema),
		                               .name = sg_arena_strdup(form->arena, parent->table.name) };
	sg_dml_names_add(form->arena, &orphan->child, child);
	sg_dml_names_add(form->arena, &orphan->parent_columns, parent_column);
	orphan->either = orphan->either || either;
}

/* column NOT IN (SELECT id FROM parent) */
static void look_at_not_in(struct form *form, const struct level *level, const struct sg_json *test, const struct sg_json *select,
                           const struct level *inner)
{
	const struct sg_json *row = sg_json_get(sg_node_as(test, "RowExpr"), "args"), *list = sg_json_get(select, "targetList");
	const struct source *parent = inner->count == 1 ? &inner->sources[0] : NULL;
	struct sg_dml_orphan orphan = { .either = false };

	if (parent == NULL || parent->table.name == NULL || inner->other || inner->pairs.child.count > 0 ||
	    sg_json_get(select, "groupClause") != NULL || sg_json_count(list) != (row != NULL ? sg_json_count(row) : 1))
		return;
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *column = row != NULL ? sg_json_at(row, i) : test;
		const struct sg_json *value = sg_json_get(sg_node_as(sg_json_at(list, i), "ResTarget"), "val");
		const struct source *child;
		bool sure;

		child = owner(form, level, column, &sure);
		if (child == NULL || !child->target || sg_dml_column(value, NULL) == NULL)
			return;
		add_pair(form, &orphan, parent, sg_dml_column(column, NULL), sg_dml_column(value, NULL), false);
	}
	add_orphan(form, &orphan);
}

/* ---- conditions --------------------------------------------------------------------- */

/* Two columns, or expressions of one table each, are equal. True: that is all that is said. */
static bool look_at_equal(struct form *form, struct level *level, const struct sg_json *left, const struct sg_json *right,
                          bool distinct_nulls)
{
	bool sure_l = true, sure_r = true, mixed = false;
	struct source *l = owner_of(form, level, left, &sure_l, &mixed), *r = owner_of(form, level, right, &sure_r, &mixed);
	const char *text_l = sg_dml_say(form->arena, left), *text_r = sg_dml_say(form->arena, right);
	struct sg_dml_orphan *pairs = level->joining != NULL ? &level->joining->join : &level->pairs;

	if (mixed || l == NULL || r == NULL || text_l == NULL || text_r == NULL)
		return false;
	if (l == r && !(sure_l && sure_r) && level->up != NULL && level->count == 1 && level->sources[0].table.name != NULL &&
	    !level->sources[0].target) {
		/* id = lead_id: one of them is of a table further out */
		add_pair(form, pairs, &level->sources[0], text_l, text_r, true);
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
		add_pair(form, pairs, r, text_l, text_r, !sure_l || !sure_r);
		return true;
	}
	if (r->target && l->table.name != NULL) {
		add_pair(form, pairs, l, text_r, text_l, !sure_l || !sure_r);
		return true;
	}
	return false;
}

static bool is_inequality(const char *op)
{
	static const char *const list[] = { "<", ">", "<=", ">=", "<>", "!=", NULL };

	return is_one_of(op, list);
}

/* A comparison. True: nothing more than an equality of columns. */
static bool look_at_comparison(struct form *form, struct level *level, const struct sg_json *body, bool negative)
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
			note_filter(form, "=", left, right, level->negative);
			return look_at_equal(form, level, left, right, !same);
		}
		for (size_t i = 0; i < sg_json_count(rows_l); i++)
			all = look_at_equal(form, level, sg_json_at(rows_l, i), sg_json_at(rows_r, i), !same) && all;
		return all;
	}
	note_filter(form, op.name, left, right, level->negative != negative);
	if (strcmp(op.name, "<") == 0)
		note_filter(form, ">", right, left, level->negative != negative);
	if (differs || (is_inequality(op.name) && !negative)) {
		bool sure;
		const struct source *l = owner(form, level, left, &sure), *r = owner(form, level, right, &sure);

		if (is_of_target(l) && is_of_target(r)) {
			form->different = true;
			level->unequal = level->unequal || l != r;
		}
		form->different = form->different || (is_of_target(l) && sg_node_as(right, "SubLink") != NULL) ||
		                  (is_of_target(r) && sg_node_as(left, "SubLink") != NULL);
	}
	return false;
}

static void look_at_sublink(struct form *form, struct level *level, const struct sg_json *body, bool negative)
{
	const struct sg_json *select = sg_node_as(sg_json_get(body, "subselect"), "SelectStmt");
	const struct sg_json *test = sg_json_get(body, "testexpr");
	bool all = sg_node_is(body, "subLinkType", "ALL_SUBLINK"), exists = sg_node_is(body, "subLinkType", "EXISTS_SUBLINK");
	bool any = sg_node_is(body, "subLinkType", "ANY_SUBLINK");
	size_t groups = form->op->group_count;
	struct sg_dml_names tested = { .count = 0 };
	struct sg_relation op;
	struct level inner;

	if (all && (!sg_tree_names(sg_json_get(body, "operName"), &op) || (strcmp(op.name, "<>") != 0 && strcmp(op.name, "!=") != 0)))
		all = false;
	negative = all ? !negative : negative;
	read_select(form, select, level, level->with, negative, &inner);
	/* x IN (SELECT x … PARTITION BY x …): whole groups, nothing stays */
	sg_dml_columns_of(form->arena, test, &tested);
	for (size_t i = groups; i < form->op->group_count; i++)
		form->op->groups[i].whole = sg_dml_names_within(&tested, &form->op->groups[i].by);
	if (negative && exists && !inner.other && inner.count == 1 && inner.sources[0].table.name != NULL && inner.equal.count == 0)
		add_orphan(form, &inner.pairs);
	if (negative && (any || all))
		look_at_not_in(form, level, test, select, &inner);
	/* EXISTS (SELECT 1 FROM t o WHERE o.x = t.x AND o.id < t.id) */
	if (!negative && exists && inner.equal.count > 0 && inner.unequal) {
		struct sg_dml_group *group = add_group(form, false);

		group->by = inner.equal;
		group->picks = true;
	}
}

/* Columns that must have a value where the condition holds. */
static void note_tested(struct form *form, const struct sg_json *node)
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
static void look_for_sublinks(struct form *form, struct level *level, const struct sg_json *node, bool negative)
{
	const struct sg_json *sublink = sg_node_as(node, "SubLink");

	if (sublink != NULL) {
		look_at_sublink(form, level, sublink, negative);
		return;
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member))
		look_for_sublinks(form, level, sg_json_value(member), negative);
	for (size_t i = 0; i < sg_json_count(node); i++)
		look_for_sublinks(form, level, sg_json_at(node, i), negative);
}

static void look_at_null_test(struct form *form, struct level *level, const struct sg_json *body, bool negative, bool must)
{
	bool is_null = sg_node_is(body, "nulltesttype", "IS_NULL") != negative, sure;
	struct source *source = owner(form, level, sg_json_get(body, "arg"), &sure);

	if (!is_null)
		return; /* IS NOT NULL takes nothing away from what a form says */
	if (source != NULL && source->missing && must)
		source->tested = true;
	if (source != NULL && source->derived && must)
		form->anti = true;
	level->other = level->other || source == NULL || !source->missing;
}

/* a.at < b.at, alone or with more that must hold. */
static bool tells_apart(struct form *form, struct level *level, const struct sg_json *node)
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
	return is_of_target(owner(form, level, sg_json_get(body, "lexpr"), &sure)) &&
	       is_of_target(owner(form, level, sg_json_get(body, "rexpr"), &sure));
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
static bool is_known_choice(struct form *form, struct level *level, const struct sg_json *args)
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

/* What is found under an OR excuses nothing, for there is the other side; but if each side finds orphans, all of them may be excused. */
static void read_choice(struct form *form, struct level *level, const struct sg_json *args, bool negative)
{
	struct sg_dml_op *op = form->op;
	size_t groups = op->group_count, orphans = op->orphan_count, choice = ++form->choices;
	bool all = true;

	level->other = true;
	for (size_t i = 0; i < sg_json_count(args); i++) {
		size_t before = op->orphan_count;

		read_condition(form, level, sg_json_at(args, i), negative, false);
		all = all && op->orphan_count == before + 1 && op->orphans[before].choice == 0;
	}
	op->group_count = groups;
	for (size_t i = orphans; i < op->orphan_count; i++)
		op->orphans[i].choice = choice;
	if (!all)
		op->orphan_count = orphans;
}

/* must: the level's rows all satisfy it (it stands under no OR). */
static void read_condition(struct form *form, struct level *level, const struct sg_json *node, bool negative, bool must)
{
	const struct sg_json *body = sg_node_as(node, "BoolExpr");

	if (node == NULL)
		return;
	if (body != NULL) {
		bool no = sg_node_is(body, "boolop", "NOT_EXPR"), and = sg_node_is(body, "boolop", negative ? "OR_EXPR" : "AND_EXPR");
		const struct sg_json *args = sg_json_get(body, "args");

		if (!no && !and) {
			if (must && !negative && is_known_choice(form, level, args))
				return;
			read_choice(form, level, args, negative);
			return;
		}
		for (size_t i = 0; i < sg_json_count(args); i++)
			read_condition(form, level, sg_json_at(args, i), negative != no, must && (no || and));
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
		look_for_sublinks(form, level, sg_json_get(body, "lexpr"), level->negative != negative);
		look_for_sublinks(form, level, sg_json_get(body, "rexpr"), level->negative != negative);
	} else {
		level->other = true;
		look_for_sublinks(form, level, node, level->negative != negative);
	}
}

/* ---- sources ------------------------------------------------------------------------- */

static struct source *add_source(struct form *form, struct level *level, const struct sg_json *body)
{
	const char *alias = sg_json_text(sg_json_get(sg_json_get(body, "alias"), "aliasname"));
	struct source *source;

	level->sources = sg_arena_grow(form->arena, level->sources, &level->capacity, level->count + 1, sizeof *level->sources);
	source = &level->sources[level->count++];
	*source = (struct source){ .alias = alias };
	return source;
}

/* CREATE TEMP TABLE … AS lists what it finds in the target: as a query over it. */
static bool is_list_of_target(struct form *form, const struct level *level, struct sg_relation name)
{
	const struct sg_dml_op *made = NULL;

	for (size_t i = form->notes->op_count; made == NULL && i-- > 0 && sg_dml_may_compare(form->notes);) {
		const struct sg_dml_op *op = &form->notes->ops[i];

		if (op->verb == SG_VERB_CREATE && op->tables.count > 0 && sg_dml_same_table(op->tables.list[0], name))
			made = op;
	}
	if (made == NULL || !sg_dml_same_table(made->source, form->target) || made == form->op)
		return false;
	for (size_t i = 0; i < made->group_count; i++) {
		struct sg_dml_group *group = add_group(form, level->negative);

		*group = made->groups[i];
		group->keeps = level->negative ? group->picks && group->filter == NULL && !group->having : group->keeps;
		group->settled = true;
	}
	for (size_t i = 0; !level->negative && i < made->orphan_count; i++)
		add_orphan(form, &made->orphans[i]);
	return true;
}

static void add_table(struct form *form, struct level *level, const struct sg_json *body)
{
	struct sg_relation name = sg_tree_relation(body);
	const struct sg_dml_with *at = NULL;
	const struct sg_json *query = name.schema == NULL ? sg_dml_cte(level->with, name.name, &at) : NULL;
	struct source *source = add_source(form, level, body);
	size_t index = level->count - 1;

	if (source->alias == NULL)
		source->alias = name.name;
	if (query == NULL) {
		source->table = name;
		source->target = sg_dml_same_table(name, form->target);
		source->derived = !source->target && is_list_of_target(form, level, name);
		return;
	}
	if (form->depth < CTE_DEPTH && ++form->steps <= CTE_STEPS) {
		struct level inner;
		bool derived;

		form->depth++;
		derived = read_select(form, sg_node_as(query, "SelectStmt"), NULL, at, level->negative, &inner);
		form->depth--;
		level->sources[index].derived = derived;
	}
}

static void add_item(struct form *form, struct level *level, const struct sg_json *item)
{
	const struct sg_json *body;

	if ((body = sg_node_as(item, "RangeVar")) != NULL) {
		add_table(form, level, body);
	} else if ((body = sg_node_as(item, "RangeSubselect")) != NULL) {
		size_t index;
		struct level inner;
		bool derived;

		add_source(form, level, body);
		index = level->count - 1;
		derived = read_select(form, sg_node_as(sg_json_get(body, "subquery"), "SelectStmt"), level, level->with, level->negative,
		                      &inner);
		level->sources[index].derived = derived;
	} else if ((body = sg_node_as(item, "JoinExpr")) != NULL) {
		bool left = sg_node_is(body, "jointype", "JOIN_LEFT"), other = level->other;
		const struct sg_json *using = sg_json_get(body, "usingClause");
		size_t first = level->count, right;

		add_item(form, level, sg_json_get(body, "larg"));
		right = level->count;
		add_item(form, level, sg_json_get(body, "rarg"));
		if (left && level->count == right + 1 && level->sources[right].table.name != NULL && !level->sources[right].target) {
			level->sources[right].missing = true;
			level->joining = &level->sources[right];
			level->other = false;
		}
		read_condition(form, level, sg_json_get(body, "quals"), false, true);
		for (size_t i = 0; i < sg_json_count(using) && right == first + 1 && level->count == right + 1; i++) {
			const char *name = sg_node_string(sg_json_at(using, i));
			struct source *l = &level->sources[first], *r = &level->sources[right];

			if (l->target && r->target)
				sg_dml_names_add(form->arena, &level->equal, name);
			else if (l->target && level->joining != NULL)
				add_pair(form, &level->joining->join, r, name, name, false);
		}
		if (level->joining != NULL) {
			level->joining->plain = !level->other;
			level->joining = NULL;
			level->other = other;
		}
	} else {
		add_source(form, level, sg_node_body(item));
	}
}

static bool holds_target(const struct level *level)
{
	for (size_t i = 0; i < level->count; i++)
		if (is_of_target(&level->sources[i]))
			return true;
	return false;
}

/* What is known once the FROM and the WHERE of a level are read. */
static void end_level(struct form *form, struct level *level)
{
	for (size_t i = 0; i < level->count; i++) {
		const struct source *source = &level->sources[i];

		if (source->missing && source->tested && source->plain && !level->negative)
			add_orphan(form, &source->join);
	}
	/* DELETE … USING t o WHERE o.x = t.x AND o.id < t.id; SELECT a.id FROM t a JOIN t b ON … */
	if (level->equal.count > 0 && level->unequal && !level->negative) {
		size_t instances = 0;
		struct sg_dml_group *group;

		for (size_t i = 0; i < level->count; i++)
			instances += level->sources[i].target;
		if (instances < 2)
			return; /* correlated: look_at_sublink knows which way */
		group = add_group(form, false);
		group->by = level->equal;
		group->picks = true;
		group->having = true; /* of one alone there is no pair */
	}
}

/* True: it reads the target. *level_r: what was seen at its top. */
static bool read_select(struct form *form, const struct sg_json *select, const struct level *up, const struct sg_dml_with *with,
                        bool negative, struct level *level_r)
{
	const struct sg_json *from = sg_json_get(select, "fromClause");
	struct sg_dml_with inner = { .up = with, .clause = sg_json_get(select, "withClause") };
	struct level level = { .up = up, .with = inner.clause != NULL ? &inner : with, .negative = negative };
	bool holds;

	if (sg_json_get(select, "larg") != NULL) {
		bool except = sg_node_is(select, "op", "SETOP_EXCEPT");
		struct level right;

		holds = read_select(form, sg_json_get(select, "larg"), up, level.with, negative, level_r);
		holds = read_select(form, sg_json_get(select, "rarg"), up, level.with, except ? !negative : negative, &right) || holds;
		level_r->other = true;
		return holds;
	}
	for (size_t i = 0; i < sg_json_count(from); i++)
		add_item(form, &level, sg_json_at(from, i));
	read_condition(form, &level, sg_json_get(select, "whereClause"), false, true);
	end_level(form, &level);
	holds = holds_target(&level);
	if (holds)
		look_at_groups(form, &level, select);
	if (sg_json_get(select, "limitCount") != NULL || sg_json_get(select, "havingClause") != NULL)
		level.other = true;
	level.with = with;
	*level_r = level;
	return holds;
}

/* ---- what it says of the target's own columns ------------------------------------------ */

static bool is_zero(const struct sg_json *node)
{
	static const char *const zeros[] = { "''", "'{}'", "'[]'", "0", "false", "'0'", "'false'", "'f'", "0.0", "0.00", NULL };
	struct sg_arena arena = SG_ARENA_INIT;
	const char *text;
	bool zero;

	while (sg_node_as(node, "TypeCast") != NULL)
		node = sg_json_get(sg_node_as(node, "TypeCast"), "arg");
	text = sg_dml_say(&arena, node);
	zero = sg_node_as(node, "A_Const") != NULL && text != NULL && is_one_of(text, zeros);
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

static void test_comparison(struct form *form, const struct sg_json *body, struct sg_dml_condition *condition)
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

static void test(struct form *form, const struct sg_json *node, struct sg_dml_condition *condition)
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
static bool own_columns(struct form *form, const struct level *level, const struct sg_json *node, struct sg_dml_names *columns)
{
	bool own = true;

	if (sg_node_as(node, "SubLink") != NULL)
		return false;
	if (sg_node_as(node, "ColumnRef") != NULL) {
		bool sure;
		const struct source *source = owner(form, level, node, &sure);

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

static void note_conditions(struct form *form, const struct level *level, const struct sg_json *node)
{
	const struct sg_json *both = sg_node_as(node, "BoolExpr");
	struct sg_dml_op *op = form->op;
	struct sg_dml_condition condition = { .test = SG_TEST_OTHER };

	if (node == NULL)
		return;
	if (sg_node_is(both, "boolop", "AND_EXPR")) {
		for (size_t i = 0; i < sg_json_count(sg_json_get(both, "args")); i++)
			note_conditions(form, level, sg_json_at(sg_json_get(both, "args"), i));
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

/* Once all is read: does one of each group stay? */
static void settle(struct form *form)
{
	for (size_t i = 0; i < form->op->group_count; i++) {
		struct sg_dml_group *group = &form->op->groups[i];

		if (!group->settled && group->filter != NULL)
			group->keeps = sg_dml_names_have(&form->filters, group->filter) &&
			               (group->picks || form->op->verb == SG_VERB_UPDATE);
		else if (!group->settled)
			group->keeps = group->picks && (group->negative || group->having || form->different || form->anti);
		group->keeps = group->keeps && !group->whole;
	}
}

void sg_dml_form_query(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *select, const struct sg_dml_with *with)
{
	struct form form = { .arena = reader->scope->arena,
		             .model = reader->scope->model,
		             .notes = reader->notes,
		             .op = op,
		             .target = op->source };
	struct level level;

	read_select(&form, select, NULL, with, false, &level);
	settle(&form);
}

/* ---- the whole ---------------------------------------------------------------------------- */

void sg_dml_form(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *body, const struct sg_dml_with *with)
{
	const struct sg_json *where = sg_json_get(body, "whereClause"), *targets = sg_json_get(body, "targetList");
	const struct sg_json *from = sg_json_get(body, op->verb == SG_VERB_DELETE ? "usingClause" : "fromClause");
	struct form form = { .arena = reader->scope->arena,
		             .model = reader->scope->model,
		             .notes = reader->notes,
		             .op = op,
		             .target = sg_tree_relation(sg_json_get(body, "relation")),
		             .left_out = reader->scope->left_out };
	struct level level = { .with = with };
	struct source *own = add_source(&form, &level, sg_json_get(body, "relation"));
	size_t groups, orphans;

	own->alias = own->alias != NULL ? own->alias : form.target.name;
	own->table = form.target;
	own->target = true;
	for (size_t i = 0; i < sg_json_count(from); i++)
		add_item(&form, &level, sg_json_at(from, i));
	groups = op->group_count;
	orphans = op->orphan_count;
	read_condition(&form, &level, where, false, true);
	if (!form.linked) { /* USING a query, and no row of it is asked for */
		for (size_t i = 0; i < groups; i++)
			op->groups[i].whole = true;
		for (size_t i = 0; i < orphans; i++)
			op->orphans[i].parent.name = NULL;
	}
	if (level.equal.count > 0) /* other instances of the table say nothing of its rows unless they are joined */
		end_level(&form, &level);
	note_conditions(&form, &level, where);
	for (size_t i = 0; op->verb == SG_VERB_UPDATE && i < sg_json_count(targets); i++) {
		const struct sg_json *target = sg_node_as(sg_json_at(targets, i), "ResTarget");

		sg_dml_names_add(form.arena, &op->set, sg_json_text(sg_json_get(target, "name")));
		look_for_sublinks(&form, &level, sg_json_get(target, "val"), false);
	}
	op->limited = where != NULL || from != NULL;
	settle(&form);
}
