/*
 * Backfills from the command line, end to end: what people are shown on a terminal and elsewhere, what scripts get, which exit status
 * it ends with, and what --pause, --resume, --retry and --again answer. How a batch is done is others' to show.
 */
#include "config.h"

#include "tests/db/fills.h"

#include <signal.h>
#include <string.h>

/* So slow that a run can be watched: ROWS / 10 batches of some 50 ms. */
#define SLOW FILL_ONE "batch_size = 10\noption.sleep_ms = 50\n"

static struct sg_json *first(const struct sg_run_result *run)
{
    struct sg_json *list = sg_json_get(project_json(run), "backfills");

    T_MUST(sg_json_count(list) > 0);
    return sg_json_at(list, 0);
}

static long long number(const struct sg_json *object, const char *key)
{
    T_NOT_NULL(sg_json_get(object, key));
    return (long long)sg_json_int(sg_json_get(object, key));
}

/* On a terminal of 120 columns. */
static struct sg_run_result on_terminal(struct project *project, const char *const *args)
{
    const char *argv[16] = { sg_test_built("sgrun"), "--manifest", project->manifest }, *env[66] = { "TERM=xterm" };
    int n = 3, k = 1;

    for (; *args != NULL && n < 15; args++)
        argv[n++] = *args;
    for (size_t i = 0; project->env[i] != NULL && k < 65; i++)
        env[k++] = project->env[i];
    return sg_run(&(struct sg_run_opts){ .argv = argv, .env = env, .drop = project->drop, .tty = true });
}
#define ON_TERMINAL(project, ...) on_terminal(project, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- what is said --------------------------------------------------------------- */

SG_TEST(from_nothing_to_complete)
{
    struct project *project = fill_new(1000);
    struct sg_run_result run;

    fill_write(project, "b01", FILL_ONE);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  complete    b01");
    T_CONTAINS(run.out, "  1,000 rows");
    T_CONTAINS(run.out, "\n1 complete (");
    T_LACKS(run.out, "\033");
    fill_complete(project, "b01", 1000);
    run = project_must(project, 0, "backfill", "--strict");
    T_CONTAINS(run.out, "Up to date: 1 backfill already complete (");
    run = project_must(project, 0, "deploy");
    T_CONTAINS(run.out, "Backfills: 1 already complete.\n");
    T_EQ_STR(fill_counts(project), "1|1000");
}

SG_TEST(nothing_is_listed)
{
    struct project *project = project_new(NULL, NULL);

    project_one(project, "s01", "CREATE TABLE a ()");
    T_EQ_STR(project_must(project, 0, "backfill").out, "The manifest lists no backfills.\n");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_namespace WHERE nspname = 'sgrun'"), 0);
}

SG_TEST(as_json)
{
    static const char *const keys[] = { "key", "state", "rows_done", "rows_estimate", "rows_per_s", "seconds_left", "lanes", "batch_size",
                                        "throttle", "bad_rows", "left", "error", "end", "duration_ms", "rows", "changed" };
    struct project *project = fill_new(1000);
    struct sg_run_result run;
    struct sg_json *one;

    fill_write(project, "b01", FILL_ONE);
    run = project_must(project, 0, "backfill", "--only", "b01", "--json");
    one = first(&run);
    for (size_t i = 0; i < SG_COUNT(keys); i++)
        T_NOT_NULL(sg_json_get(one, keys[i]));
    T_EQ_STR(project_text(project_json(&run), "command"), "backfill");
    T_EQ_STR(project_text(one, "state"), "complete");
    T_EQ_STR(project_text(one, "end"), "complete");
    T_EQ_INT(number(one, "rows"), 1000);
    T_EQ_INT(number(one, "changed"), 1000);
    T_EQ_INT(number(one, "rows_done"), 1000);
    T_EQ_INT(number(one, "left"), 0);
    T_EQ_INT(number(project_json(&run), "exit"), 0);
    T_CONTAINS(run.err, "b01: complete after ");
    /* deploy has the same, beside its migrations; status agrees */
    run = project_must(project, 0, "deploy", "--json");
    T_EQ_STR(project_text(first(&run), "end"), "already");
    T_TRUE(sg_json_is_array(sg_json_get(project_json(&run), "migrations")));
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(first(&run), "state"), "complete");
    T_EQ_INT(number(first(&run), "rows_done"), 1000);
    T_EQ_INT(number(sg_json_get(project_json(&run), "summary"), "pending"), 0);
}

/* Elsewhere than on a terminal: after 1 s, after 2 s. */
SG_TEST(lines_of_the_log_while_it_runs)
{
    struct project *project = fill_new(600);
    struct sg_run_result run;

    fill_write(project, "b01", SLOW);
    sg_sql_exec(project->sql, "ANALYZE items");
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.err, "sgrun: b01: ");
    T_CONTAINS(run.err, " of about 600 rows, ");
    T_CONTAINS(run.err, " rows/s, ");
    T_CONTAINS(run.err, "1 lane, batches of 10");
    T_GE_INT(run.ms, 2000);
    fill_complete(project, "b01", 600);
}

SG_TEST(the_log_for_machines)
{
    struct project *project = fill_new(400);
    struct sg_run_result run;
    int progress = 0, ended = 0;

    fill_write(project, "b01", SLOW);
    run = project_must(project, 0, "backfill", "--log-format", "json");
    for (const char *line = run.err; *line != '\0'; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n')) {
        struct sg_err err = SG_ERR_INIT;
        struct sg_json *json = sg_json_parse(line, strcspn(line, "\n"), &err);

        T_MUST_NOT_NULL(json);
        progress += strcmp(project_text(json, "event"), "progress") == 0 && strcmp(project_text(json, "step"), "b01") == 0;
        ended += strcmp(project_text(json, "event"), "ended") == 0;
        sg_json_free(json);
    }
    T_GE_INT(progress, 1);
    T_EQ_INT(ended, 1);
}

SG_TEST(a_terminal_is_shown_a_bar)
{
    struct project *project = fill_new(400);
    struct sg_run_result run;

    fill_write(project, "b01", SLOW);
    sg_sql_exec(project->sql, "ANALYZE items");
    run = ON_TERMINAL(project, "backfill", "--no-color");
    T_EQ_INT(run.exit, 0);
    T_CONTAINS(run.out, "\r\033[K  b01  [##");
    T_CONTAINS(run.out, " of ~400  ");
    T_CONTAINS(run.out, "  1 lane  batch 10");
    T_CONTAINS(run.out, "\r\033[K  complete    b01");
    T_LACKS(run.out, "of about 400"); /* no lines of the log beside it */
}

/* ---- what was asked for, and how it ends ------------------------------------------ */

SG_TEST(an_unknown_key)
{
    struct project *project = fill_new(10);
    struct sg_run_result run;

    fill_write(project, "b01", FILL_ONE);
    run = project_must(project, 2, "backfill", "--only", "b02");
    T_CONTAINS(run.err, "--only: the manifest has no backfill 'b02'");
    T_CONTAINS(run.err, "Did you mean 'b01'?");
    run = project_must(project, 2, "backfill", "--pause", "b0", "--json");
    T_EQ_STR(project_text(project_error(&run), "class"), "usage");
    T_CONTAINS(project_text(project_error(&run), "hint"), "b01");
    project_must(project, 2, "backfill", "--all", "--only", "b01");
    T_EQ_STR(fill_counts(project), "0|10");
}

SG_TEST(what_fails_is_said_and_changes_no_exit_status)
{
    struct project *project = fill_new(100);
    struct sg_run_result run;

    fill_write(project, "b01", "option.batch = UPDATE items SET m = 1 WHERE id BETWEEN $1 AND $2\n" FILL_LEFT);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  FAILED      b01");
    T_CONTAINS(run.err, "42703");
    T_CONTAINS(run.out, "b01 failed; its position is kept");
    T_CONTAINS(run.out, ": column \"m\" of relation \"items\" does not exist (sql, SQLSTATE 42703)\n");
    T_CONTAINS(run.out, sg_test_strf("Once that is mended: sgrun --manifest %s backfill --only b01\n", project->manifest));
    project_must(project, 3, "backfill", "--strict");
    project_must(project, 0, "deploy");
    project_must(project, 3, "deploy", "--strict");
    run = project_must(project, 0, "backfill", "--json");
    T_EQ_STR(project_text(first(&run), "state"), "failed");
    T_EQ_STR(project_text(sg_json_get(first(&run), "error"), "sqlstate"), "42703");
    T_CONTAINS(project_must(project, 3, "status", "--exit-code").out, "42703");
}

SG_TEST(a_refused_one_counts_only_with_strict)
{
    struct project *project = fill_new(10);
    struct sg_run_result run;

    fill_write(project, "b99", FILL_ONE);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  REFUSED     b99");
    T_CONTAINS(run.out, "b99 was refused, and not begun");
    project_must(project, 6, "backfill", "--strict");
    project_must(project, 0, "deploy");
    project_must(project, 6, "deploy", "--strict");
}

SG_TEST(one_that_waits)
{
    struct project *project = fill_new(10);
    struct sg_run_result run;

    project_write(project, "[migration s01]\nplugin = s01\noption.table = a\noption.ddl1 = CREATE TABLE a ()\n"
                           "[backfill b01]\nplugin = b01\nmigration = s01\n" FILL_ONE);
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  waits       b01  migration:s01\n");
    T_CONTAINS(run.out, "b01 waits for migration:s01 (not recorded yet; deploy or migrate runs it).\n1 waiting (");
    project_must(project, 3, "backfill", "--strict");
    run = project_must(project, 0, "backfill", "--json");
    T_EQ_STR(project_text(first(&run), "state"), "waiting");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(first(&run), "waits_for"), 0)), "migration:s01");
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(first(&run), "state"), "waiting");
    project_must(project, 0, "deploy", "--only-phase", "migrate");
    T_EQ_STR(fill_counts(project), "0|10");
    run = project_must(project, 0, "deploy", "--only-phase", "backfill");
    T_CONTAINS(run.out, "Backfills: 1 complete (");
    T_LACKS(run.out, "recorded");
    fill_complete(project, "b01", 10);
}

SG_TEST(its_time_is_over)
{
    struct project *project = fill_new(2000);
    struct sg_run_result run;
    struct sg_json *one = NULL;

    /* 20 s of sleep. Where a lane takes long to start there may be no batch in a second, and then there is no speed to tell. */
    fill_write(project, "b01", FILL_ONE "batch_size = 10\noption.sleep_ms = 100\nmax_seconds = 2\n");
    sg_sql_exec(project->sql, "ANALYZE items");
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  left        b01");
    T_CONTAINS(run.out, "b01 is not finished; ");
    T_CONTAINS(run.out, " of about 2,000 rows are left, about ");
    T_CONTAINS(run.out, sg_test_strf("To go on: sgrun --manifest %s backfill --only b01\n", project->manifest));
    for (int i = 0; i < 5 && (one == NULL || number(one, "batch_size") == 0); i++) {
        run = project_must(project, 3, "backfill", "--strict", "--json");
        one = first(&run);
    }
    T_EQ_STR(project_text(one, "end"), "left");
    T_EQ_STR(project_text(one, "state"), "pending");
    T_EQ_INT(number(one, "rows_done") + number(one, "left"), 2000);
    T_EQ_INT(number(one, "batch_size"), 10);
    T_GE_INT(number(one, "seconds_left"), 1);
    T_CONTAINS(project_must(project, 0, "status").out, "b01        pending ");
    fill_write(project, "b01", FILL_ONE);
    project_must(project, 0, "backfill");
    fill_complete(project, "b01", 2000);
}

SG_TEST(outside_its_window)
{
    struct project *project = fill_new(10);
    const char *later = sg_sql_rows(project->sql, "SELECT to_char(now() AT TIME ZONE 'UTC' + '2 h', 'HH24:MI') || '-' ||"
                                                  " to_char(now() AT TIME ZONE 'UTC' + '3 h', 'HH24:MI')");
    struct sg_run_result run;

    fill_write(project, "b01", sg_test_strf("%swindow = %s UTC\n", FILL_ONE, later));
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  closed      b01");
    T_CONTAINS(run.out, sg_test_strf("window = %s UTC", later));
    T_CONTAINS(run.out, "b01 is outside its window: closed for ");
    run = project_must(project, 3, "backfill", "--strict", "--json");
    T_EQ_STR(project_text(first(&run), "end"), "closed");
    T_CONTAINS(project_text(first(&run), "throttle"), "window");
    T_EQ_STR(fill_counts(project), "0|10");
}

SG_TEST(stopped_by_a_signal_it_says_how_to_go_on)
{
    static const struct { int signal, exit; } cases[] = { { SIGINT, 130 }, { SIGTERM, 143 } };

    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        struct project *project = fill_new(2000);
        struct sg_run *run;
        struct sg_run_result result;

        fill_write(project, "b01", SLOW);
        run = fill_start(project, "--only", "b01");
        fill_await(project, run, "b01", 20);
        sg_run_signal(run, cases[i].signal);
        result = fill_ends(run, cases[i].exit);
        T_CONTAINS(result.out, "  stopped     b01");
        T_CONTAINS(result.out, "b01 was stopped; its position is kept");
        T_CONTAINS(result.out, sg_test_strf("To go on: sgrun --manifest %s backfill --only b01\n", project->manifest));
        T_GT_INT(fill_done(project, "b01"), 0);
        result = project_must(project, 0, "status");
        T_CONTAINS(result.out, "pending");
    }
}

/* ---- from any host ------------------------------------------------------------------ */

SG_TEST(pause_and_resume)
{
    struct project *project = fill_new(3000);
    struct sg_run *run;
    struct sg_run_result asked;
    long long done;

    fill_write(project, "b01", SLOW);
    run = fill_start_all(project);
    fill_await(project, run, "b01", 20);
    asked = project_must(project, 0, "backfill", "--pause", "b01");
    T_CONTAINS(asked.out, "b01");
    T_CONTAINS(asked.out, "paused");
    T_EQ_STR(fill_state(project, "b01"), "paused");
    sg_run_await(run, "held: paused by ", 20000);
    /* what was begun is finished, however long that takes */
    done = -1;
    for (int i = 0; i < 40 && fill_done(project, "b01") != done; i++) {
        done = fill_done(project, "b01");
        sg_test_sleep_ms(500);
    }
    T_EQ_INT(fill_done(project, "b01"), done);
    T_CONTAINS(project_must(project, 0, "status").out, "paused");
    asked = project_must(project, 0, "backfill", "--resume", "b01", "--json");
    T_EQ_STR(project_text(project_json(&asked), "key"), "b01");
    T_EQ_STR(project_text(project_json(&asked), "asked"), "resume");
    T_CONTAINS(project_text(project_json(&asked), "text"), "goes on");
    fill_await(project, run, "b01", done + 20);
    sg_run_signal(run, SIGTERM);
    (void)fill_ends(run, 143);
    /* what it is not, it cannot be let go on from */
    T_CONTAINS(project_must(project, 2, "backfill", "--resume", "b01").err, "b01");
    /* before anything was begun, too; then a run leaves it alone */
    project_must(project, 0, "backfill", "--pause", "b01");
    asked = project_must(project, 0, "backfill");
    T_CONTAINS(asked.out, "b01 is paused: --resume lets it go on");
    T_CONTAINS(asked.out, "1 left (");
    project_must(project, 3, "backfill", "--strict");
}

SG_TEST(retry_and_again)
{
    struct project *project = fill_new(100);
    struct sg_run_result run;

    sg_sql_exec(project->sql, "ALTER TABLE items ADD CHECK (id <> 42 OR n = 0)");
    fill_write(project, "b01", FILL_ONE "max_bad_rows = 5\n");
    run = project_must(project, 0, "backfill");
    T_CONTAINS(run.out, "  residual    b01");
    T_CONTAINS(run.out, "1 bad row");
    T_CONTAINS(run.out, "b01 has bad rows left: mend them, and --retry has the next run do them");
    run = project_must(project, 0, "status", "--json");
    T_EQ_STR(project_text(first(&run), "state"), "residual");
    T_EQ_INT(number(first(&run), "bad_rows"), 1);
    T_EQ_INT(number(sg_json_get(project_json(&run), "summary"), "failed"), 1);
    sg_sql_exec(project->sql, "ALTER TABLE items DROP CONSTRAINT items_check");
    T_CONTAINS(project_must(project, 0, "backfill", "--retry", "b01").out, "1 failed row is tried again by the next run");
    project_must(project, 0, "backfill", "--strict");
    fill_complete(project, "b01", 100);
    T_CONTAINS(project_must(project, 0, "backfill", "--again", "b01").out, "the next run sweeps all rows once more");
    project_must(project, 0, "backfill", "--strict");
    T_EQ_STR(fill_counts(project), "2|100");
    T_CONTAINS(project_must(project, 2, "backfill", "--pause", "b01").err, "complete");
}

SG_TEST(the_server_cannot_be_reached)
{
    struct project *project = fill_new(10);

    project->dsn = "host=/tmp/sgrun-nowhere dbname=x";
    project->policy = "max_retries = 1\nretry_base_ms = 10\n";
    project_set(project, "SGTEST_DSN", project->dsn);
    fill_write(project, "b01", FILL_ONE);
    project_must(project, 5, "backfill");
    project_must(project, 5, "backfill", "--pause", "b01");
}

/* What makes it slow is named, also if that is what the manifest asks for. */
SG_TEST(duty_is_named)
{
    struct project *project = fill_new(2000);
    struct sg_run_result run;

    fill_write(project, "b01", "batch_size = 100\nduty = 0.1\noption.sleep_ms = 10\n" FILL_ONE);
    run = project_must(project, 0, "backfill", "--strict");
    T_CONTAINS(run.err, "held: duty: at work for 10 % of the time (duty = 0.10)");
    T_GT_INT(run.ms, 1500);
    fill_complete(project, "b01", 2000);
}

static const struct sg_test tests[] = {
    SG_CASE(from_nothing_to_complete), SG_CASE(nothing_is_listed), SG_CASE(as_json), SG_CASE(lines_of_the_log_while_it_runs),
    SG_CASE(the_log_for_machines), SG_CASE(a_terminal_is_shown_a_bar), SG_CASE(an_unknown_key),
    SG_CASE(what_fails_is_said_and_changes_no_exit_status), SG_CASE(a_refused_one_counts_only_with_strict), SG_CASE(one_that_waits),
    SG_CASE(its_time_is_over), SG_CASE(outside_its_window),
    SG_CASE(stopped_by_a_signal_it_says_how_to_go_on), SG_CASE(pause_and_resume), SG_CASE(retry_and_again),
    SG_CASE(the_server_cannot_be_reached), SG_CASE(duty_is_named), SG_CASES_END
};
static const struct sg_suite suites[] = { { "backfill cli", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
