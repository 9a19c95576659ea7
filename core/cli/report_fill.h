/* report_fill.h - what a person is told of a backfill as it goes: a bar on a terminal; elsewhere
 * a line in the log after 1, 2, 5, 10, 20, 30 s, then each minute; and a line as it ends. */
#ifndef SG_REPORT_FILL_H
#define SG_REPORT_FILL_H

#include "core/cli/report.h"

/* Members of the observer; context is a struct sg_report. */
void sg_report_fill_started(void *context, const struct sg_step *step, size_t number, size_t total);
void sg_report_fill_progress(void *context, const struct sg_step *step, const struct sg_backfill_progress *progress);
void sg_report_fill_ended(void *context, const struct sg_step *step, const struct sg_backfill_result *result);

/* When the next line is due, milliseconds from its start, after one at elapsed_ms. Pure. */
int64_t sg_report_fill_next(int64_t elapsed_ms);

#endif
