/* throttle.h - shall the lanes hold still? Read between batches, on a connection of
 * its own, at most once a second.
 *
 * Signals, in the order in which one is named; a limit of 0 is not looked at, but for
 * max_blocked, where it means none:
 * - the window: closed, or its time zone is unknown to the server;
 * - max_blocked: sessions that wait for a lock of the lanes' backends (not other lanes
 *   of the same step);
 * - max_lag_mb: bytes that a standby or subscriber has not replayed yet;
 * - max_lag_seconds: the same in time. replay_lag freezes while replay is paused, so the
 *   positions of the last looks are kept, and what was written that long ago (and 10 s
 *   more, for a standby reports only so often) must have been replayed;
 * - max_wal_backlog_mb: WAL that is not archived yet, or is kept by a slot, of a standby
 *   that is away, say;
 * - autovacuum on the table or a partition: no lock of a batch is in its way, but it can
 *   remove nothing that batches make meanwhile. It gets 30 s of rest; what takes longer
 *   runs beside the batches, and so does from the start what is known to be against
 *   wraparound, an ANALYZE, or a VACUUM that somebody ordered.
 *
 * What this role may not see reads NULL and is "unknown", never "healthy": unknown_signal
 * says whether to go on. A plain role sees that there are standbys but not their lag (what
 * the slots of connected ones keep is looked at instead, and can only say that it is too
 * much); it sees all else. Until a first segment was archived nobody knows the backlog. */
#ifndef SG_THROTTLE_H
#define SG_THROTTLE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/exec/session.h"

#define SG_THROTTLE_SAMPLES 64

struct sg_throttle {
	struct sg_run *run;
	const struct sg_step *step;
	uint32_t table;           /* 0: none is declared */
	struct sg_session session;
	struct sg_arena arena;    /* of what the last look says */
	int64_t looked_ms;        /* sg_clock_ms at the end of the last look; 0: none */
	bool unknown_said;
	const char *holds;        /* of the last look: "replication lag: standby1 is 93 MB behind (max_lag_mb = 64)"; NULL: go on */
	bool closed;              /* holds is the window: nothing to wait for, the run is over for this backfill */
	bool blocking;            /* sessions are blocked by us: the batch is too large */
	const char *unknown;      /* "replication lag, WAL backlog": signals that this role cannot see, or NULL */
	/* its own */
	int failures;             /* of the connection, one after the other */
	int minute;               /* of the day, in the window's time zone, */
	int64_t minute_ms;        /* at that sg_clock_ms; 0: not known */
	int vacuum_pid;           /* the autovacuum worker that is waited for, or was for as long as it is */
	int64_t vacuum_ms;        /* since then */
	struct { int64_t ms, lsn; } samples[SG_THROTTLE_SAMPLES]; /* oldest first */
	size_t sample_count;
};

void sg_throttle_init(struct sg_throttle *throttle, struct sg_run *run, const struct sg_step *step, uint32_t table);
void sg_throttle_release(struct sg_throttle *throttle);
/* Looks, if the last look is a second old (or now: at once). backends: pids that the lanes work
 * on now, in a transaction that is open. A connection that fails is no reason to hold, but with
 * unknown_signal = stop: it is said once, and tried again, after 15 s at the latest; a look takes
 * 4 s at most. The window goes on by the clock then; only if the server's time was never known,
 * it is closed. */
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
