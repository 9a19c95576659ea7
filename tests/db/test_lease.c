/*
 * The lease: one runner at a time changes the schema, whatever becomes of it meanwhile; who waits is told for whom; and a runner that
 * was away until another took its lease changes nothing more.
 */
#include "config.h"

#include "tests/db/deploys.h"
#include "tests/kit/proc.h"
#include "tests/kit/proxy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define RUNNERS 10

/* A lease as short as it may be, and a server that gives up a silent transaction well before. */
#define SHORT_LEASE "lease_seconds = 2"
#define SHORT_IDLE "idle_seconds = 1"

static const char *add_column(const char *id, const char *column, const char *lines)
{
    return step(id, sg_test_strf("option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('t') AND attname = '%s'\n"
                                 "option.ddl1 = ALTER TABLE t ADD COLUMN %s int\n%s", column, column, lines));
}

static int columns(const struct place *place)
{
    return (int)sg_sql_int(place->sql, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0");
}

static const char *recorded_by(const struct place *place, const char *id)
{
    return sg_sql_value(place->sql, sg_test_strf("SELECT runner FROM sgrun.schema_migrations WHERE id = '%s'", id));
}

/* "root@host:PID/...": the runner that this process was. */
static void expect_runner(const char *owner, struct sg_run *run)
{
    T_CONTAINS(owner != NULL ? owner : "(nobody)", sg_test_strf(":%d/", (int)sg_run_pid(run)));
}

/* Waits until this process has the lease. */
static void await_lease(const struct place *place, struct sg_run *run)
{
    sg_sql_await(place->sql, "SELECT to_regclass('sgrun.lease') IS NOT NULL", "t", 10000);
    sg_sql_await(place->sql, sg_test_strf("SELECT owner LIKE '%%:%d/%%' FROM sgrun.lease", (int)sg_run_pid(run)), "t", 10000);
}

/* Outside a transaction; it waits for all that read the table. */
static const char drop_index[] = "[migration x01]\nplugin = x01\noption.fingerprint = SELECT 1 WHERE to_regclass('t_a') IS NULL\n"
                                 "option.ddl1 = DROP INDEX CONCURRENTLY t_a\n";

static void await_drop(const struct place *place)
{
    sg_sql_await(place->sql, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()"
                             " AND query LIKE 'DROP INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'", "t", 10000);
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
    sg_run_await(waiter, "waiting for another runner", 5000);
    sg_run_signal(waiter, SIGTERM);
    ended(sg_run_wait(waiter, 5000), 143);
    expect_runner(lease_owner(&place), first);
    sg_run_signal(first, SIGKILL);
    (void)sg_run_wait(first, 5000);
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

/* ---- stopped until another has taken the lease ---- */

/* A runner that is away, and another that waits for its lease. Several at a time: most of it is waiting. */
struct away {
    struct place place;
    const char *manifest; /* the other's */
    struct sg_run *run, *other;
    struct sg_proxy *proxy; /* or NULL: what holds its COMMIT */
    pid_t plugins[8];       /* stopped with it */
    size_t plugin_count;
};

static void take_over(struct away *away)
{
    away->other = sgrun_start(away->manifest, "deploy", "--wait", "30");
}

/* The other is through: the one comes back, and finds that there is nothing for it to do. ID: a migration that is not its own. */
static struct sg_run_result come_back(struct away *away, const char *id, int width)
{
    const struct place *place = &away->place;
    struct sg_run_result run;

    ended(sg_run_wait(away->other, 30000), 0);
    if (away->proxy != NULL)
        sg_proxy_release(away->proxy);
    sg_run_signal(away->run, SIGCONT);
    if (away->plugin_count > 0)
        sg_test_sleep_ms(200);
    for (size_t i = 0; i < away->plugin_count; i++)
        (void)kill(away->plugins[i], SIGCONT);
    run = ended(sg_run_wait(away->run, 20000), 4);
    T_CONTAINS(run.err, "another runner took the lease");
    expect_runner(recorded_by(place, id), away->other);
    T_EQ_INT(columns(place), width);
    T_EQ_STR(lease_owner(place), NULL);
    T_EQ_INT(sg_sql_int(place->sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                    " AND application_name LIKE 'sgrun:%' AND state <> 'idle'"), 0);
    return run;
}

static struct away stop_between_two_tries(bool pooled)
{
    struct away away = {.place = place_new(NULL, pooled, 0)};
    struct sg_sql *holder;

    away.manifest = manifest_new(&away.place, &(struct manifest){.sgrun = SHORT_LEASE,
        .policy = SHORT_IDLE "\nlock_rungs_ms = 150", .steps = add_column("s01", "a", "lock_pause_ms = 6000\n")});
    sg_sql_exec(away.place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(away.place.direct, "SELECT * FROM t");
    away.run = sgrun_start(away.manifest, "deploy");
    sg_run_await(away.run, "letting others through", 10000);
    sg_run_signal(away.run, SIGSTOP);
    sg_sql_close(holder);
    return away;
}

SG_TEST(stopped_while_the_ladder_sleeps)
{
    struct away away[] = {stop_between_two_tries(false), stop_between_two_tries(true)};

    for (size_t i = 0; i < 2; i++)
        take_over(&away[i]);
    for (size_t i = 0; i < 2; i++)
        come_back(&away[i], "s01", 1);
}

/* FROZEN: as a container is, its plugin with it, and for longer than a plugin may think. */
static struct away stop_in_its_transaction(bool pooled, bool frozen)
{
    struct away away = {.place = place_new(NULL, pooled, 0)};

    away.manifest = manifest_new(&away.place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE "\nplugin_seconds = 2",
        .steps = add_column("s01", "a", "option.ddl2 = ALTER TABLE t ADD COLUMN b int\noption.sleep_ms = 700\n")});
    sg_sql_exec(away.place.sql, "CREATE TABLE t ()");
    away.run = sgrun_start(away.manifest, "deploy");
    sg_sql_await(away.place.sql, "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock'"
                                 " AND granted", "t", 10000);
    if (frozen) {
        away.plugin_count = sg_proc_children(sg_run_pid(away.run), away.plugins, 8);
        T_MUST(away.plugin_count >= 1 && away.plugin_count <= 8);
    }
    sg_run_signal(away.run, SIGSTOP);
    for (size_t i = 0; i < away.plugin_count; i++)
        T_EQ_INT(kill(away.plugins[i], SIGSTOP), 0);
    return away;
}

/* The server ends its transaction, and then the lease runs out. */
SG_TEST(stopped_in_its_transaction)
{
    struct away away[] = {stop_in_its_transaction(false, false), stop_in_its_transaction(true, false),
                          stop_in_its_transaction(false, true)};

    for (size_t i = 0; i < 3; i++)
        take_over(&away[i]);
    for (size_t i = 0; i < 3; i++)
        come_back(&away[i], "s01", 2);
}

/* At the COMMIT of its first migration: REPLY, when the server has done it. */
static struct away stop_at_its_commit(bool pooled, bool reply)
{
    struct away away = {.place = place_new(NULL, pooled, 0)};
    struct manifest what = {.sgrun = SHORT_LEASE, .policy = SHORT_IDLE,
                            .steps = sg_test_strf("%s%s", add_column("s01", "a", ""), add_column("s02", "b", ""))};

    away.manifest = manifest_new(&away.place, &what);
    away.proxy = pooled ? sg_proxy_start(sg_pgbouncer_dir(away.place.bouncer), sg_pgbouncer_port(away.place.bouncer))
                        : sg_proxy_start(sg_server_dir(away.place.server), sg_server_port(away.place.server));
    what.dsn = sg_proxy_conninfo(away.proxy, away.place.db, NULL);
    sg_sql_exec(away.place.sql, "CREATE TABLE t ()");
    /* the first is that of the state tables */
    sg_proxy_arm(away.proxy, &(struct sg_proxy_rule){.fault = reply ? SG_FAULT_PAUSE_REPLY : SG_FAULT_PAUSE, .match = "COMMIT",
                                                     .whole = true, .nth = 2});
    away.run = sgrun_start(manifest_new(&away.place, &what), "deploy");
    T_MUST(sg_proxy_await_hits(away.proxy, 1, 10000));
    T_EQ_STR(ledger(&away.place), reply ? "s01|applied" : "");
    sg_run_signal(away.run, SIGSTOP);
    return away;
}

SG_TEST(stopped_at_its_commit)
{
    struct away away[] = {stop_at_its_commit(false, false), stop_at_its_commit(true, false), stop_at_its_commit(false, true)};

    for (size_t i = 0; i < 3; i++)
        take_over(&away[i]);
    /* the request comes too late, and what became of it is not left open */
    for (size_t i = 0; i < 2; i++) {
        struct sg_run_result run = come_back(&away[i], "s01", 2);

        T_CONTAINS(run.err, "The answer to our COMMIT of this migration was lost; the ledger says that it is recorded.");
    }
    /* done before the other came, which did the rest */
    come_back(&away[2], "s02", 2);
    expect_runner(recorded_by(&away[2].place, "s01"), away[2].run);
    for (size_t i = 0; i < 3; i++)
        T_EQ_STR(ledger(&away[i].place), "s01|applied\ns02|applied");
}

/* What it sent outside a transaction goes on without it: the other waits for its end, and sends nothing again. */
SG_TEST(stopped_outside_a_transaction)
{
    struct away away = {.place = place_new(NULL, false, 0)};
    struct sg_sql *holder;

    away.manifest = manifest_new(&away.place, &(struct manifest){.sgrun = SHORT_LEASE, .policy = SHORT_IDLE "\nlock_rungs_ms = 30000",
                                                                 .steps = drop_index});
    sg_sql_exec(away.place.sql, "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)");
    holder = sg_sql_hold(away.place.direct, "SELECT * FROM t");
    away.run = sgrun_start(away.manifest, "deploy");
    await_drop(&away.place);
    sg_run_signal(away.run, SIGSTOP);
    take_over(&away);
    sg_run_await(away.other, "an earlier statement of this migration is still at work", 20000);
    sg_sql_close(holder);
    come_back(&away, "x01", 1);
    T_EQ_STR(ledger(&away.place), "x01|reconciled");
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
    (void)sg_run_wait(run, 5000);
    /* not yet: its lease has not run out */
    T_CONTAINS(sgrun(manifest, "status", "--json").out, "\"alive\": true");
    sg_sql_await(place.sql, "SELECT expires_at < clock_timestamp() FROM sgrun.lease", "t", 5000);
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
    sg_sql_await(place.sql, "SELECT expires_at < clock_timestamp() FROM sgrun.lease", "t", 5000);
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
    T_CONTAINS(ended(sg_run_wait(run, 5000), 4).err, "another runner took the lease");
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
    SG_CASE(stopped_while_the_ladder_sleeps),
    SG_CASE(stopped_in_its_transaction),
    SG_CASE(stopped_at_its_commit),
    SG_CASE(stopped_outside_a_transaction),
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
