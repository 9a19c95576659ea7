/* json.c - the only file that includes jansson. Out of memory ends the process,
 * as everywhere. */
#include "config.h"
#include "core/base/json.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/buf.h"
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

struct sg_json *sg_json_parse(const char *text, size_t length, struct sg_err *err)
{
	json_error_t why;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);

	if (value == NULL) {
		sg_err_set(err, SG_CLASS_BUG, "cannot read JSON: %s", why.text);
		sg_err_detail(err, "line %d, column %d", why.line, why.column);
	}
	return out(value);
}

void sg_json_free(struct sg_json *value)
{
	json_decref(in(value));
}

bool sg_json_is_object(const struct sg_json *value)
{
	return value != NULL && json_is_object(in(value));
}

bool sg_json_is_array(const struct sg_json *value)
{
	return value != NULL && json_is_array(in(value));
}

struct sg_json *sg_json_get(const struct sg_json *object, const char *key)
{
	return out(json_object_get(in(object), key));
}

size_t sg_json_count(const struct sg_json *array)
{
	return json_array_size(in(array));
}

struct sg_json *sg_json_at(const struct sg_json *array, size_t index)
{
	return out(json_array_get(in(array), index));
}

const char *sg_json_text(const struct sg_json *value)
{
	return json_string_value(in(value));
}

int64_t sg_json_int(const struct sg_json *value)
{
	return json_integer_value(in(value));
}

bool sg_json_true(const struct sg_json *value)
{
	return value != NULL && json_is_true(in(value));
}

void *sg_json_next(const struct sg_json *object, void *iter)
{
	if (!sg_json_is_object(object))
		return NULL;
	return iter == NULL ? json_object_iter(in(object)) : json_object_iter_next(in(object), iter);
}

const char *sg_json_key(void *iter)
{
	return json_object_iter_key(iter);
}

struct sg_json *sg_json_value(void *iter)
{
	return out(json_object_iter_value(iter));
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
	if (json_object_set_new(in(object), key, in(value)) != 0)
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
	if (json_array_append_new(in(array), in(value)) != 0)
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
	char *text = json_dumps(in(value), flags);

	if (text == NULL)
		SG_BUG("JSON could not be written");
	return text;
}
