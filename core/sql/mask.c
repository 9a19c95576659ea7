/* mask.c - see mask.h. Works on tokens, not on the tree: it must give an answer
 * for texts that no parser takes, and must keep the positions of those it does. */
#include "config.h"

#include "core/sql/mask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/sql/lex.h"

#define NESTING_LIMIT 8

static bool holds(const char *text, size_t length, const char *word)
{
	size_t size = strlen(word);
	int first = tolower((unsigned char)word[0]);

	for (size_t i = 0; length - i >= size && i < length; i++)
		if (tolower((unsigned char)text[i]) == first && strncasecmp(text + i, word, size) == 0)
			return true;
	return false;
}

/* A connection string, or SQL that sets a password, inside a literal. */
static bool looks_secret(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		size_t next = i + strlen("password");

		if (next > length || strncasecmp(text + i, "password", next - i) != 0)
			continue;
		/* "password=…" of a connection string, "PASSWORD '…'" of a statement; not prose */
		while (next < length && (text[next] == ' ' || text[next] == '\t' || text[next] == '\n'))
			next++;
		if (next < length && strchr("='\"$\\", text[next]) != NULL)
			return true;
	}
	return (holds(text, length, "://") && memchr(text, '@', length) != NULL);
}

/* Functions that are given a password or a key, and names of columns that hold one. */
static const char *const takers[] = { "crypt", "digest", "hmac", "pgp_sym_encrypt", "pgp_sym_decrypt" };
static const char *const names[] = { "password", "passwd", "secret", "api_key", "apikey", "private_key", "token" };

static bool is_taker(const struct sg_lex *lex, const struct sg_token *token)
{
	for (size_t i = 0; i < SG_COUNT(takers); i++)
		if (sg_lex_is(lex, token, takers[i]))
			return true;
	return false;
}

static bool is_secret_name(const char *sql, const struct sg_token *token)
{
	bool quoted = token->kind == SG_TOKEN_QUOTED;
	size_t from = quoted ? token->inner : token->start, to = quoted ? token->inner_end : token->end;

	for (size_t i = 0; (quoted || token->kind == SG_TOKEN_WORD) && i < SG_COUNT(names); i++)
		if (holds(sql + from, to - from, names[i]))
			return true;
	return false;
}

/* INSERT INTO users (name, password): from there on, which literal is the password is not told apart. */
struct insert {
	bool begun, columns, secret;
};

static void follow(struct insert *insert, const struct sg_lex *lex, const struct sg_token *token, const char *sql)
{
	if (sg_lex_is(lex, token, "INSERT"))
		*insert = (struct insert){ .begun = true };
	else if (sg_lex_char(lex, token, ';'))
		*insert = (struct insert){ .begun = false };
	else if (insert->begun && (sg_lex_is(lex, token, "VALUES") || sg_lex_is(lex, token, "SELECT")))
		insert->begun = insert->columns = false;
	else if (insert->begun && sg_lex_char(lex, token, '('))
		insert->columns = true;
	else if (insert->columns && is_secret_name(sql, token))
		insert->secret = true;
}

static void star(char *mask, size_t from, size_t to)
{
	memset(mask + from, 1, to - from);
}

/* Marks in mask (one byte for each of sql) what is to be put out; true if anything is. */
static bool mark(const char *sql, size_t length, char *mask, int depth)
{
	struct sg_lex lex;
	struct sg_token token;
	bool found = false;
	bool secret = false;   /* a literal here is one */
	bool options = false;  /* the word OPTIONS was just read */
	size_t parens = 0;     /* inside OPTIONS (…), crypt(…) */
	struct insert insert = { .begun = false };

	sg_lex_init(&lex, sql, length);
	while (sg_lex_next(&lex, &token)) {
		if (token.kind == SG_TOKEN_STRING || token.kind == SG_TOKEN_DOLLAR) {
			size_t size = token.inner_end - token.inner;

			if (secret || insert.secret || parens > 0) {
				star(mask, token.inner, token.inner_end);
				found = true;
			} else if (token.kind == SG_TOKEN_DOLLAR && depth < NESTING_LIMIT) {
				found |= mark(sql + token.inner, size, mask + token.inner, depth + 1);
			} else if (looks_secret(sql + token.inner, size)) {
				star(mask, token.inner, token.inner_end);
				found = true;
			}
			/* secret stays: 'a' <newline> 'b' is one literal, and U&'' may have a UESCAPE */
			continue;
		}
		if (parens > 0) {
			parens += sg_lex_char(&lex, &token, '(') ? 1 : 0;
			parens -= sg_lex_char(&lex, &token, ')') ? 1 : 0;
			continue;
		}
		if (options && sg_lex_char(&lex, &token, '(')) {
			parens = 1;
			options = false;
			continue;
		}
		options = sg_lex_is(&lex, &token, "OPTIONS") || is_taker(&lex, &token);
		follow(&insert, &lex, &token, sql);
		if (sg_lex_is(&lex, &token, "PASSWORD") || sg_lex_is(&lex, &token, "PROGRAM") || sg_lex_is(&lex, &token, "CONNECTION") ||
		    (token.kind == SG_TOKEN_QUOTED && holds(sql + token.inner, token.inner_end - token.inner, "password")))
			secret = true;
		else if (!(secret && token.kind == SG_TOKEN_OTHER && memchr("=:,(", sql[token.start], 4) != NULL))
			secret = false;
	}
	return found;
}

/* Quick way: none of the words that introduce one. */
static bool may_have_one(const char *sql, size_t length)
{
	static const char *const words[] = { "connection", "options", "program", "://" };

	for (size_t i = 0; i < SG_COUNT(words); i++)
		if (holds(sql, length, words[i]))
			return true;
	for (size_t i = 0; i < SG_COUNT(takers); i++)
		if (holds(sql, length, takers[i]))
			return true;
	for (size_t i = 0; i < SG_COUNT(names); i++)
		if (holds(sql, length, names[i]))
			return true;
	return false;
}

const char *sg_sql_mask_secrets(struct sg_arena *arena, const char *sql)
{
	size_t length = strlen(sql), out = 0;
	char *mask, *text;

	if (!may_have_one(sql, length))
		return sql;
	mask = sg_arena_alloc(arena, length + 1);
	if (!mark(sql, length, mask, 0))
		return sql;
	text = sg_arena_alloc(arena, length + 1);
	for (size_t i = 0; i < length; i++) {
		if (!mask[i])
			text[out++] = sql[i];
		else if (((unsigned char)sql[i] & 0xC0) != 0x80) /* one star a character */
			text[out++] = '*';
	}
	return text;
}

/* Whether the word stands where the mask is, in whole or in part. */
static bool is_masked(const char *sql, const char *masked, const char *word, size_t length)
{
	for (const char *s = sql, *m = masked; *s != '\0'; s++) {
		if (((unsigned char)*s & 0xC0) == 0x80 && *s != *m)
			continue; /* one star stands for all bytes of a character */
		if (*m == '*' && *s != '*' && strncmp(s, word, length) == 0)
			return true;
		m++;
	}
	return false;
}

const char *sg_sql_mask_quoted(struct sg_arena *arena, const char *sql, const char *masked, const char *text)
{
	struct sg_buf buf;
	const char *copy;

	sg_buf_init(&buf, strlen(text) * 4 + 8);
	for (const char *at = text; *at != '\0';) {
		const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;

		if (end != NULL && end > at + 1 && is_masked(sql, masked, at + 1, (size_t)(end - at - 1))) {
			sg_buf_adds(&buf, "\"***\"");
			at = end + 1;
		} else {
			sg_buf_addc(&buf, *at++);
		}
	}
	copy = sg_arena_strndup(arena, buf.data, buf.length);
	sg_buf_release(&buf);
	return copy;
}

const char *sg_sql_mask_literals(struct sg_arena *arena, const char *sql)
{
	size_t length = strlen(sql), last = 0;
	struct sg_buf buf;
	struct sg_lex lex;
	struct sg_token token;
	const char *text;

	if (!sg_text_utf8(sql, length))
		return "…";
	sg_buf_init(&buf, length + 8);
	sg_lex_init(&lex, sql, length);
	while (sg_lex_next(&lex, &token)) {
		if (buf.length > 0 && token.start > last)
			sg_buf_addc(&buf, ' ');
		last = token.end;
		if (token.kind == SG_TOKEN_NUMBER || token.kind == SG_TOKEN_STRING || token.kind == SG_TOKEN_DOLLAR)
			sg_buf_addc(&buf, '?');
		else
			sg_buf_add(&buf, sql + token.start, token.end - token.start);
		/* That session may have standard_conforming_strings = off: then \' does not end the
		 * literal, and what we take for SQL is its inside. */
		if (token.kind == SG_TOKEN_STRING && token.inner_end > token.inner && sql[token.inner_end - 1] == '\\') {
			sg_buf_adds(&buf, " …");
			break;
		}
	}
	text = sg_arena_strndup(arena, buf.data, buf.length);
	sg_buf_release(&buf);
	return text;
}
