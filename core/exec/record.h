/* record.h - the one write that makes a migration done: journal, ledger, lease,
 * in the transaction that did it, as its last statement before COMMIT. */
#ifndef SG_RECORD_H
#define SG_RECORD_H

#include "core/exec/journal.h"
#include "core/exec/session.h"

struct sg_record {
	const struct sg_step *step;
	enum sg_recorded outcome;
	const char *title;             /* or NULL */
	const char *sha256;            /* of the plugin, or NULL */
	int64_t duration_ms;
	int attempts;
	const char *reason;            /* or NULL */
	const struct sg_journal *journal; /* or NULL */
	const char *const *superseded; /* ids to record as superseded with it */
	size_t superseded_count;
};

/* SG_CLASS_LEASE if the lease is not ours any more (then nothing may be
 * committed). The caller commits. */
SG_MUST_CHECK int sg_record_write(struct sg_session *session, const struct sg_lease *lease,
                                  const struct sg_record *record, struct sg_arena *arena, struct sg_err *err);

#endif
