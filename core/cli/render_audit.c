/* render_audit.c - the head of an audit's report and its summary, and what the parts have in common. A clean tree gives no more
 * than this. */
#include "config.h"
#include "core/cli/render_audit.h"

#include "core/cli/look.h"
#include "core/cli/markdown.h"

#define TOP 20 /* of what needs action, in the summary */

const char *sg_render_priority(enum sg_priority priority)
{
	static const char *const names[] = { "HIGH", "MEDIUM", "LOW" };

	return names[priority];
}

const char *sg_render_place(const struct sg_audit_result *result, const struct sg_audit_place *place, struct sg_arena *arena)
{
	const struct sg_audit_seen *seen = &result->migrations[place->migration];

	if (place->line == 0)
		return sg_arena_printf(arena, "%s, statement %zu", seen->id, place->statement + 1);
	return sg_arena_printf(arena, "%s:%d", seen->path, place->line);
}

void sg_render_seen(struct sg_buf *out, const struct sg_audit_finding *finding)
{
	static const char *const words[] = { "read", "measured", "measured otherwise" };

	sg_buf_adds(out, words[finding->seen]);
	if (finding->seen != SG_SEEN_NOT && finding->seen_what != NULL) {
		sg_buf_adds(out, ": ");
		sg_md_text(out, finding->seen_what);
	}
}

void sg_render_finding_what(struct sg_buf *out, const struct sg_audit_finding *finding)
{
	if (finding->detail != NULL) {
		sg_md_text(out, finding->detail);
		return;
	}
	sg_buf_adds(out, sg_rule(finding->rule)->title);
	if (finding->table != NULL) {
		sg_buf_adds(out, ": ");
		sg_md_code(out, finding->table);
	}
}

void sg_render_more(struct sg_buf *out, size_t count, size_t most)
{
	if (count <= most)
		return;
	sg_buf_adds(out, "- and ");
	sg_look_number(out, (int64_t)(count - most));
	sg_buf_adds(out, " more: `--json` has them all\n");
}

/* ---- the head ------------------------------------------------------------------ */

static void add_title(struct sg_buf *out, const struct sg_audit_about *about)
{
	sg_buf_adds(out, "# Audit of ");
	if (about->source == SG_AUDIT_FILES)
		sg_md_codes(out, about->paths, about->path_count);
	else
		sg_md_code(out, about->manifest->path);
	if (about->source == SG_AUDIT_REHEARSAL)
		sg_buf_adds(out, " (what its plugins send in a rehearsal)");
	if (about->source == SG_AUDIT_LEDGER)
		sg_buf_adds(out, " (what its plugins have sent in the real runs)");
	sg_buf_adds(out, "\n\n");
}

static void add_layouts(struct sg_buf *out, const struct sg_audit_result *result)
{
	const char *before = " (";

	for (int layout = SG_LAYOUT_PLAIN; layout <= SG_LAYOUT_MANIFEST; layout++) {
		size_t count = 0;

		for (size_t i = 0; i < result->migration_count; i++)
			count += (int)result->migrations[i].layout == layout;
		if (count == 0)
			continue;
		sg_buf_addf(out, "%s%s: ", before, sg_audit_layout_name((enum sg_audit_layout)layout));
		sg_look_number(out, (int64_t)count);
		before = ", ";
	}
	if (before[0] == ',')
		sg_buf_addc(out, ')');
}

static void add_passed(struct sg_buf *out, size_t count, const char *one, const char *several, const char **before)
{
	if (count == 0)
		return;
	sg_buf_adds(out, *before);
	sg_look_number(out, (int64_t)count);
	sg_buf_addf(out, " %s", count == 1 ? one : several);
	*before = ", ";
}

static void add_looked_at(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	const char *before = "Passed over: ";

	sg_buf_adds(out, "Looked at: ");
	sg_md_count(out, result->migration_count, "migration");
	add_layouts(out, result);
	sg_buf_adds(out, ", ");
	sg_md_count(out, result->statements, "statement");
	sg_buf_addf(out, "; by the rules for PostgreSQL %d (%s).\n", about->options->server_version, about->version_of);
	if (result->errs.count > 0) {
		sg_buf_adds(out, "**Not read: ");
		sg_md_count(out, result->errs.count, "place");
		sg_buf_adds(out, "**, named at the end; all else was looked at.\n");
	}
	add_passed(out, result->meta_commands, "psql command", "psql commands", &before);
	add_passed(out, result->placeholders, "statement with placeholders", "statements with placeholders", &before);
	add_passed(out, result->down, "file that goes down", "files that go down", &before);
	add_passed(out, result->other, "other file", "other files", &before);
	if (before[0] == ',')
		sg_buf_adds(out, ".\n");
	sg_buf_addc(out, '\n');
}

/* ---- the summary ---------------------------------------------------------------- */

struct sums {
	size_t dml[3], priorities[3], with_dml, findings[4], allowed, known;
};

static void sum_up(const struct sg_audit_result *result, struct sums *sums_r)
{
	*sums_r = (struct sums){ 0 };
	for (int verdict = SG_DML_SAFE; verdict <= SG_DML_UNSAFE; verdict++)
		sums_r->dml[verdict] = sg_audit_count_dml(result, (enum sg_dml_verdict)verdict);
	for (int severity = SG_SEVERITY_HINT; severity <= SG_SEVERITY_ERROR; severity++)
		sums_r->findings[severity] = sg_audit_count_findings(result, (enum sg_severity)severity);
	for (size_t i = 0; i < result->migration_count; i++)
		if (result->migrations[i].has_dml) {
			sums_r->with_dml++;
			sums_r->priorities[result->migrations[i].priority]++;
		}
	for (size_t i = 0; i < result->dml_count; i++) {
		sums_r->allowed += result->dml[i].standing == SG_STANDING_ALLOWED;
		sums_r->known += result->dml[i].standing == SG_STANDING_KNOWN;
	}
	for (size_t i = 0; i < result->finding_count; i++) {
		sums_r->allowed += result->findings[i].standing == SG_STANDING_ALLOWED;
		sums_r->known += result->findings[i].standing == SG_STANDING_KNOWN;
	}
}

static void add_row(struct sg_buf *out, const char *what, size_t count)
{
	sg_buf_addf(out, "| %s | ", what);
	sg_look_number(out, (int64_t)count);
	sg_buf_adds(out, " | ");
}

static void add_table(struct sg_buf *out, const struct sg_audit_result *result, const struct sums *sums)
{
	sg_md_head(out, "What|Count:|Of these");
	add_row(out, "DML operations", sums->dml[SG_DML_SAFE] + sums->dml[SG_DML_POTENTIALLY_UNSAFE] + sums->dml[SG_DML_UNSAFE]);
	sg_buf_addf(out, "%zu SAFE, %zu POTENTIALLY UNSAFE, %zu UNSAFE |\n", sums->dml[SG_DML_SAFE],
	            sums->dml[SG_DML_POTENTIALLY_UNSAFE], sums->dml[SG_DML_UNSAFE]);
	add_row(out, "Migrations that change rows", sums->with_dml);
	sg_buf_addf(out, "%zu HIGH, %zu MEDIUM, %zu LOW |\n", sums->priorities[SG_PRIORITY_HIGH],
	            sums->priorities[SG_PRIORITY_MEDIUM], sums->priorities[SG_PRIORITY_LOW]);
	add_row(out, "DDL findings",
	        sums->findings[SG_SEVERITY_ERROR] + sums->findings[SG_SEVERITY_WARNING] + sums->findings[SG_SEVERITY_HINT]);
	sg_md_count(out, sums->findings[SG_SEVERITY_ERROR], "error");
	sg_buf_adds(out, ", ");
	sg_md_count(out, sums->findings[SG_SEVERITY_WARNING], "warning");
	sg_buf_adds(out, ", ");
	sg_md_count(out, sums->findings[SG_SEVERITY_HINT], "hint");
	sg_buf_adds(out, " |\n");
	if (sums->allowed > 0) {
		add_row(out, "Allowed, with a reason", sums->allowed);
		sg_buf_adds(out, "do not count |\n");
	}
	if (sums->known > 0) {
		add_row(out, "Known, of the baseline", sums->known);
		sg_buf_adds(out, "do not count |\n");
	}
	if (result->errs.count > 0) {
		add_row(out, "Places not read", result->errs.count);
		sg_buf_adds(out, "see \"Not read\" |\n");
	}
	sg_buf_addc(out, '\n');
}

static void add_actions(struct sg_buf *out, const struct sg_audit_result *result, const struct sums *sums)
{
	size_t unsafe = sums->dml[SG_DML_POTENTIALLY_UNSAFE] + sums->dml[SG_DML_UNSAFE];

	if (unsafe > 0) {
		sg_buf_addf(out, "**Needs action: ");
		sg_md_count(out, unsafe, "DML operation");
		sg_buf_adds(out, ".**\n\n");
		(void)sg_render_audit_actions(out, result, TOP);
		sg_buf_addc(out, '\n');
	}
}

static void add_glad(struct sg_buf *out, const struct sg_audit_result *result)
{
	if (result->migration_count == 0 && result->errs.count > 0)
		sg_buf_adds(out, "Nothing could be read.\n");
	else if (result->migration_count == 0)
		sg_buf_adds(out, "There is nothing here to audit: no migration was found.\n");
	else if (result->errs.count > 0)
		sg_buf_adds(out, "Of what could be read nothing changes rows, and nothing is locked or rewritten that should not be.\n");
	else
		sg_buf_adds(out, "**All is well:** no migration changes rows, and none locks or rewrites what it should not.\n");
}

void sg_render_audit_head(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	add_title(out, about);
	add_looked_at(out, about, result);
}

void sg_render_audit_summary(struct sg_buf *out, const struct sg_audit_result *result)
{
	struct sums sums;

	sum_up(result, &sums);
	if (result->dml_count + result->finding_count == 0) {
		add_glad(out, result);
		sg_buf_adds(out, result->errs.count > 0 ? "\n" : "");
	} else {
		sg_buf_adds(out, "## Summary\n\n");
		add_table(out, result, &sums);
		add_actions(out, result, &sums);
	}
}

void sg_render_audit(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	sg_render_audit_head(out, about, result);
	sg_render_audit_summary(out, result);
	sg_render_audit_dml(out, result);
	sg_render_audit_backfills(out, about, result);
	sg_render_audit_findings(out, about, result);
	sg_render_audit_silent(out, about, result);
	sg_render_audit_unread(out, result);
}
