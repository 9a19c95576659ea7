/*
 * A unique index that the data does not allow: which keys, how many rows each, and what to do, as far as can be told.
 */
#include "config.h"

#include "tests/db/parted.h"

#include <string.h>

static struct sg_sql *holder;

#define NOT_UNIQUE "[index u]\ntable = t\nunique = yes\n"

static void expect_failed(void)
{
    T_MUST_EQ_STR(one_built(), "failed");
    T_EQ_STR(one.result.err.sqlstate, "23505");
    T_TRUE(one.result.duplicates);
    T_FALSE(one.result.carcass);
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT relname FROM pg_class WHERE relname ~ '^u(_|$)' AND relkind IN ('i', 'I')"), "");
}

SG_TEST(keys_with_their_counts)
{
    one_begin("CREATE TABLE t (a int, b text); INSERT INTO t SELECT 7, 'Eva@Example.com' FROM generate_series(1, 3);"
              "INSERT INTO t VALUES (8, 'x'), (8, 'X'), (9, 'x'), (10, 'x')", false, "", NOT_UNIQUE "columns = a, lower(b)\n");
    expect_failed();
    T_EQ_STR(one_detail(), "(a, lower(b)) = (7, eva@example.com): 3 rows\n(a, lower(b)) = (8, x): 2 rows");
    T_EQ_STR(one_hint(), "Have a backfill make the keys unique, and name it in [index u]: requires = backfill:KEY.");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT state, sqlstate, message LIKE '%(8, x): 2 rows%' FROM sgrun.indexes"), "failed|23505|t");
    sg_sql_exec(one.sql, "DELETE FROM t WHERE a < 9");
    T_EQ_STR(one_built(), "built");
}

SG_TEST(ten_and_how_many_more)
{
    const char *at;
    int lines = 1;

    one_begin("CREATE TABLE t (a int); INSERT INTO t SELECT g % 25 FROM generate_series(1, 80) g", false, "", NOT_UNIQUE "columns = a\n");
    expect_failed();
    T_CONTAINS(one_detail(), "(a) = (1): 4 rows\n(a) = (2): 4 rows\n");
    T_CONTAINS(one_detail(), "\nand 15 more keys of several rows");
    for (at = one_detail(); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    T_EQ_INT(lines, 11);
}

SG_TEST(as_the_index_sees_them)
{
    /* only rows of the predicate, of which alone the expression can be asked; NULLs are not equal */
    one_begin("CREATE TABLE t (a int, b int, c text); INSERT INTO t VALUES (1, 0, 'x'), (1, 0, 'x'), (NULL, 1, 'x'), (NULL, 1, 'x'),"
              " (2, 1, 'y'), (2, 1, 'y'), (3, 2, 'z')", false, "", NOT_UNIQUE "columns = a, (10 / b)\nwhere = b <> 0\n");
    expect_failed();
    T_EQ_STR(one_detail(), "(a, (10 / b)) = (2, 10): 2 rows");
}

SG_TEST(nulls_not_distinct)
{
    if (sg_server_version() < 15)
        T_SKIP("PostgreSQL 15 has NULLS NOT DISTINCT");
    one_begin("CREATE TABLE t (a int, b int); INSERT INTO t VALUES (NULL, 1), (NULL, 1), (NULL, 2)", false, "",
              NOT_UNIQUE "columns = a, b\nnulls_not_distinct = yes\n");
    expect_failed();
    T_EQ_STR(one_detail(), "(a, b) = (NULL, 1): 2 rows");
}

SG_TEST(by_its_collation)
{
    one_begin("CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
              "CREATE TABLE t (a text COLLATE same, b text); INSERT INTO t VALUES ('Eva', 'k'), ('EVA', 'l'), ('x', 'q'), ('y', 'Q')", false, "",
              NOT_UNIQUE "columns = a\n");
    expect_failed();
    T_CONTAINS(one_detail(), "): 2 rows");
    one_section("", NOT_UNIQUE "columns = b COLLATE public.same\n");
    expect_failed();
    T_CONTAINS(one_detail(), "): 2 rows");
    one_section("", "[index other]\ntable = t\nunique = yes\ncolumns = b\n");
    T_EQ_STR(one_built(), "built");
}

SG_TEST(rows_of_children_are_not_the_parents)
{
    one_begin("CREATE TABLE t (a int); CREATE TABLE child () INHERITS (t); INSERT INTO t VALUES (1), (1), (2); INSERT INTO child VALUES (1), (2)",
              false, "", NOT_UNIQUE "columns = a\n");
    expect_failed();
    T_EQ_STR(one_detail(), "(a) = (1): 2 rows");
}

/* A row value with a NULL in it is no NULL to an index. */
SG_TEST(row_values)
{
    one_begin("CREATE TYPE pair AS (x int, y int); CREATE TABLE t (p pair);"
              "INSERT INTO t VALUES (ROW(1, NULL)), (ROW(1, NULL)), (NULL), (NULL)", false, "", NOT_UNIQUE "columns = p\n");
    expect_failed();
    T_EQ_STR(one_detail(), "(p) = ((1,)): 2 rows");
}

SG_TEST(long_and_odd_values_are_cut_and_cleaned)
{
    one_begin("CREATE TABLE t (a text, \"odd \"\" name\" text); INSERT INTO t SELECT repeat('é', 500), E'two\\nlines\\x1b[31m' FROM generate_series(1, 2)",
              false, "", NOT_UNIQUE "columns = a, \"odd \"\" name\"\n");
    expect_failed();
    T_LT_INT(strlen(one_detail()), 400);
    T_CONTAINS(one_detail(), "é…, two lines");
    T_LACKS(one_detail(), "\x1b");
    T_CONTAINS(one_detail(), ": 2 rows");
}

#define BACKFILL(key) "[backfill " key "]\nplugin = p\n"

SG_TEST(the_required_backfill_is_named)
{
    one_begin("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)", false, "", BACKFILL("dedupe") BACKFILL("second")
              NOT_UNIQUE "columns = a\nrequires = backfill:dedupe\n");
    expect_failed();
    T_CONTAINS(one_hint(), "requires backfill:dedupe");
    T_CONTAINS(one_hint(), "sgrun backfill --again dedupe");
    one_section("", BACKFILL("dedupe") BACKFILL("second") NOT_UNIQUE "columns = a\nrequires = backfill:dedupe backfill:second\n");
    expect_failed();
    T_CONTAINS(one_hint(), "requires backfill:dedupe, backfill:second");
    T_CONTAINS(one_hint(), "sgrun backfill --again KEY");
}

/* What the server said itself stays, and why there is no more. */
SG_TEST(no_more_within_read_seconds)
{
    int64_t begun;

    one_begin("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);"
              "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
              " $$BEGIN IF current_setting('transaction_read_only') = 'on' THEN PERFORM pg_sleep(60); END IF; RETURN $1; END$$",
              false, "read_seconds = 1\n", NOT_UNIQUE "columns = slow(a)\n");
    begun = sg_test_now_ms();
    expect_failed();
    T_LT_INT(sg_test_now_ms() - begun, 30000); /* one key alone sleeps for 60 s */
    T_CONTAINS(one_detail(), "Key (slow(a))=(1) is duplicated. (schema public, table t, constraint u)\nWhich other keys are not unique could not be read within read_seconds (1 s).");
}

/* While the builder drops its carcass the rows are mended. */
static void mend(const struct sg_index_progress *progress)
{
    if (progress->doing != NULL && strstr(progress->doing, "drops") != NULL) {
        sg_sql_exec(one.sql, "DELETE FROM t");
        sg_sql_exec(holder, "COMMIT");
        one.meanwhile = NULL;
    }
}

SG_TEST(none_is_there_any_more)
{
    one_begin("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); CREATE TABLE other (a int)", false, "", NOT_UNIQUE "columns = a\n");
    holder = sg_sql_open(one.conninfo);
    sg_sql_exec(holder, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t"); /* keeps the drop waiting */
    one.meanwhile = mend;
    expect_failed();
    T_CONTAINS(one_detail(), "Key (a)=(1) is duplicated. (schema public, table t, constraint u)\nNo key has more than one row any more");
}

/* A role that owns the table, and may not see all of its rows. */
SG_TEST(a_role_that_may_not_read)
{
    one_begin("CREATE ROLE blind LOGIN; GRANT ALL ON SCHEMA public TO blind; CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);"
              "ALTER TABLE t OWNER TO blind; REVOKE ALL ON t FROM blind", false, "", NOT_UNIQUE "columns = a\n");
    sg_sql_exec(one.sql, "GRANT USAGE ON SCHEMA sgrun TO blind; GRANT ALL ON ALL TABLES IN SCHEMA sgrun TO blind");
    one_section_as("blind", NOT_UNIQUE "columns = a\n");
    expect_failed();
    T_CONTAINS(one_detail(), "Duplicate keys exist. (schema public, table t, constraint u)\nWhich other keys are not unique could not be read: permission denied for table t");
    sg_sql_exec(one.sql, "ALTER TABLE t OWNER TO postgres; DROP OWNED BY blind; DROP ROLE blind");
}

SG_TEST(behind_a_pooler)
{
    one_begin("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1), (2)", true, "", NOT_UNIQUE "columns = a\n");
    expect_failed();
    T_EQ_STR(one_detail(), "(a) = (1): 2 rows");
}

static const struct sg_test tests[] = {
    SG_CASE(keys_with_their_counts), SG_CASE(ten_and_how_many_more), SG_CASE(as_the_index_sees_them), SG_CASE(nulls_not_distinct),
    SG_CASE(by_its_collation), SG_CASE(rows_of_children_are_not_the_parents), SG_CASE(row_values),
    SG_CASE(long_and_odd_values_are_cut_and_cleaned), SG_CASE(the_required_backfill_is_named), SG_CASE(no_more_within_read_seconds),
    SG_CASE(none_is_there_any_more), SG_CASE(a_role_that_may_not_read), SG_CASE(behind_a_pooler), SG_CASES_END};
static const struct sg_suite suites[] = {{"duplicates", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
