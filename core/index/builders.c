/* builders.c - forks builders, hears their notes, reaps them, as builders.h says. It knows
 * nothing of the server: only the builders talk to it. That an index is done with is an event, told by
 * a note; nothing here is polled. Whether one that waits is given another index or ends is
 * said here alone, so that no order meets one that has just left by itself. */
#include "config.h"
#include "core/index/builders.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/index/builder.h"

#define NOTES_A_TURN 1000 /* of one, before the others and the clock are looked at */
#define EXIT_MS 2000      /* from its last note to its exit */
#define STARTS 2          /* of one index's builder, if a signal ends it */
#define IDLE_MS 1000      /* so long one that waits keeps its connections */
/* From a stop to the end, where a builder itself knows no end: it is killed then. */
#define FIRST_STOP_MS 20000
#define SECOND_STOP_MS 5000

struct sg_builders_one {
	struct sg_index_build build;
	pid_t pid;
	int socket;
	int starts;
	int64_t started_ms;
	bool ended;                    /* its result is here */
	struct sg_index_result result; /* note: in the run's arena; err: heap */
};

/* Waits for another index. */
struct sg_builders_idle {
	pid_t pid;
	int socket;
	int64_t since_ms;
};

void sg_builders_init(struct sg_builders *builders, struct sg_run *run)
{
	memset(builders, 0, sizeof *builders);
	builders->run = run;
}

/* ---- those that wait ------------------------------------------------------------- */

static void dismiss(struct sg_builders_idle *idle)
{
	sg_builder_dismiss(idle->socket);
	(void)sg_worker_reap(&idle->pid, &idle->socket, EXIT_MS);
}

void sg_builders_rest(struct sg_builders *builders)
{
	/* all are told before one is waited for */
	for (size_t i = 0; i < builders->idle_count; i++)
		sg_builder_dismiss(builders->idle[i].socket);
	while (builders->idle_count > 0)
		dismiss(&builders->idle[--builders->idle_count]);
}

static void keep(struct sg_builders *builders, struct sg_builders_one *one)
{
	builders->idle = sg_xrealloc(builders->idle, (builders->idle_count + 1) * sizeof *builders->idle);
	builders->idle[builders->idle_count++] =
	        (struct sg_builders_idle){ .pid = one->pid, .socket = one->socket, .since_ms = sg_clock_ms() };
	one->pid = 0;
	one->socket = -1;
}

/* The one that came last has waited least. */
static bool employ(struct sg_builders *builders, struct sg_builders_one *one)
{
	struct sg_builders_idle *idle;

	if (builders->idle_count == 0)
		return false;
	idle = &builders->idle[--builders->idle_count];
	if (!sg_builder_employ(idle->socket, &one->build)) {
		dismiss(idle);
		return false;
	}
	one->pid = idle->pid;
	one->socket = idle->socket;
	one->starts++;
	return true;
}

static void dismiss_idle(struct sg_builders *builders)
{
	int64_t now = sg_clock_ms();
	size_t left = 0;

	for (size_t i = 0; i < builders->idle_count; i++) {
		if (now - builders->idle[i].since_ms >= IDLE_MS)
			dismiss(&builders->idle[i]);
		else
			builders->idle[left++] = builders->idle[i];
	}
	builders->idle_count = left;
}

/* ---- those at work ---------------------------------------------------------------- */

void sg_builders_release(struct sg_builders *builders)
{
	sg_builders_rest(builders);
	free(builders->idle);
	for (size_t i = 0; i < builders->count; i++) {
		struct sg_builders_one *one = &builders->list[i];

		(void)sg_worker_reap(&one->pid, &one->socket, 0);
		sg_err_release(&one->result.err);
	}
	free(builders->list);
	memset(builders, 0, sizeof *builders);
}

static const char *step_id(const struct sg_builders_one *one)
{
	return one->build.definition->step->id;
}

static int start(struct sg_builders *builders, struct sg_builders_one *one, struct sg_err *err)
{
	one->pid = 0;
	one->socket = -1;
	if (sg_builder_fork(&one->build, &one->pid, &one->socket, err) != 0)
		return -1;
	one->starts++;
	if (builders->stop_sent > 0)
		sg_worker_stop(one->socket, builders->stop_sent, builders->stop_signal);
	return 0;
}

int sg_builders_start(struct sg_builders *builders, const struct sg_index_build *build, struct sg_err *err)
{
	struct sg_builders_one *one;

	if (builders->count == builders->capacity) {
		builders->capacity = builders->capacity > 0 ? 2 * builders->capacity : 4;
		builders->list = sg_xrealloc(builders->list, builders->capacity * sizeof *builders->list);
	}
	one = &builders->list[builders->count];
	*one = (struct sg_builders_one){ .build = *build, .started_ms = sg_clock_ms() };
	if (!employ(builders, one) && start(builders, one, err) != 0)
		return -1;
	builders->count++;
	return 0;
}

size_t sg_builders_alive(const struct sg_builders *builders)
{
	size_t alive = 0;

	for (size_t i = 0; i < builders->count; i++)
		alive += !builders->list[i].ended;
	return alive;
}

bool sg_builders_at(const struct sg_builders *builders, const char *relation)
{
	for (size_t i = 0; i < builders->count; i++)
		if (!builders->list[i].ended && strcmp(builders->list[i].build.definition->relation, relation) == 0)
			return true;
	return false;
}

/* ---- what becomes of them --------------------------------------------------------- */

/* There will be no word of it. Whether it left an invalid index, nobody here can tell: so it is said. */
static struct sg_index_result *settle(struct sg_builders_one *one, enum sg_index_end end)
{
	one->ended = true;
	one->result = (struct sg_index_result){ .end = end,
		                                .duration_ms = sg_clock_ms() - one->started_ms,
		                                .build_ms = -1,
		                                .bytes = -1,
		                                .attempts = one->starts,
		                                .carcass = true };
	return &one->result;
}

static void fail(struct sg_builders_one *one, int status)
{
	struct sg_err *err = &settle(one, SG_INDEX_END_FAILED)->err;
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number == 0) {
		sg_err_set(err, SG_CLASS_BUG, "its builder ended without a word (exit status %d)",
		           WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	} else {
		bool own = number == SIGSEGV || number == SIGABRT || number == SIGBUS || number == SIGFPE || number == SIGILL;

		sg_err_set(err, own ? SG_CLASS_BUG : SG_CLASS_CRASH, "its builder died %d times, the last by signal %d (%s)",
		           one->starts, number, strsignal(number));
	}
	sg_err_step(err, step_id(one));
	sg_err_hint(err, "An invalid index may be left: the next run drops it and builds anew. Look for a lack of memory (dmesg) first.");
}

/* It went without a last word. Its server session goes on until the server notices; a new builder waits for that, and goes on from
 * whatever is there: once, lest one that takes the machine's memory does so all night. */
static void died(struct sg_builders *builders, struct sg_builders_one *one)
{
	int status = sg_worker_reap(&one->pid, &one->socket, EXIT_MS);
	struct sg_err err = SG_ERR_INIT;

	if (builders->stop_sent > 0) {
		settle(one, SG_INDEX_END_STOPPED)->note = "its builder was killed: an invalid index may be left, the next run drops it";
		return;
	}
	if (!WIFSIGNALED(status) || one->starts >= STARTS) {
		fail(one, status);
		return;
	}
	sg_log(SG_LOG_WARNING, "builder-died", step_id(one), 0, "its builder died (signal %d, %s); a new one goes on", WTERMSIG(status),
	       strsignal(WTERMSIG(status)));
	if (start(builders, one, &err) != 0)
		sg_err_move(&settle(one, SG_INDEX_END_FAILED)->err, &err);
}

static void take_result(struct sg_builders *builders, struct sg_builders_one *one, const struct sg_index_result *result, bool stays)
{
	one->result = *result;
	if (result->note != NULL)
		one->result.note = sg_arena_strdup(builders->run->arena, result->note);
	sg_err_init(&one->result.err);
	if (result->err.class != SG_CLASS_NONE)
		sg_err_copy(&one->result.err, &result->err);
	one->ended = true;
	if (stays && builders->stop_sent == 0) {
		keep(builders, one);
		return;
	}
	if (stays)
		sg_builder_dismiss(one->socket);
	(void)sg_worker_reap(&one->pid, &one->socket, EXIT_MS);
}

/* false: what it sent makes no sense. */
static bool take_note(struct sg_builders *builders, struct sg_builders_one *one, const struct sg_note *note)
{
	const struct sg_observer *observer = builders->run->observer;
	struct sg_index_progress progress;
	struct sg_index_result result;

	switch (note->kind) {
	case SG_WORKER_LOG:
		if (note->texts[0] != NULL)
			sg_log_line(note->texts[0], strlen(note->texts[0]));
		return true;
	case SG_BUILDER_PROGRESS:
		if (sg_builder_unpack_progress(note, &progress) != 0)
			return false;
		if (observer != NULL && observer->index_progress != NULL)
			observer->index_progress(observer->context, one->build.definition->step, &progress);
		return true;
	case SG_BUILDER_RESULT:
		if (sg_builder_unpack_result(note, &result) != 0)
			return false;
		take_result(builders, one, &result, note->n[SG_BUILDER_STAYS] != 0);
		return true;
	default:
		return false;
	}
}

static void read_notes(struct sg_builders *builders, struct sg_builders_one *one)
{
	for (int i = 0; i < NOTES_A_TURN && !one->ended; i++) {
		struct sg_arena scratch = SG_ARENA_INIT;
		struct sg_note note;
		int got = sg_note_receive(one->socket, &scratch, &note);

		if (got > 0 && !take_note(builders, one, &note))
			got = -1;
		sg_arena_release(&scratch);
		if (got == 0)
			return;
		if (got < 0) {
			died(builders, one);
			return;
		}
	}
}

/* Those that a stop does not reach. */
static void lose_patience(struct sg_builders *builders)
{
	int64_t limit = builders->stop_ms + (builders->stop_sent > 1 ? SECOND_STOP_MS : FIRST_STOP_MS);

	if (builders->stop_sent == 0 || sg_clock_ms() < limit)
		return;
	for (size_t i = 0; i < builders->count; i++) {
		struct sg_builders_one *one = &builders->list[i];

		if (one->ended)
			continue;
		sg_log(SG_LOG_WARNING, "builder", step_id(one), 0, "its builder does not end: killed");
		(void)kill(one->pid, SIGKILL);
		died(builders, one);
	}
}

static bool take_ended(struct sg_builders *builders, const struct sg_index_definition **definition_r,
                       struct sg_index_result *result_r)
{
	for (size_t i = 0; i < builders->count; i++) {
		struct sg_builders_one *one = &builders->list[i];

		if (!one->ended)
			continue;
		*definition_r = one->build.definition;
		*result_r = one->result;
		memmove(one, one + 1, (--builders->count - i) * sizeof *one);
		return true;
	}
	return false;
}

bool sg_builders_next(struct sg_builders *builders, int ms, const struct sg_index_definition **definition_r,
                      struct sg_index_result *result_r)
{
	struct pollfd *polls = sg_xcalloc(builders->count + 1, sizeof *polls);
	int64_t end = sg_clock_ms() + ms;
	bool found;

	while (!(found = take_ended(builders, definition_r, result_r))) {
		int got;

		for (size_t i = 0; i < builders->count; i++)
			polls[i] = (struct pollfd){ .fd = builders->list[i].socket, .events = POLLIN };
		got = poll(polls, builders->count, sg_clock_left(end));
		for (size_t i = 0; got > 0 && i < builders->count; i++)
			if (polls[i].revents != 0)
				read_notes(builders, &builders->list[i]);
		lose_patience(builders);
		dismiss_idle(builders);
		/* A signal ends the wait early: the caller looks at the count. */
		if (got < 0 || sg_clock_left(end) == 0) {
			found = take_ended(builders, definition_r, result_r);
			break;
		}
	}
	free(polls);
	return found;
}

void sg_builders_stop(struct sg_builders *builders, int count, int signal)
{
	if (count <= builders->stop_sent)
		return;
	/* Of the third and later ones nobody hears anything new. */
	if (builders->stop_sent < 2)
		builders->stop_ms = sg_clock_ms();
	builders->stop_sent = count;
	builders->stop_signal = signal;
	sg_builders_rest(builders);
	for (size_t i = 0; i < builders->count; i++)
		if (!builders->list[i].ended)
			sg_worker_stop(builders->list[i].socket, count, signal);
}
