/*
 * What goes wrong next in the system calls and allocations of the code under test: short reads and writes, errors of a descriptor, and
 * the nth allocation. A program that uses it is linked with $(fault_wraps) (tests/local.mk), by which the linker leads the calls of our
 * own objects here; what a shared library calls is not led here.
 */
#ifndef SG_TESTS_UNIT_FAULT_H
#define SG_TESTS_UNIT_FAULT_H

#include <stddef.h>

/* One call: at most that many bytes; 0: end of file (of a write: nothing was taken); less than 0: fails with that errno, negated. */
#define FAULT_NONE ((long)1 << 30)

/* The next COUNT reads (read, recv) or writes (write, send) of a descriptor; later ones are as ever, but REPEAT begins anew. The plan is
 * not copied. Peeks are not counted. */
void fault_reads(int fd, const long *plan, size_t count);
void fault_writes(int fd, const long *plan, size_t count);
void fault_repeat(void);
/* Whether all that was planned happened. */
int fault_over(void);
/* No plan any more. */
void fault_none(void);

/* The Nth allocation from now (malloc, calloc, realloc) gives NULL, and so do all after it; 0: none does. */
void fault_memory(size_t n);
/* The allocations since. */
size_t fault_allocations(void);

/* Runs WHAT in a child, with standard error into SAID, and gives its exit status (0 if WHAT returned), or less than 0: its signal. */
int fault_child(void (*what)(void *), void *context, char *said, size_t size);

#endif
