/* model_table.c - one table of the model: its columns, constraints and indexes, and that what hangs on a column goes with it.
 *
 * What is taken out of a list of constraints or indexes is replaced by the list's last, so that even a table of very many costs
 * no more for each; columns keep their order, and there are never many. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdlib.h>
#include <string.h>

static void *grow(void *list, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return list;
	*capacity = *capacity > 0 ? *capacity * 2 : 4;
	return sg_xrealloc(list, *capacity * size);
}

static bool names_have(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] == name)
			return true;
	return false;
}

/* The list with one name in place of another; the same list if it is not in it. */
static const char *const *renamed(struct sg_model *model, const char *const *names, size_t count, const char *old,
                                  const char *name)
{
	const char **copy;

	if (!names_have(names, count, old))
		return names;
	copy = sg_arena_array(&model->arena, count, sizeof *copy);
	for (size_t i = 0; i < count; i++)
		copy[i] = names[i] == old ? name : names[i];
	return copy;
}

/* ---- columns --------------------------------------------------------------------- */

struct sg_model_column *sg_model_column_of(const struct sg_table *table, const char *name)
{
	for (size_t i = 0; name != NULL && i < table->seen.column_count; i++)
		if (table->seen.columns[i].name == name)
			return &table->seen.columns[i];
	return NULL;
}

struct sg_model_column *sg_model_add_column(struct sg_table *table, const char *name)
{
	struct sg_model_table *seen = &table->seen;
	struct sg_model_column *column;

	if (name == NULL || table->attributes >= SG_MODEL_COLUMNS_MAX || sg_model_column_of(table, name) != NULL ||
	    !sg_model_take(table->model, 1))
		return NULL;
	table->attributes++;
	seen->columns = grow(seen->columns, seen->column_count, &seen->column_capacity, sizeof *seen->columns);
	column = &seen->columns[seen->column_count++];
	*column = (struct sg_model_column){ .name = name, .made_in = table->model->migration };
	return column;
}

void sg_model_drop_column(struct sg_table *table, const char *name, bool cascade)
{
	struct sg_model_table *seen = &table->seen;
	struct sg_model_column *column = sg_model_column_of(table, name);
	size_t at;

	for (size_t i = seen->constraint_count; name != NULL && i-- > 0;) {
		if (i >= seen->constraint_count) /* a cascade took more */
			continue;
		if (names_have(seen->constraints[i].columns, seen->constraints[i].column_count, name))
			sg_model_drop_constraint(table, &seen->constraints[i], cascade);
	}
	for (size_t i = seen->index_count; name != NULL && i-- > 0;)
		if (names_have(seen->indexes[i].columns, seen->indexes[i].column_count, name) ||
		    names_have(seen->indexes[i].uses, seen->indexes[i].use_count, name))
			sg_model_drop_index(table, &seen->indexes[i]);
	if (column == NULL)
		return;
	at = (size_t)(column - seen->columns);
	memmove(column, column + 1, (seen->column_count - at - 1) * sizeof *column);
	seen->column_count--;
	table->model->room++;
}

void sg_model_rename_column(struct sg_table *table, const char *old, const char *name)
{
	struct sg_model_table *seen = &table->seen;
	struct sg_model *model = table->model;
	struct sg_model_column *column = sg_model_column_of(table, old);

	if (old == NULL || name == NULL || old == name || sg_model_column_of(table, name) != NULL)
		return;
	if (column != NULL)
		column->name = name;
	for (size_t i = 0; i < seen->constraint_count; i++) {
		struct sg_model_constraint *constraint = &seen->constraints[i];

		constraint->columns = renamed(model, constraint->columns, constraint->column_count, old, name);
		if (constraint->not_null == old)
			constraint->not_null = name;
	}
	for (size_t i = 0; i < seen->index_count; i++) {
		struct sg_model_index *index = &seen->indexes[i];

		index->columns = renamed(model, index->columns, index->column_count, old, name);
		index->uses = renamed(model, index->uses, index->use_count, old, name);
		index->parts = renamed(model, index->parts, index->part_count, old, name);
	}
	for (size_t i = 0; table->referenced > 0 && i < model->table_count; i++)
		for (size_t c = 0; c < model->tables[i]->seen.constraint_count; c++) {
			struct sg_model_constraint *key = &model->tables[i]->seen.constraints[c];

			if (key->kind == 'f' && sg_model_find(model, key->parent) == table)
				key->parent_columns = renamed(model, key->parent_columns, key->parent_column_count, old, name);
		}
}

/* ---- indexes --------------------------------------------------------------------- */

struct sg_model_index *sg_model_add_index(struct sg_table *table, const struct sg_model_index *index)
{
	struct sg_model *model = table->model;
	struct sg_model_table *seen = &table->seen;
	struct sg_map_entry *entry;

	if (index->name == NULL || sg_model_is_taken(model, table->schema, index->name) || !sg_model_take(model, 1))
		return NULL;
	seen->indexes = grow(seen->indexes, seen->index_count, &seen->index_capacity, sizeof *seen->indexes);
	seen->indexes[seen->index_count] = *index;
	seen->indexes[seen->index_count++].table = seen->name;
	entry = sg_map_put(&model->relations, table->schema, index->name);
	entry->what = table;
	entry->at = seen->index_count;
	return &seen->indexes[seen->index_count - 1];
}

void sg_model_drop_index(struct sg_table *table, struct sg_model_index *index)
{
	struct sg_model *model = table->model;
	struct sg_model_table *seen = &table->seen;
	size_t at = (size_t)(index - seen->indexes);
	struct sg_map_entry *entry;

	sg_map_remove(&model->relations, table->schema, index->name);
	seen->indexes[at] = seen->indexes[--seen->index_count];
	model->room++;
	entry = at < seen->index_count ? sg_map_find(&model->relations, table->schema, seen->indexes[at].name) : NULL;
	if (entry != NULL)
		entry->at = at + 1;
}

void sg_model_rename_index(struct sg_table *table, struct sg_model_index *index, const char *name)
{
	struct sg_model *model = table->model;
	struct sg_map_entry *entry;

	if (name == NULL || sg_model_is_taken(model, table->schema, name))
		return;
	sg_map_remove(&model->relations, table->schema, index->name);
	index->name = name;
	entry = sg_map_put(&model->relations, table->schema, name);
	entry->what = table;
	entry->at = (size_t)(index - table->seen.indexes) + 1;
}

/* ---- constraints ----------------------------------------------------------------- */

static void count_name(struct sg_model *model, const char *schema, const char *name, bool more)
{
	struct sg_map_entry *entry = more ? sg_map_put(&model->constraint_names, schema, name)
	                                  : sg_map_find(&model->constraint_names, schema, name);

	if (more)
		entry->at++;
	else if (entry != NULL && --entry->at == 0)
		sg_map_remove(&model->constraint_names, schema, name);
}

struct sg_model_constraint *sg_model_constraint_of(const struct sg_table *table, const char *name)
{
	const struct sg_map_entry *entry = sg_map_find(&table->model->constraints, table, name);

	return entry != NULL ? &table->seen.constraints[entry->at] : NULL;
}

struct sg_model_constraint *sg_model_add_constraint(struct sg_table *table, const struct sg_model_constraint *constraint)
{
	struct sg_model *model = table->model;
	struct sg_model_table *seen = &table->seen;
	struct sg_table *parent;

	if (constraint->name == NULL || sg_model_constraint_of(table, constraint->name) != NULL || !sg_model_take(model, 1))
		return NULL;
	seen->constraints = grow(seen->constraints, seen->constraint_count, &seen->constraint_capacity, sizeof *seen->constraints);
	sg_map_put(&model->constraints, table, constraint->name)->at = seen->constraint_count;
	count_name(model, table->schema, constraint->name, true);
	seen->constraints[seen->constraint_count++] = *constraint;
	parent = constraint->kind == 'f' ? sg_model_enter(model, constraint->parent) : NULL;
	if (parent != NULL)
		parent->referenced++;
	return &seen->constraints[seen->constraint_count - 1];
}

/* Takes it out of the list, and no more. */
static void take_out(struct sg_table *table, struct sg_model_constraint *constraint)
{
	struct sg_model *model = table->model;
	struct sg_model_table *seen = &table->seen;
	size_t at = (size_t)(constraint - seen->constraints);
	struct sg_table *parent = constraint->kind == 'f' ? sg_model_find(model, constraint->parent) : NULL;

	if (parent != NULL && parent->referenced > 0)
		parent->referenced--;
	sg_map_remove(&model->constraints, table, constraint->name);
	count_name(model, table->schema, constraint->name, false);
	seen->constraints[at] = seen->constraints[--seen->constraint_count];
	model->room++;
	if (at < seen->constraint_count)
		sg_map_put(&model->constraints, table, seen->constraints[at].name)->at = at;
}

void sg_model_drop_constraint(struct sg_table *table, struct sg_model_constraint *constraint, bool cascade)
{
	const char *name = constraint->name;
	bool indexed = strchr("pux", constraint->kind) != NULL;
	const struct sg_map_entry *entry;

	(void)cascade;
	take_out(table, constraint);
	entry = indexed ? sg_map_find(&table->model->relations, table->schema, name) : NULL;
	if (entry != NULL && entry->what == table && entry->at > 0)
		sg_model_drop_index(table, &table->seen.indexes[entry->at - 1]);
}

void sg_model_rename_constraint(struct sg_table *table, struct sg_model_constraint *constraint, const char *name)
{
	struct sg_model *model = table->model;
	const char *old = constraint->name;
	const struct sg_map_entry *entry;

	if (name == NULL || sg_model_constraint_of(table, name) != NULL)
		return;
	entry = strchr("pux", constraint->kind) != NULL ? sg_map_find(&model->relations, table->schema, old) : NULL;
	sg_map_remove(&model->constraints, table, old);
	count_name(model, table->schema, old, false);
	constraint->name = name;
	sg_map_put(&model->constraints, table, name)->at = (size_t)(constraint - table->seen.constraints);
	count_name(model, table->schema, name, true);
	if (entry != NULL && entry->what == table && entry->at > 0)
		sg_model_rename_index(table, &table->seen.indexes[entry->at - 1], name);
}

/* ---- as a whole ------------------------------------------------------------------ */

void sg_model_strip(struct sg_table *table)
{
	while (table->seen.constraint_count > 0)
		take_out(table, &table->seen.constraints[table->seen.constraint_count - 1]);
	while (table->seen.index_count > 0)
		sg_model_drop_index(table, &table->seen.indexes[table->seen.index_count - 1]);
}

void sg_model_move(struct sg_table *table, const char *schema)
{
	struct sg_model *model = table->model;

	if (schema == table->schema)
		return;
	for (size_t i = 0; i < table->seen.constraint_count; i++) {
		count_name(model, table->schema, table->seen.constraints[i].name, false);
		count_name(model, schema, table->seen.constraints[i].name, true);
	}
	for (size_t i = 0; i < table->seen.index_count; i++) {
		struct sg_map_entry *entry;

		sg_map_remove(&model->relations, table->schema, table->seen.indexes[i].name);
		entry = sg_map_put(&model->relations, schema, table->seen.indexes[i].name);
		entry->what = table;
		entry->at = i + 1;
	}
}

/* ---- what others ask --------------------------------------------------------------- */

const struct sg_model_column *sg_model_column(const struct sg_model_table *table, const char *name)
{
	const struct sg_table *own = (const struct sg_table *)table;

	return sg_model_column_of(own, sg_model_known(own->model, name));
}

const struct sg_model_constraint *sg_model_constraint(const struct sg_model_table *table, const char *name)
{
	const struct sg_table *own = (const struct sg_table *)table;

	return sg_model_constraint_of(own, sg_model_known(own->model, name));
}

/* The first `count` of them are these columns, in whatever order. */
static bool begins_with(const char *const *names, size_t name_count, const char *const *columns, size_t count)
{
	if (count == 0 || name_count < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t k = 0; k < count && !found; k++)
			found = strcmp(names[k], columns[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

bool sg_model_is_indexed(const struct sg_model_table *table, const char *const *columns, size_t count)
{
	for (size_t i = 0; i < table->index_count; i++)
		if (!table->indexes[i].partial && begins_with(table->indexes[i].columns, table->indexes[i].column_count, columns, count))
			return true;
	for (size_t i = 0; i < table->constraint_count; i++)
		if ((table->constraints[i].kind == 'p' || table->constraints[i].kind == 'u') &&
		    begins_with(table->constraints[i].columns, table->constraints[i].column_count, columns, count))
			return true;
	return false;
}
