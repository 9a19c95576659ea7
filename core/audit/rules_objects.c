/* rules_objects.c - partition.*, matview.*, trigger.*, policy.*, schema.*, lock.*: what hangs on tables, and locks asked for by name. */
#include "config.h"

#include <string.h>

#include "core/audit/locks.h"
#include "core/audit/scope.h"
#include "core/sql/tree.h"

static const char *name(struct sg_audit_scope *scope, struct sg_relation relation)
{
	return sg_audit_name(scope->arena, relation);
}

/* ---- partitions --------------------------------------------------------------------------- */

/* The server reads the default partition for rows that belong to the new one, unless a CHECK excludes them. */
static void find_default_scan(struct sg_audit_scope *scope, struct sg_relation parent, struct sg_relation child)
{
	const struct sg_model_table *other = sg_locks_default_partition(scope->model, parent),
	                            *above = sg_model_table(scope->model, parent);

	if (other == NULL || sg_locks_check_over(other, above->partition_keys, above->partition_key_count) != NULL)
		return;
	sg_audit_find(scope, SG_RULE_PARTITION_DEFAULT_SCAN, &other->name, "%s is read for rows that belong to %s",
	              name(scope, other->name), name(scope, child));
}

static void of_create(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation self = sg_tree_relation(sg_json_get(body, "relation")), parent;
	const struct sg_json *bound = sg_json_get(body, "partbound");

	if (bound == NULL || self.name == NULL)
		return;
	parent = sg_tree_relation(sg_node_as(sg_json_at(sg_json_get(body, "inhRelations"), 0), "RangeVar"));
	if (parent.name == NULL)
		return;
	sg_audit_find(scope, SG_RULE_PARTITION_CREATE, &parent, "%s of %s", name(scope, self), name(scope, parent));
	if (!sg_json_true(sg_json_get(bound, "is_default")))
		find_default_scan(scope, parent, self);
}

static void of_attach(struct sg_audit_scope *scope, struct sg_relation parent, const struct sg_json *def)
{
	struct sg_relation child = sg_tree_relation(sg_json_get(def, "name"));
	const struct sg_model_table *table, *above;

	if (child.name == NULL)
		return;
	table = sg_model_table(scope->model, child);
	above = sg_model_table(scope->model, parent);
	/* Whether its bounds are the partition's is for the server to say; a rehearsal shows it. */
	if (sg_locks_check_over(table, above != NULL ? above->partition_keys : NULL, above != NULL ? above->partition_key_count : 0) ==
	    NULL)
		sg_audit_find(scope, SG_RULE_PARTITION_ATTACH, &child, "%s to %s", name(scope, child), name(scope, parent));
	if (!sg_json_true(sg_json_get(sg_json_get(def, "bound"), "is_default")))
		find_default_scan(scope, parent, child);
}

/* ---- triggers, policies ------------------------------------------------------------------------ */

static bool is_toggle(const char *subtype)
{
	static const char *const toggles[] = { "AT_EnableTrig",     "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_DisableTrig",
		                               "AT_EnableTrigAll",  "AT_DisableTrigAll",   "AT_EnableTrigUser",    "AT_DisableTrigUser" };

	for (size_t i = 0; i < SG_COUNT(toggles); i++)
		if (strcmp(subtype, toggles[i]) == 0)
			return true;
	return false;
}

static bool is_row_security(const char *subtype)
{
	return strcmp(subtype, "AT_EnableRowSecurity") == 0 || strcmp(subtype, "AT_DisableRowSecurity") == 0 ||
	       strcmp(subtype, "AT_ForceRowSecurity") == 0 || strcmp(subtype, "AT_NoForceRowSecurity") == 0;
}

static void of_alter(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *cmds = sg_json_get(body, "cmds");

	for (size_t i = 0; table.name != NULL && i < sg_json_count(cmds); i++) {
		const struct sg_json *cmd = sg_node_as(sg_json_at(cmds, i), "AlterTableCmd"), *def = sg_json_get(cmd, "def");
		const char *subtype = sg_json_text(sg_json_get(cmd, "subtype")), *what = sg_json_text(sg_json_get(cmd, "name"));

		if (subtype == NULL)
			continue;
		if (strcmp(subtype, "AT_AttachPartition") == 0 && sg_node_is(body, "objtype", "OBJECT_TABLE"))
			of_attach(scope, table, sg_node_as(def, "PartitionCmd"));
		else if (strcmp(subtype, "AT_DetachPartition") == 0 &&
		         !sg_json_true(sg_json_get(sg_node_as(def, "PartitionCmd"), "concurrent")))
			sg_audit_find(scope, SG_RULE_PARTITION_DETACH, &table, "%s from %s",
			              name(scope, sg_tree_relation(sg_json_get(sg_node_as(def, "PartitionCmd"), "name"))), name(scope, table));
		else if (is_toggle(subtype))
			sg_audit_find(scope, SG_RULE_TRIGGER_TOGGLE, &table, "%s of %s %s", what != NULL ? what : "all triggers",
			              name(scope, table), strncmp(subtype, "AT_Disable", 10) == 0 ? "disabled" : "enabled");
		else if (is_row_security(subtype))
			sg_audit_find(scope, SG_RULE_POLICY_RLS, &table, "row level security of %s", name(scope, table));
	}
}

static void of_trigger(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_model_table *known = table.name != NULL ? sg_model_table(scope->model, table) : NULL;
	const char *trigger = sg_json_text(sg_json_get(body, "trigname"));

	/* INSTEAD OF triggers of a view: nothing is locked that has rows. */
	if (table.name != NULL && (known == NULL || known->kind != 'v'))
		sg_audit_find(scope, SG_RULE_TRIGGER_CREATE, &table, "%s on %s", trigger != NULL ? trigger : "?", name(scope, table));
}

static void of_policy(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "table"));
	const char *policy = sg_json_text(sg_json_get(body, "policy_name"));

	if (table.name != NULL)
		sg_audit_find(scope, SG_RULE_POLICY_RLS, &table, "policy %s of %s", policy != NULL ? policy : "?", name(scope, table));
}

/* [schema,] table, name */
static void of_drop_part(struct sg_audit_scope *scope, enum sg_rule_id rule, const struct sg_json *object)
{
	const struct sg_json *items = sg_json_get(sg_node_as(object, "List"), "items");
	size_t count = sg_json_count(items);
	struct sg_relation table = { NULL, NULL };
	const char *part = count > 0 ? sg_node_string(sg_json_at(items, count - 1)) : NULL;

	if (count < 2 || part == NULL)
		return;
	table.name = sg_node_string(sg_json_at(items, count - 2));
	table.schema = count > 2 ? sg_node_string(sg_json_at(items, count - 3)) : NULL;
	if (table.name != NULL)
		sg_audit_find(scope, rule, &table, "%s of %s", part, name(scope, table));
}

/* With CASCADE its triggers go too, each with a lock on its table. */
static void of_drop_function(struct sg_audit_scope *scope, const struct sg_json *object)
{
	const struct sg_model_routine *routine;
	struct sg_relation function;

	if (!sg_tree_names(sg_json_get(sg_node_as(object, "ObjectWithArgs"), "objname"), &function) || function.name == NULL)
		return;
	routine = sg_model_routine(scope->model, function);
	if (routine != NULL && (!routine->trigger ||
	                        (routine->made_in != NULL && strcmp(routine->made_in, scope->migration->id) == 0)))
		return;
	sg_audit_find(scope, SG_RULE_TRIGGER_DROP, NULL, "function %s, and %s", name(scope, function),
	              routine != NULL ? "every trigger that calls it" : "whatever hangs on it: triggers, defaults, views");
}

static void of_drop(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const char *kind = sg_json_text(sg_json_get(body, "removeType"));
	const struct sg_json *objects = sg_json_get(body, "objects");
	bool cascade = sg_node_is(body, "behavior", "DROP_CASCADE");

	for (size_t i = 0; kind != NULL && i < sg_json_count(objects); i++) {
		const struct sg_json *object = sg_json_at(objects, i);

		if (strcmp(kind, "OBJECT_TRIGGER") == 0)
			of_drop_part(scope, SG_RULE_TRIGGER_DROP, object);
		else if (strcmp(kind, "OBJECT_POLICY") == 0)
			of_drop_part(scope, SG_RULE_POLICY_RLS, object);
		else if (cascade && (strcmp(kind, "OBJECT_FUNCTION") == 0 || strcmp(kind, "OBJECT_ROUTINE") == 0))
			of_drop_function(scope, object);
		else if (cascade && strcmp(kind, "OBJECT_SCHEMA") == 0 && sg_node_string(object) != NULL)
			sg_audit_find(scope, SG_RULE_SCHEMA_DROP, NULL, "schema %s, with all tables in it", sg_node_string(object));
	}
}

/* ---- the rest --------------------------------------------------------------------------------------- */

static void of_drop_database(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const char *database = sg_json_text(sg_json_get(body, "dbname"));

	sg_audit_find(scope, SG_RULE_SCHEMA_DROP, NULL, "database %s", database != NULL ? database : "?");
}

static void of_drop_owned(struct sg_audit_scope *scope, const struct sg_json *body)
{
	(void)body;
	sg_audit_find(scope, SG_RULE_SCHEMA_DROP, NULL, "everything that the role owns");
}

static void of_refresh(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation view = sg_tree_relation(sg_json_get(body, "relation"));

	if (view.name == NULL || sg_json_true(sg_json_get(body, "concurrent")))
		return;
	sg_audit_find(scope, SG_RULE_MATVIEW_REFRESH, &view, "%s%s", name(scope, view),
	              sg_json_true(sg_json_get(body, "skipData")) ? "; WITH NO DATA: reading it fails from then on" : "");
}

static void of_lock(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *tables = sg_json_get(body, "relations");
	int64_t mode = sg_json_int(sg_json_get(body, "mode"));

	/* What is weaker blocks neither readers nor writers. */
	for (size_t i = 0; mode >= SG_LOCK_SHARE && mode <= SG_LOCK_ACCESS_EXCLUSIVE && i < sg_json_count(tables); i++) {
		struct sg_relation table = sg_tree_relation(sg_node_as(sg_json_at(tables, i), "RangeVar"));

		if (table.name != NULL)
			sg_audit_find(scope, SG_RULE_LOCK_EXPLICIT, &table, "%s IN %s MODE", name(scope, table),
			              sg_lock_mode_name((enum sg_lock_mode)mode));
	}
}

/* SET session_replication_role = replica: no trigger runs, those of foreign keys included. */
static void of_set(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *value = sg_node_as(sg_json_at(sg_json_get(body, "args"), 0), "A_Const");

	if (sg_node_is(body, "name", "session_replication_role") && sg_node_is(body, "kind", "VAR_SET_VALUE") &&
	    sg_node_is(sg_json_get(value, "sval"), "sval", "replica"))
		sg_audit_find(scope, SG_RULE_TRIGGER_TOGGLE, NULL,
		              "session_replication_role = replica: no trigger runs in this session, and no foreign key is checked");
}

struct kind {
	const char *node;
	void (*of)(struct sg_audit_scope *scope, const struct sg_json *body);
};

void sg_rules_objects(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	static const struct kind kinds[] = {
		{ "AlterTableStmt", of_alter },      { "CreateStmt", of_create },       { "CreateTrigStmt", of_trigger },
		{ "CreatePolicyStmt", of_policy },   { "AlterPolicyStmt", of_policy },  { "DropStmt", of_drop },
		{ "DropdbStmt", of_drop_database },  { "DropOwnedStmt", of_drop_owned }, { "RefreshMatViewStmt", of_refresh },
		{ "LockStmt", of_lock },             { "VariableSetStmt", of_set },
	};

	for (size_t i = 0; i < SG_COUNT(kinds); i++)
		if (strcmp(node, kinds[i].node) == 0)
			kinds[i].of(scope, body);
}
