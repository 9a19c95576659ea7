/* key.h - the declared table and key of a range backfill: learned from the
 * catalogue, and the questions that walk it.
 *
 * The key is only ever walked through its index, in the index's own order, by the
 * operators of its operator family: never by arithmetic, so that sparse, skewed,
 * composite and textual keys cost the same. Values are PostgreSQL's own text of
 * each column, read and written under the guards of core/exec/session.h. */
#ifndef SG_KEY_H
#define SG_KEY_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

struct sg_key {
	const char *table;          /* quoted and qualified: "public"."leads" */
	const char *shown;          /* for people: public.leads */
	uint32_t oid;
	size_t count;               /* columns */
	const char *const *columns; /* quoted */
	const char *const *names;   /* the same for people: not quoted where SQL needs no quotes */
	const char *const *types;   /* to cast to: "pg_catalog.int8"; a domain's base type, without length or precision */
	const char *const *collations; /* ' COLLATE "pg_catalog"."C"', for after a literal of that type, or "" */
	const char *index;          /* for people: the index that is walked */
	bool unique;                /* the key alone is unique: no two rows share one */
	/* SQL of the operators: OPERATOR(pg_catalog.<) and so on */
	const char *less, *less_equal, *greater, *greater_equal;
	const char *up, *down;      /* what follows ORDER BY, of a table under the alias t: as the index is, and backwards */
};

/* One value a column, in the arena; NULL as a whole: there is none. */
typedef const char *const *sg_key_values;

/* In an open transaction with guards. table and columns ("business_id, id") as
 * the plugin says them, looked up as SQL does. Refuses (SG_CLASS_REFUSED, naming
 * table and column, with what to do): no such table or column; not a table or
 * partitioned table; a column that is not NOT NULL; no valid, ready, non-partial
 * btree index that the columns lead, in the default operator class, the columns'
 * own collation and one direction (the hint has the index to create); a composite key
 * with operators outside pg_catalog. */
SG_MUST_CHECK int sg_key_learn(struct sg_db *db, const char *table, const char *columns, struct sg_arena *arena,
                               struct sg_key *key_r, struct sg_err *err);

/* Lowest and highest key of the table; both NULL where it is empty. */
SG_MUST_CHECK int sg_key_ends(struct sg_db *db, const struct sg_key *key, struct sg_arena *arena,
                              sg_key_values *lowest_r, sg_key_values *highest_r, struct sg_err *err);

/* How many rows the table seems to hold: live ones by the statistics' counters, else the planner's estimate. */
SG_MUST_CHECK int sg_key_estimate(struct sg_db *db, const struct sg_key *key, struct sg_arena *arena,
                                  int64_t *rows_r, struct sg_err *err);

/* The part of a range that is still to be done: after `after` (not included), or from
 * `from` (included) where after is NULL; up to `to`, included. */
struct sg_key_span {
	sg_key_values after, from, to;
};

struct sg_key_batch {
	sg_key_values firsts, lasts; /* NULL: no row is left in the span */
	int64_t rows;                /* exactly `limit`, or what was left; equal keys beyond the limit are not counted */
	int64_t beyond;              /* these: rows after the first `limit` that bear the last key. sg_key_next alone tells */
	bool ends;                   /* the span's end: lasts is `to` (or equal to it), or no row is left */
};

/* The next `limit` rows of the span, by the key alone. The last of equal keys ends
 * a batch by itself: `lasts` is a key, and all rows that bear it belong to it. Plans
 * through the index only, whatever the statistics say; what it SETs LOCAL for
 * that it takes back. */
SG_MUST_CHECK int sg_key_next(struct sg_db *db, const struct sg_key *key, const struct sg_key_span *span,
                              int64_t limit, struct sg_arena *arena, struct sg_key_batch *batch_r,
                              struct sg_err *err);

/* Where to cut a span in two: the key of its n-th row, in steps of at most 10,000
 * index entries a statement; NULL where the span has no more than n rows (or none after
 * those equal to the n-th), and then *rows_r is how many it has, at most n (else n). */
SG_MUST_CHECK int sg_key_cut(struct sg_db *db, const struct sg_key *key, const struct sg_key_span *span, int64_t n,
                             struct sg_arena *arena, sg_key_values *at_r, int64_t *rows_r, struct sg_err *err);

/* For people: "id = 4711", "(business_id, id) = (7, 4711)". */
const char *sg_key_text(const struct sg_key *key, sg_key_values values, struct sg_arena *arena);

#endif
