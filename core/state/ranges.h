/* ranges.h - backfill_ranges and backfill_failures: what of a backfill is left.
 *
 * A range is [lo, hi], both included; pos is the last key that is done, NULL while
 * nothing is. Ranges of a backfill never overlap. Whoever holds a range's row lock
 * works on it; the lock dies with its transaction, and no other claim is needed.
 * A finished range is deleted, and its counts are added to its row of backfills.
 * Everything here is SQL for a transaction that the caller began; functions that
 * take a buffer append to it (struct sg_session's pending), and need no answer. */
#ifndef SG_RANGES_H
#define SG_RANGES_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/db/db.h"

typedef const char *const *sg_range_key; /* `keys` values; NULL: none */

struct sg_range {
	int64_t no;
	sg_range_key lo, hi, pos;
	bool deferred;       /* a key that was locked, left for a later pass */
	int64_t rows_done, batches;
	int batch_size;      /* rows of its last batch; 0: none yet */
	double batch_ms;     /* from the commit before to that of its last batch; 0: not known */
};

enum sg_claimed {
	SG_CLAIMED_RANGE,    /* range is ours until this transaction ends */
	SG_CLAIMED_BUSY,     /* others hold all that there is to do now */
	SG_CLAIMED_NOTHING,  /* nothing of the kind that was asked for is left */
	SG_CLAIMED_PAUSED,   /* --pause */
	SG_CLAIMED_OVER      /* the backfill is failed, residual or complete, or its row is gone: stop */
};

struct sg_claim {
	enum sg_claimed what;
	struct sg_range range;
	int64_t ranges, deferred;  /* of the backfill, all and those deferred */
	int64_t lowest;            /* number of the oldest of them; 0: there is none */
	int lanes;                 /* that want work, as far as known (sg_ranges_want) */
	const char *paused_by, *paused_at;
};

struct sg_ranges {             /* which backfill */
	const char *state_schema;
	const char *key;
	size_t keys;               /* columns of its key */
};

/* A SELECT (no semicolon) that locks a range, FOR UPDATE SKIP LOCKED, the one
 * numbered `mine` first (0: none), and gives what sg_ranges_claimed reads. Numbers below
 * `lowest`, of an earlier claim, are not looked at (0: all are): ranges come only of ranges,
 * with higher numbers, and finished ones stay in the index for as long as any old
 * snapshot lives.
 * deferred_before NULL: ranges that are not deferred; else deferred ones last
 * touched before that time (text of timestamptz). */
const char *sg_ranges_claim_sql(const struct sg_ranges *of, int64_t mine, int64_t lowest,
                                const char *deferred_before, struct sg_arena *arena);
/* Reads the row of that SELECT, whose first column is number `column` of the result. */
SG_MUST_CHECK int sg_ranges_claimed(const struct sg_ranges *of, const struct sg_result *result, int column,
                                    struct sg_arena *arena, struct sg_claim *claim_r, struct sg_err *err);

/* After a batch: the position is `to`. rows: keys that it covered. */
void sg_ranges_move(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, sg_range_key to,
                    int64_t rows, double batch_ms, const char *runner, struct sg_arena *arena);
/* The range is done: its row goes, its counts (and these rows) to backfills. */
void sg_ranges_finish(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, int64_t rows,
                      struct sg_arena *arena);
/* [lo, hi] becomes a range of its own that is deferred. */
void sg_ranges_defer(struct sg_buf *sql, const struct sg_ranges *of, sg_range_key lo, sg_range_key hi,
                     const char *runner, struct sg_arena *arena);
/* A deferred range that is still locked: touched, so that this pass leaves it alone. */
void sg_ranges_touch(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range,
                     const char *runner, struct sg_arena *arena);
/* Cuts: the range ends at `at` (included), what follows becomes a free range. */
void sg_ranges_cut(struct sg_buf *sql, const struct sg_ranges *of, const struct sg_range *range, sg_range_key at,
                   struct sg_arena *arena);
/* A key that fails: to backfill_failures (again: attempts + 1). */
void sg_ranges_bad(struct sg_buf *sql, const struct sg_ranges *of, sg_range_key key, const struct sg_err *why,
                   struct sg_arena *arena);
/* Keys that failed, those of the longest standing first, `most` of them. In a transaction. */
struct sg_bad_row {
	const char *key;     /* "42", "7, x": its values, for people */
	const char *sqlstate, *message; /* or NULL */
};
SG_MUST_CHECK int sg_ranges_bad_rows(struct sg_db *db, const char *state_schema, const char *key, int most,
                                     struct sg_arena *arena, struct sg_bad_row **rows_r, size_t *count_r,
                                     struct sg_err *err);
/* A lane found all ranges held: one more of them is wanted. */
void sg_ranges_want(struct sg_buf *sql, const struct sg_ranges *of, struct sg_arena *arena);

/* The text form of text[] taken apart; count elements expected. SG_CLASS_STATE otherwise. */
SG_MUST_CHECK int sg_ranges_array(const char *text, size_t count, struct sg_arena *arena, sg_range_key *key_r,
                                  struct sg_err *err);

#endif
