/* plan_backfills.c - what deploy would do with the backfills. No fingerprint is asked here: how
 * much is left is what the state says. */
#include "config.h"

#include "core/base/stop.h"
#include "core/run/reach.h"

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

int sg_plan_look_backfills(struct sg_planning *p, struct sg_err *err)
{
	for (size_t i = 0; i < p->plan->count; i++)
		if (p->plan->items[i].step->kind == SG_STEP_BACKFILL && first_look(p, &p->plan->items[i], err) != 0)
			return -1;
	return 0;
}

void sg_plan_conclude_backfill(const struct sg_reaching *r, size_t place)
{
	struct sg_plan_item *item = &r->p->plan->items[place];
	const char *at;

	if (item->action != SG_ACTION_RUN)
		return;
	switch (sg_reach_needs(r, item->step, &at)) {
	case SG_REACH_OPEN:
		break;
	case SG_REACH_OPENING:
		item->action = SG_ACTION_RUN_MAYBE;
		item->reason = sg_arena_printf(r->p->run->arena, "after %s; %s", at, item->reason);
		break;
	case SG_REACH_CLOSED:
		item->action = SG_ACTION_WAIT;
		item->waits_for = at;
		item->reason = sg_gates_why(&r->p->gates, at, r->p->run->arena);
		break;
	}
}
