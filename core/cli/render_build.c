/* render_build.c - an index while it is built: the line at the bottom of a terminal, and the
 * same facts as text for the log and for status. Pure. Several may be built at once: the
 * first is shown in full, the others share what is left of the line. On a narrow terminal
 * facts are left out in a fixed order; how far, how long and for whom it waits stay. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cli/bar.h"
#include "core/cli/render.h"

#define WAIT_FIRST_MS 1000 /* a shorter wait is none of anybody's concern */
#define HELD_LEAST 24  /* characters of whom it waits for that are worth a place */
#define OTHER_MOST 24  /* characters of another one's name */
#define STEADY_MS 1000 /* for so long nothing is said of time */

/* -1: not known. */
static int percent_of(const struct sg_index_progress *p)
{
	double part = p->fraction;

	if (part < 0 && p->total > 0 && p->done >= 0)
		part = (double)p->done / (double)p->total;
	if (part < 0 || p->waits_for != NULL)
		return -1;
	return part >= 1 ? 100 : (int)(part * 100);
}

static void add_done(struct sg_buf *out, const struct sg_index_progress *p)
{
	const char *unit = p->blocks ? "block" : "tuple";

	sg_look_number(out, p->done);
	if (p->total > 0) {
		sg_buf_adds(out, " of ");
		sg_look_number(out, p->total);
	}
	sg_buf_addf(out, " %s%s", unit, (p->total > 0 ? p->total : p->done) == 1 ? "" : "s");
}

static bool is_counted(const struct sg_index_progress *p)
{
	return p->waits_for == NULL && (p->total > 0 || p->done > 0);
}

static bool says_waiting(const struct sg_index_progress *p)
{
	return p->phase != NULL && sg_text_prefix(p->phase, "waiting");
}

void sg_render_build_wait(struct sg_buf *out, const struct sg_index_progress *p)
{
	if (p->waits_for == NULL)
		return;
	if (says_waiting(p))
		sg_buf_addf(out, "%s: %s", p->phase, p->waits_for);
	else
		sg_buf_addf(out, "waiting for %s", p->waits_for);
	if (p->waits_ms >= STEADY_MS) {
		sg_buf_adds(out, ", ");
		sg_render_time_left(out, p->waits_ms / 1000);
		sg_buf_adds(out, " so far");
	}
}

/* ---- text ------------------------------------------------------------------- */

static void comma(struct sg_buf *out, size_t start)
{
	if (out->length > start)
		sg_buf_adds(out, ", ");
}

void sg_render_build_text(struct sg_buf *out, const struct sg_index_progress *p)
{
	int percent = percent_of(p);
	size_t start;

	if (p->parts > 0)
		sg_buf_addf(out, "partition %d of %d: ", p->part, p->parts);
	start = out->length;
	if (p->phase != NULL && !(p->waits_for != NULL && says_waiting(p)))
		sg_buf_adds(out, p->phase);
	if (percent >= 0) {
		comma(out, start);
		sg_buf_addf(out, "%d %%", percent);
	}
	if (is_counted(p)) {
		comma(out, start);
		add_done(out, p);
	}
	if (p->seconds_left > 0 && p->waits_for == NULL) {
		comma(out, start);
		sg_render_time_left(out, p->seconds_left);
		sg_buf_adds(out, " left");
	}
	if (p->waits_for != NULL) {
		comma(out, start);
		sg_render_build_wait(out, p);
	}
	if (p->doing != NULL) {
		comma(out, start);
		sg_buf_adds(out, p->doing);
	}
	if (out->length == start)
		sg_buf_adds(out, "at work");
}

/* ---- the line --------------------------------------------------------------- */

enum { PART, PHASE, BAR, PERCENT, DONE, LEFT, TIME, PIECES };

static void make_pieces(struct sg_bar_piece *pieces, const struct sg_look *look, const struct sg_index_progress *p)
{
	int percent = percent_of(p);

	sg_bar_init(pieces, PIECES);
	pieces[TIME].tone = SG_TONE_FAINT;
	if (p->parts > 0)
		sg_buf_addf(&pieces[PART].text, "%d/%d", p->part, p->parts);
	if (p->phase != NULL && p->waits_for == NULL)
		sg_text_add_clean(&pieces[PHASE].text, p->phase, strlen(p->phase), false);
	else if (p->waits_for == NULL && p->doing == NULL)
		sg_buf_adds(&pieces[PHASE].text, "at work");
	if (percent >= 0) {
		sg_bar_cells(&pieces[BAR].text, look, percent);
		sg_buf_addf(&pieces[PERCENT].text, "%d %%", percent);
	}
	if (is_counted(p))
		add_done(&pieces[DONE].text, p);
	if (p->seconds_left > 0 && p->waits_for == NULL) {
		sg_render_time_left(&pieces[LEFT].text, p->seconds_left);
		sg_buf_adds(&pieces[LEFT].text, " left");
	} else if (p->elapsed_ms >= STEADY_MS) {
		sg_render_time_left(&pieces[TIME].text, p->elapsed_ms / 1000);
	}
}

/* "building index: scanning table" is also understood by its second half. */
static void shorten_phase(struct sg_bar_piece *phase)
{
	char *colon = strchr(phase->text.data, ':');

	if (colon != NULL && colon[1] == ' ')
		sg_buf_drop(&phase->text, (size_t)(colon + 2 - phase->text.data));
}

/* Leaves out what is dispensable until all columns hold it. */
static void fit(struct sg_bar_piece *pieces, size_t name, size_t all)
{
	static const int dispensable[] = { DONE, BAR, PHASE, PART, LEFT };

	if (sg_bar_columns(pieces, PIECES, name) > all)
		sg_buf_clear(&pieces[TIME].text);
	if (sg_bar_columns(pieces, PIECES, name) > all)
		shorten_phase(&pieces[PHASE]);
	sg_bar_fit(pieces, PIECES, dispensable, SG_COUNT(dispensable), name, all);
}

static void add_held(struct sg_buf *out, const struct sg_index_progress *p)
{
	struct sg_buf raw = SG_BUF_INIT;

	sg_render_build_wait(&raw, p);
	if (p->doing != NULL)
		sg_buf_addf(&raw, "%s%s", raw.length > 0 ? "; " : "", p->doing);
	sg_text_add_clean(out, raw.data, raw.length, false);
	sg_buf_release(&raw);
}

/* "+ idx_b 12 %, idx_c waits" */
static void add_others(struct sg_buf *out, const struct sg_look *look, const struct sg_render_build *others, size_t count)
{
	struct sg_look plain = *look;

	plain.color = false;
	for (size_t i = 0; i < count; i++) {
		const struct sg_index_progress *p = others[i].progress;
		size_t chars = sg_look_chars(others[i].name);
		int percent = percent_of(p);

		sg_buf_adds(out, i > 0 ? ", " : "+ ");
		sg_look_field(out, &plain, SG_TONE_PLAIN, others[i].name, chars < OTHER_MOST ? chars : OTHER_MOST, true);
		if (p->waits_for != NULL)
			sg_buf_adds(out, " waits");
		else if (percent >= 0)
			sg_buf_addf(out, " %d %%", percent);
	}
}

size_t sg_render_build_foremost(const struct sg_render_build *builds, size_t count)
{
	int64_t longest = WAIT_FIRST_MS - 1;
	size_t first = 0;

	for (size_t i = 0; i < count; i++)
		if (builds[i].progress->waits_for != NULL && builds[i].progress->waits_ms > longest) {
			longest = builds[i].progress->waits_ms;
			first = i;
		}
	return first;
}

void sg_render_build_bar(struct sg_buf *out, const struct sg_look *look, const struct sg_render_build *builds, size_t count)
{
	size_t all = sg_bar_width(look), name = sg_bar_name(look, builds->name), held_chars, least, used, room;
	struct sg_buf held = SG_BUF_INIT, others = SG_BUF_INIT, counted = SG_BUF_INIT;
	struct sg_bar_piece pieces[PIECES];

	make_pieces(pieces, look, builds->progress);
	add_held(&held, builds->progress);
	if (count > 1) {
		sg_buf_addf(&counted, "+%zu more", count - 1);
		add_others(&others, look, builds + 1, count - 1);
	}
	held_chars = sg_text_chars(held.data, held.length);
	least = held_chars == 0 ? 0 : 2 + (held_chars < HELD_LEAST ? held_chars : HELD_LEAST);
	least += counted.length > 0 ? 2 + counted.length : 0;
	if (held_chars > 0 && sg_bar_columns(pieces, PIECES, name) + 2 + held_chars > all)
		sg_buf_clear(&pieces[TIME].text); /* for whom it waits is worth more */
	fit(pieces, name, all > least ? all - least : 0);
	sg_bar_add(out, look, builds->name, name, pieces, PIECES);
	/* what is left of the line: whom it waits for, then the others by name, if there is room, or counted */
	used = sg_bar_columns(pieces, PIECES, name);
	room = all > used + 2 ? all - used - 2 : 0;
	if (counted.length > 0)
		sg_bar_cut(&held, room > counted.length + 2 ? room - counted.length - 2 : 0);
	else
		sg_bar_cut(&held, room);
	sg_bar_add_text(out, look, SG_TONE_WARN, &held);
	used += held.length > 0 ? 2 + sg_text_chars(held.data, held.length) : 0;
	room = all > used + 2 ? all - used - 2 : 0;
	if (sg_text_chars(others.data, others.length) <= room)
		sg_bar_add_text(out, look, SG_TONE_FAINT, &others);
	else if (counted.length <= room)
		sg_bar_add_text(out, look, SG_TONE_FAINT, &counted);
	sg_bar_release(pieces, PIECES);
	sg_buf_release(&held);
	sg_buf_release(&others);
	sg_buf_release(&counted);
}

/* ---- JSON ------------------------------------------------------------------- */

static void set_known(struct sg_json *object, const char *key, int64_t value, bool known)
{
	if (known)
		sg_json_set_int(object, key, value);
	else
		sg_json_set_null(object, key);
}

void sg_render_build_json(struct sg_json *into, const char *key, const struct sg_index_progress *p)
{
	bool counted = p->total > 0 || p->done > 0;
	struct sg_json *one;

	if (p->phase == NULL && p->waits_for == NULL && p->doing == NULL) {
		sg_json_set_null(into, key);
		return;
	}
	one = sg_json_object();
	sg_json_set_text(one, "phase", p->phase);
	set_known(one, "phase_number", p->phase_number, p->phase_number > 0);
	set_known(one, "phases", p->phases, p->phases > 0);
	set_known(one, "done", p->done, counted);
	set_known(one, "total", p->total, p->total > 0);
	sg_json_set_text(one, "unit", !counted ? NULL : p->blocks ? "blocks" : "tuples");
	set_known(one, "seconds_left", p->seconds_left, p->seconds_left >= 0 && p->waits_for == NULL);
	sg_json_set_text(one, "blocked_by", p->waits_for);
	set_known(one, "part", p->part, p->parts > 0);
	set_known(one, "parts", p->parts, p->parts > 0);
	sg_json_set_text(one, "doing", p->doing);
	sg_json_set(into, key, one);
}
