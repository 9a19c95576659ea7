/* render_taken.c - see render_taken.h. What needs a hand comes first: it is why the report is read. */
#include "config.h"
#include "core/cli/render_taken.h"

#include "core/cli/markdown.h"

static const struct {
	const char *key, *what;
} kinds[] = {
	[SG_TAKEN_DDL] = { "ddl", "in migrations" },
	[SG_TAKEN_OUTSIDE] = { "outside", "in migrations of their own, outside of a transaction" },
	[SG_TAKEN_INDEX] = { "index", "as indexes of the registry" },
	[SG_TAKEN_BACKFILL] = { "backfill", "as backfills over ranges" },
	[SG_TAKEN_SEED] = { "seed", "as backfills that write rows" },
	[SG_TAKEN_OFF] = { "off", "taken off: not needed" },
	[SG_TAKEN_NOT] = { "by_hand", "left to do by hand" },
};

static bool needs_hand(const struct sg_taken_statement *s)
{
	return s->taken == SG_TAKEN_NOT || s->unproven || (s->taken == SG_TAKEN_BACKFILL && s->note != NULL);
}

static void add_line(struct sg_buf *out, const struct sg_taken_statement *s)
{
	sg_buf_adds(out, "- ");
	sg_md_text(out, s->path);
	sg_buf_addf(out, ":%d ", s->line);
	sg_md_code(out, s->text);
	if (s->into != NULL) {
		sg_buf_adds(out, " in ");
		sg_md_text(out, s->into);
	}
	if (s->note != NULL) {
		sg_buf_adds(out, ": ");
		sg_md_text(out, s->note);
	}
	sg_buf_addc(out, '\n');
}

static void add_list(struct sg_buf *out, const char *head, const struct sg_taken_over *taken,
                     bool (*wanted)(const struct sg_taken_statement *))
{
	bool first = true;

	for (size_t i = 0; i < taken->count; i++) {
		if (!wanted(&taken->statements[i]))
			continue;
		if (first)
			sg_buf_addf(out, "\n## %s\n\n", head);
		first = false;
		add_line(out, &taken->statements[i]);
	}
}

static bool is_unasked(const struct sg_taken_statement *s)
{
	return s->no_fingerprint && !needs_hand(s);
}

static bool is_off(const struct sg_taken_statement *s)
{
	return s->taken == SG_TAKEN_OFF;
}

static bool is_moved(const struct sg_taken_statement *s)
{
	return (s->taken == SG_TAKEN_INDEX || s->taken == SG_TAKEN_BACKFILL || s->taken == SG_TAKEN_SEED || s->taken == SG_TAKEN_OUTSIDE) &&
	       !needs_hand(s);
}

void sg_render_taken(struct sg_buf *out, const struct sg_taken_over *taken)
{
	sg_buf_adds(out, "\n# Taken over\n\n");
	sg_md_count(out, taken->count, "statement");
	sg_buf_adds(out, " of ");
	sg_md_count(out, taken->files, "file");
	if (taken->empty > 0)
		sg_buf_addf(out, " (%zu without any)", taken->empty);
	sg_buf_adds(out, " became ");
	sg_md_count(out, taken->migrations, "migration");
	sg_buf_adds(out, ", ");
	sg_md_count(out, taken->indexes, "index");
	sg_buf_adds(out, " and ");
	sg_md_count(out, taken->backfills, "backfill");
	sg_buf_adds(out, ".\n\n");
	sg_md_head(out, "statements:|what became of them");
	for (size_t i = 0; i < SG_COUNT(kinds); i++)
		if (taken->per[i] > 0)
			sg_buf_addf(out, "| %zu | %s |\n", taken->per[i], kinds[i].what);
	add_list(out, "Needs a hand", taken, needs_hand);
	for (size_t i = 0; i < taken->errs.count; i++) {
		const struct sg_err *err = &taken->errs.list[i];

		sg_buf_adds(out, i == 0 ? "\n## Not read\n\n- " : "- ");
		sg_md_text(out, err->file != NULL ? err->file : "");
		sg_buf_addf(out, ":%d ", err->line);
		sg_md_text(out, err->primary);
		sg_buf_addc(out, '\n');
	}
	add_list(out, "Without a fingerprint", taken, is_unasked);
	add_list(out, "Moved out of migrations", taken, is_moved);
	add_list(out, "Taken off", taken, is_off);
}

void sg_render_taken_json(struct sg_json *result, const struct sg_taken_over *taken)
{
	struct sg_json *sums = sg_json_object(), *list = sg_json_array(), *errors = sg_json_array();

	for (size_t i = 0; i < SG_COUNT(kinds); i++)
		sg_json_set_int(sums, kinds[i].key, (int64_t)taken->per[i]);
	for (size_t i = 0; i < taken->count; i++) {
		const struct sg_taken_statement *s = &taken->statements[i];
		struct sg_json *one = sg_json_object();

		sg_json_set_text(one, "file", s->path);
		sg_json_set_int(one, "line", s->line);
		sg_json_set_text(one, "statement", s->text);
		sg_json_set_text(one, "taken", kinds[s->taken].key);
		sg_json_set_text(one, "into", s->into);
		sg_json_set_text(one, "note", s->note);
		sg_json_set_bool(one, "fingerprint", !s->no_fingerprint && s->taken <= SG_TAKEN_SEED);
		sg_json_set_bool(one, "needs_hand", needs_hand(s));
		sg_json_add(list, one);
	}
	for (size_t i = 0; i < taken->errs.count; i++)
		sg_json_add(errors, sg_json_err(&taken->errs.list[i]));
	sg_json_set_int(result, "files_read", (int64_t)taken->files);
	sg_json_set_int(result, "migrations", (int64_t)taken->migrations);
	sg_json_set_int(result, "indexes", (int64_t)taken->indexes);
	sg_json_set_int(result, "backfills", (int64_t)taken->backfills);
	sg_json_set(result, "sums", sums);
	sg_json_set(result, "statements", list);
	sg_json_set(result, "not_read", errors);
}
