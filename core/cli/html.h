/* html.h - the pieces of a page in HTML: escaping, what the Markdown of our reports becomes, and the page around it.
 *
 * The page stands alone: style within, no script, nothing that is fetched, and a Content-Security-Policy that would forbid it.
 * Text from outside gets in by sg_html_text only, or by our own Markdown, of which every byte goes through it too: whatever is
 * taken for markup there, no tag can come of it but those that html_markdown.c writes. All of it is well-formed as XML, too. */
#ifndef SG_HTML_H
#define SG_HTML_H

#include "core/base/buf.h"

/* Text from anywhere, also within an attribute in double quotes: markup escaped; control characters, ill-formed UTF-8 and what
 * turns the direction of writing made visible; newlines and tabs are kept. */
void sg_html_text(struct sg_buf *out, const char *text);
/* <code>text</code> */
void sg_html_code(struct sg_buf *out, const char *text);

/* Markdown as core/cli/markdown.h writes it: headings of three levels, lists, tables, fences, paragraphs; **strong** and `code`. A
 * heading of the second level gets an id of its words. */
void sg_html_markdown(struct sg_buf *out, const char *markdown);
/* Markdown without a block around it. */
void sg_html_inline(struct sg_buf *out, const char *markdown);
/* Markdown that begins with a heading, folded: the heading is what is seen. class: of ours. before, after: HTML around the rest, or
 * "". */
void sg_html_fold(struct sg_buf *out, const char *markdown, const char *class, bool open, const char *before, const char *after);
/* "ddl-findings" of "DDL findings" */
void sg_html_id(struct sg_buf *out, const char *text);

/* The whole page; body: HTML whose headings of the second level become its table of contents. */
void sg_html_page(struct sg_buf *out, const char *title, const struct sg_buf *body);
/* Its style sheet. */
extern const char sg_html_style[];

#endif
