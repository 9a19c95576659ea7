/*
 * Builds where little goes: a pool of one connection, a pooler that ends what takes long, a server without free connections, a
 * prepared transaction that nobody ends, an owner who is shut out meanwhile. Each ends with the index, or with a word that says
 * why not; none hangs.
 */
#include "config.h"

#include "tests/db/builds.h"

#include <signal.h>
#include <string.h>

#define SLOW                                                                                                                \
    "CREATE FUNCTION slow(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"                                                 \
    " $$ BEGIN IF a % 30 = 0 THEN PERFORM pg_catalog.pg_sleep(0.3); END IF; RETURN a; END $$"

/* The build has the only connection: claims cannot be renewed, progress cannot be asked for, and a second runner gets nowhere
 * meanwhile. */
SG_TEST(a_pool_of_one)
{
    struct site site;
    struct sg_run *runs[2];

    site_open_with(&site, WAY_POOLED, NULL, 1, NULL);
    sg_sql_exec(site.sql, SLOW);
    site_manifest(&site, "[index t_slow]\ntable = t\ncolumns = slow(a)\n[index t_b]\ntable = t\ncolumns = b\n"
                         "[index elsewhere_id]\ntable = elsewhere\ncolumns = id\n");
    for (int i = 0; i < 2; i++) {
        runs[i] = site_start(&site, "index");
        sg_test_sleep_ms(300);
    }
    for (int i = 0; i < 2; i++) {
        struct sg_run_result run = site_end(&site, runs[i], "a pool of one");

        if (run.exit != 0)
            T_FAIL("exit status %d (signal %d):\n%s", run.exit, run.signal, site_said(run));
    }
    T_EQ_STR(site_index(&site, "t_slow"), "valid");
    T_EQ_STR(site_index(&site, "t_b"), "valid");
    site_settle(&site, "t_slow t_b elsewhere_id", "a pool of one");
}

/* sgrun is killed, and its ghost has the only connection until it is done. */
SG_TEST(a_ghost_in_a_pool_of_one)
{
    struct site site;
    struct sg_run *run;

    site_open_with(&site, WAY_POOLED, NULL, 1, NULL);
    sg_sql_exec(site.sql, SLOW);
    site_manifest(&site, "[index t_slow]\ntable = t\ncolumns = slow(a)\n");
    run = site_start(&site, "index");
    sg_sql_await(site.sql, "SELECT count(*) FROM pg_stat_progress_create_index", "1", 10000);
    sg_run_signal(run, SIGKILL);
    T_EQ_INT(site_end(&site, run, "killed").signal, SIGKILL);
    site_settle(&site, "t_slow", "a ghost in a pool of one");
}

/* PgBouncer ends what takes longer than a second; the server goes on, and the index is found when it is done. */
SG_TEST(query_timeout_of_the_pooler)
{
    struct site site;
    struct sg_run_result run;

    site_open_with(&site, WAY_POOLED, NULL, 0, "query_timeout = 1");
    sg_sql_exec(site.sql, SLOW);
    site_manifest(&site, "[index t_slow]\ntable = t\ncolumns = slow(a)\n");
    run = site_end(&site, site_start(&site, "index"), "query_timeout");
    T_EQ_INT(run.exit, 0);
    site_settle(&site, "t_slow", "query_timeout");
}

/* All connections but one are taken; then two; then some. */
SG_TEST(no_connection_is_free)
{
    struct site site;
    struct sg_sql *taken[20];
    struct sg_run *run;
    int count = 0;

    site_open_with(&site, WAY_DIRECT, "max_connections = 12\nsuperuser_reserved_connections = 0\nmax_wal_senders = 0", 0, NULL);
    site_manifest(&site, site_section("t_gate", ""));
    while (count < 20 && (taken[count] = sg_sql_try_open(site.direct, NULL)) != NULL)
        count++;
    T_GT_INT(count, 3);
    run = site_start(&site, "index");
    for (int i = 0; i < 3; i++) {
        sg_test_sleep_ms(700);
        sg_sql_close(taken[--count]);
    }
    T_EQ_INT(site_end(&site, run, "no connection").exit, 0);
    while (count > 0)
        sg_sql_close(taken[--count]);
    site_settle(&site, "t_gate", "no connection");
}

/* No session has it, nobody can be asked to end: waited for, and named, and lock_seconds holds. */
SG_TEST(a_prepared_transaction)
{
    struct site site;
    struct sg_run_result run;

    site_open_with(&site, WAY_DIRECT, "max_prepared_transactions = 2", 0, NULL);
    site_manifest(&site, site_section("t_gate", "lock_seconds = 2\n"));
    sg_sql_exec(site.sql, "BEGIN; INSERT INTO t VALUES (1001, 1001, 0, 'prepared'); PREPARE TRANSACTION 'left by eva'");
    run = site_end(&site, site_start(&site, "index"), "prepared");
    T_EQ_INT(run.exit, 0);
    T_CONTAINS(site_said(run), "prepared transaction");
    T_CONTAINS(site_said(run), "lock_seconds");
    sg_sql_exec(site.sql, "ROLLBACK PREPARED 'left by eva'");
    site_settle(&site, "t_gate", "prepared");
}

/* He may not make indexes on it any more, or log in. Permanent, said, and nobody hangs. */
SG_TEST(shut_out_meanwhile)
{
    struct site site;
    struct sg_run *run;
    struct sg_run_result result;

    site_open(&site, WAY_DIRECT, true);
    site.role = "app_owner";
    site_manifest(&site, site_section("t_gate", ""));
    run = site_hold(&site, PHASE_SCAN);
    sg_sql_exec(site.sql, "ALTER ROLE app_owner NOLOGIN");
    sg_sql_execf(site.sql, "SELECT pg_terminate_backend(%d)", site_builder_backend(&site));
    sg_sql_exec(site.sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app_owner'");
    result = sg_run_wait(run, 60000);
    T_TRUE(!result.timed_out);
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(site_said(result), "28000");
    T_CONTAINS(site_said(result), "t_gate");
    site_release(&site);
    sg_sql_exec(site.sql, "ALTER ROLE app_owner LOGIN");
    site_settle(&site, "t_gate", "shut out");
    site_clear(&site);
    sg_sql_exec(site.sql, "ALTER TABLE t OWNER TO postgres; ALTER TABLE elsewhere OWNER TO postgres");
    result = site_end(&site, site_start(&site, "index"), "not his table");
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(site_said(result), "42501");
    T_EQ_STR(site_index(&site, "t_gate"), "missing");
}

static const struct sg_test tests[] = {SG_CASE(a_pool_of_one), SG_CASE(a_ghost_in_a_pool_of_one),
                                       SG_CASE(query_timeout_of_the_pooler), SG_CASE(no_connection_is_free),
                                       SG_CASE(a_prepared_transaction), SG_CASE(shut_out_meanwhile),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"index_odd", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
