/* outside.h - an SG_NO_TRANSACTION migration: the one statement that PostgreSQL
 * does not allow in a transaction.
 *
 * The one exception to "no partial success" and "a retry is fresh": the
 * statement is on its own, and the fingerprint, asked by a new process, decides
 * what happened. It needs a session of its own (direct_dsn behind a pooler). */
#ifndef SG_OUTSIDE_H
#define SG_OUTSIDE_H

#include "core/run/attempt.h"

/* One attempt. attempt->uncertain: the statement was sent before, so a
 * fingerprint that holds means "applied". */
SG_MUST_CHECK int sg_outside_run(struct sg_attempt *attempt, struct sg_err *err);

#endif
