/* graph.c - the steps among each other: that all names exist, and that there is
 * an order in which every step can come.
 *
 * Migrations come in the order of the file. A backfill or an index comes after
 * its migration and what it requires; so the earliest place where it can be
 * done is behind the latest migration that it needs, through whatever other
 * backfills and indexes. A migration can only require what is done before it.
 * Everything is linear in steps and requirements, and nothing recurses: a
 * manifest may be as deep as it is long. */
#include "config.h"
#include "core/manifest/draft.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

#define NONE SIZE_MAX
#define NEAREST_STEPS 5000 /* beyond, no near name is looked for */

struct node {
	size_t next;        /* edge that is to be followed next */
	ptrdiff_t needs;    /* place of the latest migration needed, -1 for none */
	size_t through;     /* the step that needs it, or that migration; NONE */
	enum { WHITE, GREY, BLACK } colour;
};

struct graph {
	struct sg_draft *draft;
	struct sg_manifest *manifest;
	struct node *nodes;
	size_t *stack;
};

static size_t place_of(const struct graph *g, enum sg_step_kind kind, const char *id)
{
	const struct sg_step *step = sg_manifest_step(g->manifest, kind, id);

	return step ? (size_t)(step - g->manifest->steps) : NONE;
}

static const char *named(const struct graph *g, size_t place)
{
	const struct sg_step *step = &g->manifest->steps[place];

	return sg_arena_printf(g->draft->reading->arena, "%s %.210s (line %d)", sg_step_kind_name(step->kind), step->id,
	                       step->line);
}

const char *sg_draft_nearest(const struct sg_draft *draft, enum sg_step_kind kind, const char *id)
{
	const struct sg_manifest *manifest = draft->manifest;
	const char **ids, *nearest;
	size_t count = 0;

	if (manifest->step_count > NEAREST_STEPS || sg_reading_full(draft->reading))
		return NULL;
	ids = sg_xcalloc(manifest->step_count, sizeof *ids);
	for (size_t i = 0; i < manifest->step_count; i++) {
		if (manifest->steps[i].kind != kind)
			continue;
		/* a step is known by its identity: its label is a good guess at it */
		if (strcmp(manifest->steps[i].label, id) == 0) {
			nearest = manifest->steps[i].id;
			goto done;
		}
		ids[count++] = manifest->steps[i].id;
	}
	nearest = sg_text_nearest(id, ids, count);
done:
	free(ids);
	return nearest;
}

static void unknown(struct graph *g, int line, const char *key, enum sg_step_kind kind, const char *id, bool with_kind)
{
	const char *word = sg_step_kind_name(kind);
	const char *nearest = sg_draft_nearest(g->draft, kind, id), *prefix = "";
	struct sg_err *err = sg_reading_error(g->draft->reading, line, "%s: there is no %s %.210s", key, word, id);

	(void)sg_err_detail(err, "No section [%s …] of the manifest has that %s.", word,
	                    kind == SG_STEP_INDEX ? "name" : "id");
	if (with_kind && nearest != NULL)
		prefix = sg_arena_printf(g->draft->reading->arena, "%s:", word);
	for (int other = SG_STEP_MIGRATION; nearest == NULL && with_kind && other <= SG_STEP_INDEX; other++)
		if (sg_manifest_step(g->manifest, (enum sg_step_kind)other, id) != NULL) {
			prefix = sg_arena_printf(g->draft->reading->arena, "%s:", sg_step_kind_name((enum sg_step_kind)other));
			nearest = id;
		}
	if (nearest != NULL)
		(void)sg_err_hint(err, "Did you mean %s%s?", prefix, nearest);
	else
		(void)sg_err_hint(err, "Name one that is in the manifest, or add a section [%s …].", word);
}

static void check_names(struct graph *g, size_t place)
{
	const struct sg_step *step = &g->manifest->steps[place];
	const struct sg_ini_section *source = g->draft->sources[place];

	for (size_t i = 0; i < step->require_count; i++)
		if (place_of(g, step->requires[i].kind, step->requires[i].id) == NONE)
			unknown(g, step->requires[i].line, "requires", step->requires[i].kind, step->requires[i].id, true);
	if (step->migration != NULL && place_of(g, SG_STEP_MIGRATION, step->migration) == NONE)
		unknown(g, sg_draft_line(source, "migration"), "migration", SG_STEP_MIGRATION, step->migration, false);
	if (step->superseded_by != NULL) {
		size_t by = place_of(g, SG_STEP_MIGRATION, step->superseded_by);
		int line = sg_draft_line(source, "superseded_by");

		if (by == NONE) {
			unknown(g, line, "superseded_by", SG_STEP_MIGRATION, step->superseded_by, false);
		} else if (by <= place) {
			struct sg_err *err = sg_reading_error(g->draft->reading, line, by == place
			                                      ? "migration %.210s is superseded by itself"
			                                      : "superseded_by: migration %.210s is not a later one",
			                                      step->superseded_by);

			(void)sg_err_detail(err, by == place ? "Only a later migration can supersede one."
			                    : "It stands in line %d, before this one.", g->manifest->steps[by].line);
			(void)sg_err_hint(err, "Name a migration further down in the file.");
		}
	}
}

/* The steps that one needs: its migration, then its requirements. NONE where
 * there is no such step (told already). False after the last. */
static bool edge(const struct graph *g, size_t place, size_t number, size_t *to_r, int *line_r)
{
	const struct sg_step *step = &g->manifest->steps[place];

	if (step->migration != NULL && number == 0) {
		*to_r = place_of(g, SG_STEP_MIGRATION, step->migration);
		*line_r = sg_draft_line(g->draft->sources[place], "migration");
		return true;
	}
	number -= step->migration != NULL;
	if (number >= step->require_count)
		return false;
	*to_r = place_of(g, step->requires[number].kind, step->requires[number].id);
	*line_r = step->requires[number].line;
	return true;
}

static void circle(struct graph *g, size_t depth, size_t back_to, int line)
{
	struct sg_buf path = SG_BUF_INIT;
	size_t from = depth;
	struct sg_err *err;

	while (g->stack[from - 1] != back_to)
		from--;
	for (size_t i = from - 1; i < depth && i < from + 9; i++)
		sg_buf_addf(&path, "%s, which needs ", named(g, g->stack[i]));
	if (depth > from + 9)
		sg_buf_adds(&path, "…, which needs ");
	sg_buf_adds(&path, named(g, back_to));
	err = sg_reading_error(g->draft->reading, line, "%s %.210s needs itself",
	                       sg_step_kind_name(g->manifest->steps[back_to].kind), g->manifest->steps[back_to].id);
	(void)sg_err_detail(err, "%s.", path.data);
	(void)sg_err_hint(err, "Remove one of these requirements.");
	sg_buf_release(&path);
}

/* Finds what the step needs, depth first. Migrations are where it ends: what
 * they need themselves is judged with them. */
static void follow(struct graph *g, size_t start)
{
	size_t depth = 0;

	if (g->nodes[start].colour != WHITE)
		return;
	g->nodes[start].colour = GREY;
	g->stack[depth++] = start;
	while (depth > 0) {
		size_t at = g->stack[depth - 1], to = NONE;
		struct node *node = &g->nodes[at];
		ptrdiff_t needs = -1;
		int line = 0;

		if (!edge(g, at, node->next, &to, &line)) {
			node->colour = BLACK;
			depth--;
			continue;
		}
		if (to == NONE) {
			node->next++;
			continue;
		}
		if (g->manifest->steps[to].kind == SG_STEP_MIGRATION) {
			needs = (ptrdiff_t)to;
		} else if (g->nodes[to].colour == WHITE) {
			g->nodes[to].colour = GREY;
			g->stack[depth++] = to;
			continue; /* and come back to this edge */
		} else if (g->nodes[to].colour == GREY) {
			circle(g, depth, to, line);
		} else {
			needs = g->nodes[to].needs;
		}
		if (needs > node->needs) {
			node->needs = needs;
			node->through = to;
		}
		node->next++;
	}
}

static void check_order(struct graph *g, size_t place)
{
	const struct sg_step *step = &g->manifest->steps[place];

	for (size_t i = 0; i < step->require_count; i++) {
		const struct sg_require *require = &step->requires[i];
		size_t to = place_of(g, require->kind, require->id), at;
		struct sg_buf path = SG_BUF_INIT;
		struct sg_err *err;

		if (to == NONE)
			continue;
		if (require->kind == SG_STEP_MIGRATION) {
			if (to < place)
				continue;
			err = sg_reading_error(g->draft->reading, require->line, to == place
			                       ? "migration %.210s requires itself" : "migration %.210s requires a later one", step->id);
			(void)sg_err_detail(err, "Migrations are run in the order of the file; %s.", named(g, to));
			(void)sg_err_hint(err, "Move the section that is needed up, or remove the requirement.");
			continue;
		}
		if (g->nodes[to].needs < (ptrdiff_t)place)
			continue;
		for (at = to; g->manifest->steps[at].kind != SG_STEP_MIGRATION; at = g->nodes[at].through) {
			if (path.length > 1000) {
				sg_buf_adds(&path, "…, which needs ");
				at = (size_t)g->nodes[to].needs;
				break;
			}
			sg_buf_addf(&path, "%s needs ", named(g, at));
			if (g->manifest->steps[g->nodes[at].through].kind != SG_STEP_MIGRATION)
				sg_buf_adds(&path, "what ");
		}
		sg_buf_adds(&path, named(g, at));
		err = sg_reading_error(g->draft->reading, require->line,
		                       "migration %.210s requires %s %.210s, which can only come after it", step->id,
		                       sg_step_kind_name(require->kind), require->id);
		(void)sg_err_detail(err, "%s, and migrations are run in the order of the file.", path.data);
		(void)sg_err_hint(err, "Move this migration down, or let the %s need an earlier one.",
		                  sg_step_kind_name(require->kind));
		sg_buf_release(&path);
	}
}

void sg_draft_graph(struct sg_draft *draft)
{
	struct graph g = { .draft = draft, .manifest = draft->manifest };
	size_t count = draft->manifest->step_count;

	if (count == 0)
		return;
	g.nodes = sg_xcalloc(count, sizeof *g.nodes);
	g.stack = sg_xcalloc(count, sizeof *g.stack);
	for (size_t i = 0; i < count; i++)
		g.nodes[i] = (struct node){ .needs = -1, .through = NONE };
	for (size_t i = 0; i < count; i++) {
		check_names(&g, i);
		if (draft->manifest->steps[i].kind != SG_STEP_MIGRATION)
			follow(&g, i);
	}
	for (size_t i = 0; i < count; i++)
		if (draft->manifest->steps[i].kind == SG_STEP_MIGRATION)
			check_order(&g, i);
	free(g.nodes);
	free(g.stack);
}
