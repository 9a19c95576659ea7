/*
 * What the server has of an index, on a real server: each state, each difference that must be noticed and those that must not, whatever
 * the table is; and who builds. Definitions are made by hand here: what a manifest's section becomes is tests/unit/index's.
 */
#include "config.h"
#include "core/index/look.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/run/run.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

static struct sg_arena arena;
static struct sg_err err;
static struct sg_manifest manifest;
static struct sg_step step;
static struct sg_run run;
static struct sg_session session;
static struct sg_sql *sql;
static const char *conninfo;
static struct sg_index_definition definition;
static struct sg_index_look look;

static void release(void *unused)
{
    (void)unused;
    sg_session_drop(&session);
    sg_err_clear(&err);
    sg_arena_release(&arena);
}

static void open_as(const char *how)
{
    sg_session_drop(&session);
    T_MUST_EQ_INT(sg_dsn_parse(how, &arena, &run.dsn, &err), 0);
    sg_session_init(&session, &run, false);
    if (sg_session_open(&session, &err) != 0)
        T_FATAL("%s", err.primary);
}

/* A database with a schema app, and in it what text makes. */
static void prepare(const char *text)
{
    struct sg_server *server = sg_server_shared();

    conninfo = sg_server_conninfo(server, sg_server_new_db(server), NULL);
    sql = sg_sql_open(conninfo);
    sg_sql_exec(sql, "CREATE SCHEMA app; SET search_path = app");
    sg_sql_exec(sql, text);
    sg_test_defer(release, NULL);
    manifest = (struct sg_manifest){.path = "prod.ini", .schema = "app", .state_schema = "sgrun", .connect_seconds = 10,
                                    .policy = {.read_seconds = 30, .idle_seconds = 20}};
    step = (struct sg_step){.kind = SG_STEP_INDEX, .id = "idx", .label = "idx", .line = 7, .policy = manifest.policy};
    run = (struct sg_run){.manifest = &manifest, .arena = &arena, .runner = "me"};
    memset(&session, 0, sizeof session);
    open_as(conninfo);
    definition = (struct sg_index_definition){.step = &step, .name = "idx", .schema = "app", .table = "t", .relation = "app.t"};
}

/* "valid", or what else it is, in a line. */
static const char *seen(void)
{
    sg_err_clear(&err);
    if (sg_index_look(&session, &definition, &arena, &look, &err) != 0) {
        T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sgrun%'"
                                 " AND state LIKE 'idle in%'"), 0);
        return sg_test_strf("%s %s: %s", sg_class_name(err.class), err.sqlstate, err.primary);
    }
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sgrun%'"
                             " AND state LIKE 'idle in%'"), 0);
    if (look.not_compared)
        return sg_test_strf("%s, not compared: %s", sg_index_found_name(look.found), look.why);
    if (look.constraint != NULL)
        return sg_test_strf("%s, as constraint %s", sg_index_found_name(look.found), look.constraint);
    if (look.found == SG_INDEX_FOUND_DRIFTED)
        return sg_test_strf("drifted: %s / %s", look.is, look.wanted);
    return sg_index_found_name(look.found);
}

/* The same for "[UNIQUE ]USING …". */
static const char *seen_as(const char *rest)
{
    definition.unique = strncmp(rest, "UNIQUE ", 7) == 0;
    definition.rest = definition.unique ? rest + 7 : rest;
    return seen();
}

static void break_index(const char *name)
{
    sg_sql_execf(sql, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '%s'::regclass", name);
}

SG_TEST(each_state_is_told)
{
    prepare("CREATE TABLE t (a int, b text)");
    T_EQ_STR(seen_as("USING btree (a)"), "missing");
    T_EQ_INT(look.bytes, -1);
    T_EQ_INT(look.table_rows, -1);
    T_TRUE(look.table_oid != 0);
    T_EQ_INT(look.index_oid, 0);
    sg_sql_exec(sql, "INSERT INTO t SELECT i, i FROM generate_series(1, 10000) i; CREATE INDEX idx ON t (a); ANALYZE t");
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    T_EQ_INT(look.index_oid, sg_sql_int(sql, "SELECT 'idx'::regclass::oid::int8"));
    T_EQ_INT(look.bytes, sg_sql_int(sql, "SELECT pg_relation_size('idx')"));
    T_EQ_INT(look.table_rows, 10000);
    T_EQ_INT(look.table_bytes, sg_sql_int(sql, "SELECT pg_relation_size('t')"));
    T_FALSE(look.partitioned);
    T_EQ_STR(seen_as("USING btree (b)"),
             "drifted: CREATE INDEX idx ON app.t USING btree (a) / CREATE INDEX idx ON app.t USING btree (b)");
    break_index("idx");
    T_EQ_STR(seen_as("USING btree (a)"), "invalid");
    T_EQ_STR(seen_as("USING btree (b)"), "invalid");
    sg_sql_exec(sql, "UPDATE pg_index SET indisvalid = true, indisready = false WHERE indexrelid = 'idx'::regclass");
    T_EQ_STR(seen_as("USING btree (a)"), "invalid");
    sg_sql_exec(sql, "UPDATE pg_index SET indisready = true, indislive = false WHERE indexrelid = 'idx'::regclass");
    T_EQ_STR(seen_as("USING btree (a)"), "invalid");
    sg_sql_exec(sql, "UPDATE pg_index SET indislive = true WHERE indexrelid = 'idx'::regclass; DROP TABLE t");
    T_EQ_STR(seen_as("USING btree (a)"), "no table");
    definition.schema = "nowhere";
    T_EQ_STR(seen_as("USING btree (a)"), "no table");
}

SG_TEST(a_name_that_is_another_things)
{
    static const char *const things[][3] = {
        {"CREATE TABLE idx (a int)", "DROP TABLE idx", "a table"},
        {"CREATE VIEW idx AS SELECT 1", "DROP VIEW idx", "a view"},
        {"CREATE MATERIALIZED VIEW idx AS SELECT 1", "DROP MATERIALIZED VIEW idx", "a materialized view"},
        {"CREATE SEQUENCE idx", "DROP SEQUENCE idx", "a sequence"},
        {"CREATE TYPE idx AS (a int)", "DROP TYPE idx", "a type"},
        {"CREATE TABLE idx (a int) PARTITION BY RANGE (a)", "DROP TABLE idx", "a partitioned table"},
        {"CREATE TABLE \"O'ther\" (a int); CREATE INDEX idx ON \"O'ther\" (a)", "DROP INDEX idx",
         "an index of another table, app.\"O'ther\""},
    };

    prepare("CREATE TABLE t (a int)");
    for (size_t i = 0; i < SG_COUNT(things); i++) {
        sg_sql_exec(sql, things[i][0]);
        T_EQ_STR(seen_as("USING btree (a)"), sg_test_strf("drifted: %s / CREATE INDEX idx ON app.t USING btree (a)", things[i][2]));
        T_EQ_INT(look.index_oid, 0);
        sg_sql_exec(sql, things[i][1]);
    }
    /* a broken one of another table is not ours to drop either */
    sg_sql_exec(sql, "CREATE INDEX idx ON \"O'ther\" (a)");
    break_index("idx");
    T_CONTAINS(seen(), "drifted: an index of another table");
    /* elsewhere the name is free */
    sg_sql_exec(sql, "DROP INDEX idx; CREATE TABLE public.o (a int); CREATE INDEX idx ON public.o (a)");
    T_EQ_STR(seen(), "missing");
    /* and no index can be made on these */
    sg_sql_exec(sql, "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS a");
    T_EQ_STR(seen(), "sql 42809: app.t is a view: no index can be made on it");
    T_EQ_STR(err.file, "prod.ini");
    T_EQ_INT(err.line, 7);
    T_EQ_STR(err.step, "idx");
}

/* What is there, what is wanted, and whether that is the same. */
SG_TEST(differences_are_noticed)
{
    static const struct {
        const char *is, *wanted;
        bool equal;
    } cases[] = {
        {"(a, b)", "USING btree (a, b)", true},
        {"(a, b)", "USING btree (b, a)", false},
        {"(a, b)", "USING btree (a)", false},
        {"(a)", "USING btree (a, b)", false},
        {"(a)", "USING btree (a ASC)", true},
        {"(a)", "USING btree (a DESC)", false},
        {"(a DESC)", "USING btree (a DESC NULLS FIRST)", true},
        {"(a DESC)", "USING btree (a DESC NULLS LAST)", false},
        {"(a)", "USING btree (a NULLS FIRST)", false},
        {"(a)", "USING btree (a NULLS LAST)", true},
        {"(s)", "USING btree (s text_ops)", true},
        {"(s)", "USING btree (s text_pattern_ops)", false},
        {"(s)", "USING btree (s COLLATE \"C\")", false},
        {"(c)", "USING btree (c COLLATE \"C\")", true},
        {"(c)", "USING btree (c COLLATE \"POSIX\")", false},
        {"(c)", "USING btree (c COLLATE \"default\")", false},
        {"(a) WHERE b > 1", "USING btree (a)", false},
        {"(a) WHERE b > 1", "USING btree (a) WHERE b > 1", true},
        {"(a) WHERE b > 1", "USING btree (a) WHERE (b) > (1)", true},
        {"(a) WHERE b > 1", "USING btree (a) WHERE b > 2", false},
        {"(a) WHERE s IS NOT NULL", "USING btree (a) WHERE s IS NULL", false},
        {"(a) WHERE s = 'idx'", "USING btree (a) WHERE s = 'idx'", true},
        {"(a) WHERE s = 'app.t'", "USING btree (a) WHERE s = 'pg_temp.t'", false},
        {"(a) WHERE s = 'sgrun wanted'", "USING btree (a) WHERE s = 'idx'", false},
        {"(a) WHERE s = ' ON app.t WITH (fillfactor=''70'')'", "USING btree (a) WHERE s = ' ON app.t WITH (fillfactor=''70'')'", true},
        {"(a) WITH (fillfactor = 70) WHERE s = ' WITH (x)'", "USING btree (a) WITH (fillfactor = 70) WHERE s = ' WITH (x)'", true},
        {"(lower(s))", "USING btree (lower(s))", true},
        {"(lower(s))", "USING btree (LOWER(\"s\"))", true},
        {"(lower(s))", "USING btree (upper(s))", false},
        {"(lower(s))", "USING btree (s)", false},
        {"((a + b))", "USING btree ((a + b))", true},
        {"((a + b))", "USING btree ((b + a))", false},
        {"(a) INCLUDE (b)", "USING btree (a) INCLUDE (b)", true},
        {"(a) INCLUDE (b)", "USING btree (a)", false},
        {"(a) INCLUDE (b)", "USING btree (a, b)", false},
        {"(a) INCLUDE (b, s)", "USING btree (a) INCLUDE (s, b)", false},
        {"UNIQUE (a)", "UNIQUE USING btree (a)", true},
        {"UNIQUE (a)", "USING btree (a)", false},
        {"(a)", "UNIQUE USING btree (a)", false},
        {"UNIQUE (a) NULLS NOT DISTINCT", "UNIQUE USING btree (a)", false},
        {"UNIQUE (a) NULLS NOT DISTINCT", "UNIQUE USING btree (a) NULLS NOT DISTINCT", true},
        {"UNIQUE (a)", "UNIQUE USING btree (a) NULLS NOT DISTINCT", false},
        {"USING hash (a)", "USING btree (a)", false},
        {"USING hash (a)", "USING hash (a)", true},
        {"USING gin (j)", "USING gin (j)", true},
        {"USING gin (j)", "USING gin (j jsonb_path_ops)", false},
        {"USING gist (r)", "USING gist (r)", true},
        {"USING gist (r)", "USING spgist (r)", false},
        {"USING brin (a)", "USING brin (a)", true},
        {"USING brin (a)", "USING brin (a) WITH (pages_per_range = 16)", false},
        {"USING brin (a int4_bloom_ops (n_distinct_per_range = 50))", "USING brin (a int4_bloom_ops (n_distinct_per_range = 50))", true},
        {"USING brin (a int4_bloom_ops (n_distinct_per_range = 50))", "USING brin (a int4_bloom_ops (n_distinct_per_range = 60))", false},
        {"(a) WITH (fillfactor = 70)", "USING btree (a) WITH (fillfactor = 70)", true},
        {"(a) WITH (fillfactor = 70)", "USING btree (a) WITH (fillfactor = 80)", false},
        {"(a) WITH (fillfactor = 70)", "USING btree (a)", false},
        {"(a)", "USING btree (a) WITH (fillfactor = 70)", false},
        {"(a) WITH (fillfactor = 70, deduplicate_items = off)", "USING btree (a) WITH (deduplicate_items = off, fillfactor = 70)", true},
        {"(a) WITH (fillfactor = 70, deduplicate_items = off) WHERE b > 1",
         "USING btree (a) WITH (deduplicate_items = off, fillfactor = 70) WHERE b > 1", true},
        {"(a) WITH (fillfactor = 70, deduplicate_items = off)", "USING btree (a) WITH (deduplicate_items = on, fillfactor = 70)", false},
        {"(v) WHERE v = 'x'", "USING btree (v) WHERE v = 'x'::text", true},
        {"(v) WHERE v IN ('x', 'y')", "USING btree (v) WHERE v IN ('x', 'y')", true},
        {"(v) WHERE v IN ('x', 'y')", "USING btree (v) WHERE v IN ('y', 'x')", false},
        /* as pg_dump gives it, and a restore takes it */
        {"(v) WHERE ((v)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))",
         "USING btree (v) WHERE v IN ('x', 'y')", true},
        {"(v) WHERE ((v)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))",
         "USING btree (v) WHERE v IN ('x', 'y')", true},
        {"(v) WHERE ((v)::text = ANY (ARRAY[('x'::character varying)::text, ('z'::character varying)::text]))",
         "USING btree (v) WHERE v IN ('x', 'y')", false},
        {"(g)", "USING btree (g)", true},
        {"(hash_record(t.*))", "USING btree (hash_record(t.*))", true},
        {"(a) WHERE t.* IS NOT NULL", "USING btree (a) WHERE t.* IS NOT NULL", true},
        {"(a) WHERE t IS NOT NULL", "USING btree (a) WHERE t.* IS NOT NULL", true},
        {"(a) WHERE t.* IS NOT NULL", "USING btree (a) WHERE t.* IS NULL", false},
    };

    prepare("CREATE TABLE t (gone int, a int, b int, s text, v varchar(20), c text COLLATE \"C\", j jsonb, r int4range,"
            " g int GENERATED ALWAYS AS (a * 2) STORED); ALTER TABLE t DROP COLUMN gone");
    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        bool unique = strncmp(cases[i].is, "UNIQUE ", 7) == 0;
        const char *found;

        if (sg_server_version() < 15 && strstr(cases[i].wanted, "NULLS NOT") != NULL)
            continue;
        sg_sql_execf(sql, "CREATE %sINDEX idx ON t %s", unique ? "UNIQUE " : "", cases[i].is + (unique ? 7 : 0));
        found = seen_as(cases[i].wanted);
        if (cases[i].equal ? strcmp(found, "valid") != 0 : strncmp(found, "drifted: CREATE ", 16) != 0)
            T_FAIL("%s, wanted %s: %s", cases[i].is, cases[i].wanted, found);
        sg_sql_exec(sql, "DROP INDEX idx");
    }
}

SG_TEST(what_is_no_difference)
{
    prepare("CREATE TABLE t (a int, s text); CREATE INDEX idx ON t (a, lower(s)); ALTER INDEX idx ALTER COLUMN 2 SET STATISTICS 500;"
            "COMMENT ON INDEX idx IS 'x'; ALTER TABLE t CLUSTER ON idx");
    T_EQ_STR(seen_as("USING btree (a, lower(s))"), "valid");
    sg_sql_exec(sql, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE t RENAME COLUMN a TO \"the A\"");
    T_EQ_STR(seen_as("USING btree (\"the A\", lower(s))"), "valid");
    sg_sql_exec(sql, "DROP INDEX idx; ALTER TABLE t ADD CONSTRAINT idx UNIQUE (\"the A\")");
    T_EQ_STR(seen_as("UNIQUE USING btree (\"the A\")"), "valid");
    T_CONTAINS(seen_as("USING btree (\"the A\")"), "drifted: CREATE UNIQUE INDEX idx");
    sg_sql_exec(sql, "ALTER TABLE t DROP CONSTRAINT idx, ADD CONSTRAINT idx EXCLUDE USING btree (\"the A\" WITH =)");
    T_CONTAINS(seen_as("USING btree (\"the A\")"), "drifted: the index of an exclusion constraint: CREATE INDEX idx");
}

static void drop_tablespace(void *unused)
{
    (void)unused;
    sg_sql_exec(sql, "DROP TABLE IF EXISTS app.t");
    sg_sql_exec(sql, "DROP TABLESPACE elsewhere");
}

SG_TEST(where_it_is_stored)
{
    if (sg_server_version() < 15)
        T_SKIP("no tablespace can be made in place");
    prepare("CREATE TABLE t (a int); SET allow_in_place_tablespaces = on");
    sg_sql_exec(sql, "CREATE TABLESPACE elsewhere LOCATION ''");
    sg_test_defer(drop_tablespace, NULL);
    sg_sql_exec(sql, "CREATE INDEX idx ON t (a) TABLESPACE elsewhere");
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    T_EQ_STR(seen_as("USING btree (a) TABLESPACE elsewhere"), "valid");
    T_EQ_STR(seen_as("USING btree (a) WITH (fillfactor='90') TABLESPACE elsewhere WHERE (a > 1)"),
             "drifted: CREATE INDEX idx ON app.t USING btree (a) / CREATE INDEX idx ON app.t USING btree (a) WITH (fillfactor='90') WHERE (a > 1)");
    sg_sql_exec(sql, "DROP INDEX idx; CREATE INDEX idx ON t (a)");
    T_EQ_STR(seen_as("USING btree (a) TABLESPACE elsewhere"), "valid");
    T_EQ_STR(seen_as("USING btree (a) TABLESPACE nowhere"), "sql 42704: tablespace \"nowhere\" does not exist");
}

SG_TEST(whatever_the_table_is)
{
    prepare("CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('sad', 'glad'); CREATE DOMAIN app.mail AS text COLLATE \"C\" NOT NULL CHECK (VALUE <> '');"
            "CREATE FUNCTION other.norm(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';"
            "CREATE FUNCTION app.norm(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';"
            "CREATE COLLATION other.mine FROM \"C\";"
            "CREATE TABLE t (a int, m other.mood, e mail, s text COLLATE other.mine, i int GENERATED ALWAYS AS IDENTITY, f int DEFAULT 7 CHECK (f > 0))");
    sg_sql_exec(sql, "CREATE INDEX idx ON t (m) WHERE m = 'sad'");
    T_EQ_STR(seen_as("USING btree (m) WHERE m = 'sad'"), "valid");
    T_CONTAINS(seen_as("USING btree (m) WHERE m = 'glad'"), "drifted");
    sg_sql_exec(sql, "DROP INDEX idx; CREATE INDEX idx ON t (e, other.norm(s), i, f)");
    T_EQ_STR(seen_as("USING btree (e, other.norm(s), i, f)"), "valid");
    T_CONTAINS(seen_as("USING btree (e, norm(s), i, f)"), "drifted");
    sg_sql_exec(sql, "DROP INDEX idx; CREATE INDEX idx ON t (norm(s) COLLATE other.mine)");
    T_EQ_STR(seen_as("USING btree (app.norm(s))"), "valid");
    T_CONTAINS(seen_as("USING btree (norm(s) COLLATE \"C\")"), "drifted");
    T_CONTAINS(seen_as("USING btree (norm(s)) WHERE m = 'glad'"), "drifted");
    /* a session under another search_path sees the same */
    sg_sql_exec(sql, "CREATE MATERIALIZED VIEW seen AS SELECT 1 AS a, 'x'::text AS b; CREATE UNIQUE INDEX ix ON seen (a, b)");
    definition.table = "seen";
    definition.name = "ix";
    T_EQ_STR(seen_as("UNIQUE USING btree (a, b)"), "valid");
    sg_sql_exec(sql, "CREATE UNLOGGED TABLE u (a int); CREATE INDEX iu ON u (a)");
    definition.table = "u";
    definition.name = "iu";
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    sg_sql_exec(sql, "CREATE TABLE kid () INHERITS (u); CREATE INDEX ik ON kid (a)");
    definition.table = "kid";
    definition.name = "ik";
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
}

SG_TEST(names_as_odd_as_they_may_be)
{
    static const char *const names[] = {
        "It's \"a\" table", "sgrun copy", "pg_temp", "t ON app.t ", "WHERE", "journal", "täßle",
        "a23456789012345678901234567890123456789012345678901234567890xyz"};

    prepare("");
    for (size_t i = 0; i < SG_COUNT(names); i++) {
        const char *quoted = sg_db_identifier(&arena, names[i]), *index, *in = sg_test_strf("S %.59s", names[i]);
        const char *schema = sg_db_identifier(&arena, in);
        const char *name = sg_test_strf("%.50s i'\"x", names[i]);

        index = sg_db_identifier(&arena, name);
        sg_sql_execf(sql, "CREATE SCHEMA %s; CREATE TABLE %s.%s (%s int, \"b \"\" WHERE\" text); CREATE INDEX %s ON %s.%s (%s) WHERE \"b \"\" WHERE\" = '%s'",
                     schema, schema, quoted, quoted, index, schema, quoted, quoted, "x");
        definition.schema = in;
        definition.table = names[i];
        definition.name = name;
        definition.relation = "odd";
        T_EQ_STR(seen_as(sg_test_strf("USING btree (%s) WHERE \"b \"\" WHERE\" = 'x'", quoted)), "valid");
        T_CONTAINS(seen_as(sg_test_strf("USING btree (%s) WHERE \"b \"\" WHERE\" = 'y'", quoted)), "drifted: CREATE INDEX ");
    }
}

SG_TEST(partitioned_tables)
{
    prepare("CREATE TABLE t (a int, b int, at date) PARTITION BY RANGE (at);"
            "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (a);"
            "CREATE TABLE t11 PARTITION OF t1 FOR VALUES IN (1, 2, 3); CREATE TABLE t2 PARTITION OF t DEFAULT;"
            "INSERT INTO t SELECT i % 3 + 1, i, '2026-02-03' FROM generate_series(1, 3000) i; INSERT INTO t VALUES (1, 1, '2020-01-01'); ANALYZE t, t1, t11, t2");
    T_EQ_STR(seen_as("USING btree (a)"), "missing");
    T_TRUE(look.partitioned);
    T_EQ_INT(look.table_rows, 3001);
    sg_sql_exec(sql, "CREATE INDEX idx ON t (a)");
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    T_EQ_INT(look.bytes, sg_sql_int(sql, "SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('idx')"));
    T_EQ_STR(seen_as("USING btree (a DESC)"),
             "drifted: CREATE INDEX idx ON ONLY app.t USING btree (a) / CREATE INDEX idx ON app.t USING btree (a DESC)");
    sg_sql_exec(sql, "DROP INDEX idx; CREATE INDEX idx ON ONLY t (a)");
    T_EQ_STR(seen_as("USING btree (a)"), "invalid");
    sg_sql_exec(sql, "DROP INDEX idx");
    /* what the parent will not take is known before the first leaf is built */
    T_CONTAINS(seen_as("UNIQUE USING btree (a)"), "sql 0A000: unique constraint on partitioned table must include all partitioning columns");
    T_EQ_STR(seen_as("UNIQUE USING btree (a, at)"), "missing");
    definition.table = "t11";
    T_EQ_STR(seen_as("UNIQUE USING btree (a)"), "missing");
    sg_sql_exec(sql, "CREATE TABLE h (a text, b int) PARTITION BY HASH (lower(a), b); CREATE INDEX idx ON h (b)");
    definition.table = "h";
    T_EQ_STR(seen_as("USING btree (b)"), "valid");
}

SG_TEST(what_the_server_refuses_is_found_before)
{
    static const char *const cases[][2] = {
        {"USING btree (nix)", "sql 42703: column \"nix\" does not exist"},
        {"USING btree (a) WHERE nix > 1", "sql 42703: column \"nix\" does not exist"},
        {"USING nix (a)", "sql 42704: access method \"nix\" does not exist"},
        {"USING btree (a nix_ops)", "sql 42704: operator class \"nix_ops\" does not exist for access method \"btree\""},
        {"USING btree (a COLLATE \"C\")", "sql 42804: collations are not supported by type integer"},
        {"USING btree ((now() > at))", "sql 42P17: functions in index expression must be marked IMMUTABLE"},
        {"USING btree (nix(a))", "sql 42883: function nix(integer) does not exist"},
        {"USING btree (j)", "sql 42704: data type json has no default operator class for access method \"btree\""},
        {"USING btree (a) WITH (fillfactor = 7)", "sql 22023: value 7 out of bounds for option \"fillfactor\""},
        {"USING btree (a) WHERE a", "sql 42804: argument of WHERE must be type boolean, not type integer"},
        {"UNIQUE USING hash (a)", "sql 0A000: access method \"hash\" does not support unique indexes"},
        {"USING btree (a); SELECT 1", "sql 42601: cannot insert multiple commands into a prepared statement"},
    };

    prepare("CREATE TABLE t (a int, at timestamptz, j json)");
    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        T_EQ_STR(seen_as(cases[i][0]), cases[i][1]);
        T_EQ_STR(err.file, "prod.ini");
        T_EQ_INT(err.line, 7);
        T_MUST_NOT_NULL(err.statement);
        T_CONTAINS(err.statement, "INDEX CONCURRENTLY");
        T_LACKS(err.statement, "sgrun");
    }
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM pg_class WHERE relname LIKE 'sgrun%' OR relnamespace::regnamespace::text LIKE 'pg_temp%'"), 0);
}

/* A function of the table's row: on a copy it cannot be found. Nothing is refused for that, and nothing called drift. */
SG_TEST(functions_of_the_row)
{
    prepare("CREATE TABLE t (a int, b int); CREATE FUNCTION total(t) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.a + $1.b'");
    T_EQ_STR(seen_as("USING btree (total(t.*))"), "missing");
    sg_sql_exec(sql, "CREATE INDEX idx ON t (total(t.*))");
    T_CONTAINS(seen_as("USING btree (total(t.*))"), "valid, not compared: it cannot be made on a copy of its table: function total(");
    T_CONTAINS(seen_as("USING btree (a)"), "drifted");
    T_EQ_STR(seen_as("USING btree (tot(a))"), "sql 42883: function tot(integer) does not exist");
}

SG_TEST(constraints_that_took_an_index_over)
{
    prepare("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int, UNIQUE (a, id)); CREATE UNIQUE INDEX idx ON t (b)");
    T_EQ_STR(seen_as("UNIQUE USING btree (b)"), "valid");
    sg_sql_exec(sql, "ALTER TABLE t ADD CONSTRAINT uq_b UNIQUE USING INDEX idx");
    T_EQ_STR(seen_as("UNIQUE USING btree (b)"), "valid, as constraint uq_b");
    T_EQ_INT(look.index_oid, sg_sql_int(sql, "SELECT 'uq_b'::regclass::oid::int8"));
    T_EQ_INT(look.bytes, 8192);
    T_EQ_STR(seen_as("USING btree (b)"), "missing");
    T_EQ_STR(seen_as("UNIQUE USING btree (b DESC)"), "missing");
    T_EQ_STR(seen_as("UNIQUE USING btree (b) WHERE b > 0"), "missing");
    T_EQ_STR(seen_as("UNIQUE USING btree (b) INCLUDE (a)"), "missing");
    T_EQ_STR(seen_as("UNIQUE USING btree (id, a)"), "missing");
    T_EQ_STR(seen_as("UNIQUE USING btree (id)"), "valid, as constraint t_pkey");
    /* only a constraint's */
    sg_sql_exec(sql, "CREATE UNIQUE INDEX twin ON t (id, a)");
    T_EQ_STR(seen_as("UNIQUE USING btree (id, a)"), "missing");
    break_index("uq_b");
    T_EQ_STR(seen_as("UNIQUE USING btree (b)"), "missing");
    sg_sql_exec(sql, "CREATE TABLE p (a int, at date, UNIQUE (a, at)) PARTITION BY RANGE (at)");
    definition.table = "p";
    T_EQ_STR(seen_as("UNIQUE USING btree (a, at)"), "valid, as constraint p_a_at_key");
}

static const char *leftovers(void)
{
    const char *all = "";

    (void)seen();
    for (size_t i = 0; i < look.leftover_count; i++)
        all = sg_test_strf("%s%s%s", all, i > 0 ? ", " : "", look.leftovers[i]);
    return all;
}

SG_TEST(leftovers_of_a_reindex)
{
    static const char *const ours[] = {"idx_ccnew", "idx_ccnew1", "idx_ccnew12", "idx_ccold"};
    static const char *const others[] = {"idx_ccnewx", "idx_cc", "my_idx_ccnew", "idx2_ccnew", "idx__ccnew", "idx_cc_ccnew", "idx_CCNEW"};
    static const char ascii[] = "idx_a_very_long_name_of_an_index_that_is_cut_by_the_server_0xyz"; /* 63 */
    const char *umlaut;

    prepare("CREATE TABLE t (a int); CREATE TABLE o (a int); CREATE INDEX idx ON t (a)");
    definition.rest = "USING btree (a)";
    for (size_t i = 0; i < SG_COUNT(ours); i++) {
        sg_sql_execf(sql, "CREATE INDEX \"%s\" ON t (a)", ours[i]);
        T_EQ_STR(leftovers(), "");
        break_index(ours[i]);
        T_EQ_STR(leftovers(), ours[i]);
        sg_sql_execf(sql, "ALTER INDEX %s RENAME TO z%zu", ours[i], i);
    }
    for (size_t i = 0; i < SG_COUNT(others); i++) {
        sg_sql_execf(sql, "CREATE INDEX \"%s\" ON t (a)", others[i]);
        break_index(sg_test_strf("\"%s\"", others[i]));
    }
    T_EQ_STR(leftovers(), "");
    sg_sql_exec(sql, "CREATE INDEX idx_ccnew ON o (a)");
    break_index("idx_ccnew");
    T_EQ_STR(leftovers(), "");
    sg_sql_exec(sql, "DROP INDEX idx_ccnew; ALTER INDEX z0 RENAME TO idx_ccnew; ALTER INDEX z3 RENAME TO idx_ccold");
    T_EQ_STR(leftovers(), "idx_ccnew, idx_ccold");
    T_EQ_INT(look.found, SG_INDEX_FOUND_VALID);
    sg_sql_exec(sql, "DROP INDEX idx");
    T_EQ_STR(leftovers(), "idx_ccnew, idx_ccold");
    T_EQ_INT(look.found, SG_INDEX_FOUND_MISSING);
    /* as the server itself cuts them */
    umlaut = "ïdx_ä_very_long_näme_of_an_index_that_is_cut_by_the_sërvé";
    for (int i = 0; i < 2; i++) {
        definition.name = i == 0 ? ascii : umlaut;
        sg_sql_execf(sql, "TRUNCATE o; CREATE INDEX \"%s\" ON t (a)", definition.name);
        for (int n = 0; n < 11; n++) {
            struct sg_sql *holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; INSERT INTO app.t VALUES (1)");
            struct sg_sql *other = sg_sql_open(conninfo);

            sg_sql_send(other, sg_test_strf("REINDEX INDEX CONCURRENTLY app.\"%s\"", definition.name));
            sg_sql_await(sql, "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'", "1", 10000);
            sg_sql_cancel(other);
            T_EQ_STR(sg_sql_finish(other, 10000), "57014");
            sg_sql_close(other);
            sg_sql_close(holder);
        }
        (void)seen();
        T_EQ_INT(look.leftover_count, 11);
    }
}

/* ---- a glance at many ---- */

SG_TEST(many_at_once)
{
    enum { PLAIN, OTHER_WORDS, DRIFTED, INVALID, MISSING, NO_TABLE, NAME_TAKEN, VIEW, PARTITIONED, EXPRESSION, PREDICATE, COUNT };
    static const struct {
        const char *table, *name, *rest;
        bool sure;
        const char *found;
    } cases[COUNT] = {
        [PLAIN] = {"t", "plain", "USING btree (b COLLATE \"C\" text_pattern_ops DESC, a) INCLUDE (c)", true, "valid"},
        [OTHER_WORDS] = {"t", "other", "USING btree (a ASC)", false, "valid"},
        [DRIFTED] = {"t", "drifted", "USING btree (c)", false, "drifted"},
        [INVALID] = {"t", "broken", "USING btree (a)", true, "invalid"},
        [MISSING] = {"t", "missing", "USING btree (a)", false, "missing"},
        [NO_TABLE] = {"nowhere", "nowhere_idx", "USING btree (a)", true, "no table"},
        [NAME_TAKEN] = {"t", "taken", "USING btree (a)", true, "drifted"},
        [VIEW] = {"v", "of_view", "USING btree (a)", false, NULL},
        [PARTITIONED] = {"p", "of_p", "USING btree (a)", false, "valid"},
        [EXPRESSION] = {"t", "expr", "USING btree (lower(b))", false, "valid"},
        [PREDICATE] = {"t", "pred", "USING btree (a) WHERE (a > 3)", false, "valid"},
    };
    static struct sg_index_definition all[500];
    const struct sg_index_definition *pointers[500];
    static struct sg_index_look looks[500];
    bool sure[500];

    prepare("CREATE TABLE t (a int, b text, c int); CREATE TABLE taken (a int); CREATE VIEW v AS SELECT 1 AS a;"
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX of_p ON p (a);"
            "CREATE INDEX plain ON t (b COLLATE \"C\" text_pattern_ops DESC, a) INCLUDE (c); CREATE INDEX other ON t (a);"
            "CREATE INDEX drifted ON t (a); CREATE INDEX broken ON t (a); CREATE INDEX broken_ccnew ON t (a); CREATE INDEX broken_ccnew1 ON t (a);"
            "CREATE INDEX expr ON t (lower(b)); CREATE INDEX pred ON t (a) WHERE a > 3");
    break_index("broken");
    break_index("broken_ccnew");
    break_index("broken_ccnew1");
    for (int i = 0; i < 500; i++) {
        all[i] = definition;
        all[i].table = cases[i % COUNT].table;
        all[i].name = cases[i % COUNT].name;
        all[i].relation = sg_test_strf("app.%s", all[i].table);
        all[i].rest = cases[i % COUNT].rest;
        pointers[i] = &all[i];
    }
    T_MUST_EQ_INT(sg_index_look_many(&session, pointers, 500, &arena, looks, sure, &err), 0);
    for (int i = 0; i < 500; i++) {
        struct sg_index_look alone;

        T_EQ_INT(sure[i], cases[i % COUNT].sure);
        if (i >= 2 * COUNT && !sure[i])
            continue;
        if (sg_index_look(&session, pointers[i], &arena, &alone, &err) != 0) {
            T_NULL(cases[i % COUNT].found);
            sg_err_clear(&err);
            continue;
        }
        T_EQ_STR(sg_index_found_name(alone.found), cases[i % COUNT].found);
        if (!sure[i])
            continue;
        T_EQ_INT(looks[i].found, alone.found);
        T_EQ_INT(looks[i].index_oid, alone.index_oid);
        T_EQ_INT(looks[i].table_oid, alone.table_oid);
        T_EQ_INT(looks[i].bytes, alone.bytes);
        T_EQ_INT(looks[i].leftover_count, i % COUNT == INVALID ? 2 : 0);
        T_EQ_INT(looks[i].leftover_count, alone.leftover_count);
        T_EQ_STR(looks[i].is, alone.is);
        T_EQ_STR(looks[i].wanted, alone.wanted);
    }
    T_MUST_EQ_INT(sg_index_look_many(&session, pointers, 0, &arena, looks, sure, &err), 0);
}

/* The words are the same, what they mean here is not: words alone are believed only where they cannot mean two things. */
SG_TEST(words_that_mean_something_else)
{
    prepare("CREATE TABLE t (a int, b varchar); CREATE INDEX idx ON t (lower(b))");
    definition.table = "t";
    T_EQ_STR(seen_as("USING btree (lower(b))"), "valid");
    T_EQ_STR(seen_as("USING btree (lower((b)::text))"), "valid");
    sg_sql_exec(sql, "CREATE FUNCTION app.lower(varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$");
    T_CONTAINS(seen_as("USING btree (lower(b))"), "drifted");
}

/* ---- who may do what ---- */

SG_TEST(without_the_right_to_temporary_tables)
{
    const char *db;

    prepare("CREATE TABLE t (a int, b int); CREATE INDEX idx ON t (a); CREATE SCHEMA sgrun;"
            "DO $$ BEGIN CREATE ROLE builder LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "DO $$ BEGIN CREATE ROLE owner_of_t NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT owner_of_t TO builder; GRANT USAGE, CREATE ON SCHEMA app TO owner_of_t; GRANT USAGE ON SCHEMA app TO builder; ALTER TABLE t OWNER TO owner_of_t;"
            "GRANT USAGE, CREATE ON SCHEMA sgrun TO builder");
    db = sg_sql_value(sql, "SELECT current_database()");
    open_as(sg_server_conninfo(sg_server_shared(), db, "builder"));
    manifest.role = "owner_of_t";
    T_EQ_STR(seen_as("USING btree (a ASC)"), "valid");
    T_CONTAINS(seen_as("USING btree (b)"), "drifted");
    sg_sql_execf(sql, "REVOKE TEMP ON DATABASE %s FROM PUBLIC", db);
    /* the login role's own schema will do */
    T_EQ_STR(seen_as("USING btree (a ASC)"), "valid");
    T_CONTAINS(seen_as("USING btree (b)"), "drifted: CREATE INDEX idx ON app.t USING btree (a) / CREATE INDEX idx ON app.t USING btree (b)");
    sg_sql_exec(sql, "CREATE TABLE sgrun.t (x int)");
    T_EQ_STR(seen_as("USING btree (a ASC)"), "valid");
    T_CONTAINS(seen_as("USING btree (b)"), "drifted");
    T_EQ_STR(seen_as("USING btree (nix)"), "sql 42703: column \"nix\" does not exist");
    sg_sql_exec(sql, "DROP INDEX idx; CREATE INDEX idx ON t (hash_record(t.*))");
    T_CONTAINS(seen_as("USING btree (hash_record(t.*))"), "valid, not compared: it cannot be made on a copy of its table: missing FROM-clause entry");
    sg_sql_exec(sql, "DROP INDEX idx; CREATE INDEX idx ON t (a); DROP TABLE sgrun.t; REVOKE CREATE ON SCHEMA sgrun FROM builder");
    T_EQ_STR(seen_as("USING btree (a ASC)"), "valid, not compared: no copy of its table can be made: permission denied for schema sgrun");
    /* word for word what the server says, it needs no copy */
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    T_CONTAINS(seen_as("USING btree (b)"), "valid, not compared");
    sg_sql_exec(sql, "DROP INDEX idx");
    T_EQ_STR(seen_as("USING btree (b)"), "missing");
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM pg_class WHERE relnamespace = 'sgrun'::regnamespace"), 0);
    sg_sql_execf(sql, "GRANT TEMP ON DATABASE %s TO PUBLIC", db);
    sg_sql_exec(sql, "DROP TABLE t; REVOKE ALL ON SCHEMA app FROM owner_of_t, builder; REVOKE ALL ON SCHEMA sgrun FROM builder");
}

SG_TEST(a_role_that_is_taken)
{
    prepare("DO $$ BEGIN CREATE ROLE taken; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT ALL ON SCHEMA app TO taken; SET ROLE taken; CREATE TABLE t (a int); CREATE INDEX idx ON t (a); RESET ROLE");
    manifest.role = "taken";
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    sg_sql_exec(sql, "DROP TABLE t; REVOKE ALL ON SCHEMA app FROM taken");
}

/* ---- locks, poolers ---- */

SG_TEST(a_locked_table_is_told_soon)
{
    struct sg_index_definition other;
    struct sg_index_look looks[2];
    bool sure[2];
    struct sg_sql *holder;
    int64_t from;

    prepare("CREATE TABLE t (a int); CREATE INDEX idx ON t (a)");
    holder = sg_sql_hold(conninfo, "LOCK TABLE app.t IN ACCESS EXCLUSIVE MODE");
    from = sg_test_now_ms();
    T_CONTAINS(seen_as("USING btree (a)"), "locked 55P03: table app.t is locked: ");
    T_TRUE(sg_test_now_ms() - from < 2500);
    sg_sql_close(holder);
    T_EQ_STR(seen(), "valid");
    /* of many, one table that is locked keeps nothing from being asked for by itself */
    sg_sql_exec(sql, "CREATE TABLE o (a int); CREATE INDEX io ON o (a)");
    other = definition;
    other.table = "o";
    other.name = "io";
    holder = sg_sql_hold(conninfo, "LOCK TABLE app.t IN ACCESS EXCLUSIVE MODE");
    T_EQ_INT(sg_index_look_many(&session, (const struct sg_index_definition *const[]){&definition, &other}, 2, &arena, looks, sure, &err), 0);
    T_FALSE(sure[0]);
    sg_sql_close(holder);
    T_EQ_INT(sg_index_look_many(&session, (const struct sg_index_definition *const[]){&definition, &other}, 2, &arena, looks, sure, &err), 0);
    T_TRUE(sure[0] && sure[1]);
    T_EQ_INT(looks[1].found, SG_INDEX_FOUND_VALID);
    /* what only reads and writes does not matter */
    holder = sg_sql_hold(conninfo, "LOCK TABLE app.t IN SHARE UPDATE EXCLUSIVE MODE");
    T_EQ_STR(seen(), "valid");
    sg_sql_close(holder);
}

SG_TEST(through_a_pooler)
{
    struct sg_server *server = sg_server_shared();
    struct sg_pgbouncer *pooler = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_server_dir(server), .port = sg_server_port(server),
                                                                                 .pool_size = 1});
    struct sg_sql *other;
    const char *through;

    prepare("CREATE TABLE t (a int, b int); CREATE INDEX idx ON t (a)");
    through = sg_pgbouncer_conninfo(pooler, sg_sql_value(sql, "SELECT current_database()"), NULL);
    other = sg_sql_open(through);
    open_as(through);
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    T_CONTAINS(seen_as("USING btree (b)"), "drifted");
    /* another client's, on the same backend */
    sg_sql_exec(other, "CREATE TEMP TABLE t (x int)");
    T_EQ_STR(seen_as("USING btree (a)"), "valid");
    T_CONTAINS(seen_as("USING btree (b)"), "drifted");
    T_EQ_STR(sg_sql_rows(other, "SELECT * FROM t"), "");
    T_EQ_STR(sg_sql_value(other, "SHOW search_path"), "\"$user\", public");
}

/* Somebody makes, drops and rebuilds it all the time, and the table too: what is seen is one of the states that there were. */
SG_TEST(things_that_move_meanwhile)
{
    static const char *const turns[] = {"CREATE INDEX idx ON app.t (a) WHERE a > 1", "REINDEX INDEX CONCURRENTLY app.idx", "DROP INDEX app.idx",
                                        "CREATE INDEX CONCURRENTLY idx ON app.t (a) WHERE a > 1", "REINDEX TABLE CONCURRENTLY app.t",
                                        "DROP INDEX CONCURRENTLY app.idx", "DROP TABLE app.t; CREATE TABLE app.t (a int)",
                                        "CREATE INDEX idx ON app.t (a) WHERE a > 1", "ALTER TABLE app.t RENAME TO u; ALTER TABLE app.u RENAME TO t"};
    static const char *const states[] = {"no table", "missing", "valid", "invalid"};
    int64_t until = sg_test_now_ms() + (sg_test_full() ? 30000 : 4000);
    int counts[SG_COUNT(states)] = {0};
    struct sg_sql *other;
    size_t turn = 0;

    prepare("CREATE TABLE t (a int)");
    other = sg_sql_open(conninfo);
    while (sg_test_now_ms() < until) {
        const char *found;
        size_t i = 0;

        if (!sg_sql_busy(other)) {
            if (turn > 0)
                T_EQ_STR(sg_sql_finish(other, 10000), "");
            if (turn == SG_COUNT(turns)) {
                sg_sql_exec(other, "DROP INDEX app.idx");
                turn = 0;
            }
            sg_sql_send(other, turns[turn++]);
        }
        found = seen_as("USING btree (a) WHERE a > 1");
        while (i < SG_COUNT(states) && strcmp(found, states[i]) != 0)
            i++;
        if (i == SG_COUNT(states))
            T_FATAL("while %s: %s", turns[turn - 1], found);
        counts[i]++;
    }
    T_TRUE(counts[1] > 0 && counts[2] > 0);
    T_EQ_STR(sg_sql_finish(other, 10000), "");
}

/* ---- who builds ---- */

static const char *busy_but(int pid)
{
    struct sg_index_busy busy;

    if (sg_index_busy(&session, &definition, pid, &arena, &busy, &err) != 0)
        T_FATAL("%s", err.primary);
    if (!busy.building)
        return "no";
    T_CONTAINS(busy.text, sg_test_strf("pid %d (", busy.pid));
    return sg_test_strf("%s%s%s", busy.same ? "same, " : "", busy.ours ? "ours, " : "", busy.text);
}

static void open_watcher(const char *more)
{
    sg_sql_exec(sql, "DO $$ BEGIN CREATE ROLE only_looks LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    if (more != NULL)
        sg_sql_exec(sql, more);
    open_as(sg_server_conninfo(sg_server_shared(), sg_sql_value(sql, "SELECT current_database()"), "only_looks"));
}

SG_TEST(builders_are_seen)
{
    struct sg_sql *writer, *builder, *second;
    const char *as_super = NULL;
    int pid;

    prepare("CREATE TABLE t (a int, b int); CREATE TABLE o (a int)");
    T_EQ_STR(busy_but(0), "no");
    writer = sg_sql_hold(conninfo, "INSERT INTO app.t VALUES (1)");
    T_EQ_STR(busy_but(0), "no");
    builder = sg_sql_open(sg_test_strf("%s application_name=sgrun:idx", conninfo));
    second = sg_sql_open(conninfo);
    pid = sg_sql_pid(builder);
    sg_sql_send(builder, "CREATE INDEX CONCURRENTLY idx ON app.t (a) WHERE b <> 4711");
    sg_sql_await(sql, "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'", "1", 10000);
    for (int i = 0; i < 2; i++) {
        const char *text = busy_but(0);

        T_CONTAINS(text, sg_test_strf("same, ours, pid %d (sgrun:idx", pid));
        if (i == 0) {
            T_CONTAINS(text, "user postgres, active for ");
            T_CONTAINS(text, "CREATE INDEX CONCURRENTLY idx ON app.t (a) WHERE b <> ?");
            as_super = text;
        }
        T_EQ_STR(busy_but(pid), "no");
        open_watcher(NULL);
    }
    T_NOT_NULL(as_super);
    /* one who waits until the first is through: in no progress view yet */
    sg_sql_send(second, "CREATE INDEX CONCURRENTLY \"other\" ON app.t (b)");
    sg_sql_await(sql, "SELECT count(*) FROM pg_locks WHERE relation = 'app.t'::regclass AND NOT granted", "1", 10000);
    T_LACKS(busy_but(pid), "same");
    T_CONTAINS(busy_but(pid), "pid ");
    open_as(conninfo);
    T_CONTAINS(busy_but(pid), "CREATE INDEX CONCURRENTLY \"other\" ON app.t (b)");
    T_LACKS(busy_but(pid), "ours");
    definition.name = "other";
    T_CONTAINS(busy_but(pid), "same, ");
    T_CONTAINS(busy_but(0), sg_test_strf("ours, pid %d", pid));
    definition.table = "o";
    T_EQ_STR(busy_but(0), "no");
    sg_sql_close(builder);
    sg_sql_close(second);
    sg_sql_close(writer);
}

/* Our own build's helpers are not somebody else. */
SG_TEST(parallel_workers_are_their_leader)
{
    struct sg_sql *builder;
    int pid;

    prepare("CREATE TABLE t (a int) WITH (parallel_workers = 2); INSERT INTO t SELECT generate_series(1, 2000);"
            "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002); RETURN $1; END $$");
    builder = sg_sql_open(conninfo);
    pid = sg_sql_pid(builder);
    sg_sql_exec(builder, "SET min_parallel_table_scan_size = 0; SET max_parallel_maintenance_workers = 2");
    sg_sql_send(builder, "CREATE INDEX CONCURRENTLY idx ON app.t (app.slow(a))");
    sg_sql_await(sql, "SELECT count(DISTINCT pid) > 1 FROM pg_locks WHERE relation = 'app.t'::regclass AND mode = 'ShareUpdateExclusiveLock'", "t", 10000);
    T_EQ_STR(busy_but(pid), "no");
    T_CONTAINS(busy_but(0), sg_test_strf("same, pid %d (", pid));
    sg_sql_close(builder);
}

SG_TEST(others_on_the_table_do_not_build)
{
    static const char *const locks[] = {"LOCK TABLE app.t IN ROW EXCLUSIVE MODE", "LOCK TABLE app.t IN ACCESS SHARE MODE",
                                        "LOCK TABLE app.t IN SHARE ROW EXCLUSIVE MODE"};
    struct sg_sql *holder;

    prepare("CREATE TABLE t (a int); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p DEFAULT");
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < SG_COUNT(locks); k++) {
            holder = sg_sql_hold(conninfo, locks[k]);
            T_EQ_STR(busy_but(0), "no");
            sg_sql_close(holder);
        }
        holder = sg_sql_hold(conninfo, "CREATE INDEX x ON app.t (a)");
        T_CONTAINS(busy_but(0), "pid ");
        sg_sql_close(holder);
        /* the lock of a build and of a VACUUM: where nothing else can be seen, it is taken for a build */
        holder = sg_sql_hold(conninfo, "LOCK TABLE app.t IN SHARE UPDATE EXCLUSIVE MODE");
        if (i == 0)
            T_EQ_STR(busy_but(0), "no");
        else
            T_CONTAINS(busy_but(0), "state not visible");
        sg_sql_close(holder);
        open_watcher(NULL);
    }
    open_as(conninfo);
    definition.table = "p";
    holder = sg_sql_hold(conninfo, "CREATE INDEX x ON app.p1 (a)");
    T_CONTAINS(busy_but(0), "CREATE INDEX x ON app.p1 (a)");
    sg_sql_close(holder);
}

static const struct sg_test tests[] = {
    SG_CASE(each_state_is_told),
    SG_CASE(a_name_that_is_another_things),
    SG_CASE(differences_are_noticed),
    SG_CASE(what_is_no_difference),
    SG_CASE(where_it_is_stored),
    SG_CASE(whatever_the_table_is),
    SG_CASE(names_as_odd_as_they_may_be),
    SG_CASE(partitioned_tables),
    SG_CASE(what_the_server_refuses_is_found_before),
    SG_CASE(functions_of_the_row),
    SG_CASE(constraints_that_took_an_index_over),
    SG_CASE(leftovers_of_a_reindex),
    SG_CASE(many_at_once),
    SG_CASE(words_that_mean_something_else),
    SG_CASE(without_the_right_to_temporary_tables),
    SG_CASE(a_role_that_is_taken),
    SG_CASE(a_locked_table_is_told_soon),
    SG_CASE(through_a_pooler),
    SG_CASE_SECONDS(things_that_move_meanwhile, 120),
    SG_CASE(builders_are_seen),
    SG_CASE(parallel_workers_are_their_leader),
    SG_CASE(others_on_the_table_do_not_build),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"index_look", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
