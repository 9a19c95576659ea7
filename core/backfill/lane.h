/* lane.h - a lane: a process of sgrun's own that sends one batch after the other, on
 * one connection, with one plugin process, so that the executor stays synchronous.
 *
 * It is a worker (core/exec/worker.h) that dies with its supervisor, and ends by
 * itself when nothing of its kind of range is left. */
#ifndef SG_LANE_H
#define SG_LANE_H

#include <sys/types.h>

#include "core/backfill/backfill.h"
#include "core/backfill/note.h"

struct sg_lane_start {
	const char *deferred_before; /* a later pass; NULL: the first */
	int jobs;                    /* lanes of this run */
	int number;                  /* from 1 */
};

/* Forks a lane; *socket_r is the supervisor's end (non-blocking, close on exec). Everything
 * that the supervisor holds open (its connections, its status line) is left alone by the child. */
SG_MUST_CHECK int sg_lane_fork(const struct sg_backfill *backfill, const struct sg_lane_start *start, pid_t *pid_r,
                               int *socket_r, struct sg_err *err);

#endif
