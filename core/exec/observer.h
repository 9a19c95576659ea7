/* observer.h - what the phases tell whoever watches, as it happens.
 *
 * The command line implements it (a line a step, a status line on a terminal);
 * the phases know nothing of terminals. Every member may be NULL. */
#ifndef SG_OBSERVER_H
#define SG_OBSERVER_H

#include "core/base/err.h"
#include "core/manifest/manifest.h"

struct sg_backfill_result; /* core/backfill/backfill.h */
struct sg_index_progress;  /* core/index/progress.h */
struct sg_index_result;    /* core/index/build.h */

enum sg_outcome {
	SG_OUTCOME_SKIPPED,     /* recorded before this run */
	SG_OUTCOME_APPLIED,
	SG_OUTCOME_RECONCILED,  /* its fingerprint held: recorded, nothing run */
	SG_OUTCOME_ADOPTED,
	SG_OUTCOME_SUPERSEDED,
	SG_OUTCOME_WAITING,     /* for a gate */
	SG_OUTCOME_FAILED,
	SG_OUTCOME_NOT_REACHED  /* something before it failed or waits */
};

/* How a backfill goes on; texts live until the call returns. */
struct sg_backfill_progress {
	int64_t rows_done, rows_estimate; /* of the whole sweep; estimate -1: not known */
	double rows_per_s;                /* over the recent past, of this run's lanes */
	int64_t seconds_left;             /* -1: not known */
	int lanes, idle;                  /* of this run; idle: of those without a range */
	int64_t batch_size;
	int pass;                         /* from 1 */
	int64_t deferred, bad_rows;
	const char *throttle;             /* what holds the lanes, or NULL */
	const char *doing;                /* anything else worth a word, or NULL */
	int64_t elapsed_ms;
};

struct sg_observer {
	void *context;
	/* number of total: among the migrations that are not recorded yet */
	void (*started)(void *context, const struct sg_step *step, size_t number, size_t total);
	/* What the step does now, or for whom it waits: one line, replaces the last. */
	void (*doing)(void *context, const struct sg_step *step, const char *text);
	/* duration_ms of the whole step, attempts >= 1 for APPLIED; existed = statements that
	 * passed as "already exists"; err for FAILED, else NULL; note may be NULL. */
	void (*ended)(void *context, const struct sg_step *step, enum sg_outcome outcome, int64_t duration_ms,
	              int attempts, int existed, const char *note, const struct sg_err *err);
	/* A backfill: begun or gone on with; how it goes, five times a second; and what is said of it once. */
	void (*fill_started)(void *context, const struct sg_step *step, size_t number, size_t total);
	void (*fill_progress)(void *context, const struct sg_step *step, const struct sg_backfill_progress *progress);
	void (*fill_ended)(void *context, const struct sg_step *step, const struct sg_backfill_result *result);
	/* An index, likewise; several may be under way at once. Of one that was valid before only index_ended is called. */
	void (*index_started)(void *context, const struct sg_step *step, size_t number, size_t total);
	void (*index_progress)(void *context, const struct sg_step *step, const struct sg_index_progress *progress);
	void (*index_ended)(void *context, const struct sg_step *step, const struct sg_index_result *result);
};

const char *sg_outcome_name(enum sg_outcome outcome); /* "skipped", "applied", … */

#endif
