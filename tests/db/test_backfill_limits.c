/*
 * What ends or holds a backfill short of its end: time, a pause, a signal, a rule it breaks. Each time the position is kept, the
 * exit status is as documented, and the next run goes on where it was. And drain mode, lanes, and several sgrun processes at once.
 */
#include "config.h"

#include "tests/db/fills.h"
#include "tests/kit/proxy.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOW "batch_size = 20\noption.sleep_ms = 20\n"

/* What is counted is what is done, whoever stopped it. */
static void expect_position(struct project *project, const char *key, const char *state, int rows)
{
    long long done = fill_done(project, key);

    T_EQ_STR(fill_state(project, key), state);
    T_GT_INT(done, 0);
    T_LT_INT(done, rows);
    T_EQ_STR(fill_counts(project), sg_test_strf("0|%lld\n1|%lld", rows - done, done));
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                      " AND application_name LIKE 'sgrun%' AND state LIKE 'idle in%'"), 0);
}

static void finish(struct project *project, const char *key, int rows)
{
    fill_write(project, key, "batch_size = 500\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, key, rows);
}

SG_TEST(time_is_over)
{
    /* 8 s of sleep at the least; and in 3 s there is a batch, even where a lane takes long to start */
    struct project *project = fill_new(8000);

    fill_write(project, "b01", SLOW FILL_ONE);
    (void)project_must(project, 0, "backfill", "--set", "backfills.max_seconds=3");
    expect_position(project, "b01", "pending", 8000);
    (void)project_must(project, 3, "backfill", "--strict", "--set", "backfills.max_seconds=3");
    expect_position(project, "b01", "pending", 8000);
    finish(project, "b01", 8000);
}

SG_TEST(max_minutes)
{
    struct project *project = fill_new(200);

    fill_write(project, "b01", FILL_ONE);
    (void)project_must(project, 0, "backfill", "--max-minutes", "1", "--strict");
    fill_complete(project, "b01", 200);
    (void)project_must(project, 2, "backfill", "--max-minutes", "soon");
    (void)project_must(project, 2, "backfill", "--all", "--only", "b01");
    (void)project_must(project, 2, "backfill", "--only", "nowhere");
}

/* ---- pause ---- */

static const char *twice_the_same(struct project *project, const char *key)
{
    int64_t until = sg_test_now_ms() + 20000;
    long long last = -1, now;

    do {
        now = fill_done(project, key);
        if (now == last)
            return "still";
        last = now;
        sg_test_sleep_ms(500);
    } while (sg_test_now_ms() < until);
    return "it goes on";
}

SG_TEST(pause_and_resume)
{
    struct project *project = fill_new(8000);
    struct sg_run *run;
    struct sg_run_result said;
    long long done;

    fill_write(project, "b01", SLOW FILL_ONE);
    run = fill_start(project, "--jobs", "2");
    fill_await(project, run, "b01", 100);
    (void)project_must(project, 0, "backfill", "--pause", "b01");
    T_EQ_STR(twice_the_same(project, "b01"), "still");
    done = fill_done(project, "b01");
    T_LT_INT(done, 8000);
    T_EQ_STR(fill_state(project, "b01"), "paused");
    T_EQ_STR(sg_sql_value(project->sql, "SELECT paused_by IS NOT NULL AND paused_at IS NOT NULL FROM sgrun.backfills"), "t");
    said = project_must(project, 0, "status");
    T_CONTAINS(said.out, "paused");
    /* another run of it does nothing, and says why */
    said = project_must(project, 0, "backfill", "--set", "backfills.max_seconds=1");
    T_CONTAINS(fill_said(said), "paused");
    T_EQ_INT(fill_done(project, "b01"), done);
    (void)project_must(project, 0, "backfill", "--resume", "b01");
    T_NE_STR(fill_state(project, "b01"), "paused");
    if (!sg_run_ended(run))
        fill_await(project, run, "b01", done + 20);
    sg_run_signal(run, SIGTERM);
    (void)sg_run_wait(run, 20000);
    finish(project, "b01", 8000);
    /* what cannot be */
    (void)project_must(project, 2, "backfill", "--pause", "b01");
    (void)project_must(project, 2, "backfill", "--resume", "b01");
    (void)project_must(project, 2, "backfill", "--pause", "nowhere");
}

/* Paused before it was ever begun. */
SG_TEST(pause_before_the_start)
{
    struct project *project = fill_new(500);

    fill_write(project, "b01", FILL_ONE);
    (void)project_must(project, 0, "backfill", "--pause", "b01");
    (void)project_must(project, 0, "backfill", "--set", "backfills.max_seconds=1");
    T_EQ_STR(fill_counts(project), "0|500");
    (void)project_must(project, 0, "backfill", "--resume", "b01");
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 500);
}

/* ---- signals ---- */

static void stopped_by(int sig, const char *jobs)
{
    struct project *project = fill_new(6000);
    struct sg_run *run;

    fill_write(project, "b01", SLOW FILL_ONE);
    run = fill_start(project, "--jobs", jobs);
    fill_await(project, run, "b01", 100);
    sg_run_signal(run, sig);
    (void)fill_ends(run, 128 + sig);
    expect_position(project, "b01", "pending", 6000);
    T_EQ_STR(sg_run_orphans(), "");
    finish(project, "b01", 6000);
}

SG_TEST(sigterm)
{
    stopped_by(SIGTERM, "1");
}

SG_TEST(sigint_with_lanes)
{
    stopped_by(SIGINT, "3");
}

/* The first signal lets the batch go on to its end; the second does not. */
SG_TEST(sigterm_in_a_long_statement)
{
    struct project *project = fill_new(20);
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = 10\n"
                               "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                               "  AND CASE WHEN id % 10 = 1 THEN pg_sleep(2) IS NOT NULL ELSE true END\n" FILL_LEFT);
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1", 20000);
    sg_run_signal(run, SIGTERM);
    (void)fill_ends(run, 143);
    expect_position(project, "b01", "pending", 20);
    T_EQ_INT(fill_done(project, "b01"), 10);
    finish(project, "b01", 20);
}

SG_TEST(second_sigterm)
{
    struct project *project = fill_new(100);
    struct sg_run *run;
    struct sg_run_result result;

    fill_write(project, "b01", "batch_size = 10\nstatement_seconds = 100\n"
                               "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                               "  AND CASE WHEN id = 25 THEN pg_sleep(90) IS NOT NULL ELSE true END\n" FILL_LEFT);
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1", 20000);
    sg_run_signal(run, SIGTERM);
    sg_test_sleep_ms(500);
    sg_run_goes_on(run);
    sg_run_signal(run, SIGTERM);
    result = fill_ends(run, 143);
    T_LT_INT(result.ms, 50000);
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "0", 10000);
    /* in a hurry it may leave the state as it was: status says "stopped" then */
    if (strcmp(fill_state(project, "b01"), "running") != 0)
        T_EQ_STR(fill_state(project, "b01"), "pending");
    expect_position(project, "b01", fill_state(project, "b01"), 100);
    T_EQ_INT(fill_done(project, "b01"), 20);
    finish(project, "b01", 100);
}

/* While it waits for a locked table, or between passes, one signal is enough. */
SG_TEST(sigterm_while_it_waits)
{
    struct project *project = fill_new(100);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SELECT 1 FROM items WHERE id = 5 FOR UPDATE");
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = 50\npass_pause_seconds = 3000\nlock_ms = 50\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 99);
    sg_run_signal(run, SIGTERM);
    (void)fill_ends(run, 143);
    expect_position(project, "b01", "pending", 100);
    sg_sql_close(holder);
    holder = sg_sql_hold(project->conninfo, "LOCK TABLE items IN SHARE MODE");
    run = fill_start_all(project);
    sg_sql_await_queued(project->sql, "items", 20000);
    sg_run_signal(run, SIGTERM);
    (void)fill_ends(run, 143);
    expect_position(project, "b01", "pending", 100);
    sg_sql_close(holder);
    finish(project, "b01", 100);
}

/* ---- only what was declared ---- */

static void undeclared(const char *setup, const char *table, const char *batch)
{
    struct project *project = fill_new(300);
    struct sg_run_result run;

    sg_sql_exec(project->sql, setup);
    fill_write(project, "b01", sg_test_strf("batch_size = 100\n%s" FILL_LEFT, batch));
    run = project_must(project, 0, "backfill");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_CONTAINS(fill_said(run), sg_test_strf("also_writes = %s", table));
    T_EQ_STR(fill_counts(project), "0|300");
    T_EQ_INT(fill_done(project, "b01"), 0);
    (void)project_must(project, 3, "backfill", "--strict");
    fill_write(project, "b01", sg_test_strf("batch_size = 100\nalso_writes = %s\n%s" FILL_LEFT, table, batch));
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 300);
}

SG_TEST(undeclared_by_trigger)
{
    undeclared("CREATE TABLE audit (id bigint); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN INSERT INTO audit VALUES (new.id); RETURN new; END $$;"
               " CREATE TRIGGER note AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION note()",
               "audit", FILL_ADD);
}

SG_TEST(undeclared_by_deferred_trigger)
{
    undeclared("CREATE TABLE audit (id bigint); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN INSERT INTO audit VALUES (new.id); RETURN new; END $$;"
               " CREATE CONSTRAINT TRIGGER note AFTER UPDATE ON items DEFERRABLE INITIALLY DEFERRED"
               " FOR EACH ROW EXECUTE FUNCTION note()",
               "audit", FILL_ADD);
}

SG_TEST(undeclared_by_cascade)
{
    undeclared("ALTER TABLE items ADD COLUMN code int UNIQUE; UPDATE items SET code = id;"
               " CREATE TABLE notes (code int REFERENCES items (code) ON UPDATE CASCADE); INSERT INTO notes SELECT id FROM items",
               "notes", "option.batch = UPDATE items SET n = n + 1, code = -code WHERE id BETWEEN $1 AND $2\n");
}

SG_TEST(undeclared_by_a_second_statement)
{
    undeclared("CREATE TABLE notes (id bigint)", "notes",
               FILL_ADD "option.batch2 = INSERT INTO notes SELECT id FROM items WHERE id BETWEEN $1 AND $2\n");
}

/* It loses rows in silence. */
SG_TEST(skip_locked_in_a_range)
{
    struct project *project = fill_new(100);
    struct sg_run_result run;

    fill_write(project, "b01", "option.batch = UPDATE items SET n = n + 1 WHERE id IN\n"
                               "  (SELECT id FROM items WHERE id BETWEEN $1 AND $2 FOR UPDATE SKIP LOCKED)\n" FILL_LEFT);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(fill_said(run), "SKIP LOCKED");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_EQ_STR(fill_counts(project), "0|100");
}

/* DDL, transaction control, our own tables. */
SG_TEST(forbidden_statements)
{
    static const char *const statements[] = {
        "DROP TABLE items",           "COMMIT",           "TRUNCATE items",    "UPDATE sgrun.backfills SET state = 'complete'",
        "SET LOCAL lock_timeout = 0", "LOCK TABLE items", "SELECT 1; SELECT 2"};

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        struct project *project = fill_new(10);

        project_set(project, "STATEMENT", statements[i]);
        fill_write(project, "b01", "option.batch = ${STATEMENT}\n" FILL_LEFT);
        (void)project_must(project, 0, "backfill");
        T_EQ_STR(fill_state(project, "b01"), "failed");
        T_EQ_STR(fill_counts(project), "0|10");
    }
}

/* ---- drain mode ---- */

SG_TEST(drain)
{
    struct project *project = fill_new(5000);

    fill_write(project, "d01", "batch_size = 300\n" FILL_DRAIN);
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), "1|5000");
    T_EQ_STR(fill_state(project, "d01"), "complete");
    T_EQ_INT(fill_done(project, "d01"), 5000);
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), "1|5000");
}

/* Rows that are locked all the time are left, by a run that ends; then they are done. */
SG_TEST(drain_beside_lockers)
{
    struct project *project = fill_new(3000);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SELECT 1 FROM items WHERE id IN (1, 1500, 3000) FOR UPDATE");
    struct sg_run *one, *two;

    fill_write(project, "d01", "batch_size = 50\nmax_seconds = 3\nmax_passes = 3\noption.sleep_ms = 5\n" FILL_DRAIN);
    one = fill_start(project, "--jobs", "2");
    two = fill_start_all(project);
    (void)fill_ends(one, 0);
    (void)fill_ends(two, 0);
    T_EQ_STR(fill_counts(project), "0|3\n1|2997");
    T_NE_STR(fill_state(project, "d01"), "complete");
    T_NE_STR(fill_state(project, "d01"), "failed");
    /* the run that finds the other one's residual begins a new sweep, and counts anew */
    T_MUST(fill_done(project, "d01") == 2997 || fill_done(project, "d01") == 0);
    sg_sql_close(holder);
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), "1|3000");
    T_EQ_STR(fill_state(project, "d01"), "complete");
}

/* A drain that changes nothing though its fingerprint does not hold is not called for ever. */
SG_TEST(drain_without_end)
{
    struct project *project = fill_new(100);

    fill_write(project, "d02",
               "max_seconds = 3\nmax_passes = 2\noption.batch = UPDATE items SET n = n + 1 WHERE id < $1::int - 1000000\n"
               "also_writes = items\n" FILL_LEFT);
    (void)project_must(project, 0, "backfill");
    T_NE_STR(fill_state(project, "d02"), "complete");
    T_EQ_STR(fill_counts(project), "0|100");
    (void)project_must(project, 3, "backfill", "--strict");
}

/* ---- lanes and processes ---- */

/* The part of their time that they are without a range is small; how small, on a machine that does other things too, is printed. */
SG_TEST(four_lanes)
{
    struct project *project = fill_new(60000);
    struct sg_run_result run;
    double idle;

    fill_write(project, "b01", "batch_size = 100\noption.sleep_ms = 10\n" FILL_ONE);
    run = project_must(project, 0, "backfill", "--jobs", "4", "--json");
    fill_complete(project, "b01", 60000);
    T_MUST_CONTAIN(run.out, "\"idle\": ");
    idle = strtod(strstr(run.out, "\"idle\": ") + strlen("\"idle\": "), NULL);
    printf("4 lanes, idle for %.1f %% of their time\n", 100 * idle);
    T_TRUE(idle >= 0 && idle < 0.25);
    T_CONTAINS(run.out, "\"lanes\": 4");
}

/* A server that is far away: 40 ms each way there and back, several times a batch, are more than the target. The rows' own time
 * is what the size is for: fewer batches than rows by far. */
SG_TEST(auto_size_far_away)
{
    struct project *project = fill_new(20000);
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(project->server), sg_server_port(project->server));

    project->dsn = sg_proxy_url(proxy, project->db, NULL);
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DELAY, .every = true, .ms = 40});
    fill_write(project, "b01", FILL_ONE);
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 20000);
    T_LT_INT(sg_proxy_count(proxy), 2000);
}

/* Two processes on one backfill: each does some of it, none does a row of the other's. */
SG_TEST(two_processes)
{
    struct project *project = fill_new(6000);
    struct sg_run *one, *two;

    fill_write(project, "b01", "batch_size = 20\noption.sleep_ms = 20\n" FILL_ONE);
    one = fill_start_all(project);
    fill_await(project, one, "b01", 40);
    two = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT count(DISTINCT runner) FROM sgrun.backfill_ranges WHERE runner IS NOT NULL", "2", 30000);
    (void)fill_ends(one, 0);
    (void)fill_ends(two, 0);
    fill_complete(project, "b01", 6000);
}

/* One of them is gone, whatever it held: the other does the rest. */
SG_TEST(one_of_two_is_killed)
{
    struct project *project = fill_new(4000);
    struct sg_run *one, *two;

    fill_write(project, "b01", "batch_size = 20\noption.sleep_ms = 15\n" FILL_ONE);
    one = fill_start(project, "--jobs", "2");
    two = fill_start(project, "--jobs", "2");
    fill_await(project, two, "b01", 400);
    sg_run_signal(one, SIGKILL);
    (void)sg_run_wait(one, 10000);
    (void)fill_ends(two, 0);
    fill_complete(project, "b01", 4000);
}

static const struct sg_test tests[] = {SG_CASE(time_is_over),
                                       SG_CASE(max_minutes),
                                       SG_CASE(pause_and_resume),
                                       SG_CASE(pause_before_the_start),
                                       SG_CASE(sigterm),
                                       SG_CASE(sigint_with_lanes),
                                       SG_CASE(sigterm_in_a_long_statement),
                                       SG_CASE(second_sigterm),
                                       SG_CASE(sigterm_while_it_waits),
                                       SG_CASE(undeclared_by_trigger),
                                       SG_CASE(undeclared_by_deferred_trigger),
                                       SG_CASE(undeclared_by_cascade),
                                       SG_CASE(undeclared_by_a_second_statement),
                                       SG_CASE(skip_locked_in_a_range),
                                       SG_CASE(forbidden_statements),
                                       SG_CASE(drain),
                                       SG_CASE(drain_beside_lockers),
                                       SG_CASE(drain_without_end),
                                       SG_CASE(four_lanes),
                                       SG_CASE(auto_size_far_away),
                                       SG_CASE(two_processes),
                                       SG_CASE(one_of_two_is_killed),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"backfill_limits", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
