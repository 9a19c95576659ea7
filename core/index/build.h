/* build.h - one index, from whatever it is to valid and ready: the state machine.
 *
 * Look; done if valid; drop what is invalid; build; look again, and only what pg_index says
 * is success. Any error: everything is closed, and it starts over, within the limits of
 * [policy]. It is safe to be killed at any point and to be run again at any point. It runs in a
 * builder's process (builder.h), on a session of its own, and keeps no transaction while it builds. Two connections that
 * have served a build without any error may serve the next one (struct sg_index_line).
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
#include "core/state/indexes.h"

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
	const char *note;         /* what a person should know, or NULL: who held it up, "is now constraint uq_x" */
	struct sg_err err;        /* of FAILED, REFUSED, LEFT, STOPPED, and of DRIFTED: both definitions */
};

/* What one build leaves to the next of the same process: its two connections, healthy, with nothing set, locked or begun on
 * them, if all went well; else nothing. */
struct sg_index_line {
	bool kept;
	struct sg_session session; /* the one that builds */
	struct sg_watch watch;
};
/* Closes what was kept. */
void sg_index_line_release(struct sg_index_line *line);

struct sg_index_build {
	struct sg_run *run;
	const struct sg_index_definition *definition;
	const char *const *siblings; /* names of the registry's other indexes on the same table */
	size_t sibling_count;
	bool made;                   /* sg_index_look_made will do: a look of this run has found it MISSING */
	int64_t deadline_ms;         /* sg_clock_ms; 0: none. The step's max_seconds and lock_seconds hold besides */
	struct sg_index_line *line;  /* or NULL: what is kept there is taken over, and what may be kept is left there. Its run is this one */
	/* Called about twice a second while something takes time. */
	void (*progress)(void *context, const struct sg_index_progress *progress);
	void *context;
};

/* Claims, works until it is valid or cannot be, notes the outcome in the table indexes, gives the claim up. The state
 * tables are installed, its gates are open. Never fails otherwise than in the result; texts are in the run's arena. */
void sg_index_build(const struct sg_index_build *build, struct sg_index_result *result_r);

/* The errors of what a look found, for whoever looks without building: DRIFTED (SG_CLASS_VERIFY; detail: both definitions),
 * NO_TABLE (SG_CLASS_SQL, 42P01). With the manifest's file and the section's line. Return -1. */
int sg_index_drift_err(const struct sg_run *run, const struct sg_index_definition *definition, const struct sg_index_look *look,
                       struct sg_err *err);
int sg_index_no_table_err(const struct sg_run *run, const struct sg_index_definition *definition, struct sg_err *err);
/* Behind a pooler, and no direct_dsn: what cannot be done there, said once a run (also if only its builders say it). */
void sg_index_say_pooled(struct sg_run *run);

/* ---- its parts, for core/index alone ---- */

/* A build in the making: what build.c, concurrently.c, partitions.c and duplicates.c share. */
struct sg_index_work {
	const struct sg_index_build *build;
	struct sg_session session;   /* the one that builds; direct where there is a direct_dsn */
	bool adopted;                /* both connections are an earlier build's, and have not been heard of since */
	bool set_up;                 /* the session that builds was judged and set up for this build */
	bool own_session;            /* settings and advisory locks hold on it: no pooler in between */
	bool pooled_said;            /* what the pooled session's settings may do to it was said */
	bool pooled_read_only;       /* and its transactions are read-only unless they say otherwise, which this statement cannot */
	bool locked;                 /* this session has the advisory lock on the table */
	struct sg_watch watch;       /* the other connection: claim, progress, who is waited for */
	struct sg_index_claim claim;
	int64_t renewed_ms;          /* when the claim was taken or renewed; 0: it is not ours */
	struct sg_index_meter meter;
	int64_t started_ms;
	/* Limits. Waiting for others, in any phase, is added up over the whole build and measured against lock_seconds. */
	int64_t waited_ms, lock_ms;  /* lock_ms 0: none */
	int64_t limit_ms;            /* max_seconds or the run's deadline, whichever is sooner, as sg_clock_ms; 0: none */
	int64_t cleaning_ms;         /* not 0: a carcass is dropped, after a stop too, until then (sg_clock_ms), and no other limit holds */
	bool hurried;                /* a stop came while cleaning: cleaning_ms was made sooner */
	struct sg_buf waited_for;    /* the last who was waited for, as text; or empty */
	struct sg_buf obstacle;      /* sg_index_drop_invalid: who is in the way; empty: nobody */
	struct sg_buf condemned;     /* the name of an invalid one that is about to be dropped, or was; or empty */
	bool gave_way;               /* sg_index_send: cancelled, because somebody else builds on the table; look again */
	int64_t sent_ms;             /* sg_clock_ms when the last CREATE was sent; 0: none was */
	const char *doing;           /* for progress */
	int part, parts;
	struct sg_index_result *result;
};

/* own_session.c: opens the session that builds and sets it up, if it is not open; SG_CLASS_STATE where direct_dsn leads to
 * another database than dsn (asked by our claim, so take it first). */
SG_MUST_CHECK int sg_index_own_open(struct sg_index_work *work, struct sg_err *err);
/* Whether it is open still: what goes wrong may have closed it. */
SG_MUST_CHECK int sg_index_own_alive(const struct sg_index_work *work, struct sg_err *err);
/* The advisory lock on the table, in the session that builds. 1: had (or there is a pooler, and no such thing); 0: somebody has it, *whom_r (in
 * the arena) says who; an sgrun's that is idle has lost its client, and is ended. -1: err. */
SG_MUST_CHECK int sg_index_own_lock(struct sg_index_work *work, struct sg_arena *arena, const char **whom_r, struct sg_err *err);
/* All went well: gives the lock up and takes back whatever was set. true: the session is as one just opened; else it must be dropped. */
bool sg_index_own_clear(struct sg_index_work *work);
/* For a statement of the application's: the role, where the manifest names one and the session is ours. */
SG_MUST_CHECK int sg_index_own_role(struct sg_index_work *work, bool on, struct sg_err *err);

/* line.c: takes over what build->line has kept. */
void sg_index_line_take(struct sg_index_work *work);
/* A connection that was taken over was lost before it served this build: that says nothing of the build, and counts as no attempt. */
bool sg_index_line_broke(const struct sg_index_work *work, const struct sg_err *err);
/* The build is over: its lock is given up, and nothing is set any more, or (well false, or anything is not as it should be) its session is closed. */
void sg_index_line_clear(struct sg_index_work *work, bool well);
/* And all else is: leaves both connections to the next build, if both are there, or closes them. */
void sg_index_line_leave(struct sg_index_work *work);

/* claim.c: the claim on the table, and the lock of the session that builds (which is open): until they are had, a limit or a stop. The
 * arena is reset. */
SG_MUST_CHECK int sg_index_await_claim(struct sg_index_work *work, struct sg_arena *arena, struct sg_err *err);
SG_MUST_CHECK int sg_index_await_lock(struct sg_index_work *work, struct sg_arena *arena, struct sg_err *err);
/* The end: notes what became of it (NULL: nothing is known) and gives the claim up. If it cannot be written the result still tells,
 * and the next look notes it. again: tried more than once. */
void sg_index_settle_claim(struct sg_index_work *work, const struct sg_index_seen *seen, bool again);

/* concurrently.c: renews the claim when it is time, tells progress (NULL: only `doing`). */
void sg_index_tell(struct sg_index_work *work, const struct sg_index_progress *progress);
/* Sleeps so long, between statements: claim, progress, stops and limits as while one runs (but it counts as no wait for others). */
SG_MUST_CHECK int sg_index_pause(struct sg_index_work *work, int64_t ms, struct sg_err *err);
/* Waits for others half a second, outside any transaction, says for whom. -1: err, a limit or a stop. */
SG_MUST_CHECK int sg_index_wait(struct sg_index_work *work, const char *whom, struct sg_err *err);
/* -1 and err: a stop, or limit_ms has passed. While cleaning: a second stop, or cleaning_ms,
 * which a first stop brings nearer. */
SG_MUST_CHECK int sg_index_check(struct sg_index_work *work, struct sg_err *err);

/* concurrently.c: sends one statement that takes long and cannot run in a transaction (CREATE or DROP INDEX CONCURRENTLY) on the
 * work's session, alone in its message; meanwhile renews the claim, tells progress, watches limits and stops, and
 * cancels. SG_CLASS_LOCKED: it waited for others longer than lock_seconds (detail: for whom); SG_CLASS_LATE: max_seconds;
 * the stop's class at a stop; else the server's. -1 with gave_way: SG_CLASS_LOCKED, somebody else builds on the table, and it is he who
 * goes first. What it left behind is for the caller to look at. */
SG_MUST_CHECK int sg_index_send(struct sg_index_work *work, const char *sql, struct sg_err *err);
/* drop.c: drops the index of that name (in the definition's schema) concurrently, if pg_index says that it is invalid and nobody
 * builds on its table (or holds such a lock on it); else nothing is done. 1: dropped or not there, 0: left alone: it is valid, or
 * work->obstacle says who is in the way (sg_index_wait, and ask again); -1: err. An index of a partitioned table is none of its business. */
SG_MUST_CHECK int sg_index_drop_invalid(struct sg_index_work *work, const char *name, struct sg_err *err);
/* The same in another schema: an index is where its table is, and a partition may be elsewhere. */
SG_MUST_CHECK int sg_index_drop_invalid_in(struct sg_index_work *work, const char *schema, const char *name, struct sg_err *err);
/* The name that an invalid index, which was to be dropped, bears now. */
const char *sg_index_carcass_name(const struct sg_index_work *work, const char *index);
/* Who has the table to himself, in the arena; NULL: nobody, or it cannot be told. */
const char *sg_index_table_holder(struct sg_index_work *work, struct sg_arena *arena);

/* partitions.c: the table is partitioned. Each leaf's index concurrently, by names of ours, whatever of them is there already and equal
 * is taken; then, in one short transaction up the lock ladder, those of the partitioned levels, to which the leaves' are
 * attached; committed only if the topmost is valid then. -1: err, nothing half done that the next run would not go on from, and
 * carcass in the result if an invalid one of a leaf is left; SG_CLASS_VERIFY: the topmost is there, invalid, with another definition. */
SG_MUST_CHECK int sg_index_build_partitioned(struct sg_index_work *work, const struct sg_index_look *look, struct sg_err *err);

/* duplicates.c: 23505. Adds to err, which is set, up to ten duplicate keys with their counts as detail, and what to do as hint. Best
 * effort, within read_seconds. */
void sg_index_name_duplicates(struct sg_index_work *work, struct sg_err *err);

#endif
