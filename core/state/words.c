/* words.c - texts from outside, on their way into a column of ours. */
#include "config.h"
#include "core/state/words.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

const char *sg_state_bounded(struct sg_arena *arena, const char *text)
{
	struct sg_buf buf;
	const char *copy;

	if (text == NULL)
		return NULL;
	sg_buf_init(&buf, 4000);
	sg_text_add_clean(&buf, text, strlen(text), true);
	while (buf.length > 0 && !sg_text_utf8(buf.data, buf.length))
		buf.data[--buf.length] = '\0';
	copy = sg_arena_strndup(arena, buf.data, buf.length);
	sg_buf_release(&buf);
	return copy;
}
