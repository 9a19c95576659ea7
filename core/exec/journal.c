/* journal.c - a growing list; core/exec/record.c writes it. */
#include "config.h"
#include "core/exec/journal.h"

struct sg_journal_entry *sg_journal_add(struct sg_journal *journal, struct sg_arena *arena)
{
	journal->entries =
		sg_arena_grow(arena, journal->entries, &journal->capacity, journal->count + 1, sizeof *journal->entries);
	return &journal->entries[journal->count++];
}
