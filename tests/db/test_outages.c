/*
 * Servers and poolers that are away, come back, refuse, or answer late; and what an answer that was lost means. What passes by
 * itself is tried again, each time on a new connection with a new plugin process, and the run ends with 0; what does not pass ends
 * at once; and what lasts ends the run within its budget, with 5.
 */
#include "config.h"

#include "tests/db/faults.h"

#include "tests/kit/tmp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_BUDGET "--set=policy.max_retries=3"

static void open_measured(struct place *place, enum route route)
{
    place_open(place, route);
    place_manifest(place, "", place_five());
    place_measure(place);
}

static void expect_done(struct place *place, struct sg_run_result result, const char *what)
{
    sg_test_check(SG_HERE_, false, result.exit == 0, "%s: ended with %d, signal %d: %s", what, result.exit, result.signal, result.err);
    place_settle(place, what, true, false);
}

/* ---- away ---- */

SG_TEST(a_server_that_is_down)
{
    struct place place;
    struct sg_run_result result;
    struct sg_run *run;

    open_measured(&place, ROUTE_DIRECT);
    place_reset(&place);
    sg_server_stop(place.server, SG_STOP_FAST);
    result = place_run(&place, SHORT_BUDGET);
    T_EQ_INT(result.exit, 5);
    T_CONTAINS(result.err, "3 attempts in");
    T_LT_INT(result.ms, 15000);
    run = place_start(&place, NULL);
    sg_run_await(run, "trying again in", 10000);
    sg_server_restart(place.server);
    expect_done(&place, sg_run_wait(run, 30000), "a server that was down");
}

SG_TEST(a_pooler_whose_server_is_down)
{
    struct place place;
    struct sg_run_result result;
    struct sg_run *run;

    open_measured(&place, ROUTE_POOLED);
    place_reset(&place);
    sg_server_stop(place.server, SG_STOP_FAST);
    result = place_run(&place, SHORT_BUDGET);
    T_EQ_INT(result.exit, 5);
    T_CONTAINS(result.err, "3 attempts in");
    run = place_start(&place, NULL);
    sg_run_await(run, "trying again in", 10000);
    sg_server_restart(place.server);
    expect_done(&place, sg_run_wait(run, 30000), "a server behind a pooler that was down");
}

/* The second connection too, which has been asked who blocks. */
static void end_all(struct place *place)
{
    sg_sql_await(place->sql, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sgrun' AND state = 'idle'", "1", 20000);
    /* that one first, so that it cannot be seen before it is needed */
    sg_sql_exec(place->sql, "SELECT pg_terminate_backend(pid, 5000) FROM (SELECT pid FROM pg_stat_activity WHERE application_name"
                            " LIKE 'sgrun%' ORDER BY application_name COLLATE \"C\") a");
}

/* A statement of the third migration waits in the proxy, while it happens. */
static void in_the_middle(enum route route, const char *what, void (*happens)(struct place *place))
{
    struct place place;
    struct sg_run *run;

    open_measured(&place, route);
    place_reset(&place);
    sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "ALTER TABLE tags", .whole = false});
    run = place_start(&place, NULL);
    T_MUST(sg_proxy_await_hits(place.proxy, 1, 10000));
    happens(&place);
    sg_proxy_release(place.proxy);
    {
        struct sg_run_result result = sg_run_wait(run, 30000);

        sg_test_check(SG_HERE_, false, result.exit == 0, "%s: ended with %d: %s", what, result.exit, result.err);
    }
    place_settle(&place, what, true, false);
    T_GE_INT(sg_sql_int(place.sql, "SELECT attempts FROM sgrun.schema_migrations WHERE id = 's03'"), 2);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT sum(attempts) FROM sgrun.schema_migrations WHERE id <> 's03'"), 4);
    /* what happens while the server is away cannot be noted in it */
    if (happens == end_all)
        T_EQ_STR(sg_sql_rows(place.sql, "SELECT step, result, class FROM sgrun.attempts"), "s03|retried|connection");
}

static void restart_fast(struct place *place)
{
    sg_server_restart(place->server);
}

static void crash(struct place *place)
{
    sg_server_stop(place->server, SG_STOP_IMMEDIATE);
    sg_server_restart(place->server);
}

/* Another session's backend dies: the server throws everybody out, one after the other, and recovers. */
static void crash_of_another(struct place *place)
{
    struct sg_sql *other = sg_sql_open(sg_server_conninfo(place->server, "postgres", NULL));
    const char *pids = sg_sql_rows(place->sql, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'sgrun%'");
    char *end;

    T_MUST(*pids != '\0');
    T_MUST(sg_server_kill_backend(place->server, sg_sql_pid(other)));
    for (const char *at = pids; *at != '\0'; at = *end == '\n' ? end + 1 : end) {
        pid_t pid = (pid_t)strtol(at, &end, 10);

        T_MUST(end > at);
        while (kill(pid, 0) == 0)
            sg_test_sleep_ms(2);
    }
}

static void restart_pooler(struct place *place)
{
    sg_pgbouncer_restart(place->bouncer);
}

static void kill_pooler(struct place *place)
{
    sg_pgbouncer_kill(place->bouncer);
    sg_pgbouncer_restart(place->bouncer);
}

static void too_long_idle(struct place *place)
{
    (void)place;
    sg_test_sleep_ms(1500); /* idle_seconds = 1 */
}

SG_TEST(all_backends_terminated)
{
    in_the_middle(ROUTE_DIRECT, "all backends terminated", end_all);
}

SG_TEST(a_restart_in_the_middle)
{
    in_the_middle(ROUTE_DIRECT, "a fast restart", restart_fast);
}

SG_TEST(a_crash_in_the_middle_behind_a_pooler)
{
    in_the_middle(ROUTE_POOLED, "a crash", crash);
}

SG_TEST(a_crash_of_another_backend)
{
    in_the_middle(ROUTE_DIRECT, "a crash of another backend", crash_of_another);
}

SG_TEST(a_pooler_restarted_in_the_middle)
{
    in_the_middle(ROUTE_POOLED, "a restarted pooler", restart_pooler);
}

SG_TEST(a_pooler_killed_in_the_middle)
{
    in_the_middle(ROUTE_POOLED, "a killed pooler", kill_pooler);
}

SG_TEST(idle_for_too_long)
{
    in_the_middle(ROUTE_DIRECT, "idle_in_transaction_session_timeout", too_long_idle);
}

/* ---- the pooler's administrator ---- */

SG_TEST(pause_and_resume)
{
    struct place place;
    struct sg_sql *admin;
    struct sg_run *run;

    open_measured(&place, ROUTE_POOLED);
    place_reset(&place);
    admin = sg_sql_open(sg_pgbouncer_conninfo(place.bouncer, "pgbouncer", NULL));
    sg_sql_exec(admin, "PAUSE");
    run = place_start(&place, NULL);
    sg_test_sleep_ms(500);
    sg_run_goes_on(run);
    sg_sql_exec(admin, "RESUME");
    expect_done(&place, sg_run_wait(run, 30000), "PAUSE before the run");

    place_reset(&place);
    sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "ALTER TABLE tags"});
    run = place_start(&place, NULL);
    T_MUST(sg_proxy_await_hits(place.proxy, 1, 10000));
    sg_sql_send(admin, "PAUSE"); /* waits for our transaction's end */
    sg_test_sleep_ms(200);
    sg_proxy_release(place.proxy);
    T_EQ_STR(sg_sql_finish(admin, 10000), "");
    sg_test_sleep_ms(300);
    sg_run_goes_on(run);
    sg_sql_exec(admin, "RESUME");
    expect_done(&place, sg_run_wait(run, 30000), "PAUSE in the middle");
}

/* The pooler gives up waiting for a server connection: 08P01, which passes. */
SG_TEST(no_server_connection_for_a_while)
{
    struct place place;
    struct sg_pgbouncer *bouncer;
    struct sg_sql *holder;
    struct sg_run *run;

    place_open(&place, ROUTE_DIRECT);
    bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_proxy_dir(place.proxy), .port = sg_proxy_port(place.proxy),
                                                             .pool_size = 1, .query_wait_timeout = 1});
    place.bouncer = bouncer;
    place.route = ROUTE_BEHIND;
    place_manifest(&place, "", place_five());
    place_measure(&place);
    place_reset(&place);
    holder = sg_sql_hold(sg_pgbouncer_conninfo(bouncer, place.db, NULL), "SELECT 1");
    run = place_start(&place, NULL);
    sg_run_await(run, "query_wait_timeout", 10000);
    sg_run_await(run, "trying again in", 10000);
    sg_sql_close(holder);
    expect_done(&place, sg_run_wait(run, 30000), "query_wait_timeout");
}

/* ---- refused ---- */

static void refused(struct place *place, const char *conninfo, const char *says)
{
    struct sg_run_result result = place_run(place, sg_test_strf("--set=database.dsn=%s", conninfo));

    sg_test_check(SG_HERE_, false, result.exit == 5 && result.ms < 3000, "%s: ended with %d after %lld ms: %s", conninfo, result.exit,
                  (long long)result.ms, result.err);
    T_CONTAINS(result.err, says);
    T_LACKS(result.err, "trying again");
    T_LACKS(result.err, "s3cr3t");
}

SG_TEST(what_no_repetition_mends)
{
    struct place place;
    const char *hba;
    FILE *f;

    open_measured(&place, ROUTE_POOLED);
    sg_sql_exec(place.sql, "CREATE ROLE known LOGIN PASSWORD 'other'");
    hba = sg_test_strf("%s/pg_hba.conf", sg_server_data(place.server));
    T_MUST_NOT_NULL(f = fopen(hba, "w"));
    fputs("local all known scram-sha-256\nlocal all all trust\n", f);
    T_MUST_EQ_INT(fclose(f), 0);
    sg_sql_exec(place.sql, "SELECT pg_reload_conf(), pg_sleep(0.2)");
    refused(&place, sg_server_conninfo(place.server, "nowhere", NULL), "database \"nowhere\" does not exist");
    refused(&place, sg_server_conninfo(place.server, place.db, "nobody"), "role \"nobody\" does not exist");
    refused(&place, sg_test_strf("%s password=s3cr3t", sg_server_conninfo(place.server, place.db, "known")),
            "password authentication failed");
    refused(&place, sg_server_conninfo(place.server, place.db, "known"), "password");
    refused(&place, sg_pgbouncer_conninfo(place.bouncer, "nowhere", NULL), "does not exist");
    refused(&place, sg_pgbouncer_conninfo(place.bouncer, place.db, "nobody"), "authentication failed");
}

SG_TEST(too_many_connections)
{
    struct place place;
    struct sg_sql *others[16];
    struct sg_run_result result;
    struct sg_run *run;
    int n = 0;

    open_measured(&place, ROUTE_DIRECT);
    sg_server_configure(place.server, "max_connections = 6\nsuperuser_reserved_connections = 0\nmax_wal_senders = 0");
    sg_server_restart(place.server);
    place_reset(&place);
    while (n < 16 && (others[n] = sg_sql_try_open(sg_server_conninfo(place.server, "postgres", NULL), NULL)) != NULL)
        n++;
    T_MUST(n > 0 && n < 16);
    result = place_run(&place, SHORT_BUDGET);
    T_EQ_INT(result.exit, 5);
    T_CONTAINS(result.err, "53300");
    T_CONTAINS(result.err, "3 attempts in");
    run = place_start(&place, NULL);
    sg_run_await(run, "trying again in", 10000);
    while (n > 0)
        sg_sql_close(others[--n]);
    expect_done(&place, sg_run_wait(run, 30000), "too many connections");
}

/* ---- read only ---- */

/* A role's or a database's default is not a standby: BEGIN READ WRITE overrules it. */
SG_TEST(read_only_by_default)
{
    struct place place;

    open_measured(&place, ROUTE_DIRECT);
    place_reset(&place);
    sg_sql_execf(place.sql, "ALTER DATABASE %s SET default_transaction_read_only = on", place.db);
    sg_sql_execf(place.sql, "ALTER DATABASE %s SET default_transaction_isolation = 'serializable'", place.db);
    expect_done(&place, place_run(&place, NULL), "default_transaction_read_only");
}

/* Failed over: the connection string leads to what is a standby still. It is promoted while we try. */
SG_TEST(a_standby)
{
    struct place place;
    struct sg_run *run;
    struct sg_run_result result;

    open_measured(&place, ROUTE_DIRECT);
    place_reset(&place);
    sg_server_be_standby(place.server, true);
    result = place_run(&place, SHORT_BUDGET);
    T_EQ_INT(result.exit, 5);
    T_CONTAINS(result.err, "3 attempts in");
    T_CONTAINS(result.err, "standby");
    run = place_start(&place, NULL);
    sg_run_await(run, "trying again in", 10000);
    place.sql = sg_sql_open(sg_server_conninfo(place.server, place.db, NULL));
    sg_sql_exec(place.sql, "SELECT pg_promote()");
    expect_done(&place, sg_run_wait(run, 30000), "a standby that is promoted");
}

/* ---- cancelled ---- */

SG_TEST(cancelled_by_an_administrator)
{
    struct place place;
    struct sg_sql *holder;
    struct sg_run *run;
    struct sg_run_result result;

    place_open(&place, ROUTE_POOLED);
    place_manifest(&place, "lock_rungs_ms = 20000\n", place_five());
    place_measure(&place);
    place_reset(&place);
    holder = sg_sql_hold(sg_server_conninfo(place.server, place.db, NULL), "LOCK TABLE people IN ACCESS SHARE MODE");
    run = place_start(&place, NULL);
    sg_sql_await_queued(place.sql, "people", 10000);
    sg_sql_exec(place.sql, "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted");
    result = sg_run_wait(run, 10000);
    T_EQ_INT(result.exit, 1);
    T_CONTAINS(result.err, "57014");
    T_CONTAINS(result.err, "cancelled");
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT id FROM sgrun.schema_migrations"), "");
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT step, result, sqlstate FROM sgrun.attempts"), "s01|failed|57014");
    sg_sql_close(holder);
    place_settle(&place, "a cancelled statement", true, false);
}

/* ---- retries are fresh ---- */

/* The process ids of the plugin processes of a step below a run, as one text. */
static const char *plugins_of(const struct sg_run *run, const char *step)
{
    const char *line = sg_run_below(run);
    const char *pids = "";

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        const char *text = sg_test_strf("%.*s", (int)len, line);

        if (strstr(text, step) != NULL)
            pids = sg_test_strf("%s%s\n", pids, text);
        line += len + (line[len] == '\n');
    }
    return pids;
}

SG_TEST(each_attempt_has_its_own_connection_and_process)
{
    struct place place;
    struct sg_run *run;
    const char *plugins[3];
    int pids[3], accepted[3];

    open_measured(&place, ROUTE_DIRECT);
    place_reset(&place);
    for (int i = 0; i < 3; i++)
        sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "ALTER TABLE people ADD CHECK (id > 0)",
                                                          .whole = true, .nth = i + 1});
    run = place_start(&place, NULL);
    for (int i = 0; i < 3; i++) {
        T_MUST(sg_proxy_await_hits(place.proxy, i + 1, 10000));
        plugins[i] = plugins_of(run, "s02");
        pids[i] = sg_proxy_hit_pid(place.proxy);
        accepted[i] = sg_proxy_accepted(place.proxy);
        T_NE_STR(plugins[i], "");
        if (i < 2)
            sg_proxy_cut(place.proxy);
        else
            sg_proxy_release(place.proxy);
    }
    expect_done(&place, sg_run_wait(run, 10000), "three attempts");
    T_NE_INT(pids[0], pids[1]);
    T_NE_INT(pids[1], pids[2]);
    T_GT_INT(accepted[1], accepted[0]);
    T_GT_INT(accepted[2], accepted[1]);
    T_NE_STR(plugins[0], plugins[1]);
    T_NE_STR(plugins[1], plugins[2]);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT attempts FROM sgrun.schema_migrations WHERE id = 's02'"), 3);
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT step, result, class FROM sgrun.attempts ORDER BY no"),
             "s02|retried|connection\ns02|retried|connection");
}

/* ---- an answer to COMMIT that was lost ---- */

/* The n-th COMMIT of the run is that of the tables', the one after it s01's. */
static struct sg_run_result lose_commit(struct place *place, enum sg_fault fault)
{
    place_reset(place);
    sg_proxy_arm(place->proxy, &(struct sg_proxy_rule){.fault = fault, .match = "COMMIT", .whole = true, .nth = 2});
    return place_run(place, "--json");
}

static void uncertain(enum route route)
{
    struct place place;
    struct sg_run_result result;

    open_measured(&place, route);
    result = lose_commit(&place, SG_FAULT_DROP_REPLY);
    T_EQ_INT(sg_proxy_hits(place.proxy), 1);
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(result.out, "\"attempts\": 2");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT attempts FROM sgrun.schema_migrations WHERE id = 's01'"), 1); /* the first one did it */
    place_settle(&place, "the answer to COMMIT was lost", true, false);

    result = lose_commit(&place, SG_FAULT_DROP_REQUEST);
    T_EQ_INT(sg_proxy_hits(place.proxy), 1);
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(result.out, "\"attempts\": 2");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT attempts FROM sgrun.schema_migrations WHERE id = 's01'"), 2);
    place_settle(&place, "COMMIT was lost", true, false);
}

SG_TEST(uncertain_commit)
{
    uncertain(ROUTE_DIRECT);
}

SG_TEST(uncertain_commit_before_a_pooler)
{
    uncertain(ROUTE_POOLED);
}

SG_TEST(uncertain_commit_behind_a_pooler)
{
    uncertain(ROUTE_BEHIND);
}

/* While nobody knows, the budget ends: it is said so. */
SG_TEST(uncertain_for_good)
{
    struct place place;
    struct sg_run *run;
    struct sg_run_result result;

    open_measured(&place, ROUTE_DIRECT);
    place_reset(&place);
    sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REPLY, .match = "COMMIT", .whole = true, .nth = 2});
    run = place_start(&place, SHORT_BUDGET);
    T_MUST(sg_proxy_await_hits(place.proxy, 1, 10000));
    sg_proxy_refuse(place.proxy, true);
    result = sg_run_wait(run, 30000);
    sg_proxy_refuse(place.proxy, false);
    T_EQ_INT(result.exit, 5);
    T_CONTAINS(result.err, "The answer to COMMIT was lost");
    place_settle(&place, "uncertain for good", true, true);
}

/* While nobody knows, another runner takes the lease: the first leaves with 4, and says what the ledger says. */
static void taken(bool committed)
{
    struct place place;
    const char *through, *straight;
    struct sg_run *run;
    struct sg_run_result result;

    open_measured(&place, ROUTE_DIRECT);
    through = place.manifest;
    place_reset(&place);
    sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = committed ? SG_FAULT_DROP_REPLY : SG_FAULT_DROP_REQUEST,
                                                      .match = "COMMIT", .whole = true, .nth = 2});
    run = place_start(&place, "--set=policy.retry_cap_ms=100");
    T_MUST(sg_proxy_await_hits(place.proxy, 1, 10000));
    sg_run_signal(run, SIGSTOP);
    straight = sg_test_strf("--set=database.dsn=%s", sg_server_conninfo(place.server, place.db, NULL));
    if (committed) {
        result = place_run(&place, straight);
        T_EQ_STR(result.exit == 0 ? "" : result.err, "");
    } else {
        sg_sql_exec(place.sql, "UPDATE sgrun.lease SET owner = 'someone', fence = fence + 1");
    }
    sg_run_signal(run, SIGCONT);
    result = sg_run_wait(run, 20000);
    T_EQ_INT(result.exit, 4);
    T_CONTAINS(result.err, committed ? "the ledger says that it is recorded" : "the ledger says that it is not recorded");
    sg_sql_exec(place.sql, "UPDATE sgrun.lease SET owner = NULL");
    place.manifest = through;
    place_settle(&place, "another took the lease", true, false);
}

SG_TEST(uncertain_and_taken_when_committed)
{
    taken(true);
}

SG_TEST(uncertain_and_taken_when_not)
{
    taken(false);
}

/* What is recorded without being run: a step whose successor was recorded before it was in the manifest. */
SG_TEST(superseded_and_lost)
{
    static const enum sg_fault faults[] = {SG_FAULT_DROP_REPLY, SG_FAULT_DROP_REQUEST, SG_FAULT_CUT_NOW};
    const char *successor = "[migration s02]\nplugin = s02\noption.ddl1 = CREATE TABLE a (id int)\noption.table = a\n";
    struct place place;

    place_open(&place, ROUTE_DIRECT);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct sg_run_result result;

        place_manifest(&place, "", successor);
        place_reset(&place);
        T_MUST_EQ_INT(place_run(&place, NULL).exit, 0);
        place_manifest(&place, "", sg_test_strf("[migration s01]\nplugin = s01\nsuperseded_by = s02\n%s", successor));
        sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = faults[i], .match = "COMMIT", .whole = true});
        result = place_run(&place, NULL);
        T_EQ_INT(sg_proxy_hits(place.proxy), 1);
        T_EQ_STR(result.exit == 0 ? "" : result.err, "");
        T_EQ_STR(sg_sql_rows(place.sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id"), "s01|superseded\ns02|applied");
        T_EQ_STR(sg_sql_rows(place.sql, "SELECT owner FROM sgrun.lease"), "");
    }
}

/* ---- nothing answers ---- */

/* A connection that is open and says nothing: a statement of ours is given up after a minute. */
SG_TEST(a_hole_is_given_up)
{
    struct place place;
    struct sg_run *run;

    if (!sg_test_full())
        T_SKIP("takes a minute");
    open_measured(&place, ROUTE_DIRECT);
    place_reset(&place);
    sg_proxy_arm(place.proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_HOLE, .match = "SAVEPOINT sgrun_read", .nth = 3});
    run = place_start(&place, NULL);
    T_MUST(sg_proxy_await_hits(place.proxy, 1, 10000));
    expect_done(&place, sg_run_wait(run, 100000), "a hole");
}

static const struct sg_test tests[] = {SG_CASE(a_server_that_is_down),
                                       SG_CASE(a_pooler_whose_server_is_down),
                                       SG_CASE(all_backends_terminated),
                                       SG_CASE(a_restart_in_the_middle),
                                       SG_CASE(a_crash_in_the_middle_behind_a_pooler),
                                       SG_CASE(a_crash_of_another_backend),
                                       SG_CASE(a_pooler_restarted_in_the_middle),
                                       SG_CASE(a_pooler_killed_in_the_middle),
                                       SG_CASE(idle_for_too_long),
                                       SG_CASE(pause_and_resume),
                                       SG_CASE(no_server_connection_for_a_while),
                                       SG_CASE(what_no_repetition_mends),
                                       SG_CASE(too_many_connections),
                                       SG_CASE(read_only_by_default),
                                       SG_CASE(a_standby),
                                       SG_CASE(cancelled_by_an_administrator),
                                       SG_CASE(each_attempt_has_its_own_connection_and_process),
                                       SG_CASE(uncertain_commit),
                                       SG_CASE(uncertain_commit_before_a_pooler),
                                       SG_CASE(uncertain_commit_behind_a_pooler),
                                       SG_CASE(uncertain_for_good),
                                       SG_CASE(uncertain_and_taken_when_committed),
                                       SG_CASE(uncertain_and_taken_when_not),
                                       SG_CASE(superseded_and_lost),
                                       SG_CASE_SECONDS(a_hole_is_given_up, 200),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"outages", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
