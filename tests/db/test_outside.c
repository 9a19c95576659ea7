/*
 * A migration outside a transaction (SG_NO_TRANSACTION) under the faults of test_faults: its statement cannot be rolled back, so the
 * fingerprint decides, and only once no backend of ours is still at work on it. DROP INDEX CONCURRENTLY, sent twice, fails.
 */
#include "config.h"

#include "tests/db/faults.h"

#include <signal.h>
#include <stdio.h>

/* Harm at every statement through this proxy, or at one by chance. */
static void at_statements(struct place *place, struct sg_proxy *proxy, int statements)
{
    T_MUST(statements > 2);
    for (int harm = 0; harm < HARM_COUNT; harm++) {
        if (!sg_test_full() && (harm == HARM_KILL_BEFORE || harm == HARM_KILL_AFTER || harm == HARM_CRASH_AFTER))
            continue;
        for (int k = 1; sg_test_full() && k <= statements; k++)
            (void)place_harm(place, proxy, (enum harm)harm, NULL, k, false);
        if (!sg_test_full())
            (void)place_harm(place, proxy, (enum harm)harm, NULL, 1 + (int)sg_test_rand((uint64_t)statements), false);
    }
}

SG_TEST(direct)
{
    struct place place;

    place_open(&place, ROUTE_DIRECT);
    place_manifest(&place, "", place_outside());
    place_measure(&place);
    T_EQ_STR(place.ledger, "s01|applied\ns02|applied\nx01|applied");
    at_statements(&place, place.proxy, place.statements);
    printf("%d faults\n", place.hits);
    T_GT_INT(place.hits, 0);
}

SG_TEST(beside_the_pooler)
{
    struct place place;

    place_open(&place, ROUTE_POOLED);
    place_manifest(&place, "", place_outside());
    place_measure(&place);
    at_statements(&place, place.past, place.past_statements);
    printf("%d faults\n", place.hits);
    T_GT_INT(place.hits, 0);
}

/* Each harm at the statement itself. */
SG_TEST(at_the_statement)
{
    struct place place;

    place_open(&place, ROUTE_POOLED);
    place_manifest(&place, "", place_outside());
    place_measure(&place);
    for (int harm = 0; harm < HARM_COUNT; harm++)
        T_TRUE(place_harm(&place, place.past, (enum harm)harm, "DROP INDEX", 1, false));
    T_EQ_INT(place.hits, HARM_COUNT);
}

/* The connection is cut while the statement waits for a lock, and it goes on at the server; the run has seen that the fingerprint
 * does not hold, and waits for it. Then it succeeds after all: it must not be sent again. */
SG_TEST(a_ghost_that_succeeds_was_it)
{
    struct place place;
    struct sg_sql *reader;
    struct sg_run *run;
    struct sg_run_result result;

    place_open(&place, ROUTE_POOLED);
    place_manifest(&place, "lock_rungs_ms = 20000\n", place_outside());
    place_measure(&place);
    place_reset(&place);
    reader = sg_sql_hold(sg_server_conninfo(place.server, place.db, NULL), "LOCK TABLE people IN SHARE MODE");
    run = place_start(&place, NULL);
    sg_sql_await(place.sql, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX%' AND wait_event_type = 'Lock'", "1",
                 10000);
    sg_proxy_cut(place.past);
    sg_run_await(run, "an earlier statement of this migration is still at work", 10000);
    sg_sql_close(reader);
    result = sg_run_wait(run, 30000);
    T_EQ_STR(result.exit == 0 ? "" : result.err, "");
    place_settle(&place, "a ghost that succeeds", false, false);
}

/* The same with a runner that stands still until another takes its lease: that one waits for the statement of the first. */
SG_TEST(a_stopped_runners_statement_is_waited_for)
{
    struct place place;
    struct sg_sql *reader;
    struct sg_run *run;
    struct sg_run_result result;

    place_open(&place, ROUTE_POOLED);
    place_manifest(&place, "lock_rungs_ms = 20000\n", place_outside());
    place_measure(&place);
    place_reset(&place);
    reader = sg_sql_hold(sg_server_conninfo(place.server, place.db, NULL), "LOCK TABLE people IN SHARE MODE");
    run = place_start(&place, NULL);
    sg_sql_await(place.sql, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX%' AND wait_event_type = 'Lock'", "1",
                 10000);
    sg_run_signal(run, SIGSTOP);
    sg_sql_exec(place.sql, "UPDATE sgrun.lease SET expires_at = clock_timestamp() - interval '1 s'");
    run = place_start(&place, NULL);
    sg_run_await(run, "an earlier statement of this migration is still at work", 10000);
    sg_sql_close(reader);
    result = sg_run_wait(run, 30000);
    T_EQ_STR(result.exit == 0 ? "" : result.err, "");
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT id FROM sgrun.schema_migrations ORDER BY id"), "s01\ns02\nx01");
}

/* The statement fails, but what it was to do is there: another did it while it waited. Recorded, as what it is. */
SG_TEST(a_failure_that_does_not_matter)
{
    struct place place;
    struct sg_sql *other;
    struct sg_run *run;
    struct sg_run_result result;

    place_open(&place, ROUTE_DIRECT);
    place_manifest(&place, "lock_rungs_ms = 20000\n", place_outside());
    place_measure(&place);
    place_reset(&place);
    other = sg_sql_hold(sg_server_conninfo(place.server, place.db, NULL), "DROP INDEX people_name");
    run = place_start(&place, NULL);
    sg_sql_await(place.sql, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX CONC%' AND wait_event_type = 'Lock'",
                 "1", 10000);
    sg_sql_exec(other, "COMMIT");
    result = sg_run_wait(run, 10000);
    T_EQ_STR(result.exit == 0 ? "" : result.err, "");
    T_CONTAINS(result.err, "42704");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT outcome FROM sgrun.schema_migrations WHERE id = 'x01'"), "reconciled");
    place_settle(&place, "a failure that does not matter", false, false);
}

/* And one that does. */
SG_TEST(a_failure_that_matters)
{
    struct place place;
    struct sg_sql *reader;
    struct sg_run *run;
    struct sg_run_result result;

    place_open(&place, ROUTE_DIRECT);
    place_manifest(&place, "lock_rungs_ms = 20000\n", place_outside());
    place_measure(&place);
    place_reset(&place);
    reader = sg_sql_hold(sg_server_conninfo(place.server, place.db, NULL), "LOCK TABLE people IN SHARE MODE");
    run = place_start(&place, NULL);
    sg_sql_await(place.sql, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX CONC%' AND wait_event_type = 'Lock'",
                 "1", 10000);
    sg_sql_exec(place.sql, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX CONC%'");
    result = sg_run_wait(run, 10000);
    T_EQ_INT(result.exit, 1);
    T_CONTAINS(result.err, "57014");
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT id FROM sgrun.schema_migrations"), "s01");
    sg_sql_close(reader);
    place_settle(&place, "a failure that matters", false, false);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(direct, 1200),
                                       SG_CASE_SECONDS(beside_the_pooler, 1200),
                                       SG_CASE(at_the_statement),
                                       SG_CASE(a_failure_that_does_not_matter),
                                       SG_CASE(a_failure_that_matters),
                                       SG_CASE(a_ghost_that_succeeds_was_it),
                                       SG_CASE(a_stopped_runners_statement_is_waited_for),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"outside", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
