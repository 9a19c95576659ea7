/* Exit statuses, and which of several causes wins. */
#include "core/cli/exits.h"

#include "tests/kit/test.h"

static const struct sg_errs no_errs = SG_ERRS_INIT;

SG_TEST(of_several_causes_the_gravest_wins)
{
	static const int order[] = { 70, 2, 6, 7, 8, 1, 5, 4, 3, 9, 0 };

	for (size_t i = 0; i < SG_COUNT(order); i++)
		for (size_t j = i; j < SG_COUNT(order); j++) {
			T_EQ_INT(sg_exit_worse(order[i], order[j]), order[i]);
			T_EQ_INT(sg_exit_worse(order[j], order[i]), order[i]);
		}
	for (size_t i = 0; i < SG_COUNT(order); i++) {
		T_EQ_INT(sg_exit_worse(130, order[i]), 130);
		T_EQ_INT(sg_exit_worse(order[i], 143), 143);
	}
}

SG_TEST(of_errors)
{
	struct sg_err list[3] = { { .class = SG_CLASS_LEASE }, { .class = SG_CLASS_REFUSED }, { .class = SG_CLASS_SQL } };
	struct sg_errs errs = { list, 3, 3 };

	T_EQ_INT(sg_exit_of_errs(&no_errs), 0);
	T_EQ_INT(sg_exit_of_errs(&errs), 6);
	errs.count = 1;
	T_EQ_INT(sg_exit_of_errs(&errs), 4);
}

SG_TEST(of_migrations)
{
	struct sg_step step = { .id = "a" };
	struct sg_migrate_item items[2] = { { .step = &step, .outcome = SG_OUTCOME_APPLIED },
		                            { .step = &step, .outcome = SG_OUTCOME_APPLIED } };
	struct sg_migrate_result result = { .items = items, .count = 2 };

	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 0);
	items[1].outcome = SG_OUTCOME_FAILED;
	items[1].err.class = SG_CLASS_POLICY;
	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 7);
	items[1].err.class = SG_CLASS_CRASH;
	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 1);
	items[1].err.class = SG_CLASS_LOCKED;
	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 4);
	items[1].err.class = SG_CLASS_TERMINATED;
	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 143);
}

SG_TEST(what_waits)
{
	struct sg_step step = { .id = "a" };
	struct sg_migrate_item item = { .step = &step, .outcome = SG_OUTCOME_WAITING };
	struct sg_migrate_result result = { .items = &item, .count = 1, .exit = 3 };

	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 3);
	step.policy.waiting_allow = true;
	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, false), 0);
	T_EQ_INT(sg_exit_of_migrate(&result, &no_errs, true), 3);
}

SG_TEST(indexes_change_it_only_with_strict)
{
	static const struct { enum sg_index_end end; int strict; } cases[] = {
		{ SG_INDEX_END_ALREADY, 0 }, { SG_INDEX_END_BUILT, 0 },   { SG_INDEX_END_DRIFTED, 3 },
		{ SG_INDEX_END_WAITING, 3 }, { SG_INDEX_END_LEFT, 3 },    { SG_INDEX_END_FAILED, 3 },
		{ SG_INDEX_END_REFUSED, 6 }, { SG_INDEX_END_STOPPED, 3 }, { SG_INDEX_END_NOT_REACHED, 3 },
	};
	struct sg_step step = { .id = "a", .critical = true };
	struct sg_indexes_item items[2] = { { .step = &step, .result = { .end = SG_INDEX_END_BUILT } }, { .step = &step } };
	struct sg_indexes_result result = { .items = items, .count = 2 };
	struct sg_err err = { .class = SG_CLASS_STATE };
	struct sg_errs errs = { &err, 1, 1 };

	for (size_t i = 0; i < SG_COUNT(cases); i++) {
		items[1].result.end = cases[i].end;
		items[1].result.err.class = cases[i].strict == 0 ? SG_CLASS_NONE : SG_CLASS_SQL;
		result.exit = 0;
		T_EQ_INT(sg_exit_of_indexes(&result, &no_errs, false), 0);
		T_EQ_INT(sg_exit_of_indexes(&result, &no_errs, true), cases[i].strict);
		T_EQ_INT(sg_exit_of_indexes(&result, &errs, false), 2);
		result.exit = 130;
		T_EQ_INT(sg_exit_of_indexes(&result, &no_errs, false), 130);
		T_EQ_INT(sg_exit_of_indexes(&result, &errs, true), 130);
	}
	T_EQ_INT(sg_exit_of_indexes(&(struct sg_indexes_result){ 0 }, &no_errs, true), 0);
}

SG_TEST(backfills_change_it_only_with_strict)
{
	static const struct { enum sg_backfill_end end; int strict; } cases[] = {
		{ SG_BACKFILL_END_ALREADY, 0 }, { SG_BACKFILL_END_COMPLETE, 0 },  { SG_BACKFILL_END_RESIDUAL, 3 },
		{ SG_BACKFILL_END_LEFT, 3 },    { SG_BACKFILL_END_PAUSED, 3 },    { SG_BACKFILL_END_CLOSED, 3 },
		{ SG_BACKFILL_END_WAITING, 3 }, { SG_BACKFILL_END_FAILED, 3 },    { SG_BACKFILL_END_REFUSED, 6 },
		{ SG_BACKFILL_END_STOPPED, 3 }, { SG_BACKFILL_END_NOT_REACHED, 3 },
	};
	struct sg_step step = { .id = "a" };
	struct sg_backfills_item items[2] = { { .step = &step, .result = { .end = SG_BACKFILL_END_COMPLETE } },
		                              { .step = &step } };
	struct sg_backfills_result result = { .items = items, .count = 2 };
	struct sg_err err = { .class = SG_CLASS_CONNECTION };
	struct sg_errs errs = { &err, 1, 1 };

	for (size_t i = 0; i < SG_COUNT(cases); i++) {
		items[1].result.end = cases[i].end;
		items[1].result.err.class = cases[i].strict == 0 ? SG_CLASS_NONE : SG_CLASS_POLICY;
		result.exit = 0;
		T_EQ_INT(sg_exit_of_backfills(&result, &no_errs, false), 0);
		T_EQ_INT(sg_exit_of_backfills(&result, &no_errs, true), cases[i].strict);
		T_EQ_INT(sg_exit_of_backfills(&result, &errs, false), 5);
		result.exit = 143;
		T_EQ_INT(sg_exit_of_backfills(&result, &no_errs, false), 143);
		T_EQ_INT(sg_exit_of_backfills(&result, &errs, true), 143);
	}
	T_EQ_INT(sg_exit_of_backfills(&(struct sg_backfills_result){ 0 }, &no_errs, true), 0);
}

SG_TEST(of_a_plan)
{
	static const struct sg_step migration = { .kind = SG_STEP_MIGRATION }, backfill = { .kind = SG_STEP_BACKFILL };
	struct sg_plan_item items[3] = { { .step = &migration, .action = SG_ACTION_RUN },
		                         { .step = &migration, .action = SG_ACTION_WAIT },
		                         { .step = &backfill, .action = SG_ACTION_REFUSED, .err.class = SG_CLASS_REFUSED } };
	struct sg_plan plan = { .items = items, .count = 3 };

	T_EQ_INT(sg_exit_of_plan(&plan), 0);
	items[1].action = SG_ACTION_REFUSED;
	items[1].err.class = SG_CLASS_REFUSED;
	T_EQ_INT(sg_exit_of_plan(&plan), 6);
}

SG_TEST(of_a_status)
{
	T_EQ_INT(sg_exit_of_status((struct sg_status_summary){ 1, 1, 1 }, false), 0);
	T_EQ_INT(sg_exit_of_status((struct sg_status_summary){ 1, 0, 0 }, true), 3);
	T_EQ_INT(sg_exit_of_status((struct sg_status_summary){ 0, 0, 1 }, true), 3);
	T_EQ_INT(sg_exit_of_status((struct sg_status_summary){ 0, 0, 0 }, true), 0);
}

static const struct sg_test tests[] = { SG_CASE(of_several_causes_the_gravest_wins), SG_CASE(of_errors),
	                                SG_CASE(of_migrations), SG_CASE(what_waits),
	                                SG_CASE(indexes_change_it_only_with_strict), SG_CASE(backfills_change_it_only_with_strict),
	                                SG_CASE(of_a_plan),
	                                SG_CASE(of_a_status), SG_CASES_END };
static const struct sg_suite suites[] = { { "exits", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
