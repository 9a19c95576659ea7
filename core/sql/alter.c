/* alter.c - ALTER TABLE and its many actions.
 *
 * An action is opaque when it may compute something over the rows that are
 * there: a constraint that is checked, a cast, a default that cannot be kept as
 * a constant, a rewrite (which rebuilds indexes, expressions among them). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/tree.h"

#define SPLIT "Split the actions, one sg_ddl for each: then what is there already can be passed over."

/* Actions that compute nothing over existing rows. Sorted. */
static const char *const plain_actions[] = {
	"AT_AddIdentity",      "AT_AddInherit",       "AT_AddOf",            "AT_AlterColumnGenericOptions",
	"AT_AlterConstraint",  "AT_ChangeOwner",      "AT_ClusterOn",        "AT_ColumnDefault",
	"AT_DisableRowSecurity", "AT_DisableRule",    "AT_DisableTrig",      "AT_DisableTrigAll",
	"AT_DisableTrigUser",  "AT_DropCluster",      "AT_DropColumn",       "AT_DropConstraint",
	"AT_DropExpression",   "AT_DropIdentity",     "AT_DropInherit",      "AT_DropNotNull",
	"AT_DropOf",           "AT_EnableAlwaysRule", "AT_EnableAlwaysTrig", "AT_EnableReplicaRule",
	"AT_EnableReplicaTrig", "AT_EnableRowSecurity", "AT_EnableRule",     "AT_EnableTrig",
	"AT_EnableTrigAll",    "AT_EnableTrigUser",   "AT_ForceRowSecurity", "AT_NoForceRowSecurity",
	"AT_ReplaceRelOptions", "AT_ReplicaIdentity", "AT_ResetOptions",     "AT_ResetRelOptions",
	"AT_SetCompression",   "AT_SetIdentity",      "AT_SetNotNull",       "AT_SetOptions",
	"AT_SetRelOptions",    "AT_SetStatistics",    "AT_SetStorage",       "AT_SetTableSpace",
};

static int order(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

/* A default that PostgreSQL keeps as a constant, without touching a row. */
static bool keeps_rows(const struct sg_json *expr)
{
	const struct sg_json *cast = sg_node_as(expr, "TypeCast"), *call = sg_node_as(expr, "FuncCall");
	struct sg_relation name;

	if (sg_node_as(expr, "A_Const") != NULL || sg_node_as(expr, "SQLValueFunction") != NULL)
		return true;
	if (cast != NULL)
		return sg_node_as(sg_json_get(cast, "arg"), "A_Const") != NULL &&
		       sg_tree_type_is_builtin(sg_json_get(cast, "typeName"));
	return call != NULL && sg_json_count(sg_json_get(call, "args")) == 0 &&
	       sg_tree_names(sg_json_get(call, "funcname"), &name) &&
	       (name.schema == NULL || strcmp(name.schema, "pg_catalog") == 0) &&
	       (strcmp(name.name, "now") == 0 || strcmp(name.name, "transaction_timestamp") == 0 ||
	        strcmp(name.name, "statement_timestamp") == 0);
}

static bool column_is_opaque(const struct sg_json *column)
{
	const struct sg_json *constraints = sg_json_get(column, "constraints");
	const struct sg_json *type = sg_json_get(column, "typeName");

	/* A domain's check, a serial's numbers. */
	if (!sg_tree_type_is_builtin(type) || sg_tree_type_is_serial(type))
		return true;
	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(constraints, i), "Constraint");

		if (sg_node_is(constraint, "contype", "CONSTR_CHECK") || sg_node_is(constraint, "contype", "CONSTR_GENERATED") ||
		    sg_node_is(constraint, "contype", "CONSTR_IDENTITY"))
			return true;
		if (sg_node_is(constraint, "contype", "CONSTR_DEFAULT") && !keeps_rows(sg_json_get(constraint, "raw_expr")))
			return true;
	}
	return false;
}

static bool constraint_is_opaque(const struct sg_json *constraint)
{
	if (sg_node_is(constraint, "contype", "CONSTR_CHECK"))
		return !sg_json_true(sg_json_get(constraint, "skip_validation"));
	return sg_node_is(constraint, "contype", "CONSTR_EXCLUSION");
}

static bool action_is_opaque(const struct sg_json *action)
{
	const char *subtype = sg_json_text(sg_json_get(action, "subtype"));
	const struct sg_json *def = sg_json_get(action, "def");

	if (subtype == NULL)
		return true;
	if (strcmp(subtype, "AT_AddColumn") == 0)
		return column_is_opaque(sg_node_as(def, "ColumnDef"));
	if (strcmp(subtype, "AT_AddConstraint") == 0)
		return constraint_is_opaque(sg_node_as(def, "Constraint"));
	if (strcmp(subtype, "AT_DetachPartition") == 0 || strcmp(subtype, "AT_DetachPartitionFinalize") == 0)
		return false;
	return bsearch(subtype, plain_actions, SG_COUNT(plain_actions), sizeof(plain_actions[0]), order) == NULL;
}

/* ADD COLUMN makes a column and nothing else: a constraint, a sequence or a
 * generated value would be lost in silence if the column were passed over. */
static void note_column(struct sg_judge *judge, const struct sg_json *action, const struct sg_json *column)
{
	const struct sg_json *constraints = sg_json_get(column, "constraints");
	struct sg_verdict *verdict = judge->verdict;
	struct sg_wanted_column *wanted;
	bool alone = !sg_tree_type_is_serial(sg_json_get(column, "typeName"));

	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(constraints, i), "Constraint");

		alone = alone && (sg_node_is(constraint, "contype", "CONSTR_NULL") ||
		                  sg_node_is(constraint, "contype", "CONSTR_NOTNULL") ||
		                  sg_node_is(constraint, "contype", "CONSTR_DEFAULT"));
	}
	if (!alone) {
		verdict->exists_hint = "The statement makes more than the column: add its constraint by an sg_ddl of its own, "
		                       "then what is there already can be passed over.";
		return;
	}
	wanted = sg_arena_array(judge->arena, 1, sizeof(*wanted));
	wanted->name = sg_arena_strdup(judge->arena, sg_json_text(sg_json_get(column, "colname")));
	wanted->type = sg_tree_type(judge->arena, sg_json_get(column, "typeName"));
	verdict->makes = SG_MAKES_COLUMN;
	verdict->exists_sqlstates[0] = "42701";
	verdict->member = wanted->name;
	verdict->columns = wanted;
	verdict->column_count = 1;
	verdict->if_not_exists = sg_json_true(sg_json_get(action, "missing_ok"));
}

/* CHECK and FOREIGN KEY clash as constraints (42710), the others by their index (42P07). */
static void note_constraint(struct sg_judge *judge, const struct sg_json *constraint)
{
	static const struct {
		const char *contype;
		char type;
		const char *sqlstate;
	} types[] = { { "CONSTR_CHECK", 'c', "42710" },  { "CONSTR_FOREIGN", 'f', "42710" },
		      { "CONSTR_PRIMARY", 'p', "42P07" }, { "CONSTR_UNIQUE", 'u', "42P07" },
		      { "CONSTR_EXCLUSION", 'x', "42P07" } };
	struct sg_verdict *verdict = judge->verdict;
	const char *name = sg_json_text(sg_json_get(constraint, "conname"));

	if (name == NULL) {
		verdict->exists_hint = "Give the constraint a name (ADD CONSTRAINT name ...): then it can be known again.";
		return;
	}
	/* USING INDEX takes over an index, and renames it. */
	if (sg_json_get(constraint, "indexname") != NULL)
		return;
	for (size_t i = 0; i < SG_COUNT(types); i++) {
		if (!sg_node_is(constraint, "contype", types[i].contype))
			continue;
		verdict->makes = SG_MAKES_CONSTRAINT;
		verdict->catalogue_kind = types[i].type;
		verdict->exists_sqlstates[0] = types[i].sqlstate;
		verdict->member = sg_arena_strdup(judge->arena, name);
	}
}

static void note_exists(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *actions = sg_json_get(body, "cmds");
	const struct sg_json *action = sg_node_as(sg_json_at(actions, 0), "AlterTableCmd");
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));

	if (sg_json_count(actions) > 1) {
		judge->verdict->exists_hint = SPLIT;
		return;
	}
	if (!sg_node_is(body, "objtype", "OBJECT_TABLE") && !sg_node_is(body, "objtype", "OBJECT_FOREIGN_TABLE"))
		return;
	judge->verdict->object = (struct sg_relation){ .schema = sg_arena_strdup(judge->arena, table.schema),
		                                       .name = sg_arena_strdup(judge->arena, table.name) };
	if (sg_node_is(action, "subtype", "AT_AddColumn"))
		note_column(judge, action, sg_node_as(sg_json_get(action, "def"), "ColumnDef"));
	else if (sg_node_is(action, "subtype", "AT_AddConstraint"))
		note_constraint(judge, sg_node_as(sg_json_get(action, "def"), "Constraint"));
}

int sg_check_alter_table(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *actions = sg_json_get(body, "cmds");

	judge->verdict->kind = sg_judge_kind(judge, "ALTER", sg_json_text(sg_json_get(body, "objtype")));
	for (size_t i = 0; i < sg_json_count(actions); i++) {
		const struct sg_json *action = sg_node_as(sg_json_at(actions, i), "AlterTableCmd");

		judge->verdict->opaque |= action_is_opaque(action);
		judge->verdict->outside |=
			sg_json_true(sg_json_get(sg_node_as(sg_json_get(action, "def"), "PartitionCmd"), "concurrent"));
	}
	note_exists(judge, body);
	return 0;
}
