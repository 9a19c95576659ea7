/* quote.c - formats DDL with quoted parts, see quote.h. Identifiers are always
 * quoted: a name is then what the plugin wrote, keyword or not (PostgreSQL's
 * quote_ident() spares the plain ones, for looks). Literals as
 * quote_literal() makes them: E'…' once there is a backslash. */
#include "config.h"
#include "plugins/process/quote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct text {
	char *data;
	size_t length, capacity, limit;
	enum sg_quote status;
};

static void add(struct text *text, const char *bytes, size_t length)
{
	if (text->status != SG_QUOTED)
		return;
	if (length > text->limit - text->length) {
		text->status = SG_QUOTE_TOO_BIG;
		return;
	}
	if (text->capacity - text->length <= length) {
		size_t capacity = text->capacity == 0 ? 256 : text->capacity;
		char *data;

		while (capacity - text->length <= length)
			capacity *= 2;
		data = realloc(text->data, capacity);
		if (data == NULL) {
			text->status = SG_QUOTE_NO_MEMORY;
			return;
		}
		text->data = data;
		text->capacity = capacity;
	}
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

/* Doubles the bytes in `twice`. */
static void add_doubled(struct text *text, const char *value, const char *twice)
{
	while (*value != '\0') {
		size_t plain = strcspn(value, twice);

		add(text, value, plain);
		value += plain;
		if (*value != '\0') {
			add(text, value, 1);
			add(text, value, 1);
			value++;
		}
	}
}

static void add_identifier(struct text *text, const char *name)
{
	add(text, "\"", 1);
	add_doubled(text, name, "\"");
	add(text, "\"", 1);
}

static void add_literal(struct text *text, const char *value)
{
	bool escapes = value != NULL && strchr(value, '\\') != NULL;

	if (value == NULL) {
		add(text, "NULL", 4);
		return;
	}
	if (escapes)
		add(text, " E'", 3); /* the blank: E must not join what stands before it */
	else
		add(text, "'", 1);
	add_doubled(text, value, "'\\");
	add(text, "'", 1);
}

static const char *add_directive(struct text *text, char directive, const char *value)
{
	switch (directive) {
	case 'I':
		if (value == NULL)
			return "%I was given NULL";
		if (*value == '\0')
			return "%I was given an empty name";
		add_identifier(text, value);
		return NULL;
	case 'L':
		add_literal(text, value);
		return NULL;
	default:
		if (value == NULL)
			return "%s was given NULL";
		add(text, value, strlen(value));
		return NULL;
	}
}

enum sg_quote sg_quote_format(const char *format, va_list args, size_t limit, char **text_r)
{
	static char problem[64];
	struct text text = { NULL, 0, 0, limit, SG_QUOTED };
	const char *wrong = NULL;

	add(&text, "", 0);
	while (*format != '\0' && wrong == NULL && text.status == SG_QUOTED) {
		size_t plain = strcspn(format, "%");

		add(&text, format, plain);
		format += plain;
		if (*format == '\0')
			break;
		format++;
		if (*format == '%')
			add(&text, "%", 1);
		else if (*format == 'I' || *format == 'L' || *format == 's')
			wrong = add_directive(&text, *format, va_arg(args, const char *));
		else
			wrong = "a directive is none of %I, %L, %s and %%";
		if (*format != '\0')
			format++;
	}
	if (wrong != NULL)
		text.status = SG_QUOTE_MISUSE;
	if (text.status == SG_QUOTED) {
		*text_r = text.data;
		return SG_QUOTED;
	}
	free(text.data);
	*text_r = NULL;
	if (wrong != NULL) {
		memcpy(problem, wrong, strlen(wrong) + 1);
		*text_r = problem;
	}
	return text.status;
}
