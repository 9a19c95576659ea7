/*
 * The size of batches: the search for bad keys, and the way to the target, against a server that is made of a formula.
 */
#include "config.h"

#include "core/backfill/size.h"
#include "tests/kit/test.h"

static struct sg_backfill_settings settings(int batch_size, int max_batch)
{
    return (struct sg_backfill_settings){.batch_size = batch_size, .target_batch_ms = 200, .max_batch = max_batch};
}

/* Works through 1 … KEYS, of which those in BAD fail, as batch.c does; notes what was found. Returns the number of batches. */
static int sweep(struct sg_size *size, int64_t keys, const int64_t *bad, size_t bad_count, bool time_out, int64_t *found, size_t *found_count)
{
    int64_t pos = 0;
    int steps = 0;
    *found_count = 0;
    while (pos < keys && steps < 100000) {
        int64_t rows = sg_size_next(size);
        T_MUST(rows >= 1);
        if (rows > keys - pos) {
            rows = keys - pos;
        }
        bool fails = false;
        for (size_t i = 0; i < bad_count; i++) {
            fails = fails || (bad[i] > pos && bad[i] <= pos + rows);
        }
        steps++;
        if (!fails) {
            sg_size_done(size, rows, 0.02 * (double)rows);
            pos += rows;
        } else if (rows == 1) {
            found[(*found_count)++] = pos + 1;
            pos++;
            sg_size_clear(size);
        } else if (time_out) {
            sg_size_timed_out(size, rows);
        } else {
            sg_size_suspect(size, rows);
        }
    }
    T_EQ_INT(pos, keys);
    return steps;
}

SG_TEST(finds_a_bad_key_among_ten_thousand)
{
    const int64_t places[] = {1, 2, 4999, 5000, 5001, 9999, 10000, 7777};
    struct sg_backfill_settings s = settings(10000, 50000);
    for (size_t i = 0; i < SG_COUNT(places); i++) {
        struct sg_size size;
        int64_t found[4];
        size_t count;
        sg_size_init(&size, &s, 0);
        /* 2 * log2(10000) = 26.6; the last keys after the culprit are one batch more. */
        T_LE_INT(sweep(&size, 10000, &places[i], 1, false, found, &count), 27);
        T_EQ_INT(count, 1);
        T_EQ_INT(found[0], places[i]);
        T_EQ_INT(sg_size_next(&size), 10000);
    }
}

SG_TEST(finds_several_bad_keys)
{
    const int64_t bad[] = {17, 18, 2500, 9000, 9999};
    struct sg_backfill_settings fixed = settings(5000, 50000), automatic = settings(0, 50000);
    for (int i = 0; i < 4; i++) {
        struct sg_size size;
        int64_t found[8];
        size_t count;
        sg_size_init(&size, i & 1 ? &fixed : &automatic, i & 1 ? 0 : 4000);
        sweep(&size, 10000, bad, SG_COUNT(bad), i & 2, found, &count);
        T_MUST_EQ_INT(count, SG_COUNT(bad));
        for (size_t n = 0; n < count; n++) {
            T_EQ_INT(found[n], bad[n]);
        }
    }
}

SG_TEST(equal_keys_do_not_make_the_search_endless)
{
    /* Whatever is asked for, 101 rows come: key A once and key B a hundred times. */
    struct sg_backfill_settings s = settings(1000, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 0);
    sg_size_suspect(&size, 101);
    int steps = 0;
    for (; sg_size_next(&size) > 1 && steps < 100; steps++) {
        sg_size_suspect(&size, 101);
    }
    T_LE_INT(steps, 7);
    sg_size_suspect(&size, 1);
    T_EQ_INT(sg_size_next(&size), 1);
}

/* Milliseconds of ROWS rows on a server with a cost a batch and a cost a row. */
static double cost(int64_t rows, double per_row)
{
    return 1.5 + per_row * (double)rows;
}

SG_TEST(reaches_the_target_from_cold)
{
    const double per_row[] = {0.005, 0.01, 0.02, 0.1, 0.3, 1, 5};
    struct sg_backfill_settings s = settings(0, 50000);
    for (size_t i = 0; i < SG_COUNT(per_row); i++) {
        struct sg_size size;
        sg_size_init(&size, &s, 0);
        T_EQ_INT(sg_size_next(&size), 500);
        int batches = 0;
        double ms = 0;
        for (; batches < 40; batches++) {
            int64_t rows = sg_size_next(&size);
            ms = cost(rows, per_row[i]);
            if (ms > 160 && ms < 240) {
                break;
            }
            sg_size_done(&size, rows, ms);
        }
        /* 5 ms a row: down from 500 rows, a fifth a step. */
        T_LE_INT(batches, per_row[i] > 0.5 ? 12 : 8);
        T_TRUE(ms > 160 && ms < 240);
    }
}

/* A server that is far away: each batch costs FIXED ms, which is known, each row 0.02, and both vary by a tenth. The size that is
 * aimed for in the end, over some batches. */
static int64_t settled(double fixed, int64_t start)
{
    struct sg_backfill_settings s = settings(0, 1000000);
    struct sg_size size;
    int64_t sum = 0;
    sg_size_init(&size, &s, start);
    for (int i = 0; i < 400; i++) {
        int64_t rows = sg_size_next(&size);
        double noise = 0.9 + 0.002 * (double)sg_test_rand(101);
        size.fixed_ms = fixed * noise;
        sg_size_done(&size, rows, (fixed + 0.02 * (double)rows) * noise);
        sum += i >= 300 ? sg_size_next(&size) : 0;
    }
    return sum / 100;
}

/* The rows get what it leaves of the target, but half of it at least: never one by one. */
SG_TEST(what_every_batch_costs_does_not_make_it_small)
{
    static const struct {
        double fixed;
        int64_t least, most;
    } cases[] = {{0, 8000, 12000}, {30, 7000, 10500}, {90, 4000, 7500}, {150, 3500, 7500}, {213, 3000, 8000}, {400, 2000, 10000}};
    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        for (int64_t start = 1; start <= 20000; start *= 20) {
            int64_t size = settled(cases[i].fixed, start);
            T_GE_INT(size, cases[i].least);
            T_LE_INT(size, cases[i].most);
        }
    }
}

SG_TEST(moves_by_a_fifth_at_most)
{
    struct sg_backfill_settings s = settings(0, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 4000);
    for (int i = 0; i < 2000; i++) {
        int64_t rows = sg_size_next(&size);
        /* A server that is now idle, now very busy. */
        sg_size_done(&size, rows, cost(rows, 0.001 * (double)(1 + sg_test_rand(200))));
        int64_t next = sg_size_next(&size);
        T_TRUE(next <= rows + (rows > 5 ? rows / 5 : 1));
        T_TRUE(next >= rows - rows / 5 - 1);
        T_TRUE(next >= 1 && next <= 50000);
    }
}

SG_TEST(is_steady_at_the_target)
{
    struct sg_backfill_settings s = settings(0, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 4000);
    for (int i = 0; i < 50; i++) {
        sg_size_done(&size, sg_size_next(&size), cost(sg_size_next(&size), 0.05));
    }
    int64_t there = sg_size_next(&size);
    for (int i = 0; i < 50; i++) {
        sg_size_done(&size, there, cost(there, 0.05) * (i % 2 ? 1.05 : 0.95));
        T_EQ_INT(sg_size_next(&size), there);
    }
}

SG_TEST(grows_fast_only_until_a_quarter_of_the_target)
{
    struct sg_backfill_settings s = settings(0, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 0);
    sg_size_done(&size, 500, 5);
    T_EQ_INT(sg_size_next(&size), 4000);
    sg_size_done(&size, 4000, 50);
    T_EQ_INT(sg_size_next(&size), 4800);
    sg_size_done(&size, 4800, 5);
    T_EQ_INT(sg_size_next(&size), 5760);
}

SG_TEST(a_range_that_ends_is_no_evidence)
{
    struct sg_backfill_settings s = settings(0, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 10000);
    for (int i = 0; i < 20; i++) {
        sg_size_done(&size, 3, 2);
        T_EQ_INT(sg_size_next(&size), 10000);
    }
    sg_size_done(&size, 3, 150);
    T_EQ_INT(sg_size_next(&size), 10000);
    /* But three rows that take longer than the target are. */
    sg_size_done(&size, 3, 300);
    T_EQ_INT(sg_size_next(&size), 8000);
    /* No rows at all say nothing. */
    sg_size_done(&size, 0, 300);
    T_EQ_INT(sg_size_next(&size), 8000);
    /* Nor does a short one end the fast growth at the start, or begin it. */
    sg_size_init(&size, &s, 0);
    sg_size_done(&size, 7, 1);
    T_EQ_INT(sg_size_next(&size), 500);
    sg_size_done(&size, 500, 5);
    T_EQ_INT(sg_size_next(&size), 4000);
}

SG_TEST(halves_at_once_on_a_time_out)
{
    struct sg_backfill_settings s = settings(0, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 8000);
    sg_size_timed_out(&size, 8000);
    T_EQ_INT(sg_size_next(&size), 4000);
    sg_size_timed_out(&size, 4000);
    T_EQ_INT(sg_size_next(&size), 2000);
    /* The server was slow: all that was suspect is done, and it goes on with half. */
    while (size.suspect > 0) {
        sg_size_done(&size, sg_size_next(&size), 100);
    }
    T_EQ_INT(sg_size_next(&size), 4000);
    sg_size_timed_out(&size, 4000);
    sg_size_clear(&size);
    T_EQ_INT(sg_size_next(&size), 2000);
    /* A single locked key: half, not what the search came down to. */
    sg_size_init(&size, &s, 8000);
    for (int64_t rows = 8000; rows >= 1; rows /= 2) {
        sg_size_timed_out(&size, rows);
    }
    T_EQ_INT(sg_size_next(&size), 1);
    sg_size_clear(&size);
    T_EQ_INT(sg_size_next(&size), 4000);
    /* Not known how many rows: what was asked. */
    sg_size_timed_out(&size, 0);
    T_EQ_INT(sg_size_next(&size), 2000);
    sg_size_init(&size, &s, 8000);
    sg_size_shrink(&size);
    T_EQ_INT(sg_size_next(&size), 4000);
    for (int i = 0; i < 20; i++) {
        sg_size_timed_out(&size, 1);
        sg_size_shrink(&size);
    }
    T_EQ_INT(sg_size_next(&size), 1);
    sg_size_clear(&size);
    sg_size_clear(&size);
    T_GE_INT(sg_size_next(&size), 1);
    /* And it grows again from one row. */
    for (int i = 0; i < 60; i++) {
        sg_size_done(&size, sg_size_next(&size), cost(sg_size_next(&size), 0.01));
    }
    T_GT_INT(sg_size_next(&size), 10000);
}

SG_TEST(a_fixed_size_returns_to_its_number)
{
    struct sg_backfill_settings s = settings(200, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 7);
    T_EQ_INT(sg_size_next(&size), 200);
    sg_size_timed_out(&size, 200);
    T_EQ_INT(sg_size_next(&size), 100);
    sg_size_done(&size, 100, 5000);
    sg_size_suspect(&size, 50);
    T_EQ_INT(sg_size_next(&size), 25);
    sg_size_clear(&size);
    T_EQ_INT(sg_size_next(&size), 200);
    sg_size_shrink(&size);
    T_EQ_INT(sg_size_next(&size), 200);
    /* Trouble that goes by itself. */
    sg_size_timed_out(&size, 200);
    sg_size_done(&size, 100, 10);
    sg_size_done(&size, 50, 10);
    sg_size_done(&size, 50, 10);
    T_EQ_INT(sg_size_next(&size), 200);
}

SG_TEST(stays_within_its_bounds)
{
    struct sg_backfill_settings s = settings(0, 1000);
    struct sg_size size;
    sg_size_init(&size, &s, 70000);
    T_EQ_INT(sg_size_next(&size), 1000);
    sg_size_done(&size, 1000, 0);
    T_EQ_INT(sg_size_next(&size), 1000);
    s = settings(0, 3);
    sg_size_init(&size, &s, 0);
    T_EQ_INT(sg_size_next(&size), 3);
    for (int i = 0; i < 10; i++) {
        sg_size_done(&size, sg_size_next(&size), 1e6);
    }
    T_EQ_INT(sg_size_next(&size), 1);
    /* A number is used as it is. */
    s = settings(5000, 1000);
    sg_size_init(&size, &s, 0);
    T_EQ_INT(sg_size_next(&size), 5000);
}

SG_TEST(after_a_culprit_the_next_key_is_alone)
{
    struct sg_backfill_settings s = settings(0, 50000);
    struct sg_size size;
    sg_size_init(&size, &s, 8000);
    sg_size_timed_out(&size, 8000);
    sg_size_timed_out(&size, 1);
    sg_size_passed(&size);
    /* That one is locked as well, and the one after it. */
    for (int i = 0; i < 5; i++) {
        T_EQ_INT(sg_size_next(&size), 1);
        sg_size_timed_out(&size, 1);
        T_EQ_INT(sg_size_next(&size), 1);
        sg_size_passed(&size);
    }
    sg_size_done(&size, 1, 3);
    T_EQ_INT(sg_size_next(&size), 1);
    sg_size_done(&size, 1, 3);
    T_EQ_INT(sg_size_next(&size), 4000);
}

static const struct sg_test tests[] = {
    SG_CASE(after_a_culprit_the_next_key_is_alone),
    SG_CASE(finds_a_bad_key_among_ten_thousand),
    SG_CASE(finds_several_bad_keys),
    SG_CASE(equal_keys_do_not_make_the_search_endless),
    SG_CASE(reaches_the_target_from_cold),
    SG_CASE(what_every_batch_costs_does_not_make_it_small),
                                       SG_CASE(moves_by_a_fifth_at_most),
    SG_CASE(is_steady_at_the_target),
    SG_CASE(grows_fast_only_until_a_quarter_of_the_target),
    SG_CASE(a_range_that_ends_is_no_evidence),
    SG_CASE(halves_at_once_on_a_time_out),
    SG_CASE(a_fixed_size_returns_to_its_number),
    SG_CASE(stays_within_its_bounds),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"size", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
