/*
 * Builders at a server: several at once, stopped, killed, and left alone by a supervisor that was killed. What holds them up is an
 * old snapshot elsewhere, for which every build waits at its end, or a writer on the table.
 */
#include "config.h"

#include "core/base/buf.h"
#include "tests/db/project.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define VALID "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE 'ix_%' AND indisvalid AND indisready"
#define LEFT "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE 'ix_%' AND NOT indisvalid"
#define BUILDING "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"
#define AT_THE_END BUILDING " AND phase = 'waiting for old snapshots'"
#define SESSIONS "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sgrun%' AND datname = current_database()"

/* t1 to tCOUNT with two indexes each. */
static struct project *new(int tables, const char *lines)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_buf sections = SG_BUF_INIT;
    sg_buf_addf(&sections, "[indexes]\n%s\n", lines);
    for (int t = 1; t <= tables; t++) {
        sg_sql_execf(project->sql,
                     "CREATE TABLE t%d (id bigint PRIMARY KEY, a int, b text);"
                     " INSERT INTO t%d SELECT i, i %% 7, i::text FROM generate_series(1, 200) i",
                     t, t);
        sg_buf_addf(&sections, "[index ix_%d_a]\ntable = t%d\ncolumns = a\n[index ix_%d_b]\ntable = t%d\ncolumns = b, id\n", t, t, t, t);
    }
    sg_sql_exec(project->sql, "CREATE TABLE elsewhere (n int); INSERT INTO elsewhere VALUES (1)");
    project_write(project, sections.data);
    sg_buf_release(&sections);
    return project;
}

/* A snapshot for which every build waits, of a session that has not touched its table. */
static struct sg_sql *old_snapshot(struct project *project)
{
    struct sg_sql *sql = sg_sql_open(project->conninfo);
    sg_sql_exec(sql, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM elsewhere");
    return sql;
}

static struct sg_run *start(struct project *project)
{
    return project_start_args(project, (const char *const[]){"index", NULL});
}

static struct sg_run_result ends(struct sg_run *run, int status, int within_ms)
{
    int64_t begun = sg_test_now_ms();
    struct sg_run_result result = sg_run_wait(run, 60000);
    int64_t took = sg_test_now_ms() - begun;
    sg_test_check(SG_HERE_, false, result.exit == status && took <= within_ms,
                  "ended with %d (signal %d) after %lld ms instead of %d within %d ms:\n%s%s", result.exit, result.signal,
                  (long long)took, status, within_ms, result.out, result.err);
    return result;
}

/* All indexes are valid, nothing is left over, nobody is there any more. */
static void complete(struct project *project, int indexes)
{
    T_EQ_INT(sg_sql_int(project->sql, VALID), indexes);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"), "");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.indexes WHERE state = 'valid' AND owner IS NULL"), indexes);
    sg_sql_await(project->sql, SESSIONS, "0", 15000);
    T_EQ_STR(sg_run_orphans(), "");
}

SG_TEST(several_at_once_on_different_tables)
{
    struct project *project = new(5, "jobs = 3");
    struct sg_sql *holder = old_snapshot(project);
    struct sg_run *run = start(project);
    pid_t pids[16];
    sg_sql_await(project->sql, AT_THE_END, "3", 20000);
    for (int i = 0; i < 20; i++) {
        T_EQ_STR(sg_sql_rows(project->sql, "SELECT count(*), count(DISTINCT relid) FROM pg_stat_progress_create_index"
                                           " WHERE datname = current_database()"),
                 "3|3");
        T_EQ_INT(sg_run_lanes(run, pids, 16), 3);
        sg_test_sleep_ms(50);
    }
    /* They make nobody wait: no transaction but the builds themselves. */
    /* (a look at the progress, or the lease's renewal, is a transaction of a moment) */
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sgrun%'"
                               " AND datname = current_database() AND xact_start IS NOT NULL"
                               " AND query NOT LIKE 'CREATE INDEX CONCURRENTLY%'",
                 "0", 10000);
    sg_sql_close(holder);
    (void)ends(run, 0, 20000);
    complete(project, 10);
}

SG_TEST(stopped_once)
{
    struct project *project = new(3, "jobs = 2");
    struct sg_sql *holder = old_snapshot(project);
    struct sg_run *run = start(project);
    sg_sql_await(project->sql, AT_THE_END, "2", 20000);
    sg_run_signal(run, SIGTERM);
    (void)ends(run, 143, 30000);
    /* Both carcasses are dropped, though the snapshot is there still. */
    T_EQ_INT(sg_sql_int(project->sql, LEFT), 0);
    T_EQ_INT(sg_sql_int(project->sql, VALID), 0);
    sg_sql_await(project->sql, SESSIONS, "0", 15000);
    T_EQ_STR(sg_run_orphans(), "");
    sg_sql_close(holder);
    (void)project_must(project, 0, "index", "--strict");
    complete(project, 6);
}

SG_TEST(stopped_once_and_the_carcass_cannot_go)
{
    struct project *project = new(1, "jobs = 1");
    struct sg_sql *writer = sg_sql_hold(project->conninfo, "UPDATE t1 SET a = a WHERE id = 1");
    struct sg_run *run = start(project);
    sg_sql_await(project->sql, BUILDING " AND phase = 'waiting for writers before build'", "1", 20000);
    sg_run_signal(run, SIGINT);
    struct sg_run_result result = ends(run, 130, 16000);
    /* Whatever is left is told. */
    if (sg_sql_int(project->sql, LEFT) > 0) {
        T_CONTAINS(sg_test_strf("%s%s", result.out, result.err), "invalid");
    }
    sg_sql_await(project->sql, BUILDING, "0", 15000);
    sg_sql_close(writer);
    (void)project_must(project, 0, "index", "--strict");
    complete(project, 2);
}

SG_TEST(stopped_twice)
{
    struct project *project = new(3, "jobs = 2");
    struct sg_sql *holder = old_snapshot(project);
    struct sg_run *run = start(project);
    sg_sql_await(project->sql, AT_THE_END, "2", 20000);
    sg_run_signal(run, SIGTERM);
    sg_test_sleep_ms(20);
    sg_run_signal(run, SIGTERM);
    struct sg_run_result result = ends(run, 143, 30000);
    if (sg_sql_int(project->sql, LEFT) > 0) {
        T_CONTAINS(sg_test_strf("%s%s", result.out, result.err), "invalid");
    }
    sg_sql_await(project->sql, SESSIONS, "0", 15000);
    T_EQ_STR(sg_run_orphans(), "");
    sg_sql_close(holder);
    /* No claim is left for whose end the next run would wait. */
    int64_t begun = sg_test_now_ms();
    (void)project_must(project, 0, "index", "--strict");
    T_LT_INT(sg_test_now_ms() - begun, 15000);
    complete(project, 6);
}

SG_TEST(a_builder_is_killed)
{
    struct project *project = new(2, "jobs = 2");
    struct sg_sql *holder = old_snapshot(project);
    struct sg_run *run = start(project);
    pid_t pids[16];
    sg_sql_await(project->sql, AT_THE_END, "2", 20000);
    T_MUST_EQ_INT(sg_run_lanes(run, pids, 16), 2);
    T_MUST_EQ_INT(kill(pids[0], SIGKILL), 0);
    sg_run_await(run, "a new one goes on", 10000);
    for (int i = 0; i < 500 && sg_run_lanes(run, pids, 16) != 2; i++) {
        sg_test_sleep_ms(20);
    }
    T_EQ_INT(sg_run_lanes(run, pids, 16), 2);
    sg_sql_close(holder);
    (void)ends(run, 0, 30000);
    complete(project, 4);
}

SG_TEST(a_builder_is_killed_twice)
{
    struct project *project = new(1, "jobs = 1");
    struct sg_sql *holder = old_snapshot(project);
    struct sg_run *run = start(project);
    pid_t pids[16];
    sg_sql_await(project->sql, AT_THE_END, "1", 20000);
    T_MUST_EQ_INT(sg_run_lanes(run, pids, 16), 1);
    pid_t first = pids[0];
    T_MUST_EQ_INT(kill(first, SIGKILL), 0);
    sg_run_await(run, "a new one goes on", 10000);
    for (int i = 0; i < 200 && (sg_run_lanes(run, pids, 16) != 1 || pids[0] == first); i++) {
        sg_test_sleep_ms(20);
    }
    T_MUST(pids[0] != first);
    T_MUST_EQ_INT(kill(pids[0], SIGKILL), 0);
    sg_run_await(run, "its builder died 2 times", 10000);
    /* The next index on that table waits for the ghost, and then is built. */
    sg_sql_close(holder);
    (void)ends(run, 0, 40000);
    T_EQ_INT(sg_sql_int(project->sql, VALID " AND indexrelid::regclass::text = 'ix_1_b'"), 1);
    (void)project_must(project, 0, "index", "--strict");
    complete(project, 2);
}

/* kill -9 of sgrun itself, when a build is at that phase: within 15 s nothing of it is left, in the system and on the server. */
static void supervisor_killed(bool writer)
{
    struct project *project = new(3, "jobs = 2");
    struct sg_sql *holder = writer ? sg_sql_hold(project->conninfo, "UPDATE t1 SET a = a WHERE id = 1; UPDATE t2 SET a = a WHERE id = 1")
                                   : old_snapshot(project);
    struct sg_run *run = start(project);
    sg_sql_await(project->sql, writer ? BUILDING " AND phase = 'waiting for writers before build'" : AT_THE_END, "2", 20000);
    sg_run_signal(run, SIGKILL);
    int64_t begun = sg_test_now_ms();
    (void)sg_run_wait(run, 10000);
    while (sg_run_orphans()[0] != '\0' && sg_test_now_ms() - begun < 15000) {
        T_EQ_INT(sg_sql_int(project->sql, SESSIONS " AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 s'"), 0);
        sg_test_sleep_ms(100);
    }
    T_EQ_STR(sg_run_orphans(), "");
    sg_sql_await(project->sql, SESSIONS, "0", 15000);
    printf("%s: all gone after %lld ms, %lld invalid ones left\n", writer ? "writers" : "snapshots", (long long)(sg_test_now_ms() - begun),
           sg_sql_int(project->sql, LEFT));
    if (!writer) {
        T_EQ_INT(sg_sql_int(project->sql, LEFT), 0);
    }
    sg_sql_close(holder);
    (void)project_must(project, 0, "index", "--strict");
    complete(project, 6);
}

SG_TEST(the_supervisor_is_killed_at_the_end_of_builds)
{
    supervisor_killed(false);
}

SG_TEST(the_supervisor_is_killed_at_the_start_of_builds)
{
    supervisor_killed(true);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(several_at_once_on_different_tables, 120),
                                       SG_CASE_SECONDS(stopped_once, 120),
                                       SG_CASE_SECONDS(stopped_once_and_the_carcass_cannot_go, 120),
                                       SG_CASE_SECONDS(stopped_twice, 120),
                                       SG_CASE_SECONDS(a_builder_is_killed, 120),
                                       SG_CASE_SECONDS(a_builder_is_killed_twice, 120),
                                       SG_CASE_SECONDS(the_supervisor_is_killed_at_the_end_of_builds, 120),
                                       SG_CASE_SECONDS(the_supervisor_is_killed_at_the_start_of_builds, 120),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"index_builders", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
