/* render_audit_backfills.c - "Backfill audit": which migrations hold data work, how soon it must go, and the sections to paste
 * where it goes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/audit/section.h"
#include "core/cli/markdown.h"
#include "core/cli/render_audit.h"

static size_t count_of(const struct sg_audit_result *result, enum sg_priority priority)
{
	size_t count = 0;

	for (size_t i = 0; i < result->migration_count; i++)
		count += result->migrations[i].has_dml && result->migrations[i].priority == priority;
	return count;
}

static void add_hot(struct sg_buf *out, const struct sg_audit_about *about)
{
	const struct sg_audit_options *options = about->options;

	sg_buf_adds(out, "Hot tables: ");
	switch (about->hot) {
	case SG_HOT_UNKNOWN:
		sg_buf_adds(out, "not known, so nothing is HIGH. Name them by `--hot-tables` or `hot_tables` in `[audit]` of the manifest,"
		                 " or have them measured by `--sample SECONDS`.\n\n");
		return;
	case SG_HOT_MEASURED:
		if (options->hot_count == 0)
			sg_buf_adds(out, "none");
		break;
	case SG_HOT_OPTION:
	case SG_HOT_MANIFEST:
		break;
	}
	if (options->hot_count > 0)
		sg_md_codes(out, options->hot_tables, options->hot_count);
	if (about->hot == SG_HOT_MEASURED)
		sg_buf_addf(out, " (measured: the rows written over %d s)", about->sample_seconds);
	else
		sg_buf_adds(out, about->hot == SG_HOT_OPTION ? " (named by `--hot-tables`)" : " (named by the manifest)");
	sg_buf_adds(out, ".\n\n");
}

static void add_table(struct sg_buf *out, const struct sg_audit_result *result, enum sg_priority priority)
{
	sg_buf_addf(out, "### %s (%zu)\n\n", sg_render_priority(priority), count_of(result, priority));
	sg_md_head(out, "Migration|Description|Tables|DML types|Why");
	for (size_t i = 0; i < result->migration_count; i++) {
		const struct sg_audit_seen *seen = &result->migrations[i];

		if (!seen->has_dml || seen->priority != priority)
			continue;
		sg_buf_adds(out, "| ");
		sg_md_cell_code(out, seen->id, SIZE_MAX);
		sg_buf_adds(out, " | ");
		sg_md_cell(out, seen->description);
		sg_buf_adds(out, " | ");
		sg_md_codes(out, seen->tables, seen->table_count);
		sg_buf_adds(out, " | ");
		for (size_t k = 0; k < seen->type_count; k++)
			sg_buf_addf(out, "%s%s", k > 0 ? ", " : "", seen->types[k]);
		sg_buf_adds(out, " | ");
		sg_md_cell(out, seen->why);
		sg_buf_adds(out, " |\n");
	}
	sg_buf_addc(out, '\n');
}

/* Backfills that the manifest has: data work that is where it belongs. */
static void add_moved(struct sg_buf *out, const struct sg_manifest *manifest)
{
	bool some = false;

	for (size_t i = 0; manifest != NULL && i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];

		if (step->kind != SG_STEP_BACKFILL)
			continue;
		if (!some) {
			sg_buf_adds(out, "### Backfills already\n\n");
			sg_md_head(out, "Backfill|Description|Of migration|Priority");
		}
		some = true;
		sg_buf_adds(out, "| ");
		sg_md_cell_code(out, step->id, SIZE_MAX);
		sg_buf_adds(out, " | ");
		sg_md_cell(out, step->title != NULL ? step->title : step->description);
		sg_buf_adds(out, " | ");
		if (step->migration != NULL)
			sg_md_cell_code(out, step->migration, SIZE_MAX);
		else
			sg_md_cell(out, NULL);
		sg_buf_addf(out, " | %s |\n", sg_render_priority(step->priority));
	}
	if (some)
		sg_buf_addc(out, '\n');
}

/* ---- next steps ---- */

static void add_section(struct sg_buf *out, const struct sg_audit_seen *seen)
{
	struct sg_arena arena = SG_ARENA_INIT;
	const char *name = sg_audit_section(&arena, seen->id, seen->title, seen->layout);
	struct sg_buf note = SG_BUF_INIT;

	for (size_t i = 0; i < seen->type_count; i++)
		sg_buf_addf(&note, "%s%s", i > 0 ? ", " : "", seen->types[i]);
	for (size_t i = 0; i < seen->table_count; i++)
		sg_buf_addf(&note, "%s%s", i > 0 ? ", " : " on ", seen->tables[i]);
	if (seen->layout != SG_LAYOUT_MANIFEST)
		sg_buf_addf(&note, "; now in %s", seen->path);
	sg_buf_addf(out, "[backfill %s]\n; ", name);
	sg_text_add_clean(out, note.data, note.length, false);
	sg_buf_addf(out, "\nplugin = %s\n", name);
	if (seen->layout == SG_LAYOUT_MANIFEST) {
		sg_buf_adds(out, "migration = ");
		sg_text_add_clean(out, seen->id, strlen(seen->id), false);
		sg_buf_addc(out, '\n');
	} else {
		sg_buf_adds(out, "; migration = the id of the migration that must be recorded before it\n");
	}
	sg_buf_addf(out, "priority = %s\n\n", sg_render_priority(seen->priority));
	sg_buf_release(&note);
	sg_arena_release(&arena);
}

static void add_ids(struct sg_buf *out, const struct sg_audit_result *result, enum sg_priority priority)
{
	const char *before = "";

	for (size_t i = 0; i < result->migration_count; i++) {
		const struct sg_audit_seen *seen = &result->migrations[i];

		if (!seen->has_dml || seen->priority != priority)
			continue;
		sg_buf_adds(out, before);
		sg_md_code(out, seen->id);
		if (seen->table_count > 0) {
			sg_buf_adds(out, " (");
			sg_md_codes(out, seen->tables, seen->table_count);
			sg_buf_addc(out, ')');
		}
		before = ", ";
	}
}

static void add_next(struct sg_buf *out, const struct sg_audit_result *result)
{
	size_t number = 0, high = count_of(result, SG_PRIORITY_HIGH), medium = count_of(result, SG_PRIORITY_MEDIUM);
	struct sg_buf sections = SG_BUF_INIT;

	if (high + medium == 0)
		return;
	sg_buf_adds(out, "### Next steps\n\n");
	if (high > 0) {
		sg_buf_addf(out, "%zu. First, before they run on a database in use, move what changes rows into backfills: ", ++number);
		add_ids(out, result, SG_PRIORITY_HIGH);
		sg_buf_adds(out, ".\n");
	}
	if (medium > 0) {
		sg_buf_addf(out, "%zu. Then likewise: ", ++number);
		add_ids(out, result, SG_PRIORITY_MEDIUM);
		sg_buf_adds(out, ".\n");
	}
	sg_buf_addf(out, "%zu. What has run everywhere is history: leave it as it is, and let `--write-baseline --baseline FILE` know it.\n",
	            ++number);
	for (int priority = SG_PRIORITY_HIGH; priority <= SG_PRIORITY_MEDIUM; priority++)
		for (size_t i = 0; i < result->migration_count; i++)
			if (result->migrations[i].has_dml && (int)result->migrations[i].priority == priority)
				add_section(&sections, &result->migrations[i]);
	if (sections.length > 0)
		sections.data[--sections.length] = '\0';
	sg_buf_adds(out, "\nFor the manifest; each names a plugin, which says table, key and statement (sgrun-plugin(3)):\n\n");
	sg_md_fence(out, "ini", sections.data);
	sg_buf_addc(out, '\n');
	sg_buf_release(&sections);
}

void sg_render_audit_backfills(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	bool some = false;

	for (size_t i = 0; i < result->migration_count && !some; i++)
		some = result->migrations[i].has_dml;
	if (!some)
		return;
	sg_buf_adds(out, "## Backfill audit\n\n");
	add_hot(out, about);
	sg_buf_adds(out, "- HIGH: it changes rows of a hot table. While it runs the application waits for those rows: it must become a"
	                 " backfill.\n"
	                 "- MEDIUM: it changes rows of another table. It takes as long as that table is large: better a backfill, too.\n"
	                 "- LOW: de-duplication and clean-up that an index or constraint of the same migration needs, and literal seeds,"
	                 " on any table. It may stay.\n\n");
	for (int priority = SG_PRIORITY_HIGH; priority <= SG_PRIORITY_LOW; priority++)
		if (count_of(result, (enum sg_priority)priority) > 0)
			add_table(out, result, (enum sg_priority)priority);
	add_moved(out, about->manifest);
	add_next(out, result);
}
