/* render_audit_findings.c - "DDL findings" by severity and then in the order of the files, what their rules say, each once; what
 * was silenced and why; and what could not be read. */
#include "config.h"

#include <string.h>

#include "core/cli/look.h"
#include "core/cli/markdown.h"
#include "core/cli/render_audit.h"

#define EXCERPT 160 /* characters of a statement below its finding */

static void add_place(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_place *place)
{
	struct sg_arena arena = SG_ARENA_INIT;

	sg_md_code(out, sg_render_place(result, place, &arena));
	sg_arena_release(&arena);
}

void sg_render_finding(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_finding *finding,
                       bool with_rule, bool rehearsed)
{
	sg_buf_adds(out, "- ");
	add_place(out, result, &finding->place);
	if (with_rule)
		sg_buf_addf(out, " **%s**", sg_rule(finding->rule)->id);
	sg_buf_addc(out, ' ');
	sg_render_finding_what(out, finding);
	if (rehearsed || finding->seen != SG_SEEN_NOT) {
		sg_buf_adds(out, " (");
		sg_render_seen(out, finding);
		sg_buf_addc(out, ')');
	}
	sg_buf_adds(out, "  \n  ");
	sg_md_code_cut(out, finding->place.text, EXCERPT);
	sg_buf_addc(out, '\n');
}

void sg_render_rule(struct sg_buf *out, const struct sg_rule *rule)
{
	sg_buf_addf(out, "- **%s**: %s.\n", rule->id, rule->title);
	if (rule->locks != NULL)
		sg_buf_addf(out, "  - Locks: %s\n", rule->locks);
	sg_buf_addf(out, "  - Why: %s\n  - Safe way: %s\n", rule->why, rule->instead);
	if (rule->since != NULL)
		sg_buf_addf(out, "  - Since: %s\n", rule->since);
}

void sg_render_rules(struct sg_buf *out, const struct sg_audit_result *result)
{
	bool found[SG_RULE_COUNT] = { false };
	bool some = false;

	for (size_t i = 0; i < result->finding_count; i++)
		if (result->findings[i].standing == SG_STANDING_OPEN)
			some = found[result->findings[i].rule] = true;
	if (!some)
		return;
	sg_buf_adds(out, "### What these rules say\n\n");
	for (int severity = SG_SEVERITY_ERROR; severity > SG_SEVERITY_NONE; severity--)
		for (int i = 0; i < SG_RULE_COUNT; i++)
			if (found[i] && (int)sg_rule((enum sg_rule_id)i)->severity == severity)
				sg_render_rule(out, sg_rule((enum sg_rule_id)i));
	sg_buf_addc(out, '\n');
}

const char *sg_render_severities(enum sg_severity severity)
{
	static const char *const heads[] = { "", "Hints", "Warnings", "Errors" };

	return heads[severity];
}

const char *sg_render_meaning(enum sg_severity severity)
{
	static const char *const meanings[] = {
		"", "A better way to write it; nothing is locked for long.",
		"A strong lock for a moment, writes that wait, or an application that may break.",
		"Fails on a table with rows, or blocks readers or writers for as long as the table is large.",
	};

	return meanings[severity];
}

void sg_render_audit_findings(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	bool rehearsed = about->rehearsal != NULL;
	size_t all = 0;

	for (int severity = SG_SEVERITY_HINT; severity <= SG_SEVERITY_ERROR; severity++)
		all += sg_audit_count_findings(result, (enum sg_severity)severity);
	if (all == 0)
		return;
	sg_buf_adds(out, "## DDL findings\n\n");
	if (!rehearsed)
		sg_buf_adds(out, SG_RENDER_READ_ONLY);
	for (int severity = SG_SEVERITY_ERROR; severity > SG_SEVERITY_NONE; severity--) {
		size_t count = sg_audit_count_findings(result, (enum sg_severity)severity);

		if (count == 0)
			continue;
		sg_buf_addf(out, "### %s (%zu)\n\n%s\n\n", sg_render_severities((enum sg_severity)severity), count,
		            sg_render_meaning((enum sg_severity)severity));
		for (size_t i = 0, listed = 0; i < result->finding_count && listed < SG_RENDER_MOST; i++) {
			const struct sg_audit_finding *finding = &result->findings[i];

			if (finding->standing != SG_STANDING_OPEN || (int)sg_rule(finding->rule)->severity != severity)
				continue;
			sg_render_finding(out, result, finding, true, rehearsed);
			listed++;
		}
		sg_render_more(out, count, SG_RENDER_MOST);
		sg_buf_addc(out, '\n');
	}
	sg_render_rules(out, result);
}

/* ---- what was silenced ------------------------------------------------------------ */

static void add_allowed(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_place *place,
                        const char *what, const char *reason)
{
	struct sg_arena arena = SG_ARENA_INIT;

	sg_buf_adds(out, "| ");
	sg_md_cell_code(out, sg_render_place(result, place, &arena), SIZE_MAX);
	sg_buf_addf(out, " | %s | ", what);
	sg_md_cell(out, reason);
	sg_buf_adds(out, " |\n");
	sg_arena_release(&arena);
}

static size_t count_standing(const struct sg_audit_result *result, enum sg_audit_standing standing)
{
	size_t count = 0;

	for (size_t i = 0; i < result->dml_count; i++)
		count += result->dml[i].standing == standing;
	for (size_t i = 0; i < result->finding_count; i++)
		count += result->findings[i].standing == standing;
	return count;
}

static void add_known(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	size_t known = count_standing(result, SG_STANDING_KNOWN);

	if (about->baseline == NULL)
		return;
	sg_buf_adds(out, "## Known (baseline)\n\n");
	if (about->baseline_written) {
		sg_md_code(out, about->baseline);
		sg_buf_adds(out, " was written anew: ");
		sg_md_count(out, about->baseline_lines, "line");
		sg_buf_adds(out, ". What is found from now on counts.\n\n");
		return;
	}
	sg_md_count(out, known, "finding");
	sg_buf_adds(out, known == 1 ? " is known by " : " are known by ");
	sg_md_code(out, about->baseline);
	sg_buf_adds(out, known == 1 ? " and does not count." : " and do not count.");
	if (about->baseline_unmet > 0) {
		sg_buf_addc(out, ' ');
		sg_md_count(out, about->baseline_unmet, "line");
		sg_buf_adds(out, " of it met nothing: they may be taken out, or `--write-baseline` writes it anew.");
	}
	sg_buf_adds(out, "\n\n");
}

void sg_render_audit_silent(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	if (count_standing(result, SG_STANDING_ALLOWED) > 0) {
		sg_buf_adds(out, "## Allowed\n\n");
		sg_md_head(out, "Place|What|Reason");
		for (size_t i = 0; i < result->dml_count; i++)
			if (result->dml[i].standing == SG_STANDING_ALLOWED)
				add_allowed(out, result, &result->dml[i].place, sg_dml_kind_name(result->dml[i].kind), result->dml[i].allowed);
		for (size_t i = 0; i < result->finding_count; i++)
			if (result->findings[i].standing == SG_STANDING_ALLOWED)
				add_allowed(out, result, &result->findings[i].place, sg_rule(result->findings[i].rule)->id,
				            result->findings[i].allowed);
		sg_buf_addc(out, '\n');
	}
	add_known(out, about, result);
}

/* ---- what could not be read --------------------------------------------------------- */

void sg_render_audit_unread(struct sg_buf *out, const struct sg_audit_result *result)
{
	if (result->errs.count == 0)
		return;
	sg_buf_adds(out, "## Not read\n\n");
	for (size_t i = 0; i < result->errs.count && i < SG_RENDER_MOST; i++) {
		const struct sg_err *err = &result->errs.list[i];
		struct sg_buf place = SG_BUF_INIT;

		sg_buf_adds(out, "- ");
		if (err->file != NULL) {
			sg_buf_adds(&place, err->file);
			if (err->line > 0)
				sg_buf_addf(&place, ":%d", err->line);
			sg_md_code(out, place.data);
			sg_buf_adds(out, " ");
		}
		sg_md_text(out, err->primary != NULL ? err->primary : sg_class_text(err->class));
		if (err->hint != NULL) {
			sg_buf_adds(out, ". ");
			sg_md_text(out, err->hint);
		}
		sg_buf_addc(out, '\n');
		sg_buf_release(&place);
	}
	sg_render_more(out, result->errs.count, SG_RENDER_MOST);
	sg_buf_addc(out, '\n');
}
