/* lane.c - the life of a lane: round after round of batch.c, until there is nothing
 * left to do, it is told to stop, or it cannot go on. */
#include "config.h"
#include "core/backfill/lane.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/backfill/batch.h"
#include "core/backfill/throttle.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/retry.h"
#include "core/plugin/nursery.h"

#define WANT_MS 500        /* how often a lane without a range asks for one */
#define PAUSED_LOOK_MS 300
#define SAY_MS 200         /* what it waits for is told no more often */
#define MOST_SPLITS 200    /* in a row; a batch of 50,000 is bisected in 16 */

/* A lane is a process: there is one. */
static struct {
	atomic_bool hold, shrink;
	char *said;            /* the last SG_NOTE_DOING; NULL: nothing */
	int64_t said_ms;
} told;

/* ---- to and from the supervisor ---------------------------------------------- */

/* Of the thread that listens. */
static void hear(const struct sg_note *note)
{
	if (note->kind == SG_NOTE_HOLD)
		atomic_store(&told.hold, note->n[0] != 0);
	else if (note->kind == SG_NOTE_SHRINK)
		atomic_store(&told.shrink, true);
}

static void send_begun(struct sg_lane *lane, int backend)
{
	struct sg_note note = { .kind = SG_NOTE_BEGUN, .n = { backend } };

	(void)lane;
	sg_worker_send(&note);
}

/* text NULL: it waits no longer. */
static void say(const char *text)
{
	int64_t now = sg_clock_ms();

	if (text == NULL && told.said == NULL)
		return;
	if (text != NULL && told.said != NULL && (strcmp(text, told.said) == 0 || now - told.said_ms < SAY_MS))
		return;
	free(told.said);
	told.said = text != NULL ? sg_xstrdup(text) : NULL;
	told.said_ms = now;
	sg_worker_say(SG_NOTE_DOING, text);
}

/* Of the executor: for whom a statement waits. The statements themselves are no news. */
static void on_doing(void *context, const struct sg_step *step, const char *text)
{
	(void)context;
	(void)step;
	if (strncmp(text, "lock held by", 12) == 0)
		say(text);
}

/* ---- waiting ------------------------------------------------------------------ */

/* false: a stop was asked for. */
static bool hold_still(void)
{
	while (atomic_load(&told.hold))
		if (!sg_stop_sleep(20))
			return false;
	return sg_stop_count() == 0;
}

/* ---- the course ---------------------------------------------------------------- */

struct course {
	struct sg_lane lane;
	struct sg_retry retry;
	int idle_turns;            /* in a row without a range */
	int64_t wanted_ms;         /* when it asked for a range last */
	int64_t blocked_since_ms;  /* the table is locked by somebody; 0: it is not */
	int splits;                /* rounds in a row that looked closer and moved nothing */
	bool idle_said;
};

static void say_idle(struct course *c, const char *text)
{
	if (c->idle_said)
		return;
	c->idle_said = true;
	sg_worker_say(SG_NOTE_IDLE, text);
}

/* All ranges are held: whoever holds a large one may cut it. Best effort. */
static void want(struct course *c)
{
	struct sg_session *session = &c->lane.session;
	const struct sg_backfill *backfill = c->lane.backfill;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	struct sg_result *rows;

	c->wanted_ms = sg_clock_ms();
	if (sg_session_open(session, &err) == 0 &&
	    sg_session_begin_batch(session, backfill->step, "SELECT 1", &arena, &rows, &err) == 0) {
		sg_ranges_want(&session->pending, &backfill->ranges, &arena);
		if (sg_session_flush(session, &err) == 0 && sg_db_commit(session->db, &err) == 0)
			session->begun = false;
	}
	if (err.class != SG_CLASS_NONE)
		sg_session_drop(session);
	sg_err_release(&err);
	sg_arena_release(&arena);
}

/* After a round without a range: true = the lane is at its end (*end_r). */
static bool wait_for_range(struct course *c, const struct sg_batch_result *result, struct sg_arena *arena,
                           enum sg_lane_end *end_r)
{
	static const int pauses[] = { 5, 10, 20, 50 };

	switch (result->claimed) {
	case SG_CLAIMED_NOTHING:
		*end_r = SG_LANE_NOTHING_LEFT;
		return true;
	case SG_CLAIMED_OVER:
		*end_r = SG_LANE_OVER;
		return true;
	case SG_CLAIMED_PAUSED:
		say_idle(c, sg_arena_printf(arena, "paused by %s", result->paused_by != NULL ? result->paused_by : "somebody"));
		(void)sg_stop_sleep(PAUSED_LOOK_MS);
		return false;
	case SG_CLAIMED_BUSY:
	case SG_CLAIMED_RANGE:
		break;
	}
	say_idle(c, NULL);
	if (!c->lane.backfill->drain && c->idle_turns > 0 && sg_clock_ms() - c->wanted_ms >= WANT_MS)
		want(c);
	(void)sg_stop_sleep(pauses[c->idle_turns < (int)SG_COUNT(pauses) ? c->idle_turns : (int)SG_COUNT(pauses) - 1]);
	c->idle_turns++;
	return false;
}

static void tell_done(struct course *c, const struct sg_batch_result *result)
{
	struct sg_note note = { .kind = SG_NOTE_DONE,
		                .n = { result->rows, result->changed, result->work_us, sg_size_next(&c->lane.size) } };

	sg_worker_send(&note);
}

/* The table itself is locked: wait, but not for ever. */
static bool wait_for_table(struct course *c, const struct sg_batch_result *result, struct sg_arena *arena,
                           enum sg_lane_end *end_r, struct sg_err *err)
{
	const struct sg_policy_settings *policy = &c->lane.backfill->step->policy;
	int64_t now = sg_clock_ms(), pause = policy->lock_pause_ms;

	if (c->blocked_since_ms == 0)
		c->blocked_since_ms = now;
	if (now - c->blocked_since_ms > (int64_t)policy->lock_seconds * 1000) {
		sg_err_set(err, SG_CLASS_LOCKED, "the lock on the table could not be had for %d s", policy->lock_seconds);
		if (result->text != NULL)
			sg_err_detail(err, "It is held by %s.", result->text);
		sg_err_hint(err, "Let whoever holds it end; the backfill goes on with the next run. lock_seconds says how long it waits.");
		*end_r = SG_LANE_GAVE_UP;
		return true;
	}
	say(sg_arena_printf(arena, "the table is locked by %s", result->text != NULL ? result->text : "another session"));
	(void)sg_stop_sleep(pause / 2 + (int64_t)sg_random((uint32_t)(pause + 1)));
	return false;
}

/* After a failed round: true = the lane is at its end. */
static bool fail(struct course *c, struct sg_arena *arena, enum sg_lane_end *end_r, struct sg_err *err)
{
	int64_t pause;
	char span[32];

	if (sg_stop_count() > 0) {
		*end_r = SG_LANE_STOPPED;
		return true;
	}
	if (!sg_class_retries(err->class) ||
	    sg_retry_next(&c->retry, err, sg_clock_ms(), &pause) == SG_AGAIN_NO) {
		sg_retry_conclude(&c->retry, sg_clock_ms(), err);
		*end_r = sg_class_retries(err->class) || err->class == SG_CLASS_REJECTED ? SG_LANE_GAVE_UP : SG_LANE_FAILED;
		return true;
	}
	sg_clock_text(pause, span);
	say(sg_arena_printf(arena, "trying again in %s: %s", span, err->primary));
	sg_log(SG_LOG_INFO, "retry", c->lane.backfill->step->id, c->retry.failures, "%s%s%s; trying again in %s",
	       err->primary, err->sqlstate[0] ? ", SQLSTATE " : "", err->sqlstate, span);
	sg_err_clear(err);
	(void)sg_stop_sleep(pause);
	return false;
}

static void went_on(struct course *c)
{
	sg_retry_init(&c->retry, &c->lane.backfill->step->policy);
	c->idle_turns = c->splits = 0;
	c->blocked_since_ms = 0;
	c->idle_said = false;
	say(NULL);
}

/* One round and what it means: true = the lane is at its end. */
static bool go_on(struct course *c, struct sg_arena *arena, enum sg_lane_end *end_r, struct sg_err *err)
{
	struct sg_batch_result result;
	struct sg_note note = { 0 };

	if (atomic_exchange(&told.shrink, false))
		sg_size_shrink(&c->lane.size);
	switch (sg_batch_run(&c->lane, arena, &result, err)) {
	case SG_BATCH_DONE:
		went_on(c);
		tell_done(c, &result);
		(void)sg_stop_sleep(sg_duty_pause_ms(c->lane.backfill->step->backfill.duty, (double)result.work_us / 1000));
		return false;
	case SG_BATCH_CUT:
		went_on(c);
		return false;
	case SG_BATCH_SPLIT:
		c->idle_said = false;
		c->blocked_since_ms = 0;
		if (++c->splits <= MOST_SPLITS)
			return false;
		sg_err_set(err, SG_CLASS_LOCKED, "locks come and go too quickly to tell which key they are on");
		sg_err_hint(err, "The position is kept: run it again when the table is less busy, or with a higher lock_ms.");
		*end_r = SG_LANE_GAVE_UP;
		return true;
	case SG_BATCH_DEFERRED:
		went_on(c);
		sg_worker_say(SG_NOTE_DEFERRED, result.text);
		return false;
	case SG_BATCH_BAD:
		went_on(c);
		note = (struct sg_note){ .kind = SG_NOTE_BAD, .texts = { result.text }, .err = *err };
		sg_worker_send(&note);
		sg_err_clear(err);
		return false;
	case SG_BATCH_NO_RANGE:
		c->blocked_since_ms = 0;
		return wait_for_range(c, &result, arena, end_r);
	case SG_BATCH_EMPTY:
		*end_r = SG_LANE_NOTHING_LEFT;
		return true;
	case SG_BATCH_BLOCKED:
		return wait_for_table(c, &result, arena, end_r, err);
	case SG_BATCH_FAILED:
		return fail(c, arena, end_r, err);
	}
	SG_BUG("unknown end of a batch");
}

static void run_course(struct course *c)
{
	struct sg_err err = SG_ERR_INIT;
	enum sg_lane_end end = SG_LANE_STOPPED;
	struct sg_note note;

	sg_retry_init(&c->retry, &c->lane.backfill->step->policy);
	while (hold_still()) {
		struct sg_arena arena = SG_ARENA_INIT;
		bool over = go_on(c, &arena, &end, &err);

		sg_arena_release(&arena);
		if (over)
			break;
	}
	note = (struct sg_note){ .kind = SG_NOTE_END, .n = { end }, .err = end == SG_LANE_STOPPED ? (struct sg_err)SG_ERR_INIT : err };
	sg_worker_send(&note);
	sg_err_release(&err);
	sg_process_kill(c->lane.process);
	sg_watch_release(&c->lane.watch);
	sg_session_rollback(&c->lane.session);
	sg_session_drop(&c->lane.session);
	sg_buf_release(&c->lane.kinds);
	sg_err_release(&c->lane.verdict.err);
	sg_arena_release(&c->lane.verdict.arena);
	sg_nursery_stop();
}

/* ---- the process ---------------------------------------------------------------- */

struct lane_work {
	const struct sg_backfill *backfill;
	const struct sg_lane_start *start;
};

static void be_lane(void *context)
{
	static const struct sg_observer observer = { .doing = on_doing };
	const struct lane_work *work = context;
	const struct sg_lane_start *start = work->start;
	struct sg_backfill backfill = *work->backfill;
	struct sg_run run = *backfill.run;
	struct course c = { 0 };

	run.observer = &observer;
	run.embedded = NULL;
	backfill.run = &run;
	if (start->number > 1 || start->jobs > 1)
		run.runner = sg_arena_printf(run.arena, "%s#%d", run.runner, start->number);
	c.lane.backfill = &backfill;
	c.lane.deferred_before = start->deferred_before;
	c.lane.jobs = start->jobs;
	c.lane.begun = send_begun;
	c.lane.kinds = (struct sg_buf)SG_BUF_INIT;
	sg_session_init(&c.lane.session, &run, false);
	sg_watch_init(&c.lane.watch, &run, NULL);
	sg_size_init(&c.lane.size, &backfill.step->backfill, 0);
	run_course(&c);
}

int sg_lane_fork(const struct sg_backfill *backfill, const struct sg_lane_start *start, pid_t *pid_r, int *socket_r,
                 struct sg_err *err)
{
	struct lane_work work = { .backfill = backfill, .start = start };
	const struct sg_worker worker = { .work = be_lane, .hear = hear, .context = &work, .keep = backfill->image.fd };

	if (sg_worker_fork(&worker, pid_r, socket_r, err) != 0)
		return sg_err_wrap(err, "no lane");
	return 0;
}
