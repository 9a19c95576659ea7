/* reach.c - see reach.h. */
#include "config.h"
#include "core/run/reach.h"

#include <string.h>

static enum sg_reach reach_of(const struct sg_reaching *r, enum sg_step_kind kind, const char *id)
{
	const struct sg_manifest *manifest = r->p->run->manifest;
	const struct sg_step *step = sg_manifest_step(manifest, kind, id);

	return step != NULL ? r->of[step - manifest->steps] : SG_REACH_CLOSED;
}

enum sg_reach sg_reach_needs(const struct sg_reaching *r, const struct sg_step *step, const char **at_r)
{
	struct sg_arena *arena = r->p->run->arena;
	enum sg_reach worst = SG_REACH_OPEN;

	*at_r = NULL;
	if (step->migration != NULL) {
		worst = reach_of(r, SG_STEP_MIGRATION, step->migration);
		if (worst != SG_REACH_OPEN)
			*at_r = sg_arena_printf(arena, "migration:%s", step->migration);
	}
	for (size_t i = 0; i < step->require_count; i++) {
		const struct sg_require *require = &step->requires[i];
		enum sg_reach reach = reach_of(r, require->kind, require->id);

		if (reach >= worst)
			continue;
		worst = reach;
		*at_r = sg_arena_printf(arena, "%s:%s", sg_step_kind_name(require->kind), require->id);
	}
	return worst;
}

/* Before anything is hoped for. */
static enum sg_reach before(const struct sg_planning *p, const struct sg_plan_item *item)
{
	const struct sg_index_row *row;

	switch (item->action) {
	case SG_ACTION_SKIP:
		if (item->step->kind != SG_STEP_INDEX)
			return SG_REACH_OPEN;
		/* there, but not noted yet: the index phase does that */
		row = sg_indexes_find(p->gates.indexes, p->gates.index_count, item->step->id);
		return row != NULL && row->state == SG_INDEX_VALID ? SG_REACH_OPEN : SG_REACH_OPENING;
	case SG_ACTION_RECONCILE:
	case SG_ACTION_RUN_MAYBE:
	case SG_ACTION_SUPERSEDED:
		return SG_REACH_OPENING;
	case SG_ACTION_RUN:
		return item->step->kind == SG_STEP_MIGRATION ? SG_REACH_OPENING : SG_REACH_CLOSED;
	case SG_ACTION_WAIT:
	case SG_ACTION_REFUSED:
	case SG_ACTION_LATER:
	case SG_ACTION_BUILD:
	case SG_ACTION_BUILD_MAYBE:
	case SG_ACTION_REBUILD:
	case SG_ACTION_DRIFTED:
		break;
	}
	return SG_REACH_CLOSED;
}

static bool may_hope(const struct sg_reaching *r, size_t i, bool blocked)
{
	const struct sg_plan_item *item = &r->p->plan->items[i];

	switch (item->step->kind) {
	case SG_STEP_MIGRATION:
		return item->action == SG_ACTION_WAIT && !blocked;
	case SG_STEP_BACKFILL:
		return item->action == SG_ACTION_RUN;
	case SG_STEP_INDEX:
		return item->action == SG_ACTION_REBUILD ||
		       (item->action == SG_ACTION_BUILD && (r->migrates || r->p->doubts[i].class == SG_CLASS_NONE));
	}
	return false;
}

/* Backfills and indexes that wait for nothing hopeless, and the migrations that wait for those. */
static bool open_more(struct sg_reaching *r)
{
	const struct sg_plan *plan = r->p->plan;
	bool changed = false, blocked = false;
	const char *at;

	for (size_t i = 0; i < plan->count; i++) {
		const struct sg_plan_item *item = &plan->items[i];
		bool hopes = may_hope(r, i, blocked) && sg_reach_needs(r, item->step, &at) != SG_REACH_CLOSED;

		if (hopes && r->of[i] == SG_REACH_CLOSED) {
			r->of[i] = SG_REACH_OPENING;
			r->migrates = r->migrates || item->step->kind == SG_STEP_MIGRATION;
			changed = true;
		}
		/* the order of the file is the order of history */
		if (item->step->kind == SG_STEP_MIGRATION && item->action == SG_ACTION_WAIT && !hopes)
			blocked = true;
	}
	return changed;
}

void sg_reach_find(struct sg_reaching *r, struct sg_planning *p)
{
	r->p = p;
	r->of = sg_arena_array(p->run->arena, p->plan->count, sizeof *r->of);
	r->migrates = false;
	for (size_t i = 0; i < p->plan->count; i++) {
		r->of[i] = before(p, &p->plan->items[i]);
		r->migrates = r->migrates || (p->plan->items[i].step->kind == SG_STEP_MIGRATION && r->of[i] == SG_REACH_OPENING);
	}
	while (open_more(r)) {}
}
