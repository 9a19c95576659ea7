/* source.h - the manifest's bytes, before anything is read into them. */
#ifndef SG_SOURCE_H
#define SG_SOURCE_H

#include "core/manifest/reading.h"

#define SG_SOURCE_LIMIT ((size_t)4 << 20)

/* Reads the file into the reading's arena. It must be a regular file of at most
 * 4 MiB: a FIFO or device could block or never end, and a manifest is read again
 * by the next runner. -1: err is SG_CLASS_USAGE. */
SG_MUST_CHECK int sg_source_load(const char *path, struct sg_arena *arena, const char **bytes_r, size_t *length_r,
                                 struct sg_err *err);
/* Whether the bytes are lines of UTF-8 text: notes a byte order mark, CRLF, and a
 * missing last newline once each. False if they are no such text at all (NUL
 * bytes, UTF-16, an executable), which is noted too: then nothing is to be read. */
bool sg_source_judge(struct sg_reading *reading, const char *bytes, size_t length);
/* Whether a line's bytes are UTF-8 without control characters but tabs; what_r says what is wrong. */
bool sg_source_text(const char *bytes, size_t length, const char **what_r);

#endif
