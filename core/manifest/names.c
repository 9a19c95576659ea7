/* names.c - open addressing with linear probing, at most half full. */
#include "config.h"
#include "core/manifest/names.h"

#include <string.h>

struct sg_names_slot {
	const char *name; /* NULL: free */
	size_t scope, value;
	uint64_t hash;
};

/* FNV-1a */
static uint64_t hash_of(size_t scope, const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)scope * UINT64_C(0x9E3779B97F4A7C15);

	for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
		hash = (hash ^ *c) * UINT64_C(1099511628211);
	return hash ^ (hash >> 32);
}

void sg_names_init(struct sg_names *names, struct sg_arena *arena)
{
	*names = (struct sg_names){ .arena = arena };
}

static struct sg_names_slot *slot_for(const struct sg_names *names, uint64_t hash, size_t scope, const char *name)
{
	for (size_t i = (size_t)hash & (names->capacity - 1);; i = (i + 1) & (names->capacity - 1)) {
		struct sg_names_slot *slot = &names->slots[i];

		if (slot->name == NULL ||
		    (slot->hash == hash && slot->scope == scope && strcmp(slot->name, name) == 0))
			return slot;
	}
}

static void grow(struct sg_names *names)
{
	struct sg_names old = *names;

	names->capacity = old.capacity ? old.capacity * 2 : 64;
	names->slots = sg_arena_array(names->arena, names->capacity, sizeof *names->slots);
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].name != NULL)
			*slot_for(names, old.slots[i].hash, old.slots[i].scope, old.slots[i].name) = old.slots[i];
}

bool sg_names_add(struct sg_names *names, size_t scope, const char *name, size_t value, size_t *value_r)
{
	uint64_t hash = hash_of(scope, name);
	struct sg_names_slot *slot;

	if (names->count * 2 >= names->capacity)
		grow(names);
	slot = slot_for(names, hash, scope, name);
	if (slot->name != NULL) {
		*value_r = slot->value;
		return false;
	}
	*slot = (struct sg_names_slot){ name, scope, value, hash };
	names->count++;
	return true;
}
