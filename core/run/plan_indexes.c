/* plan_indexes.c - what deploy would do with the indexes, by a look at what the server has.
 *
 * The look changes nothing (what it makes to compare is rolled back), and where it cannot be had, since
 * somebody holds the table, the state's last word stands in for it. What the server would not build as
 * things are (no such table, no such column) is a doubt, not a refusal, while a migration may still make it. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/stop.h"
#include "core/exec/again.h"
#include "core/run/reach.h"

static const struct sg_index_row *row_of(const struct sg_planning *p, const struct sg_step *step)
{
	return sg_indexes_find(p->gates.indexes, p->gates.index_count, step->id);
}

/* Tries again what may pass. A locked table is told, not waited for. */
static int look(struct sg_planning *p, const struct sg_index_definition *definition, struct sg_index_look *look_r,
                struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &definition->step->policy);
	while (sg_session_open(&p->session, err) != 0 ||
	       sg_index_look(&p->session, definition, p->run->arena, look_r, err) != 0) {
		if (err->class == SG_CLASS_LOCKED || !sg_class_retries(err->class) || sg_again_after(&retry, err) != 0)
			return -1;
		sg_session_drop(&p->session);
	}
	return 0;
}

/* Somebody who is at it already, as far as that can be told. */
static const char *who_builds(struct sg_planning *p, const struct sg_index_definition *definition)
{
	const struct sg_index_row *row = row_of(p, definition->step);
	struct sg_err err = SG_ERR_INIT;
	struct sg_index_busy busy;
	const char *text = NULL;

	if (sg_index_busy(&p->session, definition, 0, p->run->arena, &busy, &err) != 0)
		sg_err_release(&err);
	else if (busy.building)
		text = sg_arena_printf(p->run->arena, busy.same ? "%s builds it now" : "%s works on its table: that comes first", busy.text);
	if (text == NULL && row != NULL && row->state == SG_INDEX_BUILDING && row->alive)
		text = sg_index_row_text(row, p->run->arena);
	return text;
}

static const char *to_build(struct sg_planning *p, const struct sg_index_definition *definition,
                            const struct sg_index_look *found)
{
	const struct sg_index_row *row = row_of(p, definition->step);
	const char *busy = who_builds(p, definition);

	if (busy != NULL)
		return busy;
	if (found->found == SG_INDEX_FOUND_INVALID)
		return "invalid: it is dropped first";
	if (found->leftover_count > 0)
		return sg_arena_printf(p->run->arena, "%s, which is invalid, is dropped first", found->leftovers[0]);
	if (row != NULL && row->state == SG_INDEX_FAILED && row->message != NULL)
		return sg_arena_printf(p->run->arena, "failed before: %.*s, tries again", (int)strcspn(row->message, "\n"), row->message);
	if (found->table_rows >= 0)
		return sg_arena_printf(p->run->arena, "about %" PRId64 " row%s", found->table_rows, found->table_rows == 1 ? "" : "s");
	return "not there";
}

static const char *as_valid(struct sg_planning *p, const struct sg_index_look *found)
{
	struct sg_arena *arena = p->run->arena;
	const char *text = "valid";

	if (found->constraint != NULL)
		text = sg_arena_printf(arena, "%s, as constraint %s", text, found->constraint);
	if (found->not_compared)
		text = sg_arena_printf(arena, "%s, not compared: %s", text, found->why);
	for (size_t i = 0; i < found->leftover_count; i++)
		text = sg_arena_printf(arena, "%s; its left-over %s is dropped", text, found->leftovers[i]);
	return text;
}

/* A gate that the state holds open for what is not there. */
static void close_gate(struct sg_planning *p, const struct sg_step *step, enum sg_index_found found)
{
	for (size_t i = 0; i < p->gates.index_count; i++) {
		struct sg_index_row *row = &p->gates.indexes[i];

		if (row != row_of(p, step) || row->state != SG_INDEX_VALID || found == SG_INDEX_FOUND_VALID)
			continue;
		row->state = found == SG_INDEX_FOUND_DRIFTED   ? SG_INDEX_DRIFTED
		             : found == SG_INDEX_FOUND_INVALID ? SG_INDEX_INVALID
		                                               : SG_INDEX_MISSING;
		row->message = row->sqlstate = NULL;
	}
}

static void take_look(struct sg_planning *p, struct sg_plan_item *item, const struct sg_index_definition *definition,
                      const struct sg_index_look *found)
{
	struct sg_err *doubt = &p->doubts[item - p->plan->items];

	close_gate(p, item->step, found->found);
	switch (found->found) {
	case SG_INDEX_FOUND_NO_TABLE:
		sg_err_defer(doubt, p->run->arena);
		(void)sg_index_no_table_err(p->run, definition, doubt);
		item->action = SG_ACTION_BUILD;
		break;
	case SG_INDEX_FOUND_MISSING:
		item->action = SG_ACTION_BUILD;
		item->reason = to_build(p, definition, found);
		break;
	case SG_INDEX_FOUND_INVALID:
		item->action = SG_ACTION_REBUILD;
		item->reason = to_build(p, definition, found);
		break;
	case SG_INDEX_FOUND_VALID:
		item->action = SG_ACTION_SKIP;
		item->reason = as_valid(p, found);
		break;
	case SG_INDEX_FOUND_DRIFTED:
		item->action = SG_ACTION_DRIFTED;
		item->reason = sg_arena_printf(p->run->arena, "is: %s; wanted: %s", found->is, found->wanted);
		(void)sg_index_drift_err(p->run, definition, found, &item->err);
		break;
	}
}

/* The table is locked: what was seen of it last. */
static void take_state(struct sg_planning *p, struct sg_plan_item *item)
{
	const struct sg_index_row *row = row_of(p, item->step);

	switch (row != NULL ? row->state : SG_INDEX_MISSING) {
	case SG_INDEX_VALID: item->action = SG_ACTION_SKIP; break;
	case SG_INDEX_INVALID: item->action = SG_ACTION_REBUILD; break;
	case SG_INDEX_DRIFTED: item->action = SG_ACTION_DRIFTED; break;
	case SG_INDEX_MISSING:
	case SG_INDEX_BUILDING:
	case SG_INDEX_FAILED: item->action = SG_ACTION_BUILD; break;
	}
	item->reason = sg_arena_printf(p->run->arena, "its table is locked now; when it was seen last: %s",
	                               sg_index_row_text(row, p->run->arena));
}

static int look_at(struct sg_planning *p, struct sg_plan_item *item, const struct sg_index_definition *definition,
                   struct sg_err *err)
{
	struct sg_err *doubt = &p->doubts[item - p->plan->items];
	struct sg_index_look found;
	struct sg_err why = SG_ERR_INIT;

	if (p->locked != NULL && strcmp(p->locked, definition->relation) == 0) {
		take_state(p, item);
		return 0;
	}
	if (look(p, definition, &found, &why) == 0) {
		take_look(p, item, definition, &found);
		return 0;
	}
	if (sg_stop_count() > 0 || (why.class != SG_CLASS_SQL && why.class != SG_CLASS_LOCKED)) {
		sg_err_move(err, &why);
		return -1;
	}
	if (why.class == SG_CLASS_LOCKED) {
		sg_err_release(&why);
		p->locked = definition->relation;
		take_state(p, item);
		return 0;
	}
	close_gate(p, item->step, SG_INDEX_FOUND_MISSING);
	item->action = SG_ACTION_BUILD;
	sg_err_defer(doubt, p->run->arena);
	sg_err_move(doubt, &why);
	return 0;
}

/* What the sections ask for, by the steps' places; NULL for what is no index, or refused. */
static const struct sg_index_definition **define_all(struct sg_planning *p)
{
	const struct sg_index_definition **definitions = sg_arena_array(p->run->arena, p->plan->count, sizeof *definitions);

	for (size_t i = 0; i < p->plan->count; i++) {
		struct sg_plan_item *item = &p->plan->items[i];
		struct sg_index_definition *definition;

		if (item->step->kind != SG_STEP_INDEX)
			continue;
		item->title = item->step->title ? item->step->title : item->step->description;
		definition = sg_arena_alloc(p->run->arena, sizeof *definition);
		sg_err_defer(&item->err, p->run->arena);
		if (sg_index_define(p->run->manifest, item->step, p->run->arena, definition, &item->err) == 0)
			definitions[i] = definition;
		else
			item->action = SG_ACTION_REFUSED;
	}
	return definitions;
}

/* One question for most of them. What it does not answer, or where it fails, is asked one by one. */
static void glance(struct sg_planning *p, const struct sg_index_definition **definitions)
{
	struct sg_arena *arena = p->run->arena;
	const struct sg_index_definition **asked = sg_arena_array(arena, p->plan->count, sizeof *asked);
	struct sg_index_look *looks = sg_arena_array(arena, p->plan->count, sizeof *looks);
	bool *sure = sg_arena_array(arena, p->plan->count, sizeof *sure);
	struct sg_err err = SG_ERR_INIT;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < p->plan->count; i++)
		if (definitions[i] != NULL)
			asked[count++] = definitions[i];
	if (count == 0 || sg_index_look_many(&p->session, asked, count, arena, looks, sure, &err) != 0) {
		sg_err_release(&err);
		return;
	}
	for (size_t i = 0; i < p->plan->count; i++) {
		if (definitions[i] == NULL)
			continue;
		if (sure[n]) {
			take_look(p, &p->plan->items[i], definitions[i], &looks[n]);
			definitions[i] = NULL;
		}
		n++;
	}
}

int sg_plan_look_indexes(struct sg_planning *p, struct sg_err *err)
{
	const struct sg_index_definition **definitions = define_all(p);

	glance(p, definitions);
	for (size_t i = 0; i < p->plan->count; i++) {
		if (definitions[i] == NULL)
			continue;
		if (sg_stop_count() > 0)
			return sg_stop_err(err);
		if (look_at(p, &p->plan->items[i], definitions[i], err) != 0)
			return -1;
	}
	return 0;
}

/* The server would not build it as things are. */
static void conclude_doubt(const struct sg_reaching *r, struct sg_plan_item *item, struct sg_err *doubt)
{
	struct sg_planning *p = r->p;

	if (r->migrates) {
		item->action = SG_ACTION_BUILD_MAYBE;
		item->reason = sg_arena_printf(p->run->arena, "after the migrations; as things are: %s", doubt->primary);
	} else if (p->waits_for != NULL) {
		item->action = SG_ACTION_WAIT;
		item->waits_for = p->waits_for;
		item->reason = sg_arena_printf(p->run->arena, "as the migrations behind it do; as things are: %s", doubt->primary);
	} else {
		item->action = SG_ACTION_REFUSED;
		sg_err_move(&item->err, doubt);
	}
}

void sg_plan_conclude_index(const struct sg_reaching *r, size_t place)
{
	struct sg_plan_item *item = &r->p->plan->items[place];
	struct sg_err *doubt = &r->p->doubts[place];
	const char *at;

	if (item->action != SG_ACTION_BUILD && item->action != SG_ACTION_REBUILD)
		return;
	switch (sg_reach_needs(r, item->step, &at)) {
	case SG_REACH_OPEN:
		if (doubt->class != SG_CLASS_NONE)
			conclude_doubt(r, item, doubt);
		break;
	case SG_REACH_OPENING:
		item->action = SG_ACTION_BUILD_MAYBE;
		item->reason = doubt->class == SG_CLASS_NONE ? sg_arena_printf(r->p->run->arena, "after %s; %s", at, item->reason)
		                                             : sg_arena_printf(r->p->run->arena, "after %s", at);
		break;
	case SG_REACH_CLOSED:
		item->action = SG_ACTION_WAIT;
		item->waits_for = at;
		item->reason = sg_gates_why(&r->p->gates, at, r->p->run->arena);
		break;
	}
}
