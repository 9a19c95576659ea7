/*
 * sgrun test: good plugins pass, and each way to fail is caught at its line, with exit status 1.
 */
#include "config.h"

#include "tests/db/rehearsed.h"
#include "tests/kit/run.h"
#include "tests/kit/tmp.h"

#include <stdlib.h>
#include <string.h>

#define SCRIPTED(id) sg_test_built("tests/scripted/.libs/" id ".so")

/* Further arguments behind `test`. */
#define TRY(...) try((const char *const[]){__VA_ARGS__, NULL})
static struct sg_run_result try(const char *const *args)
{
    const char *argv[20] = {sg_test_built("sgrun"), "test"};
    size_t n = 2;

    rehearsed_apart();
    for (; *args != NULL && n < 19; args++)
        argv[n++] = *args;
    return sg_run(&(struct sg_run_opts){.argv = argv});
}

static const char *manifest(const char *steps)
{
    static int number;

    return sg_tmp_write(sg_test_strf("test%d.ini", ++number),
                        sg_test_strf("[sgrun]\nplugin_path = %s\n[database]\ndsn = postgresql://nobody@127.0.0.1:1/nothing\n%s",
                                     sg_test_built("tests/scripted"), steps));
}

/* The points that do not hold, a line each without its number; "" if all do. */
static const char *failed(const struct sg_run_result *run)
{
    const char *text = "";

    for (const char *line = run->out; *line != '\0'; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != '\0'))
        if (strncmp(line, "not ok ", 7) == 0) {
            const char *what = strstr(line, " - ");

            text = sg_test_strf("%s%.*s\n", text, (int)strcspn(what + 3, "\n"), what + 3);
        }
    return text;
}

/* Exit status and points that fail, and that nothing is left; shows all it said where they are others. */
static void expect(const struct sg_run_result *run, int status, const char *points)
{
    if (run->exit != status || strcmp(failed(run), points) != 0)
        T_FAIL("exit %d instead of %d, failed:\n%sinstead of:\n%sout:\n%s\nerr:\n%s", run->exit, status, failed(run), points, run->out,
               run->err);
    T_EQ_STR(rehearsed_left(), "");
}

/* ---- migrations ------------------------------------------------------------------------------ */

static const char *one(const char *options)
{
    return manifest(sg_test_strf("[migration s01]\nplugin = s01\n%s", options));
}

SG_TEST(a_good_one_passes)
{
    struct sg_run_result run = TRY(SCRIPTED("s01"), "--manifest",
                                   one("option.table = one\noption.ddl1 = CREATE TABLE one (a int)\n"
                                       "option.ddl2 = ALTER TABLE one ADD COLUMN b int\n"));

    expect(&run, 0, "");
    T_CONTAINS(run.out, "TAP version 13\n1..7\n# on PostgreSQL ");
    T_CONTAINS(run.out, "ok 7 - s01: where it is there already, it is recorded and not run (RECONCILE)\n");
    T_LACKS(run.out, "by force");
    T_EQ_STR(run.err, "");
}

SG_TEST(the_registry_passes_by_itself)
{
    struct sg_run_result run = TRY("--schema-from", sg_test_source("etc/demo-legacy.sql"), sg_test_built("migrations/.libs/0011_leads_order_index.so"),
                                   sg_test_built("migrations/.libs/0071_notes.so"), sg_test_built("migrations/.libs/0096_lead_name.so"));

    expect(&run, 0, "");
    T_CONTAINS(run.out, "1..21\n");
}

SG_TEST(earlier_steps_of_the_manifest_are_run_first)
{
    const char *ini = manifest("[migration s01]\nplugin = s01\noption.table = one\noption.ddl1 = CREATE TABLE one (a int)\n"
                               "[migration s02]\nplugin = s02\noption.fingerprint = SELECT 1 FROM pg_attribute WHERE attname = 'bb'\n"
                               "option.ddl1 = ALTER TABLE one ADD COLUMN bb int\n"
                               "[migration s03]\nplugin = s03\n");
    struct sg_run_result run = TRY("--manifest", ini, SCRIPTED("s02"), SCRIPTED("s01"));

    expect(&run, 0, "");
    run = TRY("--manifest", ini, SCRIPTED("s03"));
    expect(&run, 1, "s03: its fingerprint holds afterwards\n");
    T_CONTAINS(run.out, "# it sent no statement\n");
}

SG_TEST(what_it_rests_on_fails)
{
    struct sg_run_result run = TRY("--manifest",
                                   manifest("[migration s01]\nplugin = s01\noption.table = one\noption.ddl1 = CREATE TABLE one (a nothing)\n"
                                            "[migration s02]\nplugin = s02\n"),
                                   SCRIPTED("s02"));

    expect(&run, 1, "s02: the steps before it run\n");
    T_CONTAINS(run.out, "  sqlstate: \"42704\"\n");
    T_CONTAINS(run.out, "  step: \"s01\"\n");
}

SG_TEST(a_fingerprint_that_holds_before)
{
    struct sg_run_result run = TRY("--manifest", one("option.fingerprint = SELECT 1\noption.ddl1 = CREATE TABLE one (a int)\n"), SCRIPTED("s01"));

    expect(&run, 1, "s01: its fingerprint does not hold before it has run\n");
    T_CONTAINS(run.out, "1..2\n");
}

SG_TEST(a_fingerprint_that_does_not_hold_afterwards)
{
    struct sg_run_result run = TRY("--manifest", one("option.table = two\noption.ddl1 = CREATE TABLE one (a int)\n"), SCRIPTED("s01"));

    expect(&run, 1, "s01: its fingerprint holds afterwards\n");
}

SG_TEST(a_statement_that_fails)
{
    struct sg_run_result run = TRY("--manifest", one("option.table = one\noption.ddl1 = CREATE TABLE one (a nothing)\n"), SCRIPTED("s01"));
    expect(&run, 1, "s01: it runs\n");
    T_CONTAINS(run.out, "  ---\n  message: \"type \\\"nothing\\\" does not exist\"\n");
    T_CONTAINS(run.out, "  sqlstate: \"42704\"\n");
    T_CONTAINS(run.out, "  statement: \"CREATE TABLE one (a nothing)\"\n");
    T_CONTAINS(run.out, "  ...\n");
}

/* Made-up rows show what an empty table hides. */
SG_TEST(rows_are_made_where_they_are_asked_for)
{
    const char *schema = sg_tmp_write("rows.sql", "CREATE TABLE t (a int);");
    const char *ini = one("option.fingerprint = SELECT 1 FROM pg_attribute WHERE attname = 'bb'\n"
                          "option.ddl1 = ALTER TABLE t ADD COLUMN bb int NOT NULL\n");
    struct sg_run_result run = TRY("--schema-from", schema, "--manifest", ini, SCRIPTED("s01"));

    expect(&run, 0, "");
    run = TRY("--schema-from", schema, "--manifest", ini, SCRIPTED("s01"), "--rows", "10");
    expect(&run, 1, "s01: it runs\n");
    T_CONTAINS(run.out, "  sqlstate: \"23502\"\n");
}

/* A sequence goes on after a rollback; so does what else is not the database's own state. */
SG_TEST(one_that_differs_in_its_second_attempt)
{
    struct sg_run_result run = TRY("--schema-from", sg_tmp_write("drift.sql", "CREATE TABLE one (a int);"), sg_test_built("tests/plugins/.libs/drifts.so"));

    expect(&run, 1, "t01: it sends the same statements each time\n");
    T_CONTAINS(run.out, "# the first time: ALTER TABLE one ADD COLUMN at_");
}

SG_TEST(one_without_a_transaction)
{
    const char *schema = sg_tmp_write("outside.sql", "CREATE TYPE mood AS ENUM ('a');");
    struct sg_run_result run = TRY("--schema-from", schema, "--manifest",
                                   manifest("[migration x01]\nplugin = x01\noption.fingerprint = SELECT 1 FROM pg_enum WHERE enumlabel = 'b'\n"
                                            "option.ddl1 = ALTER TYPE mood ADD VALUE 'b'\n"),
                                   SCRIPTED("x01"));

    expect(&run, 0, "");
    T_CONTAINS(run.out, "ok 5 - x01: after a failure it runs again\n");
}

SG_TEST(what_run_by_force_would_fail_is_told)
{
    struct sg_run_result run = TRY("--schema-from", sg_tmp_write("force.sql", "CREATE TABLE one (a int);"), "--manifest",
                                   one("option.fingerprint = SELECT 1 WHERE to_regclass('one') IS NULL\noption.ddl1 = DROP TABLE one\n"), SCRIPTED("s01"));

    expect(&run, 0, "");
    T_CONTAINS(run.out, "# by force, without asking its fingerprint: statement 1 of 1 fails, table \"one\" does not exist, SQLSTATE 42P01\n");
}

/* ---- backfills ------------------------------------------------------------------------------- */

static struct sg_run_result fill(const char *plugin, const char *id, const char *options)
{
    const char *schema = sg_tmp_write("items.sql",
                                      "CREATE TABLE items (id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, a int, n int NOT NULL, at timestamptz);"
                                      "INSERT INTO items (id, a, n) SELECT i, i, 0 FROM generate_series(1, 300) i;"
                                      "CREATE TABLE other (id bigint PRIMARY KEY, n int);");

    return TRY("--schema-from", schema, "--manifest", manifest(sg_test_strf("[backfill %s]\nplugin = %s\n%s", id, id, options)), plugin);
}
#define LEFT "option.left = SELECT 1 FROM items WHERE n = 0\n"

SG_TEST(a_good_backfill_passes)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01", "option.batch = UPDATE items SET n = n + 1, at = now() WHERE id BETWEEN $1 AND $2\n" LEFT);

    expect(&run, 0, "");
    T_CONTAINS(run.out, "1..9\n");
    T_CONTAINS(run.out, "# it has written to items\n");
    T_EQ_STR(run.err, "");
    run = fill(SCRIPTED("b02"), "b02", "option.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2 AND n = 0\n" LEFT);
    expect(&run, 0, "");
    run = fill(SCRIPTED("d01"), "d01",
               "also_writes = items\noption.batch = UPDATE items SET n = 1 WHERE id IN (SELECT id FROM items WHERE n = 0 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)\n" LEFT);
    expect(&run, 0, "");
}

SG_TEST(one_that_has_nothing_to_do)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01", "option.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2\noption.left = SELECT 1 WHERE false\n");

    expect(&run, 0, "");
    T_CONTAINS(run.out, "ok 2 - b01: its fingerprint does not hold before it has run # SKIP ");
}

SG_TEST(one_that_does_not_say_where_it_writes)
{
    struct sg_run_result run = fill(SCRIPTED("d01"), "d01", "option.batch = UPDATE items SET n = 1\n" LEFT);

    expect(&run, 1, "d01: its tables and its key are accepted, and its fingerprint can be asked\n");
    T_CONTAINS(run.out, "also_writes = TABLE");
}

/* What a batch makes of its rows depends on how many they are. */
SG_TEST(one_that_depends_on_its_batches)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01",
                                    "option.batch = UPDATE items SET n = (SELECT count(*) FROM items i WHERE i.id BETWEEN $1 AND $2) WHERE id BETWEEN $1 AND $2\n" LEFT);

    if (strstr(failed(&run), "b01: by small batches it does the same\n") == NULL)
        T_FAIL("%s", run.out);
    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.out, "  message: \"table items has other contents\"\n");
}

SG_TEST(one_that_leaves_rows)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01", "option.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2 AND id <> 7\n" LEFT);

    expect(&run, 1, "b01: its fingerprint holds afterwards\n");
}

SG_TEST(one_that_writes_elsewhere)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01",
                                    "option.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2\n"
                                    "option.batch2 = INSERT INTO other SELECT id + 100000, 1 FROM items WHERE id BETWEEN $1 AND $2\n" LEFT);

    expect(&run, 1, "b01: it runs to its end\n");
    T_CONTAINS(run.out, "also_writes");
}

SG_TEST(one_that_crashes_in_a_batch)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01", "option.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2\noption.crash_at = 20\n" LEFT);

    expect(&run, 1, "b01: it runs to its end\n");
    T_CONTAINS(run.out, "  class: \"plugin-crash\"\n");
}

/* SG_REPEATABLE promises that a second sweep changes nothing. */
SG_TEST(one_that_is_not_repeatable)
{
    struct sg_run_result run = fill(SCRIPTED("b02"), "b02", "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n" LEFT);

    expect(&run, 1, "b02: run once more, it changes nothing\n");
}

SG_TEST(one_that_passes_over_locked_rows)
{
    struct sg_run_result run = fill(SCRIPTED("b01"), "b01",
                                    "option.batch = UPDATE items SET n = 1 WHERE id IN (SELECT id FROM items WHERE id BETWEEN $1 AND $2 FOR UPDATE SKIP LOCKED)\n" LEFT);

    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.out, "SKIP LOCKED");
}

/* ---- plugins that are refused, and wrong use -------------------------------------------------- */

SG_TEST(a_plugin_that_is_refused)
{
    struct sg_run_result run = TRY(sg_test_built("tests/plugins/.libs/wrong_magic.so"));

    expect(&run, 1, sg_test_strf("%s: the plugin is accepted\n", sg_test_built("tests/plugins/.libs/wrong_magic.so")));
    T_CONTAINS(run.out, "  class: \"refused\"\n");
}

SG_TEST(one_that_crashes)
{
    struct sg_run_result run = TRY(sg_test_built("tests/plugins/.libs/crash.so"));

    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.out, "not ok ");
    T_CONTAINS(run.out, "  class: \"plugin-crash\"\n");
    T_EQ_STR(rehearsed_left(), "");
}

SG_TEST(dml_in_a_migration)
{
    struct sg_run_result run = TRY(sg_test_built("tests/plugins/.libs/dml_in_run.so"));

    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.out, "  class: \"policy\"\n");
}

SG_TEST(wrong_use)
{
    struct sg_run_result run = TRY("--rows", "1");

    T_EQ_INT(run.exit, 2);
    T_CONTAINS(run.err, "nothing was given to test");
    run = TRY("/nowhere/x.so");
    T_EQ_INT(run.exit, 2);
    T_CONTAINS(run.err, "there is no file /nowhere/x.so");
    run = TRY(SCRIPTED("s02"), "--manifest", one(""));
    T_EQ_INT(run.exit, 2);
    T_CONTAINS(run.err, "s02");
    run = TRY(SCRIPTED("s02"), SCRIPTED("s02"));
    T_EQ_INT(run.exit, 2);
    run = TRY(SCRIPTED("s02"), "--schema-from", "/nowhere.sql");
    T_EQ_INT(run.exit, 2);
    T_EQ_STR(run.out, "");
    run = TRY(SCRIPTED("s02"), "--set", "database.schema=x");
    T_EQ_INT(run.exit, 2);
}

SG_TEST(gives_json)
{
    struct sg_run_result run = TRY("--manifest", one("option.table = two\noption.ddl1 = CREATE TABLE one (a int)\n"), SCRIPTED("s01"), "--json");

    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.out, "\"failed\": 1");
    T_CONTAINS(run.out, "\"exit\": 1");
}

/* What Perl's prove says of it. */
SG_TEST(prove_reads_it)
{
    const char *good = sg_tmp_write("good.t", sg_test_strf("#!/bin/sh\nexec '%s' test --manifest '%s' '%s'\n", sg_test_built("sgrun"),
                                                           one("option.table = one\noption.ddl1 = CREATE TABLE one (a int)\n"), SCRIPTED("s01")));
    const char *bad = sg_tmp_write("bad.t", sg_test_strf("#!/bin/sh\nexec '%s' test --manifest '%s' '%s'\n", sg_test_built("sgrun"),
                                                         one("option.table = two\noption.ddl1 = CREATE TABLE one (a int)\n"), SCRIPTED("s01")));
    struct sg_run_result run = sg_run_args("prove", "--exec", "sh", good);

    T_EQ_INT(run.exit, 0);
    T_CONTAINS(run.out, "Result: PASS");
    run = sg_run_args("prove", "--exec", "sh", bad);
    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.out, "Failed test:  4");
}

static const struct sg_test migration_tests[] = {
    SG_CASE(a_good_one_passes), SG_CASE(the_registry_passes_by_itself), SG_CASE(earlier_steps_of_the_manifest_are_run_first),
    SG_CASE(what_it_rests_on_fails), SG_CASE(a_fingerprint_that_holds_before), SG_CASE(a_fingerprint_that_does_not_hold_afterwards),
    SG_CASE(a_statement_that_fails), SG_CASE(rows_are_made_where_they_are_asked_for), SG_CASE(one_that_differs_in_its_second_attempt),
    SG_CASE(one_without_a_transaction), SG_CASE(what_run_by_force_would_fail_is_told), SG_CASES_END
};
static const struct sg_test backfill_tests[] = {
    SG_CASE(a_good_backfill_passes), SG_CASE(one_that_has_nothing_to_do), SG_CASE(one_that_does_not_say_where_it_writes), SG_CASE(one_that_depends_on_its_batches),
    SG_CASE(one_that_leaves_rows), SG_CASE(one_that_writes_elsewhere), SG_CASE(one_that_crashes_in_a_batch),
    SG_CASE(one_that_is_not_repeatable), SG_CASE(one_that_passes_over_locked_rows), SG_CASES_END
};
static const struct sg_test use_tests[] = {
    SG_CASE(a_plugin_that_is_refused), SG_CASE(one_that_crashes), SG_CASE(dml_in_a_migration), SG_CASE(wrong_use), SG_CASE(gives_json),
    SG_CASE(prove_reads_it), SG_CASES_END
};
static const struct sg_suite suites[] = { {"migrations", migration_tests}, {"backfills", backfill_tests}, {"use", use_tests}, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
