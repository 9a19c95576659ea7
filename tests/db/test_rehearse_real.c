/*
 * Rehearsals beside a real database: its schema by pg_dump, which is all that ever touches it; signals, kills and other rehearsals, after
 * which nothing is left.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/db/rehearsed.h"
#include "tests/kit/tmp.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ONE "[migration s01]\nplugin = s01\noption.table = one\noption.ddl1 = CREATE TABLE one (a int)\n"
#define TWO \
    "[migration s02]\nplugin = s02\noption.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attname = 'b'\n" \
    "option.ddl1 = ALTER TABLE leads ADD COLUMN b int NOT NULL DEFAULT 0\n"

static const char crm[] =
    "CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE TABLE leads (id int PRIMARY KEY, name text); INSERT INTO leads VALUES (1, 'Ann');"
    "CREATE TABLE calls (id int, lead int REFERENCES leads); CREATE INDEX calls_lead ON calls (lead);"
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER tr BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION f(); CREATE VIEW names AS SELECT name FROM leads";

static const char *tuples(struct sg_sql *admin, const char *db)
{
    return sg_sql_value(admin, sg_test_strf("SELECT tup_inserted || ' ' || tup_updated || ' ' || tup_deleted FROM pg_stat_database"
                                            " WHERE datname = '%s'", db));
}

/* ---- its schema ------------------------------------------------------------------------------------- */

SG_TEST(the_schema_and_the_ledger_come_from_a_real_database)
{
    struct sg_server *server = sg_server_start("log_statement = all\nlog_line_prefix = '%a|%d|'");
    struct project *project = project_new(server, NULL);
    struct sg_sql *admin = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    const char *rows, *before, *log, *at;
    struct sg_rehearse_options options = {0};
    struct rehearsed *r;

    sg_sql_exec(project->sql, crm);
    project_write(project, ONE);
    project_must(project, 0, "migrate");
    sg_sql_exec(project->sql, "CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader;"
                              "ALTER ROLE reader SET default_transaction_read_only = on");
    rows = project_rows(project);
    sg_sql_close(project->sql);
    project->sql = NULL;
    sg_test_sleep_ms(1200); /* statistics are told once a second */
    before = tuples(admin, project->db);
    log = sg_server_log(server);
    options.schema_from = sg_server_url(server, project->db, "reader");
    r = rehearse(NULL, ONE TWO, &options);
    if (r->status != 0 || !r->rehearsal.complete || r->rehearsal.left_out_count > 0)
        T_FATAL("%s", rehearsed_all(r));
    T_EQ_STR(rehearsed_course(r), "s01 skipped -1 -1\ns02 applied 0 1\n");
    T_EQ_STR(rehearsed_did(&rehearsed_step(r, "s02")->statements[0], true), "leads:AccessExclusive");
    T_CONTAINS(r->rehearsal.schema_from, sg_test_strf("dbname=%s user=reader", project->db));
    /* the real one is as it was, and nobody but pg_dump was there */
    sg_test_sleep_ms(1200);
    T_EQ_STR(tuples(admin, project->db), before);
    for (at = sg_server_log(server) + strlen(log); (at = strstr(at, sg_test_strf("|%s|", project->db))) != NULL; at++)
        T_LACKS(sg_test_strf("%.*s", (int)strcspn(at, "\n"), at), "CREATE");
    at = sg_server_log(server) + strlen(log);
    T_CONTAINS(at, sg_test_strf("sgrun|%s|", project->db));
    T_LACKS(at, "sgrun:");
    T_LACKS(at, "INSERT INTO");
    T_LACKS(at, "ERROR");
    project->sql = sg_sql_open(project->conninfo);
    T_EQ_STR(project_rows(project), rows);
    T_EQ_STR(rehearsed_left(), "");
}

/* One that was never deployed to has no ledger; and what its steps make can be there in part. */
SG_TEST(a_database_without_a_ledger)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_rehearse_options options = {.schema_from = project->conninfo};
    struct rehearsed *r;

    sg_sql_exec(project->sql, crm);
    sg_sql_exec(project->sql, "CREATE TABLE one (a int)");
    r = rehearse(NULL, ONE TWO, &options);
    T_EQ_STR(rehearsed_course(r), "s01 reconciled 1 -1\ns02 applied 0 1\n");
    T_EQ_INT(r->rehearsal.left_out_count, 0);
}

SG_TEST(a_database_that_is_away)
{
    struct sg_rehearse_options options = {.schema_from = "postgresql://u:secret-word@127.0.0.1:1/nothing"};
    struct rehearsed *r = rehearse(NULL, ONE, &options);

    T_EQ_INT(r->status, -1);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_EQ_INT(r->errs.list[0].class, SG_CLASS_CONNECTION);
    T_CONTAINS(r->errs.list[0].detail, "127.0.0.1");
    T_LACKS(r->errs.list[0].detail, "secret-word");
    T_LACKS(r->rehearsal.schema_from, "secret-word");
    T_EQ_STR(rehearsed_left(), "");
}

/* ---- pg_dump ------------------------------------------------------------------------------------------ */

/* A folder with the server's programs and a pg_dump that runs this. */
static const char *bindir_with(const char *script)
{
    const char *dump = sg_tmp_write("bin/pg_dump", sg_test_strf("#!/bin/sh\n%s\n", script)), *folder;

    T_MUST_EQ_INT(chmod(dump, 0755), 0);
    folder = sg_test_strf("%s/bin", sg_tmp_dir());
    T_MUST_EQ_INT(chmod(folder, 0755), 0);
    for (size_t i = 0; i < 2; i++)
        T_MUST_EQ_INT(sg_run_args("ln", "-sf", sg_server_program(i == 0 ? "postgres" : "initdb"), folder).exit, 0);
    return folder;
}

SG_TEST(the_password_is_on_no_command_line)
{
    const char *seen = sg_tmp_write("seen", "");
    const char *bin = bindir_with(sg_test_strf("echo \"$@\" >>%s; env >>%s; cat /proc/$PPID/cmdline >>%s; exit 3", seen, seen, seen));
    struct sg_rehearse_options options = {.schema_from = "postgresql://u:secret-word@127.0.0.1:1/nothing?sslmode=disable"};
    struct rehearsed *r = rehearse(sg_test_strf("embedded_bindir = %s", bin), ONE, &options);
    const char *text = sg_tmp_read(seen), *at;

    T_EQ_INT(r->status, -1);
    at = strstr(text, "secret-word");
    T_MUST_NOT_NULL(at);
    T_EQ_STR(sg_test_strf("%.*s", 11, at - 11), "PGPASSWORD=");
    T_NULL(strstr(at + 1, "secret-word"));
    T_CONTAINS(text, "--schema-only");
    T_CONTAINS(text, "user='u'");
}

SG_TEST(a_pg_dump_that_is_too_old_is_told)
{
    const char *bin = bindir_with("echo 'pg_dump: error: aborting because of server version mismatch' >&2;"
                                  "echo 'pg_dump: detail: server version: 18.1; pg_dump version: 15.20' >&2; exit 1");
    struct sg_rehearse_options options = {.schema_from = "dbname=crm host=127.0.0.1"};
    struct rehearsed *r = rehearse(sg_test_strf("embedded_bindir = %s", bin), ONE, &options);

    T_EQ_INT(r->status, -1);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_CONTAINS(r->errs.list[0].primary, "is of version 15, the server of 18");
    T_CONTAINS(r->errs.list[0].hint, "embedded_bindir");
}

SG_TEST(a_pg_dump_that_hangs_is_ended_by_a_signal)
{
    const char *bin = bindir_with("sleep 100");
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;
    struct sg_run *sgrun;

    rehearsed_apart();
    project->database = sg_test_strf("embedded_bindir = %s", bin);
    project_write(project, ONE);
    sgrun = project_start_args(project, (const char *const[]){"rehearse", "--schema-from", "dbname=crm host=127.0.0.1", NULL});
    sg_run_await(sgrun, "reading the schema", 20000);
    sg_run_signal(sgrun, SIGTERM);
    run = sg_run_wait(sgrun, 20000);
    T_EQ_INT(run.exit, 143);
    T_EQ_STR(rehearsed_left(), "");
    T_EQ_STR(sg_run_orphans(), "");
}

/* ---- signals, kills ---------------------------------------------------------------------------------------- */

static struct project *slow(void)
{
    struct project *project = project_new(NULL, NULL);

    rehearsed_apart();
    project_write(project, "[migration s01]\nplugin = s01\noption.table = one\n"
                           "option.ddl1 = CREATE FUNCTION slow(int) RETURNS bool LANGUAGE sql AS 'SELECT pg_sleep(60) IS NOT NULL'\n"
                           "option.ddl2 = CREATE TABLE one (a int)\noption.sleep_ms = 3000\n");
    return project;
}

static void stopped_by(int sig, int status)
{
    struct project *project = slow();
    struct sg_run *sgrun = project_start_args(project, (const char *const[]){"rehearse", NULL});
    struct sg_run_result run;

    sg_run_await(sgrun, "made the state tables", 20000);
    T_TRUE(rehearsed_left()[0] != '\0');
    sg_run_signal(sgrun, sig);
    run = sg_run_wait(sgrun, 30000);
    T_EQ_INT(run.exit, status);
    T_EQ_STR(rehearsed_left(), "");
    T_EQ_STR(sg_run_orphans(), "");
    T_EQ_STR(project_ledger(project), "");
}

SG_TEST(after_sigint_nothing_is_left)
{
    stopped_by(SIGINT, 130);
}

SG_TEST(after_sigterm_nothing_is_left)
{
    stopped_by(SIGTERM, 143);
}

/* While the server is being made. */
SG_TEST(an_early_signal_leaves_nothing)
{
    struct project *project = slow();
    struct sg_run *sgrun = project_start_args(project, (const char *const[]){"rehearse", NULL});

    sg_run_await(sgrun, "making a private", 20000);
    sg_run_signal(sgrun, SIGINT);
    T_EQ_INT(sg_run_wait(sgrun, 30000).exit, 130);
    T_EQ_STR(rehearsed_left(), "");
    T_EQ_STR(sg_run_orphans(), "");
}

SG_TEST(what_a_killed_one_left_is_removed_by_the_next)
{
    struct project *project = slow();
    struct sg_run *sgrun = project_start_args(project, (const char *const[]){"rehearse", NULL});
    struct rehearsed *r;
    const char *left = "?";

    sg_run_await(sgrun, "made the state tables", 20000);
    sg_run_signal(sgrun, SIGKILL);
    (void)sg_run_wait(sgrun, 10000);
    /* its server goes with it */
    for (int i = 0; i < 100 && strstr(left = rehearsed_left(), "postgres") != NULL; i++)
        sg_test_sleep_ms(50);
    T_LACKS(left, "postgres");
    T_CONTAINS(left, "sgrun-r-");
    r = rehearse(NULL, ONE, NULL);
    T_TRUE(r->rehearsal.complete);
    T_EQ_STR(rehearsed_left(), "");
}

SG_TEST(two_at_once_do_not_meet)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run *first, *second;
    struct sg_run_result run;

    rehearsed_apart();
    project_write(project, ONE);
    first = project_start_args(project, (const char *const[]){"rehearse", NULL});
    second = project_start_args(project, (const char *const[]){"rehearse", NULL});
    run = sg_run_wait(first, 60000);
    if (run.exit != 0)
        T_FAIL("%d: %s%s", run.exit, run.out, run.err);
    run = sg_run_wait(second, 60000);
    if (run.exit != 0)
        T_FAIL("%d: %s%s", run.exit, run.out, run.err);
    T_EQ_STR(project_ledger(project), "");
    T_EQ_STR(rehearsed_left(), "");
}

/* As a user who is not root. */
SG_TEST(anybody_may_rehearse)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    rehearsed_apart();
    project->drop = true;
    project_write(project, ONE);
    run = project_run(project, "rehearse");
    if (run.exit != 0)
        T_FAIL("%d: %s%s", run.exit, run.out, run.err);
    T_EQ_STR(rehearsed_left(), "");
}

static const struct sg_test schema[] = {SG_CASE(the_schema_and_the_ledger_come_from_a_real_database), SG_CASE(a_database_without_a_ledger),
                                        SG_CASE(a_database_that_is_away), SG_CASES_END};
static const struct sg_test dump[] = {SG_CASE(the_password_is_on_no_command_line), SG_CASE(a_pg_dump_that_is_too_old_is_told),
                                      SG_CASE(a_pg_dump_that_hangs_is_ended_by_a_signal), SG_CASES_END};
static const struct sg_test ends[] = {SG_CASE(after_sigint_nothing_is_left), SG_CASE(after_sigterm_nothing_is_left),
                                      SG_CASE(an_early_signal_leaves_nothing), SG_CASE(what_a_killed_one_left_is_removed_by_the_next),
                                      SG_CASE(two_at_once_do_not_meet), SG_CASE(anybody_may_rehearse), SG_CASES_END};
static const struct sg_suite suites[] = {{"schema", schema}, {"dump", dump}, {"ends", ends}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
