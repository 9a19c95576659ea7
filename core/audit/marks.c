/* marks.c - see marks.h. A mark is known by its words, blanks folded and in any case: the tools differ in how strict they are, and
 * a file that a tool would refuse is better read than passed over. */
#include "config.h"
#include "core/audit/marks.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

#define MARK_BYTES 200 /* a longer line is none */
#define SAID_BYTES 200

enum mark { NO_MARK, MARK_UP, MARK_DOWN, MARK_BEGIN, MARK_END, MARK_NO_TRANSACTION, MARK_ENVIRONMENT, MARK_NO_ENVIRONMENT };

struct words {
	const char *text; /* in small letters, blanks folded; a line that begins so (and goes on with a blank, or ends) */
	enum sg_audit_layout layout;
	enum mark mark;
};

static const struct words all_words[] = {
	{ "+goose up", SG_LAYOUT_GOOSE, MARK_UP },
	{ "+goose down", SG_LAYOUT_GOOSE, MARK_DOWN },
	{ "+goose statementbegin", SG_LAYOUT_GOOSE, MARK_BEGIN },
	{ "+goose statementend", SG_LAYOUT_GOOSE, MARK_END },
	{ "+goose no transaction", SG_LAYOUT_GOOSE, MARK_NO_TRANSACTION },
	{ "+goose envsub on", SG_LAYOUT_GOOSE, MARK_ENVIRONMENT },
	{ "+goose envsub off", SG_LAYOUT_GOOSE, MARK_NO_ENVIRONMENT },
	{ "+goose envsubst on", SG_LAYOUT_GOOSE, MARK_ENVIRONMENT },
	{ "+goose envsubst off", SG_LAYOUT_GOOSE, MARK_NO_ENVIRONMENT },
	{ "migrate:up", SG_LAYOUT_DBMATE, MARK_UP },
	{ "migrate:down", SG_LAYOUT_DBMATE, MARK_DOWN },
	{ "+migrate up", SG_LAYOUT_PLAIN, MARK_UP },
	{ "+migrate down", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "+migrate statementbegin", SG_LAYOUT_PLAIN, MARK_BEGIN },
	{ "+migrate statementend", SG_LAYOUT_PLAIN, MARK_END },
	{ "+micrate up", SG_LAYOUT_PLAIN, MARK_UP },
	{ "+micrate down", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "+micrate statementbegin", SG_LAYOUT_PLAIN, MARK_BEGIN },
	{ "+micrate statementend", SG_LAYOUT_PLAIN, MARK_END },
	{ "rambler up", SG_LAYOUT_PLAIN, MARK_UP },
	{ "rambler down", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "up migration", SG_LAYOUT_PLAIN, MARK_UP },
	{ "down migration", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "!ups", SG_LAYOUT_PLAIN, MARK_UP },
	{ "!downs", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "//@undo", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "// @undo", SG_LAYOUT_PLAIN, MARK_DOWN },
	{ "create above / drop below", SG_LAYOUT_PLAIN, MARK_DOWN },
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The line's words in small letters, one blank between them, without the signs of a comment. False: it is no comment line. */
static bool fold(const char *line, size_t length, char folded_r[MARK_BYTES])
{
	size_t at = 0, to = 0;

	while (at < length && is_blank(line[at]))
		at++;
	if (length - at < 2 || length - at >= MARK_BYTES || (line[at] == '#' ? line[at + 1] != ' ' : strncmp(line + at, "--", 2) != 0))
		return false;
	while (at < length && (line[at] == '#' || line[at] == '-' || is_blank(line[at])))
		at++;
	for (; at < length; at++) {
		if (!is_blank(line[at]))
			folded_r[to++] = (char)tolower((unsigned char)line[at]);
		else if (to > 0 && folded_r[to - 1] != ' ')
			folded_r[to++] = ' ';
	}
	while (to > 0 && folded_r[to - 1] == ' ')
		to--;
	folded_r[to] = '\0';
	return true;
}

static const struct words *known(const char *folded)
{
	for (size_t i = 0; i < SG_COUNT(all_words); i++) {
		size_t length = strlen(all_words[i].text);

		if (strncmp(folded, all_words[i].text, length) == 0 && (folded[length] == '\0' || folded[length] == ' '))
			return &all_words[i];
	}
	return NULL;
}

/* "-- Up Migration for leads" is a sentence; the others may go on with options. */
static const struct words *mark_of(const char *line, size_t length, char folded_r[MARK_BYTES])
{
	const struct words *words;

	if (!fold(line, length, folded_r))
		return NULL;
	words = known(folded_r);
	if (words != NULL && strstr(words->text, " migration") != NULL && strcmp(words->text, folded_r) != 0)
		return NULL;
	return words;
}

static size_t line_length(const char *text, size_t length)
{
	const char *end = length > 0 ? memchr(text, '\n', length) : NULL;

	return end != NULL ? (size_t)(end - text) + 1 : length;
}

/* Of a byte order mark. */
static size_t mark_length(const char *text, size_t length)
{
	return length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

enum sg_audit_layout sg_marks_layout(const char *head, size_t length)
{
	static const char sqlx[] = "-- no-transaction";
	char folded[MARK_BYTES];

	if (length >= strlen(sqlx) && memcmp(head, sqlx, strlen(sqlx)) == 0)
		return SG_LAYOUT_SQLX;
	for (size_t at = mark_length(head, length), step; at < length; at += step) {
		const struct words *words;

		step = line_length(head + at, length - at);
		words = mark_of(head + at, step, folded);
		if (words != NULL && words->layout != SG_LAYOUT_PLAIN && (words->mark == MARK_UP || words->mark == MARK_DOWN))
			return words->layout;
	}
	return SG_LAYOUT_PLAIN;
}

/* ---- parts -------------------------------------------------------------------- */

struct reading {
	struct sg_marks *marks;
	struct sg_arena *arena;
	size_t from; /* of the part that is open */
	bool up, whole, environment;
	bool environment_after; /* the block that is open */
};

static void end_part(struct reading *reading, size_t to)
{
	struct sg_marks *marks = reading->marks;

	if (!reading->up || to <= reading->from)
		return;
	marks->parts = sg_arena_grow(reading->arena, marks->parts, &marks->capacity, marks->count + 1, sizeof *marks->parts);
	marks->parts[marks->count++] = (struct sg_marks_part){ .from = reading->from,
		                                               .to = to,
		                                               .whole = reading->whole,
		                                               .environment = reading->environment };
}

/* A mark that stands at `at` and ends before `next`. Those that only say how something is done end no part inside of a block. */
static void follow(struct reading *reading, enum mark mark, const char *folded, size_t at, size_t next)
{
	bool environment = mark == MARK_ENVIRONMENT;

	switch (mark) {
	case NO_MARK:
		return;
	case MARK_NO_TRANSACTION:
		reading->marks->no_transaction = true;
		return;
	case MARK_ENVIRONMENT:
	case MARK_NO_ENVIRONMENT:
		if (reading->whole) {
			reading->environment = reading->environment || environment;
			reading->environment_after = environment;
			return;
		}
		end_part(reading, at);
		reading->environment = reading->environment_after = environment;
		break;
	case MARK_UP:
	case MARK_DOWN:
	case MARK_BEGIN:
	case MARK_END:
		end_part(reading, at);
		reading->environment = reading->environment_after;
		reading->whole = mark == MARK_BEGIN;
		if (mark == MARK_UP || mark == MARK_DOWN)
			reading->up = mark == MARK_UP;
		if (mark == MARK_UP && (strstr(folded, " transaction:false") != NULL || strstr(folded, " notransaction") != NULL))
			reading->marks->no_transaction = true;
		break;
	}
	reading->from = next;
}

void sg_marks_read(enum sg_audit_layout layout, const char *text, size_t length, struct sg_arena *arena, struct sg_marks *marks_r)
{
	bool some = layout == SG_LAYOUT_GOOSE || layout == SG_LAYOUT_DBMATE || layout == SG_LAYOUT_PLAIN;
	struct reading reading = { .marks = marks_r, .arena = arena, .up = true };
	char folded[MARK_BYTES];

	*marks_r = (struct sg_marks){ .no_transaction = layout == SG_LAYOUT_SQLX && sg_marks_layout(text, length < 64 ? length : 64) ==
		                                                                            SG_LAYOUT_SQLX };
	for (size_t at = mark_length(text, length), step; some && at < length; at += step) {
		const struct words *words;

		step = line_length(text + at, length - at);
		words = mark_of(text + at, step, folded);
		if (words == NULL || words->layout != layout)
			continue;
		follow(&reading, words->mark, folded, at, at + step);
	}
	end_part(&reading, length);
}

/* ---- words ------------------------------------------------------------------------ */

static void trim(const char **text, size_t *length)
{
	while (*length > 0 && is_blank(**text)) {
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*text)[*length - 1]))
		(*length)--;
}

static bool take(const char **text, size_t *length, const char *word)
{
	size_t size = strlen(word);

	if (*length < size || strncasecmp(*text, word, size) != 0)
		return false;
	*text += size;
	*length -= size;
	return true;
}

static size_t until_blank(const char *text, size_t length)
{
	size_t size = 0;

	while (size < length && !is_blank(text[size]))
		size++;
	return size;
}

static const char *clean(const char *text, size_t length, size_t limit, struct sg_arena *arena)
{
	struct sg_buf buf;
	const char *copy;

	while (length > limit || (length > 0 && length == limit && ((unsigned char)text[length] & 0xC0) == 0x80)) {
		length = length > limit ? limit : length - 1;
		while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
			length--;
	}
	sg_buf_init(&buf, 4 * limit);
	sg_text_add_clean(&buf, text, length, false);
	copy = sg_arena_strndup(arena, buf.data, buf.length);
	sg_buf_release(&buf);
	return copy;
}

bool sg_marks_allow(const char *inside, size_t length, int line, struct sg_arena *arena, struct sg_audit_allow **list,
                    size_t *count, size_t *capacity)
{
	const char *rules, *reason;
	size_t size, rest;

	trim(&inside, &length);
	if (!take(&inside, &length, "sgrun:"))
		return false;
	trim(&inside, &length);
	if (!take(&inside, &length, "allow") || length == 0 || !is_blank(inside[0]))
		return false;
	trim(&inside, &length);
	rules = inside;
	size = until_blank(inside, length);
	reason = inside + size;
	rest = length - size;
	trim(&reason, &rest);
	while (take(&reason, &rest, "--") || take(&reason, &rest, ":") || take(&reason, &rest, "\xE2\x80\x94"))
		trim(&reason, &rest);
	for (size_t at = 0, step; at < size; at += step + 1) {
		const char *end = memchr(rules + at, ',', size - at);

		step = end != NULL ? (size_t)(end - rules) - at : size - at;
		if (at + step == size && step > 0 && rules[at + step - 1] == ':')
			size = at + --step;
		if (step == 0)
			continue;
		*list = sg_arena_grow(arena, *list, capacity, *count + 1, sizeof **list);
		(*list)[(*count)++] = (struct sg_audit_allow){ .rule = clean(rules + at, step, 100, arena),
			                                       .reason = clean(reason, rest, 500, arena),
			                                       .line = line };
	}
	return true;
}

/* What a tool or a licence has put there. */
static bool says_nothing(const char *text, size_t length)
{
	static const char *const beginnings[] = {
		"sgrun:",      "no-transaction", "your sql goes here", "this file should undo", "deploy ", "requires:", "conflicts:",
		"vim:",        "-*-",            "add new schema named", "statement-breakpoint", "sql in section", "sql in this section",
		"add up migration script here",  "add migration script here", "write your migrate up statements here", "xxx add ddls here",
		"add ddls here", "spdx-",        "liquibase formatted sql", "changeset ",
		"warnings:",   "createtable", "createindex", "createenum", "createschema", "altertable", "alterenum", "addforeignkey",
		"droptable",   "dropindex", "dropenum", "dropforeignkey", "redefinetables", "renameindex", "renameforeignkey",
	};
	static const char *const insides[] = { "copyright", "licensed under", "all rights reserved", "(c) 20" };
	char small[MARK_BYTES + 1], folded[MARK_BYTES];
	bool letters = false;
	size_t size = length < MARK_BYTES ? length : MARK_BYTES;

	for (size_t i = 0; i < size; i++) {
		small[i] = (char)tolower((unsigned char)text[i]);
		letters = letters || isalnum((unsigned char)text[i]) || (unsigned char)text[i] >= 0x80;
	}
	small[size] = '\0';
	if (!letters)
		return true;
	for (size_t i = 0; i < SG_COUNT(beginnings); i++)
		if (strncmp(small, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	for (size_t i = 0; i < SG_COUNT(insides); i++)
		if (strstr(small, insides[i]) != NULL)
			return true;
	memcpy(folded, "-- ", 3);
	size = size < MARK_BYTES - 4 ? size : MARK_BYTES - 4;
	memcpy(folded + 3, small, size);
	return mark_of(folded, size + 3, small) != NULL;
}

const char *sg_marks_say(const char *inside, size_t length, struct sg_arena *arena)
{
	for (size_t at = 0, step; at < length; at += step) {
		const char *line = inside + at;
		size_t size;

		size = step = line_length(line, length - at);
		trim(&line, &size);
		while (size > 0 && memchr("*-=#!+/ \t", *line, 9) != NULL) {
			/* "-*-" and "!Ups" are known by their signs */
			if (says_nothing(line, size))
				break;
			line++;
			size--;
		}
		while (size > 0 && memchr("*-=#/ \t", line[size - 1], 7) != NULL)
			size--;
		if (size > 0 && !says_nothing(line, size))
			return clean(line, size, SAID_BYTES, arena);
	}
	return NULL;
}
