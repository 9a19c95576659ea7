/* json.c - the only file that includes jansson. Texts that are read become trees of json_tree.h where those can hold them, so
 * each reader asks first which of the two it is given; what is built is always jansson's. Out of memory ends the process, as
 * everywhere. */
#include "config.h"
#include "core/base/json.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/json_tree.h"
#include "core/base/text.h"

static json_t *in(const struct sg_json *value)
{
	/* jansson's readers take const, its reference counting does not */
	return (json_t *)(uintptr_t)value;
}

static struct sg_json *out(json_t *value)
{
	return (struct sg_json *)value;
}

static json_t *need(json_t *value)
{
	if (value == NULL)
		SG_BUG("JSON value could not be made (out of memory)");
	return value;
}

/* The tree's node, or NULL for one of jansson's values: those begin with their type too, and all of its types are smaller. */
static const struct sg_json_node *node_of(const struct sg_json *value)
{
	const struct sg_json_node *node = (const struct sg_json_node *)value;

	return node != NULL && node->kind >= SG_JSON_OBJECT ? node : NULL;
}

struct sg_json *sg_json_parse(const char *text, size_t length, struct sg_err *err)
{
	struct sg_json_node *tree = sg_json_tree_read(text, length);
	json_error_t why;
	json_t *value;

	if (tree != NULL)
		return (struct sg_json *)tree;
	value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	if (value == NULL) {
		sg_err_set(err, SG_CLASS_BUG, "cannot read JSON: %s", why.text);
		sg_err_detail(err, "line %d, column %d", why.line, why.column);
	}
	return out(value);
}

void sg_json_free(struct sg_json *value)
{
	if (node_of(value) != NULL)
		sg_json_tree_free((struct sg_json_node *)value);
	else
		json_decref(in(value));
}

bool sg_json_is_object(const struct sg_json *value)
{
	const struct sg_json_node *node = node_of(value);

	return node != NULL ? node->kind == SG_JSON_OBJECT : value != NULL && json_is_object(in(value));
}

bool sg_json_is_array(const struct sg_json *value)
{
	const struct sg_json_node *node = node_of(value);

	return node != NULL ? node->kind == SG_JSON_ARRAY : value != NULL && json_is_array(in(value));
}

struct sg_json *sg_json_get(const struct sg_json *object, const char *key)
{
	const struct sg_json_node *node = node_of(object);

	if (node != NULL)
		return node->kind == SG_JSON_OBJECT ? (struct sg_json *)(uintptr_t)sg_json_tree_get(node, key) : NULL;
	return out(json_object_get(in(object), key));
}

size_t sg_json_count(const struct sg_json *array)
{
	const struct sg_json_node *node = node_of(array);

	if (node != NULL)
		return node->kind == SG_JSON_ARRAY ? node->count : 0;
	return json_array_size(in(array));
}

struct sg_json *sg_json_at(const struct sg_json *array, size_t index)
{
	const struct sg_json_node *node = node_of(array);

	if (node != NULL)
		return node->kind == SG_JSON_ARRAY && index < node->count ? (struct sg_json *)node->items[index] : NULL;
	return out(json_array_get(in(array), index));
}

const char *sg_json_text(const struct sg_json *value)
{
	const struct sg_json_node *node = node_of(value);

	if (node != NULL)
		return node->kind == SG_JSON_STRING ? node->text : NULL;
	return json_string_value(in(value));
}

int64_t sg_json_int(const struct sg_json *value)
{
	const struct sg_json_node *node = node_of(value);

	if (node != NULL)
		return node->kind == SG_JSON_INTEGER ? node->number : 0;
	return json_integer_value(in(value));
}

bool sg_json_true(const struct sg_json *value)
{
	const struct sg_json_node *node = node_of(value);

	return node != NULL ? node->kind == SG_JSON_TRUE : value != NULL && json_is_true(in(value));
}

/* A tree's place is marked by the lowest bit: neither nodes nor what jansson gives stand at odd addresses. */
static const struct sg_json_node *member_of(void *iter)
{
	return ((uintptr_t)iter & 1) != 0 ? (const struct sg_json_node *)((uintptr_t)iter - 1) : NULL;
}

static void *iter_of(const struct sg_json_node *member)
{
	return member != NULL ? (void *)((uintptr_t)member + 1) : NULL;
}

void *sg_json_next(const struct sg_json *object, void *iter)
{
	const struct sg_json_node *node = node_of(object);

	if (!sg_json_is_object(object))
		return NULL;
	if (node != NULL)
		return iter_of(iter != NULL ? member_of(iter)->next : node->first);
	return iter == NULL ? json_object_iter(in(object)) : json_object_iter_next(in(object), iter);
}

const char *sg_json_key(void *iter)
{
	return member_of(iter) != NULL ? member_of(iter)->key : json_object_iter_key(iter);
}

struct sg_json *sg_json_value(void *iter)
{
	if (member_of(iter) != NULL)
		return (struct sg_json *)(uintptr_t)member_of(iter);
	return out(json_object_iter_value(iter));
}

/* ---- building ---------------------------------------------------------------------- */

/* What is built holds jansson's values only: a tree, or a part of one, is copied. */
static json_t *copy_of(const struct sg_json_node *node)
{
	json_t *value;

	switch (node->kind) {
	case SG_JSON_OBJECT:
		value = need(json_object());
		for (const struct sg_json_node *member = node->first; member != NULL; member = member->next)
			if (json_object_set_new(value, member->key, copy_of(member)) != 0)
				SG_BUG("JSON member could not be set");
		return value;
	case SG_JSON_ARRAY:
		value = need(json_array());
		for (size_t i = 0; i < node->count; i++)
			if (json_array_append_new(value, copy_of(node->items[i])) != 0)
				SG_BUG("JSON element could not be added");
		return value;
	case SG_JSON_STRING: return need(json_string(node->text));
	case SG_JSON_INTEGER: return need(json_integer(node->number));
	case SG_JSON_TRUE: return json_true();
	case SG_JSON_FALSE: return json_false();
	default: return json_null();
	}
}

/* Takes value, if it is jansson's; of a tree only its root is anyone's to give. */
static json_t *taken(struct sg_json *value)
{
	const struct sg_json_node *node = node_of(value);
	json_t *copy;

	if (node == NULL)
		return in(value);
	copy = copy_of(node);
	sg_json_free(value);
	return copy;
}

struct sg_json *sg_json_object(void)
{
	return out(need(json_object()));
}

struct sg_json *sg_json_array(void)
{
	return out(need(json_array()));
}

void sg_json_set(struct sg_json *object, const char *key, struct sg_json *value)
{
	if (json_object_set_new(in(object), key, taken(value)) != 0)
		SG_BUG("JSON member could not be set");
}

static json_t *text_value(const char *text)
{
	json_t *value;

	if (text == NULL)
		return json_null();
	value = json_string(text);
	if (value == NULL) {
		struct sg_buf clean = SG_BUF_INIT;

		sg_text_add_clean(&clean, text, strlen(text), true);
		value = need(json_string(clean.data));
		sg_buf_release(&clean);
	}
	return value;
}

void sg_json_set_text(struct sg_json *object, const char *key, const char *text)
{
	sg_json_set(object, key, out(text_value(text)));
}

void sg_json_set_int(struct sg_json *object, const char *key, int64_t value)
{
	sg_json_set(object, key, out(need(json_integer(value))));
}

void sg_json_set_real(struct sg_json *object, const char *key, double value)
{
	sg_json_set(object, key, out(need(json_real(value))));
}

void sg_json_set_bool(struct sg_json *object, const char *key, bool value)
{
	sg_json_set(object, key, out(json_boolean(value)));
}

void sg_json_set_null(struct sg_json *object, const char *key)
{
	sg_json_set(object, key, out(json_null()));
}

void sg_json_add(struct sg_json *array, struct sg_json *value)
{
	if (json_array_append_new(in(array), taken(value)) != 0)
		SG_BUG("JSON element could not be added");
}

void sg_json_add_text(struct sg_json *array, const char *text)
{
	sg_json_add(array, out(text_value(text)));
}

struct sg_json *sg_json_err(const struct sg_err *err)
{
	struct sg_json *object;

	if (err->class == SG_CLASS_NONE)
		return out(json_null());
	object = sg_json_object();
	sg_json_set_text(object, "class", sg_class_name(err->class));
	sg_json_set_int(object, "exit", sg_class_exit(err->class));
	sg_json_set_text(object, "sqlstate", err->sqlstate[0] ? err->sqlstate : NULL);
	sg_json_set_text(object, "primary", err->primary);
	sg_json_set_text(object, "detail", err->detail);
	sg_json_set_text(object, "hint", err->hint);
	sg_json_set_text(object, "file", err->file);
	if (err->line > 0)
		sg_json_set_int(object, "line", err->line);
	else
		sg_json_set_null(object, "line");
	sg_json_set_text(object, "step", err->step);
	sg_json_set_text(object, "statement", err->statement);
	return object;
}

char *sg_json_dump(const struct sg_json *value, int indent)
{
	size_t flags = JSON_ENCODE_ANY | (indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT);
	const struct sg_json_node *node = node_of(value);
	json_t *copy = node != NULL ? copy_of(node) : NULL;
	char *text = json_dumps(copy != NULL ? copy : in(value), flags);

	if (text == NULL)
		SG_BUG("JSON could not be written");
	json_decref(copy);
	return text;
}
