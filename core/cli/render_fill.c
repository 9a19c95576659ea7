/* render_fill.c - a backfill while it runs: the bar at the bottom of a terminal, and the
 * same facts as text for the log and for status. Pure. On a narrow terminal facts are left
 * out in a fixed order, so that what a person asks first (how far, how long, what holds it)
 * is there at 40 columns too. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cli/bar.h"
#include "core/cli/render.h"

#define HELD_LEAST 16 /* characters of what holds it that are worth a place */

/* Known only where the estimate is; below 100 as long as it runs, estimates being what they are. */
static int percent_of(const struct sg_backfill_progress *p)
{
	double part;

	if (p->rows_estimate <= 0 || p->rows_done < 0)
		return -1;
	part = 100.0 * (double)p->rows_done / (double)p->rows_estimate;
	return part >= 99.0 ? 99 : (int)part;
}

static void add_rate(struct sg_buf *out, double rate)
{
	if (rate < 10)
		sg_buf_addf(out, "%.1f", rate);
	else
		sg_look_number(out, rate > 1e15 ? (int64_t)1e15 : (int64_t)(rate + 0.5));
	sg_buf_adds(out, " rows/s");
}

/* "10 s", "4 min 10 s", "2 h 05 min", "3 days" */
void sg_render_time_left(struct sg_buf *out, int64_t seconds)
{
	char text[32];

	if (seconds < 60) {
		sg_buf_addf(out, "%d s", (int)seconds);
	} else if (seconds < (int64_t)48 * 3600) {
		sg_clock_text(seconds * 1000, text);
		sg_buf_adds(out, text);
	} else {
		sg_look_count(out, (size_t)(seconds / 86400), "day");
	}
}

static void add_counted(struct sg_buf *out, int64_t count, const char *one, const char *many)
{
	sg_look_number(out, count);
	sg_buf_addf(out, " %s", count == 1 ? one : many);
}

/* ---- text ------------------------------------------------------------------- */

void sg_render_fill_text(struct sg_buf *out, const struct sg_backfill_progress *p)
{
	int percent = percent_of(p);

	if (percent >= 0)
		sg_buf_addf(out, "%d %%, ", percent);
	sg_look_number(out, p->rows_done);
	if (p->rows_estimate > 0) {
		sg_buf_adds(out, " of about ");
		sg_look_number(out, p->rows_estimate);
	}
	sg_buf_adds(out, " rows");
	if (p->rows_per_s > 0) {
		sg_buf_adds(out, ", ");
		add_rate(out, p->rows_per_s);
	}
	if (p->seconds_left > 0) {
		sg_buf_adds(out, ", ");
		sg_render_time_left(out, p->seconds_left);
		sg_buf_adds(out, " left");
	}
	if (p->lanes > 0) {
		sg_buf_adds(out, ", ");
		add_counted(out, p->lanes, "lane", "lanes");
		if (p->idle > 0)
			sg_buf_addf(out, " (%d without a range)", p->idle);
	}
	if (p->batch_size > 0) {
		sg_buf_adds(out, ", batches of ");
		sg_look_number(out, p->batch_size);
	}
	if (p->pass > 1)
		sg_buf_addf(out, ", pass %d", p->pass);
	if (p->deferred > 0) {
		sg_buf_adds(out, ", ");
		add_counted(out, p->deferred, "row deferred", "rows deferred");
	}
	if (p->bad_rows > 0) {
		sg_buf_adds(out, ", ");
		add_counted(out, p->bad_rows, "bad row", "bad rows");
	}
	if (p->throttle != NULL)
		sg_buf_addf(out, "; held: %s", p->throttle);
	if (p->doing != NULL)
		sg_buf_addf(out, "; %s", p->doing);
}

/* ---- the bar ---------------------------------------------------------------- */

enum { BAR, PERCENT, ROWS, RATE, LEFT, LANES, BATCH, PASS, DEFERRED, BAD, PIECES };

static void make_pieces(struct sg_bar_piece *pieces, const struct sg_look *look, const struct sg_backfill_progress *p)
{
	int percent = percent_of(p);

	sg_bar_init(pieces, PIECES);
	pieces[BAD].tone = SG_TONE_BAD;
	pieces[DEFERRED].tone = SG_TONE_WARN;
	if (percent >= 0) {
		sg_bar_cells(&pieces[BAR].text, look, percent);
		sg_buf_addf(&pieces[PERCENT].text, "%d %%", percent);
		sg_look_number(&pieces[ROWS].text, p->rows_done);
		sg_buf_adds(&pieces[ROWS].text, " of ~");
		sg_look_number(&pieces[ROWS].text, p->rows_estimate);
	} else {
		add_counted(&pieces[PERCENT].text, p->rows_done, "row", "rows"); /* the next best to say how far it is */
	}
	if (p->rows_per_s > 0)
		add_rate(&pieces[RATE].text, p->rows_per_s);
	if (p->seconds_left > 0) {
		sg_render_time_left(&pieces[LEFT].text, p->seconds_left);
		sg_buf_adds(&pieces[LEFT].text, " left");
	}
	if (p->lanes > 0) {
		add_counted(&pieces[LANES].text, p->lanes, "lane", "lanes");
		if (p->idle > 0)
			sg_buf_addf(&pieces[LANES].text, " (%d idle)", p->idle);
	}
	if (p->batch_size > 0) {
		sg_buf_adds(&pieces[BATCH].text, "batch ");
		sg_look_number(&pieces[BATCH].text, p->batch_size);
	}
	if (p->pass > 1)
		sg_buf_addf(&pieces[PASS].text, "pass %d", p->pass);
	if (p->deferred > 0)
		add_counted(&pieces[DEFERRED].text, p->deferred, "deferred", "deferred");
	if (p->bad_rows > 0)
		add_counted(&pieces[BAD].text, p->bad_rows, "bad row", "bad rows");
}

/* "held: …; …", cleaned. */
static void add_held(struct sg_buf *out, const struct sg_backfill_progress *p)
{
	struct sg_buf raw = SG_BUF_INIT;

	if (p->throttle != NULL)
		sg_buf_addf(&raw, "held: %s%s", p->throttle, p->doing != NULL ? "; " : "");
	if (p->doing != NULL)
		sg_buf_adds(&raw, p->doing);
	sg_text_add_clean(out, raw.data, raw.length, false);
	sg_buf_release(&raw);
}

void sg_render_fill_bar(struct sg_buf *out, const struct sg_look *look, const char *id,
                        const struct sg_backfill_progress *progress)
{
	static const int dispensable[] = { BATCH, LANES, PASS, ROWS, DEFERRED, RATE, BAR, BAD, LEFT };
	size_t all = sg_bar_width(look), name = sg_bar_name(look, id), held_chars, least, used;
	struct sg_bar_piece pieces[PIECES];
	struct sg_buf held = SG_BUF_INIT;

	make_pieces(pieces, look, progress);
	add_held(&held, progress);
	held_chars = sg_text_chars(held.data, held.length);
	least = held_chars == 0 ? 0 : 2 + (held_chars < HELD_LEAST ? held_chars : HELD_LEAST);
	sg_bar_fit(pieces, PIECES, dispensable, SG_COUNT(dispensable), name, all > least ? all - least : 0);
	sg_bar_add(out, look, id, name, pieces, PIECES);
	used = sg_bar_columns(pieces, PIECES, name) + 2;
	sg_bar_cut(&held, all > used ? all - used : 0);
	sg_bar_add_text(out, look, SG_TONE_WARN, &held);
	sg_bar_release(pieces, PIECES);
	sg_buf_release(&held);
}
