/* err.h - one failure, told once, where most is known.
 *
 * A fallible function takes `struct sg_err *err` last and returns -1 after it
 * has set it; on success it does not touch it. On the way up context is only
 * added (sg_err_at, sg_err_step), and the error is printed in one place.
 *
 * Every text is owned by the error, bounded (ERR_TEXT_LIMIT), and must already
 * be free of passwords. Texts from outside may hold control bytes: whoever
 * prints replaces them (text.h). */
#ifndef SG_ERR_H
#define SG_ERR_H

#include <stdarg.h>

#include "core/base/base.h"
#include "core/base/class.h"

struct sg_err {
	enum sg_class class;  /* SG_CLASS_NONE: no error */
	char sqlstate[6];     /* "" where the server had no say */
	char *primary;        /* lower case, no full stop */
	char *detail;         /* or NULL */
	char *hint;           /* a sentence that says what to do, or NULL */
	char *file;           /* manifest (or other) file, or NULL */
	int line;             /* in file; 0 = unknown */
	char *step;           /* id of the step, or NULL */
	char *statement;      /* SQL, or NULL */
	int position;         /* 1-based character in statement for the caret; 0 = none */
	bool uncertain;       /* a COMMIT was sent and its fate is unknown */
};

#define SG_ERR_INIT { 0 }

void sg_err_init(struct sg_err *err);
void sg_err_release(struct sg_err *err);
/* Releases and re-initialises. */
void sg_err_clear(struct sg_err *err);
/* dst takes over what src holds; src is empty after. */
void sg_err_move(struct sg_err *dst, struct sg_err *src);

/* dst becomes a copy with texts of its own, whoever owns those of src. */
void sg_err_copy(struct sg_err *dst, const struct sg_err *src);

/* Sets class and primary; anything set before is released. Returns -1, so that
 * `return sg_err_set(…)` reads well. */
int sg_err_set(struct sg_err *err, enum sg_class class, const char *format, ...) SG_PRINTF(3, 4);
/* Other words for the same error. */
int sg_err_primary(struct sg_err *err, const char *format, ...) SG_PRINTF(2, 3);
/* These add to an error that is set, and return -1 too. */
int sg_err_detail(struct sg_err *err, const char *format, ...) SG_PRINTF(2, 3);
int sg_err_hint(struct sg_err *err, const char *format, ...) SG_PRINTF(2, 3);
int sg_err_sqlstate(struct sg_err *err, const char *sqlstate);
/* Only where not set yet: the deepest place knows best. */
int sg_err_at(struct sg_err *err, const char *file, int line);
int sg_err_step(struct sg_err *err, const char *step);
/* position is a 1-based character index into the statement, 0 for none. */
int sg_err_statement(struct sg_err *err, const char *statement, int position);
/* Puts "prefix: " before the primary. */
int sg_err_wrap(struct sg_err *err, const char *format, ...) SG_PRINTF(2, 3);

#if defined __clang_analyzer__ && !defined SG_ERR_ITSELF /* which sees one file at a time, and shall know what they return */
#define sg_err_set(...) (sg_err_set(__VA_ARGS__), -1)
#define sg_err_primary(...) (sg_err_primary(__VA_ARGS__), -1)
#define sg_err_detail(...) (sg_err_detail(__VA_ARGS__), -1)
#define sg_err_hint(...) (sg_err_hint(__VA_ARGS__), -1)
#define sg_err_sqlstate(...) (sg_err_sqlstate(__VA_ARGS__), -1)
#define sg_err_at(...) (sg_err_at(__VA_ARGS__), -1)
#define sg_err_step(...) (sg_err_step(__VA_ARGS__), -1)
#define sg_err_statement(...) (sg_err_statement(__VA_ARGS__), -1)
#define sg_err_wrap(...) (sg_err_wrap(__VA_ARGS__), -1)
#endif

/* err is released with the arena (err must live as long: in the arena itself). */
struct sg_arena;
void sg_err_defer(struct sg_err *err, struct sg_arena *arena);

/* A list, for whatever reports all its errors in one go. */
struct sg_errs {
	struct sg_err *list;
	size_t count, capacity;
};
#define SG_ERRS_INIT { NULL, 0, 0 }
/* A new, empty error at the end; valid until the next call. */
struct sg_err *sg_errs_add(struct sg_errs *errs);
void sg_errs_release(struct sg_errs *errs);

#endif
