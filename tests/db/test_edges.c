/*
 * Where things meet that are seldom together: a ladder longer than the lease, a gate that opens in the same run, passwords in
 * statements that fail, half a state schema, a pooler that knows no transactions, a role that may not see the state.
 */
#include "config.h"

#include "tests/db/deploys.h"
#include "tests/kit/pgbouncer.h"

#include <signal.h>
#include <string.h>

#define MAKES(id, table, lines) step(id, "option.table = " table "\noption.ddl1 = CREATE TABLE " table " (id int)\n" lines)

/* ---- the lease ---- */

/* The rungs are shorter than a third of the lease, the ladder is longer than all of it. */
SG_TEST(the_lease_lives_as_long_as_the_ladder)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.sgrun = "lease_seconds = 2",
                                   .policy = "idle_seconds = 1\nlock_rungs_ms = 300",
                                   .steps = step("s01", "option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = "
                                                        "'t'::regclass AND attname = 'a'\noption.ddl1 = ALTER TABLE t ADD COLUMN a int\n")});
    struct sg_run *first, *second;
    struct sg_run_result run;
    struct sg_sql *holder;
    const char *owner;

    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    first = sgrun_start(manifest, "deploy");
    sg_sql_await_queued(place.sql, "t", 10000);
    owner = lease_owner(&place);
    second = sgrun_start(manifest, "deploy", "--wait", "30");
    sg_run_await(second, "waiting for another runner", 20000);
    sg_test_sleep_ms(5000);
    T_EQ_STR(lease_owner(&place), owner);
    sg_sql_close(holder);
    run = ended(sg_run_wait(first, 20000), 0);
    T_CONTAINS(run.out, "s01");
    ended(sg_run_wait(second, 20000), 0);
    T_EQ_STR(sg_sql_value(place.sql, "SELECT runner FROM sgrun.schema_migrations"), owner);
}

/* ---- gates ---- */

SG_TEST(a_gate_opens_in_the_same_run)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.steps = sg_test_strf("%s%s", MAKES("s01", "a", ""), MAKES("s02", "b", "requires = migration:s01\n"))});

    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied\ns02|applied");
}

/* s03 requires what is recorded as superseded together with s02. */
SG_TEST(a_gate_opens_for_what_is_superseded)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.steps = sg_test_strf("%s%s%s", step("s01", "superseded_by = s02\n"), MAKES("s02", "b", ""),
                                                         MAKES("s03", "c", "requires = migration:s01\n"))});

    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|superseded\ns02|applied\ns03|applied");
}

/* ---- a schema that is not there ---- */

/* The server would make temporary tables. */
SG_TEST(nothing_is_made_where_the_schema_is_missing)
{
    struct place place = place_new(NULL, false, 0);
    struct manifest what = {.database = "schema = app", .steps = MAKES("s01", "a", "")};
    struct sg_run_result run = ended(sgrun(manifest_new(&place, &what), "deploy"), 1);
    const char *role = sg_test_strf("shut_out_%s", place.db);

    T_CONTAINS(run.err, "schema \"app\" does not exist");
    T_EQ_STR(ledger(&place), "");
    /* or not to be used, by the role that the steps run as */
    sg_sql_execf(place.sql, "CREATE SCHEMA app; CREATE ROLE %s", role);
    what.database = sg_test_strf("schema = app\nrole = %s", role);
    run = ended(sgrun(manifest_new(&place, &what), "deploy"), 1);
    T_CONTAINS(run.err, "may not use it");
    T_EQ_STR(ledger(&place), "");
    sg_sql_execf(place.sql, "DROP SCHEMA app; DROP ROLE %s", role);
    /* a migration may make it, and names in full need none */
    what.database = "schema = app";
    what.steps = sg_test_strf("%s%s", step("s01", "option.table = other.a\noption.ddl1 = CREATE SCHEMA other\n"
                                                  "option.ddl2 = CREATE TABLE other.a (id int)\n"),
                              step("s02", "option.table = b\noption.ddl1 = CREATE SCHEMA app\noption.ddl2 = CREATE TABLE b (id int)\n"));
    ended(sgrun(manifest_new(&place, &what), "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied\ns02|applied");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT to_regclass('app.b')"), "app.b");
    /* and if it goes away again, so does all */
    what.steps = step("s03", "option.table = c\noption.ddl1 = CREATE TABLE c (id int)\noption.ddl2 = ALTER SCHEMA app RENAME TO gone\n"
                             "option.ddl3 = CREATE TABLE c (id int)\n");
    run = ended(sgrun(manifest_new(&place, &what), "deploy"), 1);
    T_CONTAINS(run.err, "schema \"app\" does not exist");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT to_regclass('app.b')"), "app.b");
}

/* ---- a slow plugin ---- */

SG_TEST(a_plugin_that_thinks_longer_than_a_transaction_may_idle)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.policy = "idle_seconds = 1", .steps = MAKES("s01", "a", "option.sleep_ms = 1800\n")});
    struct sg_run_result run = ended(sgrun(manifest, "deploy"), 1);

    T_CONTAINS(run.err, "idle_seconds");
    T_CONTAINS(run.out, "FAILED");
    T_LT_INT(run.ms, 15000);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.attempts WHERE result = 'retried'"), 0);
}

/* ---- the ladder ---- */

SG_TEST(rungs_that_never_displace_autovacuum_are_said)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 200, 900", .steps = MAKES("s01", "a", "")});
    struct sg_run_result run = ended(sgrun(manifest, "deploy"), 0);

    T_CONTAINS(run.err, "deadlock_timeout (1000 ms)");
    manifest = manifest_new(&place, &(struct manifest){.steps = sg_test_strf("%s%s", MAKES("s01", "a", ""), MAKES("s02", "b", ""))});
    run = ended(sgrun(manifest, "deploy"), 0);
    T_LACKS(run.err, "deadlock_timeout");
}

/* ---- what SQL of a plugin may undo ---- */

SG_TEST(a_commit_is_on_disk_whatever_a_function_set)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.steps = sg_test_strf("%s%s", MAKES("s01", "a", ""),
                                                         MAKES("s02", "b", "option.read1 = SELECT sly()\n"))});

    sg_sql_exec(place.sql, "CREATE FUNCTION sly() RETURNS text LANGUAGE sql AS $$ SELECT set_config('synchronous_commit', 'off', true) $$");
    ended(sgrun(manifest, "migrate", "--to", "s01"), 0);
    /* fires when the lease is renewed, which is the last thing before COMMIT */
    sg_sql_exec(place.sql, "CREATE TABLE seen (app text, value text);"
                           "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES "
                           "(current_setting('application_name'), current_setting('synchronous_commit')); RETURN NULL; END $$;"
                           "CREATE TRIGGER t AFTER UPDATE ON sgrun.lease FOR EACH STATEMENT EXECUTE FUNCTION see()");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT value FROM seen WHERE app = 'sgrun:s02'"), "on");
}

/* What event triggers write to trigger_tables passes, and the journal says so. */
SG_TEST(what_is_exempt_is_noted)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.policy = "trigger_tables = ddl_log",
                                   .steps = step("s01", "option.table = a\noption.ddl1 = CREATE TABLE a (id int)\n"
                                                        "option.ddl2 = ALTER TABLE a ADD COLUMN b int\n")});

    sg_sql_exec(place.sql, "CREATE TABLE ddl_log (at timestamptz);"
                           "CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
                           "INSERT INTO public.ddl_log VALUES (now()); END $$;"
                           "CREATE EVENT TRIGGER log_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION log_ddl()");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(sg_sql_rows(place.sql, "SELECT kind, sql FROM sgrun.journal WHERE step = 's01' AND kind = 'exempt'"), "exempt|public.ddl_log");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.journal"), 3);
}

/* ---- secrets ---- */

#define SECRET "hunter2"

SG_TEST(a_failed_statement_shows_no_password)
{
    static const char *const statements[] = {
        "ALTER ROLE nobody_here PASSWORD '" SECRET "'",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (user 'u', password '" SECRET "')",
        "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere password=" SECRET "' PUBLICATION p WITH (connect = false, slot_name = 'x y')",
        "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere " SECRET "' PUBLICATION p WITH (connect = false)",
    };

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        struct place place = place_new(NULL, false, 0);
        const char *manifest = manifest_new(
            &place, &(struct manifest){.steps = step("s01", sg_test_strf("option.table = t\noption.ddl1 = %s\n", statements[i]))});
        struct sg_run_result run = sgrun(manifest, "deploy");

        T_NE_INT(run.exit, 0);
        T_CONTAINS(run.err, "***");
        T_LACKS(run.err, SECRET);
        T_LACKS(run.out, SECRET);
        run = sgrun(manifest, "deploy", "--json", "--log-format", "json");
        T_NE_INT(run.exit, 0);
        T_LACKS(run.err, SECRET);
        T_LACKS(run.out, SECRET);
        run = ended(sgrun(manifest, "status", "--json"), 0);
        T_LACKS(run.out, SECRET);
        T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.attempts WHERE statement IS NOT NULL"), 2);
        T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.attempts a WHERE a::text LIKE '%" SECRET "%'"), 0);
    }
}

/* ---- half a state schema ---- */

static struct sg_run_result soon(const char *manifest, const char *command)
{
    return sg_run(&(struct sg_run_opts){
        .argv = (const char *const[]){sg_test_built("sgrun"), "--manifest", manifest, command, NULL}, .timeout_ms = 10000});
}

SG_TEST(half_a_state_schema_is_said)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = MAKES("s01", "a", "")});
    struct sg_run_result run;

    ended(sgrun(manifest, "deploy"), 0);
    sg_sql_exec(place.sql, "DROP TABLE sgrun.schema_migrations");
    run = ended(soon(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "schema_migrations");
    ended(soon(manifest, "status"), 2);
}

SG_TEST(a_meta_of_another_program_is_said)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.sgrun = "state_schema = app", .steps = MAKES("s01", "a", "")});
    struct sg_run_result run;

    sg_sql_exec(place.sql, "CREATE SCHEMA app; CREATE TABLE app.meta (version int, x int); INSERT INTO app.meta VALUES (1)");
    run = ended(soon(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "state_schema");
    sg_sql_exec(place.sql, "CREATE TABLE app.schema_migrations (version text)");
    run = ended(soon(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "another tool");
    sg_sql_exec(place.sql, "ALTER TABLE app.meta RENAME version TO v");
    run = ended(soon(manifest, "deploy"), 2);
    T_CONTAINS(run.err, "another tool");
}

/* ---- nothing is touched by looking ---- */

SG_TEST(looking_at_a_fresh_database_changes_nothing)
{
    struct place place = place_new(NULL, false, 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = MAKES("s01", "a", "")});
    const char *catalogue = "SELECT (SELECT count(*) FROM pg_class) || '.' || (SELECT count(*) FROM pg_namespace WHERE nspname !~ "
                            "'^pg_(toast_)?temp') || '.' || (SELECT count(*) FROM pg_proc)";
    const char *before = sg_sql_value(place.sql, catalogue);
    struct sg_run_result run;

    run = ended(sgrun(manifest, "plan"), 0);
    T_CONTAINS(run.out, "RUN");
    run = ended(sgrun(manifest, "deploy", "--dry-run"), 0);
    run = ended(sgrun(manifest, "status"), 0);
    run = ended(sgrun(manifest, "status", "--exit-code"), 3);
    run = ended(sgrun(manifest, "status", "--json"), 0);
    T_CONTAINS(run.out, "\"lease\": null");
    run = ended(sgrun(manifest, "verify"), 0);
    T_EQ_STR(sg_sql_value(place.sql, catalogue), before);
}

/* ---- poolers ---- */

static struct place before_bouncer(const char *conf, int pool_size)
{
    struct place place = place_new(NULL, false, 0);
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
        .dir = sg_server_dir(place.server), .port = sg_server_port(place.server), .conf = conf, .pool_size = pool_size});

    place.dsn = sg_pgbouncer_conninfo(bouncer, place.db, NULL);
    return place;
}

SG_TEST(statement_pooling_is_refused_at_once)
{
    struct place place = before_bouncer("pool_mode = statement", 0);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = MAKES("s01", "a", "")});
    struct sg_run_result run = ended(sgrun(manifest, "deploy"), 5);

    T_LT_INT(run.ms, 15000);
    T_CONTAINS(run.err, "pool_mode");
    T_EQ_STR(ledger(&place), "");
}

SG_TEST(session_pooling_works)
{
    struct place place = before_bouncer("pool_mode = session", 1);
    const char *manifest = manifest_new(&place, &(struct manifest){.policy = "lock_rungs_ms = 300, 1500\nidle_seconds = 2",
                                                                   .steps = MAKES("s01", "a", "option.ddl2 = DROP TABLE t\n")});
    struct sg_sql *holder;
    struct sg_run *run;

    /* the second connection, which would say who blocks, is never served */
    sg_sql_exec(place.sql, "CREATE TABLE t ()");
    holder = sg_sql_hold(place.direct, "SELECT * FROM t");
    run = sgrun_start(manifest, "deploy");
    sg_run_await(run, "letting others through", 10000);
    sg_sql_close(holder);
    ended(sg_run_wait(run, 10000), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
}

/* ---- a role ---- */

/* Behind a pooler that shares its one backend: what another client left there is not ours. */
SG_TEST(another_clients_temporary_table_is_no_table)
{
    struct place place = before_bouncer("", 1);
    const char *manifest = manifest_new(&place, &(struct manifest){.steps = MAKES("s01", "a", "")});
    struct sg_sql *other = sg_sql_open(place.dsn);

    sg_sql_exec(other, "CREATE TEMPORARY TABLE a (left_behind int)");
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM pg_class WHERE relname = 'a' AND relpersistence = 'p'"), 1);
}

SG_TEST(a_role_that_may_not_see_the_state)
{
    struct place place = place_new(NULL, false, 0);
    const char *owner = sg_test_strf("owner_%s", place.db);
    const char *manifest = manifest_new(
        &place, &(struct manifest){.database = sg_test_strf("role = %s\nschema = app", owner),
                                   .steps = step("s01", "option.table = a\noption.read1 = SELECT current_user\n"
                                                        "option.ddl1 = CREATE TABLE a (id int)\n"
                                                        "option.ddl2 = CREATE TABLE a (id int)\n"
                                                        "option.ddl3 = ALTER TABLE a ADD COLUMN b int\n")});

    sg_sql_execf(place.sql, "CREATE ROLE %s; CREATE SCHEMA app AUTHORIZATION %s", owner, owner);
    ended(sgrun(manifest, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied");
    T_EQ_STR(sg_sql_value(place.sql, "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'app'::regnamespace"),
             owner);
    T_EQ_INT(sg_sql_int(place.sql, "SELECT count(*) FROM sgrun.journal"), 3);
    sg_sql_execf(place.sql, "DROP OWNED BY %s; DROP ROLE %s", owner, owner);
}

/* ---- status ---- */

SG_TEST(a_superseded_step_that_failed_once_is_not_failed)
{
    struct place place = place_new(NULL, false, 0);
    const char *bad = manifest_new(&place, &(struct manifest){.steps = step("s01", "option.fail = no\n")});
    const char *good = manifest_new(
        &place, &(struct manifest){.steps = sg_test_strf("%s%s", step("s01", "superseded_by = s02\n"), MAKES("s02", "b", ""))});
    struct sg_run_result run;

    ended(sgrun(bad, "deploy"), 1);
    run = ended(sgrun(good, "status", "--json"), 0);
    T_CONTAINS(run.out, "\"failed\": 0");
    ended(sgrun(good, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|superseded\ns02|applied");
}

/* It was applied, then a later one undid it: that is no drift. */
SG_TEST(an_applied_step_that_was_superseded_later_is_no_drift)
{
    struct place place = place_new(NULL, false, 0);
    const char *before = manifest_new(&place, &(struct manifest){.steps = MAKES("s01", "a", "")});
    const char *after = manifest_new(
        &place, &(struct manifest){.steps = sg_test_strf("%s%s", MAKES("s01", "a", "superseded_by = s02\n"),
                                                         step("s02", "option.fingerprint = SELECT 1 WHERE to_regclass('a') IS NULL\n"
                                                                     "option.ddl1 = DROP TABLE a\n"))});

    ended(sgrun(before, "deploy"), 0);
    ended(sgrun(after, "verify"), 0);
    ended(sgrun(after, "deploy"), 0);
    T_EQ_STR(ledger(&place), "s01|applied\ns02|applied");
    ended(sgrun(after, "verify"), 0);
    sg_sql_exec(place.sql, "CREATE TABLE a ()");
    ended(sgrun(after, "verify"), 8);
}

static const struct sg_test tests[] = {
    SG_CASE(the_lease_lives_as_long_as_the_ladder),
    SG_CASE(a_gate_opens_in_the_same_run),
    SG_CASE(a_gate_opens_for_what_is_superseded),
    SG_CASE(nothing_is_made_where_the_schema_is_missing),
    SG_CASE(a_plugin_that_thinks_longer_than_a_transaction_may_idle),
    SG_CASE(rungs_that_never_displace_autovacuum_are_said),
    SG_CASE(a_commit_is_on_disk_whatever_a_function_set),
    SG_CASE(what_is_exempt_is_noted),
    SG_CASE(a_failed_statement_shows_no_password),
    SG_CASE(half_a_state_schema_is_said),
    SG_CASE(a_meta_of_another_program_is_said),
    SG_CASE(looking_at_a_fresh_database_changes_nothing),
    SG_CASE(statement_pooling_is_refused_at_once),
    SG_CASE(session_pooling_works),
    SG_CASE(another_clients_temporary_table_is_no_table),
                                     SG_CASE(a_role_that_may_not_see_the_state),
    SG_CASE(a_superseded_step_that_failed_once_is_not_failed),
    SG_CASE(an_applied_step_that_was_superseded_later_is_no_drift),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"edges", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
