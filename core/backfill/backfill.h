/* backfill.h - one backfill, as far as this run gets with it.
 *
 * The supervisor (here) opens the plugin, learns its key, begins the sweep, forks the
 * lanes and listens to them; it sends no batch itself. Lanes (lane.h) know of each
 * other only what PostgreSQL tells them, and so do other sgrun processes. */
#ifndef SG_BACKFILL_H
#define SG_BACKFILL_H

#include "core/backfill/key.h"
#include "core/exec/context.h"
#include "core/exec/writes.h"
#include "core/plugin/image.h"
#include "core/plugin/process.h"
#include "core/state/ranges.h"

/* A backfill that was looked at and may run: constant for its lanes. */
struct sg_backfill {
	struct sg_run *run;
	const struct sg_step *step;
	struct sg_image image;     /* every lane loads this one */
	uint32_t flags;            /* SG_REPEATABLE */
	bool drain;                /* SG_DRAIN: the plugin selects its own rows; no key */
	const char *title;         /* or NULL */
	struct sg_key key;         /* range mode */
	struct sg_writes writes;
	struct sg_ranges ranges;   /* which rows of the state are its */
};

enum sg_backfill_end {
	SG_BACKFILL_END_ALREADY,   /* was complete before this run */
	SG_BACKFILL_END_COMPLETE,
	SG_BACKFILL_END_RESIDUAL,  /* all ranges done, but the fingerprint does not hold, or bad rows are left */
	SG_BACKFILL_END_LEFT,      /* time is over, or locked rows are left: goes on with the next run */
	SG_BACKFILL_END_PAUSED,
	SG_BACKFILL_END_CLOSED,    /* outside its window */
	SG_BACKFILL_END_WAITING,   /* its migration, or a gate */
	SG_BACKFILL_END_FAILED,
	SG_BACKFILL_END_REFUSED,   /* its plugin, or its table and key */
	SG_BACKFILL_END_STOPPED,   /* by a signal */
	SG_BACKFILL_END_NOT_REACHED
};
const char *sg_backfill_end_name(enum sg_backfill_end end); /* "complete", "left", … */

struct sg_backfill_result {
	enum sg_backfill_end end;
	int64_t rows, changed, batches; /* of this run, all its lanes */
	int64_t rows_done, rows_estimate, left, bad_rows, deferred; /* as the state says at the end; -1: not known */
	int64_t duration_ms;
	int lanes;                 /* most at a time */
	int64_t batch_size;        /* rows that the last batch aimed for; 0: none was begun */
	double idle;               /* part of their time that lanes were without a range, 0 to 1 */
	const char *note;          /* what a person should know: who holds rows, what it waits for; or NULL */
	struct sg_err err;         /* FAILED, REFUSED, and GAVE UP (LEFT with an error); released with the run's arena */
};

struct sg_backfill_limits {
	int jobs;                  /* lanes; 0: the step's */
	int64_t deadline_ms;       /* sg_clock_ms; 0: none. The step's max_seconds holds besides */
};

/* Works until it is complete, its time is over, or it cannot go on. Its trouble is in
 * the result, never more. The state tables are installed, its migration is recorded,
 * its gates are open. */
void sg_backfill_run(struct sg_run *run, const struct sg_step *step, const struct sg_backfill_limits *limits,
                     struct sg_backfill_result *result_r);

/* ---- its parts ---- */

/* Opens and judges the plugin, learns key and tables. session: open; transactions of its own. */
SG_MUST_CHECK int sg_backfill_open(struct sg_backfill *backfill, struct sg_run *run, const struct sg_step *step,
                                   struct sg_session *session, struct sg_err *err);
/* A process with its plugin; the caller finishes or kills it. */
SG_MUST_CHECK int sg_backfill_process(const struct sg_backfill *backfill, struct sg_process **process_r,
                                      struct sg_err *err);
/* Asks the fingerprint, in a transaction that is rolled back. left_r: where it does not hold,
 * how many rows its last question still finds, or -1 where that cannot be told (or NULL: not asked). */
SG_MUST_CHECK int sg_backfill_holds(const struct sg_backfill *backfill, struct sg_session *session, bool *holds_r,
                                    int64_t *left_r, struct sg_err *err);

#endif
