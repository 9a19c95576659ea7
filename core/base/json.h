/* json.h - the one door to jansson: reading trees, and building results.
 *
 * A `struct sg_json` is jansson's value under our name. Values that are built
 * belong to whoever holds the reference; adding one to an object or array gives
 * it away. Borrowed values (get, at) live as long as their parent. */
#ifndef SG_JSON_H
#define SG_JSON_H

#include "core/base/base.h"
#include "core/base/err.h"

struct sg_json;

/* NULL with err set when the text is no JSON (nesting above jansson's 2,048
 * levels included: it fails closed). */
struct sg_json *sg_json_parse(const char *text, size_t length, struct sg_err *err) SG_MUST_CHECK;
void sg_json_free(struct sg_json *value);

/* Reading. All take NULL and answer NULL, false or 0 for it and for another kind. */
bool sg_json_is_object(const struct sg_json *value);
bool sg_json_is_array(const struct sg_json *value);
struct sg_json *sg_json_get(const struct sg_json *object, const char *key);
size_t sg_json_count(const struct sg_json *array);
struct sg_json *sg_json_at(const struct sg_json *array, size_t index);
const char *sg_json_text(const struct sg_json *value);
int64_t sg_json_int(const struct sg_json *value);
bool sg_json_true(const struct sg_json *value);
/* Members of an object in their order: next(object, NULL) is the first, NULL after the last. */
void *sg_json_next(const struct sg_json *object, void *iter);
const char *sg_json_key(void *iter);
struct sg_json *sg_json_value(void *iter);

/* Building. */
struct sg_json *sg_json_object(void);
struct sg_json *sg_json_array(void);
void sg_json_set(struct sg_json *object, const char *key, struct sg_json *value); /* takes value */
void sg_json_set_text(struct sg_json *object, const char *key, const char *text); /* NULL: null; ill-formed UTF-8 is made visible */
void sg_json_set_int(struct sg_json *object, const char *key, int64_t value);
void sg_json_set_real(struct sg_json *object, const char *key, double value);
void sg_json_set_bool(struct sg_json *object, const char *key, bool value);
void sg_json_set_null(struct sg_json *object, const char *key);
void sg_json_add(struct sg_json *array, struct sg_json *value); /* takes value */
void sg_json_add_text(struct sg_json *array, const char *text);
/* The contract's form of an error, or null for SG_CLASS_NONE. */
struct sg_json *sg_json_err(const struct sg_err *err);
/* Heap text that the caller frees; indent 0 = one line. */
char *sg_json_dump(const struct sg_json *value, int indent) __attribute__((returns_nonnull));

#endif
