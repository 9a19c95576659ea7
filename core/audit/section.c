/* section.c - see section.h. */
#include "config.h"
#include "core/audit/section.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/manifest/ini.h"

#define NAME_LIMIT (SG_INI_NAME_LIMIT - sizeof "backfill") /* of a section "backfill NAME" */

static void add_plain(struct sg_buf *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		char c = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
		bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (fine || (out->length > 0 && out->data[out->length - 1] != '_'))
			sg_buf_addc(out, fine ? c : '_');
	}
	while (out->length > 0 && out->data[out->length - 1] == '_')
		out->data[--out->length] = '\0';
}

/* At most `limit` bytes of it, without an underscore at the end. */
static const char *cut(struct sg_arena *arena, const char *name, size_t limit)
{
	size_t length = strlen(name);

	if (length > limit)
		length = limit;
	while (length > 0 && name[length - 1] == '_')
		length--;
	return sg_arena_strndup(arena, name, length);
}

const char *sg_audit_section(struct sg_arena *arena, const char *id, const char *title, enum sg_audit_layout layout)
{
	struct sg_buf plain = SG_BUF_INIT, more = SG_BUF_INIT, name = SG_BUF_INIT;
	const char *result;

	add_plain(&plain, id);
	if (title != NULL && layout != SG_LAYOUT_MANIFEST)
		add_plain(&more, title);
	if (plain.length == 0)
		sg_buf_adds(&name, "migration");
	else
		sg_buf_addf(&name, "%s%s", sg_text_prefix(plain.data, "migration") ? "" : "migration_", plain.data);
	if (more.length > 0 && (plain.length == 0 || strstr(plain.data, more.data) == NULL))
		sg_buf_addf(&name, "_%s", more.data);
	result = cut(arena, name.data, NAME_LIMIT);
	sg_buf_release(&plain);
	sg_buf_release(&more);
	sg_buf_release(&name);
	return result;
}

const char *sg_audit_section_of(struct sg_arena *arena, const char *section, const char *table)
{
	struct sg_buf plain = SG_BUF_INIT;
	const char *result = section;

	add_plain(&plain, table);
	if (plain.length > 0 && plain.length + sizeof "migration_" < NAME_LIMIT)
		result = sg_arena_printf(arena, "%s_%s", cut(arena, section, NAME_LIMIT - plain.length - 1), plain.data);
	sg_buf_release(&plain);
	return result;
}
