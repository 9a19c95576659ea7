/* ask.h - one fingerprint, asked in a transaction that is rolled back: what plan
 * and verify need. */
#ifndef SG_ASK_H
#define SG_ASK_H

#include "core/exec/session.h"
#include "core/run/plugins.h"

/* Changes nothing. A statement's error, a refused or failing plugin: -1 with
 * err; the session may be lost then (sg_db_lost). */
SG_MUST_CHECK int sg_ask_fingerprint(struct sg_run *run, struct sg_session *session, struct sg_plugins *plugins,
                                     size_t slot, bool *holds_r, struct sg_err *err);

/* Connects and reads the ledger, within the retry budget of [policy]. */
SG_MUST_CHECK int sg_ask_ledger(struct sg_run *run, struct sg_session *session, bool full, struct sg_ledger *ledger_r,
                                struct sg_err *err);

#endif
