/* build.h - one index, from whatever it is to valid and ready: the state machine.
 *
 * Look; done if valid; drop what is invalid; build; look again, and only what pg_index says
 * is success. Any error: everything is closed, and it starts over, within the limits of
 * [policy]. It is safe to be killed at any point and to be run again at any point. It runs in a
 * process of its own (builder.h), on a session of its own, and keeps no transaction while it builds.
 *
 * With direct_dsn (or no pooler in between): session settings, and a try-advisory-lock on the
 * table in the session that builds, which a ghost build keeps until it is over. Behind a pooler:
 * CREATE INDEX CONCURRENTLY goes alone in its message; the claim (core/state/indexes.h) and
 * what pg_locks and pg_stat_progress_create_index show keep two runners apart. */
#ifndef SG_INDEX_BUILD_H
#define SG_INDEX_BUILD_H

#include "core/index/definition.h"
#include "core/index/look.h"
#include "core/index/progress.h"

enum sg_index_end {
	SG_INDEX_END_ALREADY,     /* was valid and equal before this run */
	SG_INDEX_END_BUILT,
	SG_INDEX_END_DRIFTED,     /* valid, with another definition: nothing was changed */
	SG_INDEX_END_WAITING,     /* its migration, or a gate */
	SG_INDEX_END_LEFT,        /* this run's time is over, or the server is away (err): the next run goes on */
	SG_INDEX_END_FAILED,      /* err */
	SG_INDEX_END_REFUSED,     /* its section: err */
	SG_INDEX_END_STOPPED,     /* by a signal */
	SG_INDEX_END_NOT_REACHED
};
const char *sg_index_end_name(enum sg_index_end end); /* "already", "built", "drifted", … */

struct sg_index_result {
	enum sg_index_end end;
	int64_t duration_ms;      /* from the first look to the last */
	int64_t build_ms;         /* of the statement that made it; -1: none was sent */
	int64_t bytes;            /* -1: not known */
	int attempts;             /* builds that were begun */
	bool rebuilt;             /* an invalid one was dropped first */
	bool carcass;             /* an invalid index is left behind: the next run drops it */
	bool duplicates;          /* FAILED for 23505: the data is not unique; err's detail names some */
	int partitions;           /* built or found, of a partitioned table */
	const char *note;         /* what a person should know, or NULL: drift, who held it up, "is now constraint uq_x" */
	struct sg_err err;
};

struct sg_index_build {
	struct sg_run *run;
	const struct sg_index_definition *definition;
	const char *const *siblings; /* names of the registry's other indexes on the same table */
	size_t sibling_count;
	int64_t deadline_ms;         /* sg_clock_ms; 0: none. The step's max_seconds and lock_seconds hold besides */
	/* Called about twice a second while something takes time. */
	void (*progress)(void *context, const struct sg_index_progress *progress);
	void *context;
};

/* Claims, works until it is valid or cannot be, notes the outcome in the table indexes, gives the claim up. The state
 * tables are installed, its gates are open. Never fails otherwise than in the result; texts are in the run's arena. */
void sg_index_build(const struct sg_index_build *build, struct sg_index_result *result_r);

/* ---- its parts, for core/index alone ---- */

/* A build in the making: what build.c, concurrently.c, partitions.c and duplicates.c share. */
struct sg_index_work {
	const struct sg_index_build *build;
	struct sg_session session;   /* the one that builds; direct where there is a direct_dsn */
	bool own_session;            /* settings and advisory locks hold on it: no pooler in between */
	struct sg_watch watch;       /* the other connection: claim, progress, who is waited for */
	struct sg_index_meter meter;
	int64_t started_ms;
	int64_t wait_limit_ms, limit_ms; /* lock_seconds; max_seconds or the run's deadline, whichever is sooner, as sg_clock_ms; 0: none */
	const char *doing;           /* for progress */
	int part, parts;
	struct sg_index_result *result;
};

/* concurrently.c: sends one statement that takes long and cannot run in a transaction (CREATE or DROP INDEX CONCURRENTLY) on the
 * work's session, alone in its message; meanwhile renews the claim, tells progress, watches limits and stops, and
 * cancels. SG_CLASS_LOCKED: it waited for others longer than lock_seconds (detail: for whom); SG_CLASS_TIMEOUT: max_seconds;
 * the stop's class at a stop; else the server's. What it left behind is for the caller to look at. */
SG_MUST_CHECK int sg_index_send(struct sg_index_work *work, const char *sql, struct sg_err *err);
/* Drops the index of that name (in the definition's schema) concurrently, if pg_index says that it is invalid and nobody is building
 * it; else nothing is done. 1: dropped or not there, 0: left alone (somebody builds it, or it is valid), -1: err. */
SG_MUST_CHECK int sg_index_drop_invalid(struct sg_index_work *work, const char *name, struct sg_err *err);

/* partitions.c: the table is partitioned. Each leaf's index concurrently, by names of ours, whatever of them is there already and equal
 * is taken; then, in one short transaction up the lock ladder, the parents (ON ONLY) and ATTACH PARTITION; committed only if
 * the topmost is valid then. -1: err, nothing half done that the next run would not go on from. */
SG_MUST_CHECK int sg_index_build_partitioned(struct sg_index_work *work, const struct sg_index_look *look, struct sg_err *err);

/* duplicates.c: 23505. Adds to err, which is set, up to ten duplicate keys with their counts as detail, and what to do as hint. Best
 * effort, within read_seconds. */
void sg_index_name_duplicates(struct sg_index_work *work, struct sg_err *err);

#endif
