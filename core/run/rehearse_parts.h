/* rehearse_parts.h - what the files of the rehearsal share. Of use to nobody else. */
#ifndef SG_RUN_REHEARSE_PARTS_H
#define SG_RUN_REHEARSE_PARTS_H

#include "core/manifest/manifest.h"
#include "core/rehearse/rehearsal.h"
#include "core/rehearse/trace.h"
#include "core/run/run.h"

/* A manifest for a private server: nothing leads to the real one, and nothing has to be spared. Copies of steps in the same order;
 * originals says which they are. only_needed: of backfills and indexes those alone that a migration waits for, however indirectly. */
struct sg_rehearse_manifest {
	struct sg_manifest manifest;
	const struct sg_step **originals;
};
void sg_rehearse_manifest_make(const struct sg_manifest *from, bool only_needed, struct sg_arena *arena,
                               struct sg_rehearse_manifest *copy_r);

/* What a deploy says of each step, put down in the rehearsal, in the order in which they run; and what it does after a migration. */
struct sg_rehearse_watcher {
	struct sg_observer observer;       /* for the run */
	const struct sg_observer *further; /* who else watches, or NULL; sees the manifest's own steps */
	struct sg_tracer *tracer;
	struct sg_arena *arena;
	const struct sg_manifest *manifest; /* the copy */
	void (*migrated)(void *context);   /* after each migration that was recorded; or NULL */
	void *migrated_context;
	int64_t *started_us;               /* by copy */
};
void sg_rehearse_watch(struct sg_rehearse_watcher *watcher, const struct sg_rehearse_manifest *copy, struct sg_tracer *tracer,
                       const struct sg_observer *further, struct sg_arena *arena);
/* What no observer is told: steps that wait, or were not reached, and errors that end a deploy early. */
void sg_rehearse_conclude(struct sg_rehearse_watcher *watcher, const struct sg_deploy_result *result);

#endif
