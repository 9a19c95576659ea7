/* plan.c - what deploy would do, changing nothing.
 *
 * The ledger decides SKIP; the fingerprint, asked of the database as it is now,
 * RECONCILE. Behind a migration that is to run nothing is certain: RUN?. What
 * becomes of backfills and indexes is plan_backfills.c and plan_indexes.c. */
#include "config.h"

#include <string.h>

#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/run/ask.h"
#include "core/run/reach.h"

static int plan_pending(struct sg_planning *p, struct sg_plan_item *item, struct sg_err *err)
{
	size_t slot = sg_plugins_add(&p->plugins, item->step);
	struct sg_err why = SG_ERR_INIT;
	bool holds;

	if (sg_ask_fingerprint(p->run, &p->session, &p->plugins, slot, &holds, &why) != 0) {
		if (why.class == SG_CLASS_REFUSED) {
			item->action = SG_ACTION_REFUSED;
			sg_err_defer(&item->err, p->run->arena);
			sg_err_move(&item->err, &why);
			return 0;
		}
		/* A question that needs what a predecessor makes may fail now. */
		if (p->runs && why.class == SG_CLASS_SQL && !sg_db_lost(p->session.db)) {
			item->action = SG_ACTION_RUN_MAYBE;
			item->reason = sg_arena_printf(p->run->arena, "its fingerprint cannot be asked yet: %s", why.primary);
			item->title = p->plugins.slots[slot].title;
			sg_err_release(&why);
			return 0;
		}
		sg_err_move(err, &why);
		return -1;
	}
	item->title = p->plugins.slots[slot].title;
	if (holds) {
		item->action = SG_ACTION_RECONCILE;
		item->reason = "its fingerprint holds already";
	} else if (p->runs) {
		item->action = SG_ACTION_RUN_MAYBE;
		item->reason = "a migration before it must run first";
	} else {
		item->action = SG_ACTION_RUN;
	}
	if (!holds)
		p->runs = true;
	return 0;
}

static int plan_migration(struct sg_planning *p, struct sg_plan_item *item, struct sg_err *err)
{
	const struct sg_step *step = item->step;
	const struct sg_ledger_row *row = sg_ledger_find(&p->ledger, step->id);
	const char *closed;

	item->title = step->title;
	if (row != NULL) {
		item->action = SG_ACTION_SKIP;
		item->reason = sg_recorded_name(row->outcome);
		return 0;
	}
	if (step->superseded_by != NULL) {
		item->action = SG_ACTION_SUPERSEDED;
		item->reason = sg_arena_printf(p->run->arena, "by %s", step->superseded_by);
		return 0;
	}
	if (p->past) {
		item->action = SG_ACTION_LATER;
		item->reason = "behind --to";
		return 0;
	}
	closed = sg_gates_closed(&p->gates, step, 0, p->run->arena);
	/* A required migration that comes before in the file will have run by then. */
	for (size_t skip = 1; closed != NULL && sg_text_prefix(closed, "migration:"); skip++)
		closed = sg_gates_closed(&p->gates, step, skip, p->run->arena);
	if (closed != NULL && p->waits_for == NULL) {
		p->waits_for = closed;
		item->action = SG_ACTION_WAIT;
		item->waits_for = closed;
		return 0;
	}
	if (p->waits_for != NULL) {
		item->action = SG_ACTION_WAIT;
		item->waits_for = p->waits_for;
		item->reason = "behind a migration that waits";
		return 0;
	}
	return plan_pending(p, item, err);
}

/* A migration that waits: how its gate stands, and whether this deploy may open it. */
static void conclude_migration(const struct sg_reaching *reaching, size_t place)
{
	struct sg_planning *p = reaching->p;
	struct sg_plan_item *item = &p->plan->items[place];
	const struct sg_step *index = NULL;

	if (item->action != SG_ACTION_WAIT || item->reason != NULL)
		return;
	if (sg_text_prefix(item->waits_for, "index:"))
		index = sg_manifest_step(p->run->manifest, SG_STEP_INDEX, item->waits_for + strlen("index:"));
	item->reason = sg_gates_why(&p->gates, item->waits_for, p->run->arena);
	if (item->reason == NULL || reaching->of[place] != SG_REACH_OPENING)
		return;
	if (index != NULL && p->plan->items[index - p->run->manifest->steps].action == SG_ACTION_SKIP)
		item->reason = "it is there, and not noted yet: this deploy does that first, and goes on";
	else
		item->reason = sg_arena_printf(p->run->arena, index != NULL
		                               ? "%s; this deploy builds it first, and goes on if it is valid then"
		                               : "%s; this deploy runs it first, and goes on if it completes", item->reason);
}

static void conclude(struct sg_planning *p)
{
	struct sg_reaching reaching;

	sg_reach_find(&reaching, p);
	for (size_t i = 0; i < p->plan->count; i++) {
		switch (p->plan->items[i].step->kind) {
		case SG_STEP_MIGRATION: conclude_migration(&reaching, i); break;
		case SG_STEP_BACKFILL: sg_plan_conclude_backfill(&reaching, i); break;
		case SG_STEP_INDEX: sg_plan_conclude_index(&reaching, i); break;
		}
	}
}

static void count(struct sg_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		switch (plan->items[i].action) {
		case SG_ACTION_SKIP: plan->skip++; break;
		case SG_ACTION_RECONCILE: plan->reconcile++; break;
		case SG_ACTION_BUILD:
		case SG_ACTION_BUILD_MAYBE:
		case SG_ACTION_REBUILD:
		case SG_ACTION_RUN:
		case SG_ACTION_RUN_MAYBE: plan->run++; break;
		case SG_ACTION_DRIFTED: plan->drifted++; break;
		case SG_ACTION_WAIT: plan->wait++; break;
		case SG_ACTION_REFUSED:
			plan->refused++;
			plan->refused_migrations += plan->items[i].step->kind == SG_STEP_MIGRATION;
			break;
		case SG_ACTION_SUPERSEDED:
		case SG_ACTION_LATER: break;
		}
	}
}

/* Recorded but not listed; and listed, unrecorded, before a recorded one. */
static void compare_order(struct sg_planning *p)
{
	struct sg_arena *arena = p->run->arena;
	const struct sg_manifest *manifest = p->run->manifest;
	bool recorded_behind = false;

	p->plan->unlisted = sg_arena_array(arena, p->ledger.count, sizeof *p->plan->unlisted);
	for (size_t i = 0; i < p->ledger.count; i++)
		if (sg_manifest_step(manifest, SG_STEP_MIGRATION, p->ledger.rows[i].id) == NULL)
			p->plan->unlisted[p->plan->unlisted_count++] = p->ledger.rows[i].id;
	p->plan->late = sg_arena_array(arena, manifest->step_count, sizeof *p->plan->late);
	for (size_t i = manifest->step_count; i-- > 0;) {
		const struct sg_step *step = &manifest->steps[i];

		if (step->kind != SG_STEP_MIGRATION)
			continue;
		if (sg_ledger_find(&p->ledger, step->id) != NULL)
			recorded_behind = true;
		else if (recorded_behind && step->superseded_by == NULL)
			p->plan->late[p->plan->late_count++] = step->id;
	}
	for (size_t i = 0; i < p->plan->late_count / 2; i++) {
		const char *id = p->plan->late[i];

		p->plan->late[i] = p->plan->late[p->plan->late_count - 1 - i];
		p->plan->late[p->plan->late_count - 1 - i] = id;
	}
}

static int plan_all(struct sg_planning *p, const char *to, struct sg_err *err)
{
	const struct sg_manifest *manifest = p->run->manifest;

	if (sg_ask_ledger(p->run, &p->session, false, &p->ledger, err) != 0 ||
	    sg_gates_read(p->session.db, manifest, &p->ledger, p->run->arena, &p->gates, err) != 0)
		return -1;
	p->plan->installed = p->ledger.installed;
	p->plan->count = manifest->step_count;
	p->doubts = sg_arena_array(p->run->arena, manifest->step_count, sizeof *p->doubts);
	for (size_t i = 0; i < manifest->step_count; i++)
		p->plan->items[i].step = &manifest->steps[i];
	if (sg_plan_look_indexes(p, err) != 0)
		return -1;
	for (size_t i = 0; i < manifest->step_count; i++) {
		struct sg_plan_item *item = &p->plan->items[i];

		if (sg_stop_count() > 0)
			return sg_stop_err(err);
		if (item->step->kind != SG_STEP_MIGRATION)
			continue;
		if (plan_migration(p, item, err) != 0)
			return -1;
		if (to != NULL && strcmp(item->step->id, to) == 0)
			p->past = true;
	}
	if (sg_plan_look_backfills(p, err) != 0)
		return -1;
	conclude(p);
	compare_order(p);
	count(p->plan);
	return 0;
}

int sg_plan_make(struct sg_run *run, const char *to, struct sg_plan *plan_r, struct sg_err *err)
{
	struct sg_planning p = { .run = run, .plan = plan_r };
	int status;

	memset(plan_r, 0, sizeof *plan_r);
	plan_r->items = sg_arena_array(run->arena, run->manifest->step_count, sizeof *plan_r->items);
	sg_session_init(&p.session, run, false);
	sg_plugins_init(&p.plugins, run->manifest, run->arena);
	status = plan_all(&p, to, err);
	sg_plugins_release(&p.plugins);
	sg_session_drop(&p.session);
	return status;
}
