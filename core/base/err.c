/* err.c - the error value of err.h: setting, adding context, ownership. */
#include "config.h"
#define SG_ERR_ITSELF 1
#include "core/base/err.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"

#define ERR_TEXT_LIMIT ((size_t)16 << 10)
#define ERR_STATEMENT_LIMIT ((size_t)2 << 20)

void sg_err_init(struct sg_err *err)
{
	*err = (struct sg_err)SG_ERR_INIT;
}

void sg_err_release(struct sg_err *err)
{
	free(err->primary);
	free(err->detail);
	free(err->hint);
	free(err->file);
	free(err->step);
	free(err->statement);
	sg_err_init(err);
}

void sg_err_clear(struct sg_err *err)
{
	sg_err_release(err);
}

void sg_err_move(struct sg_err *dst, struct sg_err *src)
{
	if (dst == src)
		return;
	sg_err_release(dst);
	*dst = *src;
	sg_err_init(src);
}

static char *copy_text(const char *text)
{
	return text != NULL ? sg_xstrdup(text) : NULL;
}

void sg_err_copy(struct sg_err *dst, const struct sg_err *src)
{
	struct sg_err copy = *src;

	if (dst == src)
		return;
	copy.primary = copy_text(src->primary);
	copy.detail = copy_text(src->detail);
	copy.hint = copy_text(src->hint);
	copy.file = copy_text(src->file);
	copy.step = copy_text(src->step);
	copy.statement = copy_text(src->statement);
	sg_err_release(dst);
	*dst = copy;
}

SG_PRINTF(2, 0) static char *format_text(const char *prefix, const char *format, va_list args)
{
	struct sg_buf buf;

	sg_buf_init(&buf, ERR_TEXT_LIMIT);
	if (prefix != NULL)
		sg_buf_adds(&buf, prefix);
	sg_buf_vaddf(&buf, format, args);
	return sg_buf_detach(&buf);
}

/* The new text may be made from the old one: free only afterwards. */
static void replace(char **place, char *text)
{
	free(*place);
	*place = text;
}

int sg_err_set(struct sg_err *err, enum sg_class class, const char *format, ...)
{
	va_list args;
	char *primary;

	va_start(args, format);
	primary = format_text(NULL, format, args);
	va_end(args);
	sg_err_release(err);
	err->class = class;
	err->primary = primary;
	return -1;
}

int sg_err_primary(struct sg_err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	replace(&err->primary, format_text(NULL, format, args));
	va_end(args);
	return -1;
}

int sg_err_detail(struct sg_err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	replace(&err->detail, format_text(NULL, format, args));
	va_end(args);
	return -1;
}

int sg_err_hint(struct sg_err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	replace(&err->hint, format_text(NULL, format, args));
	va_end(args);
	return -1;
}

int sg_err_sqlstate(struct sg_err *err, const char *sqlstate)
{
	size_t length = sqlstate ? strnlen(sqlstate, 5) : 0;

	if (length)
		memcpy(err->sqlstate, sqlstate, length);
	err->sqlstate[length] = '\0';
	return -1;
}

int sg_err_at(struct sg_err *err, const char *file, int line)
{
	if (err->file == NULL && file != NULL) {
		err->file = sg_xstrdup(file);
		err->line = line;
	}
	return -1;
}

int sg_err_step(struct sg_err *err, const char *step)
{
	if (err->step == NULL && step != NULL)
		err->step = sg_xstrdup(step);
	return -1;
}

int sg_err_statement(struct sg_err *err, const char *statement, int position)
{
	if (statement != NULL) {
		struct sg_buf buf;

		sg_buf_init(&buf, ERR_STATEMENT_LIMIT);
		sg_buf_adds(&buf, statement);
		replace(&err->statement, sg_buf_detach(&buf));
		err->position = position;
	}
	return -1;
}

int sg_err_wrap(struct sg_err *err, const char *format, ...)
{
	struct sg_buf buf;
	va_list args;

	sg_buf_init(&buf, ERR_TEXT_LIMIT);
	va_start(args, format);
	sg_buf_vaddf(&buf, format, args);
	va_end(args);
	sg_buf_adds(&buf, ": ");
	sg_buf_adds(&buf, err->primary ? err->primary : "");
	replace(&err->primary, sg_buf_detach(&buf));
	return -1;
}

static void release_deferred(void *err)
{
	sg_err_release(err);
}

void sg_err_defer(struct sg_err *err, struct sg_arena *arena)
{
	sg_arena_defer(arena, release_deferred, err);
}

struct sg_err *sg_errs_add(struct sg_errs *errs)
{
	if (errs->count == errs->capacity) {
		errs->capacity = errs->capacity ? errs->capacity * 2 : 8;
		errs->list = sg_xrealloc(errs->list, errs->capacity * sizeof *errs->list);
	}
	sg_err_init(&errs->list[errs->count]);
	return &errs->list[errs->count++];
}

void sg_errs_release(struct sg_errs *errs)
{
	for (size_t i = 0; i < errs->count; i++)
		sg_err_release(&errs->list[i]);
	free(errs->list);
	*errs = (struct sg_errs)SG_ERRS_INIT;
}
