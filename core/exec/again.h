/* again.h - the pause between two attempts of what has no attempts of a step's own:
 * connecting, reading the ledger, asking a fingerprint. */
#ifndef SG_AGAIN_H
#define SG_AGAIN_H

#include "core/exec/retry.h"

/* After a failure: says so, sleeps, and returns 0 to try again (err cleared), or -1 with
 * err concluded. */
SG_MUST_CHECK int sg_again_after(struct sg_retry *retry, struct sg_err *err);

#endif
