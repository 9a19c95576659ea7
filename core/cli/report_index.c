/* report_index.c - the observer's part for indexes, as report_index.h says. It keeps what it was
 * told last of each that is under way, since one line shows them all. A terminal that is shown
 * that line gets no log lines of progress besides, unless the log is for machines. */
#include "config.h"
#include "core/cli/report_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/live.h"
#include "core/cli/render.h"
#include "core/cli/report_fill.h"
#include "core/index/build.h"

#define WAIT_SAID_MS 5000
#define WAITS_NAMED 3

static struct sg_report_build *find(const struct sg_report *report, const struct sg_step *step)
{
	for (size_t i = 0; i < report->build_count; i++)
		if (report->builds[i].step == step)
			return &report->builds[i];
	return NULL;
}

static struct sg_report_build *add(struct sg_report *report, const struct sg_step *step)
{
	struct sg_report_build *build = find(report, step);

	if (build == NULL) {
		if (report->build_count == report->build_capacity) {
			report->build_capacity = report->build_capacity * 2 + 4;
			report->builds = sg_xrealloc(report->builds, report->build_capacity * sizeof *report->builds);
		}
		if (report->build_count == 0)
			report->indexing_since = sg_clock_ms();
		build = &report->builds[report->build_count++];
		*build = (struct sg_report_build){ .step = step };
		sg_buf_init(&build->phase, 0);
		sg_buf_init(&build->waits_for, 0);
		sg_buf_init(&build->doing, 0);
	}
	build->since = sg_clock_ms();
	build->next = sg_report_fill_next(0);
	build->wait_said = false;
	build->progress = (struct sg_index_progress){ .fraction = -1, .seconds_left = -1 };
	return build;
}

static void release(struct sg_report_build *build)
{
	sg_buf_release(&build->phase);
	sg_buf_release(&build->waits_for);
	sg_buf_release(&build->doing);
}

static void drop(struct sg_report *report, const struct sg_step *step)
{
	struct sg_report_build *build = find(report, step);
	size_t at;

	if (build == NULL)
		return;
	release(build);
	at = (size_t)(build - report->builds);
	memmove(build, build + 1, (report->build_count - at - 1) * sizeof *build);
	if (--report->build_count == 0)
		report->indexing_ms += sg_clock_ms() - report->indexing_since;
}

void sg_report_index_release(struct sg_report *report)
{
	for (size_t i = 0; i < report->build_count; i++)
		release(&report->builds[i]);
	free(report->builds);
	report->builds = NULL;
	report->build_count = report->build_capacity = 0;
}

int64_t sg_report_indexing_ms(const struct sg_report *report)
{
	return report->indexing_ms + (report->build_count > 0 ? sg_clock_ms() - report->indexing_since : 0);
}

static const char *keep(struct sg_buf *buf, const char *text)
{
	sg_buf_clear(buf);
	if (text == NULL)
		return NULL;
	sg_buf_adds(buf, text);
	return buf->data;
}

static void note(struct sg_report_build *build, const struct sg_index_progress *progress)
{
	build->progress = *progress;
	build->progress.phase = keep(&build->phase, progress->phase);
	build->progress.waits_for = keep(&build->waits_for, progress->waits_for);
	build->progress.doing = keep(&build->doing, progress->doing);
}

/* The line at the bottom: the one that waits for others in full, else the one that began first. */
static void show(const struct sg_report *report)
{
	struct sg_render_build *shown, foremost;
	struct sg_buf line = SG_BUF_INIT;
	size_t first;

	if (!sg_report_is_live(report))
		return;
	if (report->build_count == 0) {
		sg_live_hide();
		return;
	}
	shown = sg_xcalloc(report->build_count, sizeof *shown);
	for (size_t i = 0; i < report->build_count; i++)
		shown[i] = (struct sg_render_build){ report->builds[i].step->id, &report->builds[i].progress };
	first = sg_render_build_foremost(shown, report->build_count);
	foremost = shown[first];
	memmove(shown + 1, shown, first * sizeof *shown);
	shown[0] = foremost;
	sg_render_build_bar(&line, &report->look, shown, report->build_count);
	sg_live_line(line.data);
	sg_buf_release(&line);
	free(shown);
}

void sg_report_index_started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	struct sg_report *report = context;

	sg_report_say_skipped(report);
	(void)add(report, step);
	sg_log(report->lines && !sg_log_is_json() ? SG_LOG_DEBUG : SG_LOG_INFO, "started", step->id, 0, "index %zu of %zu",
	       number, total);
	show(report);
}

static void log_progress(const struct sg_report_build *build, const char *event, const char *before)
{
	struct sg_buf text = SG_BUF_INIT;

	sg_buf_adds(&text, before);
	sg_render_build_text(&text, &build->progress);
	sg_log(SG_LOG_INFO, event, build->step->id, 0, "%s", text.data);
	sg_buf_release(&text);
}

static void say(struct sg_report_build *build)
{
	const struct sg_index_progress *p = &build->progress;
	bool waits = p->waits_for != NULL;

	if (waits && !build->wait_said && p->waits_ms >= WAIT_SAID_MS) {
		build->wait_said = true;
		log_progress(build, "wait", "");
	} else if (!waits && build->wait_said) {
		build->wait_said = false;
		log_progress(build, "wait-over", "the wait is over; ");
	} else if (p->elapsed_ms >= build->next) {
		log_progress(build, "progress", "");
	} else {
		return;
	}
	build->next = sg_report_fill_next(p->elapsed_ms);
}

void sg_report_index_progress(void *context, const struct sg_step *step, const struct sg_index_progress *progress)
{
	struct sg_report *report = context;
	struct sg_report_build *build = find(report, step);

	if (build == NULL)
		build = add(report, step);
	note(build, progress);
	show(report);
	if (!sg_report_is_live(report) || sg_log_is_json())
		say(build);
}

static void log_ended(const struct sg_step *step, const struct sg_index_result *result)
{
	struct sg_buf remarks = SG_BUF_INIT;
	char took[32];

	sg_clock_text(result->duration_ms, took);
	if (result->bytes >= 0 && (result->end == SG_INDEX_END_BUILT || result->end == SG_INDEX_END_ALREADY))
		sg_render_bytes(&remarks, result->bytes);
	sg_render_index_remarks(&remarks, result);
	sg_log(SG_LOG_INFO, "ended", step->id, 0, "%s%s%s%s%s", sg_index_end_name(result->end),
	       result->duration_ms > 0 ? " after " : "", result->duration_ms > 0 ? took : "", remarks.length > 0 ? ": " : "",
	       remarks.data);
	sg_buf_release(&remarks);
}

void sg_report_index_say_waits(struct sg_report *report)
{
	struct sg_buf line = SG_BUF_INIT;
	enum sg_tone tone;
	const char *word = sg_render_index_word(SG_INDEX_END_WAITING, &tone);

	if (report->wait_count > WAITS_NAMED) {
		sg_buf_adds(&line, "  ");
		sg_look_field(&line, &report->look, tone, word, 12, false);
		sg_look_count(&line, report->wait_count, "index");
		sg_buf_adds(&line, " until what they come after is done\n");
		sg_live_print(&line);
	} else if (report->wait_count > 0) {
		sg_live_print(&report->waits);
	}
	report->wait_count = 0;
	sg_buf_clear(&report->waits);
	sg_buf_release(&line);
}

/* One that waits: its line is kept until it is known how many there are. */
static void keep_wait(struct sg_report *report, const struct sg_step *step, const struct sg_index_result *result)
{
	sg_render_index(&report->waits, &report->look, report->column, step->id, result);
	report->wait_count++;
}

void sg_report_index_ended(void *context, const struct sg_step *step, const struct sg_index_result *result)
{
	struct sg_report *report = context;
	struct sg_buf line = SG_BUF_INIT;
	bool failed = result->end == SG_INDEX_END_FAILED || result->end == SG_INDEX_END_REFUSED;

	drop(report, step);
	if (!report->look.verbose && (result->end == SG_INDEX_END_NOT_REACHED || result->end == SG_INDEX_END_ALREADY)) {
		show(report); /* the summary says so */
		return;
	}
	if (result->end == SG_INDEX_END_WAITING && sg_report_waited_before(report, step)) {
		show(report);
		return;
	}
	if (result->end == SG_INDEX_END_WAITING && report->lines && !report->look.verbose) {
		keep_wait(report, step, result);
		show(report);
	} else if (report->lines) {
		sg_report_say_skipped(report);
		if (report->build_count == 0)
			sg_live_hide();
		sg_render_index(&line, &report->look, report->column, step->id, result);
		sg_live_print(&line);
		show(report);
	}
	if ((!report->lines || sg_log_is_json()) && !failed)
		log_ended(step, result);
	if (result->err.class != SG_CLASS_NONE)
		sg_log_err(failed ? SG_LOG_ERROR : SG_LOG_WARNING, failed ? "failed" : sg_index_end_name(result->end), 0, &result->err);
	sg_buf_release(&line);
}
