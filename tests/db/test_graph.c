/*
 * The order that `plan --graph` tells is the order in which `deploy` does it, whatever needs what.
 */
#include "config.h"

#include "tests/db/project.h"

#include <stdio.h>
#include <string.h>

#define STEPS 12
#define MANIFESTS 3

struct made {
    const char *kind, *id;
};

static const char *priority(void)
{
    static const char *const lines[] = {"", "priority = HIGH\n", "priority = LOW\n"};

    return lines[sg_test_rand(3)];
}

/* The scripted backfills that want no more than these two tables. */
static const struct {
    const char *id, *batch;
} fills[] = {
    {"b01", "UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2"},  {"b02", "UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2"},
    {"b07", "UPDATE others SET n = n + 1 WHERE id BETWEEN $1 AND $2"}, {"b08", "UPDATE others SET n = n + 1 WHERE id BETWEEN $1 AND $2"},
    {"d01", "DELETE FROM items WHERE id < 0 AND $1::int > 0\nalso_writes = items"},
    {"d02", "DELETE FROM items WHERE id < 0 AND $1::int > 0\nalso_writes = items"},
};

/* Steps in the order of the file, each needing some of those before it. */
static const char *random_steps(struct made *made)
{
    const char *text = "";
    int numbers[3] = {0};

    for (int i = 0; i < STEPS; i++) {
        int kind = (int)sg_test_rand(3), number;
        const char *needs = "";

        kind = kind == 1 && numbers[1] == (int)(sizeof fills / sizeof fills[0]) ? 2 : kind;
        number = ++numbers[kind];
        for (int j = 0; j < i; j++)
            if (sg_test_rand(5) == 0)
                needs = sg_test_strf("%s %s:%s", needs, made[j].kind, made[j].id);
        needs = needs[0] != '\0' ? sg_test_strf("requires =%s\n", needs) : "";
        made[i].kind = (const char *const[]){"migration", "backfill", "index"}[kind];
        if (kind == 0) {
            made[i].id = sg_test_strf("s%02d", number);
            text = sg_test_strf("%s[migration %s]\nplugin = %s\noption.table = t_%s\noption.ddl1 = CREATE TABLE t_%s ()\n%s", text, made[i].id,
                                made[i].id, made[i].id, made[i].id, needs);
        } else if (kind == 1) {
            made[i].id = fills[number - 1].id;
            text = sg_test_strf("%s[backfill %s]\nplugin = %s\noption.batch = %s\noption.left = SELECT 1 WHERE false\n%s%s", text,
                                made[i].id, made[i].id, fills[number - 1].batch, needs, priority());
        } else {
            made[i].id = sg_test_strf("i%02d", number);
            text = sg_test_strf("%s[index %s]\ntable = others\ncolumns = n\n%s%s", text, made[i].id, needs, priority());
        }
    }
    return text;
}

/* The ids of all stages, one after the other. */
static size_t planned(struct project *project, const char **ids)
{
    struct sg_run_result run = project_must(project, 0, "plan", "--graph", "--json");
    struct sg_json *stages = sg_json_get(project_json(&run), "stages");
    size_t count = 0;

    for (size_t i = 0; i < sg_json_count(stages); i++) {
        struct sg_json *steps = sg_json_get(sg_json_at(stages, i), "steps");

        T_GT_INT(sg_json_count(steps), 0);
        for (size_t j = 0; j < sg_json_count(steps) && count < STEPS; j++)
            ids[count++] = sg_json_text(sg_json_at(steps, j));
    }
    return count;
}

static void one_manifest(struct sg_server *server)
{
    struct project *project = project_new(server, NULL);
    struct made made[STEPS];
    const char *ids[STEPS], *at, *steps = random_steps(made);
    struct sg_run_result run;

    project->policy = "retry_base_ms = 20\n[backfills]\npass_pause_seconds = 0\n";
    sg_sql_exec(project->sql, "CREATE TABLE others (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);"
                              "INSERT INTO others SELECT g FROM generate_series(1, 100) g; CREATE TABLE items (LIKE others INCLUDING ALL)");
    project_write(project, steps);
    T_MUST_EQ_INT(planned(project, ids), STEPS);
    run = project_must(project, 0, "deploy", "--strict");
    at = run.out;
    for (int i = 0; i < STEPS; i++) {
        const char *line = strstr(at, sg_test_strf(" %s ", ids[i]));

        if (line == NULL)
            T_FATAL("%s is told by the graph as number %d, and was not done then:\n%s\n%s", ids[i], i + 1, run.out, steps);
        at = line + 1;
    }
    T_EQ_INT(planned(project, ids), 0);
    run = project_must(project, 0, "plan", "--graph");
    T_CONTAINS(run.out, "Nothing to do.");
    run = project_must(project, 0, "plan", "--graph=dot");
    T_CONTAINS(run.out, "digraph sgrun {");
    T_CONTAINS(run.out, "done already:");
}

SG_TEST(deploy_comes_to_them_in_that_order)
{
    for (int i = 0; i < (sg_test_full() ? 10 * MANIFESTS : MANIFESTS); i++)
        one_manifest(sg_server_shared());
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(deploy_comes_to_them_in_that_order, 300), SG_CASES_END};
static const struct sg_suite suites[] = {{"graph", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
