/* session.h - a connection on which guarded transactions run.
 *
 * Every transaction starts with one constant string: BEGIN and the guards, the
 * lease row's lock, the ledger's row. SET LOCAL only: behind a pooler SET would
 * leak to other clients. */
#ifndef SG_SESSION_H
#define SG_SESSION_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/db/db.h"
#include "core/exec/context.h"
#include "core/manifest/manifest.h"
#include "core/state/lease.h"
#include "core/state/ledger.h"

struct sg_session {
	struct sg_run *run;
	struct sg_db *db;        /* NULL or of use; sg_session_drop after any failure */
	bool direct;             /* by direct_dsn */
	int connect_ms;          /* how long connecting may take; 0: connect_seconds */
	int backend;             /* pg_backend_pid() of the open transaction; 0 = none */
	bool begun;              /* a transaction was begun and not rolled back */
	struct sg_buf pending;   /* host-owned SQL that the next script starts with */
};

/* An expression: an acknowledged COMMIT must be on disk, whatever the role's
 * default, and whatever a statement of the plugin set since. */
#define SG_SURE_COMMIT \
	"CASE WHEN pg_catalog.current_setting('synchronous_commit') IN ('off', 'local')" \
	" THEN pg_catalog.set_config('synchronous_commit', 'on', true) END"

void sg_session_init(struct sg_session *session, struct sg_run *run, bool direct);
/* Connects unless a healthy connection is there. application_name is sgrun, and
 * in a step's transactions sgrun:STEP. */
SG_MUST_CHECK int sg_session_open(struct sg_session *session, struct sg_err *err);
/* While a statement runs, without an executor's hook: nothing of ours takes so
 * long as a minute, and then it is given up; so it is at a second signal. */
void sg_session_unwatch(struct sg_session *session);
/* For hooks: what a second SIGINT or SIGTERM means for the statement that runs.
 * It is cancelled; if then no answer comes, for a second, it is given up. */
enum sg_wait sg_session_stopping(void);
/* Closes: nothing of a failed attempt is reused. */
void sg_session_drop(struct sg_session *session);

/* What a transaction found, in the one round trip that began it. */
struct sg_begun {
	bool lease_held;          /* our owner and fence; its row is locked now (false if lease was NULL) */
	bool recorded;
	enum sg_recorded outcome; /* when recorded */
	const char *runner;       /* who recorded it; in the arena */
};

/* BEGIN READ COMMITTED READ WRITE, guards, and, if lease is given, its row lock
 * and then, in a statement of its own, the ledger row of `id`. lock_ms bounds
 * the wait for the lease row: SG_CLASS_LOCKED there means that a ghost of ours
 * still works. id and lease may be NULL. */
SG_MUST_CHECK int sg_session_begin(struct sg_session *session, const struct sg_step *step,
                                   const struct sg_lease *lease, const char *id, int lock_ms, struct sg_arena *arena,
                                   struct sg_begun *begun_r, struct sg_err *err);
/* BEGIN READ ONLY and the guards, for who only looks: on a standby, too. */
SG_MUST_CHECK int sg_session_begin_look(struct sg_session *session, struct sg_arena *arena, struct sg_err *err);
/* BEGIN and the guards of a batch (lock_ms and statement_seconds of [backfills]; jit off), and a
 * question, one SELECT without a semicolon, all in one round trip: its columns follow
 * after SG_BATCH_COLUMNS of ours, its one row (or none: NULLs). */
#define SG_BATCH_COLUMNS 2
SG_MUST_CHECK int sg_session_begin_batch(struct sg_session *session, const struct sg_step *step, const char *question,
                                         struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err);
/* ROLLBACK if a transaction is open and the connection lives. */
void sg_session_rollback(struct sg_session *session);

/* Appends the guards for the next plugin statement to pending: SQL of the
 * plugin may have undone them. */
void sg_session_guards(struct sg_session *session, const struct sg_step *step, int lock_ms, int statement_seconds,
                       struct sg_arena *arena);
/* Appends: the plugin's role, where the manifest names one (on), or the login role again.
 * Our tables belong to the latter, the application's may be hidden from it. */
void sg_session_role(struct sg_session *session, bool on, struct sg_arena *arena);
/* Sends what is pending as one string. */
SG_MUST_CHECK int sg_session_flush(struct sg_session *session, struct sg_err *err);
/* As flush, and the rows of its last statement. */
SG_MUST_CHECK int sg_session_flush_rows(struct sg_session *session, struct sg_arena *arena,
                                        struct sg_result **result_r, struct sg_err *err);

#endif
