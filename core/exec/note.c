/* note.c - packs, cuts, sends and receives notes, as note.h says.
 *
 * A note is one message of a SOCK_SEQPACKET pair: a head of fixed size, then its
 * texts one after the other, each with the length that the head names. Both ends
 * are the same program, so numbers travel as they are in memory; what does not add
 * up is taken for the end of the other side all the same, never believed. A note
 * that is too long is cut at its longest texts: an error with a statement of a
 * megabyte still says what is wrong. */
#include "config.h"

#include "core/exec/note.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/base/clock.h"

#define ERR_TEXTS 6
#define TEXTS (SG_NOTE_TEXTS + ERR_TEXTS)
#define NO_TEXT UINT32_MAX
#define SEND_MS 60000 /* an end that has not read for so long is as good as gone */
#define SPARE (64 * 1024) /* bytes unread, in the kernel's count, past which news that can be spared is left out */

struct head {
	int64_t n[SG_NOTE_NUMBERS];
	int32_t kind, class, line, position;
	uint32_t lengths[TEXTS]; /* NO_TEXT: NULL */
	char sqlstate[6];
	uint8_t uncertain;
	uint8_t zero;
};

/* The longest text gives way, down to the next longest, until all fit. */
static void cut(const char *const texts[TEXTS], size_t lengths[TEXTS], size_t room)
{
	for (;;) {
		size_t total = 0, longest = 0, second = 0;
		for (size_t i = 0; i < TEXTS; i++) {
			total += lengths[i];
			if (lengths[i] > lengths[longest])
				longest = i;
		}
		if (total <= room)
			return;
		for (size_t i = 0; i < TEXTS; i++)
			if (i != longest && lengths[i] > second)
				second = lengths[i];
		size_t keep = lengths[longest] - second > total - room ? lengths[longest] - (total - room) : second;
		/* Equals: its share, by turns. */
		size_t share = (total - room) / TEXTS + 1;
		if (keep == lengths[longest])
			keep -= keep > share ? share : keep;
		/* Not in the middle of a character of UTF-8; of other bytes at most three are lost. */
		for (int back = 0; back < 3 && keep > 0 && ((unsigned char)texts[longest][keep] & 0xC0) == 0x80; back++)
			keep--;
		lengths[longest] = keep;
	}
}

static size_t pack(const struct sg_note *note, char *bytes)
{
	const struct sg_err *err = &note->err;
	const char *const texts[TEXTS] = { err->primary, err->detail, err->hint, err->file, err->step, err->statement,
	                                   note->texts[0], note->texts[1], note->texts[2] };
	size_t lengths[TEXTS];
	struct head head = { .kind = note->kind, .class = (int32_t)err->class, .line = err->line,
	                     .position = err->position, .uncertain = err->uncertain };

	memcpy(head.n, note->n, sizeof head.n);
	memcpy(head.sqlstate, err->sqlstate, sizeof head.sqlstate);
	for (size_t i = 0; i < TEXTS; i++)
		lengths[i] = texts[i] ? strlen(texts[i]) : 0;
	cut(texts, lengths, SG_NOTE_LIMIT - sizeof head);
	size_t length = sizeof head;
	for (size_t i = 0; i < TEXTS; i++) {
		head.lengths[i] = texts[i] ? (uint32_t)lengths[i] : NO_TEXT;
		if (lengths[i] > 0)
			memcpy(bytes + length, texts[i], lengths[i]);
		length += lengths[i];
	}
	memcpy(bytes, &head, sizeof head);
	return length;
}

bool sg_note_send(int socket, const struct sg_note *note)
{
	char bytes[SG_NOTE_LIMIT];
	size_t length = pack(note, bytes);
	int64_t deadline = sg_clock_ms() + SEND_MS;
	for (;;) {
		ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			return true;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
			return false;
		/* Memory of the kernel, not of the socket: poll would not wait for it. */
		bool memory = errno == ENOBUFS;
		struct pollfd wait = { .fd = socket, .events = POLLOUT };
		int left = sg_clock_left(deadline);
		if (left == 0)
			return false;
		if (memory)
			(void)sg_clock_sleep(10);
		else if (poll(&wait, 1, left) < 0 && errno != EINTR)
			return false;
	}
}

bool sg_note_spare(int socket, const struct sg_note *note)
{
	int unread = 0;

	if (ioctl(socket, SIOCOUTQ, &unread) == 0 && unread > SPARE)
		return true;
	return sg_note_send(socket, note);
}

static int unpack(const char *bytes, size_t length, struct sg_arena *arena, struct sg_note *note_r)
{
	struct head head;
	if (length < sizeof head || length > SG_NOTE_LIMIT)
		return -1;
	memcpy(&head, bytes, sizeof head);
	size_t total = sizeof head;
	for (size_t i = 0; i < TEXTS; i++) {
		if (head.lengths[i] == NO_TEXT)
			continue;
		if (head.lengths[i] > SG_NOTE_LIMIT)
			return -1;
		total += head.lengths[i];
	}
	if (total != length || head.kind < 0 || head.kind >= SG_NOTE_KINDS || head.class < 0 ||
	    head.class >= SG_CLASS_COUNT || head.sqlstate[sizeof head.sqlstate - 1] != '\0')
		return -1;
	char *texts[TEXTS];
	size_t at = sizeof head;
	for (size_t i = 0; i < TEXTS; i++) {
		texts[i] = NULL;
		if (head.lengths[i] == NO_TEXT)
			continue;
		texts[i] = sg_arena_strndup(arena, bytes + at, head.lengths[i]);
		at += head.lengths[i];
	}
	*note_r = (struct sg_note){ .kind = head.kind };
	memcpy(note_r->n, head.n, sizeof head.n);
	for (size_t i = 0; i < SG_NOTE_TEXTS; i++)
		note_r->texts[i] = texts[ERR_TEXTS + i];
	note_r->err = (struct sg_err){ .class = (enum sg_class)head.class, .primary = texts[0], .detail = texts[1],
	                               .hint = texts[2], .file = texts[3], .line = head.line, .step = texts[4],
	                               .statement = texts[5], .position = head.position,
	                               .uncertain = head.uncertain != 0 };
	memcpy(note_r->err.sqlstate, head.sqlstate, sizeof head.sqlstate);
	return 1;
}

int sg_note_receive(int socket, struct sg_arena *arena, struct sg_note *note_r)
{
	char bytes[SG_NOTE_LIMIT];
	for (;;) {
		ssize_t got = recv(socket, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
		if (got > 0)
			return unpack(bytes, (size_t)got, arena, note_r);
		if (got == 0)
			return -1;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		/* It went without reading all of ours (net/unix/af_unix.c, unix_release_sock): said once, and
		 * before what it sent, which is still there and may be why it went. */
		if (errno != EINTR && errno != ECONNRESET)
			return -1;
	}
}
