/* note.h - what a lane and its supervisor tell each other, over a socket pair
 * (SOCK_SEQPACKET, both ends ours: the lane is a fork of the supervisor). */
#ifndef SG_NOTE_H
#define SG_NOTE_H

#include "core/base/arena.h"
#include "core/base/err.h"

enum sg_note_kind {
	/* lane -> supervisor */
	SG_NOTE_BEGUN,     /* a = backend pid of the transaction */
	SG_NOTE_DONE,      /* a = rows covered, b = rows changed, c = work in microseconds, d = rows that the next batch aims for */
	SG_NOTE_IDLE,      /* no range to be had; text: why (or NULL: others hold all). Said once, until the next BEGUN */
	SG_NOTE_DEFERRED,  /* text: the key and who holds it */
	SG_NOTE_BAD,       /* text: the key; err: why it fails */
	SG_NOTE_DOING,     /* text: what it waits for now ("trying again in 2 s: …"); NULL: no longer */
	SG_NOTE_LOG,       /* text: a finished line of the log, as it is to be written */
	SG_NOTE_END,       /* a = enum sg_lane_end; err where it has one. The lane's last note */
	/* supervisor -> lane */
	SG_NOTE_STOP,      /* a = count as sg_stop_count, b = the first signal's number, or 0: time is over */
	SG_NOTE_HOLD,      /* a = 1: no further batch until a = 0 */
	SG_NOTE_SHRINK     /* sessions are blocked by it: smaller batches (auto) */
};

enum sg_lane_end {
	SG_LANE_NOTHING_LEFT, /* of what it was to work on */
	SG_LANE_STOPPED,      /* it was told to, or its supervisor is gone */
	SG_LANE_OVER,         /* somebody else ended the backfill: failed, complete, row gone */
	SG_LANE_FAILED,       /* err: this backfill cannot go on */
	SG_LANE_GAVE_UP       /* err: the server cannot be reached, or retries are used up */
};

struct sg_note {
	enum sg_note_kind kind;
	int64_t a, b, c, d;
	const char *text;  /* or NULL */
	struct sg_err err; /* class NONE: none */
};

#define SG_NOTE_LIMIT (64 * 1024) /* bytes of a note; longer texts are cut */

/* Sends; false if the other end is gone. Waits while the socket is full, but a minute at most: an end that
 * reads nothing for so long counts as gone. */
bool sg_note_send(int socket, const struct sg_note *note);
/* 1: received, text and err in the arena (err must not be released: move nothing out of it); 0: none there yet;
 * -1: the other end is gone, or sent what is no note. What it sent before it went is received first. Never waits. */
int sg_note_receive(int socket, struct sg_arena *arena, struct sg_note *note_r);

#endif
