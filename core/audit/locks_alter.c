/* locks_alter.c - locks of CREATE TABLE and of ALTER TABLE's many actions. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/locks_take.h"
#include "core/audit/parts.h"
#include "core/audit/type_change.h"
#include "core/audit/volatile.h"
#include "core/sql/tree.h"

/* ---- tables made ----------------------------------------------------------------- */

/* REFERENCES of a column or a table, to another table than `self`. */
static void of_reference(const struct sg_taking *taking, const struct sg_json *node, struct sg_relation self)
{
	const struct sg_json *constraint = sg_node_as(node, "Constraint");
	struct sg_relation parent;

	if (!sg_node_is(constraint, "contype", "CONSTR_FOREIGN"))
		return;
	parent = sg_tree_relation(sg_json_get(constraint, "pktable"));
	if (!sg_locks_same_table(taking->model, parent, self))
		sg_locks_take(taking, parent, SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

void sg_locks_of_create(const struct sg_taking *taking, const struct sg_json *body)
{
	struct sg_relation self = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *elements = sg_json_get(body, "tableElts"), *above = sg_json_get(body, "inhRelations");
	bool partition = sg_json_get(body, "partbound") != NULL;

	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *element = sg_json_at(elements, i);
		const struct sg_json *constraints = sg_json_get(sg_node_as(element, "ColumnDef"), "constraints");

		of_reference(taking, element, self);
		for (size_t c = 0; c < sg_json_count(constraints); c++)
			of_reference(taking, sg_json_at(constraints, c), self);
	}
	for (size_t i = 0; i < sg_json_count(above); i++) {
		struct sg_relation parent = sg_tree_relation(sg_node_as(sg_json_at(above, i), "RangeVar"));

		sg_locks_take(taking, parent, partition ? SG_LOCK_ACCESS_EXCLUSIVE : SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE);
		if (partition)
			sg_locks_take_default(taking, parent);
	}
}

/* ---- ALTER TABLE -------------------------------------------------------------------- */

struct action {
	const char *name;
	enum sg_lock_mode mode;
	enum sg_lock_work work;
};

/* Those that are not ACCESS EXCLUSIVE for a moment, but for what of_special() does (src/backend/commands/tablecmds.c, AlterTableGetLockLevel). Sorted. */
static const struct action actions[] = {
	{ "AT_ClusterOn", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_DetachPartitionFinalize", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_DisableTrig", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_DisableTrigAll", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_DisableTrigUser", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_DropCluster", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_EnableAlwaysTrig", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_EnableReplicaTrig", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_EnableTrig", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_EnableTrigAll", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_EnableTrigUser", SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_ReplaceRelOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_ResetOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_ResetRelOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetAccessMethod", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
	{ "AT_SetLogged", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
	{ "AT_SetOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetRelOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetStatistics", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetTableSpace", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
	{ "AT_SetUnLogged", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
};

static int by_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct action *)entry)->name);
}

static void of_constraint(const struct sg_taking *taking, struct sg_relation table, const struct sg_json *constraint)
{
	bool trusted = sg_json_true(sg_json_get(constraint, "skip_validation")) ||
	               sg_json_text(sg_json_get(constraint, "indexname")) != NULL;
	bool foreign = sg_node_is(constraint, "contype", "CONSTR_FOREIGN");

	sg_locks_take(taking, table, foreign ? SG_LOCK_SHARE_ROW_EXCLUSIVE : SG_LOCK_ACCESS_EXCLUSIVE,
	     trusted ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
	/* The rows of both are joined; of a table that is new there are none, or few. */
	if (foreign)
		sg_locks_take(taking, sg_tree_relation(sg_json_get(constraint, "pktable")), SG_LOCK_SHARE_ROW_EXCLUSIVE,
		              trusted || sg_model_is_new(taking->model, table) ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
}

static void of_column(const struct sg_taking *taking, struct sg_relation table, const struct sg_json *column)
{
	const struct sg_json *constraints = sg_json_get(column, "constraints");
	const struct sg_json *type = sg_json_get(column, "typeName");
	enum sg_lock_work work = sg_tree_type_is_serial(type) ||
	                                         sg_type_is_constrained(taking->arena, taking->model, sg_tree_type(taking->arena, type))
	                                 ? SG_LOCK_WORK_REWRITE
	                                 : SG_LOCK_WORK_NONE;
	struct sg_relation function;

	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *one = sg_node_as(sg_json_at(constraints, i), "Constraint");

		if (sg_node_is(one, "contype", "CONSTR_IDENTITY") || sg_node_is(one, "contype", "CONSTR_GENERATED") ||
		    (sg_node_is(one, "contype", "CONSTR_DEFAULT") &&
		     sg_volatility_of(taking->model, sg_json_get(one, "raw_expr"), &function) != SG_VOLATILITY_FIXED))
			work = SG_LOCK_WORK_REWRITE;
		else if (work == SG_LOCK_WORK_NONE &&
		         (sg_node_is(one, "contype", "CONSTR_CHECK") || sg_node_is(one, "contype", "CONSTR_UNIQUE") ||
		          sg_node_is(one, "contype", "CONSTR_PRIMARY")))
			work = SG_LOCK_WORK_SCAN;
		of_reference(taking, sg_json_at(constraints, i), table);
	}
	sg_locks_take(taking, table, SG_LOCK_ACCESS_EXCLUSIVE, work);
}

static bool has(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Does the table's key, to which that foreign key points, have the column? NULL: any column. */
static bool points_to(const struct sg_model_table *table, const struct sg_model_constraint *foreign, const char *column)
{
	if (column == NULL)
		return true;
	if (foreign->parent_columns != NULL)
		return has(foreign->parent_columns, foreign->parent_column_count, column);
	for (size_t i = 0; i < table->constraint_count; i++)
		if (table->constraints[i].kind == 'p')
			return has(table->constraints[i].columns, table->constraints[i].column_count, column);
	return false;
}

struct other_end {
	const struct sg_model_table *table;
	const char *column;
	enum sg_lock_work work;
};

static void take_child(const struct sg_taking *taking, const struct sg_model_table *child, const struct sg_model_constraint *key,
                       const void *arg)
{
	const struct other_end *end = arg;

	if (points_to(end->table, key, end->column))
		sg_locks_take_too(taking, child->name, SG_LOCK_ACCESS_EXCLUSIVE, key->not_valid ? SG_LOCK_WORK_NONE : end->work);
}

/* Foreign keys over the column go, or are made again: the tables at their other ends are locked as well. */
static void take_other_ends(const struct sg_taking *taking, const struct sg_model_table *table, const char *column, bool from,
                            bool to, enum sg_lock_work work)
{
	struct other_end end = { table, column, work };

	for (size_t i = 0; from && table != NULL && i < table->constraint_count; i++)
		if (table->constraints[i].kind == 'f' && column != NULL &&
		    has(table->constraints[i].columns, table->constraints[i].column_count, column))
			sg_locks_take_too(taking, table->constraints[i].parent, SG_LOCK_ACCESS_EXCLUSIVE,
			                  table->constraints[i].not_valid ? SG_LOCK_WORK_NONE : work);
	if (to)
		sg_locks_each_child(taking, table, take_child, &end);
}

/* What over the column must be looked at again, though its rows stay. */
static bool is_rechecked(const struct sg_model_table *table, const char *column, bool reindex)
{
	for (size_t i = 0; table != NULL && i < table->constraint_count; i++)
		if ((table->constraints[i].kind == 'c' || table->constraints[i].kind == 'x') && !table->constraints[i].not_valid &&
		    has(table->constraints[i].columns, table->constraints[i].column_count, column))
			return true;
	for (size_t i = 0; table != NULL && i < table->index_count; i++)
		if ((reindex && has(table->indexes[i].columns, table->indexes[i].column_count, column)) ||
		    has(table->indexes[i].uses, table->indexes[i].use_count, column))
			return true;
	return false;
}

static void of_type(const struct sg_taking *taking, struct sg_relation name, const char *column, const struct sg_json *def)
{
	const struct sg_model_table *table = sg_model_table(taking->model, name);
	const struct sg_model_column *known = table != NULL ? sg_model_column(table, column) : NULL;
	const struct sg_json *type = sg_json_get(def, "typeName");
	struct sg_type_change change =
		sg_type_change_using(taking->arena, taking->model, known != NULL ? known->type : NULL,
	                             sg_tree_type(taking->arena, type), column, sg_json_get(def, "raw_default"));
	enum sg_lock_work work = SG_LOCK_WORK_REWRITE;

	if (change.verdict == SG_TYPE_SAME || change.verdict == SG_TYPE_KEEPS)
		work = is_rechecked(table, column, change.reindex || sg_json_get(def, "collClause") != NULL) ? SG_LOCK_WORK_SCAN
		                                                                                             : SG_LOCK_WORK_NONE;
	sg_locks_take(taking, name, SG_LOCK_ACCESS_EXCLUSIVE, work);
	take_other_ends(taking, table, column, true, true, work == SG_LOCK_WORK_REWRITE ? SG_LOCK_WORK_SCAN : SG_LOCK_WORK_NONE);
}

static void of_not_null(const struct sg_taking *taking, struct sg_relation name, const char *column)
{
	const struct sg_model_table *table = sg_model_table(taking->model, name);
	const struct sg_model_column *known = table != NULL ? sg_model_column(table, column) : NULL;
	bool proved = (known != NULL && known->not_null) || sg_parts_proof(table, column) != NULL;

	sg_locks_take(taking, name, SG_LOCK_ACCESS_EXCLUSIVE, proved ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
}

/* DROP COLUMN, DROP CONSTRAINT. */
static void of_dropped(const struct sg_taking *taking, struct sg_relation name, const struct sg_json *cmd, bool column)
{
	const struct sg_model_table *table = sg_model_table(taking->model, name);
	const char *what = sg_json_text(sg_json_get(cmd, "name"));
	const struct sg_model_constraint *constraint = table != NULL && !column ? sg_model_constraint(table, what) : NULL;
	bool cascade = sg_node_is(cmd, "behavior", "DROP_CASCADE");

	sg_locks_take(taking, name, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	if (column)
		take_other_ends(taking, table, what, true, cascade, SG_LOCK_WORK_NONE);
	else if (constraint != NULL && constraint->kind == 'f')
		sg_locks_take_too(taking, constraint->parent, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	else if (constraint != NULL && cascade && (constraint->kind == 'p' || constraint->kind == 'u'))
		take_other_ends(taking, table, constraint->column_count == 1 ? constraint->columns[0] : NULL, false, true,
		                SG_LOCK_WORK_NONE);
}

static void of_validate(const struct sg_taking *taking, struct sg_relation name, const char *what)
{
	const struct sg_model_table *table = sg_model_table(taking->model, name);
	const struct sg_model_constraint *constraint = table != NULL ? sg_model_constraint(table, what) : NULL;

	sg_locks_take(taking, name, SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_SCAN);
	if (constraint != NULL && constraint->kind == 'f')
		sg_locks_take_too(taking, constraint->parent, SG_LOCK_ROW_SHARE, SG_LOCK_WORK_SCAN);
}

static void of_attach(const struct sg_taking *taking, struct sg_relation parent, const struct sg_json *def)
{
	struct sg_relation child = sg_tree_relation(sg_json_get(def, "name"));
	const struct sg_model_table *table = sg_model_table(taking->model, child), *above = sg_model_table(taking->model, parent);
	const struct sg_model_constraint *check =
		sg_locks_check_over(table, above != NULL ? above->partition_keys : NULL, above != NULL ? above->partition_key_count : 0);

	sg_locks_take(taking, parent, SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE);
	sg_locks_take(taking, child, SG_LOCK_ACCESS_EXCLUSIVE, check != NULL ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
	sg_locks_take_default(taking, parent);
}

static void of_detach(const struct sg_taking *taking, struct sg_relation parent, const struct sg_json *def)
{
	bool concurrent = sg_json_true(sg_json_get(def, "concurrent"));
	const struct sg_model_table *other = sg_locks_default_partition(taking->model, parent);

	sg_locks_take(taking, parent, concurrent ? SG_LOCK_SHARE_UPDATE_EXCLUSIVE : SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	sg_locks_take(taking, sg_tree_relation(sg_json_get(def, "name")), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	if (other != NULL && !concurrent)
		sg_locks_take_too(taking, other->name, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

/* What an action does beside locking its own table. */
static bool of_special(const struct sg_taking *taking, struct sg_relation table, const char *subtype, const struct sg_json *cmd)
{
	const struct sg_json *def = sg_json_get(cmd, "def");
	const char *name = sg_json_text(sg_json_get(cmd, "name"));

	if (strcmp(subtype, "AT_AddConstraint") == 0)
		of_constraint(taking, table, sg_node_as(def, "Constraint"));
	else if (strcmp(subtype, "AT_AddColumn") == 0)
		of_column(taking, table, sg_node_as(def, "ColumnDef"));
	else if (strcmp(subtype, "AT_AttachPartition") == 0)
		of_attach(taking, table, sg_node_as(def, "PartitionCmd"));
	else if (strcmp(subtype, "AT_DetachPartition") == 0)
		of_detach(taking, table, sg_node_as(def, "PartitionCmd"));
	else if (strcmp(subtype, "AT_AlterColumnType") == 0 && name != NULL)
		of_type(taking, table, name, sg_node_as(def, "ColumnDef"));
	else if (strcmp(subtype, "AT_SetNotNull") == 0 && name != NULL)
		of_not_null(taking, table, name);
	else if (strcmp(subtype, "AT_DropColumn") == 0 && name != NULL)
		of_dropped(taking, table, cmd, true);
	else if (strcmp(subtype, "AT_DropConstraint") == 0 && name != NULL)
		of_dropped(taking, table, cmd, false);
	else if (strcmp(subtype, "AT_ValidateConstraint") == 0 && name != NULL)
		of_validate(taking, table, name);
	else
		return false;
	return true;
}

static void of_action(const struct sg_taking *taking, struct sg_relation table, const struct sg_json *cmd)
{
	const char *subtype = sg_json_text(sg_json_get(cmd, "subtype"));
	const struct action *action;

	if (subtype == NULL || of_special(taking, table, subtype, cmd))
		return;
	action = bsearch(subtype, actions, SG_COUNT(actions), sizeof *actions, by_name);
	sg_locks_take(taking, table, action != NULL ? action->mode : SG_LOCK_ACCESS_EXCLUSIVE,
	              action != NULL ? action->work : SG_LOCK_WORK_NONE);
	if (strcmp(subtype, "AT_AddInherit") == 0)
		sg_locks_take(taking, sg_tree_relation(sg_node_as(sg_json_get(cmd, "def"), "RangeVar")),
		              SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

void sg_locks_of_alter(const struct sg_taking *taking, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *cmds = sg_json_get(body, "cmds");

	if (!sg_locks_relation_kind(sg_json_text(sg_json_get(body, "objtype"))))
		return;
	for (size_t i = 0; i < sg_json_count(cmds); i++)
		of_action(taking, table, sg_node_as(sg_json_at(cmds, i), "AlterTableCmd"));
}
