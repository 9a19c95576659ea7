/* gates.h - what a step waits for: backfills, indexes, migrations. */
#ifndef SG_GATES_H
#define SG_GATES_H

#include "core/base/arena.h"
#include "core/db/db.h"
#include "core/manifest/manifest.h"
#include "core/state/backfills.h"
#include "core/state/indexes.h"
#include "core/state/ledger.h"

struct sg_gates {
	const struct sg_ledger *ledger;
	struct sg_backfill_row *backfills; /* every row of the table */
	size_t backfill_count;
	struct sg_index_row *indexes;      /* likewise; one that is valid opens its gates */
	size_t index_count;
	const char **refused;   /* indexes that something requires, and whose sections are refused: shut, whatever the table says */
	size_t refused_count;
	const char **done;      /* migrations recorded since the ledger was read */
	size_t done_count, done_capacity;
};

/* Reads the states of backfills and indexes, if the manifest has one, or a
 * step that requires something (else nothing is sent). */
SG_MUST_CHECK int sg_gates_read(struct sg_db *db, const struct sg_manifest *manifest, const struct sg_ledger *ledger,
                                struct sg_arena *arena, struct sg_gates *gates_r, struct sg_err *err);
/* A migration was recorded: whatever requires it need not wait for it. */
void sg_gates_done(struct sg_gates *gates, const char *id, struct sg_arena *arena);
/* "backfill:KEY" of the first requirement that does not hold, but for `skip` of these, in
 * the arena; NULL when open. A backfill's or index's `migration` is its first requirement. */
const char *sg_gates_closed(const struct sg_gates *gates, const struct sg_step *step, size_t skip,
                            struct sg_arena *arena);
/* What is known of that gate, for people: "312,000 of about 1,000,000 rows left, about 40 s", "not built yet"; NULL: nothing
 * more. */
const char *sg_gates_why(const struct sg_gates *gates, const char *closed, struct sg_arena *arena);

#endif
