/* render_graph.c - plan --graph: the stages of a deploy as text, the graph in
 * Graphviz's language, and the edges in plan's JSON.
 *
 * Names come from a file and may hold anything: in the DOT text nodes are
 * numbered, and every label is cleaned and quoted. */
#include "config.h"

#include <string.h>

#include "core/base/text.h"
#include "core/cli/render.h"

#define ACTION_FIELD 12
#define MOST_NEEDS 4 /* of one step on its line, unless verbose */

static const char *kinds_name(enum sg_step_kind kind)
{
	switch (kind) {
	case SG_STEP_MIGRATION: return "migrations";
	case SG_STEP_BACKFILL: return "backfills";
	case SG_STEP_INDEX: return "indexes";
	}
	SG_BUG("no such kind");
}

static void add_kind_and_id(struct sg_buf *out, const struct sg_step *step)
{
	sg_buf_addf(out, "%s:%s", sg_step_kind_name(step->kind), step->id);
}

/* "2 migrations, 1 index" of those places. */
static void add_counts(struct sg_buf *out, const struct sg_plan *plan, const size_t *places, size_t count)
{
	size_t counts[SG_STEP_INDEX + 1] = { 0 };
	const char *comma = "";

	for (size_t i = 0; i < count; i++)
		counts[plan->items[places[i]].step->kind]++;
	for (int kind = SG_STEP_MIGRATION; kind <= SG_STEP_INDEX; kind++) {
		if (counts[kind] == 0)
			continue;
		sg_buf_adds(out, comma);
		sg_look_count(out, counts[kind], sg_step_kind_name((enum sg_step_kind)kind));
		comma = ", ";
	}
}

/* ---- text --------------------------------------------------------------------- */

/* What it waits for: what is not done yet; all of it if verbose. */
static void add_needs(struct sg_buf *out, const struct sg_look *look, const struct sg_plan *plan,
                      const struct sg_graph *graph, size_t place)
{
	size_t count, shown = 0, left = 0;
	const struct sg_graph_edge *edges = sg_graph_edges(graph, place, &count);

	for (size_t i = 0; i < count; i++) {
		const struct sg_plan_item *needs = &plan->items[edges[i].needs];
		bool done = needs->action == SG_ACTION_SKIP;
		struct sg_buf name = SG_BUF_INIT;

		if (edges[i].why == SG_GRAPH_ORDER || (done && !look->verbose))
			continue;
		if (shown == MOST_NEEDS && !look->verbose) {
			left++;
			continue;
		}
		sg_buf_adds(out, shown++ > 0 ? ", " : "  after ");
		add_kind_and_id(&name, needs->step);
		sg_look_add(out, look, done ? SG_TONE_FAINT : SG_TONE_PLAIN, name.data);
		sg_buf_release(&name);
	}
	if (left > 0)
		sg_buf_addf(out, " and %zu more", left);
}

static void add_step(struct sg_buf *out, const struct sg_look *look, const struct sg_plan *plan,
                     const struct sg_graph *graph, size_t place, size_t column, bool with_kind)
{
	const struct sg_plan_item *item = &plan->items[place];
	struct sg_buf name = SG_BUF_INIT;

	if (with_kind)
		add_kind_and_id(&name, item->step);
	else
		sg_buf_adds(&name, item->step->id);
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, sg_render_action_tone(item->action), sg_action_name(item->action), ACTION_FIELD, false);
	sg_look_field(out, look, SG_TONE_PLAIN, name.data, column, look->width > 0);
	add_needs(out, look, plan, graph, place);
	if (with_kind && item->action != SG_ACTION_SKIP && item->reason != NULL) {
		sg_buf_clear(&name);
		sg_buf_addf(&name, "(%s)", item->reason);
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_FAINT, name.data);
	}
	sg_look_end(out);
	if (item->action == SG_ACTION_REFUSED && item->err.class != SG_CLASS_NONE)
		sg_render_err(out, look, "              ", &item->err);
	sg_buf_release(&name);
}

/* Of the names that are shown: those of other lists bear their kind. */
static size_t column_of(const struct sg_look *look, const struct sg_plan *plan, const struct sg_graph *graph)
{
	size_t longest = 0, chars;

	for (size_t i = 0; i < graph->stage_count; i++)
		for (size_t j = 0; j < graph->stages[i].count; j++) {
			chars = sg_look_chars(plan->items[graph->stages[i].steps[j]].step->id);
			longest = chars > longest ? chars : longest;
		}
	for (size_t i = 0; i < graph->never_count + (look->verbose ? graph->done_count : 0); i++) {
		size_t place = i < graph->never_count ? graph->never[i] : graph->done[i - graph->never_count];
		const struct sg_step *step = plan->items[place].step;

		chars = sg_look_chars(step->id) + strlen(sg_step_kind_name(step->kind)) + 1;
		longest = chars > longest ? chars : longest;
	}
	return sg_look_column(look, longest);
}

static void add_done(struct sg_buf *out, const struct sg_look *look, const struct sg_plan *plan,
                     const struct sg_graph *graph, size_t column)
{
	if (graph->done_count == 0)
		return;
	sg_look_add(out, look, SG_TONE_FAINT, "done already");
	sg_buf_adds(out, ": ");
	add_counts(out, plan, graph->done, graph->done_count);
	sg_buf_addc(out, '\n');
	for (size_t i = 0; look->verbose && i < graph->done_count; i++)
		add_step(out, look, plan, graph, graph->done[i], column, true);
}

void sg_render_graph(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                     const struct sg_plan *plan, const struct sg_graph *graph)
{
	size_t column = column_of(look, plan, graph);

	sg_look_add(out, look, SG_TONE_STRONG, "Graph");
	sg_buf_adds(out, " of ");
	sg_look_add(out, look, SG_TONE_PLAIN, run->manifest->path);
	sg_buf_adds(out, " on ");
	sg_look_add(out, look, SG_TONE_PLAIN, run->dsn.text != NULL ? run->dsn.text : "?");
	sg_buf_adds(out, graph->stage_count > 0 ? ": the stages of a deploy, if each step succeeds\n" : "\n");
	add_done(out, look, plan, graph, column);
	for (size_t i = 0; i < graph->stage_count; i++) {
		const struct sg_graph_stage *stage = &graph->stages[i];

		sg_buf_addf(out, "%zu. ", i + 1);
		sg_look_add(out, look, SG_TONE_STRONG, kinds_name(stage->kind));
		sg_buf_addc(out, '\n');
		for (size_t j = 0; j < stage->count; j++)
			add_step(out, look, plan, graph, stage->steps[j], column, false);
	}
	if (graph->never_count > 0) {
		sg_look_add(out, look, SG_TONE_WARN, "not in this deploy");
		sg_buf_adds(out, ": ");
		add_counts(out, plan, graph->never, graph->never_count);
		sg_buf_addc(out, '\n');
	}
	for (size_t i = 0; i < graph->never_count; i++)
		add_step(out, look, plan, graph, graph->never[i], column, true);
	if (plan->refused_migrations > 0)
		sg_buf_adds(out, "A deploy would run nothing: mend what is refused first.\n");
	else if (graph->stage_count == 0 && graph->never_count == 0)
		sg_buf_adds(out, "Nothing to do.\n");
}

/* ---- Graphviz -------------------------------------------------------------------- */

static const char *shape_of(enum sg_step_kind kind)
{
	switch (kind) {
	case SG_STEP_MIGRATION: return "box";
	case SG_STEP_BACKFILL: return "ellipse";
	case SG_STEP_INDEX: return "hexagon";
	}
	SG_BUG("no such kind");
}

static const char *colour_of(enum sg_action action)
{
	switch (sg_render_action_tone(action)) {
	case SG_TONE_GOOD: return "#b7e1b0";
	case SG_TONE_NOTE: return "#b5d5f0";
	case SG_TONE_WARN: return "#f7d488";
	case SG_TONE_BAD: return "#f1a9a0";
	case SG_TONE_FAINT: return "#e4e4e4";
	case SG_TONE_PLAIN:
	case SG_TONE_STRONG: break;
	}
	return "#ffffff";
}

static const char *style_of(enum sg_graph_why why)
{
	switch (why) {
	case SG_GRAPH_REQUIRES: return "solid";
	case SG_GRAPH_MIGRATION: return "dashed";
	case SG_GRAPH_ORDER: return "dotted";
	}
	SG_BUG("no such reason");
}

/* Inside double quotes: a quote ends the text, and in a label a backslash begins "\n", "\G" and such. */
static void add_quoted(struct sg_buf *out, const char *text)
{
	struct sg_buf clean = SG_BUF_INIT;

	sg_text_add_clean(&clean, text, strlen(text), false);
	for (const char *at = clean.data; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\')
			sg_buf_addc(out, '\\');
		sg_buf_addc(out, *at);
	}
	sg_buf_release(&clean);
}

static void add_node(struct sg_buf *out, const struct sg_plan *plan, size_t place)
{
	const struct sg_plan_item *item = &plan->items[place];

	sg_buf_addf(out, "  n%zu [shape=%s, fillcolor=\"%s\", label=\"", place, shape_of(item->step->kind), colour_of(item->action));
	add_quoted(out, item->step->id);
	sg_buf_addf(out, "\\n%s\"", sg_action_name(item->action));
	if (item->title != NULL) {
		sg_buf_adds(out, ", tooltip=\"");
		add_quoted(out, item->title);
		sg_buf_addc(out, '"');
	}
	sg_buf_adds(out, "];\n");
}

/* What is done is one node, unless verbose: with hundreds of recorded migrations nothing else could be seen. */
void sg_render_graph_dot(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                         const struct sg_plan *plan, const struct sg_graph *graph)
{
	bool gather = !look->verbose && graph->done_count > 0;

	sg_buf_adds(out, "digraph sgrun {\n  rankdir=LR;\n  label=\"");
	add_quoted(out, run->manifest->path);
	sg_buf_adds(out, "\";\n  node [style=filled, fontname=\"sans-serif\"];\n");
	if (gather) {
		sg_buf_adds(out, "  done [shape=note, fillcolor=\"#e4e4e4\", label=\"done already:\\n");
		add_counts(out, plan, graph->done, graph->done_count);
		sg_buf_adds(out, "\"];\n");
	}
	for (size_t i = 0; i < plan->count; i++)
		if (!gather || plan->items[i].action != SG_ACTION_SKIP)
			add_node(out, plan, i);
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct sg_graph_edge *edge = &graph->edges[i];
		bool hidden = gather && plan->items[edge->needs].action == SG_ACTION_SKIP;

		if (gather && plan->items[edge->step].action == SG_ACTION_SKIP)
			continue;
		if (hidden && edge->why == SG_GRAPH_ORDER)
			sg_buf_addf(out, "  done -> n%zu [style=dotted];\n", edge->step);
		else if (!hidden)
			sg_buf_addf(out, "  n%zu -> n%zu [style=%s];\n", edge->needs, edge->step, style_of(edge->why));
	}
	sg_buf_adds(out, "}\n");
}

/* ---- JSON --------------------------------------------------------------------------- */

static void set_step(struct sg_json *into, const char *key, const struct sg_step *step)
{
	struct sg_buf name = SG_BUF_INIT;

	add_kind_and_id(&name, step);
	sg_json_set_text(into, key, name.data);
	sg_buf_release(&name);
}

void sg_render_graph_json(struct sg_json *into, const struct sg_plan *plan, const struct sg_graph *graph)
{
	struct sg_json *edges = sg_json_array(), *stages = sg_json_array();

	for (size_t i = 0; i < graph->edge_count; i++) {
		struct sg_json *edge = sg_json_object();

		set_step(edge, "step", plan->items[graph->edges[i].step].step);
		set_step(edge, "needs", plan->items[graph->edges[i].needs].step);
		sg_json_set_text(edge, "why", sg_graph_why_name(graph->edges[i].why));
		sg_json_add(edges, edge);
	}
	for (size_t i = 0; i < graph->stage_count; i++) {
		struct sg_json *stage = sg_json_object(), *steps = sg_json_array();

		for (size_t j = 0; j < graph->stages[i].count; j++)
			sg_json_add_text(steps, plan->items[graph->stages[i].steps[j]].step->id);
		sg_json_set_text(stage, "kind", sg_step_kind_name(graph->stages[i].kind));
		sg_json_set(stage, "steps", steps);
		sg_json_add(stages, stage);
	}
	sg_json_set(into, "edges", edges);
	sg_json_set(into, "stages", stages);
}
