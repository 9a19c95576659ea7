/* model.c - the tables of the model: kept in the order in which they were first named, found by schema and name.
 *
 * What bears a relation's name is a table or an index of one; both are in one map, as in pg_class. A table that is dropped
 * keeps its place, so that a later use of it can be explained, and is used again if it is made again: neither making and
 * dropping nor renaming forth and back lets the memory grow. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/sql/tree.h"

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */
#define SCRATCH_STATEMENTS 32
#define STEPS 50000000    /* a second or so */
#define ROOM 500000       /* things: some 60 MiB. Trees that people write have a hundredth of that. */

struct sg_model *sg_model_new(void)
{
	struct sg_model *model = sg_xcalloc(1, sizeof *model);

	model->public = sg_model_keep(model, "public");
	model->pg_temp = sg_model_keep(model, "pg_temp");
	model->room = ROOM;
	model->steps = STEPS;
	return model;
}

void sg_model_free(struct sg_model *model)
{
	for (size_t i = 0; i < model->table_count; i++) {
		struct sg_table *table = model->tables[i];

		free(table->seen.columns);
		free(table->seen.constraints);
		free(table->seen.indexes);
		free(table->parents);
		free(table->children);
		free(table);
	}
	free(model->tables);
	free(model->temporary);
	free(model->changed);
	for (size_t i = 0; i < model->routines.size; i++)
		if (model->routines.entries[i].name != NULL)
			free(((struct sg_routine *)model->routines.entries[i].what)->text);
	sg_map_release(&model->relations);
	sg_map_release(&model->constraints);
	sg_map_release(&model->constraint_names);
	sg_map_release(&model->types);
	sg_map_release(&model->routines);
	sg_names_release(&model->names);
	sg_arena_release(&model->scratch);
	sg_arena_release(&model->arena);
	free(model);
}

void sg_model_begin(struct sg_model *model, const char *migration)
{
	model->migration = sg_model_keep_text(model, migration != NULL ? migration : "");
	model->number++;
	model->statement = 0;
	for (size_t i = 0; i < model->changed_count; i++)
		model->changed[i]->seen.added_count = 0;
	model->changed_count = 0;
	/* They end with the session. */
	for (size_t i = 0; i < model->temporary_count; i++)
		if (!model->temporary[i]->seen.dropped)
			sg_model_drop(model->temporary[i], true);
	model->temporary_count = 0;
}

void sg_model_apply(struct sg_model *model, const struct sg_json *tree, const char *text, size_t number)
{
	const char *node = sg_node_name(tree);
	const struct sg_json *body = sg_node_body(tree);

	if (!sg_json_is_object(body))
		return;
	model->statement = number;
	(void)(sg_model_apply_create(model, node, body) || sg_model_apply_alter(model, node, body) ||
	       sg_model_apply_index(model, node, body) || sg_model_apply_drop(model, node, body) ||
	       sg_model_apply_rename(model, node, body) || sg_model_apply_set_schema(model, node, body) ||
	       sg_model_apply_type(model, node, body) ||
	       sg_model_apply_routine(model, node, body, text));
	/* Its memory is worth keeping for a while: most statements need little of it, and many need none. */
	if (++model->applied % SCRATCH_STATEMENTS == 0)
		sg_arena_reset(&model->scratch);
}

/* ---- names ----------------------------------------------------------------------- */

/* As truncate_identifier() of src/backend/parser/scansup.c: whole characters only. */
static size_t name_length(const char *name)
{
	size_t length = strnlen(name, NAME_MAX_BYTES + 1);

	if (length <= NAME_MAX_BYTES)
		return length;
	length = NAME_MAX_BYTES;
	/* cppcheck-suppress arrayIndexOutOfBounds ; what is longer than that is read here */
	while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
		length--;
	return length;
}

const char *sg_model_keep(struct sg_model *model, const char *name)
{
	return name != NULL ? sg_names_keep(&model->names, &model->arena, name, name_length(name)) : NULL;
}

const char *sg_model_keep_text(struct sg_model *model, const char *text)
{
	return text != NULL ? sg_names_keep(&model->names, &model->arena, text, strlen(text)) : NULL;
}

const char *sg_model_known(const struct sg_model *model, const char *name)
{
	return name != NULL ? sg_names_find(&model->names, name, name_length(name)) : NULL;
}

const char *sg_model_schema(struct sg_model *model, const char *schema)
{
	return schema != NULL ? sg_model_keep(model, schema) : model->public;
}

const char *sg_model_shown(struct sg_model *model, const char *schema)
{
	return schema != NULL ? sg_model_keep(model, schema) : model->inside;
}

const char *sg_model_type_text(struct sg_model *model, const struct sg_json *type)
{
	return sg_model_keep_text(model, sg_tree_type(&model->scratch, type));
}

const char *const *sg_model_names(struct sg_model *model, const struct sg_json *list, size_t max, size_t *count_r)
{
	size_t count = sg_json_count(list) < max ? sg_json_count(list) : max;
	const char **names = count > 0 ? sg_arena_array(&model->arena, count, sizeof *names) : NULL;

	*count_r = 0;
	for (size_t i = 0; i < count; i++) {
		const char *name = sg_node_string(sg_json_at(list, i));

		if (name != NULL)
			names[(*count_r)++] = sg_model_keep(model, name);
	}
	return names;
}

/* ---- finding --------------------------------------------------------------------- */

/* A temporary table hides one of the default schema. */
static struct sg_map_entry *entry_of(const struct sg_model *model, struct sg_relation name)
{
	const char *own = sg_model_known(model, name.name);
	struct sg_map_entry *entry;

	if (own == NULL)
		return NULL;
	if (name.schema != NULL)
		return sg_map_find(&model->relations, sg_model_known(model, name.schema), own);
	entry = model->temporary_count > 0 ? sg_map_find(&model->relations, model->pg_temp, own) : NULL;
	return entry != NULL ? entry : sg_map_find(&model->relations, model->public, own);
}

struct sg_table *sg_model_find(const struct sg_model *model, struct sg_relation name)
{
	const struct sg_map_entry *entry = entry_of(model, name);

	return entry != NULL && entry->at == 0 ? entry->what : NULL;
}

struct sg_table *sg_model_live(const struct sg_model *model, struct sg_relation name)
{
	struct sg_table *table = sg_model_find(model, name);

	return table != NULL && !table->seen.dropped ? table : NULL;
}

bool sg_model_is_taken(const struct sg_model *model, const char *schema, const char *name)
{
	const struct sg_map_entry *entry = sg_map_find(&model->relations, schema, name);

	return entry != NULL && (entry->at > 0 || !((const struct sg_table *)entry->what)->seen.dropped);
}

bool sg_model_take(struct sg_model *model, size_t count)
{
	if (model->room < count)
		return false;
	model->room -= count;
	return true;
}

/* ---- making, renaming, dropping ---------------------------------------------------- */

static void *add(void *list, size_t *count, size_t *capacity, size_t size)
{
	if (*count == *capacity) {
		*capacity = *capacity > 0 ? *capacity * 2 : 4;
		list = sg_xrealloc(list, *capacity * size);
	}
	(*count)++;
	return list;
}

static void add_table(struct sg_table ***list, size_t *count, size_t *capacity, struct sg_table *table)
{
	*list = add(*list, count, capacity, sizeof **list);
	(*list)[*count - 1] = table;
}

static void remove_table(struct sg_table **list, size_t *count, const struct sg_table *table)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == table) {
			list[i] = list[--*count];
			return;
		}
}

/* The table that bears the name, live or dropped, emptied; or a new one. */
static struct sg_table *place(struct sg_model *model, const char *schema, const char *shown, const char *name)
{
	struct sg_map_entry *entry = sg_map_find(&model->relations, schema, name);
	struct sg_table *table = entry != NULL && entry->at == 0 ? entry->what : NULL;

	if (table != NULL && !table->seen.dropped)
		sg_model_drop(table, true);
	if (table == NULL) {
		if (!sg_model_take(model, 1))
			return NULL;
		table = sg_xcalloc(1, sizeof *table);
		add_table(&model->tables, &model->table_count, &model->table_capacity, table);
	}
	model->room += table->seen.column_count;
	*table = (struct sg_table){ .model = model,
		                    .schema = schema,
		                    .referenced = table->referenced,
		                    .parents = table->parents,
		                    .children = table->children,
		                    .parent_capacity = table->parent_capacity,
		                    .child_capacity = table->child_capacity,
		                    .seen = { .name = { shown, name },
		                              .kind = 'r',
		                              .columns = table->seen.columns,
		                              .column_capacity = table->seen.column_capacity,
		                              .constraints = table->seen.constraints,
		                              .constraint_capacity = table->seen.constraint_capacity,
		                              .indexes = table->seen.indexes,
		                              .index_capacity = table->seen.index_capacity } };
	entry = sg_map_put(&model->relations, schema, name);
	if (entry->at > 0) { /* the server would refuse: then an index of that name is gone, we did not see how */
		struct sg_table *owner = entry->what;

		sg_model_drop_index(owner, &owner->seen.indexes[entry->at - 1]);
		entry = sg_map_put(&model->relations, schema, name);
	}
	entry->what = table;
	entry->at = 0;
	return table;
}

struct sg_table *sg_model_enter(struct sg_model *model, struct sg_relation name)
{
	struct sg_table *table = sg_model_live(model, name);

	if (table != NULL || name.name == NULL)
		return table;
	if (entry_of(model, name) != NULL && entry_of(model, name)->at > 0)
		return NULL; /* an index */
	return place(model, sg_model_schema(model, name.schema), sg_model_shown(model, name.schema), sg_model_keep(model, name.name));
}

struct sg_table *sg_model_make(struct sg_model *model, struct sg_relation name, char kind, bool temporary)
{
	struct sg_table *table;

	if (name.name == NULL)
		return NULL;
	temporary |= name.schema != NULL && strcmp(name.schema, "pg_temp") == 0;
	table = place(model, temporary ? model->pg_temp : sg_model_schema(model, name.schema), sg_model_shown(model, name.schema),
	              sg_model_keep(model, name.name));
	if (table == NULL)
		return NULL;
	table->seen.kind = kind;
	table->seen.known = true;
	table->seen.temporary = temporary;
	table->seen.made_in = model->migration;
	table->made_by = model->number;
	if (temporary)
		add_table(&model->temporary, &model->temporary_count, &model->temporary_capacity, table);
	return table;
}

static bool is_above(const struct sg_table *table, const struct sg_table *above, size_t depth)
{
	if (table == above || depth > SG_MODEL_DEPTH_MAX || !sg_model_spend(table->model, 1))
		return true;
	for (size_t i = 0; i < table->parent_count; i++)
		if (is_above(table->parents[i], above, depth + 1))
			return true;
	return false;
}

void sg_model_link(struct sg_table *parent, struct sg_table *child)
{
	/* The server allows no circle, and what walks here would not end. */
	if (is_above(parent, child, 0) || !sg_model_spend(child->model, child->parent_count))
		return;
	for (size_t i = 0; i < child->parent_count; i++)
		if (child->parents[i] == parent)
			return;
	add_table(&parent->children, &parent->child_count, &parent->child_capacity, child);
	add_table(&child->parents, &child->parent_count, &child->parent_capacity, parent);
}

void sg_model_unlink(struct sg_table *parent, struct sg_table *child)
{
	remove_table(parent->children, &parent->child_count, child);
	remove_table(child->parents, &child->parent_count, parent);
}

void sg_model_each_reference(struct sg_table *table, sg_model_reference_fn run, const void *arg)
{
	struct sg_model *model = table->model;

	for (size_t i = 0; table->referenced > 0 && i < model->table_count; i++) {
		struct sg_table *of = model->tables[i];

		if (!sg_model_spend(model, 1 + of->seen.constraint_count))
			return;
		for (size_t c = of->seen.constraint_count; c-- > 0;) {
			if (c >= of->seen.constraint_count) /* what was run took more than one */
				continue;
			if (of->seen.constraints[c].kind == 'f' && sg_model_find(model, of->seen.constraints[c].parent) == table)
				run(of, &of->seen.constraints[c], arg);
		}
	}
}

static void drop_reference(struct sg_table *of, struct sg_model_constraint *key, const void *arg)
{
	(void)arg;
	sg_model_drop_constraint(of, key, false, false);
}

static void drop(struct sg_table *table, bool cascade, size_t depth)
{
	if (table->seen.dropped || depth > SG_MODEL_DEPTH_MAX)
		return;
	if (cascade)
		sg_model_each_reference(table, drop_reference, NULL);
	table->seen.dropped = true;
	sg_model_strip(table);
	while (table->parent_count > 0)
		sg_model_unlink(table->parents[0], table);
	while (table->child_count > 0) {
		struct sg_table *child = table->children[table->child_count - 1];
		bool gone = cascade || child->seen.partition_of.name != NULL;

		sg_model_unlink(table, child);
		if (gone)
			drop(child, cascade, depth + 1);
	}
}

void sg_model_drop(struct sg_table *table, bool cascade)
{
	drop(table, cascade, 0);
}

bool sg_model_spend(struct sg_model *model, size_t steps)
{
	if (model->steps < steps)
		return false;
	model->steps -= steps;
	return true;
}

bool sg_model_goes_down(struct sg_table *child, size_t depth)
{
	return depth < SG_MODEL_DEPTH_MAX && sg_model_spend(child->model, 1);
}

static void point_to(struct sg_table *of, struct sg_model_constraint *key, const void *arg)
{
	(void)of;
	key->parent = *(const struct sg_relation *)arg;
}

void sg_model_rename(struct sg_table *table, const char *schema, const char *name)
{
	struct sg_model *model = table->model;
	struct sg_relation shown = { schema == table->schema || schema == model->pg_temp ? table->seen.name.schema : schema, name };
	struct sg_map_entry *entry;

	if (name == NULL || (schema == table->schema && name == table->seen.name.name) || sg_model_is_taken(model, schema, name))
		return;
	sg_model_each_reference(table, point_to, &shown);
	for (size_t i = 0; i < table->child_count; i++)
		if (table->children[i]->seen.partition_of.name != NULL)
			table->children[i]->seen.partition_of = shown;
	sg_map_remove(&model->relations, table->schema, table->seen.name.name);
	entry = sg_map_put(&model->relations, schema, name);
	entry->what = table;
	entry->at = 0;
	table->seen.name = shown;
	sg_model_move(table, schema);
	table->schema = schema;
	for (size_t i = 0; i < table->seen.index_count; i++)
		table->seen.indexes[i].table = shown;
}

/* ---- what others ask ---------------------------------------------------------------- */

const struct sg_model_table *sg_model_table(const struct sg_model *model, struct sg_relation name)
{
	const struct sg_table *table = sg_model_find(model, name);

	return table != NULL ? &table->seen : NULL;
}

bool sg_model_is_new(const struct sg_model *model, struct sg_relation name)
{
	const struct sg_table *table = sg_model_find(model, name);

	return table != NULL && table->made_by == model->number && model->number > 0;
}

const struct sg_model_table *sg_model_table_at(const struct sg_model *model, size_t i)
{
	return i < model->table_count ? &model->tables[i]->seen : NULL;
}

size_t sg_model_referenced(const struct sg_model_table *table)
{
	return ((const struct sg_table *)table)->referenced;
}

const struct sg_model_table *sg_model_default_partition(const struct sg_model_table *table)
{
	const struct sg_table *parent = (const struct sg_table *)table, *other = parent->other;

	return other != NULL && !other->seen.dropped && other->seen.default_partition &&
	                       sg_model_find(parent->model, other->seen.partition_of) == parent
	               ? &other->seen
	               : NULL;
}

const struct sg_model_index *sg_model_index(const struct sg_model *model, struct sg_relation name,
                                            const struct sg_model_table **table_r)
{
	const struct sg_map_entry *entry = entry_of(model, name);
	const struct sg_table *table = entry != NULL && entry->at > 0 ? entry->what : NULL;

	if (table_r != NULL)
		*table_r = table != NULL ? &table->seen : NULL;
	return table != NULL ? &table->seen.indexes[entry->at - 1] : NULL;
}

static void *named(const struct sg_model *model, const struct sg_map *map, struct sg_relation name)
{
	const char *schema = name.schema != NULL ? sg_model_known(model, name.schema) : model->public;
	struct sg_map_entry *entry = sg_map_find(map, schema, sg_model_known(model, name.name));

	return entry != NULL ? entry->what : NULL;
}

const struct sg_model_type *sg_model_type(const struct sg_model *model, struct sg_relation name)
{
	const struct sg_type *type = named(model, &model->types, name);

	return type != NULL ? &type->seen : NULL;
}

const struct sg_model_routine *sg_model_routine(const struct sg_model *model, struct sg_relation name)
{
	const struct sg_routine *routine = named(model, &model->routines, name);

	return routine != NULL ? &routine->seen : NULL;
}
