/*
 * The lease: one runner at a time changes the schema, whatever becomes of it meanwhile; and who waits is told
 * for whom.
 */
#include "config.h"

#include "tests/db/runners.h"
#include "tests/kit/proxy.h"

#include <signal.h>
#include <string.h>

#define RUNNERS 10

/* Waits until this process has the lease. */
static void await_lease(const struct place *place, struct sg_run *run)
{
    sg_sql_await(place->sql, "SELECT to_regclass('sgrun.lease') IS NOT NULL", "t", 10000);
    sg_sql_await(place->sql, sg_test_strf("SELECT owner LIKE '%%:%d/%%' FROM sgrun.lease", (int)sg_run_pid(run)), "t", 10000);
}

/* ---- two at once ---- */

static void one_works_and_the_others_see_it(bool pooled)
{
    struct place place = place_new(NULL, pooled, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = add_column("s01", "a", "option.sleep_ms = 1200\n")});
    struct sg_run *first, *waiter;
    struct sg_run_result run;
    const char *owner;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    first = sgrun_start(manifest, "deploy");
    await_lease(&place, first);
    owner = lease_owner(&place);
    waiter = sgrun_start(manifest, "deploy", "--wait", "30");
    run = ended(sgrun(manifest, "deploy"), 4);
    T_CONTAINS(run.err, "another runner has the lease");
    T_CONTAINS(run.err, owner);
    T_CONTAINS(run.err, "--wait");
    run = ended(sgrun(manifest, "deploy", "--json"), 4);
    T_CONTAINS(run.out, "\"class\": \"lease\"");
    T_CONTAINS(run.out, "\"exit\": 4");
    run = ended(sgrun(manifest, "status"), 0);
    T_CONTAINS(run.out, sg_test_strf("Lease: %s since ", owner));
    run = ended(sgrun(manifest, "status", "--json"), 0);
    T_CONTAINS(run.out, sg_test_strf("\"owner\": \"%s\"", owner));
    T_CONTAINS(run.out, "\"alive\": true");
    T_CONTAINS(run.out, pooled ? "\"pooler\": true" : "\"pooler\": false");
    ended(sg_run_wait(first, 20000), 0);
    run = ended(sg_run_wait(waiter, 20000), 0);
    T_CONTAINS(run.err, sg_test_strf("waiting for another runner: %s", owner));
    T_EQ_STR(ledger(&place), "s01|applied");
    T_EQ_STR(recorded_by(&place, "s01"), owner);
    T_EQ_INT(columns(&place), 1);
    T_EQ_STR(lease_owner(&place), NULL);
}

SG_TEST(one_works_the_other_waits_or_leaves)
{
    one_works_and_the_others_see_it(false);
}

SG_TEST(the_same_through_a_pooler)
{
    one_works_and_the_others_see_it(true);
}

SG_TEST(waiting_ends_in_time)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = add_column("s01", "a", "option.sleep_ms = 4000\n")});
    struct sg_run *first, *waiter;
    struct sg_run_result run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    first = sgrun_start(manifest, "deploy");
    await_lease(&place, first);
    waiter = sgrun_start(manifest, "deploy", "--wait", "60");
    run = ended(sgrun(manifest, "deploy", "--wait", "1"), 4);
    T_GE_INT(run.ms, 1000);
    T_CONTAINS(run.err, lease_owner(&place));
    /* whoever waits can be sent away */
    sg_run_await(waiter, "waiting for another runner", 20000);
    sg_run_signal(waiter, SIGTERM);
    ended(sg_run_wait(waiter, 20000), 143);
    expect_runner(lease_owner(&place), first);
    sg_run_signal(first, SIGKILL);
    (void)sg_run_wait(first, 20000);
}

/* ---- ten at once ---- */

static void ten_start(bool pooled)
{
    struct place place = place_new(NULL, pooled, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){
        .steps = sg_test_strf("%s%s%s", add_column("s01", "a", ""), add_column("s02", "b", ""), add_column("s03", "c", ""))});
    struct sg_run *runs[RUNNERS];
    int made = 0, applied = 0;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    for (int i = 0; i < RUNNERS; i++)
        runs[i] = sgrun_start(manifest, "deploy", "--wait", "60", "--json");
    for (int i = 0; i < RUNNERS; i++) {
        struct sg_run_result run = ended(sg_run_wait(runs[i], 60000), 0);

        made += strstr(run.err, "made the state tables") != NULL;
        applied += strstr(run.out, "\"applied\": 3") != NULL;
    }
    T_EQ_INT(made, 1);
    T_EQ_INT(applied, 1);
    T_EQ_STR(ledger(&place), "s01|applied\ns02|applied\ns03|applied");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(DISTINCT runner) FROM sgrun.schema_migrations"), 1);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.journal"), 3);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.attempts"), 0);
    T_EQ_INT(columns(&place), 3);
    T_EQ_STR(lease_owner(&place), NULL);
    /* the server has no connections for twenty pools */
    sg_sql_close(place.sql);
    if (pooled)
        sg_pgbouncer_stop(place.bouncer);
}

SG_TEST(of_ten_one_migrates)
{
    for (int i = 0; i < (sg_test_full() ? 20 : 1); i++)
        ten_start(false);
}

SG_TEST(of_ten_one_migrates_through_a_pooler)
{
    for (int i = 0; i < (sg_test_full() ? 20 : 1); i++)
        ten_start(true);
}

/* The runner saw no tables, and then, or while its own are on their way, another makes them. */
static void tables_appear(const char *at)
{
    struct place place = place_new(NULL, false, 0);
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(place.server), sg_server_port(place.server));
    const char *manifest = manifest_new(&place, &(struct manifest){.dsn = sg_proxy_conninfo(proxy, place.db, NULL),
                                                                   .steps = add_column("s01", "a", "")});
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = at});
    run = sgrun_start(manifest, "deploy");
    T_MUST(sg_proxy_await_hits(proxy, 1, 10000));
    sg_sql_exec(place.sql, ended(sgrun(manifest, "check", "--state-sql"), 0).out);
    sg_proxy_release(proxy);
    ended(sg_run_wait(run, 20000), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
}

SG_TEST(tables_that_appear_meanwhile_are_taken)
{
    tables_appear("pg_try_advisory_xact_lock");
    tables_appear("CREATE SCHEMA IF NOT EXISTS");
    tables_appear("'schema_migrations'");
}

/* ---- signs of life ---- */

SG_TEST(a_dead_runner_is_called_dead)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE,
                                                                   .steps = add_column("s01", "a", "option.sleep_ms = 30000\nplugin_seconds = 60\n")});
    struct sg_run *run;
    struct sg_run_result result;
    const char *owner;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    run = sgrun_start(manifest, "deploy");
    sg_sql_await(place.sql, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()"
                            " AND application_name = 'sgrun:s01'", "t", 10000);
    owner = lease_owner(&place);
    sg_run_signal(run, SIGKILL);
    (void)sg_run_wait(run, 20000);
    /* not yet: its lease has not run out */
    T_CONTAINS(sgrun(manifest, "status", "--json").out, "\"alive\": true");
    sg_sql_await(place.sql, "SELECT expires_at < clock_timestamp() FROM sgrun.lease", "t", 20000);
    result = ended(sgrun(manifest, "status", "--json"), 0);
    T_CONTAINS(result.out, sg_test_strf("\"owner\": \"%s\"", owner));
    T_CONTAINS(result.out, "\"alive\": false");
    T_CONTAINS(sgrun(manifest, "status").out, sg_test_strf("Lease of a dead runner: %s", owner));
    manifest = manifest_new(&place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE, .steps = add_column("s01", "a", "")});
    ended(sgrun(manifest, "deploy"), 0);
    result = ended(sgrun(manifest, "status", "--json"), 0);
    T_CONTAINS(result.out, "\"lease\": null");
    T_EQ_STR(ledger(&place), "s01|applied");
}

/* The lease has run out, and its row is locked by a transaction that works: nobody takes it. */
SG_TEST(a_locked_lease_is_alive)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE "\nlock_rungs_ms = 20000",
                                                                   .steps = add_column("s01", "a", "")});
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    sg_sql_await_queued(place.sql, "t", 10000);
    sg_sql_await(place.sql, "SELECT expires_at < clock_timestamp() FROM sgrun.lease", "t", 20000);
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 4).err, lease_owner(&place));
    T_CONTAINS(ended(sgrun(manifest, "status", "--json"), 0).out, "\"alive\": true");
    expect_runner(lease_owner(&place), run);
    sg_sql_close(holder);
    ended(sg_run_wait(run, 20000), 0);
    expect_runner(recorded_by(&place, "s01"), run);
    T_EQ_STR(lease_owner(&place), NULL);
}

/* For three seconds, longer than the lease: it is renewed, nobody gets it. */
static void expect_kept(const struct place *place, const char *manifest, struct sg_run *run, struct sg_sql *holder)
{
    int64_t end = sg_test_now_ms() + 3000;
    int renewals = 0;
    const char *last = "";

    while (sg_test_now_ms() < end) {
        const char *now = sg_sql_value(place->sql, "SELECT expires_at FROM sgrun.lease WHERE owner IS NOT NULL"
                                                   " AND (expires_at > clock_timestamp() OR NOT EXISTS"
                                                   " (SELECT FROM sgrun.lease FOR SHARE SKIP LOCKED))");

        T_MUST_NOT_NULL(now);
        renewals += strcmp(now, last) != 0;
        last = now;
        sg_test_sleep_ms(20);
    }
    T_GE_INT(renewals, 3);
    ended(sgrun(manifest, "deploy"), 4);
    expect_runner(lease_owner(place), run);
    sg_sql_close(holder);
    ended(sg_run_wait(run, 30000), 0);
    expect_runner(sg_sql_value(place->sql, "SELECT runner FROM sgrun.schema_migrations"), run);
}

SG_TEST(kept_while_the_ladder_sleeps)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE "\nlock_rungs_ms = 50",
                                                                   .steps = add_column("s01", "a", "lock_pause_ms = 4000\n")});
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    sg_run_await(run, "letting others through", 10000);
    expect_kept(&place, manifest, run, holder);
}

SG_TEST(kept_while_a_statement_runs_outside_a_transaction)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE "\nlock_rungs_ms = 30000",
                                                                   .steps = drop_index});
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    await_drop(&place);
    expect_kept(&place, manifest, run, holder);
    T_EQ_STR(ledger(&place), "x01|applied");
}

/* An operator gave the lease to another: what runs outside a transaction is cancelled, and nothing is recorded. */
SG_TEST(taken_while_a_statement_runs_outside_a_transaction)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE "\nlock_rungs_ms = 30000",
                                                                   .steps = drop_index});
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)");
    (void)sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    await_drop(&place);
    sg_sql_exec(place.sql, "UPDATE sgrun.lease SET owner = 'somebody', fence = fence + 1, expires_at = clock_timestamp() + interval '1 hour'");
    T_CONTAINS(ended(sg_run_wait(run, 20000), 4).err, "another runner took the lease");
    T_EQ_STR(ledger(&place), "");
    T_EQ_STR(lease_owner(&place), "somebody");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX%' AND state = 'active'"
                                   " AND pid <> pg_backend_pid()"), 0);
}

/* A transaction of ours that lives on without us: it is waited for, and that counts nowhere. */
SG_TEST(waits_for_its_ghost)
{
    struct place place = place_new(NULL, false, 0);
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(place.server), sg_server_port(place.server));
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_seconds = 1\nmax_retries = 1",
                                                                   .dsn = sg_proxy_conninfo(proxy, place.db, NULL),
                                                                   .steps = add_column("s01", "a", "")});
    struct sg_sql *ghost;
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "FOR NO KEY UPDATE"});
    run = sgrun_start(manifest, "deploy");
    T_MUST(sg_proxy_await_hits(proxy, 1, 10000));
    ghost = sg_sql_hold(place.direct, "SELECT 1 FROM sgrun.lease FOR NO KEY UPDATE");
    sg_proxy_release(proxy);
    sg_run_await(run, "an earlier transaction of this run is still at work", 10000);
    sg_sql_close(ghost);
    ended(sg_run_wait(run, 20000), 0);
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT id, outcome, attempts FROM sgrun.schema_migrations"), "s01|applied|1");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.attempts"), 0);
}

/* Who only looks is not in the way: the row is locked for a moment, and nobody has the lease. */
SG_TEST(lookers_are_no_runners)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = add_column("s01", "a", "")});
    struct sg_sql *looker;
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    sg_sql_exec(place.sql, ended(sgrun(manifest, "check", "--state-sql"), 0).out);
    looker = sg_sql_hold(place.direct, "SELECT 1 FROM sgrun.lease FOR SHARE");
    run = sgrun_start(manifest, "deploy");
    sg_sql_await(place.sql, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sgrun'"
                            " AND query LIKE '%SKIP LOCKED%'", "t", 10000);
    sg_test_sleep_ms(200);
    sg_sql_close(looker);
    ended(sg_run_wait(run, 10000), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
}

SG_TEST(a_lease_that_is_gone_is_told)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = add_column("s01", "a", "")});
    struct sg_run_result run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    sg_sql_exec(place.sql, ended(sgrun(manifest, "check", "--state-sql"), 0).out);
    sg_sql_exec(place.sql, "DELETE FROM sgrun.lease");
    run = ended(sgrun(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "lease has lost its row");
    T_CONTAINS(run.err, "HINT");
    ended(sgrun(manifest, "status"), 2);
}

/* ---- given back ---- */

SG_TEST(free_after_every_kind_of_end)
{
    static const struct {
        const char *steps;
        int exit;
    } ends[] = {
        {"option.ddl1 = CREATE TABLE a ()\noption.table = a\n", 0},
        {"option.ddl1 = CREATE TABLE b (x nosuchtype)\n", 1},
        {"option.fail = not today\n", 1},
        {"option.ddl1 = DROP TABLE t\nlock_seconds = 0\n", 4},
        {"option.ddl1 = INSERT INTO t VALUES (1)\n", 7},
        {"option.ddl1 = SELECT f()\n", 7},
        {"option.ddl1 = CREATE TABLE c ()\noption.table = nosuchtable\n", 8},
        {"option.ddl1 = CREATE TABLE d ()\noption.sleep_ms = 5000\nplugin_seconds = 1\n", 1},
        {"sha256 = 0000000000000000000000000000000000000000000000000000000000000000\n", 6},
    };
    struct place place = place_new(NULL, false, 0);
    struct sg_sql *holder;

    sg_sql_exec(place.sql, "CREATE TABLE t (n int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING n'");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 50", .steps = step("s01", ends[i].steps)});
        struct sg_run_result run = ended(sgrun(manifest, "deploy"), ends[i].exit);

        T_EQ_STR(lease_owner(&place), NULL);
        T_CONTAINS(ended(sgrun(manifest, "status", "--json"), 0).out, "\"lease\": null");
        T_LACKS(run.err, "bug");
        sg_sql_exec(place.sql, "DELETE FROM sgrun.schema_migrations");
    }
    sg_sql_close(holder);
}

SG_TEST(free_after_a_signal)
{
    static const int signals[] = {SIGTERM, SIGINT};
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = add_column("s01", "a", "option.sleep_ms = 1000\n")});

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    for (size_t i = 0; i < 2; i++) {
        struct sg_run *run = sgrun_start(manifest, "deploy");

        await_lease(&place, run);
        sg_run_signal(run, signals[i]);
        ended(sg_run_wait(run, 10000), signals[i] == SIGTERM ? 143 : 130);
        T_EQ_STR(lease_owner(&place), NULL);
        T_EQ_STR(ledger(&place), "");
        T_EQ_INT(columns(&place), 0);
    }
}

/* ---- nothing to do ---- */

SG_TEST(nothing_to_do_takes_no_lease)
{
    struct place place = place_new(NULL, false, 0);
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(place.server), sg_server_port(place.server));
    const char *manifest = manifest_new(&place, &(struct manifest){.dsn = sg_proxy_conninfo(proxy, place.db, NULL),
        .steps = sg_test_strf("%s%s", add_column("s01", "a", ""), add_column("s02", "b", ""))});
    const char *before, *state = "SELECT string_agg(x, ' ') FROM (SELECT xmin || l::text FROM sgrun.lease l UNION ALL"
                                 " SELECT xmin || m::text FROM sgrun.schema_migrations m ORDER BY 1) s (x)";

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    ended(sgrun(manifest, "deploy"), 0);
    before = sg_sql_value(place.sql, state);
    sg_proxy_forget(proxy);
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(sg_sql_value(place.sql, state), before);
    /* one question, by one connection */
    T_EQ_INT(sg_proxy_count(proxy), 1);
    T_CONTAINS(sg_proxy_statements(proxy), "SELECT m.version");
    T_LACKS(sg_proxy_statements(proxy), "INSERT");
    T_LACKS(sg_proxy_statements(proxy), "UPDATE");
    /* and while another has the lease it is nobody's concern */
    sg_sql_exec(place.sql, "UPDATE sgrun.lease SET owner = 'somebody', expires_at = clock_timestamp() + interval '1 hour'");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(lease_owner(&place), "somebody");
}

static const struct sg_test tests[] = {
    SG_CASE(one_works_the_other_waits_or_leaves),
    SG_CASE(the_same_through_a_pooler),
    SG_CASE(waiting_ends_in_time),
    SG_CASE_SECONDS(of_ten_one_migrates, 300),
    SG_CASE_SECONDS(of_ten_one_migrates_through_a_pooler, 300),
    SG_CASE(tables_that_appear_meanwhile_are_taken),
    SG_CASE(a_dead_runner_is_called_dead),
    SG_CASE(a_locked_lease_is_alive),
    SG_CASE(kept_while_the_ladder_sleeps),
    SG_CASE(kept_while_a_statement_runs_outside_a_transaction),
    SG_CASE(taken_while_a_statement_runs_outside_a_transaction),
    SG_CASE(waits_for_its_ghost),
    SG_CASE(lookers_are_no_runners),
    SG_CASE(a_lease_that_is_gone_is_told),
    SG_CASE(free_after_every_kind_of_end),
    SG_CASE(free_after_a_signal),
    SG_CASE(nothing_to_do_takes_no_lease),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"lease", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
