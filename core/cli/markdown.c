/* markdown.c - see markdown.h. */
#include "config.h"
#include "core/cli/markdown.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/text.h"
#include "core/cli/look.h"

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* Characters that would be markup where they stand. An underscore within a word is none. */
static bool is_markup(const char *text, size_t i, bool cell)
{
	switch (text[i]) {
	case '|': return cell;
	case '`':
	case '*':
	case '<':
	case '\\': return true;
	case '&': return is_word(text[i + 1]) || text[i + 1] == '#';
	case '_': return i == 0 || !(is_word(text[i - 1]) || text[i - 1] == '_') || !(is_word(text[i + 1]) || text[i + 1] == '_');
	case '(': return i > 0 && text[i - 1] == ']';
	}
	return false;
}

static void add_text(struct sg_buf *out, const char *text, bool cell)
{
	struct sg_buf clean = SG_BUF_INIT;

	sg_text_add_clean(&clean, text, strlen(text), false);
	for (size_t i = 0; i < clean.length; i++) {
		if (is_markup(clean.data, i, cell))
			sg_buf_addc(out, '\\');
		sg_buf_addc(out, clean.data[i]);
	}
	sg_buf_release(&clean);
}

void sg_md_text(struct sg_buf *out, const char *text)
{
	add_text(out, text, false);
}

void sg_md_cell(struct sg_buf *out, const char *text)
{
	add_text(out, text == NULL || text[0] == '\0' ? "-" : text, true);
}

/* The longest run of backticks. */
static size_t longest_run(const char *text)
{
	size_t longest = 0;

	for (const char *c = text; *c != '\0';) {
		size_t run = strspn(c, "`");

		longest = run > longest ? run : longest;
		c += run > 0 ? run : 1;
	}
	return longest;
}

static void repeat(struct sg_buf *out, char c, size_t count)
{
	while (count-- > 0)
		sg_buf_addc(out, c);
}

static void add_code(struct sg_buf *out, const char *text, size_t chars, bool cell)
{
	struct sg_buf clean = SG_BUF_INIT;
	size_t ticks, length;
	bool cut;

	sg_text_add_clean(&clean, text, strlen(text), false);
	cut = sg_text_chars(clean.data, clean.length) > chars;
	length = cut ? sg_text_offset(clean.data, chars) : clean.length;
	ticks = longest_run(clean.data) + 1;
	if (length == 0) {
		sg_buf_adds(out, "`''`");
		sg_buf_release(&clean);
		return;
	}
	repeat(out, '`', ticks);
	if (ticks > 1)
		sg_buf_addc(out, ' ');
	for (size_t i = 0, run; i < length; i += run) {
		const char *bar = cell ? memchr(clean.data + i + 1, '|', length - i - 1) : NULL;

		/* it would end the cell even here */
		if (cell && clean.data[i] == '|')
			sg_buf_addc(out, '\\');
		run = bar != NULL ? (size_t)(bar - clean.data) - i : length - i;
		sg_buf_add(out, clean.data + i, run);
	}
	if (cut)
		sg_buf_adds(out, "…");
	if (ticks > 1)
		sg_buf_addc(out, ' ');
	repeat(out, '`', ticks);
	sg_buf_release(&clean);
}

void sg_md_code(struct sg_buf *out, const char *text)
{
	add_code(out, text, SIZE_MAX, false);
}

void sg_md_code_cut(struct sg_buf *out, const char *text, size_t chars)
{
	add_code(out, text, chars, false);
}

void sg_md_cell_code(struct sg_buf *out, const char *text, size_t chars)
{
	add_code(out, text, chars, true);
}

void sg_md_codes(struct sg_buf *out, const char *const *names, size_t count)
{
	if (count == 0)
		sg_buf_addc(out, '-');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			sg_buf_adds(out, ", ");
		add_code(out, names[i], SIZE_MAX, true);
	}
}

void sg_md_fence(struct sg_buf *out, const char *language, const char *text)
{
	size_t ticks = longest_run(text) + 1;

	ticks = ticks < 3 ? 3 : ticks;
	repeat(out, '`', ticks);
	sg_buf_addf(out, "%s\n", language);
	sg_text_add_clean(out, text, strlen(text), true);
	if (out->length > 0 && out->data[out->length - 1] != '\n')
		sg_buf_addc(out, '\n');
	repeat(out, '`', ticks);
	sg_buf_addc(out, '\n');
}

void sg_md_head(struct sg_buf *out, const char *columns)
{
	struct sg_buf line = SG_BUF_INIT;

	sg_buf_addc(out, '|');
	sg_buf_addc(&line, '|');
	for (const char *at = columns; *at != '\0';) {
		size_t length = strcspn(at, "|");
		bool number = length > 0 && at[length - 1] == ':';

		sg_buf_addc(out, ' ');
		sg_buf_add(out, at, number ? length - 1 : length);
		sg_buf_adds(out, " |");
		sg_buf_adds(&line, number ? "---:|" : "---|");
		at += length + (at[length] == '|');
	}
	sg_buf_addf(out, "\n%s\n", line.data);
	sg_buf_release(&line);
}

void sg_md_count(struct sg_buf *out, size_t count, const char *noun)
{
	size_t length = strlen(noun);

	sg_look_number(out, (int64_t)count);
	sg_buf_addf(out, " %s", noun);
	if (count != 1)
		sg_buf_adds(out, length > 0 && noun[length - 1] == 'x' ? "es" : "s");
}

void sg_md_time(struct sg_buf *out, int64_t us)
{
	if (us < 1000)
		sg_buf_addf(out, "%" PRId64 " us", us < 0 ? (int64_t)0 : us);
	else if (us < 1000000)
		sg_buf_addf(out, "%.1f ms", (double)us / 1000);
	else if (us < 60000000)
		sg_buf_addf(out, "%.2f s", (double)us / 1000000);
	else
		sg_buf_addf(out, "%" PRId64 " min %" PRId64 " s", us / 60000000, us / 1000000 % 60);
}
