/* deploy.c - migrations until one waits, the backfills that are ready, and again
 * while one has opened a gate.
 *
 * The lease is held while migrations run and never while a backfill does: others
 * may migrate meanwhile, and each round looks at the ledger anew. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/run/run.h"

#define EXIT_WAITS 3

static void count_outcomes(struct sg_migrate_result *result)
{
	result->skipped = result->applied = result->reconciled = result->superseded = result->waiting = result->failed =
		result->not_reached = 0;
	for (size_t i = 0; i < result->count; i++) {
		switch (result->items[i].outcome) {
		case SG_OUTCOME_SKIPPED: result->skipped++; break;
		case SG_OUTCOME_APPLIED: result->applied++; break;
		case SG_OUTCOME_ADOPTED:
		case SG_OUTCOME_RECONCILED: result->reconciled++; break;
		case SG_OUTCOME_SUPERSEDED: result->superseded++; break;
		case SG_OUTCOME_WAITING: result->waiting++; break;
		case SG_OUTCOME_FAILED: result->failed++; break;
		case SG_OUTCOME_NOT_REACHED: result->not_reached++; break;
		}
	}
}

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
	count_outcomes(sum);
}

/* false: nothing may follow. */
static bool went_well(const struct sg_migrate_result *migrate)
{
	return sg_stop_count() == 0 && migrate->failed == 0 && (migrate->exit == 0 || migrate->exit == EXIT_WAITS);
}

/* The migration that waits: it goes first once it can, however much is left to fill. */
static const struct sg_step *waiting(const struct sg_migrate_result *migrate)
{
	for (size_t i = 0; i < migrate->count; i++)
		if (migrate->items[i].outcome == SG_OUTCOME_WAITING)
			return migrate->items[i].step;
	return NULL;
}

/* How a gate's backfill stands now that this run was at it; NULL: as was said before. */
static const char *stands(const struct sg_backfill_result *result, struct sg_arena *arena)
{
	struct sg_backfill_row row = { .begun = true, .state = SG_BACKFILL_PENDING, .rows_done = result->rows_done,
		                       .rows_estimate = result->rows_estimate, .left = result->left, .seconds_left = -1,
		                       .bad_rows = result->bad_rows };

	switch (result->end) {
	case SG_BACKFILL_END_ALREADY:
	case SG_BACKFILL_END_COMPLETE:
	case SG_BACKFILL_END_WAITING:
	case SG_BACKFILL_END_NOT_REACHED: return NULL;
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

/* What the last round said of a gate was before its backfill was worked on. */
static void retell(struct sg_run *run, struct sg_deploy_result *result)
{
	for (size_t i = 0; i < result->migrate.count; i++) {
		struct sg_migrate_item *item = &result->migrate.items[i];

		if (item->outcome != SG_OUTCOME_WAITING || item->waits_for == NULL || !sg_text_prefix(item->waits_for, "backfill:"))
			continue;
		for (size_t k = 0; k < result->backfills.count; k++) {
			const struct sg_backfills_item *fill = &result->backfills.items[k];
			const char *why = strcmp(fill->step->id, item->waits_for + strlen("backfill:")) == 0
			                          ? stands(&fill->result, run->arena)
			                          : NULL;

			if (why != NULL)
				item->waits_why = why;
		}
	}
}

int sg_deploy(struct sg_run *run, const struct sg_deploy_options *options, struct sg_deploy_result *result_r,
              struct sg_errs *errs)
{
	struct sg_backfills_options backfills = { .jobs = options->jobs, .deadline_ms = options->deadline_ms };
	size_t complete = 0;

	memset(result_r, 0, sizeof *result_r);
	/* Each round but the first follows on a backfill that this run was at and that is complete. */
	for (;;) {
		struct sg_backfills_result round;
		const struct sg_step *waits;
		int status;

		result_r->rounds++;
		if (options->migrations) {
			struct sg_migrate_result migrate;

			status = sg_migrate(run, &options->migrate, &migrate, errs);
			merge(&result_r->migrate, &migrate);
			if (status != 0)
				return -1;
			if (!went_well(&result_r->migrate))
				return 0;
		}
		if (!options->backfills)
			return 0;
		waits = waiting(&result_r->migrate);
		backfills.waiting = &waits;
		backfills.waiting_count = waits != NULL;
		status = sg_backfills_run(run, &backfills, result_r->rounds > 1 ? &result_r->backfills : NULL, &round, errs);
		result_r->backfills = round;
		retell(run, result_r);
		if (status != 0)
			return -1;
		if (sg_stop_count() > 0 || (!round.opened && (waits == NULL || round.complete <= complete)))
			return 0;
		complete = round.complete;
	}
}
