/*
 * Rows that cannot be done for their own data: exactly these are found, named and passed, as many as are allowed; mended, they are
 * done by --retry. And what is no matter of a row stops a backfill at once: a missing column, a plugin that crashes, hangs or gives
 * up.
 */
#include "config.h"

#include "tests/db/fills.h"

#include <stdio.h>
#include <string.h>

/* ROWS rows whose v is 1, but 0 in these; n / v fails there. */
static struct project *with_poison(int rows, const char *where)
{
    struct project *project = fill_new(rows);

    sg_sql_exec(project->sql, "ALTER TABLE items ADD COLUMN v int NOT NULL DEFAULT 1");
    sg_sql_execf(project->sql, "UPDATE items SET v = 0 WHERE %s", where);
    return project;
}

#define DIVIDE "option.batch = UPDATE items SET n = n + 1 / v WHERE id BETWEEN $1 AND $2\n" FILL_LEFT

SG_TEST(three_of_ten_thousand)
{
    struct project *project = with_poison(10000, "id IN (17, 5000, 10000)");
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 1000\nmax_bad_rows = 3\n" DIVIDE);
    run = project_must(project, 0, "backfill");
    T_EQ_STR(fill_failures(project), "{17}|22012|division by zero\n{5000}|22012|division by zero\n{10000}|22012|division by zero");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT id FROM items WHERE n <> 1 ORDER BY id"), "17\n5000\n10000");
    T_EQ_STR(fill_state(project, "b01"), "residual");
    T_CONTAINS(fill_said(run), "17");
    T_CONTAINS(fill_said(run), "5000");
    T_CONTAINS(fill_said(run), "10000");
    T_CONTAINS(fill_said(run), "22012");
    T_CONTAINS(fill_said(run), "division by zero");
    (void)project_must(project, 3, "backfill", "--strict");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM items WHERE n > 1"), 0);
    run = project_must(project, 0, "status");
    T_CONTAINS(run.out, "bad row 17: division by zero (SQLSTATE 22012)");
    T_CONTAINS(run.out, "bad row 10000: division by zero (SQLSTATE 22012)");
    T_CONTAINS(run.out, "mend them, then: sgrun backfill --retry b01");
    run = project_must(project, 0, "status", "--json");
    {
        struct sg_json *json = project_json(&run), *one = sg_json_at(sg_json_get(json, "backfills"), 0);

        T_EQ_STR(project_text(one, "state"), "residual");
        T_CONTAINS(run.out, "\"bad_rows\"");
    }
    /* not mended: they fail again, and are recorded again, not twice */
    (void)project_must(project, 0, "backfill", "--retry", "b01");
    (void)project_must(project, 0, "backfill");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT row_key FROM sgrun.backfill_failures ORDER BY row_key[1]::int"),
             "{17}\n{5000}\n{10000}");
    /* mended */
    sg_sql_exec(project->sql, "UPDATE items SET v = 1 WHERE v = 0");
    run = project_must(project, 0, "backfill", "--retry", "b01");
    T_CONTAINS(fill_said(run), "3");
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 10000);
}

SG_TEST(a_check_constraint_with_two_lanes)
{
    struct project *project = fill_new(10000);

    sg_sql_exec(project->sql, "ALTER TABLE items ADD CONSTRAINT not_these CHECK (n < 1 OR id NOT IN (3333, 3334, 9999))");
    fill_write(project, "b01", "batch_size = auto\ntarget_batch_ms = 20\nmax_bad_rows = 10\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--jobs", "2");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT row_key, sqlstate FROM sgrun.backfill_failures ORDER BY row_key[1]::int"),
             "{3333}|23514\n{3334}|23514\n{9999}|23514");
    T_CONTAINS(fill_failures(project), "not_these");
    T_EQ_STR(fill_counts(project), "0|3\n1|9997");
    sg_sql_exec(project->sql, "ALTER TABLE items DROP CONSTRAINT not_these");
    (void)project_must(project, 0, "backfill", "--retry", "b01");
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 10000);
}

/* None is allowed: it stops at the first, having done all before it, and says which it is. */
SG_TEST(none_allowed)
{
    struct project *project = with_poison(1000, "id = 417");
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 100\n" DIVIDE);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(fill_said(run), "417");
    T_CONTAINS(fill_said(run), "22012");
    T_CONTAINS(fill_said(run), "max_bad_rows");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_CONTAINS(fill_error(project, "b01"), "22012");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT count(*), max(id) FROM items WHERE n = 1"), "416|416");
    T_EQ_INT(fill_done(project, "b01"), 416);
    /* as long as nobody mends it, it fails at the same place, and no row is done twice */
    (void)project_must(project, 3, "backfill", "--strict");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT max(n) FROM items"), 1);
    sg_sql_exec(project->sql, "UPDATE items SET v = 1");
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 1000);
}

SG_TEST(more_than_allowed)
{
    struct project *project = with_poison(2000, "id % 100 = 0");

    fill_write(project, "b01", "batch_size = 150\nmax_bad_rows = 2\n" DIVIDE);
    (void)project_must(project, 0, "backfill");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_LE_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_failures"), 3);
    T_GE_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_failures"), 2);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT row_key FROM sgrun.backfill_failures ORDER BY row_key[1]::int LIMIT 2"),
             "{100}\n{200}");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM items WHERE n <> 1 AND id < 300 AND v = 1"), 0);
}

/* A trigger's RAISE is bad data too; and a bad row beside a locked one. */
SG_TEST(raised_beside_a_locked_row)
{
    struct project *project = fill_new(600);
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(project->sql, "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS"
                              " $$ BEGIN IF old.id = 301 THEN RAISE 'not this one'; END IF; RETURN new; END $$;"
                              " CREATE TRIGGER guard BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION guard()");
    holder = sg_sql_hold(project->conninfo, "SELECT 1 FROM items WHERE id IN (300, 302) FOR UPDATE");
    fill_write(project, "b01", "batch_size = 200\nmax_bad_rows = 1\nlock_ms = 50\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 597);
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    T_EQ_STR(fill_failures(project), "{301}|P0001|not this one");
    T_EQ_STR(fill_counts(project), "0|1\n1|599");
}

/* ---- what is no matter of a row ---- */

static int times(const char *hay, const char *needle)
{
    int n = 0;

    for (const char *at = hay; (at = strstr(at, needle)) != NULL; at += strlen(needle))
        n++;
    return n;
}

SG_TEST(a_missing_column)
{
    struct project *project = fill_new(200000);
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 100\nmax_bad_rows = 1000000\n"
                               "option.batch = UPDATE items SET nowhere_to_be_seen = 1 WHERE id BETWEEN $1 AND $2\n" FILL_LEFT);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(fill_said(run), "nowhere_to_be_seen");
    T_CONTAINS(fill_said(run), "42703");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_CONTAINS(fill_error(project, "b01"), "42703");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_failures"), 0);
    T_EQ_INT(times(sg_server_log(project->server), "ERROR:  column \"nowhere_to_be_seen\""), 1);
    (void)project_must(project, 3, "backfill", "--strict");
}

/* The plugin ends badly at a batch with key 417: what was done before it stays; mended, the rest is done. */
static void ends_badly(const char *option, const char *says)
{
    struct project *project = fill_new(1000);
    struct sg_run_result run;

    fill_write(project, "b01", sg_test_strf("batch_size = 100\nplugin_seconds = 1\nmax_retries = 2\noption.%s = 417\n"
                                            "option.unless = SELECT 1 FROM mended\n" FILL_ONE, option));
    sg_sql_exec(project->sql, "CREATE TABLE mended (id int)");
    run = project_must(project, 0, "backfill");
    T_CONTAINS(fill_said(run), says);
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_CONTAINS(fill_error(project, "b01"), says);
    T_EQ_STR(fill_counts(project), "0|600\n1|400");
    T_EQ_INT(fill_done(project, "b01"), 400);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_failures"), 0);
    sg_sql_exec(project->sql, "INSERT INTO mended VALUES (1)");
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 1000);
}

SG_TEST(a_crash)
{
#ifdef SG_INSTRUMENTED
    T_SKIP("in an instrumented build a crash is a report and an exit");
#endif
    ends_badly("crash_at", "SIGSEGV");
}

SG_TEST(an_exit)
{
    ends_badly("exit_at", "exit");
}

SG_TEST(a_failure_of_its_own)
{
    ends_badly("fail_at", "scripted: no batch with 417");
}

SG_TEST(a_hang)
{
    ends_badly("hang_at", "did not answer within 1.0 s");
}

/* What backfill_batch returns is only a count for people: rows that it claims are not believed. */
SG_TEST(a_wrong_count)
{
    struct project *project = fill_new(500);
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 100\noption.returns = -1\n" FILL_ONE);
    run = project_must(project, 0, "backfill");
    if (strcmp(fill_state(project, "b01"), "complete") != 0) {
        T_EQ_STR(fill_state(project, "b01"), "failed");
        T_EQ_STR(fill_counts(project), "0|500");
        T_NE_STR(run.err, "");
    }
    project = fill_new(500);
    fill_write(project, "b01", "batch_size = 100\noption.returns = 123456789\n" FILL_ONE);
    (void)project_must(project, 0, "backfill");
    fill_complete(project, "b01", 500);
}

/* Each statement in time, but without an end to them: the batch has a limit of its own. */
SG_TEST(too_many_statements)
{
    struct project *project = fill_new(1);
    const char *lines = "batch_size = 100\nstatement_seconds = 2\n" FILL_LEFT FILL_ADD;
    struct sg_run_result run;

    for (int i = 2; i < 31; i++)
        lines = sg_test_strf("%soption.batch%d = UPDATE items SET n = n WHERE id = $1 AND pg_sleep(0.5) IS NULL\n", lines, i);
    fill_write(project, "b01", lines);
    run = project_must(project, 0, "backfill");
    T_EQ_STR(fill_counts(project), "0|1");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_CONTAINS(fill_said(run), "together: more than 4 times statement_seconds");
    T_LT_INT(run.ms, 13500); /* 14.5 s of sleep, if nothing had ended it */
}

/* A statement that takes too long over one row: bisected as a lock is, down to the key, which is named. */
SG_TEST(a_slow_row)
{
    struct project *project = fill_new(300);
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 100\nstatement_seconds = 1\n"
                               "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                               "  AND CASE WHEN id = 300 THEN pg_sleep(3) IS NOT NULL ELSE true END\n" FILL_LEFT);
    run = project_must(project, 0, "backfill");
    T_EQ_STR(fill_counts(project), "0|1\n1|299");
    T_EQ_STR(fill_state(project, "b01"), "failed");
    T_CONTAINS(fill_said(run), "id = 300 alone takes longer than statement_seconds");
}

static const struct sg_test tests[] = {SG_CASE(three_of_ten_thousand),
                                       SG_CASE(a_check_constraint_with_two_lanes),
                                       SG_CASE(none_allowed),
                                       SG_CASE(more_than_allowed),
                                       SG_CASE(raised_beside_a_locked_row),
                                       SG_CASE(a_missing_column),
                                       SG_CASE(a_crash),
                                       SG_CASE(an_exit),
                                       SG_CASE(a_failure_of_its_own),
                                       SG_CASE(a_hang),
                                       SG_CASE(a_wrong_count),
                                       SG_CASE(too_many_statements),
                                       SG_CASE(a_slow_row),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"bad_rows", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
