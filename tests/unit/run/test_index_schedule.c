/* Which index is built next: in order, one a table, as many as there are jobs and memory. */
#include "config.h"

#include "core/run/index_schedule.h"

#include "tests/kit/test.h"

#define R SG_SLOT_READY
#define W SG_SLOT_WAITING
#define A SG_SLOT_AT_WORK
#define S SG_SLOT_SETTLED
#define NEXT(jobs, ...) \
    sg_schedule_next((const struct sg_schedule_item[]){__VA_ARGS__}, \
                     sizeof((const struct sg_schedule_item[]){__VA_ARGS__}) / sizeof(struct sg_schedule_item), jobs)
#define WIDTH(jobs, ...) \
    sg_schedule_width((const struct sg_schedule_item[]){__VA_ARGS__}, \
                      sizeof((const struct sg_schedule_item[]){__VA_ARGS__}) / sizeof(struct sg_schedule_item), jobs)

SG_TEST(in_order)
{
    T_EQ_INT(NEXT(1, {R, "a"}, {R, "b"}), 0);
    T_EQ_INT(NEXT(1, {S, "a"}, {R, "b"}), 1);
    T_EQ_INT(NEXT(1, {W, "a"}, {R, "b"}, {R, "c"}), 1);
    T_EQ_INT(NEXT(4, {W, "a"}, {S, "b"}), 2); /* none */
    T_EQ_INT(sg_schedule_next(NULL, 0, 4), 0);
}

SG_TEST(no_more_than_jobs)
{
    T_EQ_INT(NEXT(1, {A, "a"}, {R, "b"}), 2);
    T_EQ_INT(NEXT(2, {A, "a"}, {R, "b"}), 1);
    T_EQ_INT(NEXT(2, {A, "a"}, {A, "b"}, {R, "c"}), 3);
    T_EQ_INT(NEXT(3, {R, "c"}, {A, "a"}, {A, "b"}), 0);
}

/* The one behind it goes first, however it was ranked. */
SG_TEST(never_two_on_one_table)
{
    T_EQ_INT(NEXT(4, {A, "a"}, {R, "a"}), 2);
    T_EQ_INT(NEXT(4, {A, "a"}, {R, "a"}, {R, "b"}), 2);
    T_EQ_INT(NEXT(4, {R, "a"}, {R, "b"}, {A, "a"}), 1);
    /* waiting ones hold nothing */
    T_EQ_INT(NEXT(4, {W, "a"}, {R, "a"}), 1);
    T_EQ_INT(NEXT(4, {S, "a"}, {R, "a"}), 1);
}

SG_TEST(as_wide_as_there_are_tables)
{
    T_EQ_INT(WIDTH(4, {R, "a"}, {R, "a"}, {R, "a"}), 1);
    T_EQ_INT(WIDTH(4, {R, "a"}, {W, "b"}, {R, "a"}), 2);
    T_EQ_INT(WIDTH(4, {S, "a"}, {S, "b"}), 0);
    T_EQ_INT(WIDTH(2, {R, "a"}, {R, "b"}, {R, "c"}), 2);
    T_EQ_INT(WIDTH(4, {S, "a"}, {R, "a"}), 1);
}

SG_TEST(as_many_as_memory_holds)
{
    T_EQ_INT(sg_schedule_jobs(4, 2048, 64 * 1024), 4);
    T_EQ_INT(sg_schedule_jobs(4, 2048, 1024 * 1024), 2);
    T_EQ_INT(sg_schedule_jobs(4, 2048, 2048 * 1024), 1);
    T_EQ_INT(sg_schedule_jobs(4, 2048, (int64_t)64 << 20), 1); /* one is always built */
    T_EQ_INT(sg_schedule_jobs(4, 0, (int64_t)64 << 20), 4);
    T_EQ_INT(sg_schedule_jobs(4, 2048, 0), 4);
    T_EQ_INT(sg_schedule_jobs(1, 2048, 64 * 1024), 1);
}

static const struct sg_test tests[] = {SG_CASE(in_order),
                                       SG_CASE(no_more_than_jobs),
                                       SG_CASE(never_two_on_one_table),
                                       SG_CASE(as_wide_as_there_are_tables),
                                       SG_CASE(as_many_as_memory_holds),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"index_schedule", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
