/* index_survey.c - what is there of each index, before anything is built; and which are ready.
 *
 * Each is looked at anew in every run, whatever the table indexes says: that
 * follows what is seen here. Every look is a short transaction of its own. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/exec/again.h"
#include "core/run/index_phase.h"

#define STALE_PAUSE_MS 1000

/* ---- what is told --------------------------------------------------------------- */

void sg_index_tell_ended(const struct sg_index_phase *phase, const struct sg_indexes_item *item)
{
	const struct sg_observer *observer = phase->run->observer;

	if (observer != NULL && observer->index_ended != NULL)
		observer->index_ended(observer->context, item->step, &item->result);
}

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* An earlier round has said just that of it. */
static bool told(const struct sg_indexes_result *before, const struct sg_indexes_item *item)
{
	for (size_t i = 0; before != NULL && i < before->count; i++)
		if (before->items[i].step == item->step && before->items[i].result.end == item->result.end &&
		    same(before->items[i].waits_for, item->waits_for) &&
		    same(before->items[i].result.err.primary, item->result.err.primary))
			return true;
	return false;
}

void sg_index_settle(struct sg_index_phase *phase, size_t i)
{
	phase->slots[i].slot = SG_SLOT_SETTLED;
	if (!told(phase->before, &phase->result->items[i]))
		sg_index_tell_ended(phase, &phase->result->items[i]);
}

static struct sg_err *new_err(struct sg_index_phase *phase, struct sg_indexes_item *item)
{
	sg_err_defer(&item->result.err, phase->run->arena);
	return &item->result.err;
}

/* A table that is not there yet may come with a migration. */
static void no_table_err(const struct sg_index_phase *phase, const struct sg_index_course *course, struct sg_err *err)
{
	const struct sg_manifest *manifest = phase->run->manifest;

	(void)sg_index_no_table_err(phase->run, &course->listed->definition, err);
	for (size_t i = 0; i < manifest->step_count; i++)
		if (manifest->steps[i].kind == SG_STEP_MIGRATION && manifest->steps[i].superseded_by == NULL &&
		    sg_ledger_find(&phase->ledger, manifest->steps[i].id) == NULL) {
			sg_err_hint(err, "If a migration that is still to come makes it, say so in the section: migration = ID.");
			return;
		}
}

/* ---- one look --------------------------------------------------------------------- */

/* Most often nothing has changed: then nothing is sent. */
static bool says(const struct sg_index_row *row, const struct sg_index_seen *seen)
{
	return row != NULL && row->owner == NULL && row->state == seen->state && seen->state != SG_INDEX_DRIFTED &&
	       (row->bytes == seen->bytes || seen->bytes < 0);
}

int sg_index_note_seen(struct sg_session *session, const struct sg_index_definition *definition, const struct sg_index_look *look,
                       const struct sg_index_row *row, const char *owner, struct sg_err *err)
{
	const struct sg_run *run = session->run;
	struct sg_index_seen seen = { .duration_ms = -1, .bytes = look->bytes };
	struct sg_err why = SG_ERR_INIT;
	int status;

	switch (look->found) {
	case SG_INDEX_FOUND_NO_TABLE:
	case SG_INDEX_FOUND_MISSING:
		/* why the last build failed is worth keeping; a claim is its holder's */
		if (owner == NULL && (row == NULL || row->state == SG_INDEX_MISSING || row->state == SG_INDEX_FAILED ||
		                      row->state == SG_INDEX_BUILDING))
			return 0;
		seen.state = SG_INDEX_MISSING;
		break;
	case SG_INDEX_FOUND_VALID:
		seen.state = SG_INDEX_VALID;
		break;
	case SG_INDEX_FOUND_DRIFTED:
		seen.state = SG_INDEX_DRIFTED;
		(void)sg_index_drift_err(run, definition, look, &why);
		seen.why = &why;
		break;
	case SG_INDEX_FOUND_INVALID:
		seen.state = SG_INDEX_INVALID;
		break;
	}
	status = owner == NULL && says(row, &seen)
	                 ? 0
	                 : sg_indexes_note(session->db, run->manifest->state_schema, definition->step->id, owner, &seen, err);
	sg_err_release(&why);
	return status;
}

/* Once more, unless it is for good. 1: for good, and of this index alone (why); -1: of all. */
static int look_again(struct sg_index_phase *phase, struct sg_index_course *course, struct sg_retry *retry, struct sg_err *err)
{
	sg_session_drop(&phase->session);
	if (err->class == SG_CLASS_LOCKED) {
		course->locked = true;
		sg_err_clear(err);
		return 1;
	}
	if (sg_stop_count() == 0 && !sg_class_retries(err->class) && err->class != SG_CLASS_REJECTED &&
	    err->class != SG_CLASS_STATE) {
		sg_err_defer(&course->why, phase->run->arena);
		sg_err_move(&course->why, err);
		return 1;
	}
	return sg_again_after(retry, err) != 0 ? -1 : 0;
}

static int look_at(struct sg_index_phase *phase, struct sg_index_course *course, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &course->listed->step->policy);
	for (;;) {
		int status;

		if (sg_session_open(&phase->session, err) == 0 &&
		    sg_index_look(&phase->session, &course->listed->definition, phase->run->arena, &course->look, err) == 0) {
			course->looked = true;
			return 0;
		}
		status = look_again(phase, course, &retry, err);
		if (status != 0)
			return status < 0 ? -1 : 0;
	}
}

/* ---- of all ------------------------------------------------------------------------ */

/* Runs once(phase) within the retry budget of [policy]. */
static int insist(struct sg_index_phase *phase, int (*once)(struct sg_index_phase *phase, struct sg_err *err), struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &phase->run->manifest->policy);
	while (sg_session_open(&phase->session, err) != 0 || once(phase, err) != 0) {
		sg_session_drop(&phase->session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
	return 0;
}

static int read_ledger(struct sg_index_phase *phase, struct sg_err *err)
{
	return sg_ledger_read(phase->session.db, phase->run->manifest->state_schema, false, phase->run->arena, &phase->ledger, err);
}

static int read_gates(struct sg_index_phase *phase, struct sg_err *err)
{
	return sg_gates_read(phase->session.db, phase->run->manifest, &phase->ledger, phase->run->arena, &phase->gates, err);
}

static int install(struct sg_index_phase *phase, struct sg_err *err)
{
	if (sg_state_install(phase->session.db, phase->run->manifest->state_schema, err) != 0)
		return -1;
	return read_ledger(phase, err);
}

/* A row that says valid may be younger than our look: another runner has built it meanwhile. 1: looked again; 0: it could not be
 * looked at, and the row stays; -1. */
static int look_since(struct sg_index_phase *phase, struct sg_index_course *course, struct sg_err *err)
{
	struct sg_index_look look;

	if (sg_index_look(&phase->session, &course->listed->definition, phase->run->arena, &look, err) == 0) {
		course->look = look;
		return 1;
	}
	if (sg_class_retries(err->class) || sg_stop_count() > 0)
		return -1;
	sg_err_clear(err);
	return 0;
}

static int note_all(struct sg_index_phase *phase, struct sg_err *err)
{
	struct sg_index_row *rows;
	size_t count;

	if (sg_indexes_read(phase->session.db, phase->run->manifest->state_schema, phase->run->arena, &rows, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < phase->result->count; i++) {
		struct sg_index_course *course = &phase->course[i];
		const struct sg_index_row *row = sg_indexes_find(rows, count, course->listed->step->id);
		int sure = 1;

		if (phase->slots[i].slot == SG_SLOT_SETTLED || !course->looked)
			continue;
		if (row != NULL && row->state == SG_INDEX_VALID && course->look.found != SG_INDEX_FOUND_VALID)
			sure = look_since(phase, course, err);
		if (sure > 0 &&
		    sg_index_note_seen(&phase->session, &course->listed->definition, &course->look, row, NULL, err) != 0)
			sure = -1;
		if (sure < 0)
			return -1;
	}
	return 0;
}

/* Partitions of one table are one table: the topmost's oid tells. */
static int read_roots(struct sg_index_phase *phase, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int status;

	for (size_t i = 0; i < phase->result->count; i++)
		if (phase->course[i].looked && phase->course[i].look.table_oid != 0)
			sg_buf_addf(&sql, "%s(%zu, %" PRIu32 "::oid)", sql.length > 0 ? ", " : "", i,
			            phase->course[i].look.table_oid);
	if (sql.length == 0)
		return 0;
	status = sg_db_query(phase->session.db,
	                     sg_arena_printf(phase->run->arena,
	                                     "SELECT n, coalesce(pg_catalog.pg_partition_root(t), t)::oid FROM (VALUES %s) v (n, t)",
	                                     sql.data),
	                     0, NULL, phase->run->arena, &result, err);
	for (int row = 0; status == 0 && row < sg_result_rows(result); row++) {
		size_t i = (size_t)sg_result_int(result, row, 0);

		if (i < phase->result->count)
			phase->course[i].listed->root = (uint32_t)sg_result_int(result, row, 1);
	}
	sg_buf_release(&sql);
	return status;
}

/* A gate that is open in truth is to be open in the table too. */
static bool is_required(const struct sg_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->step_count; i++)
		for (size_t k = 0; k < manifest->steps[i].require_count; k++)
			if (manifest->steps[i].requires[k].kind == SG_STEP_INDEX &&
			    strcmp(manifest->steps[i].requires[k].id, name) == 0)
				return true;
	return false;
}

/* ---- verdicts ------------------------------------------------------------------------ */

static void settle_valid(struct sg_index_phase *phase, size_t i)
{
	const struct sg_index_look *look = &phase->course[i].look;
	struct sg_index_result *result = &phase->result->items[i].result;

	result->end = SG_INDEX_END_ALREADY;
	result->bytes = look->bytes;
	if (look->constraint != NULL)
		result->note = sg_arena_printf(phase->run->arena, "it is the index of constraint %s now", look->constraint);
	else if (look->not_compared)
		result->note = sg_arena_printf(phase->run->arena, "valid, but not compared with the manifest: %s",
		                               look->why != NULL ? look->why : "this role may not");
	sg_index_settle(phase, i);
}

/* Nothing would be built: told as it is. */
static void settle_seen(struct sg_index_phase *phase, size_t i)
{
	struct sg_indexes_item *item = &phase->result->items[i];
	struct sg_index_course *course = &phase->course[i];
	struct sg_err *err = new_err(phase, item);

	item->seen_only = true;
	item->result.end = SG_INDEX_END_FAILED;
	if (!course->looked) {
		sg_err_move(err, &course->why);
	} else if (course->look.found == SG_INDEX_FOUND_DRIFTED) {
		item->result.end = SG_INDEX_END_DRIFTED;
		item->result.bytes = course->look.bytes;
		(void)sg_index_drift_err(phase->run, &course->listed->definition, &course->look, err);
	} else {
		no_table_err(phase, course, err);
	}
	sg_err_step(err, item->step->id);
	sg_err_at(err, phase->run->manifest->path, item->step->line);
	sg_index_settle(phase, i);
}

/* Its gates, and what was seen. */
static void judge(struct sg_index_phase *phase, size_t i)
{
	struct sg_indexes_item *item = &phase->result->items[i];
	const struct sg_index_course *course = &phase->course[i];
	const char *why;

	phase->slots[i].slot = SG_SLOT_READY;
	/* what is there need not wait for a gate: only a left-over of it is to be dropped */
	if (course->looked && course->look.found == SG_INDEX_FOUND_VALID)
		return;
	item->waits_for = sg_gates_closed(&phase->gates, item->step, 0, phase->run->arena);
	item->result.note = NULL;
	item->result.end = SG_INDEX_END_NOT_REACHED;
	if (item->waits_for != NULL) {
		phase->slots[i].slot = SG_SLOT_WAITING;
		why = sg_gates_why(&phase->gates, item->waits_for, phase->run->arena);
		item->result.end = SG_INDEX_END_WAITING;
		item->result.note = why == NULL ? item->waits_for
		                                : sg_arena_printf(phase->run->arena, "%s (%s)", item->waits_for, why);
		return;
	}
	if (course->locked)
		return;
	if (!course->looked || course->look.found == SG_INDEX_FOUND_DRIFTED || course->look.found == SG_INDEX_FOUND_NO_TABLE)
		settle_seen(phase, i);
}

static void judge_all(struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++)
		if (phase->slots[i].slot == SG_SLOT_WAITING || phase->slots[i].slot == SG_SLOT_READY)
			judge(phase, i);
}

/* Valid, and nothing of it is to be swept up. */
static bool is_done(const struct sg_index_course *course)
{
	return course->looked && course->look.found == SG_INDEX_FOUND_VALID && course->look.leftover_count == 0;
}

static bool any_ready(const struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++)
		if (phase->slots[i].slot == SG_SLOT_READY)
			return true;
	return false;
}

/* Equal texts for one table, or for a table and its partitions. */
static void name_tables(struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++) {
		const struct sg_index_listed *listed = phase->course[i].listed;

		phase->slots[i].table = listed->root != 0 ? sg_arena_printf(phase->run->arena, "%" PRIu32, listed->root)
		                                          : listed->definition.relation;
	}
}

/* A glance that fails for anything but the connection leaves each to a look of its own, which says more. */
static bool spoils_nothing(const struct sg_err *err)
{
	return sg_stop_count() == 0 && (err->class == SG_CLASS_LOCKED || err->class == SG_CLASS_SQL);
}

/* Most are valid, and one statement tells it of all of them. */
static int glance_at_all(struct sg_index_phase *phase, struct sg_err *err)
{
	struct sg_arena *arena = phase->run->arena;
	const struct sg_index_definition **definitions = sg_arena_array(arena, phase->result->count, sizeof *definitions);
	struct sg_index_look *looks = sg_arena_array(arena, phase->result->count, sizeof *looks);
	size_t *places = sg_arena_array(arena, phase->result->count, sizeof *places), count = 0;
	bool *sure = sg_arena_array(arena, phase->result->count, sizeof *sure);

	for (size_t i = 0; i < phase->result->count; i++) {
		if (phase->slots[i].slot == SG_SLOT_SETTLED)
			continue;
		places[count] = i;
		definitions[count++] = &phase->course[i].listed->definition;
	}
	if (sg_index_look_many(&phase->session, definitions, count, arena, looks, sure, err) != 0) {
		if (!spoils_nothing(err))
			return -1;
		sg_err_clear(err);
		sg_session_drop(&phase->session);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		phase->course[places[i]].look = looks[i];
		phase->course[places[i]].looked = sure[i];
	}
	return 0;
}

static int look_at_all(struct sg_index_phase *phase, struct sg_err *err)
{
	if (insist(phase, glance_at_all, err) != 0)
		return -1;
	for (size_t i = 0; i < phase->result->count; i++)
		if (phase->slots[i].slot != SG_SLOT_SETTLED && !phase->course[i].looked &&
		    look_at(phase, &phase->course[i], err) != 0)
			return -1;
	return insist(phase, read_roots, err);
}

static int note_and_read(struct sg_index_phase *phase, struct sg_err *err)
{
	if (insist(phase, note_all, err) != 0)
		return -1;
	return insist(phase, read_gates, err);
}

int sg_index_survey(struct sg_index_phase *phase, struct sg_err *err)
{
	bool needed = false;

	if (insist(phase, read_ledger, err) != 0 || look_at_all(phase, err) != 0)
		return -1;
	name_tables(phase);
	for (size_t i = 0; i < phase->result->count; i++)
		needed |= phase->slots[i].slot != SG_SLOT_SETTLED && is_done(&phase->course[i]) &&
		          is_required(phase->run->manifest, phase->result->items[i].step->id);
	if ((needed && !phase->ledger.installed && insist(phase, install, err) != 0) ||
	    (phase->ledger.installed ? note_and_read(phase, err) : insist(phase, read_gates, err)) != 0)
		return -1;
	for (size_t i = 0; i < phase->result->count; i++)
		if (phase->slots[i].slot != SG_SLOT_SETTLED && is_done(&phase->course[i]))
			settle_valid(phase, i);
	judge_all(phase);
	if (phase->ledger.installed || !any_ready(phase))
		return 0;
	if (insist(phase, install, err) != 0 || note_and_read(phase, err) != 0)
		return -1;
	judge_all(phase);
	return 0;
}

static int read_both(struct sg_index_phase *phase, struct sg_err *err)
{
	return read_ledger(phase, err) == 0 ? read_gates(phase, err) : -1;
}

int sg_index_judge_again(struct sg_index_phase *phase, bool once, struct sg_err *err)
{
	int status;

	if (once)
		status = sg_session_open(&phase->session, err) == 0 ? read_both(phase, err) : -1;
	else
		status = insist(phase, read_both, err);
	sg_session_drop(&phase->session);
	phase->stale = status != 0;
	phase->stale_ms = sg_clock_ms() + STALE_PAUSE_MS;
	if (status == 0)
		for (size_t i = 0; i < phase->result->count; i++)
			if (phase->slots[i].slot == SG_SLOT_WAITING)
				judge(phase, i);
	return status;
}
