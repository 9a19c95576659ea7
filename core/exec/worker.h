/* worker.h - a process of sgrun's own that does one thing and tells how it goes: a lane
 * of a backfill, the builder of an index.
 *
 * It is a fork of sgrun, the supervisor, so that whoever waits for a server can be written
 * one statement after the other. It has no signal handlers of its own: stops come by note, so
 * that Ctrl-C counts once. What it logs, the supervisor writes. It never
 * outlives its supervisor by more than its patience. */
#ifndef SG_WORKER_H
#define SG_WORKER_H

#include <sys/types.h>

#include "core/exec/note.h"

/* The kinds of notes that every worker knows. */
enum {
	SG_WORKER_LOG,  /* worker -> supervisor. texts[0]: a finished line of the log, as it is to be written */
	SG_WORKER_STOP, /* supervisor -> worker. n[0] = count as sg_stop_count, n[1] = the first signal's number */
	SG_WORKER_OWN   /* the first of those that a kind of worker has for itself */
};

struct sg_worker {
	/* What it does, in the new process; when it returns the process ends. */
	void (*work)(void *context);
	/* Called in the new process for each note that is no stop, on a thread of its own: it may set atomic flags, or hand
	 * over a copy by a semaphore, and nothing else. Or NULL. */
	void (*hear)(const struct sg_note *note);
	void *context;
	int keep;        /* a descriptor that it keeps besides the first three; -1: none. All others belong to the supervisor */
	/* When the supervisor is gone: 0: it is killed at once (the server rolls back). Else it is told a first stop, after
	 * so long a second, and ends SG_WORKER_LAST_MS later in any case. */
	int patience_ms;
};
#define SG_WORKER_LAST_MS 3000

/* ---- the supervisor's side ---- */

/* *socket_r is the supervisor's end (non-blocking, close on exec). context need not outlive the call: the new process has
 * its own copy of everything. */
SG_MUST_CHECK int sg_worker_fork(const struct sg_worker *worker, pid_t *pid_r, int *socket_r, struct sg_err *err);
/* A stop, passed on. One that is gone is found so when its notes are read. */
void sg_worker_stop(int socket, int count, int signal);
/* Closes the socket and waits for the exit, that long at most; then it is killed. Returns waitpid's status; 0 for a pid of
 * 0. *pid is 0 and *socket -1 after. */
int sg_worker_reap(pid_t *pid, int *socket, int64_t patience_ms);

/* ---- the worker's side; there is one in a process ---- */

/* Sends a note. If nobody is there to read it, that counts as a first stop. */
void sg_worker_send(const struct sg_note *note);
/* The same for what may be left out (sg_note_spare). */
void sg_worker_spare(const struct sg_note *note);
/* A note of a kind and one text (or NULL). */
void sg_worker_say(int kind, const char *text);

#endif
