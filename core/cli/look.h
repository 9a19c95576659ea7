/* look.h - how text looks on the terminal that we write to: colours, width.
 *
 * Everything is rendered into buffers by a `struct sg_look`, so that tests can
 * render for any terminal without having one. */
#ifndef SG_LOOK_H
#define SG_LOOK_H

#include "core/base/buf.h"

enum sg_tone { SG_TONE_PLAIN, SG_TONE_STRONG, SG_TONE_GOOD, SG_TONE_NOTE, SG_TONE_WARN, SG_TONE_BAD, SG_TONE_FAINT };

struct sg_look {
	bool live;    /* a terminal that understands "erase line": a status line may be shown */
	bool color;
	size_t width; /* columns of the terminal; 0: not a terminal, nothing is cut */
	bool verbose;
};

/* What stdout is. No colours with no_color, or where TERM is dumb or unset. */
void sg_look_of_stdout(struct sg_look *look_r, bool no_color, bool verbose);

/* Text from anywhere, cleaned, in that tone. */
void sg_look_add(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const char *text);
/* The same in a field: padded to `field` characters; what is longer is cut in
 * its middle ("0113_uniq...run_lead") if cut is true, else the field grows. */
void sg_look_field(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const char *text, size_t field,
                   bool cut);
/* The same, padded on the left. */
void sg_look_right(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const char *text, size_t field);
/* The end of a line: blanks of its last field are taken off. */
void sg_look_end(struct sg_buf *out);
/* Characters of text once it is cleaned. */
size_t sg_look_chars(const char *text);
/* The field for a column of names of which the longest has `longest`
 * characters: never more than half a terminal. */
size_t sg_look_column(const struct sg_look *look, size_t longest);
/* "1,234,567" */
void sg_look_number(struct sg_buf *out, int64_t number);
/* "1 migration", "12 migrations". */
void sg_look_count(struct sg_buf *out, size_t count, const char *noun);

#endif
