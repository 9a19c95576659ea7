/* The policy's rules by call and phase, its messages, and what it says of a statement. */
#include "config.h"

#include "core/base/text.h"
#include "core/sql/policy.h"
#include "tests/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sg_arena arena;
static struct sg_verdict verdict;
static struct sg_err err;
static struct sg_policy_rules rules;

static void start(enum sg_phase phase)
{
    memset(&rules, 0, sizeof(rules));
    rules.phase = phase;
    rules.state_schema = "sgrun";
    rules.schema = "public";
}

static int judge_bytes(enum sg_call call, const char *sql, size_t length)
{
    sg_err_clear(&err);
    return sg_policy_judge(&rules, call, sql, length, &arena, &verdict, &err);
}

static int judge(enum sg_call call, const char *sql)
{
    return judge_bytes(call, sql, strlen(sql));
}

static int ddl(const char *sql)
{
    return judge(SG_CALL_DDL, sql);
}

/* What stands under the caret. */
static const char *caret(void)
{
    return err.position > 0 && err.statement != NULL ? err.statement + sg_text_offset(err.statement, (size_t)err.position - 1) : "";
}

static void refused(enum sg_call call, const char *sql, const char *primary, const char *at)
{
    if (judge(call, sql) == 0) {
        T_FAIL("not refused: %s", sql);
        return;
    }
    T_EQ_INT(err.class, SG_CLASS_POLICY);
    T_CONTAINS(err.primary, primary);
    if (at != NULL && strncmp(caret(), at, strlen(at)) != 0)
        T_FAIL("%s: caret at \"%.20s\", not at \"%s\"", sql, caret(), at);
}

static void allowed(enum sg_call call, const char *sql, bool opaque)
{
    if (judge(call, sql) != 0)
        T_FAIL("refused: %s: %s", sql, err.primary);
    else if (verdict.opaque != opaque)
        T_FAIL("%s: %s", sql, opaque ? "not opaque" : "opaque");
    else
        T_EQ_INT(verdict.opaque, opaque);
}

SG_TEST(calls_have_their_phase)
{
    start(SG_PHASE_FINGERPRINT);
    refused(SG_CALL_DDL, "CREATE TABLE n (a int)", "sg_ddl may not be called from fingerprint", "CREATE");
    refused(SG_CALL_DML, "DELETE FROM t", "sg_dml may not be called from fingerprint", "DELETE");
    allowed(SG_CALL_QUERY, "SELECT 1", false);
    start(SG_PHASE_RUN);
    refused(SG_CALL_DML, "DELETE FROM t", "sg_dml may not be called from run", "DELETE");
    T_CONTAINS(err.hint, "backfill");
    allowed(SG_CALL_QUERY, "SHOW server_version", false);
    start(SG_PHASE_BATCH);
    refused(SG_CALL_DDL, "CREATE TABLE n (a int)", "sg_ddl may not be called from backfill_batch", "CREATE");
    allowed(SG_CALL_QUERY, "VALUES (1), (2)", false);
}

SG_TEST(messages_say_where_it_belongs)
{
    start(SG_PHASE_RUN);
    refused(SG_CALL_DDL, "WITH x AS (SELECT 1),\n y AS (DELETE FROM t) SELECT 1", "DELETE writes rows", "DELETE FROM t");
    T_CONTAINS(err.hint, "backfill_batch()");
    refused(SG_CALL_DDL, "CREATE INDEX i ON leads (name)", "CREATE INDEX on \"leads\"", "INDEX");
    T_CONTAINS(err.hint, "[index NAME]");
    refused(SG_CALL_DDL, "CREATE INDEX CONCURRENTLY i ON leads (name)", "is the index registry's work", "CONCURRENTLY");
    refused(SG_CALL_DDL, "REINDEX TABLE CONCURRENTLY leads", "REINDEX builds indexes", "REINDEX");
    refused(SG_CALL_DDL, "SET lock_timeout = 0", "SET changes settings", "SET");
    T_CONTAINS(err.hint, "[policy]");
    refused(SG_CALL_DDL, "BEGIN", "transaction control", "BEGIN");
    refused(SG_CALL_DDL, "SAVEPOINT a", "transaction control", "SAVEPOINT");
    refused(SG_CALL_DDL, "CREATE TABLE a (b int);\n CREATE TABLE c (d int)", "the text holds 2 statements", "CREATE TABLE c");
    refused(SG_CALL_DDL, "", "the text holds no statement", NULL);
    refused(SG_CALL_DDL, "-- nothing", "the text holds no statement", NULL);
    refused(SG_CALL_DDL, "ADD COLUMN a int", "cannot read this", "ADD");
    T_CONTAINS(err.hint, "unparsed = allow");
    refused(SG_CALL_DDL, "\n\t-- \xc3\xbc\n UPDATE \"\xc3\xa9\" SET a = 1", "UPDATE writes rows", "UPDATE");
    refused(SG_CALL_DDL, "CREATE TABLE n AS SELECT 1 AS a", "CREATE TABLE AS fills", "AS SELECT");
    refused(SG_CALL_DDL, "DROP OWNED BY a", "DROP OWNED drops what it does not name", "DROP");
    refused(SG_CALL_DDL, "SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS is the runner's", "SET");
    refused(SG_CALL_DDL, "ALTER ROLE a SET standard_conforming_strings = off", "guards rest on", "standard_conforming_strings");
    refused(SG_CALL_DDL, "DISCARD ALL", "DISCARD changes settings", "DISCARD");
    refused(SG_CALL_DDL, "LISTEN a", "LISTEN lives in the session", "LISTEN");
    T_EQ_INT(judge_bytes(SG_CALL_DDL, "DROP TABLE a\0b", 14), -1);
    T_CONTAINS(err.primary, "NUL byte");
}

SG_TEST(nothing_names_the_state)
{
    static const char *const statements[] = {
        "ALTER TABLE sgrun.lease ADD COLUMN a int", "DROP TABLE a, Sgrun.lease", "DROP TABLE a, \"sgrun\".lease",
        "DROP SCHEMA other, sgrun", "CREATE SCHEMA sgrun", "CREATE SCHEMA AUTHORIZATION sgrun", "ALTER SCHEMA sgrun OWNER TO a",
        "ALTER SCHEMA other RENAME TO sgrun", "ALTER TABLE a SET SCHEMA sgrun", "GRANT ALL ON SCHEMA a, sgrun TO b",
        "GRANT SELECT ON ALL TABLES IN SCHEMA sgrun TO PUBLIC", "GRANT SELECT ON sgrun.lease TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA sgrun GRANT SELECT ON TABLES TO a", "COMMENT ON TABLE sgrun.lease IS 'a'",
        "COMMENT ON SCHEMA sgrun IS 'a'", "COMMENT ON COLUMN sgrun.lease.owner IS 'a'",
        "CREATE VIEW v AS SELECT * FROM sgrun.schema_migrations", "CREATE TABLE a (b int REFERENCES sgrun.lease)",
        "CREATE TABLE a (LIKE sgrun.lease)", "CREATE TABLE a () INHERITS (sgrun.lease)", "CREATE TABLE a (b sgrun.t)",
        "CREATE FUNCTION sgrun.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION sgrun.f()", "DROP TYPE sgrun.t",
        "CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION sgrun.f()",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM \"sgrun\".lease; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'sgrun.x'; END $$",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM sgrun.lease; SELECT 1; END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = public, sgrun AS 'SELECT 1'",
        "ALTER FUNCTION f() SET search_path TO 'sgrun'", "ALTER ROLE a SET search_path = sgrun",
        "ALTER DATABASE a SET search_path = 'public, \"sgrun\"'", "CREATE EXTENSION x SCHEMA sgrun",
        "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO sgrun", "CREATE PUBLICATION p FOR TABLES IN SCHEMA sgrun",
        "CREATE PUBLICATION p FOR TABLE sgrun.journal", "ALTER TABLE a ADD COLUMN b int DEFAULT nextval('sgrun.s')",
        "ALTER TABLE a ADD CHECK (b OPERATOR(sgrun.=) 1)", "ALTER TABLE a ADD CHECK (to_regclass('Sgrun.lease') IS NULL)",
        "ALTER EXTENSION x ADD TABLE sgrun.lease", "CREATE STATISTICS s ON a, b FROM sgrun.lease", "ANALYZE sgrun.lease",
        "DO $$ BEGIN PERFORM count(*) FROM sgrun.lease; END $$", "DO $$ BEGIN PERFORM f('sgrun.lease'); END $$",
        "CREATE RULE r AS ON DELETE TO sgrun.lease DO INSTEAD NOTHING", "SECURITY LABEL ON TABLE sgrun.lease IS 'a'",
        "CREATE OPERATOR sgrun.=== (leftarg = int, rightarg = int, function = int4eq)",
        "ALTER TABLE a ATTACH PARTITION sgrun.lease DEFAULT"};
    static const char *const fine[] = {"ALTER TABLE sgrun ADD COLUMN a int",
                                       "CREATE TABLE a (sgrun int, b text DEFAULT 'sgrun.lease', UNIQUE (sgrun, b))",
                                       "GRANT SELECT ON a TO sgrun", "COMMENT ON TABLE a IS 'sgrun.lease'",
                                       "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT sgrun FROM a -- sgrun.lease'",
                                       "ALTER TABLE sgrun2.a ADD COLUMN b int"};

    start(SG_PHASE_RUN);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        refused(SG_CALL_DDL, statements[i], "the schema \"sgrun\" belongs to the runner", NULL);
    refused(SG_CALL_DDL, "DROP TABLE a, sgrun.lease", "belongs to the runner", "sgrun.lease");
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        if (ddl(fine[i]) != 0)
            T_FAIL("refused: %s: %s", fine[i], err.primary);
    /* with the application's schema in common its tables are ours by name */
    rules.schema = "sgrun";
    T_EQ_INT(ddl("ALTER TABLE sgrun.leads ADD COLUMN a int"), 0);
    refused(SG_CALL_DDL, "ALTER TABLE lease ADD COLUMN a int", "belongs to the runner", NULL);
    refused(SG_CALL_DDL, "ALTER TABLE sgrun.schema_migrations ADD COLUMN a int", "belongs to the runner", NULL);
    T_EQ_INT(ddl("ALTER TABLE other.lease ADD COLUMN a int"), 0);
}

SG_TEST(reads)
{
    start(SG_PHASE_RUN);
    allowed(SG_CALL_QUERY, "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'a'", true);
    allowed(SG_CALL_QUERY, "SELECT relname FROM pg_catalog.pg_class WHERE relname = 'a'", false);
    allowed(SG_CALL_QUERY, "SELECT 1 FROM leads", true);
    allowed(SG_CALL_QUERY, "TABLE leads", true);
    allowed(SG_CALL_QUERY, "SELECT now(), pg_catalog.lower('A'), 1 + 1", false);
    /* a built-in's name is not enough: the arguments choose */
    allowed(SG_CALL_QUERY, "SELECT lower('A')", true);
    allowed(SG_CALL_QUERY, "SELECT trunc()", true);
    allowed(SG_CALL_QUERY, "SELECT now(1)", true);
    allowed(SG_CALL_QUERY, "SELECT f()", true);
    allowed(SG_CALL_QUERY, "SELECT 1 UNION SELECT 2 ORDER BY 1 LIMIT 1", false);
    allowed(SG_CALL_QUERY, "EXPLAIN (ANALYZE false, VERBOSE) SELECT 1", false);
    allowed(SG_CALL_QUERY, "SELECT 1 WHERE 1 OPERATOR(a.=) 1", true);
    refused(SG_CALL_QUERY, "EXPLAIN (ANALYZE) SELECT 1", "EXPLAIN ANALYZE runs", "ANALYZE");
    refused(SG_CALL_QUERY, "EXPLAIN (ANALYZE 1) SELECT 1", "EXPLAIN ANALYZE runs", "ANALYZE");
    refused(SG_CALL_QUERY, "SELECT * FROM a WHERE b = (SELECT setval('s', 1))", "setval()", "setval");
    refused(SG_CALL_QUERY, "SELECT * FROM a FOR NO KEY UPDATE", "FOR NO KEY UPDATE locks rows", "FOR NO");
    start(SG_PHASE_FINGERPRINT);
    refused(SG_CALL_QUERY, "SELECT * FROM a FOR SHARE", "FOR SHARE locks rows", "FOR");
    start(SG_PHASE_BATCH);
    allowed(SG_CALL_QUERY, "SELECT id FROM a FOR UPDATE", true);
}

SG_TEST(batches)
{
    start(SG_PHASE_BATCH);
    allowed(SG_CALL_DML, "UPDATE leads SET name = concat_ws(' ', a, b) WHERE id BETWEEN $1 AND $2 AND name IS NULL", true);
    allowed(SG_CALL_DML, "WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d", true);
    allowed(SG_CALL_DML, "MERGE INTO a USING b ON a.id = b.id WHEN NOT MATCHED THEN INSERT VALUES (b.id)", true);
    allowed(SG_CALL_DML, "INSERT INTO a VALUES (nextval('s')) ON CONFLICT DO NOTHING", true);
    refused(SG_CALL_DML, "SELECT 1", "SELECT is not one of INSERT", "SELECT");
    refused(SG_CALL_DML, "TRUNCATE a", "TRUNCATE is not one of INSERT", "TRUNCATE");
    refused(SG_CALL_DML, "COPY a FROM STDIN", "COPY is not one of INSERT", "COPY");
    refused(SG_CALL_DML, "UPDATE a SET b = 1; UPDATE a SET b = 2", "the text holds 2 statements", "UPDATE a SET b = 2");
    refused(SG_CALL_DML, "UPDATE a SET b = set_config('x', 'y', false)", "set_config()", "set_config");
    refused(SG_CALL_DML, "UPDATE sgrun.lease SET owner = 'me'", "belongs to the runner", "sgrun");
    refused(SG_CALL_DML, "UPDATE pg_settings SET setting = '0' WHERE name = 'lock_timeout'", "the catalogue's tables", "pg_settings");
    refused(SG_CALL_DML, "DELETE FROM a WHERE id IN (SELECT id FROM a LIMIT 10 FOR UPDATE SKIP LOCKED)",
            "SKIP LOCKED loses rows in silence", "SKIP LOCKED");
    rules.drain = true;
    allowed(SG_CALL_DML, "DELETE FROM a WHERE id IN (SELECT id FROM a LIMIT 10 FOR UPDATE SKIP LOCKED)", true);
}

SG_TEST(batches_lose_no_rows)
{
    static const char *const skips[] = {
        "WITH c AS (SELECT id FROM a WHERE id > $1 LIMIT 10 FOR UPDATE SKIP LOCKED) UPDATE a SET b = 1 FROM c WHERE a.id = c.id",
        ("WITH x AS (SELECT 1), c AS (SELECT * FROM (SELECT id FROM a FOR NO KEY UPDATE OF a SKIP LOCKED) y)"
         " DELETE FROM a USING c WHERE a.id = c.id"),
        "UPDATE a SET b = (SELECT max(c) FROM (SELECT c FROM d WHERE d.id = a.id FOR SHARE SKIP LOCKED) q) WHERE id BETWEEN $1 AND $2",
        "INSERT INTO b SELECT id FROM a FOR KEY SHARE SKIP LOCKED ON CONFLICT DO NOTHING",
        "MERGE INTO b USING (SELECT id FROM a FOR UPDATE SKIP LOCKED) s ON b.id = s.id WHEN MATCHED THEN DELETE",
    };
    static const char read[] = "SELECT id FROM a ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED";

    start(SG_PHASE_BATCH);
    for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
        rules.drain = false;
        refused(SG_CALL_DML, skips[i], "SKIP LOCKED loses rows in silence", "SKIP");
        rules.drain = true;
        allowed(SG_CALL_DML, skips[i], true);
    }
    allowed(SG_CALL_QUERY, read, true);
    rules.drain = false;
    refused(SG_CALL_QUERY, read, "SKIP LOCKED loses rows in silence", "SKIP");
    allowed(SG_CALL_DML, "UPDATE a SET b = 1 WHERE id IN (SELECT id FROM a WHERE id < $1 FOR UPDATE NOWAIT)", true);
    /* what the grammar cannot read is looked at by its words */
    rules.unparsed_allow = true;
    refused(SG_CALL_DML, "UPDATE a SET newer SYNTAX b = (SELECT 1 FOR UPDATE skip LOCKED)", "SKIP LOCKED loses rows", "LOCKED");
    allowed(SG_CALL_DML, "UPDATE a SET newer SYNTAX b = 1", true);
    rules.drain = true;
    allowed(SG_CALL_DML, "UPDATE a SET newer SYNTAX b = (SELECT 1 FOR UPDATE SKIP LOCKED)", true);
}

SG_TEST(batches_only_change_rows)
{
    static const struct {
        const char *sql, *primary;
    } cases[] = {
        {"BEGIN", "transaction control is not one of"},
        {"COMMIT", "is not one of INSERT"},
        {"ROLLBACK TO SAVEPOINT a", "is not one of INSERT"},
        {"SAVEPOINT a", "is not one of INSERT"},
        {"PREPARE TRANSACTION 'x'", "is not one of INSERT"},
        {"SET lock_timeout = 0", "is not one of INSERT"},
        {"RESET ALL", "is not one of INSERT"},
        {"LOCK TABLE a", "is not one of INSERT"},
        {"TRUNCATE a, b", "TRUNCATE is not one of"},
        {"CREATE TABLE n AS SELECT 1", "is not one of INSERT"},
        {"CREATE TEMP TABLE n (a int)", "is not one of INSERT"},
        {"ALTER TABLE a DISABLE TRIGGER ALL", "is not one of INSERT"},
        {"DROP TABLE a", "is not one of INSERT"},
        {"CREATE INDEX i ON a (b)", "is not one of INSERT"},
        {"DO $$ BEGIN DELETE FROM a; END $$", "is not one of INSERT"},
        {"CALL p()", "is not one of INSERT"},
        {"EXECUTE p", "is not one of INSERT"},
        {"PREPARE p AS DELETE FROM a", "is not one of INSERT"},
        {"EXPLAIN ANALYZE DELETE FROM a", "is not one of INSERT"},
        {"COPY a TO PROGRAM 'x'", "is not one of INSERT"},
        {"NOTIFY a", "is not one of INSERT"},
        {"VACUUM a", "is not one of INSERT"},
        {"REFRESH MATERIALIZED VIEW a", "is not one of INSERT"},
        {"UPDATE a SET b = 1; COMMIT", "the text holds 2 statements"},
        {"", "the text holds no statement"},
        {"DELETE FROM sgrun.backfill_ranges", "belongs to the runner"},
        {"INSERT INTO a SELECT 1 FROM sgrun.backfills", "belongs to the runner"},
        {"UPDATE a SET b = 1 FROM (SELECT * FROM \"sgrun\".journal) j", "belongs to the runner"},
        {"WITH x AS (UPDATE sgrun.backfills SET state = 'complete' RETURNING 1) INSERT INTO a SELECT * FROM x", "belongs to the runner"},
        {"UPDATE a SET b = pg_advisory_lock(1)", "pg_advisory_lock"},
        {"UPDATE a SET b = dblink_exec('x', 'y')", "dblink_exec"},
    };

    start(SG_PHASE_BATCH);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(SG_CALL_DML, cases[i].sql, cases[i].primary, NULL);
    refused(SG_CALL_QUERY, "WITH d AS (DELETE FROM a RETURNING id) SELECT * FROM d", "DELETE writes rows", "DELETE");
    refused(SG_CALL_QUERY, "SELECT * INTO n FROM a", "SELECT INTO", NULL);
    allowed(SG_CALL_DML, "DELETE FROM ONLY a AS x USING b WHERE x.id = b.id AND x.id BETWEEN $1 AND $2;", true);
    allowed(SG_CALL_DML, "INSERT INTO a (id) SELECT id FROM b WHERE id BETWEEN $1 AND $2 -- all of them", true);
    allowed(SG_CALL_DML, "WITH gone AS (DELETE FROM a WHERE id < $1 RETURNING *), kept AS (INSERT INTO b SELECT * FROM gone RETURNING 1) "
            "UPDATE c SET n = n + (SELECT count(*) FROM kept)", true);
}

SG_TEST(outside_a_transaction)
{
    start(SG_PHASE_RUN);
    refused(SG_CALL_DDL, "DROP INDEX CONCURRENTLY i", "DROP INDEX cannot run in a transaction", "DROP");
    T_CONTAINS(err.hint, "SG_NO_TRANSACTION");
    refused(SG_CALL_DDL, "VACUUM t", "VACUUM cannot run in a transaction", "VACUUM");
    refused(SG_CALL_DDL, "CREATE DATABASE d", "CREATE DATABASE cannot run", "CREATE");
    refused(SG_CALL_DDL, "ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY", "ALTER TABLE cannot run", "ALTER");
    refused(SG_CALL_DDL, "ALTER SYSTEM SET work_mem = '1GB'", "ALTER SYSTEM changes the server", "ALTER");
    T_EQ_INT(ddl("ALTER TYPE mood ADD VALUE 'x'"), 0);
    rules.no_transaction = true;
    allowed(SG_CALL_DDL, "DROP INDEX CONCURRENTLY i", false);
    T_TRUE(verdict.outside);
    allowed(SG_CALL_DDL, "ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY", false);
    allowed(SG_CALL_DDL, "VACUUM (VERBOSE) t", false);
    allowed(SG_CALL_DDL, "ALTER TYPE mood ADD VALUE 'x'", false);
    allowed(SG_CALL_DDL, "CREATE DATABASE d", false);
    refused(SG_CALL_DDL, "CREATE INDEX CONCURRENTLY i ON t (a)", "is the index registry's work", "CONCURRENTLY");
    refused(SG_CALL_DDL, "CREATE TABLE n (a int)", "CREATE TABLE can run in a transaction", "CREATE");
    refused(SG_CALL_DDL, "REINDEX INDEX CONCURRENTLY i", "REINDEX builds indexes", "REINDEX");
    refused(SG_CALL_DDL, "VACUUM FULL t", "computes index expressions", "VACUUM");
    refused(SG_CALL_DDL, "VACUUM", "every table", "VACUUM");
    refused(SG_CALL_DDL, "CLUSTER", "every table", "CLUSTER");
    refused(SG_CALL_DDL, "DROP DATABASE d", "DROP DATABASE takes a whole database", "DROP");
    refused(SG_CALL_DDL, "COMMIT PREPARED 'x'", "transaction control", "COMMIT");
}

SG_TEST(transparent_or_opaque)
{
    static const char *const clear[] = {
        "CREATE TABLE n (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), b text DEFAULT 'x')",
        "ALTER TABLE t ADD COLUMN a varchar(255)", "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0",
        "ALTER TABLE t ADD COLUMN a text[] DEFAULT '{}'::text[]", "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT CURRENT_TIMESTAMP",
        "ALTER TABLE t DROP COLUMN a", "ALTER TABLE t RENAME a TO b", "DROP TABLE t CASCADE", "COMMENT ON TABLE t IS 'x'",
        "GRANT SELECT ON t TO PUBLIC", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u", "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)",
        "ALTER TABLE t ALTER a SET NOT NULL", "CREATE VIEW v AS SELECT f(a) FROM t",
        "CREATE FUNCTION f(a int DEFAULT g()) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN g(); END'",
        "CREATE POLICY p ON t USING (f(a))", "CREATE TYPE m AS ENUM ('a')", "CREATE SEQUENCE s", "DROP FUNCTION f()",
        "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (f(OLD.a)) EXECUTE FUNCTION f()"};
    static const char *const dark[] = {
        "ALTER TABLE t ADD COLUMN a mood", "ALTER TABLE t ADD COLUMN a int DEFAULT f()",
        "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()", "ALTER TABLE t ADD COLUMN a text DEFAULT lower('A')",
        "ALTER TABLE t ADD COLUMN a int CHECK (a > 0)", "ALTER TABLE t ADD COLUMN a serial",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "ALTER TABLE t VALIDATE CONSTRAINT c", "ALTER TABLE t ALTER a TYPE bigint",
        "ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)", "ALTER TABLE t ATTACH PARTITION u DEFAULT",
        "ALTER TABLE t SET LOGGED", "CREATE TABLE n PARTITION OF t DEFAULT", "DO $$ BEGIN NULL; END $$", "CREATE EXTENSION x",
        "CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
        "ALTER DOMAIN d ADD CHECK (VALUE > 0)", "ALTER DOMAIN d VALIDATE CONSTRAINT c", "CLUSTER t", "ANALYZE t"};

    start(SG_PHASE_RUN);
    for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++)
        allowed(SG_CALL_DDL, clear[i], false);
    for (size_t i = 0; i < sizeof(dark) / sizeof(dark[0]); i++)
        allowed(SG_CALL_DDL, dark[i], true);
}

SG_TEST(do_blocks)
{
    start(SG_PHASE_RUN);
    allowed(SG_CALL_DDL, "DO $$ DECLARE x int[]; n int := f(1); BEGIN x[f(1)] := 3; n = -1; n := (SELECT max(a) FROM t);"
            " FOR n IN 1..f(2) LOOP PERFORM g(n); END LOOP; WHILE n > 0 LOOP EXIT; END LOOP; RAISE NOTICE '%', f(3); END $$", true);
    allowed(SG_CALL_DDL, "DO LANGUAGE plpgsql E'BEGIN\\nALTER TABLE t ADD COLUMN z int; END'", true);
    refused(SG_CALL_DDL, "DO $$ BEGIN\n INSERT INTO t VALUES (1); END $$", "in the DO block: INSERT writes rows", "INSERT");
    refused(SG_CALL_DDL, "DO $$ BEGIN\n EXECUTE 'x'; END $$", "EXECUTE builds SQL", "EXECUTE 'x'");
    refused(SG_CALL_DDL, "DO $$ BEGIN NULL; EXCEPTION WHEN OTHERS THEN NULL; END $$", "EXCEPTION would go on", "EXCEPTION");
    refused(SG_CALL_DDL, "DO $$ BEGIN CREATE INDEX ON t (a); END $$", "in the DO block: CREATE INDEX on \"t\"", "INDEX");
    refused(SG_CALL_DDL, "DO $$ BEGIN VACUUM t; END $$", "VACUUM cannot run in a DO block", "VACUUM");
    refused(SG_CALL_DDL, "DO $$ BEGIN DO 'BEGIN NULL; END'; END $$", "CALL runs SQL", NULL);
    refused(SG_CALL_DDL, "DO $$ BEGIN x := DELETE FROM t; END $$", "in the DO block", NULL);
    refused(SG_CALL_DDL, "DO $$ BEGIN SELECT 1 FROM t FOR UPDATE; END $$", "FOR UPDATE locks rows", "FOR UPDATE");
    refused(SG_CALL_DDL, "DO $$ BEGIN nonsense; END $$", "in the DO block", NULL);
    rules.unparsed_allow = true;
    refused(SG_CALL_DDL, "DO $$ BEGIN nonsense; END $$", "in the DO block", NULL);
}

SG_TEST(bodies_that_write)
{
    struct sg_relations bodies = {NULL, 0, 0};

    start(SG_PHASE_RUN);
    T_EQ_INT(ddl("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'WITH x AS (DELETE FROM a.b RETURNING 1) INSERT INTO c SELECT * FROM x;"
                 " SELECT 1 FROM d'"), 0);
    T_MUST_EQ_INT(verdict.body_writes.count, 2);
    T_EQ_STR(verdict.body_writes.list[0].name, "c");
    T_EQ_STR(verdict.body_writes.list[1].schema, "a");
    T_EQ_INT(ddl("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC UPDATE t SET a = 1; SELECT 1; END"), 0);
    T_EQ_INT(verdict.body_writes.count, 1);
    bodies = verdict.body_writes;
    T_EQ_INT(ddl("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; END'"), 0);
    T_EQ_INT(verdict.body_writes.count, 0);
    rules.body_writes = &bodies;
    allowed(SG_CALL_DDL, "ALTER TABLE t ADD COLUMN z int", false);
    refused(SG_CALL_DDL, "ALTER TABLE t ADD CHECK (f() > 0)", "after a routine was made whose SQL body writes to \"t\"", "ALTER");
    refused(SG_CALL_QUERY, "SELECT f()", "after a routine was made", "SELECT");
    rules.phase = SG_PHASE_FINGERPRINT;
    allowed(SG_CALL_QUERY, "SELECT f()", true);
}

SG_TEST(unparsed)
{
    static const char *const newer[] = {"ALTER TABLE t ADD COLUMN g int GENERATED ALWAYS AS (a * 2) VIRTUAL",
                                        "ALTER TABLE t ALTER CONSTRAINT c NOT ENFORCED",
                                        "ALTER TABLE m SPLIT PARTITION m1 INTO (PARTITION m2 DEFAULT, PARTITION m3 DEFAULT)"};

    start(SG_PHASE_RUN);
    for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++)
        refused(SG_CALL_DDL, newer[i], "the grammar of PostgreSQL 15 cannot read this", NULL);
    rules.unparsed_allow = true;
    for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
        allowed(SG_CALL_DDL, newer[i], true);
        T_TRUE(verdict.unparsed);
        T_EQ_STR(verdict.kind, "unparsed");
        T_EQ_INT(verdict.makes, SG_MAKES_NOTHING);
    }
    refused(SG_CALL_DDL, "UPDATE t SET NONSENSE", "does not begin as a statement of this call", "UPDATE");
    refused(SG_CALL_DDL, "/* ALTER */ DELETE FRM t", "does not begin", "DELETE");
    refused(SG_CALL_DDL, "ALTER TABLE t NONSENSE; DELETE FROM t", "more than one statement", "DELETE");
    refused(SG_CALL_DDL, "ALTER TABLE sgrun.t NONSENSE", "the runner's own schema", "sgrun");
    refused(SG_CALL_DDL, "ALTER TABLE \"sgrun\".t NONSENSE", "the runner's own schema", "\"sgrun\"");
    refused(SG_CALL_DDL, "CREATE UNIQUE INDEX i ON t (a) NONSENSE", "the index registry's work", "INDEX");
    refused(SG_CALL_DDL, "CREATE TABLE n NONSENSE AS SELECT 1", "CREATE TABLE AS fills", "SELECT");
    refused(SG_CALL_DDL, "ALTER TABLE m NONSENSE CONCURRENTLY", "CONCURRENTLY", "CONCURRENTLY");
    refused(SG_CALL_DDL, "BEGIN NONSENSE", "does not begin", "BEGIN");
    refused(SG_CALL_QUERY, "WITH x AS (DELETE FRM t) SELECT 1", "a read that holds such a word", "DELETE");
    T_EQ_INT(judge(SG_CALL_QUERY, "SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a int PATH '$.a')) j"), 0);
    /* what can be read is judged as ever */
    refused(SG_CALL_DDL, "DELETE FROM t", "DELETE writes rows", "DELETE");
    rules.no_transaction = true;
    refused(SG_CALL_DDL, newer[0], "is not sent outside a transaction", NULL);
}

SG_TEST(secrets_do_not_show)
{
    start(SG_PHASE_RUN);
    refused(SG_CALL_DDL, "CREATE ROLE sgrun.a PASSWORD 'geheim'", "cannot read this", ".a");
    T_LACKS(err.statement, "geheim");
    refused(SG_CALL_DDL, "ALTER ROLE a PASSWORD 'geh\xc3\xa9im' NONSENSE", "cannot read this", "NONSENSE");
    T_LACKS(err.statement, "geh");
    T_EQ_INT(ddl("ALTER ROLE a PASSWORD 'geheim'"), 0);
}

/* A line of the tree deeper than any stack of ours, and the whole of the limit in names. */
SG_TEST(hostile_sizes)
{
    char *text = sg_xmalloc(70000);
    size_t at = 0;

    sg_test_defer(free, text);
    start(SG_PHASE_RUN);
    at += (size_t)snprintf(text, 70000, "DROP TABLE a0");
    for (int i = 1; at < 60000; i++)
        at += (size_t)snprintf(text + at, 70000 - at, ",a%d", i);
    T_EQ_INT(ddl(text), 0);
    T_GT_INT(verdict.named.count, 5000);
    at = (size_t)snprintf(text, 70000, "ALTER TABLE t ADD CHECK (a");
    while (at < 60000)
        at += (size_t)snprintf(text + at, 70000 - at, "+a");
    snprintf(text + at, 70000 - at, ">0)");
    refused(SG_CALL_DDL, text, "nested too deeply", NULL);
    rules.unparsed_allow = true;
    refused(SG_CALL_DDL, text, "nested too deeply", NULL);
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(calls_have_their_phase),
                                           SG_CASE(messages_say_where_it_belongs),
                                           SG_CASE(nothing_names_the_state),
                                           SG_CASE(reads),
                                           SG_CASE(batches),
        SG_CASE(batches_lose_no_rows), SG_CASE(batches_only_change_rows),
                                           SG_CASE(outside_a_transaction),
                                           SG_CASE(transparent_or_opaque),
                                           SG_CASE(do_blocks),
                                           SG_CASE(bodies_that_write),
                                           SG_CASE(unparsed),
                                           SG_CASE(secrets_do_not_show),
                                           SG_CASE(hostile_sizes),
                                           SG_CASES_END};
    static const struct sg_suite suites[] = {{"policy", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
