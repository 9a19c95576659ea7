/*
 * A runner that was away until another took its lease changes nothing more, wherever it was stopped, and says so.
 */
#include "config.h"

#include "tests/db/runners.h"
#include "tests/kit/proc.h"
#include "tests/kit/proxy.h"

#include <signal.h>

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

static const struct sg_test tests[] = {
    SG_CASE(stopped_while_the_ladder_sleeps),
    SG_CASE(stopped_in_its_transaction),
    SG_CASE(stopped_at_its_commit),
    SG_CASE(stopped_outside_a_transaction),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"away", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
