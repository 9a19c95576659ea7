/* report.h - tells a person what a run does, as it happens.
 *
 * Implements the phases' observer: a line a step on stdout, a status line on a
 * terminal, the error of a failed step in the log. Steps that were recorded
 * before are collapsed into one line, unless verbose. */
#ifndef SG_REPORT_H
#define SG_REPORT_H

#include "core/cli/look.h"
#include "core/exec/observer.h"
#include "core/index/progress.h"

/* An index that is under way; texts of progress are those of the buffers. */
struct sg_report_build {
	const struct sg_step *step;
	int64_t since;               /* sg_clock_ms */
	int64_t next;                /* when the log gets the next line of its progress */
	bool wait_said;              /* the log was told that it waits */
	struct sg_index_progress progress;
	struct sg_buf phase, waits_for, doing;
};

struct sg_report {
	struct sg_observer observer; /* to be given to the run */
	struct sg_look look;
	bool lines;                  /* steps go to stdout; else (--json) to the log */
	size_t column;               /* of the ids */
	size_t skipped;              /* seen and not yet said */
	struct sg_buf waits;         /* lines of indexes that wait, not yet said, */
	size_t wait_count;           /* and how many: of many only that is said */
	size_t number, total;        /* of the step that runs */
	int64_t since;               /* when it started */
	struct sg_buf head, last;    /* status line: "[2/7] 0096_lead_name"; the last `doing` */
	int64_t fill_next;           /* when the log gets the next line of this backfill's progress */
	int64_t held_ms;             /* when it last said what holds it; 0: not yet */
	struct sg_buf waited;        /* backfills and indexes that were said to wait, each between newlines: said once */
	struct sg_buf held;          /* the kind of that: "replication lag" */
	struct sg_report_build *builds; /* heap; in the order in which they began */
	size_t build_count, build_capacity;
	int64_t indexing_since, indexing_ms; /* since when one is under way; how long one was */
};

#define SG_REPORT_MIGRATIONS (1u << SG_STEP_MIGRATION)
#define SG_REPORT_BACKFILLS (1u << SG_STEP_BACKFILL)
#define SG_REPORT_INDEXES (1u << SG_STEP_INDEX)

/* shown: SG_REPORT_…, of which the column of ids is made. lines: say steps on stdout. Opens the status
 * line (live.h). */
void sg_report_open(struct sg_report *report, const struct sg_look *look, const struct sg_manifest *manifest,
                    unsigned shown, bool lines);
void sg_report_close(struct sg_report *report);
/* For report_fill.c and report_index.c: the one line on steps that were recorded before, and those on indexes that wait, if they are due. */
void sg_report_say_skipped(struct sg_report *report);
/* deploy looks at what waits in every round; true: of this one it was said before. */
bool sg_report_waited_before(struct sg_report *report, const struct sg_step *step);
/* A terminal is shown the line at its bottom. */
bool sg_report_is_live(const struct sg_report *report);

#endif
