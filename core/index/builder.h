/* builder.h - a builder: the worker (core/exec/worker.h) that brings an index from what it is to
 * valid (build.h) and tells its result.
 *
 * If all went well it keeps its two connections, says so with its result, and waits for another index, in no
 * transaction and with no lock, until it is given one or dismissed. In any other case its result is its last note:
 * nothing of what has failed is used again.
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
	SG_BUILDER_RESULT,                   /* n[SG_BUILDER_STAYS] not 0: and it waits for another one; else it is the last note */
	/* supervisor -> builder, that waits */
	SG_BUILDER_NEXT,                     /* sg_builder_employ */
	SG_BUILDER_LEAVE
};
#define SG_BUILDER_STAYS 11

/* Forks one; what build points to is copied with the process. *socket_r is the supervisor's end. build's progress,
 * context and line are not used. */
SG_MUST_CHECK int sg_builder_fork(const struct sg_index_build *build, pid_t *pid_r, int *socket_r, struct sg_err *err);

/* Gives one that waits its next index. The manifest is that of the run it was forked with; of the step its place in
 * there crosses, and the definition is made anew. false: it is gone, or this build cannot be told so: fork one. */
bool sg_builder_employ(int socket, const struct sg_index_build *build);
/* It is to end. */
void sg_builder_dismiss(int socket);

/* The structs as notes, and back; texts are those of the source. -1: it is no such note. */
void sg_builder_pack_progress(const struct sg_index_progress *progress, struct sg_note *note_r);
SG_MUST_CHECK int sg_builder_unpack_progress(const struct sg_note *note, struct sg_index_progress *progress_r);
void sg_builder_pack_result(const struct sg_index_result *result, struct sg_note *note_r);
SG_MUST_CHECK int sg_builder_unpack_result(const struct sg_note *note, struct sg_index_result *result_r);

#endif
