/*
 * deploy from end to end: migrations until one waits, the backfills that are ready, and again; and the course of one backfill as its
 * supervisor sees it: passes, sweeps, time, signals, lanes that die. What one batch does is others' to show.
 */
#include "config.h"

#include "tests/db/project.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each row counts how often it was done. */
#define ITEMS \
    "CREATE TABLE items (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);" \
    "CREATE TABLE others (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);"
#define FILL "INSERT INTO items SELECT i FROM generate_series(1, 1000) i; INSERT INTO others SELECT i FROM generate_series(1, 100) i;"

static const char *makes(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.table = made_by_%s\noption.ddl1 = CREATE TABLE made_by_%s ()\n%s", id, id,
                        id, id, more);
}

static const char *fills(const char *id, const char *table, const char *more)
{
    return sg_test_strf("[backfill %s]\nplugin = %s\noption.batch = UPDATE %s SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                        "option.left = SELECT 1 FROM %s WHERE n = 0\n%s",
                        id, id, table, table, more);
}

static struct project *filled(void)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, ITEMS FILL);
    return project;
}

/* "n x rows" of a table: how often its rows were done. */
static const char *done(struct project *project, const char *table)
{
    return sg_sql_rows(project->sql, sg_test_strf("SELECT n || 'x' || count(*) FROM %s GROUP BY n ORDER BY n", table));
}

static const char *states(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT string_agg(key || ' ' || state, ', ' ORDER BY key) FROM sgrun.backfills");
}

/* The outcome of each migration, "s01 applied, s02 waiting": from the JSON. */
static const char *outcomes(const struct sg_run_result *run)
{
    struct sg_json *migrations = sg_json_get(project_json(run), "migrations");
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(migrations); i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", project_text(sg_json_at(migrations, i), "id"),
                            project_text(sg_json_at(migrations, i), "outcome"));
    return text;
}

/* ---- rounds, gates, order ------------------------------------------------------- */

SG_TEST(a_gate_opens_in_the_same_run)
{
    struct project *project = filled();
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s%s%s", makes("s01", ""), makes("s02", "requires = backfill:b01\n"), makes("s03", ""),
                                        fills("b01", "items", "migration = s01\n"), fills("b07", "others", "migration = s03\n")));
    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(outcomes(&run), "s01 applied, s02 applied, s03 applied");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
    T_EQ_STR(states(project), "b01 complete, b07 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
    T_EQ_STR(done(project, "others"), "1x100");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges"), 0);
    T_EQ_STR(project_lease(project), "");
    /* and nothing twice */
    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(outcomes(&run), "s01 skipped, s02 skipped, s03 skipped");
    T_EQ_STR(done(project, "items"), "1x1000");
}

/* A migration goes on as soon as its gate is open, before whatever else is to be filled. */
SG_TEST(the_migration_goes_first)
{
    struct project *project = filled();

    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", "requires = backfill:b07\n"),
                                        "[migration s02]\nplugin = s02\noption.ddl1 = CREATE TABLE nowhere.x ()\n"
                                        "option.fingerprint = SELECT 1 WHERE false\n",
                                        fills("b07", "others", "priority = HIGH\n"), fills("b01", "items", "")));
    project_must(project, 1, "deploy");
    T_EQ_STR(project_ledger(project), "s01|applied");
    T_EQ_STR(done(project, "others"), "1x100");
    T_EQ_STR(done(project, "items"), "0x1000"); /* a failed migration ends it all */
}

/* HIGH first; one that waits for another backfill comes as soon as that is complete. */
SG_TEST(by_priority_and_by_gates)
{
    struct project *project = filled();

    project_write(project, sg_test_strf("%s%s%s%s", fills("b01", "items", "priority = LOW\n"), fills("b07", "others", ""),
                                        fills("b02", "items", "priority = HIGH\nrequires = backfill:b07\n"),
                                        fills("b08", "others", "priority = HIGH\n")));
    sg_sql_exec(project->sql, "CREATE TABLE seen (no serial, of text);"
                              "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen (of) VALUES (NEW.key); RETURN NEW; END $$");
    project_must(project, 0, "deploy");
    /* by their ends: b08's rows are b07's too, so b07 was complete at once, and then b02 before b01 */
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT string_agg(key, ' ' ORDER BY finished_at) FROM sgrun.backfills"), "b08 b07 b02 b01");
    T_EQ_STR(done(project, "items"), "1x1000");
    T_EQ_STR(done(project, "others"), "1x100");
}

SG_TEST(none_after_a_failed_migration)
{
    struct project *project = filled();

    project_write(project, sg_test_strf("%s[migration s02]\nplugin = s02\noption.ddl1 = CREATE TABLE nowhere.x ()\n"
                                        "option.fingerprint = SELECT 1 WHERE false\n%s",
                                        makes("s01", ""), fills("b01", "items", "migration = s01\n")));
    project_must(project, 1, "deploy");
    T_EQ_STR(project_ledger(project), "s01|applied");
    T_EQ_STR(done(project, "items"), "0x1000");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfills"), 0);
}

SG_TEST(a_failed_one_keeps_its_gate_shut)
{
    struct project *project = filled();
    const char *sections = sg_test_strf("%s%s%s%s", makes("s01", "requires = backfill:b01\n"), makes("s02", ""),
                                        fills("b01", "items", "option.batch2 = UPDATE nowhere SET n = 1\n"), fills("b07", "others", ""));
    struct sg_run_result run;

    project_write(project, sections);
    run = project_must(project, 3, "deploy", "--json");
    T_EQ_STR(outcomes(&run), "s01 waiting, s02 not_reached");
    T_EQ_STR(project_ledger(project), "");
    T_EQ_STR(states(project), "b01 failed, b07 complete");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT sqlstate FROM sgrun.backfills WHERE key = 'b01'"), "42P01");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.attempts WHERE step = 'b01'"), 1);
    T_EQ_STR(done(project, "items"), "0x1000");
    /* mended, the next run goes on with it, and with all that waited */
    sg_sql_exec(project->sql, "CREATE TABLE nowhere (n int)");
    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", "requires = backfill:b01\n"), makes("s02", ""),
                                        fills("b01", "items", ""), fills("b07", "others", "")));
    project_must(project, 0, "deploy");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied");
    T_EQ_STR(done(project, "items"), "1x1000");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT sqlstate, message FROM sgrun.backfills WHERE key = 'b01'"), "|");
}

/* ---- passes and sweeps ------------------------------------------------------------ */

SG_TEST(rows_locked_during_the_first_pass)
{
    struct project *project = filled();
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SELECT FROM items WHERE id IN (1, 500, 1000) FOR UPDATE");
    struct sg_run *run;

    project_write(project, fills("b01", "items", "lock_ms = 50\npass_pause_seconds = 1\n"));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) FROM items WHERE n = 1", "997", 20000);
    sg_sql_await(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges", "3", 20000);
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(done(project, "items"), "1x1000");
    T_EQ_STR(states(project), "b01 complete");
}

SG_TEST(rows_locked_during_all_passes)
{
    struct project *project = filled();
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SELECT FROM items WHERE id = 500 FOR UPDATE");

    project_write(project, fills("b01", "items", "lock_ms = 50\nmax_passes = 2\npass_pause_seconds = 0\n"));
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 pending");
    T_EQ_STR(done(project, "items"), "0x1\n1x999");
    sg_sql_close(holder);
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

/* What is inserted behind the position is done by another sweep, if the plugin says that it can take one. */
SG_TEST(another_sweep_if_it_is_repeatable)
{
    struct project *project = filled();

    project_write(project, "[backfill b02]\nplugin = b02\nbatch_size = 100\n"
                           "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2 AND n = 0"
                           " AND (id > 1 OR EXISTS (SELECT FROM items WHERE id = 900 AND n = 1))\n"
                           "option.left = SELECT 1 FROM items WHERE n = 0\n");
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b02 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

SG_TEST(residual_with_the_number_left)
{
    struct project *project = filled();
    const char *batch = "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2 AND n = 0 AND id > 3\n"
                        "option.left = SELECT 1 FROM items WHERE n = 0\n";

    project_write(project, sg_test_strf("[backfill b01]\nplugin = b01\n%s[backfill b02]\nplugin = b02\n%s", batch, batch));
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 residual, b02 residual");
    T_CONTAINS(project_must(project, 0, "status").out, "to go over all rows once more, the done ones too: sgrun backfill --again b01");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT DISTINCT rows_estimate - rows_done FROM sgrun.backfills"), "3");
    T_EQ_STR(done(project, "items"), "0x3\n1x997");
    /* the next run asks again, and takes a fingerprint that holds for what it is */
    sg_sql_exec(project->sql, "UPDATE items SET n = 1 WHERE n = 0");
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 complete, b02 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

SG_TEST(nothing_to_do_is_complete_at_once)
{
    struct project *project = filled();

    sg_sql_exec(project->sql, "UPDATE items SET n = 7");
    project_write(project, fills("b01", "items", ""));
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 complete");
    T_EQ_STR(done(project, "items"), "7x1000");
}

/* A table without rows has nothing to sweep: what its fingerprint says decides. */
SG_TEST(an_empty_table)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, ITEMS);
    project_write(project, sg_test_strf("%s[backfill b02]\nplugin = b02\noption.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2\n",
                                        fills("b01", "items", "")));
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 complete, b02 residual");
}

SG_TEST(drain_until_nothing_is_left)
{
    struct project *project = filled();
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SELECT FROM items WHERE id = 500 FOR UPDATE");
    struct sg_run *run;

    project_write(project, "[backfill d01]\nplugin = d01\nalso_writes = items\nbatch_size = 150\npass_pause_seconds = 1\n"
                           "option.batch = UPDATE items SET n = n + 1 WHERE id IN"
                           " (SELECT id FROM items WHERE n = 0 LIMIT $1::int FOR UPDATE SKIP LOCKED)\n"
                           "option.left = SELECT 1 FROM items WHERE n = 0\n");
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) FROM items WHERE n = 1", "999", 20000);
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(done(project, "items"), "1x1000");
    T_EQ_STR(states(project), "d01 complete");
}

/* The server goes away for good: what was to come is not tried, each for as long as that. */
SG_TEST(the_server_stays_away)
{
    struct project *project = project_new(sg_server_start(NULL), NULL);
    struct sg_run *run;
    struct sg_run_result result;

    sg_sql_exec(project->sql, ITEMS FILL);
    project->policy = "retry_seconds = 2";
    project_write(project, sg_test_strf("%s%s", fills("b01", "items", "batch_size = 20\noption.sleep_ms = 50\njobs = 2\npriority = HIGH\n"),
                                        fills("b07", "others", "")));
    run = project_start_args(project, (const char *const[]){"backfill", "--json", NULL});
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM items WHERE n = 1", "t", 20000);
    sg_sql_close(project->sql);
    sg_server_stop(project->server, SG_STOP_FAST);
    result = sg_run_wait(run, 30000);
    T_LT_INT(result.ms, 20000);
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(result.out, "\"end\": \"left\"");
    T_CONTAINS(result.out, "\"end\": \"not_reached\"");
    T_CONTAINS(result.out, "\"class\": \"connection\"");
    sg_server_restart(project->server);
    project->sql = sg_sql_open(project->conninfo);
    T_EQ_STR(states(project), "b01 running"); /* nobody could say otherwise */
    project_must(project, 0, "backfill");
    T_EQ_STR(states(project), "b01 complete, b07 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

/* ---- time, signals, deaths ---------------------------------------------------------- */

static const char *slow(const char *more)
{
    return fills("b01", "items", sg_test_strf("batch_size = 20\noption.sleep_ms = 100\n%s", more));
}

/* Some rows are done, none twice, and the rest is done by the next run. */
static void expect_position(struct project *project)
{
    long long some = sg_sql_int(project->sql, "SELECT count(*) FROM items WHERE n = 1");

    T_LT_INT(0, some);
    T_LT_INT(some, 1000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM items WHERE n > 1"), 0);
    project_write(project, fills("b01", "items", ""));
    project_must(project, 0, "deploy");
    T_EQ_STR(states(project), "b01 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

SG_TEST(time_is_over)
{
    struct project *project = filled();
    struct sg_run_result run;

    /* time for a batch at the least, even where a lane takes long to start; fifty would take 20 s */
    project_write(project, fills("b01", "items", "batch_size = 20\noption.sleep_ms = 400\nmax_seconds = 4\n"));
    run = project_must(project, 0, "deploy");
    T_LT_INT(run.ms, 19000);
    T_EQ_STR(states(project), "b01 pending");
    expect_position(project);
}

/* The gate is told as it stands at the end, not as it stood when it was first come upon. */
SG_TEST(time_is_over_before_a_gate)
{
    struct project *project = filled();
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s", makes("s01", "requires = backfill:b01\n"), 
                                        fills("b01", "items", "batch_size = 20\noption.sleep_ms = 400\nmax_seconds = 4\n")));
    run = project_must(project, 3, "deploy");
    T_CONTAINS(run.out, " rows left).\n");
    T_TRUE(strstr(run.out, "s01 waits for backfill:b01 (not started).") == NULL);
}

/* Outside its window it is not begun; when that closes it ends with its batch. */
SG_TEST(outside_its_window)
{
    struct project *project = filled();
    const char *later = sg_sql_value(project->sql, "SELECT to_char(now() + interval '2 hours', 'HH24:MI') || '-' || to_char(now() + interval '3 hours', 'HH24:MI')");

    project_write(project, fills("b01", "items", sg_test_strf("window = %s\n", later)));
    project_must(project, 0, "deploy");
    T_EQ_STR(done(project, "items"), "0x1000");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfills WHERE started_at IS NOT NULL"), 0);
}

/* What another host does to the row while lanes work, as --pause and --resume do. */
SG_TEST(paused_and_resumed_meanwhile)
{
    struct project *project = filled();
    struct sg_run *run;
    long long held = -1, now = 0;

    project_write(project, fills("b01", "items", "batch_size = 20\noption.sleep_ms = 20\n"));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM items WHERE n = 1", "t", 20000);
    sg_sql_exec(project->sql, "UPDATE sgrun.backfills SET state = 'paused', paused_by = 'ann@host', paused_at = now()");
    /* a batch that was begun is finished, however long that takes */
    for (int64_t until = sg_test_now_ms() + 20000; sg_test_now_ms() < until && now != held;) {
        held = now;
        sg_test_sleep_ms(1500);
        now = sg_sql_int(project->sql, "SELECT count(*) FROM items WHERE n = 1");
    }
    T_EQ_INT(now, held);
    T_LT_INT(held, 1000);
    T_EQ_STR(states(project), "b01 paused");
    sg_sql_exec(project->sql, "UPDATE sgrun.backfills SET state = 'running', paused_by = NULL, paused_at = NULL");
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(states(project), "b01 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

SG_TEST(paused_until_time_is_over)
{
    struct project *project = filled();
    struct sg_run *run;

    project_write(project, slow("max_seconds = 2\n"));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM items WHERE n = 1", "t", 20000);
    sg_sql_exec(project->sql, "UPDATE sgrun.backfills SET state = 'paused', paused_by = 'ann@host', paused_at = now()");
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(states(project), "b01 paused");
    /* nor is it begun by the next run */
    project_write(project, slow("max_seconds = 30\n"));
    T_LT_INT(project_must(project, 0, "deploy").ms, 20000);
    T_EQ_STR(states(project), "b01 paused");
    sg_sql_exec(project->sql, "UPDATE sgrun.backfills SET state = 'pending', paused_by = NULL, paused_at = NULL");
    expect_position(project);
}

static void stopped_by(int signal)
{
    struct project *project = filled();
    struct sg_run *run;
    struct sg_run_result result;

    project_write(project, sg_test_strf("%s%s", slow("jobs = 2\n"), fills("b07", "others", "")));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM items WHERE n = 1", "t", 20000);
    sg_run_signal(run, signal);
    result = sg_run_wait(run, 20000);
    T_EQ_INT(result.exit, 128 + signal);
    T_EQ_STR(states(project), "b01 pending"); /* and b07 was not begun */
    expect_position(project);
}

SG_TEST(sigterm_finishes_the_batch)
{
    stopped_by(SIGTERM);
}

SG_TEST(sigint_finishes_the_batch)
{
    stopped_by(SIGINT);
}

SG_TEST(a_second_signal_cancels)
{
    struct project *project = filled();
    struct sg_run *run;
    struct sg_run_result result;

    project_write(project, fills("b01", "items", "batch_size = 100\noption.read = SELECT pg_sleep(20) FROM generate_series(1, 1) WHERE $1::int > 1\n"));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) FROM items WHERE n = 1", "100", 20000);
    /* in the second batch: between two, one signal is the end */
    sg_sql_await(project->sql,
                 "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(20)%'", "1", 20000);
    sg_run_signal(run, SIGTERM);
    sg_test_sleep_ms(500);
    sg_run_goes_on(run);
    sg_run_signal(run, SIGTERM);
    result = sg_run_wait(run, 10000); /* the sleep is of 20 s */
    T_EQ_INT(result.exit, 128 + SIGTERM);
    expect_position(project);
}

static pid_t lane_of(struct sg_run *run)
{
    pid_t lane;

    T_MUST(sg_run_lanes(run, &lane, 1) == 1);
    return lane;
}

SG_TEST(a_lane_that_dies_is_replaced)
{
    struct project *project = filled();
    struct sg_run *run;
    struct sg_run_result result;

    project_write(project, slow(""));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM items WHERE n = 1", "t", 20000);
    kill(lane_of(run), SIGKILL);
    result = sg_run_wait(run, 30000);
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(result.err, "died");
    T_EQ_STR(states(project), "b01 complete");
    T_EQ_STR(done(project, "items"), "1x1000");
}

/* No lane outlives the run, however that ends. */
SG_TEST(killed_it_leaves_nobody)
{
    struct project *project = filled();
    struct sg_run *run;

    project_write(project, slow("jobs = 3\n"));
    run = project_start_args(project, (const char *const[]){"deploy", NULL});
    sg_sql_await(project->sql, "SELECT count(*) > 0 FROM items WHERE n = 1", "t", 20000);
    sg_run_signal(run, SIGKILL);
    (void)sg_run_wait(run, 20000);
    sg_sql_await_alone(project->sql, 20000);
    for (int i = 0; i < 2000 && *sg_run_orphans() != '\0'; i++)
        sg_test_sleep_ms(10);
    T_EQ_STR(sg_run_orphans(), "");
    T_EQ_STR(states(project), "b01 running");
    expect_position(project);
}

/* Two runs with two lanes each share one backfill, and know nothing of each other. */
SG_TEST(two_runs_at_once)
{
    struct project *project = filled();
    struct sg_run *one, *two;

    project_write(project, fills("b01", "items", "batch_size = 10\noption.sleep_ms = 10\njobs = 2\n"));
    one = project_start_args(project, (const char *const[]){"deploy", NULL});
    two = project_start_args(project, (const char *const[]){"deploy", NULL});
    T_EQ_INT(sg_run_wait(one, 30000).exit, 0);
    T_EQ_INT(sg_run_wait(two, 30000).exit, 0);
    T_EQ_STR(done(project, "items"), "1x1000");
    T_EQ_STR(states(project), "b01 complete");
}

static const struct sg_test tests[] = {SG_CASE(a_gate_opens_in_the_same_run),
                                       SG_CASE(the_migration_goes_first),
                                       SG_CASE(by_priority_and_by_gates),
                                       SG_CASE(none_after_a_failed_migration),
                                       SG_CASE(a_failed_one_keeps_its_gate_shut),
                                       SG_CASE(rows_locked_during_the_first_pass),
                                       SG_CASE(rows_locked_during_all_passes),
                                       SG_CASE(another_sweep_if_it_is_repeatable),
                                       SG_CASE(residual_with_the_number_left),
                                       SG_CASE(nothing_to_do_is_complete_at_once),
                                       SG_CASE(an_empty_table),
                                       SG_CASE(drain_until_nothing_is_left),
                                       SG_CASE(the_server_stays_away),
                                       SG_CASE(time_is_over),
                                       SG_CASE(time_is_over_before_a_gate),
                                       SG_CASE(outside_its_window),
                                       SG_CASE(paused_and_resumed_meanwhile),
                                       SG_CASE(paused_until_time_is_over),
                                       SG_CASE(sigterm_finishes_the_batch),
                                       SG_CASE(sigint_finishes_the_batch),
                                       SG_CASE(a_second_signal_cancels),
                                       SG_CASE(a_lane_that_dies_is_replaced),
                                       SG_CASE(killed_it_leaves_nobody),
                                       SG_CASE(two_runs_at_once),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"deploy", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
