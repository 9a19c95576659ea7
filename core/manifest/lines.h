/* lines.h - a manifest's lines, judged one by one: what each may say, and the form
 * in which every build of inih reads it alike. The rules are in ini.h. */
#ifndef SG_LINES_H
#define SG_LINES_H

#include "core/base/buf.h"
#include "core/manifest/ini.h"
#include "core/manifest/names.h"
#include "core/manifest/settings.h"

struct sg_lines {
	struct sg_reading *reading;
	struct sg_ini *ini;
	const char *at, *end;           /* of the bytes not yet read */
	const char *start;              /* of the line that was last read … */
	int line;                       /* … and its number */
	struct sg_names sections, keys; /* keys: scope = the section's place */
	size_t count;                   /* sections opened, but for refused ones */

	/* What is open. */
	struct sg_ini_section *section; /* NULL: none, or one that was refused */
	bool in_section;                /* a section was opened, refused or not */
	bool in_key;                    /* a key was, likewise */
	bool wanted;                    /* the open key becomes an entry */
	bool fed;                       /* its first line went to the library */
	bool spoiled;                   /* something of its value was refused */
	const char *kept_key;           /* its name, in the arena */
	const struct sg_setting *setting; /* of the open key; NULL: unknown key */
	int key_line;
	char key[SG_INI_NAME_LIMIT + 1];
	char quote;                     /* the quote that is open in the value, or 0 */
	struct sg_buf value;
	bool section_keys;              /* the open section has a line with a key, good or bad */
	int section_line;

	/* What the library must say of the line that it was given. */
	bool owed_newline;
	bool expect, told;
	char section_name[SG_INI_NAME_LIMIT + 1];
	char text[SG_INI_LINE_LIMIT + 1];  /* the value's part in this line */
};

/* Judges the line at lines->start, without its end. True: out is what the library
 * is to get (room: what it can take; out has SG_INI_LINE_LIMIT + 2 bytes of space);
 * false: nothing, be it a comment, a blank line or one that was refused and told. */
bool sg_lines_judge(struct sg_lines *lines, size_t length, size_t room, char *out);
/* At the end of the file: closes what is open. */
void sg_lines_close(struct sg_lines *lines);

#endif
