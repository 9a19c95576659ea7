/* builder.c - what runs in a builder's process, as builder.h says. The work itself is
 * sg_index_build's. */
#include "config.h"
#include "core/index/builder.h"

#include <string.h>

static void tell_progress(void *context, const struct sg_index_progress *progress)
{
	struct sg_note note;

	(void)context;
	sg_builder_pack_progress(progress, &note);
	sg_worker_spare(&note);
}

static void be_builder(void *context)
{
	static const struct sg_observer nobody = { .context = NULL };
	struct sg_index_build build = *(const struct sg_index_build *)context;
	struct sg_run run = *build.run;
	/* in the arena: it is this process's own copy, and goes with it */
	struct sg_index_result *result = sg_arena_alloc(run.arena, sizeof *result);
	struct sg_note note;

	run.observer = &nobody;
	run.embedded = NULL; /* the supervisor's to stop */
	build.run = &run;
	build.progress = tell_progress;
	build.context = NULL;
	memset(result, 0, sizeof *result);
	sg_index_build(&build, result);
	sg_builder_pack_result(result, &note);
	sg_worker_send(&note);
}

int sg_builder_fork(const struct sg_index_build *build, pid_t *pid_r, int *socket_r, struct sg_err *err)
{
	struct sg_index_build copy = *build;
	const struct sg_worker worker = { .work = be_builder, .context = &copy, .keep = -1,
		                          .patience_ms = SG_BUILDER_PATIENCE_MS };

	return sg_worker_fork(&worker, pid_r, socket_r, err);
}
