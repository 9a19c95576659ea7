/* render_fill.c - a backfill while it runs: the bar at the bottom of a terminal, and the
 * same facts as text for the log and for status. Pure. On a narrow terminal facts are left
 * out in a fixed order, so that what a person asks first (how far, how long, what holds it)
 * is there at 40 columns too. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cli/render.h"

#define CELLS 10
#define CELLS_WIDE 20
#define WIDE 132
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

struct piece {
	struct sg_buf text; /* empty: not known, or left out */
	enum sg_tone tone;
};

static void fill_cells(struct sg_buf *out, int percent, int cells)
{
	int full = percent * cells / 100;

	sg_buf_addc(out, '[');
	for (int i = 0; i < cells; i++)
		sg_buf_addc(out, i < full ? '#' : '.');
	sg_buf_addc(out, ']');
}

static void make_pieces(struct piece *pieces, const struct sg_backfill_progress *p, bool wide)
{
	int percent = percent_of(p);

	for (size_t i = 0; i < PIECES; i++) {
		sg_buf_init(&pieces[i].text, 0);
		pieces[i].tone = i == BAD ? SG_TONE_BAD : i == DEFERRED ? SG_TONE_WARN : SG_TONE_PLAIN;
	}
	if (percent >= 0) {
		fill_cells(&pieces[BAR].text, percent, wide ? CELLS_WIDE : CELLS);
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

/* Columns of the line without what holds it: a piece has two blanks before it. */
static size_t columns(const struct piece *pieces, size_t name)
{
	size_t sum = 2 + name;

	for (size_t i = 0; i < PIECES; i++)
		if (pieces[i].text.length > 0)
			sum += 2 + pieces[i].text.length;
	return sum;
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
	size_t all = look->width > 0 ? look->width - 1 : SIZE_MAX / 2; /* the last column stays free, see live.c */
	size_t name = sg_look_chars(id), least, held_chars, room;
	struct piece pieces[PIECES];
	struct sg_buf held = SG_BUF_INIT;

	make_pieces(pieces, progress, look->width == 0 || look->width >= WIDE);
	add_held(&held, progress);
	held_chars = sg_text_chars(held.data, held.length);
	least = held_chars == 0 ? 0 : 2 + (held_chars < HELD_LEAST ? held_chars : HELD_LEAST);
	if (look->width > 0) {
		size_t most = look->width / 3 > 16 ? look->width / 3 : 16;

		name = name < most ? name : most;
	}
	for (size_t i = 0; i < SG_COUNT(dispensable) && columns(pieces, name) + least > all; i++)
		sg_buf_clear(&pieces[dispensable[i]].text);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_STRONG, id, name, true);
	for (size_t i = 0; i < PIECES; i++)
		if (pieces[i].text.length > 0) {
			sg_buf_adds(out, "  ");
			sg_look_add(out, look, pieces[i].tone, pieces[i].text.data);
		}
	room = columns(pieces, name) + 2 < all ? all - columns(pieces, name) - 2 : 0;
	if (held_chars > room) {
		sg_buf_clear(&held);
		add_held(&held, progress);
		held.length = room > 3 ? sg_text_offset(held.data, room - 3) : 0;
		held.data[held.length] = '\0';
		if (room > 3)
			sg_buf_adds(&held, "...");
	}
	if (held.length > 0) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_WARN, held.data);
	}
	for (size_t i = 0; i < PIECES; i++)
		sg_buf_release(&pieces[i].text);
	sg_buf_release(&held);
}
