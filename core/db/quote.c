/* quote.c - text made into SQL: identifiers, literals, arrays. Pure; it rests on
 * standard_conforming_strings = on and UTF-8, which sg_db_open makes sure of. */
#include "config.h"
#include "core/db/db.h"

#include <string.h>

static const char *quoted(struct sg_arena *arena, const char *text, char quote)
{
	size_t length = strlen(text), extra = 0;
	char *copy, *at;

	for (size_t i = 0; i < length; i++)
		extra += text[i] == quote;
	at = copy = sg_arena_alloc(arena, length + extra + 3);
	*at++ = quote;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == quote)
			*at++ = quote;
		*at++ = text[i];
	}
	*at++ = quote;
	*at = '\0';
	return copy;
}

const char *sg_db_identifier(struct sg_arena *arena, const char *name)
{
	return quoted(arena, name, '"');
}

const char *sg_db_literal(struct sg_arena *arena, const char *text)
{
	return quoted(arena, text, '\'');
}

const char *sg_db_text_array(struct sg_arena *arena, const char *const *values, size_t count)
{
	size_t size = 3;
	char *copy, *at;

	for (size_t i = 0; i < count; i++)
		size += values[i] == NULL ? 5 : 2 * strlen(values[i]) + 3;
	at = copy = sg_arena_alloc(arena, size);
	*at++ = '{';
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*at++ = ',';
		if (values[i] == NULL) {
			memcpy(at, "NULL", 4);
			at += 4;
			continue;
		}
		*at++ = '"';
		for (const char *c = values[i]; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				*at++ = '\\';
			*at++ = *c;
		}
		*at++ = '"';
	}
	*at++ = '}';
	*at = '\0';
	return copy;
}
