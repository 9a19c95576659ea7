/* index_schedule.h - which index is built next, and how many at once. Pure.
 *
 * Two builds on one table would wait for each other (each takes SHARE UPDATE EXCLUSIVE on it, and
 * waits for every older snapshot: PostgreSQL documentation, "Building Indexes Concurrently"), so at most one
 * at a time is at work on a table, or on a table and its partitions. */
#ifndef SG_INDEX_SCHEDULE_H
#define SG_INDEX_SCHEDULE_H

#include "core/base/base.h"

enum sg_slot {
	SG_SLOT_SETTLED,  /* its result stands */
	SG_SLOT_WAITING,  /* for a gate */
	SG_SLOT_READY,
	SG_SLOT_AT_WORK
};

/* In the order of work. */
struct sg_schedule_item {
	enum sg_slot slot;
	const char *table; /* equal texts: never at once */
};

/* The first one that is ready, whose table is free, while fewer than jobs are at work; count: none. */
size_t sg_schedule_next(const struct sg_schedule_item *items, size_t count, int jobs);
/* How many can be at work at once: one a table, of those that are ready or wait; at most jobs. */
int sg_schedule_width(const struct sg_schedule_item *items, size_t count, int jobs);
/* As many of jobs as memory_mb (0: no limit) holds builds of work_kb each (the server's maintenance_work_mem;
 * 0: not known); at least one. */
int sg_schedule_jobs(int jobs, int memory_mb, int64_t work_kb);

#endif
