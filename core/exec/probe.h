/* probe.h - the server's own word on what a transaction wrote to.
 *
 * A row cannot be written without ROW EXCLUSIVE on its table, held to the end of
 * the transaction: pg_locks shows what functions, triggers and rules did behind
 * the statement (PostgreSQL: src/backend/storage/lmgr, "Explicit Locking" in the
 * manual). TRUNCATE and CREATE TABLE AS take ACCESS EXCLUSIVE like any DDL; a
 * snapshot of pg_class, taken before each opaque statement, shows these. */
#ifndef SG_PROBE_H
#define SG_PROBE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/exec/journal.h"
#include "core/exec/session.h"
#include "core/sql/policy.h"

struct sg_probe_snapshot {
	bool taken;
	uint32_t *oids, *filenodes; /* sorted by oid */
	bool *filled;               /* known to hold rows */
	bool *empty;                /* known to hold none */
	size_t count, room;
};

/* Before each opaque statement; the one before it was judged already. What the
 * snapshot points to is in kept, and used again. */
SG_MUST_CHECK int sg_probe_snapshot(struct sg_session *session, struct sg_arena *kept, struct sg_arena *arena,
                                    struct sg_probe_snapshot *snapshot_r, struct sg_err *err);
/* Whether an event trigger is enabled: then every DDL statement may run code. */
SG_MUST_CHECK int sg_probe_triggers(struct sg_db *db, struct sg_arena *arena, bool *any_r, struct sg_err *err);

/* Sends what is pending in the session and, with it, the question; -1 with
 * SG_CLASS_POLICY, naming the tables, if anything was written. statement is the one
 * after which the lock appeared; altered are the tables that the migration's own
 * DDL names, bodies what routines that it made write to (verdict.body_writes).
 * Exempt are tables of extensions and trigger_tables, and noted in the journal
 * (in the arena, once each).
 * While the answer is no it costs 0.1 ms, a look at pg_locks alone; only behind a
 * hit, or once a snapshot was taken, comes the query with names. */
SG_MUST_CHECK int sg_probe_ask(struct sg_session *session, const struct sg_step *step,
                               const struct sg_probe_snapshot *snapshot, const struct sg_relations *altered,
                               const struct sg_relations *bodies, const char *statement, struct sg_journal *journal,
                               struct sg_arena *arena, struct sg_err *err);

/* The oids of our own tables, for the quick look; kept in run. */
SG_MUST_CHECK int sg_probe_learn(struct sg_run *run, struct sg_db *db, struct sg_err *err);

#endif
