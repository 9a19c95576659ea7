/* lex.c - see lex.h. One pass, no allocation, each loop bounded by the length.
 *
 * Rules from src/backend/parser/scan.l: nested comments, a "--" or "/" "*" ends an
 * operator, a dollar quote does not start inside an identifier, and only E''
 * strings know the backslash. */
#include "config.h"

#include "core/sql/lex.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_part(char c)
{
	return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_operator(char c)
{
	return c != '\0' && strchr("~!@#^&|`?+-*/%<>=", c) != NULL;
}

void sg_lex_init(struct sg_lex *lex, const char *sql, size_t length)
{
	lex->sql = sql;
	lex->length = length;
	lex->at = 0;
	lex->comments = false;
}

static char peek(const struct sg_lex *lex, size_t ahead)
{
	return lex->length - lex->at > ahead ? lex->sql[lex->at + ahead] : '\0';
}

/* At "/" "*": to its end, however deep. Was there one? */
static bool skip_nested(struct sg_lex *lex)
{
	size_t depth = 0;

	while (lex->at < lex->length) {
		if (peek(lex, 0) == '/' && peek(lex, 1) == '*') {
			depth++;
			lex->at += 2;
		} else if (peek(lex, 0) == '*' && peek(lex, 1) == '/') {
			lex->at += 2;
			if (--depth == 0)
				return true;
		} else {
			lex->at++;
		}
	}
	return false;
}

static bool at_comment(const struct sg_lex *lex)
{
	return (peek(lex, 0) == '-' && peek(lex, 1) == '-') || (peek(lex, 0) == '/' && peek(lex, 1) == '*');
}

static void take_comment(struct sg_lex *lex, struct sg_token *token)
{
	bool nested = lex->sql[lex->at] == '/';

	token->kind = SG_TOKEN_COMMENT;
	token->inner = lex->at + 2;
	if (nested)
		token->closed = skip_nested(lex);
	else
		while (lex->at < lex->length && lex->sql[lex->at] != '\n' && lex->sql[lex->at] != '\r')
			lex->at++;
	token->inner_end = nested && token->closed ? lex->at - 2 : lex->at;
}

static void skip_blanks(struct sg_lex *lex)
{
	struct sg_token comment;

	while (lex->at < lex->length) {
		if (is_blank(lex->sql[lex->at]))
			lex->at++;
		else if (!lex->comments && at_comment(lex))
			take_comment(lex, &comment);
		else
			return;
	}
}

/* At the opening quote. */
static void take_quoted(struct sg_lex *lex, struct sg_token *token, char quote, bool backslash)
{
	lex->at++;
	token->inner = lex->at;
	token->closed = false;
	while (lex->at < lex->length) {
		char c = lex->sql[lex->at];

		if (c == quote && peek(lex, 1) == quote) {
			lex->at += 2;
		} else if (c == quote) {
			token->inner_end = lex->at++;
			token->closed = true;
			return;
		} else if (backslash && c == '\\' && lex->length - lex->at > 1) {
			lex->at += 2;
		} else {
			lex->at++;
		}
	}
	token->inner_end = lex->at;
}

/* At '$': a dollar quote, a parameter, or a lone dollar sign. */
static void take_dollar(struct sg_lex *lex, struct sg_token *token)
{
	size_t from = lex->at, tag = from + 1, size, end;

	if (tag < lex->length && is_digit(lex->sql[tag])) {
		token->kind = SG_TOKEN_PARAM;
		for (lex->at = tag; lex->at < lex->length && is_digit(lex->sql[lex->at]);)
			lex->at++;
		return;
	}
	if (tag < lex->length && is_word_start(lex->sql[tag]))
		while (tag < lex->length && lex->sql[tag] != '$' && is_word_part(lex->sql[tag]))
			tag++;
	if (tag >= lex->length || lex->sql[tag] != '$') {
		token->kind = SG_TOKEN_OTHER;
		lex->at++;
		return;
	}
	token->kind = SG_TOKEN_DOLLAR;
	size = tag + 1 - from;
	token->inner = tag + 1;
	for (end = token->inner; lex->length - end >= size; end++) {
		const char *next = memchr(lex->sql + end, '$', lex->length - end);

		if (next == NULL)
			break;
		end = (size_t)(next - lex->sql);
		if (lex->length - end >= size && memcmp(next, lex->sql + from, size) == 0) {
			token->inner_end = end;
			token->closed = true;
			lex->at = end + size;
			return;
		}
	}
	token->inner_end = lex->at = lex->length;
	token->closed = false;
}

static void take_number(struct sg_lex *lex)
{
	while (lex->at < lex->length) {
		char c = lex->sql[lex->at];

		if ((c == '+' || c == '-') && lex->at > 0 && (lex->sql[lex->at - 1] | 0x20) == 'e' && is_digit(peek(lex, 1)))
			lex->at++;
		else if (is_digit(c) || c == '_' || (c == '.' && peek(lex, 1) != '.') || (c >= 'a' && c <= 'z') ||
			 (c >= 'A' && c <= 'Z'))
			lex->at++;
		else
			return;
	}
}

/* A word, or a string that a word's letters introduce. */
static void take_word(struct sg_lex *lex, struct sg_token *token)
{
	char c = (char)(peek(lex, 0) | 0x20);

	if (strchr("ebxn", c) != NULL && peek(lex, 1) == '\'') {
		lex->at++;
		token->kind = SG_TOKEN_STRING;
		take_quoted(lex, token, '\'', c == 'e');
	} else if (c == 'u' && peek(lex, 1) == '&' && (peek(lex, 2) == '\'' || peek(lex, 2) == '"')) {
		lex->at += 2;
		token->kind = peek(lex, 0) == '"' ? SG_TOKEN_QUOTED : SG_TOKEN_STRING;
		take_quoted(lex, token, peek(lex, 0), false);
	} else {
		token->kind = SG_TOKEN_WORD;
		while (lex->at < lex->length && is_word_part(lex->sql[lex->at]))
			lex->at++;
	}
}

static void take_operator(struct sg_lex *lex)
{
	while (lex->at < lex->length && is_operator(lex->sql[lex->at])) {
		if ((peek(lex, 0) == '-' && peek(lex, 1) == '-') || (peek(lex, 0) == '/' && peek(lex, 1) == '*'))
			return;
		lex->at++;
	}
}

bool sg_lex_next(struct sg_lex *lex, struct sg_token *token_r)
{
	char c;

	skip_blanks(lex);
	if (lex->at >= lex->length)
		return false;
	memset(token_r, 0, sizeof(*token_r));
	token_r->start = lex->at;
	token_r->closed = true;
	token_r->kind = SG_TOKEN_OTHER;
	c = lex->sql[lex->at];
	if (at_comment(lex)) {
		take_comment(lex, token_r);
	} else if (is_word_start(c)) {
		take_word(lex, token_r);
	} else if (c == '\'') {
		token_r->kind = SG_TOKEN_STRING;
		take_quoted(lex, token_r, c, false);
	} else if (c == '"') {
		token_r->kind = SG_TOKEN_QUOTED;
		take_quoted(lex, token_r, c, false);
	} else if (c == '$') {
		take_dollar(lex, token_r);
	} else if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1)) && (lex->at == 0 || lex->sql[lex->at - 1] != '.'))) {
		token_r->kind = SG_TOKEN_NUMBER;
		take_number(lex);
	} else if (is_operator(c)) {
		take_operator(lex);
	} else {
		lex->at++;
	}
	token_r->end = lex->at;
	return true;
}

bool sg_lex_is(const struct sg_lex *lex, const struct sg_token *token, const char *word)
{
	size_t size = token->end - token->start;

	return token->kind == SG_TOKEN_WORD && strlen(word) == size &&
	       strncasecmp(lex->sql + token->start, word, size) == 0;
}

bool sg_lex_char(const struct sg_lex *lex, const struct sg_token *token, char c)
{
	return token->kind == SG_TOKEN_OTHER && token->end - token->start == 1 && lex->sql[token->start] == c;
}

size_t sg_lex_find(const char *sql, size_t length, size_t from, const char *word)
{
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, sql, length);
	while (sg_lex_next(&lex, &token))
		if (token.start >= from && sg_lex_is(&lex, &token, word))
			return token.start;
	return from;
}
