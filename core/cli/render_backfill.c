/* render_backfill.c - a backfill that has ended, as far as this run got with it: its line,
 * the summary with the command to go on, and the JSON. Never says more than the state knows:
 * rows are of this run, what is left is an estimate. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cli/render.h"

#define STATE_FIELD 12
#define TIME_FIELD 12

const char *sg_render_fill_word(enum sg_backfill_end end, enum sg_tone *tone_r)
{
	*tone_r = SG_TONE_WARN;
	switch (end) {
	case SG_BACKFILL_END_ALREADY: *tone_r = SG_TONE_FAINT; return "skipped";
	case SG_BACKFILL_END_COMPLETE: *tone_r = SG_TONE_GOOD; return "complete";
	case SG_BACKFILL_END_RESIDUAL: return "residual";
	case SG_BACKFILL_END_LEFT: return "left";
	case SG_BACKFILL_END_PAUSED: return "paused";
	case SG_BACKFILL_END_CLOSED: return "closed";
	case SG_BACKFILL_END_WAITING: return "waits";
	case SG_BACKFILL_END_STOPPED: return "stopped";
	case SG_BACKFILL_END_FAILED: *tone_r = SG_TONE_BAD; return "FAILED";
	case SG_BACKFILL_END_REFUSED: *tone_r = SG_TONE_BAD; return "REFUSED";
	case SG_BACKFILL_END_NOT_REACHED: *tone_r = SG_TONE_FAINT; return "not run";
	}
	SG_BUG("an end of a backfill without a word");
}

/* What was covered of the rows goes with what covers them: rows of this run a second; 0: not known. */
static double rate_of(const struct sg_backfill_result *r)
{
	return r->rows > 0 && r->duration_ms > 0 ? (double)r->rows * 1000 / (double)r->duration_ms : 0;
}

/* -1: not known. */
static int64_t seconds_left(const struct sg_backfill_result *r)
{
	double rate = rate_of(r);

	return r->left > 0 && rate > 0 && r->end != SG_BACKFILL_END_RESIDUAL ? (int64_t)((double)r->left / rate + 0.999) : -1;
}

static bool is_over(enum sg_backfill_end end)
{
	return end == SG_BACKFILL_END_ALREADY || end == SG_BACKFILL_END_COMPLETE;
}

static void add_rows(struct sg_buf *out, int64_t count, const char *one, const char *many)
{
	sg_look_number(out, count);
	sg_buf_addf(out, " %s", count == 1 ? one : many);
}

/* What is left of a residual one came besides: it is no share of what was there, and another run does not do it. */
static bool has_share(const struct sg_backfill_result *r)
{
	return r->end != SG_BACKFILL_END_RESIDUAL && r->rows_estimate > 0 && r->rows_estimate >= r->left;
}

/* "480,000 of about 1,000,000 rows", "480,000 rows" */
static void add_left(struct sg_buf *out, const struct sg_backfill_result *r)
{
	sg_look_number(out, r->left);
	if (has_share(r)) {
		sg_buf_adds(out, " of about ");
		sg_look_number(out, r->rows_estimate);
	}
	sg_buf_adds(out, r->left == 1 && !has_share(r) ? " row" : " rows");
}

void sg_render_fill_remarks(struct sg_buf *out, const struct sg_backfill_result *r)
{
	if (r->rows > 0) {
		add_rows(out, r->rows, "row", "rows");
		if (r->changed != r->rows) {
			sg_buf_adds(out, ", ");
			sg_look_number(out, r->changed);
			sg_buf_adds(out, " changed");
		}
	} else if (r->end == SG_BACKFILL_END_COMPLETE) {
		sg_buf_adds(out, "no row was left to do");
	}
	if (r->left > 0 && !is_over(r->end)) {
		sg_render_part(out);
		sg_look_number(out, r->left);
		sg_buf_adds(out, " left");
		if (seconds_left(r) >= 0) {
			sg_buf_adds(out, ", about ");
			sg_render_time_left(out, seconds_left(r));
		}
	}
	if (r->deferred > 0) {
		sg_render_part(out);
		add_rows(out, r->deferred, "locked row deferred", "locked rows deferred");
	}
	if (r->bad_rows > 0) {
		sg_render_part(out);
		add_rows(out, r->bad_rows, "bad row", "bad rows");
	}
	if (r->lanes > 1) {
		sg_render_part(out);
		sg_buf_addf(out, "%d lanes", r->lanes);
	}
	if (r->note != NULL && r->note[0] != '\0') {
		sg_render_part(out);
		sg_buf_adds(out, r->note);
	}
}

void sg_render_fill(struct sg_buf *out, const struct sg_look *look, size_t column, const char *id,
                    const struct sg_backfill_result *result)
{
	enum sg_tone tone;
	const char *word = sg_render_fill_word(result->end, &tone);
	struct sg_buf remarks = SG_BUF_INIT;
	char took[32] = "";

	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone, word, STATE_FIELD, false);
	sg_look_field(out, look, SG_TONE_PLAIN, id, column, look->width > 0);
	if (result->end != SG_BACKFILL_END_ALREADY && result->end != SG_BACKFILL_END_WAITING &&
	    result->end != SG_BACKFILL_END_NOT_REACHED)
		sg_clock_text(result->duration_ms, took);
	if (took[0] != '\0')
		sg_look_right(out, look, SG_TONE_PLAIN, took, TIME_FIELD);
	sg_render_fill_remarks(&remarks, result);
	if (remarks.length > 0) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_FAINT, remarks.data);
	}
	sg_look_end(out);
	sg_buf_release(&remarks);
}

/* ---- the end ---------------------------------------------------------------- */

/* Why it is not complete, after its key; false: nothing to say of it alone. */
static bool add_why(struct sg_buf *out, const struct sg_look *look, const struct sg_backfills_item *item)
{
	const struct sg_backfill_result *r = &item->result;
	const char *waits_for = r->note != NULL ? r->note : item->waits_for; /* the note says how the gate stands, too */

	switch (r->end) {
	case SG_BACKFILL_END_ALREADY:
	case SG_BACKFILL_END_COMPLETE:
	case SG_BACKFILL_END_NOT_REACHED: return false;
	case SG_BACKFILL_END_LEFT:
		sg_buf_adds(out, " is not finished");
		break;
	case SG_BACKFILL_END_STOPPED:
		sg_buf_adds(out, " was stopped; its position is kept");
		break;
	case SG_BACKFILL_END_PAUSED:
		sg_buf_adds(out, " is paused: --resume lets it go on");
		break;
	case SG_BACKFILL_END_CLOSED:
		sg_buf_adds(out, " is outside its window");
		if (r->note != NULL) {
			sg_buf_adds(out, ": ");
			sg_look_add(out, look, SG_TONE_PLAIN, r->note + (sg_text_prefix(r->note, "window: ") ? strlen("window: ") : 0));
		}
		break;
	case SG_BACKFILL_END_RESIDUAL:
		if (r->bad_rows > 0)
			sg_buf_adds(out, " has bad rows left: mend them, and --retry has the next run do them");
		else
			sg_buf_adds(out, " has done all rows of its sweep, but its fingerprint does not hold: --again has the next run go"
			                 " over all rows once more, the done ones too");
		break;
	case SG_BACKFILL_END_WAITING:
		sg_buf_adds(out, " waits for ");
		sg_look_add(out, look, SG_TONE_PLAIN, waits_for != NULL ? waits_for : "a gate");
		if (waits_for != NULL && sg_text_prefix(waits_for, "migration:"))
			sg_buf_adds(out, " (not recorded yet; deploy or migrate runs it)");
		break;
	case SG_BACKFILL_END_FAILED:
		sg_buf_adds(out, " failed; its position is kept");
		break;
	case SG_BACKFILL_END_REFUSED:
		sg_buf_adds(out, r->rows_done > 0 ? " was refused; its position is kept" : " was refused, and not begun");
		break;
	}
	if (r->left > 0) {
		sg_buf_adds(out, "; ");
		add_left(out, r);
		sg_buf_adds(out, r->left == 1 && !has_share(r) ? " is left" : " are left");
		if (seconds_left(r) >= 0) {
			sg_buf_adds(out, ", about ");
			sg_render_time_left(out, seconds_left(r));
		}
	}
	return true;
}

static void add_item(struct sg_buf *out, const struct sg_look *look, const struct sg_backfills_item *item)
{
	struct sg_buf why = SG_BUF_INIT;
	enum sg_tone tone;

	(void)sg_render_fill_word(item->result.end, &tone);
	if (add_why(&why, look, item)) {
		sg_look_add(out, look, tone, item->step->id);
		sg_buf_addf(out, "%s.\n", why.data);
		if (item->result.err.class != SG_CLASS_NONE)
			sg_render_err(out, look, "      ", &item->result.err);
	}
	sg_buf_release(&why);
}

struct sums {
	size_t complete, already, left, failed, waiting, not_reached;
	const struct sg_backfills_item *open; /* the one that another run may go on with */
	size_t open_count;
	size_t mend;                          /* of these: something must be mended first */
};

static struct sums sum_up(const struct sg_backfills_result *result)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < result->count; i++) {
		const struct sg_backfills_item *item = &result->items[i];
		bool open = false;

		switch (item->result.end) {
		case SG_BACKFILL_END_ALREADY: s.already++; break;
		case SG_BACKFILL_END_COMPLETE: s.complete++; break;
		case SG_BACKFILL_END_WAITING: s.waiting++; break;
		case SG_BACKFILL_END_FAILED:
		case SG_BACKFILL_END_REFUSED: s.failed++; s.mend++; open = true; break;
		case SG_BACKFILL_END_RESIDUAL:
		case SG_BACKFILL_END_PAUSED: s.left++; break;
		case SG_BACKFILL_END_LEFT:
		case SG_BACKFILL_END_CLOSED:
		case SG_BACKFILL_END_STOPPED: s.left++; open = true; break;
		case SG_BACKFILL_END_NOT_REACHED: s.not_reached++; open = true; break;
		}
		s.open_count += open;
		if (open)
			s.open = item;
	}
	return s;
}

static void add_not_reached(struct sg_buf *out, const struct sg_look *look, const struct sg_backfills_result *result)
{
	const char *before = "Not run: ";

	for (size_t i = 0; i < result->count; i++)
		if (result->items[i].result.end == SG_BACKFILL_END_NOT_REACHED) {
			sg_buf_adds(out, before);
			sg_look_add(out, look, SG_TONE_PLAIN, result->items[i].step->id);
			before = ", ";
		}
	sg_buf_addc(out, '\n');
}

void sg_render_backfills_end(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest,
                             const struct sg_backfills_result *result, bool deploy, int64_t elapsed_ms)
{
	struct sums sums = sum_up(result);
	struct sg_buf line = SG_BUF_INIT;
	char took[32];

	for (size_t i = 0; i < result->count; i++)
		add_item(out, look, &result->items[i]);
	if (sums.not_reached > 0)
		add_not_reached(out, look, result);
	sg_render_sum(&line, look, SG_TONE_GOOD, sums.complete, "complete");
	sg_render_sum(&line, look, SG_TONE_WARN, sums.left, "left");
	sg_render_sum(&line, look, SG_TONE_BAD, sums.failed, "failed");
	sg_render_sum(&line, look, SG_TONE_WARN, sums.waiting, "waiting");
	sg_render_sum(&line, look, SG_TONE_PLAIN, sums.not_reached, "not run");
	sg_clock_text(elapsed_ms, took);
	if (result->count == 0) {
		if (!deploy)
			sg_buf_adds(out, "The manifest lists no backfills.\n");
	} else if (result->count == sums.already) {
		sg_look_add(out, look, SG_TONE_GOOD, deploy ? "Backfills" : "Up to date");
		sg_buf_adds(out, ": ");
		if (deploy)
			sg_buf_addf(out, "%zu already complete.\n", sums.already);
		else
			sg_look_count(out, sums.already, "backfill"), sg_buf_addf(out, " already complete (%s).\n", took);
	} else {
		sg_render_sum(&line, look, SG_TONE_PLAIN, sums.already, "already complete");
		sg_buf_addf(out, "%s%s (%s).\n", deploy ? "Backfills: " : "", line.data, took);
	}
	if (sums.open_count > 0)
		sg_render_go_on(out, look, manifest, "backfill", sums.open_count == 1 ? sums.open->step->id : NULL,
		                sums.mend == sums.open_count);
	sg_buf_release(&line);
}

/* ---- JSON ------------------------------------------------------------------- */

/* As status says it: the words of the table, and "waiting". */
static const char *state_of(const struct sg_backfill_result *r)
{
	switch (r->end) {
	case SG_BACKFILL_END_ALREADY:
	case SG_BACKFILL_END_COMPLETE: return "complete";
	case SG_BACKFILL_END_RESIDUAL: return "residual";
	case SG_BACKFILL_END_PAUSED: return "paused";
	case SG_BACKFILL_END_WAITING: return "waiting";
	case SG_BACKFILL_END_FAILED: return "failed";
	case SG_BACKFILL_END_REFUSED: /* the state knows nothing of it */
	case SG_BACKFILL_END_LEFT:
	case SG_BACKFILL_END_CLOSED:
	case SG_BACKFILL_END_STOPPED:
	case SG_BACKFILL_END_NOT_REACHED: break;
	}
	return "pending";
}

static void set_known(struct sg_json *object, const char *key, int64_t value, bool known)
{
	if (known)
		sg_json_set_int(object, key, value);
	else
		sg_json_set_null(object, key);
}

static struct sg_json *item_json(const struct sg_backfills_item *item)
{
	const struct sg_backfill_result *r = &item->result;
	struct sg_json *one = sg_json_object(), *waits = sg_json_array();
	bool held = r->end == SG_BACKFILL_END_PAUSED || r->end == SG_BACKFILL_END_CLOSED;

	sg_json_set_text(one, "key", item->step->id);
	sg_json_set_text(one, "state", state_of(r));
	set_known(one, "rows_done", r->rows_done, r->rows_done >= 0);
	set_known(one, "rows_estimate", r->rows_estimate, r->rows_estimate >= 0);
	if (rate_of(r) > 0)
		sg_json_set_real(one, "rows_per_s", rate_of(r));
	else
		sg_json_set_null(one, "rows_per_s");
	set_known(one, "seconds_left", seconds_left(r), seconds_left(r) >= 0);
	set_known(one, "lanes", r->lanes, r->lanes > 0);
	set_known(one, "batch_size", r->batch_size, r->batch_size > 0);
	if (r->lanes > 0)
		sg_json_set_real(one, "idle", r->idle);
	else
		sg_json_set_null(one, "idle");
	sg_json_set_text(one, "throttle", held ? r->note : NULL);
	set_known(one, "bad_rows", r->bad_rows, r->bad_rows >= 0);
	set_known(one, "left", r->left, r->left >= 0);
	sg_json_set(one, "error", sg_json_err(&r->err));
	sg_json_set_text(one, "end", sg_backfill_end_name(r->end));
	sg_json_set_int(one, "duration_ms", r->duration_ms);
	sg_json_set_int(one, "rows", r->rows);
	sg_json_set_int(one, "changed", r->changed);
	if (item->waits_for != NULL)
		sg_json_add_text(waits, item->waits_for);
	sg_json_set(one, "waits_for", waits);
	sg_json_set_text(one, "note", r->note);
	return one;
}

void sg_render_backfills_json(struct sg_json *into, const struct sg_backfills_result *result)
{
	struct sg_json *list = sg_json_array(), *summary = sg_json_object();
	struct sums sums = sum_up(result);

	for (size_t i = 0; i < result->count; i++)
		sg_json_add(list, item_json(&result->items[i]));
	sg_json_set(into, "backfills", list);
	sg_json_set_int(summary, "complete", (int64_t)sums.complete);
	sg_json_set_int(summary, "already", (int64_t)sums.already);
	sg_json_set_int(summary, "left", (int64_t)sums.left);
	sg_json_set_int(summary, "failed", (int64_t)sums.failed);
	sg_json_set_int(summary, "waiting", (int64_t)sums.waiting);
	sg_json_set_int(summary, "not_reached", (int64_t)sums.not_reached);
	sg_json_set(into, "backfill_summary", summary);
}
