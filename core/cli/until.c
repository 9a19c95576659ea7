/* until.c - weak stand-ins while others' parts are on their way; to be removed. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/audit/baseline.h"
#include "core/audit/script.h"

#define WEAK __attribute__((weak))

WEAK const char *sg_audit_layout_name(enum sg_audit_layout layout)
{
	return layout == SG_LAYOUT_MANIFEST ? "manifest" : "plain";
}

WEAK int sg_audit_files_find(const char *path, struct sg_arena *arena, struct sg_audit_files *files, struct sg_errs *errs)
{
	(void)errs;
	files->list = sg_arena_grow(arena, files->list, &files->capacity, files->count + 1, sizeof *files->list);
	files->list[files->count++] = (struct sg_audit_file){ .path = path, .id = path, .transaction = true };
	return 0;
}

WEAK int sg_audit_script_read(const struct sg_audit_file *file, struct sg_arena *arena, struct sg_audit_migration *migration_r,
                              struct sg_errs *errs)
{
	FILE *f = fopen(file->path, "r");
	char *text = sg_arena_alloc(arena, 1 << 20);
	size_t length;

	if (f == NULL)
		return sg_err_set(sg_errs_add(errs), SG_CLASS_MANIFEST, "cannot be opened");
	length = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	sg_audit_script_split(file, text, length, arena, migration_r, errs);
	return 0;
}

WEAK int sg_baseline_read(const char *path, struct sg_arena *arena, struct sg_baseline **baseline_r, struct sg_err *err)
{
	(void)path;
	(void)arena;
	*baseline_r = NULL;
	return sg_err_set(err, SG_CLASS_USAGE, "not yet");
}

WEAK size_t sg_baseline_unmet(const struct sg_baseline *baseline)
{
	(void)baseline;
	return 0;
}

WEAK void sg_baseline_line(struct sg_buf *out, const char *migration, const char *rule, const char *statement, const char *place)
{
	(void)statement;
	sg_buf_addf(out, "%s %s %s\n", migration, rule, place);
}
