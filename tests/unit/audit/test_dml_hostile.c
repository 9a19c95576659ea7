/* Data work in texts that nobody sane would write: deep, long, many. They are read in the time that their length asks for. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/shorten.h"
#include "core/base/buf.h"

static const char tables[] = "CREATE TABLE t (id int PRIMARY KEY, a text);";

static void release(void *buf)
{
    sg_buf_release(buf);
    free(buf);
}

static struct sg_buf *text(const char *start)
{
    struct sg_buf *buf = sg_xcalloc(1, sizeof *buf);

    sg_buf_init(buf, 0);
    sg_buf_adds(buf, start);
    sg_test_defer(release, buf);
    return buf;
}

/* The only operation of it. */
static const struct sg_audit_dml *one(const char *sql)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){tables, sql, NULL});

    if (result->errs.count > 0)
        T_FATAL("%s", result->errs.list[0].primary);
    T_MUST_EQ_INT(result->dml_count, 1);
    return &result->dml[0];
}

SG_TEST(many_rows)
{
    for (int rows = 50000; rows <= 500000; rows *= 10) {
        struct sg_buf *sql = text("INSERT INTO t (id, a) VALUES ");
        int64_t start = sg_test_now_ms();
        const struct sg_audit_dml *dml;

        for (int i = 0; i < rows; i++)
            sg_buf_addf(sql, "%s(%d, 'row, (%d)')", i > 0 ? ", " : "", i, i);
        sg_buf_adds(sql, " ON CONFLICT (id) DO NOTHING");
        dml = one(sql->data);
        T_EQ_STR(sg_dml_kind_name(dml->kind), "data_copy");
        T_CONTAINS(dml->reason, sg_test_strf("%d rows written out", rows));
        T_LT_INT(sg_test_now_ms() - start, 60000);
    }
}

SG_TEST(long_literals)
{
    struct sg_buf *sql = text("INSERT INTO t (id, a) VALUES (1, '");
    const struct sg_audit_dml *dml;

    for (int i = 0; i < 20000; i++)
        sg_buf_adds(sql, "page, (with) ''quotes'' VALUES ");
    sg_buf_adds(sql, "'), (2, $x$");
    for (int i = 0; i < 20000; i++)
        sg_buf_adds(sql, "and 'more' ");
    sg_buf_adds(sql, "$x$)");
    dml = one(sql->data);
    T_EQ_STR(sg_dml_kind_name(dml->kind), "seed_insert");
    T_CONTAINS(dml->reason, "2 rows");
    T_LT_INT(strlen(dml->place.text), 310);
}

SG_TEST(long_lists)
{
    struct sg_buf *sql = text("DELETE FROM t WHERE id IN (1");
    const struct sg_audit_dml *dml;

    for (int i = 0; i < 30000; i++)
        sg_buf_addf(sql, ", %d", i);
    sg_buf_adds(sql, ")");
    dml = one(sql->data);
    T_EQ_STR(sg_dml_kind_name(dml->kind), "bulk_delete");
    T_EQ_STR(sg_dml_verdict_name(dml->verdict), "UNSAFE");
    /* an excuse behind the list is still seen */
    sql = text("DELETE FROM t a USING t b WHERE a.id > b.id AND a.id NOT IN (0");
    for (int i = 0; i < 30000; i++)
        sg_buf_addf(sql, ", %d", i);
    sg_buf_adds(sql, ") AND a.a = b.a; CREATE UNIQUE INDEX u ON t (a)");
    T_EQ_STR(sg_dml_kind_name(one(sql->data)->kind), "dedup_for_unique");
}

SG_TEST(what_is_left_out)
{
    struct sg_arena arena = SG_ARENA_INIT;
    size_t left_out;
    struct sg_buf *sql = text("SELECT 1 FROM (VALUES (1)");
    const char *shorter;

    for (int i = 1; i < 700; i++)
        sg_buf_adds(sql, ",(1)");
    sg_buf_adds(sql, ") v WHERE x IN (1, 2)");
    shorter = sg_audit_shorten(&arena, sql->data, sql->length, &left_out);
    T_MUST_NOT_NULL(shorter);
    T_EQ_INT(left_out, 200);
    T_CONTAINS(shorter, ",(1)) v WHERE x IN (1, 2)");
    T_EQ_INT(strlen(shorter), sql->length - 4 * left_out);
    T_EQ_STR(sg_audit_shorten(&arena, "SELECT f(1, 2)", 14, &left_out), "SELECT f(1, 2)");
    T_EQ_INT(left_out, 0);
    T_NULL(sg_audit_shorten(&arena, "DO 'x'", 6, &left_out));
    T_NULL(sg_audit_shorten(&arena, "", 0, &left_out));
    T_EQ_STR(sg_audit_shorten(&arena, "SELECT )))", 10, &left_out), "SELECT )))");
    T_EQ_STR(sg_audit_shorten(&arena, "SELECT (((", 10, &left_out), "SELECT (((");
    sg_arena_release(&arena);
}

SG_TEST(deep_nesting)
{
    struct sg_buf *sql = text("DELETE FROM t WHERE ");
    struct sg_buf *queries = text("DELETE FROM t WHERE id IN ");
    struct sg_buf *nots = text("DELETE FROM t WHERE ");
    const struct sg_audit_result *result;

    for (int i = 0; i < 3000; i++)
        sg_buf_adds(sql, "id = 1 OR (");
    sg_buf_adds(sql, "true");
    for (int i = 0; i < 3000; i++)
        sg_buf_adds(sql, ")");
    for (int i = 0; i < 200; i++)
        sg_buf_adds(queries, "(SELECT id FROM t WHERE id IN ");
    sg_buf_adds(queries, "(SELECT 1)");
    for (int i = 0; i < 200; i++)
        sg_buf_adds(queries, ")");
    for (int i = 0; i < 500; i++)
        sg_buf_adds(nots, "NOT ");
    sg_buf_adds(nots, "(id = 1)");
    /* refused or read, but in time and whole */
    result = look_at(NULL, (const char *const[]){tables, sql->data, NULL});
    T_EQ_INT(result->errs.count + result->dml_count, 1);
    result = look_at(NULL, (const char *const[]){tables, queries->data, NULL});
    T_EQ_INT(result->errs.count + result->dml_count, 1);
    result = look_at(NULL, (const char *const[]){tables, nots->data, NULL});
    T_EQ_INT(result->errs.count + result->dml_count, 1);
}

/* A CTE that names the one before it twice, and so on: 2 to the 40th, if each were read each time. */
SG_TEST(ctes_of_ctes)
{
    struct sg_buf *sql = text("WITH c0 AS (SELECT id FROM t)");
    int64_t start = sg_test_now_ms();

    for (int i = 1; i <= 40; i++)
        sg_buf_addf(sql, ", c%d AS (SELECT a.id FROM c%d a JOIN c%d b ON a.id = b.id)", i, i - 1, i - 1);
    T_EQ_STR(sg_dml_kind_name(one(sg_test_strf("%s DELETE FROM t WHERE id IN (SELECT id FROM c40)", sql->data))->kind), "bulk_delete");
    T_EQ_STR(sg_dml_kind_name(one(sg_test_strf("%s INSERT INTO t SELECT id FROM c40", sql->data))->kind), "data_copy");
    T_EQ_STR(sg_dml_kind_name(one("WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT * FROM a) DELETE FROM t USING a")->kind),
             "bulk_delete");
    T_LT_INT(sg_test_now_ms() - start, 60000);
}

SG_TEST(many_statements)
{
    struct sg_buf *sql = text("");
    int64_t start = sg_test_now_ms();
    const struct sg_audit_result *result;

    for (int i = 0; i < 2000; i++)
        sg_buf_addf(sql, "DELETE FROM t WHERE a = '%d' OR id = %d; ALTER TABLE t ADD COLUMN c%d int; CREATE UNIQUE INDEX ON t (c%d);\n", i,
                    i, i, i);
    result = look_at(NULL, (const char *const[]){tables, sql->data, NULL});
    T_EQ_INT(result->dml_count, 2000);
    T_EQ_INT(result->errs.count, 0);
    T_LT_INT(sg_test_now_ms() - start, 60000);
}

/* Each operation would be compared with each definition. */
SG_TEST(very_many_statements)
{
    struct sg_buf *sql = text("");
    int64_t start = sg_test_now_ms();

    for (int i = 0; i < 4000; i++)
        sg_buf_adds(sql, "DELETE FROM x USING t WHERE x.a = '';\n");
    for (int i = 0; i < 4000; i++)
        sg_buf_adds(sql, "ALTER TABLE x ALTER b SET NOT NULL;\n");
    T_EQ_INT(look_at(NULL, (const char *const[]){tables, sql->data, NULL})->dml_count, 4000);
    T_LT_INT(sg_test_now_ms() - start, 60000);
}

/* More than an index can have: not compared to the end, so never taken for the same. */
SG_TEST(many_columns)
{
    struct sg_buf *sql = text("DELETE FROM t WHERE id NOT IN (SELECT min(id) FROM t GROUP BY c0");

    for (int i = 1; i < 2000; i++)
        sg_buf_addf(sql, ", c%d", i);
    sg_buf_adds(sql, "); CREATE UNIQUE INDEX u ON t (c0");
    for (int i = 1; i < 2000; i++)
        sg_buf_addf(sql, ", c%d", i);
    sg_buf_adds(sql, ")");
    T_EQ_STR(sg_dml_kind_name(one(sql->data)->kind), "bulk_delete");
}

/* A dump of data: the first thousand each for itself, the rest as one that is as large as it is. */
SG_TEST(very_many_inserts)
{
    struct sg_buf sql = SG_BUF_INIT;
    const struct sg_audit_result *result;

    for (int i = 0; i < 5000; i++)
        sg_buf_addf(&sql, "INSERT INTO seeds VALUES (%d);\n", i);
    sg_buf_adds(&sql, "INSERT INTO other VALUES (1); INSERT INTO seeds SELECT * FROM other;");
    result = look_at(NULL, (const char *const[]){"CREATE TABLE seeds (id int); CREATE TABLE other (id int)", sql.data, NULL});
    sg_buf_release(&sql);
    T_EQ_INT(result->dml_count, 1001 + 2);
    T_EQ_INT(result->dml[999].verdict, SG_DML_SAFE);
    T_TRUE(result->dml[1000].verdict != SG_DML_SAFE);
    T_CONTAINS(result->dml[1000].reason, "4000");
    T_EQ_STR(result->dml[1002].type, "INSERT … SELECT");
}

static const struct sg_test tests[] = {SG_CASE(many_rows),    SG_CASE(long_literals), SG_CASE(long_lists),      SG_CASE(what_is_left_out),
                                       SG_CASE(deep_nesting), SG_CASE(ctes_of_ctes),  SG_CASE(many_statements), SG_CASE(many_columns), SG_CASE(very_many_statements),
                                       SG_CASE(very_many_inserts), SG_CASES_END};
static const struct sg_suite suites[] = {{"dml_hostile", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
