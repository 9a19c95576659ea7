/* expand.c - substitution of environment variables, bounded. */
#include "config.h"
#include "core/manifest/expand.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/manifest/source.h"

#define NAME_LIMIT 255

static size_t name_length(const char *text)
{
	size_t n = 0;

	while (text[n] == '_' || (text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= 'a' && text[n] <= 'z') ||
	       (n > 0 && text[n] >= '0' && text[n] <= '9'))
		n++;
	return n;
}

static int malformed(struct sg_err *err)
{
	(void)sg_err_set(err, SG_CLASS_MANIFEST, "\"${\" that is no variable");
	(void)sg_err_detail(err, "A variable's name has letters, digits and '_', and ends with '}' or ':-text}'.");
	return sg_err_hint(err, "Write ${NAME} or ${NAME:-default}, and $$ for a dollar sign.");
}

/* at: behind "${". Returns the place behind "}", or NULL with err set. */
static const char *expand_one(const char *at, struct sg_arena *arena, struct sg_buf *out,
                              struct sg_expansion *expansion, struct sg_err *err)
{
	size_t length = name_length(at);
	const char *closing = strchr(at, '}');
	const char *standard = NULL, *value, *what;
	char *name;

	if (length == 0 || length > NAME_LIMIT || closing == NULL) {
		(void)malformed(err);
		return NULL;
	}
	if (at[length] == ':' && at[length + 1] == '-') {
		standard = at + length + 2;
	} else if (at[length] != '}') {
		(void)malformed(err);
		return NULL;
	}
	name = sg_arena_strndup(arena, at, length);
	value = getenv(name);
	if (value != NULL && !sg_source_text(value, strlen(value), &what)) {
		(void)sg_err_set(err, SG_CLASS_MANIFEST, "the environment variable %s holds %s", name, what);
		(void)sg_err_detail(err, "Values of a manifest are UTF-8 text without control characters.");
		(void)sg_err_hint(err, "Set it to one line of plain text.");
		return NULL;
	}
	if (value != NULL) {
		expansion->names = sg_arena_grow(arena, expansion->names, &expansion->capacity, expansion->count + 1,
		                                 sizeof *expansion->names);
		expansion->names[expansion->count++] = name;
	}
	if (value != NULL && (value[0] != '\0' || standard == NULL))
		sg_buf_adds(out, value);
	else if (standard != NULL)
		sg_buf_add(out, standard, (size_t)(closing - standard));
	else if (expansion->unset == NULL)
		expansion->unset = name;
	return closing + 1;
}

int sg_expand(const char *value, struct sg_arena *arena, size_t *total, struct sg_expansion *expansion_r,
              struct sg_err *err)
{
	struct sg_buf out;
	const char *at = value;

	memset(expansion_r, 0, sizeof *expansion_r);
	expansion_r->text = value;
	if (strchr(value, '$') == NULL)
		return 0;
	sg_buf_init(&out, SG_EXPAND_LIMIT);
	while (*at != '\0') {
		size_t plain = strcspn(at, "$");

		sg_buf_add(&out, at, plain);
		at += plain;
		if (at[0] == '$' && at[1] == '{') {
			at = expand_one(at + 2, arena, &out, expansion_r, err);
			if (at == NULL) {
				sg_buf_release(&out);
				return -1;
			}
		} else if (at[0] == '$') {
			sg_buf_addc(&out, '$');
			at += at[1] == '$' ? 2 : 1;
		}
	}
	*total += out.length;
	if (out.cut || *total > SG_EXPAND_TOTAL_LIMIT) {
		sg_buf_release(&out);
		(void)sg_err_set(err, SG_CLASS_MANIFEST, "the value is too large once its variables are put in");
		(void)sg_err_detail(err, "A value has at most %zu bytes, all that have variables %zu.", SG_EXPAND_LIMIT,
		                    SG_EXPAND_TOTAL_LIMIT);
		return sg_err_hint(err, "Look at the environment variables that it names.");
	}
	expansion_r->text = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return 0;
}
