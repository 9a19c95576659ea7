/* doblock.c - DO: its PL/pgSQL body, statement by statement.
 *
 * Every query in the body goes back to the judge. Refused are what cannot be
 * judged before it runs (EXECUTE, and cursors and loops over it), transaction
 * control, another language, and an EXCEPTION clause: it would go on after a
 * statement that failed, and a failed statement stops a migration. */
#include "config.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/lex.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

/* From src/pl/plpgsql/src/plpgsql.h; NULL: allowed. What is not here is refused. */
static const struct {
	const char *node, *keyword, *rule;
} statements[] = {
	{ "PLpgSQL_stmt_assert", NULL, NULL },
	{ "PLpgSQL_stmt_assign", NULL, NULL },
	{ "PLpgSQL_stmt_block", NULL, NULL },
	{ "PLpgSQL_stmt_call", "CALL", "CALL runs SQL that cannot be judged before it runs" },
	{ "PLpgSQL_stmt_case", NULL, NULL },
	{ "PLpgSQL_stmt_close", NULL, NULL },
	{ "PLpgSQL_stmt_commit", "COMMIT", "COMMIT ends the transaction, which is the runner's" },
	{ "PLpgSQL_stmt_dynexecute", "EXECUTE", "EXECUTE builds SQL that cannot be judged before it runs" },
	{ "PLpgSQL_stmt_dynfors", "EXECUTE", "EXECUTE builds SQL that cannot be judged before it runs" },
	{ "PLpgSQL_stmt_execsql", NULL, NULL },
	{ "PLpgSQL_stmt_exit", NULL, NULL },
	{ "PLpgSQL_stmt_fetch", NULL, NULL },
	{ "PLpgSQL_stmt_forc", NULL, NULL },
	{ "PLpgSQL_stmt_foreach_a", NULL, NULL },
	{ "PLpgSQL_stmt_fori", NULL, NULL },
	{ "PLpgSQL_stmt_fors", NULL, NULL },
	{ "PLpgSQL_stmt_getdiag", NULL, NULL },
	{ "PLpgSQL_stmt_if", NULL, NULL },
	{ "PLpgSQL_stmt_loop", NULL, NULL },
	{ "PLpgSQL_stmt_open", NULL, NULL },
	{ "PLpgSQL_stmt_perform", NULL, NULL },
	{ "PLpgSQL_stmt_raise", NULL, NULL },
	{ "PLpgSQL_stmt_return", NULL, NULL },
	{ "PLpgSQL_stmt_rollback", "ROLLBACK", "ROLLBACK ends the transaction, which is the runner's" },
	{ "PLpgSQL_stmt_while", NULL, NULL },
};

struct block {
	struct sg_judge *judge;  /* of the DO statement */
	const char *body;
	size_t start;            /* of the body in the statement, 0 if it is not there as it is (E'…') */
	size_t near;
};

#define HINT \
	"Write the statements as sg_ddl calls; what depends on the catalogue is asked by sg_query and decided in C."

static int refuse(const struct block *block, const char *word, const char *rule)
{
	size_t offset = block->near;

	if (block->start > 0 && word != NULL)
		offset = block->start + sg_lex_find(block->body, strlen(block->body), 0, word);
	return sg_judge_refuse(block->judge, offset, HINT, "%s", rule);
}

/* "x[f(1)] := g(2)" is "SELECT x[f(1)], g(2)" to the judge: plpgsql hands over the whole. */
static const char *assignment(struct sg_arena *arena, const char *query)
{
	struct sg_lex lex;
	struct sg_token token;
	size_t depth = 0;

	sg_lex_init(&lex, query, strlen(query));
	while (sg_lex_next(&lex, &token)) {
		size_t value = token.start + (query[token.start] == ':' ? 2 : 1);

		depth += sg_lex_char(&lex, &token, '[') || sg_lex_char(&lex, &token, '(') ? 1u : 0u;
		depth -= (sg_lex_char(&lex, &token, ']') || sg_lex_char(&lex, &token, ')')) && depth > 0 ? 1u : 0u;
		if (depth == 0 && token.kind == SG_TOKEN_OTHER &&
		    (query[token.start] == '=' || (query[token.start] == ':' && query[token.start + 1] == '=')))
			return sg_arena_printf(arena, "%.*s, %s", (int)token.start, query, query + value);
	}
	return query;
}

static bool first_word(const char *text, const char *word)
{
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, text, strlen(text));
	return sg_lex_next(&lex, &token) && sg_lex_is(&lex, &token, word);
}

/* sql as a whole statement; position and text of a refusal are the query's. */
static int judge_query(const struct block *block, const char *sql)
{
	struct sg_judge inner = *block->judge;
	struct sg_verdict part = { .kind = "" };

	inner.sql = sql;
	inner.length = strlen(sql);
	inner.in_do = true;
	inner.verdict = &part;
	if (sg_judge_text(&inner) != 0) {
		sg_err_wrap(inner.err, "in the DO block");
		/* unparsed = allow is not for a part of a block */
		if (inner.unread)
			sg_err_hint(inner.err, "%s", HINT);
		return -1;
	}
	for (size_t i = 0; i < part.named.count; i++)
		sg_relations_add(inner.arena, &block->judge->verdict->named, part.named.list[i]);
	return 0;
}

static int judge_expression(const struct block *block, const char *expr)
{
	return judge_query(block, sg_arena_printf(block->judge->arena, "SELECT %s", expr));
}

/* kind: what the expression belongs to. execsql holds statements, perform and
 * query loops hold SELECTs, assignments "x := …", all else expressions. */
static int judge_expr(const struct block *block, const char *query, const char *kind)
{
	if (strcmp(kind, "PLpgSQL_stmt_execsql") == 0)
		return judge_query(block, query);
	if (first_word(query, "SELECT") || first_word(query, "WITH") || first_word(query, "VALUES") ||
	    first_word(query, "TABLE") || strcmp(kind, "PLpgSQL_stmt_fors") == 0)
		return judge_query(block, query);
	return judge_expression(block, strcmp(kind, "PLpgSQL_stmt_assign") == 0
	                                       ? assignment(block->judge->arena, query)
	                                       : query);
}

static int check_statement(const struct block *block, const char *node)
{
	for (size_t i = 0; i < SG_COUNT(statements); i++) {
		if (strcmp(statements[i].node, node) != 0)
			continue;
		return statements[i].rule != NULL ? refuse(block, statements[i].keyword, statements[i].rule) : 0;
	}
	return refuse(block, NULL, "the DO block holds a statement that is not known to be allowed");
}

static int visit(const struct block *block, const char *kind, const struct sg_json *value);

static int visit_object(const struct block *block, const char *kind, const struct sg_json *value)
{
	for (void *member = sg_json_next(value, NULL); member != NULL; member = sg_json_next(value, member)) {
		const char *key = sg_json_key(member);
		const struct sg_json *inner = sg_json_value(member);
		const char *query = strcmp(key, "PLpgSQL_expr") == 0 ? sg_json_text(sg_json_get(inner, "query")) : NULL;

		if (strncmp(key, "PLpgSQL_stmt", 12) == 0) {
			kind = key;
			if (check_statement(block, key) != 0)
				return -1;
		}
		if (strcmp(key, "exceptions") == 0 || strcmp(key, "PLpgSQL_exception_block") == 0)
			return refuse(block, "EXCEPTION", "EXCEPTION would go on after a statement that failed");
		if (strcmp(key, "dynquery") == 0)
			return refuse(block, "EXECUTE", "EXECUTE builds SQL that cannot be judged before it runs");
		if (query != NULL && judge_expr(block, query, kind) != 0)
			return -1;
		if (visit(block, kind, inner) != 0)
			return -1;
	}
	return 0;
}

static int visit(const struct block *block, const char *kind, const struct sg_json *value)
{
	if (sg_json_is_object(value))
		return visit_object(block, kind, value);
	for (size_t i = 0; i < sg_json_count(value); i++)
		if (visit(block, kind, sg_json_at(value, i)) != 0)
			return -1;
	return 0;
}

int sg_judge_do(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *args = sg_json_get(body, "args");
	const struct sg_json *as = sg_node_option(args, "as"), *in = sg_node_option(args, "language");
	const char *language = sg_node_string(sg_json_get(in, "arg"));
	struct block block = { .judge = judge, .body = sg_node_string(sg_json_get(as, "arg")) };
	struct sg_err syntax = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	const char *found;
	int result = -1;

	block.near = sg_judge_at(as, 0);
	if (judge->in_do || block.body == NULL)
		return sg_judge_refuse(judge, 0, NULL, "a DO block that cannot be read");
	if (language != NULL && strcmp(language, "plpgsql") != 0)
		return sg_judge_refuse(judge, sg_judge_at(in, 0), "Write it in PL/pgSQL, or better as sg_ddl calls.",
		                       "a DO block in %s cannot be judged", language);
	found = strstr(judge->sql, block.body);
	block.start = found != NULL ? (size_t)(found - judge->sql) : 0;
	if (sg_judge_name_body(judge, block.body, block.near) != 0)
		return -1;
	if (sg_parse_plpgsql(judge->sql, judge->length, &tree, &syntax) != SG_PARSE_OK) {
		/* With no tree nothing in it was judged: unparsed = allow does not reach here. */
		sg_err_move(judge->err, &syntax);
		sg_err_wrap(judge->err, "in the DO block");
		sg_err_hint(judge->err, "%s", HINT);
	} else if (sg_json_count(tree) != 1) {
		sg_judge_refuse(judge, block.near, NULL, "the DO block could not be read whole");
	} else {
		result = visit(&block, "", tree);
	}
	sg_json_free(tree);
	sg_err_release(&syntax);
	return result;
}
