/* journal.h - what a step sent, kept until its own transaction records it. */
#ifndef SG_JOURNAL_H
#define SG_JOURNAL_H

#include "core/base/arena.h"

struct sg_journal_entry {
	const char *kind;       /* "ALTER TABLE" */
	const char *sql;        /* secrets masked */
	int64_t started_us;     /* sg_clock_us when it was sent */
	int64_t ended_us;
	int64_t rows;
	int64_t waited_ms;      /* for locks */
	const char *waited_on;  /* or NULL */
	bool existed;           /* passed as "already exists" */
};

struct sg_journal {
	struct sg_journal_entry *entries;
	size_t count, capacity;
};

/* A new entry at the end, zeroed. */
struct sg_journal_entry *sg_journal_add(struct sg_journal *journal, struct sg_arena *arena);

#endif
