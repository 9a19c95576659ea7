/* model_create.c - CREATE TABLE and what else makes something that has columns: views, materialized views, foreign tables,
 * SELECT INTO, sequences, and the elements of CREATE SCHEMA. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

/* ---- columns ----------------------------------------------------------------------- */

struct sg_model_column *sg_model_define_column(struct sg_table *table, const struct sg_json *body)
{
	struct sg_model *model = table->model;
	const struct sg_json *type = sg_json_get(body, "typeName"), *constraints = sg_json_get(body, "constraints");
	const char *name = sg_model_keep(model, sg_json_text(sg_json_get(body, "colname")));
	struct sg_model_column *column = sg_model_add_column(table, name);

	if (column == NULL) { /* a parent's, said again */
		column = sg_model_column_of(table, name);
		if (column == NULL || column->local)
			return NULL;
	}
	column->local = true;
	if (type != NULL) {
		column->type = sg_model_type_text(model, type);
		column->serial = sg_tree_type_is_serial(type);
	}
	column->not_null |= column->serial || sg_json_true(sg_json_get(body, "is_not_null"));
	column->has_default |= column->serial || sg_json_get(body, "raw_default") != NULL;
	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(constraints, i), "Constraint");

		if (sg_node_is(constraint, "contype", "CONSTR_NOTNULL") || sg_node_is(constraint, "contype", "CONSTR_PRIMARY"))
			column->not_null = true;
		else if (sg_node_is(constraint, "contype", "CONSTR_DEFAULT"))
			column->has_default = true;
		else if (sg_node_is(constraint, "contype", "CONSTR_GENERATED"))
			column->generated = true;
		else if (sg_node_is(constraint, "contype", "CONSTR_IDENTITY"))
			column->identity = column->not_null = true;
	}
	return column;
}

struct sg_model_column *sg_model_inherit_column(struct sg_table *child, const struct sg_model_column *column)
{
	const struct sg_model_column own = *column; /* before the list that it may be in moves */
	struct sg_model_column *theirs = sg_model_column_of(child, own.name);

	if (theirs != NULL) {
		theirs->inherited++;
		theirs->not_null |= own.not_null;
		return NULL;
	}
	theirs = sg_model_add_column(child, own.name);
	if (theirs == NULL)
		return NULL;
	theirs->type = own.type;
	theirs->not_null = own.not_null;
	theirs->has_default = own.has_default;
	theirs->generated = own.generated;
	theirs->inherited = 1;
	return theirs;
}

/* ---- parents ----------------------------------------------------------------------- */

static void inherit(struct sg_table *child, struct sg_table *parent)
{
	child->seen.known &= parent->seen.known;
	for (size_t i = 0; i < parent->seen.column_count; i++)
		sg_model_inherit_column(child, &parent->seen.columns[i]);
	for (size_t i = 0; i < parent->seen.constraint_count; i++) {
		struct sg_model_constraint check = parent->seen.constraints[i];

		check.made_in = child->model->migration;
		check.made_at = child->model->statement;
		check.not_valid = false;
		if (check.kind == 'c')
			sg_model_pass_check(child, &check, 0);
	}
	sg_model_link(parent, child);
}

static void inherit_all(struct sg_table *table, const struct sg_json *parents, bool partition)
{
	struct sg_model *model = table->model;

	for (size_t i = 0; i < sg_json_count(parents); i++) {
		struct sg_relation name = sg_tree_relation(sg_node_as(sg_json_at(parents, i), "RangeVar"));
		struct sg_table *parent = sg_model_enter(model, name);

		if (parent == NULL || parent == table) {
			table->seen.known = false;
			continue;
		}
		if (partition) {
			table->seen.partition_of = parent->seen.name;
			if (table->seen.default_partition)
				parent->other = table;
			if (!parent->seen.known)
				parent->seen.kind = 'p';
		}
		inherit(table, parent);
	}
}

/* ---- LIKE -------------------------------------------------------------------------- */

/* TableLikeOption of src/include/nodes/parsenodes.h */
enum { LIKE_CONSTRAINTS = 4, LIKE_DEFAULTS = 8, LIKE_GENERATED = 16, LIKE_IDENTITY = 32, LIKE_INDEXES = 64 };

static struct sg_table *like_of(struct sg_table *table, const struct sg_json *like)
{
	struct sg_table *from = sg_model_live(table->model, sg_tree_relation(sg_json_get(like, "relation")));

	return from != table ? from : NULL;
}

static void copy_columns(struct sg_table *table, const struct sg_json *like)
{
	const struct sg_table *from = like_of(table, like);
	int64_t options = sg_json_int(sg_json_get(like, "options"));

	table->seen.known &= from != NULL && from->seen.known;
	for (size_t i = 0; from != NULL && i < from->seen.column_count; i++) {
		const struct sg_model_column *theirs = &from->seen.columns[i];
		struct sg_model_column *column = sg_model_add_column(table, theirs->name);

		if (column == NULL)
			continue;
		column->type = theirs->type;
		column->not_null = theirs->not_null;
		column->local = true;
		column->has_default = theirs->has_default && (options & LIKE_DEFAULTS) != 0;
		column->generated = theirs->generated && (options & LIKE_GENERATED) != 0;
		column->identity = theirs->identity && (options & LIKE_IDENTITY) != 0;
	}
}

static void copy_rest(struct sg_table *table, const struct sg_json *like)
{
	const struct sg_table *from = like_of(table, like);
	int64_t options = sg_json_int(sg_json_get(like, "options"));

	for (size_t i = 0; from != NULL && (options & LIKE_CONSTRAINTS) != 0 && i < from->seen.constraint_count; i++) {
		struct sg_model_constraint check = from->seen.constraints[i];

		check.not_valid = check.no_inherit = false;
		check.local = true;
		check.inherited = 0;
		check.made_in = table->model->migration;
		check.made_at = table->model->statement;
		if (check.kind == 'c')
			sg_model_add_constraint(table, &check);
	}
	for (size_t i = 0; from != NULL && (options & LIKE_INDEXES) != 0 && i < from->seen.index_count; i++)
		sg_model_copy_index(table, from, &from->seen.indexes[i]);
}

/* ---- CREATE TABLE ------------------------------------------------------------------ */

struct own {
	const struct sg_json *node;
	const char *column;         /* of an inline one */
	const char *key;            /* equal for indexes of which the server makes one */
	const char *name;           /* in place of its own */
	bool index, primary, left_out;
};

/* What transformIndexConstraints() (src/backend/parser/parse_utilcmd.c) compares. */
static const char *index_key(struct sg_model *model, const struct sg_json *body, const char *column)
{
	static const char *const lists[] = { "keys", "including" };
	struct sg_arena *scratch = &model->scratch;
	const char *text = sg_json_count(sg_json_get(body, "keys")) == 0 && column != NULL ? sg_tree_quote(scratch, column) : "";

	if (sg_json_count(sg_json_get(body, "keys")) > SG_MODEL_KEYS_MAX || sg_json_get(body, "exclusions") != NULL)
		return NULL;
	for (size_t l = 0; l < SG_COUNT(lists); l++) {
		const struct sg_json *list = sg_json_get(body, lists[l]);

		for (size_t i = 0; i < sg_json_count(list) && i < SG_MODEL_KEYS_MAX; i++) {
			const char *name = sg_node_string(sg_json_at(list, i));

			text = sg_arena_printf(scratch, "%s%s", text, sg_tree_quote(scratch, name != NULL ? name : ""));
		}
		text = sg_arena_printf(scratch, "%s|", text);
	}
	return sg_arena_printf(scratch, "%s%d%d", text, sg_json_true(sg_json_get(body, "deferrable")),
	                       sg_json_true(sg_json_get(body, "initdeferred")));
}

static void note_own(struct sg_model *model, struct own *own, const struct sg_json *node, const char *column)
{
	const struct sg_json *body = sg_node_as(node, "Constraint");

	*own = (struct own){ .node = node, .column = column, .primary = sg_node_is(body, "contype", "CONSTR_PRIMARY") };
	own->index = own->primary || sg_node_is(body, "contype", "CONSTR_UNIQUE");
	own->key = own->index ? index_key(model, body, column) : NULL;
}

/* All constraints of the statement, in the order of their text. */
static struct own *list_own(struct sg_model *model, const struct sg_json *elements, size_t *count_r)
{
	struct own *list;
	size_t count = 0;

	for (size_t i = 0; i < sg_json_count(elements); i++)
		count += 1 + sg_json_count(sg_json_get(sg_node_as(sg_json_at(elements, i), "ColumnDef"), "constraints"));
	list = sg_arena_array(&model->scratch, count, sizeof *list);
	*count_r = 0;
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *element = sg_json_at(elements, i), *column = sg_node_as(element, "ColumnDef");
		const struct sg_json *inline_ones = sg_json_get(column, "constraints");
		const char *name = sg_model_keep(model, sg_json_text(sg_json_get(column, "colname")));

		if (sg_node_as(element, "Constraint") != NULL)
			note_own(model, &list[(*count_r)++], element, NULL);
		for (size_t k = 0; k < sg_json_count(inline_ones); k++)
			note_own(model, &list[(*count_r)++], sg_json_at(inline_ones, k), name);
	}
	return list;
}

/* One index for two that are the same, under the first name that was given. */
static void leave_out_repeated(struct sg_model *model, struct own *list, size_t count, size_t at)
{
	const char *name = sg_json_text(sg_json_get(sg_node_as(list[at].node, "Constraint"), "conname"));

	if (list[at].key == NULL || !sg_model_spend(model, count))
		return;
	for (size_t i = 0; i < count; i++) {
		bool before = i < at ? !(list[at].primary && !list[i].primary) : list[i].primary && !list[at].primary;

		if (i == at || !before || list[i].left_out || list[i].key == NULL || strcmp(list[i].key, list[at].key) != 0)
			continue;
		list[at].left_out = true;
		if (list[i].name == NULL && sg_json_get(sg_node_as(list[i].node, "Constraint"), "conname") == NULL)
			list[i].name = sg_model_keep(model, name);
		return;
	}
}

/* In the order in which the server names them: an unnamed one must not take the name of one that comes before it. */
static void define_own(struct sg_table *table, const struct own *list, size_t count, enum sg_model_phase phase, bool primary)
{
	for (size_t i = 0; i < count; i++)
		if (!list[i].left_out && (phase != SG_MODEL_INDEXES || list[i].primary == primary))
			sg_model_define_constraint(table, list[i].node, list[i].column, list[i].name, phase, true, false);
}

/* The columns of CREATE TABLE … OF. */
static void take_type(struct sg_table *table, const struct sg_json *type)
{
	struct sg_relation name;
	const struct sg_type *own = sg_tree_names(sg_json_get(type, "names"), &name)
	                                    ? (const struct sg_type *)sg_model_type(table->model, name)
	                                    : NULL;

	if (type == NULL)
		return;
	table->seen.known = own != NULL && own->whole;
	for (size_t i = 0; own != NULL && own->whole && i < own->column_count; i++) {
		struct sg_model_column *column = sg_model_add_column(table, own->columns[i].name);

		if (column != NULL)
			column->type = own->columns[i].type;
	}
}

/* PARTITION BY */
static void take_partition_keys(struct sg_table *table, const struct sg_json *list)
{
	struct sg_model *model = table->model;
	size_t count = sg_json_count(list) < SG_MODEL_KEYS_MAX ? sg_json_count(list) : SG_MODEL_KEYS_MAX;
	const char **keys = sg_arena_array(&model->arena, count, sizeof *keys);

	for (size_t i = 0; i < count; i++) {
		const char *name = sg_json_text(sg_json_get(sg_node_as(sg_json_at(list, i), "PartitionElem"), "name"));

		keys[i] = sg_model_keep(model, name != NULL ? name : "");
	}
	if (count == 0)
		return;
	table->seen.partition_keys = keys;
	table->seen.partition_key_count = count;
}

static void create_table(struct sg_model *model, const struct sg_json *body, char kind)
{
	const struct sg_json *rangevar = sg_json_get(body, "relation"), *elements = sg_json_get(body, "tableElts");
	const struct sg_json *parents = sg_json_get(body, "inhRelations");
	struct sg_relation name = sg_tree_relation(rangevar);
	bool partition = sg_json_get(body, "partbound") != NULL;
	struct sg_table *table;
	struct own *own;
	size_t count;

	if (sg_json_true(sg_json_get(body, "if_not_exists")) && sg_model_live(model, name) != NULL)
		return;
	table = sg_model_make(model, name, sg_json_get(body, "partspec") != NULL ? 'p' : kind,
	                      sg_node_is(rangevar, "relpersistence", "t"));
	if (table == NULL)
		return;
	table->seen.default_partition = sg_json_true(sg_json_get(sg_json_get(body, "partbound"), "is_default"));
	take_partition_keys(table, sg_json_get(sg_json_get(body, "partspec"), "partParams"));
	inherit_all(table, parents, partition);
	take_type(table, sg_json_get(body, "ofTypename"));
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *element = sg_json_at(elements, i), *column = sg_node_as(element, "ColumnDef");
		const struct sg_json *like = sg_node_as(element, "TableLikeClause");

		if (column != NULL)
			sg_model_define_column(table, column);
		else if (like != NULL)
			copy_columns(table, like);
	}
	for (size_t i = 0; partition && i < table->parent_count; i++)
		sg_model_pass_keys(table->parents[i], table);
	own = list_own(model, elements, &count);
	for (size_t i = 0; i < count; i++)
		leave_out_repeated(model, own, count, i);
	define_own(table, own, count, SG_MODEL_CHECKS, false);
	define_own(table, own, count, SG_MODEL_INDEXES, true);
	define_own(table, own, count, SG_MODEL_INDEXES, false);
	for (size_t i = 0; i < sg_json_count(elements); i++)
		copy_rest(table, sg_node_as(sg_json_at(elements, i), "TableLikeClause"));
	define_own(table, own, count, SG_MODEL_FOREIGN_KEYS, false);
}

/* ---- what a query makes ------------------------------------------------------------- */

/* The columns that a query gives, as far as its text says: names or aliases, and the types of casts. */
static void take_query(struct sg_table *table, const struct sg_json *select, const struct sg_json *aliases)
{
	struct sg_model *model = table->model;
	const struct sg_json *targets;

	for (int depth = 0; depth < 1000 && sg_json_get(select, "larg") != NULL; depth++)
		select = sg_json_get(select, "larg");
	targets = sg_json_get(select, "targetList");
	if (sg_json_count(targets) == 0)
		table->seen.known = false;
	for (size_t i = 0; i < sg_json_count(targets); i++) {
		const struct sg_json *target = sg_node_as(sg_json_at(targets, i), "ResTarget"), *value = sg_json_get(target, "val");
		const struct sg_json *fields = sg_json_get(sg_node_as(value, "ColumnRef"), "fields");
		const char *name = sg_node_string(sg_json_at(aliases, i));
		struct sg_model_column *column;

		if (sg_node_as(sg_json_at(fields, sg_json_count(fields) > 0 ? sg_json_count(fields) - 1 : 0), "A_Star") != NULL) {
			table->seen.known = false;
			return;
		}
		name = sg_model_keep(model, name != NULL ? name : sg_json_text(sg_json_get(target, "name")));
		if (name == NULL)
			name = sg_model_figure(model, value);
		column = sg_model_add_column(table, name != NULL ? name : sg_model_keep(model, "?column?"));
		if (column == NULL)
			continue;
		column->local = true;
		if (sg_node_as(value, "TypeCast") != NULL)
			column->type = sg_model_type_text(model, sg_json_get(sg_node_as(value, "TypeCast"), "typeName"));
	}
}

/* CREATE TABLE AS, CREATE MATERIALIZED VIEW, SELECT INTO: into is an IntoClause, select a query's members. */
static void create_as(struct sg_model *model, const struct sg_json *into, const struct sg_json *select, char kind, bool if_not_exists)
{
	const struct sg_json *rangevar = sg_json_get(into, "rel");
	struct sg_relation name = sg_tree_relation(rangevar);
	struct sg_table *table;

	if (if_not_exists && sg_model_live(model, name) != NULL)
		return;
	table = sg_model_make(model, name, kind, sg_node_is(rangevar, "relpersistence", "t"));
	if (table != NULL)
		take_query(table, select, sg_json_get(into, "colNames"));
}

static void create_view(struct sg_model *model, const struct sg_json *body)
{
	const struct sg_json *view = sg_json_get(body, "view");
	const struct sg_json *select = sg_node_as(sg_json_get(body, "query"), "SelectStmt");
	struct sg_table *table = sg_model_live(model, sg_tree_relation(view));

	if (table == NULL || !sg_json_true(sg_json_get(body, "replace"))) {
		table = sg_model_make(model, sg_tree_relation(view), 'v', sg_node_is(view, "relpersistence", "t"));
		if (table != NULL)
			take_query(table, select, sg_json_get(body, "aliases"));
		return;
	}
	/* What replaces a view may only add columns to its end. */
	if (table->seen.kind == 'v')
		take_query(table, select, sg_json_get(body, "aliases"));
}

/* Elements without a schema are in the new one. */
static void create_schema(struct sg_model *model, const struct sg_json *body)
{
	const struct sg_json *elements = sg_json_get(body, "schemaElts");
	const char *name = sg_json_text(sg_json_get(body, "schemaname")), *before = model->public;

	if (name == NULL)
		name = sg_json_text(sg_json_get(sg_json_get(body, "authrole"), "rolename"));
	if (name == NULL || sg_json_count(elements) == 0)
		return;
	model->inside = model->public = sg_model_keep(model, name);
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *element = sg_json_at(elements, i), *own = sg_node_body(element);
		const char *node = sg_node_name(element);

		if (node != NULL && strcmp(node, "CreateSchemaStmt") != 0 && !sg_model_apply_create(model, node, own))
			sg_model_apply_index(model, node, own);
	}
	model->public = before;
	model->inside = NULL;
}

static void create_sequence(struct sg_model *model, const struct sg_json *body)
{
	const struct sg_json *sequence = sg_json_get(body, "sequence");

	if (sg_model_live(model, sg_tree_relation(sequence)) == NULL)
		sg_model_make(model, sg_tree_relation(sequence), 'S', sg_node_is(sequence, "relpersistence", "t"));
}

bool sg_model_apply_create(struct sg_model *model, const char *node, const struct sg_json *body)
{
	if (strcmp(node, "CreateStmt") == 0)
		create_table(model, body, 'r');
	else if (strcmp(node, "CreateForeignTableStmt") == 0)
		create_table(model, sg_json_get(body, "base"), 'f');
	else if (strcmp(node, "CreateTableAsStmt") == 0)
		create_as(model, sg_json_get(body, "into"), sg_node_as(sg_json_get(body, "query"), "SelectStmt"),
		          sg_node_is(body, "objtype", "OBJECT_MATVIEW") ? 'm' : 'r',
		          sg_json_true(sg_json_get(body, "if_not_exists")));
	else if (strcmp(node, "SelectStmt") == 0 && sg_json_get(body, "intoClause") != NULL)
		create_as(model, sg_json_get(body, "intoClause"), body, 'r', false);
	else if (strcmp(node, "ViewStmt") == 0)
		create_view(model, body);
	else if (strcmp(node, "CreateSeqStmt") == 0)
		create_sequence(model, body);
	else if (strcmp(node, "CreateSchemaStmt") == 0)
		create_schema(model, body);
	else
		return false;
	return true;
}
