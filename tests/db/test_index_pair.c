/*
 * Two sgrun processes with the same registry at once, straight to the server, through PgBouncer, and one of each: every index is
 * built once, none is invalid, nothing deadlocks, both end with 0. And what sgrun's own connections do while an index is built:
 * none of them is what the build waits for.
 */
#include "config.h"

#include "tests/db/builds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDEXES 8

/* Four tables, two indexes each: one of an expression that takes its time, one unique and partial. */
static const char *registry(const char *jobs)
{
    const char *all = sg_test_strf("[indexes]\njobs = %s\n", jobs);

    for (int i = 0; i < INDEXES; i++)
        all = i % 2 == 0 ? sg_test_strf("%s[index p%d_slow]\ntable = p%d\ncolumns = slow(a), b\n", all, i / 2, i / 2)
                         : sg_test_strf("%s[index p%d_once]\ntable = p%d\ncolumns = a\nunique = yes\nwhere = b > 1\n", all,
                                        i / 2, i / 2);
    return all;
}

/* How often each index was made, by whomever: an event trigger counts. */
static void prepare(struct site *site)
{
    sg_sql_exec(site->sql, "CREATE FUNCTION slow(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
                           " $$ BEGIN IF a % 40 = 0 THEN PERFORM pg_catalog.pg_sleep(0.02); END IF; RETURN a; END $$;"
                           "CREATE TABLE made (name text)");
    for (int i = 0; i < INDEXES / 2; i++)
        sg_sql_execf(site->sql, "CREATE TABLE p%d (a int, b int);"
                                "INSERT INTO p%d SELECT i, i %% 5 FROM generate_series(1, 400) i", i, i);
}

static void count_commands(struct site *site)
{
    /* those of the comparison are in pg_temp */
    sg_sql_exec(site->sql, "CREATE FUNCTION note_made() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                           " INSERT INTO public.made SELECT object_identity FROM pg_catalog.pg_event_trigger_ddl_commands()"
                           " WHERE command_tag = 'CREATE INDEX' AND schema_name = 'public'; END $$;"
                           "CREATE EVENT TRIGGER note_made ON ddl_command_end WHEN TAG IN ('CREATE INDEX')"
                           " EXECUTE FUNCTION note_made()");
}

static const char *all_names(void)
{
    const char *names = "";

    for (int i = 0; i < INDEXES; i++)
        names = sg_test_strf("%s%sp%d_%s", names, i > 0 ? " " : "", i / 2, i % 2 == 0 ? "slow" : "once");
    return names;
}

/* FIRST and SECOND: two ways to the same database. */
static void two_at_once(struct site *site, const char *first, const char *second, int round)
{
    size_t logged = strlen(sg_server_log(site->server));
    const char *what = sg_test_strf("round %d", round), *twice;
    struct sg_run *runs[2];

    site->manifest = first;
    runs[0] = site_start(site, "index");
    sg_test_sleep_ms((int64_t)sg_test_rand(round % 2 == 0 ? 20 : 400));
    site->manifest = second;
    runs[1] = site_start(site, "index");
    for (int i = 0; i < 2; i++) {
        struct sg_run_result result = sg_run_wait(runs[i], 60000);

        if (result.exit != 0)
            T_FAIL("%s, runner %d: exit status %d (signal %d):\n%s", what, i, result.exit, result.signal, site_said(result));
        if (strstr(site_said(result), "FAILED") != NULL || strstr(site_said(result), " left") != NULL)
            T_FAIL("%s, runner %d did not end with all of them:\n%s", what, i, site_said(result));
    }
    T_EQ_STR(sg_sql_rows(site->sql, "SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid"), "");
    twice = sg_sql_rows(site->sql, "SELECT name, count(*) FROM made GROUP BY name HAVING count(*) <> 1");
    T_EQ_STR(twice, "");
    T_EQ_INT(sg_sql_int(site->sql, "SELECT count(*) FROM made"), INDEXES);
    T_LACKS(sg_server_log(site->server) + logged, "deadlock detected");
    site_settle(site, all_names(), what);
    site_clear(site);
    sg_sql_exec(site->sql, "DELETE FROM made");
    for (int i = 0; i < INDEXES / 2; i++)
        sg_sql_execf(site->sql, "DROP INDEX IF EXISTS p%d_slow, p%d_once", i, i);
}

static void pairs(enum way first, enum way second)
{
    static struct site site, by;
    const char *manifests[2], *jobs = sg_test_rand(2) == 0 ? "1" : "2";
    int rounds = sg_test_full() ? 30 : 3;

    site_open(&site, first, false);
    prepare(&site);
    count_commands(&site);
    site_manifest(&site, registry(jobs));
    manifests[0] = manifests[1] = site.manifest;
    if (second != first) {
        by = site;
        by.bouncer = sg_pgbouncer_start(
            &(struct sg_pgbouncer_opts){.dir = sg_server_dir(site.server), .port = sg_server_port(site.server),
                                         .roles = (const char *const[]){site.role, NULL}});
        by.proxy = sg_proxy_start(sg_pgbouncer_dir(by.bouncer), sg_pgbouncer_port(by.bouncer));
        site_manifest(&by, registry(jobs));
        manifests[1] = by.manifest;
    }
    for (int round = 0; round < rounds; round++)
        two_at_once(&site, manifests[round % 2], manifests[(round + 1) % 2], round);
    printf("%d rounds of two runners with jobs = %s, %d indexes each\n", rounds, jobs, INDEXES);
}

SG_TEST(two_runners_direct)
{
    pairs(WAY_DIRECT, WAY_DIRECT);
}

SG_TEST(two_runners_pooled)
{
    pairs(WAY_POOLED, WAY_POOLED);
}

SG_TEST(two_runners_past_the_pooler)
{
    pairs(WAY_PAST, WAY_PAST);
}

SG_TEST(two_runners_one_of_each)
{
    pairs(WAY_DIRECT, WAY_POOLED);
}

/* Between a runner's look, which finds nothing, and its noting that, another has built it: the younger word holds, or a migration
 * whose gate it is would wait for nothing. */
SG_TEST(a_look_that_is_older_than_what_is_noted)
{
    struct site site;
    struct sg_run_result result;
    struct sg_run *run;

    site_open(&site, WAY_DIRECT, false);
    site_manifest(&site, "[index t_b]\ntable = t\ncolumns = b\n");
    T_EQ_INT(site_run(&site, "index").exit, 0);
    T_EQ_STR(site_state(&site, "t_b"), "valid");
    sg_sql_exec(site.sql, "DROP INDEX t_b");
    sg_proxy_arm(site.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "i.duration_ms, i.bytes, i.sqlstate"});
    run = site_start(&site, "index");
    T_MUST(sg_proxy_await_hits(site.proxy, 1, 15000));
    sg_proxy_forget(site.proxy);
    sg_sql_exec(site.sql, "CREATE INDEX t_b ON t (b)");
    sg_proxy_release(site.proxy);
    result = site_end(&site, run, "an older look");
    T_EQ_INT(result.exit, 0);
    T_LACKS(sg_proxy_statements(site.proxy), "'t_b', 'missing'");
    T_EQ_STR(site_state(&site, "t_b"), "valid");
}

/* ---- our own connections ---- */

/* While RUN works: looks as often as it can. A build's own backend is the one that pg_stat_progress_create_index knows. The
 * watch's looks are autocommit statements, which hold a snapshot for less than a millisecond: only one that is seen to hold the
 * same for a second counts. */
#define OURS                                                                                                           \
    "SELECT pid, application_name, state, backend_xmin, clock_timestamp() - xact_start AS since, query FROM pg_stat_activity" \
    " WHERE datname = current_database() AND application_name LIKE 'sgrun%' AND pid NOT IN"                             \
    " (SELECT pid FROM pg_stat_progress_create_index) AND query !~* '^(create|drop)( unique)? index concurrently'"

static int watch_own(struct site *site, struct sg_run *run, bool alone)
{
    int64_t until = sg_test_now_ms() + 60000;
    int looks = 0;

    while (!sg_run_ended(run) && sg_test_now_ms() < until) {
        const char *bad;

        if (sg_sql_int(site->sql, "SELECT count(*) FROM pg_stat_progress_create_index") == 0) {
            sg_test_sleep_ms(1);
            continue;
        }
        looks++;
        /* a second: on a machine with more to do than it can, a process may stand still between two statements */
        bad = sg_sql_rows(site->sql, "SELECT * FROM (" OURS ") s WHERE state LIKE 'idle in transaction%'"
                                     " AND since > interval '1 s' OR backend_xmin IS NOT NULL AND since > interval '1 s'");
        T_EQ_STR(bad, "");
        bad = sg_sql_rows(site->sql, "SELECT p.phase, a.application_name, a.query FROM pg_stat_progress_create_index p"
                                     " JOIN pg_stat_activity a ON a.pid = p.current_locker_pid AND a.pid <> p.pid"
                                     " WHERE application_name LIKE 'sgrun%'"
                                     " AND clock_timestamp() - a.xact_start > interval '1 s'");
        if (alone)
            T_EQ_STR(bad, "");
        bad = sg_sql_rows(site->sql, "SELECT w.pid, w.mode, a.application_name FROM pg_locks w JOIN pg_stat_progress_create_index p"
                                     " ON p.pid = w.pid JOIN pg_stat_activity a ON a.pid = ANY (pg_blocking_pids(w.pid))"
                                     " WHERE NOT w.granted AND a.application_name LIKE 'sgrun%' AND a.pid NOT IN"
                                     " (SELECT pid FROM pg_stat_progress_create_index)"
                                     " AND clock_timestamp() - a.xact_start > interval '1 s'");
        T_EQ_STR(bad, "");
        sg_test_sleep_ms(2);
    }
    return looks;
}

static void own_connections(enum way way, const char *jobs)
{
    static struct site site;
    struct sg_run *run;
    int looks;

    site_open(&site, way, false);
    prepare(&site);
    site_manifest(&site, registry(jobs));
    run = site_start(&site, "index");
    looks = watch_own(&site, run, strcmp(jobs, "1") == 0);
    T_EQ_INT(site_end(&site, run, "alone").exit, 0);
    site_settle(&site, all_names(), "alone");
    printf("%d looks\n", looks);
    T_GT_INT(looks, 10);
}

SG_TEST(own_connections_direct)
{
    own_connections(WAY_DIRECT, "1");
    own_connections(WAY_DIRECT, "2");
}

SG_TEST(own_connections_pooled)
{
    own_connections(WAY_POOLED, "1");
    own_connections(WAY_POOLED, "2");
}

SG_TEST(own_connections_past_the_pooler)
{
    own_connections(WAY_PAST, "1");
}

/* The whole deploy: migrations' and backfills' connections are there, too, and must be quiet while an index is built. */
SG_TEST(own_connections_of_a_deploy)
{
    static struct site site;
    struct sg_run *run;
    int looks;

    site_open(&site, WAY_DIRECT, false);
    prepare(&site);
    sg_sql_exec(site.sql, "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                          "INSERT INTO items SELECT i FROM generate_series(1, 500) i");
    site_manifest(&site, sg_test_strf("%s[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE s01_made (id int)\n"
                                      "option.table = s01_made\n"
                                      "[backfill b01]\nplugin = b01\nrequires = index:p0_slow\nbatch_size = 50\n"
                                      "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                                      "option.left = SELECT 1 FROM items WHERE n < 1\n"
                                      "[index items_n]\ntable = items\ncolumns = slow(n), id\nrequires = backfill:b01\n",
                                      registry("1")));
    run = site_start(&site, "deploy");
    looks = watch_own(&site, run, true);
    T_EQ_INT(site_end(&site, run, "deploy").exit, 0);
    T_EQ_STR(site_index(&site, "items_n"), "valid");
    T_GT_INT(looks, 10);
    site_quiet(&site, "deploy");
}

static const struct sg_test tests[] = {
    SG_CASE_SECONDS(two_runners_direct, 600), SG_CASE_SECONDS(two_runners_pooled, 600),
    SG_CASE_SECONDS(two_runners_past_the_pooler, 600), SG_CASE_SECONDS(two_runners_one_of_each, 600),
    SG_CASE(own_connections_direct), SG_CASE(own_connections_pooled), SG_CASE(own_connections_past_the_pooler),
    SG_CASE(own_connections_of_a_deploy), SG_CASE(a_look_that_is_older_than_what_is_noted), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_pair", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
