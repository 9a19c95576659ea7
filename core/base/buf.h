/* buf.h - a growing string with an upper bound.
 *
 * The bytes are always ended with a NUL that does not count. A buffer never
 * grows past its limit: what does not fit is left out and `cut` is set, so that
 * hostile input can never make us allocate without end. */
#ifndef SG_BUF_H
#define SG_BUF_H

#include <stdarg.h>

#include "core/base/base.h"

#define SG_BUF_DEFAULT_LIMIT ((size_t)64 << 20)

struct sg_buf {
	char *data;      /* never NULL; not owned while capacity is 0 */
	size_t length;
	size_t capacity;
	size_t limit;    /* largest length */
	bool cut;        /* something did not fit */
};

extern char sg_buf_empty[1];
#define SG_BUF_INIT { sg_buf_empty, 0, 0, SG_BUF_DEFAULT_LIMIT, false }

/* limit 0 means SG_BUF_DEFAULT_LIMIT. */
void sg_buf_init(struct sg_buf *buf, size_t limit);
void sg_buf_release(struct sg_buf *buf);
/* Forgets the content and keeps the memory. */
void sg_buf_clear(struct sg_buf *buf);
void sg_buf_add(struct sg_buf *buf, const void *bytes, size_t length);
void sg_buf_adds(struct sg_buf *buf, const char *text);
void sg_buf_addc(struct sg_buf *buf, char c);
void sg_buf_addf(struct sg_buf *buf, const char *format, ...) SG_PRINTF(2, 3);
void sg_buf_vaddf(struct sg_buf *buf, const char *format, va_list args) SG_PRINTF(2, 0);
/* Removes the first length bytes. */
void sg_buf_drop(struct sg_buf *buf, size_t length);
/* The content as a heap string that the caller frees; the buffer is empty after. */
char *sg_buf_detach(struct sg_buf *buf) __attribute__((returns_nonnull));

#endif
