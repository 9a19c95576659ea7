/* "Already exists": which statements make exactly one object, and how the host can know it again. */
#include "config.h"

#include "core/sql/policy.h"
#include "tests/kit/test.h"

#include <string.h>

static struct sg_arena arena;
static struct sg_verdict verdict;
static struct sg_err err;

static void judge(const char *sql)
{
    static const struct sg_policy_rules rules = {.phase = SG_PHASE_RUN, .state_schema = "sgrun", .schema = "app"};

    sg_err_clear(&err);
    if (sg_policy_judge(&rules, SG_CALL_DDL, sql, strlen(sql), &arena, &verdict, &err) != 0)
        T_FATAL("refused: %s: %s", sql, err.primary);
}

static void makes(const char *sql, enum sg_makes what, const char *sqlstate)
{
    judge(sql);
    if (verdict.makes != what)
        T_FAIL("%s: makes %d, not %d", sql, (int)verdict.makes, (int)what);
    T_EQ_STR(verdict.exists_sqlstates[0], sqlstate);
    T_EQ_STR(verdict.exists_sqlstates[1], NULL);
}

/* "name type, name type" */
static const char *columns(void)
{
    const char *text = "";

    for (size_t i = 0; i < verdict.column_count; i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", verdict.columns[i].name,
                            verdict.columns[i].type != NULL ? verdict.columns[i].type : "?");
    return text;
}

SG_TEST(one_object)
{
    makes("CREATE TABLE s.n (a int)", SG_MAKES_TABLE, "42P07");
    T_EQ_STR(verdict.object.schema, "s");
    T_EQ_STR(verdict.object.name, "n");
    T_FALSE(verdict.if_not_exists);
    makes("CREATE TABLE IF NOT EXISTS n (a int)", SG_MAKES_TABLE, "42P07");
    T_TRUE(verdict.if_not_exists);
    makes("CREATE SEQUENCE n", SG_MAKES_SEQUENCE, "42P07");
    makes("CREATE VIEW n AS SELECT 1 AS a", SG_MAKES_VIEW, "42P07");
    makes("CREATE SCHEMA n", SG_MAKES_SCHEMA, "42P06");
    makes("CREATE TYPE n AS ENUM ('a')", SG_MAKES_TYPE, "42710");
    makes("CREATE TYPE n AS (a int, b text)", SG_MAKES_TYPE, "42710");
    T_EQ_STR(columns(), "a integer, b text");
    makes("CREATE TYPE n AS RANGE (subtype = int)", SG_MAKES_TYPE, "42710");
    T_EQ_INT(verdict.catalogue_kind, 'r');
    makes("CREATE TYPE n AS ENUM ()", SG_MAKES_TYPE, "42710");
    T_EQ_INT(verdict.catalogue_kind, 'e');
    makes("CREATE DOMAIN s.n AS int", SG_MAKES_TYPE, "42710");
    T_EQ_INT(verdict.catalogue_kind, 'd');
    T_EQ_STR(verdict.object.schema, "s");
    makes("CREATE POLICY p ON t USING (true)", SG_MAKES_POLICY, "42710");
    T_EQ_STR(verdict.object.name, "t");
    T_EQ_STR(verdict.member, "p");
    makes("CREATE EXTENSION IF NOT EXISTS pg_trgm", SG_MAKES_EXTENSION, "42710");
    T_EQ_STR(verdict.object.name, "pg_trgm");
}

SG_TEST(columns_of_a_table)
{
    judge("CREATE TABLE n (id bigserial PRIMARY KEY, a varchar(255), b char(3), c char, d numeric(10,2), e timestamptz,"
          " f timestamp(3), g time(2) with time zone, h interval, i interval(3), j interval day to second(2), k int[], l text[][],"
          " m float, n real, o bool, p bit(4), q bit varying(5), r jsonb, s uuid, t mood, u other.\"Mood\"[], v \"char\","
          " w geometry(Point, 4326), x bytea, y double precision, z decimal, aa int2, bb bit)");
    T_EQ_STR(columns(), "id bigint, a character varying(255), b character(3), c character(1), d numeric(10,2),"
                        " e timestamp with time zone, f timestamp(3) without time zone, g time(2) with time zone, h interval,"
                        " i interval(3), j interval day to second(2), k integer[], l text[], m double precision, n real,"
                        " o boolean, p bit(4), q bit varying(5), r jsonb, s uuid, t \"mood\", u \"other\".\"Mood\"[], v \"char\","
                        " w \"geometry\"(\"point\",4326), x bytea, y double precision, z numeric, aa smallint, bb bit(1)");
    judge("CREATE TABLE n (a \"t\"\"x\", b xx('y'))");
    T_EQ_STR(columns(), "a \"t\"\"x\", b ?");
}

SG_TEST(functions)
{
    makes("CREATE FUNCTION s.f(a int, IN b text, OUT c int, INOUT d varchar(5), VARIADIC e int[]) LANGUAGE sql AS 'SELECT 1, 2'",
          SG_MAKES_FUNCTION, "42723");
    T_EQ_STR(verdict.signature, "\"s\".\"f\"(integer, text, character varying(5), integer[])");
    makes("CREATE PROCEDURE f() LANGUAGE sql AS ''", SG_MAKES_FUNCTION, "42723");
    T_EQ_STR(verdict.signature, "\"app\".\"f\"()");
    makes("CREATE FUNCTION f(a t.x%TYPE) RETURNS TABLE (b int) LANGUAGE sql AS ''", SG_MAKES_NOTHING, NULL);
    makes("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", SG_MAKES_NOTHING, NULL);
}

SG_TEST(alter_table)
{
    makes("ALTER TABLE s.t ADD COLUMN a varchar(255) NOT NULL DEFAULT ''", SG_MAKES_COLUMN, "42701");
    T_EQ_STR(verdict.object.schema, "s");
    T_EQ_STR(verdict.member, "a");
    T_EQ_STR(columns(), "a character varying(255)");
    makes("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", SG_MAKES_CONSTRAINT, "42710");
    T_EQ_INT(verdict.catalogue_kind, 'c');
    T_EQ_STR(verdict.member, "c");
    makes("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u", SG_MAKES_CONSTRAINT, "42710");
    makes("ALTER TABLE t ADD CONSTRAINT c UNIQUE (a, b)", SG_MAKES_CONSTRAINT, "42P07");
    T_EQ_INT(verdict.catalogue_kind, 'u');
    makes("ALTER TABLE t ADD CONSTRAINT c PRIMARY KEY (a)", SG_MAKES_CONSTRAINT, "42P07");
}

SG_TEST(never)
{
    static const char *const never[] = {
        "ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int", "ALTER TABLE t ADD COLUMN a int REFERENCES u",
        "ALTER TABLE t ADD COLUMN a int UNIQUE", "ALTER TABLE t ADD COLUMN a serial", "ALTER TABLE t ADD CHECK (a > 0)",
        "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i", "ALTER TABLE t RENAME TO u", "ALTER TABLE t RENAME a TO b",
        "CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()",
        "CREATE TABLE n (LIKE t)", "CREATE TABLE n PARTITION OF t DEFAULT", "CREATE TABLE n () INHERITS (t)",
        "CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE TABLE n AS SELECT 1 WITH NO DATA", "CREATE SCHEMA n CREATE TABLE x ()",
        "ALTER TYPE mood ADD VALUE 'x'", "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING", "CREATE ROLE r",
        "CREATE PUBLICATION p", "CREATE FOREIGN TABLE n (a int) SERVER s", "ALTER TYPE pair ADD ATTRIBUTE z int", "DROP TABLE t",
        "DO $$ BEGIN ALTER TABLE t ADD COLUMN a int; END $$"};

    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        makes(never[i], SG_MAKES_NOTHING, NULL);
    judge("ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int");
    T_CONTAINS(verdict.exists_hint, "Split the actions");
    judge("ALTER TABLE t ADD COLUMN a int UNIQUE");
    T_CONTAINS(verdict.exists_hint, "by an sg_ddl of its own");
}

SG_TEST(made_and_named)
{
    judge("CREATE TABLE s.n (a int REFERENCES u)");
    T_MUST_EQ_INT(verdict.made.count, 1);
    T_EQ_STR(verdict.made.list[0].schema, "s");
    T_EQ_STR(verdict.made.list[0].name, "n");
    T_EQ_INT(verdict.named.count, 1);
    judge("CREATE TABLE IF NOT EXISTS n (a int)");
    T_EQ_INT(verdict.made.count, 0);
    judge("CREATE MATERIALIZED VIEW v AS SELECT * FROM t");
    T_MUST_EQ_INT(verdict.made.count, 1);
    T_EQ_STR(verdict.made.list[0].name, "v");
    T_EQ_INT(verdict.named.count, 0);
    judge("CREATE SCHEMA s CREATE TABLE n (a int)");
    T_MUST_EQ_INT(verdict.made.count, 1);
    T_EQ_STR(verdict.made.list[0].schema, "s");
    judge("DROP TABLE a, b.c");
    T_MUST_EQ_INT(verdict.named.count, 2);
    T_EQ_STR(verdict.named.list[1].schema, "b");
    judge("CREATE VIEW v AS SELECT * FROM t");
    T_EQ_INT(verdict.named.count, 0);
    T_EQ_STR(verdict.kind, "CREATE VIEW");
    judge("ALTER MATERIALIZED VIEW v RENAME TO w");
    T_EQ_STR(verdict.kind, "ALTER MATERIALIZED VIEW");
    judge("DROP FOREIGN TABLE v");
    T_EQ_STR(verdict.kind, "DROP FOREIGN TABLE");
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(one_object), SG_CASE(columns_of_a_table), SG_CASE(functions), SG_CASE(alter_table),
                                           SG_CASE(never), SG_CASE(made_and_named), SG_CASES_END};
    static const struct sg_suite suites[] = {{"exists", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
