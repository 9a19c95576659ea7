/* attempts.h - the table of failed attempts: for people, never for decisions. */
#ifndef SG_ATTEMPTS_H
#define SG_ATTEMPTS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

/* Writes one row after a rollback and keeps the last 20 of the step; best
 * effort: a failure is only logged. ms_ago: how long ago the attempt started. */
void sg_attempts_add(struct sg_db *db, const char *state_schema, const char *step, const char *runner,
                     const char *result, int64_t ms_ago, const struct sg_err *why);

#endif
