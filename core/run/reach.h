/* reach.h - what a deploy comes to, of a plan in the making: which gates are open, which it
 * may open itself, and which stay closed.
 *
 * Deploy goes round: migrations until one waits, indexes and backfills that are ready, and again. So hope goes
 * through steps of all three kinds that need each other, until nothing changes. */
#ifndef SG_REACH_H
#define SG_REACH_H

#include "core/run/planning.h"

/* What a step will be when what needs it comes: in order of hope. */
enum sg_reach { SG_REACH_CLOSED, SG_REACH_OPENING, SG_REACH_OPEN };

struct sg_reaching {
	struct sg_planning *p;
	enum sg_reach *of; /* each step's, by its place */
	bool migrates;     /* some migration may run in this deploy */
};

/* Every item has been looked at by itself: of a backfill that may run the action is RUN, of an index BUILD or REBUILD. */
void sg_reach_find(struct sg_reaching *reaching, struct sg_planning *p);
/* The worst of all that a step needs; at_r: the first that is so bad ("index:idx_a"), or NULL. */
enum sg_reach sg_reach_needs(const struct sg_reaching *reaching, const struct sg_step *step, const char **at_r);

#endif
