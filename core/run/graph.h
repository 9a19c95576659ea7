/* graph.h - all steps with what each needs, and the order in which a deploy would come to them.
 *
 * Pure: manifest and plan in, places in both out (a plan has an item a step, in the manifest's
 * order). The stages are those of deploy's rounds (migrations until one waits, indexes, backfills, and again),
 * if every step does what its plan says. */
#ifndef SG_GRAPH_H
#define SG_GRAPH_H

#include "core/run/run.h"

enum sg_graph_why {
	SG_GRAPH_REQUIRES,  /* requires = */
	SG_GRAPH_MIGRATION, /* migration = */
	SG_GRAPH_ORDER      /* of two migrations one after the other in the file */
};
const char *sg_graph_why_name(enum sg_graph_why why); /* "requires", "migration", "order" */

struct sg_graph_edge {
	size_t step, needs;
	enum sg_graph_why why;
};

struct sg_graph_stage {
	enum sg_step_kind kind;
	const size_t *steps;    /* in the order of work */
	size_t count;
};

struct sg_graph {
	const struct sg_graph_edge *edges; /* by step, and then as the manifest has them; order comes first */
	size_t edge_count;
	const struct sg_graph_stage *stages;
	size_t stage_count;
	const size_t *done;     /* recorded, complete, valid: nothing is to be done */
	size_t done_count;
	const size_t *never;    /* not in this deploy: refused, drifted, paused, behind --to, or needing such a one */
	size_t never_count;
};

void sg_graph_make(const struct sg_manifest *manifest, const struct sg_plan *plan, struct sg_arena *arena,
                   struct sg_graph *graph_r);
/* The edges of one step: the first of *count_r. */
const struct sg_graph_edge *sg_graph_edges(const struct sg_graph *graph, size_t step, size_t *count_r);

#endif
