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

        low = sg_test_strf("%s%s%s::%s%s", low, comma, sg_db_literal(&arena, batch->firsts[i]), key.types[i], key.collations[i]);
        high = sg_test_strf("%s%s%s::%s%s", high, comma, sg_db_literal(&arena, batch->lasts[i]), key.types[i], key.collations[i]);
    }
    return rows_of(sg_test_strf(key.count > 1
                                    ? "SELECT %s FROM %s t WHERE ROW(%s) %s ROW(%s) AND ROW(%s) %s ROW(%s) ORDER BY %s, t.tableoid, t.ctid"
                                    : "SELECT %s FROM %s t WHERE %s %s %s AND %s %s %s ORDER BY %s, t.tableoid, t.ctid",
                                columns(), key.table, columns(), key.greater_equal, low, columns(), key.less_equal, high, key.up));
}

/* Walks the whole table in batches of at most `most` rows: gives how many there were. Every row is in one, in the server's order. */
static int walk(int most)
{
    struct sg_key_span span = { NULL, NULL, NULL };
    struct sg_key_batch batch = { .ends = false };
    const char *all = rows_of(sg_test_strf("SELECT %s FROM %s t ORDER BY %s, t.tableoid, t.ctid", columns(), key.table, columns())), *at = all;
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
        if (strstr(rows, "\n\ttab") == NULL) /* a value of two lines */
            T_EQ_INT(lines, batch.rows + batch.beyond);
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

/* Every type through the same table: 300 rows of what its expression of g gives, some of them equal. */
SG_TEST(walks_every_type)
{
    static const struct {
        const char *type, *of_g;
        bool unique;
    } types[] = {
        { "text COLLATE \"C\"", "chr(97 + g % 26) || repeat('''\\ ', g % 3) || g % 7", false },
        { "text COLLATE \"en-x-icu\"", "CASE g % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'A' WHEN 2 THEN 'ä' ELSE 'Ä-' END || g", true },
        { "text COLLATE blind", "CASE g % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'A' WHEN 2 THEN 'ä' ELSE 'Ä' END || g / 4", false },
        { "text", "repeat(md5(g::text), 1 + g % 60)", true },
        { "varchar(20)", "repeat('x ', g % 9) || chr(200 + g % 80)", false },
        { "varchar(20) COLLATE \"POSIX\"", "repeat('x ', g % 9) || chr(200 + g % 80)", false },
        { "char(5)", "repeat('y', g % 6)", false },
        { "character varying", "CASE WHEN g % 3 = 0 THEN '' ELSE E'line\\n\\ttab' || g END", false },
        { "name", "'Name ' || g", true },
        { "name COLLATE \"en-x-icu\"", "CASE g % 2 WHEN 0 THEN 'a' ELSE 'B' END || g", true },
        { "\"char\"", "chr(33 + g % 90)::\"char\"", false },
        { "citext", "CASE g % 2 WHEN 0 THEN 'key' ELSE 'KEY' END || g / 2", false },
        { "uuid", "md5(g::text)::uuid", true },
        { "bytea", "decode(md5(g::text), 'hex') || '\\x00ff27'::bytea", true },
        { "boolean", "g % 2 = 0", false },
        { "smallint", "g - 150", true },
        { "numeric(12,4)", "(g - 150) * 1.0001", true },
        { "numeric", "(g % 20)::numeric(10,2) / 10", false },
        { "float4", "sqrt(g)::float4", true },
        { "money", "(g * 1.37)::numeric::money", true },
        { "date", "date '4713-01-01 BC' + g * 9000", true },
        { "timestamptz", "timestamptz '2024-03-31 01:59:59.999999+01' + g * interval '17.123457 minutes'", true },
        { "timestamptz(0)", "timestamptz '2024-10-27 00:00:00Z' + g * interval '10 minutes'", true },
        { "timestamp", "CASE WHEN g = 3 THEN 'infinity' WHEN g = 4 THEN '-infinity' ELSE timestamp '0044-03-15 BC' + g * interval '1 day' END", true },
        { "time", "time '00:00' + g * interval '2 minutes'", true },
        { "timetz", "('12:00:' || g % 60 || '+' || g % 12)::timetz", false },
        { "interval", "make_interval(months => g % 5, days => g % 31, secs => g / 7.0 - 20)", true },
        { "interval day to second(3)", "make_interval(days => g % 31, secs => g / 7.0)", true },
        { "inet", "('10.0.' || g % 7 || '.' || g % 256 || '/' || 8 + g % 20)::inet", true },
        { "cidr", "('10.' || g % 256 || '.0.0/16')::cidr", false },
        { "macaddr", "('08:00:2b:01:02:' || to_hex(g % 256))::macaddr", false },
        { "pg_lsn", "pg_lsn '0/0' + g * 1000", true },
        { "bit(9)", "g::bit(9)", true },
        { "bit varying(12)", "(g::bit(9))::bit varying(12) || B'1'", true },
        { "oid", "(4294967295 - g)::oid", true },
        { "regtype", "CASE g % 3 WHEN 0 THEN 'int8'::regtype WHEN 1 THEN 'far.mood'::regtype ELSE g::oid::regtype END", false },
        { "far.mood", "(enum_range(NULL::far.mood))[1 + g % 3]", false },
        { "far.\"Odd \"\"Type\"", "(g % 17)", false },
        { "far.tight", "repeat('t', g % 9)", false },
        { "far.icu", "CASE g % 2 WHEN 0 THEN 'a' ELSE 'B' END || g", true },
        { "far.icu COLLATE \"C\"", "CASE g % 2 WHEN 0 THEN 'a' ELSE 'B' END || g", true },
        { "far.lower", "CASE g % 2 WHEN 0 THEN 'key' ELSE 'KEY' END || g / 2", false },
        { "int[]", "ARRAY[g % 5, NULL, g]", true },
        { "text[]", "ARRAY['a,\"b', NULL, 'NULL', g::text]", true },
        { "int4range", "int4range(g, g + g % 3)", false },
        { "int4multirange", "int4multirange(int4range(g, g + 2), int4range(g + 5, NULL))", true },
        { "far.pair", "ROW(g % 3, CASE WHEN g % 5 = 0 THEN NULL ELSE 'x, \"y' || g END)::far.pair", false },
        { "far.pair[]", "ARRAY[ROW(NULL, NULL), ROW(g, NULL)]::far.pair[]", true },
    };

    prepare_in("TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
               "CREATE EXTENSION citext; CREATE SCHEMA far; CREATE TYPE far.mood AS ENUM ('very sad', 'ok''ish', 'glad');"
               "CREATE DOMAIN far.\"Odd \"\"Type\" AS int CHECK (VALUE >= 0);"
               "CREATE DOMAIN far.tight AS varchar(9); CREATE DOMAIN far.icu AS text COLLATE \"en-x-icu\";"
               "CREATE DOMAIN far.lower AS citext; CREATE TYPE far.pair AS (a int, b text);"
               "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        script(sg_test_strf("CREATE TABLE t%zu (k %s NOT NULL); INSERT INTO t%zu SELECT %s FROM generate_series(1, 300) g;"
                            "CREATE INDEX ON t%zu (k);", i, types[i].type, i, types[i].of_g, i));
        /* what is there may be what the domain would not take today */
        if (strcmp(types[i].type, "far.tight") == 0)
            script("ALTER DOMAIN far.tight ADD CHECK (VALUE = 'nothing') NOT VALID");
        learn(sg_test_strf("t%zu", i), "k");
        if (walk(40) < (types[i].unique ? 8 : 1))
            T_FAIL("%s: too few batches", types[i].type);
        if (types[i].unique)
            T_EQ_STR(sg_test_strf("%s %s", types[i].type, rows_of(sg_test_strf("SELECT count(DISTINCT k) FROM t%zu", i))),
                     sg_test_strf("%s 300\n", types[i].type));
    }
}

SG_TEST(walks_composites)
{
    prepare("CREATE TABLE c (business_id int, id uuid, PRIMARY KEY (business_id, id));"
            "INSERT INTO c SELECT g % 3, md5(g::text)::uuid FROM generate_series(1, 400) g;"
            "INSERT INTO c SELECT 7, md5(g::text)::uuid FROM generate_series(1, 3) g;"
            "CREATE TABLE d (a date NOT NULL, b text COLLATE \"C\" NOT NULL, c varchar(4) NOT NULL, \"Wei\"\"rd, col\" char(3) NOT NULL, x int);"
            "CREATE INDEX wide ON d (c DESC, b DESC, a DESC, x); CREATE INDEX part ON d (c DESC, b DESC, a) ;"
            "CREATE INDEX mixed ON d (a NULLS FIRST, \"Wei\"\"rd, col\" NULLS LAST, b NULLS FIRST);"
            "INSERT INTO d SELECT date '2024-01-01' + g % 5, repeat('b', g % 4), repeat('c', g % 3), g % 11, g FROM generate_series(1, 500) g");
    T_GT_INT(walked("c", "business_id, id", 30), 10);
    T_TRUE(key.unique);
    T_GT_INT(walked("c", "business_id", 30), 3); /* the first of the index's: half of the table is one key */
    T_FALSE(key.unique);
    T_GT_INT(walked("d", "c,b,a", 30), 10);
    T_EQ_STR(key.index, "wide");
    T_GT_INT(walked("d", " A , \"Wei\"\"rd, col\"", 30), 5);
    T_GT_INT(walked("d", " A , \"Wei\"\"rd, col\",b", 30), 10);
    T_EQ_STR(key.index, "mixed");
}

SG_TEST(walks_ties)
{
    struct sg_key_span span = { NULL, NULL, NULL };
    struct sg_key_batch batch;
    sg_key_values at;
    int64_t rows;

    prepare("CREATE TABLE same (k int NOT NULL); CREATE INDEX ON same (k); INSERT INTO same SELECT 5 FROM generate_series(1, 2000);"
            "CREATE TABLE heavy (k int NOT NULL, j int NOT NULL); CREATE INDEX ON heavy (k, j);"
            "INSERT INTO heavy SELECT CASE WHEN g % 10 = 0 THEN g ELSE 500 END, g % 3 FROM generate_series(1, 1000) g");
    T_EQ_INT(walked("same", "k", 10), 1);
    T_MUST_EQ_INT(sg_key_ends(db, &key, &arena, &span.from, &span.to, &err), 0);
    T_EQ_INT(sg_key_next(db, &key, &span, 10, &arena, &batch, &err), 0);
    T_EQ_INT(batch.rows, 10);
    T_TRUE(batch.ends);
    T_EQ_STR(batch.lasts[0], "5");
    T_EQ_INT(sg_key_cut(db, &key, &span, 100, &arena, &at, &rows, &err), 0);
    T_NULL(at); /* nothing could be given away */
    T_GT_INT(walked("heavy", "k", 7), 10);
    T_GT_INT(walked("heavy", "k, j", 7), 10);
}

SG_TEST(says_where_a_span_ends)
{
    static const char *const two[] = { "2" }, *const eight[] = { "8" }, *const nine[] = { "9" }, *const hundred[] = { "100" };
    struct sg_key_span span = { NULL, two, nine };
    struct sg_key_batch batch;
    sg_key_values at;
    int64_t rows;

    prepare("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT 2 * g FROM generate_series(0, 30000) g");
    learn("t", "id");
    T_EQ_INT(sg_key_next(db, &key, &span, 2, &arena, &batch, &err), 0); /* 2, 4 */
    T_EQ_STR(batch.firsts[0], "2");
    T_EQ_STR(batch.lasts[0], "4");
    T_EQ_INT(batch.rows, 2);
    T_FALSE(batch.ends);
    T_EQ_INT(sg_key_next(db, &key, &span, 4, &arena, &batch, &err), 0); /* 2 to 8, and 9 is nobody */
    T_EQ_STR(batch.lasts[0], "8");
    T_EQ_INT(batch.rows, 4);
    T_FALSE(batch.ends);
    span.after = eight;
    T_EQ_INT(sg_key_next(db, &key, &span, 4, &arena, &batch, &err), 0);
    T_NULL(batch.firsts);
    T_NULL(batch.lasts);
    T_EQ_INT(batch.rows, 0);
    T_TRUE(batch.ends);
    span.after = NULL;
    T_EQ_INT(sg_key_next(db, &key, &span, 5, &arena, &batch, &err), 0); /* one fewer than asked for */
    T_EQ_STR(batch.lasts[0], "9");
    T_EQ_INT(batch.rows, 4);
    T_TRUE(batch.ends);
    span.to = eight;
    T_EQ_INT(sg_key_next(db, &key, &span, 4, &arena, &batch, &err), 0); /* the last one is the end */
    T_EQ_STR(batch.lasts[0], "8");
    T_TRUE(batch.ends);

    /* cuts */
    T_EQ_INT(sg_key_cut(db, &key, &span, 3, &arena, &at, &rows, &err), 0);
    T_EQ_STR(at == NULL ? NULL : at[0], "6");
    T_EQ_INT(rows, 3);
    T_EQ_INT(sg_key_cut(db, &key, &span, 4, &arena, &at, &rows, &err), 0);
    T_NULL(at);
    T_EQ_INT(rows, 4);
    T_EQ_INT(sg_key_cut(db, &key, &span, 400000, &arena, &at, &rows, &err), 0);
    T_NULL(at);
    T_EQ_INT(rows, 4);
    span.to = nine;
    T_EQ_INT(sg_key_cut(db, &key, &span, 4, &arena, &at, &rows, &err), 0);
    T_NULL(at);
    T_EQ_INT(rows, 4);
    span.after = hundred;
    T_EQ_INT(sg_key_cut(db, &key, &span, 4, &arena, &at, &rows, &err), 0);
    T_NULL(at);
    T_EQ_INT(rows, 0);
    T_EQ_INT(sg_key_ends(db, &key, &arena, &span.from, &span.to, &err), 0);
    T_EQ_STR(span.from[0], "0");
    T_EQ_STR(span.to[0], "60000");
    T_EQ_INT(sg_key_cut(db, &key, &span, 25000, &arena, &at, &rows, &err), 0); /* 102 to 50,100, in three steps */
    T_EQ_STR(at == NULL ? NULL : at[0], "50100");
    T_EQ_INT(rows, 25000);
    T_EQ_INT(sg_key_cut(db, &key, &span, 29950, &arena, &at, &rows, &err), 0);
    T_NULL(at);
    T_EQ_INT(rows, 29950);
}

SG_TEST(walks_partitions)
{
    prepare("CREATE TABLE r (id bigint NOT NULL, x int) PARTITION BY RANGE (id); CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (100);"
            "CREATE TABLE r2 (x int, gone int, id bigint NOT NULL); ALTER TABLE r2 DROP COLUMN gone;"
            "ALTER TABLE r ATTACH PARTITION r2 FOR VALUES FROM (100) TO (700); CREATE TABLE rd PARTITION OF r DEFAULT;"
            "CREATE INDEX ON r (id); INSERT INTO r SELECT generate_series(1, 1000);"
            "CREATE TABLE h (a int, b text COLLATE \"C\", PRIMARY KEY (a, b)) PARTITION BY HASH (b);"
            "CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (a);"
            "CREATE TABLE h00 PARTITION OF h0 FOR VALUES FROM (0) TO (5); CREATE TABLE h01 PARTITION OF h0 DEFAULT;"
            "CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
            "INSERT INTO h SELECT g % 13, g FROM generate_series(1, 700) g; CREATE TABLE bare (id int NOT NULL) PARTITION BY LIST (id);"
            "CREATE INDEX ON bare (id)");
    T_GT_INT(walked("r", "id", 30), 20);
    T_FALSE(key.unique);
    T_GT_INT(walked("h", "a, b", 30), 20);
    T_TRUE(key.unique);
    T_GT_INT(walked("h01", "a, b", 30), 5);
    T_EQ_INT(walked("bare", "id", 30), 0);
}

static void refused(const char *table, const char *names, const char *primary, const char *detail, const char *hint)
{
    sg_err_clear(&err);
    T_EQ_INT(sg_key_learn(db, table, names, &arena, &key, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "refused");
    T_EQ_STR(err.primary, primary);
    if (detail != NULL)
        T_EQ_STR(err.detail, detail);
    T_CONTAINS(err.hint != NULL ? err.hint : "", hint);
}

SG_TEST(refuses)
{
    prepare_in("TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
               "CREATE EXTENSION citext; CREATE VIEW v AS SELECT 1 AS id; CREATE MATERIALIZED VIEW m AS SELECT 1 AS id;"
               "CREATE TABLE t (id int PRIMARY KEY, n int, a int NOT NULL, b int NOT NULL, c text NOT NULL, ci citext NOT NULL, j json NOT NULL,"
               " p int NOT NULL, h int NOT NULL, o text NOT NULL, l text NOT NULL, e int NOT NULL, i int NOT NULL, v varchar NOT NULL, v2 varchar NOT NULL);"
               "CREATE INDEX n_idx ON t (n); CREATE INDEX ab_idx ON t (a, b DESC); CREATE INDEX p_idx ON t (p) WHERE p > 0;"
               "CREATE INDEX h_idx ON t USING hash (h); CREATE INDEX o_idx ON t (o text_pattern_ops); CREATE INDEX l_idx ON t (l COLLATE \"POSIX\");"
               "CREATE INDEX e_idx ON t ((e + 0)); CREATE INDEX cia_idx ON t (ci, a); CREATE INDEX i_idx ON t (b) INCLUDE (i);"
               "CREATE INDEX v_idx ON t (v bpchar_ops); CREATE INDEX v2_idx ON t (v2 varchar_ops);"
               "CREATE TABLE \"Odd \"\"T\" (\"a b\" int, \"select\" int NOT NULL);"
               "CREATE TABLE part (id int NOT NULL) PARTITION BY LIST (id); CREATE TABLE part1 PARTITION OF part DEFAULT;"
               "CREATE INDEX part_idx ON ONLY part (id);"
               "CREATE TABLE bad (id int NOT NULL); INSERT INTO bad VALUES (1), (1)");
    {
        struct sg_sql *session = sg_sql_open(conninfo);

        sg_sql_expect(session, "CREATE UNIQUE INDEX CONCURRENTLY bad_idx ON app.bad (id)", "23505");
        sg_sql_close(session);
    }
    refused("nowhere", "id", "the backfill's table nowhere does not exist", NULL, "SG_BACKFILL");
    refused("v", "id", "app.v is a view: a backfill's ranges are of a table", NULL, "SG_DRAIN");
    refused("m", "id", "app.m is a materialized view: a backfill's ranges are of a table", NULL, "SG_BACKFILL");
    refused("t_pkey", "id", "app.t_pkey is an index: a backfill's ranges are of a table", NULL, "SG_BACKFILL");
    refused("t", "nix", "table app.t has no column nix, which the backfill's key names", NULL, "SG_BACKFILL");
    refused("t", "\"ID\"", "table app.t has no column \"ID\", which the backfill's key names", NULL, "SG_BACKFILL");
    refused("t", "t.id", "table app.t has no column t.id, which the backfill's key names", NULL, "SG_BACKFILL");
    refused("t", "ctid", "table app.t has no column ctid, which the backfill's key names", NULL, "SG_BACKFILL");
    refused("t", "id, ID", "the backfill's key on app.t names column id twice", NULL, "once");
    refused("t", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "the key has more than 16 columns", NULL, "fewer");
    refused("t", "n", "column n of app.t may be NULL: rows with NULL keys are in no range", NULL,
            "ALTER TABLE app.t ALTER COLUMN n SET NOT NULL;");
    refused("t", "j", "column j of app.t is of type json, which has no order", NULL, "btree");
    refused("t", "c", "no index of app.t can walk the backfill's key (c)", NULL, "CREATE INDEX CONCURRENTLY ON app.t (c);");
    T_NULL(err.detail);
    refused("t", "a, b", "no index of app.t can walk the backfill's key (a, b)",
            "Index app.ab_idx has columns in both directions (ASC and DESC).", "CREATE INDEX CONCURRENTLY ON app.t (a, b);");
    refused("t", "b, a", "no index of app.t can walk the backfill's key (b, a)", NULL, "CREATE INDEX CONCURRENTLY ON app.t (b, a);");
    refused("t", "b, i", "no index of app.t can walk the backfill's key (b, i)", NULL, "CREATE INDEX CONCURRENTLY ON app.t (b, i);");
    refused("t", "p", "no index of app.t can walk the backfill's key (p)", "Index app.p_idx is partial (WHERE): it does not have all rows.",
            "CREATE INDEX CONCURRENTLY ON app.t (p);");
    refused("t", "h", "no index of app.t can walk the backfill's key (h)", "Index app.h_idx is no btree.",
            "CREATE INDEX CONCURRENTLY ON app.t (h);");
    refused("t", "o", "no index of app.t can walk the backfill's key (o)", "Index app.o_idx has another operator class than the default.",
            "CREATE INDEX CONCURRENTLY ON app.t (o);");
    refused("t", "v", "no index of app.t can walk the backfill's key (v)", "Index app.v_idx has another operator class than the default.",
            "CREATE INDEX CONCURRENTLY ON app.t (v);");
    refused("t", "l", "no index of app.t can walk the backfill's key (l)", "Index app.l_idx has another collation than the column.",
            "CREATE INDEX CONCURRENTLY ON app.t (l);");
    refused("t", "e", "no index of app.t can walk the backfill's key (e)", NULL, "CREATE INDEX CONCURRENTLY ON app.t (e);");
    refused("t", "ci, a", "column ci of app.t is of type citext, whose operators are not PostgreSQL's own: it cannot be part of a key of"
            " several columns", NULL, "one column");
    refused("bad", "id", "no index of app.bad can walk the backfill's key (id)",
            "Index app.bad_idx is not valid: it is being built, or its build failed.", "REINDEX INDEX CONCURRENTLY app.bad_idx;");
    refused("part", "id", "no index of app.part can walk the backfill's key (id)",
            "Index app.part_idx is not valid: not every partition has its part of it yet.", "ALTER INDEX app.part_idx ATTACH PARTITION");
    script("DROP INDEX part_idx");
    refused("part", "id", "no index of app.part can walk the backfill's key (id)", NULL,
            "CREATE INDEX ON app.part (id); it is built partition by partition");
    refused("\"Odd \"\"T\"", "\"a b\"", "column \"a b\" of app.\"Odd \"\"T\" may be NULL: rows with NULL keys are in no range", NULL,
            "ALTER TABLE app.\"Odd \"\"T\" ALTER COLUMN \"a b\" SET NOT NULL;");
    refused("\"Odd \"\"T\"", "\"select\"", "no index of app.\"Odd \"\"T\" can walk the backfill's key (\"select\")", NULL,
            "CREATE INDEX CONCURRENTLY ON app.\"Odd \"\"T\" (\"select\");");
    learn("t", "ci");
    learn("t", "v2");
    script("CREATE TABLE child () INHERITS (t)");
    refused("t", "id", "table app.t has children by inheritance: one index does not have all of its rows", "One is app.child.", "SG_DRAIN");
    script("DROP TABLE child");
    learn("t", "id");
    script("CREATE FOREIGN DATA WRAPPER f; CREATE SERVER s FOREIGN DATA WRAPPER f; CREATE TABLE fp (id int NOT NULL) PARTITION BY LIST (id);"
           "CREATE INDEX ON fp (id); CREATE FOREIGN TABLE \"Away\" PARTITION OF fp DEFAULT SERVER s");
    refused("fp", "id", "partition app.\"Away\" of app.fp is a foreign table, which no index here can walk", NULL, "each");
}

/* Names are looked up by the session's search_path, as the plugin's own statements are; types and operators are not. */
SG_TEST(looks_names_up_as_sql_does)
{
    prepare("CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);"
            "CREATE TABLE \"T\" (\"Id\" int PRIMARY KEY); CREATE TABLE other.far (id int PRIMARY KEY);"
            "CREATE FUNCTION wrong(int, int) RETURNS bool LANGUAGE sql AS 'SELECT 1/0 > 0'; CREATE OPERATOR < (LEFTARG = int, RIGHTARG = int, FUNCTION = wrong);"
            "CREATE OPERATOR >= (LEFTARG = int, RIGHTARG = int, FUNCTION = wrong); CREATE DOMAIN int8 AS text");
    learn("T", "ID");
    T_EQ_STR(key.table, "\"app\".\"t\"");
    T_EQ_STR(key.columns[0], "\"id\"");
    learn("\"T\"", "\"Id\"");
    T_EQ_STR(key.table, "\"app\".\"T\"");
    T_EQ_STR(key.shown, "app.\"T\"");
    T_EQ_STR(key.names[0], "\"Id\"");
    learn(" other . T ", "id");
    T_EQ_STR(key.shown, "other.t");
    refused("far", "id", "the backfill's table far does not exist", NULL, "schema");
    script("SET LOCAL search_path = other, app, pg_temp");
    learn("t", "id");
    T_EQ_STR(key.shown, "other.t");
    script("SET LOCAL search_path = app, pg_catalog");
    T_EQ_INT(walked("t", "id", 3), 1);
}

SG_TEST(takes_its_settings_back)
{
    static const char sql[] = "SELECT name, setting FROM pg_settings ORDER BY name";
    struct sg_key_span span = { NULL, NULL, NULL };
    struct sg_key_batch batch;
    sg_key_values at;
    const char *before;
    int64_t rows;

    prepare("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 30);"
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_sort = off', current_database()); END $$");
    before = rows_of(sql);
    learn("t", "id");
    T_EQ_INT(sg_key_ends(db, &key, &arena, &span.from, &span.to, &err), 0);
    T_EQ_STR(rows_of(sql), before);
    T_EQ_INT(sg_key_next(db, &key, &span, 10, &arena, &batch, &err), 0);
    T_EQ_STR(rows_of(sql), before);
    T_EQ_INT(sg_key_cut(db, &key, &span, 10, &arena, &at, &rows, &err), 0);
    T_EQ_STR(rows_of(sql), before);
    T_EQ_INT(sg_key_estimate(db, &key, &arena, &rows, &err), 0);
    T_EQ_STR(rows_of(sql), before);
}

SG_TEST(estimates)
{
    int64_t rows;

    prepare("CREATE TABLE t (id int PRIMARY KEY) WITH (autovacuum_enabled = off); INSERT INTO t SELECT generate_series(1, 50000); ANALYZE t;"
            "CREATE TABLE none (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY) PARTITION BY HASH (id);"
            "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
            "INSERT INTO p SELECT generate_series(1, 20000); ANALYZE p; CREATE TABLE bare (id int PRIMARY KEY) PARTITION BY LIST (id)");
    learn("t", "id");
    T_EQ_INT(sg_key_estimate(db, &key, &arena, &rows, &err), 0);
    T_EQ_INT(rows, 50000);
    learn("p", "id");
    T_EQ_INT(sg_key_estimate(db, &key, &arena, &rows, &err), 0);
    T_EQ_INT(rows, 20000);
    learn("none", "id");
    T_EQ_INT(sg_key_estimate(db, &key, &arena, &rows, &err), 0);
    T_GE_INT(rows, 0);
    T_LT_INT(rows, 5000);
    learn("bare", "id");
    T_EQ_INT(sg_key_estimate(db, &key, &arena, &rows, &err), 0);
    T_EQ_INT(rows, 0);
}

SG_TEST(shows_keys_to_people)
{
    static const char *const names[] = { "id", "\"Wei rd\"" };
    static const char *const plain[] = { "4711", "a@b.c" }, *const odd[] = { "", "it's, \"so\"" };
    const char *longest[2];
    char text[200];
    struct sg_key pair = { .count = 2, .names = names }, single = { .count = 1, .names = names };

    sg_test_defer(release, NULL);
    T_EQ_STR(sg_key_text(&single, plain, &arena), "id = 4711");
    T_EQ_STR(sg_key_text(&pair, plain, &arena), "(id, \"Wei rd\") = (4711, a@b.c)");
    T_EQ_STR(sg_key_text(&pair, odd, &arena), "(id, \"Wei rd\") = ('', 'it's, \"so\"')");
    memset(text, 'x', 199);
    text[199] = '\0';
    memcpy(text + 99, "\xC3\xA9", 2); /* a character of two bytes, at the limit */
    longest[0] = longest[1] = text;
    T_EQ_STR(sg_key_text(&single, longest, &arena), sg_test_strf("id = %.99s…", text));
}

/* What cannot be a name ends the transaction. */
SG_TEST(refuses_what_is_no_name)
{
    static const char *const wrong[][2] = {
        { "", "id" }, { "a b", "id" }, { "a.b.c", "id" }, { "a.b.c.d", "id" }, { "\"open", "id" }, { "t", "" }, { "t", "id," },
        { "t", "id desc" }, { "t", "lower(id)" }, { "t", "\"open" }, { "t", "id; DROP TABLE t" }, { "t", "\"\"" }, { ".", "id" },
    };

    prepare("CREATE TABLE t (id int PRIMARY KEY)");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sg_err_clear(&err);
        T_EQ_INT(sg_key_learn(db, wrong[i][0], wrong[i][1], &arena, &key, &err), -1);
        if (err.class != SG_CLASS_REFUSED)
            T_FAIL("%s(%s): %s: %s %s", wrong[i][0], wrong[i][1], sg_class_name(err.class), err.sqlstate, err.primary);
        T_NOT_NULL(err.hint);
        sg_db_rollback(db);
        begin();
    }
}

SG_TEST(takes_hostile_names)
{
    static const char *const names[] = {
        "a b", "quo\"te", "apo'strophe", "back\\slash", "select", "Ünïcödé \xF0\x9F\x90\x98", "per%s%n%cent", "$1", "a,b", "a.b", "{x}", "k0",
        "there", "t", "one", "l", "0123456789012345678901234567890123456789012345678901234567 63b", "new\nline", "-- ", "/* ",
    };

    prepare_in("TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'", "SELECT 1");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *name = sg_db_identifier(&arena, names[i]);
        const char *schema = sg_db_identifier(&arena, sg_test_strf("s %zu \"", i));
        const char *far = sg_db_identifier(&arena, sg_test_strf("far %zu '", i));

        script(sg_test_strf("CREATE SCHEMA %s; CREATE SCHEMA %s; CREATE TYPE %s.%s AS ENUM ('a', 'b''', '\"', '\\'); CREATE TABLE %s.%s (%s %s.%s NOT NULL, \"x\"\"\" int NOT NULL);"
                            "INSERT INTO %s.%s SELECT (enum_range(NULL::%s.%s))[1 + g %% 4], g FROM generate_series(1, 100) g;"
                            "CREATE INDEX ON %s.%s (%s, \"x\"\"\")",
                            schema, far, far, name, schema, name, name, far, name, schema, name, far, name, schema, name, name));
        T_GT_INT(walked(sg_test_strf("%s.%s", schema, name), sg_test_strf("%s, \"x\"\"\"", name), 9), 9);
        T_GT_INT(walked(sg_test_strf("%s.%s", schema, name), name, 9), 0);
    }
    /* one too long is cut as SQL does */
    script("CREATE TABLE l (a123456789012345678901234567890123456789012345678901234567890123456789 int PRIMARY KEY)");
    learn("l", "a123456789012345678901234567890123456789012345678901234567890123456789");
}

/* Read of the table's indexes since the last call in this transaction: entries, pages; and sequential scans. */
struct spent {
    int64_t entries, pages, scans;
};

static struct spent spend(void)
{
    static struct spent before;
    struct spent now, since;
    struct sg_result *result;
    const char *sql = sg_test_strf("SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_returned(i.indexrelid)),"
                                   " pg_catalog.sum(pg_catalog.pg_stat_get_xact_blocks_fetched(i.indexrelid)),"
                                   " (SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_numscans(r)) FROM rels r)"
                                   " FROM pg_catalog.pg_index i WHERE i.indrelid IN (SELECT r FROM rels r)");

    sql = sg_test_strf("WITH rels(r) AS (SELECT relid::oid FROM pg_catalog.pg_partition_tree(%u) UNION SELECT %u::oid) %s", key.oid,
                       key.oid, sql);
    if (sg_db_script_rows(db, sql, &arena, &result, &err) != 0)
        T_FATAL("%s", err.primary);
    now = (struct spent){ sg_result_int(result, 0, 0), sg_result_int(result, 0, 1), sg_result_int(result, 0, 2) };
    since = (struct spent){ now.entries - before.entries, now.pages - before.pages, now.scans - before.scans };
    before = now;
    return since;
}

static void spent_at_most(const char *what, int64_t entries, int64_t pages)
{
    struct spent spent = spend();

    if (spent.entries > entries || spent.pages > pages || spent.scans > 0)
        T_FAIL("%s of %s: %lld entries, %lld pages of its indexes, %lld sequential scans", what, key.shown, (long long)spent.entries,
               (long long)spent.pages, (long long)spent.scans);
    T_GE_INT(spent.entries, 1);
}

/* Batches of 1,000 at the beginning and the end of all rows, and cuts: what is read is in proportion to the batch. */
static void costs_the_same(const char *belief, const char *table, const char *names, int parts, sg_key_values late)
{
    struct sg_key_span span = { NULL, NULL, NULL };
    struct sg_key_batch batch;
    int64_t rows;
    sg_key_values at;

    script("COMMIT");
    begin();
    script(belief);
    learn(table, names);
    (void)spend();
    T_EQ_INT(sg_key_ends(db, &key, &arena, &span.from, &span.to, &err), 0);
    spent_at_most("ends", 2 + 2 * parts, 10 + 10 * parts);
    for (int end = 0; end < 2; end++) {
        span.after = end ? late : NULL;
        T_MUST_EQ_INT(sg_key_next(db, &key, &span, 1000, &arena, &batch, &err), 0);
        T_EQ_INT(batch.rows, 1000);
        /* where the last key's equals are beyond the limit, they are counted by walking it once more */
        spent_at_most("a batch", (batch.beyond > 0 || !key.unique ? 2060 : 1030) + 20 * parts, 60 + 15 * parts);
        T_MUST_EQ_INT(sg_key_cut(db, &key, &span, 12000, &arena, &at, &rows, &err), 0);
        T_EQ_INT(at != NULL, !end);
        spent_at_most("a cut", (end ? 10000 : 12000) + 100 + 20 * parts, 250 + 35 * parts);
    }
}

SG_TEST(costs_the_same_everywhere)
{
    static const char *const beliefs[] = {
        "SELECT 1", "UPDATE pg_catalog.pg_class SET reltuples = 0, relpages = 1 WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')",
        "SET LOCAL seq_page_cost = 0; SET LOCAL random_page_cost = 1000; SET LOCAL cpu_index_tuple_cost = 10; SET LOCAL cpu_tuple_cost = 0;"
        "SET LOCAL work_mem = '1GB'; SET LOCAL cpu_operator_cost = 0",
        "SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_indexscan = off; SET LOCAL parallel_setup_cost = 0;"
        "SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL min_parallel_index_scan_size = 0",
        "ANALYZE",
    };
    static const char *const id[] = { "198000" }, *const skewed[] = { "7", "195000" }, *const tied[] = { "19700" }, *const word[] = { "v198000" }, *const y[] = { "-2000" },
        *const y_id[] = { "-2000", "0" };

    prepare("CREATE TABLE big (id int PRIMARY KEY, x int, tied int NOT NULL, word text COLLATE \"en-x-icu\" NOT NULL,"
            " y int NOT NULL) WITH (autovacuum_enabled = off);"
            "CREATE INDEX ON big (x, id); CREATE INDEX ON big (tied); CREATE INDEX ON big (word DESC) INCLUDE (x); CREATE INDEX ON big (id) WHERE x > 0;"
            "CREATE INDEX ON big (y DESC NULLS LAST); CREATE INDEX ON big (y NULLS FIRST, id NULLS FIRST);"
            "CREATE INDEX ON big USING brin (id); CREATE INDEX ON big USING hash (id);"
            "INSERT INTO big SELECT g, g % 3, g / 10, 'v' || lpad(g::text, 6, '0'), -g FROM generate_series(1, 200000) g;"
            /* nearly all rows share the first column */
            "CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b)) WITH (autovacuum_enabled = off); CREATE INDEX ON pair (a);"
            "INSERT INTO pair SELECT CASE WHEN g < 2000 THEN 1 ELSE 7 END, g FROM generate_series(1, 200000) g;"
            "CREATE TABLE parts (id int PRIMARY KEY, x int) PARTITION BY RANGE (id);"
            "DO $$ BEGIN FOR i IN 0..19 LOOP EXECUTE format('CREATE TABLE parts%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', i, i * 10001, i * 10001 + 10001); END LOOP; END $$;"
            "INSERT INTO parts SELECT generate_series(1, 200000)");
    for (size_t i = 0; i < sizeof beliefs / sizeof *beliefs; i++) {
        costs_the_same(beliefs[i], "big", "id", 1, id);
        costs_the_same(beliefs[i], "big", "tied", 1, tied);
        costs_the_same(beliefs[i], "big", "word", 1, word);
        costs_the_same(beliefs[i], "big", "y", 1, y);
        costs_the_same(beliefs[i], "big", "y, id", 1, y_id);
        costs_the_same(beliefs[i], "pair", "a, b", 1, skewed);
        costs_the_same(beliefs[i], "parts", "id", 20, id);
    }
}

static const struct sg_test tests[] = {
    SG_CASE(walks_numbers),
    SG_CASE(walks_every_type),
    SG_CASE(walks_composites),
    SG_CASE(walks_ties),
    SG_CASE(says_where_a_span_ends),
    SG_CASE(walks_partitions),
    SG_CASE(refuses),
    SG_CASE(refuses_what_is_no_name),
    SG_CASE(takes_hostile_names),
    SG_CASE(costs_the_same_everywhere),
    SG_CASE(looks_names_up_as_sql_does),
    SG_CASE(takes_its_settings_back),
    SG_CASE(estimates),
    SG_CASE(shows_keys_to_people),
    SG_CASES_END,
};
static const struct sg_suite suites[] = { { "keys", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
