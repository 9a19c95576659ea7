/*
 * Several at the same moment: an application and a batch that wait for each other, processes that all begin at once, and a person
 * who wants to get out while the network says nothing.
 */
#include "config.h"

#include "tests/db/fills.h"
#include "tests/kit/proxy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The application waits for a row of the batch, and then the batch for one of the application's: the server would end who waited
 * first, the application. The batch gives way. */
SG_TEST(a_deadlock_is_the_batches)
{
    struct sg_server *server = sg_server_start("deadlock_timeout = 4s\n");
    struct project *project = project_new(server, NULL);
    struct sg_sql *application;
    struct sg_run *run;

    sg_sql_exec(project->sql, "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                              " INSERT INTO items SELECT i FROM generate_series(1, 1000) i; ANALYZE items");
    application = sg_sql_hold(project->conninfo, "SELECT 1 FROM items WHERE id = 500 FOR UPDATE");
    fill_write(project, "b01", "batch_size = 1000\nlock_ms = 20000\n"
                               "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                               "  AND CASE WHEN id = 250 THEN pg_sleep(1) IS NOT NULL ELSE true END\n" FILL_LEFT);
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1", 20000);
    sg_sql_send(application, "UPDATE items SET n = n WHERE id = 10");
    T_EQ_STR(sg_sql_finish(application, 20000), "");
    sg_sql_exec(application, "COMMIT");
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 1000);
}

/* Nothing answers any more, at whatever statement of lane or supervisor: two signals are enough to get out, and no row is done
 * twice. */
SG_TEST(out_of_a_hole)
{
    for (int i = 0; i < (sg_test_full() ? 24 : 3); i++) {
        struct project *project = fill_new(400);
        struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(project->server), sg_server_port(project->server));
        enum sg_fault fault = sg_test_rand(2) == 0 ? SG_FAULT_HOLE : SG_FAULT_HOLE_REPLY;
        bool at_commit = i % 3 == 0;
        int nth = 1 + (int)sg_test_rand(at_commit ? 8 : 40);
        struct sg_run *run;
        struct sg_run_result result;
        int64_t start;

        project->dsn = sg_proxy_url(proxy, project->db, NULL);
        fill_write(project, "b01", "batch_size = 20\n" FILL_ONE);
        sg_proxy_arm(proxy,
                     &(struct sg_proxy_rule){.fault = fault, .match = at_commit ? "COMMIT" : NULL, .whole = at_commit, .nth = nth});
        run = fill_start_all(project);
        T_MUST(sg_proxy_await_hits(proxy, 1, 20000));
        sg_test_sleep_ms(50);
        start = sg_test_now_ms();
        sg_run_signal(run, SIGTERM);
        sg_test_sleep_ms(100);
        sg_run_signal(run, SIGTERM);
        result = sg_run_wait(run, 30000);
        sg_test_check(SG_HERE_, false, result.exit == 143 && sg_test_now_ms() - start < 15000,
                      "a hole at %s %d: ended with %d (signal %d%s) after %lld ms:\n%s%s", at_commit ? "COMMIT" : "statement", nth,
                      result.exit, result.signal, result.timed_out ? ", did not end" : "", (long long)(sg_test_now_ms() - start),
                      result.out, result.err);
        printf("a hole at %s %d: out after %lld ms\n", at_commit ? "COMMIT" : "statement", nth,
               (long long)(sg_test_now_ms() - start));
        sg_proxy_disarm(proxy);
        sg_proxy_cut(proxy);
        (void)project_must(project, 0, "backfill", "--strict");
        fill_complete(project, "b01", 400);
    }
    T_EQ_STR(sg_run_orphans(), "");
}

/* From nothing, state tables and all, several processes at the same moment: one sweep, each row once, nobody fails. */
static void all_at_once(const char *id, const char *lines)
{
    for (int i = 0; i < (sg_test_full() ? 20 : 3); i++) {
        struct project *project = fill_new(200);
        struct sg_run *runs[3];

        fill_write(project, id, lines);
        for (int k = 0; k < 3; k++)
            runs[k] = fill_start(project, "--jobs", "2", "--strict");
        for (int k = 0; k < 3; k++)
            (void)fill_ends(runs[k], 0);
        fill_complete(project, id, 200);
    }
}

SG_TEST(all_at_once_in_ranges)
{
    all_at_once("b01", "batch_size = 20\n" FILL_ONE);
    all_at_once("b01", "batch_size = 1000\n" FILL_ONE);
}

SG_TEST(all_at_once_repeatable)
{
    all_at_once("b02",
                "batch_size = 20\noption.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2 AND n < 1\n" FILL_LEFT);
}

SG_TEST(all_at_once_drained)
{
    all_at_once("d01", "batch_size = 20\n" FILL_DRAIN);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(a_deadlock_is_the_batches, 600),
                                       SG_CASE_SECONDS(out_of_a_hole, 600),
                                       SG_CASE_SECONDS(all_at_once_in_ranges, 600),
                                       SG_CASE_SECONDS(all_at_once_repeatable, 600),
                                       SG_CASE_SECONDS(all_at_once_drained, 600),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"backfill_at_once", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
