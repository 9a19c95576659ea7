/* text.h - small questions about strings that come from outside. */
#ifndef SG_TEXT_H
#define SG_TEXT_H

#include "core/base/base.h"
#include "core/base/buf.h"

/* True for well-formed UTF-8 (no overlong forms, surrogates, or code points
 * above U+10FFFF) without NUL bytes. */
bool sg_text_utf8(const char *bytes, size_t length);
/* Characters (code points) in the first `bytes` bytes of valid UTF-8. */
size_t sg_text_chars(const char *text, size_t bytes);
/* Byte offset of the 0-based character index; the length when there are fewer. */
size_t sg_text_offset(const char *text, size_t chars);
bool sg_text_prefix(const char *text, const char *prefix);
/* Appends text with control bytes (terminal escapes) and ill-formed UTF-8 made
 * visible; newlines and tabs are kept if lines is true, else become blanks. */
void sg_text_add_clean(struct sg_buf *buf, const char *text, size_t length, bool lines);
/* Levenshtein distance, at most `limit` (then limit + 1 is returned). */
int sg_text_distance(const char *a, const char *b, int limit);
/* The candidate nearest to text within a sensible distance, or NULL. */
const char *sg_text_nearest(const char *text, const char *const *candidates, size_t count);
/* Whole decimal integer within [min, max]; no blanks, no sign but '-'. */
SG_MUST_CHECK bool sg_text_int(const char *text, int64_t min, int64_t max, int64_t *value_r);
/* [0-9]+(.[0-9]+)? within [min, max]. */
SG_MUST_CHECK bool sg_text_double(const char *text, double min, double max, double *value_r);

#endif
