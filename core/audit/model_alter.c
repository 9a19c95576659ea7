/* model_alter.c - ALTER TABLE: its actions in the passes in which the server does them (AlterTablePass of
 * src/backend/commands/tablecmds.c), whatever their order in the statement, and what of them goes on to partitions and heirs. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

enum pass { PASS_DROP, PASS_TYPE, PASS_ADD_COLUMN, PASS_ATTRIBUTES, PASS_INDEXES, PASS_OTHER, PASS_LAST, PASS_COUNT };

struct alter {
	struct sg_model *model;
	struct sg_table *table;
	const struct sg_json *actions;
	bool *added;                /* ADD COLUMN has made it, so what else it says counts */
	bool only;
};

struct action {
	const char *name;
	const struct sg_json *def, *body;
	bool cascade;
};

/* ---- columns ------------------------------------------------------------------------- */

static void pass_column(struct sg_table *child, const struct sg_model_column *column, size_t depth)
{
	if (!sg_model_goes_down(child, depth) || sg_model_inherit_column(child, column) == NULL)
		return;
	for (size_t i = 0; i < child->child_count; i++)
		pass_column(child->children[i], column, depth + 1);
}

static bool add_column(struct alter *alter, const struct sg_json *node)
{
	struct sg_table *table = alter->table;
	const struct sg_json *body = sg_node_as(node, "ColumnDef");
	struct sg_model_column *column, own;

	if (sg_model_column_of(table, sg_model_keep(alter->model, sg_json_text(sg_json_get(body, "colname")))) != NULL)
		return false;
	column = sg_model_define_column(table, body);
	if (column == NULL)
		return false;
	own = *column;
	for (size_t i = 0; i < table->child_count && !alter->only; i++)
		pass_column(table->children[i], &own, 0);
	return true;
}

enum change { CHANGE_TYPE, CHANGE_DEFAULT, CHANGE_EXPRESSION };

/* A column of a table whose making was not seen is entered when something is said of it. */
static struct sg_model_column *column_named(struct sg_table *table, const char *name)
{
	struct sg_model_column *column = sg_model_column_of(table, name);

	if (column != NULL || table->seen.known)
		return column;
	column = sg_model_add_column(table, name);
	if (column != NULL) {
		column->local = true;
		column->made_in = NULL;
	}
	return column;
}

static void change_column(struct sg_table *table, const char *name, enum change change, const struct sg_model_column *to,
                          bool only, size_t depth)
{
	struct sg_model_column *column = column_named(table, name);

	if (column == NULL)
		return;
	if (change == CHANGE_TYPE)
		column->type = to->type;
	else if (change == CHANGE_DEFAULT)
		column->has_default = to->has_default;
	else
		column->generated = false;
	for (size_t i = 0; i < table->child_count && !only; i++)
		if (sg_model_goes_down(table->children[i], depth))
			change_column(table->children[i], name, change, to, false, depth + 1);
}

static void set_identity(struct alter *alter, const char *name, bool identity)
{
	struct sg_model_column *column = sg_model_column_of(alter->table, name);

	if (column != NULL)
		column->identity = identity;
}

/* ---- constraints --------------------------------------------------------------------- */

static void add_constraints(struct alter *alter, const struct action *action, size_t number, bool indexes)
{
	const struct sg_json *column = sg_node_as(action->def, "ColumnDef"), *list = sg_json_get(column, "constraints");
	const char *name = sg_model_keep(alter->model, sg_json_text(sg_json_get(column, "colname")));
	enum sg_model_phase first = indexes ? SG_MODEL_INDEXES : SG_MODEL_CHECKS;
	enum sg_model_phase second = indexes ? SG_MODEL_INDEXES : SG_MODEL_FOREIGN_KEYS;

	if (column == NULL) {
		sg_model_define_constraint(alter->table, action->def, NULL, NULL, first, false, alter->only);
		if (second != first)
			sg_model_define_constraint(alter->table, action->def, NULL, NULL, second, false, alter->only);
		return;
	}
	for (size_t i = 0; alter->added[number] && i < sg_json_count(list); i++) {
		sg_model_define_constraint(alter->table, sg_json_at(list, i), name, NULL, first, false, alter->only);
		if (second != first)
			sg_model_define_constraint(alter->table, sg_json_at(list, i), name, NULL, second, false, alter->only);
	}
}

static void validate(struct sg_table *table, const char *name, bool only, size_t depth)
{
	struct sg_model_constraint *constraint = sg_model_constraint_of(table, name);

	if (constraint == NULL)
		return;
	constraint->not_valid = false;
	for (size_t i = 0; constraint->kind == 'c' && i < table->child_count && !only; i++)
		if (sg_model_goes_down(table->children[i], depth))
			validate(table->children[i], name, false, depth + 1);
}

static void drop_constraint(struct alter *alter, const char *name, bool cascade)
{
	struct sg_model_constraint *constraint = sg_model_constraint_of(alter->table, name);

	if (constraint != NULL)
		sg_model_drop_constraint(alter->table, constraint, cascade, alter->only);
}

/* ---- parents ------------------------------------------------------------------------- */

/* What both have is the child's from its parent now too; a partition's is its parent's alone. */
static void merge(struct sg_table *parent, struct sg_table *child, bool partition)
{
	for (size_t i = 0; i < parent->seen.column_count; i++) {
		struct sg_model_column *theirs = sg_model_column_of(child, parent->seen.columns[i].name);

		if (theirs == NULL)
			continue;
		theirs->inherited++;
		theirs->local &= !partition;
	}
	for (size_t i = 0; i < parent->seen.constraint_count; i++) {
		struct sg_model_constraint *theirs = parent->seen.constraints[i].kind == 'c'
		                                             ? sg_model_constraint_of(child, parent->seen.constraints[i].name)
		                                             : NULL;

		if (theirs == NULL || theirs->kind != 'c')
			continue;
		theirs->inherited++;
		theirs->local &= !partition;
	}
}

static void separate(struct sg_table *parent, struct sg_table *child)
{
	for (size_t i = 0; i < child->seen.column_count; i++) {
		struct sg_model_column *own = &child->seen.columns[i];

		if (own->inherited > 0 && sg_model_column_of(parent, own->name) != NULL && --own->inherited == 0)
			own->local = true;
	}
	for (size_t i = 0; i < child->seen.constraint_count; i++) {
		struct sg_model_constraint *own = &child->seen.constraints[i];

		if (own->inherited == 0 || (own->kind == 'c' && sg_model_constraint_of(parent, own->name) == NULL))
			continue;
		if (--own->inherited == 0)
			own->local = true;
		own->of = NULL;
	}
	for (size_t i = 0; i < child->seen.index_count; i++)
		child->seen.indexes[i].attached_to = (struct sg_relation){ NULL, NULL };
}

static void attach(struct alter *alter, const struct sg_json *rangevar, const struct sg_json *bound)
{
	struct sg_table *parent = alter->table;
	struct sg_table *child = sg_model_enter(alter->model, sg_tree_relation(rangevar));

	if (child == NULL || child == parent || child->seen.partition_of.name != NULL)
		return;
	if (!parent->seen.known)
		parent->seen.kind = 'p';
	merge(parent, child, true);
	sg_model_link(parent, child);
	child->seen.partition_of = parent->seen.name;
	child->seen.default_partition = sg_json_true(sg_json_get(bound, "is_default"));
	if (child->seen.default_partition)
		parent->other = child;
	sg_model_pass_keys(parent, child);
}

static bool is_child(const struct sg_table *parent, const struct sg_table *child)
{
	for (size_t i = 0; child != NULL && i < child->parent_count; i++)
		if (child->parents[i] == parent)
			return true;
	return false;
}

static void detach(struct alter *alter, const struct sg_json *rangevar)
{
	struct sg_table *child = sg_model_enter(alter->model, sg_tree_relation(rangevar));

	if (child == NULL)
		return;
	child->seen.partition_of = (struct sg_relation){ NULL, NULL };
	child->seen.default_partition = false;
	if (!is_child(alter->table, child))
		return;
	separate(alter->table, child);
	sg_model_unlink(alter->table, child);
}

static void change_parent(struct alter *alter, const struct sg_json *rangevar, bool add)
{
	struct sg_table *parent = sg_model_enter(alter->model, sg_tree_relation(rangevar));

	if (parent == NULL || parent == alter->table || is_child(parent, alter->table) == add)
		return;
	if (add) {
		merge(parent, alter->table, false);
		sg_model_link(parent, alter->table);
	} else {
		separate(parent, alter->table);
		sg_model_unlink(parent, alter->table);
	}
}

/* ---- the actions --------------------------------------------------------------------- */

static void apply_drop(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	sg_model_drop_column(alter->table, action->name, action->cascade, alter->only);
}

static void apply_drop_constraint(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	drop_constraint(alter, action->name, action->cascade);
}

static void apply_drop_not_null(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	sg_model_set_not_null(alter->table, action->name, false, alter->only, 0);
}

static void apply_set_not_null(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	column_named(alter->table, action->name);
	sg_model_set_not_null(alter->table, action->name, true, alter->only, 0);
}

static void apply_type(struct alter *alter, const struct action *action, size_t number)
{
	struct sg_model_column to = { .type = sg_model_type_text(alter->model,
		                                                  sg_json_get(sg_node_as(action->def, "ColumnDef"), "typeName")) };

	(void)number;
	change_column(alter->table, action->name, CHANGE_TYPE, &to, alter->only, 0);
}

static void apply_default(struct alter *alter, const struct action *action, size_t number)
{
	struct sg_model_column to = { .has_default = action->def != NULL };

	(void)number;
	change_column(alter->table, action->name, CHANGE_DEFAULT, &to, alter->only, 0);
}

static void apply_drop_expression(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	change_column(alter->table, action->name, CHANGE_EXPRESSION, NULL, alter->only, 0);
}

static void apply_identity(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	set_identity(alter, action->name, sg_node_is(action->body, "subtype", "AT_AddIdentity"));
}

static void apply_add_column(struct alter *alter, const struct action *action, size_t number)
{
	alter->added[number] = add_column(alter, action->def);
}

static void apply_indexes(struct alter *alter, const struct action *action, size_t number)
{
	add_constraints(alter, action, number, true);
}

static void apply_constraints(struct alter *alter, const struct action *action, size_t number)
{
	add_constraints(alter, action, number, false);
}

static void apply_validate(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	validate(alter->table, action->name, alter->only, 0);
}

static void apply_partition(struct alter *alter, const struct action *action, size_t number)
{
	const struct sg_json *partition = sg_node_as(action->def, "PartitionCmd"), *rangevar = sg_json_get(partition, "name");

	(void)number;
	if (sg_node_is(action->body, "subtype", "AT_AttachPartition"))
		attach(alter, rangevar, sg_json_get(partition, "bound"));
	else
		detach(alter, rangevar);
}

static void apply_parent(struct alter *alter, const struct action *action, size_t number)
{
	(void)number;
	change_parent(alter, sg_node_as(action->def, "RangeVar"), sg_node_is(action->body, "subtype", "AT_AddInherit"));
}

static const struct {
	const char *subtype;
	enum pass pass;
	void (*apply)(struct alter *alter, const struct action *action, size_t number);
} kinds[] = {
	{ "AT_AddColumn", PASS_ADD_COLUMN, apply_add_column },
	{ "AT_AddColumn", PASS_INDEXES, apply_indexes },
	{ "AT_AddColumn", PASS_OTHER, apply_constraints },
	{ "AT_DropColumn", PASS_DROP, apply_drop },
	{ "AT_AlterColumnType", PASS_TYPE, apply_type },
	{ "AT_SetNotNull", PASS_ATTRIBUTES, apply_set_not_null },
	{ "AT_DropNotNull", PASS_DROP, apply_drop_not_null },
	{ "AT_ColumnDefault", PASS_OTHER, apply_default },
	{ "AT_DropExpression", PASS_DROP, apply_drop_expression },
	{ "AT_AddIdentity", PASS_OTHER, apply_identity },
	{ "AT_DropIdentity", PASS_DROP, apply_identity },
	{ "AT_AddConstraint", PASS_INDEXES, apply_indexes },
	{ "AT_AddConstraint", PASS_OTHER, apply_constraints },
	{ "AT_DropConstraint", PASS_DROP, apply_drop_constraint },
	{ "AT_ValidateConstraint", PASS_LAST, apply_validate },
	{ "AT_AttachPartition", PASS_LAST, apply_partition },
	{ "AT_DetachPartition", PASS_LAST, apply_partition },
	{ "AT_AddInherit", PASS_LAST, apply_parent },
	{ "AT_DropInherit", PASS_LAST, apply_parent },
};

/* The bit of each row of the list that the action means. */
static uint32_t rows_of(const char *subtype)
{
	uint32_t rows = 0;

	for (size_t k = 0; subtype != NULL && k < SG_COUNT(kinds); k++)
		if (strcmp(subtype, kinds[k].subtype) == 0)
			rows |= UINT32_C(1) << k;
	return rows;
}

static void apply_actions(struct alter *alter)
{
	struct sg_model *model = alter->model;
	size_t count = sg_json_count(alter->actions);
	struct action *actions = sg_arena_array(&model->scratch, count, sizeof *actions);
	uint32_t *rows = sg_arena_array(&model->scratch, count, sizeof *rows), all = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sg_json *body = sg_node_as(sg_json_at(alter->actions, i), "AlterTableCmd");

		rows[i] = rows_of(sg_json_text(sg_json_get(body, "subtype")));
		all |= rows[i];
		if (rows[i] != 0)
			actions[i] = (struct action){ .name = sg_model_keep(model, sg_json_text(sg_json_get(body, "name"))),
				                      .def = sg_json_get(body, "def"),
				                      .body = body,
				                      .cascade = sg_node_is(body, "behavior", "DROP_CASCADE") };
	}
	for (int pass = 0; pass < PASS_COUNT; pass++) {
		uint32_t of_pass = 0;

		for (size_t k = 0; k < SG_COUNT(kinds); k++)
			of_pass |= (int)kinds[k].pass == pass ? UINT32_C(1) << k : 0;
		for (size_t i = 0; (all & of_pass) != 0 && i < count; i++)
			for (size_t k = 0; (rows[i] & of_pass) != 0 && k < SG_COUNT(kinds); k++)
				if ((rows[i] & of_pass & UINT32_C(1) << k) != 0)
					kinds[k].apply(alter, &actions[i], i);
	}
}

/* ALTER INDEX … ATTACH PARTITION */
static void attach_index(struct sg_model *model, const struct sg_json *rangevar, const struct sg_json *actions)
{
	const struct sg_json *action = sg_node_as(sg_json_at(actions, 0), "AlterTableCmd");
	const struct sg_json *name = sg_json_get(sg_node_as(sg_json_get(action, "def"), "PartitionCmd"), "name");
	const struct sg_model_table *parent, *child;
	const struct sg_model_index *to = sg_model_index(model, sg_tree_relation(rangevar), &parent);
	const struct sg_model_index *index = sg_model_index(model, sg_tree_relation(name), &child);
	struct sg_model_constraint *constraint, *own;

	if (!sg_node_is(action, "subtype", "AT_AttachPartition") || to == NULL || index == NULL || parent == child)
		return;
	child->indexes[index - child->indexes].attached_to = (struct sg_relation){ parent->name.schema, to->name };
	constraint = sg_model_constraint_of((const struct sg_table *)parent, to->name);
	own = sg_model_constraint_of((const struct sg_table *)child, index->name);
	if (constraint == NULL || own == NULL || !to->constraint || !index->constraint)
		return;
	own->of = constraint->name;
	own->inherited = 1;
	own->local = false;
}

bool sg_model_apply_alter(struct sg_model *model, const char *node, const struct sg_json *body)
{
	const struct sg_json *rangevar = sg_json_get(body, "relation");
	struct alter alter = { .model = model, .actions = sg_json_get(body, "cmds"), .only = sg_json_get(rangevar, "inh") == NULL };
	struct sg_relation name = sg_tree_relation(rangevar);

	if (strcmp(node, "AlterTableStmt") != 0 || sg_node_is(body, "objtype", "OBJECT_TYPE"))
		return false;
	if (sg_model_index(model, name, NULL) != NULL || sg_node_is(body, "objtype", "OBJECT_INDEX")) {
		attach_index(model, rangevar, alter.actions);
		return true;
	}
	alter.table = sg_model_enter(model, name);
	alter.added = sg_arena_array(&model->scratch, sg_json_count(alter.actions), sizeof *alter.added);
	if (alter.table != NULL)
		apply_actions(&alter);
	return true;
}
