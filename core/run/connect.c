/* connect.c - see connect.h. */
#include "config.h"
#include "core/run/connect.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"

int sg_connect_again(struct sg_retry *retry, struct sg_err *err, int64_t *pause_ms_r)
{
	char span[32];

	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	if (sg_retry_next(retry, err, sg_clock_ms(), pause_ms_r) == SG_AGAIN_NO) {
		sg_retry_conclude(retry, sg_clock_ms(), err);
		return -1;
	}
	sg_clock_text(*pause_ms_r, span);
	sg_log(SG_LOG_WARNING, "retry", NULL, retry->failures, "%s; trying again in %s", err->primary, span);
	sg_err_clear(err);
	return sg_stop_sleep(*pause_ms_r) ? 0 : sg_stop_err(err);
}
