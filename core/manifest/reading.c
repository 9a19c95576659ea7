/* reading.c - collects the errors of a manifest and brings them in order. */
#include "config.h"
#include "core/manifest/reading.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

void sg_reading_init(struct sg_reading *reading, const char *path, bool lenient, struct sg_arena *arena,
                     struct sg_errs *errs)
{
	const char *slash = strrchr(path, '/');

	memset(reading, 0, sizeof *reading);
	reading->path = path;
	if (slash == NULL)
		reading->folder = ".";
	else
		reading->folder = slash == path ? "/" : sg_arena_strndup(arena, path, (size_t)(slash - path));
	reading->lenient = lenient;
	reading->arena = arena;
	reading->errs = errs;
	sg_err_init(&reading->spare);
}

struct sg_err *sg_reading_error(struct sg_reading *reading, int line, const char *format, ...)
{
	struct sg_buf text;
	struct sg_err *err;
	va_list args;

	sg_buf_init(&text, 4096);
	va_start(args, format);
	sg_buf_vaddf(&text, format, args);
	va_end(args);
	err = reading->count++ < SG_READING_MAX_ERRORS ? sg_errs_add(reading->errs) : &reading->spare;
	(void)sg_err_set(err, line == SG_READING_OVERRIDE ? SG_CLASS_USAGE : SG_CLASS_MANIFEST, "%s", text.data);
	if (line != SG_READING_OVERRIDE)
		(void)sg_err_at(err, reading->path, line);
	sg_buf_release(&text);
	return err;
}

bool sg_reading_full(const struct sg_reading *reading)
{
	return reading->count >= SG_READING_MAX_ERRORS;
}

struct place {
	int line;
	size_t index;
};

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

int sg_reading_finish(struct sg_reading *reading)
{
	struct sg_errs *errs = reading->errs;
	struct place *places;
	struct sg_err *sorted;

	sg_err_release(&reading->spare);
	if (reading->count == 0)
		return -(errs->count != 0);
	places = sg_xcalloc(errs->count, sizeof *places);
	sorted = sg_xcalloc(errs->count, sizeof *sorted);
	for (size_t i = 0; i < errs->count; i++)
		places[i] = (struct place){ errs->list[i].line, i };
	qsort(places, errs->count, sizeof *places, compare);
	for (size_t i = 0; i < errs->count; i++)
		sorted[i] = errs->list[places[i].index];
	memcpy(errs->list, sorted, errs->count * sizeof *sorted);
	free(places);
	free(sorted);
	if (reading->count > SG_READING_MAX_ERRORS) {
		struct sg_err *last = sg_errs_add(errs);

		(void)sg_err_set(last, SG_CLASS_MANIFEST, "%zu more errors are not shown",
		                 reading->count - SG_READING_MAX_ERRORS);
		(void)sg_err_at(last, reading->path, errs->list[errs->count - 2].line);
		(void)sg_err_hint(last, "Mend those above, then run `sgrun check` again.");
	}
	return -1;
}
