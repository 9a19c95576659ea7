/* arena.h - memory and clean-ups that end together.
 *
 * Three arenas live in a run: the run's own, one a step, one an attempt (reset
 * before each retry, so that nothing of a failed attempt can be reused). What
 * is allocated in an arena is freed by its reset or release, never one by one;
 * registered clean-ups (a PQclear, a close) run first, latest first.
 * All allocation is zeroed and never returns NULL (see base.h). */
#ifndef SG_ARENA_H
#define SG_ARENA_H

#include <stdarg.h>

#include "core/base/base.h"

struct sg_arena_block;
struct sg_arena_cleanup;

struct sg_arena {
	struct sg_arena_block *blocks;     /* newest first */
	struct sg_arena_cleanup *cleanups; /* latest first */
};

#define SG_ARENA_INIT { NULL, NULL }

void sg_arena_init(struct sg_arena *arena);
/* Runs the clean-ups and frees all; the arena can be used again. */
void sg_arena_reset(struct sg_arena *arena);
/* As reset; named for the end of the arena's life. */
void sg_arena_release(struct sg_arena *arena);

/* Zeroed, aligned for any object. */
void *sg_arena_alloc(struct sg_arena *arena, size_t size) __attribute__((returns_nonnull));
/* Zeroed array; overflow of count * size is a bug. */
void *sg_arena_array(struct sg_arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* Grows an array of *capacity elements to at least need (doubling); returns
 * the new place. The old one stays in the arena until its reset. */
void *sg_arena_grow(struct sg_arena *arena, void *array, size_t *capacity, size_t need, size_t size)
	__attribute__((returns_nonnull));
/* Copies; NULL stays NULL. */
char *sg_arena_strdup(struct sg_arena *arena, const char *text);
/* Copies length bytes and ends them with a NUL. */
char *sg_arena_strndup(struct sg_arena *arena, const char *text, size_t length) __attribute__((returns_nonnull));
char *sg_arena_printf(struct sg_arena *arena, const char *format, ...) SG_PRINTF(2, 3) __attribute__((returns_nonnull));
char *sg_arena_vprintf(struct sg_arena *arena, const char *format, va_list args)
	SG_PRINTF(2, 0) __attribute__((returns_nonnull));

/* run(what) is called at the next reset or release. */
void sg_arena_defer(struct sg_arena *arena, void (*run)(void *), void *what);

#endif
