/* model_drop.c - DROP, RENAME and SET SCHEMA of whatever the model holds, and what follows from it elsewhere. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

static bool is_one_of(const struct sg_json *body, const char *member, const char *const *kinds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sg_node_is(body, member, kinds[i]))
			return true;
	return false;
}

static bool is_relation(const struct sg_json *body, const char *member)
{
	static const char *const kinds[] = { "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE",
		                             "OBJECT_SEQUENCE", "OBJECT_INDEX" };

	return is_one_of(body, member, kinds, SG_COUNT(kinds));
}

static bool is_type(const struct sg_json *body, const char *member)
{
	static const char *const kinds[] = { "OBJECT_TYPE", "OBJECT_DOMAIN" };

	return is_one_of(body, member, kinds, SG_COUNT(kinds));
}

static bool is_routine(const struct sg_json *body, const char *member)
{
	static const char *const kinds[] = { "OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE" };

	return is_one_of(body, member, kinds, SG_COUNT(kinds));
}

/* An object's name in whatever node stands for it. */
static bool object_name(const struct sg_json *object, struct sg_relation *name_r)
{
	return sg_tree_names(sg_json_get(sg_node_as(object, "List"), "items"), name_r) ||
	       sg_tree_names(sg_json_get(sg_node_as(object, "TypeName"), "names"), name_r) ||
	       sg_tree_names(sg_json_get(sg_node_as(object, "ObjectWithArgs"), "objname"), name_r);
}

/* ---- types and routines: kept by schema and name ------------------------------------- */

static void remove_entry(struct sg_model *model, struct sg_map *map, const void *schema, const char *name)
{
	const struct sg_map_entry *entry = sg_map_find(map, schema, name);

	if (entry == NULL)
		return;
	if (map == &model->routines)
		free(((struct sg_routine *)entry->what)->text);
	for (size_t i = 0; map == &model->types && i < model->changed_count; i++)
		if (model->changed[i] == entry->what)
			model->changed[i] = model->changed[--model->changed_count];
	sg_map_remove(map, schema, name);
}

/* Both begin with their name. */
static void move_entry(struct sg_model *model, struct sg_map *map, const void *schema, const char *name, struct sg_relation to)
{
	const struct sg_map_entry *entry = sg_map_find(map, schema, name);
	const char *to_schema = to.schema != NULL ? to.schema : model->public;
	void *what = entry != NULL ? entry->what : NULL;

	if (what == NULL || sg_map_find(map, to_schema, to.name) != NULL)
		return;
	sg_map_remove(map, schema, name);
	sg_map_put(map, to_schema, to.name)->what = what;
	if (map == &model->types)
		((struct sg_type *)what)->seen.name = to;
	else
		((struct sg_routine *)what)->seen.name = to;
}

/* As sg_tree_type() says it of a user's type, with or without a schema. */
static const char *type_text(struct sg_model *model, struct sg_relation name, bool schema)
{
	struct sg_arena *scratch = &model->scratch;
	const char *own = sg_tree_quote(scratch, name.name);

	if (!schema)
		return sg_model_known(model, own);
	return sg_model_known(model, sg_arena_printf(scratch, "%s.%s",
	                                             sg_tree_quote(scratch, name.schema != NULL ? name.schema : model->public), own));
}

/* Columns of a type that is dropped go too, those of one that is renamed have the new name. */
static void follow_type(struct sg_model *model, struct sg_relation name, const char *to)
{
	const char *shown = type_text(model, name, true), *short_one = type_text(model, name, false);

	for (size_t t = 0; t < model->table_count; t++) {
		struct sg_table *table = model->tables[t];

		if (table->seen.dropped || !sg_model_spend(model, 1 + table->seen.column_count))
			continue;
		for (size_t i = table->seen.column_count; i-- > 0;) {
			struct sg_model_column *column = &table->seen.columns[i];

			if (column->type == NULL || (column->type != shown && column->type != short_one))
				continue;
			if (to != NULL)
				column->type = to;
			else
				sg_model_drop_column(table, column->name, true, false);
			if (i > table->seen.column_count)
				i = table->seen.column_count;
		}
	}
}

/* ---- schemas ------------------------------------------------------------------------- */

struct keys {
	const char **names;
	size_t count;
};

static struct keys names_in(struct sg_model *model, const struct sg_map *map, const char *schema)
{
	struct keys keys = { 0 };

	if (!sg_model_spend(model, map->size))
		return keys;
	keys.names = sg_arena_array(&model->scratch, map->count, sizeof *keys.names);
	for (size_t i = 0; i < map->size; i++)
		if (map->entries[i].name != NULL && map->entries[i].scope == schema)
			keys.names[keys.count++] = map->entries[i].name;
	return keys;
}

/* to: its new name; NULL: it is dropped with all that is in it. */
static void follow_schema(struct sg_model *model, const char *schema, const char *to)
{
	struct sg_map *maps[] = { &model->types, &model->routines };

	if (schema == NULL || !sg_model_spend(model, model->table_count))
		return;
	for (size_t i = 0; i < model->table_count; i++) {
		struct sg_table *table = model->tables[i];

		if (table->schema != schema || table->seen.dropped)
			continue;
		if (to != NULL)
			sg_model_rename(table, to, table->seen.name.name);
		else
			sg_model_drop(table, true);
	}
	for (size_t m = 0; m < SG_COUNT(maps); m++) {
		struct keys keys = names_in(model, maps[m], schema);

		for (size_t i = 0; i < keys.count; i++) {
			if (to != NULL)
				move_entry(model, maps[m], schema, keys.names[i], (struct sg_relation){ to, keys.names[i] });
			else
				remove_entry(model, maps[m], schema, keys.names[i]);
		}
	}
}

/* ---- DROP ---------------------------------------------------------------------------- */

static void drop_relation(struct sg_model *model, struct sg_relation name, bool cascade)
{
	const struct sg_model_table *owner;
	const struct sg_model_index *index = sg_model_index(model, name, &owner);
	struct sg_table *table;

	if (index != NULL) {
		table = (struct sg_table *)(uintptr_t)owner;
		if (!index->constraint) /* the server refuses the others */
			sg_model_drop_index(table, &table->seen.indexes[index - owner->indexes]);
		return;
	}
	table = sg_model_enter(model, name);
	if (table != NULL)
		sg_model_drop(table, cascade);
}

static void drop(struct sg_model *model, const struct sg_json *body, const struct sg_json *object)
{
	bool cascade = sg_node_is(body, "behavior", "DROP_CASCADE");
	struct sg_relation name;
	const char *schema;

	if (sg_node_is(body, "removeType", "OBJECT_SCHEMA")) {
		follow_schema(model, sg_model_known(model, sg_node_string(object)), NULL);
		return;
	}
	if (!object_name(object, &name))
		return;
	schema = name.schema != NULL ? sg_model_known(model, name.schema) : model->public;
	/* DROP INDEX of one that was never seen says nothing of a table. */
	if (is_relation(body, "removeType")) {
		if (!sg_node_is(body, "removeType", "OBJECT_INDEX") || sg_model_index(model, name, NULL) != NULL)
			drop_relation(model, name, cascade);
	} else if (is_type(body, "removeType")) {
		if (cascade)
			follow_type(model, name, NULL);
		remove_entry(model, &model->types, schema, sg_model_known(model, name.name));
	} else if (is_routine(body, "removeType"))
		remove_entry(model, &model->routines, schema, sg_model_known(model, name.name));
}

bool sg_model_apply_drop(struct sg_model *model, const char *node, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");

	if (strcmp(node, "DropStmt") != 0)
		return false;
	for (size_t i = 0; i < sg_json_count(objects); i++)
		drop(model, body, sg_json_at(objects, i));
	return true;
}

/* ---- RENAME -------------------------------------------------------------------------- */

/* An index of a constraint has the constraint's name. */
static void rename_index(struct sg_table *table, const char *old, const char *name)
{
	struct sg_model_index *index = sg_model_index_of(table, old);
	struct sg_model_constraint *constraint =
		index != NULL && index->constraint ? sg_model_constraint_of(table, index->name) : NULL;

	if (constraint != NULL)
		sg_model_rename_constraint(table, constraint, name);
	else if (index != NULL)
		sg_model_rename_index(table, index, name);
}

static void rename_relation(struct sg_model *model, const struct sg_json *body, struct sg_relation old, const char *name)
{
	const struct sg_model_table *owner;
	const struct sg_model_index *index = sg_model_index(model, old, &owner);
	struct sg_table *table;

	if (index != NULL) {
		rename_index((struct sg_table *)(uintptr_t)owner, index->name, name);
		return;
	}
	if (sg_node_is(body, "renameType", "OBJECT_INDEX"))
		return;
	table = sg_model_enter(model, old);
	if (table != NULL)
		sg_model_rename(table, table->schema, name);
}

static void rename_other(struct sg_model *model, const struct sg_json *body, const char *name)
{
	bool type = is_type(body, "renameType");
	struct sg_relation old, to;
	const char *schema;

	if ((!type && !is_routine(body, "renameType")) || !object_name(sg_json_get(body, "object"), &old) || name == NULL)
		return;
	to = (struct sg_relation){ sg_model_shown(model, old.schema), name };
	schema = old.schema != NULL ? sg_model_known(model, old.schema) : model->public;
	if (type)
		follow_type(model, old,
		            sg_model_keep_text(model, sg_arena_printf(&model->scratch, "%s%s%s",
		                                                      to.schema != NULL ? sg_tree_quote(&model->scratch, to.schema) : "",
		                                                      to.schema != NULL ? "." : "",
		                                                      sg_tree_quote(&model->scratch, name))));
	move_entry(model, type ? &model->types : &model->routines, schema, sg_model_known(model, old.name), to);
}

bool sg_model_apply_rename(struct sg_model *model, const char *node, const struct sg_json *body)
{
	const struct sg_json *rangevar = sg_json_get(body, "relation");
	const char *old = sg_model_known(model, sg_json_text(sg_json_get(body, "subname")));
	const char *name = sg_model_keep(model, sg_json_text(sg_json_get(body, "newname")));
	struct sg_table *table;

	if (strcmp(node, "RenameStmt") != 0)
		return false;
	if (is_relation(body, "renameType"))
		rename_relation(model, body, sg_tree_relation(rangevar), name);
	else if (sg_node_is(body, "renameType", "OBJECT_COLUMN")) {
		table = sg_model_enter(model, sg_tree_relation(rangevar));
		if (table != NULL)
			sg_model_rename_column(table, sg_model_keep(model, sg_json_text(sg_json_get(body, "subname"))), name);
	} else if (sg_node_is(body, "renameType", "OBJECT_TABCONSTRAINT")) {
		table = sg_model_enter(model, sg_tree_relation(rangevar));
		if (table != NULL && sg_model_constraint_of(table, old) != NULL)
			sg_model_rename_constraint(table, sg_model_constraint_of(table, old), name);
	} else if (sg_node_is(body, "renameType", "OBJECT_SCHEMA"))
		follow_schema(model, old, name);
	else
		rename_other(model, body, name);
	return true;
}

/* ---- SET SCHEMA ------------------------------------------------------------------------ */

bool sg_model_apply_set_schema(struct sg_model *model, const char *node, const struct sg_json *body)
{
	const char *to = sg_model_keep(model, sg_json_text(sg_json_get(body, "newschema")));
	struct sg_relation name;
	struct sg_table *table;

	if (strcmp(node, "AlterObjectSchemaStmt") != 0)
		return false;
	if (to == NULL)
		return true;
	if (is_relation(body, "objectType")) {
		table = sg_model_enter(model, sg_tree_relation(sg_json_get(body, "relation")));
		if (table != NULL)
			sg_model_rename(table, to, table->seen.name.name);
	} else if ((is_type(body, "objectType") || is_routine(body, "objectType")) &&
	           object_name(sg_json_get(body, "object"), &name)) {
		struct sg_relation moved = { to, sg_model_keep(model, name.name) };

		if (is_type(body, "objectType"))
			follow_type(model, name,
			            sg_model_keep_text(model, sg_arena_printf(&model->scratch, "%s.%s", sg_tree_quote(&model->scratch, to),
			                                                      sg_tree_quote(&model->scratch, name.name))));
		move_entry(model, is_type(body, "objectType") ? &model->types : &model->routines,
		           name.schema != NULL ? sg_model_known(model, name.schema) : model->public, moved.name, moved);
	}
	return true;
}
