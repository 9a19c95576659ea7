/* planning.h - a plan in the making, for plan.c and plan_backfills.c alone. */
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
	const char *waits_for; /* the first closed gate: later migrations wait with it */
	bool runs;             /* a migration before this one is to run */
	bool past;             /* behind --to */
};

/* Once the migrations are planned: what becomes of the backfills, and of the migrations that
 * wait for them. Fails at a signal only. */
SG_MUST_CHECK int sg_plan_backfills(struct sg_planning *p, struct sg_err *err);

#endif
