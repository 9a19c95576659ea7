/* batch.h - one batch: its transaction, from the claim to COMMIT.
 *
 * BEGIN and guards, the claim of a range, the next keys in it, the plugin's
 * backfill_batch, the server's word on what was written, the position, COMMIT.
 * What is not committed did not happen, and what is committed is in the range's
 * row: whoever claims it next, here or elsewhere, starts there. */
#ifndef SG_BATCH_H
#define SG_BATCH_H

#include "core/backfill/backfill.h"
#include "core/backfill/size.h"
#include "core/exec/watch.h"

/* One key that was found to be locked or bad: passed over in the next round, if that finds it
 * where it was. */
struct sg_verdict_key {
	sg_key_values key;              /* NULL: none */
	int64_t range;
	bool bad;                       /* else locked */
	const char *who;                /* holds it, or NULL */
	struct sg_err err;              /* why it is bad */
	struct sg_arena arena;
};

struct sg_lane {
	const struct sg_backfill *backfill;
	struct sg_session session;
	struct sg_watch watch;          /* who holds a row, asked while a statement waits */
	struct sg_process *process;     /* or NULL; replaced after any failure */
	const char *deferred_before;    /* a later pass: deferred ranges touched before this; NULL: the first pass */
	int jobs;                       /* lanes of this run: ranges are cut for at least so many */
	/* the lane's own memory: of use, never of need */
	struct sg_size size;
	int64_t lowest;                 /* no range has a number below; 0: not known */
	int64_t mine;                   /* number of the range it worked on last */
	int64_t chunk;                  /* number of the range that is known to be no longer than a lane's share */
	struct sg_verdict_key verdict;
	bool no_lock;                   /* this role may not lock the table: it only reads it */
	struct sg_buf kinds;            /* of statements that are in the journal already: "|UPDATE|" */
	int64_t committed_us;           /* sg_clock_us of its last COMMIT; 0: none */
	void (*begun)(struct sg_lane *lane, int backend); /* or NULL: told once the range is claimed */
};

enum sg_batch_end {
	SG_BATCH_DONE,       /* committed: rows, changed, work_us */
	SG_BATCH_CUT,        /* no batch: the range was cut in two for other lanes */
	SG_BATCH_SPLIT,      /* rolled back: a lock or a bad row; the next round looks closer */
	SG_BATCH_DEFERRED,   /* one key was locked still: deferred, and passed */
	SG_BATCH_BAD,        /* one key fails: recorded, and passed; why is in err */
	SG_BATCH_NO_RANGE,   /* claimed says why */
	SG_BATCH_EMPTY,      /* drain mode: the plugin found no row; nothing to commit */
	SG_BATCH_BLOCKED,    /* the table itself is locked by somebody (no row): try again later; text says who */
	SG_BATCH_FAILED      /* rolled back or uncertain: err; the session is dropped, the process dead */
};

struct sg_batch_result {
	enum sg_claimed claimed;
	const char *paused_by;
	int64_t rows, changed;
	int64_t work_us;     /* from BEGIN to the answer to COMMIT */
	const char *text;    /* the key, or who holds the lock; or NULL. In the arena */
};

/* One round. err is set for FAILED and BAD. After SPLIT, BLOCKED and FAILED the plugin's
 * process is dead and the connection closed. */
enum sg_batch_end sg_batch_run(struct sg_lane *lane, struct sg_arena *arena, struct sg_batch_result *result_r,
                               struct sg_err *err);

#endif
