/* retry.c - the two budgets of retry.h. */
#include "config.h"
#include "core/exec/retry.h"

#include <string.h>

#include "core/base/clock.h"

void sg_retry_init(struct sg_retry *retry, const struct sg_policy_settings *policy)
{
	memset(retry, 0, sizeof *retry);
	retry->policy = policy;
}

int sg_retry_lock_ms(const struct sg_retry *retry)
{
	SG_ASSERT(retry->policy->lock_rungs > 0);
	return retry->policy->lock_rungs_ms[retry->rung < retry->policy->lock_rungs ? retry->rung
	                                                                            : retry->policy->lock_rungs - 1];
}

/* lock_pause_ms with jitter of a half: two runners, or we and a cron job, must
 * not meet again in step. */
static enum sg_again next_rung(struct sg_retry *retry, int64_t now_ms, int64_t *pause_ms_r)
{
	const struct sg_policy_settings *policy = retry->policy;
	int64_t used;

	if (retry->lock_started_ms == 0)
		retry->lock_started_ms = now_ms;
	used = now_ms - retry->lock_started_ms;
	retry->lock_failures++;
	if (used >= (int64_t)policy->lock_seconds * 1000)
		return SG_AGAIN_NO;
	if (retry->rung + 1 < policy->lock_rungs)
		retry->rung++;
	*pause_ms_r = policy->lock_pause_ms / 2 + sg_random((uint32_t)policy->lock_pause_ms + 1);
	return SG_AGAIN_LOCK;
}

enum sg_again sg_retry_next(struct sg_retry *retry, const struct sg_err *err, int64_t now_ms, int64_t *pause_ms_r)
{
	const struct sg_policy_settings *policy = retry->policy;
	int64_t ceiling, left;

	*pause_ms_r = 0;
	if (err->class == SG_CLASS_LOCKED)
		return next_rung(retry, now_ms, pause_ms_r);
	if (!sg_class_retries(err->class))
		return SG_AGAIN_NO;
	if (strcmp(err->sqlstate, "53200") == 0 && ++retry->memory_failures > 1)
		return SG_AGAIN_NO;
	if (retry->started_ms == 0)
		retry->started_ms = now_ms;
	retry->failures++;
	left = retry->started_ms + (int64_t)policy->retry_seconds * 1000 - now_ms;
	if (retry->failures >= policy->max_retries || left <= 0)
		return SG_AGAIN_NO;
	ceiling = policy->retry_base_ms;
	for (int i = 1; i < retry->failures && ceiling < policy->retry_cap_ms; i++)
		ceiling *= 2;
	if (ceiling > policy->retry_cap_ms)
		ceiling = policy->retry_cap_ms;
	*pause_ms_r = sg_random((uint32_t)ceiling + 1);
	if (*pause_ms_r > left) /* the last attempt comes when the time is up, not after */
		*pause_ms_r = left;
	return SG_AGAIN_RETRY;
}

void sg_retry_conclude(const struct sg_retry *retry, int64_t now_ms, struct sg_err *err)
{
	char span[32];

	/* A fault of the network looks otherwise: it was we who were silent. */
	if (strcmp(err->sqlstate, "25P03") == 0 && err->hint == NULL)
		sg_err_hint(err, "Nothing was sent for idle_seconds (%d s): let the plugin do less between its statements, or raise"
		                 " it in [policy]; it must stay below lease_seconds.",
		            retry->policy->idle_seconds);
	if (err->class == SG_CLASS_LOCKED && retry->lock_failures > 0) {
		sg_clock_text(now_ms - retry->lock_started_ms, span);
		sg_err_wrap(err, "%d lock time-outs in %s, last", retry->lock_failures, span);
	} else if (sg_class_retries(err->class) && retry->failures > 1) {
		sg_clock_text(now_ms - retry->started_ms, span);
		sg_err_wrap(err, "%d attempts in %s, last", retry->failures, span);
	}
}
