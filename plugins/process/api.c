/* api.c - the table of functions that a plugin is given (struct sg_api).
 *
 * A call is one request and the wait for its answer. The host answers only what
 * succeeded: after a failure it rolls back and ends this process, so no error
 * ever comes back here. What a call was given is checked on this side only to
 * explain a mistake well; the host trusts none of it. */
#include "config.h"
#include "plugins/process/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/process/channel.h"
#include "plugins/process/quote.h"

/* What an entry point was given and may use until it returns. */
struct held {
	struct held *next;
	unsigned char *memory;
};

struct sg_result {
	struct held held; /* first: a result is freed as what it holds */
	uint32_t rows, columns;
	uint32_t *at; /* names, then values: offset into the memory, 0 for NULL */
};

static struct held *all_held;
static const char **options; /* key, value, key, value … */
static size_t option_count;  /* pairs */
static char fail_text[SG_MAX_LOG_LINE];
static int failed;

/* ---- ends ------------------------------------------------------------------- */

/* The host ends this process on what was just sent. */
__attribute__((noreturn)) static void await_end(void)
{
	struct sg_wire_frame frame;

	sg_channel_counters();
	sg_channel_receive(&frame);
	sg_channel_exit(SG_EXIT_HOST);
}

__attribute__((noreturn)) static void misuse(const char *call, const char *what)
{
	char text[256];

	snprintf(text, sizeof text, "%s: %s", call, what);
	sg_wire_put_text(sg_channel_begin(SG_WIRE_MISUSE), text);
	(void)sg_channel_send();
	await_end();
}

__attribute__((noreturn)) static void too_big(const char *call, size_t had, size_t limit, const char *of)
{
	struct sg_wire_out *out = sg_channel_begin(SG_WIRE_TOO_BIG);

	sg_wire_put_text(out, call);
	sg_wire_put_i64(out, (int64_t)had);
	sg_wire_put_i64(out, (int64_t)limit);
	sg_wire_put_text(out, of);
	(void)sg_channel_send();
	await_end();
}

/* ---- requests --------------------------------------------------------------- */

static void *hold(const struct sg_wire_frame *frame, size_t size)
{
	struct held *held = calloc(1, size);

	if (held == NULL)
		sg_channel_exit(SG_EXIT_MEMORY);
	held->memory = sg_channel_keep(frame);
	held->next = all_held;
	all_held = held;
	return held;
}

static struct sg_wire_out *begin_sql(enum sg_wire_type type, const char *call, const char *sql)
{
	struct sg_wire_out *out;
	size_t length;

	if (sql == NULL)
		misuse(call, "the statement is NULL");
	length = strlen(sql);
	if (length > SG_MAX_FUNCTION)
		too_big(call, length, SG_MAX_FUNCTION, "bytes of a statement");
	out = sg_channel_begin(type);
	sg_wire_put_bytes(out, sql, length);
	return out;
}

static void put_values(struct sg_wire_out *out, const char *call, int n, const char *const *values)
{
	if (n < 0 || (n > 0 && values == NULL))
		misuse(call, "the parameters are NULL, or fewer than none");
	if (n > SG_MAX_PARAMETERS)
		too_big(call, (size_t)n, SG_MAX_PARAMETERS, "parameters");
	sg_wire_put_u32(out, (uint32_t)n);
	for (int i = 0; i < n; i++)
		sg_wire_put_value(out, values[i]);
}

static void ask(enum sg_wire_type answer, const char *call, struct sg_wire_frame *frame_r)
{
	if (sg_channel_ask(answer, frame_r) != 0)
		too_big(call, SG_WIRE_MAX_REQUEST + 1, SG_WIRE_MAX_REQUEST, "bytes of statement and parameters");
}

static int64_t ask_int(const char *call)
{
	struct sg_wire_frame frame;
	struct sg_wire_fields fields;
	int64_t value;

	ask(SG_WIRE_ANSWER_INT, call, &frame);
	sg_wire_fields_init(&fields, &frame);
	value = sg_wire_get_i64(&fields);
	if (!sg_wire_complete(&fields))
		sg_channel_exit(SG_EXIT_HOST);
	return value;
}

static int call_ddl(sg_ctx *sg, const char *sql)
{
	(void)sg;
	begin_sql(SG_WIRE_DDL, "sg_ddl", sql);
	return (int)ask_int("sg_ddl");
}

static int call_ddlf(sg_ctx *sg, const char *format, va_list args)
{
	char *sql;

	(void)sg;
	if (format == NULL)
		misuse("sg_ddlf", "the format is NULL");
	switch (sg_quote_format(format, args, SG_MAX_FUNCTION, &sql)) {
	case SG_QUOTED:
		break;
	case SG_QUOTE_MISUSE:
		misuse("sg_ddlf", sql);
	case SG_QUOTE_TOO_BIG:
		too_big("sg_ddlf", SG_MAX_FUNCTION + 1, SG_MAX_FUNCTION, "bytes of a statement");
	default:
		sg_channel_exit(SG_EXIT_MEMORY);
	}
	begin_sql(SG_WIRE_DDL, "sg_ddlf", sql);
	free(sql);
	return (int)ask_int("sg_ddlf");
}

static int64_t call_dml(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
	(void)sg;
	put_values(begin_sql(SG_WIRE_DML, "sg_dml", sql), "sg_dml", n, values);
	return ask_int("sg_dml");
}

static sg_result *read_result(const struct sg_wire_frame *frame)
{
	struct sg_result *result = hold(frame, sizeof *result);
	const struct sg_wire_frame kept = { frame->type, frame->seq, result->held.memory, frame->length };
	struct sg_wire_fields fields;
	size_t count;

	sg_wire_fields_init(&fields, &kept);
	result->rows = sg_wire_get_u32(&fields);
	result->columns = sg_wire_get_u32(&fields);
	/* a value takes a byte at least: more than the payload has cannot be meant */
	if (fields.bad || result->rows > INT32_MAX || result->columns > 65535 ||
	    ((uint64_t)result->rows + 1) * result->columns > kept.length)
		sg_channel_exit(SG_EXIT_HOST);
	count = ((size_t)result->rows + 1) * result->columns;
	result->at = malloc((count + 1) * sizeof *result->at);
	if (result->at == NULL)
		sg_channel_exit(SG_EXIT_MEMORY);
	for (size_t i = 0; i < count; i++) {
		const char *value = sg_wire_get_value(&fields);

		result->at[i] = value == NULL ? 0 : (uint32_t)((const unsigned char *)value - kept.payload);
	}
	if (!sg_wire_complete(&fields))
		sg_channel_exit(SG_EXIT_HOST);
	return result;
}

static sg_result *call_query(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
	struct sg_wire_frame frame;

	(void)sg;
	put_values(begin_sql(SG_WIRE_QUERY, "sg_query", sql), "sg_query", n, values);
	ask(SG_WIRE_ANSWER_ROWS, "sg_query", &frame);
	return read_result(&frame);
}

static int call_exists(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
	(void)sg;
	put_values(begin_sql(SG_WIRE_EXISTS, "sg_exists", sql), "sg_exists", n, values);
	return (int)ask_int("sg_exists");
}

static void put_question(enum sg_wire_type type, const char *call, uint32_t what, const char *a, const char *b)
{
	struct sg_wire_out *out;

	if (a == NULL)
		misuse(call, "the name is NULL");
	out = sg_channel_begin(type);
	sg_wire_put_u32(out, what);
	sg_wire_put_text(out, a);
	sg_wire_put_text(out, b);
}

static int call_check(sg_ctx *sg, uint32_t what, const char *a, const char *b)
{
	(void)sg;
	put_question(SG_WIRE_CHECK, "a check", what, a, b);
	return (int)ask_int("a check");
}

static const char *call_describe(sg_ctx *sg, uint32_t what, const char *a, const char *b)
{
	struct sg_wire_frame frame;
	struct sg_wire_fields fields;
	const struct held *held;

	(void)sg;
	put_question(SG_WIRE_DESCRIBE, "a check", what, a, b);
	ask(SG_WIRE_ANSWER_TEXT, "a check", &frame);
	held = hold(&frame, sizeof *held);
	frame.payload = held->memory;
	sg_wire_fields_init(&fields, &frame);
	return sg_wire_get_text(&fields);
}

/* ---- without a question to the host ----------------------------------------- */

static int result_rows(const sg_result *result)
{
	return result == NULL ? 0 : (int)result->rows;
}

static int result_columns(const sg_result *result)
{
	return result == NULL ? 0 : (int)result->columns;
}

static const char *cell(const sg_result *result, size_t i)
{
	return result->at[i] == 0 ? NULL : (const char *)result->held.memory + result->at[i];
}

static const char *result_value(const sg_result *result, int row, int column)
{
	if (result == NULL || row < 0 || column < 0 || (uint32_t)row >= result->rows ||
	    (uint32_t)column >= result->columns)
		return NULL;
	return cell(result, ((size_t)row + 1) * result->columns + (size_t)column);
}

static int result_column(const sg_result *result, const char *name)
{
	for (uint32_t i = 0; result != NULL && name != NULL && i < result->columns; i++) {
		const char *title = cell(result, i);

		if (title != NULL && strcmp(title, name) == 0)
			return (int)i;
	}
	return -1;
}

static const char *get_option(sg_ctx *sg, const char *key)
{
	(void)sg;
	for (size_t i = 0; key != NULL && i < option_count; i++)
		if (strcmp(options[2 * i], key) == 0)
			return options[2 * i + 1];
	return NULL;
}

__attribute__((format(printf, 3, 0))) static void print_line(char *line, size_t size, const char *format, va_list args)
{
	static const char mark[] = " [cut]";
	int length = format == NULL ? -1 : vsnprintf(line, size, format, args);

	if (length < 0)
		snprintf(line, size, "(a message that cannot be formatted)");
	else if ((size_t)length >= size)
		memcpy(line + size - sizeof mark, mark, sizeof mark);
}

__attribute__((format(printf, 2, 0))) static void send_log(sg_ctx *sg, const char *format, va_list args)
{
	static char line[SG_MAX_LOG_LINE];
	size_t length;

	(void)sg;
	print_line(line, sizeof line, format, args);
	length = strlen(line);
	while (length > 0 && line[length - 1] == '\n')
		length--;
	sg_wire_put_bytes(sg_channel_begin(SG_WIRE_LOG), line, length);
	(void)sg_channel_send();
}

static void send_progress(sg_ctx *sg, int64_t done, int64_t total)
{
	struct sg_wire_out *out = sg_channel_begin(SG_WIRE_PROGRESS);

	(void)sg;
	sg_wire_put_i64(out, done);
	sg_wire_put_i64(out, total);
	(void)sg_channel_send();
}

/* The first reason stays: what comes after it follows from it. */
__attribute__((format(printf, 2, 0))) static int note_failure(sg_ctx *sg, const char *format, va_list args)
{
	(void)sg;
	if (!failed)
		print_line(fail_text, sizeof fail_text, format, args);
	failed = 1;
	return SG_FAILED;
}

static const sg_api api = {
	.size = sizeof api, .abi_major = SG_ABI_MAJOR, .abi_minor = SG_ABI_MINOR,
	.ddl = call_ddl, .ddlf = call_ddlf, .dml = call_dml, .query = call_query,
	.rows = result_rows, .columns = result_columns, .value = result_value, .column = result_column,
	.check = call_check, .describe = call_describe, .option = get_option,
	.log = send_log, .progress = send_progress, .fail = note_failure,
	.exists = call_exists,
};

/* ---- entry points ------------------------------------------------------------ */

/* An array of count texts in the frame's memory, ended by a NULL; for free(). */
static const char **texts(struct sg_wire_fields *fields, size_t count)
{
	const char **list;

	if (count > SG_WIRE_MAX_ANSWER / 4) /* each takes four bytes at least */
		sg_channel_exit(SG_EXIT_HOST);
	list = calloc(count + 1, sizeof *list);
	if (list == NULL)
		sg_channel_exit(SG_EXIT_MEMORY);
	for (size_t i = 0; i < count; i++)
		list[i] = sg_wire_get_text(fields);
	return list;
}

static void forget(void)
{
	while (all_held != NULL) {
		struct held *next = all_held->next;

		free(all_held->memory);
		free(all_held);
		all_held = next;
	}
}

static int64_t enter(const struct sg_load *load, uint32_t entry, const sg_batch *batch)
{
	sg_ctx context = { &api };

	switch (entry) {
	case SG_WIRE_FINGERPRINT:
		return load->fingerprint(&context);
	case SG_WIRE_RUN:
		return load->run(&context);
	default:
		return load->batch(&context, batch);
	}
}

void sg_api_call(const struct sg_load *load, const struct sg_wire_frame *frame)
{
	struct sg_wire_frame call = *frame;
	unsigned char *memory = sg_channel_keep(frame); /* requests will take the frame's place */
	struct sg_wire_fields fields;
	struct sg_wire_out *out;
	sg_batch batch = { 0 };
	uint32_t entry;
	int64_t status;

	call.payload = memory;
	sg_wire_fields_init(&fields, &call);
	entry = sg_wire_get_u32(&fields);
	option_count = sg_wire_get_u32(&fields);
	options = texts(&fields, 2 * option_count);
	batch.size = sizeof batch;
	batch.nkeys = sg_wire_get_u32(&fields);
	batch.firsts = texts(&fields, batch.nkeys);
	batch.lasts = texts(&fields, batch.nkeys);
	batch.first = batch.firsts[0];
	batch.last = batch.lasts[0];
	batch.number = sg_wire_get_i64(&fields);
	batch.limit = sg_wire_get_i64(&fields);
	if (!sg_wire_complete(&fields) || entry >= SG_WIRE_ENTRIES || load->hello.entries[entry].found != SG_WIRE_OWN)
		sg_channel_exit(SG_EXIT_HOST);
	failed = 0;
	status = enter(load, entry, &batch);
	fflush(NULL); /* the process ends without exit() */
	out = sg_channel_begin(SG_WIRE_DONE);
	sg_wire_put_i64(out, status);
	sg_wire_put_text(out, failed ? fail_text : NULL);
	(void)sg_channel_send();
	forget();
	free(options);
	options = NULL;
	option_count = 0;
	free((void *)(uintptr_t)batch.firsts);
	free((void *)(uintptr_t)batch.lasts);
	free(memory);
}
