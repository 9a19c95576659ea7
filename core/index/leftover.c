/* leftover.c - as commands/indexcmds.c names them (ReindexRelationConcurrently, ChooseRelationName, makeObjectName): the
 * label at the end, and the name before it cut where that gets too long, at a character's start. */
#include "config.h"
#include "core/index/leftover.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/text.h"

#define LONGEST_NAME 63 /* NAMEDATALEN - 1 */

/* What of the index's name is before a label of so many bytes. */
static size_t stem(const char *index, size_t label)
{
	size_t length = strlen(index), room = label < LONGEST_NAME ? LONGEST_NAME - label : 0;

	if (length <= room)
		return length;
	for (length = room; length > 0 && ((unsigned char)index[length] & 0xC0) == 0x80;)
		length--;
	return length;
}

/* Where its label begins; NULL: it has none. What is a label as a whole is of no index. */
static const char *label_of(const char *name)
{
	const char *label = strrchr(name, '_');

	if (label == NULL || label == name || (!sg_text_prefix(label, "_ccnew") && !sg_text_prefix(label, "_ccold")))
		return NULL;
	return label[6 + strspn(label + 6, "0123456789")] == '\0' ? label : NULL;
}

bool sg_index_is_leftover(const char *index, const char *candidate)
{
	const char *label = label_of(candidate);
	size_t length;

	if (label == NULL)
		return false;
	length = stem(index, strlen(label));
	return (size_t)(label - candidate) == length && memcmp(index, candidate, length) == 0;
}

bool sg_index_has_leftover_name(const char *name)
{
	return label_of(name) != NULL;
}

const char *sg_index_leftover_name(struct sg_arena *arena, const char *index, uint32_t oid)
{
	const char *label = sg_arena_printf(arena, "_ccold%" PRIu32, oid);

	return sg_arena_printf(arena, "%.*s%s", (int)stem(index, strlen(label)), index, label);
}
