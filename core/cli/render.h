/* render.h - results as text for people and as JSON for scripts.
 *
 * Pure: results in, a buffer or a JSON tree out. Text from outside is cleaned.
 * The JSON keys are a contract (sgrun(1), OUTPUT): they are only ever added to.
 * `errors` and `exit` are put in by the caller, last (sg_render_finish_json). */
#ifndef SG_RENDER_H
#define SG_RENDER_H

#include "core/cli/look.h"
#include "core/base/json.h"
#include "core/run/graph.h"
#include "core/run/run.h"

/* {"sgrun", "command", "manifest"}; manifest may be NULL. */
struct sg_json *sg_render_head_json(const char *command, const char *manifest);
/* The same, and "database" and "pooler". */
struct sg_json *sg_render_run_json(const char *command, const struct sg_run *run);
/* Adds "errors" and "exit". */
void sg_render_finish_json(struct sg_json *result, const struct sg_errs *errs, int exit);
/* The error of a step's item, indented, as sg_log_err gives it but for a table on stdout. */
void sg_render_err(struct sg_buf *out, const struct sg_look *look, const char *indent, const struct sg_err *err);

/* "; " between two remarks. */
void sg_render_part(struct sg_buf *out);
/* The command that goes on where this run ended: all of that command, or only that step. mend: something must be mended first. */
void sg_render_go_on(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest, const char *command,
                     const char *only, bool mend);

/* Indexes and backfills that the manifest lists. */
struct sg_sections {
	size_t indexes, backfills;
};
struct sg_sections sg_render_sections(const struct sg_manifest *manifest);
/* A path as a shell takes it. */
void sg_render_path(struct sg_buf *out, const struct sg_look *look, const char *path);
/* "96 kB", "1.4 MB", "12 GB"; units of 1,024, as pg_size_pretty has them. */
void sg_render_bytes(struct sg_buf *out, int64_t bytes);
/* For a sentence of sums: ", 3 left", without the comma at its beginning; nothing of 0. */
void sg_render_sum(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, size_t count, const char *what);

/* ---- deploy and migrate ---- */
/* Characters of the longest id of the manifest's steps of these kinds, a set of 1u << enum sg_step_kind. */
size_t sg_render_longest_id(const struct sg_manifest *manifest, unsigned kinds);
/* One line as a step ends; note and err may be NULL. */
void sg_render_step(struct sg_buf *out, const struct sg_look *look, size_t column, const char *id,
                    enum sg_outcome outcome, int64_t duration_ms, int attempts, int existed, const char *note,
                    const struct sg_err *err);
/* What a step's line says for its outcome: "applied", "FAILED", "blocked", … */
const char *sg_render_outcome(enum sg_outcome outcome, const struct sg_err *err, enum sg_tone *tone_r);
/* The last lines: what was done, what was not, and what to do. to: --to, or NULL. */
void sg_render_migrate_end(struct sg_buf *out, const struct sg_look *look, const struct sg_migrate_result *result,
                           const char *to, int64_t elapsed_ms, int exit);
void sg_render_migrate_json(struct sg_json *into, const struct sg_migrate_result *result);

/* ---- backfill ---- */
/* The line at the bottom of a terminal: no wider than it, least important facts left out first. No newline. */
void sg_render_fill_bar(struct sg_buf *out, const struct sg_look *look, const char *id,
                        const struct sg_backfill_progress *progress);
/* The same facts, all of them, for the log and for status: "52 %, 520,000 of about 1,000,000 rows, …". */
void sg_render_fill_text(struct sg_buf *out, const struct sg_backfill_progress *progress);
/* "10 s", "4 min 10 s", "3 days" */
void sg_render_time_left(struct sg_buf *out, int64_t seconds);
/* What a backfill's line says for its end: "complete", "FAILED", … */
const char *sg_render_fill_word(enum sg_backfill_end end, enum sg_tone *tone_r);
/* What it says besides: "1,000,000 rows, 998,112 changed; …"; may be empty. */
void sg_render_fill_remarks(struct sg_buf *out, const struct sg_backfill_result *result);
/* One line as a backfill ends. */
void sg_render_fill(struct sg_buf *out, const struct sg_look *look, size_t column, const char *id,
                    const struct sg_backfill_result *result);
/* The last lines: what is complete, what is left and how long that takes, what failed, and the command to go on.
 * deploy: they follow those of the migrations. */
void sg_render_backfills_end(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest,
                             const struct sg_backfills_result *result, bool deploy, int64_t elapsed_ms);
void sg_render_backfills_json(struct sg_json *into, const struct sg_backfills_result *result);

/* ---- index ---- */
/* One that is being built. */
struct sg_render_build {
	const char *name;
	const struct sg_index_progress *progress;
};
/* The line at the bottom of a terminal, no wider than it: the first in full, least important facts left out first; of the
 * others what there is room for. No newline. */
void sg_render_build_bar(struct sg_buf *out, const struct sg_look *look, const struct sg_render_build *builds, size_t count);
/* Which of them is to be first on it: the one that has waited for others longest, if for a second or more, since that needs a
 * person; else 0. */
size_t sg_render_build_foremost(const struct sg_render_build *builds, size_t count);
/* All the facts of one, for the log and for status: "building index: scanning table, 45 %, 3,200 of 7,100 blocks, 12 s left". */
void sg_render_build_text(struct sg_buf *out, const struct sg_index_progress *progress);
/* What it waits for alone: "waiting for old snapshots: pid 4711 (…)"; nothing if it waits for nobody. */
void sg_render_build_wait(struct sg_buf *out, const struct sg_index_progress *progress);
/* {"phase", "phase_number", …, "blocked_by", …}, or null where nothing is known. */
void sg_render_build_json(struct sg_json *into, const char *key, const struct sg_index_progress *progress);

/* What an index's line says for its end: "built", "FAILED", … */
const char *sg_render_index_word(enum sg_index_end end, enum sg_tone *tone_r);
/* What it says besides: "14 MB; an invalid one was dropped first"; may be empty. */
void sg_render_index_remarks(struct sg_buf *out, const struct sg_index_result *result);
/* One line as an index ends. */
void sg_render_index(struct sg_buf *out, const struct sg_look *look, size_t column, const char *name,
                     const struct sg_index_result *result);
/* The last lines: what was built, what is left, has drifted or failed, and the command to go on. deploy: they follow those
 * of the migrations. */
void sg_render_indexes_end(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest,
                           const struct sg_indexes_result *result, bool deploy, int64_t elapsed_ms);
/* Those with critical = yes that are not as they should be, once more; after everything else. */
void sg_render_indexes_critical(struct sg_buf *out, const struct sg_look *look, const struct sg_indexes_result *result);
void sg_render_indexes_json(struct sg_json *into, const struct sg_indexes_result *result);

/* ---- plan ---- */
void sg_render_plan(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                    const struct sg_plan *plan);
void sg_render_plan_json(struct sg_json *into, const struct sg_plan *plan);
enum sg_tone sg_render_action_tone(enum sg_action action);
/* --graph: the stages, a line a step with what it comes after; as Graphviz's language; as edges and stages in the plan's
 * JSON. What is done already is counted only, unless verbose. */
void sg_render_graph(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                     const struct sg_plan *plan, const struct sg_graph *graph);
void sg_render_graph_dot(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                         const struct sg_plan *plan, const struct sg_graph *graph);
void sg_render_graph_json(struct sg_json *into, const struct sg_plan *plan, const struct sg_graph *graph);

/* ---- status ---- */
/* Of every kind: a backfill that runs, stands still or is paused is pending, and so is an index that is built now, missing,
 * or invalid (the next run builds it anew); a backfill that is residual and an index that has drifted have failed. */
struct sg_status_summary {
	size_t pending, waiting, failed;
};
struct sg_status_summary sg_render_status_summary(const struct sg_status *status);
void sg_render_status(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                      const struct sg_status *status);
/* The contract's object, but for errors and exit. */
void sg_render_status_json(struct sg_json *into, const struct sg_status *status);

/* ---- check --settings ---- */
void sg_render_settings(struct sg_buf *out);
void sg_render_settings_json(struct sg_json *into);

/* ---- verify ---- */
void sg_render_verify(struct sg_buf *out, const struct sg_look *look, const struct sg_verify_result *result,
                      bool adopting, int exit);
void sg_render_verify_json(struct sg_json *into, const struct sg_verify_result *result);

#endif
