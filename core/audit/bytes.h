/* bytes.h - a file's bytes, for whatever reads files that it does not trust. */
#ifndef SG_AUDIT_BYTES_H
#define SG_AUDIT_BYTES_H

#include "core/base/arena.h"
#include "core/base/err.h"

/* Reads a regular file of at most limit bytes into the arena, and ends it with a NUL. Never waits: a FIFO, socket or device is an
 * error. A file that changes meanwhile is read again, and is an error if it goes on so. -1: SG_CLASS_MANIFEST, with the path as
 * file. */
SG_MUST_CHECK int sg_bytes_read(const char *path, size_t limit, struct sg_arena *arena, char **bytes_r, size_t *length_r,
                                struct sg_err *err);
/* Reads the beginning into a buffer, as far as it fits. -1: it cannot be read (the one who reads it whole says why). */
SG_MUST_CHECK int sg_bytes_head(const char *path, char *buffer, size_t size, size_t *length_r);
/* What it is, for people: "a folder", "a FIFO". */
const char *sg_bytes_kind(unsigned mode);
/* The path as text: control bytes and ill-formed UTF-8 made visible. The path itself where nothing is odd. */
const char *sg_bytes_shown(const char *path, struct sg_arena *arena);

#endif
