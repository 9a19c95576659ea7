/* lease.h - one runner at a time may change schema.
 *
 * Correctness comes from the row lock and the fence that every transaction of
 * the migrate phase checks (see sg_session_begin); the expiry is only for
 * liveness. Nobody ever waits inside a transaction: a waiter's snapshot would
 * make CREATE INDEX CONCURRENTLY wait for ever. */
#ifndef SG_LEASE_H
#define SG_LEASE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

struct sg_lease {
	const char *state_schema;
	const char *owner;   /* unique to this run */
	int64_t fence;       /* 0: not held */
	int seconds;         /* lease_seconds */
};

struct sg_lease_holder {
	const char *owner, *since, *doing; /* owner NULL: free */
	bool alive;                        /* not expired, or its row is locked */
};

/* 1 = ours (fence set; one round trip), 0 = another's (holder_r says whose), -1 =
 * error. Waits for no runner, only for two seconds for those who merely look at
 * the row. Safe to repeat after a lost answer. */
SG_MUST_CHECK int sg_lease_take(struct sg_lease *lease, struct sg_db *db, struct sg_arena *arena,
                                struct sg_lease_holder *holder_r, struct sg_err *err);
/* Renews outside any transaction: 1 = done; 2 = still ours, but its row is locked by
 * a ghost of ours or by one who looks; 0 = taken by another; -1 = error. */
SG_MUST_CHECK int sg_lease_renew(struct sg_lease *lease, struct sg_db *db, const char *doing, struct sg_err *err);
/* Best effort: what is not released expires. */
void sg_lease_release(struct sg_lease *lease, struct sg_db *db);
/* Who has it, for `status`. */
SG_MUST_CHECK int sg_lease_look(const char *state_schema, struct sg_db *db, struct sg_arena *arena,
                                struct sg_lease_holder *holder_r, struct sg_err *err);

/* SG_CLASS_LEASE: "another runner took the lease". Returns -1. */
int sg_lease_lost_err(const struct sg_lease *lease, struct sg_err *err);

#endif
