/*
 * Locks: DDL that has to wait lets the readers through, says for whom it waits, and gives up in time; how long each table was held
 * is in the journal; and whoever kills a runner leaves no ALTER in the queue.
 */
#include "config.h"

#include "tests/db/deploys.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define WAITING_ON_T "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"

static const char *add_column(const char *lines)
{
    return step("s01", sg_test_strf("option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('t')"
                                    " AND attname = 'a'\n"
                                    "option.ddl1 = ALTER TABLE t ADD COLUMN a int\n%s", lines));
}

static const char *attempts(const struct place *place)
{
    return sg_sql_rows(place->sql, "SELECT step, result, class, sqlstate, statement FROM sgrun.attempts ORDER BY no");
}

/* ---- readers get through ---- */

#define READERS 3
#define LONGEST_RUNG 600
#define ALLOWED (LONGEST_RUNG + 100)

/* Sessions that read all the time, and how long the slowest answer took. */
struct readers {
    struct sg_sql *sql[READERS];
    int64_t sent[READERS];
    int64_t slowest;
    int answers, waits; /* all, and those over 50 ms: behind the ALTER */
};

static void readers_work(struct readers *readers)
{
    for (int i = 0; i < READERS; i++) {
        int64_t took;

        if (sg_sql_busy(readers->sql[i]))
            continue;
        if (readers->sent[i] != 0) {
            T_EQ_STR(sg_sql_finish(readers->sql[i], 20000), "");
            took = sg_test_now_ms() - readers->sent[i];
            readers->slowest = took > readers->slowest ? took : readers->slowest;
            readers->answers++;
            readers->waits += took > 50;
        }
        readers->sent[i] = sg_test_now_ms();
        sg_sql_send(readers->sql[i], "SELECT count(*) FROM t");
    }
    sg_test_sleep_ms(2);
}

/* A deploy of ALTER TABLE behind a transaction that reads, for three seconds. */
static struct readers read_meanwhile(bool pooled)
{
    struct place place = place_new(NULL, pooled, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){
        .policy = sg_test_strf("lock_rungs_ms = 100, 300, %d", LONGEST_RUNG), .steps = add_column("")});
    struct readers readers = {.slowest = 0};
    struct sg_sql *holder;
    struct sg_run_result result;
    struct sg_run *run;
    int64_t end;

    sg_sql_exec(place.sql, "CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n");
    for (int i = 0; i < READERS; i++)
        readers.sql[i] = sg_sql_open(place.direct);
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    for (end = sg_test_now_ms() + 3000; sg_test_now_ms() < end && !sg_run_ended(run);)
        readers_work(&readers);
    sg_run_goes_on(run);
    sg_sql_close(holder);
    for (end = sg_test_now_ms() + 20000; sg_test_now_ms() < end && !sg_run_ended(run);)
        readers_work(&readers);
    result = ended(sg_run_wait(run, 20000), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
    T_CONTAINS(result.err, "no lock within 100 ms");
    T_CONTAINS(result.err, "no lock within 300 ms");
    T_CONTAINS(result.err, "no lock within 600 ms");
    for (int i = 0; i < READERS; i++)
        T_EQ_STR(sg_sql_finish(readers.sql[i], 20000), "");
    printf("     longest rung %d ms: the slowest of %d answers took %lld ms, %d waited\n", LONGEST_RUNG, readers.answers,
           (long long)readers.slowest, readers.waits);
    return readers;
}

/* A ladder that is wrong is so each time; a machine that is busy is not. */
static void let_readers_through(bool pooled)
{
    struct readers readers = {.slowest = ALLOWED};

    for (int i = 0; i < 3 && readers.slowest >= ALLOWED; i++)
        readers = read_meanwhile(pooled);
    T_LT_INT(readers.slowest, ALLOWED);
    /* they did meet the ALTER, once a rung at least, and were let through in between */
    T_GE_INT(readers.waits, 3 * READERS);
    T_GT_INT(readers.answers, 5 * readers.waits);
}

SG_TEST(readers_get_through)
{
    let_readers_through(false);
}

SG_TEST(readers_get_through_when_pooled)
{
    if (!sg_test_full())
        T_SKIP("a pooler makes no difference to the ladder");
    let_readers_through(true);
}

/* ---- who blocks ---- */

static void name_the_blocker(bool pooled)
{
    struct place place = place_new(NULL, pooled, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 500", .steps = add_column("lock_seconds = 0\n")});
    struct sg_sql *holder;
    struct sg_run_result run;
    int pid;

    sg_sql_exec(place.sql, "CREATE TABLE t (n int, name text); CREATE ROLE reporter LOGIN; GRANT SELECT ON t TO reporter");
    holder = sg_sql_open(sg_test_strf("%s application_name=nightly", sg_server_conninfo(place.server, place.db, "reporter")));
    pid = sg_sql_pid(holder);
    sg_sql_exec(holder, "BEGIN");
    sg_sql_exec(holder, "SELECT count(*) FROM t WHERE name = 'a secret' AND n = 471100");
    run = ended(sgrun(manifest, "deploy"), 4);
    T_CONTAINS(run.err, sg_test_strf("blocked by pid %d (nightly, user reporter, idle in transaction for ", pid));
    T_CONTAINS(run.err, "SELECT count(*) FROM t WHERE name = ");
    T_LACKS(run.err, "a secret");
    T_LACKS(run.err, "471100");
    run = ended(sgrun(manifest, "deploy", "--json"), 4);
    T_CONTAINS(run.out, sg_test_strf("blocked by pid %d (nightly, user reporter, idle in transaction for ", pid));
    T_LACKS(run.out, "a secret");
    T_CONTAINS(run.out, "\"class\": \"locked\"");
    T_CONTAINS(run.out, "\"sqlstate\": \"55P03\"");
    sg_sql_exec(holder, "COMMIT");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
    sg_sql_close(holder);
    sg_sql_exec(place.sql, "DROP OWNED BY reporter; DROP ROLE reporter");
}

SG_TEST(the_blocker_is_named)
{
    name_the_blocker(false);
}

SG_TEST(the_blocker_is_named_through_a_pooler)
{
    name_the_blocker(true);
}

SG_TEST(a_prepared_transaction_is_named)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 500", .steps = add_column("lock_seconds = 0\n")});

    sg_sql_exec(place.sql, "CREATE TABLE t (n int)");
    sg_sql_exec(place.sql, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'forgotten'");
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 4).err, "a prepared transaction (see pg_prepared_xacts)");
    sg_sql_exec(place.sql, "ROLLBACK PREPARED 'forgotten'");
    ended(sgrun(manifest, "deploy"), 0);
}

/* ---- giving up ---- */

SG_TEST(gives_up_in_time)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 100, 200\nlock_seconds = 1",
        .steps = sg_test_strf("%s%s", add_column("option.ddl2 = ALTER TABLE u ADD COLUMN a int\n"), step("s02", "option.ddl1 = CREATE TABLE v ()\n"))});
    struct sg_sql *holder;
    struct sg_run_result run;

    sg_sql_exec(place.sql, "CREATE TABLE t (); CREATE TABLE u ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM u");
    run = ended(sgrun(manifest, "deploy"), 4);
    T_CONTAINS(run.err, "lock time-outs in ");
    T_CONTAINS(run.err, "lock_seconds");
    T_CONTAINS(run.err, "ALTER TABLE u ADD COLUMN a int");
    T_LT_INT(run.ms, 20000); /* the holder never lets go */
    T_EQ_STR(ledger(&place), "");
    T_EQ_STR(attempts(&place), "s01|failed|locked|55P03|ALTER TABLE u ADD COLUMN a int");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT to_regclass('v')"), NULL);
    T_EQ_STR(lease_owner(&place), NULL);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"), 0);
    run = ended(sgrun(manifest, "status", "--json"), 0);
    T_CONTAINS(run.out, "\"state\": \"failed\"");
    T_CONTAINS(run.out, "\"class\": \"locked\"");
    sg_sql_close(holder);
}

/* Questions meet locks too: of run, of a fingerprint, of plan and of verify. */
SG_TEST(reads_give_up_in_time)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 200\nlock_seconds = 0",
        .steps = step("s01", "option.fingerprint = SELECT 1 FROM t\noption.ddl1 = CREATE TABLE v ()\n")});
    struct sg_sql *holder;
    int pid;

    sg_sql_exec(place.sql, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
    holder = sg_sql_hold(place.direct, "LOCK TABLE t");
    pid = sg_sql_pid(holder);
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 4).err, sg_test_strf("blocked by pid %d", pid));
    ended(sgrun(manifest, "plan"), 4);
    ended(sgrun(manifest, "verify", "--adopt", "s01"), 4);
    T_EQ_STR(ledger(&place), "");
    T_EQ_STR(lease_owner(&place), NULL);
    sg_sql_close(holder);
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|reconciled");
    holder = sg_sql_hold(place.direct, "LOCK TABLE t");
    ended(sgrun(manifest, "verify"), 4);
    sg_sql_close(holder);
    ended(sgrun(manifest, "verify"), 0);
}

/* A pooler with one connection to give: who blocks cannot be asked, and nothing hangs for it. */
SG_TEST(a_pool_of_one_is_enough)
{
    struct place place = place_new(NULL, true, 1);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 1200\nlock_seconds = 1", .steps = add_column("")});
    struct sg_sql *holder;
    struct sg_run_result run;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = ended(sgrun(manifest, "deploy"), 4);
    T_CONTAINS(run.err, "cannot say who blocks");
    T_EQ_STR(attempts(&place), "s01|failed|locked|55P03|ALTER TABLE t ADD COLUMN a int");
    T_EQ_STR(lease_owner(&place), NULL);
    sg_sql_close(holder);
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
}

/* ---- deadlocks, autovacuum ---- */

/* Each has a table that the other waits for; the server ends ours, which starts again. */
SG_TEST(a_deadlock_is_tried_again)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 10000",
        .steps = add_column("option.ddl2 = ALTER TABLE u ADD COLUMN a int\n")});
    struct sg_sql *other;
    struct sg_run *run;

    sg_sql_exec(place.sql, "CREATE TABLE t (); CREATE TABLE u ()");
    other = sg_sql_hold(place.direct, "SET LOCAL deadlock_timeout = '60s'; LOCK TABLE u");
    run = sgrun_start(manifest, "deploy");
    sg_sql_await_queued(place.sql, "u", 10000);
    sg_sql_send(other, "LOCK TABLE t");
    T_EQ_STR(sg_sql_finish(other, 10000), "");
    sg_sql_close(other);
    ended(sg_run_wait(run, 20000), 0);
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT id, outcome, attempts FROM sgrun.schema_migrations"), "s01|applied|2");
    T_EQ_STR(attempts(&place), "s01|retried|transient|40P01|ALTER TABLE u ADD COLUMN a int");
}

SG_TEST(autovacuum_makes_way)
{
    struct sg_server *server = sg_server_start("autovacuum_naptime = 1s\ndeadlock_timeout = 500ms\nlog_autovacuum_min_duration = 0\n");
    struct place place = place_new(server, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 250, 2000", .steps = add_column("")});
    struct sg_run_result run;

    sg_sql_exec(place.sql, "CREATE TABLE t (n int) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,"
                           " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)");
    sg_sql_exec(place.sql, "INSERT INTO t SELECT n FROM generate_series(1, 100000) n");
    sg_sql_exec(place.sql, "DELETE FROM t");
    sg_sql_await(place.sql, "SELECT count(*) > 0 FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE backend_type = 'autovacuum worker'"
                            " AND relation = 't'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted", "t", 60000);
    run = ended(sgrun(manifest, "deploy"), 0);
    /* below deadlock_timeout it stays, and is named */
    T_CONTAINS(run.err, "no lock within 250 ms");
    T_CONTAINS(run.err, "autovacuum worker");
    T_LACKS(run.err, "no lock within 2000 ms");
    T_CONTAINS(sg_server_log(server), "canceling autovacuum task");
    T_EQ_STR(ledger(&place), "s01|applied");
}

/* ---- how long ---- */

/* A deploy that waits behind HOLDER for the lock of t. Two at a time, directly and through a pooler: most of it is waiting. */
struct waiting {
    struct place place;
    const char *manifest;
    struct sg_sql *holder;
    struct sg_run *run;
    int pid; /* the holder's */
};

static struct waiting wait_for_t(bool pooled, const struct manifest *what)
{
    struct waiting waiting = {.place = place_new(NULL, pooled, 0)};

    waiting.manifest = manifest_new(&waiting.place, what);
    sg_sql_exec(waiting.place.sql, "CREATE TABLE t1 (); CREATE TABLE t (); CREATE TABLE t3 ()");
    waiting.holder = sg_sql_hold(waiting.place.direct, "SELECT * FROM t");
    waiting.pid = sg_sql_pid(waiting.holder);
    waiting.run = sgrun_start(waiting.manifest, "deploy");
    sg_sql_await_queued(waiting.place.sql, "t", 10000);
    return waiting;
}

static void read_the_journal(struct sg_sql *sql, int blocker)
{
    printf("     %s\n", sg_sql_value(sql, "SELECT string_agg(format('%s: waited %s ms, held %s ms', kind, waited_ms, held_ms), '; '"
                                          " ORDER BY seq) FROM sgrun.journal"));
    T_EQ_STR(sg_sql_rows(sql, "SELECT seq, kind, sql FROM sgrun.journal ORDER BY seq"),
             "1|ALTER TABLE|ALTER TABLE t1 ADD COLUMN a int\n2|ALTER TABLE|ALTER TABLE t ADD COLUMN a int\n"
             "3|ALTER TABLE|ALTER TABLE t3 ADD COLUMN a int");
    /* the first was held while the second waited, the others for what came after them */
    T_EQ_STR(sg_sql_value(sql, "SELECT a.held_ms > b.held_ms + 1000 AND b.held_ms > c.held_ms + 200 AND c.held_ms > 0"
                               " AND a.held_ms < 15000 FROM sgrun.journal a, sgrun.journal b, sgrun.journal c"
                               " WHERE a.seq = 1 AND b.seq = 2 AND c.seq = 3"), "t");
    T_EQ_STR(sg_sql_value(sql, "SELECT waited_ms BETWEEN 500 AND duration_ms AND duration_ms >= 1000 FROM sgrun.journal WHERE seq = 2"),
             "t");
    T_CONTAINS(sg_sql_value(sql, "SELECT waited_on FROM sgrun.journal WHERE seq = 2"), sg_test_strf("pid %d (", blocker));
    T_EQ_STR(sg_sql_rows(sql, "SELECT waited_ms, waited_on FROM sgrun.journal WHERE seq <> 2"), "0|\n0|");
}

SG_TEST(the_journal_says_how_long)
{
    struct manifest what = {.policy = "lock_rungs_ms = 10000",
        .steps = step("s01", "option.ddl1 = ALTER TABLE t1 ADD COLUMN a int\noption.ddl2 = ALTER TABLE t ADD COLUMN a int\n"
                             "option.ddl3 = ALTER TABLE t3 ADD COLUMN a int\noption.sleep_ms = 250\n"
                             "option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = 't3'::regclass AND attname = 'a'\n")};
    struct waiting waiting[] = {wait_for_t(false, &what), wait_for_t(true, &what)};

    sg_test_sleep_ms(1000);
    for (size_t i = 0; i < 2; i++)
        sg_sql_close(waiting[i].holder);
    for (size_t i = 0; i < 2; i++) {
        ended(sg_run_wait(waiting[i].run, 20000), 0);
        read_the_journal(waiting[i].place.sql, waiting[i].pid);
    }
}

/* ---- leaving ---- */

static void kill_while_it_waits(struct waiting *waiting, bool pooled)
{
    struct sg_sql *reader = sg_sql_open(waiting->place.direct);
    int64_t began = sg_test_now_ms();

    sg_run_signal(waiting->run, SIGKILL);
    (void)sg_run_wait(waiting->run, 20000);
    sg_sql_send(reader, "SELECT count(*) FROM t");
    T_EQ_STR(sg_sql_finish(reader, 20000), "");
    printf("     %lld ms after the runner was killed the readers were through%s\n", (long long)(sg_test_now_ms() - began),
           pooled ? ", with a pooler in between" : "");
    sg_sql_await(waiting->place.sql, WAITING_ON_T, "0", 20000);
    T_EQ_STR(ledger(&waiting->place), "");
    sg_sql_close(waiting->holder);
}

SG_TEST(a_killed_runner_leaves_no_alter_behind)
{
    struct manifest what = {.sgrun = "lease_seconds = 2", .policy = "idle_seconds = 1\nlock_rungs_ms = 60000", .steps = add_column("")};
    struct waiting waiting[] = {wait_for_t(false, &what), wait_for_t(true, &what)};
    struct sg_run *next[2];

    for (size_t i = 0; i < 2; i++) {
        kill_while_it_waits(&waiting[i], i == 1);
        next[i] = sgrun_start(waiting[i].manifest, "deploy", "--wait", "20");
    }
    for (size_t i = 0; i < 2; i++) {
        ended(sg_run_wait(next[i], 30000), 0);
        T_EQ_STR(ledger(&waiting[i].place), "s01|applied");
    }
}

/* The first signal lets the rung end, the second ends the statement at once. */
static void stop_while_it_waits(bool pooled, const char *rungs, int signals)
{
    struct place place = place_new(NULL, pooled, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = rungs, .steps = add_column("lock_pause_ms = 60000\n")});
    struct sg_sql *holder;
    struct sg_run *run;
    struct sg_run_result result;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    sg_sql_await_queued(place.sql, "t", 10000);
    for (int i = 0; i < signals; i++) {
        sg_run_signal(run, SIGTERM);
        sg_test_sleep_ms(150);
    }
    result = ended(sg_run_wait(run, 10000), 143);
    T_CONTAINS(result.err, "stopped by SIGTERM");
    T_EQ_INT(sg_sql_int(place.sql, WAITING_ON_T), 0);
    T_EQ_STR(lease_owner(&place), NULL);
    T_EQ_STR(ledger(&place), "");
    sg_sql_close(holder);
}

SG_TEST(a_signal_ends_the_ladder)
{
    stop_while_it_waits(false, "lock_rungs_ms = 1000", 1);
}

SG_TEST(a_second_signal_ends_the_statement)
{
    stop_while_it_waits(false, "lock_rungs_ms = 60000", 2);
    stop_while_it_waits(true, "lock_rungs_ms = 60000", 2);
}

static const struct sg_test tests[] = {
    SG_CASE(readers_get_through),
    SG_CASE(readers_get_through_when_pooled),
    SG_CASE(the_blocker_is_named),
    SG_CASE(the_blocker_is_named_through_a_pooler),
    SG_CASE(a_prepared_transaction_is_named),
    SG_CASE(gives_up_in_time),
    SG_CASE(reads_give_up_in_time),
    SG_CASE(a_pool_of_one_is_enough),
    SG_CASE(a_deadlock_is_tried_again),
    SG_CASE(autovacuum_makes_way),
    SG_CASE(the_journal_says_how_long),
    SG_CASE(a_killed_runner_leaves_no_alter_behind),
    SG_CASE(a_signal_ends_the_ladder),
    SG_CASE(a_second_signal_ends_the_statement),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"locks", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
