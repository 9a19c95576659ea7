/* names.h - a hash table from strings to numbers, so that no look-up of the
 * manifest reader grows with the square of its steps.
 *
 * Keys are not copied. Lives in the arena that it is given. */
#ifndef SG_NAMES_H
#define SG_NAMES_H

#include "core/base/arena.h"

struct sg_names_slot;

struct sg_names {
	struct sg_arena *arena;
	struct sg_names_slot *slots;
	size_t count, capacity;
};

void sg_names_init(struct sg_names *names, struct sg_arena *arena);
/* Adds scope and name with that value. If they are there already nothing is
 * changed, *value_r gets the value of the first, and false is returned. */
bool sg_names_add(struct sg_names *names, size_t scope, const char *name, size_t value, size_t *value_r);

#endif
