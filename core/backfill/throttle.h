/* throttle.h - shall the lanes hold still? Read between batches, on a connection of
 * its own, at most once a second.
 *
 * Signals: replication lag in bytes and in time (max_lag_mb, max_lag_seconds; WAL
 * retained by slots counts as lag in bytes), sessions blocked by the lanes' backends
 * (max_blocked), WAL since the last checkpoint's redo point (max_wal_backlog_mb), a
 * vacuum at work on the table, the window. What this role may not see reads NULL and
 * is "unknown", never "healthy": unknown_signal says whether to go on. */
#ifndef SG_THROTTLE_H
#define SG_THROTTLE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/exec/session.h"

struct sg_throttle {
	struct sg_run *run;
	const struct sg_step *step;
	uint32_t table;           /* 0: none is declared */
	struct sg_session session;
	struct sg_arena arena;    /* of what the last look says */
	int64_t looked_ms;        /* sg_clock_ms of the last look; 0: none */
	bool unknown_said;
	const char *holds;        /* of the last look: "replication lag: standby1 is 93 MB behind (max_lag_mb = 64)"; NULL: go on */
	bool blocking;            /* sessions are blocked by us: the batch is too large */
	const char *unknown;      /* "replication lag, WAL backlog": signals that this role cannot see, or NULL */
};

void sg_throttle_init(struct sg_throttle *throttle, struct sg_run *run, const struct sg_step *step, uint32_t table);
void sg_throttle_release(struct sg_throttle *throttle);
/* Looks, if the last look is a second old (or now: at once). backends: pids that the lanes work
 * on now. A connection that fails is no reason to hold, nor to stop: it is said once, and tried again. */
void sg_throttle_look(struct sg_throttle *throttle, const int *backends, size_t count, bool now);

/* ---- pure ---- */
/* window "22:00-06:00 [Europe/Berlin]" at that time of day (minutes since midnight there): open, and
 * minutes until it opens or closes. Text must have passed sg_check_window. */
bool sg_window_open(const char *window, int minute, int *minutes_left_r);
/* The time zone that the window names, or NULL (the server's). In the arena. */
const char *sg_window_zone(const char *window, struct sg_arena *arena);
/* duty: the pause after so many milliseconds of work; duty 1 = none, 0.5 = as long as the work. */
int64_t sg_duty_pause_ms(double duty, double worked_ms);

#endif
