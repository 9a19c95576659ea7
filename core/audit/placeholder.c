/* placeholder.c - see placeholder.h. */
#include "config.h"
#include "core/audit/placeholder.h"

#include <string.h>

#define TEMPLATE_BYTES 200 /* that a template's piece may be long */

static char at(const struct sg_lex *lex, size_t place)
{
	return place < lex->length ? lex->sql[place] : '\0';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

/* What a tool would put in inside of these bytes. */
static bool is_put_in(const char *text, size_t length, bool names)
{
	for (const char *next = text, *end = text + length; (next = memchr(next, '$', (size_t)(end - next))) != NULL; next++)
		if (end - next > 1 && (next[1] == '{' || (names && is_letter(next[1]))))
			return true;
	return false;
}

/* psql's psqlscan.l: a colon and a name, bare or in quotes. */
static bool is_variable(const struct sg_lex *lex, const struct sg_token *token, size_t brackets)
{
	char next = at(lex, token->end);

	if (token->start > 0 && lex->sql[token->start - 1] == ':')
		return false;
	return next == '\'' || next == '"' || (is_letter(next) && brackets == 0);
}

/* %(name)s */
static bool is_format(const struct sg_lex *lex, const struct sg_token *token)
{
	size_t place = token->end + 1;

	if (lex->sql[token->end - 1] != '%' || at(lex, token->end) != '(' || !is_letter(at(lex, place)))
		return false;
	while (is_name(at(lex, place)))
		place++;
	return at(lex, place) == ')' && at(lex, place + 1) == 's' && !is_name(at(lex, place + 2));
}

/* <%= x %>, <%- x %>; and <% if x %>, which stands first on its line, since "<%" and "%>" are operators of pg_trgm's. */
static bool is_template(const struct sg_lex *lex, const struct sg_token *token)
{
	size_t rest = lex->length - token->end;

	if (token->end - token->start < 2 || memcmp(lex->sql + token->start, "<%", 2) != 0)
		return false;
	if (token->end - token->start > 2)
		return strchr("=-#@", lex->sql[token->start + 2]) != NULL;
	for (size_t i = token->start; i > 0 && lex->sql[i - 1] != '\n'; i--)
		if (lex->sql[i - 1] != ' ' && lex->sql[i - 1] != '\t')
			return false;
	for (size_t i = 0; i + 1 < rest && i < TEMPLATE_BYTES && lex->sql[token->end + i] != '\n'; i++)
		if (lex->sql[token->end + i] == '%' && lex->sql[token->end + i + 1] == '>')
			return true;
	return false;
}

/* ".table" */
static bool is_part(const struct sg_lex *lex, size_t place)
{
	return at(lex, place) == '.' && is_letter(at(lex, place + 1));
}

bool sg_placeholder_cut(struct sg_lex *lex, struct sg_token *token)
{
	if (token->kind != SG_TOKEN_DOLLAR || token->inner <= token->start + 2 || !is_part(lex, token->inner) ||
	    (token->closed && !is_part(lex, token->end)))
		return false;
	token->closed = true;
	lex->at = token->end = token->inner;
	return true;
}

bool sg_placeholder_is(const struct sg_lex *lex, const struct sg_token *token, size_t brackets, enum sg_audit_layout layout,
                       bool environment)
{
	const char *text = lex->sql + token->start;
	size_t size = token->end - token->start;

	switch (token->kind) {
	case SG_TOKEN_STRING:
	case SG_TOKEN_QUOTED:
	case SG_TOKEN_DOLLAR:
		return (layout == SG_LAYOUT_FLYWAY || environment) && is_put_in(text, size, environment);
	case SG_TOKEN_OTHER:
		if (size == 1 && *text == '{')
			return true;
		if (size == 1 && *text == '$')
			return environment && is_letter(at(lex, token->end));
		if (size == 1 && *text == ':')
			return is_variable(lex, token, brackets);
		return is_template(lex, token) || is_format(lex, token);
	case SG_TOKEN_WORD:
	case SG_TOKEN_NUMBER:
	case SG_TOKEN_PARAM:
	case SG_TOKEN_COMMENT:
		break;
	}
	return false;
}
