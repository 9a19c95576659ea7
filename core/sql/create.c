/* create.c - CREATE of what a migration makes, and how to know it again.
 *
 * "Already exists" may pass only for a statement that makes exactly one object;
 * OR REPLACE never raises it and is never passed over, a trigger has no
 * definition that could be compared. */
#include "config.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

static struct sg_relation keep(struct sg_judge *judge, struct sg_relation name)
{
	return (struct sg_relation){ .schema = sg_arena_strdup(judge->arena, name.schema),
		                     .name = sg_arena_strdup(judge->arena, name.name) };
}

static void note(struct sg_judge *judge, enum sg_makes makes, const char *sqlstate, struct sg_relation object)
{
	judge->verdict->makes = makes;
	judge->verdict->exists_sqlstates[0] = sqlstate;
	judge->verdict->object = keep(judge, object);
}

/* Tables, views and sequences that live in the session outlive the transaction
 * behind a pooler, in a session that others are given. */
static int refuse_temporary(struct sg_judge *judge, const struct sg_json *rangevar)
{
	const char *schema = sg_json_text(sg_json_get(rangevar, "schemaname"));

	if (!sg_node_is(rangevar, "relpersistence", "t") && (schema == NULL || strcmp(schema, "pg_temp") != 0))
		return 0;
	return sg_judge_refuse(judge, sg_judge_at(rangevar, 0), "Make it a lasting object, or leave it out.",
	                       "a temporary object lives in the session, and behind a pooler the session is someone else's");
}

/* Names and types as declared. */
static void note_columns(struct sg_judge *judge, const struct sg_json *list)
{
	struct sg_wanted_column *columns = sg_arena_array(judge->arena, sg_json_count(list) + 1, sizeof(*columns));
	size_t count = 0;

	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *column = sg_node_as(sg_json_at(list, i), "ColumnDef");

		if (column == NULL)
			continue;
		columns[count].name = sg_arena_strdup(judge->arena, sg_json_text(sg_json_get(column, "colname")));
		columns[count++].type = sg_tree_type(judge->arena, sg_json_get(column, "typeName"));
	}
	judge->verdict->columns = columns;
	judge->verdict->column_count = count;
}

int sg_check_create_table(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *inner = sg_json_get(body, "base"); /* CREATE FOREIGN TABLE has it inside */
	const struct sg_json *create = inner != NULL ? inner : body;
	const struct sg_json *elements = sg_json_get(create, "tableElts");
	const struct sg_json *table = sg_json_get(create, "relation");
	struct sg_verdict *verdict = judge->verdict;
	bool whole = sg_json_count(sg_json_get(create, "inhRelations")) == 0 && sg_json_get(create, "ofTypename") == NULL;

	if (refuse_temporary(judge, table) != 0)
		return -1;
	verdict->if_not_exists = sg_json_true(sg_json_get(create, "if_not_exists"));
	if (!verdict->if_not_exists)
		sg_relations_add(judge->arena, &verdict->made, sg_tree_relation(table));
	/* A partition's bound is computed, and a default partition scanned by the parent's keys. */
	verdict->opaque |= sg_json_get(create, "partbound") != NULL;
	/* A foreign table's server and options are not in the catalogue's columns. */
	if (inner != NULL)
		return 0;
	for (size_t i = 0; i < sg_json_count(elements); i++)
		whole = whole && sg_node_as(sg_json_at(elements, i), "TableLikeClause") == NULL;
	if (!whole) {
		verdict->exists_hint = "The table's columns are not all in the statement (LIKE, INHERITS, OF, PARTITION OF), so "
		                       "one that is there already cannot be compared: ask the fingerprint for it.";
		return 0;
	}
	note(judge, SG_MAKES_TABLE, "42P07", sg_tree_relation(table));
	note_columns(judge, elements);
	return 0;
}

int sg_check_create_table_as(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *into = sg_json_get(body, "into");
	const struct sg_json *target = sg_json_get(into, "rel");
	struct sg_verdict *verdict = judge->verdict;
	bool view = sg_node_is(body, "objtype", "OBJECT_MATVIEW");

	if (view)
		verdict->kind = "CREATE MATERIALIZED VIEW";
	if (refuse_temporary(judge, target) != 0)
		return -1;
	if (!view && !sg_json_true(sg_json_get(into, "skipData")))
		return sg_judge_refuse(judge, sg_judge_find(judge, sg_judge_at(target, 0), "AS"),
		                       "Add WITH NO DATA, and fill the table by a backfill.",
		                       "CREATE TABLE AS fills the table, and a migration is DDL only");
	verdict->if_not_exists = sg_json_true(sg_json_get(body, "if_not_exists"));
	if (!verdict->if_not_exists)
		sg_relations_add(judge->arena, &verdict->made, sg_tree_relation(target));
	verdict->opaque |= view;
	return 0;
}

int sg_check_create_view(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *view = sg_json_get(body, "view");

	if (refuse_temporary(judge, view) != 0)
		return -1;
	if (!sg_json_true(sg_json_get(body, "replace")))
		note(judge, SG_MAKES_VIEW, "42P07", sg_tree_relation(view));
	return 0;
}

int sg_check_create_sequence(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *sequence = sg_json_get(body, "sequence");

	if (refuse_temporary(judge, sequence) != 0)
		return -1;
	judge->verdict->if_not_exists = sg_json_true(sg_json_get(body, "if_not_exists"));
	note(judge, SG_MAKES_SEQUENCE, "42P07", sg_tree_relation(sequence));
	return 0;
}

/* An element is judged as the statement that it is, in the new schema. */
static int judge_element(struct sg_judge *judge, const struct sg_json *element, const char *schema)
{
	struct sg_policy_rules rules = *judge->rules;
	struct sg_verdict part = { .kind = "" };
	struct sg_relations made = { NULL, 0, 0 };
	struct sg_judge inner = *judge;
	const char *node = sg_node_name(element);
	const struct sg_relations *lists[] = { judge->rules->made, &judge->verdict->made };

	if (node == NULL)
		return sg_judge_refuse(judge, 0, NULL, "an element of CREATE SCHEMA that is not known");
	for (size_t i = 0; i < SG_COUNT(lists); i++)
		for (size_t k = 0; lists[i] != NULL && k < lists[i]->count; k++)
			sg_relations_add(judge->arena, &made, lists[i]->list[k]);
	rules.schema = schema != NULL ? schema : rules.schema;
	rules.made = &made;
	inner.rules = &rules;
	inner.verdict = &part;
	if (sg_judge_ddl(&inner, node, element, sg_node_body(element)) != 0)
		return -1;
	judge->verdict->opaque |= part.opaque;
	for (size_t i = 0; i < part.made.count; i++)
		sg_relations_add(judge->arena, &judge->verdict->made,
		                 (struct sg_relation){ part.made.list[i].schema != NULL ? part.made.list[i].schema : schema,
		                                       part.made.list[i].name });
	return 0;
}

int sg_check_create_schema(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *elements = sg_json_get(body, "schemaElts");
	struct sg_relation name = { .schema = NULL, .name = sg_json_text(sg_json_get(body, "schemaname")) };

	if (name.name == NULL)
		name.name = sg_json_text(sg_json_get(sg_json_get(body, "authrole"), "rolename"));
	judge->verdict->if_not_exists = sg_json_true(sg_json_get(body, "if_not_exists"));
	for (size_t i = 0; i < sg_json_count(elements); i++)
		if (judge_element(judge, sg_json_at(elements, i), name.name) != 0)
			return -1;
	if (sg_json_count(elements) > 0)
		judge->verdict->exists_hint = "The statement makes more than the schema: make its tables by sg_ddl calls of their own.";
	else if (name.name != NULL)
		note(judge, SG_MAKES_SCHEMA, "42P06", name);
	return 0;
}

/* "schema"."name"(input types), as regprocedure reads it; NULL if a type cannot be said. */
static const char *signature(struct sg_judge *judge, struct sg_relation name, const struct sg_json *parameters)
{
	const char *schema = name.schema != NULL ? name.schema : judge->rules->schema;
	const char *types = "";

	for (size_t i = 0; i < sg_json_count(parameters); i++) {
		const struct sg_json *parameter = sg_node_as(sg_json_at(parameters, i), "FunctionParameter");
		const char *type;

		if (sg_node_is(parameter, "mode", "FUNC_PARAM_OUT") || sg_node_is(parameter, "mode", "FUNC_PARAM_TABLE"))
			continue;
		type = sg_tree_type(judge->arena, sg_json_get(parameter, "argType"));
		if (type == NULL)
			return NULL;
		types = sg_arena_printf(judge->arena, "%s%s%s", types, types[0] != '\0' ? ", " : "", type);
	}
	return sg_arena_printf(judge->arena, "%s%s%s(%s)", schema != NULL ? sg_tree_quote(judge->arena, schema) : "",
	                       schema != NULL ? "." : "", sg_tree_quote(judge->arena, name.name), types);
}

/* The targets of INSERT, UPDATE, DELETE and MERGE, wherever they stand. */
static void collect_writes(struct sg_judge *judge, const struct sg_json *value)
{
	static const char *const nodes[] = { "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt" };

	for (size_t i = 0; sg_json_is_object(value) && i < SG_COUNT(nodes); i++)
		sg_relations_add(judge->arena, &judge->verdict->body_writes,
		                 sg_tree_relation(sg_json_get(sg_node_as(value, nodes[i]), "relation")));
	for (void *member = sg_json_is_object(value) ? sg_json_next(value, NULL) : NULL; member != NULL;
	     member = sg_json_next(value, member))
		collect_writes(judge, sg_json_value(member));
	for (size_t i = 0; i < sg_json_count(value); i++)
		collect_writes(judge, sg_json_at(value, i));
}

/* A body that cannot be read here is left to the server, and to its probe. */
static void note_body(struct sg_judge *judge, const char *text)
{
	struct sg_err unread = SG_ERR_INIT;
	struct sg_json *tree = NULL;

	if (sg_parse(text, strlen(text), &tree, &unread) == SG_PARSE_OK)
		collect_writes(judge, tree);
	sg_json_free(tree);
	sg_err_release(&unread);
}

int sg_check_create_function(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *options = sg_json_get(body, "options");
	const struct sg_json *as = sg_json_get(sg_node_as(sg_json_get(sg_node_option(options, "as"), "arg"), "List"), "items");
	const char *language = sg_node_string(sg_json_get(sg_node_option(options, "language"), "arg"));
	const char *text = sg_node_string(sg_json_at(as, 0));
	struct sg_relation name;

	judge->verdict->kind = sg_json_true(sg_json_get(body, "is_procedure")) ? "CREATE PROCEDURE" : "CREATE FUNCTION";
	if (text != NULL && language != NULL && (strcmp(language, "sql") == 0 || strcmp(language, "plpgsql") == 0) &&
	    sg_judge_name_body(judge, text, sg_judge_at(sg_node_option(options, "as"), 0)) != 0)
		return -1;
	collect_writes(judge, sg_json_get(body, "sql_body"));
	if (text != NULL && language != NULL && strcmp(language, "sql") == 0)
		note_body(judge, text);
	/* Another language's validator may be anyone's code. */
	judge->verdict->opaque |= language != NULL && strcmp(language, "sql") != 0 && strcmp(language, "plpgsql") != 0 &&
	                          strcmp(language, "c") != 0 && strcmp(language, "internal") != 0;
	if (sg_json_true(sg_json_get(body, "replace")) || !sg_tree_names(sg_json_get(body, "funcname"), &name))
		return 0;
	judge->verdict->signature = signature(judge, name, sg_json_get(body, "parameters"));
	if (judge->verdict->signature != NULL)
		note(judge, SG_MAKES_FUNCTION, "42723", name);
	judge->verdict->catalogue_kind = sg_json_true(sg_json_get(body, "is_procedure")) ? 'p' : 'f';
	return 0;
}

int sg_check_create_type(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *composite = sg_json_get(body, "typevar");
	struct sg_relation name = { NULL, NULL };
	char kind = sg_json_get(body, "vals") != NULL ? 'e' : 'r';

	if (composite != NULL) {
		kind = 'c';
		name = sg_tree_relation(composite);
		note_columns(judge, sg_json_get(body, "coldeflist"));
	} else if (sg_tree_names(sg_json_get(body, "domainname"), &name)) {
		kind = 'd';
	} else if (!sg_tree_names(sg_json_get(body, "typeName"), &name)) {
		return 0;
	}
	/* An enum may be made without labels; a range has options. */
	if (kind == 'r' && sg_json_get(body, "params") == NULL)
		kind = 'e';
	judge->verdict->catalogue_kind = kind;
	note(judge, SG_MAKES_TYPE, "42710", name);
	return 0;
}

int sg_check_create_policy(struct sg_judge *judge, const struct sg_json *body)
{
	note(judge, SG_MAKES_POLICY, "42710", sg_tree_relation(sg_json_get(body, "table")));
	judge->verdict->member = sg_arena_strdup(judge->arena, sg_json_text(sg_json_get(body, "policy_name")));
	return 0;
}

int sg_check_create_extension(struct sg_judge *judge, const struct sg_json *body)
{
	judge->verdict->if_not_exists = sg_json_true(sg_json_get(body, "if_not_exists"));
	note(judge, SG_MAKES_EXTENSION, "42710",
	     (struct sg_relation){ .schema = NULL, .name = sg_json_text(sg_json_get(body, "extname")) });
	return 0;
}

int sg_check_create_index(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *table = sg_json_get(body, "relation");
	struct sg_relation name = sg_tree_relation(table);
	const char *keyword = sg_json_true(sg_json_get(body, "concurrent")) ? "CONCURRENTLY" : "INDEX";

	if (!sg_json_true(sg_json_get(body, "concurrent")) &&
	    sg_relations_have(judge->rules->made, name, judge->rules->schema))
		return 0;
	if (sg_json_true(sg_json_get(body, "concurrent")))
		return sg_judge_refuse(judge, sg_judge_find(judge, 0, keyword), SG_HINT_INDEX,
		                       "CREATE INDEX CONCURRENTLY is the index registry's work");
	return sg_judge_refuse(judge, sg_judge_find(judge, 0, keyword), SG_HINT_INDEX,
	                       "CREATE INDEX on \"%s\", which this migration did not make, would block its writers",
	                       name.name != NULL ? name.name : "?");
}
