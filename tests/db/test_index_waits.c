/*
 * A build that has to wait for others: for a lock on its table, a writer, an old snapshot, another session that builds on the
 * same table. Who it is is said while it waits; lock_seconds holds; and nothing deadlocks.
 */
#include "config.h"

#include "tests/db/both_ways.h"

#include <string.h>

static struct site *fresh(enum way way, const char *lines)
{
    static struct site site;

    site_open(&site, way, false);
    site_manifest(&site, lines);
    return &site;
}

static int holder_pid(struct site *site)
{
    return (int)sg_sql_int(site->sql, "SELECT pid FROM pg_stat_activity WHERE application_name = 'holder'"
                                      " AND datname = current_database()");
}

/* The one that holds it up is named by its pid and its name, within the time after which a line comes. */
static void names_holder(struct site *site, struct sg_run *run)
{
    sg_run_await(run, sg_test_strf("pid %d", holder_pid(site)), 15000);
    sg_run_await(run, "holder", 20000);
}

/* ---- locks, writers, snapshots ---- */

BOTH_WAYS(waits_and_names_whom)
{
    struct site *site = fresh(way, site_section("t_gate", ""));

    SOME_PHASE(phase, 2, PHASE_LOCK, PHASE_WRITERS, PHASE_SNAPSHOTS) {
        struct sg_run *run = site_hold(site, phase);

        names_holder(site, run);
        site_release(site);
        T_EQ_INT(site_end(site, run, phase_name(phase)).exit, 0);
        T_EQ_STR(site_index(site, "t_gate"), "valid");
        site_quiet(site, phase_name(phase));
        site_clear(site);
    }
}

/* lock_seconds: given up, named, exit status 0, nothing in the way of the application, and the next run builds it. */
BOTH_WAYS(lock_seconds_holds)
{
    struct site *site = fresh(way, site_section("t_gate", "lock_seconds = 2\n"));

    SOME_PHASE(phase, 1, PHASE_LOCK, PHASE_WRITERS, PHASE_WRITERS_AGAIN, PHASE_SNAPSHOTS) {
        struct sg_run *run = site_hold(site, phase);
        const char *pid = sg_test_strf("%d", site->holder_count > 0 ? holder_pid(site) : 0);
        int64_t began = sg_test_now_ms();
        struct sg_run_result result = site_end(site, run, phase_name(phase));

        T_EQ_INT(result.exit, 0);
        T_LT_INT(sg_test_now_ms() - began, 2000 + 14000);
        T_CONTAINS(site_said(result), pid);
        T_CONTAINS(site_said(result), "lock_seconds");
        T_NE_STR(site_index(site, "t_gate"), "valid");
        site_release(site);
        site_settle(site, "t_gate", phase_name(phase));
        site_clear(site);
    }
}

/* ACCESS EXCLUSIVE: not even a look at the table comes through; no reader queues behind us for long. */
BOTH_WAYS(a_table_that_is_locked_whole)
{
    struct site *site = fresh(way, site_section("t_gate", ""));
    struct sg_sql *holder = sg_sql_hold(site->direct, "SET application_name = 'holder'; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    struct sg_run *run = site_start(site, "index");

    names_holder(site, run);
    T_EQ_STR(site_index(site, "t_gate"), "missing");
    sg_sql_close(holder);
    T_EQ_INT(site_end(site, run, "locked whole").exit, 0);
    T_EQ_STR(site_index(site, "t_gate"), "valid");
    site_quiet(site, "locked whole");
    site_clear(site);

    site_manifest(site, site_section("t_gate", "lock_seconds = 1\n"));
    holder = sg_sql_hold(site->direct, "SET application_name = 'holder'; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    run = site_start(site, "index");
    T_EQ_INT(site_end(site, run, "locked whole, lock_seconds").exit, 0);
    sg_sql_close(holder);
    T_EQ_STR(site_index(site, "t_gate"), "missing");
    site_settle(site, "t_gate", "locked whole, lock_seconds");
}

/* max_seconds ends a build, and --max-minutes none that is short. */
BOTH_WAYS(max_seconds_holds)
{
    struct site *site = fresh(way, site_section("t_gate", "max_seconds = 2\n"));
    struct sg_run *run = site_hold(site, PHASE_SCAN);
    struct sg_run_result result = site_end(site, run, "max_seconds");

    T_EQ_INT(result.exit, 0);
    T_CONTAINS(site_said(result), "max_seconds");
    T_EQ_STR(site_index(site, "t_gate"), "missing");
    site_release(site);
    site_settle(site, "t_gate", "max_seconds");
}

/* ---- others that build ---- */

static struct sg_sql *other_builds(struct site *site, enum phase phase, const char *statement)
{
    struct sg_sql *other = sg_sql_open(site->direct);

    sg_sql_exec(other, "SET application_name = 'psql of eva'; SET client_min_messages = error");
    site_hold_before(site, phase);
    sg_sql_send(other, statement);
    site_hold_after(site, phase, NULL);
    return other;
}

#define SAME "CREATE INDEX CONCURRENTLY t_gate ON t (gate(a) slow_ops)"

/* Waited for, named, and taken as it is. */
BOTH_WAYS(somebody_builds_the_same)
{
    struct site *site = fresh(way, site_section("t_gate", ""));

    SOME_PHASE(phase, 2, PHASE_WRITERS, PHASE_SCAN, PHASE_VALIDATE, PHASE_SNAPSHOTS) {
        struct sg_sql *other = other_builds(site, phase, SAME);
        const char *oid = sg_sql_value(site->sql, "SELECT 't_gate'::regclass::oid");
        struct sg_run *run = site_start(site, "index");

        sg_run_await(run, "psql of eva", 15000);
        site_release(site);
        T_EQ_STR(sg_sql_finish(other, 10000), "");
        T_EQ_INT(site_end(site, run, "somebody builds it").exit, 0);
        T_EQ_STR(sg_sql_value(site->sql, "SELECT 't_gate'::regclass::oid"), oid);
        T_EQ_STR(site_state(site, "t_gate"), "valid");
        site_quiet(site, phase_name(phase));
        sg_sql_close(other);
        site_clear(site);
    }
}

/* His build fails: what it left is ours to drop. */
BOTH_WAYS(somebody_fails_to_build_the_same)
{
    struct site *site = fresh(way, site_section("t_gate", ""));
    struct sg_sql *other = other_builds(site, PHASE_SNAPSHOTS, SAME);
    struct sg_run *run = site_start(site, "index");

    sg_run_await(run, "psql of eva", 15000);
    sg_sql_execf(site->sql, "SELECT pg_terminate_backend(%d)", site_builder_backend(site));
    T_EQ_STR(sg_sql_finish(other, 10000), "57P01");
    site_release(site);
    T_EQ_INT(site_end(site, run, "somebody failed").exit, 0);
    T_EQ_STR(site_index(site, "t_gate"), "valid");
    site_quiet(site, "somebody failed");
}

/* Another index on the same table: two builds would wait for each other's snapshots, and one be the deadlock's victim. */
BOTH_WAYS(somebody_builds_another)
{
    struct site *site = fresh(way, "[index t_b]\ntable = t\ncolumns = b\n");
    size_t logged = strlen(sg_server_log(site->server));

    SOME_PHASE(phase, 2, PHASE_LOCK, PHASE_WRITERS, PHASE_SCAN, PHASE_WRITERS_AGAIN, PHASE_SNAPSHOTS) {
        struct sg_sql *other = other_builds(site, phase, SAME);
        struct sg_run *run = site_start(site, "index");

        sg_run_await(run, "psql of eva", 15000);
        site_release(site);
        T_EQ_STR(sg_sql_finish(other, 10000), "");
        T_EQ_INT(site_end(site, run, "somebody builds another").exit, 0);
        T_EQ_STR(site_index(site, "t_b"), "valid");
        T_EQ_STR(site_index(site, "t_gate"), "valid");
        site_quiet(site, phase_name(phase));
        sg_sql_close(other);
        site_clear(site);
    }
    T_LACKS(sg_server_log(site->server) + logged, "deadlock detected");
}

/* He comes while we build: whoever of the two loses, ours is valid in the end, and nothing of it is left broken. */
BOTH_WAYS(somebody_comes_while_we_build)
{
    struct site *site = fresh(way, site_section("t_gate", ""));

    SOME_PHASE(phase, 1, PHASE_WRITERS, PHASE_SCAN, PHASE_SNAPSHOTS) {
        struct sg_run *run = site_hold(site, phase);
        struct sg_sql *other = sg_sql_open(site->direct);
        const char *state;

        sg_sql_exec(other, "SET client_min_messages = error");
        sg_sql_send(other, phase == PHASE_WRITERS
                               ? "CREATE INDEX CONCURRENTLY t_other ON t (b)"
                               : "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_gate ON t (gate(a) slow_ops)");
        sg_test_sleep_ms(1200); /* longer than the server takes to look for deadlocks */
        site_release(site);
        T_EQ_INT(site_end(site, run, "somebody came").exit, 0);
        state = sg_sql_finish(other, 15000);
        T_NOT_NULL(state);
        T_EQ_STR(site_index(site, "t_gate"), "valid");
        if (phase == PHASE_WRITERS && strcmp(state, "") != 0)
            sg_sql_exec(site->sql, "DROP INDEX IF EXISTS t_other"); /* his carcass, not ours */
        site_quiet(site, phase_name(phase));
        sg_sql_close(other);
        site_clear(site);
    }
}

/* ---- what the server's role says ---- */

/* Straight to the server it is our own session's setting that holds; behind a pooler the role's does, and is named. */
BOTH_WAYS(statement_timeout_of_the_role)
{
    struct site *site = fresh(way, site_section("t_gate", ""));
    struct sg_run *run;
    struct sg_run_result result;

    sg_sql_execf(site->sql, "ALTER DATABASE %s SET statement_timeout = '900ms'", site->db);
    run = site_hold(site, PHASE_SCAN);
    sg_test_sleep_ms(1500);
    if (way == WAY_DIRECT) {
        T_EQ_STR(sg_sql_value(site->sql, "SELECT phase FROM pg_stat_progress_create_index"), phase_name(PHASE_SCAN));
        site_release(site);
        T_EQ_INT(site_end(site, run, "statement_timeout").exit, 0);
        T_EQ_STR(site_index(site, "t_gate"), "valid");
    } else {
        result = site_end(site, run, "statement_timeout");
        T_EQ_INT(result.exit, 0);
        T_CONTAINS(site_said(result), "statement_timeout");
        T_NE_STR(site_index(site, "t_gate"), "valid");
        site_release(site);
        site_settle(site, "t_gate", "statement_timeout, but fast enough");
    }
    site_quiet(site, "statement_timeout");
}

/* Three questions for who blocks go unanswered, as when a network is away for a moment: after that they are asked again. */
SG_TEST(lock_seconds_hold_though_the_watch_has_failed)
{
    struct site *site = fresh(WAY_DIRECT, site_section("t_gate", "lock_seconds = 4\n"));
    struct sg_run_result result;
    struct sg_run *run;

    site_hold_before(site, PHASE_WRITERS);
    sg_proxy_arm(site->proxy, &(struct sg_proxy_rule){
        .fault = SG_FAULT_DROP_REQUEST, .match = "LEFT JOIN pg_stat_activity a ON a.pid = b.pid", .every = true});
    run = site_start(site, "index");
    T_MUST(sg_proxy_await_hits(site->proxy, 3, 15000));
    sg_proxy_disarm(site->proxy);
    result = site_end(site, run, "after three failures");
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(site_said(result), "longer than lock_seconds");
    T_LT_INT(result.ms, 40000);
    site_release(site);
    site_settle(site, "t_gate", "after three failures");
}

/* The connection is lost when the role is taken back, after a CREATE, or a DROP, that went well or not. */
SG_TEST(lost_with_the_role)
{
    static struct site here;
    struct site *site = &here;

    site_open(site, WAY_DIRECT, false);
    site->role = "postgres";
    sg_sql_exec(site->sql, "DO $$ BEGIN CREATE ROLE lost_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                           "ALTER TABLE t OWNER TO lost_owner; GRANT CREATE ON SCHEMA public TO lost_owner");
    for (int drop = 0; drop <= 1; drop++) {
        const char *what = drop ? "after a drop" : "after a build";
        struct sg_run_result run;

        site_manifest(site, "[index t_gate]\ntable = t\ncolumns = a\n");
        if (drop)
            sg_sql_expect(site->sql, "CREATE UNIQUE INDEX CONCURRENTLY t_gate ON t (b)", "23505");
        sg_proxy_arm(site->proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "SET ROLE NONE", .whole = true});
        run = site_end(site, site_start(site, "index", "--set", "database.role=lost_owner"), what);
        T_EQ_INT(run.exit, 0);
        T_EQ_INT(sg_proxy_hits(site->proxy), drop + 1);
        T_LACKS(site_said(run), "died");
        T_EQ_STR(site_index(site, "t_gate"), "valid");
        site_settle(site, "t_gate", what);
        site_clear(site);
    }
    site_manifest(site, "[index t_gate]\ntable = t\ncolumns = b\nunique = yes\n");
    sg_proxy_arm(site->proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "SET ROLE NONE", .whole = true});
    T_LACKS(site_said(site_end(site, site_start(site, "index", "--set", "database.role=lost_owner"), "duplicates")), "died");
    T_EQ_STR(site_index(site, "t_gate"), "missing");
}

static const struct sg_test tests[] = {
    BOTH_CASES(waits_and_names_whom), BOTH_CASES(lock_seconds_holds), BOTH_CASES(a_table_that_is_locked_whole),
    BOTH_CASES(max_seconds_holds), BOTH_CASES(somebody_builds_the_same), BOTH_CASES(somebody_fails_to_build_the_same),
    BOTH_CASES(somebody_builds_another), BOTH_CASES(somebody_comes_while_we_build), BOTH_CASES(statement_timeout_of_the_role),
    SG_CASE(lock_seconds_hold_though_the_watch_has_failed), SG_CASE(lost_with_the_role),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"index_waits", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
