/* What the log gets of a backfill that runs, where there is no terminal: when, and what. */
#include "config.h"
#include "core/cli/report_fill.h"

#include <string.h>

#include "core/backfill/backfill.h"
#include "core/base/log.h"
#include "tests/kit/test.h"

static struct sg_buf logged = SG_BUF_INIT;
static struct sg_report report;
static struct sg_step step = { .kind = SG_STEP_BACKFILL, .id = "b" };
static const struct sg_manifest manifest = { .path = "m.ini", .steps = &step, .step_count = 1 };

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
    sg_report_open(&report, &plain, &manifest, SG_REPORT_BACKFILLS, false);
    sg_test_defer(end, NULL);
    sg_log_divert(sink);
    sg_report_fill_started(&report, &step, 1, 3);
    T_EQ_STR(logged.data, "sgrun: b: backfill 1 of 3\n");
    sg_buf_clear(&logged);
}

/* What is logged at that moment. */
static const char *at(int64_t elapsed_ms, const char *throttle)
{
    struct sg_backfill_progress p = { .rows_done = elapsed_ms, .rows_estimate = -1, .seconds_left = -1, .pass = 1,
                                      .throttle = throttle, .elapsed_ms = elapsed_ms };

    sg_buf_clear(&logged);
    sg_report_fill_progress(&report, &step, &p);
    return logged.data;
}

SG_TEST(when_a_line_is_due)
{
    static const int64_t due[] = { 1000, 2000, 5000, 10000, 20000, 30000, 60000, 120000, 180000 };
    int64_t now = 0;

    for (size_t i = 0; i < SG_COUNT(due); i++, now = due[i - 1] + 7)
        T_EQ_INT(sg_report_fill_next(now), due[i]);
    T_EQ_INT(sg_report_fill_next(7000), 10000); /* one that was missed is not made up for */
    T_EQ_INT(sg_report_fill_next(600000), 660000);
}

/* Five times a second it is told; that many lines nobody wants. */
SG_TEST(lines_come_when_they_are_due)
{
    int lines = 0;

    start();
    for (int64_t ms = 0; ms <= 125000; ms += 200)
        lines += *at(ms, NULL) != '\0';
    T_EQ_INT(lines, 8); /* 1, 2, 5, 10, 20, 30, 60, 120 */
    T_EQ_STR(at(180000, NULL), "sgrun: b: 180,000 rows\n");
}

SG_TEST(what_holds_it_is_said_at_once_and_not_again_and_again)
{
    start();
    T_EQ_STR(at(200, NULL), "");
    T_EQ_STR(at(400, "replication lag: a is 70 MB behind"), "sgrun: b: 400 rows; held: replication lag: a is 70 MB behind\n");
    T_EQ_STR(at(600, "replication lag: a is 71 MB behind"), "");
    T_EQ_STR(at(800, "WAL backlog: 600 MB"), ""); /* another, but it was only just said */
    (void)at(5900, NULL);
    T_EQ_STR(at(6000, "WAL backlog: 600 MB"), "sgrun: b: 6,000 rows; held: WAL backlog: 600 MB\n");
    T_EQ_STR(at(6200, "WAL backlog: 700 MB"), "");
    T_CONTAINS(at(66100, "WAL backlog: 700 MB"), "held: WAL backlog: 700 MB\n");
    /* the next backfill begins anew */
    sg_report_fill_started(&report, &step, 2, 3);
    T_CONTAINS(at(200, "WAL backlog: 700 MB"), "held: WAL backlog");
}

SG_TEST(one_that_waits_is_said_once)
{
    struct sg_backfill_result result = { .end = SG_BACKFILL_END_WAITING, .note = "migration:\033a", .left = -1 };

    start();
    sg_report_fill_ended(&report, &step, &result);
    T_EQ_STR(logged.data, "sgrun: b: waiting: migration:\\x1ba\n");
    sg_buf_clear(&logged);
    sg_report_fill_ended(&report, &step, &result);
    T_EQ_STR(logged.data, "");
    result.end = SG_BACKFILL_END_LEFT;
    result.note = NULL;
    result.duration_ms = 1500;
    result.rows = result.changed = 10;
    sg_err_set(&result.err, SG_CLASS_CONNECTION, "the server is away");
    sg_report_fill_ended(&report, &step, &result);
    T_CONTAINS(logged.data, "sgrun: b: left after 1.5 s: 10 rows\n");
    T_CONTAINS(logged.data, "warning: ");
    T_CONTAINS(logged.data, "the server is away");
    sg_err_release(&result.err);
}

static const struct sg_test tests[] = { SG_CASE(when_a_line_is_due), SG_CASE(lines_come_when_they_are_due),
                                        SG_CASE(what_holds_it_is_said_at_once_and_not_again_and_again),
                                        SG_CASE(one_that_waits_is_said_once), SG_CASES_END };
static const struct sg_suite suites[] = { { "report fill", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
