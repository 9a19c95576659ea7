/*
 * What plan and status say of indexes: what the server has of each, what waits for what among all three kinds of steps, who builds, and
 * what a deploy would do; from a standby, too. Nothing is changed by asking.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/pgbouncer.h"

#include <stdio.h>
#include <string.h>

static const char *makes(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.table = made_by_%s\noption.ddl1 = CREATE TABLE made_by_%s ()\n%s", id, id,
                        id, id, more);
}

static const char *fills(const char *id, const char *more)
{
    return sg_test_strf("[backfill %s]\nplugin = %s\noption.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                        "option.left = SELECT 1 FROM items WHERE n = 0\n%s", id, id, more);
}

static const char *lists(const char *name, const char *more)
{
    return sg_test_strf("[index %s]\ntable = items\n%s", name, more);
}

static struct project *with_items(void)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, "CREATE TABLE items (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
    return project;
}

static struct sg_json *find(struct sg_json *list, const char *key, const char *id)
{
    for (size_t i = 0; i < sg_json_count(list); i++)
        if (strcmp(project_text(sg_json_at(list, i), key), id) == 0)
            return sg_json_at(list, i);
    T_FATAL("nothing is said of %s", id);
    return NULL;
}

/* "id ACTION waits_for (reason)" lines. */
static const char *planned(struct project *project)
{
    struct sg_run_result run = project_run(project, "plan", "--json");
    struct sg_json *steps = sg_json_get(project_json(&run), "steps");
    const char *text = "";

    T_EQ_INT(run.exit, 0);
    for (size_t i = 0; i < sg_json_count(steps); i++) {
        struct sg_json *one = sg_json_at(steps, i);
        const char *waits = sg_json_text(sg_json_at(sg_json_get(one, "waits_for"), 0));

        text = sg_test_strf("%s%s%s %s%s%s (%s)", text, i > 0 ? "\n" : "", project_text(one, "id"), project_text(one, "action"),
                            waits ? " " : "", waits ? waits : "", project_text(one, "reason"));
    }
    return text;
}

static struct sg_json *plan_of(struct project *project, const char *id)
{
    struct sg_run_result run = project_must(project, 0, "plan", "--json");

    return find(sg_json_get(project_json(&run), "steps"), "id", id);
}

static struct sg_json *status_of(struct project *project, const char *name)
{
    struct sg_run_result run = project_must(project, 0, "status", "--json");

    return find(sg_json_get(project_json(&run), "indexes"), "name", name);
}

/* The state of each index: "a waiting, b valid"; and the summary. */
static const char *statuses(struct project *project)
{
    struct sg_run_result run = project_must(project, 0, "status", "--json");
    struct sg_json *list = sg_json_get(project_json(&run), "indexes"), *sum = sg_json_get(project_json(&run), "summary");
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(list); i++)
        text = sg_test_strf("%s%s %s, ", text, project_text(sg_json_at(list, i), "name"), project_text(sg_json_at(list, i), "state"));
    return sg_test_strf("%s%d pending, %d waiting, %d failed", text, (int)sg_json_int(sg_json_get(sum, "pending")),
                        (int)sg_json_int(sg_json_get(sum, "waiting")), (int)sg_json_int(sg_json_get(sum, "failed")));
}

static void set(struct project *project, const char *name, const char *columns)
{
    sg_sql_execf(project->sql, "INSERT INTO sgrun.indexes (name, state) VALUES ('%s', 'missing') ON CONFLICT DO NOTHING;"
                               "UPDATE sgrun.indexes SET %s WHERE name = '%s'", name, columns, name);
}

SG_TEST(a_plan_says_what_the_server_has)
{
    struct project *project = with_items();
    struct sg_run_result run;
    struct sg_json *one;
    const char *before, *relations = "SELECT string_agg(relname || relfilenode, ' ' ORDER BY oid) FROM pg_class";

    sg_sql_exec(project->sql, "INSERT INTO items SELECT i FROM generate_series(1, 1000) i; ANALYZE items; CREATE INDEX there ON items (n);"
                              "CREATE INDEX other ON items (n DESC); CREATE INDEX broken ON items (n); CREATE INDEX there_ccnew ON items (n);"
                              "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('broken'::regclass, 'there_ccnew'::regclass);"
                              "CREATE VIEW taken AS SELECT 1; CREATE UNIQUE INDEX gone ON items (n, id);"
                              "ALTER TABLE items ADD CONSTRAINT uq_n_id UNIQUE USING INDEX gone");
    project_write(project, sg_test_strf("%s%s%s%s%s%s%s%s", lists("there", "columns = n\n"), lists("none", "columns = n\ndescription = of n\n"),
                                        lists("other", "columns = n\n"), lists("broken", "columns = n\n"), lists("taken", "columns = n\n"),
                                        lists("gone", "columns = n, id\nunique = yes\n"), lists("bad", "columns = n)\n"),
                                        lists("wrong", "columns = nix\n")));
    before = sg_sql_value(project->sql, relations);
    T_EQ_STR(planned(project),
             "there SKIP (valid; its left-over there_ccnew is dropped)\n"
             "none BUILD (about 1000 rows)\n"
             "other DRIFTED (is: CREATE INDEX other ON public.items USING btree (n DESC); wanted: CREATE INDEX other ON public.items USING btree (n))\n"
             "broken REBUILD (invalid: it is dropped first)\n"
             "taken DRIFTED (is: a view; wanted: CREATE INDEX taken ON public.items USING btree (n))\n"
             "gone SKIP (valid, as constraint uq_n_id)\n"
             "bad REFUSED ()\n"
             "wrong REFUSED ()");
    T_EQ_STR(sg_sql_value(project->sql, relations), before);
    T_EQ_STR(sg_sql_value(project->sql, "SELECT to_regnamespace('sgrun')"), NULL);
    one = plan_of(project, "other");
    T_EQ_STR(project_text(one, "kind"), "index");
    T_CONTAINS(project_text(sg_json_get(one, "error"), "detail"), "is: CREATE INDEX other ON public.items USING btree (n DESC)\nwanted: CREATE INDEX other");
    T_EQ_STR(project_text(plan_of(project, "none"), "title"), "of n");
    one = sg_json_get(plan_of(project, "wrong"), "error");
    T_EQ_STR(project_text(one, "sqlstate"), "42703");
    T_EQ_STR(project_text(one, "step"), "wrong");
    T_EQ_STR(project_text(sg_json_get(plan_of(project, "bad"), "error"), "class"), "refused");
    run = project_must(project, 0, "plan", "--json");
    one = sg_json_get(project_json(&run), "summary");
    T_EQ_INT(sg_json_int(sg_json_get(one, "skip")), 2);
    T_EQ_INT(sg_json_int(sg_json_get(one, "run")), 2);
    T_EQ_INT(sg_json_int(sg_json_get(one, "drifted")), 2);
    T_EQ_INT(sg_json_int(sg_json_get(one, "refused")), 2);
    run = project_must(project, 0, "plan");
    T_CONTAINS(run.out, "BUILD");
    T_CONTAINS(run.out, "column \"nix\" does not exist");
}

/* All three kinds need each other, forth and back. */
SG_TEST(a_plan_follows_the_gates_through_indexes)
{
    struct project *project = with_items();

    project_write(project, sg_test_strf("%s%s%s%s%s%s%s%s%s", makes("s01", ""), makes("s02", "requires = index:i1\n"),
                                        makes("s03", "requires = backfill:b02\n"), fills("b01", "migration = s01\n"),
                                        lists("i1", "columns = n\nrequires = backfill:b01\n"), fills("b02", "requires = index:i1 index:i2\n"),
                                        lists("i2", "columns = id, n\nmigration = s02\n"), lists("i3", "columns = n DESC\nmigration = s03\n"),
                                        lists("i4", "columns = n, id\n")));
    T_EQ_STR(planned(project),
             "s01 RUN ()\n"
             "s02 WAIT index:i1 (not built yet; this deploy builds it first, and goes on if it is valid then)\n"
             "s03 WAIT index:i1 (behind a migration that waits)\n"
             "b01 RUN? (after migration:s01; not started)\n"
             "i1 BUILD? (after backfill:b01; not there)\n"
             "b02 RUN? (after index:i1; not started)\n"
             "i2 BUILD? (after migration:s02; not there)\n"
             "i3 BUILD? (after migration:s03; not there)\n"
             "i4 BUILD (not there)");
    T_EQ_STR(statuses(project), "i1 waiting, i2 waiting, i3 waiting, i4 missing, 2 pending, 7 waiting, 0 failed");
    /* a paused backfill stops all that comes after it, and nothing else */
    project_must(project, 3, "migrate");
    sg_sql_exec(project->sql, "INSERT INTO sgrun.backfills (key, state, paused_by) VALUES ('b01', 'paused', 'eva@one')");
    T_EQ_STR(planned(project),
             "s01 SKIP (applied)\n"
             "s02 WAIT index:i1 (not built yet)\n"
             "s03 WAIT index:i1 (behind a migration that waits)\n"
             "b01 WAIT (paused by eva@one since some time: not started)\n"
             "i1 WAIT backfill:b01 (paused by eva@one since some time: not started)\n"
             "b02 WAIT index:i1 (not built yet)\n"
             "i2 WAIT migration:s02 ()\n"
             "i3 WAIT migration:s03 ()\n"
             "i4 BUILD (not there)");
    /* drifted opens no gate */
    sg_sql_exec(project->sql, "CREATE INDEX i1 ON items (n DESC)");
    T_CONTAINS(planned(project), "i1 DRIFTED (is: CREATE INDEX i1");
    T_CONTAINS(planned(project), "b02 WAIT index:i1 (not built yet)\n");
    /* what is there and not noted yet, this deploy notes */
    sg_sql_exec(project->sql, "DROP INDEX i1; CREATE INDEX i1 ON items (n)");
    T_EQ_STR(planned(project),
             "s01 SKIP (applied)\n"
             "s02 WAIT index:i1 (it is there, and not noted yet: this deploy does that first, and goes on)\n"
             "s03 WAIT index:i1 (behind a migration that waits)\n"
             "b01 WAIT (paused by eva@one since some time: not started)\n"
             "i1 SKIP (valid)\n"
             "b02 RUN? (after index:i1; not started)\n"
             "i2 BUILD? (after migration:s02; not there)\n"
             "i3 BUILD? (after migration:s03; not there)\n"
             "i4 BUILD (not there)");
    set(project, "i1", "state = 'valid'");
    T_CONTAINS(planned(project), "s02 RUN ()\ns03 WAIT backfill:b02 (not started; this deploy runs it first");
    /* noted, and not there any more */
    sg_sql_exec(project->sql, "DROP INDEX i1");
    T_CONTAINS(planned(project), "s02 WAIT index:i1 (not built yet)\n");
    T_CONTAINS(planned(project), "i1 WAIT backfill:b01 (paused");
}

SG_TEST(tables_that_migrations_make)
{
    struct project *project = project_new(NULL, NULL);
    const char *migration = "[migration s01]\nplugin = s01\noption.table = items\noption.ddl1 = CREATE TABLE items (id int, n int)\n";

    project_write(project, sg_test_strf("%s%s%s", migration, lists("i1", "columns = n\n"), lists("i2", "columns = n\nmigration = s01\n")));
    T_EQ_STR(planned(project), "s01 RUN ()\n"
                               "i1 BUILD? (after the migrations; as things are: table public.items does not exist)\n"
                               "i2 BUILD? (after migration:s01)");
    project_write(project, sg_test_strf("%srequires = backfill:b01\n%s%s", migration, lists("i1", "columns = n\n"),
                                        fills("b01", "requires = index:i1\n")));
    T_EQ_STR(planned(project), "s01 WAIT backfill:b01 (not started)\n"
                               "i1 WAIT backfill:b01 (as the migrations behind it do; as things are: table public.items does not exist)\n"
                               "b01 WAIT index:i1 (not built yet)");
    project_write(project, lists("i1", "columns = n\n"));
    T_EQ_STR(planned(project), "i1 REFUSED ()");
    T_CONTAINS(project_must(project, 0, "plan").out, "table public.items does not exist");
    /* a column to come */
    sg_sql_exec(project->sql, "CREATE TABLE items (id int)");
    project_write(project, sg_test_strf("%s%s", makes("s02", ""), lists("i1", "columns = n\n")));
    T_EQ_STR(planned(project), "s02 RUN ()\ni1 BUILD? (after the migrations; as things are: column \"n\" does not exist)");
}

SG_TEST(others_who_are_at_it)
{
    struct project *project = with_items();
    struct sg_sql *holder, *builder = sg_sql_open(sg_test_strf("%s application_name=psql", project->conninfo));

    project_write(project, sg_test_strf("%s%s%s", makes("s01", ""), lists("i1", "columns = n\n"), lists("i2", "columns = n, id\n")));
    project_must(project, 0, "migrate");
    holder = sg_sql_hold(project->conninfo, "INSERT INTO items VALUES (1)");
    sg_sql_send(builder, "CREATE INDEX CONCURRENTLY i1 ON items (n)");
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'", "1", 10000);
    T_CONTAINS(planned(project), "i1 REBUILD (pid ");
    T_CONTAINS(planned(project), "CREATE INDEX CONCURRENTLY i1 ON items (n)) builds it now)\n");
    T_CONTAINS(planned(project), "works on its table: that comes first)");
    /* a claim that lives, and what the server tells of its build */
    set(project, "i1", "state = 'building', owner = 'eva@one:7', started_at = '2026-01-31 12:00+00', expires_at = now() + interval '1 hour'");
    T_EQ_STR(statuses(project), "i1 building, i2 missing, 2 pending, 0 waiting, 0 failed");
    T_CONTAINS(project_must(project, 0, "status").out, "waiting for writers before build");
    T_EQ_STR(project_text(sg_json_get(status_of(project, "i1"), "progress"), "phase"), "waiting for writers before build");
    sg_sql_close(holder);
    T_EQ_STR(sg_sql_finish(builder, 10000), "");
    T_EQ_STR(statuses(project), "i1 building, i2 missing, 2 pending, 0 waiting, 0 failed");
    sg_sql_exec(project->sql, "DROP INDEX i1");
    T_CONTAINS(planned(project), "i1 BUILD (being built by eva@one:7 since 2026-01-31T12:00:00Z)\n");
    set(project, "i1", "expires_at = now() - interval '1 s'");
    T_CONTAINS(planned(project), "i1 BUILD (not there)\n");
    T_EQ_STR(statuses(project), "i1 stopped, i2 missing, 2 pending, 0 waiting, 0 failed");
    T_CONTAINS(project_must(project, 0, "status").out, "nobody is at it");
}

SG_TEST(a_locked_table)
{
    static const char *const states[][2] = {
        {"valid", "SKIP (its table is locked now; when it was seen last: valid)"},
        {"invalid", "REBUILD (its table is locked now; when it was seen last: invalid, to be built again)"},
        {"drifted", "DRIFTED (its table is locked now; when it was seen last: drifted: it is not what the manifest says)"},
        {"failed", "BUILD (its table is locked now; when it was seen last: failed)"},
    };
    struct project *project = with_items();
    struct sg_sql *holder;
    const char *many = "";
    int64_t from;

    project_write(project, sg_test_strf("%s%s", makes("s01", ""), lists("i1", "columns = n\n")));
    project_must(project, 0, "migrate");
    sg_sql_exec(project->sql, "CREATE INDEX i1 ON items (n)");
    holder = sg_sql_hold(project->conninfo, "LOCK TABLE items");
    T_CONTAINS(planned(project), "i1 BUILD (its table is locked now; when it was seen last: not built yet)");
    for (size_t i = 0; i < SG_COUNT(states); i++) {
        set(project, "i1", sg_test_strf("state = '%s'", states[i][0]));
        T_CONTAINS(planned(project), sg_test_strf("i1 %s", states[i][1]));
    }
    /* waited for once, however many indexes it has */
    for (int i = 0; i < 20; i++)
        many = sg_test_strf("%s%s", many, lists(sg_test_strf("m%d", i), "columns = n\n"));
    project_write(project, many);
    from = sg_test_now_ms();
    T_CONTAINS(planned(project), "m19 BUILD (its table is locked now");
    T_TRUE(sg_test_now_ms() - from < 4000);
    sg_sql_close(holder);
    T_CONTAINS(planned(project), "m19 BUILD (not there)");
}

SG_TEST(status_says_what_was_seen)
{
    struct project *project = with_items();
    struct sg_json *one;

    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", "requires = index:i1\n"), lists("i1", "columns = n\nunique = yes\n"),
                                        lists("i2", "columns = n\nmigration = s01\n"), lists("i3", "columns = id, n\n")));
    T_EQ_STR(statuses(project), "i1 missing, i2 waiting, i3 missing, 2 pending, 2 waiting, 0 failed");
    one = status_of(project, "i2");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(one, "waits_for"), 0)), "migration:s01");
    project_must(project, 3, "migrate");
    T_EQ_STR(statuses(project), "i1 missing, i2 waiting, i3 missing, 2 pending, 2 waiting, 0 failed");
    set(project, "i1", "state = 'failed', duration_ms = 1200, sqlstate = '23505', message = E'could not create unique index \"i1\"\\nKey (n)=(0) twice.'");
    set(project, "i2", "state = 'invalid'");
    set(project, "i3", "state = 'drifted', bytes = 8192, message = E'index i3 is valid, but not what the manifest says\\nis: a\\nwanted: b'");
    T_EQ_STR(statuses(project), "i1 failed, i2 invalid, i3 drifted, 1 pending, 1 waiting, 2 failed");
    one = sg_json_get(status_of(project, "i1"), "error");
    T_EQ_STR(project_text(one, "sqlstate"), "23505");
    T_EQ_STR(project_text(one, "primary"), "could not create unique index \"i1\"");
    T_EQ_STR(project_text(one, "detail"), "Key (n)=(0) twice.");
    T_EQ_INT(sg_json_int(sg_json_get(status_of(project, "i1"), "duration_ms")), 1200);
    T_EQ_INT(sg_json_int(sg_json_get(status_of(project, "i3"), "bytes")), 8192);
    T_CONTAINS(project_text(sg_json_get(status_of(project, "i3"), "error"), "detail"), "is: a\nwanted: b");
    T_CONTAINS(project_must(project, 0, "status").out, "waits for index:i1 (failed: could not create unique index \"i1\")");
    T_CONTAINS(planned(project), "i1 BUILD (failed before: could not create unique index \"i1\", tries again)\n");
    T_CONTAINS(planned(project), "s01 WAIT index:i1 (failed: could not create unique index \"i1\"; this deploy builds it first");
    project_must(project, 3, "status", "--exit-code");
    set(project, "i1", "state = 'valid'");
    T_CONTAINS(statuses(project), "i1 valid, ");
    T_EQ_INT((int)sg_json_count(sg_json_get(status_of(project, "i2"), "waits_for")), 1);
    T_EQ_INT((int)sg_json_count(sg_json_get(status_of(project, "i1"), "waits_for")), 0);
}

SG_TEST(through_a_pooler)
{
    struct project *project = with_items();
    struct sg_pgbouncer *pooler = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_server_dir(project->server),
                                                                                 .port = sg_server_port(project->server), .pool_size = 2});

    project->dsn = sg_pgbouncer_url(pooler, project->db, NULL);
    sg_sql_exec(project->sql, "CREATE INDEX there ON items (n) WHERE n > 1; CREATE INDEX other ON items (n) WHERE n > 2");
    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", ""), lists("there", "columns = n\nwhere = n > 1\n"),
                                        lists("other", "columns = n\nwhere = n > 1\n"), lists("none", "columns = n\n")));
    project_must(project, 0, "migrate");
    T_EQ_STR(planned(project),
             "s01 SKIP (applied)\n"
             "there SKIP (valid)\n"
             "other DRIFTED (is: CREATE INDEX other ON public.items USING btree (n) WHERE (n > 2);"
             " wanted: CREATE INDEX other ON public.items USING btree (n) WHERE (n > 1))\n"
             "none BUILD (not there)");
    T_EQ_STR(statuses(project), "there missing, other missing, none missing, 3 pending, 0 waiting, 0 failed");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"), 0);
}

SG_TEST(from_a_standby)
{
    struct sg_server *server = sg_server_start(NULL);
    struct project *project = project_new(server, NULL);

    sg_sql_exec(project->sql, "CREATE TABLE items (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); CREATE INDEX i1 ON items (n) WHERE n > 1;"
                              " CREATE INDEX i3 ON items (n);"
                              " CREATE UNIQUE INDEX i4 ON items (n, id); ALTER TABLE items ADD CONSTRAINT c4 UNIQUE USING INDEX i4");
    project_write(project, sg_test_strf("%s%s%s%s%s%s", makes("s01", ""), lists("i1", "columns = n\nwhere = n > 1\n"),
                                        lists("i2", "columns = id, n\n"), lists("i3", "columns = n\n"),
                                        lists("i4", "columns = n, id\nunique = yes\n"), lists("i5", "columns = id, n\nunique = yes\n")));
    project_must(project, 0, "migrate");
    set(project, "i1", "state = 'building', owner = 'eva@one', expires_at = now() + interval '1 hour'");
    sg_server_be_standby(server, true);
    T_EQ_STR(planned(project), "s01 SKIP (applied)\n"
                               "i1 SKIP (valid, not compared: this server is a standby, where nothing can be made)\n"
                               "i2 BUILD (not there)\n"
                               "i3 SKIP (valid)\n"
                               "i4 SKIP (valid, as constraint c4)\n"
                               "i5 BUILD (not there)");
    T_EQ_STR(statuses(project), "i1 building, i2 missing, i3 missing, i4 missing, i5 missing, 5 pending, 0 waiting, 0 failed");
}

static const struct sg_test tests[] = {SG_CASE(a_plan_says_what_the_server_has),
                                       SG_CASE(a_plan_follows_the_gates_through_indexes),
                                       SG_CASE(tables_that_migrations_make),
                                       SG_CASE(others_who_are_at_it),
                                       SG_CASE(a_locked_table),
                                       SG_CASE(status_says_what_was_seen),
                                       SG_CASE(through_a_pooler),
                                       SG_CASE(from_a_standby),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"index_reports", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
