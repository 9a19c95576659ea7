/* ini.c - feeds the system's inih line by line, and believes nothing it does.
 *
 * What inih does as packaged (r55), each measured: a section's name is cut at 49
 * bytes, and a key's, for its continuations; a line that does not fit its buffer
 * is split and the tail read as a line of its own, with return code 0; " ;" ends
 * a value on a first line but not on a continuation; an indented "key = value"
 * becomes part of the value above; an indented line that begins with ';' or '#'
 * vanishes out of a value; what follows ']' is dropped; "key: value" is taken;
 * a section without keys is never told of; there are no line numbers. Other
 * versions and compile-time choices differ again.
 *
 * So each line is judged first (lines.c), and handed over only in a form that
 * all versions read alike: no comments, nothing over-long. Then what the library
 * makes of it must be what was meant (take). */
#include "config.h"
#include "core/manifest/ini.h"

#include <ini.h>
#include <string.h>

#include "core/manifest/lines.h"
#include "core/manifest/source.h"

struct sg_ini_section *sg_ini_add_section(struct sg_arena *arena, struct sg_ini *ini)
{
	ini->sections = sg_arena_grow(arena, ini->sections, &ini->capacity, ini->count + 1, sizeof *ini->sections);
	return &ini->sections[ini->count++];
}

struct sg_ini_entry *sg_ini_add_entry(struct sg_arena *arena, struct sg_ini_section *section)
{
	section->entries = sg_arena_grow(arena, section->entries, &section->capacity, section->count + 1,
	                                 sizeof *section->entries);
	return &section->entries[section->count++];
}

struct sg_ini_section *sg_ini_section(const struct sg_ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->count; i++)
		if (!ini->sections[i].twice && strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	return NULL;
}

struct sg_ini_entry *sg_ini_entry(const struct sg_ini_section *section, const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (strcmp(section->entries[i].key, key) == 0)
			return &section->entries[i];
	return NULL;
}

static void missed(struct sg_lines *f)
{
	struct sg_err *err = sg_reading_error(f->reading, f->line, "the INI library reads the line in a way of its own");

	(void)sg_err_detail(err, "What it made of it is not what the line says, so the file cannot be relied on.");
	(void)sg_err_hint(err, "Write the line more plainly, or link sgrun with another version of inih.");
	f->expect = false;
	f->told = f->spoiled = true;
}

/* ini_reader: the next line, in a form that every inih reads alike. */
static char *feed(char *out, int size, void *stream)
{
	char line[SG_INI_LINE_LIMIT + 2];
	struct sg_lines *f = stream;
	const char *start, *end;
	size_t length;

	if (size < SG_INI_NAME_LIMIT + 4)
		return NULL; /* a library without room for a section's name: told by the return code */
	if (f->owed_newline) {
		f->owed_newline = false;
		memcpy(out, "\n", 2);
		return out;
	}
	if (f->expect && !f->told)
		missed(f);
	f->expect = f->told = false;
	if (f->at == f->end)
		return NULL;
	start = f->start = f->at;
	end = memchr(start, '\n', (size_t)(f->end - start));
	f->at = end ? end + 1 : f->end;
	end = end ? end : f->end;
	f->line++;
	length = (size_t)(end - start);
	if (length > 0 && start[length - 1] == '\r')
		length--; /* told by sg_source_judge */
	if (!sg_lines_judge(f, length, (size_t)size - 1, line)) {
		memcpy(out, "\n", 2);
		return out;
	}
	length = strlen(line);
	memcpy(out, line, length);
	/* A line that fills the buffer to its end is taken as the first part of a
	 * longer one by some builds, which then ask for the rest. */
	if (length + 1 < (size_t)size)
		out[length++] = '\n';
	else
		f->owed_newline = true;
	out[length] = '\0';
	return out;
}

/* ini_handler: what the library made of the line. */
static int take(void *user, const char *section, const char *name, const char *value)
{
	struct sg_lines *f = user;

	if (name == NULL)
		return 1; /* some builds announce sections */
	if (!f->expect || f->told || value == NULL || strcmp(section, f->section_name) != 0 ||
	    strcmp(name, f->key) != 0 || strcmp(value, f->text) != 0) {
		if (!f->told)
			missed(f);
		return 1;
	}
	f->told = true;
	if (f->value.length > 0 && value[0] != '\0')
		sg_buf_addc(&f->value, ' ');
	sg_buf_adds(&f->value, value);
	return 1;
}

bool sg_ini_parse(struct sg_reading *reading, const char *bytes, size_t length, struct sg_ini *ini_r)
{
	struct sg_lines f = { .reading = reading, .ini = ini_r };
	int status;

	memset(ini_r, 0, sizeof *ini_r);
	if (!sg_source_judge(reading, bytes, length))
		return false;
	if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
		bytes += 3;
		length -= 3;
	}
	f.at = bytes;
	f.end = bytes + length;
	sg_buf_init(&f.value, length + 1);
	sg_names_init(&f.sections, reading->arena);
	sg_names_init(&f.keys, reading->arena);
	status = ini_parse_stream(feed, &f, take, &f);
	sg_lines_close(&f);
	sg_buf_release(&f.value);
	if (status != 0 || f.at != f.end) {
		struct sg_err *err = sg_reading_error(reading, status > 0 ? status : f.line, "the INI library gave up");

		(void)sg_err_detail(err, "It returned %d after %d lines.", status, f.line);
		(void)sg_err_hint(err, "Please report this, with the version of inih that is installed.");
	}
	return true;
}
