/* fuzz_wire.c - what a plugin's process may send: any bytes, in pieces of any
 * size. What the decoder accepts, the encoder must write again byte for byte:
 * there is one spelling of everything. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT ((size_t)1 << 16)
#define MUST(x) ((x) ? (void)0 : abort())

static void copy_texts(struct sg_wire_fields *fields, struct sg_wire_out *out, int count)
{
	while (count-- > 0)
		sg_wire_put_text(out, sg_wire_get_text(fields));
}

static void copy_sql(struct sg_wire_fields *fields, struct sg_wire_out *out, bool parameters)
{
	size_t length;
	const char *sql = sg_wire_get_bytes(fields, &length);
	uint32_t n;

	if (sql != NULL)
		sg_wire_put_bytes(out, sql, length);
	else
		sg_wire_put_text(out, NULL);
	if (!parameters)
		return;
	n = sg_wire_get_u32(fields);
	sg_wire_put_u32(out, n);
	for (uint32_t i = 0; i < n && !fields->bad; i++)
		sg_wire_put_value(out, sg_wire_get_value(fields));
}

static void copy_rows(struct sg_wire_fields *fields, struct sg_wire_out *out)
{
	uint32_t rows = sg_wire_get_u32(fields), columns = sg_wire_get_u32(fields);

	sg_wire_put_u32(out, rows);
	sg_wire_put_u32(out, columns);
	for (uint64_t i = 0; i < ((uint64_t)rows + 1) * columns && !fields->bad; i++)
		sg_wire_put_value(out, sg_wire_get_value(fields));
}

static void copy_fields(const struct sg_wire_frame *frame, struct sg_wire_fields *fields, struct sg_wire_out *out)
{
	struct sg_wire_hello hello;

	switch (frame->type) {
	case SG_WIRE_HELLO:
		sg_wire_get_hello(fields, &hello);
		sg_wire_put_hello(out, &hello);
		break;
	case SG_WIRE_DDL:
	case SG_WIRE_LOG:
		copy_sql(fields, out, false);
		break;
	case SG_WIRE_DML:
	case SG_WIRE_QUERY:
	case SG_WIRE_EXISTS:
		copy_sql(fields, out, true);
		break;
	case SG_WIRE_CHECK:
	case SG_WIRE_DESCRIBE:
	case SG_WIRE_REFUSED:
		sg_wire_put_u32(out, sg_wire_get_u32(fields));
		copy_texts(fields, out, 2);
		break;
	case SG_WIRE_ANSWER_ROWS:
		copy_rows(fields, out);
		break;
	default:
		sg_wire_put_i64(out, sg_wire_get_i64(fields));
		copy_texts(fields, out, 1);
	}
}

static void judge(const struct sg_wire_frame *frame)
{
	struct sg_wire_fields fields;
	struct sg_wire_out out;

	MUST(frame->length <= LIMIT);
	sg_wire_fields_init(&fields, frame);
	sg_wire_out_init(&out, LIMIT);
	sg_wire_begin(&out, (enum sg_wire_type)frame->type, frame->seq);
	copy_fields(frame, &fields, &out);
	if (sg_wire_complete(&fields)) {
		MUST(sg_wire_end(&out) == 0);
		MUST(out.length == SG_WIRE_HEADER + frame->length);
		MUST(memcmp(out.data + SG_WIRE_HEADER, frame->payload, frame->length) == 0);
	}
	sg_wire_out_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sg_wire_in in;
	struct sg_wire_frame frame;
	size_t piece;
	int status = 0;

	if (size < 1)
		return 0;
	piece = (size_t)data[0] + 1;
	data++;
	size--;
	sg_wire_in_init(&in, LIMIT);
	while (size > 0 && status >= 0) {
		size_t room, n = piece < size ? piece : size;
		unsigned char *to = sg_wire_room(&in, &room);

		MUST(to != NULL && room > 0);
		n = n < room ? n : room;
		memcpy(to, data, n);
		sg_wire_got(&in, n);
		data += n;
		size -= n;
		while ((status = sg_wire_next(&in, &frame)) == 1)
			judge(&frame);
	}
	sg_wire_in_release(&in);
	return 0;
}
