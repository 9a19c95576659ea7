/* What a row of pg_stat_progress_create_index says: phases, their numbers, how far, how long still. */
#include "config.h"

#include "core/index/progress.h"

#include <string.h>

#include "tests/kit/test.h"

static struct sg_index_definition definition;
static struct sg_index_meter meter;
static struct sg_index_progress progress;

static void begin(const char *rest)
{
    definition.rest = rest;
    sg_index_meter_init(&meter, NULL, &definition);
}

static void take(int64_t now_ms, const char *phase, int64_t blocks_done, int64_t blocks_total, int64_t tuples_done, int64_t tuples_total)
{
    struct sg_index_reading reading = {phase, blocks_done, blocks_total, tuples_done, tuples_total};

    sg_index_meter_take(&meter, &reading, now_ms, &progress);
}

SG_TEST(nothing_known_is_nothing_said)
{
    begin("USING btree (a)");
    take(1000, NULL, 5, 10, 5, 10);
    T_NULL(progress.phase);
    T_EQ_INT(progress.phase_number, 0);
    T_EQ_INT(progress.phases, 0);
    T_EQ_INT(progress.total, 0);
    T_TRUE(progress.fraction < 0);
    T_EQ_INT(progress.seconds_left, -1);
    T_NULL(progress.waits_for);
}

SG_TEST(a_btrees_phases_are_numbered)
{
    static const char *const names[] = {"building index: scanning table",        "building index: sorting live tuples",
                                        "building index: loading tuples in tree", "index validation: scanning index",
                                        "index validation: sorting tuples",       "index validation: scanning table"};

    begin("USING btree (a)");
    for (int i = 0; i < 6; i++) {
        take(1000 * i, names[i], 0, 0, 0, 0);
        T_EQ_STR(progress.phase, names[i]);
        T_EQ_INT(progress.phase_number, i + 1);
        T_EQ_INT(progress.phases, 6);
    }
    take(9000, "building index: sorting dead tuples", 0, 0, 0, 0);
    T_EQ_INT(progress.phase_number, 2);
    take(9000, "waiting for old snapshots", 3, 4, 5, 6);
    T_EQ_STR(progress.phase, "waiting for old snapshots");
    T_EQ_INT(progress.phase_number, 0);
    T_EQ_INT(progress.total, 0);
    take(9000, "a phase of a later version", 3, 4, 5, 6);
    T_EQ_STR(progress.phase, "a phase of a later version");
    T_EQ_INT(progress.phase_number, 0);
}

SG_TEST(other_methods_have_fewer)
{
    begin("USING gin (a)");
    take(0, "building index", 25, 100, 0, 0);
    T_EQ_INT(progress.phase_number, 1);
    T_EQ_INT(progress.phases, 4);
    T_TRUE(progress.blocks);
    T_EQ_INT(progress.done, 25);
    take(0, "building index", 0, 0, 3, 9);
    T_FALSE(progress.blocks);
    T_EQ_INT(progress.total, 9);
    take(0, "index validation: scanning table", 1, 2, 0, 0);
    T_EQ_INT(progress.phase_number, 4);
    begin("USING btree_like (a)");
    take(0, "index validation: scanning index", 1, 2, 0, 0);
    T_EQ_INT(progress.phases, 4);
}

/* Counters of an earlier phase stay in the view: each phase has its own. */
SG_TEST(each_phase_counts_what_is_its_own)
{
    begin("USING btree (a)");
    take(0, "building index: scanning table", 40, 80, 7, 9);
    T_TRUE(progress.blocks);
    T_EQ_INT(progress.done, 40);
    T_EQ_INT(progress.total, 80);
    T_TRUE(progress.fraction > 0.49 && progress.fraction < 0.51);
    take(0, "building index: sorting live tuples", 80, 80, 7, 9);
    T_EQ_INT(progress.total, 0);
    T_TRUE(progress.fraction < 0);
    take(0, "building index: loading tuples in tree", 80, 80, 3, 9);
    T_FALSE(progress.blocks);
    T_EQ_INT(progress.done, 3);
    T_EQ_INT(progress.total, 9);
}

SG_TEST(time_left_is_by_the_phases_own_speed)
{
    begin("USING btree (a)");
    take(10000, "building index: scanning table", 100, 1000, 0, 0);
    T_EQ_INT(progress.seconds_left, -1);
    take(10500, "building index: scanning table", 150, 1000, 0, 0);
    T_EQ_INT(progress.seconds_left, -1);
    take(12000, "building index: scanning table", 200, 1000, 0, 0); /* 100 in 2 s, 800 left */
    T_EQ_INT(progress.seconds_left, 16);
    take(12500, "building index: scanning table", 1000, 1000, 0, 0);
    T_EQ_INT(progress.seconds_left, 0);
    T_TRUE(progress.fraction == 1);
    take(13000, "building index: loading tuples in tree", 1000, 1000, 10, 20);
    T_EQ_INT(progress.seconds_left, -1);
    take(15000, "building index: loading tuples in tree", 1000, 1000, 10, 20);
    T_EQ_INT(progress.seconds_left, -1);
    take(17000, "building index: loading tuples in tree", 1000, 1000, 15, 20);
    T_EQ_INT(progress.seconds_left, 4);
}

/* The same phase once more, of a next partition, or counted anew. */
SG_TEST(a_count_that_goes_back_begins_anew)
{
    begin("USING btree (a)");
    take(0, "index validation: scanning table", 500, 1000, 0, 0);
    take(5000, "index validation: scanning table", 0, 1000, 0, 0);
    T_EQ_INT(progress.seconds_left, -1);
    take(7000, "index validation: scanning table", 500, 1000, 0, 0);
    T_EQ_INT(progress.seconds_left, 2);
}

/* More than was expected when it began. */
SG_TEST(never_more_than_the_whole)
{
    begin("USING btree (a)");
    take(0, "building index: scanning table", 12, 10, 0, 0);
    T_TRUE(progress.fraction == 1);
    T_EQ_INT(progress.seconds_left, 0);
}

static const struct sg_test tests[] = {
    SG_CASE(nothing_known_is_nothing_said),
    SG_CASE(a_btrees_phases_are_numbered),
    SG_CASE(other_methods_have_fewer),
    SG_CASE(each_phase_counts_what_is_its_own),
    SG_CASE(time_left_is_by_the_phases_own_speed),
    SG_CASE(a_count_that_goes_back_begins_anew),
    SG_CASE(never_more_than_the_whole),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"progress", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
