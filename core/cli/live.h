/* live.h - the one line at the bottom of a terminal that says what is going on.
 *
 * It is drawn on stdout, redrawn ten times a second by a thread of its own (so
 * that the time goes on while the main thread waits for a server), and steps
 * aside for log lines and for lines of the result. Where stdout is no terminal
 * nothing is drawn, and there is no thread. There is one at a time. */
#ifndef SG_LIVE_H
#define SG_LIVE_H

#include "core/cli/look.h"

/* Takes the log hook. Without a terminal it only sees to it that stdout is
 * flushed before a log line, so that the two keep their order. */
void sg_live_open(const struct sg_look *look);
/* Erases the line and gives the hook back; harmless if not open. */
void sg_live_close(void);

/* From now on: "  HEAD  TEXT  elapsed", cut to the terminal. head is shown
 * strong; since is a sg_clock_ms value. Texts are cleaned and copied. */
void sg_live_show(const char *head, const char *text, int64_t since);
/* The same with a finished line, no wider than the terminal: it is drawn as it is. */
void sg_live_line(const char *line);
void sg_live_hide(void);
/* Writes a line (or several) of the result above it. */
void sg_live_print(const struct sg_buf *lines);

/* What is drawn, for tests: without the cursor's movements. */
void sg_live_render(struct sg_buf *out, const struct sg_look *look, const char *head, const char *text,
                    int64_t elapsed_ms);

#endif
