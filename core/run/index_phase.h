/* index_phase.h - what the files of the index phase share: index.c (the course), index_survey.c (what
 * is there, what is ready), reopen.c (duplicates found). Of use to nobody else. */
#ifndef SG_INDEX_PHASE_H
#define SG_INDEX_PHASE_H

#include "core/index/builders.h"
#include "core/run/gates.h"
#include "core/run/index_schedule.h"
#include "core/run/run.h"

/* A section of the registry, asked for or not: its table is of concern to its siblings. */
struct sg_index_listed {
	const struct sg_step *step;
	struct sg_index_definition definition;
	bool defined;         /* else refused: why */
	struct sg_err why;
	uint32_t root;        /* oid of its table, or of the topmost of its partitions; 0: not known */
};

/* Of each item of the result, in its order. */
struct sg_index_course {
	struct sg_index_listed *listed;
	struct sg_index_look look;
	bool looked;          /* look is filled */
	bool locked;          /* its table is locked: its builder looks, and has the time to wait */
	struct sg_err why;    /* the look has failed for good */
	bool started;         /* it had a builder */
};

struct sg_index_phase {
	struct sg_run *run;
	const struct sg_indexes_options *options;
	const struct sg_indexes_result *before; /* or NULL */
	struct sg_indexes_result *result;
	struct sg_session session; /* closed while anything is built */
	struct sg_ledger ledger;
	struct sg_gates gates;
	struct sg_index_listed *listed;
	size_t listed_count;
	struct sg_index_course *course;
	struct sg_schedule_item *slots;
	struct sg_builders builders;
	size_t number, total; /* of those to be built */
	bool stale;           /* the gates are to be read again */
	int64_t stale_ms;     /* not before that */
	bool away;            /* the server is: nothing more is started */
};

/* ---- index_survey.c ---- */

/* Looks at every item that is not settled, notes what is seen, installs the state tables if anything is to be done,
 * and judges: SETTLED, WAITING or READY. -1: what concerns all. */
SG_MUST_CHECK int sg_index_survey(struct sg_index_phase *phase, struct sg_err *err);
/* Reads ledger and gates again and judges what waited. once: without trying again. The session is closed after. */
SG_MUST_CHECK int sg_index_judge_again(struct sg_index_phase *phase, bool once, struct sg_err *err);
/* Lets the table indexes follow what a look has found; row: what it says, or NULL; owner: whose claim ends with it, or NULL. The
 * tables are installed. */
SG_MUST_CHECK int sg_index_note_seen(struct sg_session *session, const struct sg_index_definition *definition,
                                     const struct sg_index_look *look, const struct sg_index_row *row, const char *owner,
                                     struct sg_err *err);
/* Its result stands; the observer is told, unless an earlier round has told the same. */
void sg_index_settle(struct sg_index_phase *phase, size_t i);
void sg_index_tell_ended(const struct sg_index_phase *phase, const struct sg_indexes_item *item);

/* ---- index_glance.c ---- */

/* Before the migrations of a deploy: an index that one of them requires, that the table indexes calls valid, and that
 * somebody has dropped or broken since, is no open gate. Best effort: what fails here is found by the phases themselves. */
void sg_index_glance(struct sg_run *run);

/* ---- reopen.c ---- */

/* Every item of this phase that failed for duplicates: asks the fingerprints of the backfills that it requires. One that
 * does not hold and may begin again is pending again (result->reopened); else the item's error says what to do. Nothing is
 * built meanwhile. */
void sg_index_reopen(struct sg_index_phase *phase);

#endif
