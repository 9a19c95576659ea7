/*
 * Rehearsals: what a statement locks, rewrites and reads, by PostgreSQL's own word; their course; and that nothing is left.
 */
#include "config.h"

#include "tests/db/rehearsed.h"
#include "tests/kit/tmp.h"

#include <string.h>

static const struct sg_rehearsal_statement *statement(const struct rehearsed *r, const char *id, size_t number)
{
    const struct sg_rehearsal_step *step = rehearsed_step(r, id);

    if (number >= step->statement_count)
        T_FATAL("%s has %zu statements:\n%s", id, step->statement_count, rehearsed_all(r));
    return &step->statements[number];
}

SG_TEST(rehearses_the_example)
{
    struct rehearsed *r = rehearse_manifest(sg_test_built("etc/demo.ini"), NULL);
    const struct sg_rehearsal_step *step;

    T_EQ_INT(r->status, 0);
    if (!r->rehearsal.complete)
        T_FAIL("%s", rehearsed_all(r));
    T_EQ_INT(r->rehearsal.step_count, r->manifest.step_count);
    T_EQ_STR(rehearsed_did(statement(r, "0071_notes", 0), true), "business:ShareRowExclusive leads:ShareRowExclusive");
    T_EQ_STR(rehearsed_did(statement(r, "0081_business_language", 0), true), "messages:ShareUpdateExclusive scan:messages(90000)");
    T_TRUE(statement(r, "0110_call_log_outcome", 1)->existed);
    step = rehearsed_step(r, "0061_business_timezone");
    T_EQ_INT(step->outcome, SG_OUTCOME_RECONCILED);
    T_EQ_INT(step->before, 1);
    T_EQ_STR(rehearsed_step(r, "0113_unique_run_lead")->title, "one call of a lead in each campaign");
    step = rehearsed_step(r, "leads_order_index");
    T_EQ_INT(step->before, 0);
    T_EQ_INT(step->after, 1);
    T_CONTAINS(step->note, "50000 changed");
    T_EQ_STR(rehearsed_left(), "");
}

/* ---- a failure ------------------------------------------------------------------------------ */

SG_TEST(a_failing_step_ends_it_and_is_told)
{
    struct sg_rehearse_options options = {
        .schema_from = rehearsed_schema("CREATE TABLE t (a int); INSERT INTO t VALUES (1);")};
    struct rehearsed *r = rehearse(NULL,
                                   "[migration s01]\nplugin = s01\noption.table = one\noption.ddl1 = CREATE TABLE one (a int)\n"
                                   "[migration s02]\nplugin = s02\noption.table = two\n"
                                   "option.ddl1 = ALTER TABLE t ADD COLUMN b int\noption.ddl2 = ALTER TABLE t ADD COLUMN c int NOT NULL\n"
                                   "[migration s03]\nplugin = s03\noption.table = three\noption.ddl1 = CREATE TABLE three (a int)\n"
                                   "[backfill b07]\nplugin = b07\nmigration = s03\n[index i]\ntable = t\ncolumns = a\nmigration = s03\n",
                                   &options);
    const struct sg_rehearsal_step *failed;

    T_EQ_INT(r->status, 0);
    T_FALSE(r->rehearsal.complete);
    T_EQ_STR(rehearsed_course(r), "s01 applied 0 1\n"
                                  "s02 failed 0 -1 column \"c\" of relation \"t\" contains null values\n"
                                  "s03 not_reached -1 -1\nb07 not_reached -1 -1\ni not_reached -1 -1\n");
    failed = rehearsed_step(r, "s02");
    T_EQ_STR(failed->err.sqlstate, "23502");
    /* what was seen before it stays */
    T_MUST_EQ_INT(failed->statement_count, 1);
    T_EQ_STR(rehearsed_did(&failed->statements[0], true), "t:AccessExclusive");
    T_EQ_INT(failed->held_count, 0);
    T_EQ_STR(rehearsed_left(), "");
}

SG_TEST(a_fingerprint_that_does_not_hold_afterwards)
{
    struct rehearsed *r = rehearse(NULL, rehearsed_one("s01", "CREATE TABLE one (a int)", "SELECT 1 WHERE false"), NULL);

    T_EQ_INT(r->status, 0);
    T_EQ_STR(rehearsed_course(r), "s01 failed 0 0 run said it is done, but the fingerprint does not hold\n");
}

SG_TEST(refused_plugins_are_errors)
{
    struct rehearsed *r = rehearse(NULL, "[migration s01]\nplugin = s02\n", NULL);

    T_EQ_INT(r->status, -1);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_EQ_INT(r->errs.list[0].class, SG_CLASS_REFUSED);
    T_EQ_STR(rehearsed_left(), "");
}

/* ---- fingerprints ----------------------------------------------------------------------------- */

SG_TEST(says_what_held_before_and_what_was_undone)
{
    struct rehearsed *r = rehearse(
        NULL,
        sg_test_strf("[migration s01]\nplugin = s01\noption.fingerprint = SELECT 1\noption.ddl1 = CREATE TABLE never (a int)\n%s%s",
                     rehearsed_one("s02", "CREATE TABLE two (a int)", "SELECT 1 FROM pg_class WHERE relname = 'two'"),
                     rehearsed_one("s03", "DROP TABLE two", "SELECT 1 WHERE to_regclass('two') IS NULL")),
        NULL);

    /* s03 holds before s02 made its table, but not any more when its turn comes */
    T_EQ_STR(rehearsed_course(r), "s01 reconciled 1 -1\ns02 applied 0 1\ns03 applied 0 1\n");
    T_TRUE(r->rehearsal.complete);
    T_NULL(rehearsed_step(r, "s01")->note);
    T_CONTAINS(rehearsed_step(r, "s02")->note, "a later step has undone it");
    T_NULL(rehearsed_step(r, "s03")->note);
}

/* ---- times -------------------------------------------------------------------------------------- */

SG_TEST(tells_how_long_a_table_was_held)
{
    struct sg_rehearse_options options = {
        .schema_from = rehearsed_schema("CREATE TABLE t (a int); CREATE TABLE u (a int); INSERT INTO u VALUES (1);"
                                        "CREATE FUNCTION slow(int) RETURNS bool LANGUAGE sql AS 'SELECT pg_sleep(0.6) IS NOT NULL';")};
    struct rehearsed *r = rehearse(NULL,
                                   "[migration s01]\nplugin = s01\noption.table = done\n"
                                   "option.ddl1 = ALTER TABLE t ADD COLUMN b int\n"
                                   "option.ddl2 = ALTER TABLE u ADD CHECK (slow(a))\n"
                                   "option.ddl3 = CREATE TABLE done (a int)\noption.sleep_ms = 200\n",
                                   &options);
    const struct sg_rehearsal_step *step = rehearsed_step(r, "s01");

    T_MUST_EQ_INT(step->outcome, SG_OUTCOME_APPLIED);
    T_MUST_EQ_INT(step->statement_count, 3);
    T_TRUE(step->statements[1].us >= 600000 && step->statements[1].us < 5000000);
    T_TRUE(step->statements[0].us < 400000);
    T_TRUE(step->us >= 1200000);
    T_MUST_EQ_INT(step->held_count, 2);
    /* t: the statement that took it, 200 ms, the slow one, 200 ms, COMMIT; u: without the first pause */
    T_EQ_STR(step->held[0].relation, "t");
    T_EQ_STR(step->held[0].mode, "AccessExclusiveLock");
    T_EQ_INT(step->held[0].statement, 0);
    T_TRUE(step->held[0].us >= 1000000 && step->held[0].us < step->us);
    T_EQ_STR(step->held[1].relation, "u");
    T_EQ_INT(step->held[1].statement, 1);
    T_TRUE(step->held[1].us >= 800000 && step->held[1].us <= step->held[0].us - 200000);
}

/* The lock of the first statement is not new to the second; a stronger one is. */
SG_TEST(a_lock_is_told_where_it_was_taken)
{
    struct sg_rehearse_options options = {.schema_from = rehearsed_schema("CREATE TABLE t (a int, b int);")};
    struct rehearsed *r = rehearse(NULL,
                                   "[migration s01]\nplugin = s01\noption.table = done\n"
                                   "option.ddl1 = ALTER TABLE t SET (fillfactor = 50)\n"
                                   "option.ddl2 = ALTER TABLE t ADD COLUMN c int\n"
                                   "option.ddl3 = ALTER TABLE t ADD COLUMN d int\n"
                                   "option.ddl4 = CREATE TABLE done (a int)\n"
                                   "option.ddl5 = ALTER TABLE done ADD COLUMN b int\n",
                                   &options);
    const struct sg_rehearsal_step *step = rehearsed_step(r, "s01");

    T_MUST_EQ_INT(step->statement_count, 5);
    T_EQ_STR(rehearsed_did(&step->statements[0], true), "t:ShareUpdateExclusive");
    T_EQ_STR(rehearsed_did(&step->statements[1], true), "t:AccessExclusive");
    T_EQ_STR(rehearsed_did(&step->statements[2], true), "");
    T_EQ_STR(rehearsed_did(&step->statements[4], true), "");
    T_MUST_EQ_INT(step->held_count, 1);
    T_EQ_INT(step->held[0].statement, 1);
}

/* What a plugin reads for itself is no doing of its statement. */
SG_TEST(what_the_plugin_reads_is_not_told)
{
    struct sg_rehearse_options options = {
        .schema_from = rehearsed_schema("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000);")};
    struct rehearsed *r = rehearse(NULL,
                                   "[migration s01]\nplugin = s01\noption.table = done\n"
                                   "option.read1 = SELECT count(*) FROM t\noption.ddl1 = CREATE TABLE done (a int)\n",
                                   &options);

    T_EQ_STR(rehearsed_did(statement(r, "s01", 0), true), "");
    T_EQ_INT(rehearsed_step(r, "s01")->held_count, 0);
}

/* ---- outside a transaction ------------------------------------------------------------------------ */

SG_TEST(outside_a_transaction_locks_are_seen_from_aside)
{
    struct sg_rehearse_options options = {
        .schema_from = rehearsed_schema("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (a int);"
                                        "INSERT INTO t SELECT generate_series(1, 1000); CREATE INDEX t_a ON t (a);"
                                        "CREATE TABLE part (a int) PARTITION BY RANGE (a);"
                                        "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (10000);"
                                        /* slow enough to be seen for sure */
                                        "CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS"
                                        " 'BEGIN PERFORM pg_sleep(0.5); END';"
                                        "CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('DROP INDEX') EXECUTE FUNCTION slow();")};
    struct rehearsed *r = rehearse(NULL,
                                   sg_test_strf("%s%s",
                                                rehearsed_one("x01", "DROP INDEX CONCURRENTLY t_a", "SELECT 1 WHERE to_regclass('t_a') IS NULL"),
                                                rehearsed_one("x02", "ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY",
                                                              "SELECT 1 FROM pg_class WHERE relname = 'part_1' AND NOT relispartition")),
                                   &options);
    const struct sg_rehearsal_step *step = rehearsed_step(r, "x01");

    T_EQ_STR(rehearsed_course(r), "x01 applied 0 1\nx02 applied 0 1\n");
    T_TRUE(step->outside && step->sampled);
    T_MUST_EQ_INT(step->statement_count, 1);
    T_EQ_STR(step->statements[0].kind, "DROP INDEX");
    T_TRUE(step->statements[0].us >= 500000);
    T_CONTAINS(rehearsed_did(&step->statements[0], true), "t:ShareUpdateExclusive");
    T_TRUE(step->held_count >= 1 && step->held[0].us <= step->statements[0].us);
    step = rehearsed_step(r, "x02");
    T_TRUE(step->outside);
    if (step->sampled)
        T_CONTAINS(rehearsed_did(&step->statements[0], true), "part");
    /* its server is gone, and with it who looked */
    T_EQ_STR(rehearsed_left(), "");
}

/* ---- gates ------------------------------------------------------------------------------------------ */

#define GATED \
    "[migration s01]\nplugin = s01\noption.table = one\noption.ddl1 = CREATE TABLE one (a int)\n" \
    "[migration s02]\nplugin = s02\noption.table = two\noption.ddl1 = CREATE TABLE two (a int)\nrequires = backfill:b01\n" \
    "[backfill b01]\nplugin = b01\nmigration = s01\nwindow = 03:00-03:01\n" \
    "option.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2\noption.left = SELECT 1 FROM items WHERE n IS NULL\n" \
    "[backfill b07]\nplugin = b07\noption.batch = UPDATE others SET n = 1 WHERE id BETWEEN $1 AND $2\n" \
    "option.left = SELECT 1 FROM others WHERE n IS NULL\n" \
    "[index i]\ntable = items\ncolumns = n\nrequires = backfill:b01\n"

static const char *items(void)
{
    return rehearsed_schema("CREATE TABLE items (id bigint PRIMARY KEY, n int); INSERT INTO items SELECT generate_series(1, 3000);"
                            "CREATE TABLE others (id bigint PRIMARY KEY, n int); INSERT INTO others SELECT generate_series(1, 10);");
}

SG_TEST(a_gate_is_opened_by_its_backfill)
{
    struct sg_rehearse_options options = {.schema_from = items()};
    struct rehearsed *r = rehearse(NULL, GATED, &options);

    T_EQ_STR(rehearsed_course(r), "s01 applied 0 1\nb01 applied 0 1\ns02 applied 0 1\ni applied -1 -1\nb07 applied 0 1\n");
    T_TRUE(r->rehearsal.complete);
    T_CONTAINS(rehearsed_step(r, "b01")->note, "3000 changed");
    T_CONTAINS(statement(r, "i", 0)->text, "CREATE INDEX CONCURRENTLY \"i\" ON \"public\".\"items\"");
}

SG_TEST(for_an_audit_only_what_a_gate_needs_is_run)
{
    struct sg_rehearse_options options = {.schema_from = items(), .statements_only = true, .rows = 10};
    struct rehearsed *r = rehearse(NULL, GATED, &options);

    T_EQ_STR(rehearsed_course(r), "s01 applied 0 1\nb01 applied 0 1\ns02 applied 0 1\n");
    T_EQ_STR(statement(r, "s02", 0)->text, "CREATE TABLE two (a int)");
    T_EQ_INT(r->rehearsal.rows, 0);
}

SG_TEST(a_gate_that_stays_closed_is_told)
{
    struct sg_rehearse_options options = {.schema_from = items()};
    struct rehearsed *r = rehearse(NULL,
                                   "[migration s01]\nplugin = s01\noption.table = one\noption.ddl1 = CREATE TABLE one (a int)\n"
                                   "requires = backfill:b01\n"
                                   "[backfill b01]\nplugin = b01\noption.batch = UPDATE items SET n = 1 WHERE id BETWEEN $1 AND $2\n"
                                   "option.left = SELECT 1\n",
                                   &options);

    T_EQ_INT(r->status, 0);
    T_EQ_INT(rehearsed_step(r, "b01")->outcome, SG_OUTCOME_FAILED);
    T_EQ_INT(rehearsed_step(r, "b01")->before, 0);
    T_EQ_INT(rehearsed_step(r, "b01")->after, 0);
    T_EQ_INT(rehearsed_step(r, "s01")->outcome, SG_OUTCOME_WAITING);
    T_CONTAINS(rehearsed_step(r, "s01")->note, "waits for backfill:b01");
    T_FALSE(r->rehearsal.complete);
}

/* ---- where it starts ----------------------------------------------------------------------------- */

SG_TEST(the_role_and_schema_of_the_manifest_are_there)
{
    struct rehearsed *r = rehearse("role = app_owner\nschema = crm",
                                   rehearsed_one("s01", "CREATE TABLE one (a int)", "SELECT 1 FROM pg_tables WHERE schemaname = 'crm'"
                                                 " AND tablename = 'one' AND tableowner = 'app_owner'"), NULL);

    T_EQ_STR(rehearsed_course(r), "s01 applied 0 1\n");
}

SG_TEST(a_dump_goes_as_far_as_it_goes)
{
    struct sg_rehearse_options options = {
        .schema_from = rehearsed_schema("\\restrict abc\n\\connect crm\nSET transaction_timeout = 0; SET nonsense.x = 1; SET nonsense = 1;\n"
                                        "SELECT pg_catalog.set_config('search_path', '', false);\n"
                                        "CREATE EXTENSION nowhere_to_be_found;\n"
                                        "BEGIN;\nCREATE TABLE public.t (a int);\nCOMMIT;\n"
                                        "COPY public.t (a) FROM stdin;\n1\n2; DROP TABLE t;\n\\.\n"
                                        "CREATE POLICY p ON public.t TO \"some one\", other USING (true);\n"
                                        "CREATE TABLE public.g (a nowhere.geometry);\n"
                                        "CREATE FUNCTION public.f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;\n"
                                        "ALTER TABLE public.t OWNER TO the_owner;\n\\unrestrict abc\n")};
    struct rehearsed *r = rehearse(NULL, rehearsed_one("s01", "ALTER TABLE t ADD COLUMN b int DEFAULT f()",
                                                       "SELECT 1 FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'"),
                                   &options);

    T_EQ_INT(r->status, 0);
    if (!r->rehearsal.complete || r->rehearsal.left_out_count != 3)
        T_FATAL("%s", rehearsed_all(r));
    T_CONTAINS(r->rehearsal.left_out[0], "line 5: ");
    T_CONTAINS(r->rehearsal.left_out[0], "CREATE EXTENSION nowhere_to_be_found");
    T_CONTAINS(r->rehearsal.left_out[1], "line 9: rows are not loaded: COPY");
    T_CONTAINS(r->rehearsal.left_out[2], "CREATE TABLE public.g");
    T_EQ_STR(r->rehearsal.schema_from, options.schema_from);
}

/* Nor is a secret of it shown. */
SG_TEST(nothing_of_a_dump_leads_to_another_server)
{
    struct sg_rehearse_options options = {
        .schema_from = rehearsed_schema("CREATE FOREIGN DATA WRAPPER w;\nCREATE SERVER s FOREIGN DATA WRAPPER w;\n"
                                        "CREATE USER MAPPING FOR postgres SERVER s OPTIONS (password 'pass-word');\n"
                                        "CREATE  SUBSCRIPTION x CONNECTION 'host=db password=pass-word' PUBLICATION p;\n"
                                        "CREATE USER u PASSWORD 'pass-word' NONSENSE;\n")};
    struct rehearsed *r = rehearse(NULL, rehearsed_one("s01", "CREATE TABLE t (a int)", "SELECT 1 WHERE to_regclass('t') IS NOT NULL"),
                                   &options);

    if (r->rehearsal.left_out_count != 3)
        T_FATAL("%s", rehearsed_all(r));
    T_CONTAINS(r->rehearsal.left_out[0], "line 3: it would lead from here to another server: CREATE USER MAPPING");
    T_CONTAINS(r->rehearsal.left_out[1], "line 4: it would lead");
    for (size_t i = 0; i < 3; i++)
        T_LACKS(r->rehearsal.left_out[i], "pass-word");
    T_TRUE(r->rehearsal.complete);
}

SG_TEST(a_file_that_is_none_is_an_error)
{
    struct sg_rehearse_options options = {.schema_from = "/nowhere/schema.sql"};
    struct rehearsed *r = rehearse(NULL, rehearsed_one("s01", "CREATE TABLE t (a int)", "SELECT 1"), &options);

    T_EQ_INT(r->status, -1);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_CONTAINS(r->errs.list[0].primary, "/nowhere/schema.sql");
    options.schema_from = rehearsed_schema("this is; no SQL;");
    r = rehearse(NULL, rehearsed_one("s01", "CREATE TABLE t (a int)", "SELECT 1"), &options);
    T_EQ_INT(r->status, -1);
    T_CONTAINS(r->errs.list[0].primary, "not one statement");
    options.schema_from = rehearsed_schema("CREATE USER u PASSWORD 'pass-word' NONSENSE;");
    r = rehearse(NULL, rehearsed_one("s01", "CREATE TABLE t (a int)", "SELECT 1"), &options);
    T_EQ_INT(r->status, -1);
    T_CONTAINS(r->errs.list[0].statement, "CREATE USER u PASSWORD '*********'");
    T_EQ_STR(rehearsed_left(), "");
}

static const struct sg_test course[] = {SG_CASE(rehearses_the_example), SG_CASE(a_failing_step_ends_it_and_is_told),
                                        SG_CASE(a_fingerprint_that_does_not_hold_afterwards), SG_CASE(refused_plugins_are_errors),
                                        SG_CASE(says_what_held_before_and_what_was_undone), SG_CASE(tells_how_long_a_table_was_held),
                                        SG_CASE(a_lock_is_told_where_it_was_taken), SG_CASE(what_the_plugin_reads_is_not_told),
                                        SG_CASE(outside_a_transaction_locks_are_seen_from_aside), SG_CASE(a_gate_is_opened_by_its_backfill),
                                        SG_CASE(for_an_audit_only_what_a_gate_needs_is_run), SG_CASE(a_gate_that_stays_closed_is_told),
                                        SG_CASES_END};
static const struct sg_test start[] = {SG_CASE(the_role_and_schema_of_the_manifest_are_there), SG_CASE(a_dump_goes_as_far_as_it_goes),
                                       SG_CASE(nothing_of_a_dump_leads_to_another_server),
                                       SG_CASE(a_file_that_is_none_is_an_error), SG_CASES_END};
static const struct sg_suite suites[] = {{"course", course}, {"start", start}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
