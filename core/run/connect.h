/* connect.h - the retry of what has no step of its own: connecting, reading the
 * ledger, taking the lease. */
#ifndef SG_CONNECT_H
#define SG_CONNECT_H

#include "core/exec/retry.h"
#include "core/exec/session.h"

/* After a failure: sleeps and returns 0 to try again (err cleared), or -1 with
 * err concluded. */
SG_MUST_CHECK int sg_connect_again(struct sg_retry *retry, struct sg_err *err, int64_t *pause_ms_r);

/* Takes the lease: tries, and sleeps outside any transaction, for wait_seconds at
 * the most; who has it is said. asked_ms_r: sg_clock_ms before the try that
 * succeeded, from which the lease runs. SG_CLASS_LEASE: another kept it. */
SG_MUST_CHECK int sg_connect_lease(struct sg_session *session, struct sg_lease *lease, int wait_seconds,
                                   int64_t *asked_ms_r, struct sg_err *err);

#endif
