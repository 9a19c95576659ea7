/* plan_backfills.c - what deploy would do with the backfills.
 *
 * Deploy goes round: migrations until one waits, backfills that are ready, and again. So
 * a gate is open, or this deploy may open it, or it cannot; and that goes through
 * backfills and migrations that need each other, until nothing changes. No
 * fingerprint is asked here: how much is left is what the state says. */
#include "config.h"

#include <string.h>

#include "core/base/stop.h"
#include "core/run/planning.h"

/* What a step will be when what needs it comes: in order of hope. */
enum reach { CLOSED, OPENING, OPEN };

struct reaching {
	struct sg_planning *p;
	enum reach *of; /* each step's, by its place */
};

static enum reach reach_of(const struct reaching *r, enum sg_step_kind kind, const char *id)
{
	const struct sg_manifest *manifest = r->p->run->manifest;
	const struct sg_step *step = sg_manifest_step(manifest, kind, id);

	return step != NULL ? r->of[step - manifest->steps] : CLOSED;
}

/* The worst of all that a step needs; at_r: the first that is so bad. */
static enum reach needs(const struct reaching *r, const struct sg_step *step, const char **at_r)
{
	struct sg_arena *arena = r->p->run->arena;
	enum reach worst = OPEN;

	*at_r = NULL;
	if (step->migration != NULL) {
		worst = reach_of(r, SG_STEP_MIGRATION, step->migration);
		if (worst != OPEN)
			*at_r = sg_arena_printf(arena, "migration:%s", step->migration);
	}
	for (size_t i = 0; i < step->require_count; i++) {
		const struct sg_require *require = &step->requires[i];
		enum reach reach = reach_of(r, require->kind, require->id);

		if (reach >= worst)
			continue;
		worst = reach;
		*at_r = sg_arena_printf(arena, "%s:%s", sg_step_kind_name(require->kind), require->id);
	}
	return worst;
}

static enum reach before(const struct sg_plan_item *item)
{
	switch (item->action) {
	case SG_ACTION_SKIP:
		return OPEN;
	case SG_ACTION_RECONCILE:
	case SG_ACTION_RUN:
	case SG_ACTION_RUN_MAYBE:
	case SG_ACTION_SUPERSEDED:
		return OPENING;
	case SG_ACTION_WAIT:
	case SG_ACTION_REFUSED:
	case SG_ACTION_LATER:
	case SG_ACTION_BUILD:
	case SG_ACTION_BUILD_MAYBE:
	case SG_ACTION_REBUILD:
	case SG_ACTION_DRIFTED:
		break;
	}
	return CLOSED;
}

/* Backfills that wait for nothing hopeless, and the migrations that wait for those. */
static bool open_more(struct reaching *r)
{
	const struct sg_plan *plan = r->p->plan;
	bool changed = false, blocked = false;
	const char *at;

	for (size_t i = 0; i < plan->count; i++) {
		const struct sg_plan_item *item = &plan->items[i];
		bool hopes = item->step->kind == SG_STEP_BACKFILL ? item->action == SG_ACTION_RUN
		                                                  : item->action == SG_ACTION_WAIT && !blocked;

		if (item->step->kind == SG_STEP_INDEX)
			continue;
		hopes = hopes && needs(r, item->step, &at) != CLOSED;
		if (hopes && r->of[i] == CLOSED) {
			r->of[i] = OPENING;
			changed = true;
		}
		/* the order of the file is the order of history */
		if (item->step->kind == SG_STEP_MIGRATION && item->action == SG_ACTION_WAIT && !hopes)
			blocked = true;
	}
	return changed;
}

static const char *position(const struct sg_backfill_row *row, struct sg_arena *arena)
{
	if (row == NULL)
		return "not started";
	if (row->again)
		return "all rows once more";
	if (row->state == SG_BACKFILL_FAILED)
		return sg_arena_printf(arena, "failed before: %s, tries again", row->message ? row->message : "no reason was noted");
	if (row->state == SG_BACKFILL_RESIDUAL)
		return sg_arena_printf(arena, "%s; its fingerprint is asked again", sg_backfill_row_text(row, arena));
	if (row->state == SG_BACKFILL_RUNNING && row->lanes > 0)
		return sg_arena_printf(arena, "another runner is at it: %s", sg_backfill_row_text(row, arena));
	return sg_backfill_row_text(row, arena);
}

/* What is known before its gates are looked at: RUN, if nothing speaks against it. */
static int first_look(struct sg_planning *p, struct sg_plan_item *item, struct sg_err *err)
{
	const struct sg_step *step = item->step;
	const struct sg_backfill_row *row = sg_backfills_find(p->gates.backfills, p->gates.backfill_count, step->id);
	struct sg_process *process;
	struct sg_err why = SG_ERR_INIT;
	size_t slot;

	item->title = step->title ? step->title : step->description;
	if (row != NULL && row->state == SG_BACKFILL_COMPLETE) {
		item->action = SG_ACTION_SKIP;
		item->reason = "complete";
		return 0;
	}
	slot = sg_plugins_add(&p->plugins, step);
	if (sg_plugins_take(&p->plugins, slot, &process, &why) != 0) {
		if (sg_stop_count() > 0) {
			sg_err_move(err, &why);
			return -1;
		}
		item->action = SG_ACTION_REFUSED;
		sg_err_defer(&item->err, p->run->arena);
		sg_err_move(&item->err, &why);
		return 0;
	}
	sg_process_kill(process);
	if (item->title == NULL)
		item->title = p->plugins.slots[slot].title;
	item->action = SG_ACTION_RUN;
	item->reason = position(row, p->run->arena);
	if (row != NULL && row->state == SG_BACKFILL_PAUSED)
		item->action = SG_ACTION_WAIT;
	return 0;
}

static void conclude(struct reaching *r, struct sg_plan_item *item)
{
	const char *at;

	if (item->action != SG_ACTION_RUN)
		return;
	switch (needs(r, item->step, &at)) {
	case OPEN:
		break;
	case OPENING:
		item->action = SG_ACTION_RUN_MAYBE;
		item->reason = sg_arena_printf(r->p->run->arena, "after %s; %s", at, item->reason);
		break;
	case CLOSED:
		item->action = SG_ACTION_WAIT;
		item->waits_for = at;
		item->reason = sg_gates_why(&r->p->gates, at, r->p->run->arena);
		break;
	}
}

int sg_plan_backfills(struct sg_planning *p, struct sg_err *err)
{
	struct reaching r = { p, sg_arena_array(p->run->arena, p->plan->count, sizeof *r.of) };

	for (size_t i = 0; i < p->plan->count; i++) {
		struct sg_plan_item *item = &p->plan->items[i];

		if (item->step->kind == SG_STEP_BACKFILL && first_look(p, item, err) != 0)
			return -1;
		r.of[i] = item->step->kind == SG_STEP_BACKFILL && item->action == SG_ACTION_RUN ? CLOSED : before(item);
	}
	while (open_more(&r)) {}
	for (size_t i = 0; i < p->plan->count; i++) {
		struct sg_plan_item *item = &p->plan->items[i];

		if (item->step->kind == SG_STEP_BACKFILL)
			conclude(&r, item);
		else if (item->step->kind == SG_STEP_MIGRATION && item->action == SG_ACTION_WAIT && item->reason == NULL) {
			item->reason = sg_gates_why(&p->gates, item->waits_for, p->run->arena);
			if (item->reason != NULL && r.of[i] == OPENING)
				item->reason = sg_arena_printf(p->run->arena, "%s; this deploy runs it first, and goes on if it completes",
				                               item->reason);
		}
	}
	return 0;
}
