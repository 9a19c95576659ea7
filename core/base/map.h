/* map.h - names kept once, and what a name leads to in the time of one look, however many there are.
 *
 * Two names that were kept by the same sg_names are the same text if and only if they are the same pointer: that is what makes
 * the keys of a map two pointers. Neither knows what it holds; both forget nothing but what is removed. */
#ifndef SG_MAP_H
#define SG_MAP_H

#include "core/base/arena.h"

struct sg_name {
	uint64_t hash;
	const char *text; /* NULL: free */
};

struct sg_names {
	struct sg_name *slots;
	size_t count, size;
};

/* The one copy of the text, made in the arena if it is new. length: without a NUL; text has none. */
const char *sg_names_keep(struct sg_names *names, struct sg_arena *arena, const char *text, size_t length)
	__attribute__((returns_nonnull));
/* The one copy, or NULL: it was never kept. */
const char *sg_names_find(const struct sg_names *names, const char *text, size_t length);
void sg_names_release(struct sg_names *names);

struct sg_map_entry {
	const void *scope;
	const char *name; /* NULL: free */
	void *what;
	size_t at;
};

struct sg_map {
	struct sg_map_entry *entries;
	size_t count, size;
};

/* scope and name are compared as pointers. The entry is valid until the next put or remove; NULL: there is none. */
struct sg_map_entry *sg_map_find(const struct sg_map *map, const void *scope, const char *name);
/* The entry that is there, or a new one whose what and at are zero. */
struct sg_map_entry *sg_map_put(struct sg_map *map, const void *scope, const char *name) __attribute__((returns_nonnull));
/* Nothing happens if there is none. */
void sg_map_remove(struct sg_map *map, const void *scope, const char *name);
void sg_map_release(struct sg_map *map);

#endif
