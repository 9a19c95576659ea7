/* render_status.c - status as a table for people: migrations, indexes, backfills; and the sums of all. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/cli/render.h"

#define STATE_FIELD 12
#define WHEN_FIELD 21
#define TOOK_FIELD 10

struct sg_status_summary sg_render_status_summary(const struct sg_status *status)
{
	struct sg_status_summary summary = { 0, 0, 0 };

	for (size_t i = 0; i < status->migration_count; i++) {
		const char *state = status->migrations[i].state;

		summary.pending += strcmp(state, "pending") == 0;
		summary.waiting += strcmp(state, "waiting") == 0;
		summary.failed += strcmp(state, "failed") == 0;
	}
	for (size_t i = 0; i < status->backfill_count; i++) {
		const char *state = status->backfills[i].state;

		if (strcmp(state, "failed") == 0 || strcmp(state, "residual") == 0)
			summary.failed++;
		else if (strcmp(state, "waiting") == 0)
			summary.waiting++;
		else
			summary.pending += strcmp(state, "complete") != 0;
	}
	for (size_t i = 0; i < status->index_count; i++) {
		const char *state = status->indexes[i].state;

		if (strcmp(state, "failed") == 0 || strcmp(state, "drifted") == 0 || strcmp(state, "refused") == 0)
			summary.failed++;
		else if (strcmp(state, "waiting") == 0)
			summary.waiting++;
		else
			summary.pending += strcmp(state, "valid") != 0;
	}
	return summary;
}

static enum sg_tone tone_of(const char *state)
{
	static const struct { const char *state; enum sg_tone tone; } tones[] = {
		{ "applied", SG_TONE_GOOD }, { "reconciled", SG_TONE_NOTE }, { "adopted", SG_TONE_NOTE },
		{ "superseded", SG_TONE_NOTE }, { "waiting", SG_TONE_WARN }, { "failed", SG_TONE_BAD },
		{ "complete", SG_TONE_GOOD }, { "running", SG_TONE_GOOD }, { "paused", SG_TONE_WARN },
		{ "stopped", SG_TONE_WARN }, { "residual", SG_TONE_BAD }, { "valid", SG_TONE_GOOD },
		{ "building", SG_TONE_GOOD }, { "drifted", SG_TONE_WARN }, { "invalid", SG_TONE_BAD },
		{ "refused", SG_TONE_BAD },
	};

	for (size_t i = 0; i < SG_COUNT(tones); i++)
		if (strcmp(tones[i].state, state) == 0)
			return tones[i].tone;
	return SG_TONE_PLAIN;
}

static size_t longer(size_t longest, const char *id)
{
	size_t chars = sg_look_chars(id);

	return chars > longest ? chars : longest;
}

static size_t column_of(const struct sg_look *look, const struct sg_status *status)
{
	size_t longest = strlen("MIGRATION");

	for (size_t i = 0; i < status->migration_count; i++)
		longest = longer(longest, status->migrations[i].id);
	for (size_t i = 0; i < status->backfill_count; i++)
		longest = longer(longest, status->backfills[i].step->id);
	for (size_t i = 0; i < status->index_count; i++)
		longest = longer(longest, status->indexes[i].step->id);
	return sg_look_column(look, longest);
}

static void add_head(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                     const struct sg_status *status)
{
	sg_look_add(out, look, SG_TONE_STRONG, run->dsn.text != NULL ? run->dsn.text : "?");
	sg_buf_adds(out, status->pooler ? ", behind a pooler\n" : "\n");
	if (status->state_version == 0)
		sg_buf_adds(out, "There are no state tables yet: nothing was ever run here.\n");
	if (status->lease_owner != NULL) {
		sg_look_add(out, look, SG_TONE_WARN, status->lease_alive ? "Lease" : "Lease of a dead runner");
		sg_buf_adds(out, ": ");
		sg_look_add(out, look, SG_TONE_PLAIN, status->lease_owner);
		sg_buf_adds(out, " since ");
		sg_look_add(out, look, SG_TONE_PLAIN, status->lease_since != NULL ? status->lease_since : "?");
		if (status->lease_doing != NULL) {
			sg_buf_adds(out, ", ");
			sg_look_add(out, look, SG_TONE_PLAIN, status->lease_doing);
		}
		sg_buf_addc(out, '\n');
	}
}

/* "2026-01-31 12:00:00": the fraction and zone of the second are left to --json. */
static void add_when(struct sg_buf *out, const struct sg_look *look, const char *when)
{
	struct sg_buf text = SG_BUF_INIT;

	if (when != NULL)
		sg_buf_add(&text, when, strnlen(when, 19));
	if (text.length > 10 && text.data[10] == 'T')
		text.data[10] = ' ';
	sg_look_field(out, look, SG_TONE_PLAIN, text.data, WHEN_FIELD, false);
	sg_buf_release(&text);
}

/* "waits for backfill:b (312,000 of about 1,000,000 rows left)" */
static void add_gate(struct sg_buf *out, const struct sg_look *look, bool first, const char *gate, const char *why)
{
	sg_buf_adds(out, first ? "  waits for " : ", ");
	sg_look_add(out, look, SG_TONE_WARN, gate);
	if (why != NULL) {
		sg_buf_adds(out, " (");
		sg_look_add(out, look, SG_TONE_FAINT, why);
		sg_buf_addc(out, ')');
	}
}

static void add_row(struct sg_buf *out, const struct sg_look *look, size_t column,
                    const struct sg_status_migration *m)
{
	const char *when = m->applied_at != NULL ? m->applied_at : m->failed_at;
	char took[32] = "";

	if (m->duration_ms >= 0)
		sg_clock_text(m->duration_ms, took);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_PLAIN, m->id, column, look->width > 0);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone_of(m->state), m->state, STATE_FIELD, false);
	add_when(out, look, when);
	sg_look_right(out, look, SG_TONE_PLAIN, took, TOOK_FIELD);
	if (m->attempts > 1)
		sg_buf_addf(out, "  %d attempts", m->attempts);
	for (size_t i = 0; i < m->waits_count; i++)
		add_gate(out, look, i == 0, m->waits_for[i], m->waits_why != NULL ? m->waits_why[i] : NULL);
	if (m->step == NULL)
		sg_buf_adds(out, "  not in the manifest");
	if (m->reason != NULL) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_FAINT, m->reason);
	}
	sg_look_end(out);
	if (m->err.class != SG_CLASS_NONE)
		sg_render_err(out, look, "      ", &m->err);
}

static struct sg_backfill_progress progress_of(const struct sg_status_backfill *b)
{
	const struct sg_backfill_row *row = b->row;
	bool runs = strcmp(b->state, "running") == 0; /* else what it did last says nothing of now */

	return (struct sg_backfill_progress){
		.rows_done = row->rows_done, .rows_estimate = row->rows_estimate, .rows_per_s = runs ? row->rows_per_s : 0,
		.seconds_left = runs ? row->seconds_left : -1, .lanes = runs ? row->lanes : 0,
		.batch_size = runs && row->lanes > 0 ? row->batch_size : 0,
		.pass = row->pass, .deferred = row->deferred, .bad_rows = row->bad_rows, .throttle = b->throttle,
	};
}

/* Seconds of "2026-01-31T12:00:00.123Z"; -1: no such text. */
static int64_t seconds_of(const char *when)
{
	struct tm tm = { 0 };

	if (when == NULL || sscanf(when, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
	                           &tm.tm_min, &tm.tm_sec) != 6)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

/* From its beginning to its end, pauses included. */
static void add_took(struct sg_buf *out, const struct sg_look *look, const struct sg_backfill_row *row)
{
	bool complete = row != NULL && row->state == SG_BACKFILL_COMPLETE;
	int64_t from = complete ? seconds_of(row->started_at) : -1, to = complete ? seconds_of(row->finished_at) : -1;
	struct sg_buf took = SG_BUF_INIT;

	if (from >= 0 && to == from)
		sg_buf_adds(&took, "< 1 s");
	else if (from >= 0 && to > from)
		sg_render_time_left(&took, to - from);
	sg_look_right(out, look, SG_TONE_PLAIN, took.data, TOOK_FIELD);
	sg_buf_release(&took);
}

/* How far it is; of a complete one, how many rows it was. */
static void add_progress(struct sg_buf *out, const struct sg_look *look, const struct sg_status_backfill *b)
{
	struct sg_buf text = SG_BUF_INIT;

	if (b->row == NULL || !b->row->begun) {
		if (b->throttle != NULL)
			sg_buf_addf(&text, "not begun; held: %s", b->throttle);
	} else if (b->row->state == SG_BACKFILL_COMPLETE) {
		sg_look_number(&text, b->row->rows_done);
		sg_buf_adds(&text, b->row->rows_done == 1 ? " row" : " rows");
	} else if (b->row->state == SG_BACKFILL_RESIDUAL) { /* what is left came besides: no share of it */
		sg_look_number(&text, b->row->rows_done);
		sg_buf_adds(&text, b->row->rows_done == 1 ? " row done" : " rows done");
		if (b->row->left >= 0) {
			sg_buf_adds(&text, ", ");
			sg_look_number(&text, b->row->left);
			sg_buf_adds(&text, " left");
		}
	} else {
		struct sg_backfill_progress progress = progress_of(b);

		sg_render_fill_text(&text, &progress);
		if (strcmp(b->state, "stopped") == 0 && b->row->silent_s >= 0) {
			sg_buf_adds(&text, "; nobody is at it, the last batch was ");
			sg_render_time_left(&text, b->row->silent_s);
			sg_buf_adds(&text, " ago");
		}
	}
	if (text.length > 0) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_PLAIN, text.data);
	}
	sg_buf_release(&text);
}

/* What a person is to do about it. */
static void add_remedy(struct sg_buf *out, const struct sg_look *look, const struct sg_status_backfill *b)
{
	const struct sg_backfill_row *row = b->row;
	bool residual = row != NULL && row->state == SG_BACKFILL_RESIDUAL;

	for (size_t i = 0; i < b->bad_count; i++) {
		const struct sg_bad_row *bad = &b->bad[i];

		sg_buf_adds(out, "      bad row ");
		sg_look_add(out, look, SG_TONE_PLAIN, bad->key);
		if (bad->message != NULL) {
			sg_buf_adds(out, ": ");
			sg_look_add(out, look, SG_TONE_PLAIN, bad->message);
		}
		if (bad->sqlstate != NULL)
			sg_buf_addf(out, " (SQLSTATE %s)", bad->sqlstate);
		sg_buf_addc(out, '\n');
	}
	if (b->bad_count > 0 && row->bad_rows > (int64_t)b->bad_count)
		sg_buf_addf(out, "      and %" PRId64 " more bad rows, in the state table backfill_failures\n",
		            row->bad_rows - (int64_t)b->bad_count);
	if (b->bad_count > 0 && residual)
		sg_buf_adds(out, "      mend them, then: sgrun backfill --retry ");
	else if (residual)
		sg_buf_adds(out, "      its fingerprint does not hold; to go over all rows once more, the done ones too: sgrun backfill --again ");
	else
		return;
	sg_look_add(out, look, SG_TONE_PLAIN, b->step->id);
	sg_buf_addc(out, '\n');
}

static void add_backfill(struct sg_buf *out, const struct sg_look *look, size_t column,
                         const struct sg_status_backfill *b)
{
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_PLAIN, b->step->id, column, look->width > 0);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone_of(b->state), b->state, STATE_FIELD, false);
	add_when(out, look, b->row == NULL ? NULL : b->row->finished_at != NULL ? b->row->finished_at : b->row->started_at);
	add_took(out, look, b->row);
	add_progress(out, look, b);
	for (size_t i = 0; i < b->waits_count; i++)
		add_gate(out, look, i == 0, b->waits_for[i], b->waits_why != NULL ? b->waits_why[i] : NULL);
	sg_look_end(out);
	if (b->row != NULL && b->row->err.class != SG_CLASS_NONE)
		sg_render_err(out, look, "      ", &b->row->err);
	add_remedy(out, look, b);
}

/* Over the rows of one kind. */
static void add_heading(struct sg_buf *out, const struct sg_look *look, size_t column, const char *kind)
{
	struct sg_buf head = SG_BUF_INIT;

	sg_buf_adds(&head, "  ");
	sg_look_field(&head, look, SG_TONE_PLAIN, kind, column, false);
	sg_buf_adds(&head, "  ");
	sg_look_field(&head, look, SG_TONE_PLAIN, "STATE", STATE_FIELD, false);
	sg_look_field(&head, look, SG_TONE_PLAIN, "WHEN", WHEN_FIELD, false);
	sg_look_right(&head, look, SG_TONE_PLAIN, "TOOK", TOOK_FIELD);
	sg_look_add(out, look, SG_TONE_STRONG, head.data);
	sg_buf_addc(out, '\n');
	sg_buf_release(&head);
}

/* What is going on with it, or what it is. */
static void add_build(struct sg_buf *out, const struct sg_look *look, const struct sg_status_index *x)
{
	const struct sg_index_row *row = x->row;
	struct sg_buf text = SG_BUF_INIT;

	if (strcmp(x->state, "building") == 0) {
		sg_render_build_text(&text, &x->progress);
		if (row != NULL && row->owner != NULL)
			sg_buf_addf(&text, "; by %s", row->owner);
	} else if (strcmp(x->state, "stopped") == 0) {
		sg_buf_adds(&text, "nobody is at it; the next run goes on");
	} else if (strcmp(x->state, "invalid") == 0) {
		sg_buf_adds(&text, "the next run drops it and builds it anew");
	} else if (row != NULL && row->bytes >= 0) {
		sg_render_bytes(&text, row->bytes);
	}
	if (text.length > 0) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_PLAIN, text.data);
	}
	sg_buf_release(&text);
}

static void add_index(struct sg_buf *out, const struct sg_look *look, size_t column, const struct sg_status_index *x)
{
	const struct sg_index_row *row = x->row;
	bool ended = row != NULL && strcmp(x->state, "building") != 0 && strcmp(x->state, "stopped") != 0;
	char took[32] = "";

	if (ended && row->duration_ms >= 0)
		sg_clock_text(row->duration_ms, took);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_PLAIN, x->step->id, column, look->width > 0);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone_of(x->state), x->state, STATE_FIELD, false);
	add_when(out, look, row == NULL ? NULL : ended && row->finished_at != NULL ? row->finished_at : row->started_at);
	sg_look_right(out, look, SG_TONE_PLAIN, took, TOOK_FIELD);
	add_build(out, look, x);
	for (size_t i = 0; i < x->waits_count; i++)
		add_gate(out, look, i == 0, x->waits_for[i], x->waits_why != NULL ? x->waits_why[i] : NULL);
	sg_look_end(out);
	if (x->err.class != SG_CLASS_NONE)
		sg_render_err(out, look, "      ", &x->err);
}

void sg_render_status(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                      const struct sg_status *status)
{
	struct sg_status_summary sum = sg_render_status_summary(status);
	size_t column = column_of(look, status);

	add_head(out, look, run, status);
	if (status->migration_count > 0)
		add_heading(out, look, column, "MIGRATION");
	for (size_t i = 0; i < status->migration_count; i++)
		add_row(out, look, column, &status->migrations[i]);
	if (status->index_count > 0)
		add_heading(out, look, column, "INDEX");
	for (size_t i = 0; i < status->index_count; i++)
		add_index(out, look, column, &status->indexes[i]);
	if (status->backfill_count > 0)
		add_heading(out, look, column, "BACKFILL");
	for (size_t i = 0; i < status->backfill_count; i++)
		add_backfill(out, look, column, &status->backfills[i]);
	if (sum.pending + sum.waiting + sum.failed == 0)
		sg_look_add(out, look, SG_TONE_GOOD, "Nothing is left to do.");
	else
		sg_buf_addf(out, "%zu pending, %zu waiting, %zu failed.", sum.pending, sum.waiting, sum.failed);
	sg_buf_addc(out, '\n');
}
