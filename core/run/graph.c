/* graph.c - who needs whom, and deploy's rounds played through on paper.
 *
 * As deploy.c: migrations in the order of the file until one waits; then every index that is
 * ready; then backfills by priority, one after the other, until one of them has opened
 * the gates of a migration or an index. No database, no plugin: what a step would come to is
 * its plan's word. */
#include "config.h"
#include "core/run/graph.h"

#include <string.h>

struct playing {
	const struct sg_manifest *manifest;
	const struct sg_plan *plan;
	const struct sg_graph *graph;
	struct sg_arena *arena;
	bool *done;
	struct sg_graph_stage *stages;
	size_t stage_count, stage_capacity;
	size_t *order;          /* places of the steps: by priority, then the manifest's */
	size_t *sequence, played; /* of all stages, one after the other */
};

const char *sg_graph_why_name(enum sg_graph_why why)
{
	switch (why) {
	case SG_GRAPH_REQUIRES: return "requires";
	case SG_GRAPH_MIGRATION: return "migration";
	case SG_GRAPH_ORDER: return "order";
	}
	SG_BUG("no such reason");
}

/* ---- edges ----------------------------------------------------------------- */

static void add_edge(const struct sg_manifest *manifest, struct sg_graph_edge *edges, size_t *count, size_t step,
                     enum sg_step_kind kind, const char *id, enum sg_graph_why why)
{
	const struct sg_step *needs = sg_manifest_step(manifest, kind, id);

	if (needs != NULL)
		edges[(*count)++] = (struct sg_graph_edge){ step, (size_t)(needs - manifest->steps), why };
}

static void make_edges(const struct sg_manifest *manifest, struct sg_arena *arena, struct sg_graph *graph)
{
	size_t most = 2 * manifest->step_count, last = SIZE_MAX;
	struct sg_graph_edge *edges;

	for (size_t i = 0; i < manifest->step_count; i++)
		most += manifest->steps[i].require_count;
	graph->edges = edges = sg_arena_array(arena, most, sizeof *edges);
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];

		if (step->kind == SG_STEP_MIGRATION) {
			if (last != SIZE_MAX)
				edges[graph->edge_count++] = (struct sg_graph_edge){ i, last, SG_GRAPH_ORDER };
			last = i;
		}
		if (step->migration != NULL)
			add_edge(manifest, edges, &graph->edge_count, i, SG_STEP_MIGRATION, step->migration, SG_GRAPH_MIGRATION);
		for (size_t r = 0; r < step->require_count; r++)
			add_edge(manifest, edges, &graph->edge_count, i, step->requires[r].kind, step->requires[r].id, SG_GRAPH_REQUIRES);
	}
}

const struct sg_graph_edge *sg_graph_edges(const struct sg_graph *graph, size_t step, size_t *count_r)
{
	size_t low = 0, high = graph->edge_count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (graph->edges[middle].step < step)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < graph->edge_count && graph->edges[end].step == step;)
		end++;
	*count_r = end - low;
	return graph->edges + low;
}

/* ---- the order ---------------------------------------------------------------- */

/* Nothing but itself keeps it from being done, sooner or later. */
static bool may_come(const struct sg_plan_item *item)
{
	switch (item->action) {
	case SG_ACTION_RECONCILE:
	case SG_ACTION_RUN:
	case SG_ACTION_RUN_MAYBE:
	case SG_ACTION_SUPERSEDED:
	case SG_ACTION_BUILD:
	case SG_ACTION_BUILD_MAYBE:
	case SG_ACTION_REBUILD:
		return true;
	case SG_ACTION_WAIT:
		return item->waits_for != NULL; /* else it is paused */
	case SG_ACTION_SKIP:
	case SG_ACTION_REFUSED:
	case SG_ACTION_LATER:
	case SG_ACTION_DRIFTED:
		break;
	}
	return false;
}

static bool is_ready(const struct playing *p, size_t place)
{
	const struct sg_graph_edge *edges;
	size_t count;

	if (p->done[place] || !may_come(&p->plan->items[place]))
		return false;
	edges = sg_graph_edges(p->graph, place, &count);
	for (size_t i = 0; i < count; i++)
		if (!p->done[edges[i].needs])
			return false;
	return true;
}

static bool any_ready(const struct playing *p, enum sg_step_kind kind)
{
	for (size_t i = 0; i < p->plan->count; i++)
		if (p->manifest->steps[i].kind == kind && is_ready(p, i))
			return true;
	return false;
}

/* One phase of a round: false if nothing was ready for it. */
static bool play(struct playing *p, enum sg_step_kind kind)
{
	size_t *steps = p->sequence + p->played, count = 0;

	for (size_t i = 0; i < p->plan->count; i++) {
		size_t place = kind == SG_STEP_MIGRATION ? i : p->order[i];

		if (p->manifest->steps[place].kind != kind || !is_ready(p, place))
			continue;
		p->done[place] = true;
		steps[count++] = place;
		if (kind == SG_STEP_BACKFILL && (any_ready(p, SG_STEP_MIGRATION) || any_ready(p, SG_STEP_INDEX)))
			break;
		/* it may have opened the gates of one that comes before it in this order */
		if (kind != SG_STEP_MIGRATION)
			i = SIZE_MAX;
	}
	if (count == 0)
		return false;
	p->played += count;
	p->stages = sg_arena_grow(p->arena, p->stages, &p->stage_capacity, p->stage_count + 1, sizeof *p->stages);
	p->stages[p->stage_count++] = (struct sg_graph_stage){ kind, steps, count };
	return true;
}

static void make_order(struct playing *p)
{
	size_t count = 0;

	p->order = sg_arena_array(p->arena, p->plan->count, sizeof *p->order);
	for (int priority = SG_PRIORITY_HIGH; priority <= SG_PRIORITY_LOW; priority++)
		for (size_t i = 0; i < p->plan->count; i++)
			if (p->manifest->steps[i].priority == (enum sg_priority)priority)
				p->order[count++] = i;
}

void sg_graph_make(const struct sg_manifest *manifest, const struct sg_plan *plan, struct sg_arena *arena,
                   struct sg_graph *graph_r)
{
	struct playing p = { .manifest = manifest, .plan = plan, .graph = graph_r, .arena = arena };
	size_t *done = sg_arena_array(arena, plan->count, sizeof *done), *never = sg_arena_array(arena, plan->count, sizeof *never);
	bool any;

	SG_ASSERT(plan->count == manifest->step_count);
	memset(graph_r, 0, sizeof *graph_r);
	make_edges(manifest, arena, graph_r);
	make_order(&p);
	p.sequence = sg_arena_array(arena, plan->count, sizeof *p.sequence);
	p.done = sg_arena_array(arena, plan->count, sizeof *p.done);
	for (size_t i = 0; i < plan->count; i++) {
		p.done[i] = plan->items[i].action == SG_ACTION_SKIP;
		if (p.done[i])
			done[graph_r->done_count++] = i;
	}
	do {
		any = play(&p, SG_STEP_MIGRATION);
		any |= play(&p, SG_STEP_INDEX);
		/* a migration whose gate an index has opened goes before any backfill */
		if (!any_ready(&p, SG_STEP_MIGRATION))
			any |= play(&p, SG_STEP_BACKFILL);
	} while (any);
	for (size_t i = 0; i < plan->count; i++)
		if (!p.done[i])
			never[graph_r->never_count++] = i;
	graph_r->done = done;
	graph_r->never = never;
	graph_r->stages = p.stages;
	graph_r->stage_count = p.stage_count;
}
