/*
 * The index phase: which index is built when, how many at once, what becomes of the others. What becomes of one index is shown
 * elsewhere.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/pgbouncer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tables t1 to t6, some rows in each. */
static struct project *tables(struct sg_server *server)
{
    struct project *project = project_new(server, NULL);

    for (int i = 1; i <= 6; i++)
        sg_sql_execf(project->sql, "CREATE TABLE t%d (id int PRIMARY KEY, a int, b text);"
                                   "INSERT INTO t%d SELECT g, g %% 10, 'x' || g FROM generate_series(1, 200) g", i, i);
    return project;
}

static const char *index_on(const char *name, const char *table, const char *columns, const char *more)
{
    return sg_test_strf("[index %s]\ntable = %s\ncolumns = %s\n%s", name, table, columns, more);
}

/* One index a table, on tables 1 to COUNT. */
static const char *one_each(int count)
{
    const char *text = "";

    for (int i = 1; i <= count; i++)
        text = sg_test_strf("%s%s", text, index_on(sg_test_strf("i%d", i), sg_test_strf("t%d", i), "a", ""));
    return text;
}

/* "i1 valid, i2 missing": what the state table says. */
static const char *states(struct project *project)
{
    const char *text = sg_sql_value(project->sql, "SELECT string_agg(name || ' ' || state, ', ' ORDER BY name) FROM sgrun.indexes");

    return text != NULL ? text : "";
}

/* Names of all indexes but primary keys, "!" behind an invalid one. */
static const char *there(struct project *project)
{
    const char *text = sg_sql_value(
        project->sql, "SELECT string_agg(c.relname || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE '!' END, ' ' ORDER BY c.relname)"
                      " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid"
                      " WHERE t.relnamespace = 'public'::regnamespace AND NOT i.indisprimary");

    return text != NULL ? text : "";
}

/* How each ended: "i1 built, i2 waiting". */
static const char *ends(const struct sg_run_result *run)
{
    struct sg_json *indexes = sg_json_get(project_json(run), "indexes");
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(indexes); i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", project_text(sg_json_at(indexes, i), "name"),
                            project_text(sg_json_at(indexes, i), "end"));
    return text;
}

static struct sg_json *item(const struct sg_run_result *run, const char *name)
{
    struct sg_json *indexes = sg_json_get(project_json(run), "indexes");

    for (size_t i = 0; i < sg_json_count(indexes); i++)
        if (strcmp(project_text(sg_json_at(indexes, i), "name"), name) == 0)
            return sg_json_at(indexes, i);
    T_FATAL("nothing is said of %s:\n%s", name, run->out);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

static struct sg_run *start(struct project *project, const char *command, const char *option, const char *value)
{
    return project_start_args(project, (const char *const[]){command, option, value, NULL});
}

#define BUILDS "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND command = 'CREATE INDEX CONCURRENTLY'"

/* ---- order -------------------------------------------------------------------------- */

SG_TEST(all_are_built_and_then_nothing_is_done)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;
    const char *oids;

    project_write(project, one_each(3));
    run = project_must(project, 0, "index", "--strict", "--json");
    T_EQ_STR(ends(&run), "i1 built, i2 built, i3 built");
    T_EQ_STR(there(project), "i1 i2 i3");
    T_EQ_STR(states(project), "i1 valid, i2 valid, i3 valid");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.indexes WHERE owner IS NOT NULL"), 0);
    oids = sg_sql_rows(project->sql, "SELECT 'i1'::regclass::oid, 'i2'::regclass::oid, 'i3'::regclass::oid");
    run = project_must(project, 0, "index", "--strict", "--json");
    T_EQ_STR(ends(&run), "i1 already, i2 already, i3 already");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT 'i1'::regclass::oid, 'i2'::regclass::oid, 'i3'::regclass::oid"), oids);
    T_EQ_STR(sg_run_orphans(), "");
}

SG_TEST(by_priority)
{
    struct project *project = tables(sg_server_start("log_statement = ddl\n"));
    struct sg_run_result run;
    const char *log, *i1, *i2, *i3;

    project_write(project, sg_test_strf("%s%s%s", index_on("i1", "t1", "a", "priority = LOW\n"), index_on("i2", "t2", "a", ""),
                                        index_on("i3", "t3", "a", "priority = HIGH\n")));
    run = project_must(project, 0, "index", "--strict", "--json");
    T_EQ_STR(ends(&run), "i3 built, i2 built, i1 built");
    log = sg_server_log(project->server);
    i1 = strstr(log, "CONCURRENTLY i1");
    i2 = strstr(log, "CONCURRENTLY i2");
    i3 = strstr(log, "CONCURRENTLY i3");
    if (i1 == NULL) /* quoted */
        i1 = strstr(log, "CONCURRENTLY \"i1"), i2 = strstr(log, "CONCURRENTLY \"i2"), i3 = strstr(log, "CONCURRENTLY \"i3");
    T_MUST(i1 != NULL && i2 != NULL && i3 != NULL);
    T_TRUE(i3 < i2 && i2 < i1);
}

/* One that was made by hand is as good; it opens gates, in a database that has no state tables yet, too. */
SG_TEST(what_is_there_already)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE INDEX i1 ON t1 (a)");
    project_write(project, sg_test_strf("%s[migration s01]\nplugin = s01\nrequires = index:i1\noption.ddl1 = CREATE TABLE x ()\n"
                                        "option.table = x\n", index_on("i1", "t1", "a", "")));
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(ends(&run), "i1 already");
    T_EQ_STR(states(project), "i1 valid");
    (void)project_must(project, 0, "migrate");
    T_EQ_STR(project_ledger(project), "s01|applied");
}

/* An index waits for another: that opens its gate in the same run, while others are still at work. */
SG_TEST(one_opens_the_gate_of_another)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO t3 VALUES (1000)");
    struct sg_run *going;

    project_write(project, sg_test_strf("%s%s%s", index_on("i1", "t1", "a", "requires = index:i2\npriority = HIGH\n"),
                                        index_on("i2", "t2", "a", ""), index_on("i3", "t3", "a", "")));
    going = start(project, "index", "--jobs", "3");
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_index i WHERE i.indexrelid = to_regclass('i1') AND indisvalid", "1", 20000);
    sg_sql_await(project->sql, BUILDS, "1", 20000);
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(going, 20000).exit, 0);
    T_EQ_STR(there(project), "i1 i2 i3");
    run = project_must(project, 0, "index", "--strict", "--json");
    T_EQ_STR(ends(&run), "i1 already, i2 already, i3 already");
}

/* A gate is shut: it is said, nothing is built, nothing fails; one that is there is valid all the same. */
SG_TEST(shut_gates)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE INDEX i2 ON t2 (a)");
    project_write(project, sg_test_strf("%s%s[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE x ()\noption.table = x\n",
                                        index_on("i1", "t1", "a", "migration = s01\n"), index_on("i2", "t2", "a", "migration = s01\n")));
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(ends(&run), "i1 waiting, i2 already");
    T_CONTAINS(run.out, "migration:s01");
    T_EQ_STR(there(project), "i2");
    (void)project_must(project, 3, "index", "--strict");
    (void)project_must(project, 0, "migrate");
    run = project_must(project, 0, "index", "--strict", "--json");
    T_EQ_STR(ends(&run), "i1 built, i2 already");
}

/* The state follows what is there, also where nothing is built. */
SG_TEST(the_state_follows)
{
    struct project *project = tables(NULL);

    project_write(project, one_each(2));
    (void)project_must(project, 0, "index", "--strict");
    sg_sql_exec(project->sql, "DROP INDEX i1; DROP INDEX i2; CREATE INDEX i2 ON t2 (b)");
    project_write(project, sg_test_strf("%s%s[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE x ()\noption.table = x\n",
                                        index_on("i1", "t1", "a", "migration = s01\n"), index_on("i2", "t2", "a", "migration = s01\n")));
    (void)project_must(project, 0, "index");
    T_EQ_STR(states(project), "i1 missing, i2 drifted");
}

/* ---- several at once ----------------------------------------------------------------- */

/* Four at a time, on six tables; and nobody of ours has a transaction open but who builds. */
SG_TEST(as_many_as_jobs)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO t1 VALUES (1000); INSERT INTO t2 VALUES (1000); INSERT INTO t3 VALUES (1000);"
                                                           "INSERT INTO t4 VALUES (1000); INSERT INTO t5 VALUES (1000); INSERT INTO t6 VALUES (1000)");
    struct sg_run *run;

    project_write(project, one_each(6));
    run = start(project, "index", "--jobs", "4");
    sg_sql_await(project->sql, BUILDS, "4", 20000);
    for (int i = 0; i < 40; i++) {
        T_EQ_INT(sg_sql_int(project->sql, BUILDS), 4);
        T_EQ_STR(sg_sql_rows(project->sql, "SELECT pid, state, query FROM pg_stat_activity a WHERE datname = current_database()"
                                           " AND application_name LIKE 'sgrun%' AND state LIKE 'idle in transaction%'"), "");
        sg_test_sleep_ms(20);
    }
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(there(project), "i1 i2 i3 i4 i5 i6");
    T_EQ_STR(states(project), "i1 valid, i2 valid, i3 valid, i4 valid, i5 valid, i6 valid");
}

SG_TEST(never_two_on_one_table)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO t1 VALUES (1000); INSERT INTO t2 VALUES (1000)");
    struct sg_run *run;

    project_write(project, sg_test_strf("%s%s%s%s", index_on("i1", "t1", "a", ""), index_on("i2", "t1", "b", ""),
                                        index_on("i3", "public.t1", "b, a", ""), index_on("i4", "t2", "a", "")));
    run = start(project, "index", "--jobs", "4");
    sg_sql_await(project->sql, BUILDS, "2", 20000);
    for (int i = 0; i < 40; i++) {
        T_EQ_INT(sg_sql_int(project->sql, BUILDS), 2);
        T_EQ_INT(sg_sql_int(project->sql, "SELECT count(DISTINCT relid) FROM pg_stat_progress_create_index WHERE datname = current_database()"), 2);
        sg_test_sleep_ms(20);
    }
    sg_sql_close(holder);
    while (!sg_run_ended(run))
        T_LE_INT(sg_sql_int(project->sql, "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM pg_stat_progress_create_index"
                                          " WHERE datname = current_database() GROUP BY relid) x"), 1);
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(there(project), "i1 i2 i3 i4");
}

/* Nor on a partition and the table that it belongs to. */
SG_TEST(never_two_on_one_partitioned_table)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(project->sql, "CREATE TABLE p (id int, a int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);"
                              "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200); INSERT INTO p SELECT g, g FROM generate_series(0, 199) g");
    holder = sg_sql_hold(project->conninfo, "UPDATE p SET a = a; INSERT INTO t1 VALUES (1000)");
    project_write(project, sg_test_strf("%s%s%s%s", index_on("i1", "p", "a", ""), index_on("i2", "p1", "id", ""), index_on("i3", "p2", "id", ""),
                                        index_on("i4", "t1", "a", "")));
    run = start(project, "index", "--jobs", "4");
    sg_sql_await(project->sql, BUILDS, "2", 20000);
    for (int i = 0; i < 20; i++) {
        T_EQ_INT(sg_sql_int(project->sql, BUILDS), 2);
        sg_test_sleep_ms(20);
    }
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    (void)project_must(project, 0, "index", "--strict");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
}

/* Each build may use maintenance_work_mem: memory_mb is not exceeded, and it is said why. */
SG_TEST(as_many_as_memory_holds)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;

    sg_sql_execf(project->sql, "ALTER DATABASE %s SET maintenance_work_mem = '300MB'", project->db);
    project_write(project, sg_test_strf("[indexes]\njobs = 4\nmemory_mb = 700\n%s", one_each(4)));
    run = project_must(project, 0, "index", "--strict");
    T_CONTAINS(run.err, "2 indexes are built at a time, not 4");
    T_CONTAINS(run.err, "300 MB");
    T_EQ_INT(count(run.err, "at a time"), 1);
}

/* ---- two runners ----------------------------------------------------------------------- */

static const char *six_on_three(void)
{
    return sg_test_strf("%s%s%s%s%s%s", index_on("i1", "t1", "a", ""), index_on("i2", "t1", "b", "unique = yes\n"), index_on("i3", "t2", "a", ""),
                        index_on("i4", "t2", "b", ""), index_on("i5", "t3", "a", "where = a > 3\n"), index_on("i6", "t3", "lower(b)", ""));
}

static void two_at_once(bool pooled, bool direct, const char *jobs)
{
    for (int turn = 0; turn < (sg_test_full() ? 10 : 2); turn++) {
        struct project *project = tables(sg_server_start("log_statement = ddl\n"));
        struct sg_run *one, *two;
        struct sg_run_result first, second;
        const char *log;

        if (pooled) {
            struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
                .dir = sg_server_dir(project->server), .port = sg_server_port(project->server)});

            if (direct) {
                project_set(project, "SGTEST_DIRECT", project->dsn);
                project->database = "direct_dsn = ${SGTEST_DIRECT}\n";
            }
            project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
        }
        project_write(project, six_on_three());
        one = start(project, "index", "--jobs", jobs);
        two = start(project, "index", "--jobs", jobs);
        first = sg_run_wait(one, 60000);
        second = sg_run_wait(two, 60000);
        sg_test_check(SG_HERE_, false, first.exit == 0 && second.exit == 0, "exit %d and %d; they said:\n%s%s\n----\n%s%s", first.exit,
                      second.exit, first.out, first.err, second.out, second.err);
        T_EQ_STR(there(project), "i1 i2 i3 i4 i5 i6");
        T_EQ_STR(states(project), "i1 valid, i2 valid, i3 valid, i4 valid, i5 valid, i6 valid");
        log = sg_server_log(project->server);
        T_EQ_INT(count(log, "CREATE INDEX CONCURRENTLY") + count(log, "CREATE UNIQUE INDEX CONCURRENTLY"), 6);
        T_EQ_INT(count(log, "DROP INDEX"), 0);
        T_LACKS(log, "deadlock detected");
        (void)project_must(project, 0, "index", "--strict");
    }
}

SG_TEST(two_runners_directly)
{
    two_at_once(false, false, "1");
    two_at_once(false, false, "3");
}

SG_TEST(two_runners_pooled)
{
    two_at_once(true, false, "3");
}

SG_TEST(two_runners_pooled_with_a_direct_dsn)
{
    two_at_once(true, true, "3");
}

/* ---- what cannot be built ------------------------------------------------------------ */

/* A section that is refused is told; what requires it waits, the others are built. */
SG_TEST(a_refused_section)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s", index_on("i1", "t1", "a; DROP TABLE t2", ""), index_on("i2", "t2", "a", "requires = index:i1\n"),
                                        index_on("i3", "t3", "a", "")));
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(ends(&run), "i1 refused, i2 waiting, i3 built");
    T_CONTAINS(project_text(sg_json_get(item(&run, "i1"), "error"), "class"), "refused");
    T_EQ_STR(there(project), "i3");
    (void)project_must(project, 6, "index", "--strict");
}

SG_TEST(one_alone)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;

    project_write(project, one_each(3));
    run = project_must(project, 0, "index", "--only", "i2", "--strict", "--json");
    T_EQ_STR(ends(&run), "i2 built");
    T_EQ_STR(there(project), "i2");
    run = project_must(project, 2, "index", "--only", "i22");
    T_CONTAINS(run.err, "i22");
    T_CONTAINS(run.err, "i2");
}

/* A table that is not there, a column that is not there, another definition: said, left alone, the others are built. */
SG_TEST(what_is_wrong_is_said)
{
    struct project *project = tables(NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE INDEX i3 ON t3 (b)");
    project_write(project, sg_test_strf("%s%s%s%s", index_on("i1", "nowhere", "a", ""), index_on("i2", "t2", "nothing", ""),
                                        index_on("i3", "t3", "a", ""), index_on("i4", "t4", "a", "")));
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(ends(&run), "i1 failed, i2 failed, i3 drifted, i4 built");
    T_EQ_STR(project_text(sg_json_get(item(&run, "i1"), "error"), "sqlstate"), "42P01");
    T_EQ_STR(project_text(sg_json_get(item(&run, "i2"), "error"), "sqlstate"), "42703");
    T_CONTAINS(project_text(sg_json_get(item(&run, "i3"), "error"), "detail"), "(b)");
    T_EQ_STR(there(project), "i3 i4");
    T_EQ_STR(sg_sql_value(project->sql, "SELECT pg_get_indexdef('i3'::regclass)"), "CREATE INDEX i3 ON public.t3 USING btree (b)");
    (void)project_must(project, 3, "index", "--strict");
}

/* A locked table keeps nobody else waiting, and is waited for. */
SG_TEST(a_locked_table)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "LOCK TABLE t1 IN ACCESS EXCLUSIVE MODE");
    struct sg_run *run;

    project_write(project, one_each(3));
    run = start(project, "index", "--jobs", "2");
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_index i WHERE i.indexrelid IN (to_regclass('i2'), to_regclass('i3')) AND indisvalid",
                 "2", 20000);
    sg_run_goes_on(run);
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(run, 20000).exit, 0);
    T_EQ_STR(there(project), "i1 i2 i3");
}

/* ---- the end comes early --------------------------------------------------------------- */

/* The first signal ends it within seconds: what the builds wait for is somebody's snapshot, so that their carcasses can be dropped. What was not
 * begun is left. */
static void stopped_by(int signal)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
    struct sg_run *run;

    project_write(project, one_each(4));
    run = start(project, "index", "--jobs", "2");
    sg_sql_await(project->sql, BUILDS " AND phase = 'waiting for old snapshots'", "2", 20000);
    sg_run_signal(run, signal);
    T_EQ_INT(sg_run_wait(run, 10000).exit, 128 + signal);
    T_EQ_STR(sg_run_orphans(), "");
    T_EQ_STR(there(project), "");
    sg_sql_close(holder);
    (void)project_must(project, 0, "index", "--strict");
    T_EQ_STR(there(project), "i1 i2 i3 i4");
}

/* A carcass that somebody's transaction keeps from being dropped is told, and the next run sees to it. */
SG_TEST(stopped_while_a_writer_is_waited_for)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO t1 VALUES (1000)");
    struct sg_run *run;
    struct sg_run_result result;

    project_write(project, one_each(1));
    run = start(project, "index", "--jobs", "2");
    sg_sql_await(project->sql, BUILDS " AND phase LIKE 'waiting for writers%'", "1", 20000);
    sg_run_signal(run, SIGTERM);
    result = sg_run_wait(run, 20000);
    T_EQ_INT(result.exit, 128 + SIGTERM);
    T_CONTAINS(there(project), "i1_ccold"); /* its name was taken from it before the drop: it is told by the new one */
    T_CONTAINS(sg_test_strf("%s%s", result.out, result.err), sg_test_strf("%.*s", (int)strcspn(there(project), "!"), there(project)));
    T_CONTAINS(sg_test_strf("%s%s", result.out, result.err), "invalid");
    sg_sql_close(holder);
    (void)project_must(project, 0, "index", "--strict");
    T_EQ_STR(there(project), "i1");
}

SG_TEST(stopped)
{
    stopped_by(SIGINT);
    stopped_by(SIGTERM);
}

/* max_seconds is one build's: the next one is tried. */
SG_TEST(one_takes_too_long)
{
    struct project *project = tables(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO t1 VALUES (1000)");
    struct sg_run_result run;

    project_write(project, sg_test_strf("[indexes]\nmax_seconds = 2\n%s", one_each(2)));
    run = project_must(project, 0, "index", "--json");
    T_LT_INT(run.ms, 15000);
    T_EQ_STR(project_text(item(&run, "i2"), "end"), "built");
    T_EQ_STR(project_text(item(&run, "i1"), "end"), "failed");
    sg_sql_close(holder);
    (void)project_must(project, 0, "index", "--strict");
    T_EQ_STR(there(project), "i1 i2");
}

/* The server goes away for good: what was to come is not tried, each for as long as that. */
SG_TEST(the_server_stays_away)
{
    struct project *project = tables(sg_server_start(NULL));
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO t1 VALUES (1000)");
    struct sg_run *run;
    struct sg_run_result result;

    project->sgrun = "lease_seconds = 2";
    project->policy = "retry_seconds = 2\nidle_seconds = 1";
    project_write(project, one_each(4));
    run = project_start_args(project, (const char *const[]){"index", "--json", NULL});
    sg_sql_await(project->sql, BUILDS, "1", 20000);
    sg_sql_close(holder);
    sg_sql_close(project->sql);
    sg_server_stop(project->server, SG_STOP_FAST);
    result = sg_run_wait(run, 30000);
    T_LT_INT(result.ms, 15000);
    sg_test_check(SG_HERE_, false, result.exit == 0, "exit %d:\n%s%s", result.exit, result.out, result.err);
    sg_server_restart(project->server);
    project->sql = sg_sql_open(project->conninfo);
    (void)project_must(project, 0, "index", "--strict");
    T_EQ_STR(there(project), "i1 i2 i3 i4");
}

/* On a standby nothing can be built, and one that finds it out is enough. */
SG_TEST(a_standby)
{
    struct project *project = tables(sg_server_start(NULL));
    struct sg_run_result result;

    project->policy = "retry_seconds = 3";
    project_write(project, one_each(1));
    (void)project_must(project, 0, "index", "--strict");
    project_write(project, one_each(6));
    sg_sql_close(project->sql);
    sg_server_be_standby(project->server, true);
    result = sg_run_wait(project_start_args(project, (const char *const[]){"index", "--json", NULL}), 60000);
    sg_test_check(SG_HERE_, false, result.exit == 0, "exit %d:\n%s%s", result.exit, result.out, result.err);
    T_LT_INT(result.ms, 15000); /* each for itself, they would take 18 s */
    T_CONTAINS(result.out, "\"end\": \"left\"");
}

static const struct sg_test tests[] = {SG_CASE(all_are_built_and_then_nothing_is_done),
                                       SG_CASE(by_priority),
                                       SG_CASE(what_is_there_already),
                                       SG_CASE(one_opens_the_gate_of_another),
                                       SG_CASE(shut_gates),
                                       SG_CASE(the_state_follows),
                                       SG_CASE(as_many_as_jobs),
                                       SG_CASE(never_two_on_one_table),
                                       SG_CASE(never_two_on_one_partitioned_table),
                                       SG_CASE(as_many_as_memory_holds),
                                       SG_CASE_SECONDS(two_runners_directly, 600),
                                       SG_CASE_SECONDS(two_runners_pooled, 600),
                                       SG_CASE_SECONDS(two_runners_pooled_with_a_direct_dsn, 600),
                                       SG_CASE(a_refused_section),
                                       SG_CASE(one_alone),
                                       SG_CASE(what_is_wrong_is_said),
                                       SG_CASE(a_locked_table),
                                       SG_CASE(stopped),
                                       SG_CASE(stopped_while_a_writer_is_waited_for),
                                       SG_CASE(one_takes_too_long),
                                       SG_CASE(the_server_stays_away),
                                       SG_CASE(a_standby),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"index_phase", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
