/* progress.h - how a build goes on, as pg_stat_progress_create_index tells another session.
 *
 * Phases and columns: PostgreSQL documentation, "CREATE INDEX Progress Reporting";
 * src/include/commands/progress.h. */
#ifndef SG_INDEX_PROGRESS_H
#define SG_INDEX_PROGRESS_H

#include "core/exec/watch.h"
#include "core/index/definition.h"

/* Texts live in the arena of the call that filled it, or until the observer's call returns. */
struct sg_index_progress {
	const char *phase;      /* as the server calls it: "waiting for writers before build", "building index: scanning table"; or NULL */
	int phase_number, phases; /* of those with work of their own, from 1; 0: not known */
	int64_t done, total;    /* blocks or tuples of this phase; total 0: not known */
	bool blocks;            /* else tuples */
	double fraction;        /* of this phase, 0 to 1; below 0: not known */
	int64_t seconds_left;   /* of this phase, by its speed so far; -1: not known */
	const char *waits_for;  /* "pid 4711 (psql, user app, idle in transaction for 34 s: UPDATE …)", or NULL */
	int64_t waits_ms;       /* how long in this wait */
	const char *doing;      /* anything else: "dropping the invalid one", "another session builds on this table: …"; or NULL */
	int part, parts;        /* of a partitioned table: which partition is built; 0: it has none */
	int64_t elapsed_ms;     /* since this run took it up */
};

/* Of the session that builds: pid, or 0 where it is not known (then whoever builds on that table, or a partition of it). */
struct sg_index_meter {
	struct sg_watch *watch;
	const struct sg_index_definition *definition;
	int pid;
	char phase[64];         /* the last one seen */
	int64_t phase_ms, first_done, wait_ms; /* sg_clock_ms when it began; done then; when the wait began; 0: none */
	int failures;           /* of questions, one after the other; after three it is asked seldom */
	int64_t again_ms;
};
void sg_index_meter_init(struct sg_index_meter *meter, struct sg_watch *watch, const struct sg_index_definition *definition);
/* A new statement, of that backend. */
void sg_index_meter_reset(struct sg_index_meter *meter, int pid);
/* On the watch's connection, answered within 500 ms or not at all; no transaction and no snapshot stays. progress_r is
 * filled with what is known, all else is 0, -1 or NULL. waiting_r (or NULL): it waits for others now. */
void sg_index_meter_read(struct sg_index_meter *meter, struct sg_arena *arena, struct sg_index_progress *progress_r,
                         bool *waiting_r);

/* Pure: what a row of the view (phase NULL: there is none) says at now_ms. */
struct sg_index_reading {
	const char *phase;
	int64_t blocks_done, blocks_total, tuples_done, tuples_total;
};
void sg_index_meter_take(struct sg_index_meter *meter, const struct sg_index_reading *reading, int64_t now_ms,
                         struct sg_index_progress *progress_r);

#endif
