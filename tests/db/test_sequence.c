/*
 * The whole sequence: migrations, indexes, backfills, in the order in which each becomes possible, in one run; gates between all
 * three kinds; and backfills that an index finds undone.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* items: ids 1 to 100, two of each code; n is what backfills count up. */
#define ITEMS \
    "CREATE TABLE items (id int PRIMARY KEY, code int, n int NOT NULL DEFAULT 0, at timestamptz DEFAULT now());" \
    "INSERT INTO items SELECT g, g % 50 FROM generate_series(1, 100) g;" \
    "CREATE TABLE others (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO others SELECT g FROM generate_series(1, 100) g;"

/* A drain that deletes all but one of each code; b02 (SG_REPEATABLE) and b01 do it in ranges. */
#define DOUBLES "SELECT 1 FROM items a JOIN items b USING (code) WHERE a.id > b.id"
#define DEDUPE_DRAIN \
    "also_writes = items\noption.batch = DELETE FROM items WHERE id IN (SELECT a.id FROM items a JOIN items b USING (code)\n" \
    "  WHERE a.id > b.id LIMIT $1::int)\noption.left = " DOUBLES "\n"
#define DEDUPE_RANGE \
    "option.batch = DELETE FROM items a USING items b WHERE a.id BETWEEN $1 AND $2 AND a.code = b.code AND a.id > b.id\n" \
    "option.left = " DOUBLES "\n"

static struct project *project_here(struct sg_server *server)
{
    struct project *project = project_new(server, NULL);

    project->policy = "retry_base_ms = 20\nretry_cap_ms = 200\n[backfills]\npass_pause_seconds = 0\n";
    sg_sql_exec(project->sql, ITEMS);
    return project;
}

static const char *makes(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.table = made_by_%s\noption.ddl1 = CREATE TABLE made_by_%s ()\n%s", id, id,
                        id, id, more);
}

/* A constraint that takes an index over: it bears the constraint's name then. */
static const char *constrains(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.fingerprint = SELECT 1 FROM pg_constraint WHERE conname = 'items_code'\n"
                        "option.ddl1 = ALTER TABLE items ADD CONSTRAINT items_code UNIQUE USING INDEX uq_code\nrequires = index:uq_code\n%s",
                        id, id, more);
}

static const char *dedupes(const char *id, const char *how, const char *more)
{
    return sg_test_strf("[backfill %s]\nplugin = %s\n%s%s", id, id, how, more);
}

static const char *fills(const char *id, const char *more)
{
    return sg_test_strf("[backfill %s]\nplugin = %s\noption.batch = UPDATE others SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                        "option.left = SELECT 1 FROM others WHERE n = 0\n%s", id, id, more);
}

static const char *unique_code(const char *more)
{
    return sg_test_strf("[index uq_code]\ntable = items\ncolumns = code\nunique = yes\n%s", more);
}

static const char *index_on(const char *name, const char *table, const char *columns, const char *more)
{
    return sg_test_strf("[index %s]\ntable = %s\ncolumns = %s\n%s", name, table, columns, more);
}

static const char *said_of(const struct sg_run_result *run, const char *kind, const char *key, const char *what)
{
    struct sg_json *list = sg_json_get(project_json(run), kind);
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(list); i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", project_text(sg_json_at(list, i), key),
                            project_text(sg_json_at(list, i), what));
    return text;
}

static const char *outcomes(const struct sg_run_result *run)
{
    return said_of(run, "migrations", "id", "outcome");
}

static const char *ends(const struct sg_run_result *run)
{
    return said_of(run, "indexes", "name", "end");
}

static const char *fill_ends(const struct sg_run_result *run)
{
    return said_of(run, "backfills", "key", "end");
}

static struct sg_json *index_item(const struct sg_run_result *run, const char *name)
{
    struct sg_json *indexes = sg_json_get(project_json(run), "indexes");

    for (size_t i = 0; i < sg_json_count(indexes); i++)
        if (strcmp(project_text(sg_json_at(indexes, i), "name"), name) == 0)
            return sg_json_at(indexes, i);
    T_FATAL("nothing is said of %s:\n%s", name, run->out);
}

static const char *hint(const struct sg_run_result *run, const char *name)
{
    return project_text(sg_json_get(index_item(run, name), "error"), "hint");
}

static const char *invalid(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready)");
}

/* How often the lease was taken: migrations were run in so many rounds. */
static int leases(struct project *project)
{
    return (int)sg_sql_int(project->sql, "SELECT fence FROM sgrun.lease");
}

/* ---- the chain ---------------------------------------------------------------------- */

static const char *chain(void)
{
    return sg_test_strf("%s%s%s%s%s%s", makes("s01", ""), dedupes("d01", DEDUPE_DRAIN, "migration = s01\n"),
                        unique_code("requires = backfill:d01\n"), constrains("s02", ""), makes("s03", ""), fills("b07", "migration = s02\n"));
}

static void whole_chain(struct project *project)
{
    struct sg_run_result run;
    const char *rows;

    project_write(project, chain());
    run = project_must(project, 0, "deploy", "--strict", "--json");
    T_EQ_STR(outcomes(&run), "s01 applied, s02 applied, s03 applied");
    T_EQ_STR(ends(&run), "uq_code built");
    T_EQ_STR(fill_ends(&run), "d01 complete, b07 complete");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT count(*), count(DISTINCT code) FROM items"), "50|50");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM others GROUP BY n"), "1|100");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT conname, conindid::regclass FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype = 'u'"),
             "items_code|items_code");
    T_EQ_STR(invalid(project), "");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT name, state FROM sgrun.indexes"), "uq_code|valid");
    T_EQ_INT(leases(project), 2); /* what is done in two turns is not done in three */
    T_EQ_STR(project_lease(project), "");
    /* the index bears the constraint's name now: it is there all the same, and nothing is done */
    rows = project_rows(project);
    run = project_must(project, 0, "deploy", "--strict", "--json");
    T_EQ_STR(ends(&run), "uq_code already");
    T_CONTAINS(run.out, "items_code");
    T_EQ_INT(leases(project), 2);
    T_EQ_STR(project_rows(project), rows);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT count(*) FROM pg_index WHERE indrelid = 'items'::regclass"), "2");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT name, state FROM sgrun.indexes"), "uq_code|valid");
}

SG_TEST(the_whole_chain_in_one_run)
{
    whole_chain(project_here(NULL));
}

SG_TEST(the_whole_chain_through_a_pooler)
{
    for (int direct = 0; direct < 2; direct++) {
        struct project *project = project_here(NULL);
        struct sg_pgbouncer *bouncer = sg_pgbouncer_start(
            &(struct sg_pgbouncer_opts){.dir = sg_server_dir(project->server), .port = sg_server_port(project->server)});

        if (direct) {
            project_set(project, "SGTEST_DIRECT", project->dsn);
            project->database = "direct_dsn = ${SGTEST_DIRECT}\n";
        }
        project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
        whole_chain(project);
    }
}

/* Two runs at once: each step once, each of them ends well. */
static void two_at_once(bool pooled)
{
    for (int turn = 0; turn < (sg_test_full() ? 30 : 3); turn++) {
        struct project *project = project_here(NULL);
        struct sg_pgbouncer *bouncer = NULL;
        struct sg_run *runs[2];

        if (pooled) {
            bouncer = sg_pgbouncer_start(
                &(struct sg_pgbouncer_opts){.dir = sg_server_dir(project->server), .port = sg_server_port(project->server)});
            project->dsn = sg_pgbouncer_url(bouncer, project->db, NULL);
        }
        project->sgrun = "wait_seconds = 30";
        project_write(project, sg_test_strf("%s%s%s", chain(), index_on("i1", "items", "n", ""), index_on("i2", "others", "n", "")));
        for (int i = 0; i < 2; i++)
            runs[i] = project_start_args(project, (const char *const[]){"deploy", "--strict", "--jobs", "2", NULL});
        for (int i = 0; i < 2; i++) {
            struct sg_run_result run = sg_run_wait(runs[i], 60000);

            sg_test_check(SG_HERE_, false, run.exit == 0, "exit %d:\n%s%s", run.exit, run.out, run.err);
        }
        T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
        T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM others GROUP BY n"), "1|100");
        T_EQ_STR(invalid(project), "");
        T_EQ_STR(sg_sql_rows(project->sql, "SELECT name, state FROM sgrun.indexes ORDER BY name"), "i1|valid\ni2|valid\nuq_code|valid");
        if (bouncer != NULL)
            sg_pgbouncer_stop(bouncer);
    }
}

SG_TEST(two_deploys_at_once)
{
    two_at_once(false);
}

SG_TEST(two_deploys_at_once_pooled)
{
    two_at_once(true);
}

/* A migration that requires an index alone goes on before any backfill; one that fails is the end of all. */
SG_TEST(a_migration_behind_an_index_goes_first)
{
    struct project *project = project_here(NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "DELETE FROM items WHERE id > 50");
    project_write(project, sg_test_strf("%s%s[migration s03]\nplugin = s03\noption.ddl1 = CREATE TABLE nowhere.x ()\n"
                                        "option.fingerprint = SELECT 1 WHERE false\n%s",
                                        constrains("s02", ""), unique_code(""), fills("b07", "")));
    run = project_must(project, 1, "deploy", "--json");
    T_EQ_STR(outcomes(&run), "s02 applied, s03 failed");
    T_EQ_STR(project_ledger(project), "s02|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM others GROUP BY n"), "0|100");
}

SG_TEST(none_after_a_failed_migration)
{
    struct project *project = project_here(NULL);

    project_write(project, sg_test_strf("[migration s02]\nplugin = s02\noption.ddl1 = CREATE TABLE nowhere.x ()\n"
                                        "option.fingerprint = SELECT 1 WHERE false\n%s%s",
                                        index_on("i1", "items", "n", ""), fills("b07", "")));
    (void)project_must(project, 1, "deploy");
    T_NULL(sg_sql_value(project->sql, "SELECT to_regclass('i1')"));
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.indexes"), 0);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.backfills"), 0);
}

/* An index that waits for a backfill is built as soon as that is complete, before others of its kind; and all of it costs few rounds. */
SG_TEST(an_index_goes_before_other_backfills)
{
    struct project *project = project_here(NULL);

    sg_sql_exec(project->sql,
                "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF to_regclass('uq_code') IS NULL THEN"
                " RAISE EXCEPTION 'the index is not there yet'; END IF; RETURN NEW; END $$;"
                "CREATE TRIGGER late BEFORE UPDATE ON others FOR EACH ROW EXECUTE FUNCTION late()");
    project_write(project, sg_test_strf("%s%s%s", dedupes("d01", DEDUPE_DRAIN, "priority = HIGH\n"), unique_code("requires = backfill:d01\n"),
                                        fills("b07", "")));
    (void)project_must(project, 0, "deploy", "--strict");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM others GROUP BY n"), "1|100");
}

/* Another runner opens an index's gate while a backfill runs here: the index is built, and the other backfills are not forgotten. */
SG_TEST(a_gate_that_others_open)
{
    struct project *project = project_here(NULL);
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "LOCK TABLE others IN SHARE MODE"); /* b07 runs until we let it */
    struct sg_run *run;

    project_write(project, sg_test_strf("%s%s%s%s", fills("b07", "priority = HIGH\n"), unique_code("requires = backfill:d01\n"),
                                        dedupes("d01", DEDUPE_DRAIN, "priority = LOW\n"),
                                        "[backfill b01]\nplugin = b01\noption.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                                        "option.left = SELECT 1 FROM items WHERE n = 0\n"));
    run = project_start_args(project, (const char *const[]){"deploy", "--strict", NULL});
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sgrun:b07'", "1", 20000);
    sg_sql_exec(project->sql, "DELETE FROM items WHERE id > 50;"
                              "INSERT INTO sgrun.backfills (key, state, started_at, finished_at) VALUES ('d01', 'complete', now(), now())");
    sg_sql_close(holder);
    T_EQ_INT(sg_run_wait(run, 30000).exit, 0);
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT key, state FROM sgrun.backfills ORDER BY key"), "b01|complete\nb07|complete\nd01|complete");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT n, count(*) FROM items GROUP BY n"), "1|50");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT name, state FROM sgrun.indexes"), "uq_code|valid");
}

/* A backfill requires an index, an index a migration, a migration a backfill. */
SG_TEST(all_kinds_of_gates)
{
    struct project *project = project_here(NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s%s%s", fills("b07", "requires = index:i1\n"), index_on("i1", "others", "n", "migration = s01\n"),
                                        makes("s01", ""), makes("s02", "requires = backfill:b07\n"),
                                        index_on("i2", "made_by_s02", "(1)", "requires = migration:s02 index:i1\n")));
    run = project_must(project, 0, "deploy", "--strict", "--json");
    T_EQ_STR(outcomes(&run), "s01 applied, s02 applied");
    T_EQ_STR(ends(&run), "i1 built, i2 built");
    T_EQ_STR(fill_ends(&run), "b07 complete");
}

/* A table that a migration makes which the section does not name: looked at again once that has run. */
SG_TEST(a_table_that_comes_later)
{
    struct project *project = project_here(NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s", fills("b07", ""), makes("s01", "requires = backfill:b07\n"),
                                        index_on("i1", "made_by_s01", "(1)", "")));
    run = project_must(project, 0, "deploy", "--strict", "--json");
    T_EQ_STR(ends(&run), "i1 built");
    T_EQ_STR(outcomes(&run), "s01 applied");
}

/* What stays shut is told as it stands at the end. */
SG_TEST(gates_that_stay_shut)
{
    struct project *project = project_here(NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s", constrains("s02", ""), unique_code(""), fills("b07", "requires = index:uq_code\n")));
    run = project_must(project, 3, "deploy");
    T_CONTAINS(run.out, "s02 waits for index:uq_code (failed: ");
    T_EQ_STR(invalid(project), "");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT name, state, sqlstate FROM sgrun.indexes"), "uq_code|failed|23505");
    /* and with less words: whatever fails but migrations, a deployment is done */
    project_write(project, sg_test_strf("%s%s", unique_code(""), fills("b07", "requires = index:uq_code\n")));
    run = project_must(project, 0, "deploy");
    (void)project_must(project, 3, "deploy", "--strict");
}

/* An index that somebody has dropped since is no open gate for a migration. */
SG_TEST(an_index_that_is_gone)
{
    struct project *project = project_here(NULL);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "DELETE FROM items WHERE id > 50");
    project_write(project, sg_test_strf("%s%s", unique_code(""), constrains("s02", "")));
    (void)project_must(project, 0, "index", "--strict");
    sg_sql_exec(project->sql, "DROP INDEX uq_code");
    run = project_must(project, 0, "deploy", "--strict", "--json");
    T_EQ_STR(outcomes(&run), "s02 applied");
    T_EQ_STR(ends(&run), "uq_code built");
}

SG_TEST(only_some_phases)
{
    struct project *project = project_here(NULL);

    project_write(project, chain());
    (void)project_must(project, 0, "deploy", "--only-phase", "index");
    T_NULL(sg_sql_value(project->sql, "SELECT to_regclass('uq_code')"));
    (void)project_must(project, 3, "deploy", "--only-phase", "migrate");
    T_EQ_STR(project_ledger(project), "s01|applied");
    (void)project_must(project, 0, "deploy", "--only-phase", "index,backfill");
    T_EQ_STR(invalid(project), "");
    T_NE_STR(sg_sql_value(project->sql, "SELECT to_regclass('uq_code')"), NULL);
    T_EQ_STR(project_ledger(project), "s01|applied");
    (void)project_must(project, 0, "deploy", "--only-phase", "migrate");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied");
    (void)project_must(project, 0, "deploy", "--strict");
}

/* `migrate` alone builds nothing. */
SG_TEST(migrate_alone)
{
    struct project *project = project_here(NULL);

    project_write(project, sg_test_strf("%s%s", makes("s01", ""), index_on("i1", "items", "n", "")));
    (void)project_must(project, 0, "migrate");
    T_NULL(sg_sql_value(project->sql, "SELECT to_regclass('i1')"));
}

/* Many indexes behind many backfills: each backfill that opens one costs a look at what is left, no more. */
SG_TEST(few_rounds)
{
    struct project *project = project_here(NULL);
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(project->server), sg_server_port(project->server));
    const char *sections = "", *all;
    int copies = 0, ledgers = 0;

    project->dsn = sg_proxy_url(proxy, project->db, NULL);
    for (int i = 1; i <= 12; i++)
        sections = sg_test_strf("%s%s", sections, index_on(sg_test_strf("i%d", i), "items", "n", sg_test_strf("where = id > %d\n", i)));
    project_write(project, sg_test_strf("%s%s%s%s", sections, dedupes("d01", DEDUPE_DRAIN, ""), unique_code("requires = backfill:d01\n"),
                                        fills("b07", "")));
    (void)project_must(project, 0, "deploy", "--strict");
    (void)project_must(project, 0, "deploy", "--strict");
    sg_proxy_forget(proxy);
    (void)project_must(project, 0, "deploy", "--strict");
    all = sg_proxy_statements(proxy);
    for (const char *at = all; (at = strstr(at, "schema_migrations")) != NULL; at++)
        ledgers++;
    for (const char *at = all; (at = strstr(at, "LIKE ")) != NULL; at++)
        copies++;
    sg_test_check(SG_HERE_, false, sg_proxy_count(proxy) < 13 * 12 + 40, "%d statements for nothing:\n%s", sg_proxy_count(proxy), all);
    T_LE_INT(ledgers, 8);
}

/* ---- duplicates: a backfill is reopened -------------------------------------------------- */

#define COME_BACK "INSERT INTO items SELECT g + 1000, g FROM generate_series(1, 10) g"

/* Complete, and then duplicates came. */
static struct project *undone(const char *id, const char *how)
{
    struct project *project = project_here(NULL);

    project_write(project, dedupes(id, how, ""));
    (void)project_must(project, 0, "deploy", "--strict");
    sg_sql_exec(project->sql, COME_BACK);
    project_write(project, sg_test_strf("%s%s", dedupes(id, how, ""), unique_code(sg_test_strf("requires = backfill:%s\n", id))));
    return project;
}

static void reopened_in_a_deploy(const char *id, const char *how)
{
    struct project *project = undone(id, how);
    struct sg_run_result run;

    run = project_must(project, 0, "deploy", "--strict", "--json");
    T_EQ_STR(ends(&run), "uq_code built");
    T_EQ_STR(fill_ends(&run), sg_test_strf("%s complete", id));
    T_CONTAINS(run.err, "pending again");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT count(*), count(DISTINCT code) FROM items"), "50|50");
    T_EQ_STR(invalid(project), "");
}

SG_TEST(reopened)
{
    reopened_in_a_deploy("d01", DEDUPE_DRAIN);
    reopened_in_a_deploy("b02", DEDUPE_RANGE);
}

SG_TEST(reopened_by_index_alone)
{
    struct project *project = undone("d01", DEDUPE_DRAIN);
    struct sg_run_result run;

    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(ends(&run), "uq_code failed");
    T_CONTAINS(hint(&run, "uq_code"), "sgrun backfill --only d01");
    T_CONTAINS(hint(&run, "uq_code"), "sgrun index --only uq_code");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(project_json(&run), "reopened"), 0)), "d01");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT key, state FROM sgrun.backfills"), "d01|pending");
    T_EQ_STR(invalid(project), "");
    /* now the gate is shut */
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(ends(&run), "uq_code waiting");
    (void)project_must(project, 0, "backfill", "--strict");
    (void)project_must(project, 0, "index", "--strict");
}

/* Not declared repeatable: a person decides. */
SG_TEST(not_repeatable)
{
    struct project *project = undone("b01", DEDUPE_RANGE);
    struct sg_run_result run;

    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(ends(&run), "uq_code failed");
    T_CONTAINS(hint(&run, "uq_code"), "sgrun backfill --again b01");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT key, state FROM sgrun.backfills"), "b01|complete");
    (void)project_must(project, 0, "backfill", "--again", "b01");
    (void)project_must(project, 0, "deploy", "--strict");
}

/* Its fingerprint sees nothing wrong: it asks too little, and says so. */
SG_TEST(a_weak_fingerprint)
{
    struct project *project = undone("d01", "also_writes = items\noption.batch = DELETE FROM items WHERE id > 50 AND id <= 100\n"
                                            "option.left = SELECT 1 FROM items WHERE id > 50 AND id <= 100\n");
    struct sg_run_result run;

    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(ends(&run), "uq_code failed");
    T_CONTAINS(hint(&run, "uq_code"), "The fingerprint of backfill d01 holds although there are duplicates");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT key, state FROM sgrun.backfills"), "d01|complete");
}

/* Duplicates that come as fast as they go: one more turn, and then it is said. */
SG_TEST(once_a_run)
{
    struct project *project = undone("d01", DEDUPE_DRAIN);
    struct sg_run_result run;

    /* whenever it is complete, one more is there */
    sg_sql_exec(project->sql, "CREATE FUNCTION nag() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.state = 'complete' AND OLD.state <> 'complete'"
                              " THEN INSERT INTO public.items VALUES ((SELECT max(id) + 1 FROM public.items), 7); END IF; RETURN NULL; END $$;"
                              "CREATE TRIGGER nag AFTER UPDATE ON sgrun.backfills FOR EACH ROW EXECUTE FUNCTION nag()");
    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(ends(&run), "uq_code failed");
    T_CONTAINS(hint(&run, "uq_code"), "something writes them");
    T_EQ_STR(fill_ends(&run), "d01 complete");
    T_EQ_STR(invalid(project), "");
    sg_sql_exec(project->sql, "DROP TRIGGER nag ON sgrun.backfills");
    (void)project_must(project, 0, "deploy", "--strict");
}

/* ---- the server goes away ------------------------------------------------------------------ */

/* Every migration is recorded: a deployment that loses its server after that is done, as far as anybody waits for it. */
SG_TEST(away_after_the_migrations)
{
    struct project *project = project_here(sg_server_start(NULL));
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "INSERT INTO items VALUES (2000, 2000)");
    struct sg_run *run;
    struct sg_run_result result;

    project->sgrun = "lease_seconds = 2";
    project->policy = "retry_seconds = 2\nidle_seconds = 1";
    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", ""), index_on("i1", "items", "n", ""), index_on("i2", "others", "n", ""),
                                        fills("b07", "")));
    run = project_start_args(project, (const char *const[]){"deploy", "--json", NULL});
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_progress_create_index WHERE command = 'CREATE INDEX CONCURRENTLY'", "1", 20000);
    sg_sql_close(holder);
    sg_sql_close(project->sql);
    sg_server_stop(project->server, SG_STOP_FAST);
    result = sg_run_wait(run, 30000);
    sg_test_check(SG_HERE_, false, result.exit == 0, "exit %d:\n%s%s", result.exit, result.out, result.err);
    T_EQ_STR(outcomes(&result), "s01 applied");
    T_CONTAINS(result.out, "\"class\": \"connection\"");
    sg_server_restart(project->server);
    project->sql = sg_sql_open(project->conninfo);
    (void)project_must(project, 0, "deploy", "--strict");
    T_EQ_STR(invalid(project), "");
}

/* --max-minutes bounds all but migrations: what is built is given up, what is left is left. */
SG_TEST(time_is_over)
{
    struct project *project = project_here(NULL);
    struct sg_sql *holder;
    struct sg_run_result run;

    if (!sg_test_full())
        T_SKIP("it takes the minute that is the least");
    holder = sg_sql_hold(project->conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM others");
    project_write(project, sg_test_strf("%s%s%s", makes("s01", ""), index_on("i1", "items", "n", ""), fills("b07", "")));
    run = sg_run_wait(project_start_args(project, (const char *const[]){"deploy", "--max-minutes", "1", "--json", NULL}), 90000);
    T_EQ_INT(run.exit, 0);
    T_LT_INT(run.ms, 75000);
    T_EQ_STR(outcomes(&run), "s01 applied");
    T_EQ_STR(ends(&run), "i1 left");
    T_EQ_STR(fill_ends(&run), "b07 not_reached");
    T_EQ_STR(invalid(project), "");
    sg_sql_close(holder);
    (void)project_must(project, 0, "deploy", "--strict");
}

static const struct sg_test tests[] = {SG_CASE(the_whole_chain_in_one_run),
                                       SG_CASE(the_whole_chain_through_a_pooler),
                                       SG_CASE_SECONDS(two_deploys_at_once, 600),
                                       SG_CASE_SECONDS(two_deploys_at_once_pooled, 600),
                                       SG_CASE(a_migration_behind_an_index_goes_first),
                                       SG_CASE(none_after_a_failed_migration),
                                       SG_CASE(an_index_goes_before_other_backfills),
                                       SG_CASE(a_gate_that_others_open),
                                       SG_CASE(all_kinds_of_gates),
                                       SG_CASE(a_table_that_comes_later),
                                       SG_CASE(gates_that_stay_shut),
                                       SG_CASE(an_index_that_is_gone),
                                       SG_CASE(only_some_phases),
                                       SG_CASE(migrate_alone),
                                       SG_CASE(few_rounds),
                                       SG_CASE(reopened),
                                       SG_CASE(reopened_by_index_alone),
                                       SG_CASE(not_repeatable),
                                       SG_CASE(a_weak_fingerprint),
                                       SG_CASE(once_a_run),
                                       SG_CASE(away_after_the_migrations),
                                       SG_CASE_SECONDS(time_is_over, 300),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"sequence", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
