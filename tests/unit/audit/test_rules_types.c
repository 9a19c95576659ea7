/* Types that are hard to change later, values of enums, long names. */
#include "config.h"

#include "tests/unit/audit/look.h"

#define T_TYPE(sql, rules) T_RULES("type.", sql, rules)
#define T_ENUM(sql, rules) T_RULES("enum.", sql, rules)
#define A64 "a23456789_123456789_123456789_123456789_123456789_123456789_1234"
#define A63 "a23456789_123456789_123456789_123456789_123456789_123456789_123"

SG_TEST(characters)
{
    T_TYPE("CREATE TABLE fresh (c char(3))", "type.char");
    T_TYPE("ALTER TABLE t ADD c character NOT NULL", "type.char");
    T_TYPE("ALTER TABLE t ALTER b TYPE char(20)", "type.char");
    T_TYPE("CREATE TABLE fresh (c text, d \"char\")", "");
    T_TYPE("CREATE TEMP TABLE fresh (c char(3))", "");

    T_TYPE("CREATE TABLE fresh (c varchar(30))", "type.varchar");
    T_TYPE("ALTER TABLE t ADD c character varying(5)[]", "type.varchar");
    T_TYPE("CREATE TABLE fresh (c varchar, d text)", "");
    T_TYPE("ALTER TABLE t ALTER c TYPE varchar(40)", ""); /* it is one already */
    T_TYPE("ALTER TABLE t ALTER b TYPE varchar(40)", "type.varchar");
    T_TYPE("SELECT 'x'::varchar(30)", "");
}

SG_TEST(keys)
{
    T_TYPE("CREATE TABLE fresh (id int PRIMARY KEY)", "type.int");
    T_TYPE("CREATE TABLE fresh (id int GENERATED ALWAYS AS IDENTITY, a int)", "type.int");
    T_TYPE("CREATE TABLE fresh (id smallint, a int, PRIMARY KEY (id))", "type.int");
    T_TYPE("ALTER TABLE t ADD z int PRIMARY KEY", "type.int");
    T_TYPE("ALTER TABLE t ADD PRIMARY KEY (a)", "type.int");
    T_TYPE("CREATE TABLE fresh (id bigint PRIMARY KEY, a int, b int)", "");
    T_TYPE("CREATE TABLE fresh (a int, b int, PRIMARY KEY (a, b))", "");
    T_TYPE("ALTER TABLE t ADD z int", "");

    T_TYPE("CREATE TABLE fresh (id serial PRIMARY KEY)", "type.int type.serial");
    T_TYPE("CREATE TABLE fresh (id bigserial PRIMARY KEY)", "type.serial");
    T_TYPE("ALTER TABLE t ADD z bigserial", "type.serial");
    T_TYPE("CREATE TABLE fresh (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", "");
    T_TYPE("CREATE TABLE fresh (serial text, id bigint DEFAULT nextval('s'))", "");
}

SG_TEST(timestamps)
{
    T_TYPE("CREATE TABLE fresh (at timestamp)", "type.timestamp");
    T_TYPE("ALTER TABLE t ADD at timestamp(3) without time zone DEFAULT now()", "type.timestamp");
    T_TYPE("CREATE TABLE fresh (at timestamptz, on_day date, t time)", "");
    T_TYPE("ALTER TABLE t ALTER d TYPE timestamp(3) with time zone", "");
    T_TYPE("ALTER TABLE t DROP COLUMN d", "");
}

SG_TEST(amounts)
{
    T_TYPE("CREATE TABLE fresh (fine money)", "type.money_float");
    T_TYPE("ALTER TABLE t ADD total_price double precision", "type.money_float");
    T_TYPE("CREATE TABLE fresh (\"Fee\" float4, amounts int)", "type.money_float");
    T_TYPE("CREATE TABLE fresh (latitude double precision, ratio real)", "");
    T_TYPE("CREATE TABLE fresh (price numeric(12,2), costly_float float)", "");
}

SG_TEST(enum_values)
{
    T_ENUM("ALTER TYPE mood ADD VALUE 'great'; INSERT INTO other (kind) VALUES ('great')", "enum.add_value");
    T_ENUM("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great' AFTER 'ok'; ALTER TABLE t ADD m mood DEFAULT 'great'::mood",
           "enum.add_value");
    T_ENUM("ALTER TYPE unseen ADD VALUE 'x'; ALTER TABLE t ADD CONSTRAINT k CHECK (m <> 'x') NOT VALID", "enum.add_value");
    T_ENUM("ALTER TYPE mood ADD VALUE 'great'", "");
    T_ENUM("ALTER TYPE mood ADD VALUE 'great'; ALTER TYPE mood ADD VALUE 'greater' AFTER 'great'", "");
    T_ENUM("ALTER TYPE mood ADD VALUE 'great'; ALTER TABLE t ADD m mood DEFAULT 'ok'", "");
    T_ENUM("ALTER TYPE mood ADD VALUE 'great'; SELECT 'great'::text; COMMENT ON TYPE mood IS 'great'", "");
    T_ENUM("CREATE TYPE m2 AS ENUM ('a'); ALTER TYPE m2 ADD VALUE 'b'; CREATE TABLE fresh (m m2 DEFAULT 'b')", "");
    T_EQ_STR(look_rules(&(struct look){.no_transaction = true}, "enum.",
                        "ALTER TYPE mood ADD VALUE 'great'; INSERT INTO other (kind) VALUES ('great')"), "");
    T_EQ_STR(look_rules(&(struct look){.server_version = 11}, "enum.", "ALTER TYPE mood ADD VALUE 'great'"), "enum.add_value");
}

SG_TEST(enums)
{
    T_ENUM("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", "enum.rename_value");
    T_ENUM("ALTER TYPE unseen.kind RENAME VALUE 'a' TO 'b'", "enum.rename_value");
    T_ENUM("CREATE TYPE m2 AS ENUM ('a'); ALTER TYPE m2 RENAME VALUE 'a' TO 'b'", "");
    T_ENUM("ALTER TYPE mood RENAME TO feeling", "");
    T_ENUM("CREATE TYPE m2 AS ENUM ('a')", "");
}

SG_TEST(names)
{
    T_RULES("name.", "CREATE INDEX CONCURRENTLY " A64 " ON t (a)", "name.identifiers");
    T_RULES("name.", "ALTER TABLE t ADD \"" A64 "\" int", "name.identifiers");
    T_RULES("name.", "ALTER TABLE t ADD \"größe größe größe größe größe größe größe größe größe\" int", "name.identifiers");
    T_RULES("name.", "CREATE INDEX CONCURRENTLY " A63 " ON t (a)", "");
    T_RULES("name.", "ALTER TABLE t ADD \"" A63 "\" int /* " A64 " */", "");
    T_RULES("name.", "ALTER TABLE t ADD y text DEFAULT '" A64 "'", "");
}

static const struct sg_test tests[] = {SG_CASE(characters), SG_CASE(keys), SG_CASE(timestamps), SG_CASE(amounts),
                                       SG_CASE(enum_values), SG_CASE(enums), SG_CASE(names), SG_CASES_END};
static const struct sg_suite suites[] = {{"types", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
