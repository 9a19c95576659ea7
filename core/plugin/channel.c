/* channel.c - polls socket and output together, so that neither can fill up
 * while we wait on the other: a large answer to a slow plugin, or a plugin that
 * prints before it reads, must not hang. See channel.h. */
#include "config.h"
#include "core/plugin/channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/text.h"

#define LINE_LIMIT ((size_t)8 * 1024) /* SG_MAX_LOG_LINE */

void sg_channel_init(struct sg_channel *channel, int socket, int output, const char *step)
{
	*channel = (struct sg_channel){ .socket = socket, .output = output, .step = step };
	sg_wire_in_init(&channel->in, SG_WIRE_MAX_REQUEST);
	sg_wire_out_init(&channel->out, SG_WIRE_MAX_ANSWER);
	sg_buf_init(&channel->line, LINE_LIMIT);
	sg_buf_init(&channel->last, 4 * LINE_LIMIT);
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void sg_channel_release(struct sg_channel *channel)
{
	shut(&channel->socket);
	shut(&channel->output);
	sg_wire_in_release(&channel->in);
	sg_wire_out_release(&channel->out);
	sg_buf_release(&channel->line);
	sg_buf_release(&channel->last);
}

void sg_channel_new_call(struct sg_channel *channel)
{
	channel->lines = channel->bytes = 0;
}

int sg_channel_log(struct sg_channel *channel, const char *event, const char *text, size_t length,
                   struct sg_err *err)
{
	struct sg_buf clean;

	channel->lines++;
	channel->bytes += length;
	if (channel->lines > SG_CHANNEL_MAX_LINES || channel->bytes > SG_CHANNEL_MAX_BYTES) {
		sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin floods the log");
		sg_err_detail(err, "A call of an entry point may log %d lines and %zu bytes.", SG_CHANNEL_MAX_LINES,
		              SG_CHANNEL_MAX_BYTES);
		return sg_err_hint(err, "Log less, or use sg_progress.");
	}
	sg_buf_init(&clean, 4 * LINE_LIMIT);
	sg_text_add_clean(&clean, text, length > LINE_LIMIT ? LINE_LIMIT : length, false);
	sg_log(SG_LOG_INFO, event, channel->step, 0, "%s", clean.data);
	sg_buf_release(&clean);
	return 0;
}

/* Cuts output into lines; one without an end is logged once it is long enough. */
static int add_output(struct sg_channel *channel, const char *bytes, size_t length, struct sg_err *err)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n')
			sg_buf_addc(&channel->line, bytes[i]);
		if (bytes[i] != '\n' && channel->line.length < LINE_LIMIT)
			continue;
		sg_buf_clear(&channel->last);
		sg_text_add_clean(&channel->last, channel->line.data, channel->line.length, false);
		if (sg_channel_log(channel, "plugin-output", channel->line.data, channel->line.length, err) != 0)
			return -1;
		sg_buf_clear(&channel->line);
	}
	return 0;
}

static int read_output(struct sg_channel *channel, struct sg_err *err)
{
	char bytes[4096];
	ssize_t n = read(channel->output, bytes, sizeof bytes);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		shut(&channel->output);
		return 0;
	}
	return n > 0 ? add_output(channel, bytes, (size_t)n, err) : 0;
}

void sg_channel_last_words(struct sg_channel *channel)
{
	struct sg_err err = SG_ERR_INIT;

	/* a grandchild cannot exist, but a pipe holds 64 KiB at most anyway */
	for (int i = 0; i < 32 && channel->output >= 0; i++) {
		struct pollfd ready = { channel->output, POLLIN, 0 };

		if (poll(&ready, 1, 0) <= 0 || read_output(channel, &err) != 0)
			break;
	}
	if (channel->line.length > 0)
		(void)!add_output(channel, "\n", 1, &err);
	sg_err_release(&err);
}

static void read_socket(struct sg_channel *channel)
{
	size_t room;
	unsigned char *to = sg_wire_room(&channel->in, &room);
	ssize_t n;

	if (to == NULL)
		sg_out_of_memory(2 * channel->in.capacity);
	if (room == 0)
		return; /* whole frames wait to be taken */
	n = recv(channel->socket, to, room, MSG_DONTWAIT);
	if (n > 0)
		sg_wire_got(&channel->in, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&channel->socket);
}

/* A failed send is not the end: what the plugin said before it died may still
 * be there to read. */
static void write_socket(struct sg_channel *channel)
{
	while (channel->sent < channel->out.length) {
		ssize_t n = send(channel->socket, channel->out.data + channel->sent, channel->out.length - channel->sent,
		                 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		channel->sent = n <= 0 ? channel->out.length : channel->sent + (size_t)n;
	}
	sg_wire_out_clear(&channel->out);
	channel->sent = 0;
}

int sg_channel_pump(struct sg_channel *channel, int timeout_ms, struct sg_err *err)
{
	bool writes = channel->sent < channel->out.length;
	struct pollfd ready[2] = {
		{ channel->socket, (short)(writes ? POLLIN | POLLOUT : POLLIN), 0 },
		{ channel->output, POLLIN, 0 },
	};

	if (poll(ready, 2, timeout_ms < 0 ? 0 : timeout_ms) <= 0)
		return 0;
	if (ready[1].revents != 0 && read_output(channel, err) != 0)
		return -1;
	if ((ready[0].revents & POLLOUT) != 0)
		write_socket(channel);
	if ((ready[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		read_socket(channel);
	return 0;
}

int sg_channel_take(struct sg_channel *channel, struct sg_wire_frame *frame_r, struct sg_err *err)
{
	int status = sg_wire_next(&channel->in, frame_r);

	if (status < 0) {
		sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin sent garbage instead of a request");
		return sg_err_detail(err, "A frame claims to be longer than %zu bytes.", SG_WIRE_MAX_REQUEST);
	}
	if (status == 0)
		return 0;
	if (frame_r->seq != channel->sequence + 1) {
		sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin sent a forged \"%s\"", sg_wire_name(frame_r->type));
		return sg_err_detail(err, "It has the sequence number %u, the next one is %u.", frame_r->seq,
		                     channel->sequence + 1);
	}
	channel->sequence++;
	return 1;
}

bool sg_channel_unasked(const struct sg_channel *channel)
{
	char byte;

	return channel->in.end > channel->in.start ||
	       (channel->socket >= 0 && recv(channel->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0);
}

int sg_channel_send(struct sg_channel *channel, struct sg_err *err)
{
	if (sg_wire_end(&channel->out) != 0) {
		if (channel->out.no_memory)
			sg_out_of_memory(2 * channel->out.capacity);
		sg_err_set(err, SG_CLASS_POLICY, "the result is too large for the plugin");
		sg_err_detail(err, "With its lengths it may have %zu bytes.", SG_WIRE_MAX_ANSWER);
		return sg_err_hint(err, "Ask for less, with LIMIT or fewer columns.");
	}
	if (channel->socket >= 0)
		write_socket(channel);
	return 0;
}
