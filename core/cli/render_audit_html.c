/* render_audit_html.c - an audit as a page: the summary, then everything folded, the DML by verdict and the findings by severity and
 * rule, so that what a rule says is said once, where it is needed. */
#include "config.h"

#include "core/cli/html.h"
#include "core/cli/look.h"
#include "core/cli/markdown.h"
#include "core/cli/render_html.h"

#define OPEN_MOST 12 /* findings of rules that are unfolded at first */

/* What a renderer of Markdown wrote is taken over; the buffer is empty after. */
static void take(struct sg_buf *out, struct sg_buf *markdown)
{
	sg_html_markdown(out, markdown->data);
	sg_buf_clear(markdown);
}

void sg_html_tile(struct sg_buf *out, const char *tone, const char *head, const char *value, const char *note)
{
	sg_buf_addf(out, "<div class=\"%s\"><dt>", tone);
	sg_html_text(out, head);
	sg_buf_adds(out, "</dt><dd>");
	sg_html_text(out, value);
	sg_buf_adds(out, " <small>");
	sg_html_text(out, note);
	sg_buf_adds(out, "</small></dd></div>\n");
}

static void add_filter(struct sg_buf *out, const char *class, const char *name, size_t count)
{
	sg_buf_addf(out, "<input type=\"checkbox\" class=\"filter\" id=\"show-%s\" checked=\"checked\"/><label for=\"show-%s\">", class, class);
	sg_html_text(out, name);
	sg_buf_adds(out, ": ");
	sg_look_number(out, (int64_t)count);
	sg_buf_adds(out, "</label>\n");
}

/* ---- findings ---------------------------------------------------------------- */

static size_t count_rule(const struct sg_audit_result *result, enum sg_rule_id id)
{
	size_t count = 0;

	for (size_t i = 0; i < result->finding_count; i++)
		count += result->findings[i].rule == id && result->findings[i].standing == SG_STANDING_OPEN;
	return count;
}

static void add_rule(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result, enum sg_rule_id id,
                     bool open)
{
	const struct sg_rule *rule = sg_rule(id);
	const char *severity = sg_severity_name(rule->severity);
	size_t count = count_rule(result, id), listed = 0;
	struct sg_buf text = SG_BUF_INIT, class = SG_BUF_INIT;

	sg_html_id(&class, severity);
	sg_buf_addf(out, "<details class=\"%s\"%s><summary><span class=\"tag %s\">%s</span> ", class.data, open ? " open=\"open\"" : "",
	            class.data, severity);
	sg_html_code(out, rule->id);
	sg_buf_addc(out, ' ');
	sg_html_text(out, rule->title);
	sg_buf_adds(out, " <span class=\"count\">");
	sg_md_count(out, count, "finding");
	sg_buf_adds(out, "</span></summary>\n<div id=\"rule-");
	sg_html_id(out, rule->id);
	sg_buf_adds(out, "\">\n");
	sg_buf_adds(out, "<div class=\"says\">\n");
	sg_render_rule(&text, rule);
	take(out, &text);
	sg_buf_adds(out, "</div>\n");
	for (size_t i = 0; i < result->finding_count && listed < SG_HTML_MOST; i++) {
		const struct sg_audit_finding *finding = &result->findings[i];

		if (finding->rule != id || finding->standing != SG_STANDING_OPEN)
			continue;
		sg_render_finding(&text, result, finding, false, about->rehearsal != NULL);
		listed++;
	}
	sg_render_more(&text, count, SG_HTML_MOST);
	take(out, &text);
	sg_buf_adds(out, "</div></details>\n");
	sg_buf_release(&text);
	sg_buf_release(&class);
}

void sg_html_findings(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	static const char *const classes[] = { "", "hint", "warning", "error" };
	size_t counts[SG_SEVERITY_ERROR + 1] = { 0 }, all = 0;

	for (int severity = SG_SEVERITY_HINT; severity <= SG_SEVERITY_ERROR; severity++)
		all += counts[severity] = sg_audit_count_findings(result, (enum sg_severity)severity);
	if (all == 0)
		return;
	sg_buf_adds(out, "<section>\n<h2 id=\"ddl-findings\">DDL findings</h2>\n");
	if (about->rehearsal == NULL)
		sg_html_markdown(out, SG_RENDER_READ_ONLY);
	for (int severity = SG_SEVERITY_ERROR; severity > SG_SEVERITY_NONE; severity--)
		if (counts[severity] > 0)
			add_filter(out, classes[severity], sg_render_severities((enum sg_severity)severity), counts[severity]);
	for (int severity = SG_SEVERITY_ERROR; severity > SG_SEVERITY_NONE; severity--) {
		if (counts[severity] == 0)
			continue;
		sg_buf_addf(out, "<h3 class=\"%s\">%s (%zu)</h3>\n<p class=\"soft %s\">", classes[severity],
		            sg_render_severities((enum sg_severity)severity), counts[severity], classes[severity]);
		sg_html_text(out, sg_render_meaning((enum sg_severity)severity));
		sg_buf_adds(out, "</p>\n");
		for (int i = 0; i < SG_RULE_COUNT; i++)
			if ((int)sg_rule((enum sg_rule_id)i)->severity == severity && count_rule(result, (enum sg_rule_id)i) > 0)
				add_rule(out, about, result, (enum sg_rule_id)i,
				         severity == SG_SEVERITY_ERROR && counts[severity] <= OPEN_MOST);
	}
	sg_buf_adds(out, "</section>\n");
}

/* ---- DML ---------------------------------------------------------------------- */

static const char *class_of(enum sg_dml_verdict verdict)
{
	static const char *const classes[] = { "safe", "potentially-unsafe", "unsafe" };

	return classes[verdict];
}

void sg_html_dml(struct sg_buf *out, const struct sg_audit_result *result)
{
	struct sg_buf text = SG_BUF_INIT;
	size_t count = 0, number = 0;

	for (int verdict = SG_DML_SAFE; verdict <= SG_DML_UNSAFE; verdict++)
		count += sg_audit_count_dml(result, (enum sg_dml_verdict)verdict);
	if (count == 0)
		return;
	sg_buf_adds(out, "<section>\n<h2 id=\"dml-safety-analysis\">DML safety analysis</h2>\n");
	sg_render_dml_kinds(&text, result);
	take(out, &text);
	sg_buf_adds(out, "<h3>Operations</h3>\n");
	for (int verdict = SG_DML_UNSAFE; verdict >= SG_DML_SAFE; verdict--)
		if (sg_audit_count_dml(result, (enum sg_dml_verdict)verdict) > 0)
			add_filter(out, class_of((enum sg_dml_verdict)verdict), sg_dml_verdict_name((enum sg_dml_verdict)verdict),
			           sg_audit_count_dml(result, (enum sg_dml_verdict)verdict));
	for (size_t i = 0; i < result->dml_count && number < SG_HTML_MOST; i++) {
		const struct sg_audit_dml *dml = &result->dml[i];

		if (dml->standing != SG_STANDING_OPEN)
			continue;
		sg_render_dml_operation(&text, result, dml, ++number);
		sg_html_fold(out, text.data, class_of(dml->verdict), false, "", "");
		sg_buf_clear(&text);
	}
	sg_render_more(&text, count, SG_HTML_MOST);
	sg_render_dml_actions(&text, result);
	take(out, &text);
	sg_buf_adds(out, "</section>\n");
	sg_buf_release(&text);
}

/* ---- the page ------------------------------------------------------------------- */

static void add_number(struct sg_buf *out, const char *tone, const char *head, size_t count, const char *note)
{
	struct sg_buf value = SG_BUF_INIT;

	sg_look_number(&value, (int64_t)count);
	sg_html_tile(out, count == 0 ? "" : tone, head, value.data, note);
	sg_buf_release(&value);
}

static void add_tiles(struct sg_buf *out, const struct sg_audit_result *result)
{
	if (result->dml_count + result->finding_count == 0)
		return;
	sg_buf_adds(out, "<dl class=\"tiles\">\n");
	add_number(out, "bad", "Data work", sg_audit_count_dml(result, SG_DML_UNSAFE), "UNSAFE");
	add_number(out, "warn", "Data work", sg_audit_count_dml(result, SG_DML_POTENTIALLY_UNSAFE), "POTENTIALLY UNSAFE");
	add_number(out, "good", "Data work", sg_audit_count_dml(result, SG_DML_SAFE), "SAFE");
	add_number(out, "bad", "DDL findings", sg_audit_count_findings(result, SG_SEVERITY_ERROR), "errors");
	add_number(out, "warn", "DDL findings", sg_audit_count_findings(result, SG_SEVERITY_WARNING), "warnings");
	add_number(out, "", "DDL findings", sg_audit_count_findings(result, SG_SEVERITY_HINT), "hints");
	sg_buf_adds(out, "</dl>\n");
}

void sg_render_audit_html(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	struct sg_buf body = SG_BUF_INIT, text = SG_BUF_INIT;

	sg_render_audit_head(&text, about, result);
	take(&body, &text);
	add_tiles(&body, result);
	sg_render_audit_summary(&text, result);
	take(&body, &text);
	sg_html_findings(&body, about, result);
	sg_html_dml(&body, result);
	sg_render_audit_backfills(&text, about, result);
	sg_render_audit_silent(&text, about, result);
	sg_render_audit_unread(&text, result);
	take(&body, &text);
	sg_html_page(out, "Audit by sgrun", &body);
	sg_buf_release(&text);
	sg_buf_release(&body);
}
