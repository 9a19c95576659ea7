/* model_drop.c - DROP, RENAME and SET SCHEMA of whatever the model holds. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

static bool is_relation(const struct sg_json *body, const char *member)
{
	static const char *const kinds[] = { "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE",
		                             "OBJECT_SEQUENCE" };

	for (size_t i = 0; i < SG_COUNT(kinds); i++)
		if (sg_node_is(body, member, kinds[i]))
			return true;
	return false;
}

bool sg_model_apply_drop(struct sg_model *model, const char *node, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	bool cascade = sg_node_is(body, "behavior", "DROP_CASCADE");

	if (strcmp(node, "DropStmt") != 0)
		return false;
	for (size_t i = 0; i < sg_json_count(objects); i++) {
		const struct sg_json *object = sg_json_at(objects, i);
		struct sg_relation name;

		if (is_relation(body, "removeType") && sg_tree_names(sg_json_get(sg_node_as(object, "List"), "items"), &name)) {
			struct sg_table *table = sg_model_enter(model, name);

			if (table != NULL)
				sg_model_drop(table, cascade);
		}
	}
	return true;
}

bool sg_model_apply_rename(struct sg_model *model, const char *node, const struct sg_json *body)
{
	struct sg_table *table;
	const char *name;

	if (strcmp(node, "RenameStmt") != 0)
		return false;
	name = sg_model_keep(model, sg_json_text(sg_json_get(body, "newname")));
	table = sg_model_enter(model, sg_tree_relation(sg_json_get(body, "relation")));
	if (table == NULL)
		return true;
	if (is_relation(body, "renameType"))
		sg_model_rename(table, table->schema, name);
	else if (sg_node_is(body, "renameType", "OBJECT_COLUMN"))
		sg_model_rename_column(table, sg_model_keep(model, sg_json_text(sg_json_get(body, "subname"))), name);
	return true;
}
