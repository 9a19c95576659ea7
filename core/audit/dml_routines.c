/* dml_routines.c - what runs besides the statement itself: DO blocks, and the bodies of functions and procedures that are
 * called, in SQL and PL/pgSQL, in bodies again, up to a depth. A body is read once for each statement that calls it, and a
 * migration's bodies together up to a limit: calls in circles, or a function that is called a million times, cost no more. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"
#include "core/base/base.h"
#include "core/sql/lex.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

#define DEPTH_LIMIT  16
#define BODIES_LIMIT ((size_t)16 << 20) /* bytes, of a migration */

static bool is_word_of(const struct sg_lex *lex, const struct sg_token *token, const char *const *words)
{
	for (; *words != NULL; words++)
		if (sg_lex_is(lex, token, *words))
			return true;
	return false;
}

static bool begins_with(const char *text, const char *const *words)
{
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, text, strlen(text));
	return sg_lex_next(&lex, &token) && is_word_of(&lex, &token, words);
}

/* Does a body that cannot be parsed speak of rows that are written? Its words, not its comments and literals; but the
 * dollar-quoted text of a CREATE FUNCTION is its body. */
static bool seems_to_write(const char *body, size_t length, bool whole)
{
	static const char *const words[] = { "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "EXECUTE", NULL };
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, body, length);
	while (sg_lex_next(&lex, &token))
		if ((token.kind == SG_TOKEN_WORD && is_word_of(&lex, &token, words)) ||
		    (whole && (token.kind == SG_TOKEN_DOLLAR || token.kind == SG_TOKEN_STRING) &&
		     seems_to_write(body + token.inner, token.inner_end - token.inner, false)))
			return true;
	return false;
}

/* ---- PL/pgSQL ------------------------------------------------------------------------- */

static void visit(struct sg_dml_reader *reader, const char *statement, const struct sg_json *value);

static void read_dynamic(struct sg_dml_reader *reader, const char *expression)
{
	struct sg_arena *arena = reader->scope->arena;
	const char *text = sg_arena_printf(arena, "SELECT %s", expression), *sql = NULL;
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;

	if (sg_parse(text, strlen(text), &tree, &err) == SG_PARSE_OK && sg_json_count(sg_json_get(tree, "stmts")) == 1) {
		const struct sg_json *select =
			sg_node_as(sg_json_get(sg_json_at(sg_json_get(tree, "stmts"), 0), "stmt"), "SelectStmt");
		const struct sg_json *target = sg_node_as(sg_json_at(sg_json_get(select, "targetList"), 0), "ResTarget");

		sql = sg_dml_made_text(arena, sg_json_get(target, "val"));
	}
	if (sql != NULL && reader->depth < DEPTH_LIMIT) {
		reader->depth++;
		sg_dml_read_text(reader, sql, true);
		reader->depth--;
	} else {
		sg_dml_unread(reader, "EXECUTE", "SQL that is made at run time cannot be judged");
	}
	sg_json_free(tree);
	sg_err_release(&err);
}

/* "x[f(1)] := g(2)": what stands right of it. */
static const char *right_side(const char *query)
{
	struct sg_lex lex;
	struct sg_token token;
	size_t depth = 0;

	sg_lex_init(&lex, query, strlen(query));
	while (sg_lex_next(&lex, &token)) {
		depth += sg_lex_char(&lex, &token, '[') || sg_lex_char(&lex, &token, '(') ? 1u : 0u;
		depth -= (sg_lex_char(&lex, &token, ']') || sg_lex_char(&lex, &token, ')')) && depth > 0 ? 1u : 0u;
		if (depth == 0 && token.kind == SG_TOKEN_OTHER && query[token.start] == ':' && query[token.start + 1] == '=')
			return query + token.start + 2;
		if (depth == 0 && token.kind == SG_TOKEN_OTHER && query[token.start] == '=')
			return query + token.start + 1;
	}
	return query;
}

/* statement: the PL/pgSQL statement that the query belongs to. */
static void read_query(struct sg_dml_reader *reader, const char *statement, const char *query)
{
	static const char *const whole[] = { "SELECT", "WITH",   "VALUES", "TABLE", "CALL", "DO",
		                             "INSERT", "UPDATE", "DELETE", "MERGE", NULL };

	if (strcmp(statement, "PLpgSQL_stmt_execsql") == 0 || begins_with(query, whole)) {
		sg_dml_read_text(reader, query, true);
		return;
	}
	if (strcmp(statement, "PLpgSQL_stmt_assign") == 0)
		query = right_side(query);
	/* Only what is called can write. */
	if (strchr(query, '(') != NULL)
		sg_dml_read_text(reader, sg_arena_printf(reader->scope->arena, "SELECT %s", query), false);
}

static void visit_object(struct sg_dml_reader *reader, const char *statement, const struct sg_json *value)
{
	static const char *const loops[] = { "PLpgSQL_stmt_loop",    "PLpgSQL_stmt_while",
		                             "PLpgSQL_stmt_fori",    "PLpgSQL_stmt_fors",
		                             "PLpgSQL_stmt_forc",    "PLpgSQL_stmt_foreach_a",
		                             "PLpgSQL_stmt_dynfors", NULL };
	bool looping = false;

	for (size_t i = 0; loops[i] != NULL; i++)
		looping = looping || strcmp(statement, loops[i]) == 0;
	for (void *member = sg_json_next(value, NULL); member != NULL; member = sg_json_next(value, member)) {
		const char *key = sg_json_key(member);
		const struct sg_json *inner = sg_json_value(member);
		const char *query = sg_json_text(sg_json_get(sg_json_get(inner, "PLpgSQL_expr"), "query"));
		bool outside = reader->loop;

		if (strncmp(key, "PLpgSQL_stmt", 12) == 0) {
			visit(reader, key, inner);
			continue;
		}
		if (query != NULL && (strcmp(key, "dynquery") == 0 ||
		                      (strcmp(key, "query") == 0 && (strcmp(statement, "PLpgSQL_stmt_dynexecute") == 0 ||
		                                                     strcmp(statement, "PLpgSQL_stmt_dynfors") == 0)))) {
			read_dynamic(reader, query);
			continue;
		}
		if (strcmp(key, "PLpgSQL_expr") == 0) {
			query = sg_json_text(sg_json_get(inner, "query"));
			if (query != NULL)
				read_query(reader, statement, query);
			continue;
		}
		reader->loop = outside || (looping && strcmp(key, "body") == 0);
		visit(reader, statement, inner);
		reader->loop = outside;
	}
}

static void visit(struct sg_dml_reader *reader, const char *statement, const struct sg_json *value)
{
	if (sg_json_is_object(value)) {
		visit_object(reader, statement, value);
		return;
	}
	for (size_t i = 0; i < sg_json_count(value); i++)
		visit(reader, statement, sg_json_at(value, i));
}

/* sql: the whole DO or CREATE FUNCTION. */
static void read_plpgsql(struct sg_dml_reader *reader, const char *sql)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;

	if (sg_parse_plpgsql(sql, strlen(sql), &tree, &err) == SG_PARSE_OK)
		visit(reader, "", tree);
	else if (seems_to_write(sql, strlen(sql), true))
		sg_dml_unread(reader, "EXECUTE", "its PL/pgSQL cannot be parsed, and it has words that write");
	sg_json_free(tree);
	sg_err_release(&err);
}

/* ---- DO and calls --------------------------------------------------------------------- */

static const char *body_of(const struct sg_json *as)
{
	const struct sg_json *arg = sg_json_get(as, "arg");
	const struct sg_json *items = sg_json_get(sg_node_as(arg, "List"), "items");

	return items != NULL ? sg_node_string(sg_json_at(items, 0)) : sg_node_string(arg);
}

/* Of the budget. False: it is used up, and that was told. */
static bool may_read(struct sg_dml_reader *reader, size_t bytes)
{
	if (reader->notes->body_bytes + bytes > BODIES_LIMIT) {
		sg_dml_unread(reader, "EXECUTE", "the migration runs more code than is read");
		return false;
	}
	reader->notes->body_bytes += bytes;
	return true;
}

void sg_dml_read_do(struct sg_dml_reader *reader, const struct sg_json *body, const char *sql)
{
	const struct sg_json *args = sg_json_get(body, "args");
	const char *text = body_of(sg_node_option(args, "as"));
	const char *language = sg_node_string(sg_json_get(sg_node_option(args, "language"), "arg"));
	struct sg_dml_reader inner = *reader;

	if (text == NULL)
		return;
	inner.via = inner.via != NULL ? inner.via : "DO block";
	if (++inner.depth > DEPTH_LIMIT)
		sg_dml_unread(&inner, "EXECUTE", "blocks are nested more deeply than is read");
	else if (language != NULL && strcmp(language, "plpgsql") != 0)
		sg_dml_unread(&inner, "EXECUTE",
		              sg_arena_printf(reader->scope->arena, "a DO block in %s cannot be judged", language));
	else if (may_read(&inner, strlen(sql)))
		read_plpgsql(&inner, sql);
}

/* LANGUAGE sql: the text, or BEGIN ATOMIC … END, or RETURN. */
static void read_sql_body(struct sg_dml_reader *reader, const char *create)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	const struct sg_json *body;

	if (sg_parse(create, strlen(create), &tree, &err) != SG_PARSE_OK) {
		sg_dml_unread(reader, "EXECUTE", "its body cannot be parsed");
		sg_err_release(&err);
		return;
	}
	body = sg_node_as(sg_json_get(sg_json_at(sg_json_get(tree, "stmts"), 0), "stmt"), "CreateFunctionStmt");
	if (sg_json_get(body, "sql_body") != NULL) {
		sg_dml_read(reader, sg_json_get(body, "sql_body"), "");
	} else {
		const char *text = body_of(sg_node_option(sg_json_get(body, "options"), "as"));

		if (text != NULL)
			sg_dml_read_text(reader, text, true);
	}
	sg_json_free(tree);
	sg_err_release(&err);
}

void sg_dml_read_call(struct sg_dml_reader *reader, struct sg_relation name)
{
	const struct sg_model_routine *routine = sg_model_routine(reader->scope->model, name);
	struct sg_arena *arena = reader->scope->arena;
	struct sg_dml_reader inner = *reader;

	if (routine == NULL || routine->trigger || sg_relations_have(reader->visited, routine->name, "public"))
		return;
	sg_relations_add(arena, reader->visited, routine->name);
	inner.via = sg_arena_printf(arena, "function %s()", sg_audit_name(arena, name));
	if (routine->statement == NULL) {
		sg_dml_unread(&inner, "EXECUTE", "its body is too long to be read");
		return;
	}
	if (++inner.depth > DEPTH_LIMIT) {
		sg_dml_unread(&inner, "EXECUTE", "calls are nested more deeply than is read");
		return;
	}
	if (!may_read(&inner, strlen(routine->statement)))
		return;
	if (routine->language == NULL || strcmp(routine->language, "sql") == 0)
		read_sql_body(&inner, routine->statement);
	else if (strcmp(routine->language, "plpgsql") == 0)
		read_plpgsql(&inner, routine->statement);
	else if (strcmp(routine->language, "c") != 0 && strcmp(routine->language, "internal") != 0)
		sg_dml_unread(&inner, "EXECUTE",
		              sg_arena_printf(arena, "a function in %s cannot be judged", routine->language));
}
