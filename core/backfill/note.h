/* note.h - what a lane and its supervisor tell each other: the kinds of their notes
 * (core/exec/note.h), beside those of every worker. n and texts as core/exec/note.h has them. */
#ifndef SG_LANE_NOTE_H
#define SG_LANE_NOTE_H

#include "core/exec/worker.h"

enum sg_note_kind {
	/* lane -> supervisor */
	SG_NOTE_BEGUN = SG_WORKER_OWN, /* n[0] = backend pid of the transaction */
	SG_NOTE_DONE,      /* n[0] = rows covered, 1 = rows changed, 2 = work in microseconds, 3 = rows that the next batch aims for */
	SG_NOTE_IDLE,      /* no range to be had; text: why (or NULL: others hold all). Said once, until the next BEGUN */
	SG_NOTE_DEFERRED,  /* text: the key and who holds it */
	SG_NOTE_BAD,       /* text: the key; err: why it fails */
	SG_NOTE_DOING,     /* text: what it waits for now ("trying again in 2 s: …"); NULL: no longer */
	SG_NOTE_END,       /* n[0] = enum sg_lane_end; err where it has one. The lane's last note */
	/* supervisor -> lane; a stop whose signal is 0: time is over */
	SG_NOTE_HOLD,      /* n[0] = 1: no further batch until n[0] = 0 */
	SG_NOTE_SHRINK     /* sessions are blocked by it: smaller batches (auto) */
};

enum sg_lane_end {
	SG_LANE_NOTHING_LEFT, /* of what it was to work on */
	SG_LANE_STOPPED,      /* it was told to, or its supervisor is gone */
	SG_LANE_OVER,         /* somebody else ended the backfill: failed, complete, row gone */
	SG_LANE_FAILED,       /* err: this backfill cannot go on */
	SG_LANE_GAVE_UP       /* err: the server cannot be reached, or retries are used up */
};

#endif
