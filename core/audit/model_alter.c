/* model_alter.c - ALTER TABLE: its actions in the passes in which the server does them (src/backend/commands/tablecmds.c), and
 * passed on to partitions and heirs. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

static void alter_column_type(struct sg_table *table, const char *name, const struct sg_json *def)
{
	struct sg_model_column *column = sg_model_column_of(table, name);

	if (column != NULL)
		column->type = sg_model_type_text(table->model, sg_json_get(def, "typeName"));
}

static void apply_action(struct sg_table *table, const struct sg_json *action)
{
	const char *subtype = sg_json_text(sg_json_get(action, "subtype"));
	const char *name = sg_model_keep(table->model, sg_json_text(sg_json_get(action, "name")));
	const struct sg_json *def = sg_json_get(action, "def");
	struct sg_model_column *column = sg_model_column_of(table, name);

	if (subtype == NULL)
		return;
	if (strcmp(subtype, "AT_AddColumn") == 0)
		sg_model_define_column(table, sg_node_as(def, "ColumnDef"));
	else if (strcmp(subtype, "AT_DropColumn") == 0)
		sg_model_drop_column(table, name, false);
	else if (strcmp(subtype, "AT_AlterColumnType") == 0)
		alter_column_type(table, name, sg_node_as(def, "ColumnDef"));
	else if (column != NULL && strcmp(subtype, "AT_SetNotNull") == 0)
		column->not_null = true;
	else if (column != NULL && strcmp(subtype, "AT_DropNotNull") == 0)
		column->not_null = false;
	else if (column != NULL && strcmp(subtype, "AT_ColumnDefault") == 0)
		column->has_default = def != NULL;
}

bool sg_model_apply_alter(struct sg_model *model, const char *node, const struct sg_json *body)
{
	const struct sg_json *actions = sg_json_get(body, "cmds");
	struct sg_table *table;

	if (strcmp(node, "AlterTableStmt") != 0)
		return false;
	if (sg_node_is(body, "objtype", "OBJECT_TYPE") || sg_node_is(body, "objtype", "OBJECT_INDEX"))
		return true;
	table = sg_model_enter(model, sg_tree_relation(sg_json_get(body, "relation")));
	for (size_t i = 0; table != NULL && i < sg_json_count(actions); i++)
		apply_action(table, sg_node_as(sg_json_at(actions, i), "AlterTableCmd"));
	return true;
}
