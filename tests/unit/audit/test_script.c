/* One file taken apart: where statements end, what is passed over, what is said of them. */
#include "config.h"

#include "core/audit/script.h"
#include "tests/kit/test.h"

#include <string.h>

static struct sg_errs errs;
static struct sg_arena arena;

static void release(void *arg)
{
    (void)arg;
    sg_errs_release(&errs);
    sg_arena_release(&arena);
}

static struct sg_audit_migration split_bytes(enum sg_audit_layout layout, const char *text, size_t length)
{
    struct sg_audit_file file = {.path = "f.sql", .id = "1", .layout = layout, .transaction = true};
    struct sg_audit_migration migration;

    release(NULL);
    sg_test_defer(release, NULL);
    sg_audit_script_split(&file, text, length, &arena, &migration, &errs);
    return migration;
}

static struct sg_audit_migration split_as(enum sg_audit_layout layout, const char *text)
{
    return split_bytes(layout, text, strlen(text));
}

/* "1:1 SELECT 1|2:3 SELECT 2", then " m2" for two meta-commands, " p1" for a placeholder, and each error as "! line: what". */
static const char *show(const struct sg_audit_migration *m)
{
    const char *text = "";

    for (size_t i = 0; i < m->count; i++) {
        T_EQ_INT(strlen(m->statements[i].text), m->statements[i].length);
        text = sg_test_strf("%s%s%d:%d %s", text, i > 0 ? "|" : "", m->statements[i].line, m->statements[i].column,
                            m->statements[i].text);
    }
    if (m->meta_commands > 0)
        text = sg_test_strf("%s m%zu", text, m->meta_commands);
    if (m->placeholders > 0)
        text = sg_test_strf("%s p%zu", text, m->placeholders);
    for (size_t i = 0; i < errs.count; i++) {
        T_EQ_STR(errs.list[i].file, "f.sql");
        T_NOT_NULL(errs.list[i].hint);
        text = sg_test_strf("%s ! %d: %s", text, errs.list[i].line, errs.list[i].primary);
    }
    return text;
}

static const char *cut_as(enum sg_audit_layout layout, const char *text)
{
    struct sg_audit_migration m = split_as(layout, text);

    return show(&m);
}

static const char *cut(const char *text)
{
    return cut_as(SG_LAYOUT_PLAIN, text);
}

SG_TEST(places)
{
    T_EQ_STR(cut(""), "");
    T_EQ_STR(cut(" \n-- nothing\n;;/* */;\n"), "");
    T_EQ_STR(cut("SELECT 1"), "1:1 SELECT 1");
    T_EQ_STR(cut("SELECT 1;SELECT 2 ; SELECT\n 3 -- end\n;\n\tSELECT 4"), "1:1 SELECT 1|1:10 SELECT 2|1:21 SELECT\n 3|4:2 SELECT 4");
    T_EQ_STR(cut("-- a\r\nSELECT 1;\r\n\r\n  SELECT 2;\r\n"), "2:1 SELECT 1|4:3 SELECT 2");
    T_EQ_STR(cut("\xEF\xBB\xBFSELECT 1;\nSELECT 2"), "1:1 SELECT 1|2:1 SELECT 2");
    T_EQ_STR(cut("/* a\nb */ SELECT 1 /* c\n*/; SELECT 2"), "2:6 SELECT 1|3:5 SELECT 2");
    T_EQ_STR(cut("SELECT /* in; side */ 1 -- not; me\n+ 2;"), "1:1 SELECT /* in; side */ 1 -- not; me\n+ 2");
    T_EQ_STR(cut("SELECT 1\n;\nSELECT 2\n\n;SELECT 3"), "1:1 SELECT 1|3:1 SELECT 2|5:2 SELECT 3");
}

SG_TEST(quotes)
{
    T_EQ_STR(cut("SELECT ';', E'\\';', \";\", $$;$$, $a$;$$;$a$; SELECT 2"),
             "1:1 SELECT ';', E'\\';', \";\", $$;$$, $a$;$$;$a$|1:45 SELECT 2");
    T_EQ_STR(cut("SELECT 'a\n;b';\nSELECT 2"), "1:1 SELECT 'a\n;b'|3:1 SELECT 2");
    T_EQ_STR(cut("DO $$ BEGIN RAISE NOTICE ';'; END $$; SELECT 2"), "1:1 DO $$ BEGIN RAISE NOTICE ';'; END $$|1:39 SELECT 2");
}

SG_TEST(bodies)
{
    T_EQ_STR(cut("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2"),
             "1:1 CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END|1:95 SELECT 2");
    T_EQ_STR(cut("create or replace procedure p() begin atomic select 1 as end; select t.end from t; end; select 2"),
             "1:1 create or replace procedure p() begin atomic select 1 as end; select t.end from t; end|1:89 select 2");
    T_EQ_STR(cut("BEGIN; SELECT CASE a WHEN 1 THEN 2 END; END; SELECT 2"), "1:1 BEGIN|1:8 SELECT CASE a WHEN 1 THEN 2 END|1:41 END|1:46 SELECT 2");
    T_EQ_STR(cut("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3"),
             "1:1 CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)|1:63 SELECT 3");
    T_EQ_STR(cut("CREATE OR REPLACE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3"),
             "1:1 CREATE OR REPLACE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)|1:69 SELECT 3");
    T_EQ_STR(cut("CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t; SELECT 2"),
             "1:1 CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t|1:74 SELECT 2");
    /* a parenthesis too many spoils one statement */
    T_EQ_STR(cut("CREATE TABLE t ((a int); SELECT 2"), "1:1 CREATE TABLE t ((a int)|1:26 SELECT 2");
}

SG_TEST(psql)
{
    T_EQ_STR(cut("\\connect db\n\\set x 1\nSELECT 1;\n\\i more.sql\nSELECT 2;"), "3:1 SELECT 1|5:1 SELECT 2 m3");
    T_EQ_STR(cut("SELECT 'DROP TABLE x' \\gexec\nSELECT 2\\gset\nSELECT 3"), "1:1 SELECT 'DROP TABLE x'|2:1 SELECT 2|3:1 SELECT 3 m2");
    T_EQ_STR(cut("SELECT 1; \\echo done; it's\nSELECT 2"), "1:1 SELECT 1|2:1 SELECT 2 m1");
    T_EQ_STR(cut("SELECT 1\n\\echo between\n+ 2;"), "1:1 SELECT 1\n             \n+ 2 m1");
    T_EQ_STR(cut("SELECT 1\\; SELECT 2;"), "1:1 SELECT 1|1:12 SELECT 2");
    T_EQ_STR(cut("SELECT 1 \\r\nSELECT 2;"), "2:1 SELECT 2 m1");
    T_EQ_STR(cut("\\copy t from 'a.csv'\n\\copy t FROM stdin\n1;\n2\n\\.\nSELECT 2"), "6:1 SELECT 2 m2");
}

SG_TEST(copy)
{
    struct sg_audit_migration m = split_as(SG_LAYOUT_PLAIN, "COPY t (a, b) FROM stdin;\n1\tit's; $$\n2\t\\N\n\\.\n\nSELECT 2;\nCOPY t FROM 'f';");

    T_EQ_STR(show(&m), "1:1 COPY t (a, b) FROM stdin|6:1 SELECT 2|7:1 COPY t FROM 'f'");
    T_MUST_EQ_INT(m.count, 3);
    T_EQ_INT(m.statements[0].copy_rows, 2);
    T_EQ_INT(m.statements[1].copy_rows, 0);
    T_EQ_STR(cut("COPY t FROM STDIN WITH (FORMAT csv);\r\n1\r\n\\.\r\nSELECT 2"), "1:1 COPY t FROM STDIN WITH (FORMAT csv)|4:1 SELECT 2");
    T_EQ_STR(cut("SELECT 0;\nCOPY t FROM stdin;\n1\n2"),
             "1:1 SELECT 0|2:1 COPY t FROM stdin ! 2: the data of COPY … FROM stdin has no end");
    T_EQ_STR(cut("COPY (SELECT 'from stdin') TO stdout;\nSELECT 2"), "1:1 COPY (SELECT 'from stdin') TO stdout|2:1 SELECT 2");
}

SG_TEST(placeholders)
{
    T_EQ_STR(cut("SELECT :x; SELECT :'x'; SELECT :\"x\"; SELECT 2"), "1:38 SELECT 2 p3");
    T_EQ_STR(cut("SELECT a::int, b[1:2], b[1:n], f(a := 1), ':x'"), "1:1 SELECT a::int, b[1:2], b[1:n], f(a := 1), ':x'");
    T_EQ_STR(cut("SELECT ${x}; SELECT {{ x }}; SELECT %(x)s; SELECT <%= x %>; SELECT $s$.t; SELECT {% if %}"), " p6");
    T_EQ_STR(cut("SELECT '${x}', 5 % (a), $$ ${x} $$, '{\"a\": 1}', a <-> b"), "1:1 SELECT '${x}', 5 % (a), $$ ${x} $$, '{\"a\": 1}', a <-> b");
    T_EQ_STR(cut("CREATE TABLE $s$.t (a int); CREATE TABLE $s$.u (a int);\nSELECT a ~ $re$.txt;$re$;\nSELECT 3"),
             "2:1 SELECT a ~ $re$.txt;$re$|3:1 SELECT 3 p2");
    /* pg_trgm's operators are none; a variable in an array is one */
    T_EQ_STR(cut("SELECT a <% b, a <<% b, b %> a; SELECT ARRAY[:x, 1]; SELECT ARRAY[a[1:n]];\n <% if x %>\n+ 1"),
             "1:1 SELECT a <% b, a <<% b, b %> a|1:54 SELECT ARRAY[a[1:n]] p2");
    T_EQ_STR(cut_as(SG_LAYOUT_FLYWAY, "SELECT '${x}'; SELECT $$ ${x} $$; SELECT '$x'; SELECT ':x'"), "1:35 SELECT '$x'|1:48 SELECT ':x' p2");
    T_EQ_STR(cut_as(SG_LAYOUT_GOOSE, "-- +goose Up\nSELECT '${A}';\n-- +goose ENVSUB ON\nSELECT '${A}';\nSELECT $A;\nSELECT $1;\n"
                                     "-- +goose ENVSUB OFF\nSELECT '$A';\n"),
             "2:1 SELECT '${A}'|6:1 SELECT $1|8:1 SELECT '$A' p2");
}

SG_TEST(goose)
{
    T_EQ_STR(cut_as(SG_LAYOUT_GOOSE, "-- +goose Up\nSELECT 1;\n-- +goose StatementBegin\nSELECT 2;\nSELECT 3;\n-- +goose StatementEnd\nSELECT 4;\n"
                                     "-- +goose Down\nSELECT 5;\n-- +goose StatementBegin\nSELECT 6;\n-- +goose StatementEnd\n"),
             "2:1 SELECT 1|4:1 SELECT 2;\nSELECT 3|7:1 SELECT 4");
    T_EQ_STR(cut_as(SG_LAYOUT_GOOSE, "--   +GOOSE   up  \r\nSELECT 1;\r\n-- +goose down\r\nSELECT 2;"), "2:1 SELECT 1");
    T_EQ_STR(cut_as(SG_LAYOUT_DBMATE, "\xEF\xBB\xBF-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;"), "2:1 SELECT 1");
    T_TRUE(split_as(SG_LAYOUT_GOOSE, "-- +goose Up\nSELECT 1;").transaction);
    T_FALSE(split_as(SG_LAYOUT_GOOSE, "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;SELECT 2").transaction);
    /* marks inside of a block cut nothing */
    T_EQ_STR(cut_as(SG_LAYOUT_GOOSE, "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose ENVSUB ON\nSELECT '$A';\n-- +goose ENVSUB OFF\n"
                                     "SELECT 2;\n-- +goose StatementEnd\nSELECT '$A';"),
             "9:1 SELECT '$A' p1");
    T_EQ_STR(cut_as(SG_LAYOUT_GOOSE, "-- +goose Up\n-- +goose StatementBegin\n-- +goose ENVSUB ON\nSELECT 1;\n-- +goose StatementEnd\nSELECT '$A';"),
             "4:1 SELECT 1 p1");
    /* an open quote ends with its part */
    T_EQ_STR(cut_as(SG_LAYOUT_GOOSE, "-- +goose Up\nSELECT 0;\n-- +goose StatementBegin\nSELECT 'x;\n-- +goose StatementEnd\nSELECT 4;\n"),
             "2:1 SELECT 0|6:1 SELECT 4 ! 4: the quoted text that begins here has no end");
}

SG_TEST(dbmate)
{
    static const char down[] = "-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nSELECT 2;";

    T_EQ_STR(cut_as(SG_LAYOUT_DBMATE, down), "2:1 SELECT 1");
    T_FALSE(split_as(SG_LAYOUT_DBMATE, down).transaction);
    T_TRUE(split_as(SG_LAYOUT_DBMATE, "-- migrate:up transaction:false\nSELECT 1; SELECT 2\n-- migrate:down").transaction);
    T_TRUE(split_as(SG_LAYOUT_DBMATE, "-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false").transaction);
}

SG_TEST(other_marks)
{
    T_EQ_STR(cut("-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;"), "2:1 SELECT 1");
    T_EQ_STR(cut("-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;"), "2:1 SELECT 1");
    T_EQ_STR(cut("-- Down migration is not needed\nSELECT 2;"), "2:1 SELECT 2");
    T_EQ_STR(cut("SELECT 1;\n---- create above / drop below ----\nSELECT 2;"), "1:1 SELECT 1");
    T_EQ_STR(cut("SELECT 1;\n-- //@UNDO\nSELECT 2;"), "1:1 SELECT 1");
    T_EQ_STR(cut("# --- !Ups\nSELECT 1;\n# --- !Downs\nSELECT 2;"), "2:1 SELECT 1");
}

SG_TEST(transactions)
{
    T_TRUE(split_as(SG_LAYOUT_PLAIN, "SELECT 1; SELECT 2").transaction);
    T_FALSE(split_as(SG_LAYOUT_PLAIN, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)").transaction);
    T_FALSE(split_as(SG_LAYOUT_PLAIN, "SELECT 1; REINDEX (CONCURRENTLY) TABLE t").transaction);
    T_FALSE(split_as(SG_LAYOUT_PLAIN, "ALTER TABLE t DETACH PARTITION p CONCURRENTLY").transaction);
    T_TRUE(split_as(SG_LAYOUT_PLAIN, "REFRESH MATERIALIZED VIEW CONCURRENTLY v").transaction);
    T_FALSE(split_as(SG_LAYOUT_PLAIN, "VACUUM FULL t").transaction);
    T_FALSE(split_as(SG_LAYOUT_PLAIN, "BEGIN; SELECT 1; COMMIT").transaction);
    T_FALSE(split_as(SG_LAYOUT_FLYWAY, "DROP INDEX CONCURRENTLY i").transaction);
    T_TRUE(split_as(SG_LAYOUT_FLYWAY, "BEGIN; SELECT 1; COMMIT").transaction);
    T_FALSE(split_as(SG_LAYOUT_GOLANG_MIGRATE, "CREATE INDEX CONCURRENTLY i ON t (a);").transaction);
    T_TRUE(split_as(SG_LAYOUT_GOLANG_MIGRATE, "CREATE INDEX CONCURRENTLY i ON t (a); SELECT ${x}").transaction);
    T_FALSE(split_as(SG_LAYOUT_PRISMA, "SELECT 1").transaction);
    T_FALSE(split_as(SG_LAYOUT_SQITCH, "SELECT 1; SELECT 2").transaction);
    T_TRUE(split_as(SG_LAYOUT_SQLX, "CREATE INDEX CONCURRENTLY i ON t (a)").transaction);
    T_FALSE(split_as(SG_LAYOUT_SQLX, "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a)").transaction);
    T_TRUE(split_as(SG_LAYOUT_SQLX, "\n-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a)").transaction);
}

/* "rule=reason@line" of a statement. */
static const char *allows(const struct sg_audit_statement *s)
{
    const char *text = "";

    for (size_t i = 0; i < s->allow_count; i++)
        text = sg_test_strf("%s%s%s=%s@%d", text, i > 0 ? " " : "", s->allows[i].rule, s->allows[i].reason, s->allows[i].line);
    return text;
}

SG_TEST(allow)
{
    struct sg_audit_migration m = split_as(SG_LAYOUT_PLAIN, "-- sgrun: allow index.* it is small\n\n-- more\nSELECT 1;\nSELECT 2; -- SGRUN: allow dml behind\n"
                                                            "SELECT 3 -- sgrun:allow x inside\n+ 4;\n/* sgrun: allow a.b,c.d: two */ -- sgrun: allow e\nSELECT 5;\n"
                                                            "SELECT '-- sgrun: allow a b'; -- sgrun: allowed a b\nSELECT 7;");

    T_MUST_EQ_INT(m.count, 6);
    T_EQ_STR(allows(&m.statements[0]), "index.*=it is small@1");
    T_EQ_STR(allows(&m.statements[1]), "dml=behind@5");
    T_EQ_STR(allows(&m.statements[2]), "x=inside@6");
    T_EQ_STR(allows(&m.statements[3]), "a.b=two@8 c.d=two@8 e=@8");
    T_EQ_STR(allows(&m.statements[4]), "");
    T_EQ_STR(allows(&m.statements[5]), "");
}

SG_TEST(comment)
{
    T_EQ_STR(split_as(SG_LAYOUT_PLAIN, "-- =====\n-- Copyright 2024 us\n-- * Adds leads.order_index *\n-- and more\nSELECT 1").comment,
             "Adds leads.order_index");
    T_EQ_STR(split_as(SG_LAYOUT_GOOSE, "-- +goose Up\n-- +goose StatementBegin\n/*\n * Fix the leads\n */\nSELECT 1;").comment, "Fix the leads");
    T_EQ_STR(split_as(SG_LAYOUT_SQITCH, "-- Deploy app:users to pg\n-- requires: roles\n\nBEGIN;\nSELECT 1;\nCOMMIT;").comment, NULL);
    T_EQ_STR(split_as(SG_LAYOUT_PLAIN, "SELECT 1").comment, NULL);
    T_EQ_STR(split_as(SG_LAYOUT_PLAIN, "-- a\x1b[31m\xff b").comment, "a\\x1b[31m\\xff b");
}

SG_TEST(hostile)
{
    struct sg_audit_migration m = split_bytes(SG_LAYOUT_PLAIN, "SELECT 1;\nSELECT\n'\0';SELECT 2;", 29);

    T_EQ_STR(show(&m), "1:1 SELECT 1|3:5 SELECT 2 ! 3: a NUL byte: the statement is left out");
    T_EQ_STR(cut("SELECT 1; SELECT '\xff'; SELECT 3"), "1:1 SELECT 1|1:23 SELECT 3 ! 1: no UTF-8: the statement is left out");
    T_EQ_STR(cut("-- \xff\nSELECT 3"), "2:1 SELECT 3");
    T_EQ_STR(cut("SELECT 1;\nSELECT 'x; SELECT 2;\n"), "1:1 SELECT 1 ! 2: the quoted text that begins here has no end");
    T_EQ_STR(cut("SELECT 1;\n/* x; SELECT 2;\n"), "1:1 SELECT 1 ! 2: the comment that begins here has no end");
    T_EQ_STR(cut("SELECT 1;\nDO $x$ BEGIN; $$"), "1:1 SELECT 1 ! 2: the quoted text that begins here has no end");
    T_EQ_STR(cut("\xFF\xFES\0E\0"), " ! 1: the file is UTF-16, which is not read");
}

static const struct sg_test tests[] = {
    SG_CASE(places), SG_CASE(quotes), SG_CASE(bodies), SG_CASE(psql), SG_CASE(copy), SG_CASE(placeholders),
    SG_CASE(goose), SG_CASE(dbmate), SG_CASE(other_marks), SG_CASE(transactions), SG_CASE(allow), SG_CASE(comment),
    SG_CASE(hostile), SG_CASES_END};
static const struct sg_suite suites[] = {{"script", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
