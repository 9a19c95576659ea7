/*
 * What plan and status say of backfills: what is left of each, who is at it, what waits for it, and what a deploy would do; from a
 * standby, too.
 */
#include "config.h"

#include "tests/db/project.h"

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

/* The state of each backfill: "b01 waiting migration:s01". */
static const char *statuses(struct project *project)
{
    struct sg_run_result run = project_must(project, 0, "status", "--json");
    struct sg_json *list = sg_json_get(project_json(&run), "backfills");
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(list); i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", project_text(sg_json_at(list, i), "key"),
                            project_text(sg_json_at(list, i), "state"));
    return text;
}

static struct sg_json *status_of(struct project *project, const char *key)
{
    struct sg_run_result run = project_must(project, 0, "status", "--json");
    struct sg_json *list = sg_json_get(project_json(&run), "backfills");

    for (size_t i = 0; i < sg_json_count(list); i++)
        if (strcmp(project_text(sg_json_at(list, i), "key"), key) == 0)
            return sg_json_at(list, i);
    T_FATAL("status says nothing of %s", key);
    return NULL;
}

static void set(struct project *project, const char *key, const char *columns)
{
    sg_sql_execf(project->sql, "INSERT INTO sgrun.backfills (key) VALUES ('%s') ON CONFLICT DO NOTHING;"
                               "UPDATE sgrun.backfills SET %s WHERE key = '%s'", key, columns, key);
}

SG_TEST(a_plan_follows_the_gates)
{
    struct project *project = project_new(NULL, NULL);
    const char *steps = sg_test_strf("%s%s%s%s%s%s%s", makes("s01", ""), makes("s02", "requires = backfill:b01\n"),
                                     makes("s03", ""), makes("s04", "requires = backfill:b03\n"), fills("b01", "migration = s01\n"),
                                     fills("b02", "migration = s03\nrequires = backfill:b01\n"),
                                     fills("b03", "requires = index:idx\n") );
    const char *index = "[index idx]\ntable = items\ncolumns = n\n";
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE TABLE items (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, a int NOT NULL DEFAULT 1, b serial, UNIQUE (a, b))");
    project_write(project, sg_test_strf("%s%s", steps, index));
    T_EQ_STR(planned(project),
             "s01 RUN ()\n"
             "s02 WAIT backfill:b01 (not started; this deploy runs it first, and goes on if it completes)\n"
             "s03 WAIT backfill:b01 (behind a migration that waits)\n"
             "s04 WAIT backfill:b01 (behind a migration that waits)\n"
             "b01 RUN? (after migration:s01; not started)\n"
             "b02 RUN? (after migration:s03; not started)\n"
             "b03 RUN? (after index:idx; not started)\n"
             "idx BUILD (not there)");
    run = project_must(project, 0, "plan");
    T_CONTAINS(run.out, "waits for backfill:b01  (not started; this deploy runs it first, and goes on if it completes)");
    T_CONTAINS(run.out, "(after migration:s01; not started)");
    T_EQ_STR(statuses(project), "b01 waiting, b02 waiting, b03 waiting");
    /* and so it comes */
    sg_sql_exec(project->sql, "INSERT INTO items SELECT i FROM generate_series(1, 100) i");
    project_must(project, 0, "deploy");
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied\ns03|applied\ns04|applied");
    T_EQ_STR(planned(project),
             "s01 SKIP (applied)\ns02 SKIP (applied)\ns03 SKIP (applied)\ns04 SKIP (applied)\n"
             "b01 SKIP (complete)\nb02 SKIP (complete)\nb03 SKIP (complete)\nidx SKIP (valid)");
    T_EQ_STR(statuses(project), "b01 complete, b02 complete, b03 complete");
}

/* Every state that a row can be in. */
SG_TEST(a_plan_says_how_far_it_is)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_sql *lane;

    project_write(project, sg_test_strf("%s%s%s", makes("s01", ""), fills("b01", ""), makes("s02", "requires = backfill:b01\n")));
    project_must(project, 3, "migrate");
    T_EQ_STR(planned(project), "s01 SKIP (applied)\nb01 RUN (not started)\n"
                               "s02 WAIT backfill:b01 (not started; this deploy runs it first, and goes on if it completes)");
    set(project, "b01", "rows_done = 688000, rows_estimate = 1000000, started_at = now()");
    sg_sql_exec(project->sql, "INSERT INTO sgrun.backfill_ranges (key, lo, hi, pos, batch_size, batch_ms, batches, updated_at)"
                              " VALUES ('b01', '{1}', '{9}', '{5}', 780, 100, 1, now() - interval '1 hour')");
    T_CONTAINS(planned(project), "b01 RUN (312,000 of about 1,000,000 rows left)\n");
    T_CONTAINS(planned(project), "s02 WAIT backfill:b01 (312,000 of about 1,000,000 rows left; this deploy runs it first");
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "pending");
    T_CONTAINS(project_must(project, 0, "status").out, "waits for backfill:b01 (312,000 of about 1,000,000 rows left)");
    set(project, "b01", "state = 'running'");
    T_CONTAINS(planned(project), "b01 RUN (312,000 of about 1,000,000 rows left; nobody is at work)\n");
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "stopped");
    lane = sg_sql_hold(project->conninfo, "SELECT FROM sgrun.backfill_ranges FOR UPDATE");
    T_CONTAINS(planned(project), "b01 RUN (another runner is at it: 312,000 of about 1,000,000 rows left, about 40.0 s)\n");
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "running");
    T_EQ_INT(sg_json_int(sg_json_get(status_of(project, "b01"), "lanes")), 1);
    T_EQ_INT(sg_json_int(sg_json_get(status_of(project, "b01"), "seconds_left")), 40);
    T_EQ_INT(sg_json_int(sg_json_get(status_of(project, "b01"), "left")), 312000);
    sg_sql_close(lane);
    set(project, "b01", "message = 'replication lag: 93 MB'");
    /* whoever wrote that is gone, unless there is a sign of life */
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "stopped");
    T_EQ_STR(project_text(status_of(project, "b01"), "throttle"), "");
    sg_sql_exec(project->sql, "UPDATE sgrun.backfill_ranges SET updated_at = now()");
    T_EQ_STR(project_text(status_of(project, "b01"), "throttle"), "replication lag: 93 MB");
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "running");
    /* what is left is deferred: it holds no range that could be touched */
    sg_sql_exec(project->sql, "UPDATE sgrun.backfill_ranges SET deferred = true, updated_at = now() - interval '1 hour'");
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "running");
    sg_sql_exec(project->sql, "UPDATE sgrun.backfill_ranges SET deferred = false");
    set(project, "b01", "state = 'paused', message = NULL, paused_by = 'eva@one', paused_at = '2026-01-31 12:00+00'");
    T_EQ_STR(planned(project), "s01 SKIP (applied)\n"
                               "b01 WAIT (paused by eva@one since 2026-01-31T12:00:00Z: 312,000 of about 1,000,000 rows left)\n"
                               "s02 WAIT backfill:b01 (paused by eva@one since 2026-01-31T12:00:00Z: 312,000 of about 1,000,000 rows left)");
    T_CONTAINS(project_must(project, 0, "plan").out, "(paused by eva@one since");
    T_EQ_STR(project_text(status_of(project, "b01"), "throttle"), "paused by eva@one");
    set(project, "b01", "state = 'failed', paused_by = NULL, class = 'sql', sqlstate = '42703', message = 'column x does not exist'");
    T_CONTAINS(planned(project), "b01 RUN (failed before: column x does not exist, tries again)\n");
    T_EQ_STR(project_text(sg_json_get(status_of(project, "b01"), "error"), "sqlstate"), "42703");
    project_must(project, 3, "status", "--exit-code");
    sg_sql_exec(project->sql, "DELETE FROM sgrun.backfill_ranges");
    set(project, "b01", "state = 'residual', class = NULL, sqlstate = NULL, message = NULL, rows_estimate = rows_done + 12");
    T_CONTAINS(planned(project), "b01 RUN (residual: 12 rows are left that came or changed since; its fingerprint is asked again)\n");
    /* its plugin is gone: that stops no migration */
    project_write(project, sg_test_strf("%s%s[backfill b01]\nplugin = nowhere\n", makes("s01", ""), makes("s02", "")));
    T_EQ_STR(planned(project), "s01 SKIP (applied)\ns02 RUN ()\nb01 REFUSED ()");
    T_CONTAINS(project_must(project, 0, "plan").out, "1 to run, 1 refused, 1 already recorded. Nothing was changed.");
}

/* What waits says how long, in the run's own words too. */
SG_TEST(what_waits_says_how_long)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s", makes("s01", ""), fills("b01", "migration = s01\n"), makes("s02", "requires = backfill:b01\n")));
    run = project_must(project, 3, "migrate");
    T_CONTAINS(run.out, "s02 waits for backfill:b01 (not started).");
    set(project, "b01", "state = 'paused', paused_by = 'eva@one', rows_done = 5, rows_estimate = 10, started_at = now()");
    run = project_must(project, 3, "migrate");
    T_CONTAINS(run.out, "s02 waits for backfill:b01 (paused by eva@one since some time: 5 of about 10 rows left).");
    run = project_must(project, 3, "migrate", "--json");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(sg_json_at(sg_json_get(project_json(&run), "migrations"), 1), "waits_for"), 0)), "backfill:b01");
}

/* A standby takes no lock and no write, and answers all the same. */
SG_TEST(status_from_a_standby)
{
    struct sg_server *server = sg_server_start(NULL);
    struct project *project = project_new(server, NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s", makes("s01", ""), fills("b01", ""), makes("s02", "requires = backfill:b01\n")));
    project_must(project, 3, "migrate");
    set(project, "b01", "state = 'running', rows_done = 5, rows_estimate = 10, started_at = now()");
    sg_sql_exec(project->sql, "INSERT INTO sgrun.backfill_ranges (key, lo, hi, pos, batch_size, batch_ms, batches, updated_at)"
                              " VALUES ('b01', '{1}', '{9}', '{5}', 10, 100, 1, now() + interval '1 hour');"
                              "UPDATE sgrun.lease SET owner = 'eva@one', since = now(), expires_at = now() - interval '1 hour'");
    sg_server_be_standby(server, true);
    run = project_must(project, 0, "status");
    T_CONTAINS(run.out, "waits for backfill:b01 (5 of about 10 rows left");
    T_CONTAINS(run.out, "Lease: eva@one since ");
    T_EQ_STR(project_text(status_of(project, "b01"), "state"), "running");
    T_EQ_INT(sg_json_int(sg_json_get(status_of(project, "b01"), "lanes")), 1);
}

static const struct sg_test tests[] = {SG_CASE(a_plan_follows_the_gates),
                                       SG_CASE(a_plan_says_how_far_it_is),
                                       SG_CASE(what_waits_says_how_long),
                                       SG_CASE(status_from_a_standby),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"backfill_reports", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
