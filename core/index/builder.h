/* builder.h - a builder: the worker (core/exec/worker.h) that brings one index from what it
 * is to valid (build.h) and ends with its result as its last note.
 *
 * When the supervisor is gone it stops as at a first signal: it cancels its build, drops the
 * carcass, leaves; after SG_BUILDER_PATIENCE_MS as at a second one. */
#ifndef SG_BUILDER_H
#define SG_BUILDER_H

#include "core/exec/worker.h"
#include "core/index/build.h"

#define SG_BUILDER_PATIENCE_MS 10000

enum sg_builder_note {
	/* builder -> supervisor */
	SG_BUILDER_PROGRESS = SG_WORKER_OWN, /* may be left out: the next one says it all again */
	SG_BUILDER_RESULT                    /* the last one */
};

/* Forks one; what build points to is copied with the process. *socket_r is the supervisor's end. build's progress and
 * context are not used. */
SG_MUST_CHECK int sg_builder_fork(const struct sg_index_build *build, pid_t *pid_r, int *socket_r, struct sg_err *err);

/* The structs as notes, and back; texts are those of the source. -1: it is no such note. */
void sg_builder_pack_progress(const struct sg_index_progress *progress, struct sg_note *note_r);
SG_MUST_CHECK int sg_builder_unpack_progress(const struct sg_note *note, struct sg_index_progress *progress_r);
void sg_builder_pack_result(const struct sg_index_result *result, struct sg_note *note_r);
SG_MUST_CHECK int sg_builder_unpack_result(const struct sg_note *note, struct sg_index_result *result_r);

#endif
