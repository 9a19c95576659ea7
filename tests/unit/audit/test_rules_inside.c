/* Definitions that a DO block or a function makes: rules, locks and the model see them as they see those of the file. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

#define DO(body) "DO $$ BEGIN " body " END $$;\n"
#define IF_NOT(body) DO("IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'x') THEN " body " END IF;")

/* The details of what is found of that family, "; " between them. */
static const char *details(const char *family, const char *sql)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){look_tables, sql, NULL});
    const char *text = "";

    for (size_t i = 0; i < result->finding_count; i++) {
        const struct sg_audit_finding *f = &result->findings[i];

        if (f->place.migration == 1 && strncmp(sg_rule(f->rule)->id, family, strlen(family)) == 0)
            text = sg_test_strf("%s%s%s", text, text[0] != '\0' ? "; " : "", f->detail != NULL ? f->detail : "-");
    }
    return text;
}

SG_TEST(found)
{
    T_RULES("column.", IF_NOT("ALTER TABLE t ADD COLUMN x int NOT NULL;"), "column.add_not_null_no_default");
    T_EQ_STR(details("column.", IF_NOT("ALTER TABLE t ADD COLUMN x int NOT NULL;")), "column x of t, in a DO block");
    T_RULES("index.", DO("EXECUTE 'CREATE INDEX i ON t (b)';"), "index.create_blocking");
    T_RULES("index.", DO("EXECUTE format('CREATE INDEX %I ON %I (b)', 'i', 't');"), "index.create_blocking");
    T_RULES("index.", DO("CREATE INDEX CONCURRENTLY i ON t (b);"), "index.concurrently_in_tx");
    T_RULES("constraint.", DO("BEGIN ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 0); EXCEPTION WHEN duplicate_object THEN NULL; END;"),
            "constraint.add_check");
    T_RULES("table.", DO("NULL; EXCEPTION WHEN OTHERS THEN DROP TABLE t;"), "table.drop");
    T_RULES("constraint.validate",
            DO("ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT ck;"),
            "constraint.validate_same_tx");
    T_EQ_STR(details("column.", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'ALTER TABLE t DROP COLUMN c'; SELECT f();"),
             "column c of t, in function f()");
    T_RULES("enum.", DO("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';"), "enum.rename_value");
    T_RULES("dml.", DO("UPDATE t SET a = 1;"), "dml.update_no_where");
}

/* Of a table whose name is made at run time it is told what is done to it; nothing of the kind is known afterwards. */
SG_TEST(hidden)
{
#define EACH(sql) "DO $$ DECLARE r record; BEGIN FOR r IN SELECT relname FROM pg_class LOOP EXECUTE " sql "; END LOOP; END $$;"
    static const char *const others[] = {
        "'DROP INDEX ' || quote_ident(r.relname)", "format('CREATE INDEX %I ON %I (a)', r.relname, r.relname)",
        "format('DROP TABLE %I', r.relname)", "format('CREATE TABLE %I (id int, a text)', r.relname)",
        "format('ALTER TABLE %I ADD FOREIGN KEY (a) REFERENCES %I (b)', r.relname, r.relname)",
        "format('ALTER TABLE %I RENAME TO %I', r.relname, r.relname)", "format('ALTER TYPE %I ADD VALUE %L', r.relname, r.relname)",
        "format('ALTER TABLE %I VALIDATE CONSTRAINT %I', r.relname, r.relname)",
        "format('CREATE TABLE %I PARTITION OF %I DEFAULT', r.relname, r.relname)",
        "format('ALTER TABLE %I DETACH PARTITION %I CONCURRENTLY', r.relname, r.relname)",
        "format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT', r.relname, r.relname)", "format('DROP TRIGGER %I ON %I', r.relname, r.relname)",
        "format('ALTER TABLE %I ALTER %I TYPE %I', r.relname, r.relname, r.relname)", "format('DROP SCHEMA %I CASCADE', r.relname)",
    };
    const char *all = "";

    T_RULES("index.", EACH("format('CREATE INDEX ON %I (a)', r.relname)"), "index.create_blocking");
    T_EQ_STR(details("column.", EACH("'ALTER TABLE ' || quote_ident(r.relname) || ' ADD COLUMN x int NOT NULL'")),
             "column x of ?, in a DO block");
    for (size_t i = 0; i < SG_COUNT(others); i++)
        all = sg_test_strf("%sDO $$ DECLARE r record; BEGIN FOR r IN SELECT relname FROM pg_class LOOP EXECUTE %s; END LOOP; END $$;",
                           all, others[i]);
    T_RULES("tx. table.no_pk", all, "");
    T_RULES("table.drop", all, "table.drop");
    T_RULES("schema.", all, "schema.drop");
}

SG_TEST(not_found)
{
    T_RULES("column. index. constraint. table.drop", DO("NULL; -- ALTER TABLE t DROP COLUMN c;\n"), "");
    T_RULES("column. index. constraint. table.drop", DO("RAISE NOTICE 'DROP TABLE t';"), "");
    T_RULES("column.", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'ALTER TABLE t DROP COLUMN c'", "");
    /* made in the block, or in one before it */
    T_RULES("column. index. constraint.", IF_NOT("CREATE TABLE n (id bigint PRIMARY KEY, a int); CREATE INDEX ON n (a);"
                                                 " ALTER TABLE n ALTER a SET NOT NULL;"), "");
    T_RULES("column. index. constraint.", IF_NOT("CREATE TABLE n (id bigint PRIMARY KEY, a int);")
            "CREATE INDEX ON n (a); ALTER TABLE n ADD CHECK (a > 0);", "");
    /* a timeout of the block's own */
    T_RULES("timeouts.lock", DO("SET LOCAL lock_timeout = '2s'; ALTER TABLE t DROP COLUMN c;"), "");
    T_RULES("timeouts.lock", DO("PERFORM set_config('lock_timeout', '2s', true); ALTER TABLE t DROP COLUMN c;"), "");
    T_RULES("timeouts.lock", DO("ALTER TABLE t DROP COLUMN c;"), "timeouts.lock");
}

SG_TEST(each_once)
{
    T_EQ_STR(details("index.create", IF_NOT("CREATE INDEX i ON t (b); CREATE INDEX k ON t (c);")),
             "index i of t, in a DO block; index k of t, in a DO block");
    T_EQ_STR(details("index.create", DO("IF true THEN CREATE INDEX i ON t (b); ELSE CREATE INDEX i ON t (b); END IF;")),
             "index i of t, in a DO block");
    T_EQ_STR(details("index.create", "CREATE INDEX i ON t (b);" DO("CREATE INDEX k ON t (b);")),
             "index i of t; index k of t, in a DO block");
    T_EQ_STR(details("column.drop", DO("IF true THEN DO $i$ BEGIN ALTER TABLE t DROP COLUMN c; END $i$; END IF;")),
             "column c of t, in a DO block");
}

/* A block is one transaction; two blocks of a file that runs in none are two. */
SG_TEST(transactions)
{
    const struct look alone = {.no_transaction = true};

    T_RULES("tx.several", DO("ALTER TABLE t DROP COLUMN c; ALTER TABLE other DROP COLUMN kind;"), "tx.several_tables");
    T_EQ_STR(look_rules(&alone, "tx.several", DO("ALTER TABLE t DROP COLUMN c; ALTER TABLE other DROP COLUMN kind;")),
             "tx.several_tables");
    T_EQ_STR(look_rules(&alone, "tx.several", DO("ALTER TABLE t DROP COLUMN c;") DO("ALTER TABLE other DROP COLUMN kind;")), "");
    T_RULES("index.duplicate", DO("CREATE INDEX i ON t (b); CREATE INDEX k ON t (b);"), "index.duplicate");
    T_RULES("index.replace", DO("DROP INDEX t_a; CREATE INDEX t_a2 ON t (a);"), "index.replace_order");
    T_RULES("index.replace", DO("CREATE INDEX t_a2 ON t (a); DROP INDEX t_a;"), "");
}

/* Bodies in bodies, calls in circles, very many of them: they end, and nothing is said twice. */
SG_TEST(hostile)
{
    const char *sql = "ALTER TABLE t DROP COLUMN c;";
    const struct sg_audit_result *result;

    for (int i = 0; i < 40; i++)
        sql = sg_test_strf("DO $q%d$ BEGIN %s END $q%d$;", i, sql, i);
    T_EQ_STR(details("column.", sql), "");
    result = look_at(NULL, (const char *const[]){sql, NULL});
    T_MUST(result->dml_count == 1 && result->dml[0].verdict == SG_DML_UNSAFE); /* it says that it was not read */
    T_EQ_STR(details("column.", "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM g(); ALTER TABLE t DROP COLUMN c;"
                                " END $$; CREATE FUNCTION g() RETURNS void LANGUAGE sql AS 'SELECT f()'; SELECT f(), g();"),
             "column c of t, in function f()");
    /* a body that defines what it calls */
    T_EQ_STR(details("column.", DO("CREATE OR REPLACE FUNCTION h() RETURNS void LANGUAGE sql AS 'ALTER TABLE t DROP COLUMN c';"
                                   " PERFORM h(); DROP FUNCTION h();")),
             "column c of t, in function h()");
    T_EQ_STR(details("column.", DO("EXECUTE 'ALTER TABLE t DROP COLUMN';")), "");
}

SG_TEST(allowed)
{
    T_RULES("column.", "-- sgrun: allow column.drop nobody reads it\n" DO("ALTER TABLE t DROP COLUMN c;"), "");
    T_RULES("allow.", "-- sgrun: allow column.drop nobody reads it\n" DO("ALTER TABLE t DROP COLUMN c;"), "");
}

/* A CHECK that proves more than one thing spares SET NOT NULL its scan as a plain one does. */
SG_TEST(proofs)
{
    static const struct {
        const char *check, *rules;
    } cases[] = {
        {"b IS NOT NULL", ""},
        {"b IS NOT NULL AND a > 0", ""},
        {"a > 0 AND (c <> '' AND b IS NOT NULL)", ""},
        {"NOT (b IS NULL)", ""},
        {"NOT (b IS NULL OR a IS NULL)", ""},
        {"(b IS NOT NULL AND a > 0) OR (b IS NOT NULL AND a < 0)", ""},
        {"b IS NOT NULL OR a > 0", "column.set_not_null"},
        {"NOT (b IS NULL AND a IS NULL)", "column.set_not_null"},
        {"NOT (b IS NOT NULL)", "column.set_not_null"},
        {"b <> ''", "column.set_not_null"},
        {"a IS NOT NULL", "column.set_not_null"},
        {"lower(b) IS NOT NULL", "column.set_not_null"},
    };

    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        const char *before = sg_test_strf("%sALTER TABLE t ADD CONSTRAINT ck CHECK (%s);", look_tables, cases[i].check);

        T_EQ_STR(look_rules_after(NULL, "column.", before, "ALTER TABLE t ALTER b SET NOT NULL"), cases[i].rules);
        T_EQ_STR(look_rules_after(NULL, "column.", sg_test_strf("%sALTER TABLE t RENAME b TO bb;", before),
                                  "ALTER TABLE t ALTER bb SET NOT NULL"),
                 cases[i].rules);
    }
    T_EQ_STR(look_rules_after(NULL, "column.", sg_test_strf("%sALTER TABLE t ADD CONSTRAINT ck CHECK (b IS NOT NULL AND a > 0) NOT VALID;",
                                                            look_tables),
                              "ALTER TABLE t ALTER b SET NOT NULL"),
             "column.set_not_null");
}

static const struct sg_test tests[] = {SG_CASE(found), SG_CASE(hidden),   SG_CASE(not_found), SG_CASE(each_once), SG_CASE(transactions),
                                       SG_CASE(hostile), SG_CASE(allowed),   SG_CASE(proofs),    SG_CASES_END};
static const struct sg_suite suites[] = {{"rules inside bodies", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
