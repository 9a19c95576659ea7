/*
 * Indexes of partitioned tables, killed, cut off and signalled while a partition's is built, with partitions that have an equal
 * or a broken index already, that come meanwhile, and several levels: in the end the topmost is valid, each partition has
 * exactly one, and the application was never locked out for longer than a moment.
 */
#include "config.h"

#include "tests/db/both_ways.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NAME "parted_idx"
#define SECTION "[index " NAME "]\ntable = parted\ncolumns = gate(a) slow_ops, at\n"

/* Two levels: four leaves, of which parted_2a holds the row at the gate. */
static struct site *fresh(enum way way, const char *lines)
{
    static struct site site;

    site_open(&site, way, false);
    sg_sql_exec(site.sql,
                "CREATE TABLE parted (id bigint NOT NULL, a int NOT NULL, at int NOT NULL) PARTITION BY RANGE (at);"
                "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);"
                "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (200) PARTITION BY LIST (at);"
                "CREATE TABLE parted_2a PARTITION OF parted_2 FOR VALUES IN (150);"
                "CREATE TABLE parted_2b PARTITION OF parted_2 DEFAULT;"
                "CREATE TABLE \"Parted 3\" PARTITION OF parted FOR VALUES FROM (200) TO (300);"
                "INSERT INTO parted SELECT i, i, i FROM generate_series(1, 299) i;"
                "INSERT INTO parted VALUES (0, -1, 150); ANALYZE parted");
    site_manifest(&site, lines);
    return &site;
}

static void shut(struct site *site, struct sg_sql **holder)
{
    *holder = sg_sql_open(site->direct);
    sg_sql_exec(*holder, "SELECT pg_advisory_lock(77)");
}

/* Every table of the tree has one index with our key, all are valid, and the parents' own them. */
static void whole(struct site *site, const char *what)
{
    const char *bad = sg_sql_rows(site->sql,
        "SELECT t.relid, count(x.indexrelid), bool_and(x.indisvalid) FROM pg_partition_tree('parted') t"
        " LEFT JOIN pg_index x ON x.indrelid = t.relid AND pg_get_indexdef(x.indexrelid) LIKE '%gate(a) slow_ops, at%'"
        " GROUP BY t.relid HAVING count(x.indexrelid) <> 1 OR NOT bool_and(x.indisvalid)");
    const char *loose = sg_sql_rows(site->sql,
        "SELECT x.indexrelid::regclass FROM pg_partition_tree('parted') t JOIN pg_index x ON x.indrelid = t.relid"
        " WHERE t.parentrelid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = x.indexrelid)");

    if (*bad != '\0')
        T_FAIL("%s: not one valid index each (table|indexes|valid):\n%s", what, bad);
    if (*loose != '\0')
        T_FAIL("%s: attached to nothing:\n%s", what, loose);
}

static void await_gate(struct site *site)
{
    sg_sql_await(site->sql, "SELECT count(*) FROM pg_stat_progress_create_index WHERE relid = 'parted_2a'::regclass"
                            " AND phase = 'building index: scanning table'", "1", 20000);
}

BOTH_WAYS(built_and_left)
{
    struct site *site = fresh(way, SECTION);
    struct sg_run_result run = site_run(site, "index");

    T_EQ_INT(run.exit, 0);
    site_settle(site, NAME, "partitioned");
    whole(site, "partitioned");
    sg_proxy_forget(site->proxy);
    T_LACKS(site_run(site, "index").out, "built");
    T_LACKS(sg_proxy_statements(site->proxy), "CONCURRENTLY");
    T_LACKS(sg_proxy_statements(site->proxy), "ATTACH");
    /* a new partition gets its own by the server, and that is fine */
    sg_sql_exec(site->sql, "CREATE TABLE parted_4 PARTITION OF parted FOR VALUES FROM (300) TO (400)");
    site_settle(site, NAME, "a new partition");
    whole(site, "a new partition");
}

/* One has an equal one of another name, one a broken one of ours, the parent an invalid one that somebody made ON ONLY. */
BOTH_WAYS(what_is_there_is_taken)
{
    struct site *site = fresh(way, SECTION);
    const char *oid;
    struct sg_sql *holder, *other = sg_sql_open(site->direct);

    sg_sql_exec(site->sql, "CREATE INDEX eva_idx ON parted_1 (gate(a) slow_ops, at)");
    oid = sg_sql_value(site->sql, "SELECT 'eva_idx'::regclass::oid");
    shut(site, &holder);
    sg_sql_exec(other, "SET client_min_messages = error");
    sg_sql_send(other, "CREATE INDEX CONCURRENTLY broken_idx ON parted_2a (gate(a) slow_ops, at)");
    await_gate(site);
    sg_sql_cancel(other);
    T_EQ_STR(sg_sql_finish(other, 20000), "57014");
    sg_sql_close(holder);
    sg_sql_exec(site->sql, "DROP INDEX broken_idx; CREATE INDEX " NAME " ON ONLY parted (gate(a) slow_ops, at)");
    site_settle(site, NAME, "some are there");
    whole(site, "some are there");
    T_EQ_STR(sg_sql_value(site->sql, "SELECT 'eva_idx'::regclass::oid"), oid);
}

enum blow { KILL, KILL_ALL, KILL_BUILDER, TERMINATE, CUT, INT, TERM_TWICE, BLOWS };
static const char *const names[BLOWS] = {"sgrun killed", "all killed", "builder killed", "backend terminated", "connections cut",
                                         "SIGINT", "SIGTERM twice"};

static void strike(struct site *site, struct sg_run *run, enum blow blow)
{
    pid_t builders[8];
    size_t count = sg_run_lanes(run, builders, 8);

    switch (blow) {
    case KILL_ALL:
    case KILL:
        sg_run_signal(run, SIGKILL);
        for (size_t i = 0; blow == KILL_ALL && i < count; i++)
            (void)kill(builders[i], SIGKILL);
        break;
    case KILL_BUILDER:
        T_MUST(count > 0);
        (void)kill(builders[0], SIGKILL);
        break;
    case TERMINATE:
        sg_sql_exec(site->sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index");
        break;
    case CUT:
        sg_proxy_cut(site->proxy);
        break;
    case INT:
        sg_run_signal(run, SIGINT);
        break;
    case TERM_TWICE:
        sg_run_signal(run, SIGTERM);
        sg_test_sleep_ms(200);
        sg_run_signal(run, SIGTERM);
        break;
    case BLOWS:
        break;
    }
}

BOTH_WAYS(killed_at_a_partition)
{
    struct site *site = fresh(way, SECTION);
    int hits = 0;

    for (int blow = 0; blow < BLOWS; blow++) {
        struct sg_sql *holder;
        struct sg_run *run;
        struct sg_run_result result;

        shut(site, &holder);
        run = site_start(site, "index");
        await_gate(site);
        strike(site, run, (enum blow)blow);
        if (blow == KILL_BUILDER || blow == TERMINATE || blow == CUT) {
            sg_test_sleep_ms(300);
            sg_sql_close(holder);
            holder = NULL;
        }
        result = site_end(site, run, names[blow]);
        sg_sql_close(holder);
        T_EQ_INT(result.signal != 0 ? -result.signal : result.exit,
                 blow == KILL || blow == KILL_ALL ? -SIGKILL : blow == INT ? 130 : blow == TERM_TWICE ? 143 : 0);
        if (result.exit == 0)
            whole(site, names[blow]);
        site_settle(site, NAME, names[blow]);
        whole(site, names[blow]);
        hits++;
        sg_sql_exec(site->sql, "DROP INDEX " NAME "; DELETE FROM sgrun.indexes");
    }
    T_EQ_INT(hits, BLOWS);
}

/* Cut at each statement, or some: the transaction that attaches included. */
BOTH_WAYS(cut_at_any_statement)
{
    static const enum sg_fault faults[] = {SG_FAULT_DROP_REQUEST, SG_FAULT_DROP_REPLY, SG_FAULT_CUT_NOW};
    struct site *site = fresh(way, SECTION);
    int count, hits = 0;

    T_EQ_INT(site_run(site, "index").exit, 0);
    sg_sql_exec(site->sql, "DROP INDEX " NAME "; DELETE FROM sgrun.indexes");
    sg_proxy_forget(site->proxy);
    T_EQ_INT(site_run(site, "index").exit, 0);
    count = sg_proxy_count(site->proxy);
    for (int i = 0; i < (sg_test_full() ? 3 * count : 4); i++) {
        int nth = sg_test_full() ? 1 + i / 3 : 1 + (int)sg_test_rand((uint64_t)count);
        enum sg_fault fault = faults[sg_test_full() ? i % 3 : (int)sg_test_rand(3)];
        const char *what = sg_test_strf("statement %d, fault %d", nth, (int)fault);
        struct sg_run_result run;

        sg_sql_exec(site->sql, "DROP INDEX IF EXISTS " NAME "; DELETE FROM sgrun.indexes");
        sg_proxy_forget(site->proxy);
        sg_proxy_arm(site->proxy, &(struct sg_proxy_rule){.fault = fault, .nth = nth});
        run = site_end(site, site_start(site, "index"), what);
        sg_proxy_disarm(site->proxy);
        hits += sg_proxy_hits(site->proxy) > 0;
        if (run.exit != 0 || strcmp(site_index(site, NAME), "valid") != 0)
            T_FAIL("%s: exit status %d, index %s:\n%s\n%s", what, run.exit, site_index(site, NAME), site_said(run),
                   sg_proxy_statements(site->proxy));
        whole(site, what);
        site_quiet(site, what);
    }
    printf("%d cuts hit, of %d statements\n", hits, count);
    T_GE_INT(hits, 1); /* how often a run asks depends on how long it takes, so the last statements may not come */
}

/* While a partition waits for its gate, the others serve writers and readers; so does the moment in which all are attached. */
BOTH_WAYS(the_application_goes_on)
{
    struct site *site = fresh(way, SECTION);
    struct sg_sql *holder, *app = sg_sql_open(site->direct), *reader;
    struct sg_run *run;
    int64_t slowest = 0;
    int done = 0;

    shut(site, &holder);
    run = site_start(site, "index");
    await_gate(site);
    reader = sg_sql_hold(site->direct, "SELECT 1 FROM parted LIMIT 1"); /* a long transaction that has read it */
    sg_sql_exec(app, "SET statement_timeout = '5s'");
    for (int i = 0; i < 2000 && !sg_run_ended(run); i++) {
        int64_t began = sg_test_now_ms(), took;

        sg_sql_execf(app, "INSERT INTO parted VALUES (%d, %d, %d)", 1000 + i, 1000 + i, i % 300);
        took = sg_test_now_ms() - began;
        slowest = took > slowest ? took : slowest;
        done++;
        if (i == 50)
            sg_sql_close(holder);
        sg_test_sleep_ms(2);
        if (i == 1200)
            sg_sql_close(reader);
    }
    T_EQ_INT(site_end(site, run, "the application").exit, 0);
    site_settle(site, NAME, "the application");
    whole(site, "the application");
    printf("%d inserts meanwhile, the slowest took %lld ms\n", done, (long long)slowest);
    T_GT_INT(done, 50);
    T_LT_INT(slowest, 4000);
}

/* The server builds a partition's to its end, and its answer is lost: nothing is waited for, and nothing is called left behind. */
BOTH_WAYS(an_answer_that_is_lost)
{
    struct site *site = fresh(way, SECTION);
    struct sg_run_result run;

    sg_proxy_arm(site->proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REPLY, .match = "CREATE INDEX CONCURRENTLY"});
    run = site_end(site, site_start(site, "index"), "answer lost");
    T_EQ_INT(run.exit, 0);
    T_LT_INT(run.ms, 15000);
    T_LACKS(site_said(run), "invalid");
    site_settle(site, NAME, "answer lost");
    whole(site, "answer lost");
}

/* In the middle of a partition's: nobody dies of it, and the next run goes on. */
SG_TEST(the_server_is_stopped)
{
    static struct site site;
    struct sg_run_result result;
    struct sg_sql *holder;
    struct sg_run *run;

    site_open(&site, WAY_DIRECT, true);
    sg_sql_exec(site.sql, "CREATE TABLE parted (id bigint NOT NULL, a int NOT NULL, at int NOT NULL) PARTITION BY RANGE (at);"
                          "CREATE TABLE parted_2a PARTITION OF parted FOR VALUES FROM (0) TO (300);"
                          "INSERT INTO parted VALUES (0, -1, 150)");
    site_manifest(&site, SECTION);
    shut(&site, &holder);
    run = site_start(&site, "index");
    await_gate(&site);
    sg_sql_close(holder);
    sg_sql_close(site.sql);
    sg_server_stop(site.server, SG_STOP_FAST);
    result = sg_run_wait(run, 60000);
    T_EQ_INT(result.exit, 0);
    T_LACKS(result.err, "died");
    sg_server_restart(site.server);
    site.sql = sg_sql_open(site.direct);
    site_settle(&site, NAME, "the server was stopped");
    whole(&site, "the server was stopped");
}

static const struct sg_test tests[] = {BOTH_CASES(built_and_left), BOTH_CASES(what_is_there_is_taken),
                                       BOTH_CASES(killed_at_a_partition), SG_CASE_SECONDS(cut_at_any_statement_direct, 1200),
                                       SG_CASE_SECONDS(cut_at_any_statement_pooled, 1200), BOTH_CASES(the_application_goes_on),
                                       BOTH_CASES(an_answer_that_is_lost), SG_CASE(the_server_is_stopped), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_parts", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
