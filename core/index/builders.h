/* builders.h - the processes that build indexes for one run, at most one a table.
 *
 * A builder is a fork of sgrun that works on one index (build.h) and ends. It has no signal handlers of
 * its own (stops come by note), and when the supervisor is gone it stops as at a first signal:
 * cancels its build, drops the carcass, leaves. None outlives sg_builders_release. */
#ifndef SG_BUILDERS_H
#define SG_BUILDERS_H

#include "core/index/build.h"

struct sg_builders_one;

struct sg_builders {
	struct sg_run *run;
	struct sg_builders_one *list; /* heap */
	size_t count, capacity;
	int stop_sent;
};

void sg_builders_init(struct sg_builders *builders, struct sg_run *run);
/* Kills and reaps what is left. */
void sg_builders_release(struct sg_builders *builders);

/* Forks one. The caller has no connection of its own open. build's progress and context are not used: the run's observer hears it. */
SG_MUST_CHECK int sg_builders_start(struct sg_builders *builders, const struct sg_index_build *build, struct sg_err *err);
size_t sg_builders_alive(const struct sg_builders *builders);
/* Is one at work on that table? */
bool sg_builders_at(const struct sg_builders *builders, const char *relation);
/* Waits up to ms, passes progress on to the observer; true: one has ended, its result is filled (texts in the run's arena) and it is
 * reaped. One that dies without a last word has FAILED (SG_CLASS_BUG, unless a signal from outside ended it). */
bool sg_builders_next(struct sg_builders *builders, int ms, const struct sg_index_definition **definition_r,
                      struct sg_index_result *result_r);
/* count and signal as sg_stop_count and the first signal's number; passed on to all. */
void sg_builders_stop(struct sg_builders *builders, int count, int signal);

#endif
