/* rules_columns.c - columns added, dropped, renamed, made NOT NULL, given another default. Their types are in rules_column_type.c.
 *
 * What ADD COLUMN does was measured with each kind of default and constraint: it rewrites for a volatile default, a sequence, a
 * stored expression and a domain with a constraint, scans for CHECK and UNIQUE, and neither for the rest (since 11). */
#include "config.h"

#include <string.h>

#include "core/audit/parts.h"
#include "core/audit/rules_columns.h"
#include "core/audit/type_change.h"
#include "core/audit/volatile.h"
#include "core/sql/tree.h"

/* The column that is added, and what is said of it. */
struct added {
	struct sg_relation table;
	const struct sg_json *column;
	const char *name;
	const char *label;                /* "column note of leads" */
	const struct sg_model_type *type; /* of the model, or NULL */
	const char *type_text;            /* or NULL */
};

static const char *label_of(struct sg_audit_scope *scope, struct sg_relation table, const char *column)
{
	return sg_arena_printf(scope->arena, "column %s of %s", column, sg_audit_name(scope->arena, table));
}

static bool is_null(const struct sg_json *expression)
{
	const struct sg_json *cast;

	while ((cast = sg_node_as(expression, "TypeCast")) != NULL)
		expression = sg_json_get(cast, "arg");
	return expression == NULL || sg_json_true(sg_json_get(sg_node_as(expression, "A_Const"), "isnull"));
}

/* ---- ADD COLUMN -------------------------------------------------------------------- */

static void look_at_default(struct sg_audit_scope *scope, const struct added *added, const struct sg_json *expression)
{
	struct sg_relation function = { NULL, NULL };
	enum sg_volatility volatility = sg_volatility_of(scope->model, expression, &function);
	const struct sg_model_routine *routine;
	const char *name;

	if (is_null(expression))
		return;
	if (volatility == SG_VOLATILITY_FIXED) {
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_CONST_DEFAULT, &added->table, "%s", added->label);
		return;
	}
	name = sg_audit_name(scope->arena, function);
	if (volatility == SG_VOLATILITY_UNKNOWN) {
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_VOLATILE_DEFAULT, &added->table,
		              "%s: %s() was not seen; the table is rewritten unless it is STABLE or IMMUTABLE", added->label, name);
		return;
	}
	routine = sg_model_routine(scope->model, function);
	if (routine != NULL && routine->language != NULL && strcmp(routine->language, "sql") == 0)
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_VOLATILE_DEFAULT, &added->table,
		              "%s: %s() is declared volatile; only if it is inlined to something that is not, no row is rewritten",
		              added->label, name);
	else
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_VOLATILE_DEFAULT, &added->table, "%s: %s() is volatile", added->label, name);
}

/* Each constraint that stands in the column's definition and must be checked against rows. REFERENCES is with the constraints. */
static void look_at_inline(struct sg_audit_scope *scope, const struct added *added)
{
	static const struct {
		const char *kind, *words;
	} checked[] = { { "CONSTR_CHECK", "CHECK" }, { "CONSTR_UNIQUE", "UNIQUE" }, { "CONSTR_PRIMARY", "PRIMARY KEY" } };
	const struct sg_json *value = sg_parts_constraint(added->column, "CONSTR_DEFAULT");

	for (size_t i = 0; i < SG_COUNT(checked); i++)
		if (sg_parts_constraint(added->column, checked[i].kind) != NULL)
			sg_audit_find(scope, SG_RULE_COLUMN_ADD_WITH_CONSTRAINT, &added->table, "%s: %s", added->label,
			              checked[i].words);
	/* Without a default the new column is NULL everywhere, and the server does not look at the rows. */
	if (sg_parts_constraint(added->column, "CONSTR_FOREIGN") != NULL && value != NULL &&
	    !is_null(sg_json_get(value, "raw_expr")))
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_WITH_CONSTRAINT, &added->table, "%s: REFERENCES with a DEFAULT", added->label);
}

static void look_at_added(struct sg_audit_scope *scope, const struct added *added)
{
	const struct sg_json *column = added->column, *value = sg_parts_constraint(column, "CONSTR_DEFAULT");
	bool serial = sg_tree_type_is_serial(sg_json_get(column, "typeName"));
	bool identity = sg_parts_constraint(column, "CONSTR_IDENTITY") != NULL;
	bool generated = sg_parts_constraint(column, "CONSTR_GENERATED") != NULL;
	bool not_null = sg_parts_constraint(column, "CONSTR_NOTNULL") != NULL || sg_parts_constraint(column, "CONSTR_PRIMARY") != NULL;

	if (serial)
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_SERIAL, &added->table, "%s", added->label);
	if (identity)
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_IDENTITY, &added->table, "%s", added->label);
	if (generated)
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_GENERATED_STORED, &added->table, "%s", added->label);
	if (value != NULL)
		look_at_default(scope, added, sg_json_get(value, "raw_expr"));
	/* A domain may have a default of its own. */
	if (not_null && !serial && !identity && !generated && (value == NULL || is_null(sg_json_get(value, "raw_expr"))) &&
	    (added->type == NULL || added->type->kind != SG_MODEL_DOMAIN))
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_NOT_NULL_NO_DEFAULT, &added->table, "%s", added->label);
	if (added->type != NULL && sg_type_is_constrained(scope->arena, scope->model, added->type_text))
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_DOMAIN, &added->table, "%s: domain %s", added->label,
		              sg_audit_name(scope->arena, added->type->name));
	look_at_inline(scope, added);
}

static void add_column(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command)
{
	struct added added = { .table = table, .column = sg_parts_column(command) };

	added.name = sg_json_text(sg_json_get(added.column, "colname"));
	if (added.name == NULL)
		return;
	/* IF NOT EXISTS, and it is there: nothing happens. */
	if (sg_json_true(sg_json_get(command, "missing_ok")) && sg_parts_known_column(scope, table, added.name) != NULL)
		return;
	added.label = label_of(scope, table, added.name);
	added.type_text = sg_tree_type(scope->arena, sg_json_get(added.column, "typeName"));
	added.type = sg_type_in_model(scope->arena, scope->model, added.type_text);
	look_at_added(scope, &added);
}

/* ---- what is there already ------------------------------------------------------------ */

static void drop_column(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command, const char *name)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);

	if (sg_parts_column_is_new(scope, table, name))
		return;
	if (sg_json_true(sg_json_get(command, "missing_ok")) && known != NULL && known->known &&
	    sg_model_column(known, name) == NULL)
		return;
	sg_audit_find(scope, SG_RULE_COLUMN_DROP, &table, "%s", label_of(scope, table, name));
}

static void set_not_null(struct sg_audit_scope *scope, struct sg_relation table, const char *name)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);
	const struct sg_model_column *column = sg_parts_known_column(scope, table, name);
	const char *label = label_of(scope, table, name);

	if (column != NULL && column->not_null)
		return;
	if (sg_parts_proof(known, name) != NULL && scope->options->server_version >= 12) {
		sg_audit_find(scope, SG_RULE_COLUMN_SET_NOT_NULL_AFTER_CHECK, &table, "%s", label);
		return;
	}
	for (size_t i = 0; known != NULL && i < known->constraint_count; i++) {
		const struct sg_model_constraint *check = &known->constraints[i];

		if (check->kind == 'c' && check->not_valid && sg_parts_proves(check, name)) {
			sg_audit_find(scope, SG_RULE_COLUMN_SET_NOT_NULL, &table, "%s: constraint %s is still NOT VALID", label,
			              check->name != NULL ? check->name : "CHECK (… IS NOT NULL)");
			return;
		}
	}
	sg_audit_find(scope, SG_RULE_COLUMN_SET_NOT_NULL, &table, "%s", label);
}

static void change_default(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command, const char *name)
{
	const struct sg_model_column *column = sg_parts_known_column(scope, table, name);
	bool drops = sg_json_get(command, "def") == NULL;

	/* Where there was none, nobody counts on it. */
	if (sg_parts_column_is_new(scope, table, name) || (column != NULL && !column->has_default && !column->serial))
		return;
	sg_audit_find(scope, SG_RULE_COLUMN_CHANGE_DEFAULT, &table, "%s: %s", label_of(scope, table, name),
	              drops ? "DROP DEFAULT" : "SET DEFAULT");
}

static void look_at_command(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command)
{
	const char *name = sg_json_text(sg_json_get(command, "name"));

	if (sg_node_is(command, "subtype", "AT_AddColumn")) {
		add_column(scope, table, command);
		return;
	}
	if (name == NULL)
		return;
	if (sg_node_is(command, "subtype", "AT_DropColumn"))
		drop_column(scope, table, command, name);
	else if (sg_node_is(command, "subtype", "AT_SetNotNull"))
		set_not_null(scope, table, name);
	else if (sg_node_is(command, "subtype", "AT_ColumnDefault"))
		change_default(scope, table, command, name);
	else if (sg_node_is(command, "subtype", "AT_AlterColumnType"))
		sg_rules_column_type(scope, table, command, name);
	else if (sg_node_is(command, "subtype", "AT_DropNotNull") && !sg_parts_column_is_new(scope, table, name))
		sg_audit_find(scope, SG_RULE_COLUMN_DROP_NOT_NULL, &table, "%s", label_of(scope, table, name));
}

static void look_at_rename(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const char *from = sg_json_text(sg_json_get(body, "subname")), *to = sg_json_text(sg_json_get(body, "newname"));
	const struct sg_model_table *known;

	if (!sg_node_is(body, "renameType", "OBJECT_COLUMN") || !sg_node_is(body, "relationType", "OBJECT_TABLE") ||
	    table.name == NULL || from == NULL || to == NULL)
		return;
	known = sg_model_table(scope->model, table);
	if (sg_parts_column_is_new(scope, table, from) || (known != NULL && strchr("vmf", known->kind) != NULL))
		return;
	sg_audit_find(scope, SG_RULE_COLUMN_RENAME, &table, "%s becomes %s", label_of(scope, table, from), to);
}

void sg_rules_columns(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	struct sg_relation table;
	const struct sg_json *command;

	if (strcmp(node, "RenameStmt") == 0)
		look_at_rename(scope, body);
	if (!sg_parts_alter(scope, node, body, &table))
		return;
	for (size_t i = 0; (command = sg_parts_command(body, i)) != NULL; i++)
		look_at_command(scope, table, command);
}
