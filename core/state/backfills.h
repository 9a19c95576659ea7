/* backfills.h - the table backfills: a row a backfill, its state, and what a person
 * may ask of it from any host.
 *
 * No row of it is updated batch by batch (but in drain mode): how far a running
 * backfill is, is the sum of its row and of its ranges. */
#ifndef SG_BACKFILLS_H
#define SG_BACKFILLS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"
#include "core/state/ranges.h"

enum sg_backfill_state {
	SG_BACKFILL_PENDING,  /* not begun, or begun and nobody is at it */
	SG_BACKFILL_RUNNING,
	SG_BACKFILL_PAUSED,
	SG_BACKFILL_FAILED,   /* class, sqlstate, message say why; position kept, the next run tries again */
	SG_BACKFILL_RESIDUAL, /* no range is left, but the fingerprint does not hold, or bad rows are left */
	SG_BACKFILL_COMPLETE
};
const char *sg_backfill_state_name(enum sg_backfill_state state); /* "pending", … as in the table */

struct sg_backfill_row {
	const char *key;
	enum sg_backfill_state state;
	bool begun;             /* started_at is set: its ranges were made */
	bool again;             /* not begun, and --again asked for a sweep, whatever the fingerprint says */
	int pass;
	int64_t rows_done;      /* of its row and of its ranges */
	int64_t rows_estimate;  /* -1: not known */
	int64_t left;           /* estimate - done, never below 0; -1: not known; 0 when complete */
	int64_t ranges, deferred, bad_rows;
	const char *started_at, *finished_at, *paused_by, *paused_at; /* or NULL */
	/* as the ranges' last batches say; 0: nobody is at work */
	int lanes;              /* ranges that are held, or were moved within 10 s */
	double rows_per_s;
	int64_t seconds_left;   /* -1: not known */
	int batch_size;
	int64_t silent_s;       /* since the last batch, or sign of life, of a backfill that is not finished; -1: none yet */
	bool nobody;            /* running, but nobody is at work: message is an old one, if there is any */
	struct sg_err err;      /* class NONE: none. Released with the arena */
	const char *message;    /* while running: the throttle that holds; else of err; or NULL */
};

/* Every row, in the order of the keys. Outside any transaction, or in one. The
 * tables must be installed. Takes row locks only for the length of the query, to see
 * who is alive (FOR SHARE SKIP LOCKED); on a read-only server it does not, and lanes
 * are told by updated_at alone. */
SG_MUST_CHECK int sg_backfills_read(struct sg_db *db, const char *state_schema, struct sg_arena *arena,
                                    struct sg_backfill_row **rows_r, size_t *count_r, struct sg_err *err);
const struct sg_backfill_row *sg_backfills_find(const struct sg_backfill_row *rows, size_t count, const char *key);
/* "312,000 of about 1,000,000 rows left, about 40 s"; "not started"; "paused by …": for gates and reports. */
const char *sg_backfill_row_text(const struct sg_backfill_row *row, struct sg_arena *arena);

/* ---- from any host; each is a transaction of its own, begun and committed here.
 * SG_CLASS_USAGE where the state does not allow it, saying which it is. ---- */

/* by: who asks ("user@host"). Makes the row where there is none. A complete one cannot be paused. */
SG_MUST_CHECK int sg_backfills_pause(struct sg_db *db, const char *state_schema, const char *key, const char *by,
                                     struct sg_err *err);
SG_MUST_CHECK int sg_backfills_resume(struct sg_db *db, const char *state_schema, const char *key,
                                      struct sg_err *err);
/* Failures become deferred ranges; count_r says how many. */
SG_MUST_CHECK int sg_backfills_retry(struct sg_db *db, const char *state_schema, const char *key,
                                     int64_t *count_r, struct sg_err *err);
/* The next run starts a new sweep over all rows. Refused while ranges are left, or somebody is at work. */
SG_MUST_CHECK int sg_backfills_again(struct sg_db *db, const char *state_schema, const char *key,
                                     struct sg_err *err);

/* ---- of a run; in a transaction that the caller began and commits ---- */

/* Makes the row if there is none, and locks it. begun_r: its ranges were made before. */
SG_MUST_CHECK int sg_backfills_lock(struct sg_db *db, const char *state_schema, const char *key,
                                    struct sg_arena *arena, struct sg_backfill_row *row_r, struct sg_err *err);
/* The sweep begins: started_at, estimate, and, unless lo is NULL (no rows, or drain mode), the first range. */
SG_MUST_CHECK int sg_backfills_begin(struct sg_db *db, const struct sg_ranges *of, sg_range_key lo, sg_range_key hi,
                                     int64_t estimate, const char *sha256, const char *runner,
                                     struct sg_arena *arena, struct sg_err *err);
/* state, and with it message (or NULL), err (or NULL) and, for RESIDUAL, how many
 * rows are left (-1: not known). COMPLETE, RESIDUAL and FAILED set finished_at. A
 * paused row stays paused unless the new state is FAILED, RESIDUAL or COMPLETE. */
SG_MUST_CHECK int sg_backfills_set(struct sg_db *db, const char *state_schema, const char *key,
                                   enum sg_backfill_state state, const char *message, const struct sg_err *why,
                                   int64_t left, struct sg_arena *arena, struct sg_err *err);
/* A sign of life of lanes that hold still: free ranges, one a lane, are touched. Of ranges that are not
 * deferred; in drain mode, and in later passes, there are none, and what is running there with a message
 * is taken to be alive. */
SG_MUST_CHECK int sg_backfills_alive(struct sg_db *db, const char *state_schema, const char *key, const char *runner,
                                     int lanes, struct sg_arena *arena, struct sg_err *err);
/* pass + 1; returns the time (text of timestamptz) before which deferred ranges must
 * have been touched to belong to the new pass. */
SG_MUST_CHECK int sg_backfills_pass(struct sg_db *db, const char *state_schema, const char *key,
                                    struct sg_arena *arena, const char **before_r, struct sg_err *err);
/* Did a lane of another runner than this one finish a batch within 10 s? Never known in drain mode: false. */
SG_MUST_CHECK int sg_backfills_others(struct sg_db *db, const char *state_schema, const char *key, const char *runner,
                                      struct sg_arena *arena, bool *others_r, struct sg_err *err);
/* Drain mode: a SELECT that locks the row, and its columns as sg_backfills_drain_claimed reads
 * them (SG_CLAIMED_RANGE: the row is ours); and the counts of a batch, for pending. */
const char *sg_backfills_drain_sql(const struct sg_ranges *of, struct sg_arena *arena);
SG_MUST_CHECK int sg_backfills_drain_claimed(const struct sg_result *result, int column, struct sg_claim *claim_r,
                                             struct sg_err *err);
void sg_backfills_drained(struct sg_buf *sql, const struct sg_ranges *of, int64_t rows, struct sg_arena *arena);

#endif
