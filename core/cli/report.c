/* report.c - the observer of report.h. What a failed step says in full goes to
 * the log (stderr), right under its line. */
#include "config.h"
#include "core/cli/report.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/live.h"
#include "core/cli/render.h"
#include "core/cli/report_fill.h"
#include "core/cli/report_index.h"

void sg_report_say_skipped(struct sg_report *report)
{
	struct sg_buf line = SG_BUF_INIT;
	enum sg_tone tone;
	const char *state = sg_render_outcome(SG_OUTCOME_SKIPPED, NULL, &tone);

	if (report->skipped > 0 && report->lines) {
		sg_buf_adds(&line, "  ");
		sg_look_field(&line, &report->look, tone, state, 12, false);
		sg_look_count(&line, report->skipped, "migration");
		sg_buf_adds(&line, " already recorded\n");
		sg_live_print(&line);
	}
	report->skipped = 0;
	sg_buf_release(&line);
	sg_report_index_say_waits(report);
}

static void on_started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	struct sg_report *report = context;

	sg_report_say_skipped(report);
	report->number = number;
	report->total = total;
	report->since = sg_clock_ms();
	sg_buf_clear(&report->head);
	sg_buf_addf(&report->head, "[%zu/%zu] %s", number, total, step->id);
	sg_buf_clear(&report->last);
	sg_log(SG_LOG_DEBUG, "started", step->id, 0, "started, %zu of %zu", number, total);
	if (report->lines)
		sg_live_show(report->head.data, "", report->since);
}

static void on_doing(void *context, const struct sg_step *step, const char *text)
{
	struct sg_report *report = context;

	if (strcmp(report->last.data, text) == 0)
		return;
	sg_buf_clear(&report->last);
	sg_buf_adds(&report->last, text);
	sg_log(SG_LOG_DEBUG, "doing", step != NULL ? step->id : NULL, 0, "%s", text);
	if (!report->lines)
		return;
	if (step == NULL) /* before the first step: the lease is waited for */
		sg_live_show("waiting", text, report->since);
	else
		sg_live_show(report->head.data, text, report->since);
}

/* In --json mode and for machines the log says what the lines say otherwise. */
static void log_ended(const struct sg_step *step, enum sg_outcome outcome, int64_t duration_ms, int attempts,
                      const char *note)
{
	char took[32];

	sg_clock_text(duration_ms, took);
	sg_log(SG_LOG_INFO, "ended", step->id, attempts, "%s%s%s%s%s", sg_outcome_name(outcome),
	       duration_ms > 0 ? " in " : "", duration_ms > 0 ? took : "", note != NULL ? ": " : "",
	       note != NULL ? note : "");
}

static void on_ended(void *context, const struct sg_step *step, enum sg_outcome outcome, int64_t duration_ms,
                     int attempts, int existed, const char *note, const struct sg_err *err)
{
	struct sg_report *report = context;
	struct sg_buf line = SG_BUF_INIT;

	if (outcome == SG_OUTCOME_NOT_REACHED && !report->look.verbose)
		return; /* the summary names them */
	if (outcome == SG_OUTCOME_SKIPPED && !report->look.verbose) {
		report->skipped++;
		return;
	}
	sg_report_say_skipped(report);
	if (report->lines) {
		sg_live_hide();
		sg_render_step(&line, &report->look, report->column, step->id, outcome, duration_ms, attempts, existed, note,
		               err);
		sg_live_print(&line);
	}
	if ((!report->lines || sg_log_is_json()) && outcome != SG_OUTCOME_FAILED)
		log_ended(step, outcome, duration_ms, attempts, note);
	if (err != NULL && err->class != SG_CLASS_NONE)
		sg_log_err(SG_LOG_ERROR, "failed", attempts, err);
	sg_buf_release(&line);
}

bool sg_report_waited_before(struct sg_report *report, const struct sg_step *step)
{
	struct sg_buf entry = SG_BUF_INIT;
	bool before;

	sg_buf_addf(&entry, "\n%s:%s\n", sg_step_kind_name(step->kind), step->id);
	before = strstr(report->waited.data, entry.data) != NULL;
	if (!before)
		sg_buf_adds(&report->waited, entry.data);
	sg_buf_release(&entry);
	return before;
}

bool sg_report_is_live(const struct sg_report *report)
{
	return report->lines && report->look.live;
}

void sg_report_open(struct sg_report *report, const struct sg_look *look, const struct sg_manifest *manifest,
                    unsigned shown, bool lines)
{
	*report = (struct sg_report){ .observer = { report, on_started, on_doing, on_ended, sg_report_fill_started,
		                                            sg_report_fill_progress, sg_report_fill_ended,
		                                            sg_report_index_started, sg_report_index_progress,
		                                            sg_report_index_ended },
		                      .look = *look,
		                      .lines = lines,
		                      .since = sg_clock_ms() };
	sg_buf_init(&report->head, 0);
	sg_buf_init(&report->last, 0);
	sg_buf_init(&report->held, 0);
	sg_buf_init(&report->waited, 0);
	sg_buf_init(&report->waits, 0);
	report->column = sg_look_column(look, sg_render_longest_id(manifest, shown));
	sg_live_open(look);
}

void sg_report_close(struct sg_report *report)
{
	sg_report_say_skipped(report);
	sg_live_close();
	sg_report_index_release(report);
	sg_buf_release(&report->head);
	sg_buf_release(&report->last);
	sg_buf_release(&report->held);
	sg_buf_release(&report->waited);
	sg_buf_release(&report->waits);
}
