/* What the tests of backfills share, as fills.h says. */
#include "config.h"

#include "tests/db/fills.h"

#include <string.h>

struct project *fill_new(int rows)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_execf(project->sql, "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0) WITH (fillfactor = 50);"
                               " INSERT INTO items SELECT i FROM generate_series(1, %d) i; ANALYZE items", rows);
    project->policy = "retry_base_ms = 20\nretry_cap_ms = 200\nplugin_seconds = 5\n"
                      "[backfills]\npass_pause_seconds = 0\nlock_ms = 200\nmax_passes = 1000\n";
    return project;
}

void fill_write(struct project *project, const char *id, const char *lines)
{
    project_write(project, sg_test_strf("[backfill %s]\nplugin = %s\n%s", id, id, lines));
}

static bool installed(struct project *project)
{
    return sg_sql_value(project->sql, "SELECT to_regclass('sgrun.backfill_failures')") != NULL;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

const char *fill_state(struct project *project, const char *key)
{
    return !installed(project) ? "" : or_empty(sg_sql_value(
        project->sql, sg_test_strf("SELECT state FROM sgrun.backfills WHERE key = '%s'", key)));
}

const char *fill_error(struct project *project, const char *key)
{
    return !installed(project) ? "" : sg_sql_rows(
        project->sql, sg_test_strf("SELECT class, sqlstate, message FROM sgrun.backfills WHERE key = '%s'", key));
}

long long fill_done(struct project *project, const char *key)
{
    return !installed(project) ? 0 : sg_sql_int(
        project->sql, sg_test_strf("SELECT coalesce((SELECT sum(rows_done) FROM sgrun.backfill_ranges WHERE key = '%s'), 0)"
                                   " + coalesce((SELECT rows_done FROM sgrun.backfills WHERE key = '%s'), 0)", key, key));
}

const char *fill_counts(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT n, count(*) FROM items GROUP BY n ORDER BY n");
}

const char *fill_failures(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT row_key, sqlstate, message FROM sgrun.backfill_failures ORDER BY row_key[1]::bigint");
}

void fill_await(struct project *project, struct sg_run *run, const char *key, long long rows)
{
    int64_t until = sg_test_now_ms() + 30000;

    while (fill_done(project, key) < rows) {
        if (sg_run_ended(run) || sg_test_now_ms() > until)
            T_FATAL("%lld of %lld rows are done, %s; it said:\n%s%s", fill_done(project, key), rows,
                    sg_run_ended(run) ? "and the run is over" : "no more come", sg_run_out(run), sg_run_err(run));
        sg_test_sleep_ms(5);
    }
}

const char *fill_said(struct sg_run_result run)
{
    return sg_test_strf("%s%s", run.out, run.err);
}

struct sg_run_result fill_ends_at(struct sg_here here, struct sg_run *run, int status)
{
    struct sg_run_result result = sg_run_wait(run, 60000);

    sg_test_check(here, false, result.exit == status && !result.timed_out, "exit status %d (signal %d%s), not %d; it said:\n%s%s",
                  result.exit, result.signal, result.timed_out ? ", did not end" : "", status, result.out, result.err);
    return result;
}

void fill_complete_at(struct sg_here here, struct project *project, const char *key, int rows)
{
    const char *left = sg_sql_rows(project->sql, sg_test_strf(
        "SELECT 'range ' || no, lo::text, hi::text, pos::text, deferred::text FROM sgrun.backfill_ranges WHERE key = '%s' UNION ALL"
        " SELECT 'bad', row_key::text, sqlstate, message, '' FROM sgrun.backfill_failures WHERE key = '%s'", key, key));
    const char *counts = fill_counts(project), *wanted = sg_test_strf("1|%d", rows);

    sg_test_check(here, false, strcmp(fill_state(project, key), "complete") == 0, "state %s: %s", fill_state(project, key),
                  fill_error(project, key));
    sg_test_check(here, false, strcmp(counts, wanted) == 0, "counters (n|rows):\n%s\nnot %s", counts, wanted);
    sg_test_check(here, false, fill_done(project, key) == rows, "rows_done %lld, not %d", fill_done(project, key), rows);
    sg_test_check(here, false, *left == '\0', "left over:\n%s", left);
}
