/* report_index.h - what a person is told of indexes that are built, several at once: one line at
 * the bottom of a terminal; elsewhere a line in the log after 1, 2, 5, 10, 20, 30 s, then each minute,
 * and of a wait as soon as it lasts 5 s, and when it is over; and a line as each ends. */
#ifndef SG_REPORT_INDEX_H
#define SG_REPORT_INDEX_H

#include "core/cli/report.h"

/* Members of the observer; context is a struct sg_report. */
void sg_report_index_started(void *context, const struct sg_step *step, size_t number, size_t total);
void sg_report_index_progress(void *context, const struct sg_step *step, const struct sg_index_progress *progress);
void sg_report_index_ended(void *context, const struct sg_step *step, const struct sg_index_result *result);

/* Says the lines of those that wait; of more than a handful that they do, since a deploy opens most gates by itself. */
void sg_report_index_say_waits(struct sg_report *report);
/* How long at least one index was under way so far. */
int64_t sg_report_indexing_ms(const struct sg_report *report);
void sg_report_index_release(struct sg_report *report);

#endif
