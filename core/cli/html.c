/* html.c - see html.h. The one place where text is escaped, and the frame of a page. */
#include "config.h"
#include "core/cli/html.h"

#include <string.h>

#include "core/base/text.h"

/* What turns the direction of writing (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) can make a statement look like another. */
static unsigned turns(const char *at)
{
	const unsigned char *s = (const unsigned char *)at;

	if (s[0] != 0xE2 || (s[1] != 0x80 && s[1] != 0x81))
		return 0;
	if (s[1] == 0x80 && (s[2] == 0x8E || s[2] == 0x8F || (s[2] >= 0xAA && s[2] <= 0xAE)))
		return 0x2000u + (s[2] - 0x80u);
	return s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9 ? 0x2040u + (s[2] - 0x80u) : 0;
}

void sg_html_text(struct sg_buf *out, const char *text)
{
	struct sg_buf clean = SG_BUF_INIT;

	sg_text_add_clean(&clean, text, strlen(text), true);
	for (const char *at = clean.data; *at != '\0'; at++) {
		switch (*at) {
		case '&': sg_buf_adds(out, "&amp;"); continue;
		case '<': sg_buf_adds(out, "&lt;"); continue;
		case '>': sg_buf_adds(out, "&gt;"); continue;
		case '"': sg_buf_adds(out, "&quot;"); continue;
		case '\'': sg_buf_adds(out, "&#39;"); continue;
		}
		if (turns(at) != 0) {
			sg_buf_addf(out, "\\u%04x", turns(at));
			at += 2;
		} else {
			sg_buf_addc(out, *at);
		}
	}
	sg_buf_release(&clean);
}

void sg_html_code(struct sg_buf *out, const char *text)
{
	sg_buf_adds(out, "<code>");
	sg_html_text(out, text);
	sg_buf_adds(out, "</code>");
}

void sg_html_id(struct sg_buf *out, const char *text)
{
	bool dash = false, some = false;

	for (const char *at = text; *at != '\0'; at++) {
		char c = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
			dash = some;
			continue;
		}
		if (dash)
			sg_buf_addc(out, '-');
		sg_buf_addc(out, c);
		dash = false;
		some = true;
	}
}

/* Links to the headings <h2 id="x">text</h2> of the body. Nothing from outside can look like one: its '<' is escaped. */
static void add_contents(struct sg_buf *out, const struct sg_buf *body)
{
	static const char start[] = "<h2 id=\"", middle[] = "\">", end[] = "</h2>";

	sg_buf_adds(out, "<nav aria-label=\"Contents\"><ul>");
	for (const char *at = strstr(body->data, start); at != NULL; at = strstr(at, start)) {
		const char *id = at + sizeof start - 1, *text = strstr(id, middle), *stop = text != NULL ? strstr(text, end) : NULL;

		if (stop == NULL)
			break;
		sg_buf_adds(out, "<li><a href=\"#");
		sg_buf_add(out, id, (size_t)(text - id));
		sg_buf_adds(out, "\">");
		sg_buf_add(out, text + sizeof middle - 1, (size_t)(stop - text) - (sizeof middle - 1));
		sg_buf_adds(out, "</a></li>");
		at = stop;
	}
	sg_buf_adds(out, "</ul></nav>\n");
}

void sg_html_page(struct sg_buf *out, const char *title, const struct sg_buf *body)
{
	sg_buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
	                 " base-uri 'none'; form-action 'none'\"/>\n"
	                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	                 "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
	sg_html_text(out, title);
	sg_buf_adds(out, "</title>\n<style>\n");
	sg_buf_adds(out, sg_html_style);
	sg_buf_adds(out, "</style>\n</head>\n<body>\n");
	add_contents(out, body);
	sg_buf_adds(out, "<main>\n");
	sg_buf_add(out, body->data, body->length);
	sg_buf_adds(out, "</main>\n</body>\n</html>\n");
}
