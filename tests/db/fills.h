/*
 * What the tests of backfills share, on top of project.h: a table of counters, scripted backfills (tests/scripted/backfill.c) that
 * count it up, and looks at how far they are.
 *
 * The counter is what shows that a row was done twice, or never.
 */
#ifndef SG_TESTS_DB_FILLS_H
#define SG_TESTS_DB_FILLS_H

#include "tests/db/project.h"

/* What b01 and b02 do here. */
#define FILL_ADD "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"
#define FILL_LEFT "option.left = SELECT 1 FROM items WHERE n < 1\n"
#define FILL_ONE FILL_ADD FILL_LEFT
/* Drain mode. */
#define FILL_DRAIN                                                                        \
    "also_writes = items\n"                                                               \
    "option.batch = UPDATE items SET n = n + 1 WHERE id IN\n"                             \
    "  (SELECT id FROM items WHERE n < 1 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)\n" FILL_LEFT

/* A project of the shared server, with items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0), ids 1 to ROWS. */
struct project *fill_new(int rows);
/* The manifest: one backfill ID with these lines; what is not said there is short: passes, retries, waits. */
void fill_write(struct project *project, const char *id, const char *lines);

/* Of the backfill: its state ("" where there is none); "class|sqlstate|message"; rows done, of its row and its ranges. */
const char *fill_state(struct project *project, const char *key);
const char *fill_error(struct project *project, const char *key);
long long fill_done(struct project *project, const char *key);
/* "n|rows" of items, by n. */
const char *fill_counts(struct project *project);
/* Failures: "row_key|sqlstate|message" by key. */
const char *fill_failures(struct project *project);

/* Waits until so many rows are done; ends the test, showing what the run said, if they are not within 30 s. */
void fill_await(struct project *project, struct sg_run *run, const char *key, long long rows);
/* Waits for a run's end, states its exit status, shows what it said if that is another. */
#define fill_ends(run, status) fill_ends_at(SG_HERE_, (run), (status))
struct sg_run_result fill_ends_at(struct sg_here here, struct sg_run *run, int status);
/* States that the backfill is complete, with so many rows done, each counted exactly once, and that nothing is left over. */
#define fill_complete(project, key, rows) fill_complete_at(SG_HERE_, (project), (key), (rows))
void fill_complete_at(struct sg_here here, struct project *project, const char *key, int rows);

#define fill_start(project, ...) project_start_args((project), (const char *const[]){"backfill", __VA_ARGS__, NULL})
#define fill_start_all(project) project_start_args((project), (const char *const[]){"backfill", NULL})
/* All that a run said. */
const char *fill_said(struct sg_run_result run);

#endif
