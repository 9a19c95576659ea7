/* exits.h - which exit status a result means. Pure; the order of precedence is
 * sg_exit_worse (class.h). */
#ifndef SG_EXITS_H
#define SG_EXITS_H

#include "core/cli/render.h"

#define SG_EXIT_LEFT 3

int sg_exit_of_errs(const struct sg_errs *errs);
/* A migration that waits is 3, or 0 where its `waiting = allow` and not strict. */
int sg_exit_of_migrate(const struct sg_migrate_result *result, const struct sg_errs *errs, bool strict);
/* 0 whatever is left, has drifted or failed, but for a signal and errs. With strict 3 for whatever is not valid, and 6
 * for a section that was refused. */
int sg_exit_of_indexes(const struct sg_indexes_result *result, const struct sg_errs *errs, bool strict);
/* 0 whatever is left or has failed, but for a signal and errs. With strict 3 for whatever is not complete, and 6
 * for a plugin that was refused. */
int sg_exit_of_backfills(const struct sg_backfills_result *result, const struct sg_errs *errs, bool strict);
/* 6 if a plugin was refused; to have something to do is no failure. */
int sg_exit_of_plan(const struct sg_plan *plan);
/* exit_code: --exit-code. */
int sg_exit_of_status(struct sg_status_summary summary, bool exit_code);

#endif
