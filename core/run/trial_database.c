/* trial_database.c - the databases of a trial: copies of one that was prepared, and of it only what a point needs. */
#include "config.h"
#include "core/run/trial_parts.h"

#include <string.h>

#include "core/base/stop.h"

/* Where no copy is made of, so that we may be there while they are made. */
#define ASIDE "template1"
#define SCHEMA "postgres"

const char *trial_dsn(const struct trial *trial, const char *name)
{
	/* of a keyword that comes twice libpq takes the second */
	return sg_arena_printf(trial->arena, "%s dbname=%s", trial->server.dsn, name);
}

int trial_connect(const struct trial *trial, const char *name, struct sg_db **db_r, struct sg_err *err)
{
	return sg_throw_away_connect(&trial->server, trial_dsn(trial, name), db_r, err);
}

static int say(struct trial *trial, const char *where, const char *sql, struct sg_err *err)
{
	struct sg_db *db = NULL;
	int status = trial_connect(trial, where, &db, err);

	if (status == 0)
		status = sg_db_script(db, sql, err);
	sg_db_close(db);
	return status;
}

int trial_forget(struct trial *trial, const char *name, struct sg_err *err)
{
	return say(trial, name, sg_arena_printf(trial->arena, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS %s CASCADE",
	                                        sg_db_identifier(trial->arena, trial->whole.state_schema)), err);
}

int trial_copy(struct trial *trial, const char *from, bool fresh, const char **name_r, struct sg_err *err)
{
	const char *name = sg_arena_printf(trial->arena, "trial_%d", ++trial->databases);

	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	/* the server waits some seconds for sessions there that are about to end: ours */
	if (say(trial, ASIDE, sg_arena_printf(trial->arena, "CREATE DATABASE %s TEMPLATE %s", name, from != NULL ? from : SCHEMA),
	        err) != 0)
		return -1;
	*name_r = name;
	return fresh ? trial_forget(trial, name, err) : 0;
}

int trial_drop(struct trial *trial, const char *name, struct sg_err *err)
{
	return say(trial, ASIDE, sg_arena_printf(trial->arena, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name), err);
}

/* ---- manifests for them --------------------------------------------------------------- */

struct sg_manifest *trial_manifest(struct trial *trial, const bool *include, const struct sg_step *alone, const char *name)
{
	const struct sg_manifest *whole = &trial->whole;
	struct sg_manifest *copy = sg_arena_alloc(trial->arena, sizeof *copy);
	const struct sg_step **moved = sg_arena_array(trial->arena, whole->step_count, sizeof *moved);
	const struct sg_step **sorted = sg_arena_array(trial->arena, whole->step_count, sizeof *sorted);
	size_t count = 0;

	*copy = *whole;
	copy->dsn = trial_dsn(trial, name);
	copy->steps = sg_arena_array(trial->arena, whole->step_count, sizeof *copy->steps);
	copy->step_count = 0;
	for (size_t i = 0; i < whole->step_count; i++) {
		struct sg_step *step = &copy->steps[copy->step_count];

		if (include != NULL ? !include[i] : &whole->steps[i] != alone)
			continue;
		*step = whole->steps[i];
		if (include == NULL) {
			step->require_count = 0;
			step->migration = step->superseded_by = NULL;
		}
		moved[i] = step;
		copy->step_count++;
	}
	for (size_t i = 0; i < whole->step_count; i++)
		if (moved[whole->by_id[i] - whole->steps] != NULL)
			sorted[count++] = moved[whole->by_id[i] - whole->steps];
	copy->by_id = sorted;
	return copy;
}

/* ---- what a step rests on ------------------------------------------------------------- */

static void mark(const struct sg_manifest *whole, const struct sg_step *step, bool *needed);

static void mark_step(const struct sg_manifest *whole, const struct sg_step *step, bool *needed)
{
	/* what is superseded is not run any more: its successor does it all */
	if (step == NULL || step->superseded_by != NULL || needed[step - whole->steps])
		return;
	needed[step - whole->steps] = true;
	mark(whole, step, needed); /* as deep as the longest chain: each is marked once */
}

static void mark(const struct sg_manifest *whole, const struct sg_step *step, bool *needed)
{
	for (size_t i = 0; i < step->require_count; i++)
		mark_step(whole, sg_manifest_step(whole, step->requires[i].kind, step->requires[i].id), needed);
	if (step->migration != NULL)
		mark_step(whole, sg_manifest_step(whole, SG_STEP_MIGRATION, step->migration), needed);
}

/* Migrations before it in the file, and what it and they wait for. Of a backfill or index without a migration: all migrations. */
static bool *find_needed(struct trial *trial, const struct sg_step *step)
{
	const struct sg_manifest *whole = &trial->whole;
	bool *needed = sg_arena_array(trial->arena, whole->step_count, sizeof *needed);
	bool everything = trial->options->manifest == NULL;
	const struct sg_step *last = step;

	needed[step - whole->steps] = true; /* not marked twice; taken out at the end */
	mark(whole, step, needed);
	if (!everything && step->kind != SG_STEP_MIGRATION) {
		last = step->migration != NULL ? sg_manifest_step(whole, SG_STEP_MIGRATION, step->migration) : NULL;
		if (last == NULL)
			last = whole->steps + whole->step_count - 1;
	}
	for (const struct sg_step *before = whole->steps; before <= last; before++)
		if (before != step && (everything || before->kind == SG_STEP_MIGRATION))
			mark_step(whole, before, needed);
	needed[step - whole->steps] = false;
	return needed;
}

static struct sg_err *keep(struct trial *trial, struct sg_err *err)
{
	struct sg_err *kept = sg_arena_alloc(trial->arena, sizeof *kept);

	sg_err_defer(kept, trial->arena);
	sg_err_move(kept, err);
	return kept;
}

/* The first thing that was not done. */
static struct sg_err *find_failure(struct trial *trial, const struct sg_deploy_result *result)
{
	struct sg_err err = SG_ERR_INIT;

	for (size_t i = 0; i < result->migrate.count; i++) {
		const struct sg_migrate_item *item = &result->migrate.items[i];

		if (item->outcome == SG_OUTCOME_FAILED)
			sg_err_copy(&err, &item->err);
		else if (item->outcome == SG_OUTCOME_WAITING)
			sg_err_set(&err, SG_CLASS_WAIT, "%s waits for %s", item->step->id, item->waits_for);
		else
			continue;
		return keep(trial, &err);
	}
	for (size_t i = 0; i < result->indexes.count; i++) {
		const struct sg_indexes_item *item = &result->indexes.items[i];

		if (item->result.end == SG_INDEX_END_BUILT || item->result.end == SG_INDEX_END_ALREADY)
			continue;
		if (item->result.err.class != SG_CLASS_NONE)
			sg_err_copy(&err, &item->result.err);
		else
			sg_err_set(&err, SG_CLASS_FAILED, "index %s: %s", item->step->id, sg_index_end_name(item->result.end));
		return keep(trial, &err);
	}
	for (size_t i = 0; i < result->backfills.count; i++) {
		const struct sg_backfills_item *item = &result->backfills.items[i];

		if (item->result.end == SG_BACKFILL_END_COMPLETE || item->result.end == SG_BACKFILL_END_ALREADY)
			continue;
		if (item->result.err.class != SG_CLASS_NONE)
			sg_err_copy(&err, &item->result.err);
		else
			sg_err_set(&err, SG_CLASS_FAILED, "backfill %s: %s", item->step->id, sg_backfill_end_name(item->result.end));
		return keep(trial, &err);
	}
	return NULL;
}

static int run_before(struct trial *trial, const bool *needed, struct sg_err **failed_r, struct sg_err *err)
{
	const struct sg_deploy_options options = { .migrations = true, .indexes = true, .backfills = true };
	static const struct sg_observer nobody;
	const struct sg_manifest *manifest = trial_manifest(trial, needed, NULL, trial->rest);
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_deploy_result result;
	struct sg_run run;
	int status;
	bool stopped;

	*failed_r = NULL;
	if (manifest->step_count == 0)
		return 0;
	if (sg_run_open(&run, manifest, &nobody, trial->arena, err) != 0)
		return -1;
	status = sg_deploy(&run, &options, &result, &errs);
	sg_run_close(&run);
	stopped = sg_stop_count() > 0;
	if (stopped)
		(void)sg_stop_err(err);
	else if (errs.count > 0)
		*failed_r = keep(trial, &errs.list[0]);
	else if (status == 0)
		*failed_r = find_failure(trial, &result);
	sg_errs_release(&errs);
	return stopped ? -1 : 0;
}

int trial_rest(struct trial *trial, const struct trial_subject *subject, const char **name_r, struct sg_err **failed_r,
               struct sg_err *err)
{
	const bool *needed = find_needed(trial, subject->step);
	bool fits = trial->rest != NULL;

	for (size_t i = 0; i < trial->whole.step_count; i++)
		fits = fits && (!trial->rested[i] || needed[i]);
	if (!fits && trial_copy(trial, NULL, false, &trial->rest, err) != 0)
		return -1;
	trial->rested = sg_arena_array(trial->arena, trial->whole.step_count, sizeof *trial->rested);
	for (size_t i = 0; i < trial->whole.step_count; i++)
		trial->rested[i] = needed[i];
	*name_r = trial->rest;
	return run_before(trial, needed, failed_r, err);
}
