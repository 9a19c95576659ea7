/* log.c - writes log lines to stderr, one write() a line, so that lines of
 * several processes do not mix. */
#include "config.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"

static enum sg_log_level least_level = SG_LOG_INFO;
static enum sg_log_format log_format = SG_LOG_HUMAN;
static void (*hook_before)(void);
static void (*hook_after)(void);
static void (*divert)(const char *line, size_t length);

static const char *const level_names[] = { "debug", "info", "warning", "error" };

void sg_log_setup(enum sg_log_level least, enum sg_log_format format)
{
	least_level = least;
	log_format = format;
}

void sg_log_hook(void (*before)(void), void (*after)(void))
{
	hook_before = before;
	hook_after = after;
}

bool sg_log_is_json(void)
{
	return log_format == SG_LOG_JSON;
}

void sg_log_divert(void (*sink)(const char *line, size_t length))
{
	divert = sink;
}

void sg_log_line(const char *line, size_t length)
{
	size_t done = 0;

	if (divert != NULL) {
		divert(line, length);
		return;
	}
	if (hook_before != NULL)
		hook_before();
	while (done < length) {
		ssize_t n = write(STDERR_FILENO, line + done, length - done);

		if (n <= 0)
			break; /* nobody reads: the log is for people, the work goes on */
		done += (size_t)n;
	}
	if (hook_after != NULL)
		hook_after();
}

static void emit(const struct sg_buf *line)
{
	sg_log_line(line->data, line->length);
}

static void emit_json(enum sg_log_level level, const char *event, const char *step, int attempt,
                      const char *message, const struct sg_err *err)
{
	struct sg_json *object = sg_json_object();
	struct sg_buf line = SG_BUF_INIT;
	char now[32], *text;

	sg_clock_utc(now);
	sg_json_set_text(object, "ts", now);
	sg_json_set_text(object, "level", level_names[level]);
	sg_json_set_text(object, "event", event);
	sg_json_set_text(object, "step", step);
	if (attempt > 0)
		sg_json_set_int(object, "attempt", attempt);
	else
		sg_json_set_null(object, "attempt");
	sg_json_set_text(object, "message", message);
	if (err != NULL)
		sg_json_set(object, "error", sg_json_err(err));
	else
		sg_json_set_null(object, "error");
	text = sg_json_dump(object, 0);
	sg_buf_adds(&line, text);
	sg_buf_addc(&line, '\n');
	emit(&line);
	free(text);
	sg_buf_release(&line);
	sg_json_free(object);
}

static void start_line(struct sg_buf *line, enum sg_log_level level, const char *step)
{
	sg_buf_adds(line, "sgrun: ");
	if (level != SG_LOG_INFO)
		sg_buf_addf(line, "%s: ", level_names[level]);
	if (step != NULL) {
		sg_text_add_clean(line, step, strlen(step), false);
		sg_buf_adds(line, ": ");
	}
}

void sg_log(enum sg_log_level level, const char *event, const char *step, int attempt, const char *format, ...)
{
	struct sg_buf message = SG_BUF_INIT, line = SG_BUF_INIT;
	va_list args;

	if (level < least_level)
		return;
	va_start(args, format);
	sg_buf_vaddf(&message, format, args);
	va_end(args);
	if (log_format == SG_LOG_JSON) {
		emit_json(level, event, step, attempt, message.data, NULL);
	} else {
		start_line(&line, level, step);
		sg_text_add_clean(&line, message.data, message.length, false);
		sg_buf_addc(&line, '\n');
		emit(&line);
	}
	sg_buf_release(&line);
	sg_buf_release(&message);
}

static void add_field(struct sg_buf *line, const char *label, const char *text)
{
	if (text == NULL)
		return;
	sg_buf_adds(line, label);
	sg_text_add_clean(line, text, strlen(text), true);
	sg_buf_addc(line, '\n');
}

/* The statement with a caret under the position: only its line, and at most
 * 120 characters of it, so that a function body does not bury the message. */
static void add_statement(struct sg_buf *line, const char *statement, int position)
{
	size_t at = position > 0 ? sg_text_offset(statement, (size_t)position - 1) : 0;
	size_t from = at, to = at, shift = 0;

	while (from > 0 && statement[from - 1] != '\n')
		from--;
	while (statement[to] != '\0' && statement[to] != '\n')
		to++;
	if (at - from > 80) {
		from = at - 60;
		while (from < at && ((unsigned char)statement[from] & 0xC0) == 0x80)
			from++;
		shift = 3;
	}
	if (to - from > 120) {
		to = from + 120;
		while (to > at && ((unsigned char)statement[to] & 0xC0) == 0x80)
			to--;
	}
	sg_buf_addf(line, "STATEMENT:  %s", shift ? "..." : "");
	sg_text_add_clean(line, statement + from, to - from, false);
	sg_buf_addf(line, "%s\n", statement[to] != '\0' ? "..." : "");
	if (position > 0)
		sg_buf_addf(line, "%*s^\n", (int)(12 + shift + sg_text_chars(statement + from, at - from)), "");
}

/* For people; without what the next error says in the same words. */
static void emit_err(enum sg_log_level level, const struct sg_err *err, bool detail, bool hint)
{
	struct sg_buf line = SG_BUF_INIT;

	if (err->file != NULL) {
		sg_text_add_clean(&line, err->file, strlen(err->file), false);
		if (err->line > 0)
			sg_buf_addf(&line, ":%d", err->line);
		sg_buf_addf(&line, ": %s: ", level_names[level]);
		if (err->step != NULL) {
			sg_text_add_clean(&line, err->step, strlen(err->step), false);
			sg_buf_adds(&line, ": ");
		}
	} else {
		start_line(&line, level, err->step);
	}
	sg_text_add_clean(&line, err->primary ? err->primary : "", err->primary ? strlen(err->primary) : 0, false);
	if (err->sqlstate[0] != '\0')
		sg_buf_addf(&line, " (SQLSTATE %s)", err->sqlstate);
	sg_buf_addc(&line, '\n');
	if (err->statement != NULL)
		add_statement(&line, err->statement, err->position);
	if (detail)
		add_field(&line, "DETAIL:  ", err->detail);
	if (hint)
		add_field(&line, "HINT:  ", err->hint);
	emit(&line);
	sg_buf_release(&line);
}

void sg_log_err(enum sg_log_level level, const char *event, int attempt, const struct sg_err *err)
{
	if (level < least_level)
		return;
	if (log_format == SG_LOG_JSON)
		emit_json(level, event, err->step, attempt, err->primary, err);
	else
		emit_err(level, err, true, true);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void sg_log_errs(enum sg_log_level level, const char *event, const struct sg_errs *errs)
{
	for (size_t i = 0; errs->list != NULL && i < errs->count; i++) {
		const struct sg_err *err = &errs->list[i], *next = i + 1 < errs->count ? err + 1 : NULL;
		bool hint_again = next != NULL && same(err->hint, next->hint);

		if (level < least_level || log_format == SG_LOG_JSON)
			sg_log_err(level, event, 0, err);
		else
			emit_err(level, err, !hint_again || !same(err->detail, next->detail), !hint_again);
	}
	if (errs->count > 1)
		sg_log(level, "errors", NULL, 0, "%zu errors in all", errs->count);
}
