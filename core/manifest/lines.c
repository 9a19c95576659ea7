/* lines.c - judges a manifest's lines before the INI library sees them.
 *
 * A line that is refused never reaches the library, and what it would have begun
 * (a section, a key) stays open here all the same, so that what follows it is
 * neither put to the wrong place nor told of a second time. */
#include "config.h"
#include "core/manifest/lines.h"

#include <string.h>

#include "core/manifest/source.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static void copy(char *to, size_t size, const char *from, size_t length)
{
	SG_ASSERT(length < size);
	memcpy(to, from, length);
	to[length] = '\0';
}

/* ---- values ---------------------------------------------------------------- */

static void close_key(struct sg_lines *f)
{
	if (f->in_key && f->wanted) {
		struct sg_ini_entry *entry = sg_ini_add_entry(f->reading->arena, f->section);

		entry->key = f->kept_key;
		entry->value = sg_arena_strndup(f->reading->arena, f->value.data, f->value.length);
		entry->line = f->key_line;
		entry->refused = f->spoiled;
	}
	f->in_key = f->wanted = f->fed = f->spoiled = false;
	f->setting = NULL;
	f->quote = 0;
	sg_buf_clear(&f->value);
}

void sg_lines_close(struct sg_lines *f)
{
	close_key(f);
	if (f->in_section && !f->section_keys) {
		struct sg_err *err = sg_reading_error(f->reading, f->section_line, "section without keys");

		(void)sg_err_detail(err, "The INI library does not see such a section at all.");
		(void)sg_err_hint(err, "Give it a key, or make its header a comment.");
	}
	f->in_section = false;
	f->section = NULL;
}

/* A line that may have been a key: what continues it needs no message of its own. */
static void swallow(struct sg_lines *f)
{
	close_key(f);
	f->in_key = f->section_keys = true;
	copy(f->key, sizeof f->key, "the refused line", strlen("the refused line"));
	f->key_line = f->line;
}

/* The part of the value in [text, text + length) without its comment and the
 * blanks around it. False if the comment cannot be told from the value. */
static bool cut_comment(struct sg_lines *f, const char **text, size_t *length)
{
	unsigned flags = f->setting ? f->setting->flags : 0;
	bool prose = (flags & SG_SETTING_IS_PROSE) != 0;
	const char *s = *text;
	size_t n = *length;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ';' && i > 0 && blank(s[i - 1])) {
			if (f->quote || (flags & SG_SETTING_NO_COMMENT)) {
				struct sg_err *err = sg_reading_error(f->reading, f->line,
				                                      "\" ;\" in %s may be a comment or part of the value", f->key);

				(void)sg_err_detail(err, f->quote
				                    ? "A blank and ';' begin a comment, and here a quote is open before them."
				                    : "A blank and ';' begin a comment, which in this key is never allowed.");
				(void)sg_err_hint(err, "Leave out the blank if ';' belongs to the value; put a comment on a line of its "
				                       "own that begins with ';'.");
				return false;
			}
			n = i;
			break;
		}
		if (prose || (s[i] != '\'' && s[i] != '"'))
			continue;
		if (f->quote == 0)
			f->quote = s[i];
		else if (f->quote == s[i])
			f->quote = 0;
	}
	while (n > 0 && blank(s[n - 1]))
		n--;
	while (n > 0 && blank(*s)) {
		s++;
		n--;
	}
	*text = s;
	*length = n;
	return true;
}

/* end: of the line without its comment. */
static bool too_long(struct sg_lines *f, const char *end, size_t room)
{
	size_t length = (size_t)(end - f->start);
	struct sg_err *err;
	size_t limit = room < SG_INI_LINE_LIMIT ? room : SG_INI_LINE_LIMIT;

	if (length <= limit)
		return false;
	err = sg_reading_error(f->reading, f->line, "line of %zu bytes", length);
	(void)sg_err_detail(err, "A line has at most %zu bytes; the INI library splits a longer one.", limit);
	(void)sg_err_hint(err, "Go on with the value on the next line, indented: the lines are joined by one blank.");
	return true;
}

/* ---- judging a line; each returns whether `out` is to be handed over --------- */

/* out: a buffer of at least SG_INI_LINE_LIMIT + 1 bytes; room: what the library can take. */

static bool judge_header(struct sg_lines *f, const char *s, size_t length, char *out)
{
	const char *closing = memchr(s, ']', length);
	const char *rest;
	struct sg_err *err;
	size_t name = 0, first;

	sg_lines_close(f);
	f->in_section = true;
	f->section_keys = false;
	f->section_line = f->line;
	if (closing == NULL) {
		err = sg_reading_error(f->reading, f->line, "section without closing bracket");
		(void)sg_err_detail(err, "A line that begins with '[' opens a section.");
		(void)sg_err_hint(err, "Write [policy] or [migration 0096_lead_name] on a line of its own.");
		f->section_keys = true; /* one message is enough */
		return false;
	}
	for (rest = closing + 1; rest < s + length && blank(*rest); rest++)
		;
	if (rest < s + length && *rest != ';' && *rest != '#') {
		err = sg_reading_error(f->reading, f->line, "text after a section's closing bracket");
		(void)sg_err_detail(err, "The INI library drops it in silence.");
		(void)sg_err_hint(err, "Put it on a line of its own; only a comment may follow.");
	}
	/* Blanks around the name go, those within become one. */
	for (const char *c = s + 1; c < closing; c++) {
		if (blank(*c) && (name == 0 || out[name - 1] == ' '))
			continue;
		out[name++] = blank(*c) ? ' ' : *c;
		if (name > SG_INI_NAME_LIMIT + 1)
			break;
	}
	while (name > 0 && out[name - 1] == ' ')
		name--;
	if (name > SG_INI_NAME_LIMIT) {
		err = sg_reading_error(f->reading, f->line, "the section's name is longer than %d bytes", SG_INI_NAME_LIMIT);
		(void)sg_err_detail(err, "The INI library would cut it.");
		(void)sg_err_hint(err, "Give the section a short name, and the step its identity by id = … (or name = …).");
		f->section_keys = true;
		return false;
	}
	if (name == 0 || memchr(out, ';', name) != NULL || memchr(out, '[', name) != NULL) {
		err = sg_reading_error(f->reading, f->line, name ? "';' or '[' in a section's name" : "section without name");
		(void)sg_err_detail(err, "A section is named by its kind, and a step by kind and id.");
		(void)sg_err_hint(err, "Write [policy] or [migration 0096_lead_name].");
		f->section_keys = true;
		return false;
	}
	copy(f->section_name, sizeof f->section_name, out, name);
	f->section = sg_ini_add_section(f->reading->arena, f->ini);
	f->section->name = sg_arena_strdup(f->reading->arena, f->section_name);
	f->section->line = f->line;
	f->count++;
	if (!sg_names_add(&f->sections, 0, f->section->name, (size_t)f->line, &first)) {
		f->section->twice = true;
		err = sg_reading_error(f->reading, f->line, "section [%s] is here twice", f->section_name);
		(void)sg_err_detail(err, "The first is in line %zu.", first);
		(void)sg_err_hint(err, "Put all keys into one of them, or give one another name.");
	}
	out[0] = '[';
	memcpy(out + 1, f->section_name, name);
	out[name + 1] = ']';
	out[name + 2] = '\0';
	return true;
}

/* The word that a line begins with, if '=' follows it: a key by its looks. */
static bool looks_like_key(const char *s, size_t length, char word_r[SG_INI_NAME_LIMIT + 1])
{
	size_t word = 0, after;

	while (word < length && (s[word] == '_' || s[word] == '.' || (s[word] >= 'a' && s[word] <= 'z') ||
	                         (s[word] >= '0' && s[word] <= '9')))
		word++;
	for (after = word; after < length && blank(s[after]); after++)
		;
	if (word == 0 || word > SG_INI_NAME_LIMIT || after == length || s[after] != '=')
		return false;
	copy(word_r, SG_INI_NAME_LIMIT + 1, s, word);
	return true;
}

static bool looks_like_section(const char *s, size_t length)
{
	const struct sg_section_kind *kind;
	const char *closing = memchr(s, ']', length), *label;
	char name[SG_INI_NAME_LIMIT + 1];
	size_t n = closing ? (size_t)(closing - s) - 1 : 0;

	if (s[0] != '[' || n == 0 || n > SG_INI_NAME_LIMIT)
		return false;
	copy(name, sizeof name, s + 1, n);
	(void)sg_section_parse(name, &kind, &label);
	return kind != NULL;
}

static bool judge_continuation(struct sg_lines *f, const char *s, size_t length, size_t room, char *out)
{
	bool sql = f->setting != NULL && (f->setting->flags & SG_SETTING_IS_SQL);
	char word[SG_INI_NAME_LIMIT + 1];
	struct sg_err *err;

	if (!f->fed)
		return false; /* its first line was refused: the library would put this one to another key */
	if (*s == ';' || *s == '#') {
		if (!sql)
			return false;
		err = sg_reading_error(f->reading, f->line, "indented line that begins with '%c' in the value of %s", *s, f->key);
		(void)sg_err_detail(err, "The INI library takes it for a comment and drops it out of the value.");
		(void)sg_err_hint(err, "Begin a comment in column 1; move an operator to the end of the line before.");
		f->spoiled = true;
		return false;
	}
	if (looks_like_section(s, length)) {
		err = sg_reading_error(f->reading, f->line, "indented section");
		(void)sg_err_detail(err, "It would become part of the value of %s in line %d.", f->key, f->key_line);
		(void)sg_err_hint(err, "Begin the section in column 1.");
		return false;
	}
	if (looks_like_key(s, length, word) &&
	    (sg_setting_known(word) || (!sql && sg_setting_nearest(word, 0) != NULL))) {
		err = sg_reading_error(f->reading, f->line, "indented key %s", word);
		(void)sg_err_detail(err, "It would become part of the value of %s in line %d.", f->key, f->key_line);
		(void)sg_err_hint(err, "Begin the key in column 1; if it belongs to the value, put it at the end of the line before.");
		return false;
	}
	if (!cut_comment(f, &s, &length) || too_long(f, s + length, room)) {
		f->spoiled = true;
		return false;
	}
	if (length == 0)
		return false;
	copy(f->text, sizeof f->text, s, length);
	out[0] = ' ';
	memcpy(out + 1, s, length);
	out[length + 1] = '\0';
	f->expect = true;
	return true;
}

static bool judge_key(struct sg_lines *f, const char *s, size_t length, size_t room, char *out)
{
	const struct sg_section_kind *kind;
	const char *label, *text;
	size_t key = 0, first;
	struct sg_err *err;

	close_key(f);
	while (key < length && s[key] != '=' && s[key] != ':' && s[key] != ';')
		key++;
	if (key == length || s[key] == ';' || key == 0) {
		err = sg_reading_error(f->reading, f->line, "neither a key nor a section nor a comment");
		(void)sg_err_detail(err, "A key stands in column 1 and is followed by '='.");
		(void)sg_err_hint(err, "Write key = value; a line that continues a value begins with a blank.");
		swallow(f);
		return false;
	}
	text = s + key + 1;
	while (key > 0 && blank(s[key - 1]))
		key--;
	if (key > SG_INI_NAME_LIMIT || memchr(s, ' ', key) != NULL || memchr(s, '\t', key) != NULL) {
		err = sg_reading_error(f->reading, f->line, "blank in a key's name, or more than %d bytes of it",
		                       SG_INI_NAME_LIMIT);
		(void)sg_err_detail(err, "What is before '=' is the key.");
		(void)sg_err_hint(err, "Write key = value; a line that continues a value begins with a blank.");
		swallow(f);
		return false;
	}
	/* From here on the key is open, so that its continuations have a place. */
	copy(f->key, sizeof f->key, s, key);
	f->in_key = true;
	f->key_line = f->line;
	if (!f->in_section) {
		err = sg_reading_error(f->reading, f->line, "key %s before the first section", f->key);
		(void)sg_err_detail(err, "Every key belongs to a section.");
		(void)sg_err_hint(err, "Put a header such as [policy] above it.");
		return false;
	}
	f->section_keys = true;
	if (f->section == NULL)
		return false;
	(void)sg_section_parse(f->section->name, &kind, &label);
	f->setting = kind ? sg_setting_find(f->key, kind->section) : NULL;
	f->kept_key = sg_arena_strdup(f->reading->arena, f->key);
	if (!sg_names_add(&f->keys, f->count, f->kept_key, (size_t)f->line, &first)) {
		err = sg_reading_error(f->reading, f->line, "key %s is in [%s] twice", f->key, f->section->name);
		(void)sg_err_detail(err, "The first is in line %zu.", first);
		(void)sg_err_hint(err, "Keep one of them.");
		return false;
	}
	f->wanted = f->spoiled = true; /* until its value is found fit */
	if (text[-1] == ':') {
		err = sg_reading_error(f->reading, f->line, "':' after a key");
		(void)sg_err_detail(err, "Keys and values are separated by '='.");
		(void)sg_err_hint(err, "Write %s = …", f->key);
		return false;
	}
	length -= (size_t)(text - s);
	if (!cut_comment(f, &text, &length) || too_long(f, text + length, room))
		return false;
	copy(out, SG_INI_LINE_LIMIT + 1, s, key);
	f->spoiled = false;
	f->fed = f->expect = true;
	out[key] = '=';
	copy(f->text, sizeof f->text, text, length);
	memcpy(out + key + 1, text, length);
	out[key + 1 + length] = '\0';
	return true;
}

bool sg_lines_judge(struct sg_lines *f, size_t length, size_t room, char *out)
{
	const char *s = f->start;
	bool indented = length > 0 && blank(*s);
	struct sg_err *err;
	const char *what;

	while (length > 0 && blank(s[length - 1]))
		length--;
	if (length == 0)
		return false;
	if (!sg_source_text(s, length, &what)) {
		err = sg_reading_error(f->reading, f->line, "%s in the line", what);
		(void)sg_err_detail(err, "A manifest is UTF-8 text without control characters.");
		(void)sg_err_hint(err, "Remove it; `sed -n '%dl'` shows the line with its invisible bytes.", f->line);
		if (indented)
			f->spoiled = true;
		else
			swallow(f);
		return false;
	}
	while (blank(*s)) {
		s++;
		length--;
	}
	if (indented && f->in_key)
		return judge_continuation(f, s, length, room, out);
	if (*s == ';' || *s == '#')
		return false;
	if (indented) {
		err = sg_reading_error(f->reading, f->line, "indented line that continues nothing");
		(void)sg_err_detail(err, "Keys and sections begin in column 1; an indented line continues a key's value.");
		(void)sg_err_hint(err, "Remove the blanks before it.");
		f->section_keys = true;
		return false;
	}
	return *s == '[' ? judge_header(f, s, length, out) : judge_key(f, s, length, room, out);
}
