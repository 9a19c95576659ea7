/*
 * The throttles against real servers: each signal as a role with and without rights sees it, a standby whose replay is paused, a slot
 * and an archive that fall behind, a blocked session, an autovacuum at work, the window by the server's clock, and a server that goes.
 */
#include "config.h"

#include "core/backfill/throttle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/kit/proc.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

static struct sg_arena arena;
static struct sg_manifest manifest;
static struct sg_step step;
static struct sg_run run;
static struct sg_throttle throttle;
static struct sg_buf logged;

static void note_line(const char *line, size_t length)
{
    sg_buf_add(&logged, line, length);
    sg_buf_addc(&logged, '\n');
}

static void release(void *unused)
{
    (void)unused;
    sg_throttle_release(&throttle);
    sg_log_divert(NULL);
    sg_buf_release(&logged);
    sg_arena_release(&arena);
}

/* Nothing is limited but what a test sets. */
static void begin(const struct sg_server *server, const char *db, const char *role)
{
    struct sg_err err = SG_ERR_INIT;

    memset(&step, 0, sizeof step);
    memset(&run, 0, sizeof run);
    manifest = (struct sg_manifest){.schema = "public", .state_schema = "sgrun", .connect_seconds = 5};
    step.kind = SG_STEP_BACKFILL;
    step.id = "lead_name";
    step.backfill.max_blocked = 10000;
    sg_buf_init(&logged, 0);
    sg_log_setup(SG_LOG_INFO, SG_LOG_HUMAN);
    sg_log_divert(note_line);
    run.manifest = &manifest;
    run.arena = &arena;
    if (sg_dsn_parse(sg_server_conninfo(server, db, role), &arena, &run.dsn, &err) != 0) {
        T_FATAL("%s", err.primary);
    }
    run.direct = run.dsn;
    sg_throttle_init(&throttle, &run, &step, 0);
    sg_test_defer(release, NULL);
}

static const char *look(void)
{
    sg_throttle_look(&throttle, NULL, 0, true);
    return throttle.holds != NULL ? throttle.holds : "";
}

/* Looks until it says that, or 20 s have passed. */
static const char *look_for(const char *text)
{
    const char *said;
    int64_t until = sg_test_now_ms() + 20000;

    while (strstr(said = look(), text) == NULL && sg_test_now_ms() < until) {
        sg_test_sleep_ms(20);
    }
    return said;
}

static void make_role(struct sg_sql *sql, const char *name, const char *grant)
{
    sg_sql_execf(sql, "SET client_min_messages = warning; DROP ROLE IF EXISTS %s; CREATE ROLE %s LOGIN", name, name);
    if (grant != NULL) {
        sg_sql_execf(sql, "GRANT %s TO %s", grant, name);
    }
}

/* WAL without end: MB of it. */
static void write_wal(struct sg_sql *sql, int mb)
{
    sg_sql_execf(sql, "SELECT pg_logical_emit_message(false, 'test', repeat('x', 1048576)) FROM generate_series(1, %d)", mb);
}

static struct sg_server *standby_of(struct sg_server *primary, const char *name)
{
    struct sg_server *standby = sg_server_start(NULL);
    const char *data = sg_server_data(standby);
    const char *const argv[] = {sg_server_program("pg_basebackup"), "-h", sg_server_dir(primary), "-U", "postgres", "-D", data, "-R", "-N",
                                "-c", "fast", "-X", "stream", NULL};
    struct sg_proc what = {.argv = argv, .in = -1, .out = -1, .err = -1, .cwd = "/", .drop = true};
    int status = -1;

    sg_server_stop(standby, SG_STOP_FAST);
    sg_tmp_remove(data);
    pid_t pid = sg_proc_spawn(&what);
    T_MUST(pid > 0);
    T_MUST(sg_proc_wait(pid, 30000, &status));
    T_MUST_EQ_INT(status, 0);
    /* The server's log is where the kit looks for it. */
    sg_server_configure(standby, sg_test_strf("cluster_name = '%s'", name));
    sg_server_restart(standby);
    return standby;
}

SG_TEST(a_standby_that_pauses)
{
    struct sg_server *primary = sg_server_start("max_wal_senders = 5\nwal_level = replica\n");
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(primary, "postgres", NULL));
    make_role(sql, "plain", NULL);
    make_role(sql, "mon", "pg_monitor");
    struct sg_server *standby = standby_of(primary, "standby1");
    struct sg_sql *there = sg_sql_open(sg_server_conninfo(standby, "postgres", NULL));
    sg_sql_await(sql, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1", 10000);

    begin(primary, "postgres", "mon");
    step.backfill.max_lag_mb = 8;
    step.backfill.max_lag_seconds = 3600;
    T_EQ_STR(look(), "");
    T_NULL(throttle.unknown);
    sg_sql_exec(there, "SELECT pg_wal_replay_pause()");
    sg_sql_await(there, "SELECT pg_get_wal_replay_pause_state()", "paused", 10000);
    write_wal(sql, 10);
    T_CONTAINS(look_for("replication lag"), "replication lag: standby1 is ");
    T_CONTAINS(look(), " MB behind (max_lag_mb = 8)");
    T_FALSE(throttle.closed);
    T_FALSE(throttle.blocking);
    /* In time: replay_lag is frozen, or NULL; the throttle knows better. */
    step.backfill.max_lag_mb = 0;
    step.backfill.max_lag_seconds = 2;
    sg_test_sleep_ms(300);
    T_EQ_STR(look(), "");
    for (size_t i = 0; i < throttle.sample_count; i++) {
        throttle.samples[i].ms -= 14000;
    }
    T_CONTAINS(look(), "replication lag: standby1 is 4.");
    T_CONTAINS(look(), " s behind (max_lag_seconds = 2)");
    /* Off is off. */
    step.backfill.max_lag_seconds = 0;
    T_EQ_STR(look(), "");
    step.backfill.max_lag_mb = 8;
    step.backfill.max_lag_seconds = 2;
    T_NE_STR(look(), "");
    sg_sql_exec(there, "SELECT pg_wal_replay_resume()");
    write_wal(sql, 1);
    int64_t until = sg_test_now_ms() + 20000;
    while (look()[0] != '\0' && sg_test_now_ms() < until) {
        sg_test_sleep_ms(20);
    }
    T_EQ_STR(look(), "");
    T_EQ_STR(logged.data, "");

    /* A role without rights sees that there is a standby, and NULLs. */
    release(NULL);
    begin(primary, "postgres", "plain");
    step.backfill.max_lag_mb = 8;
    T_EQ_STR(look(), "");
    T_EQ_STR(throttle.unknown, "replication lag");
    T_CONTAINS(logged.data, "going on without knowing: replication lag");
    sg_buf_clear(&logged);
    look();
    T_EQ_STR(logged.data, "");
    step.backfill.unknown_signal_stop = true;
    T_EQ_STR(look(), "not known: replication lag, which this role may not see without pg_monitor (unknown_signal = stop)");
    /* Not asked for is not unknown. */
    step.backfill.max_lag_mb = 0;
    T_EQ_STR(look(), "");
    T_NULL(throttle.unknown);
    sg_sql_close(there);
}

SG_TEST(without_standbys_there_is_no_lag)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, db, NULL));
    make_role(sql, "plain", NULL);
    begin(server, db, "plain");
    step.backfill.max_lag_mb = step.backfill.max_lag_seconds = step.backfill.max_wal_backlog_mb = 1;
    step.backfill.unknown_signal_stop = true;
    T_EQ_STR(look(), "");
    T_NULL(throttle.unknown);
    T_EQ_STR(logged.data, "");
}

SG_TEST(a_slot_and_an_archive_that_fall_behind)
{
    struct sg_server *server = sg_server_start("max_wal_senders = 5\nwal_level = replica\narchive_mode = on\narchive_command = 'true'\n");
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    make_role(sql, "plain", NULL);
    begin(server, "postgres", "plain");
    step.backfill.max_wal_backlog_mb = 40;
    /* Nothing was archived yet: nobody knows. */
    T_EQ_STR(look(), "");
    T_EQ_STR(throttle.unknown, "WAL backlog");
    sg_sql_exec(sql, "SELECT pg_switch_wal()");
    sg_sql_await(sql, "SELECT last_archived_wal IS NOT NULL FROM pg_stat_archiver", "t", 20000);
    T_EQ_STR(look(), "");
    T_NULL(throttle.unknown);
    /* The backlog is counted from the end of what was archived. */
    sg_server_configure(server, "archive_command = 'false'");
    sg_sql_await(sql, "SHOW archive_command", "false", 10000);
    write_wal(sql, 60);
    T_CONTAINS(look_for("WAL backlog"), " MB are not archived yet (max_wal_backlog_mb = 40)");
    sg_server_configure(server, "archive_command = 'true'");
    for (int i = 0; i < 100 && look()[0] != '\0'; i++) {
        sg_sql_exec(sql, "SELECT pg_switch_wal()");
        sg_test_sleep_ms(100);
    }
    T_EQ_STR(look(), "");
    sg_sql_exec(sql, "SELECT pg_create_physical_replication_slot('gone', true)");
    write_wal(sql, 60);
    T_CONTAINS(look_for("slot"), "WAL backlog: replication slot gone keeps ");
    sg_sql_exec(sql, "SELECT pg_drop_replication_slot('gone')");
}

SG_TEST(a_session_that_we_block)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, db, NULL));
    make_role(sql, "plain", NULL);
    sg_sql_exec(sql, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)");
    struct sg_sql *lane = sg_sql_hold(sg_server_conninfo(server, db, NULL), "UPDATE t SET n = 1");
    struct sg_sql *a = sg_sql_open(sg_server_conninfo(server, db, NULL)), *b = sg_sql_open(sg_server_conninfo(server, db, NULL));
    int pids[] = {0, sg_sql_pid(lane)};
    int waits = sg_sql_pid(a);
    begin(server, db, "plain");
    step.backfill.max_blocked = 0;
    sg_throttle_look(&throttle, pids, 2, true);
    T_NULL(throttle.holds);
    T_FALSE(throttle.blocking);
    sg_sql_send(a, "UPDATE t SET n = 2 WHERE id = 1");
    sg_sql_await_waiting(sql, waits, 10000);
    sg_throttle_look(&throttle, pids, 2, true);
    T_EQ_STR(throttle.holds, sg_test_strf("blocked sessions: pid %d waits for this backfill (max_blocked = 0)", waits));
    T_TRUE(throttle.blocking);
    int waits_too = sg_sql_pid(b);
    sg_sql_send(b, "UPDATE t SET n = 2 WHERE id = 2");
    sg_sql_await_waiting(sql, waits_too, 10000);
    sg_throttle_look(&throttle, pids, 2, true);
    T_CONTAINS(throttle.holds, "blocked sessions: 2 wait for this backfill, pid ");
    step.backfill.max_blocked = 2;
    sg_throttle_look(&throttle, pids, 2, true);
    T_NULL(throttle.holds);
    T_FALSE(throttle.blocking);
    /* The pid is no longer ours, or none is. */
    step.backfill.max_blocked = 0;
    pids[1] = 1;
    sg_throttle_look(&throttle, pids, 2, true);
    T_NULL(throttle.holds);
    T_EQ_STR(look(), "");
    /* Another lane of the same backfill waits. */
    pids[1] = sg_sql_pid(lane);
    sg_sql_cancel(b);
    sg_sql_finish(b, 20000);
    sg_sql_cancel(a);
    sg_sql_finish(a, 20000);
    sg_sql_exec(a, "SET application_name = 'sgrun:lead_name'");
    sg_sql_send(a, "UPDATE t SET n = 2 WHERE id = 1");
    sg_sql_await_waiting(sql, waits, 10000);
    sg_throttle_look(&throttle, pids, 2, true);
    T_NULL(throttle.holds);
}

SG_TEST(an_autovacuum_at_work)
{
    struct sg_server *server = sg_server_start("autovacuum = on\nautovacuum_naptime = 1s\nautovacuum_vacuum_cost_delay = 100ms\n"
                                               "autovacuum_vacuum_cost_limit = 10\nautovacuum_analyze_threshold = 1000000000\n");
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    make_role(sql, "plain", NULL);
    sg_sql_exec(sql, "CREATE TABLE t (id int, n int, f text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000000)"
                     " WITH (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0)");
    sg_sql_exec(sql, "INSERT INTO t SELECT i, 0, repeat('x', 500) FROM generate_series(1, 20000) i");
    uint32_t oid = (uint32_t)sg_sql_int(sql, "SELECT 't'::regclass::oid::int8");
    const char *const roles[] = {"plain", NULL};
    sg_sql_exec(sql, "UPDATE t SET n = 1");
    sg_sql_await(sql, "SELECT count(*) > 0 FROM pg_stat_progress_vacuum WHERE relid = 't1'::regclass", "t", 30000);
    for (int i = 0; i < 2; i++) {
        begin(server, "postgres", roles[i]);
        T_EQ_STR(look(), "");
        throttle.table = oid;
        T_CONTAINS(look(), "works on public.t1 (waiting for it for 30");
        /* Not for ever. */
        throttle.vacuum_ms -= 20000;
        T_CONTAINS(look(), "works on public.t1 (waiting for it for 9");
        throttle.vacuum_ms -= 10000;
        T_EQ_STR(look(), "");
        release(NULL);
    }
    /* What somebody ordered is his own affair. */
    sg_sql_exec(sql, "ALTER TABLE t1 SET (autovacuum_enabled = off)");
    sg_sql_await(sql, "SELECT count(*) FROM pg_stat_progress_vacuum", "0", 30000);
    struct sg_sql *other = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    sg_sql_exec(other, "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 10");
    sg_sql_send(other, "VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) t1");
    sg_sql_await(sql, "SELECT count(*) FROM pg_stat_progress_vacuum", "1", 10000);
    begin(server, "postgres", "plain");
    throttle.table = oid;
    T_EQ_STR(look(), "");
}

/* The window of HOURS from FROM hours after that zone's time now. */
static const char *window_of(struct sg_sql *sql, const char *zone, int from, int hours)
{
    int hour = (int)sg_sql_int(sql, sg_test_strf("SELECT extract(hour FROM clock_timestamp() AT TIME ZONE '%s')::int", zone));
    return sg_test_strf("%02d:00-%02d:00", (hour + from + 24) % 24, (hour + from + hours + 24) % 24);
}

SG_TEST(the_window_by_the_servers_clock)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, db, NULL));
    sg_sql_execf(sql, "ALTER DATABASE %s SET TimeZone = 'Asia/Tokyo'", db);
    /* Ours is another, and must not count. */
    setenv("PGTZ", "America/New_York", 1);
    setenv("TZ", "America/New_York", 1);
    begin(server, db, NULL);
    step.backfill.window = window_of(sql, "Asia/Tokyo", -1, 3);
    T_EQ_STR(look(), "");
    T_FALSE(throttle.closed);
    step.backfill.window = window_of(sql, "Asia/Tokyo", 2, 3);
    T_CONTAINS(look(), "window: closed for ");
    T_CONTAINS(look(), sg_test_strf("(window = %s)", step.backfill.window));
    T_TRUE(throttle.closed);
    step.backfill.window = sg_test_strf("%s America/New_York", window_of(sql, "America/New_York", -1, 3));
    T_EQ_STR(look(), "");
    step.backfill.window = sg_test_strf("%s America/New_York", window_of(sql, "Asia/Tokyo", -1, 3));
    T_CONTAINS(look(), "window: closed for ");
    /* A zone that there is not, and the other signals all the same. */
    step.backfill.window = "00:00-24:00 Europe/Atlantis";
    T_EQ_STR(look(), "window: the server knows no time zone Europe/Atlantis (window = 00:00-24:00 Europe/Atlantis)");
    T_TRUE(throttle.closed);
    T_EQ_INT(throttle.failures, 0);
    T_EQ_STR(logged.data, "");
}

SG_TEST(a_server_that_goes_is_no_reason_to_hold)
{
    struct sg_server *server = sg_server_start(NULL);
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    const char *open = window_of(sql, "UTC", -1, 3), *closed = window_of(sql, "UTC", 2, 3);
    sg_server_configure(server, "TimeZone = 'UTC'");
    sg_sql_await(sql, "SHOW TimeZone", "UTC", 10000);
    begin(server, "postgres", NULL);
    step.backfill.window = open;
    T_EQ_STR(look(), "");
    /* At most once a second. */
    step.backfill.window = closed;
    sg_throttle_look(&throttle, NULL, 0, false);
    T_NULL(throttle.holds);
    sg_test_sleep_ms(1100);
    sg_throttle_look(&throttle, NULL, 0, false);
    T_CONTAINS(throttle.holds, "window: closed");
    sg_server_stop(server, SG_STOP_IMMEDIATE);
    step.backfill.window = open;
    T_EQ_STR(look(), "");
    T_CONTAINS(logged.data, "cannot be asked for, trying again");
    sg_buf_clear(&logged);
    T_EQ_STR(look(), "");
    T_EQ_STR(logged.data, "");
    /* But where nothing unknown is to pass, nothing is known now. */
    step.backfill.unknown_signal_stop = true;
    T_EQ_STR(look(), "not known: the server's health cannot be asked for (unknown_signal = stop)");
    T_FALSE(throttle.closed);
    step.backfill.unknown_signal_stop = false;
    /* The window goes on by the clock. */
    throttle.minute_ms -= 120 * 60000;
    T_CONTAINS(look(), "window: closed for ");
    throttle.minute_ms += 120 * 60000;
    sg_server_restart(server);
    T_EQ_STR(look(), "");
    T_EQ_INT(throttle.failures, 0);
    /* Never known: it is closed. */
    release(NULL);
    sg_server_stop(server, SG_STOP_IMMEDIATE);
    begin(server, "postgres", NULL);
    T_EQ_STR(look(), "");
    step.backfill.window = open;
    T_CONTAINS(look(), "window: the server's time is not known yet");
}

static const struct sg_test tests[] = {
    SG_CASE(a_standby_that_pauses),
    SG_CASE(without_standbys_there_is_no_lag),
    SG_CASE(a_slot_and_an_archive_that_fall_behind),
    SG_CASE(a_session_that_we_block),
    SG_CASE(an_autovacuum_at_work),
    SG_CASE(the_window_by_the_servers_clock),
    SG_CASE(a_server_that_goes_is_no_reason_to_hold),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"throttle", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
