/* connect.h - the retry of what has no step of its own: connecting, reading the
 * ledger, taking the lease. */
#ifndef SG_CONNECT_H
#define SG_CONNECT_H

#include "core/exec/retry.h"

/* After a failure: sleeps and returns 0 to try again (err cleared), or -1 with
 * err concluded. */
SG_MUST_CHECK int sg_connect_again(struct sg_retry *retry, struct sg_err *err, int64_t *pause_ms_r);

#endif
