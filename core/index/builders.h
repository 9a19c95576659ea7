/* builders.h - the processes that build indexes for one run (builder.h).
 *
 * One that has built an index without any trouble waits a second for another and then has the same two connections for
 * it; any other index gets a fresh one.
 * One that a signal from outside ends is started again, once: what is there by then, pg_index says, and
 * whoever still builds there is waited for. None outlives sg_builders_release. If the supervisor itself is killed,
 * they stop as at a first signal. */
#ifndef SG_BUILDERS_H
#define SG_BUILDERS_H

#include "core/index/build.h"

struct sg_builders_one;
struct sg_builders_idle;

struct sg_builders {
	struct sg_run *run;
	struct sg_builders_one *list; /* heap */
	size_t count, capacity;
	struct sg_builders_idle *idle; /* heap: those that wait for another index */
	size_t idle_count;
	int stop_sent, stop_signal;   /* count of the last stop, the first one's signal */
	int64_t stop_ms;              /* sg_clock_ms: when it was sent */
};

void sg_builders_init(struct sg_builders *builders, struct sg_run *run);
/* Kills and reaps what is left. */
void sg_builders_release(struct sg_builders *builders);

/* Forks one, or takes one that waits. What build points to lives until its end was told. The caller has no transaction of its own open, lest
 * the build waits for it; its connections are no trouble. build's progress, context and line are not used: the run's observer hears it. */
SG_MUST_CHECK int sg_builders_start(struct sg_builders *builders, const struct sg_index_build *build, struct sg_err *err);
/* At work. */
size_t sg_builders_alive(const struct sg_builders *builders);
/* Is one at work on that table? */
bool sg_builders_at(const struct sg_builders *builders, const char *relation);
/* Ends those that wait: nothing is to be started soon. */
void sg_builders_rest(struct sg_builders *builders);
/* Waits up to ms, or until a signal comes, passes progress on to the observer; true: one has done its index, its result is filled, and it
 * is reaped or waits. result_r's note lives in the run's arena; its err is the caller's to release (sg_err_defer where it stays). One
 * that ends without a last word, the second time: FAILED, carcass set since nobody knows, SG_CLASS_CRASH (SG_CLASS_BUG unless a
 * signal from outside ended it); after a stop: STOPPED. One that does not heed a stop (20 s after the first, 5 s after the second) is killed. */
bool sg_builders_next(struct sg_builders *builders, int ms, const struct sg_index_definition **definition_r,
                      struct sg_index_result *result_r);
/* count and signal as sg_stop_count and the first signal's number; passed on to all. */
void sg_builders_stop(struct sg_builders *builders, int count, int signal);

#endif
