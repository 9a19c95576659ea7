/*
 * audit and rehearse from outside: of files and folders, of a manifest's plugins by a rehearsal and by the journal; which tables are
 * hot; the baseline; and the exit statuses that a pipeline goes by. What is found in which statement has tests of its own.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/tmp.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_ARGS 24

static struct sg_run_result sgrun(const char *const *words)
{
    const char *argv[MAX_ARGS] = {sg_test_built("sgrun")};
    int n = 1;

    for (int i = 0; words[i] != NULL; i++) {
        T_MUST(n + 1 < MAX_ARGS);
        argv[n++] = words[i];
    }
    return sg_run(&(struct sg_run_opts){.argv = argv});
}

#define SGRUN(...) sgrun((const char *const[]){__VA_ARGS__, NULL})

/* Runs it and states its exit status; shows all it said if it is another. */
static struct sg_run_result must_at(struct sg_here here, int status, const char *const *words)
{
    struct sg_run_result run = sgrun(words);

    sg_test_check(here, false, run.exit == status, "exit status %d (signal %d), not %d; it said:\n%s%s", run.exit, run.signal, status,
                  run.out, run.err);
    return run;
}
#define MUST(status, ...) must_at(SG_HERE_, (status), (const char *const[]){__VA_ARGS__, NULL})

/* A folder with data work in one of its migrations. */
static const char *a_tree(void)
{
    (void)sg_tmp_write("db/V1__leads.sql", "CREATE TABLE leads (id bigint PRIMARY KEY, name text, order_index int);\n");
    (void)sg_tmp_write("db/V2__order.sql", "\nUPDATE leads SET order_index = id;\n");
    return sg_test_strf("%s/db", sg_tmp_dir());
}

SG_TEST(what_is_found_is_no_failure_unless_asked_for)
{
    const char *tree = a_tree();
    struct sg_run_result run = MUST(0, "audit", tree);

    T_CONTAINS(run.out, "Looked at: 2 migrations (flyway: 2), 2 statements");
    T_CONTAINS(run.out, sg_test_strf("`%s/V2__order.sql:2`: UNSAFE", tree));
    T_EQ_STR(run.err, "");
    run = MUST(9, "audit", "--fail-on", "unsafe", tree);
    T_CONTAINS(run.out, "## DML safety analysis");
    T_CONTAINS(run.err, "found what --fail-on names: unsafe (1)");
    (void)MUST(9, "audit", "--fail-on", "potentially-unsafe", tree);
    (void)MUST(0, "audit", "--fail-on", "unread", tree);
    (void)MUST(0, "audit", "--fail-on", "unsafe", sg_test_strf("%s/V1__leads.sql", tree));
}

SG_TEST(the_same_as_json)
{
    struct sg_run_result run = MUST(9, "audit", "--json", "--fail-on", "unsafe", "--hot-tables", "leads", a_tree());
    struct sg_json *json = project_json(&run), *dml = sg_json_at(sg_json_get(json, "dml"), 0);

    T_EQ_STR(project_text(json, "command"), "audit");
    T_EQ_STR(project_text(json, "source"), "files");
    T_EQ_INT(sg_json_int(sg_json_get(json, "exit")), 9);
    T_EQ_STR(project_text(sg_json_at(sg_json_get(json, "errors"), 0), "class"), "findings");
    T_EQ_INT(sg_json_count(sg_json_get(json, "migrations")), 2);
    T_MUST_EQ_INT(sg_json_count(sg_json_get(json, "dml")), 1);
    T_EQ_STR(project_text(dml, "migration"), "2");
    T_EQ_STR(project_text(dml, "verdict"), "UNSAFE");
    T_EQ_INT(sg_json_int(sg_json_get(dml, "line")), 2);
    T_EQ_STR(project_text(sg_json_at(sg_json_get(json, "migrations"), 1), "priority"), "HIGH");
}

SG_TEST(mistakes_of_the_command_line)
{
    struct sg_run_result run = MUST(2, "audit");

    T_CONTAINS(run.err, "nothing was given to audit");
    run = MUST(2, "audit", "/nowhere/at/all", a_tree());
    T_CONTAINS(run.err, "/nowhere/at/all");
    T_EQ_STR(run.out, "");
    run = MUST(2, "audit", "--fail-on", "unsave", a_tree());
    T_CONTAINS(run.err, "Did you mean 'unsafe'?");
    run = MUST(2, "audit", "--baseline", "/nowhere/at/all", a_tree());
    T_CONTAINS(run.err, "there is no baseline '/nowhere/at/all'");
    T_CONTAINS(run.err, "--write-baseline");
    run = MUST(2, "audit", "--baseline", "/nowhere/at/all", "--write-baseline", a_tree());
    T_CONTAINS(run.err, "could not be written");
    run = MUST(2, "audit", "--json", "/nowhere/at/all");
    T_EQ_STR(project_text(project_error(&run), "class"), "usage");
    run = MUST(2, "rehearse");
    T_CONTAINS(run.err, "no manifest was given");
}

SG_TEST(what_cannot_be_read_is_said_and_the_rest_goes_on)
{
    const char *tree = a_tree();
    struct sg_run_result run;

    (void)sg_tmp_write("db/V3__odd.sql", "CREATE TABLE fine (id int PRIMARY KEY);\nMAKE ME A SANDWICH;\n");
    run = MUST(9, "audit", "--fail-on", "unread", tree);
    T_CONTAINS(run.out, "**Not read: 1 place**");
    T_CONTAINS(run.out, sg_test_strf("- `%s/V3__odd.sql:2` ", tree));
    T_CONTAINS(run.out, "V2__order.sql:2`: UNSAFE");
}

SG_TEST(a_baseline_lets_the_old_in_and_stops_the_new)
{
    const char *tree = a_tree(), *file = sg_test_strf("%s/audit.baseline", sg_tmp_dir());
    struct sg_run_result run = MUST(0, "audit", "--baseline", file, "--write-baseline", "--fail-on", "unsafe,error", tree);
    struct stat status;

    T_CONTAINS(run.out, sg_test_strf("`%s` was written anew: ", file));
    T_MUST_EQ_INT(stat(file, &status), 0);
    T_EQ_INT(status.st_mode & 0200, 0200);
    run = MUST(0, "audit", "--baseline", file, "--fail-on", "unsafe,error,warning", tree);
    T_CONTAINS(run.out, "## Known (baseline)");
    T_LACKS(run.out, "## DML safety analysis");
    /* it moved, and is still the same */
    (void)sg_tmp_write("db/V2__order.sql", "-- sorry\n\n\nUPDATE   leads\n SET order_index = id;\n");
    (void)MUST(0, "audit", "--baseline", file, "--fail-on", "unsafe", tree);
    (void)sg_tmp_write("db/V3__again.sql", "UPDATE leads SET order_index = id;\n");
    run = MUST(9, "audit", "--baseline", file, "--fail-on", "unsafe", tree);
    T_CONTAINS(run.out, "V3__again.sql:1`: UNSAFE");
    T_LACKS(run.out, "V2__order.sql:4`: UNSAFE");
    /* what is gone may be taken out */
    (void)sg_tmp_write("db/V2__order.sql", "SELECT 1;\n");
    run = MUST(0, "audit", "--baseline", file, tree);
    T_CONTAINS(run.out, "met nothing");
}

SG_TEST(what_is_allowed_is_listed)
{
    const char *tree = a_tree();
    struct sg_run_result run;

    (void)sg_tmp_write("db/V2__order.sql", "-- sgrun: allow dml three rows, and nobody reads them\nUPDATE leads SET order_index = id;\n");
    run = MUST(0, "audit", "--fail-on", "unsafe", tree);
    T_CONTAINS(run.out, "## Allowed");
    T_CONTAINS(run.out, "V2__order.sql:2` | bulk_update | three rows, and nobody reads them |");
}

/* ---- with a manifest ---- */

static struct project *with_leads(void)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, "CREATE TABLE leads (id bigint PRIMARY KEY, name text); CREATE TABLE calls (id bigint PRIMARY KEY)");
    return project;
}

static const char two[] = "[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE visits (id bigint PRIMARY KEY, at timestamptz)\n"
                          "option.fingerprint = SELECT 1 FROM pg_class WHERE relname = 'visits'\n"
                          "[migration s02]\nplugin = s02\noption.ddl1 = ALTER TABLE visits DROP COLUMN at\n"
                          "option.fingerprint = SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = "
                          "to_regclass('visits') AND attname = 'at')\n"
                          "  AND to_regclass('visits') IS NOT NULL\n";

SG_TEST(a_manifest_beside_files)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;
    const char *tree = a_tree();

    project->policy = "allow = bulk_update, indx.*";
    project_write(project, "[audit]\nhot_tables = leads\n");
    run = project_must(project, 0, "audit", "--fail-on", "unsafe", tree);
    T_CONTAINS(run.out, "Hot tables: `leads` (named by the manifest).");
    T_CONTAINS(run.out, "## Allowed");
    T_CONTAINS(run.err, "allow = indx.*: there is no such rule");
    T_LACKS(run.err, "bulk_update");
    run = project_must(project, 0, "audit", "--hot-tables", "other", tree);
    T_CONTAINS(run.out, "Hot tables: `other` (named by `--hot-tables`).");
    /* files need no server: its variable may be missing */
    (void)MUST(0, "--manifest", sg_tmp_write("m.ini", "[database]\ndsn = ${SGTEST_NOT_SET}\n"), "audit", tree);
}

SG_TEST(plugins_by_a_rehearsal)
{
    struct project *project = with_leads();
    struct sg_run_result run;

    project_write(project, two);
    run = project_must(project, 0, "audit");
    T_CONTAINS(run.out, "(what its plugins send in a rehearsal)");
    T_CONTAINS(run.out, "Looked at: 2 migrations (manifest: 2), 2 statements; by the rules for PostgreSQL");
    T_CONTAINS(run.out, "(the server's)");
    T_CONTAINS(run.out, "`s02, statement 1` **column.drop**");
    (void)project_must(project, 9, "audit", "--fail-on", "column.*");
    /* the real one was left alone */
    T_EQ_STR(project_ledger(project), "");
    T_NULL(sg_sql_value(project->sql, "SELECT to_regclass('visits')"));
}

SG_TEST(a_manifest_that_cannot_be_rehearsed_is_not_green)
{
    struct project *project = with_leads();
    struct sg_run_result run;

    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = ALTER TABLE nobody ADD COLUMN x int\n"
                           "option.fingerprint = SELECT 1 WHERE false\n");
    run = project_must(project, 1, "audit", "--fail-on", "unsafe");
    T_CONTAINS(run.err, "nobody");
}

SG_TEST(plugins_by_the_journal)
{
    struct project *project = with_leads();
    struct sg_run_result run;

    project_write(project, two);
    run = project_must(project, 9, "audit", "--from-ledger", "--fail-on", "unread");
    T_CONTAINS(run.out, "migration s01 is not recorded");
    T_EQ_STR(project_ledger(project), "");
    (void)project_must(project, 0, "migrate");
    run = project_must(project, 0, "audit", "--from-ledger", "--fail-on", "unread");
    T_CONTAINS(run.out, "(what its plugins have sent in the real runs)");
    T_CONTAINS(run.out, "Looked at: 2 migrations (manifest: 2), 2 statements");
    T_CONTAINS(run.out, "`s02, statement 1` **column.drop**");
    /* one that was there before has sent nothing */
    sg_sql_exec(project->sql, "DELETE FROM sgrun.schema_migrations WHERE id = 's02'");
    (void)project_must(project, 0, "migrate");
    run = project_must(project, 0, "audit", "--from-ledger");
    T_CONTAINS(run.out, "migration s02 was reconciled, not run");
}

SG_TEST(the_journal_behind_a_pooler)
{
    struct project *project = with_leads();
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(
        &(struct sg_pgbouncer_opts){.dir = sg_server_dir(project->server), .port = sg_server_port(project->server)});

    project_write(project, two);
    (void)project_must(project, 0, "migrate");
    project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
    project_write(project, two);
    T_CONTAINS(project_must(project, 0, "audit", "--from-ledger", "--sample", "1").out, "Looked at: 2 migrations");
}

SG_TEST(the_journal_on_a_standby)
{
    struct project *project = project_new(sg_server_start(NULL), NULL);
    struct sg_run_result run;

    project->policy = "retry_seconds = 3";
    project_write(project, two);
    (void)project_must(project, 0, "migrate");
    sg_sql_close(project->sql);
    sg_server_be_standby(project->server, true);
    T_CONTAINS(project_must(project, 0, "audit", "--from-ledger").out, "Looked at: 2 migrations");
    run = project_must(project, 2, "audit", "--from-ledger", "--sample", "1");
    T_CONTAINS(run.err, "the server is a standby");
}

SG_TEST(hot_tables_are_measured)
{
    struct project *project = with_leads();
    struct sg_run_result run;
    struct sg_run *audit;

    project_write(project, two);
    audit = project_start_args(project, (const char *const[]){"audit", "--sample", "4", a_tree(), NULL});
    sg_run_await(audit, "measuring for 4 s", 20000);
    sg_test_sleep_ms(1000);
    sg_sql_exec(project->sql, "INSERT INTO leads SELECT g FROM generate_series(1, 5000) g; INSERT INTO calls VALUES (1)");
    run = sg_run_wait(audit, 30000);
    T_EQ_INT(run.exit, 0);
    T_CONTAINS(run.out, "Hot tables: `leads` (measured: the rows written over 4 s).");
    T_CONTAINS(run.out, "### HIGH (1)");
}

SG_TEST(a_signal_ends_it_at_once)
{
    struct project *project = with_leads();
    struct sg_run_result run;
    struct sg_run *audit;

    project_write(project, two);
    audit = project_start_args(project, (const char *const[]){"audit", "--from-ledger", "--sample", "600", NULL});
    sg_run_await(audit, "measuring for 600 s", 20000);
    sg_run_signal(audit, SIGINT);
    run = sg_run_wait(audit, 5000);
    T_EQ_INT(run.exit, 130);
    T_EQ_STR(run.out, "");
}

/* ---- rehearse ---- */

static const char *step_line(const char *id, const char *rest)
{
    return sg_test_strf("| `%s` | migration | %s", id, rest);
}

SG_TEST(a_rehearsal_is_told)
{
    struct project *project = with_leads();
    const char *rows = project_rows(project);
    struct sg_run_result run;

    project_write(project, two);
    run = project_must(project, 0, "rehearse", "--rows", "100");
    T_CONTAINS(run.out, "# Rehearsal of `");
    T_CONTAINS(run.out, "**Everything in the manifest was done**");
    T_CONTAINS(run.out, "Fingerprints: 2 of 2 are proved");
    T_CONTAINS(run.out, step_line("s01", "applied"));
    T_CONTAINS(run.out, "| 1 | `ALTER TABLE visits DROP COLUMN at` | ");
    T_CONTAINS(run.out, "AccessExclusiveLock on `visits`");
    T_CONTAINS(run.out, "- Statement 1, warning **column.drop** ");
    T_CONTAINS(run.out, "(measured: AccessExclusiveLock on visits");
    T_LT_INT(strstr(run.out, "## Summary") - run.out, strstr(run.out, "## Steps") - run.out);
    T_EQ_STR(project_rows(project), rows);
    T_NULL(sg_sql_value(project->sql, "SELECT to_regnamespace('sgrun')"));
    (void)project_must(project, 9, "rehearse", "--fail-on", "column.drop");
}

/* What a person has to know at once stands above the long tables; indexes that went well are one table. */
SG_TEST(a_rehearsal_says_the_worst_first)
{
    struct project *project = with_leads();
    struct sg_run_result run;
    const char *error;

    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE visits (id bigint PRIMARY KEY, a int, b int)\n"
                           "option.fingerprint = SELECT 1 FROM pg_class WHERE relname = 'visits'\n"
                           "[migration s02]\nplugin = s02\noption.ddl1 = ALTER TABLE visits ADD CONSTRAINT visits_a UNIQUE (a)\n"
                           "option.fingerprint = SELECT 1 FROM pg_class WHERE relname = 'visits_a'\n"
                           "[index visits_b]\ntable = visits\ncolumns = b\n[index visits_ab]\ntable = visits\ncolumns = a, b\n");
    run = project_must(project, 0, "rehearse");
    error = strstr(run.out, "- `s02`, statement 1: **constraint.add_unique** ");
    T_NOT_NULL(error);
    T_LT_INT(error - run.out, strstr(run.out, "Fingerprints: ") - run.out);
    T_LT_INT(error - run.out, strstr(run.out, "The strongest locks ") - run.out);
    T_CONTAINS(run.out, "### Indexes\n");
    T_CONTAINS(run.out, "| `visits_b` | `CREATE INDEX CONCURRENTLY ");
    T_CONTAINS(run.out, "| `visits_ab` | `CREATE INDEX CONCURRENTLY ");
    T_LACKS(run.out, "### `visits_b`");
    T_LACKS(run.out, "concurrently_in_tx");
    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = ALTER TABLE nobody ADD COLUMN x int\n"
                           "option.fingerprint = SELECT 1 WHERE false\n");
    run = project_must(project, 1, "rehearse", "--fail-on", "unsafe");
    T_CONTAINS(run.out, "## Summary\n\n- `s01` **failed**: ");
    T_CONTAINS(run.out, "- Schema at the start: empty database (`--schema-from DSN|FILE` takes another)\n");
}

SG_TEST(a_rehearsal_as_json)
{
    struct project *project = with_leads();
    struct sg_run_result run;
    struct sg_json *json, *step, *statement;

    project_write(project, two);
    run = project_must(project, 0, "rehearse", "--json");
    json = project_json(&run);
    T_EQ_STR(project_text(json, "command"), "rehearse");
    T_TRUE(sg_json_true(sg_json_get(json, "complete")));
    T_MUST_EQ_INT(sg_json_count(sg_json_get(json, "steps")), 2);
    step = sg_json_at(sg_json_get(json, "steps"), 1);
    T_EQ_STR(project_text(step, "outcome"), "applied");
    T_FALSE(sg_json_true(sg_json_get(step, "fingerprint_before")));
    T_TRUE(sg_json_true(sg_json_get(step, "fingerprint_after")));
    statement = sg_json_at(sg_json_get(step, "statements"), 0);
    T_EQ_STR(project_text(statement, "text"), "ALTER TABLE visits DROP COLUMN at");
    T_EQ_STR(project_text(sg_json_at(sg_json_get(statement, "locks"), 0), "mode"), "AccessExclusiveLock");
    T_EQ_STR(project_text(sg_json_at(sg_json_get(step, "held"), 0), "relation"), "visits");
    T_EQ_STR(project_text(sg_json_at(sg_json_get(sg_json_get(json, "audit"), "findings"), 0), "seen"), "measured");
}

SG_TEST(a_step_that_fails_gives_its_exit_status)
{
    struct project *project = with_leads();
    struct sg_run_result run;

    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = ALTER TABLE nobody ADD COLUMN x int\n"
                           "option.fingerprint = SELECT 1 WHERE false\n");
    run = project_must(project, 1, "rehearse", "--fail-on", "failed");
    T_CONTAINS(run.out, "**FAILED: 1 step**");
    T_CONTAINS(run.out, "42P01");
    T_CONTAINS(run.err, "found what --fail-on names: failed (1)");
    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = DELETE FROM leads\n"
                           "option.fingerprint = SELECT 1 WHERE false\n");
    (void)project_must(project, 7, "rehearse");
}

SG_TEST(a_fingerprint_that_proves_nothing_is_named)
{
    struct project *project = with_leads();
    struct sg_run_result run;

    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE x (id int)\noption.fingerprint = SELECT 1\n");
    run = project_must(project, 0, "rehearse");
    T_CONTAINS(run.out, "Fingerprints: 0 of 1 are proved");
    T_CONTAINS(run.out, "- `s01`: **held before: nothing was run**");
    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE x (id int)\n"
                           "option.fingerprint = SELECT 1 WHERE false\n");
    run = project_must(project, 8, "rehearse");
    T_CONTAINS(run.out, "does not hold after");
}

SG_TEST(the_schema_of_a_real_database)
{
    struct project *project = with_leads();
    struct sg_run_result run;

    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = ALTER TABLE leads ADD COLUMN x int\n"
                           "option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('leads') AND attname = 'x'\n");
    run = project_must(project, 0, "rehearse", "--schema-from", project->conninfo, "--rows", "50");
    T_CONTAINS(run.out, "AccessExclusiveLock on `leads`");
    T_CONTAINS(run.out, "50 made up for each table that had none: 2 tables");
    T_NULL(sg_sql_value(project->sql, "SELECT attname FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attname = 'x'"));
    run = project_must(project, 5, "rehearse", "--schema-from", "postgres://u:s3cr3t@127.0.0.1:1/x?connect_timeout=2");
    T_LACKS(run.out, "s3cr3t");
    T_LACKS(run.err, "s3cr3t");
}

SG_TEST(a_rehearsal_is_stopped)
{
    struct project *project = with_leads();
    struct sg_run_result run;
    struct sg_run *rehearsal;

    project_write(project, "[migration s01]\nplugin = s01\noption.ddl1 = SELECT pg_sleep(30)\noption.sleep_ms = 8000\n"
                           "option.fingerprint = SELECT 1 WHERE false\n");
    rehearsal = project_start_args(project, (const char *const[]){"rehearse", NULL});
    sg_run_await(rehearsal, "migration 1 of 1", 30000);
    sg_run_signal(rehearsal, SIGTERM);
    run = sg_run_wait(rehearsal, 20000);
    T_EQ_INT(run.exit, 143);
    T_FALSE(run.timed_out);
}

static const struct sg_test tests[] = {SG_CASE(what_is_found_is_no_failure_unless_asked_for),
                                       SG_CASE(the_same_as_json),
                                       SG_CASE(mistakes_of_the_command_line),
                                       SG_CASE(what_cannot_be_read_is_said_and_the_rest_goes_on),
                                       SG_CASE(a_baseline_lets_the_old_in_and_stops_the_new),
                                       SG_CASE(what_is_allowed_is_listed),
                                       SG_CASE(a_manifest_beside_files),
                                       SG_CASE(plugins_by_a_rehearsal),
                                       SG_CASE(a_manifest_that_cannot_be_rehearsed_is_not_green),
                                       SG_CASE(plugins_by_the_journal),
                                       SG_CASE(the_journal_behind_a_pooler),
                                       SG_CASE(the_journal_on_a_standby),
                                       SG_CASE(hot_tables_are_measured),
                                       SG_CASE(a_signal_ends_it_at_once),
                                       SG_CASE(a_rehearsal_is_told),
                                       SG_CASE(a_rehearsal_says_the_worst_first),
                                       SG_CASE(a_rehearsal_as_json),
                                       SG_CASE(a_step_that_fails_gives_its_exit_status),
                                       SG_CASE(a_fingerprint_that_proves_nothing_is_named),
                                       SG_CASE(the_schema_of_a_real_database),
                                       SG_CASE(a_rehearsal_is_stopped),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"audit_cli", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
