/* look.c - colours, fields and the facts about the terminal, as look.h says.
 * What is cut is cut between characters, and cleaned first: ids and messages
 * come from outside. */
#include "config.h"
#include "core/cli/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/text.h"

#define CUT "..."
#define NARROWEST 40

static const char *const codes[] = {
	[SG_TONE_PLAIN] = "",         [SG_TONE_STRONG] = "\033[1m", [SG_TONE_GOOD] = "\033[32m", [SG_TONE_NOTE] = "\033[36m",
	[SG_TONE_WARN] = "\033[33m", [SG_TONE_BAD] = "\033[1;31m", [SG_TONE_FAINT] = "\033[2m",
};

void sg_look_of_stdout(struct sg_look *look_r, bool no_color, bool verbose)
{
	const char *term = getenv("TERM");
	bool able = isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
	struct winsize size = { 0 };

	*look_r = (struct sg_look){ .live = able, .color = able && !no_color, .verbose = verbose };
	if (!isatty(STDOUT_FILENO))
		return;
	look_r->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
	if (look_r->width < NARROWEST)
		look_r->width = NARROWEST;
}

static void tone_on(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone)
{
	if (look->color)
		sg_buf_adds(out, codes[tone]);
}

static void tone_off(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone)
{
	if (look->color && tone != SG_TONE_PLAIN)
		sg_buf_adds(out, "\033[0m");
}

void sg_look_add(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const char *text)
{
	tone_on(out, look, tone);
	sg_text_add_clean(out, text, strlen(text), false);
	tone_off(out, look, tone);
}

size_t sg_look_chars(const char *text)
{
	struct sg_buf clean = SG_BUF_INIT;
	size_t chars;

	sg_text_add_clean(&clean, text, strlen(text), false);
	chars = sg_text_chars(clean.data, clean.length);
	sg_buf_release(&clean);
	return chars;
}

/* Cleaned, and at most `field` characters if cut. */
static void fit(struct sg_buf *clean, const char *text, size_t field, bool cut)
{
	size_t chars, head, tail;
	struct sg_buf whole = SG_BUF_INIT;

	sg_text_add_clean(&whole, text, strlen(text), false);
	chars = sg_text_chars(whole.data, whole.length);
	if (!cut || chars <= field || field < strlen(CUT) + 2) {
		sg_buf_add(clean, whole.data, whole.length);
	} else {
		head = (field - strlen(CUT) + 1) / 2;
		tail = field - strlen(CUT) - head;
		sg_buf_add(clean, whole.data, sg_text_offset(whole.data, head));
		sg_buf_adds(clean, CUT);
		sg_buf_adds(clean, whole.data + sg_text_offset(whole.data, chars - tail));
	}
	sg_buf_release(&whole);
}

static void pad(struct sg_buf *out, size_t chars, size_t field)
{
	while (chars++ < field)
		sg_buf_addc(out, ' ');
}

void sg_look_field(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const char *text, size_t field,
                   bool cut)
{
	struct sg_buf clean = SG_BUF_INIT;

	fit(&clean, text, field, cut);
	tone_on(out, look, tone);
	sg_buf_add(out, clean.data, clean.length);
	tone_off(out, look, tone);
	pad(out, sg_text_chars(clean.data, clean.length), field);
	sg_buf_release(&clean);
}

void sg_look_right(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const char *text, size_t field)
{
	pad(out, sg_look_chars(text), field);
	sg_look_add(out, look, tone, text);
}

size_t sg_look_column(const struct sg_look *look, size_t longest)
{
	return look->width > 0 && longest > look->width / 2 ? look->width / 2 : longest;
}

void sg_look_number(struct sg_buf *out, int64_t number)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRId64, number);

	for (size_t i = 0; i < length; i++) {
		sg_buf_addc(out, digits[i]);
		if (digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0)
			sg_buf_addc(out, ',');
	}
}

void sg_look_count(struct sg_buf *out, size_t count, const char *noun)
{
	size_t length = strlen(noun);

	if (count == 1)
		sg_buf_addf(out, "1 %s", noun);
	else if (length > 0 && noun[length - 1] == 'x')
		sg_buf_addf(out, "%zu %ses", count, noun);
	else
		sg_buf_addf(out, "%zu %s", count, noun), sg_buf_addc(out, 's');
}

void sg_look_end(struct sg_buf *out)
{
	while (out->length > 0 && out->data[out->length - 1] == ' ')
		out->data[--out->length] = '\0';
	sg_buf_addc(out, '\n');
}
