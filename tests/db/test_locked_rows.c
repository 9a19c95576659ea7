/*
 * What others hold while a backfill that is not idempotent comes by: rows are passed, deferred and done later, exactly once; a
 * locked table is waited for, and is no reason to defer its rows; rows that come meanwhile do not make it endless. And keys of
 * every kind.
 */
#include "config.h"

#include "tests/db/fills.h"

#include <stdio.h>
#include <string.h>

/* As the application, holding these rows. */
static struct sg_sql *hold(struct project *project, const char *text)
{
    return sg_sql_hold(sg_test_strf("%s application_name=the_application", project->conninfo), text);
}

static void await_deferred(struct project *project, const char *los)
{
    sg_sql_await(project->sql, "SELECT coalesce((SELECT string_agg(lo::text, ' ' ORDER BY lo[1]::bigint) FROM sgrun.backfill_ranges"
                               " WHERE deferred), '') WHERE to_regclass('sgrun.backfill_failures') IS NOT NULL", los, 30000);
}

SG_TEST(a_row_in_the_middle)
{
    struct project *project = fill_new(3000);
    struct sg_sql *holder = hold(project, "SELECT 1 FROM items WHERE id = 1234 FOR UPDATE");
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = 500\n" FILL_ONE);
    project_must(project, 0, "status");
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT to_regclass('sgrun.backfill_failures') IS NOT NULL", "t", 10000);
    await_deferred(project, "{1234}");
    fill_await(project, run, "b01", 2999);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT id FROM items WHERE n = 0"), "1234");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT lo, hi, pos, deferred FROM sgrun.backfill_ranges"), "{1234}|{1234}||t");
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 3000);
}

/* The first row, some in a row, the last; nobody lets go before the run's end. The next run does them. */
SG_TEST(rows_held_during_the_whole_run)
{
    struct project *project = fill_new(2000);
    struct sg_sql *holder = hold(project, "SELECT 1 FROM items WHERE id IN (1, 700, 701, 702, 2000) FOR UPDATE");
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 300\nmax_passes = 2\n" FILL_ONE);
    run = project_must(project, 0, "backfill");
    T_EQ_STR(fill_counts(project), "0|5\n1|1995");
    T_EQ_STR(fill_state(project, "b01"), "pending");
    T_EQ_INT(fill_done(project, "b01"), 1995);
    T_CONTAINS(fill_said(run), "the_application");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT lo, hi, deferred FROM sgrun.backfill_ranges ORDER BY lo[1]::bigint"),
             "{1}|{1}|t\n{700}|{700}|t\n{701}|{701}|t\n{702}|{702}|t\n{2000}|{2000}|t");
    (void)project_must(project, 3, "backfill", "--strict");
    sg_sql_close(holder);
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 2000);
}

/* An update of the application's that goes through, and one whose transaction is rolled back, both of rows that were deferred. */
SG_TEST(the_application_changes_them)
{
    struct project *project = fill_new(1000);
    struct sg_sql *one = hold(project, "UPDATE items SET n = n + 10 WHERE id = 300");
    struct sg_sql *two = hold(project, "UPDATE items SET n = n + 20 WHERE id = 600");
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = 100\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 998);
    sg_sql_exec(one, "COMMIT");
    sg_sql_exec(two, "ROLLBACK");
    (void)fill_ends(run, 0);
    T_EQ_STR(fill_counts(project), "1|999\n11|1");
    T_EQ_STR(fill_state(project, "b01"), "complete");
}

/* Several lanes, and locks that come and go in front of them. */
SG_TEST(locks_come_and_go)
{
    struct project *project = fill_new(4000);
    struct sg_run *run;
    int held = 0;

    fill_write(project, "b01", "batch_size = 40\nlock_ms = 20\noption.sleep_ms = 10\n" FILL_ONE);
    run = fill_start(project, "--jobs", "3");
    while (!sg_run_ended(run)) {
        int id = 1 + (int)sg_test_rand(4000);
        struct sg_sql *holder =
            hold(project, sg_test_strf("SELECT 1 FROM items WHERE id BETWEEN %d AND %d FOR UPDATE", id, id + 1));

        sg_test_sleep_ms(30 + (int64_t)sg_test_rand(60));
        sg_sql_close(holder);
        held++;
    }
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 4000);
    T_GT_INT(held, 1);
}

/* ---- the table itself ---- */

static void locked_table(const char *mode, bool before)
{
    struct project *project = fill_new(1000);
    struct sg_sql *holder = NULL;
    struct sg_run *run;
    const char *lock = sg_test_strf("LOCK TABLE items IN %s MODE", mode);

    fill_write(project, "b01", "batch_size = 50\nlock_ms = 100\noption.sleep_ms = 20\n" FILL_ONE);
    if (before)
        holder = hold(project, lock);
    run = fill_start_all(project);
    if (!before) {
        fill_await(project, run, "b01", 200);
        holder = hold(project, lock);
    }
    sg_test_sleep_ms(1500);
    sg_run_goes_on(run);
    if (sg_sql_value(project->sql, "SELECT to_regclass('sgrun.backfill_failures')") != NULL) {
        T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges WHERE deferred"), 0);
        T_NE_STR(fill_state(project, "b01"), "failed");
    }
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 1000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT pass FROM sgrun.backfills"), 1);
}

SG_TEST(table_in_share_mode)
{
    locked_table("SHARE", false);
}

SG_TEST(table_in_share_mode_from_the_start)
{
    locked_table("SHARE", true);
}

SG_TEST(table_in_access_exclusive_mode)
{
    locked_table("ACCESS EXCLUSIVE", false);
}

SG_TEST(table_in_access_exclusive_mode_from_the_start)
{
    locked_table("ACCESS EXCLUSIVE", true);
}

/* ---- rows that come meanwhile ---- */

/* Inserts behind the end until the run ends, N being their counter; gives how many. */
static int insert_during(struct project *project, struct sg_run *run, int from, int n)
{
    int64_t until = sg_test_now_ms() + 40000;
    int count = 0;

    while (!sg_run_ended(run) && sg_test_now_ms() < until) {
        sg_sql_execf(project->sql, "INSERT INTO items VALUES (%d, %d)", from + count, n);
        count++;
        sg_test_sleep_ms(2);
    }
    return count;
}

/* Locked rows that follow each other are not searched for one by one. */
SG_TEST(many_rows_in_a_row)
{
    struct project *project = fill_new(2000);
    struct sg_sql *holder = hold(project, "SELECT 1 FROM items WHERE id BETWEEN 1000 AND 1039 FOR UPDATE");
    struct sg_run *run;
    int64_t began;

    fill_write(project, "b01", "lock_ms = 1000\n" FILL_ONE);
    began = sg_test_now_ms();
    run = fill_start_all(project);
    fill_await(project, run, "b01", 1960);
    T_LT_INT(sg_test_now_ms() - began, 20000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges WHERE deferred"), 40);
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 2000);
}

/* The row of the backfill itself: waited for, and no key is taken for locked. */
SG_TEST(our_own_row)
{
    struct project *project = fill_new(1000);
    struct sg_sql *holder;
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = 100\nlock_ms = 100\nlock_pause_ms = 200\noption.sleep_ms = 100\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 100);
    holder = hold(project, "SELECT 1 FROM sgrun.backfills FOR UPDATE");
    sg_test_sleep_ms(3500);
    sg_run_goes_on(run);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges WHERE deferred"), 0);
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 1000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT pass FROM sgrun.backfills"), 1);
}

/* lock_seconds is of one wait: a table that was free in between was not locked all the time. */
SG_TEST(two_short_waits_for_the_table)
{
    struct project *project = fill_new(1000);
    struct sg_sql *ranges, *table = hold(project, "LOCK TABLE items IN SHARE MODE");
    struct sg_run *run;

    fill_write(project, "b01", "lock_seconds = 6\nlock_ms = 100\nlock_pause_ms = 100\n" FILL_ONE);
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_class WHERE relname = 'backfill_ranges'", "1", 10000);
    sg_sql_await(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges", "1", 10000);
    sg_test_sleep_ms(500);
    ranges = hold(project, "SELECT 1 FROM sgrun.backfill_ranges FOR UPDATE");
    sg_sql_close(table);
    sg_test_sleep_ms(6500);
    table = hold(project, "LOCK TABLE items IN SHARE MODE");
    sg_sql_close(ranges);
    sg_test_sleep_ms(700);
    sg_run_goes_on(run);
    sg_sql_close(table);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 1000);
}

/* The application writes new rows as they should be: they are beyond the frozen end. */
SG_TEST(inserts_of_the_new_kind)
{
    struct project *project = fill_new(2000);
    struct sg_run *run;
    int count;

    fill_write(project, "b01", "batch_size = 20\noption.sleep_ms = 5\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 20);
    count = insert_during(project, run, 2001, 1);
    (void)fill_ends(run, 0);
    T_GT_INT(count, 10);
    T_EQ_STR(fill_counts(project), sg_test_strf("1|%d", 2000 + count));
    T_EQ_STR(fill_state(project, "b01"), "complete");
    T_EQ_INT(fill_done(project, "b01"), 2000);
}

/* It writes them as ever: the sweep ends, and says what is left. --again takes these. */
SG_TEST(inserts_of_the_old_kind)
{
    struct project *project = fill_new(2000);
    struct sg_run *run;
    int count;

    fill_write(project, "b01", "batch_size = 20\noption.sleep_ms = 5\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 20);
    count = insert_during(project, run, 2001, 0);
    (void)fill_ends(run, 0);
    T_GT_INT(count, 10);
    T_EQ_STR(fill_counts(project), sg_test_strf("0|%d\n1|2000", count));
    T_EQ_STR(fill_state(project, "b01"), "residual");
    (void)project_must(project, 3, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), sg_test_strf("0|%d\n1|2000", count));
}

/* A repeatable one sweeps again, but not for ever; and once they stop it gets all. */
SG_TEST(inserts_during_repeatable_sweeps)
{
    struct project *project = fill_new(1000);
    struct sg_run *run;
    struct sg_run_result result;
    int count;

    fill_write(project, "b02", "batch_size = 50\nmax_passes = 5\nmax_seconds = 10\n"
                               "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2 AND n < 1\n" FILL_LEFT);
    run = fill_start_all(project);
    fill_await(project, run, "b02", 50);
    count = insert_during(project, run, 1001, 0);
    result = fill_ends(run, 0);
    T_FALSE(result.timed_out);
    T_NE_STR(fill_state(project, "b02"), "failed");
    T_NE_STR(fill_state(project, "b02"), "running");
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), sg_test_strf("1|%d", 1000 + count));
    T_EQ_STR(fill_state(project, "b02"), "complete");
}

/* ---- keys ---- */

/* A table others whose key is not unique: ten of each, and one with more rows than many batches. */
SG_TEST(equal_keys)
{
    struct project *project = fill_new(1);

    sg_sql_exec(project->sql, "CREATE TABLE others (id int NOT NULL, n int NOT NULL DEFAULT 0); CREATE INDEX ON others (id);"
                              " INSERT INTO others SELECT i / 10 FROM generate_series(0, 1999) i;"
                              " INSERT INTO others SELECT 77 FROM generate_series(1, 2000)");
    fill_write(project, "b07", "batch_size = 33\noption.batch = UPDATE others SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                               "option.left = SELECT 1 FROM others WHERE n < 1\n");
    (void)project_must(project, 0, "backfill", "--jobs", "3", "--strict");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM others GROUP BY n"), "1|4000");
    T_EQ_STR(fill_state(project, "b07"), "complete");
    T_EQ_INT(fill_done(project, "b07"), 4000); /* of equal keys every row is counted */
}

/* One of several rows that share a key is locked: the key waits, all its rows are done once. */
SG_TEST(equal_keys_locked)
{
    struct project *project = fill_new(1);
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(project->sql, "CREATE TABLE others (id int NOT NULL, n int NOT NULL DEFAULT 0, no serial);"
                              " CREATE INDEX ON others (id); INSERT INTO others SELECT i / 10 FROM generate_series(0, 999) i");
    holder = hold(project, "SELECT 1 FROM others WHERE no = 455 FOR UPDATE");
    fill_write(project, "b07",
               "batch_size = 37\nlock_ms = 50\noption.batch = UPDATE others SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
               "option.left = SELECT 1 FROM others WHERE n < 1\n");
    run = fill_start_all(project);
    sg_sql_await(project->sql, "SELECT to_regclass('sgrun.backfill_failures') IS NOT NULL", "t", 10000);
    await_deferred(project, "{45}");
    sg_sql_await(project->sql, "SELECT count(*) FROM others WHERE n = 0", "10", 20000);
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM others GROUP BY n"), "1|1000");
}

static void by_key(const char *id, const char *table, const char *where)
{
    struct project *project = fill_new(1);

    sg_sql_exec(project->sql, "DROP TABLE items");
    sg_sql_exec(project->sql, table);
    fill_write(project, id, sg_test_strf("batch_size = 7\noption.batch = UPDATE items SET n = n + 1 WHERE %s\n" FILL_LEFT, where));
    (void)project_must(project, 0, "backfill", "--jobs", "2", "--strict");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT DISTINCT n FROM items"), "1");
    T_EQ_STR(fill_state(project, id), "complete");
    T_EQ_INT(fill_done(project, id), sg_sql_int(project->sql, "SELECT count(*) FROM items"));
}

SG_TEST(composite_key)
{
    by_key("b03", "CREATE TABLE items (a int, b text, n int NOT NULL DEFAULT 0, PRIMARY KEY (a, b));"
                  " INSERT INTO items SELECT i % 13, 'x,\"{}\\' || i FROM generate_series(1, 1000) i",
           "(a, b) >= ($1, $2) AND (a, b) <= ($3, $4)");
}

/* Texts that an array, a log line or a comparison may stumble over; the collation is not C. */
SG_TEST(text_key)
{
    by_key("b04", "CREATE TABLE items (code text COLLATE \"und-x-icu\" PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                  " INSERT INTO items VALUES (''), (' '), ('NULL'), ('null'), ('{}'), ('\"'), ('\\'), (','), ('a,b'), ('''');"
                  " INSERT INTO items SELECT chr(65 + i % 60) || E'\\u00e9\\n' || i FROM generate_series(1, 500) i",
           "code BETWEEN $1 AND $2");
}

SG_TEST(uuid_key)
{
    by_key("b05", "CREATE TABLE items (uid uuid PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                  " INSERT INTO items SELECT md5(i::text)::uuid FROM generate_series(1, 500) i",
           "uid BETWEEN $1 AND $2");
}

SG_TEST(time_key)
{
    by_key("b06", "CREATE TABLE items (at timestamptz NOT NULL, n int NOT NULL DEFAULT 0); CREATE INDEX ON items (at DESC);"
                  " INSERT INTO items VALUES ('-infinity'), ('infinity'), ('4711-12-31 BC'), ('0044-03-15 12:00 BC');"
                  " INSERT INTO items SELECT '2024-03-31 00:30 UTC'::timestamptz + i * interval '123.456789 s'"
                  " FROM generate_series(1, 500) i",
           "at BETWEEN $1 AND $2");
}

static void refused(const char *id, const char *table, const char *what, const char *hint)
{
    struct project *project = fill_new(1);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "DROP TABLE items");
    sg_sql_exec(project->sql, table);
    fill_write(project, id, "option.batch = UPDATE items SET n = n + 1\n");
    run = project_must(project, 0, "backfill");
    T_CONTAINS(fill_said(run), what);
    T_CONTAINS(fill_said(run), hint);
    run = project_must(project, 6, "backfill", "--strict");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT coalesce(max(n), 0) FROM items"), 0);
}

SG_TEST(keys_that_are_refused)
{
    refused("b01", "CREATE TABLE items (id int UNIQUE, n int)", "id", "NOT NULL");
    refused("b01", "CREATE TABLE items (id int NOT NULL, n int)", "index", "CREATE ");
    refused("b01", "CREATE TABLE items (id int NOT NULL, n int); CREATE INDEX ON items (id) WHERE n > 0", "index", "CREATE ");
    refused("b03", "CREATE TABLE items (a int NOT NULL, b int NOT NULL, n int); CREATE INDEX ON items (b, a)", "index", "CREATE ");
    refused("b04", "CREATE TABLE items (id int PRIMARY KEY, n int)", "code", "");
    refused("b07", "CREATE TABLE items (id int PRIMARY KEY, n int)", "others", "");
}

/* No row at all. */
SG_TEST(empty_table)
{
    struct project *project = fill_new(1);

    sg_sql_exec(project->sql, "TRUNCATE items");
    fill_write(project, "b01", "batch_size = 10\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_state(project, "b01"), "complete");
}

static const struct sg_test tests[] = {SG_CASE(a_row_in_the_middle),
                                       SG_CASE(rows_held_during_the_whole_run),
                                       SG_CASE(the_application_changes_them),
                                       SG_CASE(locks_come_and_go),
                                       SG_CASE(table_in_share_mode),
                                       SG_CASE(table_in_share_mode_from_the_start),
                                       SG_CASE(table_in_access_exclusive_mode),
                                       SG_CASE(table_in_access_exclusive_mode_from_the_start),
                                       SG_CASE(many_rows_in_a_row),
                                       SG_CASE(our_own_row),
                                       SG_CASE(two_short_waits_for_the_table),
                                       SG_CASE(inserts_of_the_new_kind),
                                       SG_CASE(inserts_of_the_old_kind),
                                       SG_CASE(inserts_during_repeatable_sweeps),
                                       SG_CASE(equal_keys),
                                       SG_CASE(equal_keys_locked),
                                       SG_CASE(composite_key),
                                       SG_CASE(text_key),
                                       SG_CASE(uuid_key),
                                       SG_CASE(time_key),
                                       SG_CASE(keys_that_are_refused),
                                       SG_CASE(empty_table),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"locked_rows", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
