/* override.c - `--set SECTION.KEY=VALUE`: beats the file, key by key. */
#include "config.h"
#include "core/manifest/draft.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/manifest/source.h"

/* The section's text with one blank between its words, as the reader has it. */
static char *plain_section(struct sg_arena *arena, const char *text, size_t length)
{
	char *out = sg_arena_alloc(arena, length + 1);
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		bool blank = text[i] == ' ' || text[i] == '\t';

		if (blank && (n == 0 || out[n - 1] == ' '))
			continue;
		out[n++] = blank ? ' ' : text[i];
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

int sg_override_parse(const char *text, struct sg_arena *arena, struct sg_override *override_r, struct sg_err *err)
{
	const char *equals = strchr(text, '='), *what;
	const struct sg_section_kind *kind = NULL;
	const char *label, *nearest = NULL;
	char *section = NULL, *key = NULL;

	if (equals == NULL || memchr(text, '.', (size_t)(equals - text)) == NULL) {
		(void)sg_err_set(err, SG_CLASS_USAGE, "--set without SECTION.KEY=VALUE");
		(void)sg_err_detail(err, "It takes a section's name, a dot, a key, '=' and a value.");
		return sg_err_hint(err, "Write for instance --set policy.lock_seconds=60.");
	}
	if (!sg_source_text(text, strlen(text), &what)) {
		(void)sg_err_set(err, SG_CLASS_USAGE, "--set with %s", what);
		(void)sg_err_detail(err, "Values of a manifest are UTF-8 text without control characters.");
		return sg_err_hint(err, "Write it in one line of plain text.");
	}
	/* The last dot that makes a known key wins: names of steps may hold dots. */
	for (const char *dot = equals; dot-- > text;) {
		size_t length = (size_t)(equals - dot - 1);

		if (*dot != '.' || (dot - text >= 7 && strncmp(dot - 7, ".option", 7) == 0))
			continue;
		section = plain_section(arena, text, (size_t)(dot - text));
		while (length > 0 && (dot[length] == ' ' || dot[length] == '\t'))
			length--;
		key = sg_arena_strndup(arena, dot + 1, length);
		if (sg_section_parse(section, &kind, &label) != SG_SECTION_FINE)
			continue;
		if (sg_setting_find(key, kind->section) != NULL) {
			override_r->section = section;
			override_r->key = key;
			override_r->value = sg_arena_strdup(arena, equals + 1 + strspn(equals + 1, " \t"));
			return 0;
		}
		if (nearest == NULL)
			nearest = sg_setting_nearest(key, kind->section);
	}
	(void)sg_err_set(err, SG_CLASS_USAGE, "--set %.*s: no such section or key", (int)(equals - text < 200 ? equals - text
	                 : 200), text);
	(void)sg_err_detail(err, "It takes a section's name as in the file, a dot, and a key of that section.");
	if (nearest != NULL)
		return sg_err_hint(err, "Did you mean %s?", nearest);
	return sg_err_hint(err, "Write for instance --set policy.lock_seconds=60; sgrun.ini(5) lists the keys.");
}

static void absent(struct sg_draft *draft, const struct sg_override *override)
{
	const char **names = sg_xcalloc(draft->ini.count + 1, sizeof *names), *nearest;
	struct sg_err *err;

	for (size_t i = 0; i < draft->ini.count; i++)
		names[i] = draft->ini.sections[i].name;
	nearest = draft->ini.count < 5000 ? sg_text_nearest(override->section, names, draft->ini.count) : NULL;
	free(names);
	err = sg_reading_error(draft->reading, SG_READING_OVERRIDE, "--set %s.%s: the manifest has no such step",
	                       override->section, override->key);
	(void)sg_err_detail(err, "%s has no section [%s].", draft->reading->path, override->section);
	if (nearest != NULL)
		(void)sg_err_hint(err, "Did you mean %s?", nearest);
	else
		(void)sg_err_hint(err, "Name the section as the file does: --set 'migration 0096_lead_name.lock_seconds=60'.");
}

void sg_draft_overrides(struct sg_draft *draft, const struct sg_override *overrides, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sg_ini_section *section = sg_ini_section(&draft->ini, overrides[i].section);
		const struct sg_section_kind *kind;
		struct sg_ini_entry *entry;
		const char *label;

		if (section == NULL) {
			if (sg_section_parse(overrides[i].section, &kind, &label) != SG_SECTION_FINE || kind->named) {
				absent(draft, &overrides[i]);
				continue;
			}
			section = sg_ini_add_section(draft->reading->arena, &draft->ini);
			section->name = overrides[i].section;
			section->line = SG_READING_OVERRIDE;
		}
		entry = sg_ini_entry(section, overrides[i].key);
		if (entry == NULL)
			entry = sg_ini_add_entry(draft->reading->arena, section);
		*entry = (struct sg_ini_entry){ overrides[i].key, overrides[i].value, SG_READING_OVERRIDE, false, NULL };
	}
}
