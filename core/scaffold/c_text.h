/* c_text.h - C source that is written by sgrun: literals, identifiers, the lines of a call. C99, plain ASCII where it can be. */
#ifndef SG_SCAFFOLD_C_TEXT_H
#define SG_SCAFFOLD_C_TEXT_H

#include "core/base/buf.h"

/* "text" as a C string literal, quotes included; bytes above 127 stay (UTF-8), others are escaped so that no digit after them is
 * swallowed; ?? becomes ?\?. Longer than `width` columns: several literals on lines of their own, each indented by `indent` tabs,
 * broken at line ends of the text and at blanks. */
void sg_c_literal(struct sg_buf *out, const char *text, size_t length, int indent, size_t width);
/* A comment's text: no end of a comment in it, no control bytes; lines broken at `width`, each begun with `lead`. */
void sg_c_comment(struct sg_buf *out, const char *text, const char *lead, size_t width);

#endif
