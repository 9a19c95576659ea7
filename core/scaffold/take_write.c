/* take_write.c - what take_over has decided, as files: a source for each migration and backfill, sections in the order of the statements. */
#include "config.h"

#include <string.h>

#include "core/scaffold/c_text.h"
#include "core/scaffold/take_parts.h"

#define LABEL 36 /* bytes of a section's name that the manifest's reader takes for certain, whatever the kind */

/* ---- migrations ---------------------------------------------------------------------------------- */

static size_t add_questions(struct sg_buf *out, const struct sg_asks *asks)
{
	size_t count = 0;

	for (size_t i = 0; i < asks->count; i++)
		if (asks->list[i].question != NULL)
			sg_buf_addf(out, "%s%s", count++ == 0 ? "\treturn " : "\n\t       && ", asks->list[i].question);
	if (count > 0)
		sg_buf_adds(out, ";\n");
	return count;
}

/* Statements that gave no question are said in the report. */
static void note_asks(struct take *take, const struct take_step *step, const struct sg_asks *asks, bool none)
{
	for (size_t d = 0; d < step->ddl_count; d++) {
		struct sg_taken_statement *statement = &take->taken->statements[step->ddl[d].statement];
		const char *why = NULL;
		bool asked = false;

		for (size_t i = 0; i < asks->count; i++)
			if (asks->list[i].statement == d) {
				asked |= asks->list[i].question != NULL;
				why = asks->list[i].why != NULL ? asks->list[i].why : why;
			}
		statement->no_fingerprint = !asked;
		statement->unproven = none;
		if (!asked)
			statement->note = sg_arena_printf(take->arena, "%s%s", why != NULL ? why : "nothing can be asked for",
			                                  none ? ": write the fingerprint of this migration by hand" : "");
	}
}

static void add_comment_head(struct sg_buf *out, struct take *take, const struct take_step *step)
{
	sg_buf_addf(out, "/* %s.c - %s\n *\n * Taken over of %s", step->id, take_comment(take->arena, step->title != NULL ? step->title : step->id),
	            take_comment(take->arena, step->path));
	sg_buf_addf(out, ", from line %d on. */\n", step->line);
}

static const char *migration_source(struct take *take, const struct take_step *step)
{
	const struct sg_asks *asks = sg_fingerprint_end(step->fingerprint);
	struct sg_buf out = SG_BUF_INIT, helpers = SG_BUF_INIT, questions = SG_BUF_INIT;
	size_t count = add_questions(&questions, asks);
	const char *text;

	sg_fingerprint_helpers(&helpers, asks);
	add_comment_head(&out, take, step);
	sg_buf_adds(&out, strstr(helpers.data, "strcmp(") != NULL ? "#include <string.h>\n\n#include <sgrun/plugin.h>\n\n"
	                                                           : "#include <sgrun/plugin.h>\n\n");
	sg_buf_addf(&out, "SG_MIGRATION%s(%s, %s%s);\n\n", step->outside ? "_X" : "", take_literal(take->arena, step->id, 1),
	            take_literal(take->arena, step->title != NULL ? step->title : step->id, 1), step->outside ? ", SG_NO_TRANSACTION" : "");
	sg_buf_add(&out, helpers.data, helpers.length);
	if (count > 0)
		sg_buf_addf(&out, "int fingerprint(sg_ctx *sg)\n{\n%s}\n\n", questions.data);
	else
		sg_buf_adds(&out, "/* TO DO: nothing that these statements leave behind could be asked for. As long as this is 0 the migration fails\n"
		                  " * its verification and is rolled back: ask for what only it changes. */\n"
		                  "int fingerprint(sg_ctx *sg)\n{\n\t(void)sg;\n\treturn 0;\n}\n\n");
	sg_buf_adds(&out, "int run(sg_ctx *sg)\n{\n");
	for (size_t i = 0; i < step->ddl_count; i++)
		sg_buf_addf(&out, "\tsg_ddl(sg, %s);\n", take_literal(take->arena, step->ddl[i].sql, 2));
	sg_buf_adds(&out, "\treturn SG_OK;\n}\n");
	note_asks(take, step, asks, count == 0);
	text = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	sg_buf_release(&helpers);
	sg_buf_release(&questions);
	return text;
}

static const char *backfill_source(struct take *take, const struct take_step *step)
{
	const char *mark = strstr(step->source, TAKE_GUARDS);

	if (mark == NULL)
		return step->source;
	return sg_arena_printf(take->arena, "%.*s%s%s", (int)(mark - step->source), step->source, step->guards != NULL ? step->guards : "",
	                       mark + strlen(TAKE_GUARDS));
}

/* ---- the manifest ----------------------------------------------------------------------------------- */

static const char *kind_name(enum take_kind kind)
{
	return kind == TAKE_MIGRATION ? "migration" : kind == TAKE_INDEX ? "index" : "backfill";
}

static bool is_label(const struct take *take, const struct take_step *step, const char *label)
{
	if (strlen(label) > LABEL)
		return false;
	for (size_t i = 0; i < take->count; i++)
		if (take->steps[i] != step && take->steps[i]->kind == step->kind && strcmp(take->steps[i]->id, label) == 0)
			return false;
	return true;
}

/* A section's name; a longer id stands in the section. */
static const char *label_of(struct take *take, const struct take_step *step, size_t number)
{
	return is_label(take, step, step->id) ? step->id : sg_arena_printf(take->arena, "%.*s_%zu", LABEL - 8, step->id, number);
}

static void add_requires(struct sg_buf *out, const struct take_step *step)
{
	bool first = true;

	for (size_t i = 0; i < step->require_count; i++) {
		const struct take_step *other = step->requires[i];

		if (other->gone != NULL)
			continue;
		sg_buf_addf(out, "%s%s:%s", first ? "requires = " : "\n    ", kind_name(other->kind), other->id);
		first = false;
	}
	if (!first)
		sg_buf_addc(out, '\n');
}

static const char *section(struct take *take, const struct take_step *step, size_t number)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *label = label_of(take, step, number), *text, *why, *lines;

	sg_buf_addf(&out, "\n[%s %s]\n", kind_name(step->kind), label);
	if (step->kind == TAKE_INDEX) {
		lines = take_index_section(take, step, &why);
		sg_buf_adds(&out, lines != NULL ? lines : "");
	} else {
		if (strcmp(label, step->id) != 0)
			sg_buf_addf(&out, "id = %s\n", step->id);
		sg_buf_addf(&out, "plugin = %s\n", step->id);
	}
	if (step->kind != TAKE_MIGRATION && step->after != NULL)
		sg_buf_addf(&out, "migration = %s\n", step->after->id);
	add_requires(&out, step);
	sg_buf_adds(&out, step->keys != NULL ? step->keys : "");
	text = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

void take_write(struct take *take)
{
	const struct sg_take_over_options *o = take->options;
	bool tree = o->id == NULL;
	const char *manifest = tree ? sg_arena_printf(take->arena, "%s/sgrun.ini", o->where.folder) : o->where.manifest;
	struct sg_buf sections = SG_BUF_INIT;

	if (tree)
		sg_buf_adds(&sections, "; Written by sgrun new --from-sql, and yours from now on. The order of migrations here is their order of execution.\n"
		                       "[sgrun]\nplugin_path = .\n\n[database]\ndsn = ${DATABASE_URL}\n");
	for (size_t i = 0; i < take->count; i++) {
		const struct take_step *step = take->steps[i];

		if (step->gone != NULL)
			continue;
		if (step->kind != TAKE_INDEX)
			sg_scaffold_add(take->scaffold, take->arena, sg_arena_printf(take->arena, "%s/%s.c", o->where.folder, step->id),
			                step->kind == TAKE_MIGRATION ? migration_source(take, step) : backfill_source(take, step), false);
		sg_buf_adds(&sections, section(take, step, i + 1));
	}
	if (manifest != NULL && sections.length > 0)
		sg_scaffold_add(take->scaffold, take->arena, manifest, sg_arena_strndup(take->arena, sections.data, sections.length), !tree);
	else if (sections.length > 0)
		sg_scaffold_note(take->scaffold, take->arena,
		                 sg_arena_printf(take->arena, "Add to the manifest:\n%s", sections.data));
	if (tree)
		sg_scaffold_add(take->scaffold, take->arena, sg_arena_printf(take->arena, "%s/Makefile", o->where.folder),
		                "# Every .c of this folder is a plugin.\n"
		                "include $(shell pkg-config --variable=sdkdir sgrun-plugin)/plugin.mk\n",
		                false);
	sg_buf_release(&sections);
}
