/* lane.c - the life of a lane: round after round of batch.c, until there is nothing
 * left to do, it is told to stop, or it cannot go on.
 *
 * A thread listens to the supervisor, so that a stop is seen while a statement runs;
 * it only sets flags. */
#include "config.h"
#include "core/backfill/lane.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
	int socket;
	atomic_bool hold, shrink, deaf;
	char *said;            /* the last SG_NOTE_DOING; NULL: nothing */
	int64_t said_ms;
} wire;

/* ---- to and from the supervisor ---------------------------------------------- */

static void *listen_to_supervisor(void *unused)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct pollfd wait = { .fd = wire.socket, .events = POLLIN };

	(void)unused;
	for (;;) {
		struct sg_note note;
		int got;

		sg_arena_reset(&arena);
		if (poll(&wait, 1, -1) < 0 && errno != EINTR)
			break;
		got = sg_note_receive(wire.socket, &arena, &note);
		if (got == 0)
			continue;
		if (got < 0)
			break;
		if (note.kind == SG_NOTE_STOP)
			sg_stop_tell((int)note.a, (int)note.b);
		else if (note.kind == SG_NOTE_HOLD)
			atomic_store(&wire.hold, note.a != 0);
		else if (note.kind == SG_NOTE_SHRINK)
			atomic_store(&wire.shrink, true);
	}
	/* The supervisor is gone: what runs is finished, and nothing is begun. */
	atomic_store(&wire.deaf, true);
	sg_stop_tell(1, SIGTERM);
	sg_arena_release(&arena);
	return NULL;
}

static void send_note(const struct sg_note *note)
{
	if (!sg_note_send(wire.socket, note)) {
		atomic_store(&wire.deaf, true);
		sg_stop_tell(1, SIGTERM);
	}
}

static void send_text(enum sg_note_kind kind, const char *text)
{
	struct sg_note note = { .kind = kind, .text = text };

	send_note(&note);
}

static void send_log(const char *line, size_t length)
{
	struct sg_arena arena = SG_ARENA_INIT;

	send_text(SG_NOTE_LOG, sg_arena_strndup(&arena, line, length));
	sg_arena_release(&arena);
}

static void send_begun(struct sg_lane *lane, int backend)
{
	struct sg_note note = { .kind = SG_NOTE_BEGUN, .a = backend };

	(void)lane;
	send_note(&note);
}

/* text NULL: it waits no longer. */
static void say(const char *text)
{
	int64_t now = sg_clock_ms();

	if (text == NULL && wire.said == NULL)
		return;
	if (text != NULL && wire.said != NULL && (strcmp(text, wire.said) == 0 || now - wire.said_ms < SAY_MS))
		return;
	free(wire.said);
	wire.said = text != NULL ? sg_xstrdup(text) : NULL;
	wire.said_ms = now;
	send_text(SG_NOTE_DOING, text);
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
	while (atomic_load(&wire.hold))
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
	send_text(SG_NOTE_IDLE, text);
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
		                .a = result->rows,
		                .b = result->changed,
		                .c = result->work_us,
		                .d = sg_size_next(&c->lane.size) };

	send_note(&note);
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

	if (atomic_exchange(&wire.shrink, false))
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
		send_text(SG_NOTE_DEFERRED, result.text);
		return false;
	case SG_BATCH_BAD:
		went_on(c);
		note = (struct sg_note){ .kind = SG_NOTE_BAD, .text = result.text, .err = *err };
		send_note(&note);
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
	note = (struct sg_note){ .kind = SG_NOTE_END, .a = end, .err = end == SG_LANE_STOPPED ? (struct sg_err)SG_ERR_INIT : err };
	send_note(&note);
	sg_err_release(&err);
	sg_process_kill(c->lane.process);
	sg_watch_release(&c->lane.watch);
	sg_session_rollback(&c->lane.session);
	sg_session_drop(&c->lane.session);
	sg_nursery_stop();
}

/* ---- the process ---------------------------------------------------------------- */

/* All but these three, the socket and the plugin's image belongs to the supervisor. */
static void close_others(int socket, int image)
{
	int low = socket < image ? socket : image, high = socket < image ? image : socket;

	if (low > 3)
		(void)close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0U, 0);
}

/* What a process would do at its exit for an instrumented build: a lane ends without what its supervisor has registered. */
#ifdef SG_COVERAGE
void __gcov_dump(void);
#elif defined SG_SANITIZED
void __lsan_do_leak_check(void);
#endif

static _Noreturn void end_lane(void)
{
#ifdef SG_COVERAGE
	__gcov_dump();
#elif defined SG_SANITIZED
	__lsan_do_leak_check();
#endif
	_exit(0);
}

static _Noreturn void be_lane(const struct sg_backfill *given, const struct sg_lane_start *start, int socket,
                              pid_t supervisor)
{
	static const struct sg_observer observer = { .doing = on_doing };
	struct sg_run run = *given->run;
	struct sg_backfill backfill = *given;
	struct course c = { 0 };
	pthread_t listener;

	sg_stop_mute();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != supervisor)
		_exit(1);
	wire.socket = socket;
	sg_log_divert(send_log);
	sg_nursery_stop(); /* the supervisor's; ours is started when it is needed */
	close_others(socket, backfill.image.fd);
	run.observer = &observer;
	run.embedded = NULL;
	backfill.run = &run;
	if (start->number > 1 || start->jobs > 1)
		run.runner = sg_arena_printf(run.arena, "%s#%d", run.runner, start->number);
	if (pthread_create(&listener, NULL, listen_to_supervisor, NULL) != 0)
		SG_BUG("a lane cannot listen");
	c.lane.backfill = &backfill;
	c.lane.deferred_before = start->deferred_before;
	c.lane.jobs = start->jobs;
	c.lane.begun = send_begun;
	c.lane.kinds = (struct sg_buf)SG_BUF_INIT;
	sg_session_init(&c.lane.session, &run, false);
	sg_watch_init(&c.lane.watch, &run, NULL);
	sg_size_init(&c.lane.size, &backfill.step->backfill, 0);
	run_course(&c);
	end_lane();
}

int sg_lane_fork(const struct sg_backfill *backfill, const struct sg_lane_start *start, pid_t *pid_r, int *socket_r,
                 struct sg_err *err)
{
	pid_t supervisor = getpid(), pid;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) != 0)
		return sg_err_set(err, SG_CLASS_CONNECTION, "a lane cannot be started: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		(void)close(sockets[0]);
		be_lane(backfill, start, sockets[1], supervisor);
	}
	(void)close(sockets[1]);
	if (pid < 0) {
		(void)close(sockets[0]);
		return sg_err_set(err, SG_CLASS_CONNECTION, "a lane cannot be started: %s", strerror(errno));
	}
	*pid_r = pid;
	*socket_r = sockets[0];
	return 0;
}
