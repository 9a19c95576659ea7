/*
 * Indexes from the command line, end to end: what people are shown on a terminal and elsewhere, what scripts get, which exit status it
 * ends with. What a build does in each case is others' to show.
 */
#include "config.h"

#include "core/base/text.h"
#include "tests/db/project.h"

#include <signal.h>
#include <string.h>

#define IDX_A "[index idx_a]\ntable = a\ncolumns = n\n"
#define IDX_B "[index idx_b]\ntable = b\ncolumns = n, id DESC\n"
#define UQ_B "[index uq_b]\ntable = b\ncolumns = n\nunique = yes\n"

/* Tables a and b (id int PRIMARY KEY, n int), with some rows; n is unique in a. */
static struct project *with_tables(const char *sections)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, "CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int);"
                              "INSERT INTO a SELECT i, i FROM generate_series(1, 2000) i;"
                              "INSERT INTO b SELECT i, i / 2 FROM generate_series(1, 2000) i; ANALYZE");
    project_write(project, sections);
    return project;
}

static struct sg_json *named(const struct sg_run_result *run, const char *name)
{
    struct sg_json *list = sg_json_get(project_json(run), "indexes");

    for (size_t i = 0; i < sg_json_count(list); i++)
        if (strcmp(project_text(sg_json_at(list, i), "name"), name) == 0)
            return sg_json_at(list, i);
    T_FATAL("there is no index %s in: %s", name, run->out);
    return NULL;
}

static long long number(const struct sg_json *object, const char *key)
{
    T_NOT_NULL(sg_json_get(object, key));
    return (long long)sg_json_int(sg_json_get(object, key));
}

/* "name|valid" of the indexes that are no primary keys, by name. */
static const char *indexes(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                                     " WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisprimary ORDER BY 1");
}

/* A snapshot that every build in this database waits for, until it is closed. */
static struct sg_sql *snapshot(struct project *project)
{
    struct sg_sql *sql = sg_sql_open(project->conninfo);

    sg_sql_exec(sql, "SET application_name = 'report'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    return sql;
}

/* On a terminal of 120 columns. */
static struct sg_run *start_on_terminal(struct project *project, const char *const *args)
{
    const char *argv[16] = { sg_test_built("sgrun"), "--manifest", project->manifest }, *env[66] = { "TERM=xterm" };
    int n = 3, k = 1;

    for (; *args != NULL && n < 15; args++)
        argv[n++] = *args;
    for (size_t i = 0; project->env[i] != NULL && k < 65; i++)
        env[k++] = project->env[i];
    return sg_run_start(&(struct sg_run_opts){ .argv = argv, .env = env, .drop = project->drop, .tty = true });
}
#define ON_TERMINAL(project, ...) start_on_terminal(project, (const char *const[]){ __VA_ARGS__, NULL })
#define START(project, ...) project_start_args(project, (const char *const[]){ __VA_ARGS__, NULL })

static struct sg_run_result ends_at(struct sg_here here, struct sg_run *run, int exit)
{
    struct sg_run_result result = sg_run_wait(run, 60000);

    sg_test_int(here, false, "exit status", "==", "expected", result.exit, exit);
    if (result.exit != exit)
        sg_test_check(here, false, false, "it said: %s%s", result.out, result.err);
    return result;
}
#define ENDS(run, exit) ends_at(SG_HERE_, run, exit)

/* The last line of what was said. */
static const char *last_line(const char *text)
{
    size_t end = strlen(text), start;

    while (end > 0 && text[end - 1] == '\n')
        end--;
    for (start = end; start > 0 && text[start - 1] != '\n'; start--)
        ;
    return sg_test_strf("%.*s", (int)(end - start), text + start);
}

/* ---- what is said --------------------------------------------------------------- */

SG_TEST(from_nothing_to_valid)
{
    struct project *project = with_tables(IDX_A IDX_B);
    struct sg_run_result run = project_must(project, 0, "index", "--jobs", "2");

    T_CONTAINS(run.out, "  built       idx_a");
    T_CONTAINS(run.out, "  built       idx_b");
    T_CONTAINS(run.out, " kB\n");
    T_CONTAINS(run.out, "\n2 built (");
    T_LACKS(run.out, "\033");
    T_EQ_STR(indexes(project), "idx_a|t\nidx_b|t");
    run = project_must(project, 0, "index", "--strict");
    T_CONTAINS(run.out, "Up to date: 2 indexes already valid, ");
    T_LACKS(run.out, "idx_a");
    T_CONTAINS(project_must(project, 0, "index", "--verbose").out, "  valid       idx_a");
    run = project_must(project, 0, "deploy", "--strict");
    T_CONTAINS(run.out, "Indexes: 2 already valid, ");
    run = project_must(project, 0, "status", "--exit-code");
    T_CONTAINS(run.out, "  idx_a      valid  ");
    T_CONTAINS(run.out, "Nothing is left to do.");
    run = project_must(project, 0, "plan");
    T_CONTAINS(run.out, "  SKIP        2 indexes already valid\n");
    T_CONTAINS(run.out, "Nothing to do: 2 already valid.\n");
}

SG_TEST(nothing_is_listed)
{
    struct project *project = project_new(NULL, NULL);

    project_one(project, "s01", "CREATE TABLE t ()");
    T_EQ_STR(project_must(project, 0, "index").out, "The manifest lists no indexes.\n");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_namespace WHERE nspname = 'sgrun'"), 0);
}

SG_TEST(as_json)
{
    static const char *const keys[] = { "name", "state", "duration_ms", "bytes", "error", "end", "build_ms", "attempts", "rebuilt",
                                        "invalid_left", "partitions", "critical", "waits_for", "note" };
    struct project *project = with_tables(IDX_A IDX_B);
    struct sg_run_result run = project_must(project, 0, "index", "--only", "idx_a", "--json");
    struct sg_json *one = named(&run, "idx_a");

    for (size_t i = 0; i < SG_COUNT(keys); i++)
        T_NOT_NULL(sg_json_get(one, keys[i]));
    T_EQ_STR(project_text(project_json(&run), "command"), "index");
    T_EQ_INT(sg_json_count(sg_json_get(project_json(&run), "indexes")), 1);
    T_EQ_STR(project_text(one, "state"), "valid");
    T_EQ_STR(project_text(one, "end"), "built");
    T_EQ_INT(number(one, "bytes"), sg_sql_int(project->sql, "SELECT pg_relation_size('idx_a')"));
    T_EQ_INT(number(one, "attempts"), 1);
    T_GE_INT(number(one, "duration_ms"), number(one, "build_ms"));
    T_EQ_INT(number(sg_json_get(project_json(&run), "index_summary"), "built"), 1);
    T_EQ_INT(number(project_json(&run), "exit"), 0);
    T_CONTAINS(run.err, "idx_a: built after ");
    T_EQ_STR(indexes(project), "idx_a|t");
    /* deploy has the same, beside its migrations; status agrees */
    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(project_text(named(&run, "idx_a"), "end"), "already");
    T_EQ_STR(project_text(named(&run, "idx_b"), "end"), "built");
    T_TRUE(sg_json_is_array(sg_json_get(project_json(&run), "migrations")));
    run = project_must(project, 0, "status", "--json");
    one = named(&run, "idx_b");
    T_EQ_STR(project_text(one, "state"), "valid");
    T_GT_INT(number(one, "bytes"), 0);
    T_GE_INT(number(one, "duration_ms"), 0);
    T_EQ_INT(number(sg_json_get(project_json(&run), "summary"), "pending"), 0);
}

SG_TEST(quiet_says_the_sums_alone)
{
    struct project *project = with_tables(IDX_A UQ_B "critical = yes\n");
    struct sg_run_result run = project_must(project, 0, "index", "--quiet");

    T_LACKS(run.out, "  built       idx_a");
    T_CONTAINS(run.out, "1 built (");
    T_CONTAINS(run.out, "uq_b failed");
    T_CONTAINS(last_line(run.out), "CRITICAL: the index uq_b failed: ");
    T_LACKS(run.err, "idx_a");
}

/* Elsewhere than on a terminal: after 1 s, after 2 s, when the wait has lasted 5 s; and at the end for whom it was. */
SG_TEST(lines_of_the_log_while_it_waits)
{
    struct project *project = with_tables(IDX_A);
    struct sg_sql *other = snapshot(project);
    const char *whom = sg_test_strf("waiting for old snapshots: pid %d (report, ", sg_sql_pid(other));
    struct sg_run *run = START(project, "index");
    struct sg_run_result result;

    sg_run_await(run, whom, 20000);
    sg_test_sleep_ms(6000);
    sg_sql_close(other);
    result = ENDS(run, 0);
    /* or a second later, where a process stands still for a while */
    T_TRUE(strstr(result.err, ", 1 s so far\n") != NULL || strstr(result.err, ", 2 s so far\n") != NULL);
    T_TRUE(strstr(result.err, ", 5 s so far\n") != NULL || strstr(result.err, ", 6 s so far\n") != NULL);
    T_CONTAINS(result.out, "  built       idx_a");
    T_CONTAINS(result.out, "s for others, last for pid ");
    T_EQ_STR(indexes(project), "idx_a|t");
}

/* No line at the bottom is wider than the terminal, or fills it. */
static void fits(const char *out)
{
    size_t lines = 0;

    for (const char *at = out; (at = strstr(at, "\r\033[K")) != NULL;) {
        struct sg_buf line = SG_BUF_INIT;

        at += strlen("\r\033[K");
        for (; *at != '\0' && *at != '\r' && *at != '\n'; at++)
            if (*at == '\033')
                at += strcspn(at, "m");
            else
                sg_buf_addc(&line, *at);
        if (*at == '\r') { /* the others are lines of the result and of the log */
            T_LT_INT(sg_text_chars(line.data, line.length), 120);
            lines += line.length > 0;
        }
        sg_buf_release(&line);
    }
    T_GT_INT(lines, 3);
}

SG_TEST(a_terminal_is_shown_who_is_waited_for)
{
    struct project *project = with_tables(IDX_A IDX_B);
    struct sg_sql *other = snapshot(project);
    struct sg_run *run = ON_TERMINAL(project, "index", "--jobs", "2", "--no-color");
    struct sg_run_result result;

    sg_run_await(run, sg_test_strf("waiting for old snapshots: pid %d (report, ", sg_sql_pid(other)), 20000);
    sg_test_sleep_ms(1500);
    sg_sql_close(other);
    result = ENDS(run, 0);
    T_CONTAINS(result.out, "\r\033[K  idx_");
    T_TRUE(strstr(result.out, "  +1 more") != NULL || strstr(result.out, "  + idx_b waits") != NULL || strstr(result.out, "  + idx_a waits") != NULL);
    T_CONTAINS(result.out, "\r\033[K  built       idx_a");
    T_CONTAINS(result.out, "  built       idx_b");
    T_LACKS(result.out, "so far\r"); /* no lines of the log beside it */
    fits(result.out);
    T_EQ_STR(indexes(project), "idx_a|t\nidx_b|t");
}

SG_TEST(status_shows_a_build)
{
    struct project *project = with_tables(IDX_A);
    struct sg_sql *other = snapshot(project);
    const char *whom = sg_test_strf("pid %d (report, ", sg_sql_pid(other));
    struct sg_run *run = START(project, "index");
    struct sg_run_result asked;
    struct sg_json *progress;

    sg_run_await(run, whom, 20000);
    asked = project_must(project, 0, "status");
    T_CONTAINS(asked.out, "  idx_a      building");
    T_CONTAINS(asked.out, sg_test_strf("waiting for old snapshots: %s", whom));
    T_CONTAINS(asked.out, "; by ");
    asked = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(named(&asked, "idx_a"), "state"), "building");
    T_NE_STR(project_text(named(&asked, "idx_a"), "owner"), "");
    progress = sg_json_get(named(&asked, "idx_a"), "progress");
    T_EQ_STR(project_text(progress, "phase"), "waiting for old snapshots");
    T_CONTAINS(project_text(progress, "blocked_by"), whom);
    project_must(project, 3, "status", "--exit-code");
    sg_sql_close(other);
    (void)ENDS(run, 0);
    T_EQ_STR(indexes(project), "idx_a|t");
}

/* ---- what was asked for, and how it ends ------------------------------------------ */

SG_TEST(an_unknown_name)
{
    struct project *project = with_tables(IDX_A IDX_B);
    struct sg_run_result run = project_must(project, 2, "index", "--only", "idx_c");

    T_CONTAINS(run.err, "--only: the manifest has no index 'idx_c'");
    T_CONTAINS(run.err, "Did you mean 'idx_");
    run = project_must(project, 2, "index", "--only", "idx_aa", "--json");
    T_EQ_STR(project_text(project_error(&run), "class"), "usage");
    T_CONTAINS(project_text(project_error(&run), "hint"), "idx_a");
    T_CONTAINS(project_must(project, 2, "index", "--drop-unlisted").err, "unknown option '--drop-unlisted'");
    project_must(project, 2, "index", "--all", "--only", "idx_a");
    T_EQ_STR(indexes(project), "");
    project_must(project, 0, "index", "--only", "idx_b");
    T_EQ_STR(indexes(project), "idx_b|t");
}

SG_TEST(duplicates_are_named_and_change_no_exit_status)
{
    struct project *project = with_tables(IDX_A UQ_B);
    struct sg_run_result run = project_must(project, 0, "index");

    T_CONTAINS(run.out, "  FAILED      uq_b");
    T_CONTAINS(run.out, "uq_b failed; nothing of it is left behind.");
    T_CONTAINS(run.out, "SQLSTATE 23505");
    T_CONTAINS(run.out, "1 built (");
    T_CONTAINS(run.out, "1 failed (");
    T_CONTAINS(run.out, sg_test_strf("Once that is mended: sgrun --manifest %s index --only uq_b\n", project->manifest));
    T_LACKS(run.out, "CRITICAL");
    T_EQ_STR(indexes(project), "idx_a|t");
    project_must(project, 3, "index", "--strict");
    project_must(project, 0, "deploy");
    project_must(project, 3, "deploy", "--strict");
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(project_text(named(&run, "uq_b"), "state"), "failed");
    T_EQ_STR(project_text(sg_json_get(named(&run, "uq_b"), "error"), "sqlstate"), "23505");
    T_CONTAINS(project_text(sg_json_get(named(&run, "uq_b"), "error"), "detail"), "2");
    T_CONTAINS(project_must(project, 3, "status", "--exit-code").out, "23505");
    T_EQ_STR(indexes(project), "idx_a|t");
}

/* What must not be overlooked is the last thing that is said, in red on a terminal; also after the backfills of a deploy. */
SG_TEST(critical_ones_are_repeated_at_the_very_end)
{
    static const char *const commands[] = { "index", "deploy" };
    struct project *project = with_tables("[migration s01]\nplugin = s01\noption.table = t\noption.ddl1 = CREATE TABLE t (id int PRIMARY KEY, n int)\n"
                                          UQ_B "critical = yes\n"
                                          "[backfill b01]\nplugin = b01\nmigration = s01\n"
                                          "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
                                          "option.left = SELECT 1 FROM items WHERE n < 1\n");
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO items SELECT generate_series(1, 10)");
    for (size_t i = 0; i < SG_COUNT(commands); i++) {
        run = project_must(project, 0, commands[i]);
        T_CONTAINS(last_line(run.out), "CRITICAL: the index uq_b failed: ");
        T_CONTAINS(last_line(run.out), "(SQLSTATE 23505)");
        run = ENDS(ON_TERMINAL(project, commands[i]), 0);
        T_CONTAINS(last_line(run.out), "\033[1;31mCRITICAL: the index uq_b failed: ");
    }
    T_CONTAINS(project_must(project, 0, "deploy").out, "Backfills: 1 already complete.\n");
}

SG_TEST(one_that_has_drifted_is_left_alone)
{
    struct project *project = with_tables(IDX_A IDX_B);
    const char *node = "SELECT pg_relation_filenode('idx_a')";
    struct sg_run_result run;
    long long before;

    sg_sql_exec(project->sql, "CREATE INDEX idx_a ON a (id, n)");
    before = sg_sql_int(project->sql, node);
    run = project_must(project, 0, "index");
    T_CONTAINS(run.out, "  drifted     idx_a");
    T_CONTAINS(run.out, "idx_a has drifted; it was left as it is.\n");
    T_CONTAINS(run.out, "(id, n)");
    T_CONTAINS(run.out, "(n)");
    T_CONTAINS(run.out, "), 1 drifted (");
    project_must(project, 3, "index", "--strict");
    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(project_text(named(&run, "idx_a"), "state"), "drifted");
    run = project_must(project, 0, "plan");
    T_CONTAINS(run.out, "  DRIFTED     index idx_a");
    T_CONTAINS(run.out, "1 drifted, 1 already valid. Nothing was changed.\n");
    run = project_must(project, 3, "status", "--exit-code");
    T_CONTAINS(run.out, "  idx_a      drifted");
    T_CONTAINS(run.out, "nothing was changed (verification)\n");
    T_CONTAINS(run.out, "(id, n)");
    T_EQ_INT(sg_sql_int(project->sql, node), before);
}

SG_TEST(one_that_waits)
{
    struct project *project = with_tables("[migration s01]\nplugin = s01\noption.table = t\noption.ddl1 = CREATE TABLE t (n int)\n"
                                          "[index idx_t]\ntable = t\ncolumns = n\nmigration = s01\n" IDX_A);
    struct sg_run_result run = project_must(project, 0, "index");

    T_CONTAINS(run.out, "  waits       idx_t");
    T_CONTAINS(run.out, "idx_t waits for migration:s01");
    T_CONTAINS(run.out, "1 waiting (");
    project_must(project, 3, "index", "--strict");
    run = project_must(project, 0, "index", "--json");
    T_EQ_STR(project_text(named(&run, "idx_t"), "state"), "waiting");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(named(&run, "idx_t"), "waits_for"), 0)), "migration:s01");
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(named(&run, "idx_t"), "state"), "waiting");
    T_CONTAINS(project_must(project, 0, "plan").out, "  BUILD?      index idx_t");
    project_must(project, 0, "deploy", "--only-phase", "migrate");
    T_EQ_STR(indexes(project), "idx_a|t");
    T_CONTAINS(project_must(project, 0, "plan").out, "  BUILD       index idx_t");
    run = project_must(project, 0, "deploy", "--only-phase", "index");
    T_CONTAINS(run.out, "Indexes: 1 built (");
    T_LACKS(run.out, "recorded");
    T_EQ_STR(indexes(project), "idx_a|t\nidx_t|t");
}

SG_TEST(a_refused_section_counts_only_with_strict)
{
    struct project *project = with_tables(IDX_A "[index idx_bad]\ntable = b\ncolumns = n; DROP TABLE b\n");
    struct sg_run_result run = project_must(project, 0, "index");

    T_CONTAINS(run.out, "  REFUSED     idx_bad");
    T_CONTAINS(run.out, "idx_bad was refused, and not looked at.");
    T_CONTAINS(run.out, "  built       idx_a");
    project_must(project, 6, "index", "--strict");
    project_must(project, 0, "deploy");
    project_must(project, 6, "deploy", "--strict");
    run = project_must(project, 0, "plan");
    T_CONTAINS(run.out, "  REFUSED     index idx_bad");
    T_CONTAINS(project_must(project, 6, "check").err, "idx_bad");
    T_EQ_STR(indexes(project), "idx_a|t");
}

/* The limit is ours, and so is the clean-up. */
SG_TEST(it_waits_no_longer_than_it_may)
{
    struct project *project = with_tables(IDX_A);
    struct sg_sql *other = snapshot(project);
    struct sg_run_result run = project_must(project, 3, "index", "--strict", "--set", "indexes.lock_seconds=1");

    T_CONTAINS(run.out, "  FAILED      idx_a");
    T_CONTAINS(run.out, sg_test_strf("pid %d (report, ", sg_sql_pid(other)));
    sg_sql_close(other);
    T_LACKS(indexes(project), "|f");
    project_must(project, 0, "index", "--strict");
    T_EQ_STR(indexes(project), "idx_a|t");
}

SG_TEST(stopped_by_a_signal_it_says_how_to_go_on)
{
    static const struct { int signal, exit; } cases[] = { { SIGINT, 130 }, { SIGTERM, 143 } };

    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        struct project *project = with_tables(IDX_A);
        struct sg_sql *other = snapshot(project);
        struct sg_run *run = START(project, "index");
        struct sg_run_result result;

        sg_run_await(run, "waiting for old snapshots", 20000);
        sg_run_signal(run, cases[i].signal);
        result = ENDS(run, cases[i].exit);
        T_CONTAINS(result.out, "  stopped     idx_a");
        T_CONTAINS(result.out, "idx_a was stopped");
        T_CONTAINS(result.out, sg_test_strf("To go on: sgrun --manifest %s index --only idx_a\n", project->manifest));
        T_LT_INT(result.ms, 20000);
        if (strstr(result.out, "an invalid index is left behind") == NULL)
            T_EQ_STR(indexes(project), "");
        sg_sql_close(other);
        project_must(project, 0, "index", "--strict");
        T_EQ_STR(indexes(project), "idx_a|t");
    }
}

SG_TEST(the_server_cannot_be_reached)
{
    struct project *project = with_tables(IDX_A);

    project->dsn = "host=/tmp/sgrun-nowhere dbname=x";
    project->policy = "max_retries = 1\nretry_base_ms = 10\n";
    project_set(project, "SGTEST_DSN", project->dsn);
    project_write(project, IDX_A);
    project_must(project, 5, "index");
}

static const struct sg_test tests[] = {
    SG_CASE(from_nothing_to_valid), SG_CASE(nothing_is_listed), SG_CASE(as_json), SG_CASE(quiet_says_the_sums_alone),
    SG_CASE(lines_of_the_log_while_it_waits), SG_CASE(a_terminal_is_shown_who_is_waited_for), SG_CASE(status_shows_a_build),
    SG_CASE(an_unknown_name), SG_CASE(duplicates_are_named_and_change_no_exit_status),
    SG_CASE(critical_ones_are_repeated_at_the_very_end), SG_CASE(one_that_has_drifted_is_left_alone), SG_CASE(one_that_waits),
    SG_CASE(a_refused_section_counts_only_with_strict), SG_CASE(it_waits_no_longer_than_it_may),
    SG_CASE(stopped_by_a_signal_it_says_how_to_go_on), SG_CASE(the_server_cannot_be_reached), SG_CASES_END
};
static const struct sg_suite suites[] = { { "index cli", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
