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

/* An heir has lost one of those that gave it the column; it keeps what is its own too. */
static bool is_kept(bool *local, unsigned *inherited, bool only)
{
	if (*inherited > 0)
		(*inherited)--;
	if (only)
		*local = true;
	return *local || *inherited > 0;
}

static void drop_column(struct sg_table *table, const char *name, bool cascade, bool only, size_t depth)
{
	struct sg_model_table *seen = &table->seen;
	struct sg_model_column *column;
	size_t at;

	for (size_t i = seen->constraint_count; i-- > 0;) {
		if (i >= seen->constraint_count) /* a cascade took more */
			continue;
		if (names_have(seen->constraints[i].columns, seen->constraints[i].column_count, name))
			sg_model_drop_constraint(table, &seen->constraints[i], cascade, only);
	}
	for (size_t i = seen->index_count; i-- > 0;)
		if (i < seen->index_count && (names_have(seen->indexes[i].columns, seen->indexes[i].column_count, name) ||
		                              names_have(seen->indexes[i].uses, seen->indexes[i].use_count, name)))
			sg_model_drop_index(table, &seen->indexes[i]);
	for (size_t i = 0; i < table->child_count; i++) {
		struct sg_table *child = table->children[i];
		struct sg_model_column *theirs = sg_model_column_of(child, name);

		if (theirs != NULL && sg_model_goes_down(child, depth) && !is_kept(&theirs->local, &theirs->inherited, only))
			drop_column(child, name, cascade, only, depth + 1);
	}
	column = sg_model_column_of(table, name);
	if (column == NULL)
		return;
	at = (size_t)(column - seen->columns);
	memmove(column, column + 1, (seen->column_count - at - 1) * sizeof *column);
	seen->column_count--;
	table->model->room++;
}

void sg_model_drop_column(struct sg_table *table, const char *name, bool cascade, bool only)
{
	if (name != NULL)
		drop_column(table, name, cascade, only, 0);
}

static void rename_parent_column(struct sg_table *of, struct sg_model_constraint *key, const void *arg)
{
	const char *const *names = arg;

	key->parent_columns = renamed(of->model, key->parent_columns, key->parent_column_count, names[0], names[1]);
}

static void rename_column(struct sg_table *table, const char *old, const char *name, size_t depth)
{
	struct sg_model_table *seen = &table->seen;
	struct sg_model *model = table->model;
	struct sg_model_column *column = sg_model_column_of(table, old);
	const char *const names[] = { old, name };

	if (sg_model_column_of(table, name) != NULL ||
	    !sg_model_spend(model, seen->constraint_count + seen->index_count))
		return;
	if (column != NULL)
		column->name = name;
	for (size_t i = 0; i < seen->constraint_count; i++) {
		struct sg_model_constraint *constraint = &seen->constraints[i];

		constraint->columns = renamed(model, constraint->columns, constraint->column_count, old, name);
		constraint->proved = renamed(model, constraint->proved, constraint->proved_count, old, name);
		if (constraint->not_null == old)
			constraint->not_null = name;
	}
	for (size_t i = 0; i < seen->index_count; i++) {
		struct sg_model_index *index = &seen->indexes[i];

		index->columns = renamed(model, index->columns, index->column_count, old, name);
		index->uses = renamed(model, index->uses, index->use_count, old, name);
		index->parts = renamed(model, index->parts, index->part_count, old, name);
	}
	sg_model_each_reference(table, rename_parent_column, names);
	for (size_t i = 0; i < table->child_count; i++)
		if (sg_model_goes_down(table->children[i], depth))
			rename_column(table->children[i], old, name, depth + 1);
}

void sg_model_rename_column(struct sg_table *table, const char *old, const char *name)
{
	if (old != NULL && name != NULL && old != name)
		rename_column(table, old, name, 0);
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

struct sg_model_index *sg_model_index_of(const struct sg_table *table, const char *name)
{
	const struct sg_map_entry *entry = sg_map_find(&table->model->relations, table->schema, name);

	return entry != NULL && entry->at > 0 && entry->what == table ? &table->seen.indexes[entry->at - 1] : NULL;
}

/* The partition's index that is attached to that one. */
static struct sg_model_index *attached(const struct sg_table *child, const char *name)
{
	for (size_t i = 0; i < child->seen.index_count && sg_model_spend(child->model, 1); i++)
		if (child->seen.indexes[i].attached_to.name == name)
			return &child->seen.indexes[i];
	return NULL;
}

static void take_index_out(struct sg_table *table, struct sg_model_index *index)
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

static void drop_index(struct sg_table *table, struct sg_model_index *index, size_t depth)
{
	const char *name = index->name;

	take_index_out(table, index);
	for (size_t i = 0; i < table->child_count && table->seen.kind == 'p'; i++) {
		struct sg_table *child = table->children[i];
		struct sg_model_index *theirs = attached(child, name);

		if (theirs != NULL && sg_model_goes_down(child, depth))
			drop_index(child, theirs, depth + 1);
	}
}

void sg_model_drop_index(struct sg_table *table, struct sg_model_index *index)
{
	drop_index(table, index, 0);
}

void sg_model_rename_index(struct sg_table *table, struct sg_model_index *index, const char *name)
{
	struct sg_model *model = table->model;
	const char *old = index->name;
	struct sg_map_entry *entry;

	if (name == NULL || sg_model_is_taken(model, table->schema, name))
		return;
	sg_map_remove(&model->relations, table->schema, old);
	index->name = name;
	entry = sg_map_put(&model->relations, table->schema, name);
	entry->what = table;
	entry->at = (size_t)(index - table->seen.indexes) + 1;
	for (size_t i = 0; i < table->child_count && table->seen.kind == 'p'; i++) {
		struct sg_model_index *theirs = attached(table->children[i], old);

		if (theirs != NULL)
			theirs->attached_to.name = name;
	}
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

/* A partition's or heir's constraint that is there because of that one. */
static struct sg_model_constraint *constraint_below(const struct sg_table *child, char kind, const char *name)
{
	struct sg_model_constraint *same = sg_model_constraint_of(child, name);

	if (same != NULL && same->kind == kind && same->inherited > 0 && (kind == 'c' || same->of == name))
		return same;
	for (size_t i = 0; kind != 'c' && i < child->seen.constraint_count && sg_model_spend(child->model, 1); i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list with a count is there */
		if (child->seen.constraints[i].kind == kind && child->seen.constraints[i].of == name)
			return &child->seen.constraints[i];
	return NULL;
}

struct needed {
	const char *const *columns;
	size_t count;
	bool primary;
};

/* A foreign key that a unique constraint carried. */
static void drop_if_needed(struct sg_table *of, struct sg_model_constraint *key, const void *arg)
{
	const struct needed *needed = arg;

	if (key->parent_columns == NULL ? !needed->primary : key->parent_column_count != needed->count)
		return;
	for (size_t i = 0; key->parent_columns != NULL && i < key->parent_column_count; i++)
		if (!names_have(needed->columns, needed->count, key->parent_columns[i]))
			return;
	sg_model_drop_constraint(of, key, false, false);
}

static void drop_constraint(struct sg_table *table, struct sg_model_constraint *constraint, bool cascade, bool only, size_t depth)
{
	const struct sg_model_constraint was = *constraint;
	bool indexed = strchr("pux", was.kind) != NULL;
	struct sg_model_index *index;

	take_out(table, constraint);
	index = indexed ? sg_model_index_of(table, was.name) : NULL;
	if (index != NULL)
		take_index_out(table, index);
	if (indexed && cascade && depth == 0)
		sg_model_each_reference(table, drop_if_needed,
		                        &(struct needed){ was.columns, was.column_count, was.kind == 'p' });
	for (size_t i = 0; i < table->child_count; i++) {
		struct sg_table *child = table->children[i];
		struct sg_model_constraint *theirs = constraint_below(child, was.kind, was.name);

		if (theirs != NULL && sg_model_goes_down(child, depth) && !is_kept(&theirs->local, &theirs->inherited, only))
			drop_constraint(child, theirs, cascade, only, depth + 1);
	}
}

void sg_model_drop_constraint(struct sg_table *table, struct sg_model_constraint *constraint, bool cascade, bool only)
{
	drop_constraint(table, constraint, cascade, only, 0);
}

static void rename_constraint(struct sg_table *table, struct sg_model_constraint *constraint, const char *name, size_t depth)
{
	struct sg_model *model = table->model;
	const char *old = constraint->name;
	char kind = constraint->kind;
	struct sg_model_index *index = strchr("pux", kind) != NULL ? sg_model_index_of(table, old) : NULL;

	if (sg_model_constraint_of(table, name) != NULL)
		return;
	sg_map_remove(&model->constraints, table, old);
	count_name(model, table->schema, old, false);
	constraint->name = name;
	sg_map_put(&model->constraints, table, name)->at = (size_t)(constraint - table->seen.constraints);
	count_name(model, table->schema, name, true);
	if (index != NULL)
		sg_model_rename_index(table, index, name);
	/* Only a CHECK has the same name below. */
	for (size_t i = 0; i < table->child_count; i++) {
		struct sg_model_constraint *theirs = constraint_below(table->children[i], kind, old);

		if (theirs != NULL && kind != 'c')
			theirs->of = name;
		else if (theirs != NULL && sg_model_goes_down(table->children[i], depth))
			rename_constraint(table->children[i], theirs, name, depth + 1);
	}
}

void sg_model_rename_constraint(struct sg_table *table, struct sg_model_constraint *constraint, const char *name)
{
	if (name != NULL)
		rename_constraint(table, constraint, name, 0);
}

/* ---- as a whole ------------------------------------------------------------------ */

void sg_model_strip(struct sg_table *table)
{
	while (table->seen.constraint_count > 0)
		take_out(table, &table->seen.constraints[table->seen.constraint_count - 1]);
	while (table->seen.index_count > 0)
		take_index_out(table, &table->seen.indexes[table->seen.index_count - 1]);
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

	return own != NULL ? sg_model_column_of(own, sg_model_known(own->model, name)) : NULL;
}

const struct sg_model_constraint *sg_model_constraint(const struct sg_model_table *table, const char *name)
{
	const struct sg_table *own = (const struct sg_table *)table;

	return own != NULL ? sg_model_constraint_of(own, sg_model_known(own->model, name)) : NULL;
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
