/* blame.h - what a plugin's process said or died of, as an error for people.
 *
 * Pure functions: facts in, error out. Each refusal names path, what was
 * expected, what was found, and what to do. */
#ifndef SG_BLAME_H
#define SG_BLAME_H

#include "core/base/err.h"
#include "core/plugin/process.h"
#include "plugins/wire/wire.h"

/* The hello against what the manifest's section says. Errors: SG_CLASS_REFUSED. */
SG_MUST_CHECK int sg_blame_hello(const struct sg_wire_hello *hello, const struct sg_expected *expected,
                                 const char *path, struct sg_err *err);
/* Set err and return -1. where is "while it was loaded", "in run()", …; last
 * is the last line that the plugin printed, or "". */
int sg_blame_refusal(uint32_t refusal, const char *a, const char *b, const char *path, struct sg_err *err);
int sg_blame_forbidden(uint32_t number, const char *name, const char *where, struct sg_err *err);
int sg_blame_death(int status, const char *where, const char *last, struct sg_err *err);
int sg_blame_timeout(int64_t limit_ms, const char *where, struct sg_err *err);
/* A frame that has no place here. Sets err and returns -1. */
int sg_blame_violation(const struct sg_wire_frame *frame, const char *where, struct sg_err *err);
/* A frame that says what went wrong (a forbidden system call, a misuse, a
 * limit): sets err and returns -1. Any other: 0. */
SG_MUST_CHECK int sg_blame_frame(const struct sg_wire_frame *frame, const char *where, struct sg_err *err);

#endif
