/* rehearse_watch.c - what a deploy tells its observer, put down step by step in the rehearsal, and told on. */
#include "config.h"
#include "core/run/rehearse_parts.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"

static const struct sg_step *original(const struct sg_rehearse_watcher *watcher, const struct sg_step *step)
{
	return watcher->tracer->originals[step - watcher->tracer->copies];
}

static struct sg_rehearsal_step *begin(struct sg_rehearse_watcher *watcher, const struct sg_step *step)
{
	int64_t *started = &watcher->started_us[step - watcher->tracer->copies];

	/* its first moment: one that waited, or was reopened, begins more than once */
	if (*started == 0)
		*started = sg_clock_us();
	return sg_tracer_step(watcher->tracer, step);
}

static int64_t since(const struct sg_rehearse_watcher *watcher, const struct sg_step *step)
{
	int64_t started = watcher->started_us[step - watcher->tracer->copies];

	return started == 0 ? 0 : sg_clock_us() - started;
}

static void keep_err(struct sg_rehearse_watcher *watcher, struct sg_rehearsal_step *at, const struct sg_err *err)
{
	struct sg_arena *arena = watcher->arena;

	/* steps are put in another order at the end: nothing may point to them */
	at->err = *err;
	at->err.primary = sg_arena_strdup(arena, err->primary);
	at->err.detail = sg_arena_strdup(arena, err->detail);
	at->err.hint = sg_arena_strdup(arena, err->hint);
	at->err.file = sg_arena_strdup(arena, err->file);
	at->err.step = sg_arena_strdup(arena, err->step);
	at->err.statement = sg_arena_strdup(arena, err->statement);
}

/* ---- migrations ---------------------------------------------------------------------- */

static void started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	(void)begin(watcher, step);
	if (further != NULL && further->started != NULL)
		further->started(further->context, original(watcher, step), number, total);
}

static void doing(void *context, const struct sg_step *step, const char *text)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	if (further != NULL && further->doing != NULL)
		further->doing(further->context, original(watcher, step), text);
}

static void ended(void *context, const struct sg_step *step, enum sg_outcome outcome, int64_t duration_ms, int attempts,
                  int existed, const char *note, const struct sg_err *err)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	/* one that waits may not have to in the next round */
	if (outcome != SG_OUTCOME_WAITING) {
		struct sg_rehearsal_step *at = begin(watcher, step);

		at->outcome = outcome;
		at->us = since(watcher, step);
		if (err != NULL)
			keep_err(watcher, at, err);
	}
	if (further != NULL && further->ended != NULL)
		further->ended(further->context, original(watcher, step), outcome, duration_ms, attempts, existed, note, err);
	if (watcher->migrated != NULL && (outcome == SG_OUTCOME_APPLIED || outcome == SG_OUTCOME_RECONCILED))
		watcher->migrated(watcher->migrated_context);
}

/* ---- backfills ----------------------------------------------------------------------- */

static const char *fill_note(const struct sg_backfill_result *result, struct sg_arena *arena)
{
	if (result->batches == 0)
		return result->note;
	return sg_arena_printf(arena, "%" PRId64 " batch%s, %" PRId64 " rows read, %" PRId64 " changed%s%s", result->batches,
	                       result->batches == 1 ? "" : "es", result->rows, result->changed, result->note != NULL ? "; " : "",
	                       result->note != NULL ? result->note : "");
}

static void fill_started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	(void)begin(watcher, step);
	if (further != NULL && further->fill_started != NULL)
		further->fill_started(further->context, original(watcher, step), number, total);
}

static void fill_progress(void *context, const struct sg_step *step, const struct sg_backfill_progress *progress)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	if (further != NULL && further->fill_progress != NULL)
		further->fill_progress(further->context, original(watcher, step), progress);
}

/* The one that is not complete is told as failed: on a server of its own nothing was in its way. */
static void note_fill(struct sg_rehearse_watcher *watcher, const struct sg_step *step, const struct sg_backfill_result *result)
{
	bool done = result->end == SG_BACKFILL_END_ALREADY || result->end == SG_BACKFILL_END_COMPLETE;
	struct sg_rehearsal_step *at = begin(watcher, step);
	struct sg_err err = SG_ERR_INIT;

	at->outcome = done ? SG_OUTCOME_APPLIED : SG_OUTCOME_FAILED;
	at->us = since(watcher, step);
	at->note = fill_note(result, watcher->arena);
	if (done)
		return;
	if (result->err.class != SG_CLASS_NONE) {
		keep_err(watcher, at, &result->err);
		return;
	}
	sg_err_set(&err, SG_CLASS_FAILED, "the backfill ended as %s", sg_backfill_end_name(result->end));
	if (result->note != NULL)
		sg_err_detail(&err, "%s", result->note);
	sg_err_step(&err, step->id);
	keep_err(watcher, at, &err);
	sg_err_release(&err);
}

static void fill_ended(void *context, const struct sg_step *step, const struct sg_backfill_result *result)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	if (result->end != SG_BACKFILL_END_WAITING && result->end != SG_BACKFILL_END_NOT_REACHED &&
	    result->end != SG_BACKFILL_END_STOPPED)
		note_fill(watcher, step, result);
	if (further != NULL && further->fill_ended != NULL)
		further->fill_ended(further->context, original(watcher, step), result);
}

/* ---- indexes ------------------------------------------------------------------------- */

static void index_started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	(void)begin(watcher, step);
	if (further != NULL && further->index_started != NULL)
		further->index_started(further->context, original(watcher, step), number, total);
}

static void index_progress(void *context, const struct sg_step *step, const struct sg_index_progress *progress)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	if (further != NULL && further->index_progress != NULL)
		further->index_progress(further->context, original(watcher, step), progress);
}

/* The statement that made it, as the section means it: of a partitioned table there were several. */
static void note_statement(struct sg_rehearse_watcher *watcher, const struct sg_step *step,
                           const struct sg_index_result *result, struct sg_rehearsal_step *at)
{
	struct sg_index_definition definition;
	struct sg_err err = SG_ERR_INIT;

	if (result->build_ms >= 0 && sg_index_define(watcher->manifest, step, watcher->arena, &definition, &err) == 0) {
		at->statements = sg_arena_array(watcher->arena, 1, sizeof *at->statements);
		at->statements[0] = (struct sg_rehearsal_statement){
			.text = sg_index_statement(&definition, SG_INDEX_CONCURRENTLY, definition.name,
			                           sg_index_relation_sql(&definition, watcher->arena), watcher->arena),
			.kind = "CREATE INDEX",
			.us = result->build_ms * 1000
		};
		at->statement_count = 1;
		at->outside = true;
	}
	sg_err_release(&err);
}

static const char *index_note(const struct sg_index_result *result, struct sg_arena *arena)
{
	if (result->end == SG_INDEX_END_ALREADY)
		return "it was there before, and is as it should be";
	if (result->end != SG_INDEX_END_BUILT)
		return result->note;
	return sg_arena_printf(arena, "built concurrently%s%s", result->note != NULL ? "; " : "",
	                       result->note != NULL ? result->note : "");
}

static void note_index(struct sg_rehearse_watcher *watcher, const struct sg_step *step, const struct sg_index_result *result)
{
	bool done = result->end == SG_INDEX_END_ALREADY || result->end == SG_INDEX_END_BUILT;
	struct sg_rehearsal_step *at = begin(watcher, step);
	struct sg_err err = SG_ERR_INIT;

	at->outcome = done ? SG_OUTCOME_APPLIED : SG_OUTCOME_FAILED;
	at->us = result->duration_ms * 1000;
	at->note = index_note(result, watcher->arena);
	note_statement(watcher, step, result, at);
	if (!done && result->err.class != SG_CLASS_NONE) {
		keep_err(watcher, at, &result->err);
	} else if (!done) {
		sg_err_set(&err, SG_CLASS_FAILED, "the build ended as %s", sg_index_end_name(result->end));
		sg_err_step(&err, step->id);
		keep_err(watcher, at, &err);
	}
	sg_err_release(&err);
}

static void index_ended(void *context, const struct sg_step *step, const struct sg_index_result *result)
{
	struct sg_rehearse_watcher *watcher = context;
	const struct sg_observer *further = watcher->further;

	if (result->end != SG_INDEX_END_WAITING && result->end != SG_INDEX_END_NOT_REACHED &&
	    result->end != SG_INDEX_END_STOPPED)
		note_index(watcher, step, result);
	if (further != NULL && further->index_ended != NULL)
		further->index_ended(further->context, original(watcher, step), result);
}

/* ---- before and after ----------------------------------------------------------------- */

void sg_rehearse_watch(struct sg_rehearse_watcher *watcher, const struct sg_rehearse_manifest *copy, struct sg_tracer *tracer,
                       const struct sg_observer *further, struct sg_arena *arena)
{
	*watcher = (struct sg_rehearse_watcher){
		.observer = { .context = watcher, .started = started, .doing = doing, .ended = ended,
		              .fill_started = fill_started, .fill_progress = fill_progress, .fill_ended = fill_ended,
		              .index_started = index_started, .index_progress = index_progress, .index_ended = index_ended },
		.further = further,
		.tracer = tracer,
		.arena = arena,
		.manifest = &copy->manifest,
		.started_us = sg_arena_array(arena, copy->manifest.step_count, sizeof *watcher->started_us)
	};
}

static void conclude_migrations(struct sg_rehearse_watcher *watcher, const struct sg_migrate_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct sg_migrate_item *item = &result->items[i];
		struct sg_rehearsal_step *at;

		if (item->outcome == SG_OUTCOME_APPLIED || item->outcome == SG_OUTCOME_RECONCILED ||
		    item->outcome == SG_OUTCOME_FAILED)
			continue;
		at = sg_tracer_step(watcher->tracer, item->step);
		at->outcome = item->outcome;
		if (item->outcome == SG_OUTCOME_WAITING)
			at->note = sg_arena_printf(watcher->arena, "waits for %s%s%s%s", item->waits_for,
			                           item->waits_why != NULL ? " (" : "", item->waits_why != NULL ? item->waits_why : "",
			                           item->waits_why != NULL ? ")" : "");
		else if (item->outcome == SG_OUTCOME_SKIPPED)
			at->note = "recorded in the database that the schema is of";
		else if (item->outcome == SG_OUTCOME_SUPERSEDED)
			at->note = sg_arena_printf(watcher->arena, "superseded by %s", item->step->superseded_by);
	}
}

static void wait_for(struct sg_rehearse_watcher *watcher, const struct sg_step *step, const char *waits_for)
{
	struct sg_rehearsal_step *at = sg_tracer_step(watcher->tracer, step);

	at->outcome = SG_OUTCOME_WAITING;
	if (waits_for != NULL)
		at->note = sg_arena_printf(watcher->arena, "waits for %s", waits_for);
}

/* Of those that nobody was told of: they take their result from here. */
static void conclude_rest(struct sg_rehearse_watcher *watcher, const struct sg_deploy_result *result)
{
	for (size_t i = 0; i < result->indexes.count; i++) {
		const struct sg_indexes_item *item = &result->indexes.items[i];

		if (item->result.end == SG_INDEX_END_WAITING)
			wait_for(watcher, item->step, item->waits_for);
		else if (item->result.end != SG_INDEX_END_NOT_REACHED && item->result.end != SG_INDEX_END_STOPPED &&
		         sg_tracer_step(watcher->tracer, item->step)->outcome == SG_OUTCOME_NOT_REACHED)
			note_index(watcher, item->step, &item->result);
	}
	for (size_t i = 0; i < result->backfills.count; i++) {
		const struct sg_backfills_item *item = &result->backfills.items[i];

		if (item->result.end == SG_BACKFILL_END_WAITING)
			wait_for(watcher, item->step, item->waits_for);
		else if (item->result.end != SG_BACKFILL_END_NOT_REACHED && item->result.end != SG_BACKFILL_END_STOPPED &&
		         sg_tracer_step(watcher->tracer, item->step)->outcome == SG_OUTCOME_NOT_REACHED)
			note_fill(watcher, item->step, &item->result);
	}
}

/* What was done elsewhere before comes first, for so it was. */
static void put_in_order(struct sg_rehearsal *rehearsal, struct sg_arena *arena)
{
	struct sg_rehearsal_step *steps = sg_arena_array(arena, rehearsal->step_count, sizeof *steps);
	size_t count = 0;

	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < rehearsal->step_count; i++)
			if ((rehearsal->steps[i].outcome == SG_OUTCOME_SKIPPED) == (turn == 0))
				steps[count++] = rehearsal->steps[i];
	rehearsal->steps = steps;
}

void sg_rehearse_conclude(struct sg_rehearse_watcher *watcher, const struct sg_deploy_result *result)
{
	struct sg_rehearsal *rehearsal = watcher->tracer->rehearsal;

	conclude_rest(watcher, result);
	conclude_migrations(watcher, &result->migrate);
	for (size_t i = 0; i < watcher->manifest->step_count; i++)
		(void)sg_tracer_step(watcher->tracer, &watcher->manifest->steps[i]);
	put_in_order(rehearsal, watcher->arena);
	rehearsal->complete = true;
	for (size_t i = 0; i < rehearsal->step_count; i++) {
		enum sg_outcome outcome = rehearsal->steps[i].outcome;

		if (outcome == SG_OUTCOME_FAILED || outcome == SG_OUTCOME_WAITING || outcome == SG_OUTCOME_NOT_REACHED)
			rehearsal->complete = false;
	}
}
