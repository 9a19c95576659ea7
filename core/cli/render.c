/* render.c - what all results have in common: the head and end of the JSON, an
 * error under a line, paths, sizes and sums. */
#include "config.h"
#include "core/cli/render.h"

#include <string.h>

#include "core/base/text.h"

struct sg_json *sg_render_head_json(const char *command, const char *manifest)
{
	struct sg_json *head = sg_json_object();

	sg_json_set_text(head, "sgrun", PACKAGE_VERSION);
	sg_json_set_text(head, "command", command);
	sg_json_set_text(head, "manifest", manifest);
	return head;
}

struct sg_json *sg_render_run_json(const char *command, const struct sg_run *run)
{
	struct sg_json *head = sg_render_head_json(command, run->manifest->path);

	sg_json_set_text(head, "database", run->dsn.database);
	if (run->pooler_known)
		sg_json_set_bool(head, "pooler", run->pooler);
	else
		sg_json_set_null(head, "pooler");
	return head;
}

void sg_render_finish_json(struct sg_json *result, const struct sg_errs *errs, int exit)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < errs->count; i++)
		sg_json_add(list, sg_json_err(&errs->list[i]));
	sg_json_set(result, "errors", list);
	sg_json_set_int(result, "exit", exit);
}

/* Continuation lines of a server's detail are indented like the first. */
static void add_labelled(struct sg_buf *out, const struct sg_look *look, const char *indent, const char *label,
                         enum sg_tone tone, const char *text)
{
	for (const char *line = text; line != NULL && *line != '\0';) {
		size_t length = strcspn(line, "\n");
		struct sg_buf piece = SG_BUF_INIT;

		sg_buf_add(&piece, line, length);
		sg_buf_addf(out, "%s%s", indent, line == text ? label : "");
		sg_look_add(out, look, tone, piece.data);
		sg_buf_addc(out, '\n');
		sg_buf_release(&piece);
		line += length + (line[length] == '\n');
	}
}

void sg_render_err(struct sg_buf *out, const struct sg_look *look, const char *indent, const struct sg_err *err)
{
	struct sg_buf primary = SG_BUF_INIT;

	if (err->file != NULL) {
		sg_buf_adds(&primary, err->file);
		if (err->line > 0)
			sg_buf_addf(&primary, ":%d", err->line);
		sg_buf_adds(&primary, ": ");
	}
	sg_buf_adds(&primary, err->primary != NULL ? err->primary : sg_class_text(err->class));
	sg_buf_addf(&primary, " (%s%s%s)", sg_class_name(err->class), err->sqlstate[0] ? ", SQLSTATE " : "", err->sqlstate);
	add_labelled(out, look, indent, "", SG_TONE_BAD, primary.data);
	add_labelled(out, look, indent, "detail: ", SG_TONE_PLAIN, err->detail);
	add_labelled(out, look, indent, "hint: ", SG_TONE_PLAIN, err->hint);
	sg_buf_release(&primary);
}

void sg_render_part(struct sg_buf *out)
{
	if (out->length > 0)
		sg_buf_adds(out, "; ");
}

void sg_render_go_on(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest, const char *command,
                     const char *only, bool mend)
{
	sg_buf_adds(out, mend ? "Once that is mended: sgrun --manifest " : "To go on: sgrun --manifest ");
	sg_render_path(out, look, manifest->path);
	sg_buf_addf(out, " %s", command);
	if (only != NULL) {
		sg_buf_adds(out, " --only ");
		sg_look_add(out, look, SG_TONE_PLAIN, only);
	}
	sg_buf_addc(out, '\n');
}

struct sg_sections sg_render_sections(const struct sg_manifest *manifest)
{
	struct sg_sections sections = { 0, 0 };

	for (size_t i = 0; i < manifest->step_count; i++) {
		sections.indexes += manifest->steps[i].kind == SG_STEP_INDEX;
		sections.backfills += manifest->steps[i].kind == SG_STEP_BACKFILL;
	}
	return sections;
}

void sg_render_path(struct sg_buf *out, const struct sg_look *look, const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+./,@%";
	struct sg_buf quoted = SG_BUF_INIT;

	if (path[0] != '\0' && strspn(path, plain) == strlen(path)) {
		sg_buf_adds(&quoted, path);
	} else {
		sg_buf_addc(&quoted, '\'');
		for (const char *c = path; *c != '\0'; c++)
			if (*c == '\'')
				sg_buf_adds(&quoted, "'\\''");
			else
				sg_buf_addc(&quoted, *c);
		sg_buf_addc(&quoted, '\'');
	}
	sg_look_add(out, look, SG_TONE_PLAIN, quoted.data);
	sg_buf_release(&quoted);
}

void sg_render_bytes(struct sg_buf *out, int64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	while (value >= 1023.5 && unit + 1 < SG_COUNT(units)) {
		value /= 1024;
		unit++;
	}
	if (unit > 0 && value < 9.95)
		sg_buf_addf(out, "%.1f %s", value, units[unit]);
	else
		sg_look_number(out, (int64_t)(value + 0.5)), sg_buf_addf(out, " %s", units[unit]);
}

void sg_render_sum(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, size_t count, const char *what)
{
	struct sg_buf text = SG_BUF_INIT;

	if (count == 0)
		return;
	if (out->length > 0)
		sg_buf_adds(out, ", ");
	sg_buf_addf(&text, "%zu %s", count, what);
	sg_look_add(out, look, tone, text.data);
	sg_buf_release(&text);
}
