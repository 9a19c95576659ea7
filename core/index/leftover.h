/* leftover.h - the names that invalid indexes are left under: those that REINDEX CONCURRENTLY gives (NAME_ccnew, NAME_ccnew1, …,
 * NAME_ccold), and ours of one that is about to be dropped, which is NAME_ccold with its oid. Pure. */
#ifndef SG_INDEX_LEFTOVER_H
#define SG_INDEX_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"

/* Is that the name of a left-over of the index? Whether it is invalid, pg_index knows. */
bool sg_index_is_leftover(const char *index, const char *candidate);
/* Has it such an ending, whatever it is of? */
bool sg_index_has_leftover_name(const char *name);
/* The name for an index that is about to be dropped; in the arena. */
const char *sg_index_leftover_name(struct sg_arena *arena, const char *index, uint32_t oid);

#endif
