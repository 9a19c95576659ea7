/* render_rehearsal_html.c - a rehearsal as a page: how it ended, which tables were locked how long, the timeline, and each step
 * folded with its statements. */
#include "config.h"

#include <string.h>

#include "core/base/text.h"
#include "core/cli/html.h"
#include "core/cli/markdown.h"
#include "core/cli/render_html.h"
#include "core/run/audited.h"

static void take(struct sg_buf *out, struct sg_buf *markdown)
{
	sg_html_markdown(out, markdown->data);
	sg_buf_clear(markdown);
}

/* ---- figures ------------------------------------------------------------------- */

static void add_longest(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	const struct sg_rehearsal_held *longest = NULL;
	const struct sg_rehearsal_step *of = NULL;
	struct sg_buf value = SG_BUF_INIT, note = SG_BUF_INIT;

	for (size_t i = 0; i < rehearsal->step_count; i++)
		for (size_t k = 0; k < rehearsal->steps[i].held_count; k++) {
			const struct sg_rehearsal_held *held = &rehearsal->steps[i].held[k];

			if (longest == NULL || held->strength > longest->strength ||
			    (held->strength == longest->strength && held->us > longest->us)) {
				longest = held;
				of = &rehearsal->steps[i];
			}
		}
	if (longest != NULL) {
		sg_md_time(&value, longest->us);
		sg_buf_addf(&note, "%s on %s, %s", longest->mode, longest->relation, of->step->id);
		sg_html_tile(out, longest->strength == 8 ? "warn" : "", "Strongest lock, held at most", value.data, note.data);
	} else {
		sg_html_tile(out, "good", "Locks", "none", "on what was there before");
	}
	sg_buf_release(&value);
	sg_buf_release(&note);
}

static void add_steps(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	size_t done = 0, failed = 0, rewrites = 0, scans = 0;
	struct sg_buf value = SG_BUF_INIT, note = SG_BUF_INIT;

	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];

		done += step->outcome == SG_OUTCOME_APPLIED || step->outcome == SG_OUTCOME_RECONCILED || step->outcome == SG_OUTCOME_SKIPPED;
		failed += step->outcome == SG_OUTCOME_FAILED;
		for (size_t k = 0; k < step->statement_count; k++) {
			rewrites += step->statements[k].rewritten_count;
			scans += step->statements[k].scanned_count;
		}
	}
	sg_buf_addf(&value, "%zu of %zu", done, rehearsal->step_count);
	sg_buf_adds(&note, "in ");
	sg_md_time(&note, rehearsal->us);
	if (failed > 0)
		sg_buf_addf(&note, ", %zu failed", failed);
	sg_html_tile(out, failed > 0 ? "bad" : rehearsal->complete ? "good" : "warn", "Steps done", value.data, note.data);
	add_longest(out, rehearsal);
	sg_buf_clear(&value);
	sg_buf_clear(&note);
	sg_buf_addf(&value, "%zu", rewrites);
	sg_md_count(&note, scans, "full scan");
	sg_html_tile(out, rewrites > 0 ? "bad" : "", "Tables rewritten", value.data, note.data);
	sg_buf_release(&value);
	sg_buf_release(&note);
}

static void add_tiles(struct sg_buf *out, const struct sg_rehearsal *rehearsal, const struct sg_audit_result *audit)
{
	size_t errors = sg_audit_count_findings(audit, SG_SEVERITY_ERROR);
	struct sg_buf value = SG_BUF_INIT, note = SG_BUF_INIT;

	sg_buf_adds(out, "<dl class=\"tiles\">\n");
	add_steps(out, rehearsal);
	sg_buf_addf(&value, "%zu", errors);
	sg_md_count(&note, sg_audit_count_findings(audit, SG_SEVERITY_WARNING), "warning");
	sg_buf_adds(&note, ", ");
	sg_md_count(&note, sg_audit_count_findings(audit, SG_SEVERITY_HINT), "hint");
	sg_html_tile(out, errors > 0 ? "bad" : "good", "Errors found", value.data, note.data);
	sg_buf_adds(out, "</dl>\n");
	sg_buf_release(&value);
	sg_buf_release(&note);
}

/* ---- steps ----------------------------------------------------------------------- */

/* What the table cuts, in full. */
static void add_long(struct sg_buf *out, const struct sg_rehearsal_step *step)
{
	for (size_t i = 0; i < step->statement_count; i++) {
		const char *text = step->statements[i].text;

		if (sg_text_chars(text, strlen(text)) <= SG_RENDER_EXCERPT)
			continue;
		sg_buf_addf(out, "<details class=\"long\"><summary>Statement %zu in full</summary><pre>", i + 1);
		sg_html_text(out, text);
		sg_buf_adds(out, "</pre></details>\n");
	}
}

static bool is_worth(const struct sg_rehearsal_step *step, const struct sg_audit_result *audit, size_t migration)
{
	if (step->outcome == SG_OUTCOME_FAILED)
		return true;
	for (size_t i = 0; sg_audit_rehearsed(step) && i < audit->finding_count; i++)
		if (audit->findings[i].place.migration == migration && audit->findings[i].standing == SG_STANDING_OPEN &&
		    sg_rule(audit->findings[i].rule)->severity == SG_SEVERITY_ERROR)
			return true;
	return false;
}

static void add_statements(struct sg_buf *out, const struct sg_rehearsal *rehearsal, const struct sg_audit_result *audit)
{
	struct sg_buf text = SG_BUF_INIT, lane = SG_BUF_INIT, full = SG_BUF_INIT;

	sg_html_markdown(out, SG_RENDER_STATEMENTS);
	for (size_t i = 0, migration = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];
		bool open = is_worth(step, audit, migration);

		sg_render_rehearsal_step(&text, step, audit, migration);
		migration += sg_audit_rehearsed(step);
		if (text.length > 0) {
			sg_buf_addf(out, "<div id=\"step-%zu\">\n", i + 1);
			sg_html_lane(&lane, step);
			add_long(&full, step);
			sg_html_fold(out, text.data, step->outcome == SG_OUTCOME_FAILED ? "failed" : open ? "error" : "step", open, lane.data,
			             full.data);
			sg_buf_adds(out, "</div>\n");
		}
		sg_buf_clear(&text);
		sg_buf_clear(&lane);
		sg_buf_clear(&full);
	}
	sg_render_rehearsal_built(&text, rehearsal, audit);
	take(out, &text);
	sg_buf_release(&text);
	sg_buf_release(&lane);
	sg_buf_release(&full);
}

void sg_render_rehearsal_html(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal,
                              const struct sg_audit_result *audit)
{
	struct sg_buf body = SG_BUF_INIT, text = SG_BUF_INIT;

	sg_render_rehearsal_head(&text, about, rehearsal);
	take(&body, &text);
	add_tiles(&body, rehearsal, audit);
	sg_buf_adds(&body, "<section>\n<h2 id=\"summary\">Summary</h2>\n");
	sg_render_rehearsal_failed(&text, rehearsal);
	sg_render_rehearsal_measured(&text, audit);
	sg_render_rehearsal_proofs(&text, rehearsal);
	take(&body, &text);
	sg_buf_adds(&body, "</section>\n");
	sg_html_locks(&body, rehearsal);
	sg_html_timeline(&body, rehearsal);
	sg_html_findings(&body, about, audit);
	sg_render_rehearsal_steps(&text, rehearsal);
	take(&body, &text);
	add_statements(&body, rehearsal, audit);
	sg_html_dml(&body, audit);
	sg_render_audit_silent(&text, about, audit);
	sg_render_audit_unread(&text, audit);
	take(&body, &text);
	sg_html_page(out, "Rehearsal by sgrun", &body);
	sg_buf_release(&text);
	sg_buf_release(&body);
}
