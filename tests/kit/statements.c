/* The lists of statements.h. Each was tried on PostgreSQL 15: what is called legal runs, what is sent and called a write writes. */
#include "tests/kit/statements.h"

const char sg_test_statements_base[] =
    "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c text NOT NULL DEFAULT '');"
    "CREATE TABLE u (id int PRIMARY KEY, t_id int REFERENCES t, note text);"
    "CREATE TABLE log (id int, what text);"
    "CREATE TABLE e (id int PRIMARY KEY, k int);"
    "CREATE TABLE m (id int NOT NULL, k int) PARTITION BY RANGE (id);"
    "CREATE TABLE m0 PARTITION OF m FOR VALUES FROM (0) TO (100);"
    "CREATE TABLE m_rest PARTITION OF m DEFAULT;"
    "INSERT INTO t SELECT g, g % 10, 'b' || g FROM generate_series(1, 50) g;"
    "INSERT INTO u SELECT g, g, 'n' FROM generate_series(1, 20) g;"
    "INSERT INTO m SELECT g, g FROM generate_series(0, 150) g;"
    "INSERT INTO log VALUES (0, 'before');"
    "INSERT INTO e SELECT g, g FROM generate_series(1, 5) g;"
    "CREATE VIEW tv AS SELECT id, a, b, c FROM t;"
    "CREATE MATERIALIZED VIEW mv AS SELECT a, count(*) FROM t GROUP BY a;"
    "CREATE SEQUENCE sq;"
    "CREATE TYPE mood AS ENUM ('sad', 'ok');"
    "CREATE TYPE pair AS (x int, y int);"
    "CREATE DOMAIN positive AS int;"
    "CREATE TABLE d (id int, p positive);"
    "INSERT INTO d VALUES (1, 1);"
    "CREATE FUNCTION ins() RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES (1, ''ins'') RETURNING id';"
    "CREATE FUNCTION ins_v(x int) RETURNS int LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO log VALUES (x, 'ins_v'); RETURN x; END $$;"
    /* labelled immutable, and a liar */
    "CREATE FUNCTION lie(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN ins_v(x); END $$;"
    "CREATE FUNCTION trunc() RETURNS int LANGUAGE plpgsql AS $$ BEGIN TRUNCATE log; RETURN 1; END $$;"
    "CREATE FUNCTION dyn(q text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; END $$;"
    "CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
    "CREATE PROCEDURE proc() LANGUAGE sql AS 'INSERT INTO log VALUES (2, ''proc'')';"
    "CREATE VIEW sly AS SELECT ins_v(1) AS x;"
    "ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a >= 0);"
    "ALTER TABLE t ADD CONSTRAINT t_a_lie CHECK (lie(a) >= 0) NOT VALID;";

#define DDL(name, sql, by) {name, SG_TRY_DDL, NULL, sql, SG_STOP_PARSER, by}
#define QUERY(name, sql, by) {name, SG_TRY_QUERY, NULL, sql, SG_STOP_PARSER, by}
#define HIDDEN(name, sql, by) {name, SG_TRY_DDL, NULL, sql, SG_STOP_PROBE, by}
#define HIDDEN_SETUP(name, setup, sql, by) {name, SG_TRY_DDL, setup, sql, SG_STOP_PROBE, by}
#define HIDDEN_QUERY(name, sql, by) {name, SG_TRY_QUERY, NULL, sql, SG_STOP_PROBE, by}

const struct sg_test_write sg_test_writes[] = {
    /* plain */
    DDL("insert", "INSERT INTO log VALUES (1, 'x')", "INSERT writes rows"),
    DDL("insert select", "INSERT INTO log SELECT id, b FROM t", "INSERT writes rows"),
    DDL("insert on conflict", "INSERT INTO e VALUES (1, 1) ON CONFLICT DO NOTHING", "INSERT writes rows"),
    DDL("insert default values", "INSERT INTO log DEFAULT VALUES", "INSERT writes rows"),
    DDL("update", "UPDATE t SET a = 1 WHERE id = 1", "UPDATE writes rows"),
    DDL("update of nothing", "UPDATE t SET a = 1 WHERE false", "UPDATE writes rows"),
    DDL("update of a view", "UPDATE tv SET a = 1", "UPDATE writes rows"),
    DDL("update where current of", "UPDATE t SET a = 1 WHERE CURRENT OF c", "UPDATE writes rows"),
    DDL("update of the catalogue", "UPDATE pg_catalog.pg_class SET relname = relname", "UPDATE writes rows"),
    DDL("delete", "DELETE FROM u WHERE id = 1", "DELETE writes rows"),
    DDL("delete using", "DELETE FROM u USING t WHERE u.t_id = t.id", "DELETE writes rows"),
    DDL("delete from a parent", "DELETE FROM m", "DELETE writes rows"),
    DDL("merge", "MERGE INTO t USING u ON t.id = u.t_id WHEN MATCHED THEN UPDATE SET a = 2", "MERGE writes rows"),
    DDL("truncate", "TRUNCATE log", "TRUNCATE removes rows"),
    DDL("truncate cascade", "TRUNCATE TABLE t CASCADE", "TRUNCATE removes rows"),
    DDL("copy from", "COPY log FROM STDIN", "COPY writes rows"),
    DDL("copy from a program", "COPY log FROM PROGRAM 'echo 1'", "COPY writes rows"),
    DDL("copy to", "COPY log TO STDOUT", "COPY writes rows"),
    DDL("copy of a delete", "COPY (DELETE FROM log RETURNING *) TO STDOUT", "DELETE writes rows"),
    DDL("select into", "SELECT * INTO t2 FROM t", "SELECT INTO fills a table"),
    DDL("create table as", "CREATE TABLE t2 AS SELECT * FROM t", "CREATE TABLE AS fills the table"),
    DDL("create table as table", "CREATE TABLE t2 AS TABLE t", "CREATE TABLE AS fills the table"),
    DDL("create table as values", "CREATE UNLOGGED TABLE t2 AS VALUES (1), (2)", "CREATE TABLE AS fills the table"),
    DDL("create table as execute", "CREATE TABLE t2 AS EXECUTE p", "CREATE TABLE AS fills the table"),
    DDL("create table as execute, no data", "CREATE TABLE t2 AS EXECUTE p WITH NO DATA", "EXECUTE runs SQL"),
    DDL("refresh", "REFRESH MATERIALIZED VIEW mv", "that this migration did not make"),
    DDL("refresh concurrently", "REFRESH MATERIALIZED VIEW CONCURRENTLY mv", "that this migration did not make"),
    /* inside others */
    DDL("delete in a cte", "WITH x AS (DELETE FROM u RETURNING *) SELECT count(*) FROM x", "DELETE writes rows"),
    DDL("insert in a cte", "WITH x AS (INSERT INTO log VALUES (1, '') RETURNING *) SELECT * FROM x", "INSERT writes rows"),
    DDL("delete in a cte in a view", "CREATE VIEW v AS WITH x AS (DELETE FROM u RETURNING *) SELECT * FROM x",
        "DELETE writes rows"),
    DDL("delete in a materialized view", "CREATE MATERIALIZED VIEW v AS WITH x AS (DELETE FROM u RETURNING *) SELECT * FROM x",
        "DELETE writes rows"),
    DDL("update in a rule", "CREATE RULE r AS ON INSERT TO u DO ALSO UPDATE t SET a = a + 1", "UPDATE writes rows"),
    DDL("insert instead, in a rule", "CREATE RULE r AS ON UPDATE TO u DO INSTEAD INSERT INTO log VALUES (1, '')",
        "INSERT writes rows"),
    DDL("explain analyze", "EXPLAIN ANALYZE UPDATE t SET a = 1", "UPDATE writes rows"),
    DDL("explain (analyze)", "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM u", "DELETE writes rows"),
    DDL("explain analyze create table as", "EXPLAIN ANALYZE CREATE TABLE t2 AS SELECT 1", "inside another"),
    DDL("prepare", "PREPARE p AS INSERT INTO log VALUES (1, '')", "INSERT writes rows"),
    DDL("execute", "EXECUTE p", "EXECUTE runs SQL"),
    DDL("declare with hold", "DECLARE h CURSOR WITH HOLD FOR SELECT ins_v(id) FROM t", "DECLARE CURSOR runs its query later"),
    DDL("declare", "DECLARE h CURSOR FOR SELECT ins_v(id) FROM t", "DECLARE CURSOR runs its query later"),
    DDL("fetch", "FETCH ALL FROM h", "FETCH lives in the session"),
    DDL("call", "CALL proc()", "CALL runs SQL"),
    DDL("select a function", "SELECT ins()", "SELECT is no definition"),
    DDL("two statements", "ALTER TABLE t ADD COLUMN z int; DELETE FROM u", "the text holds 2 statements"),
    DDL("commit and on", "COMMIT; DELETE FROM u", "the text holds 2 statements"),
    DDL("behind a comment", "/* ALTER TABLE t ADD COLUMN z int */ DELETE FROM u", "DELETE writes rows"),
    DDL("behind a nested comment", "/* /* */ ALTER */ DELETE FROM u", "DELETE writes rows"),
    DDL("a fragment", "FROM u DELETE", "cannot read this"),
    DDL("insert into the ledger", "INSERT INTO sgrun.schema_migrations (id) VALUES ('0001')", "belongs to the runner"),
    DDL("drop the ledger", "DROP TABLE sgrun.schema_migrations", "belongs to the runner"),
    DDL("drop the state", "DROP SCHEMA sgrun CASCADE", "belongs to the runner"),
    DDL("a trigger on the ledger", "CREATE TRIGGER g BEFORE INSERT ON sgrun.schema_migrations EXECUTE FUNCTION touched()",
        "belongs to the runner"),
    DDL("rename the state", "ALTER SCHEMA sgrun RENAME TO other", "belongs to the runner"),
    DDL("a function that writes to the ledger",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM sgrun.schema_migrations'", "belongs to the runner"),
    DDL("subscription", "CREATE SUBSCRIPTION s CONNECTION 'host=h password=geheim' PUBLICATION p", "copies rows"),
    DDL("lock", "LOCK TABLE t IN ROW EXCLUSIVE MODE", "LOCK takes locks"),
    DDL("temporary table", "CREATE TEMP TABLE x AS SELECT * FROM t", "a temporary object lives in the session"),
    DDL("large object in a default", "ALTER TABLE t ADD COLUMN o oid DEFAULT lo_create(0)", "lo_create() writes a large object"),
    DDL("guards in a default", "ALTER TABLE t ADD COLUMN z text DEFAULT set_config('lock_timeout', '0', true)", "set_config() changes"),
    DDL("dblink in a check", "ALTER TABLE t ADD CHECK (dblink_exec('dbname=x', 'DELETE FROM u') <> b)", "on another connection"),
    /* DO blocks */
    DDL("insert in DO", "DO $$ BEGIN INSERT INTO log VALUES (1, ''); END $$", "INSERT writes rows"),
    DDL("update in a branch", "DO $$ BEGIN IF true THEN UPDATE t SET a = 1; END IF; END $$", "UPDATE writes rows"),
    DDL("delete in a loop", "DO $$ DECLARE r record; BEGIN FOR r IN DELETE FROM u RETURNING * LOOP NULL; END LOOP; END $$",
        "DELETE writes rows"),
    DDL("truncate in DO", "DO LANGUAGE plpgsql 'BEGIN TRUNCATE log; END'", "TRUNCATE removes rows"),
    DDL("dynamic in DO", "DO $$ BEGIN EXECUTE 'DELETE FROM u'; END $$", "EXECUTE builds SQL"),
    DDL("dynamic loop in DO", "DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'DELETE FROM u RETURNING *' LOOP NULL; END LOOP; END $$",
        "EXECUTE builds SQL"),
    DDL("dynamic cursor in DO", "DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'SELECT ins()'; END $$", "in the DO block"),
    DDL("call in DO", "DO $$ BEGIN CALL proc(); END $$", "CALL runs SQL"),
    DDL("commit in DO", "DO $$ BEGIN COMMIT; END $$", "COMMIT ends the transaction"),
    DDL("a swallowed error in DO", "DO $$ BEGIN ALTER TABLE t ADD COLUMN a int; EXCEPTION WHEN OTHERS THEN NULL; END $$",
        "EXCEPTION would go on"),
    DDL("cte in DO", "DO $$ DECLARE n int; BEGIN WITH x AS (DELETE FROM u RETURNING 1) SELECT count(*) INTO n FROM x; END $$",
        "DELETE writes rows"),
    DDL("assigned in DO", "DO $$ DECLARE n int; BEGIN n := set_config('lock_timeout', '0', true); END $$", "set_config() changes"),
    DDL("set in DO", "DO $$ BEGIN SET LOCAL lock_timeout = 0; END $$", "SET changes settings"),
    DDL("another language", "DO LANGUAGE plperl $$ spi_exec_query('DELETE FROM u') $$", "a DO block in plperl"),
    DDL("create table as in DO", "DO $$ BEGIN CREATE TABLE t2 AS SELECT * FROM t; END $$", "CREATE TABLE AS fills the table"),
    /* reads that are none */
    QUERY("query: insert", "INSERT INTO log VALUES (1, '') RETURNING id", "INSERT is not a read"),
    QUERY("query: cte", "WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM x", "UPDATE writes rows"),
    QUERY("query: select into", "SELECT 1 INTO t2", "SELECT INTO fills a table"),
    QUERY("query: for update", "SELECT * FROM t FOR UPDATE", "FOR UPDATE locks rows"),
    QUERY("query: for key share", "SELECT * FROM (SELECT * FROM t FOR KEY SHARE) x", "FOR KEY SHARE locks rows"),
    QUERY("query: explain analyze", "EXPLAIN ANALYZE SELECT ins()", "EXPLAIN ANALYZE runs the statement"),
    QUERY("query: nextval", "SELECT nextval('sq')", "nextval() moves a sequence"),
    QUERY("query: setval", "SELECT pg_catalog.setval('sq', 1)", "setval() moves a sequence"),
    QUERY("query: large object", "SELECT lo_from_bytea(0, 'x')", "lo_from_bytea() writes a large object"),
    QUERY("query: guards", "SELECT set_config('statement_timeout', '0', false)", "set_config() changes"),
    QUERY("query: advisory lock", "SELECT pg_advisory_lock(1)", "pg_advisory_lock() locks for the session"),
    QUERY("query: terminate", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity", "pg_terminate_backend() acts on other sessions"),
    QUERY("query: notify", "SELECT pg_notify('a', 'b')", "pg_notify() sends"),
    QUERY("query: sql as text", "SELECT query_to_xml('SELECT ins()', true, true, '')", "query_to_xml() runs SQL"),
    QUERY("query: dblink", "SELECT * FROM public.dblink('dbname=x', 'SELECT 1') AS x(a int)", "on another connection"),
    QUERY("query: call", "CALL proc()", "CALL is not a read"),
    QUERY("query: ddl", "DROP TABLE u", "DROP is not a read"),
    QUERY("query: the lease", "SELECT * FROM sgrun.lease", "belongs to the runner"),
    QUERY("query: the lease by cast", "SELECT 'sgrun.lease'::regclass", "belongs to the runner"),
    /* code behind what is allowed: the server's word */
    HIDDEN("check", "ALTER TABLE e ADD CONSTRAINT x CHECK (lie(k) > 0)", "log"),
    HIDDEN("volatile check", "ALTER TABLE e ADD CHECK (ins_v(k) > 0)", "log"),
    HIDDEN("default", "ALTER TABLE e ADD COLUMN z int DEFAULT ins_v(1)", "log"),
    HIDDEN("default without arguments", "ALTER TABLE e ADD COLUMN z int DEFAULT ins()", "log"),
    HIDDEN("generated column", "ALTER TABLE e ADD COLUMN z int GENERATED ALWAYS AS (lie(k)) STORED", "log"),
    HIDDEN("using", "ALTER TABLE e ALTER COLUMN k TYPE bigint USING ins_v(k)", "log"),
    HIDDEN("validate", "ALTER TABLE t VALIDATE CONSTRAINT t_a_lie", "log"),
    HIDDEN("domain check", "ALTER DOMAIN positive ADD CONSTRAINT x CHECK (lie(VALUE) > 0)", "log"),
    HIDDEN("materialized view", "CREATE MATERIALIZED VIEW mv2 AS SELECT lie(id) FROM e", "log"),
    HIDDEN("partition bound", "CREATE TABLE m5 PARTITION OF m FOR VALUES FROM (lie(500)) TO (600)", "log"),
    HIDDEN("perform in DO", "DO $$ BEGIN PERFORM ins(); END $$", "log"),
    HIDDEN("assignment in DO", "DO $$ DECLARE n int; BEGIN n := ins_v(1); END $$", "log"),
    HIDDEN("condition in DO", "DO $$ BEGIN IF ins_v(1) > 0 THEN NULL; END IF; END $$", "log"),
    HIDDEN("text in DO", "DO $$ BEGIN PERFORM dyn('DELETE FROM u'); END $$", "u"),
    HIDDEN("truncate behind DO", "DO $$ BEGIN PERFORM trunc(); END $$", "log"),
    HIDDEN("truncate behind a default", "ALTER TABLE e ADD COLUMN z int DEFAULT trunc()", "log"),
    HIDDEN_SETUP("rewrite with an index expression", "CREATE INDEX e_lie ON e (lie(k))", "ALTER TABLE e SET UNLOGGED", "log"),
    HIDDEN_SETUP("cluster with an index expression", "CREATE INDEX e_lie ON e (lie(k))", "CLUSTER e USING e_pkey", "log"),
    HIDDEN_SETUP("analyze with an index expression", "CREATE INDEX e_lie ON e (lie(k))", "ANALYZE e", "log"),
    HIDDEN_SETUP("attach by an expression", "CREATE TABLE ml (k int) PARTITION BY RANGE (lie(k)); CREATE TABLE ml1 (k int);"
                 "INSERT INTO ml1 VALUES (1)", "ALTER TABLE ml ATTACH PARTITION ml1 FOR VALUES FROM (0) TO (9)", "log"),
    HIDDEN_QUERY("query: function", "SELECT ins()", "log"),
    HIDDEN_QUERY("query: function of rows", "SELECT ins_v(id) FROM e", "log"),
    HIDDEN_QUERY("query: view", "SELECT * FROM sly", "log"),
    HIDDEN_QUERY("query: column notation", "SELECT x.* FROM (SELECT 1) y, LATERAL ins_v(1) x", "log"),
    HIDDEN_QUERY("query: planned away", "EXPLAIN SELECT lie(1)", "log"),
    HIDDEN_QUERY("query: truncate", "SELECT trunc()", "log"),
};
const size_t sg_test_writes_count = sizeof(sg_test_writes) / sizeof(sg_test_writes[0]);

#define OK(sql) {NULL, NULL, sql}
#define AFTER(before, sql) {NULL, before, sql}
#define GIVEN(setup, sql) {setup, NULL, sql}

const struct sg_test_legal sg_test_legals[] = {
    /* tables */
    OK("CREATE TABLE n (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(255) NOT NULL, at timestamptz DEFAULT now())"),
    OK("CREATE TABLE n (id serial PRIMARY KEY, t_id int REFERENCES t ON DELETE CASCADE ON UPDATE SET NULL, CHECK (id > 0))"),
    OK("CREATE TABLE IF NOT EXISTS t_anew (id int)"),
    OK("CREATE TABLE n (LIKE t INCLUDING ALL)"),
    OK("CREATE UNLOGGED TABLE n (a int, b numeric(10,2)[], EXCLUDE USING btree (a WITH =)) WITH (fillfactor = 70)"),
    OK("CREATE TABLE n (id int) INHERITS (log)"),
    OK("CREATE TABLE n OF pair"),
    OK("CREATE TABLE n (id int, at date) PARTITION BY RANGE (at)"),
    OK("CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (200) TO (300)"),
    OK("CREATE TABLE n AS SELECT * FROM t WITH NO DATA"),
    OK("DROP TABLE u"),
    OK("DROP TABLE IF EXISTS nothing_there, log CASCADE"),
    OK("ALTER TABLE t RENAME TO t_old"),
    OK("ALTER TABLE t RENAME COLUMN a TO a2"),
    OK("ALTER TABLE t RENAME CONSTRAINT t_a_check TO t_a_positive"),
    GIVEN("CREATE SCHEMA other", "ALTER TABLE u SET SCHEMA other"),
    /* columns */
    OK("ALTER TABLE t ADD COLUMN name varchar(255)"),
    OK("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int"),
    OK("ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 0, ADD COLUMN at timestamptz DEFAULT now()"),
    OK("ALTER TABLE t ADD COLUMN uid uuid DEFAULT gen_random_uuid()"),
    OK("ALTER TABLE t ADD COLUMN s bigserial"),
    OK("ALTER TABLE t ADD COLUMN i int GENERATED BY DEFAULT AS IDENTITY"),
    OK("ALTER TABLE t ADD COLUMN g int GENERATED ALWAYS AS (a * 2) STORED"),
    OK("ALTER TABLE t ADD COLUMN tags text[] NOT NULL DEFAULT '{}'::text[]"),
    OK("ALTER TABLE u DROP COLUMN note"),
    OK("ALTER TABLE t DROP COLUMN IF EXISTS nothing_there"),
    OK("ALTER TABLE u ALTER COLUMN note TYPE varchar(40)"),
    OK("ALTER TABLE u ALTER COLUMN note TYPE int USING length(note)"),
    OK("ALTER TABLE t ALTER COLUMN a SET DEFAULT 3"),
    OK("ALTER TABLE t ALTER COLUMN c DROP DEFAULT"),
    OK("ALTER TABLE t ALTER COLUMN a SET NOT NULL"),
    OK("ALTER TABLE t ALTER COLUMN c DROP NOT NULL"),
    OK("ALTER TABLE t ALTER COLUMN b SET STATISTICS 500"),
    OK("ALTER TABLE t ALTER COLUMN b SET STORAGE EXTERNAL"),
    OK("ALTER TABLE t SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)"),
    OK("ALTER TABLE log SET UNLOGGED"),
    OK("ALTER TABLE t REPLICA IDENTITY FULL"),
    OK("ALTER TABLE t CLUSTER ON t_pkey"),
    /* constraints */
    OK("ALTER TABLE t ADD CONSTRAINT positive CHECK (a > -1) NOT VALID"),
    OK("ALTER TABLE t VALIDATE CONSTRAINT t_a_check"),
    OK("ALTER TABLE t ADD CONSTRAINT unique_b UNIQUE (b)"),
    OK("ALTER TABLE log ADD PRIMARY KEY (id)"),
    OK("ALTER TABLE u ADD CONSTRAINT u_fk FOREIGN KEY (t_id) REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED"),
    OK("ALTER TABLE u ALTER CONSTRAINT u_t_id_fkey DEFERRABLE"),
    OK("ALTER TABLE t DROP CONSTRAINT t_a_check"),
    GIVEN("CREATE UNIQUE INDEX t_b_key ON t (b)", "ALTER TABLE t ADD CONSTRAINT t_b_unique UNIQUE USING INDEX t_b_key"),
    /* partitions, inheritance */
    GIVEN("CREATE TABLE m3 (id int NOT NULL, k int)", "ALTER TABLE m ATTACH PARTITION m3 FOR VALUES FROM (300) TO (400)"),
    OK("ALTER TABLE m DETACH PARTITION m0"),
    /* indexes: on what this migration made */
    AFTER("CREATE TABLE n (a int, b text)", "CREATE UNIQUE INDEX n_b ON n (lower(b)) WHERE a > 0"),
    AFTER("CREATE MATERIALIZED VIEW n AS SELECT a FROM t", "CREATE INDEX ON public.n (a)"),
    GIVEN("CREATE INDEX t_a ON t (a)", "DROP INDEX t_a"),
    GIVEN("CREATE INDEX t_a ON t (a)", "ALTER INDEX t_a RENAME TO t_a2"),
    /* views */
    OK("CREATE VIEW v AS SELECT id, ins_v(a) AS x FROM t WHERE b LIKE 'b%'"),
    OK("CREATE OR REPLACE VIEW tv AS SELECT id, a, b, c, upper(b) AS d FROM t"),
    OK("CREATE RECURSIVE VIEW nums (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM nums WHERE n < 9"),
    OK("ALTER VIEW tv SET (security_barrier = true)"),
    OK("DROP VIEW tv"),
    OK("CREATE MATERIALIZED VIEW n AS SELECT a, count(*) FROM t GROUP BY a WITH NO DATA"),
    AFTER("CREATE MATERIALIZED VIEW n AS SELECT a FROM t", "REFRESH MATERIALIZED VIEW n"),
    OK("DROP MATERIALIZED VIEW mv"),
    /* sequences, types, domains */
    OK("CREATE SEQUENCE n INCREMENT BY 10 START 100 OWNED BY t.a"),
    OK("ALTER SEQUENCE sq RESTART WITH 1000"),
    OK("DROP SEQUENCE sq"),
    OK("CREATE TYPE colour AS ENUM ('red', 'green')"),
    OK("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'happy' AFTER 'ok'"),
    OK("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'"),
    OK("CREATE TYPE triple AS (x int, y int, z text)"),
    OK("ALTER TYPE pair ADD ATTRIBUTE z int"),
    OK("CREATE TYPE span AS RANGE (subtype = float8)"),
    OK("CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%') NOT NULL"),
    OK("ALTER DOMAIN positive ADD CONSTRAINT above_zero CHECK (VALUE > 0)"),
    OK("DROP TYPE mood"),
    /* routines, triggers, rules: bodies are definitions */
    OK("CREATE FUNCTION f(x int, OUT y int) LANGUAGE sql AS 'UPDATE t SET a = x WHERE id = x RETURNING a'"),
    OK("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SET search_path = public AS $$ BEGIN EXECUTE 'DELETE FROM u'; END $$"),
    OK("CREATE FUNCTION f(i int DEFAULT 1) RETURNS int BEGIN ATOMIC INSERT INTO log VALUES (i, 'f'); SELECT 1; END"),
    AFTER("CREATE FUNCTION f() RETURNS void LANGUAGE sql SET search_path = public AS 'WITH x AS (DELETE FROM u RETURNING 1)"
          " MERGE INTO t USING x ON false WHEN MATCHED THEN DO NOTHING'", "ALTER TABLE t ADD COLUMN z int"),
    OK("CREATE OR REPLACE FUNCTION nothing() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2'"),
    OK("CREATE PROCEDURE p(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN DELETE FROM u; COMMIT; END $$"),
    OK("ALTER FUNCTION nothing() STABLE SECURITY DEFINER"),
    OK("DROP FUNCTION nothing()"),
    OK("CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0')"),
    OK("CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION touched('x', 'y')"),
    GIVEN("CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touched()", "ALTER TABLE t DISABLE TRIGGER touch"),
    GIVEN("CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touched()", "DROP TRIGGER touch ON t"),
    OK("CREATE RULE r AS ON DELETE TO log DO INSTEAD NOTHING"),
    OK("CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq)"),
    OK("CREATE CAST (pair AS text) WITH INOUT"),
    OK("CREATE STATISTICS st (dependencies) ON a, b FROM t"),
    OK("CREATE COLLATION german (provider = icu, locale = 'de')"),
    /* security */
    OK("ALTER TABLE t ENABLE ROW LEVEL SECURITY"),
    OK("CREATE POLICY pol ON t FOR SELECT TO PUBLIC USING (a = 1 AND b = current_user)"),
    OK("GRANT SELECT, INSERT, UPDATE, DELETE ON t, u TO PUBLIC"),
    OK("REVOKE TRUNCATE ON ALL TABLES IN SCHEMA public FROM PUBLIC"),
    OK("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC"),
    OK("ALTER TABLE t OWNER TO CURRENT_USER"),
    /* the rest */
    OK("CREATE SCHEMA n"),
    OK("CREATE SCHEMA n CREATE TABLE x (a int) CREATE INDEX ON x (a) CREATE VIEW y AS SELECT a FROM x"),
    OK("COMMENT ON COLUMN t.a IS 'INSERT, UPDATE; DELETE and sgrun.lease in words'"),
    OK("CREATE PUBLICATION pub FOR TABLE t"),
    OK("CREATE TEXT SEARCH CONFIGURATION tsc (COPY = pg_catalog.simple)"),
    OK("CREATE FOREIGN DATA WRAPPER w"),
    GIVEN("CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h')"),
    GIVEN("CREATE FUNCTION event_fn() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
          "CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION event_fn()"),
    OK("ANALYZE t"),
    OK("CLUSTER t USING t_pkey"),
    OK("DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM t; IF n > 0 THEN ALTER TABLE t ADD COLUMN z int; END IF; END $$"),
};
const size_t sg_test_legals_count = sizeof(sg_test_legals) / sizeof(sg_test_legals[0]);
