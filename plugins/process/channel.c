/* channel.c - frames over descriptor 0, blocking; see channel.h. read() and
 * write() only, since the seccomp filter lets no socket call through. */
#include "config.h"
#include "plugins/process/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sg_wire_out out;
static struct sg_wire_in in;
static uint32_t sequence; /* of the last frame sent */

#ifdef SG_COVERAGE
void __gcov_dump(void);
#endif

void sg_channel_counters(void)
{
#ifdef SG_COVERAGE
	__gcov_dump();
#endif
}

void sg_channel_exit(int status)
{
	sg_channel_counters();
	_exit(status);
}

static void write_all(const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(SG_CHANNEL_FD, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			sg_channel_exit(SG_EXIT_HOST);
		bytes += n;
		length -= (size_t)n;
	}
}

struct sg_wire_out *sg_channel_begin(enum sg_wire_type type)
{
	if (out.limit == 0)
		sg_wire_out_init(&out, SG_WIRE_MAX_REQUEST);
	sg_wire_out_clear(&out);
	sg_wire_begin(&out, type, sequence + 1);
	return &out;
}

int sg_channel_send(void)
{
	if (sg_wire_end(&out) != 0) {
		if (out.no_memory)
			sg_channel_exit(SG_EXIT_MEMORY);
		return -1;
	}
	sequence++;
	write_all(out.data, out.length);
	return 0;
}

void sg_channel_receive(struct sg_wire_frame *frame_r)
{
	if (in.limit == 0)
		sg_wire_in_init(&in, SG_WIRE_MAX_ANSWER);
	for (;;) {
		int status = sg_wire_next(&in, frame_r);
		unsigned char *room;
		size_t size;
		ssize_t n;

		if (status > 0)
			return;
		if (status < 0)
			sg_channel_exit(SG_EXIT_HOST);
		room = sg_wire_room(&in, &size);
		if (room == NULL)
			sg_channel_exit(SG_EXIT_MEMORY);
		n = read(SG_CHANNEL_FD, room, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			sg_channel_exit(SG_EXIT_HOST);
		sg_wire_got(&in, (size_t)n);
	}
}

int sg_channel_ask(enum sg_wire_type answer, struct sg_wire_frame *frame_r)
{
	if (sg_channel_send() != 0)
		return -1;
	sg_channel_receive(frame_r);
	if (frame_r->type != (uint32_t)answer || frame_r->seq != sequence)
		sg_channel_exit(SG_EXIT_HOST);
	return 0;
}

unsigned char *sg_channel_keep(const struct sg_wire_frame *frame)
{
	unsigned char *copy = malloc(frame->length + 1);

	if (copy == NULL)
		sg_channel_exit(SG_EXIT_MEMORY);
	memcpy(copy, frame->payload, frame->length);
	copy[frame->length] = '\0';
	return copy;
}

/* LCOV_EXCL_START: in a build for coverage the filters only log */
void sg_channel_forbidden(int number, const char *name)
{
	/* by hand: the encoder allocates, and this runs in a signal handler */
	unsigned char frame[SG_WIRE_HEADER + 8 + 64] = { 0 };
	size_t length = name == NULL ? 0 : strlen(name);
	const uint32_t fields[5] = { (uint32_t)(8 + (name == NULL ? 0 : length + 1)), SG_WIRE_FORBIDDEN, sequence + 1,
		                     (uint32_t)number, name == NULL ? SG_WIRE_NULL_LENGTH : (uint32_t)length };

	if (length > 60)
		return;
	for (size_t i = 0; i < 20; i++)
		frame[i] = (unsigned char)(fields[i / 4] >> (8 * (i % 4)));
	if (name != NULL)
		memcpy(frame + 20, name, length);
	sequence++;
	write_all(frame, 12 + fields[0]);
}
/* LCOV_EXCL_STOP */
