/* again.c - see again.h. */
#include "config.h"
#include "core/exec/again.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"

int sg_again_after(struct sg_retry *retry, struct sg_err *err)
{
	int64_t pause_ms;
	char span[32];

	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	if (sg_retry_next(retry, err, sg_clock_ms(), &pause_ms) == SG_AGAIN_NO) {
		sg_retry_conclude(retry, sg_clock_ms(), err);
		return -1;
	}
	sg_clock_text(pause_ms, span);
	sg_log(SG_LOG_WARNING, "retry", NULL, retry->failures, "%s; trying again in %s", err->primary, span);
	sg_err_clear(err);
	return sg_stop_sleep(pause_ms) ? 0 : sg_stop_err(err);
}
