/* reading.h - what the parts of the manifest reader share: where errors go.
 *
 * Every error of a manifest is reported, not the first: a function of the
 * reader notes what it finds and goes on. A manifest of a thousand errors is
 * not one that a person wants to read to its end, so the list has a limit and
 * the last entry says how many are not shown.
 *
 * Texts of the file never go into a message but names of keys, sections and
 * steps and values of keys that hold no secret: any other line may be part of
 * a DSN with a password. */
#ifndef SG_READING_H
#define SG_READING_H

#include "core/base/arena.h"
#include "core/base/err.h"

#define SG_READING_MAX_ERRORS 400
#define SG_READING_OVERRIDE (-1) /* the line of what stands in no file, but in a --set */

struct sg_reading {
	const char *path;       /* as given, for messages */
	const char *folder;     /* relative paths start here */
	bool lenient;           /* an unset variable in [database] is a warning */
	struct sg_arena *arena; /* of the manifest */
	struct sg_errs *errs;
	size_t count;           /* errors found, shown or not */
	struct sg_err spare;    /* takes those that are not shown */
};

void sg_reading_init(struct sg_reading *reading, const char *path, bool lenient, struct sg_arena *arena,
                     struct sg_errs *errs);
/* A new error of class SG_CLASS_MANIFEST at that line (0: of the whole file), or
 * SG_CLASS_USAGE without file for SG_READING_OVERRIDE. Valid until the next call;
 * the caller adds detail and hint. */
struct sg_err *sg_reading_error(struct sg_reading *reading, int line, const char *format, ...) SG_PRINTF(3, 4);
/* The next error will not be shown: looking for good hints is not worth while. */
bool sg_reading_full(const struct sg_reading *reading);
/* Sorts the errors by line and says how many are missing. 0, or -1 if there are any. */
SG_MUST_CHECK int sg_reading_finish(struct sg_reading *reading);

#endif
