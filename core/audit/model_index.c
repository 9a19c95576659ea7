/* model_index.c - indexes and constraints: what a statement says of them, the names that they get, and how they come to partitions
 * and heirs (DefineIndex of src/backend/commands/indexcmds.c, ATExecAddConstraint of tablecmds.c). */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

/* ---- not null ------------------------------------------------------------------------ */

static bool in_primary_key(const struct sg_table *table, const char *name)
{
	for (size_t i = 0; i < table->seen.constraint_count; i++)
		for (size_t k = 0; table->seen.constraints[i].kind == 'p' && k < table->seen.constraints[i].column_count; k++)
			if (table->seen.constraints[i].columns[k] == name)
				return true;
	return false;
}

void sg_model_set_not_null(struct sg_table *table, const char *name, bool not_null, bool only, size_t depth)
{
	struct sg_model_column *column = sg_model_column_of(table, name);

	if (column != NULL && (not_null || !sg_model_spend(table->model, table->seen.constraint_count) || !in_primary_key(table, name)))
		column->not_null = not_null;
	for (size_t i = 0; i < table->child_count && !only; i++)
		if (sg_model_goes_down(table->children[i], depth))
			sg_model_set_not_null(table->children[i], name, not_null, false, depth + 1);
}

/* ---- indexes ------------------------------------------------------------------------- */

/* As ChooseIndexColumnNames(): numbers for names that are there. */
static const char *part_name(struct sg_model *model, const char *const *parts, size_t count, const char *name)
{
	const char *tried = name;

	for (unsigned n = 1;; n++) {
		char digits[16], numbered[80];
		bool found = false;

		for (size_t i = 0; i < count && !found; i++)
			found = parts[i] == tried;
		if (!found)
			return tried;
		snprintf(digits, sizeof digits, "%u", n);
		snprintf(numbered, sizeof numbered, "%.*s%s", (int)(63 - strlen(digits)), name, digits);
		tried = sg_model_keep(model, numbered);
	}
}

/* Of a list of IndexElems, or of Strings (the keys of a constraint). */
struct elements {
	const char *const *columns; /* "" for an expression */
	const char *const *parts;
	size_t column_count, part_count;
	struct sg_model_list uses;
	bool plain;
};

/* A column in its usual order. */
static bool is_plain(const struct sg_json *element)
{
	return sg_json_get(element, "expr") == NULL && sg_json_get(element, "collation") == NULL &&
	       sg_json_get(element, "opclass") == NULL && !sg_node_is(element, "ordering", "SORTBY_DESC") &&
	       !sg_node_is(element, "ordering", "SORTBY_USING") && !sg_node_is(element, "nulls_ordering", "SORTBY_NULLS_FIRST");
}

static const struct sg_json *element_of(const struct sg_json *node)
{
	/* EXCLUDE has pairs of element and operator. */
	const struct sg_json *pair = sg_json_get(sg_node_as(node, "List"), "items");

	return sg_node_as(pair != NULL ? sg_json_at(pair, 0) : node, "IndexElem");
}

/* The key's column; NULL for an expression. ((a)) and ((a COLLATE "C")) are columns (ComputeIndexAttrs). */
static const char *column_text(const struct sg_json *node)
{
	const struct sg_json *element = element_of(node), *expr = sg_json_get(element, "expr"), *fields;

	if (element == NULL || expr == NULL)
		return element != NULL ? sg_json_text(sg_json_get(element, "name")) : sg_node_string(node);
	for (int depth = 0; depth < 100 && sg_node_as(expr, "CollateClause") != NULL; depth++)
		expr = sg_json_get(sg_node_as(expr, "CollateClause"), "arg");
	fields = sg_json_get(sg_node_as(expr, "ColumnRef"), "fields");
	return sg_json_count(fields) > 0 ? sg_node_string(sg_json_at(fields, sg_json_count(fields) - 1)) : NULL;
}

static struct elements read_elements(struct sg_table *table, const struct sg_json *keys, const struct sg_json *including)
{
	struct sg_model *model = table->model;
	size_t count = sg_json_count(keys), more = sg_json_count(including);
	struct elements elements = { .plain = more == 0 };
	const char **columns, **parts;

	count = count < SG_MODEL_KEYS_MAX ? count : SG_MODEL_KEYS_MAX;
	more = more < SG_MODEL_KEYS_MAX - count ? more : SG_MODEL_KEYS_MAX - count;
	if (count == 0)
		return elements;
	columns = sg_arena_array(&model->arena, count, sizeof *columns);
	parts = sg_arena_array(&model->arena, count + more, sizeof *parts);
	for (size_t i = 0; i < count + more; i++) {
		const struct sg_json *node = i < count ? sg_json_at(keys, i) : sg_json_at(including, i - count);
		const struct sg_json *element = element_of(node), *expr = sg_json_get(element, "expr");
		const char *text = column_text(node);
		const char *name = sg_model_keep(model, text != NULL ? text : "");
		const char *figured = expr != NULL ? sg_model_figure(model, expr) : NULL;

		elements.plain &= is_plain(element);
		sg_model_collect(table, expr, &elements.uses);
		if (i < count)
			columns[i] = name;
		else if (name[0] != '\0')
			sg_model_list_add(model, &elements.uses, name);
		if (name[0] == '\0')
			name = figured != NULL ? figured : sg_model_keep(model, "expr");
		parts[i] = part_name(model, parts, i, name);
	}
	elements.columns = columns;
	elements.column_count = count;
	elements.parts = parts;
	elements.part_count = count + more;
	return elements;
}

static bool same_names(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (a[i] != b[i]) /* NOLINT(clang-analyzer-core.NullDereference): lists with a count are there */
			return false;
	return true;
}

/* As CompareIndexInfo(), as far as it is known. */
static bool is_like(const struct sg_model_index *a, const struct sg_model_index *b)
{
	return a->unique == b->unique && a->partial == b->partial && a->method == b->method &&
	       same_names(a->columns, a->column_count, b->columns, b->column_count) &&
	       same_names(a->uses, a->use_count, b->uses, b->use_count);
}

/* The partition's index that can be taken for the parent's. */
static struct sg_model_index *fitting(struct sg_table *child, const struct sg_model_index *index, char kind)
{
	for (size_t i = 0; i < child->seen.index_count && sg_model_spend(child->model, 1); i++) {
		struct sg_model_index *theirs = &child->seen.indexes[i];
		const struct sg_model_constraint *constraint =
			theirs->constraint ? sg_model_constraint_of(child, theirs->name) : NULL;

		if (theirs->attached_to.name == NULL && is_like(theirs, index) &&
		    (kind == 0 || (constraint != NULL && constraint->kind == kind)))
			return theirs;
	}
	return NULL;
}

static const char *choose_index_name(struct sg_table *table, const struct sg_model_index *index, char kind)
{
	const char *joined = sg_model_join(table->model, index->parts, index->part_count);

	if (kind == 'p')
		return sg_model_choose(table, NULL, "pkey", true, true);
	return sg_model_choose(table, joined, kind == 'x' ? "excl" : kind == 'u' ? "key" : "idx", true, kind != 0);
}

/* A constraint's index, or one of its own (constraint NULL), with those of partitions. of: the parent's name for the constraint. */
static void define_index(struct sg_table *table, struct sg_model_index index, const struct sg_model_constraint *constraint,
                         const char *of, size_t depth)
{
	char kind = constraint != NULL ? constraint->kind : 0;

	if (index.name == NULL)
		index.name = choose_index_name(table, &index, kind);
	if (sg_model_is_taken(table->model, table->schema, index.name) ||
	    (constraint != NULL && sg_model_constraint_of(table, index.name) != NULL))
		return;
	if (constraint != NULL) {
		struct sg_model_constraint own = *constraint;

		own.name = index.name;
		own.of = of;
		own.local = of == NULL;
		own.inherited = of != NULL;
		sg_model_add_constraint(table, &own);
		for (size_t i = 0; kind == 'p' && i < own.column_count; i++)
			sg_model_set_not_null(table, own.columns[i], true, false, depth);
	}
	index.constraint = constraint != NULL;
	index.made_in = table->model->migration;
	index.made_at = table->model->statement;
	sg_model_add_index(table, &index);
	if (table->seen.kind != 'p' || index.only)
		return;
	index.attached_to = (struct sg_relation){ NULL, index.name };
	of = index.name;
	index.name = NULL;
	for (size_t i = 0; i < table->child_count; i++) {
		struct sg_table *child = table->children[i];
		struct sg_model_index *theirs = fitting(child, &index, kind);
		struct sg_model_constraint *their_constraint;

		if (theirs == NULL) {
			if (sg_model_goes_down(child, depth))
				define_index(child, index, constraint, constraint != NULL ? of : NULL, depth + 1);
			continue;
		}
		theirs->attached_to = index.attached_to;
		their_constraint = kind != 0 ? sg_model_constraint_of(child, theirs->name) : NULL;
		if (their_constraint != NULL) {
			their_constraint->of = of;
			their_constraint->inherited++;
			their_constraint->local = false;
		}
	}
}

static void create_index(struct sg_model *model, const struct sg_json *body)
{
	const struct sg_json *rangevar = sg_json_get(body, "relation"), *where = sg_json_get(body, "whereClause");
	struct sg_table *table = sg_model_enter(model, sg_tree_relation(rangevar));
	const char *name = sg_model_keep(model, sg_json_text(sg_json_get(body, "idxname")));
	const char *method = sg_json_text(sg_json_get(body, "accessMethod"));
	struct elements elements;

	if (table == NULL ||
	    (name != NULL && sg_json_true(sg_json_get(body, "if_not_exists")) && sg_model_is_taken(model, table->schema, name)))
		return;
	elements = read_elements(table, sg_json_get(body, "indexParams"), sg_json_get(body, "indexIncludingParams"));
	if (elements.column_count == 0)
		return;
	sg_model_collect(table, where, &elements.uses);
	define_index(table,
	             (struct sg_model_index){ .name = name,
	                                      .columns = elements.columns,
	                                      .column_count = elements.column_count,
	                                      .parts = elements.parts,
	                                      .part_count = elements.part_count,
	                                      .uses = elements.uses.names,
	                                      .use_count = elements.uses.count,
	                                      .method = sg_model_keep(model, method != NULL ? method : "btree"),
	                                      .unique = sg_json_true(sg_json_get(body, "unique")),
	                                      .partial = where != NULL,
	                                      .plain = elements.plain && where == NULL,
	                                      .only = sg_json_get(rangevar, "inh") == NULL,
	                                      .concurrent = sg_json_true(sg_json_get(body, "concurrent")) },
	             NULL, NULL, 0);
}

void sg_model_copy_index(struct sg_table *table, const struct sg_table *from, const struct sg_model_index *index)
{
	const struct sg_model_constraint *constraint = index->constraint ? sg_model_constraint_of(from, index->name) : NULL;
	struct sg_model_constraint own = constraint != NULL ? *constraint : (struct sg_model_constraint){ 0 };
	struct sg_model_index copy = *index;

	own.made_in = table->model->migration;
	own.made_at = table->model->statement;
	own.index = NULL;
	copy.name = NULL;
	copy.attached_to = (struct sg_relation){ NULL, NULL };
	copy.only = copy.concurrent = false;
	define_index(table, copy, constraint != NULL ? &own : NULL, NULL, 0);
}

/* ---- constraints --------------------------------------------------------------------- */

/* USING INDEX: the index gets the constraint's name, or the constraint the index's. */
static void use_index(struct sg_table *table, struct sg_model_constraint *constraint, const char *name)
{
	struct sg_model_index *index = sg_model_index_of(table, name);

	constraint->index = name;
	if (constraint->name == NULL)
		constraint->name = name;
	if (index != NULL) {
		constraint->columns = index->columns;
		constraint->column_count = index->column_count;
		if (constraint->name != name)
			sg_model_rename_index(table, index, constraint->name);
		index->constraint = true;
	}
	for (size_t i = 0; constraint->kind == 'p' && i < constraint->column_count; i++)
		sg_model_set_not_null(table, constraint->columns[i], true, false, 0);
	sg_model_add_constraint(table, constraint);
}

static void define_keys(struct sg_table *table, struct sg_model_constraint *constraint, const struct sg_json *body,
                        const char *column, bool only)
{
	struct sg_model *model = table->model;
	const struct sg_json *keys = sg_json_get(body, constraint->kind == 'x' ? "exclusions" : "keys");
	const char *method = sg_json_text(sg_json_get(body, "access_method")), *index = sg_json_text(sg_json_get(body, "indexname"));
	struct elements elements;

	if (index != NULL) {
		use_index(table, constraint, sg_model_keep(model, index));
		return;
	}
	elements = read_elements(table, keys, sg_json_get(body, "including"));
	if (elements.column_count == 0 && column != NULL) {
		const char **one = sg_arena_array(&model->arena, 1, sizeof *one);

		one[0] = column;
		elements.columns = elements.parts = one;
		elements.column_count = elements.part_count = 1;
		elements.plain = true;
	}
	if (elements.column_count == 0)
		return;
	sg_model_collect(table, sg_json_get(body, "where_clause"), &elements.uses);
	constraint->columns = elements.columns;
	constraint->column_count = elements.column_count;
	define_index(table,
	             (struct sg_model_index){ .name = constraint->name,
	                                      .columns = elements.columns,
	                                      .column_count = elements.column_count,
	                                      .parts = elements.parts,
	                                      .part_count = elements.part_count,
	                                      .uses = elements.uses.names,
	                                      .use_count = elements.uses.count,
	                                      .method = sg_model_keep(model, method != NULL ? method : constraint->kind == 'x' ? "gist" : "btree"),
	                                      .unique = constraint->kind != 'x',
	                                      .plain = elements.plain && constraint->kind != 'x',
	                                      .partial = sg_json_get(body, "where_clause") != NULL,
	                                      .only = only },
	             constraint, NULL, 0);
}

void sg_model_pass_check(struct sg_table *child, const struct sg_model_constraint *check, size_t depth)
{
	struct sg_model_constraint *theirs = sg_model_constraint_of(child, check->name);

	if (check->no_inherit || !sg_model_goes_down(child, depth))
		return;
	if (theirs != NULL) {
		theirs->inherited++;
	} else {
		struct sg_model_constraint copy = *check;

		copy.local = false;
		copy.inherited = 1;
		if (sg_model_add_constraint(child, &copy) == NULL)
			return;
	}
	for (size_t i = 0; theirs == NULL && i < child->child_count; i++)
		sg_model_pass_check(child->children[i], check, depth + 1);
}

static void define_check(struct sg_table *table, struct sg_model_constraint *constraint, const struct sg_json *body, bool only)
{
	struct sg_model *model = table->model;
	struct sg_model_list columns = { 0 }, proved = { 0 };
	const struct sg_json *expr = sg_json_get(body, "raw_expr");
	struct sg_model_constraint copy;

	sg_model_collect(table, expr, &columns);
	constraint->columns = columns.names;
	constraint->column_count = columns.count;
	constraint->not_null = sg_model_null_tested(model, expr, "IS_NOT_NULL");
	sg_model_collect_proved(model, expr, &proved);
	constraint->proved = proved.names;
	constraint->proved_count = proved.count;
	constraint->no_inherit = sg_json_true(sg_json_get(body, "is_no_inherit"));
	if (constraint->name == NULL)
		constraint->name = sg_model_choose(table, columns.count == 1 ? columns.names[0] : NULL, "check", false, true);
	copy = *constraint;
	if (sg_model_add_constraint(table, constraint) == NULL)
		return;
	for (size_t i = 0; i < table->child_count && !only; i++)
		sg_model_pass_check(table->children[i], &copy, 0);
}

static bool same_key(const struct sg_model_constraint *a, const struct sg_model_constraint *b)
{
	return a->kind == 'f' && b->kind == 'f' && a->parent.name == b->parent.name &&
	       same_names(a->columns, a->column_count, b->columns, b->column_count) &&
	       ((a->parent_columns == NULL) != (b->parent_columns == NULL) ||
	        same_names(a->parent_columns, a->parent_column_count, b->parent_columns, b->parent_column_count));
}

/* As CloneFkReferencing(): one that is there is taken, else it is made, under the same name if that is free. */
static void pass_foreign_key(struct sg_table *child, const struct sg_model_constraint *key, size_t depth)
{
	struct sg_model *model = child->model;
	struct sg_model_constraint copy = *key;

	if (!sg_model_goes_down(child, depth) || !sg_model_spend(model, child->seen.constraint_count))
		return;
	for (size_t i = 0; i < child->seen.constraint_count; i++) {
		struct sg_model_constraint *theirs = &child->seen.constraints[i];

		if (theirs->of != NULL || !same_key(theirs, key))
			continue;
		theirs->of = key->name;
		theirs->inherited = 1;
		theirs->local = false;
		return;
	}
	if (sg_model_constraint_of(child, copy.name) != NULL)
		copy.name = sg_model_choose(child, sg_model_join(model, copy.columns, copy.column_count), "fkey", false, true);
	copy.of = key->name;
	copy.local = false;
	copy.inherited = 1;
	if (sg_model_add_constraint(child, &copy) == NULL)
		return;
	for (size_t i = 0; child->seen.kind == 'p' && i < child->child_count; i++)
		pass_foreign_key(child->children[i], &copy, depth + 1);
}

static void define_foreign_key(struct sg_table *table, struct sg_model_constraint *constraint, const struct sg_json *body,
                               const char *column, bool only)
{
	struct sg_model *model = table->model;
	const struct sg_json *parent_columns = sg_json_get(body, "pk_attrs");
	struct sg_relation parent = sg_tree_relation(sg_json_get(body, "pktable"));
	struct sg_model_constraint copy;

	if (parent.name == NULL)
		return;
	constraint->columns = sg_model_names(model, sg_json_get(body, "fk_attrs"), SG_MODEL_KEYS_MAX, &constraint->column_count);
	if (constraint->column_count == 0 && column != NULL) {
		const char **one = sg_arena_array(&model->arena, 1, sizeof *one);

		one[0] = column;
		constraint->columns = one;
		constraint->column_count = 1;
	}
	constraint->parent = (struct sg_relation){ sg_model_shown(model, parent.schema), sg_model_keep(model, parent.name) };
	if (sg_json_count(parent_columns) > 0)
		constraint->parent_columns =
			sg_model_names(model, parent_columns, SG_MODEL_KEYS_MAX, &constraint->parent_column_count);
	if (constraint->name == NULL)
		constraint->name = sg_model_choose(table, sg_model_join(model, constraint->columns, constraint->column_count), "fkey",
		                                   false, true);
	copy = *constraint;
	if (sg_model_add_constraint(table, constraint) == NULL)
		return;
	for (size_t i = 0; table->seen.kind == 'p' && !only && i < table->child_count; i++)
		pass_foreign_key(table->children[i], &copy, 0);
}

void sg_model_define_constraint(struct sg_table *table, const struct sg_json *node, const char *column, const char *name,
                                enum sg_model_phase phase, bool made_now, bool only)
{
	static const struct {
		const char *contype;
		char kind;
		enum sg_model_phase phase;
	} kinds[] = { { "CONSTR_CHECK", 'c', SG_MODEL_CHECKS },     { "CONSTR_PRIMARY", 'p', SG_MODEL_INDEXES },
		      { "CONSTR_UNIQUE", 'u', SG_MODEL_INDEXES },   { "CONSTR_EXCLUSION", 'x', SG_MODEL_INDEXES },
		      { "CONSTR_FOREIGN", 'f', SG_MODEL_FOREIGN_KEYS } };
	const struct sg_json *body = sg_node_as(node, "Constraint");
	struct sg_model *model = table->model;

	if (name == NULL)
		name = sg_model_keep(model, sg_json_text(sg_json_get(body, "conname")));
	for (size_t i = 0; i < SG_COUNT(kinds); i++) {
		struct sg_model_constraint constraint = { .kind = kinds[i].kind,
			                                  .name = name,
			                                  .not_valid = !made_now && sg_json_true(sg_json_get(body, "skip_validation")),
			                                  .local = true,
			                                  .made_in = model->migration,
			                                  .made_at = model->statement };

		if (kinds[i].phase != phase || !sg_node_is(body, "contype", kinds[i].contype))
			continue;
		if (constraint.kind == 'c')
			define_check(table, &constraint, body, only);
		else if (constraint.kind == 'f')
			define_foreign_key(table, &constraint, body, column, only);
		else
			define_keys(table, &constraint, body, column, only);
	}
}

void sg_model_pass_keys(struct sg_table *parent, struct sg_table *child)
{
	/* By place: what is made may move the parent's lists only if they are the child's, and they are not. */
	for (size_t i = 0; parent != child && i < parent->seen.index_count; i++) {
		struct sg_model_index index = parent->seen.indexes[i];
		const struct sg_model_constraint *constraint =
			index.constraint ? sg_model_constraint_of(parent, index.name) : NULL;
		struct sg_model_index *theirs = fitting(child, &index, constraint != NULL ? constraint->kind : 0);

		if (theirs != NULL) {
			struct sg_model_constraint *own = constraint != NULL ? sg_model_constraint_of(child, theirs->name) : NULL;

			theirs->attached_to = (struct sg_relation){ NULL, index.name };
			if (own != NULL) {
				own->of = constraint->name;
				own->inherited++;
				own->local = false;
			}
			continue;
		}
		index.attached_to = (struct sg_relation){ NULL, index.name };
		index.name = NULL;
		index.only = false;
		if (constraint != NULL) {
			struct sg_model_constraint copy = *constraint;

			copy.made_in = child->model->migration;
			copy.made_at = child->model->statement;
			copy.index = NULL;
			define_index(child, index, &copy, copy.name, 0);
		} else
			define_index(child, index, NULL, NULL, 0);
	}
	for (size_t i = 0; parent != child && i < parent->seen.constraint_count; i++) {
		struct sg_model_constraint copy = parent->seen.constraints[i];

		copy.made_in = child->model->migration;
		copy.made_at = child->model->statement;
		if (copy.kind == 'f')
			pass_foreign_key(child, &copy, 0);
	}
}

/* ---- statements ---------------------------------------------------------------------- */

bool sg_model_apply_index(struct sg_model *model, const char *node, const struct sg_json *body)
{
	if (strcmp(node, "IndexStmt") != 0)
		return false;
	create_index(model, body);
	return true;
}
