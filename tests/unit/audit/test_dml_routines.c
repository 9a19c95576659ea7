/* Data work that is not the statement itself: DO blocks, functions and procedures that are called, SQL that is made at run time. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

static const char before[] =
    "CREATE TABLE leads (id int PRIMARY KEY, email text, name text);\n"
    "CREATE TABLE log (id int PRIMARY KEY, note text);\n"
    "CREATE FUNCTION old_one() RETURNS void LANGUAGE sql AS 'DELETE FROM leads';\n";

/* "DELETE leads (function f()) bulk_delete UNSAFE" of what is in sql, which may have errors of its own if it may. */
static const char *ops(const char *sql)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){before, sql, NULL});
    const char *text = "";

    if (result->errs.count > 0)
        sg_test_fatal(SG_HERE_, "%s: %s", sql, result->errs.list[0].primary);
    for (size_t i = 0; i < result->dml_count; i++) {
        const struct sg_audit_dml *dml = &result->dml[i];

        text = sg_test_strf("%s%s%s", text, i > 0 ? ", " : "", dml->type);
        for (size_t t = 0; t < dml->table_count; t++)
            text = sg_test_strf("%s %s", text, dml->tables[t]);
        text = sg_test_strf("%s (%s) %s %s", text, dml->via != NULL ? dml->via : "-", sg_dml_kind_name(dml->kind),
                            sg_dml_verdict_name(dml->verdict));
    }
    return text;
}

static const char *reason(const char *sql)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){before, sql, NULL});

    return result->dml_count > 0 ? result->dml[0].reason : "";
}

#define DO(body) "DO $$ BEGIN " body " END $$"
#define IN_DO "(DO block)"
#define UNKNOWN "EXECUTE (DO block) other UNSAFE"

SG_TEST(do_blocks)
{
    T_EQ_STR(ops(DO("DELETE FROM leads;")), "DELETE leads " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops(DO("IF EXISTS (SELECT 1 FROM leads) THEN UPDATE leads SET name = 1; ELSE INSERT INTO log VALUES (1); END IF;")),
             "UPDATE leads " IN_DO " bulk_update UNSAFE, INSERT log " IN_DO " seed_insert SAFE");
    T_EQ_STR(ops("DO LANGUAGE plpgsql $$ DECLARE n int; BEGIN INSERT INTO log VALUES (1) RETURNING id INTO n; EXCEPTION WHEN"
                 " unique_violation THEN DELETE FROM log; END $$"),
             "INSERT log " IN_DO " seed_insert SAFE, DELETE log " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops(DO("NULL; -- DELETE FROM leads\n /* UPDATE leads */ RAISE NOTICE 'DELETE FROM leads';")), "");
    T_EQ_STR(ops(DO("CREATE TABLE n (id int); INSERT INTO n SELECT id FROM leads;")), "INSERT … SELECT n " IN_DO " data_copy POTENTIALLY UNSAFE");
    T_EQ_STR(ops(DO("DO $i$ BEGIN DELETE FROM leads; END $i$;")), "DELETE leads " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops(DO("DELETE FROM leads a USING leads b WHERE a.id > b.id AND a.email = b.email;"
                    " ALTER TABLE leads ADD UNIQUE (email);")),
             "DELETE leads " IN_DO " dedup_for_unique SAFE");
    T_EQ_STR(ops(DO("ALTER TABLE leads ADD UNIQUE (email);"
                    " DELETE FROM leads a USING leads b WHERE a.id > b.id AND a.email = b.email;")),
             "DELETE leads " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops("DO LANGUAGE plperl $$ spi_exec_query('DELETE FROM leads') $$"), UNKNOWN);
    T_EQ_STR(ops(DO("THIS IS NO SQL; DELETE FROM leads;")), UNKNOWN);
}

/* How often a loop is run is not to be seen. */
SG_TEST(loops)
{
    T_EQ_STR(ops("DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM leads LOOP INSERT INTO log VALUES (r.id); END LOOP; END $$"),
             "INSERT log " IN_DO " data_copy POTENTIALLY UNSAFE");
    T_EQ_STR(ops(DO("FOR i IN 1..1000000 LOOP INSERT INTO log VALUES (i); END LOOP; INSERT INTO log VALUES (0);")),
             "INSERT log " IN_DO " data_copy POTENTIALLY UNSAFE, INSERT log " IN_DO " seed_insert SAFE");
    T_EQ_STR(ops(DO("LOOP UPDATE leads SET name = '' WHERE name IS NULL; EXIT WHEN NOT FOUND; END LOOP;")),
             "UPDATE leads " IN_DO " bulk_update UNSAFE");
}

SG_TEST(made_at_run_time)
{
    T_EQ_STR(ops(DO("EXECUTE 'DELETE FROM leads';")), "DELETE leads " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops(DO("EXECUTE format('DELETE FROM %I WHERE note = %L', 'log', 'x');")), "DELETE log " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops(DO("EXECUTE 'DELETE FROM ' || quote_ident('log') || ' WHERE note = 3';")), "DELETE log " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops(DO("EXECUTE format('DELETE FROM %2$s WHERE note = %1$L', 'x', 'log');")), "DELETE log " IN_DO " bulk_delete UNSAFE");
    /* the form is known, the name is not */
    T_EQ_STR(ops("DO $$ DECLARE t text; BEGIN EXECUTE format('DELETE FROM %I', t); END $$"), "DELETE " IN_DO " bulk_delete UNSAFE");
    T_EQ_STR(ops("DO $$ DECLARE t text; BEGIN EXECUTE format('INSERT INTO log VALUES (%L)', t); END $$"),
             "INSERT log " IN_DO " seed_insert SAFE");
    T_EQ_STR(ops("DO $$ DECLARE t text; BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN x int', t); END $$"), "");
    T_EQ_STR(ops("DO $$ DECLARE t text; BEGIN EXECUTE 'DROP INDEX ' || t::regclass; END $$"), "");
    /* nothing is known */
    T_EQ_STR(ops("DO $$ DECLARE q text; BEGIN EXECUTE q; END $$"), UNKNOWN);
    T_EQ_STR(ops("DO $$ DECLARE q text; BEGIN EXECUTE 'ALTER TABLE ' || q; END $$"), UNKNOWN);
    T_EQ_STR(ops("DO $$ DECLARE q text; BEGIN EXECUTE format('DELETE FROM %s', q); END $$"), UNKNOWN);
    T_EQ_STR(ops("DO $$ DECLARE r record; q text; BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END $$"), UNKNOWN);
    T_CONTAINS(reason("DO $$ DECLARE q text; BEGIN EXECUTE q; END $$"), "made at run time");
    T_EQ_STR(ops("DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1' LOOP NULL; END LOOP; END $$"), "");
    T_EQ_STR(ops(DO("EXECUTE 'DO $x$ BEGIN DELETE FROM leads; END $x$';")), "DELETE leads " IN_DO " bulk_delete UNSAFE");
}

SG_TEST(functions_that_are_called)
{
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE leads SET name = NULL'"), "");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE leads SET name = NULL'; SELECT f()"),
             "UPDATE leads (function f()) bulk_update UNSAFE");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM leads; RETURN 1; END $$;"
                 "SELECT 1 FROM log WHERE id > f()"),
             "DELETE leads (function f()) bulk_delete UNSAFE");
    T_EQ_STR(ops("CREATE PROCEDURE p(a int) LANGUAGE sql BEGIN ATOMIC DELETE FROM leads; INSERT INTO log VALUES (a); END; CALL p(1)"),
             "DELETE leads (function p()) bulk_delete UNSAFE, INSERT log (function p()) seed_insert SAFE");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM leads'; " DO("PERFORM f();")),
             "DELETE leads (function f()) bulk_delete UNSAFE");
    T_EQ_STR(ops("CREATE PROCEDURE f() LANGUAGE sql AS 'DELETE FROM leads'; " DO("CALL f();")),
             "DELETE leads (function f()) bulk_delete UNSAFE");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM leads RETURNING id';"
                 "DO $$ DECLARE n int; BEGIN n := 1 + f(); END $$"),
             "DELETE leads (function f()) bulk_delete UNSAFE");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM leads RETURNING id';" DO("IF f() > 1 THEN NULL; END IF;")),
             "DELETE leads (function f()) bulk_delete UNSAFE");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM leads RETURNING id';"
                 "INSERT INTO log VALUES (f())"),
             "INSERT log (-) seed_insert SAFE, DELETE leads (function f()) bulk_delete UNSAFE");
    /* of an earlier migration */
    T_EQ_STR(ops("SELECT old_one()"), "DELETE leads (function old_one()) bulk_delete UNSAFE");
    T_EQ_STR(ops("SELECT public.old_one()"), "DELETE leads (function public.old_one()) bulk_delete UNSAFE");
    /* kept, not called */
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM leads; RETURN NEW; END $$;"
                 "CREATE TRIGGER t AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION f()"),
             "");
    T_EQ_STR(ops("CREATE VIEW v AS SELECT old_one()"), "");
    T_EQ_STR(ops("ALTER TABLE log ADD CHECK (old_one() IS NULL)"), "");
    T_EQ_STR(ops("SELECT count(*), lower('x'), now() FROM leads"), "");
    T_EQ_STR(ops("CREATE FUNCTION f() RETURNS void LANGUAGE plpython3u AS 'x'; SELECT f()"), "EXECUTE (function f()) other UNSAFE");
}

SG_TEST(calls_in_calls)
{
    T_EQ_STR(ops("CREATE FUNCTION a() RETURNS void LANGUAGE sql AS 'DELETE FROM leads';"
                 "CREATE FUNCTION b() RETURNS void LANGUAGE sql AS 'SELECT a()';"
                 "CREATE FUNCTION c() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM b(); END $$; SELECT c()"),
             "DELETE leads (function a()) bulk_delete UNSAFE");
    T_EQ_STR(ops("CREATE FUNCTION a() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM leads; PERFORM b(); END $$;"
                 "CREATE FUNCTION b() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM a(); DELETE FROM log; END $$; SELECT a()"),
             "DELETE leads (function a()) bulk_delete UNSAFE, DELETE log (function b()) bulk_delete UNSAFE");
    /* once for each statement that calls it */
    T_EQ_STR(ops("SELECT old_one(), old_one(); SELECT old_one()"),
             "DELETE leads (function old_one()) bulk_delete UNSAFE, DELETE leads (function old_one()) bulk_delete UNSAFE");
}

/* What is deeper than is read is told, not passed over. */
SG_TEST(calls_without_end)
{
    const char *sql = "CREATE FUNCTION f0() RETURNS void LANGUAGE sql AS 'DELETE FROM leads';";
    const struct sg_audit_result *result;
    int64_t start = sg_test_now_ms();

    for (int i = 1; i <= 40; i++)
        sql = sg_test_strf("%sCREATE FUNCTION f%d() RETURNS void LANGUAGE sql AS 'SELECT f%d(), f%d()';", sql, i, i - 1, i - 1);
    T_EQ_STR(ops(sg_test_strf("%sSELECT f40()", sql)), "EXECUTE (function f24()) other UNSAFE");
    T_EQ_STR(ops(sg_test_strf("%sSELECT f3()", sql)), "DELETE leads (function f0()) bulk_delete UNSAFE");
    /* a large body, called again and again */
    sql = sg_test_strf("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT 1 --%0*d';", 60000, 0);
    for (int i = 0; i < 10; i++)
        sql = sg_test_strf("%s SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f();"
                           " SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f();"
                           " SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f();"
                           " SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f(); SELECT f();",
                           sql);
    result = look_at(NULL, (const char *const[]){sql, NULL});
    T_MUST(result->dml_count > 0);
    T_CONTAINS(result->dml[0].reason, "more code than is read");
    T_LT_INT(sg_test_now_ms() - start, 60000);
}

static const struct sg_test tests[] = {SG_CASE(do_blocks),
                                       SG_CASE(loops),
                                       SG_CASE(made_at_run_time),
                                       SG_CASE(functions_that_are_called),
                                       SG_CASE(calls_in_calls),
                                       SG_CASE(calls_without_end),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"dml_routines", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
