/* rules_constraints.c - constraints of tables and domains: what is checked under which lock, and what is validated in the very
 * transaction that still holds the strong lock of the constraint. Foreign keys have more to be said: rules_foreign_keys.c. */
#include "config.h"

#include <string.h>

#include "core/audit/parts.h"
#include "core/audit/rules_constraints.h"
#include "core/sql/tree.h"

struct sg_audit_constraint_notes *sg_rules_constraint_notes(struct sg_audit_scope *scope)
{
	if (scope->constraints == NULL) {
		scope->constraints = sg_arena_alloc(scope->arena, sizeof *scope->constraints);
		scope->constraints->transactions =
			sg_arena_array(scope->arena, scope->migration->count, sizeof *scope->constraints->transactions);
	}
	return scope->constraints;
}

/* "constraint ck of t", or "CHECK of t" for one without a name; in the arena. */
static const char *label_of(struct sg_audit_scope *scope, struct sg_relation table,
                            const struct sg_json *constraint, const char *kind)
{
	const char *name = sg_json_text(sg_json_get(constraint, "conname")), *on = sg_audit_name(scope->arena, table);

	return name != NULL ? sg_arena_printf(scope->arena, "%s %s of %s", kind, name, on)
	                    : sg_arena_printf(scope->arena, "%s of %s", kind, on);
}

/* ---- ADD ----------------------------------------------------------------------------- */

static bool is_nullable(const struct sg_audit_scope *scope, const struct sg_model_table *table, const char *name)
{
	const struct sg_model_column *column = sg_model_column(table, name);

	return column != NULL && !column->not_null &&
	       (scope->options->server_version < 12 || sg_parts_proof(table, name) == NULL);
}

/* PRIMARY KEY USING INDEX sets its columns NOT NULL, and that is a scan under ACCESS EXCLUSIVE unless they are already. Nothing is said of
 * a table that is not known: this is the safe way, if done in order. */
static void add_using_index(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint,
                            struct sg_relation index_name)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);
	const struct sg_model_index *index = sg_model_index(scope->model, index_name, NULL);

	if (!sg_node_is(constraint, "contype", "CONSTR_PRIMARY") || known == NULL || !known->known || index == NULL)
		return;
	for (size_t i = 0; i < index->column_count; i++)
		if (is_nullable(scope, known, index->columns[i])) {
			sg_audit_find(scope, SG_RULE_CONSTRAINT_PK_USING_INDEX_NULLABLE, &table, "column %s of %s", index->columns[i],
			              sg_audit_name(scope->arena, table));
			return;
		}
}

static void add_key(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint, bool only)
{
	bool primary = sg_node_is(constraint, "contype", "CONSTR_PRIMARY");
	enum sg_rule_id rule = primary ? SG_RULE_CONSTRAINT_ADD_PK : SG_RULE_CONSTRAINT_ADD_UNIQUE;
	const struct sg_model_table *known = sg_model_table(scope->model, table);
	const char *index = sg_json_text(sg_json_get(constraint, "indexname"));
	bool partitioned = known != NULL && known->kind == 'p';
	const char *label, *over;
	const char *const *keys;
	size_t count;

	if (index != NULL) {
		add_using_index(scope, table, constraint, (struct sg_relation){ table.schema, index });
		return;
	}
	if (partitioned && only) /* an empty definition, to which indexes of the partitions are attached */
		return;
	keys = sg_parts_strings(scope->arena, sg_json_get(constraint, "keys"), &count);
	over = sg_parts_join(scope->arena, keys, count);
	label = label_of(scope, table, constraint, primary ? "PRIMARY KEY" : "UNIQUE");
	sg_audit_find(scope, rule, &table, "%s (%s)%s", label, over,
	              partitioned ? "; a partitioned table takes no USING INDEX: ALTER TABLE ONLY it, then unique indexes made "
	                            "CONCURRENTLY on the partitions and attached"
	                          : "");
}

static void add_constraint(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint, bool only)
{
	bool not_valid = sg_json_true(sg_json_get(constraint, "skip_validation"));

	if (sg_node_is(constraint, "contype", "CONSTR_CHECK")) {
		if (!not_valid)
			sg_audit_find(scope, SG_RULE_CONSTRAINT_ADD_CHECK, &table, "%s", label_of(scope, table, constraint, "CHECK"));
	} else if (sg_node_is(constraint, "contype", "CONSTR_PRIMARY") || sg_node_is(constraint, "contype", "CONSTR_UNIQUE")) {
		add_key(scope, table, constraint, only);
	} else if (sg_node_is(constraint, "contype", "CONSTR_EXCLUSION")) {
		sg_audit_find(scope, SG_RULE_CONSTRAINT_ADD_EXCLUSION, &table, "%s", label_of(scope, table, constraint, "EXCLUDE"));
	} else if (sg_node_is(constraint, "contype", "CONSTR_FOREIGN")) {
		sg_rules_foreign_key(scope, table, constraint, NULL, true);
	}
}

/* ---- VALIDATE, DROP -------------------------------------------------------------------- */

/* Does the same ALTER TABLE add it, further to the front? */
static bool is_added_here(const struct sg_json *body, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_get(sg_parts_command(body, i), "def"), "Constraint");

		if (constraint != NULL && sg_node_is(constraint, "conname", name))
			return true;
	}
	return false;
}

static void validate(struct sg_audit_scope *scope, struct sg_relation table, const char *name, bool added_here)
{
	const struct sg_audit_constraint_notes *notes = scope->constraints;
	const struct sg_model_table *known = sg_model_table(scope->model, table);
	const struct sg_model_constraint *constraint = known != NULL ? sg_model_constraint(known, name) : NULL;

	if (!added_here &&
	    (constraint == NULL || constraint->made_in == NULL || strcmp(constraint->made_in, scope->migration->id) != 0 ||
	     constraint->made_at >= scope->migration->count || notes->transactions[constraint->made_at] != scope->transaction))
		return;
	sg_audit_find(scope, SG_RULE_CONSTRAINT_VALIDATE_SAME_TX, &table, "constraint %s of %s%s", name,
	              sg_audit_name(scope->arena, table), added_here ? ", in one statement" : "");
}

static void drop(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command, const char *name)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);
	const struct sg_model_constraint *constraint = known != NULL ? sg_model_constraint(known, name) : NULL;
	const char *label = sg_arena_printf(scope->arena, "constraint %s of %s", name, sg_audit_name(scope->arena, table));

	if (constraint == NULL && known != NULL && known->known && sg_json_true(sg_json_get(command, "missing_ok")))
		return;
	/* A CHECK goes without a trace: the helper of SET NOT NULL, for one. What this migration made, nobody relies on. */
	if (constraint != NULL && (constraint->kind == 'c' ||
	                           (constraint->made_in != NULL && strcmp(constraint->made_in, scope->migration->id) == 0)))
		return;
	if (constraint != NULL && constraint->kind == 'f')
		sg_audit_find(scope, SG_RULE_CONSTRAINT_DROP, &table, "%s: a foreign key, %s is locked as well", label,
		              sg_audit_name(scope->arena, constraint->parent));
	else if (constraint != NULL && constraint->kind != '\0')
		sg_audit_find(scope, SG_RULE_CONSTRAINT_DROP, &table, "%s: its index goes with it", label);
	else
		sg_audit_find(scope, SG_RULE_CONSTRAINT_DROP, &table, "%s", label);
}

/* ---- domains ------------------------------------------------------------------------------ */

/* Each of these reads every table that has a column of the domain, and holds SHARE on all of them at once. */
static void look_at_domain(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation name;
	const struct sg_model_type *type;
	const char *what;

	if (!sg_tree_names(sg_json_get(body, "typeName"), &name))
		return;
	if (sg_node_is(body, "subtype", "C") &&
	    !sg_json_true(sg_json_get(sg_node_as(sg_json_get(body, "def"), "Constraint"), "skip_validation")))
		what = "ADD CHECK";
	else if (sg_node_is(body, "subtype", "V"))
		what = "VALIDATE CONSTRAINT";
	else if (sg_node_is(body, "subtype", "O"))
		what = "SET NOT NULL";
	else
		return;
	type = sg_model_type(scope->model, name);
	if (type != NULL && type->made_in != NULL && strcmp(type->made_in, scope->migration->id) == 0)
		return;
	sg_audit_find(scope, SG_RULE_DOMAIN_CONSTRAINT, NULL, "domain %s: %s", sg_audit_name(scope->arena, name), what);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void look_at_alter(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *body)
{
	bool only = !sg_json_true(sg_json_get(sg_json_get(body, "relation"), "inh"));
	const struct sg_json *command;

	for (size_t i = 0; (command = sg_parts_command(body, i)) != NULL; i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_get(command, "def"), "Constraint");
		const char *name = sg_json_text(sg_json_get(command, "name"));

		if (sg_node_is(command, "subtype", "AT_AddConstraint") && constraint != NULL)
			add_constraint(scope, table, constraint, only);
		else if (sg_node_is(command, "subtype", "AT_AddColumn"))
			sg_rules_foreign_keys_of(scope, table, sg_parts_column(command), true);
		else if (sg_node_is(command, "subtype", "AT_ValidateConstraint") && name != NULL)
			validate(scope, table, name, is_added_here(body, i, name));
		else if (sg_node_is(command, "subtype", "AT_DropConstraint") && name != NULL)
			drop(scope, table, command, name);
	}
}

static void look_at_create(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *list = sg_json_get(body, "tableElts");

	if (table.name == NULL || sg_node_is(sg_json_get(body, "relation"), "relpersistence", "t"))
		return;
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(list, i), "Constraint");

		if (sg_node_is(constraint, "contype", "CONSTR_FOREIGN"))
			sg_rules_foreign_key(scope, table, constraint, NULL, false);
		else
			sg_rules_foreign_keys_of(scope, table, sg_node_as(sg_json_at(list, i), "ColumnDef"), false);
	}
}

void sg_rules_constraints(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	struct sg_relation table;

	sg_rules_constraint_notes(scope)->transactions[scope->number] = scope->transaction;
	if (sg_parts_alter(scope, node, body, &table))
		look_at_alter(scope, table, body);
	else if (strcmp(node, "CreateStmt") == 0)
		look_at_create(scope, body);
	else if (strcmp(node, "AlterDomainStmt") == 0)
		look_at_domain(scope, body);
}

void sg_rules_constraints_end(struct sg_audit_scope *scope)
{
	sg_rules_foreign_keys_end(scope);
}
