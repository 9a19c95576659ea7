/* gates.h - what a migration waits for: backfills, indexes, other migrations. */
#ifndef SG_GATES_H
#define SG_GATES_H

#include "core/base/arena.h"
#include "core/db/db.h"
#include "core/manifest/manifest.h"
#include "core/state/ledger.h"

struct sg_gates {
	const struct sg_ledger *ledger;
	const char **backfills; /* keys of the complete ones */
	size_t backfill_count;
	const char **indexes;   /* names of the valid ones */
	size_t index_count;
	const char **done;      /* migrations recorded since the ledger was read */
	size_t done_count, done_capacity;
};

/* Reads the states of backfills and indexes, if any step of the manifest
 * requires one (else nothing is sent). */
SG_MUST_CHECK int sg_gates_read(struct sg_db *db, const struct sg_manifest *manifest, const struct sg_ledger *ledger,
                                struct sg_arena *arena, struct sg_gates *gates_r, struct sg_err *err);
/* A migration was recorded: whatever requires it need not wait for it. */
void sg_gates_done(struct sg_gates *gates, const char *id, struct sg_arena *arena);
/* "backfill:KEY" of the first requirement that does not hold, in the arena; NULL when open. */
const char *sg_gates_closed(const struct sg_gates *gates, const struct sg_step *step, size_t skip,
                            struct sg_arena *arena);

#endif
