/* json_tree.c - see json_tree.h. What is read here is read as jansson reads it; tests/unit/base/test_json compares the two. */
#include "config.h"
#include "core/base/json_tree.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/text.h"

#define DEPTH_MAX 1000   /* jansson's is 2,048: what is between is left to it */
#define MEMBERS_MAX 64   /* each is compared with those before it */

struct root {
	struct sg_json_node node; /* first */
	struct sg_arena arena;
	char *text;
};

struct reader {
	struct sg_arena *arena;
	char *at;                 /* the text ends with a NUL */
	struct sg_json_node **stack; /* elements of the arrays that are open */
	size_t count, capacity;
};

static bool read_value(struct reader *reader, struct sg_json_node *node, int depth);

static void skip(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r')
		reader->at++;
}

static int hex(const char *digits)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		char c = digits[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return value;
}

/* After \u: writes the character, and gives what is behind it; NULL: a surrogate, zero, or none. */
static char *read_code(char *from, char **to)
{
	int code = hex(from);
	char *out = *to;

	if (code <= 0 || (code >= 0xD800 && code <= 0xDFFF))
		return NULL;
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xC0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3F));
	} else {
		*out++ = (char)(0xE0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3F));
		*out++ = (char)(0x80 | (code & 0x3F));
	}
	*to = out;
	return from + 4;
}

/* Behind the quote that begins it; ended in place. */
static const char *read_string(struct reader *reader)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char *start = reader->at, *from = start, *to;

	while (*from != '"' && *from != '\\' && (unsigned char)*from >= 0x20)
		from++;
	for (to = from; *from != '"';) {
		const char *escape;

		if ((unsigned char)*from < 0x20)
			return NULL;
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		from++;
		if (*from == 'u') {
			from = read_code(from + 1, &to);
			if (from == NULL)
				return NULL;
			continue;
		}
		escape = *from != '\0' ? strchr(escapes, *from) : NULL;
		if (escape == NULL)
			return NULL;
		*to++ = meant[escape - escapes];
		from++;
	}
	*to = '\0';
	reader->at = from + 1;
	return start;
}

/* An integer of at most 18 digits. */
static bool read_number(struct reader *reader, struct sg_json_node *node)
{
	bool negative = *reader->at == '-';
	const char *at = reader->at + negative;
	int64_t value = 0;
	size_t digits = 0;

	for (; digits < 18 && at[digits] >= '0' && at[digits] <= '9'; digits++)
		value = value * 10 + (at[digits] - '0');
	if (digits == 0 || (digits > 1 && at[0] == '0') || (at[digits] >= '0' && at[digits] <= '9') || at[digits] == '.' ||
	    at[digits] == 'e' || at[digits] == 'E')
		return false;
	node->kind = SG_JSON_INTEGER;
	node->number = negative ? -value : value;
	reader->at += negative + digits;
	return true;
}

static bool read_word(struct reader *reader, struct sg_json_node *node, const char *word, enum sg_json_kind kind)
{
	size_t length = strlen(word);

	if (strncmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	node->kind = kind;
	return true;
}

static bool read_object(struct reader *reader, struct sg_json_node *object, int depth)
{
	struct sg_json_node *last = NULL;

	object->kind = SG_JSON_OBJECT;
	skip(reader);
	if (*reader->at == '}') {
		reader->at++;
		return true;
	}
	for (;; reader->at++) {
		struct sg_json_node *member = sg_arena_alloc(reader->arena, sizeof *member);

		skip(reader);
		if (*reader->at++ != '"' || (member->key = read_string(reader)) == NULL || object->count >= MEMBERS_MAX ||
		    sg_json_tree_get(object, member->key) != NULL)
			return false;
		skip(reader);
		if (*reader->at++ != ':' || !read_value(reader, member, depth))
			return false;
		if (last == NULL)
			object->first = member;
		else
			last->next = member;
		last = member;
		object->count++;
		skip(reader);
		if (*reader->at == '}') {
			reader->at++;
			return true;
		}
		if (*reader->at != ',')
			return false;
	}
}

static bool read_array(struct reader *reader, struct sg_json_node *array, int depth)
{
	size_t before = reader->count;

	array->kind = SG_JSON_ARRAY;
	skip(reader);
	if (*reader->at == ']') {
		reader->at++;
		return true;
	}
	for (;; reader->at++) {
		struct sg_json_node *element = sg_arena_alloc(reader->arena, sizeof *element);

		if (!read_value(reader, element, depth))
			return false;
		if (reader->count == reader->capacity) {
			reader->capacity = reader->capacity > 0 ? reader->capacity * 2 : 64;
			reader->stack = sg_xrealloc(reader->stack, reader->capacity * sizeof(struct sg_json_node *));
		}
		reader->stack[reader->count++] = element;
		skip(reader);
		if (*reader->at == ']')
			break;
		if (*reader->at != ',')
			return false;
	}
	reader->at++;
	array->count = (uint32_t)(reader->count - before);
	array->items = sg_arena_array(reader->arena, array->count, sizeof(struct sg_json_node *));
	memcpy(array->items, reader->stack + before, array->count * sizeof(struct sg_json_node *));
	reader->count = before;
	return true;
}

static bool read_value(struct reader *reader, struct sg_json_node *node, int depth)
{
	if (depth >= DEPTH_MAX)
		return false;
	skip(reader);
	switch (*reader->at) {
	case '{': reader->at++; return read_object(reader, node, depth + 1);
	case '[': reader->at++; return read_array(reader, node, depth + 1);
	case '"':
		reader->at++;
		node->kind = SG_JSON_STRING;
		return (node->text = read_string(reader)) != NULL;
	case 't': return read_word(reader, node, "true", SG_JSON_TRUE);
	case 'f': return read_word(reader, node, "false", SG_JSON_FALSE);
	case 'n': return read_word(reader, node, "null", SG_JSON_NULL);
	default: return read_number(reader, node);
	}
}

struct sg_json_node *sg_json_tree_read(const char *text, size_t length)
{
	struct root *root;
	struct reader reader;
	bool read;

	if (length > UINT32_MAX / 2 || !sg_text_utf8(text, length))
		return NULL;
	root = sg_xcalloc(1, sizeof *root);
	root->text = sg_xmalloc(length + 1);
	memcpy(root->text, text, length);
	root->text[length] = '\0';
	reader = (struct reader){ .arena = &root->arena, .at = root->text };
	read = read_value(&reader, &root->node, 0);
	free(reader.stack);
	if (read) /* else it may stand behind the end */
		skip(&reader);
	if (read && *reader.at == '\0' && (root->node.kind == SG_JSON_OBJECT || root->node.kind == SG_JSON_ARRAY))
		return &root->node;
	sg_json_tree_free(&root->node);
	return NULL;
}

void sg_json_tree_free(struct sg_json_node *node)
{
	struct root *root = (struct root *)node;

	sg_arena_release(&root->arena);
	free(root->text);
	free(root);
}

const struct sg_json_node *sg_json_tree_get(const struct sg_json_node *object, const char *key)
{
	for (const struct sg_json_node *member = object->count > 0 ? object->first : NULL; member != NULL; member = member->next)
		if (member->key[0] == key[0] && strcmp(member->key, key) == 0)
			return member;
	return NULL;
}
