/*
 * "A migration writes no rows", where only a server can tell: code behind DDL, behind functions, triggers, operators, types; what
 * would happen at COMMIT; what lays hands on sgrun's own tables, settings, role, transaction. Each goes through the built program to a
 * real server, and a line says how it was stopped. Whatever stopped it, no row has changed, nothing is recorded, the lease is free.
 * (The lists of tests/kit/statements.c go the same way in test_statements.c.)
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/statements.h"
#include "tests/kit/tmp.h"

#include <stdio.h>
#include <string.h>

/* ---- one attempt ---- */

enum stop {
    BY_RULE,   /* the parser: exit status 7, nothing was sent */
    BY_PROBE,  /* the server's lock table, or the snapshot: exit status 7 */
    BY_SERVER, /* an error of the server's own: exit status 1, `by` is its SQLSTATE */
    BY_CHANGE, /* the session does not read our texts as they are meant any more: exit status 7 */
    BY_CLOSING /* it would have happened at COMMIT; the migration is recorded, and nothing was written */
};

struct attempt {
    const char *name;
    const char *setup;  /* by the database's owner, before; or NULL */
    const char *before; /* a statement of the same migration, before; or NULL */
    const char *sql;
    enum sg_test_call call;
    enum stop stop;
    const char *by; /* words of the refusal, or the table written to, or the SQLSTATE */
};

/* The database that all start from; made once. */
static const char *base(void)
{
    static bool made;

    if (!made) {
        struct sg_server *server = sg_server_shared();
        struct sg_sql *admin = sg_sql_open(sg_server_conninfo(server, "postgres", NULL)), *sql;
        struct sg_run_result state;

        sg_sql_exec(admin, "CREATE DATABASE base");
        sql = sg_sql_open(sg_server_conninfo(server, "base", NULL));
        sg_sql_exec(sql, sg_test_statements_base);
        /* event triggers shall not see how the state tables are made */
        state = sg_run_args(sg_test_built("sgrun"), "check", "--state-sql", "--manifest",
                            sg_tmp_write("state.ini", "[database]\ndsn = postgres:///x\n"));
        T_MUST_EQ_INT(state.exit, 0);
        sg_sql_exec(sql, state.out);
        sg_sql_close(sql);
        sg_sql_close(admin);
        made = true;
    }
    return "base";
}

/* The manifest's line breaks: SQL has them, values do not. */
#define NEWLINE "<br>"
static const char *without_breaks(const char *sql)
{
    const char *at = strchr(sql, '\n');

    return at == NULL ? sql : sg_test_strf("%.*s" NEWLINE "%s", (int)(at - sql), sql, without_breaks(at + 1));
}

/* The statement comes last, so that it is the probe before COMMIT that must find it; the mark before it is what the fingerprint asks. */
static void write_manifest(struct project *project, const char *before, const char *sql, enum sg_test_call call)
{
    const char *last = call == SG_TRY_QUERY ? "read1" : before != NULL ? "ddl3" : "ddl2";

    project_set(project, "BEFORE", before != NULL ? without_breaks(before) : "");
    project_set(project, "LAST", without_breaks(sql));
    project_write(project, sg_test_strf("[migration s01]\nplugin = s01\noption.newline = " NEWLINE "\noption.table = public.mark\n"
                                        "option.ddl1 = CREATE TABLE public.mark ()\n%soption.%s = ${LAST}\n",
                                        before != NULL ? "option.ddl2 = ${BEFORE}\n" : "", last));
}

static void try_to_write(struct project *project, const struct attempt *attempt)
{
    static const char *const how[] = {"rule  ", "probe ", "server", "change", "close "};
    const char *rows, *ledger;
    struct sg_run_result run;
    struct sg_json *error;
    int status = attempt->stop == BY_SERVER ? 1 : attempt->stop == BY_CLOSING ? 0 : 7;

    if (attempt->setup != NULL)
        sg_sql_exec(project->sql, attempt->setup);
    rows = project_rows(project);
    write_manifest(project, attempt->before, attempt->sql, attempt->call);
    run = project_run(project, "--json");
    error = project_error(&run);
    printf("  %-40s %s  %s\n", attempt->name, how[attempt->stop], project_text(error, "primary"));
    if (run.exit != status)
        T_FAIL("%s: exit status %d, not %d: %s", attempt->name, run.exit, status, project_text(error, "primary"));
    if (status != 0)
        T_EQ_STR(project_text(error, "class"), status == 7 ? "policy" : "sql");
    if (strcmp(project_rows(project), rows) != 0)
        T_FAIL("%s: rows have changed: %s, not %s", attempt->name, project_rows(project), rows);
    ledger = project_ledger(project);
    if (strcmp(ledger, status == 0 ? "s01|applied" : "") != 0)
        T_FAIL("%s: the ledger says \"%s\"", attempt->name, ledger);
    if (project_lease(project)[0] != '\0')
        T_FAIL("%s: the lease is still held by %s", attempt->name, project_lease(project));
    if (attempt->stop == BY_RULE) {
        T_CONTAINS(project_text(error, "primary"), attempt->by);
        T_NE_STR(project_text(error, "hint"), "");
        T_NE_STR(project_text(error, "statement"), "");
    } else if (attempt->stop == BY_PROBE) {
        if (strstr(project_text(error, "primary"), "write lock") == NULL && strstr(project_text(error, "primary"), "own tables") == NULL)
            T_FAIL("%s: not the probe", attempt->name);
        T_CONTAINS(project_text(error, "detail"), attempt->by);
        T_NE_STR(project_text(error, "statement"), "");
    } else if (attempt->stop == BY_CHANGE) {
        T_CONTAINS(project_text(error, "primary"), attempt->by);
    } else if (attempt->stop == BY_SERVER) {
        T_EQ_STR(project_text(error, "sqlstate"), attempt->by);
    }
}

/* ---- what only a server can judge ---- */

#define FN_HEAD "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$"
#define FN(name, body) "CREATE OR REPLACE FUNCTION " name "() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN " body "; RETURN 1; END $f$;"
#define HIDE(title, body, by) {title, FN("f", body), NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, by}
#define RULE(title, sql, by) {title, NULL, NULL, sql, SG_TRY_DDL, BY_RULE, by}

static const struct attempt attempts[] = {
    /* a function, from a DO block that is clean */
    HIDE("function: insert", "INSERT INTO log VALUES (1, '')", "public.log"),
    HIDE("function: update of nothing", "UPDATE log SET id = 1 WHERE false", "public.log"),
    HIDE("function: on conflict do nothing", "INSERT INTO e VALUES (1, 1) ON CONFLICT DO NOTHING", "public.e"),
    HIDE("function: delete", "DELETE FROM u WHERE id = 1", "public.u"),
    HIDE("function: merge", "MERGE INTO t USING u ON t.id = u.t_id WHEN MATCHED THEN UPDATE SET a = 2", "public.t"),
    HIDE("function: insert, then drop", "INSERT INTO log VALUES (1, ''); TRUNCATE log", "public.log"),
    HIDE("function: procedure", "CALL proc()", "public.log"),
    HIDE("function: dynamic", "EXECUTE 'DEL' || 'ETE FROM u'", "public.u"),
    HIDE("function: updatable view", "UPDATE tv SET b = 'x' WHERE id = 1", "public.t"),
    HIDE("function: partition routing", "INSERT INTO m VALUES (7, 7)", "public.m0"),
    HIDE("function: temporary table", "CREATE TEMP TABLE x (a int); INSERT INTO x VALUES (1)", "x was written to"),
    HIDE("function: copy from a file", "COPY log FROM '/dev/null'", "public.log"),
    HIDE("function: lock", "LOCK TABLE t IN ROW EXCLUSIVE MODE", "public.t"),
    HIDE("function: truncate", "TRUNCATE log", "public.log was emptied"),
    HIDE("function: truncate cascade", "TRUNCATE t CASCADE", "public.u was emptied"),
    HIDE("function: truncate a partition", "TRUNCATE m", "public.m0 was emptied"),
    HIDE("function: create table as", "CREATE TABLE t2 AS SELECT * FROM t", "public.t2 was made with rows"),
    {"function: select into", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT * INTO t2 FROM t'", NULL,
     "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.t2 was made with rows"},
    HIDE("function: large object", "PERFORM lo_from_bytea(0, 'x')", "pg_largeobject"),
    HIDE("function: where current of", "DECLARE c CURSOR FOR SELECT * FROM u FOR UPDATE; r record; BEGIN OPEN c; FETCH c INTO r;"
         " DELETE FROM u WHERE CURRENT OF c; END", "public.u"),
    {"security definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM u RETURNING 1'", NULL,
     "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.u"},
    {"instead rule", "CREATE RULE r AS ON UPDATE TO e DO INSTEAD INSERT INTO log VALUES (9, 'rule');" FN("f", "UPDATE e SET k = 1"),
     NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"trigger", "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (3, ''t''); RETURN NULL; END';"
     "CREATE TRIGGER g AFTER UPDATE ON e EXECUTE FUNCTION tf();" FN("f", "UPDATE e SET k = 1 WHERE false"), NULL,
     "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"deferred trigger", "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (3, ''t''); RETURN NULL; END';"
     "CREATE CONSTRAINT TRIGGER g AFTER UPDATE ON e DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tf();"
     FN("f", "UPDATE e SET k = 1"), NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"foreign table", "CREATE EXTENSION postgres_fdw; DO $d$ BEGIN EXECUTE format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw"
     " OPTIONS (host %L, port %L, dbname %L)', current_setting('unix_socket_directories'), current_setting('port'), current_database());"
     " END $d$; CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (user 'postgres'); CREATE FOREIGN TABLE far (id int, what text) SERVER s"
     " OPTIONS (table_name 'log');" FN("f", "INSERT INTO far VALUES (1, 'far')"), NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL,
     BY_PROBE, "public.far"},
    {"event trigger", "CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (4, tg_tag); END';"
     "CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION ef()", NULL, "CREATE TABLE n (a int)", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"event trigger that truncates", "CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE log; END';"
     "CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION ef()", NULL, "CREATE TABLE n (a int)", SG_TRY_DDL, BY_PROBE, "public.log"},
    /* truncation, where the statistics are old or our own DDL names the table */
    {"truncate what was analyzed while empty", "CREATE TABLE z (a int); ANALYZE z; INSERT INTO z VALUES (1); SELECT pg_stat_force_next_flush();" FN("f", "TRUNCATE z"), NULL,
     "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.z was emptied"},
    {"truncate what the migration alters", FN("f", "TRUNCATE log"), "ALTER TABLE log ADD COLUMN z int", "DO $$ BEGIN PERFORM f(); END $$",
     SG_TRY_DDL, BY_PROBE, "public.log was emptied"},
    {"truncate, and an event trigger that it makes itself", FN("f", "RETURN 1")
     "CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE log; END'",
     "CREATE EVENT TRIGGER ev ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION ef()", "CREATE TABLE n (a int)",
     SG_TRY_DDL, BY_PROBE, "public.log was emptied"},
    {"truncate, then alter", FN("f", "TRUNCATE log"), "DO $$ BEGIN PERFORM f(); END $$", "ALTER TABLE log ADD COLUMN z int", SG_TRY_DDL,
     BY_PROBE, "public.log was emptied"},
    {"truncate behind an operator", "CREATE FUNCTION opf(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN TRUNCATE log; RETURN true; END';"
     "CREATE OPERATOR === (leftarg = int, rightarg = int, function = opf)", NULL, "ALTER TABLE e ADD CHECK (k === 1)", SG_TRY_DDL,
     BY_PROBE, "public.log was emptied"},
    {"truncate behind a domain's default", "CREATE DOMAIN dz AS int DEFAULT trunc()", NULL, "ALTER TABLE e ADD COLUMN z dz", SG_TRY_DDL,
     BY_PROBE, "public.log was emptied"},
    {"truncate behind a cast", "CREATE FUNCTION cf(int) RETURNS pair LANGUAGE plpgsql AS 'BEGIN TRUNCATE log; RETURN row(1, 2)::pair; END';"
     "CREATE CAST (int AS pair) WITH FUNCTION cf(int) AS ASSIGNMENT", NULL, "ALTER TABLE e ALTER COLUMN k TYPE pair", SG_TRY_DDL, BY_PROBE,
     "public.log was emptied"},
    /* code behind DDL */
    {"operator", "CREATE FUNCTION opf(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT ins() > 0';"
     "CREATE OPERATOR === (leftarg = int, rightarg = int, function = opf)", NULL, "ALTER TABLE e ADD CHECK (k === 1)", SG_TRY_DDL, BY_PROBE,
     "public.log"},
    {"cast", "CREATE FUNCTION cf(int) RETURNS pair LANGUAGE sql AS 'SELECT row(ins(), 1)::pair';"
     "CREATE CAST (int AS pair) WITH FUNCTION cf(int) AS ASSIGNMENT", NULL, "ALTER TABLE e ALTER COLUMN k TYPE pair", SG_TRY_DDL, BY_PROBE,
     "public.log"},
    {"domain's default", "CREATE DOMAIN dz AS int DEFAULT ins()", NULL, "ALTER TABLE e ADD COLUMN z dz", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"domain's check", "CREATE DOMAIN dz AS int DEFAULT 1 CHECK (lie(VALUE) > 0)", NULL, "ALTER TABLE e ADD COLUMN z dz NOT NULL", SG_TRY_DDL,
     BY_PROBE, "public.log"},
    {"inherited check", "CREATE TABLE c () INHERITS (e); INSERT INTO c VALUES (9, 9)",
     NULL, "ALTER TABLE e ADD CHECK (lie(k) > 0)", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"exclusion constraint", NULL, NULL, "ALTER TABLE e ADD EXCLUDE USING btree ((lie(k)) WITH =)", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"index on what it made", NULL, "CREATE MATERIALIZED VIEW n AS SELECT id FROM e", "CREATE INDEX ON n (lie(id))", SG_TRY_DDL, BY_PROBE,
     "public.log"},
    {"statistics on an expression", "CREATE STATISTICS st ON (lie(k)) FROM e", NULL, "ANALYZE e", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"view in a check's function", "CREATE VIEW w AS SELECT ins_v(2) AS x; CREATE FUNCTION f(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS"
     " 'SELECT count(*) > 0 FROM w'", NULL, "ALTER TABLE e ADD CHECK (f(k))", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"attach: the default partition is scanned", "CREATE TABLE ml (k int) PARTITION BY RANGE (k); CREATE TABLE ml_rest PARTITION OF ml DEFAULT;"
     "INSERT INTO ml VALUES (50); CREATE TABLE ml1 (k int, CHECK (lie(k) > 0)); INSERT INTO ml1 VALUES (1)", NULL,
     "ALTER TABLE ml ATTACH PARTITION ml1 FOR VALUES FROM (0) TO (9)", SG_TRY_DDL, BY_CLOSING, ""},
    /* what would happen at COMMIT */
    {"with hold behind a function", FN("f", "EXECUTE 'DECLARE h CURSOR WITH HOLD FOR SELECT ins_v(id) FROM e'"), NULL,
     "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_CLOSING, ""},
    {"commit in a procedure", "CREATE PROCEDURE cp() LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (5, ''''); COMMIT; END';" FN("f", "CALL cp()"),
     NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_SERVER, "2D000"},
    RULE("commit", "COMMIT", "transaction control"),
    RULE("rollback", "ROLLBACK", "transaction control"),
    RULE("end and begin", "END AND CHAIN", "transaction"),
    RULE("savepoint", "SAVEPOINT x", "transaction control"),
    RULE("back to our savepoint", "ROLLBACK TO SAVEPOINT sgrun_ddl", "transaction control"),
    RULE("prepare transaction", "PREPARE TRANSACTION 'x'", "transaction control"),
    RULE("two statements", "CREATE TABLE n (a int); COMMIT; INSERT INTO log VALUES (1, '')", "the text holds 3 statements"),
    /* settings and roles */
    RULE("set", "SET lock_timeout = 0", "SET changes settings"),
    RULE("set local", "SET LOCAL search_path = pg_temp", "SET changes settings"),
    RULE("set role", "SET LOCAL ROLE postgres", "SET changes settings"),
    RULE("reset role", "RESET ROLE", "SET changes settings"),
    RULE("session authorization", "SET SESSION AUTHORIZATION postgres", "SET changes settings"),
    RULE("discard", "DISCARD ALL", "DISCARD"),
    RULE("constraints deferred", "SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS"),
    RULE("read only", "SET TRANSACTION READ ONLY", "SET"),
    RULE("listen", "LISTEN x", "LISTEN"),
    RULE("notify", "NOTIFY x", "NOTIFY"),
    RULE("vacuum", "VACUUM t", "VACUUM"),
    RULE("load", "LOAD 'auto_explain'", "LOAD"),
    RULE("index on an old table", "CREATE INDEX ON t (a)", "CREATE INDEX"),
    RULE("index concurrently", "CREATE INDEX CONCURRENTLY ON t (a)", "CREATE INDEX"),
    {"guards undone by a function", FN("f", "PERFORM set_config('search_path', 'pg_temp', true); SET LOCAL lock_timeout = 0; RESET ROLE;"
     " INSERT INTO public.log VALUES (1, '')"), NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"a catalogue of one's own", FN("f", "CREATE TEMP TABLE pg_locks (pid int, relation oid, locktype text, mode text, granted bool);"
     " CREATE TEMP TABLE pg_class (oid oid); PERFORM set_config('search_path', 'pg_temp, pg_catalog', true);"
     " INSERT INTO public.log VALUES (1, '')"), NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.log"},
    /* our own texts shall not be read in another way than they were written: literals end where they end */
    {"strings made to mean something else", FN("f", "PERFORM set_config('standard_conforming_strings', 'off', false)"),
     "DO $$ BEGIN PERFORM f(); END $$",
     "COMMENT ON TABLE mark IS $x$\\', 0, 0, 0, NULL, 0); INSERT INTO public.log VALUES (99, $y$injected$y$); -- $x$", SG_TRY_DDL, BY_CHANGE,
     "standard_conforming_strings"},
    {"strings made to mean something else, at the end", FN("f", "PERFORM set_config('standard_conforming_strings', 'off', false)"),
     "COMMENT ON TABLE mark IS $x$\\', 0, 0, 0, NULL, 0); INSERT INTO public.log VALUES (99, $y$injected$y$); -- $x$",
     "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_CHANGE, "standard_conforming_strings"},
    {"another encoding", FN("f", "PERFORM set_config('client_encoding', 'SJIS', true)"), NULL, "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL,
     BY_CHANGE, "client_encoding"},
    /* sgrun's own tables */
    HIDE("function: the ledger", "DELETE FROM sgrun.schema_migrations", "sgrun.schema_migrations"),
    HIDE("function: the ledger, an insert", "INSERT INTO sgrun.schema_migrations (id, outcome) VALUES ('s01', 'applied')", "sgrun.schema_migrations"),
    HIDE("function: the lease", "UPDATE sgrun.lease SET owner = NULL", "sgrun.lease"),
    HIDE("function: the lease, deleted", "DELETE FROM sgrun.lease", "sgrun.lease"),
    HIDE("function: the lease, locked", "LOCK TABLE sgrun.lease IN SHARE MODE", "sgrun.lease"),
    HIDE("function: the journal", "TRUNCATE sgrun.journal", "sgrun.journal"),
    HIDE("function: the state altered", "ALTER TABLE sgrun.schema_migrations ADD COLUMN x int", "sgrun.schema_migrations"),
    HIDE("function: a trigger on the ledger", "CREATE TRIGGER g BEFORE INSERT ON sgrun.schema_migrations EXECUTE FUNCTION touched()",
         "sgrun.schema_migrations"),
    HIDE("function: a rule on the ledger", "CREATE RULE r AS ON INSERT TO sgrun.schema_migrations DO INSTEAD NOTHING", "sgrun.schema_migrations"),
    HIDE("function: the state dropped", "DROP TABLE sgrun.backfills", "sgrun"),
    HIDE("function: the state dropped whole", "DROP SCHEMA sgrun CASCADE", "sgrun"),
    HIDE("function: the state renamed", "ALTER SCHEMA sgrun RENAME TO elsewhere", "sgrun"),
    /* membership of an extension is no disguise */
    {"table made an extension's", "CREATE EXTENSION hstore;" FN("f", "INSERT INTO log VALUES (1, '')"),
     "ALTER EXTENSION hstore ADD TABLE log", "DO $$ BEGIN PERFORM f(); END $$", SG_TRY_DDL, BY_PROBE, "public.log"},
    {"function: dblink without a word", "CREATE EXTENSION dblink", NULL, "SELECT * FROM dblink('dbname=base', 'DELETE FROM log') AS x(a text)",
     SG_TRY_QUERY, BY_RULE, "another connection"},
};

/* A setting that leaves nothing behind that others stumble over. */
static bool shares(const struct attempt *attempt)
{
    return attempt->setup == NULL || strncmp(attempt->setup, FN_HEAD, strlen(FN_HEAD)) == 0;
}

SG_TEST(what_hides_behind_code_is_found)
{
    struct project *shared = project_new(NULL, base());

    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (shares(&attempts[i]) && attempts[i].stop != BY_CLOSING) {
            try_to_write(shared, &attempts[i]);
            if (project_ledger(shared)[0] != '\0') /* that one failed; not the others for it */
                shared = project_new(NULL, base());
        } else {
            struct project *project = project_new(NULL, base());

            try_to_write(project, &attempts[i]);
            sg_sql_close(project->sql);
        }
    }
}

/* The same devices, harmlessly: none may be taken for a write. Each is a migration of its own, in one database. */
SG_TEST(what_a_team_does_passes)
{
    struct project *project = project_new(NULL, base());
    static const char *const migrations[][4] = {
        /* opaque code first, then a rewrite of tables that hold nothing */
        {"CREATE TABLE h1 (a int, b int)", "DO $$ BEGIN PERFORM nothing(); END $$", "ALTER TABLE h1 ALTER COLUMN a TYPE bigint"},
        {"DO $$ BEGIN PERFORM nothing(); END $$", "ALTER TABLE h0 ALTER COLUMN a TYPE bigint"},
        {"DO $$ BEGIN PERFORM nothing(); END $$", "ALTER TABLE hp ALTER COLUMN k TYPE bigint", "ALTER TABLE hp ADD COLUMN u uuid DEFAULT gen_random_uuid()"},
        {"ALTER TABLE hd ALTER COLUMN a TYPE bigint USING nothing()"},
        {"ALTER TABLE hp0 SET UNLOGGED", "DO $$ BEGIN PERFORM nothing(); END $$", "ALTER TABLE hp0 SET LOGGED"},
        {"DO $$ BEGIN ALTER TABLE h0 ALTER COLUMN a TYPE int; END $$"},
        {"CREATE EXTENSION hstore"},
        {"DO $$ BEGIN PERFORM nothing(); END $$", "DROP TABLE h0"},
    };

    sg_sql_exec(project->sql, "CREATE TABLE h0 (a int); CREATE TABLE hp (id int, k int) PARTITION BY RANGE (id);"
                              "CREATE TABLE hp0 PARTITION OF hp FOR VALUES FROM (0) TO (9); CREATE TABLE hp1 PARTITION OF hp DEFAULT;"
                              "CREATE TABLE hd (a int); INSERT INTO hd VALUES (1); DELETE FROM hd; SELECT pg_stat_force_next_flush()");
    for (size_t i = 0; i < sizeof migrations / sizeof migrations[0]; i++) {
        const char *section = sg_test_strf("[migration s%02zu]\nplugin = s%02zu\noption.table = mark%zu\noption.ddl1 = CREATE TABLE mark%zu ()\n",
                                           i + 1, i + 1, i, i);

        for (int n = 0; n < 4 && migrations[i][n] != NULL; n++) {
            project_set(project, sg_test_strf("SQL%d", n), migrations[i][n]);
            section = sg_test_strf("%soption.ddl%d = ${SQL%d}\n", section, n + 2, n);
        }
        project_write(project, section);
        project_must(project, 0, NULL);
    }
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.schema_migrations"), sizeof migrations / sizeof migrations[0]);
}

/* What an event trigger writes is found, the line to add is told, and with it the migration passes. */
SG_TEST(event_triggers_that_log_may_be_allowed)
{
    struct project *project = project_new(NULL, base());
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (4, tg_tag); END';"
                              "CREATE EVENT TRIGGER audit_ddl ON ddl_command_end EXECUTE FUNCTION ef()");
    write_manifest(project, NULL, "CREATE TABLE n (a int)", SG_TRY_DDL);
    run = project_must(project, 7, NULL);
    T_CONTAINS(run.err, "audit_ddl");
    T_CONTAINS(run.err, "trigger_tables = public.log");
    project->policy = "trigger_tables = public.log\n";
    write_manifest(project, NULL, "CREATE TABLE n (a int)", SG_TRY_DDL);
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM log WHERE what = 'CREATE TABLE'"), 2);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT kind, sql FROM sgrun.journal WHERE kind NOT LIKE 'CREATE%'"), "exempt|public.log");
}

/* With an event trigger that does nothing, every statement may run code, and is looked at as such: none is taken for a write. */
SG_TEST(legal_ddl_passes_beside_an_event_trigger)
{
    size_t step = sg_test_full() ? 1 : 8;

    for (size_t i = 0; i < sg_test_legals_count; i += step) {
        const struct sg_test_legal *legal = &sg_test_legals[i];
        struct project *project = project_new(NULL, base());
        struct sg_run_result run;

        if (legal->setup != NULL)
            sg_sql_exec(project->sql, legal->setup);
        sg_sql_exec(project->sql, "CREATE FUNCTION quiet() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
                                  "CREATE EVENT TRIGGER quiet ON ddl_command_end EXECUTE FUNCTION quiet()");
        write_manifest(project, legal->before, legal->sql, SG_TRY_DDL);
        run = project_run(project, NULL);
        if (run.exit != 0)
            T_FAIL("%s: exit status %d: %s%s", legal->sql, run.exit, run.out, run.err);
        T_EQ_STR(project_ledger(project), "s01|applied");
        sg_sql_close(project->sql);
    }
}

/* A fingerprint reads, whatever it calls. */
SG_TEST(a_fingerprint_cannot_write)
{
    static const char *const queries[] = {"SELECT ins()", "SELECT * FROM sly", "SELECT trunc()", "SELECT dyn('CREATE TABLE n ()')",
                                          "SELECT nextval('sq')", "SELECT * FROM t FOR UPDATE", "DELETE FROM t RETURNING 1"};
    struct project *project = project_new(NULL, base());
    const char *rows = project_rows(project);

    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct sg_run_result run;

        project_set(project, "ASK", queries[i]);
        project_write(project, "[migration s01]\nplugin = s01\noption.fingerprint = ${ASK}\noption.ddl1 = CREATE TABLE n ()\n");
        run = project_must(project, 7, NULL);
        T_LACKS(run.out, "applied");
        T_EQ_STR(project_rows(project), rows);
        T_EQ_STR(project_ledger(project), "");
        T_EQ_STR(project_lease(project), "");
    }
    /* settings made there are gone with its savepoint, too */
    project_set(project, "ASK", "SELECT 1 WHERE to_regclass('n') IS NOT NULL AND dyn('SET LOCAL lock_timeout = 0') IS NOT NULL");
    project_write(project, "[migration s01]\nplugin = s01\noption.fingerprint = ${ASK}\noption.ddl1 = CREATE TABLE n ()\n");
    project_must(project, 0, NULL);
}

/* The honest part of the table: what leaves no lock in this transaction is not found. The document says so; so does this. */
SG_TEST(what_cannot_be_found)
{
    struct project *project = project_new(NULL, base());

    sg_sql_exec(project->sql, "CREATE EXTENSION dblink;" FN("f", "PERFORM setval('sq', 42)"));
    sg_sql_exec(project->sql, sg_test_strf("CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN PERFORM dblink_exec('%s',"
                                           " 'INSERT INTO log VALUES (9, ''elsewhere'')'); END $f$", project->conninfo));
    write_manifest(project, NULL, "DO $$ BEGIN PERFORM f(); PERFORM g(); END $$", SG_TRY_DDL);
    project_must(project, 0, NULL);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT last_value FROM sq"), 42);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM log WHERE what = 'elsewhere'"), 1);
}

static const struct sg_test tests[] = {SG_CASE(what_hides_behind_code_is_found), SG_CASE(what_a_team_does_passes),
                                       SG_CASE(event_triggers_that_log_may_be_allowed), SG_CASE(legal_ddl_passes_beside_an_event_trigger),
                                       SG_CASE(a_fingerprint_cannot_write),
                                       SG_CASE(what_cannot_be_found), SG_CASES_END};
static const struct sg_suite suites[] = {{"policy", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
