/* shorten.h - a long statement made short enough to be parsed.
 *
 * What makes statements long are rows: VALUES (…), (…), …, IN (1, 2, …), and literals of whole pages. The grammar says of the
 * ten thousandth row what it said of the first, and the parser takes neither long texts nor little memory for them. */
#ifndef SG_AUDIT_SHORTEN_H
#define SG_AUDIT_SHORTEN_H

#include "core/base/arena.h"

/* Rows and elements that are kept of a list. */
#define SG_SHORTEN_KEPT 500

/* The text with the rest of long lists left out and long literals emptied; *left_out_r: how many rows and elements that were.
 * NULL: it does not begin like a statement that reads or writes rows (a DO block's literal is its body). */
const char *sg_audit_shorten(struct sg_arena *arena, const char *text, size_t length, size_t *left_out_r);

#endif
