/* executor.h - serves one plugin's requests inside one transaction.
 *
 * Parse, policy, guards, send, classify: every statement of a plugin goes
 * through here and nowhere else. An executor lives for one attempt. After any
 * error of it the caller rolls back and kills the process. */
#ifndef SG_EXECUTOR_H
#define SG_EXECUTOR_H

#include "core/exec/journal.h"
#include "core/exec/probe.h"
#include "core/exec/session.h"
#include "core/exec/watch.h"
#include "core/plugin/process.h"
#include "core/sql/policy.h"

struct sg_executor {
	struct sg_run *run;
	const struct sg_step *step;
	struct sg_session *session;     /* a transaction is open, unless outside */
	struct sg_process *process;
	struct sg_arena *arena;         /* the attempt's */
	struct sg_arena *scratch;       /* of the request that is being served: a plugin may ask without end */
	struct sg_watch *watch;         /* or NULL: nobody is named */
	int lock_ms;                    /* lock_timeout of this attempt */
	bool outside;                   /* SG_NO_TRANSACTION: run sends outside any transaction */
	/* state */
	enum sg_phase phase;
	bool savepoint;                 /* sgrun_ddl is open */
	bool in_schema;                 /* what it makes goes where [database] schema says: was seen, and is looked at again */
	bool schema_asked;              /* with the next guards */
	bool sent_outside;              /* the one statement was sent */
	bool drain;                     /* a batch of SG_DRAIN: SKIP LOCKED is legal */
	bool guarded;                   /* a batch: nothing of the plugin was sent since the transaction's guards, and
	                                 * the role is set (the caller says so) */
	const char *found_sql;          /* the last sg_exists of a fingerprint that found a row … */
	int found_n;                    /* … and its parameters */
	const char *const *found_values;
	bool lease_lost;                /* while it ran: it is cancelled */
	struct sg_probe_snapshot snapshot;
	struct sg_relations made;       /* by this migration */
	struct sg_relations altered;    /* named by its DDL */
	struct sg_relations bodies;     /* what routines that it made write to */
	struct sg_journal journal;
	int existed;
	const char *last_sql;           /* last DDL sent, masked */
	/* of the statement that runs now */
	int64_t asked_ms, limit_ms;
	int64_t waited_ms;
	const char *waited_on, *now;
	bool waited_table;              /* it was a table that was waited for, not a row of one */
	bool gave_way;                  /* a batch that whoever blocks it waits for: it was cancelled */
	char *waited_text;              /* where waited_on is kept */
	size_t waited_room;
};

void sg_executor_init(struct sg_executor *executor, struct sg_run *run, const struct sg_step *step,
                      struct sg_session *session, struct sg_process *process, struct sg_watch *watch, int lock_ms,
                      struct sg_arena *arena);

/* Asks the plugin's fingerprint in a savepoint that is always rolled back to,
 * read-only. "There is no such thing" (42P01, 42703, 42704, 42883, 3F000) counts
 * as false; *spent_r then says that the process is of no more use. */
SG_MUST_CHECK int sg_executor_fingerprint(struct sg_executor *executor, bool *holds_r, bool *spent_r,
                                          struct sg_err *err);
/* The plugin's run(): its DDL, until it says done with SG_OK. */
SG_MUST_CHECK int sg_executor_run(struct sg_executor *executor, struct sg_err *err);
/* The plugin's backfill_batch(), in the batch's transaction (sg_session_begin_batch);
 * *changed_r is what it returned (>= 0; less is SG_CLASS_FAILED). sg_dml and reads
 * only. The journal gets an entry for the first statement of each kind. The process
 * is ready for another call afterwards; after -1 only sg_process_kill is of use. */
SG_MUST_CHECK int sg_executor_batch(struct sg_executor *executor, const struct sg_process_batch *batch, bool drain,
                                    int64_t *changed_r, struct sg_err *err);
/* CLOSE ALL, deferred triggers now, and the server's word (core/exec/probe.h). */
SG_MUST_CHECK int sg_executor_probe(struct sg_executor *executor, struct sg_err *err);
/* Sends what is pending; -1 also if unqualified names would not be made in
 * [database] schema: where it is missing, or this role may not use it, the server
 * would make temporary tables of them. */
SG_MUST_CHECK int sg_executor_flush_in_schema(struct sg_executor *executor, struct sg_err *err);
/* Sets the wait hook of the session's connection: signals, deadline, blockers. */
void sg_executor_watch(struct sg_executor *executor);
/* Hook and deadline for the host's own statements; limit_ms 0 = none. */
void sg_executor_limit(struct sg_executor *executor, int64_t limit_ms, const char *doing);

#endif
