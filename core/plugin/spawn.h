/* spawn.h - starts sgrun-plugin with nothing but a socket, a pipe and the image. */
#ifndef SG_SPAWN_H
#define SG_SPAWN_H

#include <sys/types.h>

#include "core/base/arena.h"
#include "core/base/err.h"

struct sg_spawned {
	pid_t pid;
	int pidfd;  /* -1 where the kernel has none (before Linux 5.3) */
	int socket; /* our end, non-blocking */
	int output; /* what it writes to stdout and stderr, non-blocking */
};

/* Where sgrun-plugin is: SGRUN_PLUGIN_HOST (unless in a secure execution), else
 * beside this program in a build tree, else where it was installed. */
const char *sg_spawn_program(struct sg_arena *arena);

/* step is shown by ps. Call it from the main thread: the kernel ends the
 * process with the thread that started it. Errors: SG_CLASS_REFUSED. */
SG_MUST_CHECK int sg_spawn(const char *step, int image, struct sg_spawned *spawned_r, struct sg_err *err);

#endif
