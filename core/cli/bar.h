/* bar.h - the line at the bottom of a terminal, made of pieces of which the less important give way.
 *
 * What both kinds of it (a backfill's, a build's) share: its width, its cells, what fits. A piece has two blanks
 * before it; one without text is not there. */
#ifndef SG_BAR_H
#define SG_BAR_H

#include "core/cli/look.h"

struct sg_bar_piece {
	struct sg_buf text; /* cleaned; empty: not known, or left out */
	enum sg_tone tone;
};

void sg_bar_init(struct sg_bar_piece *pieces, size_t count);
void sg_bar_release(struct sg_bar_piece *pieces, size_t count);

/* Columns that the line may have; the last one of the terminal stays free (see live.c). */
size_t sg_bar_width(const struct sg_look *look);
/* Columns of the name before the pieces: no more than a third of the line, but for short lines. */
size_t sg_bar_name(const struct sg_look *look, const char *name);
/* "[####......]", longer on a wide terminal. */
void sg_bar_cells(struct sg_buf *out, const struct sg_look *look, int percent);
/* Columns of name and pieces together, with the two blanks that the line begins with. */
size_t sg_bar_columns(const struct sg_bar_piece *pieces, size_t count, size_t name);
/* Leaves out what is dispensable, in that order, until `all` columns hold the rest. */
void sg_bar_fit(struct sg_bar_piece *pieces, size_t count, const int *dispensable, size_t dispensables, size_t name, size_t all);
/* The name in so many columns, and the pieces. */
void sg_bar_add(struct sg_buf *out, const struct sg_look *look, const char *id, size_t name,
                const struct sg_bar_piece *pieces, size_t count);
/* One more at the end, if there is any. */
void sg_bar_add_text(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const struct sg_buf *text);
/* Cuts text to that many characters, with "..." at its end; nothing is left where not even that has room. */
void sg_bar_cut(struct sg_buf *text, size_t room);

#endif
