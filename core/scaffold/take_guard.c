/* take_guard.c - a backfill asks whether rows are left in columns that a later migration takes away. Where they are gone, that migration has
 * run, and it waited for the backfill: so none is left. (On a database where all of it was done by other means, the question
 * would fail for ever.) */
#include "config.h"

#include <string.h>

#include "core/scaffold/take_parts.h"
#include "core/sql/tree.h"

static void collect(struct take *take, struct take_step *step, const struct sg_json *tree, const char *key)
{
	const char *table = sg_json_text(sg_json_get(tree, "relname")), *name = NULL;

	if (table != NULL)
		sg_relations_add(take->arena, &step->tables, (struct sg_relation){ sg_json_text(sg_json_get(tree, "schemaname")), table });
	if (key != NULL && strcmp(key, "ColumnRef") == 0) {
		const struct sg_json *fields = sg_json_get(tree, "fields");

		name = sg_node_string(sg_json_at(fields, sg_json_count(fields) - 1));
	} else if (key != NULL && strcmp(key, "ResTarget") == 0) {
		name = sg_json_text(sg_json_get(tree, "name"));
	}
	if (name != NULL)
		sg_relations_add(take->arena, &step->mentions, (struct sg_relation){ NULL, name });
	if (sg_json_is_array(tree))
		for (size_t i = 0; i < sg_json_count(tree); i++)
			collect(take, step, sg_json_at(tree, i), NULL);
	for (void *iter = sg_json_is_object(tree) ? sg_json_next(tree, NULL) : NULL; iter != NULL; iter = sg_json_next(tree, iter))
		collect(take, step, sg_json_value(iter), sg_json_key(iter));
}

void take_remember(struct take *take, struct take_step *step, const struct sg_json *tree)
{
	collect(take, step, tree, NULL);
}

static bool names(const struct sg_relations *list, struct sg_relation what)
{
	for (size_t i = 0; i < list->count; i++)
		if (take_same_table(list->list[i], what))
			return true;
	return false;
}

/* column NULL: the table itself is gone. */
static void goes(struct take *take, struct sg_relation table, const char *column)
{
	const char *sql, *line;

	if (table.name == NULL)
		return;
	sql = take_literal(&take->scratch, take_sql_table(&take->scratch, table), 2);
	line = column == NULL ? sg_arena_printf(&take->scratch, "!sg_table_exists(sg, %s)", sql)
	                      : sg_arena_printf(&take->scratch, "!sg_column_exists(sg, %s, %s)", sql, take_literal(&take->scratch, column, 2));
	for (size_t i = 0; i < take->count; i++) {
		struct take_step *step = take->steps[i];

		if (step->kind == TAKE_FILL && names(&step->tables, table) &&
		    (column == NULL || names(&step->mentions, (struct sg_relation){ NULL, column })))
			step->guards = sg_arena_printf(take->arena, "%s\tif (%s)\n\t\treturn 1; /* %s took it away, when this was done */\n",
			                               step->guards != NULL ? step->guards : "", line, take->part->id);
	}
}

void take_guard(struct take *take, const struct sg_json *tree)
{
	const struct sg_json *alter = sg_node_as(tree, "AlterTableStmt"), *drop = sg_node_as(tree, "DropStmt");
	const struct sg_json *rename = sg_node_as(tree, "RenameStmt"), *move = sg_node_as(tree, "AlterObjectSchemaStmt");
	const struct sg_json *cmds = sg_json_get(alter, "cmds"), *objects = sg_json_get(drop, "objects");
	struct sg_relation table;

	for (size_t i = 0; i < sg_json_count(cmds); i++) {
		const struct sg_json *cmd = sg_node_as(sg_json_at(cmds, i), "AlterTableCmd");

		if (sg_node_is(cmd, "subtype", "AT_DropColumn"))
			goes(take, sg_tree_relation(sg_json_get(alter, "relation")), sg_json_text(sg_json_get(cmd, "name")));
	}
	for (size_t i = 0; sg_node_is(drop, "removeType", "OBJECT_TABLE") && i < sg_json_count(objects); i++)
		if (sg_tree_names(sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items"), &table))
			goes(take, table, NULL);
	if (sg_node_is(rename, "renameType", "OBJECT_COLUMN"))
		goes(take, sg_tree_relation(sg_json_get(rename, "relation")), sg_json_text(sg_json_get(rename, "subname")));
	else if (sg_node_is(rename, "renameType", "OBJECT_TABLE"))
		goes(take, sg_tree_relation(sg_json_get(rename, "relation")), NULL);
	else if (sg_node_is(move, "objectType", "OBJECT_TABLE"))
		goes(take, sg_tree_relation(sg_json_get(move, "relation")), NULL);
}
