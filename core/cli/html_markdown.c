/* html_markdown.c - what the Markdown of our reports becomes on a page, so that both say the same in the same words.
 *
 * It understands what core/cli/markdown.h and the reports write, line by line, and nothing more; what it does not understand
 * stays text. Every byte goes through sg_html_text: a mistake here can cost a heading, never let a tag in. */
#include "config.h"

#include <string.h>

#include "core/base/text.h"
#include "core/cli/html.h"

#define COLUMNS 16 /* of a table; more have no head */

/* ---- within a line ------------------------------------------------------------- */

static void add_plain(struct sg_buf *out, struct sg_buf *plain)
{
	if (plain->length > 0)
		sg_html_text(out, plain->data);
	sg_buf_clear(plain);
}

/* Of a code's ticks at `at`: how many; where those that end it are, or NULL. */
static const char *find_ticks(const char *at, const char *end, size_t *ticks_r)
{
	size_t ticks = 0;

	while (at + ticks < end && at[ticks] == '`')
		ticks++;
	*ticks_r = ticks;
	for (const char *c = at + ticks; c < end;) {
		size_t run = 0;

		while (c + run < end && c[run] == '`')
			run++;
		if (run == ticks)
			return c;
		c += run > 0 ? run : 1;
	}
	return NULL;
}

/* cell: a backslash before a pipe is the table's. */
static void add_code(struct sg_buf *out, const char *at, const char *end, size_t ticks, bool cell)
{
	struct sg_buf code = SG_BUF_INIT;

	if (ticks > 1 && end - at >= 2 && at[0] == ' ' && end[-1] == ' ') {
		at++;
		end--;
	}
	for (; at < end; at++)
		if (!cell || *at != '\\' || at + 1 == end || at[1] != '|')
			sg_buf_addc(&code, *at);
	sg_html_code(out, code.data);
	sg_buf_release(&code);
}

static bool is_escape(const char *at, const char *end)
{
	return *at == '\\' && at + 1 < end && strchr("\\`*_<&|(", at[1]) != NULL;
}

static void add_inline(struct sg_buf *out, const char *at, const char *end, bool cell)
{
	struct sg_buf plain = SG_BUF_INIT;
	bool strong = false;

	while (at < end) {
		size_t ticks = 0;
		const char *close = *at == '`' ? find_ticks(at, end, &ticks) : NULL;

		if (close != NULL) {
			add_plain(out, &plain);
			add_code(out, at + ticks, close, ticks, cell);
			at = close + ticks;
		} else if (ticks > 0) {
			sg_buf_add(&plain, at, ticks);
			at += ticks;
		} else if (is_escape(at, end)) {
			sg_buf_addc(&plain, at[1]);
			at += 2;
		} else if (at + 1 < end && at[0] == '*' && at[1] == '*') {
			add_plain(out, &plain);
			sg_buf_adds(out, strong ? "</strong>" : "<strong>");
			strong = !strong;
			at += 2;
		} else {
			sg_buf_addc(&plain, *at++);
		}
	}
	add_plain(out, &plain);
	if (strong)
		sg_buf_adds(out, "</strong>");
	sg_buf_release(&plain);
}

void sg_html_inline(struct sg_buf *out, const char *markdown)
{
	add_inline(out, markdown, markdown + strlen(markdown), false);
}

/* ---- lines --------------------------------------------------------------------- */

struct lines {
	const char *at;  /* the line that is next; the NUL at the end */
};

static const char *end_of(const char *line)
{
	return line + strcspn(line, "\n");
}

static const char *take(struct lines *lines, const char **end_r)
{
	const char *line = lines->at;

	*end_r = end_of(line);
	lines->at = **end_r == '\n' ? *end_r + 1 : *end_r;
	return line;
}

static size_t heading_of(const char *line)
{
	size_t level = strspn(line, "#");

	return level >= 1 && level <= 3 && line[level] == ' ' ? level : 0;
}

/* After "- " or "12. "; NULL: no item. */
static const char *item_of(const char *line, bool *ordered_r)
{
	size_t digits = strspn(line, "0123456789");

	*ordered_r = digits > 0;
	if (digits == 0)
		return sg_text_prefix(line, "- ") ? line + 2 : NULL;
	return line[digits] == '.' && line[digits + 1] == ' ' ? line + digits + 2 : NULL;
}

static bool is_block(const char *line)
{
	bool ordered;

	return heading_of(line) > 0 || item_of(line, &ordered) != NULL || *line == '|' || *line == '\n' || *line == '\0' ||
	       sg_text_prefix(line, "```");
}

static void add_heading(struct sg_buf *out, struct lines *lines)
{
	size_t level = heading_of(lines->at);
	const char *end, *text = take(lines, &end) + level + 1;

	sg_buf_addf(out, "<h%zu", level);
	if (level == 2) {
		struct sg_buf words = SG_BUF_INIT;

		sg_buf_add(&words, text, (size_t)(end - text));
		sg_buf_adds(out, " id=\"");
		sg_html_id(out, words.data);
		sg_buf_addc(out, '"');
		sg_buf_release(&words);
	}
	sg_buf_addc(out, '>');
	add_inline(out, text, end, false);
	sg_buf_addf(out, "</h%zu>\n", level);
}

static void add_fence(struct sg_buf *out, struct lines *lines)
{
	size_t ticks = strspn(lines->at, "`");
	struct sg_buf text = SG_BUF_INIT;
	const char *end;

	(void)take(lines, &end);
	while (*lines->at != '\0') {
		const char *line = take(lines, &end);

		if (strspn(line, "`") >= ticks && line + strspn(line, "`") == end)
			break;
		sg_buf_add(&text, line, (size_t)(end - line));
		sg_buf_addc(&text, '\n');
	}
	sg_buf_adds(out, "<pre>");
	sg_html_text(out, text.data);
	sg_buf_adds(out, "</pre>\n");
	sg_buf_release(&text);
}

static void add_paragraph(struct sg_buf *out, struct lines *lines)
{
	bool first = true;

	sg_buf_adds(out, "<p>");
	do {
		const char *end, *line = take(lines, &end);

		sg_buf_adds(out, first ? "" : "<br/>");
		add_inline(out, line, end, false);
		first = false;
	} while (!is_block(lines->at));
	sg_buf_adds(out, "</p>\n");
}

/* ---- lists: items, items within them, and lines that go on ---- */

static void add_inner(struct sg_buf *out, struct lines *lines)
{
	bool inside = false;

	while (sg_text_prefix(lines->at, "  ")) {
		const char *end, *line = take(lines, &end) + 2;

		if (sg_text_prefix(line, "- ")) {
			sg_buf_adds(out, inside ? "<li>" : "<ul><li>");
			add_inline(out, line + 2, end, false);
			sg_buf_adds(out, "</li>");
			inside = true;
			continue;
		}
		if (inside)
			sg_buf_adds(out, "</ul>");
		inside = false;
		sg_buf_adds(out, "<br/>");
		add_inline(out, line, end, false);
	}
	if (inside)
		sg_buf_adds(out, "</ul>");
}

static void add_list(struct sg_buf *out, struct lines *lines)
{
	bool ordered, other;

	(void)item_of(lines->at, &ordered);
	sg_buf_adds(out, ordered ? "<ol>\n" : "<ul>\n");
	while (item_of(lines->at, &other) != NULL && other == ordered) {
		const char *end, *text = item_of(lines->at, &other);

		(void)take(lines, &end);
		while (end > text && end[-1] == ' ')
			end--;
		sg_buf_adds(out, "<li>");
		add_inline(out, text, end, false);
		add_inner(out, lines);
		sg_buf_adds(out, "</li>\n");
	}
	sg_buf_adds(out, ordered ? "</ol>\n" : "</ul>\n");
}

/* ---- tables ---- */

struct cell {
	const char *start, *end;
};

/* The next cell of a line; false: there is none. */
static bool next_cell(const char **at, const char *end, struct cell *cell_r)
{
	const char *start = *at;

	if (start >= end || *start != '|')
		return false;
	start++;
	for (const char *c = start; c < end; c++) {
		if (*c != '|' || c[-1] == '\\')
			continue;
		*at = c;
		while (start < c && *start == ' ')
			start++;
		while (c > start && c[-1] == ' ')
			c--;
		*cell_r = (struct cell){ start, c };
		return true;
	}
	return false;
}

static void add_row(struct sg_buf *out, const char *line, const char *end, const struct cell *heads, const bool *numbers, size_t columns)
{
	struct cell cell;
	size_t i = 0;

	sg_buf_adds(out, "<tr>");
	for (const char *at = line; next_cell(&at, end, &cell); i++) {
		const char *tag = i == 0 ? "th" : "td";

		sg_buf_addf(out, "<%s%s%s", tag, i == 0 ? " scope=\"row\"" : "", i < columns && numbers[i] ? " class=\"number\"" : "");
		if (i < columns) {
			struct sg_buf head = SG_BUF_INIT;

			sg_buf_add(&head, heads[i].start, (size_t)(heads[i].end - heads[i].start));
			sg_buf_adds(out, " data-head=\"");
			sg_html_text(out, head.data);
			sg_buf_addc(out, '"');
			sg_buf_release(&head);
		}
		sg_buf_adds(out, "><div>");
		add_inline(out, cell.start, cell.end, true);
		sg_buf_addf(out, "</div></%s>", tag);
	}
	sg_buf_adds(out, "</tr>\n");
}

static void add_table(struct sg_buf *out, struct lines *lines)
{
	struct cell heads[COLUMNS], cell;
	bool numbers[COLUMNS] = { false };
	const char *end, *line = take(lines, &end);
	size_t columns = 0, i = 0;

	for (const char *at = line; columns < COLUMNS && next_cell(&at, end, &cell);)
		heads[columns++] = cell;
	if (*lines->at == '|') {
		line = take(lines, &end);
		for (const char *at = line; i < columns && next_cell(&at, end, &cell); i++)
			numbers[i] = cell.end > cell.start && cell.end[-1] == ':';
	}
	sg_buf_adds(out, "<table>\n<thead><tr>");
	for (i = 0; i < columns; i++) {
		sg_buf_adds(out, numbers[i] ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">");
		add_inline(out, heads[i].start, heads[i].end, true);
		sg_buf_adds(out, "</th>");
	}
	sg_buf_adds(out, "</tr></thead>\n<tbody>\n");
	while (*lines->at == '|') {
		line = take(lines, &end);
		add_row(out, line, end, heads, numbers, columns);
	}
	sg_buf_adds(out, "</tbody>\n</table>\n");
}

/* ---- all of it ------------------------------------------------------------------- */

static void add_blocks(struct sg_buf *out, struct lines *lines)
{
	bool ordered;

	while (*lines->at != '\0') {
		if (*lines->at == '\n')
			lines->at++;
		else if (heading_of(lines->at) > 0)
			add_heading(out, lines);
		else if (*lines->at == '|')
			add_table(out, lines);
		else if (sg_text_prefix(lines->at, "```"))
			add_fence(out, lines);
		else if (item_of(lines->at, &ordered) != NULL)
			add_list(out, lines);
		else
			add_paragraph(out, lines);
	}
}

void sg_html_markdown(struct sg_buf *out, const char *markdown)
{
	struct lines lines = { markdown };

	add_blocks(out, &lines);
}

void sg_html_fold(struct sg_buf *out, const char *markdown, const char *class, bool open, const char *before, const char *after)
{
	struct lines lines = { markdown };
	const char *end, *line = take(&lines, &end);
	size_t level = heading_of(line);

	sg_buf_addf(out, "<details class=\"%s\"%s><summary>", class, open ? " open=\"open\"" : "");
	add_inline(out, level > 0 ? line + level + 1 : line, end, false);
	sg_buf_adds(out, "</summary>\n");
	sg_buf_adds(out, before);
	add_blocks(out, &lines);
	sg_buf_adds(out, after);
	sg_buf_adds(out, "</details>\n");
}
