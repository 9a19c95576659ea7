/*
 * Migrations from end to end: what a failure leaves (nothing), in which order things are done, what waits, what is superseded, what
 * runs outside a transaction, and where the limits of sizes and times are.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/tmp.h"

#include <stdlib.h>
#include <string.h>

/* A section that makes the table made_by_ID; MORE are further lines. */
static const char *makes(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.table = made_by_%s\noption.ddl1 = CREATE TABLE made_by_%s ()\n%s", id, id,
                        id, id, more);
}

static const char *tables(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1");
}

/* Nothing of the migration is there, and nobody holds anything. */
static void nothing_is_left(struct project *project, const char *ledger)
{
    T_EQ_STR(project_ledger(project), ledger);
    T_EQ_STR(project_lease(project), "");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE relnamespace ="
                                      " 'public'::regnamespace AND pid <> pg_backend_pid()"), 0);
}

/* ---- failures ---- */

SG_TEST(the_third_statement_fails)
{
    struct project *project = project_new(NULL, NULL);
    const char *steps = sg_test_strf("%s[migration s02]\nplugin = s02\noption.table = b\noption.ddl1 = CREATE TABLE a (id int)\n"
                                     "option.ddl2 = CREATE TABLE b (id int)\noption.ddl3 = ${THIRD}\n%s", makes("s01", ""), makes("s03", ""));
    struct sg_run_result run;

    project_set(project, "THIRD", "ALTER TABLE b ADD COLUMN x no_such_type");
    project_write(project, steps);
    run = project_must(project, 1, NULL);
    T_CONTAINS(run.err, "no_such_type");
    T_CONTAINS(run.err, "42704");
    T_CONTAINS(run.err, "s02");
    T_CONTAINS(run.err, sg_test_strf("%s:", project->manifest));
    T_CONTAINS(run.out, "s02 was rolled back whole and is not recorded");
    T_CONTAINS(run.out, "Not run: s03");
    T_EQ_STR(tables(project), "made_by_s01");
    nothing_is_left(project, "s01|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT step, result, class, sqlstate, statement FROM sgrun.attempts"),
             "s02|failed|sql|42704|ALTER TABLE b ADD COLUMN x no_such_type");
    T_CONTAINS(project_must(project, 0, "status").out, "no_such_type");
    /* as it is, again: the same end */
    project_must(project, 1, NULL);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.attempts"), 2);
    /* mended: from its beginning */
    project_set(project, "THIRD", "ALTER TABLE b ADD COLUMN x text");
    project_must(project, 0, NULL);
    T_EQ_STR(tables(project), "a\nb\nmade_by_s01\nmade_by_s03");
    nothing_is_left(project, "s01|applied\ns02|applied\ns03|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT seq, sql FROM sgrun.journal WHERE step = 's02' ORDER BY seq"),
             "1|CREATE TABLE a (id int)\n2|CREATE TABLE b (id int)\n3|ALTER TABLE b ADD COLUMN x text");
    T_LACKS(project_must(project, 0, "status").out, "no_such_type");
}

SG_TEST(the_last_twenty_failures_are_kept)
{
    struct project *project = project_new(NULL, NULL);

    project_one(project, "s01", "DROP TABLE nothing_there");
    project_must(project, 1, NULL);
    sg_sql_exec(project->sql, "INSERT INTO sgrun.attempts (step, message) SELECT 's01', 'old' FROM generate_series(1, 40);"
                              "INSERT INTO sgrun.attempts (step, message) VALUES ('other', 'x')");
    project_must(project, 1, NULL);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT step, count(*) FROM sgrun.attempts GROUP BY 1 ORDER BY 1"), "other|1\ns01|20");
    T_CONTAINS(sg_sql_value(project->sql, "SELECT message FROM sgrun.attempts WHERE step = 's01' ORDER BY no DESC LIMIT 1"), "nothing_there");
}

SG_TEST(a_fingerprint_that_does_not_hold_after_run)
{
    struct project *project = project_new(NULL, NULL);

    project_one(project, "s01", "CREATE TABLE a (id int)");
    T_CONTAINS(project_must(project, 8, NULL).err, "run said it is done, but the fingerprint does not hold");
    T_EQ_STR(tables(project), "");
    nothing_is_left(project, "");
}

/* "There is no such thing" is an answer, and run goes to a new process; every other error is one. */
SG_TEST(errors_of_a_fingerprint)
{
    static const char *const absent[][2] = {{"SELECT 1 FROM n", "42P01"},
                                            {"SELECT x FROM t WHERE to_regclass('n') IS NULL", "42703"},
                                            {"SELECT 'a'::no_such_type WHERE to_regclass('n') IS NULL", "42704"},
                                            {"SELECT no_such_function()", "42883"},
                                            {"SELECT no_such_schema.f()", "3F000"}};
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, "CREATE TABLE t (a int)");
    /* each question can be answered once run has made what it asks for */
    project_set(project, "MAKE1", "CREATE TABLE n (id int)");
    project_set(project, "MAKE2", "ALTER TABLE t ADD COLUMN x int");
    project_set(project, "MAKE3", "CREATE TYPE no_such_type AS ENUM ('a')");
    project_set(project, "MAKE4", "CREATE FUNCTION no_such_function() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    project_set(project, "MAKE5", "CREATE TABLE no_such_schema.n (id int)");
    project_write(project, "[migration s01]\nplugin = s01\noption.fingerprint = SELECT 1 WHERE to_regclass('n') IS NOT NULL AND"
                           "\n  (SELECT count(*) FROM n) = 0\noption.ddl1 = ${MAKE1}\n"
                           "[migration s02]\nplugin = s02\noption.fingerprint = SELECT 1 FROM (SELECT count(x) FROM t) y\noption.ddl1 = ${MAKE2}\n"
                           "[migration s03]\nplugin = s03\noption.fingerprint = SELECT 'a'::no_such_type\noption.ddl1 = ${MAKE3}\n"
                           "[migration s04]\nplugin = s04\noption.fingerprint = SELECT no_such_function()\noption.ddl1 = ${MAKE4}\n"
                           "[migration s05]\nplugin = s05\noption.fingerprint = SELECT 1 WHERE 0 = (SELECT count(*) FROM no_such_schema.n)\n"
                           "option.ddl1 = CREATE SCHEMA no_such_schema\noption.ddl2 = ${MAKE5}\n");
    T_CONTAINS(project_must(project, 0, NULL).err, "counts as not there");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied\ns04|applied\ns05|applied");
    /* the SQLSTATEs, one by one, in plan: nothing is run */
    for (size_t i = 0; i < 5; i++) {
        struct project *other = project_new(NULL, NULL);

        sg_sql_exec(other->sql, "CREATE TABLE t (a int)");
        project_set(other, "ASK", absent[i][0]);
        project_write(other, "[migration s01]\nplugin = s01\noption.fingerprint = ${ASK}\n");
        T_CONTAINS(project_must(other, 0, "plan").err, absent[i][1]);
    }
    project_write(project, "[migration s06]\nplugin = s06\noption.fingerprint = SELECT 1 / 0\noption.ddl1 = CREATE TABLE z ()\n");
    T_CONTAINS(project_must(project, 1, NULL).err, "22012");
    T_EQ_STR(sg_sql_value(project->sql, "SELECT to_regclass('z')"), NULL);
    T_EQ_STR(project_lease(project), "");
}

/* ---- limits ---- */

static const char *spaces(size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    sg_test_defer(free, text);
    memset(text, 'x', size);
    text[size] = '\0';
    return text;
}

SG_TEST(sizes)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    /* a statement of 64 KiB, and one that is longer; a body may be longer */
    project_one(project, "s01", sg_test_strf("COMMENT ON SCHEMA public IS '%s'", spaces(66000)));
    run = project_must(project, 7, NULL);
    T_CONTAINS(run.err, "65536 are allowed");
    project_one(project, "s01", sg_test_strf("COMMENT ON SCHEMA public IS '%s'", spaces(65000)));
    project_must(project, 8, NULL); /* it was sent; its fingerprint is never true */
    project_one(project, "s01", sg_test_strf("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT '%s' $f$", spaces(100000)));
    project_must(project, 8, NULL);
    /* a result of more than 16 MiB is cancelled */
    project_write(project, "[migration s01]\nplugin = s01\noption.table = n\noption.read1 = SELECT repeat('x', 1000000) FROM generate_series(1, 1000)\n"
                           "option.ddl1 = CREATE TABLE n ()\n");
    run = project_must(project, 7, NULL);
    T_CONTAINS(run.err, "larger than 16777216 bytes");
    T_LE_INT(run.ms, 15000);
    nothing_is_left(project, "");
}

SG_TEST(times)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
                              "CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT true FROM pg_sleep(20)'");
    project->policy = "ddl_seconds = 1\nread_seconds = 1\n";
    project_one(project, "s01", "ALTER TABLE t ADD CHECK (slow(a))");
    run = project_must(project, 1, NULL);
    T_CONTAINS(run.err, "57014");
    T_CONTAINS(run.err, "ddl_seconds");
    T_LE_INT(run.ms, 15000);
    nothing_is_left(project, "");
    project_write(project, "[migration s01]\nplugin = s01\noption.read1 = SELECT pg_sleep(20)\n");
    run = project_must(project, 1, NULL);
    T_CONTAINS(run.err, "57014");
    T_CONTAINS(run.err, "read_seconds");
    T_LE_INT(run.ms, 15000);
    project_write(project, "[migration s01]\nplugin = s01\noption.fingerprint = SELECT pg_sleep(20)\n");
    T_LE_INT(project_must(project, 1, NULL).ms, 15000);
    nothing_is_left(project, "");
    /* plugin_seconds counts the plugin's time, not the server's */
    project->policy = "plugin_seconds = 1\n";
    sg_sql_exec(project->sql, "CREATE OR REPLACE FUNCTION slow(int) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT true FROM pg_sleep(1.5)'");
    project_write(project, "[migration s01]\nplugin = s01\noption.fingerprint = SELECT 1 FROM pg_constraint WHERE conname = 'c'\n"
                           "option.ddl1 = ALTER TABLE t ADD CONSTRAINT c CHECK (slow(a))\n");
    project_must(project, 0, NULL);
}

/* ---- order ---- */

SG_TEST(gates)
{
    struct project *project = project_new(NULL, NULL);
    const char *steps = sg_test_strf("%s%s%s[backfill fill]\nplugin = fill\nmigration = s01\n"
                                     "[index idx]\ntable = made_by_s01\ncolumns = a\n",
                                     makes("s01", ""), makes("s02", "requires = backfill:fill index:idx\n"), makes("s03", ""));
    struct sg_run_result run;
    struct sg_json *json;

    project_write(project, steps);
    run = project_must(project, 3, "--json");
    json = sg_json_get(project_json(&run), "migrations");
    T_EQ_STR(project_text(sg_json_at(json, 0), "outcome"), "applied");
    T_EQ_STR(project_text(sg_json_at(json, 1), "outcome"), "waiting");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(sg_json_at(json, 1), "waits_for"), 0)), "backfill:fill");
    /* the order of the file is the order of history */
    T_EQ_STR(project_text(sg_json_at(json, 2), "outcome"), "not_reached");
    nothing_is_left(project, "s01|applied");
    run = project_must(project, 3, NULL);
    T_CONTAINS(run.out, "s02 waits for backfill:fill");
    run = project_must(project, 0, "status", "--json");
    json = sg_json_at(sg_json_get(project_json(&run), "migrations"), 1);
    T_EQ_STR(project_text(json, "state"), "waiting");
    T_EQ_INT(sg_json_count(sg_json_get(json, "waits_for")), 2);
    project->policy = "waiting = allow\n";
    project_write(project, steps);
    project_must(project, 0, NULL);
    project_must(project, 3, "migrate", "--strict");
    project_must(project, 6, "--strict"); /* the backfill has no plugin */
    project->policy = NULL;
    project_write(project, steps);
    /* opened one by one */
    sg_sql_exec(project->sql, "INSERT INTO sgrun.backfills (key, state) VALUES ('fill', 'residual')");
    project_must(project, 3, NULL);
    sg_sql_exec(project->sql, "UPDATE sgrun.backfills SET state = 'complete'");
    T_CONTAINS(project_must(project, 3, NULL).out, "s02 waits for index:idx");
    /* the index cannot be built: its table has no such column */
    T_EQ_STR(sg_sql_value(project->sql, "SELECT state FROM sgrun.indexes WHERE name = 'idx'"), "failed");
    sg_sql_exec(project->sql, "ALTER TABLE made_by_s01 ADD COLUMN a int");
    project_must(project, 3, "migrate");
    project_must(project, 0, NULL);
    T_EQ_STR(sg_sql_value(project->sql, "SELECT state FROM sgrun.indexes WHERE name = 'idx'"), "valid");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
}

SG_TEST(up_to_one)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s", makes("s01", ""), makes("s02", ""), makes("s03", "")));
    run = project_must(project, 0, "migrate", "--to", "s02");
    T_CONTAINS(run.out, "Left for later: s03");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied");
    project_must(project, 0, "migrate", "--to", "s01");
    T_EQ_STR(tables(project), "made_by_s01\nmade_by_s02");
    T_CONTAINS(project_must(project, 2, "migrate", "--to", "s04").err, "s04");
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
}

SG_TEST(one_that_comes_too_late_is_run_and_told)
{
    struct project *project = project_new(NULL, NULL);

    project_write(project, sg_test_strf("%s%s", makes("s01", ""), makes("s03", "")));
    project_must(project, 0, NULL);
    project_write(project, sg_test_strf("%s%s", makes("s02", ""), makes("s03", "")));
    T_CONTAINS(project_must(project, 0, "plan").out, "s02");
    T_CONTAINS(project_must(project, 0, "status").out, "not in the manifest"); /* s01 */
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
}

SG_TEST(superseded)
{
    struct project *project = project_new(NULL, NULL);
    const char *steps = sg_test_strf("%s%s%s", makes("s01", "superseded_by = s02\n"), makes("s02", ""), makes("s03", ""));

    /* a new database: the old one is never run, and recorded in its successor's transaction */
    project_write(project, steps);
    T_CONTAINS(project_must(project, 0, "plan").out, "SUPERSEDED");
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|superseded\ns02|applied\ns03|applied");
    T_EQ_STR(tables(project), "made_by_s02\nmade_by_s03");
    T_CONTAINS(sg_sql_value(project->sql, "SELECT reason FROM sgrun.schema_migrations WHERE id = 's01'"), "s02");
    T_EQ_STR(sg_sql_value(project->sql, "SELECT count(DISTINCT xmin::text) FROM sgrun.schema_migrations WHERE id IN ('s01', 's02')"), "1");
    project_must(project, 0, "verify");
    /* a database where the old one was applied */
    project = project_new(NULL, NULL);
    project_write(project, makes("s01", ""));
    project_must(project, 0, NULL);
    project_write(project, steps);
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
    /* one where its successor was applied before the old one was listed */
    project = project_new(NULL, NULL);
    project_write(project, sg_test_strf("%s%s", makes("s02", ""), makes("s03", "")));
    project_must(project, 0, NULL);
    project_write(project, steps);
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|superseded\ns02|applied\ns03|applied");
    T_EQ_STR(project_lease(project), "");
    T_CONTAINS(project_must(project, 0, NULL).out, "Up to date");
    /* its successor fails: neither is recorded */
    project = project_new(NULL, NULL);
    project_write(project, sg_test_strf("%s%s", makes("s01", "superseded_by = s02\n"), makes("s02", "option.fail = not today\n")));
    T_CONTAINS(project_must(project, 1, NULL).err, "not today");
    nothing_is_left(project, "");
}

SG_TEST(superseded_by_what_is_superseded)
{
    struct project *project = project_new(NULL, NULL);
    const char *first;

    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", "superseded_by = s02\n"), makes("s02", "superseded_by = s03\n"),
                                        makes("s03", ""), makes("s04", "")));
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|superseded\ns02|superseded\ns03|applied\ns04|applied");
    first = sg_sql_rows(project->sql, "SELECT xmin, * FROM sgrun.lease");
    T_CONTAINS(project_must(project, 0, NULL).out, "Up to date: 4 migrations already recorded");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT xmin, * FROM sgrun.lease"), first);
    /* the end of the chain was there first */
    project = project_new(NULL, NULL);
    project_write(project, makes("s03", ""));
    project_must(project, 0, NULL);
    project_write(project, sg_test_strf("%s%s%s", makes("s01", "superseded_by = s02\n"), makes("s02", "superseded_by = s03\n"), makes("s03", "")));
    T_CONTAINS(project_must(project, 0, NULL).out, "2 superseded");
    T_EQ_STR(project_ledger(project), "s01|superseded\ns02|superseded\ns03|applied");
}

SG_TEST(identities_and_labels)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    project_write(project, "[migration the first of all]\nid = s01\nplugin = s01\noption.table = a\noption.ddl1 = CREATE TABLE a ()\n"
                           "[migration the second]\nid = s02\nplugin = s02\nrequires = migration:s01\noption.table = b\noption.ddl1 = CREATE TABLE b ()\n");
    run = project_must(project, 0, "migrate", "--to", "s01");
    T_CONTAINS(run.out, "applied     s01");
    project_must(project, 2, "migrate", "--to", "the second");
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied");
}

/* ---- outside a transaction ---- */

static void write_outside(struct project *project, const char *fingerprint, const char *first, const char *second)
{
    project_set(project, "ASK", fingerprint);
    project_set(project, "FIRST", first);
    project_set(project, "SECOND", second != NULL ? second : "");
    project_write(project, sg_test_strf("[migration x01]\nplugin = x01\noption.fingerprint = ${ASK}\noption.ddl1 = ${FIRST}\n%s",
                                        second != NULL ? "option.ddl2 = ${SECOND}\n" : ""));
}

SG_TEST(what_no_transaction_may_hold)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE p (id int) PARTITION BY RANGE (id);"
                              "CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (9)");
    /* in an ordinary migration it is refused, with the way out */
    project_one(project, "s01", "ALTER TABLE p DETACH PARTITION p0 CONCURRENTLY");
    run = project_must(project, 7, NULL);
    T_CONTAINS(run.err, "SG_NO_TRANSACTION");
    write_outside(project, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'p0'::regclass)",
                  "ALTER TABLE p DETACH PARTITION p0 CONCURRENTLY", NULL);
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "x01|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT step, kind FROM sgrun.journal"), "x01|ALTER TABLE");
    T_EQ_STR(project_lease(project), "");
    T_EQ_STR(sg_sql_value(project->sql, "SELECT count(*) FROM pg_inherits"), "0");
    project_must(project, 0, "verify");
}

SG_TEST(outside_there_is_one_statement)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, "CREATE TYPE mood AS ENUM ('sad')");
    write_outside(project, "SELECT 1 FROM pg_enum WHERE enumlabel IN ('glad', 'mad') HAVING count(*) = 2", "ALTER TYPE mood ADD VALUE 'glad'",
                  "ALTER TYPE mood ADD VALUE 'mad'");
    T_CONTAINS(project_must(project, 7, NULL).err, "exactly one statement");
    T_EQ_STR(project_ledger(project), "");
    T_EQ_STR(project_lease(project), "");
    /* what a transaction can hold belongs in one */
    write_outside(project, "SELECT 1 WHERE to_regclass('n') IS NOT NULL", "CREATE TABLE n (a int)", NULL);
    project_must(project, 7, NULL);
    T_EQ_STR(tables(project), "");
    /* it fails: not recorded, and sent again by the next run */
    write_outside(project, "SELECT 1 FROM pg_enum WHERE enumlabel = 'bad'", "ALTER TYPE mood ADD VALUE 'bad' AFTER 'nobody'", NULL);
    T_CONTAINS(project_must(project, 1, NULL).err, "nobody");
    T_EQ_STR(project_ledger(project), "");
    T_EQ_STR(project_lease(project), "");
    write_outside(project, "SELECT 1 FROM pg_enum WHERE enumlabel = 'bad'", "ALTER TYPE mood ADD VALUE 'bad'", NULL);
    project_must(project, 0, NULL);
    /* there already: nothing is sent */
    T_EQ_STR(project_ledger(project), "x01|applied");
    sg_sql_exec(project->sql, "DELETE FROM sgrun.schema_migrations");
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "x01|reconciled");
    /* done, but not what the fingerprint asks */
    sg_sql_exec(project->sql, "DELETE FROM sgrun.schema_migrations");
    write_outside(project, "SELECT 1 FROM pg_enum WHERE enumlabel = 'never'", "ALTER TYPE mood ADD VALUE 'ever'", NULL);
    T_CONTAINS(project_must(project, 8, NULL).err, "the fingerprint does not hold");
    T_EQ_STR(project_ledger(project), "");
}

SG_TEST(behind_a_pooler_a_session_is_needed)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_server_dir(project->server),
                                                                                   .port = sg_server_port(project->server)});
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE TYPE mood AS ENUM ('sad')");
    project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
    write_outside(project, "SELECT 1 FROM pg_enum WHERE enumlabel = 'glad'", "ALTER TYPE mood ADD VALUE 'glad'", NULL);
    run = project_must(project, 6, NULL);
    T_CONTAINS(run.err, "a pooler is in between");
    T_CONTAINS(run.err, "direct_dsn");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_enum"), 1);
    T_EQ_STR(project_ledger(project), "");
    T_EQ_STR(project_lease(project), "");
    project->database = sg_test_strf("direct_dsn = %s\n", sg_server_url(project->server, project->db, NULL));
    write_outside(project, "SELECT 1 FROM pg_enum WHERE enumlabel = 'glad'", "ALTER TYPE mood ADD VALUE 'glad'", NULL);
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "x01|applied");
    /* no session of the pool keeps what was set */
    T_EQ_STR(sg_sql_value(sg_sql_open(sg_pgbouncer_conninfo(bouncer, project->db, NULL)), "SELECT current_setting('lock_timeout')"), "0");
}

/* ---- the embedded server ---- */

SG_TEST(two_at_once_on_an_embedded_server)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run *first, *second;
    struct sg_run_result run;

    project->dsn = sg_test_strf("embedded:%s/cluster", sg_tmp_dir());
    project_write(project, sg_test_strf("%s%s", makes("s01", "option.sleep_ms = 500\n"), makes("s02", "option.sleep_ms = 500\n")));
    first = project_start_args(project, (const char *const[]){"--wait", "30", NULL});
    second = project_start_args(project, (const char *const[]){"--wait", "30", NULL});
    run = sg_run_wait(first, 60000);
    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    run = sg_run_wait(second, 60000);
    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    /* the last user stopped it; a later one starts it again */
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(sg_json_at(sg_json_get(project_json(&run), "migrations"), 1), "state"), "applied");
    T_LACKS(sg_run_orphans(), "postgres: ");
}

static const struct sg_test failing[] = {SG_CASE(the_third_statement_fails),
                                         SG_CASE(the_last_twenty_failures_are_kept),
                                         SG_CASE(a_fingerprint_that_does_not_hold_after_run),
                                         SG_CASE(errors_of_a_fingerprint),
                                         SG_CASE(sizes),
                                         SG_CASE(times),
                                         SG_CASES_END};
static const struct sg_test order[] = {SG_CASE(gates), SG_CASE(up_to_one), SG_CASE(one_that_comes_too_late_is_run_and_told),
                                       SG_CASE(superseded), SG_CASE(superseded_by_what_is_superseded), SG_CASE(identities_and_labels),
                                       SG_CASES_END};
static const struct sg_test outside[] = {SG_CASE(what_no_transaction_may_hold), SG_CASE(outside_there_is_one_statement),
                                         SG_CASE(behind_a_pooler_a_session_is_needed), SG_CASES_END};
static const struct sg_test embedded[] = {SG_CASE(two_at_once_on_an_embedded_server), SG_CASES_END};
static const struct sg_suite suites[] = {{"failing", failing}, {"order", order}, {"outside", outside}, {"embedded", embedded}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
