/* report.h - tells a person what a run does, as it happens.
 *
 * Implements the phases' observer: a line a step on stdout, a status line on a
 * terminal, the error of a failed step in the log. Steps that were recorded
 * before are collapsed into one line, unless verbose. */
#ifndef SG_REPORT_H
#define SG_REPORT_H

#include "core/cli/look.h"
#include "core/exec/observer.h"

struct sg_report {
	struct sg_observer observer; /* to be given to the run */
	struct sg_look look;
	bool lines;                  /* steps go to stdout; else (--json) to the log */
	size_t column;               /* of the ids */
	size_t skipped;              /* seen and not yet said */
	size_t number, total;        /* of the step that runs */
	int64_t since;               /* when it started */
	struct sg_buf head, last;    /* status line: "[2/7] 0096_lead_name"; the last `doing` */
	int64_t fill_next;           /* when the log gets the next line of this backfill's progress */
	int64_t held_ms;             /* when it last said what holds it; 0: not yet */
	struct sg_buf waited;        /* keys of backfills that were said to wait, each between newlines: said once */
	struct sg_buf held;          /* the kind of that: "replication lag" */
};

#define SG_REPORT_MIGRATIONS 1u
#define SG_REPORT_BACKFILLS 2u

/* shown: SG_REPORT_…, of which the column of ids is made. lines: say steps on stdout. Opens the status
 * line (live.h). */
void sg_report_open(struct sg_report *report, const struct sg_look *look, const struct sg_manifest *manifest,
                    unsigned shown, bool lines);
void sg_report_close(struct sg_report *report);
/* For report_fill.c: the one line on steps that were recorded before, if it is due. */
void sg_report_say_skipped(struct sg_report *report);

#endif
