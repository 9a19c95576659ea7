/* buf.c - the growing string of buf.h. */
#include "config.h"
#include "core/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char sg_buf_empty[1] = "";

void sg_buf_init(struct sg_buf *buf, size_t limit)
{
	*buf = (struct sg_buf)SG_BUF_INIT;
	if (limit != 0)
		buf->limit = limit;
}

void sg_buf_release(struct sg_buf *buf)
{
	size_t limit = buf->limit;

	if (buf->capacity != 0)
		free(buf->data);
	sg_buf_init(buf, limit);
}

void sg_buf_clear(struct sg_buf *buf)
{
	buf->length = 0;
	buf->cut = false;
	if (buf->capacity != 0)
		buf->data[0] = '\0';
}

void sg_buf_add(struct sg_buf *buf, const void *bytes, size_t length)
{
	if (length > buf->limit - buf->length) {
		length = buf->limit - buf->length;
		buf->cut = true;
	}
	if (length == 0)
		return;
	if (buf->capacity - buf->length <= length) {
		size_t wanted = buf->capacity ? buf->capacity : 128;

		while (wanted - buf->length <= length)
			wanted *= 2;
		buf->data = sg_xrealloc(buf->capacity ? buf->data : NULL, wanted);
		buf->capacity = wanted;
	}
	memcpy(buf->data + buf->length, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void sg_buf_adds(struct sg_buf *buf, const char *text)
{
	sg_buf_add(buf, text, strlen(text));
}

void sg_buf_addc(struct sg_buf *buf, char c)
{
	sg_buf_add(buf, &c, 1);
}

void sg_buf_vaddf(struct sg_buf *buf, const char *format, va_list args)
{
	char small[256];
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(small, sizeof small, format, args);
	SG_ASSERT(length >= 0);
	if ((size_t)length < sizeof small) {
		sg_buf_add(buf, small, (size_t)length);
	} else {
		char *large = sg_xmalloc((size_t)length + 1);

		vsnprintf(large, (size_t)length + 1, format, again);
		sg_buf_add(buf, large, (size_t)length);
		free(large);
	}
	va_end(again);
}

void sg_buf_addf(struct sg_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sg_buf_vaddf(buf, format, args);
	va_end(args);
}

void sg_buf_drop(struct sg_buf *buf, size_t length)
{
	SG_ASSERT(length <= buf->length);
	if (length == 0)
		return;
	memmove(buf->data, buf->data + length, buf->length - length);
	buf->length -= length;
	buf->data[buf->length] = '\0';
}

char *sg_buf_detach(struct sg_buf *buf)
{
	char *text = buf->capacity ? buf->data : sg_xstrdup("");
	size_t limit = buf->limit;

	sg_buf_init(buf, limit);
	return text;
}
