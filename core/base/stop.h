/* stop.h - SIGINT and SIGTERM, counted.
 *
 * The first asks for an orderly stop: the migration is rolled back, a batch
 * finished. The second cancels the query that runs. Handlers only count; every
 * wait in sgrun looks here at least every 50 ms. */
#ifndef SG_STOP_H
#define SG_STOP_H

#include "core/base/base.h"
#include "core/base/class.h"
#include "core/base/err.h"

/* Installs the handlers (and ignores SIGPIPE). */
void sg_stop_install(void);
/* 0: go on; 1: stop in order; 2 and more: cancel what runs. */
int sg_stop_count(void);
/* SG_CLASS_INTERRUPTED or SG_CLASS_TERMINATED, by the first signal; NONE before it. */
enum sg_class sg_stop_class(void);
/* Sets err to that class, "stopped by SIGTERM"; returns -1. */
int sg_stop_err(struct sg_err *err);
/* For a forked child that is told by other ways: signals are ignored from now on, and the
 * count is what it is told. signal: the first one's number, 0 for SIGINT. */
void sg_stop_mute(void);
void sg_stop_tell(int count, int signal);
/* Sleeps up to ms; false at once when a stop was or is asked for. */
bool sg_stop_sleep(int64_t ms);

#endif
