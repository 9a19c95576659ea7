/* rules_enums.c - the values of enums: a new one cannot be used by the transaction that adds it (AlterEnum and check_safe_enum_use of the
 * server), and one that is renamed is gone for code that runs. */
#include "config.h"

#include <string.h>

#include "core/audit/rules_types.h"
#include "core/sql/tree.h"

static bool is_new(const struct sg_audit_scope *scope, struct sg_relation name)
{
	const struct sg_model_type *type = sg_model_type(scope->model, name);

	return type != NULL && type->made_in != NULL && strcmp(type->made_in, scope->migration->id) == 0;
}

static void note_value(struct sg_audit_scope *scope, struct sg_relation type, const char *text)
{
	struct sg_audit_type_notes *notes = sg_rules_type_notes(scope);

	if (notes->transaction != scope->transaction)
		notes->count = 0;
	notes->transaction = scope->transaction;
	notes->values = sg_arena_grow(scope->arena, notes->values, &notes->capacity, notes->count + 1, sizeof *notes->values);
	notes->values[notes->count++] = (struct sg_rules_enum_value){ .text = sg_arena_strdup(scope->arena, text),
		                                        .type = { sg_arena_strdup(scope->arena, type.schema),
		                                                  sg_arena_strdup(scope->arena, type.name) } };
}

static void add_value(struct sg_audit_scope *scope, struct sg_relation type, const char *text)
{
	/* A type that the transaction itself made may be used at once. */
	if (!scope->in_transaction || is_new(scope, type))
		return;
	if (scope->options->server_version < 12)
		sg_audit_find(scope, SG_RULE_ENUM_ADD_VALUE, NULL, "value '%s' of %s: fails, before 12 it cannot be added in a transaction",
		              text, sg_audit_name(scope->arena, type));
	else
		note_value(scope, type, text);
}

/* ---- uses -------------------------------------------------------------------------------- */

static void look_at_text(struct sg_audit_scope *scope, const char *text)
{
	const struct sg_audit_type_notes *notes = scope->types;

	for (size_t i = 0; text != NULL && i < notes->count; i++)
		if (strcmp(notes->values[i].text, text) == 0)
			sg_audit_find(scope, SG_RULE_ENUM_ADD_VALUE, NULL, "value '%s' of %s is used", text,
			              sg_audit_name(scope->arena, notes->values[i].type));
}

/* 'done'::text is no value of an enum. An array of casts and the like goes by its element. */
static bool is_of_other_type(const struct sg_audit_scope *scope, const struct sg_json *type)
{
	struct sg_relation name;

	if (sg_tree_type_is_builtin(type))
		return true;
	if (!sg_tree_names(sg_json_get(type, "names"), &name))
		return false;
	for (size_t i = 0; i < scope->types->count; i++)
		if (strcmp(scope->types->values[i].type.name, name.name) == 0)
			return false;
	return true;
}

static void look_for_uses(struct sg_audit_scope *scope, const struct sg_json *node)
{
	const struct sg_json *constant = sg_node_as(node, "A_Const"), *cast = sg_node_as(node, "TypeCast");

	if (constant != NULL) {
		look_at_text(scope, sg_json_text(sg_json_get(sg_json_get(constant, "sval"), "sval")));
		return;
	}
	if (cast != NULL && sg_node_as(sg_json_get(cast, "arg"), "A_Const") != NULL &&
	    is_of_other_type(scope, sg_json_get(cast, "typeName")))
		return;
	for (size_t i = 0; i < sg_json_count(node); i++)
		look_for_uses(scope, sg_json_at(node, i));
	for (void *iter = sg_json_next(node, NULL); iter != NULL; iter = sg_json_next(node, iter))
		look_for_uses(scope, sg_json_value(iter));
}

void sg_rules_enums(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	const char *old, *new;
	struct sg_relation type;

	if (strcmp(node, "AlterEnumStmt") == 0) {
		old = sg_json_text(sg_json_get(body, "oldVal"));
		new = sg_json_text(sg_json_get(body, "newVal"));
		if (new == NULL || !sg_tree_names(sg_json_get(body, "typeName"), &type))
			return;
		if (old == NULL)
			add_value(scope, type, new);
		else if (!is_new(scope, type))
			sg_audit_find(scope, SG_RULE_ENUM_RENAME_VALUE, NULL, "'%s' of %s becomes '%s'", old,
			              sg_audit_name(scope->arena, type), new);
		return;
	}
	if (scope->types == NULL || scope->types->transaction != scope->transaction || !scope->in_transaction ||
	    strcmp(node, "VariableSetStmt") == 0)
		return;
	look_for_uses(scope, body);
}
