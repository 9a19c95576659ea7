/* parts.c - see parts.h. */
#include "config.h"
#include "core/audit/parts.h"

#include <string.h>

#include "core/sql/tree.h"

bool sg_parts_alter(const struct sg_audit_scope *scope, const char *node, const struct sg_json *body, struct sg_relation *table_r)
{
	const struct sg_model_table *table;

	if (strcmp(node, "AlterTableStmt") != 0 || !sg_node_is(body, "objtype", "OBJECT_TABLE"))
		return false;
	*table_r = sg_tree_relation(sg_json_get(body, "relation"));
	if (table_r->name == NULL)
		return false;
	table = sg_model_table(scope->model, *table_r);
	return table == NULL || strchr("vmf", table->kind) == NULL;
}

const struct sg_json *sg_parts_command(const struct sg_json *body, size_t i)
{
	return sg_node_as(sg_json_at(sg_json_get(body, "cmds"), i), "AlterTableCmd");
}

const struct sg_json *sg_parts_column(const struct sg_json *command)
{
	return sg_node_as(sg_json_get(command, "def"), "ColumnDef");
}

const struct sg_json *sg_parts_constraint(const struct sg_json *column, const char *kind)
{
	const struct sg_json *list = sg_json_get(column, "constraints");

	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(list, i), "Constraint");

		if (sg_node_is(constraint, "contype", kind))
			return constraint;
	}
	return NULL;
}

const char *const *sg_parts_strings(struct sg_arena *arena, const struct sg_json *list, size_t *count_r)
{
	size_t count = sg_json_count(list);
	const char **strings = count > 0 ? sg_arena_array(arena, count, sizeof *strings) : NULL;

	*count_r = 0;
	for (size_t i = 0; i < count; i++) {
		const char *text = sg_node_string(sg_json_at(list, i));

		if (text != NULL)
			strings[(*count_r)++] = text;
	}
	return strings;
}

const char *sg_parts_join(struct sg_arena *arena, const char *const *list, size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++)
		text = sg_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", list[i]);
	return text;
}

const struct sg_model_column *sg_parts_known_column(const struct sg_audit_scope *scope, struct sg_relation table,
                                                    const char *column)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);

	return known != NULL && !known->dropped && column != NULL ? sg_model_column(known, column) : NULL;
}

bool sg_parts_column_is_new(const struct sg_audit_scope *scope, struct sg_relation table, const char *column)
{
	const struct sg_model_column *known = sg_parts_known_column(scope, table, column);

	return known != NULL && known->made_in != NULL && strcmp(known->made_in, scope->migration->id) == 0;
}

bool sg_parts_proves(const struct sg_model_constraint *check, const char *column)
{
	for (size_t i = 0; i < check->proved_count; i++)
		if (strcmp(check->proved[i], column) == 0)
			return true;
	return false;
}

const struct sg_model_constraint *sg_parts_proof(const struct sg_model_table *table, const char *column)
{
	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *check = &table->constraints[i];

		if (check->kind == 'c' && !check->not_valid && sg_parts_proves(check, column))
			return check;
	}
	return NULL;
}
