/* render_tap.c - see render_tap.h. */
#include "config.h"
#include "core/cli/render_tap.h"

#include <string.h>

#include "core/base/text.h"

/* Part of a line: a '#' would begin a directive, a backslash escapes it. */
static void add_plain(struct sg_buf *out, const char *text)
{
	struct sg_buf clean = SG_BUF_INIT;

	sg_text_add_clean(&clean, text, strlen(text), false);
	for (size_t i = 0; i < clean.length; i++) {
		if (clean.data[i] == '#' || clean.data[i] == '\\')
			sg_buf_addc(out, '\\');
		sg_buf_addc(out, clean.data[i]);
	}
	sg_buf_release(&clean);
}

static void add_comment(struct sg_buf *out, const char *text)
{
	sg_buf_adds(out, "# ");
	sg_text_add_clean(out, text, strlen(text), false);
	sg_buf_addc(out, '\n');
}

static void add_key(struct sg_buf *out, const char *key, const char *text)
{
	struct sg_buf clean = SG_BUF_INIT;

	if (text == NULL || text[0] == '\0')
		return;
	sg_text_add_clean(&clean, text, strlen(text), true);
	sg_buf_addf(out, "  %s: \"", key);
	for (size_t i = 0; i < clean.length; i++) {
		char c = clean.data[i];

		if (c == '\n')
			sg_buf_adds(out, "\\n");
		else if (c == '\t')
			sg_buf_adds(out, "\\t");
		else if (c == '"' || c == '\\')
			sg_buf_addf(out, "\\%c", c);
		else
			sg_buf_addc(out, c);
	}
	sg_buf_adds(out, "\"\n");
	sg_buf_release(&clean);
}

static void add_err(struct sg_buf *out, const struct sg_err *err)
{
	sg_buf_adds(out, "  ---\n");
	add_key(out, "message", err->primary);
	add_key(out, "class", sg_class_name(err->class));
	add_key(out, "sqlstate", err->sqlstate);
	add_key(out, "detail", err->detail);
	add_key(out, "hint", err->hint);
	add_key(out, "step", err->step);
	add_key(out, "statement", err->statement);
	add_key(out, "file", err->file);
	if (err->file != NULL && err->line > 0)
		sg_buf_addf(out, "  line: %d\n", err->line);
	sg_buf_adds(out, "  ...\n");
}

static void add_point(struct sg_buf *out, const struct sg_trial_point *point, size_t number)
{
	sg_buf_addf(out, "%s %zu - ", point->end == SG_TRIAL_NOT_OK ? "not ok" : "ok", number);
	add_plain(out, point->step);
	sg_buf_adds(out, ": ");
	add_plain(out, point->what);
	if (point->end == SG_TRIAL_SKIPPED) {
		sg_buf_adds(out, " # SKIP ");
		add_plain(out, point->why);
	}
	sg_buf_addc(out, '\n');
	if (point->end == SG_TRIAL_NOT_OK)
		add_err(out, point->err);
	for (size_t i = 0; i < point->note_count; i++)
		add_comment(out, point->notes[i]);
}

void sg_render_tap(struct sg_buf *out, const struct sg_trial *trial)
{
	sg_buf_addf(out, "TAP version 13\n1..%zu\n", trial->count);
	if (trial->server_version > 0)
		sg_buf_addf(out, "# on PostgreSQL %d, ", trial->server_version);
	if (trial->server_version > 0 && trial->schema_from != NULL) {
		sg_text_add_clean(out, trial->schema_from, strlen(trial->schema_from), false);
		sg_buf_addc(out, '\n');
	} else if (trial->server_version > 0) {
		sg_buf_adds(out, "without a schema\n");
	}
	for (size_t i = 0; i < trial->left_out_count; i++) {
		struct sg_buf line = SG_BUF_INIT;

		sg_buf_addf(&line, "left out of the schema: %s", trial->left_out[i]);
		add_comment(out, line.data);
		sg_buf_release(&line);
	}
	for (size_t i = 0; i < trial->count; i++)
		add_point(out, &trial->points[i], i + 1);
}

static struct sg_json *point_json(const struct sg_trial_point *point, size_t number)
{
	struct sg_json *object = sg_json_object(), *notes = sg_json_array();

	sg_json_set_int(object, "number", (int64_t)number);
	sg_json_set_bool(object, "ok", point->end != SG_TRIAL_NOT_OK);
	sg_json_set_text(object, "step", point->step);
	sg_json_set_text(object, "point", point->what);
	sg_json_set_text(object, "skip", point->end == SG_TRIAL_SKIPPED ? point->why : NULL);
	for (size_t i = 0; i < point->note_count; i++)
		sg_json_add_text(notes, point->notes[i]);
	sg_json_set(object, "notes", notes);
	if (point->end == SG_TRIAL_NOT_OK)
		sg_json_set(object, "error", sg_json_err(point->err));
	else
		sg_json_set_null(object, "error");
	return object;
}

void sg_render_tap_json(struct sg_json *into, const struct sg_trial *trial)
{
	struct sg_json *points = sg_json_array(), *left_out = sg_json_array();

	if (trial->server_version > 0)
		sg_json_set_int(into, "postgresql", trial->server_version);
	else
		sg_json_set_null(into, "postgresql");
	sg_json_set_text(into, "schema", trial->schema_from);
	for (size_t i = 0; i < trial->left_out_count; i++)
		sg_json_add_text(left_out, trial->left_out[i]);
	sg_json_set(into, "left_out", left_out);
	for (size_t i = 0; i < trial->count; i++)
		sg_json_add(points, point_json(&trial->points[i], i + 1));
	sg_json_set(into, "points", points);
	sg_json_set_int(into, "failed", (int64_t)trial->failed);
	sg_json_set_int(into, "skipped", (int64_t)trial->skipped);
}
