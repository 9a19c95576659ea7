/* map.c - open addressing, at most three quarters full; what is removed is closed up at once, so that nothing needs a marker. */
#include "config.h"
#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

static bool is_full(size_t count, size_t size)
{
	return (count + 1) * 4 > size * 3;
}

/* ---- names --------------------------------------------------------------------- */

/* FNV-1a, mixed at the end since the low bits choose the slot. */
static uint64_t hash_of(const char *text, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
	return hash ^ (hash >> 29);
}

static size_t slot_of(const struct sg_names *names, uint64_t hash, const char *text, size_t length)
{
	size_t at = (size_t)hash & (names->size - 1);

	while (names->slots[at].text != NULL) {
		const struct sg_name *slot = &names->slots[at];

		if (slot->hash == hash && strncmp(slot->text, text, length) == 0 && slot->text[length] == '\0')
			break;
		at = (at + 1) & (names->size - 1);
	}
	return at;
}

static void grow_names(struct sg_names *names)
{
	size_t size = names->size > 0 ? names->size * 2 : FIRST_SIZE;
	struct sg_name *slots = sg_xcalloc(size, sizeof *slots);

	for (size_t i = 0; i < names->size; i++) {
		size_t at = (size_t)names->slots[i].hash & (size - 1);

		if (names->slots[i].text == NULL)
			continue;
		while (slots[at].text != NULL)
			at = (at + 1) & (size - 1);
		slots[at] = names->slots[i];
	}
	free(names->slots);
	names->slots = slots;
	names->size = size;
}

const char *sg_names_keep(struct sg_names *names, struct sg_arena *arena, const char *text, size_t length)
{
	uint64_t hash = hash_of(text, length);
	struct sg_name *slot;

	if (is_full(names->count, names->size))
		grow_names(names);
	slot = &names->slots[slot_of(names, hash, text, length)];
	if (slot->text == NULL) {
		*slot = (struct sg_name){ .hash = hash, .text = sg_arena_strndup(arena, text, length) };
		names->count++;
	}
	return slot->text;
}

const char *sg_names_find(const struct sg_names *names, const char *text, size_t length)
{
	return names->size > 0 ? names->slots[slot_of(names, hash_of(text, length), text, length)].text : NULL;
}

void sg_names_release(struct sg_names *names)
{
	free(names->slots);
	*names = (struct sg_names){ 0 };
}

/* ---- maps ---------------------------------------------------------------------- */

static size_t home_of(const struct sg_map *map, const void *scope, const char *name)
{
	uint64_t key = (uint64_t)(uintptr_t)scope * 0x9e3779b97f4a7c15U + (uint64_t)(uintptr_t)name;

	key = (key ^ (key >> 31)) * 0xbf58476d1ce4e5b9U;
	return (size_t)(key ^ (key >> 32)) & (map->size - 1);
}

/* Where it is, or the free place where it would be. */
static size_t place_of(const struct sg_map *map, const void *scope, const char *name)
{
	size_t at = home_of(map, scope, name);

	while (map->entries[at].name != NULL && (map->entries[at].name != name || map->entries[at].scope != scope))
		at = (at + 1) & (map->size - 1);
	return at;
}

static void grow_map(struct sg_map *map)
{
	struct sg_map old = *map;

	map->size = old.size > 0 ? old.size * 2 : FIRST_SIZE;
	map->entries = sg_xcalloc(map->size, sizeof *map->entries);
	for (size_t i = 0; i < old.size; i++)
		if (old.entries[i].name != NULL)
			map->entries[place_of(map, old.entries[i].scope, old.entries[i].name)] = old.entries[i];
	free(old.entries);
}

struct sg_map_entry *sg_map_find(const struct sg_map *map, const void *scope, const char *name)
{
	size_t at;

	if (map->size == 0 || name == NULL)
		return NULL;
	at = place_of(map, scope, name);
	return map->entries[at].name != NULL ? &map->entries[at] : NULL;
}

struct sg_map_entry *sg_map_put(struct sg_map *map, const void *scope, const char *name)
{
	struct sg_map_entry *entry;

	SG_ASSERT(name != NULL);
	if (is_full(map->count, map->size))
		grow_map(map);
	entry = &map->entries[place_of(map, scope, name)];
	if (entry->name == NULL) {
		*entry = (struct sg_map_entry){ .scope = scope, .name = name };
		map->count++;
	}
	return entry;
}

void sg_map_remove(struct sg_map *map, const void *scope, const char *name)
{
	struct sg_map_entry *entry = sg_map_find(map, scope, name);
	size_t hole, mask = map->size - 1;

	if (entry == NULL)
		return;
	hole = (size_t)(entry - map->entries);
	map->count--;
	/* What was pushed past the hole by it moves back into it. */
	for (size_t at = (hole + 1) & mask; map->entries[at].name != NULL; at = (at + 1) & mask) {
		size_t home = home_of(map, map->entries[at].scope, map->entries[at].name);

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->entries[hole] = map->entries[at];
		hole = at;
	}
	map->entries[hole] = (struct sg_map_entry){ 0 };
}

void sg_map_release(struct sg_map *map)
{
	free(map->entries);
	*map = (struct sg_map){ 0 };
}
