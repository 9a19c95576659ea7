/* locks_alter.c - locks of CREATE TABLE and of ALTER TABLE's many actions. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/locks_take.h"
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

/* Those that are not ACCESS EXCLUSIVE for a moment (src/backend/commands/tablecmds.c, AlterTableGetLockLevel). Sorted. */
static const struct action actions[] = {
	{ "AT_AlterColumnType", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
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
	{ "AT_SetNotNull", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_SCAN },
	{ "AT_SetOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetRelOptions", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetStatistics", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE },
	{ "AT_SetTableSpace", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
	{ "AT_SetUnLogged", SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE },
	{ "AT_ValidateConstraint", SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_SCAN },
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
	/* The rows of both are joined. */
	if (foreign)
		sg_locks_take(taking, sg_tree_relation(sg_json_get(constraint, "pktable")), SG_LOCK_SHARE_ROW_EXCLUSIVE,
		              trusted ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
}

/* Functions whose value differs from row to row. */
static bool is_volatile(const struct sg_json *expr)
{
	static const char *const names[] = { "clock_timestamp", "gen_random_uuid", "nextval", "random", "timeofday",
		                             "uuid_generate_v1", "uuid_generate_v4", "uuidv4", "uuidv7" };
	const struct sg_json *cast = sg_node_as(expr, "TypeCast"), *call = sg_node_as(expr, "FuncCall");
	struct sg_relation name;

	if (cast != NULL)
		return is_volatile(sg_json_get(cast, "arg"));
	for (size_t i = 0; call != NULL && sg_tree_names(sg_json_get(call, "funcname"), &name) && i < SG_COUNT(names); i++)
		if (strcmp(names[i], name.name) == 0)
			return true;
	return false;
}

static void of_column(const struct sg_taking *taking, struct sg_relation table, const struct sg_json *column)
{
	const struct sg_json *constraints = sg_json_get(column, "constraints");
	enum sg_lock_work work = sg_tree_type_is_serial(sg_json_get(column, "typeName")) ? SG_LOCK_WORK_REWRITE : SG_LOCK_WORK_NONE;

	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *one = sg_node_as(sg_json_at(constraints, i), "Constraint");

		if (sg_node_is(one, "contype", "CONSTR_IDENTITY") || sg_node_is(one, "contype", "CONSTR_GENERATED") ||
		    (sg_node_is(one, "contype", "CONSTR_DEFAULT") && is_volatile(sg_json_get(one, "raw_expr"))))
			work = SG_LOCK_WORK_REWRITE;
		else if (work == SG_LOCK_WORK_NONE &&
		         (sg_node_is(one, "contype", "CONSTR_CHECK") || sg_node_is(one, "contype", "CONSTR_UNIQUE") ||
		          sg_node_is(one, "contype", "CONSTR_PRIMARY")))
			work = SG_LOCK_WORK_SCAN;
		of_reference(taking, sg_json_at(constraints, i), table);
	}
	sg_locks_take(taking, table, SG_LOCK_ACCESS_EXCLUSIVE, work);
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

static void of_action(const struct sg_taking *taking, struct sg_relation table, const struct sg_json *cmd)
{
	const char *subtype = sg_json_text(sg_json_get(cmd, "subtype"));
	const struct sg_json *def = sg_json_get(cmd, "def");
	const struct sg_model_constraint *constraint;
	const struct action *action;

	if (subtype == NULL)
		return;
	if (strcmp(subtype, "AT_AddConstraint") == 0) {
		of_constraint(taking, table, sg_node_as(def, "Constraint"));
		return;
	}
	if (strcmp(subtype, "AT_AddColumn") == 0) {
		of_column(taking, table, sg_node_as(def, "ColumnDef"));
		return;
	}
	if (strcmp(subtype, "AT_AttachPartition") == 0) {
		of_attach(taking, table, sg_node_as(def, "PartitionCmd"));
		return;
	}
	if (strcmp(subtype, "AT_DetachPartition") == 0) {
		of_detach(taking, table, sg_node_as(def, "PartitionCmd"));
		return;
	}
	action = bsearch(subtype, actions, SG_COUNT(actions), sizeof *actions, by_name);
	sg_locks_take(taking, table, action != NULL ? action->mode : SG_LOCK_ACCESS_EXCLUSIVE, action != NULL ? action->work : SG_LOCK_WORK_NONE);
	if (strcmp(subtype, "AT_AddInherit") == 0)
		sg_locks_take(taking, sg_tree_relation(sg_node_as(def, "RangeVar")), SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE);
	constraint = sg_json_text(sg_json_get(cmd, "name")) != NULL
	                     ? sg_model_constraint(sg_model_table(taking->model, table), sg_json_text(sg_json_get(cmd, "name")))
	                     : NULL;
	if (constraint == NULL || constraint->kind != 'f')
		return;
	if (strcmp(subtype, "AT_DropConstraint") == 0)
		sg_locks_take_too(taking, constraint->parent, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	else if (strcmp(subtype, "AT_ValidateConstraint") == 0)
		sg_locks_take_too(taking, constraint->parent, SG_LOCK_ROW_SHARE, SG_LOCK_WORK_SCAN);
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
