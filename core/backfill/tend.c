/* tend.c - the supervisor's loop while lanes work: notes, throttles, time, signals,
 * and how it goes. It sends no batch, and nothing that it does on its own
 * connection may hold up the lanes for longer than a moment. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backfill/course.h"
#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/exec/serve.h"

#define TICK_MS 100
#define SHOW_MS 200
#define LOOK_MS 5000      /* how often the state is read again, for what others did */
#define PAUSED_LOOK_MS 1000
#define MESSAGE_MS 5000   /* how often a message is written again, a sign of life and for its numbers */
#define CANCEL_MS 10000   /* from the second STOP to SIGKILL */
#define PAUSED_LIMIT_MS 600000 /* where there is no other limit: nothing waits for ever */

bool sg_course_over(const struct sg_course *course, int64_t ms)
{
	return course->deadline_ms != 0 && sg_clock_ms() + ms >= course->deadline_ms;
}

int64_t sg_course_rows(struct sg_course *course)
{
	int64_t rows = (course->row.key != NULL ? course->row.rows_done : 0) + course->lanes.rows - course->row_rows;

	/* what was read and what was told cross: never backwards for a person's eyes */
	if (rows > course->shown_rows)
		course->shown_rows = rows;
	return course->shown_rows;
}

static bool is_paused(const struct sg_course *course)
{
	return course->row.key != NULL && course->row.state == SG_BACKFILL_PAUSED;
}

void sg_course_show(struct sg_course *course, const char *doing, bool now)
{
	const struct sg_observer *observer = course->run->observer;
	struct sg_backfill_progress progress = { .rows_estimate = -1, .seconds_left = -1 };
	struct sg_lanes *lanes = &course->lanes;
	double duty = course->step->backfill.duty;
	char paused[SG_LANES_TEXT];

	if (observer == NULL || observer->fill_progress == NULL ||
	    (!now && sg_clock_ms() - course->progress_ms < SHOW_MS))
		return;
	course->progress_ms = sg_clock_ms();
	progress.rows_done = sg_course_rows(course);
	progress.rows_per_s = sg_lanes_rate(lanes);
	progress.lanes = sg_lanes_alive(lanes);
	progress.idle = sg_lanes_idle(lanes);
	progress.batch_size = sg_lanes_batch_size(lanes);
	progress.pass = course->pass;
	if (course->row.key != NULL) {
		progress.rows_estimate = course->row.rows_estimate;
		progress.deferred = course->row.deferred;
		progress.bad_rows = course->row.bad_rows;
	}
	if (progress.rows_estimate >= 0 && progress.rows_per_s > 0) {
		int64_t left = progress.rows_estimate - progress.rows_done;

		progress.seconds_left = left > 0 ? (int64_t)((double)left / progress.rows_per_s + 0.5) : 0;
	}
	if (is_paused(course)) {
		(void)snprintf(paused, sizeof paused, "paused by %s", course->row.paused_by != NULL ? course->row.paused_by : "?");
		progress.throttle = paused;
	} else if (course->throttle.holds == NULL && duty < 1) {
		(void)snprintf(paused, sizeof paused, "duty: at work for %.0f %% of the time (duty = %.2f)", duty * 100, duty);
		progress.throttle = paused;
	} else {
		progress.throttle = course->throttle.holds;
	}
	progress.doing = doing != NULL ? doing : sg_lanes_doing(lanes);
	progress.elapsed_ms = sg_clock_ms() - course->started_ms;
	observer->fill_progress(observer->context, course->step, &progress);
}

/* Of use, never of need: a server that is away is the lanes' to tell. */
static void look(struct sg_course *course)
{
	struct sg_err why = SG_ERR_INIT;
	bool paused = course->lanes.paused_said || is_paused(course);

	if (sg_clock_ms() - course->row_ms < (paused ? PAUSED_LOOK_MS : LOOK_MS))
		return;
	course->lanes.paused_said = false;
	if (sg_course_look(course, &why) != 0) {
		sg_session_drop(&course->session);
		course->row_ms = sg_clock_ms();
	} else if (course->row.key != NULL && course->row.state == SG_BACKFILL_PENDING) {
		/* another run went, and took the state for its own */
		sg_course_message(course, course->message_set ? course->message : NULL);
	}
	sg_err_release(&why);
}

/* What holds the lanes goes to the state too, for whoever asks from elsewhere. */
static void say_hold(struct sg_course *course)
{
	const char *holds = course->throttle.holds;
	int64_t now = sg_clock_ms();

	if (holds == NULL && course->held_since_ms != 0) {
		course->held_ms += now - course->held_since_ms;
		course->held_since_ms = 0;
	} else if (holds != NULL && course->held_since_ms == 0) {
		course->held_since_ms = now;
	}
	if (holds != NULL)
		(void)snprintf(course->held_by, sizeof course->held_by, "%s", holds);
	if ((holds != NULL) == course->message_set &&
	    (holds == NULL || now - course->message_ms < MESSAGE_MS))
		return;
	sg_course_message(course, holds);
}

static void throttle(struct sg_course *course, int *backends)
{
	struct sg_throttle *throttle = &course->throttle;
	int64_t before = throttle->looked_ms;

	sg_throttle_look(throttle, backends, sg_lanes_backends(&course->lanes, backends), false);
	if (throttle->looked_ms == before)
		return;
	if (throttle->closed) {
		course->closed = true;
		sg_lanes_stop(&course->lanes, 1, 0);
	}
	sg_lanes_hold(&course->lanes, throttle->holds != NULL);
	if (throttle->blocking)
		sg_lanes_shrink(&course->lanes);
	say_hold(course);
}

/* Signals, time, and lanes whose end is the end of all. */
static void stop_in_time(struct sg_course *course, int64_t *paused_ms)
{
	struct sg_lanes *lanes = &course->lanes;
	int64_t now = sg_clock_ms();

	if (sg_stop_count() > 0)
		sg_lanes_stop(lanes, sg_stop_count(), sg_stop_class() == SG_CLASS_TERMINATED ? SIGTERM : SIGINT);
	if (lanes->failed || lanes->over)
		sg_lanes_stop(lanes, 1, 0);
	if (!is_paused(course))
		*paused_ms = now;
	if (lanes->stop_sent == 0 &&
	    (sg_course_over(course, 0) || (course->deadline_ms == 0 && now - *paused_ms > PAUSED_LIMIT_MS))) {
		course->timed_out = true;
		sg_lanes_stop(lanes, 1, 0);
	}
}

/* A lane that was told to stop ends with its batch; how long that may take is bounded too. */
static void insist(struct sg_course *course, int64_t *asked_ms, int *asked)
{
	struct sg_lanes *lanes = &course->lanes;
	int64_t now = sg_clock_ms();
	int64_t patience = (int64_t)course->step->backfill.statement_seconds * 1000 * SG_BATCH_STATEMENTS +
	                   (int64_t)course->step->policy.plugin_seconds * 1000 + CANCEL_MS;

	if (lanes->stop_sent == 0)
		return;
	if (lanes->stop_sent != *asked) {
		*asked = lanes->stop_sent;
		*asked_ms = now;
	} else if (*asked >= 2 && now - *asked_ms > CANCEL_MS) {
		sg_lanes_kill(lanes);
	} else if (*asked == 1 && now - *asked_ms > patience) {
		sg_lanes_stop(lanes, 2, 0);
	}
}

int sg_course_tend(struct sg_course *course, int count, const char *deferred_before, struct sg_err *err)
{
	struct sg_lanes *lanes = &course->lanes;
	int64_t asked_ms = 0, paused_ms = sg_clock_ms();
	int *backends, asked = 0;

	if (sg_lanes_start(lanes, count, deferred_before, err) != 0)
		return -1;
	backends = sg_xcalloc((size_t)count, sizeof *backends);
	/* asked at its lanes' side, a server that does not answer is no news here */
	course->session.connect_ms = 2000;
	while (sg_lanes_alive(lanes) > 0) {
		sg_lanes_listen(lanes, TICK_MS);
		stop_in_time(course, &paused_ms);
		insist(course, &asked_ms, &asked);
		if (lanes->stop_sent == 0) {
			throttle(course, backends);
			look(course);
		}
		sg_course_show(course, NULL, false);
	}
	course->session.connect_ms = 0;
	if (course->held_since_ms != 0)
		course->held_ms += sg_clock_ms() - course->held_since_ms;
	course->held_since_ms = 0;
	free(backends);
	return 0;
}

bool sg_course_pause(struct sg_course *course, int64_t ms, const char *doing)
{
	int64_t end = sg_clock_ms() + ms;

	while (sg_clock_ms() < end) {
		if (sg_course_over(course, 0) || !sg_stop_sleep(sg_clock_left(end) < TICK_MS ? sg_clock_left(end) : TICK_MS))
			return false;
		sg_course_show(course, doing, false);
	}
	return true;
}
