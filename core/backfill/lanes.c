/* lanes.c - forks lanes, reads their notes and counts, reaps them, as lanes.h
 * says. It knows nothing of the server: only the lanes talk to it. */
#include "config.h"
#include "core/backfill/lanes.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define NOTES_A_TURN 1000 /* of a lane, before the others and the clock are looked at */
#define EXIT_MS 2000      /* from a lane's last note to its exit */

static const char *step_id(const struct sg_lanes *lanes)
{
	return lanes->backfill->step->id;
}

void sg_lanes_init(struct sg_lanes *lanes, const struct sg_backfill *backfill)
{
	memset(lanes, 0, sizeof *lanes);
	lanes->backfill = backfill;
	sg_arena_init(&lanes->scratch);
	sg_err_init(&lanes->err);
}

/* The time without a range, and the time as a lane, are known when they are over. */
static void idle_over(struct sg_lanes *lanes, struct sg_lanes_one *lane)
{
	if (lane->idle)
		lanes->idle_ms += sg_clock_ms() - lane->idle_since_ms;
	lane->idle = false;
}

static void say_end(struct sg_lanes *lanes, struct sg_lanes_one *lane)
{
	if (lane->ended)
		return;
	idle_over(lanes, lane);
	lanes->lane_ms += sg_clock_ms() - lane->started_ms;
	lane->ended = true;
	lane->backend = 0;
	lane->doing[0] = '\0';
}

/* 0 or the signal that ended it. */
static int reap(struct sg_lanes_one *lane, int64_t patience_ms)
{
	int status = sg_worker_reap(&lane->pid, &lane->socket, patience_ms);

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void sg_lanes_release(struct sg_lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++) {
		say_end(lanes, &lanes->list[i]);
		(void)reap(&lanes->list[i], 0);
	}
	free(lanes->list);
	sg_arena_release(&lanes->scratch);
	sg_err_release(&lanes->err);
	memset(lanes, 0, sizeof *lanes);
}

static int fork_one(struct sg_lanes *lanes, struct sg_lanes_one *lane, struct sg_err *err)
{
	struct sg_lane_start start = lanes->start;

	start.number = lane->number;
	memset(lane, 0, sizeof *lane);
	lane->number = start.number;
	lane->socket = -1;
	lane->started_ms = sg_clock_ms();
	if (sg_lane_fork(lanes->backfill, &start, &lane->pid, &lane->socket, err) != 0) {
		lane->pid = 0;
		lane->socket = -1;
		lane->ended = true;
		return -1;
	}
	return 0;
}

int sg_lanes_start(struct sg_lanes *lanes, int count, const char *deferred_before, struct sg_err *err)
{
	int started = 0;

	SG_ASSERT(sg_lanes_alive(lanes) == 0 && count > 0);
	for (size_t i = 0; i < lanes->count; i++)
		(void)reap(&lanes->list[i], EXIT_MS);
	free(lanes->list);
	lanes->list = sg_xcalloc((size_t)count, sizeof *lanes->list);
	lanes->count = 0;
	lanes->failed = lanes->gave_up = lanes->over = lanes->nothing = lanes->paused_said = lanes->hold_sent = false;
	lanes->stop_sent = 0;
	lanes->start = (struct sg_lane_start){ .deferred_before = deferred_before, .jobs = count };
	lanes->since_ms = sg_clock_ms();
	lanes->slot = lanes->since_ms / SG_LANES_SLOT_MS;
	memset(lanes->slots, 0, sizeof lanes->slots);
	for (int i = 0; i < count; i++) {
		struct sg_lanes_one *lane = &lanes->list[lanes->count];

		lane->number = i + 1;
		sg_err_clear(err);
		if (fork_one(lanes, lane, err) != 0)
			continue;
		lanes->count++;
		started++;
	}
	if (started == 0)
		return -1;
	if (started < count)
		sg_log(SG_LOG_WARNING, "lanes", step_id(lanes), 0, "%d of %d lanes could be started: %s", started, count,
		       err->primary);
	sg_err_clear(err);
	if (started > lanes->most)
		lanes->most = started;
	return 0;
}

/* The slots of the recent past, moved on to now. */
static void turn_slots(struct sg_lanes *lanes)
{
	int64_t now = sg_clock_ms() / SG_LANES_SLOT_MS;

	if (now - lanes->slot >= SG_LANES_SLOTS) {
		memset(lanes->slots, 0, sizeof lanes->slots);
		lanes->slot = now;
	}
	while (lanes->slot < now)
		lanes->slots[++lanes->slot % SG_LANES_SLOTS] = 0;
}

double sg_lanes_rate(const struct sg_lanes *lanes)
{
	int64_t now = sg_clock_ms(), rows = 0, first = (now / SG_LANES_SLOT_MS - SG_LANES_SLOTS + 1) * SG_LANES_SLOT_MS;

	for (int64_t slot = lanes->slot; slot > lanes->slot - SG_LANES_SLOTS && slot >= 0; slot--)
		if (slot * SG_LANES_SLOT_MS >= first)
			rows += lanes->slots[slot % SG_LANES_SLOTS];
	if (first < lanes->since_ms)
		first = lanes->since_ms;
	return now - first < 100 ? 0 : (double)rows * 1000 / (double)(now - first);
}

/* The first error of the worst kind: one that ends the backfill beats a lost connection. */
static void take_end(struct sg_lanes *lanes, struct sg_lanes_one *lane, const struct sg_note *note)
{
	bool first = !lanes->failed && (note->n[0] == SG_LANE_FAILED || !lanes->gave_up);

	say_end(lanes, lane);
	switch ((enum sg_lane_end)note->n[0]) {
	case SG_LANE_NOTHING_LEFT:
		lanes->nothing = true;
		return;
	case SG_LANE_STOPPED:
		return;
	case SG_LANE_OVER:
		lanes->over = true;
		return;
	case SG_LANE_FAILED:
	case SG_LANE_GAVE_UP:
		if (first)
			sg_err_copy(&lanes->err, &note->err);
		lanes->failed |= note->n[0] == SG_LANE_FAILED;
		lanes->gave_up |= note->n[0] == SG_LANE_GAVE_UP;
		if (note->n[0] == SG_LANE_GAVE_UP && sg_lanes_alive(lanes) > 0)
			sg_log(SG_LOG_WARNING, "lanes", step_id(lanes), 0, "lane %d gave up, the others go on: %s", lane->number,
			       note->err.primary != NULL ? note->err.primary : "?");
		return;
	}
}

static void take_note(struct sg_lanes *lanes, struct sg_lanes_one *lane, const struct sg_note *note)
{
	if (note->kind == SG_WORKER_LOG && note->texts[0] != NULL)
		sg_log_line(note->texts[0], strlen(note->texts[0]));
	switch ((enum sg_note_kind)note->kind) {
	case SG_NOTE_BEGUN:
		idle_over(lanes, lane);
		lane->backend = (int)note->n[0];
		lane->doing[0] = '\0';
		return;
	case SG_NOTE_DONE:
		lane->backend = 0;
		lane->next_size = note->n[3];
		lanes->rows += note->n[0];
		lanes->changed += note->n[1];
		lanes->batches++;
		turn_slots(lanes);
		lanes->slots[lanes->slot % SG_LANES_SLOTS] += note->n[0];
		return;
	case SG_NOTE_IDLE:
		lane->backend = 0;
		if (note->texts[0] != NULL) {
			lanes->paused_said = true; /* no want of ranges: that time does not count */
			idle_over(lanes, lane);
		} else if (!lane->idle) {
			lane->idle = true;
			lane->idle_since_ms = sg_clock_ms();
		}
		return;
	case SG_NOTE_DEFERRED:
		lanes->deferred++;
		(void)snprintf(lanes->held, sizeof lanes->held, "%s", note->texts[0] != NULL ? note->texts[0] : "");
		return;
	case SG_NOTE_BAD:
		sg_log(SG_LOG_WARNING, "bad-row", step_id(lanes), 0, "the row %s fails: %s%s%s",
		       note->texts[0] != NULL ? note->texts[0] : "?", note->err.primary != NULL ? note->err.primary : "?",
		       note->err.sqlstate[0] != '\0' ? ", SQLSTATE " : "", note->err.sqlstate);
		return;
	case SG_NOTE_DOING:
		(void)snprintf(lane->doing, sizeof lane->doing, "%s", note->texts[0] != NULL ? note->texts[0] : "");
		return;
	case SG_NOTE_END:
		take_end(lanes, lane, note);
		return;
	case SG_NOTE_HOLD:
	case SG_NOTE_SHRINK:
		return; /* ours to send */
	}
}

/* It went without a last word. What it had not committed, the server has rolled
 * back; nobody else noticed. */
static void died(struct sg_lanes *lanes, struct sg_lanes_one *lane)
{
	struct sg_err err = SG_ERR_INIT;
	int number;

	say_end(lanes, lane);
	number = reap(lane, EXIT_MS);
	lanes->deaths++;
	if (lanes->stop_sent > 0 || lanes->failed)
		return;
	if (lanes->deaths > SG_LANES_DEATHS) {
		lanes->failed = true;
		sg_err_set(&lanes->err, SG_CLASS_CRASH, "its lanes die: %d did so in this run, the last by signal %d (%s)",
		           lanes->deaths, number, number > 0 ? strsignal(number) : "none");
		sg_err_step(&lanes->err, step_id(lanes));
		sg_err_hint(&lanes->err, "What was committed stays. Look for a lack of memory (dmesg), then run again.");
		return;
	}
	sg_log(SG_LOG_WARNING, "lane-died", step_id(lanes), 0,
	       "lane %d died (signal %d, %s); its batch is rolled back, a new one is started", lane->number, number,
	       number > 0 ? strsignal(number) : "none");
	if (fork_one(lanes, lane, &err) != 0) {
		sg_log(SG_LOG_WARNING, "lanes", step_id(lanes), 0, "lane %d cannot be started again: %s", lane->number,
		       err.primary);
		if (sg_lanes_alive(lanes) == 0) {
			lanes->gave_up = true;
			sg_err_move(&lanes->err, &err);
		}
		sg_err_release(&err);
	} else if (lanes->hold_sent) {
		const struct sg_note hold = { .kind = SG_NOTE_HOLD, .n = { 1 } };

		(void)sg_note_send(lane->socket, &hold);
	}
}

static void read_notes(struct sg_lanes *lanes, struct sg_lanes_one *lane)
{
	for (int i = 0; i < NOTES_A_TURN && !lane->ended; i++) {
		struct sg_note note;
		int got;

		memset(&note, 0, sizeof note);
		got = sg_note_receive(lane->socket, &lanes->scratch, &note);
		if (got == 0)
			return;
		if (got < 0) {
			died(lanes, lane);
			return;
		}
		take_note(lanes, lane, &note);
		sg_arena_reset(&lanes->scratch);
	}
}

void sg_lanes_listen(struct sg_lanes *lanes, int ms)
{
	struct pollfd *polls = sg_xcalloc(lanes->count, sizeof *polls);

	for (size_t i = 0; i < lanes->count; i++)
		polls[i] = (struct pollfd){ .fd = lanes->list[i].ended ? -1 : lanes->list[i].socket, .events = POLLIN };
	/* a signal ends it early: the caller looks at the count */
	if (poll(polls, lanes->count, ms) > 0)
		for (size_t i = 0; i < lanes->count; i++)
			if (polls[i].revents != 0)
				read_notes(lanes, &lanes->list[i]);
	free(polls);
	for (size_t i = 0; i < lanes->count; i++)
		if (lanes->list[i].ended && lanes->list[i].pid != 0)
			(void)reap(&lanes->list[i], EXIT_MS);
}

int sg_lanes_alive(const struct sg_lanes *lanes)
{
	int alive = 0;

	for (size_t i = 0; i < lanes->count; i++)
		alive += !lanes->list[i].ended;
	return alive;
}

int sg_lanes_idle(const struct sg_lanes *lanes)
{
	int idle = 0;

	for (size_t i = 0; i < lanes->count; i++)
		idle += !lanes->list[i].ended && lanes->list[i].idle;
	return idle;
}

static void tell(struct sg_lanes *lanes, const struct sg_note *note)
{
	/* One that is gone is found so when its notes are read. */
	for (size_t i = 0; i < lanes->count; i++)
		if (!lanes->list[i].ended)
			(void)sg_note_send(lanes->list[i].socket, note);
}

void sg_lanes_stop(struct sg_lanes *lanes, int count, int signal)
{
	if (count <= lanes->stop_sent)
		return;
	lanes->stop_sent = count;
	for (size_t i = 0; i < lanes->count; i++)
		if (!lanes->list[i].ended)
			sg_worker_stop(lanes->list[i].socket, count, signal);
}

void sg_lanes_hold(struct sg_lanes *lanes, bool hold)
{
	const struct sg_note note = { .kind = SG_NOTE_HOLD, .n = { hold } };

	if (hold == lanes->hold_sent)
		return;
	lanes->hold_sent = hold;
	tell(lanes, &note);
}

void sg_lanes_shrink(struct sg_lanes *lanes)
{
	const struct sg_note note = { .kind = SG_NOTE_SHRINK };

	tell(lanes, &note);
}

void sg_lanes_kill(struct sg_lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++) {
		struct sg_lanes_one *lane = &lanes->list[i];

		if (lane->ended)
			continue;
		sg_log(SG_LOG_WARNING, "lanes", step_id(lanes), 0, "lane %d does not end: killed; its batch is rolled back",
		       lane->number);
		say_end(lanes, lane);
		(void)reap(lane, 0);
	}
}

int64_t sg_lanes_batch_size(const struct sg_lanes *lanes)
{
	int64_t most = 0;

	for (size_t i = 0; i < lanes->count; i++)
		if (lanes->list[i].next_size > most)
			most = lanes->list[i].next_size;
	return most;
}

const char *sg_lanes_doing(const struct sg_lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (!lanes->list[i].ended && lanes->list[i].doing[0] != '\0')
			return lanes->list[i].doing;
	return NULL;
}

size_t sg_lanes_backends(const struct sg_lanes *lanes, int *backends_r)
{
	size_t count = 0;

	for (size_t i = 0; i < lanes->count; i++)
		if (!lanes->list[i].ended && lanes->list[i].backend > 0)
			backends_r[count++] = lanes->list[i].backend;
	return count;
}
