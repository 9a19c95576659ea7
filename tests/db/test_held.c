/*
 * What stops a backfill, or holds it up, while its lanes are at work, from outside: a throttle, the end of its window, a lock on the
 * table, lanes that die, a state that others changed. Each time the position is kept, what holds is named, and every row is done once
 * in the end.
 */
#include "config.h"

#include "tests/db/fills.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOW "batch_size = 20\noption.sleep_ms = 20\n"

/* What fill_new makes, on a server of the test's own. */
static struct project *own(int rows)
{
    struct project *project = project_new(sg_server_start("autovacuum = off\n"), NULL);

    sg_sql_execf(project->sql, "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0) WITH (fillfactor = 50);"
                               " INSERT INTO items SELECT i FROM generate_series(1, %d) i; ANALYZE items", rows);
    project->policy = "retry_base_ms = 20\nretry_cap_ms = 200\nplugin_seconds = 5\n";
    return project;
}

/* Whether it is done no further, for as long as a dozen batches take. */
static void stands_still(struct project *project)
{
    int64_t until = sg_test_now_ms() + 20000;
    long long last = -1, now;

    for (;;) {
        now = fill_done(project, "b01");
        if (now == last)
            return;
        if (sg_test_now_ms() > until)
            T_FATAL("it goes on: %lld rows", now);
        last = now;
        sg_test_sleep_ms(500);
    }
}

static void done_once(struct project *project, const char *rows)
{
    T_EQ_STR(fill_state(project, "b01"), "complete");
    T_EQ_STR(fill_counts(project), rows);
}

/* 0: none now. */
static pid_t a_lane(struct sg_run *run)
{
    pid_t lane;

    return sg_run_lanes(run, &lane, 1) == 1 ? lane : 0;
}

static void kill_a_lane(struct sg_run *run, pid_t *last)
{
    int64_t until = sg_test_now_ms() + 20000;
    pid_t lane;

    while ((lane = a_lane(run)) == 0 || lane == *last) {
        if (sg_run_ended(run) || sg_test_now_ms() > until)
            T_FATAL("no lane to kill: %s", sg_run_err(run));
        sg_test_sleep_ms(5);
    }
    *last = lane;
    (void)kill(lane, SIGKILL);
}

/* ---- throttles ---- */

/* A slot that nobody reads keeps WAL: the lanes hold still, a new one too, until it is gone. */
SG_TEST(by_a_slot)
{
    struct project *project = own(4000);
    struct sg_run *run;
    struct sg_run_result result, asked;
    pid_t last = 0;

    fill_write(project, "b01", SLOW "max_wal_backlog_mb = 4\n" FILL_ONE);
    run = fill_start(project, "--jobs", "2");
    fill_await(project, run, "b01", 100);
    sg_sql_exec(project->sql, "SELECT pg_create_physical_replication_slot('nobody', true);"
                              " CREATE TABLE ballast AS SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 40000) i");
    sg_run_await(run, "held: WAL backlog: ", 20000);
    stands_still(project);
    sg_sql_await(project->sql, "SELECT state || ': ' || (message LIKE 'WAL backlog: %nobody%max_wal_backlog_mb = 4%') FROM sgrun.backfills",
                 "running: true", 10000);
    asked = project_must(project, 0, "status");
    T_CONTAINS(asked.out, "WAL backlog: ");
    kill_a_lane(run, &last);
    sg_run_await(run, "a new one is started", 10000);
    stands_still(project);
    T_LT_INT(fill_done(project, "b01"), 4000);
    sg_sql_exec(project->sql, "SELECT pg_drop_replication_slot('nobody')");
    result = fill_ends(run, 0);
    T_CONTAINS(result.out, "held back for ");
    done_once(project, "1|4000");
    T_NULL(sg_sql_value(project->sql, "SELECT message FROM sgrun.backfills"));
}

/* The application waits for a row of a long batch: the next batches are smaller. */
SG_TEST(by_who_waits_for_it)
{
    struct project *project = fill_new(300);
    struct sg_sql *app = sg_sql_open(project->conninfo);
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = auto\ntarget_batch_ms = 60000\n" FILL_ADD
                               "option.batch2 = UPDATE items SET n = n WHERE id = $1 AND pg_sleep(2)::text = 'x'\n" FILL_LEFT);
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()",
                 "t", 20000);
    sg_sql_send(app, "UPDATE items SET n = n");
    sg_run_await(run, "held: blocked sessions: ", 30000);
    T_NOT_NULL(sg_sql_finish(app, 30000));
    (void)fill_ends(run, 0);
    sg_sql_close(app);
    done_once(project, "1|300");
}

/* A window that closes ends the run with its batch. The server's clock makes a leap, by its time zone. */
SG_TEST(by_the_end_of_its_window)
{
    struct project *project = own(4000);
    struct sg_run *run;
    struct sg_run_result result;
    const char *open;

    sg_server_configure(project->server, "timezone = 'UTC'\n");
    open = sg_sql_rows(project->sql, "SELECT to_char(now() AT TIME ZONE 'UTC' - interval '1 h', 'HH24:MI') || '-' ||"
                                     " to_char(now() AT TIME ZONE 'UTC' + interval '1 h', 'HH24:MI')");
    sg_sql_await(project->sql, "SHOW timezone", "UTC", 10000);
    fill_write(project, "b01", sg_test_strf(SLOW "window = %s\n" FILL_ONE, open));
    run = fill_start_all(project);
    fill_await(project, run, "b01", 100);
    sg_server_configure(project->server, "timezone = 'Etc/GMT-6'\n");
    result = fill_ends(run, 0);
    T_CONTAINS(result.out, "b01 is outside its window: closed for ");
    T_EQ_STR(fill_state(project, "b01"), "pending");
    T_LT_INT(fill_done(project, "b01"), 4000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT sum(n) FROM items"), fill_done(project, "b01"));
    fill_write(project, "b01", FILL_ONE);
    (void)project_must(project, 0, "backfill", "--strict", "--jobs", "2");
    done_once(project, "1|4000");
}

/* duty = 10 %: for each ms of work nine of rest. */
SG_TEST(by_duty)
{
    struct project *project = fill_new(100);
    struct sg_run_result result;

    fill_write(project, "b01", "batch_size = 10\noption.sleep_ms = 20\nduty = 0.1\n" FILL_ONE);
    result = project_must(project, 0, "backfill", "--strict");
    T_GE_INT(result.ms, 9 * 9 * 20);
    fill_complete(project, "b01", 100);
}

/* ---- a locked table ---- */

SG_TEST(by_a_locked_table_for_too_long)
{
    struct project *project = fill_new(400);
    struct sg_run_result result;
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "LOCK TABLE items IN ACCESS EXCLUSIVE MODE");

    fill_write(project, "b01", SLOW "lock_seconds = 1\nlock_pause_ms = 50\nlock_ms = 100\n" FILL_ONE);
    result = project_must(project, 3, "backfill", "--strict");
    T_CONTAINS(fill_said(result), "items");
    T_NE_STR(fill_state(project, "b01"), "complete");
    sg_sql_close(holder);
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 400);
}

/* The same, when it is locked only after the first batches: it is told who holds it. */
SG_TEST(by_a_table_that_is_locked_meanwhile)
{
    struct project *project = fill_new(4000);
    struct sg_run_result result;
    struct sg_run *run;
    struct sg_sql *holder;
    long long done;

    fill_write(project, "b01", SLOW "lock_seconds = 1\nlock_pause_ms = 50\nlock_ms = 100\n" FILL_ONE);
    run = fill_start(project, "--strict");
    fill_await(project, run, "b01", 100);
    holder = sg_sql_hold(project->conninfo, "LOCK TABLE items IN ACCESS EXCLUSIVE MODE");
    result = fill_ends(run, 3);
    T_CONTAINS(fill_said(result), "the lock on the table could not be had for 1 s");
    T_CONTAINS(fill_said(result), "held by ");
    done = fill_done(project, "b01");
    T_LT_INT(done, 4000);
    sg_sql_close(holder);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT sum(n) FROM items"), done);
    (void)project_must(project, 0, "backfill", "--strict", "--jobs", "2");
    fill_complete(project, "b01", 4000);
}

/* ---- lanes that die ---- */

SG_TEST(by_lanes_that_die)
{
    struct project *project = fill_new(4000);
    struct sg_run *run;
    struct sg_run_result result;
    pid_t last = 0;

    fill_write(project, "b01", SLOW FILL_ONE);
    run = fill_start(project, "--strict");
    fill_await(project, run, "b01", 100); /* from now on a child that is sgrun is a lane, not a plugin's process before its exec */
    for (int i = 0; i < 4; i++)
        kill_a_lane(run, &last);
    result = fill_ends(run, 3);
    T_CONTAINS(fill_said(result), "its lanes die: 4 did so in this run, the last by signal 9 (Killed)");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    sg_sql_await_alone(project->sql, 10000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT sum(n) FROM items"), fill_done(project, "b01"));
    (void)project_must(project, 0, "backfill", "--strict", "--jobs", "2");
    fill_complete(project, "b01", 4000);
}

/* ---- what others do to its state ---- */

SG_TEST(by_another_run_that_failed_it)
{
    struct project *project = fill_new(4000);
    struct sg_run *run;
    struct sg_run_result result;

    fill_write(project, "b01", SLOW FILL_ONE);
    run = fill_start(project, "--strict", "--jobs", "2");
    fill_await(project, run, "b01", 100);
    sg_sql_exec(project->sql, "UPDATE sgrun.backfills SET state = 'failed', class = 'sql', sqlstate = '42703',"
                              " message = 'column \"nowhere\" does not exist', finished_at = now()");
    result = fill_ends(run, 3);
    T_CONTAINS(fill_said(result), "column \"nowhere\" does not exist");
    T_CONTAINS(fill_said(result), "Another run of this backfill came upon it, and stopped it for all.");
    T_EQ_STR(fill_error(project, "b01"), "sql|42703|column \"nowhere\" does not exist");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT sum(n) FROM items"), fill_done(project, "b01"));
    (void)project_must(project, 0, "backfill", "--strict", "--jobs", "2");
    fill_complete(project, "b01", 4000);
}

/* No batch is done without its row: what was deleted counts as never begun, and the run says so. */
SG_TEST(by_a_deleted_row)
{
    struct project *project = fill_new(4000);
    struct sg_run *run;
    struct sg_run_result result;
    long long done;

    fill_write(project, "b01", SLOW FILL_ONE);
    run = fill_start(project, "--strict");
    fill_await(project, run, "b01", 100);
    sg_sql_exec(project->sql, "BEGIN; DELETE FROM sgrun.backfills; DELETE FROM sgrun.backfill_ranges; COMMIT");
    done = sg_sql_int(project->sql, "SELECT sum(n) FROM items");
    result = fill_ends(run, 3);
    T_CONTAINS(fill_said(result), "somebody deleted it; the next run begins anew");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT sum(n) FROM items"), done);
}

/* All that a range was made for was deleted: nothing is left to do in it. */
SG_TEST(by_rows_that_are_gone)
{
    struct project *project = fill_new(4000);

    fill_write(project, "b01", SLOW FILL_ONE);
    (void)project_must(project, 0, "backfill", "--set", "backfills.max_seconds=1");
    T_EQ_STR(fill_state(project, "b01"), "pending");
    sg_sql_exec(project->sql, "DELETE FROM items WHERE n = 0");
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_state(project, "b01"), "complete");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM items WHERE n <> 1"), 0);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges"), 0);
}

static const struct sg_test tests[] = {SG_CASE(by_a_slot),
                                       SG_CASE(by_who_waits_for_it),
                                       SG_CASE(by_the_end_of_its_window),
                                       SG_CASE(by_duty),
                                       SG_CASE(by_a_locked_table_for_too_long),
                                       SG_CASE(by_a_table_that_is_locked_meanwhile),
                                       SG_CASE(by_lanes_that_die),
                                       SG_CASE(by_another_run_that_failed_it),
                                       SG_CASE(by_a_deleted_row),
                                       SG_CASE(by_rows_that_are_gone),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"held", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
