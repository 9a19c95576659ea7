/* retry.h - shall a failed attempt be repeated, and after what pause? Pure.
 *
 * Two budgets. Errors that may pass by themselves have `max_retries` attempts
 * within `retry_seconds`, with exponential back-off and full jitter. Lock waits
 * climb a ladder: a short lock_timeout first, so that readers behind us get
 * through, then longer ones; the last rung repeats until `lock_seconds` are used
 * up. Neither budget eats the other's. */
#ifndef SG_RETRY_H
#define SG_RETRY_H

#include "core/base/err.h"
#include "core/manifest/manifest.h"

struct sg_retry {
	const struct sg_policy_settings *policy;
	int64_t started_ms;       /* clock of the first failure that counted; 0 = none yet */
	int failures;             /* attempts that failed for a passing error */
	int memory_failures;      /* 53200 is retried once */
	size_t rung;              /* index into lock_rungs_ms */
	int64_t lock_started_ms;  /* of the first lock time-out; 0 = none yet */
	int lock_failures;
};

enum sg_again { SG_AGAIN_NO, SG_AGAIN_RETRY, SG_AGAIN_LOCK };

void sg_retry_init(struct sg_retry *retry, const struct sg_policy_settings *policy);
/* lock_timeout of the next attempt, in milliseconds. */
int sg_retry_lock_ms(const struct sg_retry *retry);
/* After a failure at now_ms (sg_clock_ms): what next, and the pause before it. */
enum sg_again sg_retry_next(struct sg_retry *retry, const struct sg_err *err, int64_t now_ms, int64_t *pause_ms_r);
/* Folds "3 attempts in 2.1 s" into the error that ends the retries. */
void sg_retry_conclude(const struct sg_retry *retry, int64_t now_ms, struct sg_err *err);

#endif
