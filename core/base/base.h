/* base.h - the few macros and allocators that every file of core/ may use.
 *
 * Out of memory ends the process: the server rolls back whatever was open, and
 * a runner that cannot allocate cannot be trusted to report. */
#ifndef SG_BASE_H
#define SG_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SG_MUST_CHECK __attribute__((warn_unused_result))
#define SG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SG_NORETURN __attribute__((noreturn))
#define SG_UNUSED __attribute__((unused))
#define SG_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A broken invariant: says where, and aborts with exit status 70 (a bug). */
SG_NORETURN void sg_bug_at(const char *file, int line, const char *what);
#define SG_BUG(what) sg_bug_at(__FILE__, __LINE__, (what))
#define SG_ASSERT(cond) ((cond) ? (void)0 : sg_bug_at(__FILE__, __LINE__, "broken invariant: " #cond))

/* Says so, and ends the process with exit status 70: for memory that a library did not get. */
SG_NORETURN void sg_out_of_memory(size_t size);

/* malloc and friends that never return NULL; size 0 is given one byte. */
void *sg_xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *sg_xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *sg_xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *sg_xstrdup(const char *text) __attribute__((malloc, returns_nonnull));

#endif
