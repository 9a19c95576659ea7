/* Keys against a real server: what is learned and refused, and that walking one visits every row once, in the index's order, by the
 * index alone. */
#include "config.h"
#include "core/backfill/key.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/db/dsn.h"
#include "core/plugin/abi.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

static struct sg_arena arena;
static struct sg_err err;
static struct sg_db *db;
static struct sg_key key;
static const char *conninfo;

static void release(void *unused)
{
    (void)unused;
    sg_db_close(db);
    db = NULL;
    sg_err_clear(&err);
    sg_arena_release(&arena);
}

static void script(const char *sql)
{
    if (sg_db_script(db, sql, &err) != 0)
        T_FATAL("%s: %s", sql, err.primary);
}

/* The guards of a session that matter to keys. */
static void begin(void)
{
    script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;SET LOCAL search_path = \"app\", pg_temp;SET LOCAL row_security = off;"
        "SET LOCAL DateStyle = 'ISO';SET LOCAL IntervalStyle = 'postgres';SET LOCAL TimeZone = 'UTC';"
        "SET LOCAL extra_float_digits = 1;SET LOCAL bytea_output = 'hex';SET LOCAL jit = off");
}

/* A database of this test's own, with a schema "app", in which sql has run; and a transaction with guards. */
static void prepare_in(const char *create, const char *sql)
{
    struct sg_server *server = sg_server_shared();
    const char *name = sg_server_new_db(server);
    struct sg_dsn dsn;
    struct sg_sql *session;

    if (create != NULL) {
        session = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
        sg_sql_execf(session, "DROP DATABASE %s", name);
        sg_sql_execf(session, "CREATE DATABASE %s %s", name, create);
        sg_sql_close(session);
    }
    conninfo = sg_server_conninfo(server, name, NULL);
    session = sg_sql_open(conninfo);
    sg_sql_exec(session, "CREATE SCHEMA app; SET search_path = app");
    sg_sql_exec(session, sql);
    sg_sql_close(session);
    sg_test_defer(release, NULL);
    T_MUST_EQ_INT(sg_dsn_parse(conninfo, &arena, &dsn, &err), 0);
    if (sg_db_open(&db, &dsn, "sgrun:test", sg_clock_ms() + 10000, &err) != 0)
        T_FATAL("%s", err.primary);
    begin();
}

static void prepare(const char *sql)
{
    prepare_in(NULL, sql);
}

static void learn(const char *table, const char *columns)
{
    if (sg_key_learn(db, table, columns, &arena, &key, &err) != 0)
        T_FATAL("%s(%s): %s; %s; %s", table, columns, err.primary, err.detail, err.hint);
}

static const char *rows_of(const char *sql)
{
    struct sg_result *result;
    char *text;
    size_t size = 1, at = 0;

    if (sg_db_script_rows(db, sql, &arena, &result, &err) != 0)
        T_FATAL("%s: %s", sql, err.primary);
    for (int pass = 0; pass < 2; pass++) {
        text = pass ? sg_arena_alloc(&arena, size) : NULL;
        for (int row = 0; row < sg_result_rows(result); row++)
            for (int column = 0; column < sg_result_columns(result); column++) {
                const char *value = sg_result_value(result, row, column);
                size_t length = strlen(value);

                if (!pass) {
                    size += length + 1;
                    continue;
                }
                memcpy(text + at, value, length);
                at += length;
                text[at++] = column + 1 < sg_result_columns(result) ? '|' : '\n';
            }
    }
    return text;
}

static const char *columns(void)
{
    const char *all = "";

    for (size_t i = 0; i < key.count; i++)
        all = sg_test_strf("%s%st.%s", all, i > 0 ? ", " : "", key.columns[i]);
    return all;
}

/* As a plugin would: the rows of a batch, by its first and last key. */
static const char *batch_rows(const struct sg_key_batch *batch)
{
    const char *low = "", *high = "";

    for (size_t i = 0; i < key.count; i++) {
        const char *comma = i > 0 ? ", " : "";

        low = sg_test_strf("%s%s%s::%s", low, comma, sg_db_literal(&arena, batch->firsts[i]), key.types[i]);
        high = sg_test_strf("%s%s%s::%s", high, comma, sg_db_literal(&arena, batch->lasts[i]), key.types[i]);
    }
    return rows_of(sg_test_strf(key.count > 1
                                    ? "SELECT %s FROM %s t WHERE ROW(%s) %s ROW(%s) AND ROW(%s) %s ROW(%s) ORDER BY %s"
                                    : "SELECT %s FROM %s t WHERE %s %s %s AND %s %s %s ORDER BY %s",
                                columns(), key.table, columns(), key.greater_equal, low, columns(), key.less_equal, high, key.up));
}

/* Walks the whole table in batches of at most `most` rows: gives how many there were. Every row is in one, in the server's order. */
static int walk(int most)
{
    struct sg_key_span span = { NULL, NULL, NULL };
    struct sg_key_batch batch = { .ends = false };
    const char *all = rows_of(sg_test_strf("SELECT %s FROM %s t ORDER BY %s", columns(), key.table, columns())), *at = all;
    int batches = 0;

    T_MUST_EQ_INT(sg_key_ends(db, &key, &arena, &span.from, &span.to, &err), 0);
    if (span.from == NULL) {
        T_NULL(span.to);
        T_EQ_STR(all, "");
        return 0;
    }
    while (!batch.ends) {
        int64_t limit = 1 + (int64_t)sg_test_rand((uint64_t)most);
        const char *rows;
        int lines = 0;

        if (sg_key_next(db, &key, &span, limit, &arena, &batch, &err) != 0)
            T_FATAL("%s", err.primary);
        T_MUST(batch.firsts != NULL && batch.lasts != NULL);
        rows = batch_rows(&batch);
        for (const char *c = rows; *c != '\0'; c++)
            lines += *c == '\n';
        T_LE_INT(batch.rows, limit);
        T_GE_INT(lines, batch.rows);
        if (key.unique)
            T_EQ_INT(lines, batch.rows);
        if (strncmp(at, rows, strlen(rows)) != 0)
            T_FATAL("batch %d holds %.300s where %.300s follows", batches, rows, at);
        at += strlen(rows);
        span.after = batch.lasts;
        batches++;
    }
    T_EQ_STR(at, "");
    return batches;
}

/* Learns a key and walks it. */
static int walked(const char *table, const char *names, int most)
{
    learn(table, names);
    return walk(most);
}

SG_TEST(walks_numbers)
{
    prepare("CREATE TABLE b (id bigint PRIMARY KEY); INSERT INTO b SELECT g * g * g - 70000 FROM generate_series(1, 1000) g;"
            "INSERT INTO b VALUES (-9223372036854775808), (9223372036854775807);"
            "CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (-7); CREATE TABLE none (id int PRIMARY KEY);"
            "CREATE TABLE n (id numeric(30,10) NOT NULL, f float8 NOT NULL); CREATE INDEX ON n (id); CREATE INDEX ON n (f);"
            "INSERT INTO n SELECT g / 7.0, g / 7.0::float8 FROM generate_series(-300, 300) g;"
            "INSERT INTO n VALUES ('NaN', 'NaN'), (1, 'Infinity'), (2, '-Infinity'), (3, '-0'), (4, 5e-324), (5, 1.7976931348623157e308);"
            "CREATE TABLE d (id int NOT NULL); CREATE UNIQUE INDEX ON d (id DESC); INSERT INTO d SELECT generate_series(1, 500);"
            "CREATE TABLE dl (id int NOT NULL); CREATE INDEX ON dl (id DESC NULLS LAST); INSERT INTO dl SELECT generate_series(1, 500);"
            "CREATE TABLE af (id int NOT NULL); CREATE INDEX ON af (id NULLS FIRST); INSERT INTO af SELECT generate_series(1, 500)");
    T_GT_INT(walked("b", "id", 50), 20);
    T_TRUE(key.unique);
    T_EQ_STR(key.table, "\"app\".\"b\"");
    T_EQ_STR(key.shown, "app.b");
    T_EQ_STR(key.types[0], "\"pg_catalog\".\"int8\"");
    T_EQ_STR(key.less, "OPERATOR(\"pg_catalog\".<)");
    T_EQ_STR(key.less_equal, "OPERATOR(\"pg_catalog\".<=)");
    T_EQ_STR(key.greater, "OPERATOR(\"pg_catalog\".>)");
    T_EQ_STR(key.greater_equal, "OPERATOR(\"pg_catalog\".>=)");
    T_EQ_STR(key.index, "b_pkey");
    T_EQ_INT(walked("app.one", " ID ", 10), 1);
    T_EQ_INT(walked("\"app\".\"none\"", "\"id\"", 10), 0);
    T_GT_INT(walked("n", "id", 30), 10);
    T_FALSE(key.unique);
    T_GT_INT(walked("n", "f", 30), 10);
    T_GT_INT(walked("d", "id", 30), 10);
    T_TRUE(key.unique);
    T_GT_INT(walked("dl", "id", 30), 10);
    T_GT_INT(walked("af", "id", 30), 10);
}

static const struct sg_test tests[] = {
    SG_CASE(walks_numbers),
    SG_CASES_END,
};
static const struct sg_suite suites[] = { { "keys", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
