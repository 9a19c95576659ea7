/* log.h - what happens, as it happens, on stderr: for people, or as JSON lines.
 *
 * Results never go through here (they go to stdout). Nothing logged may hold a
 * password. Text from outside is made harmless for terminals on the way. */
#ifndef SG_LOG_H
#define SG_LOG_H

#include "core/base/base.h"
#include "core/base/err.h"

enum sg_log_level { SG_LOG_DEBUG, SG_LOG_INFO, SG_LOG_WARNING, SG_LOG_ERROR };
enum sg_log_format { SG_LOG_HUMAN, SG_LOG_JSON };

void sg_log_setup(enum sg_log_level least, enum sg_log_format format);
/* Called before and after each line, so that a status line on the same terminal
 * can step aside; NULL for none. */
void sg_log_hook(void (*before)(void), void (*after)(void));
bool sg_log_is_json(void);
/* Finished lines go to sink instead of stderr, and no hook is called; NULL: back to
 * stderr. A forked child that shares the terminal logs through its parent so. */
void sg_log_divert(void (*sink)(const char *line, size_t length));
/* Writes a line that came from such a sink, as if it had been logged here. */
void sg_log_line(const char *line, size_t length);

/* event is a short, stable word for machines ("retry", "lock-wait"); step and
 * attempt may be NULL and 0. */
void sg_log(enum sg_log_level level, const char *event, const char *step, int attempt, const char *format, ...)
	SG_PRINTF(5, 6);
/* An error in full: for people over several lines, for machines as "error". */
void sg_log_err(enum sg_log_level level, const char *event, int attempt, const struct sg_err *err);
/* Each of them, and how many they are if more than one. For people, a detail and a hint that several in a row
 * have in common follow the last of them, once. */
void sg_log_errs(enum sg_log_level level, const char *event, const struct sg_errs *errs);

#endif
