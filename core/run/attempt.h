/* attempt.h - one attempt at one migration: everything in one transaction. */
#ifndef SG_ATTEMPT_H
#define SG_ATTEMPT_H

#include "core/exec/record.h"
#include "core/exec/session.h"
#include "core/exec/watch.h"
#include "core/run/plugins.h"
#include "core/run/run.h"

struct sg_attempt {
	struct sg_run *run;
	const struct sg_step *step;
	struct sg_lease *lease;
	struct sg_session *session;
	struct sg_watch *watch;
	struct sg_plugins *plugins;    /* whose slot is the step's: a new process an attempt */
	size_t slot;
	const char *title, *sha256;    /* of the plugin */
	const char *const *superseded; /* ids to record as superseded with it */
	size_t superseded_count;
	int lock_ms;                   /* lock_timeout of this attempt */
	int number;                    /* of this attempt, from 1 */
	int64_t started_ms;            /* of the step, not of the attempt */
	/* in and out: a COMMIT of ours whose fate is unknown, and what it would have recorded */
	bool uncertain;
	enum sg_outcome intended;
	/* out */
	enum sg_outcome outcome;       /* SKIPPED: another recorded it meanwhile */
	int existed;
};

/* 0: recorded. -1: rolled back for certain (err), unless err->uncertain. */
SG_MUST_CHECK int sg_attempt_run(struct sg_attempt *attempt, struct sg_err *err);

/* The start that all transactions of the migrate phase share: opens the session
 * if need be, begins, and waits out a ghost of ours that still holds the lease
 * row. SG_CLASS_LEASE if another runner took it. */
SG_MUST_CHECK int sg_attempt_begin(struct sg_run *run, const struct sg_step *step, const struct sg_lease *lease,
                                   struct sg_session *session, struct sg_arena *arena, struct sg_begun *begun_r,
                                   struct sg_err *err);

#endif
