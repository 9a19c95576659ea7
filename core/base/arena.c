/* arena.c - bump allocation in blocks, with deferred clean-ups; and the
 * allocators of base.h that end the process when memory runs out. */
#include "config.h"
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_BYTES 1000
#define BLOCK_BYTES 8000

struct sg_arena_block {
	struct sg_arena_block *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

struct sg_arena_cleanup {
	struct sg_arena_cleanup *next;
	void (*run)(void *);
	void *what;
};

void sg_bug_at(const char *file, int line, const char *what)
{
	fprintf(stderr, "sgrun: bug at %s:%d: %s\nHINT:  Please report this, with what was run.\n", file, line, what);
	fflush(NULL);
	_exit(70);
}

void sg_out_of_memory(size_t size)
{
	fprintf(stderr, "sgrun: out of memory (%zu bytes wanted); what was open is rolled back by the server\n", size);
	_exit(70);
}

void *sg_xmalloc(size_t size)
{
	void *place = malloc(size ? size : 1);

	if (place == NULL)
		sg_out_of_memory(size);
	return place;
}

void *sg_xcalloc(size_t count, size_t size)
{
	void *place = calloc(count ? count : 1, size ? size : 1);

	if (place == NULL)
		sg_out_of_memory(count > SIZE_MAX / (size ? size : 1) ? SIZE_MAX : count * size);
	return place;
}

void *sg_xrealloc(void *old, size_t size)
{
	void *place = realloc(old, size ? size : 1);

	if (place == NULL)
		sg_out_of_memory(size);
	return place;
}

char *sg_xstrdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(sg_xmalloc(size), text, size);
}

void sg_arena_init(struct sg_arena *arena)
{
	*arena = (struct sg_arena)SG_ARENA_INIT;
}

void sg_arena_reset(struct sg_arena *arena)
{
	/* A clean-up may use the arena's memory, and may not add clean-ups. */
	while (arena->cleanups != NULL) {
		struct sg_arena_cleanup *cleanup = arena->cleanups;

		arena->cleanups = cleanup->next;
		cleanup->run(cleanup->what);
	}
	while (arena->blocks != NULL) {
		struct sg_arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}

void sg_arena_release(struct sg_arena *arena)
{
	sg_arena_reset(arena);
}

void *sg_arena_alloc(struct sg_arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct sg_arena_block *block = arena->blocks;

	if (size > SIZE_MAX / 2)
		sg_out_of_memory(size);
	size = (size + align - 1) / align * align;
	if (block == NULL || block->size - block->used < size) {
		/* Many arenas need little: the first block is small. */
		size_t usual = block == NULL ? FIRST_BYTES : BLOCK_BYTES;
		size_t room = size > usual ? size : usual;

		block = sg_xcalloc(1, sizeof *block + room);
		block->size = room;
		if (room > BLOCK_BYTES && arena->blocks != NULL) {
			/* A large object gets a block of its own behind the current
			 * one, whose rest stays in use. */
			block->next = arena->blocks->next;
			arena->blocks->next = block;
		} else {
			block->next = arena->blocks;
			arena->blocks = block;
		}
	}
	block->used += size;
	return block->data + (block->used - size);
}

void *sg_arena_array(struct sg_arena *arena, size_t count, size_t size)
{
	SG_ASSERT(size == 0 || count <= SIZE_MAX / 2 / size);
	return sg_arena_alloc(arena, count * size);
}

void *sg_arena_grow(struct sg_arena *arena, void *array, size_t *capacity, size_t need, size_t size)
{
	size_t wanted = *capacity ? *capacity : 8;
	void *place;

	if (array != NULL && need <= *capacity)
		return array;
	while (wanted < need) {
		SG_ASSERT(wanted <= SIZE_MAX / 4);
		wanted *= 2;
	}
	place = sg_arena_array(arena, wanted, size);
	if (array != NULL && *capacity)
		memcpy(place, array, *capacity * size);
	*capacity = wanted;
	return place;
}

char *sg_arena_strndup(struct sg_arena *arena, const char *text, size_t length)
{
	char *copy = sg_arena_alloc(arena, length + 1);

	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *sg_arena_strdup(struct sg_arena *arena, const char *text)
{
	return text == NULL ? NULL : sg_arena_strndup(arena, text, strlen(text));
}

char *sg_arena_vprintf(struct sg_arena *arena, const char *format, va_list args)
{
	va_list again;
	int length;
	char *text;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	SG_ASSERT(length >= 0);
	text = sg_arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

char *sg_arena_printf(struct sg_arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = sg_arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

void sg_arena_defer(struct sg_arena *arena, void (*run)(void *), void *what)
{
	struct sg_arena_cleanup *cleanup = sg_arena_alloc(arena, sizeof *cleanup);

	cleanup->run = run;
	cleanup->what = what;
	cleanup->next = arena->cleanups;
	arena->cleanups = cleanup;
}
