/* backfill.c - the course of one backfill in one run: opened, settled, worked on by
 * lanes, pass after pass, settled again; and how it ended.
 *
 * It decides nothing that another run could decide differently at the same time:
 * that is settle.c's, under the row's lock. Every turn here is bounded. */
#include "config.h"
#include "core/backfill/backfill.h"

#include <inttypes.h>
#include <string.h>

#include "core/backfill/course.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/plugin/abi.h"

#define ROUNDS 200 /* far more than passes and sweeps of a sane manifest need */

const char *sg_backfill_end_name(enum sg_backfill_end end)
{
	static const char *const names[] = { "already", "complete", "residual", "left", "paused", "closed", "waiting", "failed",
		                             "refused", "stopped", "not_reached" };

	SG_ASSERT((unsigned)end < SG_COUNT(names));
	return names[end];
}

/* An error of the supervisor's own, or of a lane: what it means for the backfill. */
static void trouble(struct sg_course *course, struct sg_err *err)
{
	struct sg_backfill_result *result = course->result;
	const struct sg_manifest *manifest = course->run->manifest;

	sg_err_step(err, course->step->id);
	if (sg_stop_count() > 0 && (sg_class_retries(err->class) || err->class == sg_stop_class())) {
		result->end = SG_BACKFILL_END_STOPPED;
		sg_err_clear(err);
		return;
	}
	if (err->class == SG_CLASS_REFUSED || err->class == SG_CLASS_MANIFEST) {
		sg_err_at(err, manifest->path, course->step->line);
		result->end = SG_BACKFILL_END_REFUSED;
	} else if (sg_class_retries(err->class) || err->class == SG_CLASS_REJECTED) {
		result->end = SG_BACKFILL_END_LEFT;
	} else {
		sg_err_at(err, manifest->path, course->step->line);
		result->end = SG_BACKFILL_END_FAILED;
		sg_course_fail(course, err);
	}
	sg_err_move(&result->err, err);
}

/* Signals and time, between turns; true: it is over. */
static bool over(struct sg_course *course)
{
	if (sg_stop_count() > 0)
		course->result->end = SG_BACKFILL_END_STOPPED;
	else if (sg_course_over(course, 0))
		course->result->end = SG_BACKFILL_END_LEFT;
	else
		return false;
	course->timed_out = sg_stop_count() == 0;
	return true;
}

static int look(struct sg_course *course, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &course->step->policy);
	while (sg_course_look(course, err) != 0) {
		sg_session_drop(&course->session);
		if (sg_course_again(course, &retry, err) != 0)
			return -1;
	}
	return 0;
}

/* What need not be opened is not. */
static int open_it(struct sg_course *course, enum sg_next *next_r, struct sg_err *err)
{
	*next_r = SG_NEXT_ENDED;
	if (look(course, err) != 0)
		return -1;
	if (course->row.key != NULL && course->row.state == SG_BACKFILL_COMPLETE) {
		course->result->end = SG_BACKFILL_END_ALREADY;
		return 0;
	}
	if (course->row.key != NULL && course->row.state == SG_BACKFILL_PAUSED) {
		course->result->end = SG_BACKFILL_END_PAUSED;
		return 0;
	}
	if (sg_backfill_open(&course->backfill, course->run, course->step, &course->session, err) != 0)
		return -1;
	course->opened = true;
	sg_lanes_init(&course->lanes, &course->backfill);
	sg_throttle_init(&course->throttle, course->run, course->step, course->backfill.drain ? 0 : course->backfill.key.oid);
	sg_throttle_look(&course->throttle, NULL, 0, true);
	if (course->throttle.closed) {
		course->closed = true;
		course->result->end = SG_BACKFILL_END_CLOSED;
		return 0;
	}
	*next_r = SG_NEXT_SETTLE;
	return 0;
}

/* Somebody else ended the backfill, or its row is gone: what is it now? */
static int told_over(struct sg_course *course, enum sg_next *next_r, struct sg_err *err)
{
	*next_r = SG_NEXT_SETTLE;
	if (look(course, err) != 0)
		return -1;
	if (course->row.key == NULL) {
		course->result->end = SG_BACKFILL_END_LEFT;
		course->result->note = "its row of the state is gone: somebody deleted it; the next run begins anew";
		*next_r = SG_NEXT_ENDED;
	} else if (course->row.state == SG_BACKFILL_RESIDUAL) {
		course->result->end = SG_BACKFILL_END_RESIDUAL;
		*next_r = SG_NEXT_ENDED;
	}
	return 0;
}

/* All lanes of a turn have ended. -1 with err: they failed. SG_NEXT_WORK: nothing of
 * what they were to work on is left. */
static int turn_ended(struct sg_course *course, enum sg_next *next_r, struct sg_err *err)
{
	struct sg_lanes *lanes = &course->lanes;

	*next_r = SG_NEXT_ENDED;
	if (sg_stop_count() > 0 && !(lanes->failed && sg_stop_count() == 1)) {
		course->result->end = SG_BACKFILL_END_STOPPED;
		return 0;
	}
	if (lanes->failed || (lanes->gave_up && !lanes->nothing && !lanes->over)) {
		sg_err_move(err, &lanes->err);
		return -1;
	}
	sg_err_clear(&lanes->err);
	if (lanes->over)
		return told_over(course, next_r, err);
	if (course->closed) {
		course->result->end = SG_BACKFILL_END_CLOSED;
	} else if (course->timed_out) {
		if (look(course, err) != 0)
			return -1;
		course->result->end = course->row.key != NULL && course->row.state == SG_BACKFILL_PAUSED
		                              ? SG_BACKFILL_END_PAUSED
		                              : SG_BACKFILL_END_LEFT;
	} else {
		*next_r = SG_NEXT_WORK;
	}
	return 0;
}

/* One turn of lanes; SG_NEXT_WORK: look what is left now. */
static int turn(struct sg_course *course, bool later, enum sg_next *next_r, struct sg_err *err)
{
	const char *before = NULL;
	int count = course->limits->jobs > 0 ? course->limits->jobs : course->step->backfill.jobs;

	if (later) {
		if (sg_course_pass(course, &before, err) != 0)
			return -1;
		if (course->row.deferred < count)
			count = course->row.deferred > 0 ? (int)course->row.deferred : 1;
	}
	if (sg_course_tend(course, count, before, err) != 0)
		return -1;
	return turn_ended(course, next_r, err);
}

/* The first pass, and those over what was locked, until no range is left. */
static int work(struct sg_course *course, enum sg_next *next_r, struct sg_err *err)
{
	bool drain = course->backfill.drain;
	bool later = !drain && course->row.ranges > 0 && course->row.ranges == course->row.deferred;

	for (int turns = 0; turns < ROUNDS; turns++) {
		if (turn(course, later, next_r, err) != 0)
			return -1;
		if (*next_r != SG_NEXT_WORK)
			return 0;
		course->emptied = true;
		*next_r = SG_NEXT_SETTLE;
		if (drain)
			return 0;
		if (look(course, err) != 0)
			return -1;
		if (course->row.key == NULL || course->row.ranges == 0 || course->row.state == SG_BACKFILL_COMPLETE ||
		    course->row.state == SG_BACKFILL_FAILED)
			return 0;
		*next_r = SG_NEXT_ENDED;
		if (over(course))
			return 0;
		if (course->row.ranges > course->row.deferred) {
			/* another run has begun a new sweep */
			later = false;
			continue;
		}
		if (course->pass >= course->step->backfill.max_passes)
			break;
		if (!sg_course_pause(course, (int64_t)course->step->backfill.pass_pause_seconds * 1000,
		                     "rows are locked: pauses before the next pass")) {
			(void)over(course);
			return 0;
		}
		course->pass++;
		later = true;
	}
	course->result->end = SG_BACKFILL_END_LEFT;
	return 0;
}

static int run_course(struct sg_course *course, struct sg_err *err)
{
	enum sg_next next;

	if (open_it(course, &next, err) != 0)
		return -1;
	for (int rounds = 0; next != SG_NEXT_ENDED; rounds++) {
		int sweeps = course->sweeps;

		if (over(course))
			return 0;
		if (rounds >= ROUNDS) {
			course->result->end = SG_BACKFILL_END_LEFT;
			return 0;
		}
		if (sg_course_settle(course, &next, err) != 0)
			return -1;
		if (next != SG_NEXT_WORK)
			continue;
		if (look(course, err) != 0)
			return -1;
		/* drain mode: what the plugin left out is locked, as far as one can tell */
		if (course->backfill.drain && sweeps > 0 && course->sweeps > sweeps &&
		    !sg_course_pause(course, (int64_t)course->step->backfill.pass_pause_seconds * 1000,
		                     "rows are left: pauses before it looks again")) {
			(void)over(course);
			return 0;
		}
		if (work(course, &next, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- the result ----------------------------------------------------------------- */

static void add(struct sg_buf *text, const char *format, ...) SG_PRINTF(2, 3);
static void add(struct sg_buf *text, const char *format, ...)
{
	va_list args;

	if (text->length > 0)
		sg_buf_adds(text, "; ");
	va_start(args, format);
	sg_buf_vaddf(text, format, args);
	va_end(args);
}

static void note_time(const struct sg_course *course, struct sg_buf *text)
{
	const struct sg_backfill_limits *limits = course->limits;
	int64_t own = course->step->backfill.max_seconds;

	if (!course->timed_out)
		return;
	if (limits->deadline_ms != 0 && course->deadline_ms == limits->deadline_ms)
		add(text, "the time of this run is over");
	else if (own > 0)
		add(text, "its time is over (max_seconds = %" PRId64 ")", own);
	else
		add(text, "it waited long enough");
	if (course->result->end == SG_BACKFILL_END_LEFT)
		sg_buf_adds(text, ", the next run goes on");
}

/* What a person should know, in one line. */
static void note(struct sg_course *course)
{
	struct sg_backfill_result *result = course->result;
	struct sg_buf text = SG_BUF_INIT;
	const char *id = course->step->id;
	char span[32];

	note_time(course, &text);
	if (result->end == SG_BACKFILL_END_PAUSED)
		add(&text, "paused by %s%s%s: sgrun backfill --resume %s",
		    course->row.paused_by != NULL ? course->row.paused_by : "somebody", course->row.paused_at != NULL ? " since " : "",
		    course->row.paused_at != NULL ? course->row.paused_at : "", id);
	if (result->end == SG_BACKFILL_END_CLOSED && course->throttle.holds != NULL)
		add(&text, "%s", course->throttle.holds);
	if (result->deferred > 0)
		add(&text, "%" PRId64 " row%s locked whenever it came by", result->deferred, result->deferred == 1 ? " was" : "s were");
	if (result->deferred > 0 && course->opened && course->lanes.held[0] != '\0')
		sg_buf_addf(&text, " (the last: %s)", course->lanes.held);
	if (result->bad_rows > 0)
		add(&text, "%" PRId64 " row%s for %s own data: sgrun status names them; mend them, then sgrun backfill --retry %s",
		    result->bad_rows, result->bad_rows == 1 ? " fails" : "s fail", result->bad_rows == 1 ? "its" : "their", id);
	else if (result->end == SG_BACKFILL_END_RESIDUAL && course->opened && !course->backfill.drain &&
	         !(course->backfill.flags & SG_REPEATABLE))
		add(&text, "rows were added or changed since they were done");
	else if (result->end == SG_BACKFILL_END_RESIDUAL)
		add(&text, "its fingerprint does not hold, and another look changed nothing more");
	if (course->held_by[0] != '\0' && course->held_ms >= 1000) {
		sg_clock_text(course->held_ms, span);
		add(&text, "held back for %s, last by %s", span, course->held_by);
	}
	if (text.length > 0 && result->note == NULL)
		result->note = sg_arena_strdup(course->run->arena, text.data);
	sg_buf_release(&text);
}

static void conclude(struct sg_course *course)
{
	struct sg_backfill_result *result = course->result;
	struct sg_err why = SG_ERR_INIT;

	result->duration_ms = sg_clock_ms() - course->started_ms;
	result->rows_done = result->rows_estimate = result->left = result->bad_rows = result->deferred = -1;
	if (course->opened) {
		result->rows = course->lanes.rows;
		result->changed = course->lanes.changed;
		result->batches = course->lanes.batches;
		result->lanes = course->lanes.most;
		result->batch_size = sg_lanes_batch_size(&course->lanes);
		result->idle = course->lanes.lane_ms > 0 ? (double)course->lanes.idle_ms / (double)course->lanes.lane_ms : 0;
	}
	if (sg_stop_count() < 2 && sg_course_look(course, &why) != 0)
		memset(&course->row, 0, sizeof course->row);
	sg_err_release(&why);
	if (course->row.key != NULL) {
		result->rows_done = course->row.rows_done;
		result->rows_estimate = course->row.rows_estimate;
		result->left = course->row.left;
		result->bad_rows = course->row.bad_rows;
		result->deferred = course->row.deferred;
	}
	note(course);
}

void sg_backfill_run(struct sg_run *run, const struct sg_step *step, const struct sg_backfill_limits *limits,
                     struct sg_backfill_result *result_r)
{
	struct sg_course course = { .run = run, .step = step, .limits = limits, .result = result_r, .pass = 1 };
	struct sg_err err = SG_ERR_INIT;

	memset(result_r, 0, sizeof *result_r);
	result_r->end = SG_BACKFILL_END_NOT_REACHED;
	sg_err_defer(&result_r->err, run->arena);
	course.started_ms = sg_clock_ms();
	course.deadline_ms = step->backfill.max_seconds > 0 ? course.started_ms + (int64_t)step->backfill.max_seconds * 1000 : 0;
	if (limits->deadline_ms != 0 && (course.deadline_ms == 0 || limits->deadline_ms < course.deadline_ms))
		course.deadline_ms = limits->deadline_ms;
	sg_session_init(&course.session, run, false);
	if (run_course(&course, &err) != 0)
		trouble(&course, &err);
	if (course.opened)
		sg_lanes_kill(&course.lanes);
	if (course.running && result_r->end != SG_BACKFILL_END_COMPLETE && result_r->end != SG_BACKFILL_END_RESIDUAL &&
	    result_r->end != SG_BACKFILL_END_FAILED)
		sg_course_leave(&course);
	conclude(&course);
	if (course.opened) {
		sg_lanes_release(&course.lanes);
		sg_throttle_release(&course.throttle);
	}
	sg_session_drop(&course.session);
	sg_arena_release(&course.row_arena);
}
