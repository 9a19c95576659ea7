/*
 * plan, status and verify from end to end: what they say of a database in which everything occurs, that they change nothing, and
 * that their JSON has the keys that other people's scripts read (a contract).
 */
#include "config.h"

#include "tests/db/project.h"

#include <string.h>

static const char *makes(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.table = made_by_%s\noption.ddl1 = CREATE TABLE made_by_%s ()\n%s", id, id,
                        id, id, more);
}

/* The action of each step, "s01 SKIP, s02 RUN": from the JSON. */
static const char *actions(struct project *project, const char *to)
{
    struct sg_run_result run = to != NULL ? project_run(project, "plan", "--json", "--to", to) : project_run(project, "plan", "--json");
    struct sg_json *steps = sg_json_get(project_json(&run), "steps");
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(steps); i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", project_text(sg_json_at(steps, i), "id"),
                            project_text(sg_json_at(steps, i), "action"));
    return text;
}

/* Everything that could have changed: the catalogue's and the state tables' rows. */
static const char *whole(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT count(*), sum(xmin::text::bigint) FROM pg_class UNION ALL SELECT count(*), sum(xmin::text::bigint) FROM pg_attribute");
}

SG_TEST(each_action_of_a_plan)
{
    struct project *project = project_new(NULL, NULL);
    const char *steps = sg_test_strf("%s%s%s%s%s%s[backfill fill]\nplugin = fill\nmigration = s01\n", makes("s01", ""), makes("s02", ""),
                                     makes("s03", ""), makes("s04", ""), makes("s05", "requires = backfill:fill\n"), makes("s06", ""));
    struct sg_run_result plan;
    const char *before;

    project_write(project, makes("s01", ""));
    project_must(project, 0, NULL);
    sg_sql_exec(project->sql, "CREATE TABLE made_by_s02 ()");
    project_write(project, steps);
    before = whole(project);
    T_EQ_STR(actions(project, NULL), "s01 SKIP, s02 RECONCILE, s03 RUN, s04 RUN?, s05 WAIT, s06 WAIT, fill REFUSED");
    T_EQ_STR(actions(project, "s03"), "s01 SKIP, s02 RECONCILE, s03 RUN, s04 LATER, s05 LATER, s06 LATER, fill REFUSED");
    plan = project_must(project, 0, "plan");
    T_CONTAINS(plan.out, "backfill:fill");
    /* the same by another name, to the byte */
    T_EQ_STR(project_must(project, 0, "deploy", "--dry-run").out, plan.out);
    T_EQ_STR(project_must(project, 0, "migrate", "--dry-run").out, plan.out);
    T_EQ_STR(project_must(project, 0, "--dry-run").out, plan.out);
    T_EQ_STR(project_must(project, 0, "migrate", "--dry-run", "--to", "s03").out, project_must(project, 0, "plan", "--to", "s03").out);
    T_EQ_STR(whole(project), before);
    T_EQ_STR(project_ledger(project), "s01|applied");
    /* and then it comes so */
    project_must(project, 3, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|reconciled\ns03|applied\ns04|applied");
}

SG_TEST(a_plan_for_an_empty_database_makes_nothing)
{
    struct project *project = project_new(NULL, NULL);
    const char *before = whole(project);

    project_write(project, sg_test_strf("%s%s", makes("s01", ""), makes("s02", "")));
    T_EQ_STR(actions(project, NULL), "s01 RUN, s02 RUN?");
    project_must(project, 0, "status");
    project_must(project, 0, "verify");
    T_EQ_STR(whole(project), before);
}

/* A fingerprint that asks for what its predecessor makes cannot be answered yet: that is no failure of the plan. */
SG_TEST(a_plan_is_not_stopped_by_what_is_still_to_come)
{
    struct project *project = project_new(NULL, NULL);

    project_write(project, sg_test_strf("%s[migration s02]\nplugin = s02\noption.fingerprint = SELECT 1 FROM made_by_s01 WHERE 1 / 0 = 1\n", makes("s01", "")));
    T_EQ_STR(actions(project, NULL), "s01 RUN, s02 RUN?");
    project_write(project, "[migration s02]\nplugin = s02\noption.fingerprint = SELECT 1 WHERE 1 / 0 = 1\n");
    T_CONTAINS(project_must(project, 1, "plan").err, "22012");
}

static void has_keys(const struct sg_json *object, const char *const *keys)
{
    T_TRUE(sg_json_is_object(object));
    for (; *keys != NULL; keys++) {
        void *iter = NULL;

        do
            iter = sg_json_next(object, iter);
        while (iter != NULL && strcmp(sg_json_key(iter), *keys) != 0);
        if (iter == NULL)
            T_FAIL("there is no key \"%s\"", *keys);
    }
}
#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

SG_TEST(the_keys_of_status)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;
    struct sg_json *json, *one;
    struct sg_run *slow;

    project_write(project, sg_test_strf("%s%s%s[backfill fill]\nplugin = fill\nmigration = s01\n[index idx]\ntable = made_by_s01\ncolumns = a\n",
                                        makes("s01", ""), makes("s02", "option.fail = no luck\ntitle = the second\n"),
                                        makes("s03", "requires = index:idx\n")));
    project_must(project, 1, NULL);
    run = project_must(project, 0, "status", "--json");
    json = project_json(&run);
    has_keys(json, KEYS("sgrun", "state_version", "manifest", "database", "pooler", "lease", "migrations", "indexes", "backfills", "summary", "exit"));
    T_EQ_STR(project_text(json, "database"), project->db);
    T_EQ_STR(project_text(json, "manifest"), project->manifest);
    T_EQ_INT(sg_json_int(sg_json_get(json, "state_version")), 1);
    T_FALSE(sg_json_true(sg_json_get(json, "pooler")));
    T_FALSE(sg_json_is_object(sg_json_get(json, "lease")));
    has_keys(sg_json_get(json, "summary"), KEYS("pending", "waiting", "failed"));
    for (size_t i = 0; i < 3; i++)
        has_keys(sg_json_at(sg_json_get(json, "migrations"), i),
                 KEYS("id", "state", "title", "applied_at", "duration_ms", "attempts", "waits_for", "error"));
    one = sg_json_at(sg_json_get(json, "migrations"), 0);
    T_EQ_STR(project_text(one, "state"), "applied");
    T_EQ_STR(project_text(one, "title"), "scripted s01");
    T_EQ_INT(sg_json_int(sg_json_get(one, "attempts")), 1);
    T_CONTAINS(project_text(one, "applied_at"), "T");
    one = sg_json_at(sg_json_get(json, "migrations"), 1);
    T_EQ_STR(project_text(one, "state"), "failed");
    T_EQ_STR(project_text(one, "title"), "the second");
    one = sg_json_get(one, "error");
    has_keys(one, KEYS("class", "exit", "sqlstate", "primary", "detail", "hint", "file", "line", "step", "statement"));
    T_EQ_STR(project_text(one, "class"), "plugin-failed");
    T_EQ_INT(sg_json_int(sg_json_get(one, "exit")), 1);
    T_CONTAINS(project_text(one, "primary"), "no luck");
    T_EQ_STR(project_text(one, "step"), "s02");
    T_EQ_STR(project_text(sg_json_at(sg_json_get(json, "migrations"), 2), "state"), "waiting");
    has_keys(sg_json_at(sg_json_get(json, "indexes"), 0), KEYS("name", "state", "duration_ms", "bytes", "error"));
    has_keys(sg_json_at(sg_json_get(json, "backfills"), 0),
             KEYS("key", "state", "rows_done", "rows_estimate", "rows_per_s", "seconds_left", "lanes", "batch_size", "throttle", "bad_rows", "left", "error"));
    project_must(project, 3, "status", "--exit-code");
    /* for people */
    run = project_must(project, 0, "status");
    T_CONTAINS(run.out, "no luck");
    T_CONTAINS(run.out, "waits for index:idx");
    /* while one is at work */
    project_write(project, makes("s02", "option.sleep_ms = 3000\n"));
    slow = project_start_args(project, KEYS("deploy"));
    sg_sql_await(project->sql, "SELECT count(*) FROM sgrun.lease WHERE owner IS NOT NULL", "1", 10000);
    run = project_must(project, 0, "status", "--json");
    one = sg_json_get(project_json(&run), "lease");
    has_keys(one, KEYS("owner", "since", "alive"));
    T_TRUE(sg_json_true(sg_json_get(one, "alive")));
    T_CONTAINS(project_text(one, "owner"), "@");
    T_EQ_INT(sg_run_wait(slow, 20000).exit, 0);
    run = project_must(project, 0, "status", "--json");
    json = project_json(&run);
    T_FALSE(sg_json_is_object(sg_json_get(json, "lease")));
    T_FALSE(sg_json_is_object(sg_json_get(sg_json_at(sg_json_get(json, "migrations"), 0), "error")));
}

/* "id verified recorded" lines. */
static const char *verified(const struct sg_run_result *run)
{
    struct sg_json *list = sg_json_get(project_json(run), "migrations");
    const char *text = "";

    for (size_t i = 0; i < sg_json_count(list); i++)
        text = sg_test_strf("%s%s%s %s %s", text, i > 0 ? "\n" : "", project_text(sg_json_at(list, i), "id"),
                            project_text(sg_json_at(list, i), "verified"), project_text(sg_json_at(list, i), "recorded"));
    return text;
}

SG_TEST(verify_names_what_has_drifted)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s%s", makes("s04", "superseded_by = s03\n"), makes("s01", ""), makes("s02", ""), makes("s03", "")));
    project_must(project, 0, NULL);
    run = project_must(project, 0, "verify", "--json");
    T_EQ_STR(verified(&run), "s01 holds applied\ns02 holds applied\ns03 holds applied");
    sg_sql_exec(project->sql, "DROP TABLE made_by_s02");
    run = project_must(project, 8, "verify", "--json");
    T_EQ_STR(verified(&run), "s01 holds applied\ns02 drift applied\ns03 holds applied");
    run = project_must(project, 8, "verify");
    T_CONTAINS(run.out, "s02");
    T_LACKS(run.out, "s01");
    /* a run is not put out by it: what is recorded is done */
    project_must(project, 0, NULL);
    /* one cannot be asked: its plugin is gone; another's question fails */
    project_write(project, sg_test_strf("%s[migration s02]\nplugin = elsewhere\n[migration s03]\nplugin = s03\noption.fingerprint = SELECT 1 WHERE 1 / 0 = 1\n", makes("s01", "")));
    run = project_must(project, 6, "verify", "--json");
    T_EQ_STR(verified(&run), "s01 holds applied\ns02 unknown applied\ns03 unknown applied");
    /* nothing of it leaves a trace */
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.schema_migrations"), 4);
    T_EQ_STR(project_lease(project), "");
}

SG_TEST(adoption)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s%s%s%s", makes("s01", ""), makes("s02", ""), makes("s03", ""), makes("s04", "")));
    sg_sql_exec(project->sql, "CREATE TABLE made_by_s02 ()");
    /* one: only if its fingerprint holds */
    run = project_must(project, 8, "verify", "--adopt", "s01");
    T_CONTAINS(run.out, "s01");
    T_EQ_STR(project_ledger(project), "");
    project_must(project, 0, "verify", "--adopt", "s02");
    T_EQ_STR(project_ledger(project), "s02|adopted");
    T_NE_STR(sg_sql_value(project->sql, "SELECT plugin_sha256 FROM sgrun.schema_migrations"), NULL);
    T_CONTAINS(project_must(project, 2, "verify", "--adopt", "s02").err, "recorded already");
    project_must(project, 2, "verify", "--adopt", "s99");
    project_must(project, 2, "verify", "--adopt-to", "s03");
    /* all up to one, with a reason; those that do not hold are told */
    run = project_must(project, 0, "verify", "--adopt-to", "s03", "--reason", "restored from the old system; it's all there", "--json");
    T_EQ_STR(verified(&run), "s01 drift adopted\ns03 drift adopted");
    T_EQ_STR(project_ledger(project), "s01|adopted\ns02|adopted\ns03|adopted");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT DISTINCT reason FROM sgrun.schema_migrations WHERE id <> 's02'"), "restored from the old system; it's all there");
    T_EQ_STR(project_lease(project), "");
    /* nothing of them is ever run; what comes after is */
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|adopted\ns02|adopted\ns03|adopted\ns04|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT relname FROM pg_class WHERE relname LIKE 'made_by%' ORDER BY 1"), "made_by_s02\nmade_by_s04");
    T_CONTAINS(project_must(project, 0, "status").out, "restored from the old system");
    run = project_must(project, 8, "verify", "--json");
    T_EQ_STR(verified(&run), "s01 drift adopted\ns02 holds adopted\ns03 drift adopted\ns04 holds applied");
}

/* Adoption changes the ledger: not while another runner is at work. */
SG_TEST(adoption_takes_the_lease)
{
    struct project *project = project_new(NULL, NULL);
    struct sg_run *slow;

    project_write(project, makes("s01", "option.sleep_ms = 2500\n"));
    slow = project_start_args(project, KEYS("deploy"));
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_class WHERE relname = 'lease'", "1", 10000);
    sg_sql_await(project->sql, "SELECT count(*) FROM sgrun.lease WHERE owner IS NOT NULL", "1", 10000);
    T_CONTAINS(project_must(project, 4, "verify", "--adopt-to", "s01", "--reason", "x").err, "another runner");
    T_CONTAINS(project_must(project, 2, "verify", "--adopt", "s01", "--wait", "20").err, "recorded already");
    T_EQ_INT(sg_run_wait(slow, 20000).exit, 0);
    T_EQ_STR(project_ledger(project), "s01|applied");
}

static const struct sg_test tests[] = {SG_CASE(each_action_of_a_plan),
                                       SG_CASE(a_plan_for_an_empty_database_makes_nothing),
                                       SG_CASE(a_plan_is_not_stopped_by_what_is_still_to_come),
                                       SG_CASE(the_keys_of_status),
                                       SG_CASE(verify_names_what_has_drifted),
                                       SG_CASE(adoption),
                                       SG_CASE(adoption_takes_the_lease),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"reports", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
