/* deploy_ready.h - after a round of a deploy: what could go on now, and how what still waits stands. Pure:
 * judged by what the phases of this run have found, no server is asked.
 *
 * A wrong "ready" costs a round in which the phases find out; nothing is done on its word alone. */
#ifndef SG_DEPLOY_READY_H
#define SG_DEPLOY_READY_H

#include "core/run/run.h"

/* The first migration that waits, or NULL: later ones wait with it. */
const struct sg_migrate_item *sg_deploy_waiting(const struct sg_deploy_result *result);
/* It waits, and what it waits for is done. */
bool sg_deploy_migration_ready(const struct sg_deploy_result *result, const struct sg_deploy_options *options);
/* Some index waits, or was reopened, and what it waits for is done. */
bool sg_deploy_index_ready(const struct sg_deploy_result *result, const struct sg_deploy_options *options);
bool sg_deploy_backfill_ready(const struct sg_deploy_result *result, const struct sg_deploy_options *options);
/* What goes before the next backfill as soon as its gates are open: the migration that waits, and indexes. */
const struct sg_step *const *sg_deploy_first(const struct sg_deploy_result *result, const struct sg_deploy_options *options,
                                             struct sg_arena *arena, size_t *count_r);
/* What was said of gates when their steps were first come upon is replaced by how these stand at the end. */
void sg_deploy_retell(struct sg_deploy_result *result, struct sg_arena *arena);

#endif
