/*
 * The parts of the test kit that tests of faults rest on, against real servers: that servers start, end and come back, that
 * PgBouncer pools, and that each fault of the proxy does what it says, no more and no less.
 */
#include "config.h"

#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <string.h>
#include <sys/stat.h>

/* ---- servers ---- */

SG_TEST(a_server_starts_and_stops)
{
    struct sg_server *server = sg_server_start("work_mem = '5MB'");
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    struct stat st;

    T_EQ_STR(sg_sql_value(sql, "SHOW work_mem"), "5MB");
    T_EQ_STR(sg_sql_value(sql, "SHOW listen_addresses"), "");
    T_EQ_INT(sg_sql_int(sql, "SHOW server_version_num") / 10000, sg_server_version());
    T_EQ_INT(stat(sg_server_dir(server), &st), 0);
    T_EQ_INT(st.st_mode & 0777, 0700);
    T_NE_INT(st.st_uid, 0);
    sg_server_stop(server, SG_STOP_FAST);
    T_EQ_INT(sg_server_pid(server), 0);
    T_NULL(sg_sql_try_open(sg_server_conninfo(server, "postgres", NULL), NULL));
    T_CONTAINS(sg_server_log(server), "database system is shut down");
}

SG_TEST(a_server_keeps_its_data_over_a_crash)
{
    struct sg_server *server = sg_server_start("fsync = on");
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    struct sg_sql *other = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));

    sg_sql_exec(sql, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
    sg_sql_exec(other, "BEGIN; INSERT INTO t VALUES (2)");
    sg_sql_send(sql, "SELECT pg_sleep(100)");
    sg_server_kill(server);
    T_EQ_STR(sg_sql_finish(sql, 20000), "lost");
    sg_server_restart(server);
    sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    T_EQ_STR(sg_sql_rows(sql, "SELECT n FROM t"), "1");
    T_MUST(sg_server_kill_backend(server, sg_sql_pid(sql)));
    sg_sql_expect(sql, "SELECT 1", "lost");
    sg_server_restart(server);
    sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    T_EQ_STR(sg_sql_rows(sql, "SELECT n FROM t"), "1");
}

SG_TEST(databases_are_fresh)
{
    struct sg_server *server = sg_server_shared();
    const char *one = sg_server_new_db(server);
    const char *two = sg_server_new_db(server);
    struct sg_sql *sql = sg_sql_open(sg_server_url(server, one, NULL));

    T_NE_STR(one, two);
    T_EQ_STR(sg_sql_value(sql, "SELECT current_database()"), one);
    sg_sql_exec(sql, "CREATE TABLE t ()");
    sql = sg_sql_open(sg_server_conninfo(server, two, NULL));
    T_NULL(sg_sql_value(sql, "SELECT to_regclass('t')"));
}

/* ---- sessions ---- */

SG_TEST(sessions_hold_and_wait)
{
    struct sg_server *server = sg_server_shared();
    const char *at = sg_server_conninfo(server, sg_server_new_db(server), NULL);
    struct sg_sql *sql = sg_sql_open(at);
    struct sg_sql *waiter = sg_sql_open(at);
    struct sg_sql *holder;
    int pid = sg_sql_pid(waiter);

    sg_sql_exec(sql, "CREATE TABLE t (n int)");
    holder = sg_sql_hold(at, "LOCK TABLE t IN ACCESS SHARE MODE");
    sg_sql_send(waiter, "ALTER TABLE t ADD COLUMN m int");
    sg_sql_await_queued(sql, "t", 20000);
    sg_sql_await_waiting(sql, pid, 20000);
    T_TRUE(sg_sql_busy(waiter));
    T_NULL(sg_sql_finish(waiter, 20));
    sg_sql_exec(holder, "COMMIT");
    T_EQ_STR(sg_sql_finish(waiter, 20000), "");
    sg_sql_send(waiter, "SELECT pg_sleep(100)");
    /* a request to cancel that is there before the statement cancels nothing */
    sg_sql_await(sql, sg_test_strf("SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event = 'PgSleep'", pid), "1", 20000);
    sg_sql_cancel(waiter);
    T_EQ_STR(sg_sql_finish(waiter, 20000), "57014");
    sg_sql_expect(sql, "SELECT 1/0", "22012");
    T_CONTAINS(sg_sql_message(sql), "division by zero");
    T_EQ_STR(sg_sql_rows(sql, "VALUES (1, NULL), (2, 'x')"), "1|\n2|x");
    sg_sql_close(holder);
    sg_sql_close(waiter);
    sg_sql_await_alone(sql, 20000);
}

/* ---- PgBouncer ---- */

SG_TEST(pgbouncer_pools_transactions)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    static const char *const roles[] = {"kit_mig", NULL};
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
        .dir = sg_server_dir(server), .port = sg_server_port(server), .roles = roles, .pool_size = 2, .tcp = true});
    struct sg_sql *direct = sg_sql_open(sg_server_conninfo(server, db, NULL));
    struct sg_sql *one = sg_sql_open(sg_pgbouncer_conninfo(bouncer, db, NULL));
    struct sg_sql *two = sg_sql_open(sg_pgbouncer_url(bouncer, db, NULL));
    struct sg_sql *tcp;
    int first;

    sg_sql_exec(one, "BEGIN");
    sg_sql_exec(two, "BEGIN");
    first = sg_sql_pid(one);
    T_NE_INT(first, sg_sql_pid(two)); /* two transactions at once: two backends */
    sg_sql_exec(one, "COMMIT");
    sg_sql_exec(two, "COMMIT");
    sg_sql_exec(two, "BEGIN"); /* it gets the one that was given back last, or first: one of the two */
    sg_sql_exec(one, "BEGIN");
    T_NE_INT(sg_sql_pid(one), sg_sql_pid(two));
    sg_sql_exec(one, "COMMIT");
    sg_sql_exec(two, "COMMIT");
    T_EQ_INT(sg_sql_int(direct, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                                " AND backend_type = 'client backend'"),
             2);
    sg_sql_exec(direct, "DO $$ BEGIN CREATE ROLE kit_mig LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    tcp = sg_sql_open(sg_pgbouncer_tcp_conninfo(bouncer, db, "kit_mig"));
    T_EQ_STR(sg_sql_value(tcp, "SELECT current_user"), "kit_mig");
    sg_pgbouncer_kill(bouncer);
    sg_sql_expect(one, "SELECT 1", "lost");
    sg_pgbouncer_restart(bouncer);
    one = sg_sql_open(sg_pgbouncer_conninfo(bouncer, db, NULL));
    T_EQ_INT(sg_sql_int(one, "SELECT 1"), 1);
    T_CONTAINS(sg_sql_rows(sg_sql_open(sg_pgbouncer_conninfo(bouncer, "pgbouncer", NULL)), "SHOW POOLS"), db);
    sg_pgbouncer_stop(bouncer);
    T_EQ_INT(sg_pgbouncer_pid(bouncer), 0);
}

SG_TEST(pgbouncer_gives_up_waiting)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
        .dir = sg_server_dir(server), .port = sg_server_port(server), .pool_size = 1, .query_wait_timeout = 1});
    const char *at = sg_pgbouncer_conninfo(bouncer, db, NULL);
    struct sg_sql *two;

    (void)sg_sql_hold(at, "SELECT 1");
    two = sg_sql_open(at);
    sg_sql_send(two, "SELECT 1");
    T_EQ_STR(sg_sql_finish(two, 10000), "08P01");
}

/* ---- the proxy ---- */

/* A table, a proxy before its server, a session through it, and one past it. */
struct scene {
    struct sg_server *server;
    const char *db;
    struct sg_proxy *proxy;
    const char *at; /* through the proxy */
    struct sg_sql *sql, *direct;
};

static struct scene set_scene(void)
{
    struct scene s = {.server = sg_server_shared()};

    s.db = sg_server_new_db(s.server);
    s.direct = sg_sql_open(sg_server_conninfo(s.server, s.db, NULL));
    sg_sql_exec(s.direct, "CREATE TABLE t (n int)");
    s.proxy = sg_proxy_start(sg_server_dir(s.server), sg_server_port(s.server));
    s.at = sg_test_strf("%s application_name=kit", sg_proxy_conninfo(s.proxy, s.db, NULL));
    s.sql = sg_sql_open(s.at);
    return s;
}

/* Inserts a row through the proxy and commits it, with a fault armed at COMMIT; gives what COMMIT came to. */
static const char *commit_under(struct scene *s, enum sg_fault fault)
{
    sg_proxy_arm(s->proxy, &(struct sg_proxy_rule){.fault = fault, .match = "COMMIT", .whole = true});
    sg_sql_exec(s->sql, "BEGIN");
    sg_sql_exec(s->sql, "INSERT INTO t VALUES (1)");
    return sg_sql_try(s->sql, "COMMIT");
}

/* The rows there once the session's backend is gone. */
static int rows_after(struct scene *s)
{
    sg_sql_await_alone(s->direct, 10000);
    return (int)sg_sql_int(s->direct, "SELECT count(*) FROM t");
}

SG_TEST(the_proxy_passes_everything)
{
    struct scene s = set_scene();
    const char *big = sg_test_strf("SELECT length('%0300000d')", 7);

    T_EQ_INT(sg_sql_int(s.sql, big), 300000);
    T_EQ_INT(strlen(sg_sql_value(s.sql, "SELECT repeat('y', 5000000)")), 5000000);
    sg_sql_expect(s.sql, "SELECT 1/0", "22012");
    sg_sql_send(s.sql, "SELECT pg_sleep(100)");
    sg_sql_await(s.direct, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = 'kit'", "1", 20000);
    sg_sql_cancel(s.sql); /* a connection of its own, with a request that has no type */
    T_EQ_STR(sg_sql_finish(s.sql, 20000), "57014");
    T_EQ_INT(sg_proxy_count(s.proxy), 4);
    T_EQ_STR(sg_proxy_statement(s.proxy, 2), "SELECT 1/0");
    T_NULL(sg_proxy_statement(s.proxy, 4));
    T_CONTAINS(sg_proxy_statements(s.proxy), "\n3 SELECT 1/0\n");
    T_EQ_INT(sg_proxy_accepted(s.proxy), 2);
    sg_proxy_forget(s.proxy);
    T_EQ_INT(sg_proxy_count(s.proxy), 0);
    sg_sql_close(s.sql);
    sg_sql_await_alone(s.direct, 20000);
    for (int i = 0; i < 500 && sg_proxy_open(s.proxy) > 0; i++)
        sg_test_sleep_ms(10); /* the server's side is gone, the proxy has yet to see it */
    T_EQ_INT(sg_proxy_open(s.proxy), 0);
}

SG_TEST(drop_request_loses_the_commit)
{
    struct scene s = set_scene();

    T_EQ_STR(commit_under(&s, SG_FAULT_DROP_REQUEST), "lost");
    T_EQ_INT(rows_after(&s), 0);
    T_EQ_INT(sg_proxy_hits(s.proxy), 1);
    T_EQ_INT(sg_proxy_count(s.proxy), 3);
}

SG_TEST(drop_reply_commits)
{
    struct scene s = set_scene();

    T_EQ_STR(commit_under(&s, SG_FAULT_DROP_REPLY), "lost");
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 1); /* at once: it was cut after the answer */
    T_EQ_INT(sg_proxy_hits(s.proxy), 1);
}

SG_TEST(cut_now_does_not_wait)
{
    struct scene s = set_scene();

    sg_sql_exec(s.direct, "SELECT pg_advisory_lock(1); CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                          " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;"
                          "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                          " EXECUTE FUNCTION slow()");
    T_EQ_STR(commit_under(&s, SG_FAULT_CUT_NOW), "lost");
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 0); /* still at it, for as long as we want */
    sg_sql_exec(s.direct, "SELECT pg_advisory_unlock(1)");
    T_EQ_INT(rows_after(&s), 1);
}

SG_TEST(a_hole_says_nothing)
{
    struct scene s = set_scene();

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_HOLE, .match = "COMMIT"});
    sg_sql_exec(s.sql, "BEGIN; INSERT INTO t VALUES (1)");
    sg_sql_send(s.sql, "COMMIT");
    T_TRUE(sg_proxy_await_hits(s.proxy, 1, 20000));
    T_NULL(sg_sql_finish(s.sql, 100));
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                                  " AND application_name = 'kit' AND datname = current_database()"),
             1);
    sg_sql_close(s.sql); /* the client vanishes: the server hears nothing of it */
    sg_test_sleep_ms(100);
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kit'"
                                  " AND datname = current_database()"),
             1);
    sg_proxy_cut(s.proxy);
    T_EQ_INT(rows_after(&s), 0);
}

SG_TEST(a_hole_after_the_request_commits)
{
    struct scene s = set_scene();

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_HOLE_REPLY, .match = "COMMIT"});
    sg_sql_exec(s.sql, "BEGIN; INSERT INTO t VALUES (1)");
    sg_sql_send(s.sql, "COMMIT");
    sg_sql_await(s.direct, "SELECT count(*) FROM t", "1", 20000);
    T_NULL(sg_sql_finish(s.sql, 100));
    T_EQ_INT(sg_proxy_hits(s.proxy), 1);
}

SG_TEST(a_delay_delays)
{
    struct scene s = set_scene();
    int64_t began = sg_test_now_ms();

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DELAY, .match = "late", .ms = 300});
    T_EQ_STR(sg_sql_value(s.sql, "SELECT 'late'"), "late");
    T_GE_INT(sg_test_now_ms() - began, 300);
    T_EQ_STR(sg_sql_value(s.sql, "SELECT 'late'"), "late"); /* once only */
    T_EQ_INT(sg_proxy_hits(s.proxy), 1);
}

SG_TEST(a_pause_waits_for_release)
{
    struct scene s = set_scene();

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "INSERT"});
    sg_sql_send(s.sql, "INSERT INTO t VALUES (1)");
    T_MUST(sg_proxy_await_hits(s.proxy, 1, 20000));
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 0);
    T_TRUE(sg_sql_busy(s.sql));
    sg_proxy_release(s.proxy);
    T_EQ_STR(sg_sql_finish(s.sql, 20000), "");
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 1);
    T_EQ_INT(sg_proxy_count(s.proxy), 1);
}

/* The moment of a pause is that for killing: here, the backend. Its pid is that of the hit. */
SG_TEST(a_paused_session_hears_of_its_end)
{
    struct scene s = set_scene();
    int pid = sg_sql_pid(s.sql);

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "INSERT"});
    sg_sql_send(s.sql, "INSERT INTO t VALUES (1)");
    T_MUST(sg_proxy_await_hits(s.proxy, 1, 20000));
    T_MUST_EQ_INT(sg_proxy_hit_pid(s.proxy), pid);
    sg_sql_exec(s.direct, sg_test_strf("SELECT pg_terminate_backend(%d)", pid));
    T_EQ_STR(sg_sql_finish(s.sql, 20000), "57P01");
    T_EQ_INT(rows_after(&s), 0);
}

SG_TEST(a_paused_reply_comes_after_the_deed)
{
    struct scene s = set_scene();

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE_REPLY, .match = "INSERT"});
    sg_sql_send(s.sql, "INSERT INTO t VALUES (1)");
    T_MUST(sg_proxy_await_hits(s.proxy, 1, 20000));
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 1);
    T_NULL(sg_sql_finish(s.sql, 50));
    sg_proxy_release(s.proxy);
    T_EQ_STR(sg_sql_finish(s.sql, 20000), "");
    T_EQ_INT(sg_sql_int(s.sql, "SELECT count(*) FROM t"), 1);
}

SG_TEST(the_kth_statement_is_cut)
{
    struct scene s = set_scene();

    for (int k = 1; k <= 3; k++) {
        struct sg_sql *sql = sg_sql_open(s.at);
        int done = 0;

        sg_proxy_disarm(s.proxy);
        sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .nth = k});
        while (done < 5 && strcmp(sg_sql_try(sql, "SELECT 1"), "") == 0)
            done++;
        T_EQ_INT(done, k - 1);
    }
    T_EQ_INT(sg_proxy_hits(s.proxy), 3);
}

SG_TEST(rules_choose_text_application_and_number)
{
    struct scene s = set_scene();
    struct sg_sql *other = sg_sql_open(sg_proxy_conninfo(s.proxy, s.db, NULL));

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "COMMIT", .whole = true});
    sg_sql_expect(s.sql, "CREATE TEMP TABLE x () ON COMMIT DROP", "");
    T_EQ_INT(sg_proxy_hits(s.proxy), 0);
    sg_proxy_disarm(s.proxy);
    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "SELECT", .application = "kit", .nth = 2});
    sg_sql_expect(other, "SELECT 1", "");
    sg_sql_expect(other, "SELECT 1", "");
    sg_sql_expect(s.sql, "SELECT 1", "");
    sg_sql_expect(s.sql, "SELECT 1", "lost");
    T_EQ_INT(sg_proxy_hits(s.proxy), 1);
    sg_proxy_disarm(s.proxy);
    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_NONE, .match = "SELECT", .nth = 2, .every = true});
    for (int i = 0; i < 4; i++)
        sg_sql_expect(other, "SELECT 1", "");
    T_EQ_INT(sg_proxy_hits(s.proxy), 4);
}

SG_TEST(connections_are_refused)
{
    struct scene s = set_scene();

    sg_proxy_refuse(s.proxy, true);
    T_NULL(sg_sql_try_open(s.at, NULL));
    sg_sql_expect(s.sql, "SELECT 1", ""); /* the old ones stay */
    sg_proxy_refuse(s.proxy, false);
    sg_sql_close(sg_sql_open(s.at));
    sg_proxy_cut(s.proxy);
    sg_sql_expect(s.sql, "SELECT 1", "lost");
}

/* Through PgBouncer, on either side of it: between client and pooler, and between pooler and server. */
SG_TEST(faults_before_and_behind_pgbouncer)
{
    struct scene s = set_scene();
    struct sg_pgbouncer *bouncer =
        sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_proxy_dir(s.proxy), .port = sg_proxy_port(s.proxy)});
    struct sg_proxy *before = sg_proxy_start(sg_pgbouncer_dir(bouncer), sg_pgbouncer_port(bouncer));
    struct sg_sql *sql = sg_sql_open(sg_proxy_conninfo(before, s.db, NULL));

    sg_proxy_arm(before, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REPLY, .match = "COMMIT"});
    sg_sql_exec(sql, "BEGIN");
    sg_sql_exec(sql, "INSERT INTO t VALUES (1)");
    T_EQ_STR(sg_sql_try(sql, "COMMIT"), "lost");
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 1);
    sql = sg_sql_open(sg_proxy_conninfo(before, s.db, NULL));
    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "COMMIT"});
    sg_sql_exec(sql, "BEGIN");
    sg_sql_exec(sql, "INSERT INTO t VALUES (2)");
    T_EQ_STR(sg_sql_try(sql, "COMMIT"), "08P01"); /* "server conn crashed?" */
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 1);
}

/* libpq's parameterized statements are five messages; psql sends them with \bind only from version 16, hence by pgbench. */
SG_TEST(extended_requests_are_whole)
{
    struct scene s = set_scene();
    const char *script = sg_tmp_write("script", "INSERT INTO t VALUES (:client_id);\n");
    const char *const argv[] = {sg_server_program("pgbench"), "-n", "-M", "extended", "-t", "3", "-f", script, "-h", sg_proxy_dir(s.proxy),
                                "-p", sg_test_strf("%d", sg_proxy_port(s.proxy)), "-U", "postgres", s.db, NULL};
    struct sg_run_result r;

    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REPLY, .match = "INSERT", .nth = 2});
    r = sg_run(&(struct sg_run_opts){.argv = argv});
    T_NE_INT(r.exit, 0);
    T_CONTAINS(r.err, "client 0 aborted");
    T_EQ_INT(sg_sql_int(s.direct, "SELECT count(*) FROM t"), 2);
    sg_proxy_disarm(s.proxy);
    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_CUT_NOW, .match = "INSERT", .nth = 1});
    T_NE_INT(sg_run(&(struct sg_run_opts){.argv = argv}).exit, 0);
    sg_sql_close(s.sql);
    T_EQ_INT(rows_after(&s), 3);
    sg_proxy_disarm(s.proxy);
    sg_proxy_arm(s.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "INSERT", .nth = 1});
    T_NE_INT(sg_run(&(struct sg_run_opts){.argv = argv}).exit, 0);
    T_EQ_INT(rows_after(&s), 3);
}

static const struct sg_test servers[] = {
    SG_CASE(a_server_starts_and_stops), SG_CASE(a_server_keeps_its_data_over_a_crash), SG_CASE(databases_are_fresh),
    SG_CASE(sessions_hold_and_wait),    SG_CASE(pgbouncer_pools_transactions),         SG_CASE(pgbouncer_gives_up_waiting),
    SG_CASES_END,
};
static const struct sg_test proxies[] = {
    SG_CASE(the_proxy_passes_everything),
    SG_CASE(drop_request_loses_the_commit),
    SG_CASE(drop_reply_commits),
    SG_CASE(cut_now_does_not_wait),
    SG_CASE(a_hole_says_nothing),
    SG_CASE(a_hole_after_the_request_commits),
    SG_CASE(a_delay_delays),
    SG_CASE(a_pause_waits_for_release),
    SG_CASE(a_paused_session_hears_of_its_end),
    SG_CASE(a_paused_reply_comes_after_the_deed),
    SG_CASE(the_kth_statement_is_cut),
    SG_CASE(rules_choose_text_application_and_number),
    SG_CASE(connections_are_refused),
    SG_CASE(faults_before_and_behind_pgbouncer),
    SG_CASE(extended_requests_are_whole),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"kit", servers}, {"proxy", proxies}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
