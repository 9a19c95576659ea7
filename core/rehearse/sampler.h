/* sampler.h - looks from aside at the locks of a session whose statement runs outside any transaction, for as long as it runs.
 *
 * Such a statement holds nothing any more when its own session could be asked. A process of ours with a connection of its own asks
 * pg_locks as often as the server answers, some times in a millisecond; a lock that is held for less may be missed. */
#ifndef SG_REHEARSE_SAMPLER_H
#define SG_REHEARSE_SAMPLER_H

#include <sys/types.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/dsn.h"

struct sg_sampler {
	pid_t pid;             /* 0: none is at work */
	int socket;
};
#define SG_SAMPLER_INIT { 0, -1 }

struct sg_sampled {
	uint32_t relation;
	int strength;          /* the strongest mode that was seen, 1 to 8, but ACCESS SHARE */
	int64_t us;            /* from its first sight to its last */
};

/* Returns when it has looked for the first time. */
SG_MUST_CHECK int sg_sampler_start(struct sg_sampler *sampler, const struct sg_dsn *dsn, int backend, struct sg_err *err);
/* What it has seen, in the arena; and its end. SG_CLASS_CONNECTION if it cannot tell. */
SG_MUST_CHECK int sg_sampler_end(struct sg_sampler *sampler, struct sg_arena *arena, struct sg_sampled **list_r, size_t *count_r,
                                 struct sg_err *err);
/* Its end, whatever it has seen; of one that is not at work nothing. */
void sg_sampler_drop(struct sg_sampler *sampler);

#endif
