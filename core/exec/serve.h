/* serve.h - what a plugin asks for while one of its entry points runs.
 *
 * Used by the executor alone; see executor.h for what it means to the step. */
#ifndef SG_SERVE_H
#define SG_SERVE_H

#include "core/exec/executor.h"

/* Calls the entry point (batch: of SG_ENTRY_BATCH, else NULL) and answers its requests until it says done (done_r).
 * -1: a request failed or was refused, the plugin died, a signal came: nothing
 * was answered, and the caller rolls back. */
SG_MUST_CHECK int sg_serve(struct sg_executor *executor, enum sg_entry entry,
                           const struct sg_process_batch *batch, struct sg_request *done_r, struct sg_err *err);

/* A batch's statements may take so many times statement_seconds together (SQLSTATE 57014). */
#define SG_BATCH_STATEMENTS 4
/* Of the executor, for this: the limit of the host's own statements. */
#define SG_HOST_LIMIT_MS 60000
/* Tells the observer what the step does now. */
void sg_executor_say(struct sg_executor *executor, const char *text);
/* Appends [database] role to the pending script. */
void sg_executor_role(struct sg_executor *executor);

#endif
