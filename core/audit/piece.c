/* piece.c - see piece.h. */
#include "config.h"
#include "core/audit/piece.h"

#include <ctype.h>
#include <string.h>

static void spell(const struct sg_lex *lex, const struct sg_token *token, char word_r[PIECE_WORD_BYTES])
{
	size_t size = token->end - token->start;

	if (size >= PIECE_WORD_BYTES)
		size = PIECE_WORD_BYTES - 1;
	for (size_t i = 0; i < size; i++)
		word_r[i] = (char)toupper((unsigned char)lex->sql[token->start + i]);
	word_r[size] = '\0';
}

static bool is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

static bool is_routine(const struct piece *piece)
{
	size_t at = 1;

	if (!is(piece->words[0], "CREATE"))
		return false;
	if (is(piece->words[1], "OR") && is(piece->words[2], "REPLACE"))
		at = 3;
	return is(piece->words[at], "FUNCTION") || is(piece->words[at], "PROCEDURE");
}

static bool is_rule(const struct piece *piece)
{
	return is(piece->words[0], "CREATE") &&
	       (is(piece->words[1], "RULE") || (is(piece->words[1], "OR") && is(piece->words[3], "RULE")));
}

/* BEGIN ATOMIC opens a body; in it each CASE takes an END of its own, unless it is a name (AS end, x.end). */
static void follow_body(struct piece *piece, const char *word)
{
	bool name = is(piece->last, ".") || is(piece->last, "AS");

	if (is(word, "ATOMIC") && is(piece->last, "BEGIN") && piece->bodies == 0 && is_routine(piece))
		piece->bodies = 1;
	else if (is(word, "CASE") && piece->bodies > 0 && !name)
		piece->bodies++;
	else if (is(word, "END") && piece->bodies > 0 && !name)
		piece->bodies--;
}

static void add_word(struct piece *piece, const struct sg_lex *lex, const struct sg_token *token)
{
	char word[PIECE_WORD_BYTES];

	spell(lex, token, word);
	if (piece->word_count < PIECE_WORDS && piece->word_count == piece->tokens)
		memcpy(piece->words[piece->word_count++], word, sizeof word);
	piece->concurrently = piece->concurrently || is(word, "CONCURRENTLY");
	piece->from_stdin = piece->from_stdin || (piece->parentheses == 0 && is(word, "STDIN") && is(piece->last, "FROM"));
	follow_body(piece, word);
	memcpy(piece->last, word, sizeof word);
}

void sg_piece_add(struct piece *piece, const struct sg_lex *lex, const struct sg_token *token)
{
	char c = token->kind == SG_TOKEN_OTHER && token->end - token->start == 1 ? lex->sql[token->start] : '\0';

	if (!piece->some)
		piece->from = token->start;
	piece->some = true;
	piece->to = token->end;
	if (c == '(')
		piece->parentheses++;
	else if (c == ')' && piece->parentheses > 0)
		piece->parentheses--;
	else if (c == '[' && !is(piece->last, "ARRAY"))
		piece->brackets++;
	else if (c == ']' && piece->brackets > 0)
		piece->brackets--;
	if (token->kind == SG_TOKEN_WORD)
		add_word(piece, lex, token);
	else
		memcpy(piece->last, c == '.' ? "." : "", c == '.' ? 2 : 1);
	piece->tokens++;
}

bool sg_piece_ends(const struct piece *piece)
{
	return piece->bodies == 0 && !(piece->parentheses > 0 && is_rule(piece));
}

bool sg_piece_copies(const struct piece *piece)
{
	return piece->some && is(piece->words[0], "COPY") && piece->from_stdin;
}

bool sg_piece_begins(const struct piece *piece)
{
	return is(piece->words[0], "BEGIN") || (is(piece->words[0], "START") && is(piece->words[1], "TRANSACTION"));
}

bool sg_piece_is_alone(const struct piece *piece)
{
	const char *first = piece->words[0], *second = piece->words[1];
	bool makes = is(first, "CREATE") || is(first, "DROP");

	if (is(first, "VACUUM") || (is(first, "CLUSTER") && piece->tokens == 1))
		return true;
	if (piece->concurrently && (makes || is(first, "REINDEX") || is(first, "ALTER")))
		return true;
	if (makes && (is(second, "DATABASE") || is(second, "TABLESPACE") || is(second, "SUBSCRIPTION")))
		return true;
	if (is(first, "ALTER"))
		return is(second, "SYSTEM");
	if (is(first, "REINDEX"))
		return is(second, "DATABASE") || is(second, "SYSTEM") || is(second, "SCHEMA");
	if (is(first, "DISCARD"))
		return is(second, "ALL");
	return (is(first, "COMMIT") || is(first, "ROLLBACK")) && is(second, "PREPARED");
}
