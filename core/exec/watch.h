/* watch.h - a second connection, for what the first cannot do while it is busy.
 *
 * It names whoever blocks a statement of ours, and renews the lease while no
 * transaction holds its row. Every use is bounded; a watch that cannot connect
 * or does not answer is switched off and said once: it is never in the way. */
#ifndef SG_WATCH_H
#define SG_WATCH_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/exec/session.h"
#include "core/state/lease.h"

struct sg_watch {
	struct sg_session session;
	struct sg_lease *lease;    /* or NULL */
	int64_t renewed_ms;        /* sg_clock_ms of the last renewal */
	int failures;              /* of questions who blocks, one after the other */
	bool off;                  /* after three: nobody is asked any more */
};

void sg_watch_init(struct sg_watch *watch, struct sg_run *run, struct sg_lease *lease);
void sg_watch_release(struct sg_watch *watch);

/* Connects, for a use of one's own; an answer is waited for 500 ms at most. */
SG_MUST_CHECK int sg_watch_open(struct sg_watch *watch, struct sg_err *err);

struct sg_blockers {
	int64_t waited_ms;   /* how long the backend has waited for a lock; 0 = it does not wait */
	bool table;          /* it waits for a table as a whole, not for a row */
	bool deadlock;       /* somebody who blocks it waits for it */
	const char *text;    /* "pid 4711 (psql, user app, idle in transaction for 34 s: UPDATE …)", or NULL */
};
/* Who blocks that backend; nothing if it cannot be told within 500 ms. */
void sg_watch_blockers(struct sg_watch *watch, int backend, struct sg_arena *arena, struct sg_blockers *blockers_r);

/* Appends a session for people: "pid 4711 (psql, user app, active for 34 s: UPDATE …)", literals masked. Seven columns of the result, from
 * that one on: pid (0: a prepared transaction), application_name, usename, state, since when in ms, query, backend_type. */
void sg_watch_add_session(struct sg_buf *text, const struct sg_result *result, int row, int column,
                          struct sg_arena *arena);

/* Renews the lease when a third of it has passed. -1: another took it. A renewal
 * that fails otherwise is tried again later. */
SG_MUST_CHECK int sg_watch_renew(struct sg_watch *watch, struct sg_err *err);
/* The same, and -1 if a stop was asked for. */
SG_MUST_CHECK int sg_watch_keep(struct sg_watch *watch, struct sg_err *err);
/* Sleeps outside any transaction, keeping the lease. */
SG_MUST_CHECK int sg_watch_sleep(struct sg_watch *watch, int64_t ms, struct sg_err *err);
/* 1: another session of application_name sgrun:STEP is there still; one that is idle has been told to end. 0: none. -1: err. */
SG_MUST_CHECK int sg_watch_ghosts(struct sg_watch *watch, const char *step, struct sg_err *err);

#endif
