/*
 * What an operator is told of indexes, and when: limits hold whatever is waited for, a stop is obeyed whatever is going on, and
 * what was found wrong is found again in status.
 */
#include "config.h"

#include "tests/db/project.h"

#include <signal.h>
#include <string.h>

/* A table t of 200 rows, 20 of each a. */
static struct project *table(void)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, "CREATE TABLE t (id int PRIMARY KEY, a int, b text);"
                              "INSERT INTO t SELECT g, g % 10, 'x' || g FROM generate_series(1, 200) g");
    return project;
}

static const char *there(struct project *project, const char *name)
{
    const char *text = sg_sql_value(project->sql,
                                    sg_test_strf("SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index"
                                                 " WHERE indexrelid = to_regclass('%s')",
                                                 name));

    return text != NULL ? text : "missing";
}

/* Of one index, in the JSON of a run or of status. */
static struct sg_json *of(const struct sg_run_result *run, const char *name)
{
    struct sg_json *indexes = sg_json_get(project_json(run), "indexes");

    for (size_t i = 0; i < sg_json_count(indexes); i++)
        if (strcmp(project_text(sg_json_at(indexes, i), "name"), name) == 0)
            return sg_json_at(indexes, i);
    T_FATAL("nothing is said of %s:\n%s", name, run->out);
}

/* A look at a table that is locked whole waits, too: that counts. */
SG_TEST(lock_seconds_count_what_a_look_waits)
{
    struct project *project = table();
    struct sg_sql *holder = sg_sql_hold(project->conninfo, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    int64_t began = sg_test_now_ms();
    struct sg_run_result run;

    project_write(project, "[index i]\ntable = t\ncolumns = a\nlock_seconds = 4\n");
    run = project_must(project, 0, "index");
    T_LT_INT(sg_test_now_ms() - began, 11000);
    T_CONTAINS(run.out, "lock_seconds (4 s)");
    sg_sql_close(holder);
}

/* A reader keeps the invalid index of a failed build from being dropped: whoever says stop meanwhile need not wait for the reader. */
SG_TEST(a_stop_is_obeyed_while_a_failed_build_is_cleaned_up)
{
    struct project *project = table();
    struct sg_sql *reader = sg_sql_hold(project->conninfo, "SELECT count(*) FROM t");
    struct sg_run_result result;
    struct sg_run *run;
    int64_t began;

    project_write(project, "[index i]\ntable = t\ncolumns = a\nunique = yes\n");
    run = project_start_args(project, (const char *const[]){"index", NULL});
    sg_run_await(run, "drops the invalid index i", 20000);
    began = sg_test_now_ms();
    sg_run_signal(run, SIGTERM);
    result = sg_run_wait(run, 30000);
    T_LT_INT(sg_test_now_ms() - began, 25000); /* the reader never ends */
    T_EQ_INT(result.exit, 128 + SIGTERM);
    T_LACKS(result.err, "killed");
    T_CONTAINS(result.out, "an invalid index is left behind");
    T_CONTAINS(result.out, "23505");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND NOT indisvalid"), 1);
    sg_sql_close(reader);
}

/* Valid from an earlier run, and its section is refused now: what requires it waits, and status says why. */
SG_TEST(a_refused_section_keeps_its_gates_shut)
{
    struct project *project = table();
    struct sg_run_result run;

    project_write(project, "[index i]\ntable = t\ncolumns = a\n");
    (void)project_must(project, 0, "index", "--strict");
    project_write(project, "[index i]\ntable = t\ncolumns = max(a)\n[index k]\ntable = t\ncolumns = b\nrequires = index:i\n");
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(project_text(of(&run, "i"), "end"), "refused");
    T_EQ_STR(project_text(of(&run, "k"), "end"), "waiting");
    T_EQ_STR(there(project, "k"), "missing");
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(of(&run, "i"), "state"), "refused");
    T_CONTAINS(project_text(sg_json_get(of(&run, "i"), "error"), "primary"), "max()");
    T_EQ_STR(project_text(of(&run, "k"), "state"), "waiting");
    (void)project_must(project, 3, "status", "--exit-code");
    run = project_must(project, 0, "plan");
    T_CONTAINS(run.out, "its section is refused");
}

/* What a look finds wrong for good is no news to status afterwards; once it is mended it is built. */
SG_TEST(what_a_look_settles_is_noted)
{
    struct project *project = table();
    struct sg_run_result run;

    project_write(project, "[index i]\ntable = t\ncolumns = nothing\n[index k]\ntable = t\ncolumns = b\n[index n]\ntable = nowhere\ncolumns = a\n");
    (void)project_must(project, 0, "index");
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(of(&run, "i"), "state"), "failed");
    T_EQ_STR(project_text(sg_json_get(of(&run, "i"), "error"), "sqlstate"), "42703");
    T_EQ_STR(project_text(of(&run, "k"), "state"), "valid");
    T_EQ_STR(project_text(of(&run, "n"), "state"), "failed");
    T_EQ_STR(project_text(sg_json_get(of(&run, "n"), "error"), "sqlstate"), "42P01");
    sg_sql_exec(project->sql, "ALTER TABLE t ADD COLUMN nothing int; CREATE TABLE nowhere (a int)");
    (void)project_must(project, 0, "index", "--strict");
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(of(&run, "i"), "state"), "valid");
    T_EQ_STR(project_text(of(&run, "n"), "state"), "valid");
}

static const struct sg_test tests[] = {SG_CASE(lock_seconds_count_what_a_look_waits),
                                       SG_CASE(a_stop_is_obeyed_while_a_failed_build_is_cleaned_up),
                                       SG_CASE(a_refused_section_keeps_its_gates_shut),
                                       SG_CASE(what_a_look_settles_is_noted),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"index_told", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
