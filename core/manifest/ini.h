/* ini.h - the manifest's lines, taken apart into sections, keys and values.
 *
 * The parsing is done by the system's inih, of which nothing is believed: as
 * packaged it cuts, splits, swallows and invents in silence (ini.c lists how).
 * So the reader that feeds it judges each line first, and what it says about the
 * line is compared with what was fed. The rules, the same for first lines and
 * continuations:
 *
 * - A key starts in column 1: `key = value`, with '=' and never ':'. Indented
 *   lines continue the value; all its lines are joined by one blank.
 * - A line is a comment if it begins with ';' or '#'. Indented it may do so only
 *   where no SQL (or other free text) is being continued, since `#` is an
 *   operator there.
 * - A blank and ';' begin a comment that ends the line. Where that would cut a
 *   value that may mean it, the line is refused: always in `sql` and `option.*`,
 *   and in all others but prose (title, description, reason) after an opening
 *   quote. Nothing of a value is ever lost in silence.
 * - At most 199 bytes a line (longer comments are fine), 49 bytes for a section's
 *   or a key's name.
 * - An indented line that looks like a key or a section is refused.
 * - No section without keys, no section or key twice, no key before the first
 *   section. */
#ifndef SG_INI_H
#define SG_INI_H

#include "core/manifest/reading.h"

#define SG_INI_LINE_LIMIT 199
#define SG_INI_NAME_LIMIT 49

struct sg_ini_entry {
	const char *key;
	const char *value; /* as written, joined; may be "" */
	int line;          /* SG_READING_OVERRIDE: from --set */
	bool refused;      /* part of its value was refused, which was told: not to be used */
	const char *text;  /* the value with its variables put in; NULL where it counts as not given */
};

struct sg_ini_section {
	const char *name;  /* blanks between its words are one */
	int line;
	bool twice;        /* there is one of that name already: only its keys are checked */
	struct sg_ini_entry *entries;
	size_t count, capacity;
};

struct sg_ini {
	struct sg_ini_section *sections;
	size_t count, capacity;
};

/* Errors go to the reading; what could be read is in ini_r all the same, so that
 * the rest of the checks can be made. False if there is nothing to check: the
 * bytes are no text. */
bool sg_ini_parse(struct sg_reading *reading, const char *bytes, size_t length, struct sg_ini *ini_r);
/* The section of that name, or NULL. Linear. */
struct sg_ini_section *sg_ini_section(const struct sg_ini *ini, const char *name);
/* The entry of that key, or NULL. Linear. */
struct sg_ini_entry *sg_ini_entry(const struct sg_ini_section *section, const char *key);
/* Makes room for one more, empty one, and returns it. */
struct sg_ini_section *sg_ini_add_section(struct sg_arena *arena, struct sg_ini *ini);
struct sg_ini_entry *sg_ini_add_entry(struct sg_arena *arena, struct sg_ini_section *section);

#endif
