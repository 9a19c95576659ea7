/* deploy_ready.c - gates as the results of the three phases tell them. */
#include "config.h"
#include "core/run/deploy_ready.h"

#include <string.h>

#include "core/base/text.h"

/* ---- is a gate open? ------------------------------------------------------------- */

static const struct sg_migrate_item *find_migration(const struct sg_deploy_result *result, const char *id)
{
	for (size_t i = 0; i < result->migrate.count; i++)
		if (strcmp(result->migrate.items[i].step->id, id) == 0)
			return &result->migrate.items[i];
	return NULL;
}

static const struct sg_indexes_item *find_index(const struct sg_deploy_result *result, const char *id)
{
	for (size_t i = 0; i < result->indexes.count; i++)
		if (strcmp(result->indexes.items[i].step->id, id) == 0)
			return &result->indexes.items[i];
	return NULL;
}

static const struct sg_backfills_item *find_backfill(const struct sg_deploy_result *result, const char *id)
{
	for (size_t i = 0; i < result->backfills.count; i++)
		if (strcmp(result->backfills.items[i].step->id, id) == 0)
			return &result->backfills.items[i];
	return NULL;
}

/* What is superseded is recorded together with its successor. */
static bool is_recorded(const struct sg_deploy_result *result, const char *id)
{
	const struct sg_migrate_item *item = find_migration(result, id);

	while (item != NULL && item->outcome == SG_OUTCOME_SUPERSEDED && item->step->superseded_by != NULL)
		item = find_migration(result, item->step->superseded_by);
	return item != NULL && (item->outcome == SG_OUTCOME_SKIPPED || item->outcome == SG_OUTCOME_APPLIED ||
	                        item->outcome == SG_OUTCOME_RECONCILED || item->outcome == SG_OUTCOME_ADOPTED);
}

static bool is_done(const struct sg_deploy_result *result, enum sg_step_kind kind, const char *id)
{
	const struct sg_backfills_item *backfill;
	const struct sg_indexes_item *index;

	switch (kind) {
	case SG_STEP_MIGRATION: return is_recorded(result, id);
	case SG_STEP_BACKFILL:
		backfill = find_backfill(result, id);
		return backfill != NULL && (backfill->result.end == SG_BACKFILL_END_COMPLETE ||
		                            backfill->result.end == SG_BACKFILL_END_ALREADY);
	case SG_STEP_INDEX:
		index = find_index(result, id);
		return index != NULL && (index->result.end == SG_INDEX_END_BUILT || index->result.end == SG_INDEX_END_ALREADY);
	}
	return false;
}

/* Of a phase that is no part of this deploy nothing is known but what was told: the first gate that was shut. */
static bool is_open(const struct sg_deploy_result *result, const struct sg_deploy_options *options, enum sg_step_kind kind,
                    const char *id, const char *told)
{
	bool part = kind == SG_STEP_MIGRATION ? options->migrations
	          : kind == SG_STEP_BACKFILL  ? options->backfills
	                                      : options->indexes;
	const char *name = sg_step_kind_name(kind);

	if (part)
		return is_done(result, kind, id);
	return told == NULL || strncmp(told, name, strlen(name)) != 0 || told[strlen(name)] != ':' ||
	       strcmp(told + strlen(name) + 1, id) != 0;
}

static bool gates_open(const struct sg_deploy_result *result, const struct sg_deploy_options *options,
                       const struct sg_step *step, const char *told)
{
	if (step->migration != NULL && !is_open(result, options, SG_STEP_MIGRATION, step->migration, told))
		return false;
	for (size_t i = 0; i < step->require_count; i++)
		if (!is_open(result, options, step->requires[i].kind, step->requires[i].id, told))
			return false;
	return true;
}

/* ---- what could go on --------------------------------------------------------------- */

const struct sg_migrate_item *sg_deploy_waiting(const struct sg_deploy_result *result)
{
	for (size_t i = 0; i < result->migrate.count; i++)
		if (result->migrate.items[i].outcome == SG_OUTCOME_WAITING)
			return &result->migrate.items[i];
	return NULL;
}

bool sg_deploy_migration_ready(const struct sg_deploy_result *result, const struct sg_deploy_options *options)
{
	const struct sg_migrate_item *item = sg_deploy_waiting(result);

	return options->migrations && item != NULL && gates_open(result, options, item->step, item->waits_for);
}

/* It failed for duplicates, and what was to end them is pending again, or has run since. */
static bool reopened(const struct sg_deploy_result *result, const struct sg_indexes_item *item)
{
	if (item->result.end != SG_INDEX_END_FAILED || !item->result.duplicates || item->again)
		return false;
	for (size_t i = 0; i < item->step->require_count; i++)
		for (size_t k = 0; k < result->indexes.reopened_count; k++)
			if (item->step->requires[i].kind == SG_STEP_BACKFILL &&
			    strcmp(item->step->requires[i].id, result->indexes.reopened[k]) == 0)
				return true;
	return false;
}

bool sg_deploy_index_ready(const struct sg_deploy_result *result, const struct sg_deploy_options *options)
{
	for (size_t i = 0; options->indexes && i < result->indexes.count; i++) {
		const struct sg_indexes_item *item = &result->indexes.items[i];

		if ((item->result.end == SG_INDEX_END_WAITING || reopened(result, item)) &&
		    gates_open(result, options, item->step, item->waits_for))
			return true;
	}
	return false;
}

bool sg_deploy_backfill_ready(const struct sg_deploy_result *result, const struct sg_deploy_options *options)
{
	for (size_t i = 0; options->backfills && i < result->backfills.count; i++) {
		const struct sg_backfills_item *item = &result->backfills.items[i];

		if (item->result.end == SG_BACKFILL_END_WAITING && gates_open(result, options, item->step, item->waits_for))
			return true;
	}
	return false;
}

const struct sg_step *const *sg_deploy_first(const struct sg_deploy_result *result, const struct sg_deploy_options *options,
                                             struct sg_arena *arena, size_t *count_r)
{
	const struct sg_step **steps = sg_arena_array(arena, result->indexes.count + 1, sizeof *steps);
	const struct sg_migrate_item *waiting = sg_deploy_waiting(result);

	*count_r = 0;
	if (options->migrations && waiting != NULL)
		steps[(*count_r)++] = waiting->step;
	for (size_t i = 0; options->indexes && i < result->indexes.count; i++)
		if (result->indexes.items[i].result.end == SG_INDEX_END_WAITING || reopened(result, &result->indexes.items[i]))
			steps[(*count_r)++] = result->indexes.items[i].step;
	return steps;
}

/* ---- how it stands ------------------------------------------------------------------ */

static const char *because(const char *what, const struct sg_err *err, struct sg_arena *arena)
{
	return err->class == SG_CLASS_NONE || err->primary == NULL ? what : sg_arena_printf(arena, "%s: %s", what, err->primary);
}

/* How a gate's backfill stands now that this run was at it; NULL: as was said before. */
static const char *backfill_stands(const struct sg_backfill_result *result, struct sg_arena *arena)
{
	struct sg_backfill_row row = { .begun = true, .state = SG_BACKFILL_PENDING, .rows_done = result->rows_done,
		                       .rows_estimate = result->rows_estimate, .left = result->left, .seconds_left = -1,
		                       .bad_rows = result->bad_rows };

	switch (result->end) {
	case SG_BACKFILL_END_ALREADY:
	case SG_BACKFILL_END_COMPLETE:
	case SG_BACKFILL_END_NOT_REACHED: return NULL;
	case SG_BACKFILL_END_WAITING: return result->note != NULL ? sg_arena_printf(arena, "waits for %s", result->note) : NULL;
	case SG_BACKFILL_END_REFUSED: return "refused";
	case SG_BACKFILL_END_PAUSED: return "paused";
	case SG_BACKFILL_END_CLOSED: return "outside its window";
	case SG_BACKFILL_END_RESIDUAL:
		row.state = SG_BACKFILL_RESIDUAL;
		break;
	case SG_BACKFILL_END_FAILED:
		row.state = SG_BACKFILL_FAILED;
		row.message = result->err.primary;
		break;
	case SG_BACKFILL_END_LEFT:
	case SG_BACKFILL_END_STOPPED: break;
	}
	return result->rows_done < 0 ? NULL : sg_backfill_row_text(&row, arena);
}

static const char *index_stands(const struct sg_index_result *result, struct sg_arena *arena)
{
	switch (result->end) {
	case SG_INDEX_END_ALREADY:
	case SG_INDEX_END_BUILT: return NULL;
	case SG_INDEX_END_NOT_REACHED: return result->note;
	case SG_INDEX_END_WAITING: return result->note != NULL ? sg_arena_printf(arena, "waits for %s", result->note) : NULL;
	case SG_INDEX_END_DRIFTED: return because("drifted", &result->err, arena);
	case SG_INDEX_END_LEFT: return because("left", &result->err, arena);
	case SG_INDEX_END_FAILED: return because("failed", &result->err, arena);
	case SG_INDEX_END_REFUSED: return because("refused", &result->err, arena);
	case SG_INDEX_END_STOPPED: return "stopped";
	}
	return NULL;
}

static const char *stands(const struct sg_deploy_result *result, const char *gate, struct sg_arena *arena)
{
	if (gate != NULL && sg_text_prefix(gate, "backfill:")) {
		const struct sg_backfills_item *item = find_backfill(result, gate + strlen("backfill:"));

		return item != NULL ? backfill_stands(&item->result, arena) : NULL;
	}
	if (gate != NULL && sg_text_prefix(gate, "index:")) {
		const struct sg_indexes_item *item = find_index(result, gate + strlen("index:"));

		return item != NULL ? index_stands(&item->result, arena) : NULL;
	}
	return NULL;
}

static const char *note(const struct sg_deploy_result *result, const char *gate, const char *old, struct sg_arena *arena)
{
	const char *why = stands(result, gate, arena);

	return why != NULL ? sg_arena_printf(arena, "%s (%s)", gate, why) : old;
}

void sg_deploy_retell(struct sg_deploy_result *result, struct sg_arena *arena)
{
	/* what the others wait for themselves, before it is told of them */
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < result->backfills.count; i++) {
			struct sg_backfills_item *item = &result->backfills.items[i];

			if (item->result.end == SG_BACKFILL_END_WAITING)
				item->result.note = note(result, item->waits_for, item->result.note, arena);
		}
		for (size_t i = 0; i < result->indexes.count; i++) {
			struct sg_indexes_item *item = &result->indexes.items[i];

			if (item->result.end == SG_INDEX_END_WAITING)
				item->result.note = note(result, item->waits_for, item->result.note, arena);
		}
	}
	for (size_t i = 0; i < result->migrate.count; i++) {
		struct sg_migrate_item *item = &result->migrate.items[i];
		const char *why = item->outcome == SG_OUTCOME_WAITING ? stands(result, item->waits_for, arena) : NULL;

		if (why != NULL)
			item->waits_why = why;
	}
}
