/* channel.h - the plugin process's end of the socket: blocking, on descriptor 0.
 *
 * Frames are numbered here. Whatever fails (the host is gone, it spoke out of
 * turn, memory is out) ends the process: there is nobody left to tell. */
#ifndef SG_PROCESS_CHANNEL_H
#define SG_PROCESS_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/wire/wire.h"

#define SG_CHANNEL_FD 0

/* Exit statuses of sgrun-plugin, for people who look at a trace; the host goes
 * by frames. */
enum {
	SG_EXIT_DONE = 0,      /* was told to leave */
	SG_EXIT_USAGE = 2,     /* not started by sgrun */
	SG_EXIT_REFUSED = 3,   /* the plugin was not loaded */
	SG_EXIT_FORBIDDEN = 4, /* a forbidden system call */
	SG_EXIT_HOST = 5,      /* the host is gone, or spoke out of turn */
	SG_EXIT_MEMORY = 6
};

/* Ends the process at once, without the plugin's destructors. */
__attribute__((noreturn)) void sg_channel_exit(int status);

/* In a build for coverage: writes the counters, for the host may kill the process
 * while it waits. Else nothing. */
void sg_channel_counters(void);

/* Begins a frame; fields are put into what it returns, then sg_channel_send. */
struct sg_wire_out *sg_channel_begin(enum sg_wire_type type);
/* Sends it. -1 if it grew past its limit (nothing was sent). */
int sg_channel_send(void);
/* Waits for a frame from the host, whatever it is; valid until the next one. */
void sg_channel_receive(struct sg_wire_frame *frame_r);
/* Sends what was begun and waits for its answer, which must be of that type. -1
 * as sg_channel_send. */
int sg_channel_ask(enum sg_wire_type answer, struct sg_wire_frame *frame_r);
/* Copies a payload, since the next frame takes its place; the caller frees it. */
unsigned char *sg_channel_keep(const struct sg_wire_frame *frame);

/* Async-signal-safe: tells the host of a forbidden system call. */
void sg_channel_forbidden(int number, const char *name);

#endif
