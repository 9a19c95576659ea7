/* planning.h - a plan in the making, for plan.c, plan_backfills.c, plan_indexes.c and reach.c alone.
 *
 * First every step is looked at by itself, the indexes before the migrations (a gate that the state holds open for an index
 * that is gone is closed); then reach.h, and what follows from it for each kind. */
#ifndef SG_PLANNING_H
#define SG_PLANNING_H

#include "core/exec/session.h"
#include "core/run/gates.h"
#include "core/run/plugins.h"
#include "core/run/run.h"

struct sg_planning {
	struct sg_run *run;
	struct sg_plan *plan;  /* its items: one a step, in the manifest's order and at its places */
	struct sg_session session;
	struct sg_plugins plugins;
	struct sg_ledger ledger;
	struct sg_gates gates;
	struct sg_err *doubts; /* a step's: of an index that the server would not build as things are; class NONE: none */
	const char *locked;    /* a table whose lock was waited for in vain, or NULL: not again for its next index */
	const char *waits_for; /* the first closed gate: later migrations wait with it */
	bool runs;             /* a migration before this one is to run */
	bool past;             /* behind --to */
};

struct sg_reaching;

/* Looks at the server, and sets the gates right by what is there. Fails where there is no server, and at a signal. */
SG_MUST_CHECK int sg_plan_look_indexes(struct sg_planning *p, struct sg_err *err);
void sg_plan_conclude_index(const struct sg_reaching *reaching, size_t place);
/* How far they are, by the state. Fails at a signal only. */
SG_MUST_CHECK int sg_plan_look_backfills(struct sg_planning *p, struct sg_err *err);
void sg_plan_conclude_backfill(const struct sg_reaching *reaching, size_t place);

#endif
