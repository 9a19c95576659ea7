/*
 * Where a backfill works: partitioned tables, another schema and role, names that need quotes, a pooler with hardly a connection, a
 * server that only reads for a while. And what is asked of it afterwards: another sweep.
 */
#include "config.h"

#include "tests/db/fills.h"
#include "tests/kit/pgbouncer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

SG_TEST(partitions)
{
    struct project *project = fill_new(1);

    sg_sql_exec(
        project->sql,
        "DROP TABLE items; CREATE TABLE items (id bigint, n int NOT NULL DEFAULT 0, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
        " CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (300);"
        " CREATE TABLE items_2 PARTITION OF items FOR VALUES FROM (300) TO (600) PARTITION BY HASH (id);"
        " CREATE TABLE items_2a PARTITION OF items_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        " CREATE TABLE items_2b PARTITION OF items_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        " CREATE TABLE items_rest PARTITION OF items DEFAULT;"
        " INSERT INTO items SELECT i FROM generate_series(1, 1000) i; ANALYZE items");
    fill_write(project, "b01", "batch_size = 37\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--jobs", "2", "--strict");
    fill_complete(project, "b01", 1000);
}

/* A partition that is locked is no locked row: nothing is deferred. */
SG_TEST(a_locked_partition)
{
    struct project *project = fill_new(1);
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(
        project->sql,
        "DROP TABLE items; CREATE TABLE items (id bigint, n int NOT NULL DEFAULT 0, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
        " CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (300);"
        " CREATE TABLE items_2 PARTITION OF items FOR VALUES FROM (300) TO (2000);"
        " INSERT INTO items SELECT i FROM generate_series(1, 1000) i; ANALYZE items");
    holder = sg_sql_hold(project->conninfo, "LOCK TABLE items_2 IN SHARE MODE");
    fill_write(project, "b01", "batch_size = 50\n" FILL_ONE);
    run = fill_start_all(project);
    for (int i = 0; i < 3; i++) { /* it comes to the partition, and comes again */
        sg_sql_await_queued(project->sql, "items_2", 20000);
        sg_test_sleep_ms(500);
    }
    sg_run_goes_on(run);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfill_ranges WHERE deferred"), 0);
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 1000);
}

/* Nor is a table that a trigger writes to. */
SG_TEST(a_locked_table_of_also_writes)
{
    struct project *project = fill_new(1000);
    struct sg_sql *holder;
    struct sg_run *run;

    sg_sql_exec(project->sql, "CREATE TABLE audit (id bigint); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                              " $$ BEGIN INSERT INTO audit VALUES (new.id); RETURN new; END $$;"
                              " CREATE TRIGGER note AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION note()");
    holder = sg_sql_hold(project->conninfo, "LOCK TABLE audit IN SHARE MODE");
    fill_write(project, "b01", "batch_size = 50\nalso_writes = audit\n" FILL_ONE);
    run = fill_start_all(project);
    for (int i = 0; i < 3; i++) {
        sg_sql_await_queued(project->sql, "audit", 20000);
        sg_test_sleep_ms(500);
    }
    sg_run_goes_on(run);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT * FROM sgrun.backfill_ranges WHERE deferred"), "");
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 1000);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM audit"), 1000);
}

/* The role that owns the table is not the one that logs in, which inherits nothing: it sees our tables alone, the other its own
 * alone. */
SG_TEST(a_role_and_a_schema)
{
    struct project *project = fill_new(1);

    sg_sql_execf(project->sql,
                 "DROP TABLE items; CREATE ROLE fills_owner; CREATE ROLE fills_login LOGIN NOINHERIT IN ROLE fills_owner;"
                 " GRANT CREATE ON DATABASE %s TO fills_login; CREATE SCHEMA \"TheApp\" AUTHORIZATION fills_owner;"
                 " SET ROLE fills_owner; CREATE TABLE \"TheApp\".items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                 " INSERT INTO \"TheApp\".items SELECT i FROM generate_series(1, 1000) i; RESET ROLE",
                 project->db);
    project->dsn = sg_server_url(project->server, project->db, "fills_login");
    project->sgrun = "state_schema = Ops\n";
    project->database = "schema = TheApp\nrole = fills_owner\n";
    fill_write(project, "b01", "batch_size = 100\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--jobs", "2", "--strict");
    sg_sql_exec(project->sql, "SET search_path = \"TheApp\"");
    T_EQ_STR(fill_counts(project), "1|1000");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT state FROM \"Ops\".backfills"), "complete");
    (void)project_must(project, 0, "backfill", "--again", "b01");
    (void)project_must(project, 0, "backfill", "--jobs", "2", "--strict");
    T_EQ_STR(fill_counts(project), "2|1000");
    sg_sql_exec(project->sql, "DROP OWNED BY fills_login, fills_owner; DROP ROLE fills_login, fills_owner");
}

/* A run that is cut short, and the next one over another key: its positions would say of rows that they are done. */
SG_TEST(positions_of_another_key)
{
    struct project *project = fill_new(400);
    struct sg_run_result result;
    struct sg_run *run;

    sg_sql_exec(
        project->sql,
        "ALTER TABLE items ADD other bigint; UPDATE items SET other = 401 - id; ALTER TABLE items ALTER other SET NOT NULL");
    fill_write(project, "b01", "batch_size = 20\noption.sleep_ms = 300\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 20);
    sg_run_signal(run, SIGTERM);
    (void)fill_ends(run, 128 + SIGTERM);
    T_TRUE(fill_done(project, "b01") >= 20 && fill_done(project, "b01") < 400);
    sg_sql_exec(project->sql,
                "ALTER TABLE items RENAME id TO first; ALTER TABLE items RENAME other TO id; CREATE UNIQUE INDEX ON items (id)");
    /* Under the same names nobody can tell. Under others: */
    sg_sql_exec(project->sql, "ALTER TABLE items ALTER id TYPE text USING lpad(id::text, 9, '0')");
    result = project_must(project, 6, "backfill", "--strict");
    T_CONTAINS(result.out, "this backfill was begun over public.items (id integer), and is now over public.items (id text");
    T_EQ_STR(fill_state(project, "b01"), "pending");
    /* An integer that got wider is the same key. */
    sg_sql_exec(project->sql,
                "ALTER TABLE items RENAME id TO other; ALTER TABLE items RENAME first TO id; ALTER TABLE items ALTER id TYPE int");
    fill_write(project, "b01", "batch_size = 20\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 400);
}

/* Two lanes, a supervisor, and one server connection for all of them. */
SG_TEST(a_pool_of_one)
{
    struct project *project = fill_new(2000);
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
        .dir = sg_server_dir(project->server), .port = sg_server_port(project->server), .pool_size = 1, .query_wait_timeout = 5});

    project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
    fill_write(project, "b01", "batch_size = 50\n" FILL_ONE);
    (void)project_must(project, 0, "backfill", "--jobs", "2", "--strict");
    fill_complete(project, "b01", 2000);
}

/* The same while rows are locked: nobody can be asked who holds them, and it goes on all the same. */
SG_TEST(a_pool_of_one_and_a_locked_row)
{
    struct project *project = fill_new(500);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "SELECT 1 FROM items WHERE id = 77 FOR UPDATE");
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
        .dir = sg_server_dir(project->server), .port = sg_server_port(project->server), .pool_size = 1, .query_wait_timeout = 5});
    struct sg_run *run;

    project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
    fill_write(project, "b01", "batch_size = 50\n" FILL_ONE);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 499);
    sg_sql_close(holder);
    (void)fill_ends(run, 0);
    fill_complete(project, "b01", 500);
}

/* For a while the server is a standby: that is waited out, not taken for a failure of the backfill. */
SG_TEST(a_standby_for_a_while)
{
    struct sg_server *server = sg_server_start(NULL);
    struct project *project = project_new(server, NULL);
    struct sg_run *run;

    sg_sql_exec(project->sql, "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                              " INSERT INTO items SELECT i FROM generate_series(1, 3000) i");
    project->policy = "retry_base_ms = 50\nretry_cap_ms = 300\nretry_seconds = 60\nmax_retries = 1000\n";
    fill_write(project, "b01", "batch_size = 20\noption.sleep_ms = 10\n" FILL_ONE);
    run = fill_start(project, "--jobs", "2");
    fill_await(project, run, "b01", 200);
    sg_server_be_standby(server, true);
    sg_test_sleep_ms(1000);
    sg_run_goes_on(run);
    sg_server_be_standby(server, false);
    (void)fill_ends(run, 0);
    project->sql = sg_sql_open(project->conninfo);
    fill_complete(project, "b01", 3000);
}

SG_TEST(again)
{
    struct project *project = fill_new(700);

    fill_write(project, "b01", "batch_size = 100\n" FILL_ONE);
    (void)project_must(project, 2, "backfill", "--again", "b01");
    (void)project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 700);
    (void)project_must(project, 0, "backfill", "--again", "b01");
    T_EQ_STR(fill_counts(project), "1|700");
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), "2|700");
    T_EQ_STR(fill_state(project, "b01"), "complete");
    T_EQ_INT(fill_done(project, "b01"), 700);
    (void)project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), "2|700");
}

/* Rows that are deleted, ranges that become empty, while it is at it. */
SG_TEST(deletes_during_the_sweep)
{
    struct project *project = fill_new(3000);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "DELETE FROM items WHERE id BETWEEN 1000 AND 1010");
    struct sg_run *run;

    fill_write(project, "b01", "batch_size = 50\noption.sleep_ms = 10\n" FILL_ONE);
    run = fill_start(project, "--jobs", "2");
    fill_await(project, run, "b01", 100);
    sg_sql_exec(project->sql, "DELETE FROM items WHERE id > 2000 AND n = 0");
    sg_test_sleep_ms(300);
    sg_sql_exec(holder, "COMMIT");
    (void)fill_ends(run, 0);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT DISTINCT n FROM items"), "1");
    T_EQ_STR(fill_state(project, "b01"), "complete");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT * FROM sgrun.backfill_ranges"), "");
}

static const struct sg_test tests[] = {SG_CASE(partitions),
                                       SG_CASE(a_locked_partition),
                                       SG_CASE(a_locked_table_of_also_writes),
                                       SG_CASE(a_role_and_a_schema), SG_CASE(positions_of_another_key),
                                       SG_CASE(a_pool_of_one),
                                       SG_CASE(a_pool_of_one_and_a_locked_row),
                                       SG_CASE(a_standby_for_a_while),
                                       SG_CASE(again),
                                       SG_CASE(deletes_during_the_sweep),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"backfill_places", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
