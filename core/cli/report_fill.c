/* report_fill.c - the observer's part for backfills, as report_fill.h says. A terminal that
 * is shown the bar gets no log lines of progress besides, unless the log is for machines. */
#include "config.h"
#include "core/cli/report_fill.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/live.h"
#include "core/cli/render.h"

#define HELD_OTHER_MS 5000
#define HELD_AGAIN_MS 60000

int64_t sg_report_fill_next(int64_t elapsed_ms)
{
	static const int64_t first[] = { 1000, 2000, 5000, 10000, 20000, 30000 };

	for (size_t i = 0; i < SG_COUNT(first); i++)
		if (elapsed_ms < first[i])
			return first[i];
	return (elapsed_ms / 60000 + 1) * 60000;
}

/* What holds it is said as soon as it does, but a throttle that comes and goes does not fill the log; true: said. */
static bool say_held(struct sg_report *report, const struct sg_backfill_progress *progress)
{
	const char *holds = progress->throttle;
	int64_t since = report->held_ms == 0 ? HELD_AGAIN_MS : progress->elapsed_ms - report->held_ms;
	size_t kind;

	if (holds == NULL)
		return false;
	kind = strcspn(holds, ":");
	if (since < HELD_AGAIN_MS && (since < HELD_OTHER_MS || (report->held.length == kind &&
	                                                        strncmp(report->held.data, holds, kind) == 0)))
		return false;
	sg_buf_clear(&report->held);
	sg_buf_add(&report->held, holds, kind);
	report->held_ms = progress->elapsed_ms > 0 ? progress->elapsed_ms : 1;
	return true;
}

void sg_report_fill_started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	struct sg_report *report = context;

	sg_report_say_skipped(report);
	report->since = sg_clock_ms();
	report->fill_next = sg_report_fill_next(0);
	report->held_ms = 0;
	sg_buf_clear(&report->last);
	/* where there is a line as it ends, the one on how it goes comes soon enough */
	sg_log(report->lines && !sg_log_is_json() ? SG_LOG_DEBUG : SG_LOG_INFO, "started", step->id, 0, "backfill %zu of %zu",
	       number, total);
	if (report->lines)
		sg_live_show(step->id, "", report->since);
}

void sg_report_fill_progress(void *context, const struct sg_step *step, const struct sg_backfill_progress *progress)
{
	struct sg_report *report = context;
	struct sg_buf text = SG_BUF_INIT;

	if (sg_report_is_live(report)) {
		sg_render_fill_bar(&text, &report->look, step->id, progress);
		sg_live_line(text.data);
	}
	if ((!sg_report_is_live(report) || sg_log_is_json()) &&
	    (say_held(report, progress) || progress->elapsed_ms >= report->fill_next)) {
		report->fill_next = sg_report_fill_next(progress->elapsed_ms);
		sg_buf_clear(&text);
		sg_render_fill_text(&text, progress);
		sg_log(SG_LOG_INFO, "progress", step->id, 0, "%s", text.data);
	}
	sg_buf_release(&text);
}

static void log_ended(const struct sg_step *step, const struct sg_backfill_result *result)
{
	struct sg_buf remarks = SG_BUF_INIT;
	char took[32];

	sg_clock_text(result->duration_ms, took);
	sg_render_fill_remarks(&remarks, result);
	sg_log(SG_LOG_INFO, "ended", step->id, 0, "%s%s%s%s%s", sg_backfill_end_name(result->end),
	       result->duration_ms > 0 ? " after " : "", result->duration_ms > 0 ? took : "", remarks.length > 0 ? ": " : "",
	       remarks.data);
	sg_buf_release(&remarks);
}

void sg_report_fill_ended(void *context, const struct sg_step *step, const struct sg_backfill_result *result)
{
	struct sg_report *report = context;
	struct sg_buf line = SG_BUF_INIT;
	bool failed = result->end == SG_BACKFILL_END_FAILED || result->end == SG_BACKFILL_END_REFUSED;

	if (report->lines)
		sg_live_hide();
	if (!report->look.verbose &&
	    (result->end == SG_BACKFILL_END_NOT_REACHED || result->end == SG_BACKFILL_END_ALREADY))
		return; /* the summary says so */
	if (result->end == SG_BACKFILL_END_WAITING && sg_report_waited_before(report, step))
		return;
	sg_report_say_skipped(report);
	if (report->lines) {
		sg_render_fill(&line, &report->look, report->column, step->id, result);
		sg_live_print(&line);
	}
	if ((!report->lines || sg_log_is_json()) && !failed)
		log_ended(step, result);
	if (result->err.class != SG_CLASS_NONE)
		sg_log_err(failed ? SG_LOG_ERROR : SG_LOG_WARNING, failed ? "failed" : "left", 0, &result->err);
	sg_buf_release(&line);
}
