/* request.c - decodes what a plugin asks for. Pure; the bytes are hostile: see
 * request.h. */
#include "config.h"
#include "core/plugin/request.h"

#include <string.h>

#include "core/plugin/abi.h"

/* Statement and, but for DDL, its parameters. */
static bool read_sql(struct sg_wire_fields *fields, bool parameters, struct sg_arena *arena,
                     struct sg_request *request)
{
	const char **values;
	uint32_t n;

	request->sql = sg_wire_get_bytes(fields, &request->sql_length);
	if (request->sql == NULL || request->sql_length > SG_MAX_FUNCTION)
		return false;
	if (!parameters)
		return true;
	n = sg_wire_get_u32(fields);
	if (fields->bad || n > SG_MAX_PARAMETERS || n > (size_t)(fields->end - fields->at))
		return false;
	values = sg_arena_array(arena, (size_t)n + 1, sizeof *values);
	for (uint32_t i = 0; i < n; i++)
		values[i] = sg_wire_get_value(fields);
	request->n = (int)n;
	request->values = values;
	return true;
}

static bool read_question(struct sg_wire_fields *fields, bool describe, struct sg_request *request)
{
	bool two;

	request->what = sg_wire_get_u32(fields);
	request->a = sg_wire_get_text(fields);
	request->b = sg_wire_get_text(fields);
	switch (request->what) {
	case SG_CHECK_COLUMN:
	case SG_CHECK_CONSTRAINT:
	case SG_CHECK_ENUM_VALUE:
	case SG_CHECK_TRIGGER:
	case SG_CHECK_POLICY:
	case SG_DESCRIBE_COLUMN_TYPE:
	case SG_DESCRIBE_CONSTRAINT:
		two = true;
		break;
	default:
		two = false;
	}
	if (describe ? request->what < SG_DESCRIBE_COLUMN_TYPE || request->what > SG_DESCRIBE_CONSTRAINT
	             : request->what < SG_CHECK_TABLE || request->what > SG_CHECK_POLICY)
		return false;
	return request->a != NULL && (request->b != NULL) == two;
}

enum sg_request_read sg_request_read(const struct sg_wire_frame *frame, struct sg_arena *arena,
                                     struct sg_request *request_r, enum sg_wire_type *answer_r)
{
	struct sg_request *request = request_r;
	struct sg_wire_fields fields;
	bool good = true;

	memset(request, 0, sizeof *request);
	sg_wire_fields_init(&fields, frame);
	switch (frame->type) {
	case SG_WIRE_DDL:
		request->kind = SG_REQUEST_DDL;
		*answer_r = SG_WIRE_ANSWER_INT;
		good = read_sql(&fields, false, arena, request);
		break;
	case SG_WIRE_DML:
		request->kind = SG_REQUEST_DML;
		*answer_r = SG_WIRE_ANSWER_INT;
		good = read_sql(&fields, true, arena, request);
		break;
	case SG_WIRE_QUERY:
		request->kind = SG_REQUEST_QUERY;
		*answer_r = SG_WIRE_ANSWER_ROWS;
		good = read_sql(&fields, true, arena, request);
		break;
	case SG_WIRE_EXISTS:
		request->kind = SG_REQUEST_EXISTS;
		*answer_r = SG_WIRE_ANSWER_INT;
		good = read_sql(&fields, true, arena, request);
		break;
	case SG_WIRE_CHECK:
	case SG_WIRE_DESCRIBE:
		request->kind = frame->type == SG_WIRE_CHECK ? SG_REQUEST_CHECK : SG_REQUEST_DESCRIBE;
		*answer_r = frame->type == SG_WIRE_CHECK ? SG_WIRE_ANSWER_INT : SG_WIRE_ANSWER_TEXT;
		good = read_question(&fields, frame->type == SG_WIRE_DESCRIBE, request);
		break;
	case SG_WIRE_DONE:
		request->kind = SG_REQUEST_DONE;
		request->status = sg_wire_get_i64(&fields);
		request->fail = sg_wire_get_text(&fields);
		break;
	default:
		return SG_REQUEST_OTHER;
	}
	return good && sg_wire_complete(&fields) ? SG_REQUEST_READ : SG_REQUEST_BAD;
}
