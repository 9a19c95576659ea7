/* index.c - the index phase: what is there, what is ready, and builders for it, at most
 * `jobs` and never two on one table.
 *
 * Nothing is built here: builders do that, processes of their own. While one is at work
 * no connection of this process is open, but for the moment in which gates are read again: a
 * snapshot of ours would make our own builds wait. */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/run/index_phase.h"

#define LISTEN_MS 200

/* ---- what there is to do ------------------------------------------------------------ */

/* Every section of the registry: asked for or not, two indexes of one table know of each other. */
static void define_all(struct sg_index_phase *phase)
{
	const struct sg_manifest *manifest = phase->run->manifest;

	phase->listed = sg_arena_array(phase->run->arena, manifest->step_count, sizeof *phase->listed);
	for (size_t i = 0; i < manifest->step_count; i++) {
		struct sg_index_listed *listed = &phase->listed[phase->listed_count];

		if (manifest->steps[i].kind != SG_STEP_INDEX)
			continue;
		phase->listed_count++;
		listed->step = &manifest->steps[i];
		sg_err_defer(&listed->why, phase->run->arena);
		listed->defined = sg_index_define(manifest, listed->step, phase->run->arena, &listed->definition, &listed->why) == 0;
	}
}

/* Those that were asked for, HIGH before MEDIUM before LOW, else as the manifest has them. */
static void lay_out(struct sg_index_phase *phase)
{
	struct sg_indexes_result *result = phase->result;
	struct sg_arena *arena = phase->run->arena;

	result->items = sg_arena_array(arena, phase->listed_count, sizeof *result->items);
	phase->course = sg_arena_array(arena, phase->listed_count, sizeof *phase->course);
	phase->slots = sg_arena_array(arena, phase->listed_count, sizeof *phase->slots);
	for (int priority = SG_PRIORITY_HIGH; priority <= SG_PRIORITY_LOW; priority++) {
		for (size_t i = 0; i < phase->listed_count; i++) {
			const struct sg_step *step = phase->listed[i].step;
			struct sg_indexes_item *item = &result->items[result->count];

			if ((int)step->priority != priority ||
			    (phase->options->only != NULL && strcmp(step->id, phase->options->only) != 0))
				continue;
			item->step = step;
			item->result.end = SG_INDEX_END_NOT_REACHED;
			item->result.build_ms = item->result.bytes = -1;
			phase->course[result->count].listed = &phase->listed[i];
			phase->slots[result->count].slot = SG_SLOT_READY;
			phase->slots[result->count].table = "";
			result->count++;
		}
	}
}

/* A backfill was made pending again for it, and it has not been tried since. */
static bool reopened_for(const struct sg_indexes_result *before, const struct sg_indexes_item *item)
{
	if (item->result.end != SG_INDEX_END_FAILED || !item->result.duplicates || item->again)
		return false;
	for (size_t i = 0; i < item->step->require_count; i++)
		for (size_t k = 0; k < before->reopened_count; k++)
			if (item->step->requires[i].kind == SG_STEP_BACKFILL &&
			    strcmp(item->step->requires[i].id, before->reopened[k]) == 0)
				return true;
	return false;
}

static bool stands(const struct sg_indexes_item *old)
{
	return old->result.end != SG_INDEX_END_WAITING && old->result.end != SG_INDEX_END_NOT_REACHED && !old->seen_only;
}

/* What an earlier round made of it stands: nothing is tried twice. */
static void take_over(struct sg_index_phase *phase)
{
	const struct sg_indexes_result *before = phase->before;

	if (before == NULL)
		return;
	for (size_t i = 0; i < phase->result->count; i++) {
		struct sg_indexes_item *item = &phase->result->items[i];

		for (size_t k = 0; k < before->count; k++) {
			const struct sg_indexes_item *old = &before->items[k];

			if (old->step != item->step || !stands(old))
				continue;
			if (reopened_for(before, old)) {
				item->again = true;
				continue;
			}
			/* its error stays with the item that owns it */
			*item = *old;
			phase->slots[i].slot = SG_SLOT_SETTLED;
		}
	}
	phase->result->reopened = before->reopened;
	phase->result->reopened_count = before->reopened_count;
}

static void settle_refused(struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++) {
		struct sg_indexes_item *item = &phase->result->items[i];
		struct sg_index_listed *listed = phase->course[i].listed;

		if (phase->slots[i].slot == SG_SLOT_SETTLED || listed->defined)
			continue;
		item->result.end = SG_INDEX_END_REFUSED;
		sg_err_defer(&item->result.err, phase->run->arena);
		sg_err_move(&item->result.err, &listed->why);
		sg_err_step(&item->result.err, item->step->id);
		sg_index_settle(phase, i);
	}
}

static bool all_settled(const struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++)
		if (phase->slots[i].slot != SG_SLOT_SETTLED)
			return false;
	return true;
}

/* ---- how many at once ----------------------------------------------------------------- */

/* One build may use maintenance_work_mem (its parallel workers share it). */
static int64_t read_work_kb(struct sg_index_phase *phase)
{
	struct sg_err why = SG_ERR_INIT;
	struct sg_result *result;
	int64_t kb = 0;

	if (sg_session_open(&phase->session, &why) == 0 &&
	    sg_db_query(phase->session.db, "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem'", 0, NULL,
	                phase->run->arena, &result, &why) == 0)
		kb = sg_result_int(result, 0, 0);
	else
		sg_session_drop(&phase->session);
	sg_err_release(&why);
	return kb;
}

static void settle_jobs(struct sg_index_phase *phase)
{
	const struct sg_index_settings *settings = &phase->run->manifest->index;
	int wanted = phase->options->jobs > 0 ? phase->options->jobs : settings->jobs;
	int width = sg_schedule_width(phase->slots, phase->result->count, wanted);
	int64_t kb;

	phase->result->jobs = width;
	if (width < 2)
		return;
	kb = read_work_kb(phase);
	phase->result->jobs = sg_schedule_jobs(width, settings->memory_mb, kb);
	if (phase->result->jobs < width && (phase->before == NULL || phase->before->jobs != phase->result->jobs))
		sg_log(SG_LOG_INFO, "index-jobs", NULL, 0,
		       "%d index%s built at a time, not %d: each may use maintenance_work_mem (%" PRId64 " MB) of memory_mb = %d",
		       phase->result->jobs, phase->result->jobs == 1 ? " is" : "es are", width, kb / 1024, settings->memory_mb);
}

/* ---- the work -------------------------------------------------------------------------- */

static bool over(const struct sg_index_phase *phase)
{
	return sg_stop_count() > 0 || (phase->options->deadline_ms != 0 && sg_clock_ms() >= phase->options->deadline_ms);
}

/* Names of the others on its table, or on the same partitioned one. */
static const char *const *siblings(const struct sg_index_phase *phase, const struct sg_index_listed *of, size_t *count_r)
{
	const char **names = sg_arena_array(phase->run->arena, phase->listed_count, sizeof *names);

	*count_r = 0;
	for (size_t i = 0; i < phase->listed_count; i++) {
		const struct sg_index_listed *listed = &phase->listed[i];

		if (listed != of && listed->defined &&
		    (strcmp(listed->definition.relation, of->definition.relation) == 0 ||
		     (of->root != 0 && listed->root == of->root)))
			names[(*count_r)++] = listed->step->id;
	}
	return names;
}

static void start(struct sg_index_phase *phase, size_t i)
{
	const struct sg_observer *observer = phase->run->observer;
	struct sg_indexes_item *item = &phase->result->items[i];
	struct sg_index_build *build = sg_arena_alloc(phase->run->arena, sizeof *build);
	struct sg_err err = SG_ERR_INIT;

	build->run = phase->run;
	build->definition = &phase->course[i].listed->definition;
	build->siblings = siblings(phase, phase->course[i].listed, &build->sibling_count);
	build->deadline_ms = phase->options->deadline_ms;
	build->made = phase->course[i].looked && phase->course[i].look.found == SG_INDEX_FOUND_MISSING;
	sg_session_drop(&phase->session);
	if (phase->run->pooler && !phase->run->has_direct)
		sg_index_say_pooled(phase->run);
	phase->number++;
	if (observer != NULL && observer->index_started != NULL)
		observer->index_started(observer->context, item->step, phase->number, phase->total);
	if (sg_builders_start(&phase->builders, build, &err) == 0) {
		phase->slots[i].slot = SG_SLOT_AT_WORK;
		phase->course[i].started = true;
		return;
	}
	/* no process can be had: nor for the others, this time */
	phase->away = true;
	item->result.end = SG_INDEX_END_LEFT;
	sg_err_defer(&item->result.err, phase->run->arena);
	sg_err_move(&item->result.err, &err);
	sg_err_step(&item->result.err, item->step->id);
	sg_index_settle(phase, i);
}

static void start_ready(struct sg_index_phase *phase)
{
	while (!phase->away && !over(phase)) {
		size_t i = sg_schedule_next(phase->slots, phase->result->count, phase->result->jobs);

		if (i == phase->result->count)
			return;
		start(phase, i);
	}
}

/* It may be what others wait for. */
static bool opens(const struct sg_index_phase *phase, const struct sg_step *step)
{
	for (size_t i = 0; i < phase->result->count; i++)
		for (size_t k = 0; phase->slots[i].slot == SG_SLOT_WAITING && k < phase->result->items[i].step->require_count; k++)
			if (phase->result->items[i].step->requires[k].kind == SG_STEP_INDEX &&
			    strcmp(phase->result->items[i].step->requires[k].id, step->id) == 0)
				return true;
	return false;
}

static void take_result(struct sg_index_phase *phase, const struct sg_index_definition *definition,
                        const struct sg_index_result *result)
{
	for (size_t i = 0; i < phase->result->count; i++) {
		struct sg_indexes_item *item = &phase->result->items[i];

		if (item->step != definition->step)
			continue;
		SG_ASSERT(phase->slots[i].slot == SG_SLOT_AT_WORK);
		item->result = *result; /* its error is ours now */
		sg_err_defer(&item->result.err, phase->run->arena);
		item->waits_for = NULL;
		/* each of the others would wait as long for a server that is away, or a standby */
		if (result->err.class == SG_CLASS_CONNECTION || result->err.class == SG_CLASS_REJECTED ||
		    (result->end == SG_INDEX_END_LEFT && result->err.class == SG_CLASS_TRANSIENT))
			phase->away = true;
		phase->slots[i].slot = SG_SLOT_SETTLED;
		sg_index_tell_ended(phase, item);
		if (result->end == SG_INDEX_END_BUILT || result->end == SG_INDEX_END_ALREADY)
			phase->stale |= opens(phase, item->step);
		return;
	}
	SG_BUG("a builder ended that nobody started");
}

static int stop_signal(void)
{
	return sg_stop_class() == SG_CLASS_TERMINATED ? SIGTERM : SIGINT;
}

/* Gates that a new index may have opened: while builders work one try a second, by a connection that is
 * closed at once; else as patiently as anything. */
static int freshen(struct sg_index_phase *phase, struct sg_err *err)
{
	bool busy = phase->builders.count > 0;

	if (!phase->stale || phase->away || over(phase) || (busy && sg_clock_ms() < phase->stale_ms))
		return 0;
	if (sg_index_judge_again(phase, busy, err) == 0)
		return 0;
	if (!busy)
		return -1;
	sg_err_clear(err);
	return 0;
}

static int work(struct sg_index_phase *phase, struct sg_err *err)
{
	for (;;) {
		const struct sg_index_definition *definition;
		struct sg_index_result result;

		if (freshen(phase, err) != 0)
			return -1;
		start_ready(phase);
		if (phase->builders.count == 0) {
			if (!phase->stale || phase->away || over(phase))
				return 0;
			continue;
		}
		if (sg_stop_count() > 0)
			sg_builders_stop(&phase->builders, sg_stop_count(), stop_signal());
		if (sg_builders_next(&phase->builders, LISTEN_MS, &definition, &result))
			take_result(phase, definition, &result);
	}
}

/* It ended without a word of its own, and could not give its claim up. */
static bool is_orphan(const struct sg_indexes_item *item)
{
	return (item->result.end == SG_INDEX_END_FAILED &&
	        (item->result.err.class == SG_CLASS_CRASH || item->result.err.class == SG_CLASS_BUG)) ||
	       (item->result.end == SG_INDEX_END_STOPPED && item->result.carcass);
}

/* What became of indexes whose builders died: nobody else would tell for as long as a claim lives. Best effort. */
static void tidy(struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count && sg_stop_count() < 2; i++) {
		const struct sg_index_definition *definition = &phase->course[i].listed->definition;
		struct sg_err why = SG_ERR_INIT;
		struct sg_index_look look;

		if (!phase->course[i].started || !is_orphan(&phase->result->items[i]))
			continue;
		if (sg_session_open(&phase->session, &why) != 0 ||
		    sg_index_look(&phase->session, definition, phase->run->arena, &look, &why) != 0 ||
		    sg_index_note_seen(&phase->session, definition, &look, NULL, phase->run->runner, &why) != 0)
			sg_session_drop(&phase->session);
		sg_err_release(&why);
	}
	sg_session_drop(&phase->session);
}

/* What a look has settled for good no builder notes: status is not to say of it that it is just not there yet. Best effort. */
static void note_seen_only(struct sg_index_phase *phase)
{
	struct sg_err why = SG_ERR_INIT;

	for (size_t i = 0; i < phase->result->count && phase->ledger.installed && sg_stop_count() == 0; i++) {
		const struct sg_indexes_item *item = &phase->result->items[i];
		const struct sg_index_seen seen = { .state = SG_INDEX_FAILED, .duration_ms = -1, .bytes = -1, .why = &item->result.err };

		if (!item->seen_only || item->result.end != SG_INDEX_END_FAILED)
			continue;
		if (sg_session_open(&phase->session, &why) != 0 ||
		    sg_indexes_note(phase->session.db, phase->run->manifest->state_schema, item->step->id, NULL, &seen, &why) != 0)
			break;
	}
	sg_session_drop(&phase->session);
	sg_err_release(&why);
}

/* ---- the end ---------------------------------------------------------------------------- */

static void end_rest(struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++) {
		struct sg_indexes_item *item = &phase->result->items[i];

		if (phase->slots[i].slot == SG_SLOT_WAITING) {
			sg_index_settle(phase, i);
		} else if (phase->slots[i].slot == SG_SLOT_READY) {
			item->result.end = SG_INDEX_END_NOT_REACHED;
			if (sg_stop_count() == 0 && over(phase))
				item->result.note = "the time of this run is over";
		}
	}
}

static void summarise(struct sg_indexes_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		switch (result->items[i].result.end) {
		case SG_INDEX_END_ALREADY: result->already++; break;
		case SG_INDEX_END_BUILT: result->built++; break;
		case SG_INDEX_END_DRIFTED: result->drifted++; break;
		case SG_INDEX_END_WAITING: result->waiting++; break;
		case SG_INDEX_END_LEFT:
		case SG_INDEX_END_STOPPED:
		case SG_INDEX_END_NOT_REACHED: result->left++; break;
		case SG_INDEX_END_FAILED:
		case SG_INDEX_END_REFUSED: result->failed++; break;
		}
	}
}

static int run_phase(struct sg_index_phase *phase, struct sg_err *err)
{
	if (phase->options->only != NULL &&
	    sg_manifest_step(phase->run->manifest, SG_STEP_INDEX, phase->options->only) == NULL)
		return sg_manifest_no_step_err(phase->run->manifest, SG_STEP_INDEX, phase->options->only, err);
	define_all(phase);
	lay_out(phase);
	take_over(phase);
	settle_refused(phase);
	if (all_settled(phase))
		return 0;
	if (sg_index_survey(phase, err) != 0)
		return -1;
	for (size_t i = 0; i < phase->result->count; i++)
		phase->total += phase->slots[i].slot != SG_SLOT_SETTLED;
	settle_jobs(phase);
	sg_session_drop(&phase->session);
	if (work(phase, err) != 0)
		return -1;
	sg_builders_rest(&phase->builders);
	tidy(phase);
	note_seen_only(phase);
	if (!phase->away && sg_stop_count() == 0)
		sg_index_reopen(phase);
	end_rest(phase);
	return 0;
}

int sg_indexes_run(struct sg_run *run, const struct sg_indexes_options *options, const struct sg_indexes_result *before,
                   struct sg_indexes_result *result_r, struct sg_errs *errs)
{
	struct sg_index_phase phase = { .run = run, .options = options, .before = before, .result = result_r };
	struct sg_err err = SG_ERR_INIT;
	int status;

	memset(result_r, 0, sizeof *result_r);
	sg_session_init(&phase.session, run, false);
	sg_builders_init(&phase.builders, run);
	status = run_phase(&phase, &err);
	sg_builders_release(&phase.builders);
	sg_session_drop(&phase.session);
	if (err.class != SG_CLASS_NONE) {
		result_r->exit = sg_class_exit(err.class);
		sg_err_move(sg_errs_add(errs), &err);
	}
	if (sg_stop_count() > 0)
		result_r->exit = sg_class_exit(sg_stop_class());
	summarise(result_r);
	return status;
}
