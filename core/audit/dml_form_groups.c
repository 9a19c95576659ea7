/* dml_form_groups.c - by what does a query over the table find duplicates, and does one of each stay? */
#include "config.h"
#include "core/audit/dml_form.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

struct sg_dml_group *sg_form_add_group(struct sg_form *form, bool negative)
{
	struct sg_dml_op *op = form->op;
	struct sg_dml_group *group;

	op->groups = sg_arena_grow(form->arena, op->groups, &op->group_capacity, op->group_count + 1, sizeof *op->groups);
	group = &op->groups[op->group_count++];
	*group = (struct sg_dml_group){ .negative = negative };
	return group;
}

/* A list of GROUP BY, PARTITION BY, DISTINCT ON; numbers are places in the target list. */
static void add_keys(struct sg_form *form, struct sg_dml_names *names, const struct sg_json *list,
                     const struct sg_json *targets)
{
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *node = sg_json_at(list, i);
		const struct sg_json *number = sg_json_get(sg_node_as(node, "A_Const"), "ival");
		const char *text;

		if (number != NULL && targets != NULL)
			node = sg_json_get(
				sg_node_as(sg_json_at(targets, (size_t)(sg_json_int(sg_json_get(number, "ival")) - 1)),
			                   "ResTarget"),
				"val");
		text = sg_dml_say(form->arena, node);
		sg_dml_names_add(form->arena, names, text != NULL ? text : "?");
	}
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
static void look_at_target(struct sg_form *form, struct sg_form_level *level, struct targets *targets,
                           const struct sg_json *node, const char *as)
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
			struct sg_dml_group *group = sg_form_add_group(form, level->negative);

			add_keys(form, &group->by, sg_json_get(window_of(over, targets->windows), "partitionClause"), NULL);
			group->picks = sg_dml_is_one_of(name.name, numbering) || sg_dml_is_one_of(name.name, picking);
			if (sg_dml_is_one_of(name.name, numbering) || strcmp(name.name, "count") == 0)
				group->filter = sg_arena_strdup(form->arena, as != NULL ? as : name.name);
		} else {
			targets->picks = targets->picks || sg_dml_is_one_of(name.name, picking);
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
void sg_form_groups(struct sg_form *form, struct sg_form_level *level, const struct sg_json *select)
{
	const struct sg_json *list = sg_json_get(select, "targetList"), *distinct = sg_json_get(select, "distinctClause");
	struct targets targets = { .windows = sg_json_get(select, "windowClause") };

	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *target = sg_node_as(sg_json_at(list, i), "ResTarget");

		look_at_target(form, level, &targets, sg_json_get(target, "val"), sg_json_text(sg_json_get(target, "name")));
	}
	if (sg_json_get(select, "groupClause") != NULL) {
		struct sg_dml_group *group = sg_form_add_group(form, level->negative);

		add_keys(form, &group->by, sg_json_get(select, "groupClause"), list);
		group->picks = targets.picks;
		group->having = sg_json_get(select, "havingClause") != NULL || targets.slices;
	} else if (targets.picks && level->equal.count > 0) {
		/* id > (SELECT min(id) FROM t o WHERE o.x = t.x) */
		struct sg_dml_group *group = sg_form_add_group(form, level->negative);

		group->by = level->equal;
		group->picks = true;
	}
	if (sg_node_name(sg_json_at(distinct, 0)) != NULL) {
		struct sg_dml_group *group = sg_form_add_group(form, level->negative);

		add_keys(form, &group->by, distinct, list);
		group->picks = true;
	}
}

/* "rn > 1": all but the first; "rn = 1": the first, which helps under a NOT. */
void sg_form_filter(struct sg_form *form, const char *op, const struct sg_json *left, const struct sg_json *right,
                    bool negative)
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

/* Once all is read: does one of each group stay? */
void sg_form_settle(struct sg_form *form)
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
