/* unparsed.c - unparsed = allow: what is newer than the bundled grammar.
 *
 * The step's author has said that the server's checks are to stand alone. What
 * can be told from the words is still told: a statement is sent only if it
 * begins as one of its call does, is alone, and neither names the runner's
 * schema nor builds an index or fills a table. */
#include "config.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/lex.h"
#include "core/sql/parse.h"

/* Statements that open a definition, a read, a change of rows. */
static const char *const openers[3][8] = {
	[SG_CALL_DDL] = { "CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", NULL },
	[SG_CALL_QUERY] = { "SELECT", "WITH", "VALUES", "TABLE", "SHOW", NULL },
	[SG_CALL_DML] = { "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", NULL },
};

struct words {
	struct sg_judge *judge;
	struct sg_lex lex;
	struct sg_token token, before;
	size_t count;
	bool create, table, as, skip;
};

static bool is(const struct words *words, const char *word)
{
	return sg_lex_is(&words->lex, &words->token, word);
}

static int refuse(const struct words *words, const char *hint, const char *rule)
{
	return sg_judge_refuse(words->judge, words->token.start, hint, "%s (the grammar of PostgreSQL %s cannot read the rest)",
	                       rule, sg_parse_grammar());
}

static bool is_state(const struct words *words)
{
	const char *state = words->judge->rules->state_schema;
	const struct sg_token *token = &words->token;

	if (state == NULL)
		return false;
	return is(words, state) ||
	       (token->kind == SG_TOKEN_QUOTED && token->inner_end - token->inner == strlen(state) &&
	        memcmp(words->lex.sql + token->inner, state, strlen(state)) == 0);
}

static int check_first(const struct words *words)
{
	const char *const *opener = openers[words->judge->call];

	for (; *opener != NULL; opener++)
		if (is(words, *opener))
			return 0;
	return refuse(words, SG_HINT_BACKFILL, "the text does not begin as a statement of this call does");
}

static int check_ddl(struct words *words)
{
	if (words->count == 0)
		words->create = is(words, "CREATE");
	words->table |= words->count <= 3 && words->create && is(words, "TABLE");
	if (words->count > 0 && words->count <= 2 && words->create && is(words, "INDEX"))
		return refuse(words, SG_HINT_INDEX, "CREATE INDEX is the index registry's work");
	if (is(words, "CONCURRENTLY"))
		return refuse(words, SG_HINT_OUTSIDE, "CONCURRENTLY cannot run in a transaction");
	if (words->table && words->as &&
	    (is(words, "SELECT") || is(words, "WITH") || is(words, "TABLE") || is(words, "VALUES") || is(words, "EXECUTE") ||
	     sg_lex_char(&words->lex, &words->token, '(')))
		return refuse(words, SG_HINT_BACKFILL, "CREATE TABLE AS fills the table");
	words->as = is(words, "AS");
	return 0;
}

static int check_read(const struct words *words)
{
	if (is(words, "INSERT") || is(words, "UPDATE") || is(words, "DELETE") || is(words, "MERGE") || is(words, "INTO"))
		return refuse(words, SG_HINT_BACKFILL, "a read that holds such a word is not let through unread");
	return 0;
}

/* The token before was SKIP. */
static int check_skip(const struct words *words)
{
	const struct sg_policy_rules *rules = words->judge->rules;

	if (rules->phase != SG_PHASE_BATCH || rules->drain || !is(words, "LOCKED") || !words->skip)
		return 0;
	return refuse(words, "Leave it out: the runner halves a batch that meets a locked row and defers that row.",
	              "SKIP LOCKED loses rows in silence where the batch is a range of keys");
}

int sg_judge_unparsed(struct sg_judge *judge)
{
	struct words words = { .judge = judge };
	bool ended = false;

	judge->verdict->kind = "unparsed";
	judge->verdict->opaque = true;
	judge->verdict->unparsed = true;
	sg_lex_init(&words.lex, judge->sql, judge->length);
	for (; sg_lex_next(&words.lex, &words.token); words.count++) {
		if (ended)
			return refuse(&words, "Give each statement a call of its own.", "the text holds more than one statement");
		if (words.count == 0 && check_first(&words) != 0)
			return -1;
		ended = sg_lex_char(&words.lex, &words.token, ';');
		if (is_state(&words))
			return refuse(&words, SG_HINT_STATE, "the runner's own schema may not be named");
		if (judge->call == SG_CALL_DDL && check_ddl(&words) != 0)
			return -1;
		if (judge->call == SG_CALL_QUERY && check_read(&words) != 0)
			return -1;
		if (check_skip(&words) != 0)
			return -1;
		words.skip = is(&words, "SKIP");
	}
	if (judge->rules->no_transaction)
		return sg_judge_refuse(judge, 0, "Outside a transaction no check of the server's would stand.",
		                       "a statement that cannot be read is not sent outside a transaction");
	return 0;
}
