/* note.h - what a worker (worker.h) and its supervisor tell each other, over a socket
 * pair (SOCK_SEQPACKET, both ends ours: the worker is a fork of the supervisor).
 *
 * What the numbers and texts of a kind mean is theirs to say. */
#ifndef SG_NOTE_H
#define SG_NOTE_H

#include "core/base/arena.h"
#include "core/base/err.h"

#define SG_NOTE_LIMIT (64 * 1024) /* bytes of a note; longer texts are cut */
#define SG_NOTE_NUMBERS 12
#define SG_NOTE_TEXTS 3
#define SG_NOTE_KINDS 64

struct sg_note {
	int kind;          /* 0 to SG_NOTE_KINDS - 1 */
	int64_t n[SG_NOTE_NUMBERS];
	const char *texts[SG_NOTE_TEXTS]; /* each may be NULL */
	struct sg_err err; /* class NONE: none */
};

/* Sends; false if the other end is gone. Waits while the socket is full, but a minute at most: an end that
 * reads nothing for so long counts as gone. */
bool sg_note_send(int socket, const struct sg_note *note);
/* The same for news that the next one replaces: left out while much is unread, so that a supervisor whose terminal
 * stands still stops nobody. */
bool sg_note_spare(int socket, const struct sg_note *note);
/* 1: received, text and err in the arena (err must not be released: move nothing out of it); 0: none there yet;
 * -1: the other end is gone, or sent what is no note. What it sent before it went is received first. Never waits. */
int sg_note_receive(int socket, struct sg_arena *arena, struct sg_note *note_r);

#endif
