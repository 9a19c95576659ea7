/*
 * Made-up rows against a real server: a schema of every kind of column and constraint that is met in the wild. Each table is filled,
 * or named with the reason, and what was made holds whatever the schema says of it.
 */
#include "config.h"
#include "core/rehearse/rows.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

static struct sg_arena arena;
static struct sg_err err;
static struct sg_db *db;
static struct sg_rehearsal rehearsal;

static void release(void *unused)
{
    (void)unused;
    sg_db_close(db);
    sg_err_clear(&err);
    sg_arena_release(&arena);
}

/* A database with that schema, and a session of the tests' own in it. */
static struct sg_sql *schema(const char *sql)
{
    struct sg_server *server = sg_server_shared();
    const char *conninfo = sg_server_conninfo(server, sg_server_new_db(server), NULL);
    struct sg_sql *session = sg_sql_open(conninfo);
    struct sg_dsn dsn;

    sg_sql_exec(session, "SET client_min_messages = warning");
    sg_sql_exec(session, sql);
    memset(&rehearsal, 0, sizeof rehearsal);
    sg_test_defer(release, NULL);
    T_MUST_EQ_INT(sg_dsn_parse(conninfo, &arena, &dsn, &err), 0);
    T_MUST_EQ_INT(sg_db_open(&db, &dsn, "sgrun:test", sg_clock_ms() + 10000, &err), 0);
    return session;
}

static void make(int64_t n)
{
    int rc = sg_rows_fill(db, "sgrun", n, &arena, &rehearsal, &err);

    if (rc != 0)
        T_FATAL("%s (%s)", err.primary, err.sqlstate);
}

static const struct sg_rehearsal_table *told(const char *relation)
{
    for (size_t i = 0; i < rehearsal.filled_count; i++)
        if (strcmp(rehearsal.filled[i].relation, relation) == 0)
            return &rehearsal.filled[i];
    T_FATAL("nothing is said of %s", relation);
}

/* Every table named was filled with that many rows, and has them. */
static void is_filled(struct sg_sql *sql, const char *relation, int64_t rows)
{
    const struct sg_rehearsal_table *table = told(relation);

    if (table->why != NULL)
        T_FAIL("%s: %s", relation, table->why);
    else if (table->rows != rows)
        T_FAIL("%s: %lld rows, not %lld", relation, (long long)table->rows, (long long)rows);
    else
        T_EQ_INT(sg_sql_int(sql, sg_test_strf("SELECT count(*) FROM %s", relation)), rows);
}

static void all_filled(struct sg_sql *sql, int64_t rows)
{
    T_GT_INT(rehearsal.filled_count, 0);
    for (size_t i = 0; i < rehearsal.filled_count; i++)
        is_filled(sql, rehearsal.filled[i].relation, rows);
}

static void stays_empty(const char *relation, const char *why)
{
    const struct sg_rehearsal_table *table = told(relation);

    T_EQ_INT(table->rows, 0);
    T_MUST_NOT_NULL(table->why);
    T_CONTAINS(table->why, why);
}

/* All that the catalogue says of the tables holds: foreign keys by validating them anew, CHECKs by asking, unique indexes by REINDEX. */
static void everything_holds(struct sg_sql *sql)
{
    sg_sql_exec(sql,
        "DO $$ DECLARE c record; bad bigint; BEGIN"
        " FOR c IN SELECT conrelid::regclass AS t, conname, pg_get_constraintdef(oid) AS def FROM pg_constraint"
        "  WHERE contype = 'f' AND conparentid = 0 AND connamespace <> 'pg_catalog'::regnamespace LOOP"
        "  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT zzz_again %s', c.t, replace(c.def, ' NOT VALID', ''));"
        "  EXECUTE format('ALTER TABLE %s DROP CONSTRAINT zzz_again', c.t); END LOOP;"
        " FOR c IN SELECT conrelid::regclass AS t, conname, pg_get_expr(conbin, conrelid) AS def FROM pg_constraint"
        "  WHERE contype = 'c' AND conrelid <> 0 AND connamespace NOT IN ('pg_catalog'::regnamespace,"
        " 'information_schema'::regnamespace) LOOP"
        "  EXECUTE format('SELECT count(*) FROM %s WHERE NOT (%s)', c.t, c.def) INTO bad;"
        "  IF bad > 0 THEN RAISE EXCEPTION '% on % does not hold', c.conname, c.t; END IF; END LOOP;"
        " FOR c IN SELECT indexrelid::regclass AS t FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid"
        "  WHERE k.relnamespace <> 'pg_catalog'::regnamespace AND k.relkind = 'i' AND (indisunique OR indisexclusion)"
        "  AND k.relnamespace <> 'pg_toast'::regnamespace LOOP"
        "  EXECUTE format('REINDEX INDEX %s', c.t); END LOOP; END $$");
}

/* ---- types ---- */

SG_TEST(fills_every_type)
{
    static const char *const types[] = {
        "boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric", "numeric(12,2)", "numeric(3,2)",
        "numeric(5,0)", "money", "text", "varchar", "varchar(255)", "varchar(3)", "char(2)", "char(1)", "char(40)",
        "\"char\"", "name", "bytea", "date", "timestamp", "timestamptz", "timestamp(0)", "time", "timetz", "interval",
        "interval year to month", "uuid", "json", "jsonb", "jsonpath", "xml", "bit", "bit(3)", "bit(100)", "varbit",
        "varbit(5)", "inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle",
        "tsvector", "tsquery", "pg_lsn", "oid", "xid", "xid8", "cid", "tid", "pg_snapshot", "int2vector", "oidvector",
        "refcursor", "regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regrole", "regnamespace",
        "regconfig", "regdictionary", "regcollation", "int4range", "int8range", "numrange", "daterange", "tsrange",
        "tstzrange", "int4multirange", "tstzmultirange", "text[]", "integer[][]", "varchar(4)[]", "jsonb[]", "daterange[]",
        "mood", "mood[]", "positive", "code", "nested", "pair", "pair[]", "textrange", "\"odd \"\"type\"", "citext",
        "hstore", "ltree", "cube", "seg", "hstore[]", "positive[]",
    };
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_sql *session;

    sg_buf_adds(&sql, "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE EXTENSION seg;"
                      " CREATE TYPE mood AS ENUM ('it''s', 'so', 'so\"so'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0);"
                      " CREATE DOMAIN code AS varchar(8) NOT NULL CHECK (VALUE IN ('red', 'green'));"
                      " CREATE DOMAIN nested AS code CHECK (length(VALUE) > 1);"
                      " CREATE TYPE pair AS (a integer, b text, c mood, d positive);"
                      " CREATE TYPE textrange AS RANGE (subtype = text); CREATE TYPE \"odd \"\"type\" AS ENUM ('$i', '%s');");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        sg_buf_addf(&sql, "CREATE TABLE t%zu (a %s NOT NULL, b %s);", i, types[i], types[i]);
    session = schema(sql.data);
    sg_buf_release(&sql);
    make(120);
    T_EQ_INT(rehearsal.filled_count, sizeof types / sizeof types[0]);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct sg_rehearsal_table *table = told(sg_test_strf("t%zu", i));

        if (table->why != NULL || table->rows != 120)
            T_FAIL("%s: %lld rows, %s", types[i], (long long)table->rows, table->why ? table->why : "why is not said");
        else if (strcmp(types[i], "code") != 0 && strcmp(types[i], "nested") != 0) /* domains that are NOT NULL */
            T_EQ_INT(sg_sql_int(session, sg_test_strf("SELECT count(*) FROM t%zu WHERE b IS NULL", i)), 12);
    }
    /* the same rows for the same schema */
    T_EQ_STR(sg_sql_value(session, "SELECT string_agg(a, ',' ORDER BY a) FROM (SELECT a FROM t13 ORDER BY length(a), a LIMIT 3) s"),
             "word 1,word 2,word 3");
}

/* ---- keys ---- */

static const char keys[] =
    "CREATE SCHEMA crm;"
    "CREATE TABLE zz_parent (id serial PRIMARY KEY, code text UNIQUE NOT NULL);"
    "CREATE TABLE a_child (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent integer NOT NULL REFERENCES zz_parent,"
    " code text REFERENCES zz_parent (code) ON DELETE CASCADE, n integer);"
    "CREATE TABLE a_grandchild (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, child bigint NOT NULL REFERENCES a_child);"
    "CREATE TABLE one_to_one (parent integer PRIMARY KEY REFERENCES zz_parent, t text);"
    "CREATE TABLE many_to_many (parent integer REFERENCES zz_parent, child bigint REFERENCES a_child, PRIMARY KEY (parent, child));"
    "CREATE TABLE crm.pair_parent (tenant integer, number uuid, PRIMARY KEY (tenant, number));"
    "CREATE TABLE pair_child (id serial PRIMARY KEY, tenant integer NOT NULL, number uuid, other uuid,"
    " FOREIGN KEY (tenant, number) REFERENCES crm.pair_parent, FOREIGN KEY (tenant, other) REFERENCES crm.pair_parent (tenant,"
    " number));"
    "CREATE TABLE full_child (tenant integer, number uuid, FOREIGN KEY (tenant, number) REFERENCES crm.pair_parent MATCH FULL);"
    "CREATE TABLE tree (id serial PRIMARY KEY, parent integer REFERENCES tree, name text NOT NULL);"
    "CREATE TABLE strict_tree (id serial PRIMARY KEY, root integer NOT NULL REFERENCES strict_tree, name text);"
    "CREATE TABLE circle_a (id serial PRIMARY KEY, b integer);"
    "CREATE TABLE circle_b (id serial PRIMARY KEY, a integer NOT NULL REFERENCES circle_a);"
    "ALTER TABLE circle_a ADD FOREIGN KEY (b) REFERENCES circle_b;"
    "CREATE TABLE no_values (a integer NOT NULL, b integer NOT NULL, x text, UNIQUE (a, b));"
    "CREATE TABLE \"Odd \"\"name; --\" (\"select\" serial PRIMARY KEY, \"a \"\"b\" text NOT NULL, \"%s$i\" integer REFERENCES"
    " zz_parent);"
    "CREATE TABLE \"odd child\" (\"x.y\" integer NOT NULL REFERENCES \"Odd \"\"name; --\" (\"select\"));"
    "CREATE TABLE no_columns (); CREATE TABLE only_serial (id serial PRIMARY KEY);"
    "CREATE TABLE made (a integer NOT NULL, b integer GENERATED ALWAYS AS (a * 2) STORED UNIQUE, CHECK (b > a));"
    "CREATE TABLE plain_defaults (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz NOT NULL DEFAULT now(),"
    " state text NOT NULL DEFAULT 'new');"
    "CREATE TABLE late (id serial PRIMARY KEY, p integer UNIQUE DEFERRABLE INITIALLY DEFERRED, q integer REFERENCES zz_parent"
    " DEFERRABLE);"
    "CREATE TABLE shouts (id serial PRIMARY KEY, t text); CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RAISE EXCEPTION ''shout''; END';"
    "CREATE TRIGGER a BEFORE INSERT ON shouts FOR EACH ROW EXECUTE FUNCTION shout();"
    "CREATE TRIGGER b BEFORE INSERT ON shouts FOR EACH ROW EXECUTE FUNCTION shout(); ALTER TABLE shouts ENABLE ALWAYS TRIGGER b;"
    "CREATE RULE r AS ON INSERT TO shouts DO INSTEAD NOTHING; ALTER TABLE shouts ENABLE ROW LEVEL SECURITY;"
    " ALTER TABLE shouts FORCE ROW LEVEL SECURITY;"
    "CREATE TABLE base (id serial PRIMARY KEY, t text CHECK (t <> ''));"
    " CREATE TABLE derived (extra integer NOT NULL) INHERITS (base);";

SG_TEST(heeds_keys)
{
    struct sg_sql *sql = schema(keys);

    make(250);
    for (size_t i = 0; i < rehearsal.filled_count; i++)
        if (rehearsal.filled[i].why != NULL || rehearsal.filled[i].rows != 250)
            T_FAIL("%s: %lld rows, %s", rehearsal.filled[i].relation, (long long)rehearsal.filled[i].rows,
                   rehearsal.filled[i].why ? rehearsal.filled[i].why : "why is not said");
    T_EQ_INT(rehearsal.filled_count, 23);
    everything_holds(sql);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM a_child WHERE code IS NOT NULL"), 225);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(DISTINCT parent) FROM a_child"), 250);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM circle_a WHERE b IS NULL"), 250);
    /* what comes later finds free numbers, and the triggers are as they were */
    sg_sql_exec(sql, "INSERT INTO zz_parent (code) VALUES ('later'); INSERT INTO a_child (parent) VALUES (1); INSERT INTO tree (name) VALUES ('x');"
                     " INSERT INTO strict_tree (root) VALUES (1); INSERT INTO only_serial DEFAULT VALUES");
    T_EQ_STR(sg_sql_rows(sql, "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'shouts'::regclass ORDER BY 1"), "a|O\nb|A");
    T_EQ_STR(sg_sql_value(sql, "SHOW session_replication_role"), "origin");
    T_EQ_INT(sg_sql_int(sql, "SELECT reltuples FROM pg_class WHERE oid = 'tree'::regclass"), 250);
}

SG_TEST(tells_which_stay_empty_and_why)
{
    struct sg_sql *sql = schema(
        "CREATE TABLE a (id integer NOT NULL PRIMARY KEY, b integer NOT NULL); CREATE TABLE b (id integer NOT NULL PRIMARY KEY,"
        " a integer NOT NULL REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;"
        "CREATE TABLE never (n integer NOT NULL, CONSTRAINT never_is CHECK (n * 0 = 1));"
        "CREATE TABLE needs_never (n integer NOT NULL, never integer NOT NULL); ALTER TABLE never ADD PRIMARY KEY (n);"
        "ALTER TABLE needs_never ADD CONSTRAINT to_never FOREIGN KEY (never) REFERENCES never;"
        "CREATE TABLE may_do_without (n integer NOT NULL, never integer REFERENCES never);"
        "CREATE TABLE no_leaf (n integer) PARTITION BY RANGE (n);"
        "CREATE TABLE has_rows (n integer); INSERT INTO has_rows VALUES (1);"
        "CREATE SCHEMA sgrun CREATE TABLE ours (n integer); CREATE TABLE few (b boolean NOT NULL UNIQUE);"
        "CREATE SEQUENCE short MAXVALUE 7; CREATE TABLE counted (id integer NOT NULL DEFAULT nextval('short'), t text);"
        "CREATE SCHEMA other CREATE TABLE other.t (n integer CHECK (n IS NULL))");

    make(50);
    stays_empty("a", "lead in a circle");
    stays_empty("b", "lead in a circle");
    T_EQ_STR(told("never")->why, "refused by CHECK never_is (SQLSTATE 23514)");
    stays_empty("needs_never", "its foreign key to_never needs rows in never, which has none");
    is_filled(sql, "may_do_without", 50);
    stays_empty("no_leaf", "it has no partition");
    is_filled(sql, "few", 2);
    is_filled(sql, "counted", 7);
    is_filled(sql, "other.t", 50);
    T_EQ_INT(rehearsal.filled_count, 9);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM has_rows"), 1);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM sgrun.ours"), 0);
    /* the next round takes what is new */
    sg_sql_exec(sql, "CREATE TABLE new_one (n integer)");
    make(50);
    T_EQ_INT(rehearsal.filled_count, 10);
    is_filled(sql, "new_one", 50);
}

/* ---- constraints ---- */

SG_TEST(finds_values_that_checks_take)
{
    static const char *const columns[] = {
        "v text CHECK (v IN ('a', 'b', 'it''s'))", "v varchar(20) NOT NULL CHECK (v = ANY (ARRAY['x', 'y']))",
        "v text NOT NULL CHECK (v ~ '^[a-z]+$')", "v text NOT NULL CHECK (v ~* '^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$')",
        "v text NOT NULL CHECK (v ~ '^\\+[1-9][0-9]{6,14}$')", "v text NOT NULL CHECK (length(v) = 7)",
        "v text NOT NULL UNIQUE CHECK (char_length(v) BETWEEN 20 AND 25)", "v text NOT NULL CHECK (v LIKE 'sk_%')",
        "v text NOT NULL CHECK (v = lower(v) AND v !~ ' ')", "v text NOT NULL CHECK (v ~ '^[A-Z]{2}$')",
        "v char(3) NOT NULL CHECK (v = upper(v))", "v integer NOT NULL CHECK (v BETWEEN 10 AND 20)", "v integer NOT NULL CHECK"
        " (v < 0)",
        "v integer NOT NULL CHECK (v IN (7, 30, 365))", "v numeric(5,4) NOT NULL CHECK (v >= 0 AND v <= 1)",
        "v integer NOT NULL CHECK (v % 100 = 0)", "v smallint NOT NULL CHECK (v BETWEEN 1 AND 5)",
        "v integer NOT NULL UNIQUE CHECK (v > 100000)", "v timestamptz NOT NULL CHECK (v > '2030-01-01')",
        "v date NOT NULL CHECK (v >= DATE '2020-01-01' AND v < DATE '2021-01-01')", "v date NOT NULL CHECK (extract(day FROM v)"
        " = 1)",
        "v jsonb NOT NULL CHECK (jsonb_typeof(v) = 'array')", "v jsonb NOT NULL CHECK (jsonb_typeof(v) = 'object')",
        "v text[] NOT NULL CHECK (cardinality(v) > 0)", "v boolean NOT NULL CHECK (v)", "v interval NOT NULL CHECK (v > '1 hour')",
        "a timestamptz NOT NULL, b timestamptz NOT NULL, CHECK (b > a)", "a integer NOT NULL, b integer NOT NULL, CHECK (a < b)",
        "a integer, b text, CHECK (num_nonnulls(a, b) = 1)", "a integer, b text, CHECK (a IS NOT NULL OR b IS NOT NULL)",
        "s text NOT NULL CHECK (s IN ('paid', 'open')), at timestamptz, CHECK ((s = 'paid') = (at IS NOT NULL))",
        "a date NOT NULL, b date, CHECK (b IS NULL OR b >= a + 30)", "v text NOT NULL CHECK (v = 'only')",
        "v text NOT NULL CHECK (v <> '' AND btrim(v) = v)", "v inet NOT NULL CHECK (masklen(v) = 32)",
        "a numeric(10,2) NOT NULL CHECK (a >= 0), b numeric(10,2) NOT NULL, CHECK (b <= a)",
    };
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_sql *session;

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        sg_buf_addf(&sql, "CREATE TABLE t%zu (id serial PRIMARY KEY, %s);", i, columns[i]);
    session = schema(sql.data);
    sg_buf_release(&sql);
    make(400);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const struct sg_rehearsal_table *table = told(sg_test_strf("t%zu", i));

        if (table->why != NULL || table->rows != 400)
            T_FAIL("%s: %lld rows, %s", columns[i], (long long)table->rows, table->why ? table->why : "why is not said");
    }
    everything_holds(session);
}

SG_TEST(keeps_unique_what_is_unique)
{
    static const char *const tables[] = {
        "CREATE TABLE t (a integer, b text, UNIQUE (a, b))",
        "CREATE TABLE t (v text); CREATE UNIQUE INDEX ON t (lower(v))",
        "CREATE TABLE t (v varchar(2) NOT NULL UNIQUE)",
        "CREATE TABLE t (v char(1) NOT NULL, w boolean NOT NULL, x smallint NOT NULL, UNIQUE (v, w, x))",
        "CREATE TABLE t (v date NOT NULL UNIQUE)",
        "CREATE TABLE t (k text CHECK (k IN ('a', 'b', 'c')), d date, PRIMARY KEY (k, d))",
        "CREATE TABLE t (n integer NOT NULL, z boolean NOT NULL); CREATE UNIQUE INDEX ON t (n) WHERE z",
        "CREATE TABLE t (g integer NOT NULL CHECK (g BETWEEN 1 AND 3), main boolean NOT NULL);"
        " CREATE UNIQUE INDEX ON t (g) WHERE main",
        "CREATE TABLE t (room integer NOT NULL, during tstzrange NOT NULL, EXCLUDE USING gist (room WITH =, during WITH &&))",
        "CREATE TABLE t (during daterange NOT NULL, EXCLUDE USING gist (during WITH &&))",
        "CREATE TABLE t (box box NOT NULL, EXCLUDE USING gist (box WITH &&))",
        "CREATE TABLE t (at timestamptz NOT NULL); CREATE UNIQUE INDEX ON t (date_trunc('day', at AT TIME ZONE 'UTC'))",
        "CREATE TABLE t (v integer UNIQUE NULLS NOT DISTINCT, w text)",
        "CREATE TABLE t (v bytea UNIQUE, w numeric(4,1) UNIQUE)",
        "CREATE TABLE t (v interval year to month UNIQUE)",
    };
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_sql *session;

    sg_buf_adds(&sql, "CREATE EXTENSION btree_gist;");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        bool known = strstr(tables[i], "NULLS NOT") == NULL || sg_server_version() >= 15;

        sg_buf_addf(&sql, "CREATE SCHEMA s%zu; SET search_path = s%zu, public; %s;", i, i, known ? tables[i] : "CREATE TABLE t (n integer)");
    }
    session = schema(sql.data);
    sg_buf_release(&sql);
    make(600);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const struct sg_rehearsal_table *table = told(sg_test_strf("s%zu.t", i));

        if (table->why != NULL || table->rows != 600)
            T_FAIL("%s: %lld rows, %s", tables[i], (long long)table->rows, table->why ? table->why : "why is not said");
    }
    everything_holds(session);
}

/* ---- partitions ---- */

SG_TEST(keeps_within_the_bounds_of_partitions)
{
    struct sg_sql *sql = schema(
        "CREATE TABLE days (id bigserial, at timestamptz NOT NULL, t text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');"
        "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');"
        "CREATE TABLE days_old PARTITION OF days FOR VALUES FROM (MINVALUE) TO ('2020-01-01');"
        "CREATE TABLE numbers (n integer PRIMARY KEY, t text) PARTITION BY RANGE (n);"
        "CREATE TABLE numbers_1 PARTITION OF numbers FOR VALUES FROM (-5) TO (1000);"
        "CREATE TABLE numbers_2 PARTITION OF numbers FOR VALUES FROM (1000) TO (MAXVALUE);"
        "CREATE TABLE lists (n serial, region text NOT NULL) PARTITION BY LIST (region);"
        "CREATE TABLE lists_1 PARTITION OF lists FOR VALUES IN ('it''s', 'eu, (');"
        " CREATE TABLE lists_2 PARTITION OF lists FOR VALUES IN (NULL, 'us');"
        "CREATE TABLE hashes (n bigint PRIMARY KEY) PARTITION BY HASH (n);"
        "CREATE TABLE hashes_0 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE hashes_1 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "CREATE TABLE half_hash (n bigint) PARTITION BY HASH (n);"
        " CREATE TABLE half_hash_0 PARTITION OF half_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE rest (n integer, t text) PARTITION BY LIST (t); CREATE TABLE rest_0 PARTITION OF rest DEFAULT;"
        "CREATE TABLE deep (id bigint, region text, day date, n integer) PARTITION BY LIST (region);"
        "CREATE TABLE deep_eu (n integer, id bigint, day date, region text) PARTITION BY RANGE (day);"
        " ALTER TABLE deep ATTACH PARTITION deep_eu FOR VALUES IN ('eu');"
        "CREATE TABLE deep_eu_1 PARTITION OF deep_eu FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
        "CREATE TABLE deep_us PARTITION OF deep FOR VALUES IN ('us') PARTITION BY RANGE (day);"
        "CREATE TABLE deep_us_1 PARTITION OF deep_us FOR VALUES FROM ('2023-01-01') TO ('2023-02-01');"
        "CREATE TABLE two (a integer, b integer) PARTITION BY RANGE (a, b);"
        " CREATE TABLE two_1 PARTITION OF two FOR VALUES FROM (1, 10) TO (1, 20);"
        "CREATE TABLE two_2 PARTITION OF two FOR VALUES FROM (5, MINVALUE) TO (9, 3);"
        "CREATE TABLE by_expression (t text NOT NULL) PARTITION BY LIST (lower(t));"
        " CREATE TABLE by_expression_1 PARTITION OF by_expression FOR VALUES IN ('w', 'x');"
        "CREATE TABLE refers (day_id bigint, day_at timestamptz, FOREIGN KEY (day_id, day_at) REFERENCES days (id, at))");

    make(300);
    is_filled(sql, "days", 300);
    T_EQ_STR(sg_sql_rows(sql, "SELECT tableoid::regclass, count(*) FROM days GROUP BY 1 ORDER BY tableoid::regclass::text"),
             "days_1|100\ndays_2|100\ndays_old|100");
    is_filled(sql, "numbers", 300);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM numbers_1"), 150);
    is_filled(sql, "lists", 300);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM lists_2"), 150);
    is_filled(sql, "hashes", 300);
    T_GT_INT(told("half_hash")->rows, 50);
    is_filled(sql, "rest", 300);
    is_filled(sql, "deep", 300);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM deep_us_1"), 150);
    is_filled(sql, "two", 300);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM two_2"), 150);
    is_filled(sql, "by_expression", 300);
    is_filled(sql, "refers", 300);
    T_EQ_INT(rehearsal.filled_count, 10);
    everything_holds(sql);
}

/* ---- what is seldom ---- */

SG_TEST(meets_what_is_seldom)
{
    struct sg_buf text = SG_BUF_INIT;
    struct sg_sql *sql;

    sg_buf_adds(&text,
        "CREATE SCHEMA types; CREATE TYPE types.mood AS ENUM ('low', 'high'); CREATE DOMAIN types.id AS bigint CHECK (VALUE > 0);"
        "CREATE DOMAIN types.mail AS text CHECK (VALUE ~ '^[^@ ]+@[^@ ]+$') CHECK (length(VALUE) < 60);"
        "CREATE TABLE known (id types.id PRIMARY KEY, mood types.mood NOT NULL, mail types.mail NOT NULL UNIQUE, v text UNIQUE);"
        "INSERT INTO known SELECT i * 7, 'low', i || '@x', nullif(i, 3)::text FROM generate_series(1, 20) i;"
        "CREATE TABLE refers (known types.id NOT NULL REFERENCES known, v varchar(20) NOT NULL REFERENCES known (v), n integer);"
        "CREATE TABLE once (known types.id NOT NULL UNIQUE REFERENCES known, n integer);"
        "CREATE TABLE turned (b integer, a integer, UNIQUE (b, a));"
        " CREATE TABLE turned_child (x integer NOT NULL, y integer NOT NULL,"
        " FOREIGN KEY (y, x) REFERENCES turned (b, a));"
        "CREATE TABLE parted (id integer, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
        "CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');"
        " CREATE TABLE parted_b PARTITION OF parted FOR VALUES IN ('b');"
        "CREATE TABLE to_parted (id integer NOT NULL, k text NOT NULL, FOREIGN KEY (id, k) REFERENCES parted);"
        "CREATE TABLE to_leaf (id integer NOT NULL, k text NOT NULL, FOREIGN KEY (id, k) REFERENCES parted_a);"
        "CREATE TABLE tenant (id integer PRIMARY KEY);"
        " CREATE TABLE by_tenant (id serial, tenant integer NOT NULL REFERENCES tenant)"
        " PARTITION BY LIST (tenant); CREATE TABLE by_tenant_1 PARTITION OF by_tenant FOR VALUES IN (1, 2, 3);"
        "CREATE TABLE computed (tenant integer NOT NULL REFERENCES tenant, twice integer GENERATED ALWAYS AS (tenant * 2) STORED,"
        " CHECK (twice % 2 = 0), v text, up text GENERATED ALWAYS AS (upper(v)) STORED); CREATE UNIQUE INDEX ON computed (up);"
        "CREATE FUNCTION is_fine(integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN IF $1 = 3 THEN RAISE ''three''; END IF;"
        " RETURN $1 > 0; END';"
        "CREATE TABLE asked (n integer NOT NULL CHECK (is_fine(n)), m integer);"
        "CREATE TABLE overlapping (tenant integer NOT NULL REFERENCES tenant, b integer, a integer, FOREIGN KEY (b, a)"
        " REFERENCES turned (b, a));"
        "CREATE UNLOGGED TABLE unlogged (id integer GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY -1 MINVALUE -100"
        " MAXVALUE 10), t text);"
        "CREATE TABLE of_type_base (x integer); CREATE TYPE whole AS (a integer, b types.mail);"
        " CREATE TABLE of_type OF whole (PRIMARY KEY (a));"
        "CREATE TABLE dropped (a integer, gone text, b integer NOT NULL); ALTER TABLE dropped DROP COLUMN gone;"
        "CREATE TABLE three (a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (a < b AND b < c));"
        "CREATE TABLE wide (");
    for (int i = 0; i < 400; i++)
        sg_buf_addf(&text, "%sc%d integer NOT NULL CHECK (c%d >= 0)", i ? ", " : "", i, i);
    sg_buf_adds(&text, ")");
    sql = schema(text.data);
    sg_buf_release(&text);
    make(100);
    is_filled(sql, "once", 20); /* there are no more parents */
    for (size_t i = 0; i < rehearsal.filled_count; i++)
        if (strcmp(rehearsal.filled[i].relation, "once") != 0)
            is_filled(sql, rehearsal.filled[i].relation, 100);
    T_EQ_INT(rehearsal.filled_count, 18);
    everything_holds(sql);
}

/* ---- as a whole ---- */

SG_TEST(fills_the_examples_schema)
{
    const char *script = sg_tmp_read(sg_test_source("etc/demo-legacy.sql"));
    struct sg_sql *sql;

    T_MUST_NOT_NULL(script);
    sql = schema(script);
    sg_sql_exec(sql, "DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ') FROM pg_class"
                     " WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'archive'::regnamespace)); END $$");
    make(1000);
    all_filled(sql, 1000);
    T_GT_INT(rehearsal.filled_count, 13);
    everything_holds(sql);
}

SG_TEST(makes_many_rows_in_little_time)
{
    struct sg_sql *sql = schema("CREATE TABLE p (id serial PRIMARY KEY, name text NOT NULL);"
                                "CREATE TABLE t (id bigserial PRIMARY KEY, p integer NOT NULL REFERENCES p, a text, b"
                                " varchar(20), c integer,"
                                " d numeric(12,2), e timestamptz NOT NULL, f boolean, g jsonb, h uuid)");
    int64_t rows = sg_test_full() ? 1000000 : 50000;

    make(rows);
    is_filled(sql, "t", rows);
    everything_holds(sql);
}

static const struct sg_test rows_tests[] = {
    SG_CASE(fills_every_type), SG_CASE(heeds_keys), SG_CASE(tells_which_stay_empty_and_why), SG_CASE(finds_values_that_checks_take),
    SG_CASE(keeps_unique_what_is_unique), SG_CASE(keeps_within_the_bounds_of_partitions), SG_CASE(meets_what_is_seldom),
    SG_CASE(fills_the_examples_schema),
    SG_CASE(makes_many_rows_in_little_time), SG_CASES_END,
};
static const struct sg_suite suites[] = {{"rows", rows_tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
