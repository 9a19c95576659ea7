/* script.c - finds statements in a script by its quotes, comments and semicolons
 * (PostgreSQL documentation, "Lexical Structure"). Only for saying where an
 * error is: nothing is decided or sent by what it finds. */
#include "config.h"
#include "core/db/script.h"

#include <ctype.h>
#include <string.h>

static size_t skip_comment(const char *sql, size_t at)
{
	int depth = 0;

	if (sql[at] == '-' && sql[at + 1] == '-')
		return at + strcspn(sql + at, "\n");
	if (sql[at] != '/' || sql[at + 1] != '*')
		return at;
	while (sql[at] != '\0') {
		if (sql[at] == '/' && sql[at + 1] == '*') {
			depth++;
			at += 2;
		} else if (sql[at] == '*' && sql[at + 1] == '/') {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return at;
}

static size_t skip_quoted(const char *sql, size_t at, bool escapes)
{
	char quote = sql[at++];

	for (; sql[at] != '\0'; at++) {
		if (escapes && sql[at] == '\\' && sql[at + 1] != '\0')
			at++;
		else if (sql[at] == quote)
			return at + 1; /* a doubled quote begins the next, empty-handed, at once */
	}
	return at;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80) != 0;
}

/* $tag$ … $tag$; a lone $ (a parameter) is one character. */
static size_t skip_dollar(const char *sql, size_t at)
{
	size_t tag = 1;
	const char *end;

	while (is_name(sql[at + tag]) && !(tag == 1 && isdigit((unsigned char)sql[at + 1])))
		tag++;
	if (sql[at + tag] != '$')
		return at + 1;
	tag++;
	for (end = sql + at + tag; *end != '\0'; end++)
		if (strncmp(end, sql + at, tag) == 0)
			return (size_t)(end - sql) + tag;
	return (size_t)(end - sql);
}

/* One token, roughly: enough never to take a semicolon inside one for the end. */
static size_t skip_token(const char *sql, size_t at)
{
	if (sql[at] == '\'' || sql[at] == '"')
		return skip_quoted(sql, at, false);
	if ((sql[at] == 'e' || sql[at] == 'E') && sql[at + 1] == '\'')
		return skip_quoted(sql, at + 1, true);
	if (sql[at] == '$')
		return skip_dollar(sql, at);
	if (!is_name(sql[at]))
		return at + 1;
	while (is_name(sql[at]) || sql[at] == '$')
		at++;
	return at;
}

size_t sg_script_statement(const char *sql, int n)
{
	bool inside = false;
	size_t at = 0;

	while (sql[at] != '\0') {
		size_t after = skip_comment(sql, at);

		if (after != at) {
			at = after;
		} else if (sql[at] == ';') {
			n -= inside;
			inside = false;
			at++;
		} else if (isspace((unsigned char)sql[at])) {
			at++;
		} else {
			if (!inside && n <= 0)
				return at;
			inside = true;
			at = skip_token(sql, at);
		}
	}
	return at;
}
