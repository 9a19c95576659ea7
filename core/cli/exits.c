/* exits.c - exit statuses from results, as exits.h says. */
#include "config.h"
#include "core/cli/exits.h"

int sg_exit_of_errs(const struct sg_errs *errs)
{
	int exit = 0;

	for (size_t i = 0; i < errs->count; i++)
		exit = sg_exit_worse(exit, sg_class_exit(errs->list[i].class));
	return exit;
}

int sg_exit_of_migrate(const struct sg_migrate_result *result, const struct sg_errs *errs, bool strict)
{
	/* the phase's own 3 is judged anew below, step by step */
	int exit = result->exit == SG_EXIT_LEFT ? 0 : result->exit;

	exit = sg_exit_worse(exit, sg_exit_of_errs(errs));
	for (size_t i = 0; i < result->count; i++) {
		const struct sg_migrate_item *item = &result->items[i];

		if (item->outcome == SG_OUTCOME_FAILED)
			exit = sg_exit_worse(exit, sg_class_exit(item->err.class));
		if (item->outcome == SG_OUTCOME_WAITING && (strict || !item->step->policy.waiting_allow))
			exit = sg_exit_worse(exit, SG_EXIT_LEFT);
	}
	return exit;
}

int sg_exit_of_indexes(const struct sg_indexes_result *result, const struct sg_errs *errs, bool strict)
{
	int exit = sg_exit_worse(result->exit, sg_exit_of_errs(errs));

	for (size_t i = 0; strict && i < result->count; i++)
		switch (result->items[i].result.end) {
		case SG_INDEX_END_ALREADY:
		case SG_INDEX_END_BUILT: break;
		case SG_INDEX_END_REFUSED: exit = sg_exit_worse(exit, sg_class_exit(SG_CLASS_REFUSED)); break;
		case SG_INDEX_END_DRIFTED:
		case SG_INDEX_END_WAITING:
		case SG_INDEX_END_LEFT:
		case SG_INDEX_END_FAILED:
		case SG_INDEX_END_STOPPED:
		case SG_INDEX_END_NOT_REACHED: exit = sg_exit_worse(exit, SG_EXIT_LEFT); break;
		}
	return exit;
}

int sg_exit_of_backfills(const struct sg_backfills_result *result, const struct sg_errs *errs, bool strict)
{
	int exit = sg_exit_worse(result->exit, sg_exit_of_errs(errs));

	for (size_t i = 0; strict && i < result->count; i++)
		switch (result->items[i].result.end) {
		case SG_BACKFILL_END_ALREADY:
		case SG_BACKFILL_END_COMPLETE: break;
		case SG_BACKFILL_END_REFUSED: exit = sg_exit_worse(exit, sg_class_exit(SG_CLASS_REFUSED)); break;
		case SG_BACKFILL_END_RESIDUAL:
		case SG_BACKFILL_END_LEFT:
		case SG_BACKFILL_END_PAUSED:
		case SG_BACKFILL_END_CLOSED:
		case SG_BACKFILL_END_WAITING:
		case SG_BACKFILL_END_FAILED:
		case SG_BACKFILL_END_STOPPED:
		case SG_BACKFILL_END_NOT_REACHED: exit = sg_exit_worse(exit, SG_EXIT_LEFT); break;
		}
	return exit;
}

int sg_exit_of_plan(const struct sg_plan *plan)
{
	int exit = 0;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].action == SG_ACTION_REFUSED && plan->items[i].step->kind == SG_STEP_MIGRATION)
			exit = sg_exit_worse(exit, sg_class_exit(plan->items[i].err.class));
	return exit;
}

int sg_exit_of_status(struct sg_status_summary summary, bool exit_code)
{
	return exit_code && summary.pending + summary.waiting + summary.failed > 0 ? SG_EXIT_LEFT : 0;
}
