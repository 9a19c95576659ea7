/* connect.h - takes the lease, within the retry budget of [policy]. */
#ifndef SG_CONNECT_H
#define SG_CONNECT_H

#include "core/exec/retry.h"
#include "core/exec/session.h"

/* Takes the lease: tries, and sleeps outside any transaction, for wait_seconds at
 * the most; who has it is said. asked_ms_r: sg_clock_ms before the try that
 * succeeded, from which the lease runs. SG_CLASS_LEASE: another kept it. */
SG_MUST_CHECK int sg_connect_lease(struct sg_session *session, struct sg_lease *lease, int wait_seconds,
                                   int64_t *asked_ms_r, struct sg_err *err);

#endif
