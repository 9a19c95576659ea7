/* manifest.c - the manifest from file to structs: the order in which the parts
 * of the reader work.
 *
 * Lines -> sections and keys (ini.c) -> --set (override.c) -> sections that
 * stand alone (sections.c) -> steps (steps.c) -> names and order (graph.c).
 * Each part reports all it finds, and works on what it got. */
#include "config.h"
#include "core/manifest/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/manifest/draft.h"
#include "core/manifest/source.h"

const char *sg_step_kind_name(enum sg_step_kind kind)
{
	static const char *const names[] = { "migration", "backfill", "index" };

	SG_ASSERT((unsigned)kind < SG_COUNT(names));
	return names[kind];
}

const struct sg_step *sg_manifest_step(const struct sg_manifest *manifest, enum sg_step_kind kind, const char *id)
{
	size_t low = 0, high = manifest->step_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct sg_step *step = manifest->by_id[middle];
		int order = step->kind != kind ? (step->kind < kind ? -1 : 1) : strcmp(step->id, id);

		if (order == 0)
			return step;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int sg_manifest_no_step_err(const struct sg_manifest *manifest, enum sg_step_kind kind, const char *id, struct sg_err *err)
{
	const char **names = sg_xcalloc(manifest->step_count + 1, sizeof *names), *nearest;
	size_t count = 0;

	for (size_t i = 0; i < manifest->step_count; i++)
		if (manifest->steps[i].kind == kind)
			names[count++] = manifest->steps[i].id;
	nearest = sg_text_nearest(id, names, count);
	free(names);
	sg_err_set(err, SG_CLASS_USAGE, "the manifest has no %s '%s'", sg_step_kind_name(kind), id);
	if (nearest != NULL)
		return sg_err_hint(err, "Did you mean '%s'?", nearest);
	return sg_err_hint(err, "sgrun plan lists what %s has.", manifest->path);
}

int sg_step_line(const struct sg_step *step, const char *key)
{
	for (size_t i = 0; i < step->key_count; i++)
		if (strcmp(step->keys[i].key, key) == 0)
			return step->keys[i].line;
	return step->line;
}

int sg_manifest_parse(const char *path, const char *bytes, size_t length, const struct sg_override *overrides,
                      size_t override_count, bool lenient, struct sg_arena *arena, struct sg_manifest *manifest_r,
                      struct sg_errs *errs)
{
	struct sg_reading reading;
	struct sg_draft draft = { .reading = &reading, .manifest = manifest_r };

	memset(manifest_r, 0, sizeof *manifest_r);
	sg_reading_init(&reading, sg_arena_strdup(arena, path), lenient, arena, errs);
	manifest_r->path = reading.path;
	manifest_r->folder = reading.folder;
	if (sg_ini_parse(&reading, bytes, length, &draft.ini)) {
		sg_draft_overrides(&draft, overrides, override_count);
		sg_draft_sections(&draft);
		sg_draft_steps(&draft);
		sg_draft_graph(&draft);
	}
	return sg_reading_finish(&reading);
}

int sg_manifest_read(const char *path, const struct sg_override *overrides, size_t override_count, bool lenient,
                     struct sg_arena *arena, struct sg_manifest *manifest_r, struct sg_errs *errs)
{
	struct sg_err err = SG_ERR_INIT;
	const char *bytes;
	size_t length;

	if (sg_source_load(path, arena, &bytes, &length, &err) != 0) {
		sg_err_move(sg_errs_add(errs), &err);
		return -1;
	}
	return sg_manifest_parse(path, bytes, length, overrides, override_count, lenient, arena, manifest_r, errs);
}
