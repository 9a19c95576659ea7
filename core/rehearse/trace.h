/* trace.h - what each statement of a rehearsal did: the locks that it newly took, the files that are new, the tables
 * that were read from end to end, and how long each table was held.
 *
 * Locks come from pg_locks, of our own backend, in the same transaction; files from pg_relation_filenode(), scans from the
 * backend's own counters (pg_stat_get_xact_numscans and …tuples_returned; PostgreSQL documentation, "The Cumulative Statistics
 * System"), as differences, for they may hold what earlier transactions of the backend have not reported yet. The scan by which
 * ALTER TABLE checks a constraint, a foreign key's query, the build of an index and a rewrite all count there. What these
 * questions take is not in the times. Outside any transaction the locks are seen from aside (sampler.h). */
#ifndef SG_REHEARSE_TRACE_H
#define SG_REHEARSE_TRACE_H

#include "core/exec/trace.h"
#include "core/rehearse/rehearsal.h"
#include "core/rehearse/sampler.h"

struct sg_trace_relation; /* trace.c */

struct sg_tracer {
	struct sg_trace trace;       /* for the run; its context is the tracer */
	struct sg_arena *arena;      /* the run's */
	struct sg_rehearsal *rehearsal;
	/* The run works with copies of the manifest's steps; a copy's number leads to the step. */
	const struct sg_step *copies;
	const struct sg_step *const *originals;
	const char *state_schema, *schema;
	const struct sg_dsn *dsn;    /* for the look from aside at statements outside any transaction */
	bool measure;                /* else only statements and times are noted */
	/* of the attempt */
	struct sg_arena attempt;
	bool looked, outside;        /* outside: the statement that runs is in no transaction */
	struct sg_trace_relation *relations; /* there before, by oid */
	size_t relation_count;
	size_t statement_capacity;
	int64_t sent_us;             /* of the statement that runs */
	int64_t own_us;              /* what our questions took so far */
	struct sg_sampler sampler;
};

void sg_tracer_init(struct sg_tracer *tracer, struct sg_arena *arena, struct sg_rehearsal *rehearsal);
void sg_tracer_release(struct sg_tracer *tracer);

/* The step's place in the rehearsal, a new one at the end if it has none. rehearsal->steps must have room for all: nothing moves. */
struct sg_rehearsal_step *sg_tracer_step(struct sg_tracer *tracer, const struct sg_step *copy);

/* "AccessExclusiveLock": 8; 0: none of the eight. */
int sg_lock_strength(const char *mode);

#endif
