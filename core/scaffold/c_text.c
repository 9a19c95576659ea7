/* c_text.c - C source of texts that may hold anything. */
#include "config.h"
#include "core/scaffold/c_text.h"

#include <stdio.h>
#include <string.h>

/* At the end of a piece a trailing backslash or a quote must never pair up with what follows: pieces are whole literals. */
static void add_byte(struct sg_buf *out, unsigned char byte, unsigned char before)
{
	switch (byte) {
	case '\n': sg_buf_adds(out, "\\n"); break;
	case '\t': sg_buf_adds(out, "\\t"); break;
	case '\r': sg_buf_adds(out, "\\r"); break;
	case '"': sg_buf_adds(out, "\\\""); break;
	case '\\': sg_buf_adds(out, "\\\\"); break;
	case '?': sg_buf_adds(out, before == '?' ? "\\?" : "?"); break; /* no trigraph, in any standard */
	default:
		if (byte < 0x20 || byte == 0x7F)
			sg_buf_addf(out, "\\%03o", byte); /* three digits: one that follows is no part of it */
		else
			sg_buf_addc(out, (char)byte);
	}
}

/* Bytes of the text from `at` that make the next piece: up to a line's end, or the last blank before the width, or what fits. */
static size_t piece(const char *text, size_t length, size_t at, size_t width)
{
	size_t blank = 0, i;

	for (i = at; i < length && i - at < width; i++) {
		if (text[i] == '\n')
			return i + 1 - at;
		if (text[i] == ' ')
			blank = i + 1 - at;
	}
	if (i == length)
		return length - at;
	if (blank > 0)
		return blank;
	while (i > at + 1 && ((unsigned char)text[i] & 0xC0) == 0x80)
		i--;
	return i - at;
}

void sg_c_literal(struct sg_buf *out, const char *text, size_t length, int indent, size_t width)
{
	size_t at = 0;

	if (width < 20)
		width = 20;
	do {
		size_t size = piece(text, length, at, width);

		if (at > 0) {
			sg_buf_addc(out, '\n');
			for (int i = 0; i < indent; i++)
				sg_buf_addc(out, '\t');
		}
		sg_buf_addc(out, '"');
		for (size_t i = 0; i < size; i++)
			add_byte(out, (unsigned char)text[at + i], i > 0 ? (unsigned char)text[at + i - 1] : 0);
		sg_buf_addc(out, '"');
		at += size;
	} while (at < length);
}

void sg_c_comment(struct sg_buf *out, const char *text, const char *lead, size_t width)
{
	size_t column = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n' || (*p == ' ' && column >= width)) {
			sg_buf_addc(out, '\n');
			sg_buf_adds(out, lead);
			column = 0;
			continue;
		}
		if ((unsigned char)*p < 0x20 || *p == 0x7F)
			sg_buf_addc(out, ' ');
		else
			sg_buf_addc(out, *p);
		column++;
		/* neither an end nor a beginning of a comment */
		if ((*p == '*' && p[1] == '/') || (*p == '/' && p[1] == '*'))
			sg_buf_addc(out, ' ');
	}
}
