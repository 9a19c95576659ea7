/* What the log gets of indexes that are built, where there is no terminal: when, and what; several at once, and waits. */
#include "config.h"
#include "core/cli/report_index.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/index/build.h"
#include "tests/kit/test.h"

static struct sg_buf logged = SG_BUF_INIT;
static struct sg_report report;
static struct sg_step steps[] = { { .kind = SG_STEP_INDEX, .id = "a" }, { .kind = SG_STEP_INDEX, .id = "b" } };
static const struct sg_manifest manifest = { .path = "m.ini", .steps = steps, .step_count = SG_COUNT(steps) };

static void sink(const char *line, size_t length)
{
    sg_buf_add(&logged, line, length);
}

static void end(void *unused)
{
    (void)unused;
    sg_log_divert(NULL);
    sg_report_close(&report);
    sg_buf_release(&logged);
}

static void start(void)
{
    static const struct sg_look plain;

    sg_log_setup(SG_LOG_INFO, SG_LOG_HUMAN);
    sg_report_open(&report, &plain, &manifest, SG_REPORT_INDEXES, false);
    sg_test_defer(end, NULL);
    sg_log_divert(sink);
    sg_report_index_started(&report, &steps[0], 1, 2);
    T_EQ_STR(logged.data, "sgrun: a: index 1 of 2\n");
    sg_buf_clear(&logged);
}

/* What is logged of one at that moment, which waits for somebody or does not. The texts are gone right after, as the contract says. */
static const char *at(const struct sg_step *step, int64_t elapsed_ms, const char *waits_for, int64_t waits_ms)
{
    char phase[32] = "initializing", who[32] = "";
    struct sg_index_progress p = { .phase = phase, .fraction = -1, .seconds_left = -1, .elapsed_ms = elapsed_ms, .waits_ms = waits_ms };

    if (waits_for != NULL) {
        memcpy(who, waits_for, strlen(waits_for) + 1);
        p.waits_for = who;
    }
    sg_buf_clear(&logged);
    sg_report_index_progress(&report, step, &p);
    memset(phase, 'x', sizeof phase - 1);
    memset(who, 'x', sizeof who - 1);
    return logged.data;
}

SG_TEST(lines_come_when_they_are_due)
{
    int lines = 0;

    start();
    for (int64_t ms = 0; ms <= 125000; ms += 500)
        lines += *at(&steps[0], ms, NULL, 0) != '\0';
    T_EQ_INT(lines, 8); /* 1, 2, 5, 10, 20, 30, 60, 120 */
    T_EQ_STR(at(&steps[0], 180000, NULL, 0), "sgrun: a: initializing\n");
    /* each by its own clock */
    sg_report_index_started(&report, &steps[1], 2, 2);
    T_EQ_STR(at(&steps[1], 500, NULL, 0), "");
    T_EQ_STR(at(&steps[1], 1100, NULL, 0), "sgrun: b: initializing\n");
    T_EQ_STR(at(&steps[0], 181000, NULL, 0), "");
}

SG_TEST(a_wait_is_said_when_it_lasts_and_when_it_is_over)
{
    start();
    (void)at(&steps[0], 30100, NULL, 0);
    T_EQ_STR(at(&steps[0], 35000, "pid 7 (x)", 4900), "");
    T_EQ_STR(at(&steps[0], 35500, "pid 7 (x)", 5400), "sgrun: a: initializing, waiting for pid 7 (x), 5 s so far\n");
    T_EQ_STR(at(&steps[0], 36000, "pid 7 (x)", 5900), "");
    T_EQ_STR(at(&steps[0], 37000, NULL, 0), "sgrun: a: the wait is over; initializing\n");
    T_EQ_STR(at(&steps[0], 37500, NULL, 0), "");
    /* a short one is not worth a word */
    T_EQ_STR(at(&steps[0], 38000, "pid 8 (y)", 500), "");
    T_EQ_STR(at(&steps[0], 38500, NULL, 0), "");
}

SG_TEST(how_it_ends)
{
    struct sg_index_result result = { .end = SG_INDEX_END_BUILT, .duration_ms = 2300, .bytes = 14680064, .attempts = 2 };

    start();
    sg_report_index_ended(&report, &steps[0], &result);
    T_EQ_STR(logged.data, "sgrun: a: built after 2.3 s: 14 MB; 2 attempts\n");
    sg_buf_clear(&logged);
    /* of one that is valid already, and of one that was not reached, the summary tells */
    result = (struct sg_index_result){ .end = SG_INDEX_END_ALREADY, .bytes = 8192 };
    sg_report_index_ended(&report, &steps[1], &result);
    result.end = SG_INDEX_END_NOT_REACHED;
    sg_report_index_ended(&report, &steps[1], &result);
    T_EQ_STR(logged.data, "");
    /* one that waits is said once, in however many rounds */
    result = (struct sg_index_result){ .end = SG_INDEX_END_WAITING, .bytes = -1, .note = "backfill:\033x" };
    sg_report_index_ended(&report, &steps[1], &result);
    T_EQ_STR(logged.data, "sgrun: b: waiting: backfill:\\x1bx\n");
    sg_buf_clear(&logged);
    sg_report_index_ended(&report, &steps[1], &result);
    T_EQ_STR(logged.data, "");
    /* an error is told in full, once */
    result = (struct sg_index_result){ .end = SG_INDEX_END_FAILED, .bytes = -1, .duration_ms = 800 };
    sg_err_set(&result.err, SG_CLASS_SQL, "could not create unique index");
    sg_err_detail(&result.err, "(n)=(1): 2 rows");
    sg_report_index_ended(&report, &steps[1], &result);
    T_CONTAINS(logged.data, "error: could not create unique index");
    T_CONTAINS(logged.data, "(n)=(1): 2 rows");
    T_LACKS(logged.data, "failed after");
    sg_buf_clear(&logged);
    result.end = SG_INDEX_END_DRIFTED;
    sg_report_index_ended(&report, &steps[1], &result);
    T_CONTAINS(logged.data, "sgrun: b: drifted after 800 ms\n");
    T_CONTAINS(logged.data, "warning: could not create");
    sg_err_release(&result.err);
}

/* The time in which something was built counts once, however many were at work. */
SG_TEST(time_is_counted_once)
{
    struct sg_index_result result = { .end = SG_INDEX_END_BUILT, .bytes = -1 };
    int64_t before = sg_test_now_ms(), both;

    start();
    sg_report_index_started(&report, &steps[1], 2, 2);
    sg_test_sleep_ms(60);
    sg_report_index_ended(&report, &steps[0], &result);
    sg_report_index_ended(&report, &steps[1], &result);
    both = sg_report_indexing_ms(&report);
    T_GE_INT(both, 60);
    T_LE_INT(both, sg_test_now_ms() - before);
    sg_test_sleep_ms(30);
    T_EQ_INT(sg_report_indexing_ms(&report), both);
    sg_report_index_started(&report, &steps[0], 1, 1);
    sg_test_sleep_ms(30);
    T_GE_INT(sg_report_indexing_ms(&report), both + 30);
}

/* A deploy opens most gates by itself: of many that wait for now the number is said, of few each. stdout goes to a file meanwhile. */
SG_TEST(many_that_wait_are_one_line)
{
    static struct sg_step many[8];
    struct sg_index_result result = { .end = SG_INDEX_END_WAITING, .bytes = -1, .note = "migration:m" };
    static const struct sg_look plain, verbose = { .verbose = true };
    const struct { const struct sg_look *look; size_t count; const char *says; } cases[] = {
        { &plain, 2, "  waits       i0  migration:m\n  waits       i1  migration:m\n" },
        { &plain, 8, "  waits       8 indexes until what they come after is done\n" },
        { &verbose, 4, "  waits       i0  migration:m\n  waits       i1  migration:m\n  waits       i2  migration:m\n"
                       "  waits       i3  migration:m\n" },
    };

    for (size_t i = 0; i < SG_COUNT(many); i++)
        many[i] = (struct sg_step){ .kind = SG_STEP_INDEX, .id = sg_test_strf("i%zu", i) };
    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        struct sg_manifest all = { .path = "m.ini", .steps = many, .step_count = SG_COUNT(many) };
        char said[2000] = "";
        FILE *file = tmpfile();
        int saved;

        T_MUST_NOT_NULL(file);
        fflush(stdout);
        saved = dup(STDOUT_FILENO);
        dup2(fileno(file), STDOUT_FILENO);
        sg_report_open(&report, cases[i].look, &all, SG_REPORT_INDEXES, true);
        for (size_t k = 0; k < cases[i].count; k++)
            sg_report_index_ended(&report, &many[k], &result);
        sg_report_close(&report);
        fflush(stdout);
        dup2(saved, STDOUT_FILENO);
        close(saved);
        rewind(file);
        said[fread(said, 1, sizeof said - 1, file)] = '\0';
        fclose(file);
        T_EQ_STR(said, cases[i].says);
    }
}

static const struct sg_test tests[] = { SG_CASE(lines_come_when_they_are_due), SG_CASE(a_wait_is_said_when_it_lasts_and_when_it_is_over),
                                        SG_CASE(how_it_ends), SG_CASE(time_is_counted_once), SG_CASE(many_that_wait_are_one_line), SG_CASES_END };
static const struct sg_suite suites[] = { { "report index", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
