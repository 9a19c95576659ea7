/*
 * SIGINT and SIGTERM. The first: no further statement is sent, all is rolled back, the lease is given back. The second: what runs is
 * cancelled at once. Exit status 130 or 143, whatever the statement itself had to say; and the next run goes on.
 */
#include "config.h"

#include "tests/db/faults.h"

#include <signal.h>
#include <string.h>

#define LONG_RUNGS "lock_rungs_ms = 20000\n"

/* A run whose first migration waits for the table people. */
static struct sg_run *start_waiting(struct place *place, struct sg_sql **holder_r)
{
    struct sg_run *run;

    place_reset(place);
    *holder_r = sg_sql_hold(sg_server_conninfo(place->server, place->db, NULL), "LOCK TABLE people IN ACCESS SHARE MODE");
    run = place_start(place, NULL);
    sg_sql_await_queued(place->sql, "people", 10000);
    return run;
}

static void expect_stopped(struct place *place, struct sg_run_result result, int sig, const char *recorded)
{
    T_EQ_INT(result.exit, 128 + sig);
    T_CONTAINS(result.err, sig == SIGINT ? "stopped by SIGINT" : "stopped by SIGTERM");
    T_EQ_STR(sg_sql_rows(place->sql, "SELECT id FROM sgrun.schema_migrations"), recorded);
    T_EQ_STR(sg_sql_rows(place->sql, "SELECT owner FROM sgrun.lease"), "");
}

static void open_measured(struct place *place, enum route route, const char *policy)
{
    place_open(place, route);
    place_manifest(place, policy, place_five());
    place_measure(place);
}

/* The statement gets its lock after the signal, and is done; then all is rolled back. */
static void once_and_done(enum route route, int sig)
{
    struct place place;
    struct sg_sql *holder;
    struct sg_run *run;

    open_measured(&place, route, LONG_RUNGS);
    run = start_waiting(&place, &holder);
    sg_run_signal(run, sig);
    sg_test_sleep_ms(300);
    sg_run_goes_on(run);
    sg_sql_close(holder);
    expect_stopped(&place, sg_run_wait(run, 20000), sig, "");
    place_settle(&place, "one signal", true, false);
}

SG_TEST(sigint_once_rolls_back)
{
    once_and_done(ROUTE_DIRECT, SIGINT);
}

SG_TEST(sigterm_once_rolls_back_behind_a_pooler)
{
    once_and_done(ROUTE_POOLED, SIGTERM);
}

/* The lock does not come: what ends the run is the signal, not the lock's time-out. */
SG_TEST(sigint_once_and_no_lock)
{
    struct place place;
    struct sg_sql *holder;
    struct sg_run *run;
    struct sg_run_result result;

    open_measured(&place, ROUTE_DIRECT, "lock_rungs_ms = 1500\n");
    run = start_waiting(&place, &holder);
    sg_run_signal(run, SIGINT);
    result = sg_run_wait(run, 20000);
    T_FALSE(result.timed_out);
    expect_stopped(&place, result, SIGINT, "");
    sg_sql_close(holder);
    place_settle(&place, "one signal", true, false);
}

static void twice(enum route route, int first, int second)
{
    struct place place;
    struct sg_sql *holder;
    struct sg_run *run;
    struct sg_run_result result;
    int64_t start;

    open_measured(&place, route, LONG_RUNGS);
    run = start_waiting(&place, &holder);
    sg_run_signal(run, first);
    sg_test_sleep_ms(100);
    start = sg_test_now_ms();
    sg_run_signal(run, second);
    result = sg_run_wait(run, 10000);
    T_LT_INT(sg_test_now_ms() - start, 15000); /* the rung is of 20 s */
    expect_stopped(&place, result, first, "");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM pg_locks WHERE NOT granted"), 0);
    sg_sql_close(holder);
    place_settle(&place, "two signals", true, false);
}

SG_TEST(sigint_twice_cancels)
{
    twice(ROUTE_DIRECT, SIGINT, SIGINT);
}

SG_TEST(sigterm_twice_cancels_behind_a_pooler)
{
    twice(ROUTE_POOLED, SIGTERM, SIGTERM);
}

SG_TEST(sigint_then_sigterm)
{
    twice(ROUTE_DIRECT, SIGINT, SIGTERM);
}

/* In plugin code, before any statement of it. */
SG_TEST(while_the_plugin_works)
{
    struct place place;

    place_open(&place, ROUTE_DIRECT);
    place_manifest(&place, "plugin_seconds = 30\n", "[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE a (id int)\n"
                                                    "option.table = a\noption.sleep_ms = 800\n");
    place_measure(&place);
    for (int sig = SIGINT; sig != 0; sig = sig == SIGINT ? SIGTERM : 0) {
        struct sg_run *run;
        struct sg_run_result result;

        place_reset(&place);
        run = place_start(&place, NULL);
        sg_sql_await(place.sql, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sgrun:s01'"
                                " AND state = 'idle in transaction'",
                     "1", 10000);
        sg_test_sleep_ms(100);
        sg_run_signal(run, sig);
        result = sg_run_wait(run, 20000);
        expect_stopped(&place, result, sig, "");
        place_settle(&place, "a signal while the plugin works", true, false);
    }
}

/* While it waits for another runner's lease, and while it waits to try again. */
SG_TEST(while_it_sleeps)
{
    struct place place;
    struct sg_run *run;
    struct sg_run_result result;
    const char *five;
    int64_t start;

    open_measured(&place, ROUTE_DIRECT, "");
    place_reset(&place);
    five = place.manifest;
    place_manifest(&place, "", "[migration s04]\nplugin = s04\noption.table = there\n");
    T_MUST_EQ_INT(place_run(&place, NULL).exit, 0);
    place.manifest = five;
    sg_sql_exec(place.sql, "UPDATE sgrun.lease SET owner = 'someone', since = now(), expires_at = now() + interval '1 h'");
    run = place_start(&place, NULL);
    sg_run_await(run, "waiting for another runner: someone", 10000);
    start = sg_test_now_ms();
    sg_run_signal(run, SIGTERM);
    result = sg_run_wait(run, 20000);
    T_EQ_INT(result.exit, 143);
    T_LT_INT(sg_test_now_ms() - start, 15000); /* the lease is another's for an hour */
    sg_sql_exec(place.sql, "UPDATE sgrun.lease SET owner = NULL");
    sg_proxy_refuse(place.proxy, true);
    run = place_start(&place, "--set=policy.retry_cap_ms=20000");
    sg_run_await(run, "trying again in", 10000);
    start = sg_test_now_ms();
    sg_run_signal(run, SIGINT);
    result = sg_run_wait(run, 20000);
    T_EQ_INT(result.exit, 130);
    T_LT_INT(sg_test_now_ms() - start, 5000);
    sg_proxy_refuse(place.proxy, false);
    place_settle(&place, "a signal while it sleeps", true, false);
}

/* Nothing answers any more: at each statement two signals are enough to get out. */
SG_TEST(out_of_a_hole)
{
    struct place place;

    open_measured(&place, ROUTE_DIRECT, "");
    for (int i = 0; i < (sg_test_full() ? place.statements : 4); i++) {
        int nth = sg_test_full() ? i + 1 : 1 + (int)sg_test_rand((uint64_t)place.statements);
        struct sg_run *run;
        struct sg_run_result result;
        int64_t start;

        if (i < 2)
            nth = i + 1;
        place_reset(&place);
        sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_HOLE, .nth = nth});
        run = place_start(&place, NULL);
        T_MUST(sg_proxy_await_hits(place.proxy, 1, 10000));
        start = sg_test_now_ms();
        sg_run_signal(run, SIGINT);
        sg_test_sleep_ms(60);
        sg_run_signal(run, SIGINT);
        result = sg_run_wait(run, 20000);
        /* all was done already if it was the last statement, which gives the lease back */
        sg_test_check(SG_HERE_, false, result.exit == 130 || (result.exit == 0 && nth == place.statements),
                      "a hole at statement %d: ended with %d, signal %d: %s", nth, result.exit, result.signal, result.err);
        T_LT_INT(sg_test_now_ms() - start, 15000); /* nothing ever comes out of it */
        sg_proxy_cut(place.proxy);
        place_settle(&place, sg_test_strf("two signals in a hole at statement %d", nth), true, true);
    }
}

static const struct sg_test tests[] = {SG_CASE(sigint_once_rolls_back),
                                       SG_CASE(sigterm_once_rolls_back_behind_a_pooler),
                                       SG_CASE(sigint_once_and_no_lock),
                                       SG_CASE(sigint_twice_cancels),
                                       SG_CASE(sigterm_twice_cancels_behind_a_pooler),
                                       SG_CASE(sigint_then_sigterm),
                                       SG_CASE(while_the_plugin_works),
                                       SG_CASE(while_it_sleeps),
                                       SG_CASE_SECONDS(out_of_a_hole, 600),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"signals", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
