/* rules_types.c - types that are hard to change later, told where they are chosen: on new tables above all. Values of enums and the
 * lengths of names are in files of their own. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "core/audit/parts.h"
#include "core/audit/rules_types.h"
#include "core/audit/type_change.h"
#include "core/sql/tree.h"

static bool is(const char *type, const char *name)
{
	return type != NULL && strcmp(type, name) == 0;
}

static bool begins(const char *type, const char *prefix)
{
	return type != NULL && strncmp(type, prefix, strlen(prefix)) == 0;
}

/* Does the column hold money, by its name? A measurement may well be a double. */
static bool is_amount(const char *name)
{
	static const char *const words[] = { "amount", "balance", "cost", "costs", "credit", "debit", "discount", "fee", "fees",
		                             "paid", "payment", "price", "prices", "revenue", "salary", "subtotal", "tax",
		                             "total", "vat", "wage" };

	for (const char *at = name; *at != '\0';) {
		size_t length = strcspn(at, "_");

		for (size_t i = 0; i < SG_COUNT(words); i++)
			if (strlen(words[i]) == length && strncasecmp(at, words[i], length) == 0)
				return true;
		at += length + (at[length] != '\0');
	}
	return false;
}

/* By the type alone. where: "column note of leads". */
static void look_at_type(struct sg_audit_scope *scope, const char *type, const char *name, const char *where)
{
	const char *bare;

	if (type == NULL)
		return;
	bare = sg_type_bare(scope->arena, type);
	if (begins(type, "character("))
		sg_audit_find(scope, SG_RULE_TYPE_CHAR, NULL, "%s: %s", where, type);
	else if (begins(type, "character varying("))
		sg_audit_find(scope, SG_RULE_TYPE_VARCHAR, NULL, "%s: %s", where, type);
	else if (is(bare, "timestamp without time zone"))
		sg_audit_find(scope, SG_RULE_TYPE_TIMESTAMP, NULL, "%s", where);
	else if (is(bare, "money") || ((is(bare, "real") || is(bare, "double precision")) && is_amount(name)))
		sg_audit_find(scope, SG_RULE_TYPE_MONEY_FLOAT, NULL, "%s: %s", where, type);
	else if (is(bare, "json"))
		sg_audit_find(scope, SG_RULE_COLUMN_ADD_JSON, NULL, "%s", where);
}

static bool is_small(const char *type)
{
	return is(type, "integer") || is(type, "smallint");
}

/* key: the column alone is the primary key. */
static void look_at_column(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *column, bool key)
{
	const struct sg_json *type_name = sg_json_get(column, "typeName");
	const char *type = sg_tree_type(scope->arena, type_name), *name = sg_json_text(sg_json_get(column, "colname"));
	bool serial = sg_tree_type_is_serial(type_name);
	const char *where;

	if (name == NULL)
		return;
	where = sg_arena_printf(scope->arena, "column %s of %s", name, sg_audit_name(scope->arena, table));
	if (serial)
		sg_audit_find(scope, SG_RULE_TYPE_SERIAL, NULL, "%s", where);
	/* What counts up, and what other tables will point to. */
	if (is_small(type) && (serial || key || sg_parts_constraint(column, "CONSTR_PRIMARY") != NULL ||
	                       sg_parts_constraint(column, "CONSTR_IDENTITY") != NULL))
		sg_audit_find(scope, SG_RULE_TYPE_INT, NULL, "%s: %s", where, type);
	look_at_type(scope, type, name, where);
}

/* ---- statements ---------------------------------------------------------------------- */

/* The one column of PRIMARY KEY (…) as an element of CREATE TABLE, or NULL. */
static const char *key_of(const struct sg_json *elements)
{
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(elements, i), "Constraint");
		const struct sg_json *keys = sg_json_get(constraint, "keys");

		if (sg_node_is(constraint, "contype", "CONSTR_PRIMARY") && sg_json_count(keys) == 1)
			return sg_node_string(sg_json_at(keys, 0));
	}
	return NULL;
}

static void look_at_create(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *elements = sg_json_get(body, "tableElts"), *relation = sg_json_get(body, "relation");
	struct sg_relation table = sg_tree_relation(relation);
	const char *key = key_of(elements);

	if (table.name == NULL || sg_node_is(relation, "relpersistence", "t"))
		return;
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *column = sg_node_as(sg_json_at(elements, i), "ColumnDef");

		if (sg_json_get(column, "typeName") != NULL)
			look_at_column(scope, table, column, key != NULL && sg_node_is(column, "colname", key));
	}
}

/* ALTER TABLE … ADD PRIMARY KEY (id), where what id is was seen. */
static void look_at_key(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint)
{
	const struct sg_json *keys = sg_json_get(constraint, "keys");
	const char *name = sg_json_count(keys) == 1 ? sg_node_string(sg_json_at(keys, 0)) : NULL;
	const struct sg_model_column *column = sg_parts_known_column(scope, table, name);

	/* A serial one was told where it was made. */
	if (sg_node_is(constraint, "contype", "CONSTR_PRIMARY") && column != NULL && is_small(column->type) && !column->serial &&
	    !column->identity)
		sg_audit_find(scope, SG_RULE_TYPE_INT, NULL, "column %s of %s: %s", name, sg_audit_name(scope->arena, table),
		              column->type);
}

/* ALTER COLUMN … TYPE. A longer varchar was a varchar before: that is no news. */
static void look_at_change(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *column, const char *name)
{
	const struct sg_model_column *known = sg_parts_known_column(scope, table, name);
	const char *type = sg_tree_type(scope->arena, sg_json_get(column, "typeName"));

	if (type == NULL || (known != NULL && known->type != NULL &&
	                     strcmp(sg_type_bare(scope->arena, known->type), sg_type_bare(scope->arena, type)) == 0))
		return;
	look_at_type(scope, type, name, sg_arena_printf(scope->arena, "column %s of %s", name, sg_audit_name(scope->arena, table)));
}

static void look_at_alter(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *body)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);
	const struct sg_json *command;

	if (known != NULL && known->temporary)
		return;
	for (size_t i = 0; (command = sg_parts_command(body, i)) != NULL; i++) {
		const struct sg_json *column = sg_parts_column(command);
		const char *name = sg_json_text(sg_json_get(command, "name"));

		if (sg_node_is(command, "subtype", "AT_AddColumn") && column != NULL)
			look_at_column(scope, table, column, false);
		else if (sg_node_is(command, "subtype", "AT_AlterColumnType") && column != NULL && name != NULL)
			look_at_change(scope, table, column, name);
		else if (sg_node_is(command, "subtype", "AT_AddConstraint"))
			look_at_key(scope, table, sg_node_as(sg_json_get(command, "def"), "Constraint"));
	}
}

void sg_rules_types(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	struct sg_relation table;

	sg_rules_names(scope);
	sg_rules_enums(scope, node, body);
	sg_rules_zone(scope, node, body);
	if (strcmp(node, "CreateStmt") == 0)
		look_at_create(scope, body);
	else if (sg_parts_alter(scope, node, body, &table))
		look_at_alter(scope, table, body);
}
