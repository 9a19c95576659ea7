/* dml.c - finds the operations: whatever writes rows when a statement is run, wherever in its tree it stands. Definitions
 * (views, rules, triggers, functions, defaults) are kept, not run, and nothing in them counts until something calls them. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"
#include "core/base/base.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

static void walk(struct sg_dml_reader *reader, const struct sg_json *value, const struct sg_dml_with *with);

/* ---- an operation ---------------------------------------------------------------------- */

static struct sg_dml_op *add_op(struct sg_dml_reader *reader, enum sg_dml_verb verb, const char *type)
{
	struct sg_audit_dml_notes *notes = reader->notes;
	struct sg_dml_op *op;

	notes->ops =
		sg_arena_grow(reader->scope->arena, notes->ops, &notes->op_capacity, notes->op_count + 1, sizeof *notes->ops);
	op = &notes->ops[notes->op_count++];
	*op = (struct sg_dml_op){ .statement = reader->scope->number,
		                  .seq = notes->seq++,
		                  .type = type,
		                  .via = reader->via,
		                  .verb = verb,
		                  .loop = reader->loop };
	return op;
}

void sg_dml_unread(struct sg_dml_reader *reader, const char *type, const char *why)
{
	add_op(reader, SG_VERB_UNKNOWN, type)->unread = why;
}

static bool is_temporary(const struct sg_dml_reader *reader, struct sg_relation table)
{
	const struct sg_model_table *known = sg_model_table(reader->scope->model, table);

	return (known != NULL && known->temporary) || (table.schema != NULL && strcmp(table.schema, "pg_temp") == 0) ||
	       sg_relations_have(&reader->notes->temporary, table, "public");
}

/* A view that is new may be over tables that are not. */
static bool is_new(const struct sg_dml_reader *reader, struct sg_relation table)
{
	const struct sg_model_table *known = sg_model_table(reader->scope->model, table);

	return (sg_model_is_new(reader->scope->model, table) && (known == NULL || known->kind == 'r' || known->kind == 'p')) ||
	       sg_relations_have(&reader->notes->made, table, "public");
}

bool sg_dml_is_fresh(const struct sg_dml_reader *reader, struct sg_relation table)
{
	return is_temporary(reader, table) || is_new(reader, table);
}

static void add_table(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *relation)
{
	struct sg_relation table = sg_tree_relation(relation);
	bool first = op->tables.count == 0, temporary, fresh;

	if (table.name == NULL)
		return;
	if (strcmp(table.name, SG_DML_HIDDEN) == 0) {
		op->hidden = true;
		return;
	}
	temporary = is_temporary(reader, table);
	fresh = temporary || is_new(reader, table);
	op->fresh = fresh && (first || op->fresh);
	op->temporary = temporary && (first || op->temporary);
	sg_relations_add(reader->scope->arena, &op->tables, table);
}

/* A dump of data is thousands of INSERTs, one a row: from here on they count as one operation with all their rows. */
#define INSERTS_MAX 1000

/* The operation before it, if it is an INSERT of the same kind into the same table, and nobody allows this one. */
static struct sg_dml_op *same_insert(const struct sg_dml_reader *reader, struct sg_relation table)
{
	struct sg_audit_dml_notes *notes = reader->notes;
	struct sg_dml_op *last = notes->op_count > INSERTS_MAX ? &notes->ops[notes->op_count - 1] : NULL;

	if (last == NULL || last->verb != SG_VERB_INSERT || !last->literal || last->loop != reader->loop || last->hidden ||
	    last->tables.count != 1 || table.name == NULL || reader->scope->statement->allow_count > 0 ||
	    strcmp(last->tables.list[0].name, table.name) != 0 || (last->tables.list[0].schema != NULL) != (table.schema != NULL) ||
	    (table.schema != NULL && strcmp(last->tables.list[0].schema, table.schema) != 0) ||
	    (last->via != NULL) != (reader->via != NULL) || (last->via != NULL && strcmp(last->via, reader->via) != 0))
		return NULL;
	return last;
}

static void note_insert(struct sg_dml_reader *reader, const struct sg_json *body, const struct sg_dml_with *with)
{
	const struct sg_json *select = sg_node_as(sg_json_get(body, "selectStmt"), "SelectStmt");
	bool plain = select == NULL || sg_json_get(select, "valuesLists") != NULL;
	struct sg_dml_op *op = plain ? same_insert(reader, sg_tree_relation(sg_json_get(body, "relation"))) : NULL;
	struct sg_relation source = { 0 };
	size_t rows = 1;

	if (op != NULL && (select == NULL || sg_dml_rows(reader, select, with, &rows, &source))) {
		op->rows += rows + reader->scope->left_out;
		return;
	}
	op = add_op(reader, SG_VERB_INSERT, plain ? "INSERT" : "INSERT … SELECT");

	op->inserts = true;
	add_table(reader, op, sg_json_get(body, "relation"));
	op->rows = 1;
	op->literal = select == NULL || sg_dml_rows(reader, select, with, &op->rows, &op->source);
	op->source_fresh = op->source.name != NULL && sg_dml_is_fresh(reader, op->source);
	op->rows += reader->scope->left_out;
}

static void note_merge(struct sg_dml_reader *reader, const struct sg_json *body, const struct sg_dml_with *with)
{
	const struct sg_json *source = sg_json_get(body, "sourceRelation"), *clauses = sg_json_get(body, "mergeWhenClauses");
	const struct sg_json *query = sg_json_get(sg_node_as(source, "RangeSubselect"), "subquery");
	struct sg_dml_op *op = add_op(reader, SG_VERB_MERGE, "MERGE");

	add_table(reader, op, sg_json_get(body, "relation"));
	op->limited = true;
	for (size_t i = 0; i < sg_json_count(clauses); i++) {
		const struct sg_json *clause = sg_node_as(sg_json_at(clauses, i), "MergeWhenClause");

		op->inserts = op->inserts || sg_node_is(clause, "commandType", "CMD_INSERT");
		op->updates = op->updates || sg_node_is(clause, "commandType", "CMD_UPDATE");
		op->deletes = op->deletes || sg_node_is(clause, "commandType", "CMD_DELETE");
	}
	if (query == NULL && sg_node_as(source, "RangeVar") != NULL) {
		struct sg_relation name = sg_tree_relation(sg_node_as(source, "RangeVar"));

		query = name.schema == NULL ? sg_dml_cte(with, name.name, NULL) : NULL;
		if (query == NULL)
			op->source = (struct sg_relation){ .schema = sg_arena_strdup(reader->scope->arena, name.schema),
				                           .name = sg_arena_strdup(reader->scope->arena, name.name) };
	}
	if (query != NULL)
		op->literal = sg_dml_rows(reader, sg_node_as(query, "SelectStmt"), with, &op->rows, &op->source);
	op->source_fresh = op->source.name != NULL && sg_dml_is_fresh(reader, op->source);
	op->rows += reader->scope->left_out;
}

static void note_change(struct sg_dml_reader *reader, enum sg_dml_verb verb, const struct sg_json *body,
                        const struct sg_dml_with *with)
{
	struct sg_dml_op *op = add_op(reader, verb, verb == SG_VERB_DELETE ? "DELETE" : "UPDATE");

	add_table(reader, op, sg_json_get(body, "relation"));
	sg_dml_form(reader, op, body, with);
}

static void note_copy(struct sg_dml_reader *reader, const struct sg_json *body)
{
	struct sg_dml_op *op;

	if (!sg_json_true(sg_json_get(body, "is_from")))
		return;
	op = add_op(reader, SG_VERB_COPY, "COPY");
	op->inserts = true;
	add_table(reader, op, sg_json_get(body, "relation"));
	op->literal = sg_json_text(sg_json_get(body, "filename")) == NULL && !sg_json_true(sg_json_get(body, "is_program"));
	op->rows = reader->scope->statement->copy_rows;
}

static void note_truncate(struct sg_dml_reader *reader, const struct sg_json *body)
{
	const struct sg_json *relations = sg_json_get(body, "relations");
	struct sg_dml_op *op = add_op(reader, SG_VERB_TRUNCATE, "TRUNCATE");

	op->cascade = sg_node_is(body, "behavior", "DROP_CASCADE");
	for (size_t i = 0; i < sg_json_count(relations); i++)
		add_table(reader, op, sg_node_as(sg_json_at(relations, i), "RangeVar"));
}

/* SELECT … INTO and CREATE TABLE … AS. into: its intoClause; query: what fills it. */
static void note_create(struct sg_dml_reader *reader, const char *type, const struct sg_json *into, const struct sg_json *query,
                        const struct sg_dml_with *with)
{
	const struct sg_json *relation = sg_json_get(into, "rel");
	bool temporary = sg_node_is(relation, "relpersistence", "t");
	struct sg_dml_op *op;

	if (reader->via != NULL || strcmp(type, "SELECT INTO") == 0)
		sg_relations_add(reader->scope->arena, temporary ? &reader->notes->temporary : &reader->notes->made,
		                 sg_tree_relation(relation));
	if (sg_json_true(sg_json_get(into, "skipData")))
		return;
	op = add_op(reader, SG_VERB_CREATE, type);
	op->inserts = true;
	add_table(reader, op, relation);
	op->fresh = true; /* whatever the model knows of that name, this one is new */
	op->temporary = temporary;
	op->literal = sg_dml_rows(reader, query, with, &op->rows, &op->source);
	op->source_fresh = op->source.name != NULL && sg_dml_is_fresh(reader, op->source);
	if (op->source.name != NULL)
		sg_dml_form_query(reader, op, query, with);
}

/* ---- the tree --------------------------------------------------------------------------- */

static void look_at(struct sg_dml_reader *reader, const char *key, const struct sg_json *body, const struct sg_dml_with *with)
{
	struct sg_relation name;

	if (strcmp(key, "FuncCall") == 0 || strcmp(key, "funccall") == 0) {
		if (sg_tree_names(sg_json_get(body, "funcname"), &name))
			sg_dml_read_call(reader, name);
	} else if (strcmp(key, "InsertStmt") == 0) {
		note_insert(reader, body, with);
	} else if (strcmp(key, "UpdateStmt") == 0) {
		note_change(reader, SG_VERB_UPDATE, body, with);
	} else if (strcmp(key, "DeleteStmt") == 0) {
		note_change(reader, SG_VERB_DELETE, body, with);
	} else if (strcmp(key, "MergeStmt") == 0) {
		note_merge(reader, body, with);
	}
}

static void walk_object(struct sg_dml_reader *reader, const struct sg_json *value, const struct sg_dml_with *with)
{
	struct sg_dml_with inner = { .up = with };

	for (void *member = sg_json_next(value, NULL); member != NULL; member = sg_json_next(value, member)) {
		const char *key = sg_json_key(member);
		const struct sg_json *body = sg_json_value(member);
		const struct sg_dml_with *here = with;

		if (!sg_json_is_object(body) && !sg_json_is_array(body))
			continue;
		inner.clause = sg_json_get(body, "withClause");
		if (inner.clause != NULL)
			here = &inner;
		if (sg_json_is_object(body)) {
			look_at(reader, key, body, here);
			if (sg_json_get(body, "intoClause") != NULL)
				note_create(reader, "SELECT INTO", sg_json_get(body, "intoClause"), body, here);
		}
		walk(reader, body, here);
	}
}

/* What is run: a query, or a statement that writes. */
static void walk(struct sg_dml_reader *reader, const struct sg_json *value, const struct sg_dml_with *with)
{
	if (sg_json_is_object(value))
		walk_object(reader, value, with);
	for (size_t i = 0; i < sg_json_count(value); i++)
		walk(reader, sg_json_at(value, i), with);
}

static void read_create_as(struct sg_dml_reader *reader, const struct sg_json *body)
{
	const struct sg_json *query = sg_node_as(sg_json_get(body, "query"), "SelectStmt");
	const struct sg_dml_with with = { .clause = sg_json_get(query, "withClause") };

	if (sg_node_is(body, "objtype", "OBJECT_TABLE"))
		note_create(reader, "CREATE TABLE AS", sg_json_get(body, "into"), query, with.clause != NULL ? &with : NULL);
	if (!sg_json_true(sg_json_get(sg_json_get(body, "into"), "skipData")))
		walk(reader, sg_json_get(body, "query"), NULL);
}

void sg_dml_read(struct sg_dml_reader *reader, const struct sg_json *tree, const char *sql)
{
	static const char *const run[] = { "SelectStmt", "InsertStmt",  "UpdateStmt",        "DeleteStmt", "MergeStmt",
		                           "CallStmt",   "PrepareStmt", "DeclareCursorStmt", "ReturnStmt" };
	const char *node = sg_node_name(tree);
	const struct sg_json *body = sg_node_body(tree);

	if (node == NULL)
		return;
	for (size_t i = 0; i < SG_COUNT(run); i++)
		if (strcmp(node, run[i]) == 0) {
			walk(reader, tree, NULL);
			return;
		}
	if (strcmp(node, "DoStmt") == 0) {
		sg_dml_read_do(reader, body, sql);
	} else if (strcmp(node, "CreateTableAsStmt") == 0) {
		read_create_as(reader, body);
	} else if (strcmp(node, "TruncateStmt") == 0) {
		note_truncate(reader, body);
	} else if (strcmp(node, "CopyStmt") == 0) {
		note_copy(reader, body);
		walk(reader, sg_json_get(body, "query"), NULL);
	} else if (strcmp(node, "ExplainStmt") == 0) {
		if (sg_node_option_on(sg_node_option(sg_json_get(body, "options"), "analyze")))
			sg_dml_read(reader, sg_json_get(body, "query"), "");
	} else if (strcmp(node, "List") == 0) { /* BEGIN ATOMIC … END */
		const struct sg_json *items = sg_json_get(body, "items");

		for (size_t i = 0; i < sg_json_count(items); i++)
			sg_dml_read(reader, sg_json_at(items, i), "");
	} else {
		sg_dml_facts(reader, node, body);
	}
}

void sg_dml_read_text(struct sg_dml_reader *reader, const char *sql, bool statements)
{
	size_t length = strlen(sql);
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	const struct sg_json *list;

	if (sg_parse(sql, length, &tree, &err) != SG_PARSE_OK) {
		if (statements)
			sg_dml_unread(reader, "EXECUTE", "a statement of it cannot be parsed");
		sg_err_release(&err);
		return;
	}
	list = sg_json_get(tree, "stmts");
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *one = sg_json_at(list, i);
		const struct sg_json *statement = sg_json_get(one, "stmt");
		size_t from = (size_t)sg_json_int(sg_json_get(one, "stmt_location"));
		size_t size = (size_t)sg_json_int(sg_json_get(one, "stmt_len"));
		const char *text = sql;

		bool inside, hidden;

		if (sg_json_count(list) > 1 && from <= length)
			text = sg_arena_strndup(reader->scope->arena, sql + from,
			                        size > 0 && size <= length - from ? size : length - from);
		/* A name that is made at run time is "?": what is done to it is told, but nothing is known by it. */
		inside = statements && reader->via != NULL;
		hidden = inside && strstr(text, "\"" SG_DML_HIDDEN "\"") != NULL;
		if (inside)
			sg_audit_look_inside(reader->scope, statement, text, reader->via, hidden);
		sg_dml_read(reader, statement, text);
		if (inside && !hidden)
			sg_audit_apply_inside(reader->scope, statement, text);
	}
	sg_json_free(tree);
}

void sg_dml_look(struct sg_audit_scope *scope, const struct sg_json *tree)
{
	struct sg_relations visited = { .list = NULL };
	struct sg_dml_reader reader = { .scope = scope, .visited = &visited };

	if (scope->dml == NULL)
		scope->dml = sg_arena_alloc(scope->arena, sizeof *scope->dml);
	reader.notes = scope->dml;
	sg_dml_read(&reader, tree, scope->statement->text);
}

/* ---- the end of a migration -------------------------------------------------------------- */

void sg_dml_end(struct sg_audit_scope *scope)
{
	struct sg_arena *arena = scope->result->arena;
	struct sg_audit_dml_notes *notes = scope->dml;

	for (size_t i = 0; notes != NULL && i < notes->op_count; i++) {
		const struct sg_dml_op *op = &notes->ops[i];
		const char **tables = sg_arena_array(arena, op->tables.count > 0 ? op->tables.count : 1, sizeof *tables);
		struct sg_dml_judgement judgement;

		for (size_t t = 0; t < op->tables.count; t++)
			tables[t] = sg_audit_name(arena, op->tables.list[t]);
		sg_dml_judge(scope, op, &judgement);
		sg_audit_add_dml(scope, op->statement,
		                 &(struct sg_audit_dml){ .type = sg_arena_strdup(arena, op->type),
		                                         .tables = tables,
		                                         .table_count = op->tables.count,
		                                         .via = sg_arena_strdup(arena, op->via),
		                                         .kind = judgement.kind,
		                                         .verdict = judgement.verdict,
		                                         .reason = sg_dml_reason(scope, op, &judgement),
		                                         .action = sg_dml_action(scope, op, &judgement) });
	}
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *sg_dml_kind_name(enum sg_dml_kind kind)
{
	static const char *const names[] = { "dedup_for_unique", "seed_insert", "orphan_cleanup_for_constraint",
		                             "one_time_default", "bulk_update", "bulk_delete",
		                             "data_copy",        "other" };

	return names[kind];
}

const char *sg_dml_verdict_name(enum sg_dml_verdict verdict)
{
	static const char *const names[] = { "SAFE", "POTENTIALLY UNSAFE", "UNSAFE" };

	return names[verdict];
}
