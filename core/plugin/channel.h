/* channel.h - the host's end of the socket and of the plugin's output: never
 * blocks, and believes nothing. */
#ifndef SG_CHANNEL_H
#define SG_CHANNEL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "plugins/wire/wire.h"

/* What a plugin may log or print in one call of an entry point. */
#define SG_CHANNEL_MAX_LINES 4096
#define SG_CHANNEL_MAX_BYTES ((size_t)4 << 20)

struct sg_channel {
	int socket, output;     /* owned; -1 once at its end */
	const char *step;       /* for the log; not owned */
	struct sg_wire_in in;
	struct sg_wire_out out;
	size_t sent;            /* of out */
	uint32_t sequence;      /* of the last frame taken */
	struct sg_buf line;     /* of output, not yet ended */
	struct sg_buf last;     /* the last line of output, for an epitaph */
	size_t lines, bytes;    /* logged since the entry point was called */
};

void sg_channel_init(struct sg_channel *channel, int socket, int output, const char *step);
void sg_channel_release(struct sg_channel *channel);

/* One round: waits up to timeout_ms for the socket or the output (less than 0
 * is 0), writes what waits to be written, reads what came. -1:
 * SG_CLASS_PROTOCOL (a flood). At the end of the socket `socket` is -1. */
SG_MUST_CHECK int sg_channel_pump(struct sg_channel *channel, int timeout_ms, struct sg_err *err);
/* 1: a frame, valid until the next pump; 0: none is whole yet; -1:
 * SG_CLASS_PROTOCOL (too long, out of sequence). */
SG_MUST_CHECK int sg_channel_take(struct sg_channel *channel, struct sg_wire_frame *frame_r, struct sg_err *err);
/* True if bytes of the plugin wait that nobody asked for. */
bool sg_channel_unasked(const struct sg_channel *channel);
/* Sends what was put into out, as far as the socket takes it now; the rest goes
 * with the next pump. -1: SG_CLASS_POLICY, an answer beyond all limits. */
SG_MUST_CHECK int sg_channel_send(struct sg_channel *channel, struct sg_err *err);
/* Logs a line of the plugin, made harmless. -1: SG_CLASS_PROTOCOL (a flood). */
SG_MUST_CHECK int sg_channel_log(struct sg_channel *channel, const char *event, const char *text, size_t length,
                                 struct sg_err *err);
/* Reads what is left of the output of a process that has ended. */
void sg_channel_last_words(struct sg_channel *channel);
/* A new call: what was logged before does not count. */
void sg_channel_new_call(struct sg_channel *channel);

#endif
