/*
 * The world as it is: roles under row security, without privileges, with defaults of their own; event triggers; a database with a
 * thousand tables; tables of other tools.
 */
#include "config.h"

#include "tests/db/deploys.h"
#include "tests/kit/proxy.h"

#include <string.h>

/* A database, and a role to log in as (made by this test alone), that may make schemas and tables there. */
struct world {
    struct place place;
    const char *role;
};

static struct world world_new(const char *role)
{
    struct world world = {.place = place_new(NULL, false, 0), .role = role};

    sg_sql_execf(world.place.sql, "CREATE ROLE %s LOGIN; GRANT CREATE ON DATABASE %s TO %s; GRANT ALL ON SCHEMA public TO %s", role,
                 world.place.db, role, role);
    world.place.dsn = sg_server_conninfo(world.place.server, world.place.db, role);
    return world;
}

/* What the role's sessions in this database start with. */
static void set_default(const struct world *world, const char *setting)
{
    sg_sql_execf(world->place.sql, "ALTER ROLE %s IN DATABASE %s SET %s", world->role, world->place.db, setting);
}

static const char *simple(const struct world *world)
{
    return manifest_new(&world->place, &(struct manifest){.steps = step("s01", "option.ddl1 = CREATE TABLE made ()\noption.table = made\n")});
}

static const char *owner_of(const struct place *place, const char *table)
{
    return sg_sql_value(place->sql, sg_test_strf("SELECT relowner::regrole FROM pg_class WHERE oid = to_regclass('%s')", table));
}

/* ---- row security ---- */

SG_TEST(row_security_is_no_answer)
{
    struct world world = world_new("tenant");
    const char *manifest = manifest_new(&world.place, &(struct manifest){
        .steps = step("s01", "option.fingerprint = SELECT 1 FROM secrets WHERE n = 2\noption.ddl1 = CREATE TABLE made ()\n")});
    struct sg_run_result run;

    sg_sql_exec(world.place.sql, "CREATE TABLE secrets (n int); INSERT INTO secrets VALUES (1), (2); GRANT SELECT ON secrets TO tenant;"
                                 "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON secrets USING (n = 1)");
    run = ended(sgrun(manifest, "deploy"), 1);
    T_CONTAINS(run.err, "row-level security");
    T_CONTAINS(run.err, "secrets");
    T_CONTAINS(run.err, "42501");
    T_CONTAINS(run.err, "HINT");
    T_EQ_STR(ledger(&world.place), "");
    ended(sgrun(manifest, "plan"), 1);
    /* a role that sees all rows gets the true answer */
    sg_sql_exec(world.place.sql, "ALTER ROLE tenant BYPASSRLS");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&world.place), "s01|reconciled");
    /* its own table, when that is forced upon the owner */
    sg_sql_exec(world.place.sql, "ALTER ROLE tenant NOBYPASSRLS; ALTER TABLE secrets OWNER TO tenant");
    ended(sgrun(manifest, "verify"), 0);
    sg_sql_exec(world.place.sql, "ALTER TABLE secrets FORCE ROW LEVEL SECURITY");
    T_CONTAINS(ended(sgrun(manifest, "verify"), 1).out, "row-level security");
}

/* ---- privileges ---- */

/* Who may only read sees the runner that works, and the one that died. */
static void look_on(const struct place *place, const char *manifest)
{
    struct sg_sql *runner;

    T_CONTAINS(ended(sgrun(manifest, "status", "--json"), 0).out, "\"lease\": null");
    sg_sql_exec(place->sql, "UPDATE sgrun.lease SET owner = 'somebody', since = now(), expires_at = clock_timestamp() - interval '1 hour'");
    T_CONTAINS(ended(sgrun(manifest, "status", "--json"), 0).out, "\"alive\": false");
    runner = sg_sql_hold(place->direct, "SELECT 1 FROM sgrun.lease FOR NO KEY UPDATE");
    T_CONTAINS(ended(sgrun(manifest, "status", "--json"), 0).out, "\"alive\": true");
    sg_sql_close(runner);
    sg_sql_exec(place->sql, "UPDATE sgrun.lease SET owner = NULL, since = NULL, expires_at = NULL");
}

SG_TEST(a_role_that_may_make_no_schema)
{
    struct place place = place_new(NULL, false, 0);
    struct world world = {.place = place, .role = "poor"};
    const char *manifest;
    struct sg_run_result run;

    sg_sql_execf(place.sql, "CREATE ROLE poor LOGIN; GRANT ALL ON SCHEMA public TO poor");
    world.place.dsn = sg_server_conninfo(place.server, place.db, "poor");
    manifest = simple(&world);
    run = ended(sgrun(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "cannot make the state tables in schema \"sgrun\"");
    T_CONTAINS(run.err, "42501");
    T_CONTAINS(run.err, "sgrun check --state-sql");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT to_regclass('made')"), NULL);
    ended(sgrun(manifest, "plan"), 0);
    ended(sgrun(manifest, "status"), 0);

    sg_sql_exec(place.sql, ended(sgrun(manifest, "check", "--state-sql"), 0).out);
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 2).err, "cannot read the state tables in schema \"sgrun\"");
    sg_sql_exec(place.sql, "GRANT USAGE ON SCHEMA sgrun TO poor; GRANT SELECT ON ALL TABLES IN SCHEMA sgrun TO poor");
    run = ended(sgrun(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "cannot write to the state tables in schema \"sgrun\"");
    T_CONTAINS(run.err, "Grant");
    ended(sgrun(manifest, "plan"), 0);
    look_on(&place, manifest);
    sg_sql_exec(place.sql, "GRANT ALL ON ALL TABLES IN SCHEMA sgrun TO poor");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
    T_EQ_STR(owner_of(&place, "made"), "poor");
    T_EQ_STR(owner_of(&place, "sgrun.lease"), "postgres");
    ended(sgrun(manifest_new(&world.place, &(struct manifest){.steps = step("s02", "option.fail = no\n")}), "deploy"), 1);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.attempts"), 1);
}

SG_TEST(steps_run_as_another_role)
{
    struct world world = world_new("deployer");
    struct manifest what = {.database = "role = app_owner",
        .steps = sg_test_strf("%s%s", step("s01", "option.ddl1 = CREATE TABLE made (a int)\noption.ddl2 = CREATE INDEX made_a ON made (a)\n"
                                                  "option.table = made\n"),
                              step("x01", "option.fingerprint = SELECT 1 WHERE to_regclass('made_a') IS NULL\n"
                                          "option.ddl1 = DROP INDEX CONCURRENTLY made_a\n"))};
    const char *manifest = manifest_new(&world.place, &what);
    struct sg_run_result run;

    sg_sql_exec(world.place.sql, "CREATE ROLE app_owner; GRANT ALL ON SCHEMA public TO app_owner; CREATE ROLE stranger");
    run = ended(sgrun(manifest, "deploy"), 1);
    T_CONTAINS(run.err, "permission denied to set role \"app_owner\"");
    sg_sql_exec(world.place.sql, "GRANT app_owner TO deployer");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&world.place), "s01|applied\nx01|applied");
    T_EQ_STR(owner_of(&world.place, "made"), "app_owner");
    /* the ledger is not its: it could not have written it */
    T_EQ_STR(owner_of(&world.place, "sgrun.schema_migrations"), "deployer");
    T_EQ_STR(sg_sql_value(world.place.sql, "SELECT has_schema_privilege('app_owner', 'sgrun', 'USAGE')"), "f");
    ended(sgrun(manifest, "verify"), 0);
    what.database = "role = nobody_of_that_name";
    T_CONTAINS(ended(sgrun(manifest_new(&world.place, &what), "verify"), 1).out, "nobody_of_that_name");
}

/* What may not run in a transaction goes past the pooler, and nowhere else. */
SG_TEST(the_direct_way_leads_to_the_same_database)
{
    struct place place = place_new(NULL, true, 0), other = place_new(NULL, false, 0);
    struct manifest what = {.database = sg_test_strf("direct_dsn = %s", other.direct),
        .steps = step("x01", "option.fingerprint = SELECT 1 WHERE to_regclass('t_a') IS NULL\noption.ddl1 = DROP INDEX CONCURRENTLY t_a\n")};
    const char *manifest = manifest_new(&place, &what);

    sg_sql_exec(place.sql, "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)");
    sg_sql_exec(other.sql, "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)");
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 2).err, "direct_dsn leads to another database");
    /* even when that one is a home of sgrun, too */
    sg_sql_exec(other.sql, ended(sgrun(manifest, "check", "--state-sql"), 0).out);
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 2).err, "direct_dsn leads to another database");
    T_EQ_STR(lease_owner(&place), NULL);
    T_EQ_STR(sg_sql_value(other.sql, "SELECT to_regclass('t_a')"), "t_a");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT to_regclass('t_a')"), "t_a");
    what.database = sg_test_strf("direct_dsn = %s", place.direct);
    ended(sgrun(manifest_new(&place, &what), "deploy"), 0);
    T_EQ_STR(ledger(&place), "x01|applied");
    T_EQ_STR(sg_sql_value(other.sql, "SELECT to_regclass('t_a')"), "t_a");
}

/* ---- defaults of the role ---- */

/* A fingerprint that holds only in the session that sgrun promises. */
#define PROMISED \
    "option.fingerprint = SELECT 1 WHERE current_setting('transaction_isolation') = 'read committed'" \
    " AND replace(current_setting('search_path'), '\"', '') = 'public, pg_temp'" \
    "\n  AND current_setting('row_security') = 'off' AND current_setting('DateStyle') LIKE 'ISO,%'" \
    "\n  AND current_setting('IntervalStyle') = 'postgres' AND current_setting('TimeZone') = 'UTC'" \
    "\n  AND current_setting('extra_float_digits') = '1' AND current_setting('bytea_output') = 'hex'" \
    "\n  AND current_setting('synchronous_commit') = 'on' AND current_setting('statement_timeout') = '1min'" \
    "\n  AND current_setting('idle_in_transaction_session_timeout') = '20s'" \
    "\n  AND current_setting('lock_timeout') IN ('200ms', '500ms', '1500ms', '3s')" \
    "\n  AND current_setting('client_encoding') = 'UTF8'" \
    "\n  AND current_setting('client_connection_check_interval') = '500ms'\n"

SG_TEST(defaults_of_the_role_change_nothing)
{
    static const char *const settings[] = {
        "default_transaction_isolation = 'serializable'", "default_transaction_read_only = on", "default_transaction_deferrable = on",
        "row_security = on", "DateStyle = 'SQL, DMY'", "IntervalStyle = 'sql_standard'", "TimeZone = 'Asia/Kolkata'",
        "extra_float_digits = -5", "bytea_output = 'escape'", "synchronous_commit = off", "statement_timeout = '200ms'",
        "lock_timeout = '5ms'", "idle_in_transaction_session_timeout = '100ms'", "client_encoding = 'LATIN1'", 
        "client_min_messages = 'error'", "quote_all_identifiers = on", "transform_null_equals = on",
    };
    struct world world = world_new("peculiar");
    const char *manifest = manifest_new(&world.place, &(struct manifest){.policy = "lock_rungs_ms = 5000",
        .steps = sg_test_strf("%s%s%s",
            step("s01", PROMISED "lock_rungs_ms = 200, 500, 1500, 3000\n"),
            step("s02", "option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('t') AND attname = 'b'\n"
                        "option.ddl1 = ALTER TABLE t ADD COLUMN b bytea DEFAULT '\\x41'\noption.ddl2 = COMMENT ON TABLE t IS 'it''s'\n"
                        "option.sleep_ms = 300\n"),
            step("x01", "option.fingerprint = SELECT 1 WHERE to_regclass('t_a') IS NULL\noption.ddl1 = DROP INDEX CONCURRENTLY t_a\n"))});
    struct sg_sql *holder;
    struct sg_run *run;

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        set_default(&world, settings[i]);
    sg_sql_exec(world.place.sql, "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); ALTER TABLE t OWNER TO peculiar");
    holder = sg_sql_hold(world.place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    sg_sql_await_queued(world.place.sql, "t", 10000);
    sg_test_sleep_ms(400); /* longer than the role's own time-outs */
    sg_sql_close(holder);
    ended(sg_run_wait(run, 20000), 0);
    T_EQ_STR(ledger(&world.place), "s01|reconciled\ns02|applied\nx01|applied");
    T_EQ_STR(sg_sql_rows(world.place.sql, "SELECT step, seq FROM sgrun.journal WHERE waited_on IS NULL ORDER BY step, seq"), "s02|2\nx01|1");
    T_EQ_INT(sg_sql_int(world.place.sql, "SELECT count(*) FROM sgrun.attempts"), 0);
    ended(sgrun(manifest, "verify"), 0);
    ended(sgrun(manifest, "status", "--exit-code"), 0);
    ended(sgrun(manifest, "plan"), 0);
    set_default(&world, "synchronous_commit = 'local'");
    set_default(&world, "default_transaction_isolation = 'repeatable read'");
    ended(sgrun(manifest, "verify"), 0);
    /* whoever asked for more than that gets it */
    set_default(&world, "synchronous_commit = 'remote_apply'");
    T_CONTAINS(ended(sgrun(manifest, "verify"), 8).out, "s01");
}

/* Everything that sgrun says unqualified is there twice, and the first one lies. */
static const char evil[] =
    "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;"
    "CREATE FUNCTION evil.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.no(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.no(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.no(int8, int8) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.no(int4, int4) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.no(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.no(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
    "CREATE FUNCTION evil.what(text, text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''::text';"
    "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.= (LEFTARG = int8, RIGHTARG = int8, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.= (LEFTARG = int4, RIGHTARG = int4, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.no);"
    "CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.what);"
    "CREATE FUNCTION evil.left(text, int) RETURNS text LANGUAGE sql AS 'SELECT ''evil''::text';"
    "CREATE VIEW evil.pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE false;"
    "CREATE VIEW evil.pg_class AS SELECT * FROM pg_catalog.pg_class WHERE false;"
    "CREATE VIEW evil.pg_attribute AS SELECT attrelid, attname, attnum FROM pg_catalog.pg_attribute WHERE false;"
    "CREATE VIEW evil.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity WHERE false;"
    "CREATE TABLE evil.schema_migrations (id text); CREATE TABLE evil.t ();"
    "GRANT SELECT ON ALL TABLES IN SCHEMA evil TO PUBLIC;";

SG_TEST(a_hostile_search_path_leads_nowhere)
{
    struct world world = world_new("misled");
    const char *first = step("s01", "option.table = made\noption.ddl1 = CREATE TABLE made (a int)\n");
    const char *second = step("s02", "option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('t') AND attname = 'a'\n"
                                     "option.ddl1 = ALTER TABLE t ADD COLUMN a int\nrequires = backfill:b01\n");
    struct manifest what = {.policy = "lock_rungs_ms = 400\nlock_seconds = 0"};
    struct sg_sql *holder;
    struct sg_run_result run;
    const char *manifest;

    sg_sql_exec(world.place.sql, evil);
    set_default(&world, "search_path = evil, pg_catalog, public");
    sg_sql_exec(world.place.sql, "CREATE TABLE t (); ALTER TABLE t OWNER TO misled; CREATE TABLE pg_temp.x ()");
    /* a failure that was mended is not told any more */
    what.steps = step("s01", "option.fail = not yet\n");
    ended(sgrun(manifest_new(&world.place, &what), "deploy"), 1);
    T_CONTAINS(ended(sgrun(manifest_new(&world.place, &what), "status", "--json"), 0).out, "not yet");
    what.steps = sg_test_strf("%s%s[backfill b01]\nplugin = s03\n", first, second);
    manifest = manifest_new(&world.place, &what);
    ended(sgrun(manifest, "deploy"), 3);
    T_EQ_STR(ledger(&world.place), "s01|applied");
    run = ended(sgrun(manifest, "status", "--json"), 0);
    T_LACKS(run.out, "not yet");
    T_CONTAINS(run.out, "\"lease\": null");
    /* the gate opens, the blocker is seen, the lease is had and given back */
    sg_sql_exec(world.place.sql, "INSERT INTO sgrun.backfills (key, state) VALUES ('b01', 'complete')");
    holder = sg_sql_hold(world.place.direct, "SELECT * FROM public.t");
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 4).err, "blocked by pid ");
    sg_sql_close(holder);
    T_EQ_STR(lease_owner(&world.place), NULL);
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&world.place), "s01|applied\ns02|applied");
    ended(sgrun(manifest, "verify"), 0);
    /* and the state tables owe nothing to it */
    sg_sql_exec(world.place.sql, "SET client_min_messages = 'warning'; DROP SCHEMA evil CASCADE");
    T_EQ_INT(sg_sql_int(world.place.sql, "SELECT count(*) FROM pg_constraint WHERE conrelid = 'sgrun.schema_migrations'::regclass"
                                         " AND contype = 'c'"), 1);
}

SG_TEST(strings_that_mean_something_else_are_refused)
{
    struct world world = world_new("backslashed");
    struct sg_run_result run;

    set_default(&world, "standard_conforming_strings = off");
    run = ended(sgrun(simple(&world), "deploy"), 2);
    T_CONTAINS(run.err, "standard_conforming_strings = off");
    T_CONTAINS(run.err, "ALTER ROLE");
    T_EQ_STR(sg_sql_value(world.place.sql, "SELECT to_regnamespace('sgrun')"), NULL);
    T_EQ_STR(sg_sql_value(world.place.sql, "SELECT to_regclass('made')"), NULL);
}

SG_TEST(server_options_are_refused)
{
    struct world world = world_new("optional");
    const char *manifest = simple(&world);
    struct sg_run_result run = sg_run(&(struct sg_run_opts){
        .argv = (const char *const[]){sg_test_built("sgrun"), "--manifest", manifest, NULL},
        .env = (const char *const[]){"PGOPTIONS=-c lock_timeout=1", NULL}});

    T_CONTAINS(ended(run, 2).err, "PGOPTIONS");
    manifest = manifest_new(&world.place, &(struct manifest){.dsn = sg_test_strf("%s options='-c lock_timeout=1'", world.place.dsn),
                                                             .steps = step("s01", "")});
    T_CONTAINS(ended(sgrun(manifest, "deploy"), 2).err, "options");
    T_EQ_STR(ledger(&world.place), "");
}

/* ---- event triggers ---- */

SG_TEST(a_trigger_that_logs_ddl_is_named_and_can_be_allowed)
{
    struct world world = world_new("logged");
    struct manifest what = {.steps = step("s01", "option.ddl1 = CREATE TABLE made ()\noption.table = made\n")};
    struct sg_run_result run;

    sg_sql_exec(world.place.sql, "CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text);"
                                 "CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                                 " 'BEGIN INSERT INTO public.ddl_log (tag) VALUES (tg_tag); END';");
    /* the state tables first, of which the trigger is not asked */
    ended(sgrun(manifest_new(&world.place, &(struct manifest){.steps = step("s02", "option.fail = no\n")}), "deploy"), 1);
    sg_sql_exec(world.place.sql, "CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl()");
    run = ended(sgrun(manifest_new(&world.place, &what), "deploy"), 7);
    T_CONTAINS(run.err, "ddl_log");
    T_CONTAINS(run.err, "log_ddl");
    T_CONTAINS(run.err, "trigger_tables = public.ddl_log");
    T_EQ_STR(ledger(&world.place), "");
    T_EQ_INT(sg_sql_int(world.place.sql, "SELECT count(*) FROM ddl_log"), 0);
    what.policy = "trigger_tables = public.ddl_log";
    ended(sgrun(manifest_new(&world.place, &what), "deploy"), 0);
    T_EQ_STR(ledger(&world.place), "s01|applied");
    T_EQ_STR(sg_sql_rows(world.place.sql, "SELECT tag FROM ddl_log"), "CREATE TABLE");
    T_CONTAINS(sg_sql_rows(world.place.sql, "SELECT kind, sql FROM sgrun.journal WHERE kind = 'exempt'"), "ddl_log");
    sg_sql_exec(world.place.sql, "DROP EVENT TRIGGER log_ddl");
}

/* ---- a thousand tables ---- */

SG_TEST(one_locked_table_of_a_thousand)
{
    struct world world = world_new("crowded");
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(world.place.server), sg_server_port(world.place.server));
    const char *manifest = manifest_new(&world.place, &(struct manifest){.policy = "read_seconds = 20",
        .dsn = sg_proxy_conninfo(proxy, world.place.db, "crowded"),
        .steps = step("s01", "option.read1 = SELECT count_of('t')\noption.ddl1 = CREATE TABLE made ()\noption.ddl2 = ALTER TABLE made ADD COLUMN n int\n"
                             "option.read2 = SELECT count_of('t')\noption.table = made\n")});
    struct sg_sql *holder;
    struct sg_run_result run;

    sg_sql_exec(world.place.sql, "DO 'BEGIN FOR i IN 1..1000 LOOP EXECUTE format(''CREATE TABLE t%s (n int)'', i); END LOOP; END';"
                                 "CREATE FUNCTION count_of(text) RETURNS bigint LANGUAGE sql STABLE AS"
                                 " 'SELECT count(*) FROM pg_class WHERE relname LIKE $1 || ''%'''");
    holder = sg_sql_hold(world.place.direct, "LOCK TABLE t500 IN ACCESS EXCLUSIVE MODE");
    ended(sgrun(manifest, "plan"), 0);
    run = ended(sgrun(manifest, "deploy"), 0);
    T_LT_INT(run.ms, 15000);
    T_LACKS(run.err, "lock");
    /* it did look at all of them, since nobody knows what count_of does */
    T_CONTAINS(sg_proxy_statements(proxy), "reltuples");
    T_EQ_STR(ledger(&world.place), "s01|applied");
    ended(sgrun(manifest, "verify"), 0);
    ended(sgrun(manifest, "status"), 0);
    sg_sql_close(holder);
}

/* ---- tables of others ---- */

static void expect_refused(const struct place *place, const char *manifest, const char *message)
{
    static const char *const commands[] = {"deploy", "plan", "status", "verify"};

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct sg_run_result run = ended(sgrun(manifest, commands[i]), 2);

        T_CONTAINS(run.err, message);
        T_CONTAINS(run.err, "HINT");
    }
    T_EQ_STR(sg_sql_value(place->sql, "SELECT to_regclass('made')"), NULL);
}

SG_TEST(another_tools_table_is_left_alone)
{
    static const char *const tables[] = {
        "CREATE TABLE ops.schema_migrations (version varchar PRIMARY KEY)",               /* Rails, dbmate */
        "CREATE TABLE ops.schema_migrations (version bigint PRIMARY KEY, dirty boolean)", /* golang-migrate */
        "CREATE TABLE ops.schema_migrations (id text, outcome text); CREATE TABLE ops.meta (k text, v text)",
        "CREATE TABLE ops.schema_migrations (id text, outcome text); CREATE TABLE ops.meta (version text)",
        "CREATE TABLE ops.meta (k text, v text)",
        "CREATE TABLE ops.meta (version text)",
        "CREATE TABLE ops.lease (k text)",
    };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct place place = place_new(NULL, false, 0);
        const char *content = "SELECT string_agg(attrelid::regclass || '.' || attname, ' ' ORDER BY 1) FROM pg_attribute"
                              " JOIN pg_class ON attrelid = pg_class.oid WHERE relnamespace = 'ops'::regnamespace AND attnum > 0";
        const char *before, *manifest = manifest_new(&place, &(struct manifest){.sgrun = "state_schema = ops",
            .steps = step("s01", "option.ddl1 = CREATE TABLE made ()\n")});

        sg_sql_execf(place.sql, "CREATE SCHEMA ops; %s", tables[i]);
        before = sg_sql_value(place.sql, content);
        if (i < 4)
            expect_refused(&place, manifest, "schema \"ops\"");
        else
            T_CONTAINS(ended(sgrun(manifest, "deploy"), 2).err, "schema \"ops\"");
        T_EQ_STR(sg_sql_value(place.sql, content), before);
        T_EQ_STR(sg_sql_value(place.sql, "SELECT to_regclass('made')"), NULL);
        sg_sql_close(place.sql);
    }
}

SG_TEST(newer_state_tables_are_refused)
{
    struct world world = world_new("outdated");
    const char *manifest = simple(&world);
    const char *others = manifest_new(&world.place, &(struct manifest){.steps = step("s02", "option.fail = no\n")});

    ended(sgrun(others, "deploy"), 1);
    sg_sql_exec(world.place.sql, "UPDATE sgrun.meta SET version = version + 1");
    expect_refused(&world.place, manifest, "version 2");
    sg_sql_exec(world.place.sql, "DELETE FROM sgrun.meta");
    expect_refused(&world.place, manifest, "is empty");
    sg_sql_exec(world.place.sql, "INSERT INTO sgrun.meta (version) VALUES (1)");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&world.place), "s01|applied");
}

SG_TEST(odd_names_of_schemas)
{
    struct world world = world_new("oddly");
    const char *manifest = manifest_new(&world.place, &(struct manifest){.sgrun = "state_schema = OpsState", .database = "schema = MyApp",
        .steps = step("s01", "option.ddl1 = CREATE TABLE made ()\noption.table = made\n")});

    sg_sql_exec(world.place.sql, "CREATE SCHEMA \"MyApp\" AUTHORIZATION oddly");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_INT(sg_sql_int(world.place.sql, "SELECT count(*) FROM \"OpsState\".schema_migrations"), 1);
    T_EQ_STR(sg_sql_value(world.place.sql, "SELECT to_regclass('\"MyApp\".made')"), "\"MyApp\".made");
    ended(sgrun(manifest, "deploy"), 0);
    ended(sgrun(manifest, "verify"), 0);
}

/* ---- limits ---- */

SG_TEST(a_plugin_that_is_silent_for_too_long)
{
    struct world world = world_new("sleepy");
    const char *manifest = manifest_new(&world.place, &(struct manifest){.policy = "idle_seconds = 1",
        .steps = step("s01", "option.ddl1 = CREATE TABLE made ()\noption.sleep_ms = 1200\noption.table = made\n")});
    struct sg_run_result run = ended(sgrun(manifest, "deploy"), 1);

    T_CONTAINS(run.err, "a transaction that is idle for 1 s");
    T_CONTAINS(run.err, "idle_seconds");
    T_EQ_STR(ledger(&world.place), "");
    T_EQ_STR(lease_owner(&world.place), NULL);
}

SG_TEST(the_last_twenty_failures_are_kept)
{
    struct world world = world_new("clumsy");
    const char *manifest = manifest_new(&world.place, &(struct manifest){.steps = step("s01", "option.fail = for the last time\n")});

    ended(sgrun(manifest, "deploy"), 1);
    sg_sql_exec(world.place.sql, "INSERT INTO sgrun.attempts (step, result, message) SELECT s, 'failed', 'nr ' || n"
                                 " FROM generate_series(1, 30) n, unnest('{s01,s02}'::text[]) s");
    ended(sgrun(manifest, "deploy"), 1);
    T_EQ_STR(sg_sql_rows(world.place.sql, "SELECT step, count(*) FROM sgrun.attempts GROUP BY 1 ORDER BY 1"), "s01|20\ns02|30");
    T_CONTAINS(sg_sql_value(world.place.sql, "SELECT message FROM sgrun.attempts ORDER BY no DESC LIMIT 1"), "for the last time");
    T_EQ_STR(sg_sql_value(world.place.sql, "SELECT message FROM sgrun.attempts WHERE step = 's01' ORDER BY no LIMIT 1"), "nr 12");
}

static const struct sg_test tests[] = {
    SG_CASE(row_security_is_no_answer),
    SG_CASE(a_role_that_may_make_no_schema),
    SG_CASE(steps_run_as_another_role),
    SG_CASE(the_direct_way_leads_to_the_same_database),
    SG_CASE(defaults_of_the_role_change_nothing),
    SG_CASE(a_hostile_search_path_leads_nowhere),
    SG_CASE(strings_that_mean_something_else_are_refused),
    SG_CASE(server_options_are_refused),
    SG_CASE(a_trigger_that_logs_ddl_is_named_and_can_be_allowed),
    SG_CASE(one_locked_table_of_a_thousand),
    SG_CASE(another_tools_table_is_left_alone),
    SG_CASE(newer_state_tables_are_refused),
    SG_CASE(odd_names_of_schemas),
    SG_CASE(a_plugin_that_is_silent_for_too_long),
    SG_CASE(the_last_twenty_failures_are_kept),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"world", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
