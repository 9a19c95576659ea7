/* rules_indexes.c - index.*: how indexes are built, rebuilt and dropped, and which of them say the same twice.
 *
 * What needs to know the rest of the migration (a drop before its replacement, duplicates) is noted and judged at the end. */
#include "config.h"

#include <string.h>

#include "core/audit/locks.h"
#include "core/audit/scope.h"
#include "core/sql/tree.h"

#define WIDE 3 /* key columns that few queries use all of */
#define NOTED_MAX 1000 /* indexes of a migration that are compared with each other */

struct dropped {
	size_t number, step;
	const char *name;
	struct sg_relation table;      /* name NULL: not known */
	const char *const *columns;
	size_t column_count;
};

struct made {
	size_t number, step;
	const char *name;              /* NULL: the server chooses */
	struct sg_relation table;
	const char *const *columns;    /* "" for an expression */
	size_t column_count;
};

struct sg_audit_index_notes {
	struct dropped *dropped;
	size_t dropped_count, dropped_capacity;
	struct made *made;
	size_t made_count, made_capacity;
};

static struct sg_audit_index_notes *notes_of(struct sg_audit_scope *scope)
{
	if (scope->indexes == NULL)
		scope->indexes = sg_arena_alloc(scope->arena, sizeof *scope->indexes);
	return scope->indexes;
}

static struct sg_relation copy(struct sg_arena *arena, struct sg_relation relation)
{
	return (struct sg_relation){ sg_arena_strdup(arena, relation.schema), sg_arena_strdup(arena, relation.name) };
}

static bool same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* ---- CREATE INDEX ----------------------------------------------------------------- */

static void note_made(struct sg_audit_scope *scope, const struct sg_json *body, struct sg_relation table)
{
	struct sg_audit_index_notes *notes = notes_of(scope);
	const struct sg_json *params = sg_json_get(body, "indexParams");
	size_t count = sg_json_count(params);
	const char **columns = sg_arena_array(scope->arena, count + 1, sizeof *columns);
	struct made *made;

	if (notes->made_count >= NOTED_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		const char *name = sg_json_text(sg_json_get(sg_node_as(sg_json_at(params, i), "IndexElem"), "name"));

		columns[i] = name != NULL ? sg_arena_strdup(scope->arena, name) : "";
	}
	notes->made = sg_arena_grow(scope->arena, notes->made, &notes->made_capacity, notes->made_count + 1, sizeof *notes->made);
	made = &notes->made[notes->made_count++];
	*made = (struct made){ .number = scope->number,
		               .step = scope->step,
		               .name = sg_arena_strdup(scope->arena, sg_json_text(sg_json_get(body, "idxname"))),
		               .table = copy(scope->arena, table),
		               .columns = columns,
		               .column_count = count };
}

/* "index t_a of t", or "an index of t". */
static const char *label(struct sg_audit_scope *scope, const struct sg_json *body, struct sg_relation table)
{
	const char *name = sg_json_text(sg_json_get(body, "idxname"));

	return name != NULL ? sg_arena_printf(scope->arena, "index %s of %s", name, sg_audit_name(scope->arena, table))
	                    : sg_arena_printf(scope->arena, "an index of %s", sg_audit_name(scope->arena, table));
}

static void of_concurrent_build(struct sg_audit_scope *scope, const struct sg_json *body, struct sg_relation table, bool parent)
{
	const char *what = label(scope, body, table);

	if (parent)
		sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_REFUSED, NULL, "%s is partitioned", sg_audit_name(scope->arena, table));
	else if (scope->in_transaction)
		sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_IN_TX, NULL, "%s", what);
	if (sg_json_true(sg_json_get(body, "if_not_exists")))
		sg_audit_find(scope, SG_RULE_INDEX_IF_NOT_EXISTS_INVALID, &table, "%s", what);
	sg_audit_find(scope, SG_RULE_INDEX_CORRUPTION_14, &table, "%s", what);
}

static void of_create(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *relation = sg_json_get(body, "relation");
	struct sg_relation table = sg_tree_relation(relation);
	const struct sg_model_table *known;
	const char *what;
	bool parent;

	if (table.name == NULL)
		return;
	known = sg_model_table(scope->model, table);
	parent = known != NULL && known->kind == 'p' && sg_json_true(sg_json_get(relation, "inh"));
	what = label(scope, body, table);
	if (sg_json_true(sg_json_get(body, "concurrent")))
		of_concurrent_build(scope, body, table, parent);
	else if (parent)
		sg_audit_find(scope, SG_RULE_INDEX_CREATE_ON_PARTITIONED, &table, "%s", what);
	else if (known == NULL || (known->kind != 'p' && known->kind != 'm'))
		/* The only one who writes to a materialized view is REFRESH; ON ONLY a partitioned table builds nothing. */
		sg_audit_find(scope, SG_RULE_INDEX_CREATE_BLOCKING, &table, "%s", what);
	if (!sg_json_true(sg_json_get(body, "unique")) && sg_json_count(sg_json_get(body, "indexParams")) > WIDE)
		sg_audit_find(scope, SG_RULE_INDEX_TOO_WIDE, NULL, "%s: %zu columns", what,
		              sg_json_count(sg_json_get(body, "indexParams")));
	if (sg_node_is(body, "accessMethod", "hash"))
		sg_audit_find(scope, SG_RULE_INDEX_HASH, NULL, "%s", what);
	note_made(scope, body, table);
}

/* ---- DROP INDEX, REINDEX -------------------------------------------------------------- */

static void note_dropped(struct sg_audit_scope *scope, struct sg_relation name, const struct sg_model_index *index)
{
	struct sg_audit_index_notes *notes = notes_of(scope);
	struct dropped *dropped;

	if (notes->dropped_count >= NOTED_MAX)
		return;
	notes->dropped = sg_arena_grow(scope->arena, notes->dropped, &notes->dropped_capacity, notes->dropped_count + 1,
	                               sizeof *notes->dropped);
	dropped = &notes->dropped[notes->dropped_count++];
	*dropped = (struct dropped){ .number = scope->number, .step = scope->step, .name = sg_arena_strdup(scope->arena, name.name) };
	if (index != NULL) {
		dropped->table = index->table;
		dropped->columns = index->columns;
		dropped->column_count = index->column_count;
	}
}

static void of_drop(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	bool concurrent = sg_json_true(sg_json_get(body, "concurrent"));

	if (!sg_node_is(body, "removeType", "OBJECT_INDEX"))
		return;
	if (concurrent && sg_json_count(objects) > 1)
		sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_REFUSED, NULL, "DROP INDEX CONCURRENTLY of %zu indexes", sg_json_count(objects));
	else if (concurrent && sg_node_is(body, "behavior", "DROP_CASCADE"))
		sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_REFUSED, NULL, "DROP INDEX CONCURRENTLY … CASCADE");
	for (size_t i = 0; i < sg_json_count(objects); i++) {
		const struct sg_model_table *table = NULL;
		const struct sg_model_index *index;
		struct sg_relation name;
		const char *shown;

		if (!sg_tree_names(sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items"), &name) || name.name == NULL)
			continue;
		shown = sg_audit_name(scope->arena, name);
		index = sg_model_index(scope->model, name, &table);
		if (concurrent) {
			if (scope->in_transaction)
				sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_IN_TX, NULL, "index %s", shown);
		} else if (table != NULL) {
			sg_audit_find(scope, SG_RULE_INDEX_DROP_BLOCKING, &table->name, "index %s of %s", shown,
			              sg_audit_name(scope->arena, table->name));
		} else {
			sg_audit_find(scope, SG_RULE_INDEX_DROP_BLOCKING, NULL, "index %s (of which table is not known)", shown);
		}
		note_dropped(scope, name, index);
	}
}

static void of_reindex(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *option = sg_node_option(sg_json_get(body, "params"), "concurrently");
	struct sg_relation name = sg_tree_relation(sg_json_get(body, "relation"));
	const char *whole = sg_json_text(sg_json_get(body, "name"));
	const struct sg_model_table *table = NULL;
	const struct sg_relation *on = NULL;
	const char *what;

	if (name.name == NULL) {
		what = sg_arena_printf(scope->arena, "all of %s %s",
		                       sg_node_is(body, "kind", "REINDEX_OBJECT_SCHEMA") ? "schema" : "database", whole != NULL ? whole : "");
	} else if (!sg_node_is(body, "kind", "REINDEX_OBJECT_INDEX")) {
		on = &name;
		what = sg_arena_printf(scope->arena, "all indexes of %s", sg_audit_name(scope->arena, name));
	} else {
		if (sg_model_index(scope->model, name, &table) != NULL && table != NULL)
			on = &table->name;
		what = sg_arena_printf(scope->arena, "index %s", sg_audit_name(scope->arena, name));
	}
	if (option == NULL || !sg_node_option_on(option)) {
		sg_audit_find(scope, SG_RULE_INDEX_REINDEX_BLOCKING, on, "%s", what);
		return;
	}
	if (scope->in_transaction)
		sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_IN_TX, NULL, "%s", what);
	sg_audit_find(scope, SG_RULE_INDEX_CORRUPTION_14, on, "%s", what);
}

static void of_alter(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *cmds = sg_json_get(body, "cmds");
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_model_table *other = table.name != NULL ? sg_locks_default_partition(scope->model, table) : NULL;

	for (size_t i = 0; i < sg_json_count(cmds); i++) {
		const struct sg_json *cmd = sg_node_as(sg_json_at(cmds, i), "AlterTableCmd");
		const struct sg_json *def = sg_node_as(sg_json_get(cmd, "def"), "PartitionCmd");

		if (!sg_node_is(cmd, "subtype", "AT_DetachPartition") || !sg_json_true(sg_json_get(def, "concurrent")))
			continue;
		if (other != NULL)
			sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_REFUSED, NULL, "%s has the DEFAULT partition %s",
			              sg_audit_name(scope->arena, table), sg_audit_name(scope->arena, other->name));
		else if (scope->in_transaction)
			sg_audit_find(scope, SG_RULE_INDEX_CONCURRENTLY_IN_TX, NULL, "DETACH PARTITION %s CONCURRENTLY",
			              sg_audit_name(scope->arena, sg_tree_relation(sg_json_get(def, "name"))));
	}
}

void sg_rules_indexes(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	if (strcmp(node, "IndexStmt") == 0)
		of_create(scope, body);
	else if (strcmp(node, "DropStmt") == 0)
		of_drop(scope, body);
	else if (strcmp(node, "ReindexStmt") == 0)
		of_reindex(scope, body);
	else if (strcmp(node, "AlterTableStmt") == 0)
		of_alter(scope, body);
}

/* ---- the end of the migration ------------------------------------------------------------ */

/* Are these the first columns of those, in order? Expressions are not compared. */
static bool begins(const char *const *columns, size_t count, const char *const *wide, size_t wide_count)
{
	if (count == 0 || count > wide_count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (columns[i][0] == '\0' || strcmp(columns[i], wide[i]) != 0)
			return false;
	return true;
}

static bool is_same_table(const struct sg_model *model, struct sg_relation a, struct sg_relation b)
{
	const struct sg_model_table *table = a.name != NULL && b.name != NULL ? sg_model_table(model, a) : NULL;

	return table != NULL && table == sg_model_table(model, b);
}

/* A drop, and further down an index that covers what the dropped one did (or bears its name). */
static void judge_order(struct sg_audit_scope *scope, const struct dropped *dropped)
{
	for (size_t i = 0; i < scope->indexes->made_count; i++) {
		const struct made *made = &scope->indexes->made[i];
		bool again = same(made->name, dropped->name);

		if (made->step <= dropped->step)
			continue;
		if (!again && (!is_same_table(scope->model, made->table, dropped->table) ||
		               !begins(dropped->columns, dropped->column_count, made->columns, made->column_count)))
			continue;
		sg_audit_find_at(scope, dropped->number, SG_RULE_INDEX_REPLACE_ORDER, &made->table,
		                 "index %s of %s is dropped, and built again in line %d", dropped->name,
		                 sg_audit_name(scope->arena, made->table), scope->migration->statements[made->number].line);
		return;
	}
}

/* The index of the model as it stands at the end, that the statement made. */
static const struct sg_model_index *find_made(const struct sg_model_table *table, const struct sg_audit_scope *scope, const struct made *made)
{
	for (size_t i = 0; i < table->index_count; i++)
		if (table->indexes[i].made_at == made->number && same(table->indexes[i].made_in, scope->migration->id) &&
		    (made->name != NULL ? same(table->indexes[i].name, made->name) : !table->indexes[i].constraint))
			return &table->indexes[i];
	return NULL;
}

static bool is_later(const struct sg_audit_scope *scope, const struct sg_model_index *a, const struct sg_model_index *b)
{
	bool mine = same(a->made_in, scope->migration->id), yours = same(b->made_in, scope->migration->id);

	/* In a list indexes stand in the order in which they were made. */
	return mine && (!yours || a->made_at > b->made_at || (a->made_at == b->made_at && a > b));
}

/* Does the wide one do all that the narrow one does? Of two that are equal, the later one is the one too many. */
static bool makes_needless(const struct sg_audit_scope *scope, const struct sg_model_index *narrow, const struct sg_model_index *wide)
{
	if (!narrow->plain || !wide->plain || narrow->constraint || narrow->only != wide->only ||
	    !same(narrow->method, "btree") || !same(wide->method, "btree") ||
	    !begins(narrow->columns, narrow->column_count, wide->columns, wide->column_count))
		return false;
	if (narrow->column_count < wide->column_count)
		return !narrow->unique;
	return narrow->unique == wide->unique ? is_later(scope, narrow, wide) : !narrow->unique;
}

static const char *name_of(const struct sg_model_index *index)
{
	return index->name != NULL ? index->name : "another index";
}

static void judge_duplicate(struct sg_audit_scope *scope, const struct made *made)
{
	const struct sg_model_table *table = sg_model_table(scope->model, made->table);
	const struct sg_model_index *index = table != NULL && !table->dropped ? find_made(table, scope, made) : NULL;
	const char *shown;

	if (index == NULL)
		return;
	shown = sg_audit_name(scope->arena, table->name);
	for (size_t i = 0; i < table->index_count; i++) {
		const struct sg_model_index *other = &table->indexes[i];

		if (other == index)
			continue;
		if (makes_needless(scope, index, other))
			sg_audit_find_at(scope, made->number, SG_RULE_INDEX_DUPLICATE, NULL, "%s of %s begins with the same columns",
			                 name_of(other), shown);
		else if (makes_needless(scope, other, index) && !same(other->made_in, scope->migration->id))
			sg_audit_find_at(scope, made->number, SG_RULE_INDEX_DUPLICATE, NULL, "%s of %s is needless from here on",
			                 name_of(other), shown);
		else
			continue;
		return;
	}
}

void sg_rules_indexes_end(struct sg_audit_scope *scope)
{
	if (scope->indexes == NULL)
		return;
	for (size_t i = 0; i < scope->indexes->dropped_count; i++)
		judge_order(scope, &scope->indexes->dropped[i]);
	for (size_t i = 0; i < scope->indexes->made_count; i++)
		judge_duplicate(scope, &scope->indexes->made[i]);
}
