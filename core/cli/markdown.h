/* markdown.h - the pieces of a report in Markdown: text, code, fences and cells that stay what they are, whatever is in them.
 *
 * The reports are read raw in terminals as often as rendered, so as little as possible is escaped: nothing that stands in a
 * statement, a name or a comment may make up markup, HTML or a terminal's commands, and that is all. */
#ifndef SG_MARKDOWN_H
#define SG_MARKDOWN_H

#include "core/base/buf.h"

/* Text from outside on one line. */
void sg_md_text(struct sg_buf *out, const char *text);
/* `name`, on one line; `''` for an empty one. */
void sg_md_code(struct sg_buf *out, const char *text);
/* The same, cut after so many characters, with "…". */
void sg_md_code_cut(struct sg_buf *out, const char *text, size_t chars);
/* The same in a table's cell; chars: SIZE_MAX for all of it. */
void sg_md_cell_code(struct sg_buf *out, const char *text, size_t chars);
/* "`a`, `b`", also in a table's cell; "-" without any. */
void sg_md_codes(struct sg_buf *out, const char *const *names, size_t count);
/* Text in a table's cell: as sg_md_text, with pipes escaped; "-" for NULL or "". */
void sg_md_cell(struct sg_buf *out, const char *text);
/* A fenced block on lines of its own; the fence is longer than any in the text. */
void sg_md_fence(struct sg_buf *out, const char *language, const char *text);
/* The head of a table: "| a | b |" and the line below; columns separated by '|', one that ends with ':' is for numbers. */
void sg_md_head(struct sg_buf *out, const char *columns);
/* "1 statement", "2,345 statements", "12 indexes" */
void sg_md_count(struct sg_buf *out, size_t count, const char *noun);
/* "850 us", "12.3 ms", "1.24 s", "2 min 5 s" */
void sg_md_time(struct sg_buf *out, int64_t us);

#endif
