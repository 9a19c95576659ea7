/* nursery.h - the host's side of plugins/process/nursery.h: one small process
 * from which all plugin processes of a run are forked. */
#ifndef SG_PLUGIN_NURSERY_H
#define SG_PLUGIN_NURSERY_H

#include <sys/types.h>

#include "core/base/arena.h"

/* Starts it by posix_spawn if it does not run. step is what ps shows, program is sgrun-plugin's path,
 * environment its (empty) environment. The new process is our child and has
 * socket as 0, output as 1 and 2, image as 3. 0, or -1 where there is no nursery to
 * be had (the caller then starts the program itself). */
SG_MUST_CHECK int sg_nursery_spawn(const char *step, const char *program, char *const *environment, int socket,
                                   int output, int image, pid_t *pid_r);
/* Ends it; it comes back when it is needed again. */
void sg_nursery_stop(void);

#endif
