/* deploy.c - migrations until one waits, the indexes that are ready, the backfills that are ready, and again
 * while one of them has opened a gate.
 *
 * The lease is held while migrations run and never while an index is built or a backfill runs: others
 * may migrate meanwhile, and each phase looks at the ledger anew. What is ready is judged by
 * what the phases have found (deploy_ready.h), so that a round costs no more than what it does. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/run/deploy_ready.h"
#include "core/run/index_phase.h"

#define EXIT_WAITS 3

/* A later round sees as skipped what an earlier one did; the result says what this
 * run did. Its exit status is that of the later one: a gate that was closed
 * then is no matter now. */
static void merge(struct sg_migrate_result *sum, const struct sg_migrate_result *round)
{
	sum->exit = round->exit;
	for (size_t i = 0; i < round->count; i++) {
		bool done = i < sum->count && (sum->items[i].outcome == SG_OUTCOME_APPLIED ||
		                               sum->items[i].outcome == SG_OUTCOME_RECONCILED ||
		                               sum->items[i].outcome == SG_OUTCOME_ADOPTED ||
		                               sum->items[i].outcome == SG_OUTCOME_SUPERSEDED);

		if (done && round->items[i].outcome == SG_OUTCOME_SKIPPED)
			round->items[i] = sum->items[i];
	}
	if (round->count > 0) {
		sum->items = round->items;
		sum->count = round->count;
	}
	sg_migrate_count(sum);
}

/* false: nothing may follow. */
static bool went_well(const struct sg_migrate_result *migrate)
{
	return sg_stop_count() == 0 && migrate->failed == 0 && (migrate->exit == 0 || migrate->exit == EXIT_WAITS);
}

/* ---- the phases -------------------------------------------------------------------- */

struct deploying {
	struct sg_run *run;
	const struct sg_deploy_options *options;
	struct sg_deploy_result *result;
	struct sg_errs *errs;
	size_t recorded; /* by the migrate phase of this round */
	size_t reopened; /* that the backfill phase knows of */
	bool opened;     /* the last backfill phase ended early, for a gate that another runner has opened */
	bool left;       /* a phase could not go on: no further round */
};

static size_t count_recorded(const struct sg_migrate_result *migrate)
{
	return migrate->applied + migrate->reconciled;
}

/* false: nothing may follow. */
static bool run_migrations(struct deploying *d, int *status_r)
{
	struct sg_migrate_result round;
	size_t before = count_recorded(&d->result->migrate);

	*status_r = sg_migrate(d->run, &d->options->migrate, &round, d->errs);
	merge(&d->result->migrate, &round);
	d->recorded = count_recorded(&d->result->migrate) - before;
	return *status_r == 0 && went_well(&d->result->migrate);
}

/* A phase was given up for what concerns no single step. Every migration that could be run has been, and neither an index nor a
 * backfill fails a deployment: it is told with the first step that it kept from being done, which takes the error. */
static bool spare(struct deploying *d, size_t errs_before, struct sg_err *to)
{
	struct sg_err *err = d->errs->count > errs_before ? &d->errs->list[d->errs->count - 1] : NULL;

	if (!d->options->migrations || sg_stop_count() > 0 || err == NULL || err->class == SG_CLASS_BUG)
		return false;
	sg_log(SG_LOG_WARNING, "left", NULL, 0, "what is left of this deployment is left to the next run: %s", err->primary);
	if (to != NULL) {
		sg_err_defer(to, d->run->arena);
		sg_err_move(to, err);
	}
	sg_err_release(err);
	d->errs->count--;
	d->left = true;
	return true;
}

static struct sg_err *left_index(struct sg_indexes_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		if (result->items[i].result.end != SG_INDEX_END_NOT_REACHED)
			continue;
		result->items[i].result.end = SG_INDEX_END_LEFT;
		return &result->items[i].result.err;
	}
	return NULL;
}

static struct sg_err *left_backfill(struct sg_backfills_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		if (result->items[i].result.end != SG_BACKFILL_END_NOT_REACHED)
			continue;
		result->items[i].result.end = SG_BACKFILL_END_LEFT;
		return &result->items[i].result.err;
	}
	return NULL;
}

static int run_indexes(struct deploying *d)
{
	const struct sg_indexes_options options = { .jobs = d->options->jobs, .deadline_ms = d->options->deadline_ms };
	struct sg_indexes_result *all = &d->result->indexes, round;
	size_t errs = d->errs->count;

	if (sg_indexes_run(d->run, &options, all->count > 0 ? all : NULL, &round, d->errs) == 0) {
		*all = round;
		return 0;
	}
	*all = round;
	if (!spare(d, errs, left_index(all)))
		return -1;
	all->exit = 0;
	return 0;
}

static int run_backfills(struct deploying *d)
{
	const struct sg_indexes_result *indexes = &d->result->indexes;
	struct sg_backfills_result *all = &d->result->backfills, round;
	struct sg_backfills_options options = { .jobs = d->options->jobs, .deadline_ms = d->options->deadline_ms };
	size_t errs = d->errs->count;

	options.waiting = sg_deploy_first(d->result, d->options, d->run->arena, &options.waiting_count);
	options.reopened_count = indexes->reopened_count - d->reopened;
	options.reopened = options.reopened_count > 0 ? indexes->reopened + d->reopened : NULL;
	d->reopened = indexes->reopened_count;
	if (sg_backfills_run(d->run, &options, all->count > 0 ? all : NULL, &round, d->errs) == 0) {
		*all = round;
		d->opened = round.opened && !sg_deploy_migration_ready(d->result, d->options) &&
		            !sg_deploy_index_ready(d->result, d->options);
		return 0;
	}
	*all = round;
	if (!spare(d, errs, left_backfill(all)))
		return -1;
	all->exit = 0;
	return 0;
}

/* ---- rounds ---------------------------------------------------------------------------- */

static bool over(const struct deploying *d)
{
	return sg_stop_count() > 0 || (d->options->deadline_ms != 0 && sg_clock_ms() >= d->options->deadline_ms);
}

/* It grows with each round that has done anything. */
static size_t done(const struct sg_deploy_result *result)
{
	return count_recorded(&result->migrate) + result->indexes.built + result->indexes.already + result->indexes.reopened_count +
	       result->backfills.complete + result->backfills.already;
}

/* Could the next round do anything? A migration is not bounded by the run's time. */
static bool once_more(const struct deploying *d, size_t done_before)
{
	if (sg_stop_count() > 0 || d->left || done(d->result) <= done_before)
		return false;
	if (sg_deploy_migration_ready(d->result, d->options) || (d->opened && sg_deploy_waiting(d->result) != NULL))
		return true;
	return !over(d) && (d->opened || sg_deploy_index_ready(d->result, d->options) ||
	                    sg_deploy_backfill_ready(d->result, d->options));
}

/* Backfills that no round has tried, or that are pending again. */
static bool to_fill(const struct deploying *d)
{
	const struct sg_backfills_result *backfills = &d->result->backfills;

	for (size_t i = 0; i < backfills->count; i++)
		if (backfills->items[i].result.end == SG_BACKFILL_END_NOT_REACHED ||
		    backfills->items[i].result.end == SG_BACKFILL_END_WAITING)
			return true;
	return backfills->count == 0 || d->result->indexes.reopened_count > d->reopened;
}

/* One round; only what could have changed since the last one is looked at again. -1: errs; 1: nothing may follow. */
static int turn(struct deploying *d)
{
	const struct sg_deploy_options *options = d->options;
	bool first = d->result->rounds++ == 0;
	bool opened = d->opened;
	bool migrations = options->migrations && (first || (opened && sg_deploy_waiting(d->result) != NULL) ||
	                                          sg_deploy_migration_ready(d->result, options));
	int status;

	d->recorded = 0;
	d->opened = false;
	if (migrations && options->indexes)
		sg_index_glance(d->run);
	if (migrations && !run_migrations(d, &status))
		return status != 0 ? -1 : 1;
	if (options->indexes && (first || opened || d->recorded > 0 || sg_deploy_index_ready(d->result, options)) &&
	    run_indexes(d) != 0)
		return -1;
	if (sg_stop_count() > 0 || d->left)
		return 1;
	/* an index has opened a migration's gate: that goes before any backfill */
	if (!options->backfills || sg_deploy_migration_ready(d->result, options) || !to_fill(d))
		return 0;
	return run_backfills(d);
}

int sg_deploy(struct sg_run *run, const struct sg_deploy_options *options, struct sg_deploy_result *result_r,
              struct sg_errs *errs)
{
	struct deploying d = { .run = run, .options = options, .result = result_r, .errs = errs };
	size_t before;
	int status;

	memset(result_r, 0, sizeof *result_r);
	do {
		before = done(result_r);
		status = turn(&d);
	} while (status == 0 && once_more(&d, before));
	sg_deploy_retell(result_r, run->arena);
	return status < 0 ? -1 : 0;
}
