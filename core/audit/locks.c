/* locks.c - the table of locks.h: a statement's kind gives mode and work, the model what else hangs on the relation. Measured by
 * sending each to a server and reading pg_locks, pg_class.relfilenode and pg_stat_xact_user_tables.seq_scan in the transaction. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/locks_take.h"
#include "core/sql/tree.h"

const char *sg_lock_mode_name(enum sg_lock_mode mode)
{
	static const char *const names[] = { "no lock", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
		                             "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE" };

	return names[mode];
}

bool sg_locks_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void take_as(const struct sg_taking *taking, struct sg_relation relation, enum sg_lock_mode mode, enum sg_lock_work work,
                    bool named)
{
	struct sg_locks *locks = taking->locks;

	if (relation.name == NULL || mode == SG_LOCK_NONE)
		return;
	for (size_t i = 0; i < locks->count; i++) {
		struct sg_lock *lock = &locks->list[i];

		if (!sg_locks_same(lock->relation.name, relation.name) || !sg_locks_same(lock->relation.schema, relation.schema))
			continue;
		if (mode > lock->mode)
			lock->mode = mode;
		if (work > lock->work)
			lock->work = work;
		return;
	}
	locks->list = sg_arena_grow(taking->arena, locks->list, &locks->capacity, locks->count + 1, sizeof *locks->list);
	locks->list[locks->count++] = (struct sg_lock){ relation, mode, work, named };
}

void sg_locks_take(const struct sg_taking *taking, struct sg_relation relation, enum sg_lock_mode mode, enum sg_lock_work work)
{
	take_as(taking, relation, mode, work, true);
}

/* What the model tells, not the text. */
void sg_locks_take_too(const struct sg_taking *taking, struct sg_relation relation, enum sg_lock_mode mode, enum sg_lock_work work)
{
	take_as(taking, relation, mode, work, false);
}

const struct sg_model_table *sg_locks_default_partition(const struct sg_model *model, struct sg_relation parent)
{
	const struct sg_model_table *above = sg_model_table(model, parent);

	return above != NULL ? sg_model_default_partition(above) : NULL;
}

void sg_locks_each_child(const struct sg_taking *taking, const struct sg_model_table *parent, sg_locks_child_fn run, const void *arg)
{
	const struct sg_model_table *table;
	size_t left = parent != NULL ? sg_model_referenced(parent) : 0;

	for (size_t i = 0; left > 0 && i < SG_LOCKS_LOOK_MAX && (table = sg_model_table_at(taking->model, i)) != NULL; i++)
		for (size_t c = 0; !table->dropped && c < table->constraint_count; c++) {
			const struct sg_model_constraint *key = &table->constraints[c];

			if (key->kind != 'f' || key->parent.name == NULL || sg_model_table(taking->model, key->parent) != parent)
				continue;
			if (table != parent)
				run(taking, table, key, arg);
			left -= left > 0;
		}
}

static bool names_all(const struct sg_model_constraint *check, const char *const *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < check->column_count && !sg_locks_same(check->columns[at], columns[i]))
			at++;
		if (at == check->column_count && columns[i][0] != '\0')
			return false;
	}
	return true;
}

const struct sg_model_constraint *sg_locks_check_over(const struct sg_model_table *table, const char *const *columns, size_t count)
{
	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *check = &table->constraints[i];

		if (check->kind == 'c' && !check->not_valid && check->not_null == NULL && names_all(check, columns, count))
			return check;
	}
	return NULL;
}

void sg_locks_take_default(const struct sg_taking *taking, struct sg_relation parent)
{
	const struct sg_model_table *table = sg_locks_default_partition(taking->model, parent),
	                            *above = sg_model_table(taking->model, parent);

	if (table != NULL)
		sg_locks_take_too(taking, table->name, SG_LOCK_ACCESS_EXCLUSIVE,
		         sg_locks_check_over(table, above->partition_keys, above->partition_key_count) != NULL ? SG_LOCK_WORK_NONE
		                                                                                              : SG_LOCK_WORK_SCAN);
}

bool sg_locks_same_table(const struct sg_model *model, struct sg_relation a, struct sg_relation b)
{
	const struct sg_model_table *known = sg_model_table(model, a);

	return (known != NULL && known == sg_model_table(model, b)) ||
	       (sg_locks_same(a.name, b.name) && (a.schema == NULL || b.schema == NULL || strcmp(a.schema, b.schema) == 0));
}

bool sg_locks_relation_kind(const char *kind)
{
	static const char *const kinds[] = { "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE" };

	for (size_t i = 0; kind != NULL && i < SG_COUNT(kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

/* ---- what is written ----------------------------------------------------------- */

/* `id = 5`, alone or with AND: one row of a table, whatever its size. */
static bool is_one_row(const struct sg_model_table *table, const struct sg_json *where)
{
	const struct sg_json *all = sg_node_as(where, "BoolExpr"), *equal = sg_node_as(where, "A_Expr");
	const struct sg_json *args = sg_json_get(all, "args"), *fields;
	const char *column, *operator;

	for (size_t i = 0; sg_node_is(all, "boolop", "AND_EXPR") && i < sg_json_count(args); i++)
		if (is_one_row(table, sg_json_at(args, i)))
			return true;
	operator = sg_node_string(sg_json_at(sg_json_get(equal, "name"), 0));
	fields = sg_json_get(sg_node_as(sg_json_get(equal, "lexpr"), "ColumnRef"), "fields");
	column = sg_node_string(sg_json_at(fields, sg_json_count(fields) - 1));
	if (operator == NULL || strcmp(operator, "=") != 0 || !sg_node_is(equal, "kind", "AEXPR_OP") || column == NULL ||
	    sg_node_as(sg_json_get(equal, "rexpr"), "A_Const") == NULL)
		return false;
	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *key = &table->constraints[i];

		if ((key->kind == 'p' || key->kind == 'u') && key->column_count == 1 && sg_locks_same(key->columns[0], column))
			return true;
	}
	return (table == NULL || !table->known) && strcmp(column, "id") == 0;
}

/* All tables below: those are read. */
static void take_read(const struct sg_taking *taking, const struct sg_json *node)
{
	if (sg_json_is_array(node))
		for (size_t i = 0; i < sg_json_count(node); i++)
			take_read(taking, sg_json_at(node, i));
	else if (sg_json_is_object(node))
		for (void *at = sg_json_next(node, NULL); at != NULL; at = sg_json_next(node, at)) {
			if (strcmp(sg_json_key(at), "RangeVar") == 0)
				sg_locks_take(taking, sg_tree_relation(sg_json_value(at)), SG_LOCK_ACCESS_SHARE, SG_LOCK_WORK_SCAN);
			else
				take_read(taking, sg_json_value(at));
		}
}

static void of_write(const struct sg_taking *taking, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	bool one = is_one_row(sg_model_table(taking->model, table), sg_json_get(body, "whereClause"));

	sg_locks_take(taking, table, SG_LOCK_ROW_EXCLUSIVE, one ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
}

static void of_insert(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *query = sg_node_as(sg_json_get(body, "selectStmt"), "SelectStmt");

	sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE);
	if (sg_json_get(query, "valuesLists") == NULL)
		take_read(taking, query);
}

static void of_copy(const struct sg_taking *taking, const struct sg_json *body)
{
	if (sg_json_true(sg_json_get(body, "is_from")))
		sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void of_create_as(const struct sg_taking *taking, const struct sg_json *body)
{
	if (!sg_json_true(sg_json_get(sg_json_get(body, "into"), "skipData")))
		take_read(taking, sg_json_get(body, "query"));
}

static void of_select(const struct sg_taking *taking, const struct sg_json *body)
{
	if (sg_json_get(body, "intoClause") != NULL)
		take_read(taking, sg_json_get(body, "fromClause"));
}

/* ---- another name ----------------------------------------------------------------------- */

/* A trigger's, column's, constraint's new name locks its table; an index's or a schema's does not. */
static void of_rename(const struct sg_taking *taking, const struct sg_json *body)
{
	static const char *const parts[] = { "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY",
		                             "OBJECT_RULE" };
	const char *kind = sg_json_text(sg_json_get(body, "renameType"));
	bool found = sg_locks_relation_kind(kind);

	for (size_t i = 0; kind != NULL && i < SG_COUNT(parts); i++)
		found = found || strcmp(kind, parts[i]) == 0;
	if (found && !sg_node_is(body, "relationType", "OBJECT_TYPE"))
		sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void of_move(const struct sg_taking *taking, const struct sg_json *body)
{
	if (sg_locks_relation_kind(sg_json_text(sg_json_get(body, "objectType"))))
		sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

/* ---- indexes, maintenance, the rest ------------------------------------------------------ */

static void of_index(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *relation = sg_json_get(body, "relation");
	bool concurrent = sg_json_true(sg_json_get(body, "concurrent"));
	struct sg_relation name = sg_tree_relation(relation);
	const struct sg_model_table *table = sg_model_table(taking->model, name);
	bool only = table != NULL && table->kind == 'p' && !sg_json_true(sg_json_get(relation, "inh"));

	sg_locks_take(taking, name, concurrent ? SG_LOCK_SHARE_UPDATE_EXCLUSIVE : SG_LOCK_SHARE, only ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_SCAN);
}

static void of_reindex(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *concurrently = sg_node_option(sg_json_get(body, "params"), "concurrently");
	bool concurrent = concurrently != NULL && sg_node_option_on(concurrently);
	struct sg_relation name = sg_tree_relation(sg_json_get(body, "relation"));
	enum sg_lock_mode mode = concurrent ? SG_LOCK_SHARE_UPDATE_EXCLUSIVE : SG_LOCK_SHARE;
	const struct sg_model_table *table = NULL;

	if (name.name == NULL)
		return;
	if (!sg_node_is(body, "kind", "REINDEX_OBJECT_INDEX"))
		sg_locks_take(taking, name, mode, SG_LOCK_WORK_SCAN);
	else if (sg_model_index(taking->model, name, &table) != NULL && table != NULL)
		sg_locks_take_too(taking, table->name, mode, SG_LOCK_WORK_SCAN);
}

static void of_vacuum(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *rels = sg_json_get(body, "rels"), *full = sg_node_option(sg_json_get(body, "options"), "full");
	/* ANALYZE reads a sample, however large the table is. */
	bool vacuum = sg_json_true(sg_json_get(body, "is_vacuumcmd"));
	bool rewrite = vacuum && full != NULL && sg_node_option_on(full);

	for (size_t i = 0; i < sg_json_count(rels); i++)
		sg_locks_take(taking, sg_tree_relation(sg_json_get(sg_node_as(sg_json_at(rels, i), "VacuumRelation"), "relation")),
		     rewrite ? SG_LOCK_ACCESS_EXCLUSIVE : SG_LOCK_SHARE_UPDATE_EXCLUSIVE,
		     rewrite ? SG_LOCK_WORK_REWRITE : vacuum ? SG_LOCK_WORK_SCAN : SG_LOCK_WORK_NONE);
}

static void of_refresh(const struct sg_taking *taking, const struct sg_json *body)
{
	bool concurrent = sg_json_true(sg_json_get(body, "concurrent")), empty = sg_json_true(sg_json_get(body, "skipData"));

	sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), concurrent ? SG_LOCK_EXCLUSIVE : SG_LOCK_ACCESS_EXCLUSIVE,
	     concurrent ? SG_LOCK_WORK_SCAN : empty ? SG_LOCK_WORK_NONE : SG_LOCK_WORK_REWRITE);
}

static void of_cluster(const struct sg_taking *taking, const struct sg_json *body)
{
	sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_REWRITE);
}

static void of_lock(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *tables = sg_json_get(body, "relations");
	int64_t mode = sg_json_int(sg_json_get(body, "mode"));

	for (size_t i = 0; mode > SG_LOCK_NONE && mode <= SG_LOCK_ACCESS_EXCLUSIVE && i < sg_json_count(tables); i++)
		sg_locks_take(taking, sg_tree_relation(sg_node_as(sg_json_at(tables, i), "RangeVar")), (enum sg_lock_mode)mode,
		     SG_LOCK_WORK_NONE);
}

static void of_trigger(const struct sg_taking *taking, const struct sg_json *body)
{
	sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void of_policy(const struct sg_taking *taking, const struct sg_json *body)
{
	sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "table")), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void of_rule(const struct sg_taking *taking, const struct sg_json *body)
{
	sg_locks_take(taking, sg_tree_relation(sg_json_get(body, "relation")), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

/* CREATE OR REPLACE of a view that is there. */
static void of_view(const struct sg_taking *taking, const struct sg_json *body)
{
	struct sg_relation view = sg_tree_relation(sg_json_get(body, "view"));
	const struct sg_model_table *known = sg_model_table(taking->model, view);

	if (sg_json_true(sg_json_get(body, "replace")) && known != NULL && !known->dropped)
		sg_locks_take(taking, view, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void of_comment(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *items = sg_json_get(sg_node_as(sg_json_get(body, "object"), "List"), "items");
	struct sg_relation table = { NULL, NULL };

	if (sg_node_is(body, "objtype", "OBJECT_COLUMN"))
		table = sg_locks_table_of_part(items);
	else if (!sg_locks_relation_kind(sg_json_text(sg_json_get(body, "objtype"))) || !sg_tree_names(items, &table))
		return;
	sg_locks_take(taking, table, SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void of_statistics(const struct sg_taking *taking, const struct sg_json *body)
{
	sg_locks_take(taking, sg_tree_relation(sg_node_as(sg_json_at(sg_json_get(body, "relations"), 0), "RangeVar")),
	     SG_LOCK_SHARE_UPDATE_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

struct kind {
	const char *node;
	void (*of)(const struct sg_taking *taking, const struct sg_json *body);
};

/* Sorted. */
static const struct kind kinds[] = {
	{ "AlterObjectSchemaStmt", of_move }, { "AlterPolicyStmt", of_policy },   { "AlterTableStmt", sg_locks_of_alter },
	{ "ClusterStmt", of_cluster },        { "CommentStmt", of_comment },      { "CopyStmt", of_copy },
	{ "CreatePolicyStmt", of_policy },    { "CreateStatsStmt", of_statistics }, { "CreateStmt", sg_locks_of_create },
	{ "CreateTableAsStmt", of_create_as }, { "CreateTrigStmt", of_trigger },  { "DeleteStmt", of_write },
	{ "DropStmt", sg_locks_of_drop },              { "IndexStmt", of_index },          { "InsertStmt", of_insert },
	{ "LockStmt", of_lock },              { "MergeStmt", of_write },          { "RefreshMatViewStmt", of_refresh },
	{ "ReindexStmt", of_reindex },        { "RenameStmt", of_rename },        { "RuleStmt", of_rule },
	{ "SelectStmt", of_select },          { "TruncateStmt", sg_locks_of_truncate },    { "UpdateStmt", of_write },
	{ "VacuumStmt", of_vacuum },          { "ViewStmt", of_view },
};

static int by_node(const void *key, const void *entry)
{
	return strcmp(key, ((const struct kind *)entry)->node);
}

void sg_locks_of(const struct sg_model *model, const char *node, const struct sg_json *body, struct sg_arena *arena,
                 struct sg_locks *locks)
{
	struct sg_taking taking = { model, arena, locks };
	const struct kind *kind = bsearch(node, kinds, SG_COUNT(kinds), sizeof *kinds, by_node);

	if (kind != NULL)
		kind->of(&taking, body);
}
