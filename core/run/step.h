/* step.h - one migration to its end: attempt after attempt, within its budgets. */
#ifndef SG_STEP_H
#define SG_STEP_H

#include "core/run/attempt.h"

/* What the steps of a phase share; none of it is owned. */
struct sg_stage {
	struct sg_run *run;
	struct sg_lease *lease;
	struct sg_session *session;
	struct sg_watch *watch;
	struct sg_plugins *plugins;
};

/* Runs the item's step, whose plugin is in the slot; ids are recorded as superseded
 * with it. 0: recorded, and the item says how. -1: failed for good; what could be
 * noted is in the attempts table. */
SG_MUST_CHECK int sg_step_run(const struct sg_stage *stage, struct sg_migrate_item *item, size_t slot,
                              const char *const *ids, size_t id_count, struct sg_err *err);

/* Records a step as superseded, whose successor was recorded before it was in the
 * manifest. */
SG_MUST_CHECK int sg_step_supersede(const struct sg_stage *stage, const struct sg_step *step, struct sg_err *err);

#endif
