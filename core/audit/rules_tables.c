/* rules_tables.c - table.*: what becomes of whole tables. A rename that leaves something of the old name, and tables without a
 * primary key, are judged at the end of the migration. */
#include "config.h"

#include <string.h>

#include "core/audit/locks.h"
#include "core/audit/scope.h"
#include "core/base/buf.h"
#include "core/sql/tree.h"

struct gone {                  /* renamed, or moved to another schema */
	size_t number;
	enum sg_rule_id rule;
	struct sg_relation old;
	const char *to;
};

struct made {
	size_t number;
	struct sg_relation table;
};

struct sg_audit_table_notes {
	struct gone *gone;
	size_t gone_count, gone_capacity;
	struct made *made;
	size_t made_count, made_capacity;
};

static struct sg_audit_table_notes *notes_of(struct sg_audit_scope *scope)
{
	if (scope->tables == NULL)
		scope->tables = sg_arena_alloc(scope->arena, sizeof *scope->tables);
	return scope->tables;
}

static struct sg_relation copy(struct sg_arena *arena, struct sg_relation relation)
{
	return (struct sg_relation){ sg_arena_strdup(arena, relation.schema), sg_arena_strdup(arena, relation.name) };
}

static const char *name(struct sg_audit_scope *scope, struct sg_relation relation)
{
	return sg_audit_name(scope->arena, relation);
}

/* ---- CREATE TABLE ---------------------------------------------------------------------- */

/* Each parent that was there before: a foreign key puts triggers on it, and that takes the lock. */
static void find_parent(struct sg_audit_scope *scope, struct sg_relation self, const struct sg_json *node)
{
	const struct sg_json *constraint = sg_node_as(node, "Constraint");
	struct sg_relation parent;

	if (!sg_node_is(constraint, "contype", "CONSTR_FOREIGN"))
		return;
	parent = sg_tree_relation(sg_json_get(constraint, "pktable"));
	if (parent.name == NULL ||
	    (strcmp(parent.name, self.name) == 0 &&
	     (parent.schema == NULL || self.schema == NULL || strcmp(parent.schema, self.schema) == 0)))
		return;
	sg_audit_find(scope, SG_RULE_TABLE_CREATE_WITH_FK, &parent, "%s refers to %s", name(scope, self), name(scope, parent));
}

/* LIKE … INCLUDING ALL or INCLUDING INDEXES brings a primary key along, if there is one. */
#define CREATE_TABLE_LIKE_INDEXES (1 << 6) /* src/include/nodes/parsenodes.h, TableLikeOption */

static bool brings_key(const struct sg_json *element)
{
	const struct sg_json *like = sg_node_as(element, "TableLikeClause");

	return like != NULL && (sg_json_int(sg_json_get(like, "options")) & CREATE_TABLE_LIKE_INDEXES) != 0;
}

static void note_made(struct sg_audit_scope *scope, struct sg_relation table)
{
	struct sg_audit_table_notes *notes = notes_of(scope);

	notes->made = sg_arena_grow(scope->arena, notes->made, &notes->made_capacity, notes->made_count + 1, sizeof *notes->made);
	notes->made[notes->made_count++] = (struct made){ scope->number, copy(scope->arena, table) };
}

static void of_relation(struct sg_audit_scope *scope, const struct sg_json *relation, bool keyed)
{
	struct sg_relation table = sg_tree_relation(relation);

	if (sg_node_is(relation, "relpersistence", "u"))
		sg_audit_find(scope, SG_RULE_TABLE_UNLOGGED, NULL, "%s", name(scope, table));
	/* With IF NOT EXISTS it may be there already; then the model knows it. */
	if (!keyed && !sg_node_is(relation, "relpersistence", "t"))
		note_made(scope, table);
}

static void of_create(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *relation = sg_json_get(body, "relation"), *elements = sg_json_get(body, "tableElts");
	struct sg_relation self = sg_tree_relation(relation);
	/* A partition has its parent's key, a typed table may get one where we do not look. */
	bool keyed = sg_json_get(body, "partbound") != NULL || sg_json_get(body, "ofTypename") != NULL;

	if (self.name == NULL)
		return;
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *element = sg_json_at(elements, i);
		const struct sg_json *constraints = sg_json_get(sg_node_as(element, "ColumnDef"), "constraints");

		keyed = keyed || brings_key(element);
		find_parent(scope, self, element);
		for (size_t c = 0; c < sg_json_count(constraints); c++)
			find_parent(scope, self, sg_json_at(constraints, c));
	}
	of_relation(scope, relation, keyed);
}

static void of_create_as(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *relation = sg_json_get(sg_json_get(body, "into"), "rel");

	if (sg_node_is(body, "objtype", "OBJECT_TABLE") && sg_tree_relation(relation).name != NULL)
		of_relation(scope, relation, false);
}

/* ---- DROP, TRUNCATE ------------------------------------------------------------------------ */

/* "; also locks parent, other": what the model says hangs on it, beside the table itself. */
static const char *others(struct sg_audit_scope *scope, const struct sg_locks *locks, const char *lead)
{
	struct sg_buf text;
	const char *result;
	size_t count = 0;

	sg_buf_init(&text, 400);
	for (size_t i = 0; i < locks->count; i++)
		if (!locks->list[i].named && !sg_model_is_new(scope->model, locks->list[i].relation))
			sg_buf_addf(&text, "%s%s", count++ == 0 ? lead : ", ", name(scope, locks->list[i].relation));
	result = sg_arena_strdup(scope->arena, text.data);
	sg_buf_release(&text);
	return result;
}

static void of_drop(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	struct sg_locks locks = { NULL, 0, 0 };
	const char *also;

	if (!sg_node_is(body, "removeType", "OBJECT_TABLE") && !sg_node_is(body, "removeType", "OBJECT_MATVIEW") &&
	    !sg_node_is(body, "removeType", "OBJECT_FOREIGN_TABLE"))
		return;
	sg_locks_of(scope->model, "DropStmt", body, scope->arena, &locks);
	also = others(scope, &locks, "; locked too, by foreign keys or partitions: ");
	for (size_t i = 0; i < sg_json_count(objects); i++) {
		struct sg_relation table;

		if (sg_tree_names(sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items"), &table) && table.name != NULL)
			sg_audit_find(scope, SG_RULE_TABLE_DROP, &table, "%s%s", name(scope, table), also);
	}
}

static void of_truncate(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *tables = sg_json_get(body, "relations");
	bool cascade = sg_node_is(body, "behavior", "DROP_CASCADE");
	struct sg_locks locks = { NULL, 0, 0 };
	const char *also = "";

	if (cascade) {
		sg_locks_of(scope->model, "TruncateStmt", body, scope->arena, &locks);
		also = others(scope, &locks, "; emptied too, by CASCADE: ");
		if (also[0] == '\0')
			also = "; CASCADE empties every table that refers to it, too";
	}
	for (size_t i = 0; i < sg_json_count(tables); i++) {
		struct sg_relation table = sg_tree_relation(sg_node_as(sg_json_at(tables, i), "RangeVar"));

		if (table.name != NULL)
			sg_audit_find(scope, SG_RULE_TABLE_TRUNCATE, &table, "%s%s", name(scope, table), also);
	}
}

/* ---- another name ------------------------------------------------------------------------------ */

static void note_gone(struct sg_audit_scope *scope, enum sg_rule_id rule, const struct sg_json *relation, const char *to)
{
	struct sg_audit_table_notes *notes = notes_of(scope);
	struct sg_relation old = sg_tree_relation(relation);
	const struct sg_model_table *table = sg_model_table(scope->model, old);

	/* To be asked now: the model forgets the old name. */
	if (old.name == NULL || sg_model_is_new(scope->model, old) || (table != NULL && table->temporary))
		return;
	notes->gone = sg_arena_grow(scope->arena, notes->gone, &notes->gone_capacity, notes->gone_count + 1, sizeof *notes->gone);
	notes->gone[notes->gone_count++] =
		(struct gone){ scope->number, rule, copy(scope->arena, old), sg_arena_strdup(scope->arena, to != NULL ? to : "?") };
}

static bool is_relation_kind(const char *kind)
{
	return kind != NULL && (strcmp(kind, "OBJECT_TABLE") == 0 || strcmp(kind, "OBJECT_VIEW") == 0 ||
	                        strcmp(kind, "OBJECT_MATVIEW") == 0 || strcmp(kind, "OBJECT_FOREIGN_TABLE") == 0);
}

static void of_rename(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const char *to = sg_json_text(sg_json_get(body, "newname"));

	if (is_relation_kind(sg_json_text(sg_json_get(body, "renameType"))))
		note_gone(scope, SG_RULE_TABLE_RENAME, sg_json_get(body, "relation"), to);
	else if (sg_node_is(body, "renameType", "OBJECT_SCHEMA"))
		sg_audit_find(scope, SG_RULE_TABLE_SET_SCHEMA, NULL, "schema %s becomes %s: all that is in it",
		              sg_json_text(sg_json_get(body, "subname")), to);
}

static void of_move(struct sg_audit_scope *scope, const struct sg_json *body)
{
	if (is_relation_kind(sg_json_text(sg_json_get(body, "objectType"))))
		note_gone(scope, SG_RULE_TABLE_SET_SCHEMA, sg_json_get(body, "relation"), sg_json_text(sg_json_get(body, "newschema")));
}

/* ---- written anew ---------------------------------------------------------------------------------- */

static void of_cluster(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));

	if (table.name != NULL)
		sg_audit_find(scope, SG_RULE_TABLE_CLUSTER_VACUUM_FULL, &table, "CLUSTER of %s", name(scope, table));
	else
		sg_audit_find(scope, SG_RULE_TABLE_CLUSTER_VACUUM_FULL, NULL, "CLUSTER of every table that was clustered before");
}

static void of_vacuum(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *full = sg_node_option(sg_json_get(body, "options"), "full"), *rels = sg_json_get(body, "rels");

	if (!sg_json_true(sg_json_get(body, "is_vacuumcmd")) || full == NULL || !sg_node_option_on(full))
		return;
	if (sg_json_count(rels) == 0)
		sg_audit_find(scope, SG_RULE_TABLE_CLUSTER_VACUUM_FULL, NULL, "VACUUM FULL of the whole database");
	for (size_t i = 0; i < sg_json_count(rels); i++) {
		const struct sg_json *rel = sg_node_as(sg_json_at(rels, i), "VacuumRelation");
		struct sg_relation table = sg_tree_relation(sg_json_get(rel, "relation"));

		if (table.name != NULL)
			sg_audit_find(scope, SG_RULE_TABLE_CLUSTER_VACUUM_FULL, &table, "VACUUM FULL of %s", name(scope, table));
	}
}

/* An index is moved by itself; its table's readers wait for it all the same. */
static void of_index_moved(struct sg_audit_scope *scope, struct sg_relation index, const char *where)
{
	const struct sg_model_table *table = NULL;

	if (sg_model_index(scope->model, index, &table) == NULL)
		table = NULL;
	sg_audit_find(scope, SG_RULE_TABLE_SET_LOGGED, table != NULL ? &table->name : NULL, "index %s to tablespace %s",
	              name(scope, index), where != NULL ? where : "?");
}

static void of_alter(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *cmds = sg_json_get(body, "cmds");
	const struct sg_model_table *known = table.name != NULL ? sg_model_table(scope->model, table) : NULL;

	for (size_t i = 0; table.name != NULL && i < sg_json_count(cmds); i++) {
		const struct sg_json *cmd = sg_node_as(sg_json_at(cmds, i), "AlterTableCmd");
		const char *subtype = sg_json_text(sg_json_get(cmd, "subtype")), *to = sg_json_text(sg_json_get(cmd, "name"));

		/* A partitioned table has no rows of its own: its partitions stay where they are. */
		if (subtype == NULL || (known != NULL && known->kind == 'p'))
			continue;
		if (strcmp(subtype, "AT_SetTableSpace") == 0 && sg_node_is(body, "objtype", "OBJECT_INDEX"))
			of_index_moved(scope, table, to);
		else if (strcmp(subtype, "AT_SetTableSpace") == 0)
			sg_audit_find(scope, SG_RULE_TABLE_SET_LOGGED, &table, "%s to tablespace %s", name(scope, table), to != NULL ? to : "?");
		else if (!sg_node_is(body, "objtype", "OBJECT_TABLE") && !sg_node_is(body, "objtype", "OBJECT_MATVIEW"))
			continue;
		else if (strcmp(subtype, "AT_SetAccessMethod") == 0)
			sg_audit_find(scope, SG_RULE_TABLE_SET_LOGGED, &table, "%s to access method %s", name(scope, table), to != NULL ? to : "?");
		else if (strcmp(subtype, "AT_SetLogged") == 0 || strcmp(subtype, "AT_SetUnLogged") == 0)
			sg_audit_find(scope, SG_RULE_TABLE_SET_LOGGED, &table, "%s becomes %s", name(scope, table),
			              strcmp(subtype, "AT_SetLogged") == 0 ? "logged" : "unlogged");
	}
}

static void of_move_all(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const char *from = sg_json_text(sg_json_get(body, "orig_tablespacename"));

	sg_audit_find(scope, SG_RULE_TABLE_SET_LOGGED, NULL, "all that is in tablespace %s", from != NULL ? from : "?");
}

struct kind {
	const char *node;
	void (*of)(struct sg_audit_scope *scope, const struct sg_json *body);
};

void sg_rules_tables(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	static const struct kind kinds[] = {
		{ "AlterTableStmt", of_alter },           { "CreateStmt", of_create },   { "CreateTableAsStmt", of_create_as },
		{ "DropStmt", of_drop },                  { "TruncateStmt", of_truncate }, { "RenameStmt", of_rename },
		{ "AlterObjectSchemaStmt", of_move },     { "ClusterStmt", of_cluster }, { "VacuumStmt", of_vacuum },
		{ "AlterTableMoveAllStmt", of_move_all },
	};

	for (size_t i = 0; i < SG_COUNT(kinds); i++)
		if (strcmp(node, kinds[i].node) == 0)
			kinds[i].of(scope, body);
	sg_rules_objects(scope, node, body);
}

/* ---- the end of the migration ------------------------------------------------------------------------ */

/* A view or another table that bears the old name by now: the application finds what it asks for. */
static void judge_gone(struct sg_audit_scope *scope, const struct gone *gone)
{
	const struct sg_model_table *now = sg_model_table(scope->model, gone->old);

	if (now != NULL && !now->dropped)
		return;
	if (gone->rule == SG_RULE_TABLE_RENAME)
		sg_audit_find_at(scope, gone->number, gone->rule, &gone->old, "%s becomes %s", name(scope, gone->old), gone->to);
	else
		sg_audit_find_at(scope, gone->number, gone->rule, &gone->old, "%s moves to schema %s", name(scope, gone->old), gone->to);
}

static void judge_key(struct sg_audit_scope *scope, const struct made *made)
{
	const struct sg_model_table *table = sg_model_table(scope->model, made->table);

	if (table == NULL || table->dropped || table->temporary || table->partition_of.name != NULL ||
	    (table->kind != 'r' && table->kind != 'p') || !sg_model_is_new(scope->model, made->table))
		return;
	for (size_t i = 0; i < table->constraint_count; i++)
		if (table->constraints[i].kind == 'p')
			return;
	sg_audit_find_at(scope, made->number, SG_RULE_TABLE_NO_PK, NULL, "%s", name(scope, made->table));
}

void sg_rules_tables_end(struct sg_audit_scope *scope)
{
	if (scope->tables == NULL)
		return;
	for (size_t i = 0; i < scope->tables->gone_count; i++)
		judge_gone(scope, &scope->tables->gone[i]);
	for (size_t i = 0; i < scope->tables->made_count; i++)
		judge_key(scope, &scope->tables->made[i]);
}
