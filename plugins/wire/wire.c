/* wire.c - encodes and decodes the frames of wire.h. Used by both sides of the
 * fence and by the fuzzer: no I/O, no globals, nothing of core. */
#include "config.h"
#include "plugins/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define KEEP ((size_t)64 << 10) /* memory kept between frames */
#define STEP ((size_t)16 << 10) /* least room for a read() */

const char *sg_wire_name(uint32_t type)
{
	switch (type) {
#define X(enumerator, number, name) \
	case number:                \
		return name;
		SG_WIRE_MAP(X)
#undef X
	default:
		return "unknown";
	}
}

static void store(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t fetch(const unsigned char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

/* ---- writing ---------------------------------------------------------------- */

void sg_wire_out_init(struct sg_wire_out *out, size_t limit)
{
	memset(out, 0, sizeof *out);
	out->limit = limit;
}

void sg_wire_out_release(struct sg_wire_out *out)
{
	free(out->data);
	sg_wire_out_init(out, out->limit);
}

void sg_wire_out_clear(struct sg_wire_out *out)
{
	if (out->capacity > KEEP)
		sg_wire_out_release(out);
	out->length = out->frame = 0;
	out->failed = out->no_memory = false;
}

void sg_wire_out_drop(struct sg_wire_out *out, size_t n)
{
	if (n >= out->length) {
		sg_wire_out_clear(out);
		return;
	}
	memmove(out->data, out->data + n, out->length - n);
	out->length -= n;
	out->frame = out->frame > n ? out->frame - n : 0;
}

static unsigned char *grow(struct sg_wire_out *out, size_t n)
{
	unsigned char *at;

	if (out->failed)
		return NULL;
	if (n > out->capacity - out->length) {
		size_t capacity = out->capacity == 0 ? 1024 : out->capacity;
		unsigned char *data;

		while (capacity - out->length < n)
			capacity *= 2;
		data = realloc(out->data, capacity);
		if (data == NULL) {
			out->failed = out->no_memory = true;
			return NULL;
		}
		out->data = data;
		out->capacity = capacity;
	}
	at = out->data + out->length;
	out->length += n;
	return at;
}

/* As grow(), for a part of the payload. */
static unsigned char *extend(struct sg_wire_out *out, size_t n)
{
	size_t payload = out->length - out->frame - SG_WIRE_HEADER;

	if (!out->failed && (n > out->limit || payload > out->limit - n))
		out->failed = true;
	return grow(out, n);
}

void sg_wire_begin(struct sg_wire_out *out, enum sg_wire_type type, uint32_t seq)
{
	unsigned char *at;

	out->frame = out->length;
	at = grow(out, SG_WIRE_HEADER);
	if (at == NULL)
		return;
	store(at, 0);
	store(at + 4, (uint32_t)type);
	store(at + 8, seq);
}

int sg_wire_end(struct sg_wire_out *out)
{
	if (out->failed) {
		out->length = out->frame;
		return -1;
	}
	store(out->data + out->frame, (uint32_t)(out->length - out->frame - SG_WIRE_HEADER));
	return 0;
}

void sg_wire_put_u32(struct sg_wire_out *out, uint32_t value)
{
	unsigned char *at = extend(out, 4);

	if (at != NULL)
		store(at, value);
}

void sg_wire_put_i64(struct sg_wire_out *out, int64_t value)
{
	unsigned char *at = extend(out, 8);

	if (at != NULL) {
		store(at, (uint32_t)(uint64_t)value);
		store(at + 4, (uint32_t)((uint64_t)value >> 32));
	}
}

static void put_ended(struct sg_wire_out *out, const void *bytes, size_t length)
{
	unsigned char *at = length < SIZE_MAX ? extend(out, length + 1) : NULL;

	if (at != NULL) {
		if (length > 0)
			memcpy(at, bytes, length);
		at[length] = '\0';
	}
}

void sg_wire_put_bytes(struct sg_wire_out *out, const void *bytes, size_t length)
{
	if (length >= out->limit) {
		out->failed = true;
		return;
	}
	sg_wire_put_u32(out, (uint32_t)length);
	put_ended(out, bytes, length);
}

void sg_wire_put_text(struct sg_wire_out *out, const char *text)
{
	if (text == NULL)
		sg_wire_put_u32(out, SG_WIRE_NULL_LENGTH);
	else
		sg_wire_put_bytes(out, text, strlen(text));
}

void sg_wire_put_value(struct sg_wire_out *out, const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);
	uint64_t rest = text == NULL ? 0 : (uint64_t)length + 1;
	unsigned char *at;

	do {
		at = extend(out, 1);
		if (at == NULL)
			return;
		*at = (unsigned char)((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
		rest >>= 7;
	} while (rest > 0);
	if (text != NULL)
		put_ended(out, text, length);
}

void sg_wire_put_hello(struct sg_wire_out *out, const struct sg_wire_hello *hello)
{
	const uint32_t numbers[] = { hello->missing,   hello->size, hello->magic, hello->abi_major,
		                     hello->abi_minor, hello->kind, hello->flags };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sg_wire_put_u32(out, numbers[i]);
	sg_wire_put_text(out, hello->id);
	sg_wire_put_text(out, hello->title);
	sg_wire_put_text(out, hello->table);
	sg_wire_put_text(out, hello->key);
	for (int i = 0; i < SG_WIRE_ENTRIES; i++) {
		sg_wire_put_u32(out, hello->entries[i].found);
		sg_wire_put_text(out, hello->entries[i].from);
	}
}

/* ---- reading ---------------------------------------------------------------- */

void sg_wire_in_init(struct sg_wire_in *in, size_t limit)
{
	memset(in, 0, sizeof *in);
	in->limit = limit;
}

void sg_wire_in_release(struct sg_wire_in *in)
{
	free(in->data);
	sg_wire_in_init(in, in->limit);
}

unsigned char *sg_wire_room(struct sg_wire_in *in, size_t *room_r)
{
	size_t most = in->limit + SG_WIRE_HEADER + STEP;

	*room_r = 0;
	if (in->start == in->end && in->capacity > KEEP)
		sg_wire_in_release(in);
	if (in->start > 0) {
		memmove(in->data, in->data + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	if (in->capacity - in->end < STEP && in->capacity < most) {
		size_t capacity = in->capacity < STEP ? 2 * STEP : in->capacity * 2;
		unsigned char *data;

		if (capacity > most)
			capacity = most;
		data = realloc(in->data, capacity);
		if (data == NULL)
			return NULL;
		in->data = data;
		in->capacity = capacity;
	}
	*room_r = in->capacity - in->end;
	return in->data + in->end;
}

void sg_wire_got(struct sg_wire_in *in, size_t n)
{
	in->end += n;
}

int sg_wire_next(struct sg_wire_in *in, struct sg_wire_frame *frame_r)
{
	size_t have = in->end - in->start, length;
	const unsigned char *at;

	if (have < SG_WIRE_HEADER)
		return 0;
	at = in->data + in->start;
	length = fetch(at);
	if (length > in->limit)
		return -1;
	if (have - SG_WIRE_HEADER < length)
		return 0;
	frame_r->type = fetch(at + 4);
	frame_r->seq = fetch(at + 8);
	frame_r->payload = at + SG_WIRE_HEADER;
	frame_r->length = length;
	in->start += SG_WIRE_HEADER + length;
	return 1;
}

void sg_wire_fields_init(struct sg_wire_fields *fields, const struct sg_wire_frame *frame)
{
	fields->at = frame->payload;
	fields->end = frame->payload + frame->length;
	fields->bad = false;
}

static const unsigned char *take(struct sg_wire_fields *fields, size_t n)
{
	const unsigned char *at = fields->at;

	if (fields->bad || (size_t)(fields->end - at) < n) {
		fields->bad = true;
		return NULL;
	}
	fields->at += n;
	return at;
}

uint32_t sg_wire_get_u32(struct sg_wire_fields *fields)
{
	const unsigned char *at = take(fields, 4);

	return at == NULL ? 0 : fetch(at);
}

int64_t sg_wire_get_i64(struct sg_wire_fields *fields)
{
	const unsigned char *at = take(fields, 8);

	return at == NULL ? 0 : (int64_t)((uint64_t)fetch(at) | (uint64_t)fetch(at + 4) << 32);
}

static const char *take_ended(struct sg_wire_fields *fields, size_t length)
{
	const unsigned char *at = length < SIZE_MAX ? take(fields, length + 1) : NULL;

	if (at == NULL || at[length] != '\0') {
		fields->bad = true;
		return NULL;
	}
	return (const char *)at;
}

const char *sg_wire_get_bytes(struct sg_wire_fields *fields, size_t *length_r)
{
	uint32_t length = sg_wire_get_u32(fields);
	const char *bytes;

	*length_r = 0;
	if (fields->bad || length == SG_WIRE_NULL_LENGTH)
		return NULL;
	bytes = take_ended(fields, length);
	*length_r = bytes == NULL ? 0 : length;
	return bytes;
}

static const char *refuse_nul(struct sg_wire_fields *fields, const char *bytes, size_t length)
{
	if (bytes != NULL && memchr(bytes, '\0', length) != NULL) {
		fields->bad = true;
		return NULL;
	}
	return bytes;
}

const char *sg_wire_get_text(struct sg_wire_fields *fields)
{
	size_t length;
	const char *bytes = sg_wire_get_bytes(fields, &length);

	return refuse_nul(fields, bytes, length);
}

const char *sg_wire_get_value(struct sg_wire_fields *fields)
{
	uint64_t length = 0;

	for (int shift = 0;; shift += 7) {
		const unsigned char *at = shift < 35 ? take(fields, 1) : NULL;

		/* the last byte is never 0 but for NULL itself: one length, one spelling */
		if (at == NULL || (*at == 0 && shift > 0)) {
			fields->bad = true;
			return NULL;
		}
		length |= (uint64_t)(*at & 0x7F) << shift;
		if ((*at & 0x80) == 0)
			break;
	}
	if (length == 0)
		return NULL;
	return refuse_nul(fields, take_ended(fields, (size_t)length - 1), (size_t)length - 1);
}

void sg_wire_get_hello(struct sg_wire_fields *fields, struct sg_wire_hello *hello_r)
{
	memset(hello_r, 0, sizeof *hello_r);
	hello_r->missing = sg_wire_get_u32(fields);
	hello_r->size = sg_wire_get_u32(fields);
	hello_r->magic = sg_wire_get_u32(fields);
	hello_r->abi_major = sg_wire_get_u32(fields);
	hello_r->abi_minor = sg_wire_get_u32(fields);
	hello_r->kind = sg_wire_get_u32(fields);
	hello_r->flags = sg_wire_get_u32(fields);
	hello_r->id = sg_wire_get_text(fields);
	hello_r->title = sg_wire_get_text(fields);
	hello_r->table = sg_wire_get_text(fields);
	hello_r->key = sg_wire_get_text(fields);
	for (int i = 0; i < SG_WIRE_ENTRIES; i++) {
		hello_r->entries[i].found = sg_wire_get_u32(fields);
		hello_r->entries[i].from = sg_wire_get_text(fields);
	}
}

bool sg_wire_complete(const struct sg_wire_fields *fields)
{
	return !fields->bad && fields->at == fields->end;
}
