/* script.c - see script.h. One pass over a copy of the text, in which statements are cut out in place: what is passed over in the
 * middle (psql's \commands, COPY's data) becomes blanks, so that bytes, lines and columns stay where they are.
 *
 * Where a statement ends is psql's rule (src/fe_utils/psqlscan.l): at a semicolon outside of BEGIN ATOMIC … END. Parentheses
 * protect one in CREATE RULE only, where the grammar knows it: a parenthesis too many anywhere else must not hide the rest of the
 * file. */
#include "config.h"
#include "core/audit/script.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/bytes.h"
#include "core/audit/marks.h"
#include "core/audit/piece.h"
#include "core/audit/placeholder.h"
#include "core/base/text.h"
#include "core/sql/lex.h"

#define MAX_TOLD 10 /* of a file's errors; then one that says that there are more */

struct split {
	const struct sg_audit_file *file;
	const char *shown;     /* the path, for people */
	struct sg_arena *arena;
	struct sg_audit_migration *migration;
	struct sg_errs *errs;
	size_t told;
	char *text;
	size_t length;
	bool sound;            /* all of it is UTF-8 without a NUL */
	struct sg_lex lex;
	const struct sg_marks_part *part;

	size_t seen;           /* the place up to which lines were counted */
	int line;
	size_t line_start;

	struct sg_audit_statement *list; /* on the heap while it grows */
	size_t capacity;
	struct sg_audit_allow *allows;   /* for the next statement */
	size_t allow_count, allow_capacity;
	int from_line, from_column; /* of the statement that is read */
	int end_line;          /* where the statement before ended; 0: none has */
	bool added;            /* that statement is in the list */

	struct sg_audit_passed *passed;
	size_t passed_capacity;

	size_t sent;           /* statements that the tool sends, with those passed over */
	bool alone;            /* one of them cannot be in a transaction */
	bool own;              /* one of them begins a transaction */
};

static int line_at(struct split *split, size_t place)
{
	while (split->seen < place) {
		const char *end = memchr(split->text + split->seen, '\n', place - split->seen);

		if (end == NULL) {
			split->seen = place;
			break;
		}
		split->seen = (size_t)(end - split->text) + 1;
		split->line_start = split->seen;
		split->line++;
	}
	return split->line;
}

/* What is said of the file, or NULL: enough was said. */
static struct sg_err *tell(struct split *split, int line)
{
	struct sg_err *err;

	if (split->told > MAX_TOLD)
		return NULL;
	err = sg_errs_add(split->errs);
	if (split->told++ == MAX_TOLD) {
		(void)sg_err_set(err, SG_CLASS_MANIFEST, "more statements of this file are left out");
		(void)sg_err_hint(err, "Mend those above first; is it an SQL file at all?");
		(void)sg_err_at(err, split->shown, line);
		return NULL;
	}
	(void)sg_err_set(err, SG_CLASS_MANIFEST, "statement left out");
	(void)sg_err_at(err, split->shown, line);
	return err;
}

static void tell_open(struct split *split, const struct sg_token *token)
{
	bool comment = token->kind == SG_TOKEN_COMMENT;
	struct sg_err *err = tell(split, line_at(split, token->start));

	if (err == NULL)
		return;
	(void)sg_err_primary(err, "the %s that begins here has no end", comment ? "comment" : "quoted text");
	(void)sg_err_hint(err, comment ? "Close it with */; nothing after it was read." : "Close the quote; nothing after it was read.");
}

/* Of what is left out: its first bytes. */
static void pass_over(struct split *split, size_t from, size_t to, int line, const char *why, bool harmless)
{
	struct sg_audit_migration *migration = split->migration;
	size_t length = to - from < 200 ? to - from : 200;

	while (length > 0 && length < to - from && ((unsigned char)split->text[from + length] & 0xC0) == 0x80)
		length--;
	split->passed = sg_arena_grow(split->arena, split->passed, &split->passed_capacity, migration->passed_count + 1,
	                              sizeof *split->passed);
	split->passed[migration->passed_count++] = (struct sg_audit_passed){
		.line = line,
		.text = sg_text_utf8(split->text + from, length) && memchr(split->text + from, '\0', length) == NULL
		                ? sg_arena_strndup(split->arena, split->text + from, length)
		                : "(bytes that are no text)",
		.why = why,
		.harmless = harmless
	};
	migration->passed = split->passed;
}

static bool is_sound(struct split *split, const struct piece *piece)
{
	size_t length = piece->to - piece->from;
	const char *text = split->text + piece->from;
	int line = split->from_line;
	struct sg_err *err;
	bool nul = false;

	if (split->sound || sg_text_utf8(text, length))
		return true;
	for (size_t at = 0, step; at < length; at += step, line++) {
		const char *end = memchr(text + at, '\n', length - at);

		step = end != NULL ? (size_t)(end - text) - at + 1 : length - at;
		nul = memchr(text + at, '\0', step) != NULL;
		if (!sg_text_utf8(text + at, step))
			break;
	}
	err = tell(split, line);
	if (err != NULL) {
		(void)sg_err_primary(err, nul ? "a NUL byte: the statement is left out" : "no UTF-8: the statement is left out");
		(void)sg_err_hint(err, nul ? "Take it out; no server reads a text beyond it." : "Save the file as UTF-8.");
	}
	return false;
}

/* ---- statements --------------------------------------------------------------------- */

static void take_allows(struct split *split, struct sg_audit_statement *statement)
{
	struct sg_audit_allow *all;

	if (split->allow_count == 0)
		return;
	all = sg_arena_array(split->arena, statement->allow_count + split->allow_count, sizeof *all);
	if (statement->allow_count > 0)
		memcpy(all, statement->allows, statement->allow_count * sizeof *all);
	memcpy(all + statement->allow_count, split->allows, split->allow_count * sizeof *all);
	statement->allows = all;
	statement->allow_count += split->allow_count;
	split->allow_count = 0;
}

/* The statement ends: at the lexer's place, or before it. */
static void end_piece(struct split *split, struct piece *piece)
{
	struct sg_audit_migration *migration = split->migration;
	struct sg_audit_statement *statement;

	if (!piece->some)
		return;
	split->sent++;
	split->alone = split->alone || sg_piece_is_alone(piece);
	split->own = split->own || sg_piece_begins(piece);
	split->added = false;
	migration->placeholders += piece->placeholder;
	if (!piece->placeholder && !piece->open && is_sound(split, piece)) {
		if (migration->count == split->capacity) {
			split->capacity = split->capacity > 0 ? 2 * split->capacity : 16;
			split->list = sg_xrealloc(split->list, split->capacity * sizeof *split->list);
		}
		statement = &split->list[migration->count++];
		*statement = (struct sg_audit_statement){ .text = split->text + piece->from,
			                                  .length = piece->to - piece->from,
			                                  .line = split->from_line,
			                                  .column = split->from_column };
		take_allows(split, statement);
		split->added = true;
	} else {
		pass_over(split, piece->from, piece->to, split->from_line,
		          piece->placeholder ? "a placeholder, which the tool fills in: write what it stands for"
		          : piece->open      ? "a quote or comment in it has no end"
		                             : "it is no UTF-8, or holds a NUL byte",
		          false);
	}
	split->allow_count = 0;
	/* The lines are counted past the place that is overwritten. */
	split->end_line = line_at(split, split->lex.at);
	split->text[piece->to] = '\0';
	*piece = (struct piece){ 0 };
}

static void take_comment(struct split *split, const struct sg_token *token, const struct piece *piece)
{
	const char *inside = split->text + token->inner;
	size_t length = token->inner_end - token->inner;
	int line;

	if (split->migration->comment == NULL)
		split->migration->comment = sg_marks_say(inside, length, split->arena);
	if (!token->closed && token->kind == SG_TOKEN_COMMENT && split->text[token->start] == '/') {
		tell_open(split, token);
		return;
	}
	if (length > 2000 || memchr(inside, ':', length) == NULL)
		return;
	line = line_at(split, token->start);
	if (sg_marks_allow(inside, length, line, split->arena, &split->allows, &split->allow_count, &split->allow_capacity) &&
	    !piece->some && line == split->end_line) {
		/* It stands behind a statement on its line, and is meant for that one. */
		if (split->added)
			take_allows(split, &split->list[split->migration->count - 1]);
		split->allow_count = 0;
	}
}

/* ---- psql ------------------------------------------------------------------------------ */

static size_t line_end(const struct split *split, size_t from)
{
	const char *end = from < split->part->to ? memchr(split->text + from, '\n', split->part->to - from) : NULL;

	return end != NULL ? (size_t)(end - split->text) : split->part->to;
}

static void blank(struct split *split, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (split->text[i] != '\n')
			split->text[i] = ' ';
}

/* The lines after the current one, up to "\." (which psql's \copy and COPY read as data): blanks from now on. */
static size_t take_data(struct split *split)
{
	size_t from = line_end(split, split->lex.at), rows = 0;
	int line = line_at(split, split->lex.at);
	struct sg_err *err;

	for (size_t at = from + 1; at < split->part->to; rows++) {
		size_t end = line_end(split, at), size = end - at;

		if (size > 0 && split->text[at + size - 1] == '\r')
			size--;
		if (size == 2 && memcmp(split->text + at, "\\.", 2) == 0) {
			blank(split, from + 1, end);
			return rows;
		}
		at = end + 1;
	}
	if (from < split->part->to)
		blank(split, from + 1, split->part->to);
	err = tell(split, line);
	if (err != NULL) {
		(void)sg_err_primary(err, "the data of COPY … FROM stdin has no end");
		(void)sg_err_hint(err, "End it with a line that is \\. and nothing else; what follows was taken for data.");
	}
	return rows;
}

static bool is_command(const char *text, size_t length, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strlen(*names) == length && memcmp(*names, text, length) == 0)
			return true;
	return false;
}

/* At a backslash outside of quotes: psql's \command, to the end of its line; \; is a semicolon. */
static void take_command(struct split *split, struct piece *piece, size_t at)
{
	static const char *const sends[] = { "g", "gx", "gexec", "gset", "gdesc", "crosstabview", "watch", NULL };
	static const char *const forgets[] = { "r", "reset", NULL };
	static const char *const copies[] = { "copy", NULL };
	static const char *const harmless[] = { "echo", "qecho", "warn", "set", "unset", "timing", "pset", "x", "a", "t", "conninfo", "encoding",
		                                "restrict", "unrestrict", "h", "p", "d", "dt", NULL };
	size_t name = at + 1, size = 0, end = line_end(split, at);
	int what;

	if (name < end && split->text[name] == ';') {
		split->lex.at = name + 1;
		end_piece(split, piece);
		return;
	}
	while (name + size < end && split->text[name + size] >= 'a' && split->text[name + size] <= 'z')
		size++;
	split->migration->meta_commands++;
	split->lex.at = end;
	if (is_command(split->text + name, size, copies)) {
		struct sg_lex words;
		struct sg_token token;
		bool from = false;

		sg_lex_init(&words, split->text + name, end - name);
		while (sg_lex_next(&words, &token)) {
			if (from && sg_lex_is(&words, &token, "STDIN")) {
				(void)take_data(split);
				break;
			}
			from = sg_lex_is(&words, &token, "FROM");
		}
	}
	pass_over(split, at, end, line_at(split, at), "a command of psql: what it does is done by hand",
	          is_command(split->text + name, size, harmless));
	what = is_command(split->text + name, size, sends) ? 1 : is_command(split->text + name, size, forgets) ? 2 : 0;
	blank(split, at, end);
	if (what == 1)
		end_piece(split, piece);
	else if (what == 2)
		*piece = (struct piece){ 0 };
}

/* ---- parts --------------------------------------------------------------------------------- */

static void end_statement(struct split *split, struct piece *piece)
{
	bool copies = sg_piece_copies(piece);
	size_t rows;

	end_piece(split, piece);
	if (!copies)
		return;
	rows = take_data(split);
	if (split->added)
		split->list[split->migration->count - 1].copy_rows = rows;
}

static void take_token(struct split *split, struct piece *piece, struct sg_token *token)
{
	bool whole = split->part->whole;

	if (!whole && sg_lex_char(&split->lex, token, '\\')) {
		take_command(split, piece, token->start);
		return;
	}
	if (sg_lex_char(&split->lex, token, ';') && (whole || sg_piece_ends(piece))) {
		if (!whole)
			end_statement(split, piece);
		return;
	}
	if (!piece->some) {
		split->from_line = line_at(split, token->start);
		split->from_column = (int)(token->start - split->line_start) + 1;
	}
	if (sg_placeholder_cut(&split->lex, token))
		piece->placeholder = true;
	sg_piece_add(piece, &split->lex, token);
	if (!token->closed) {
		tell_open(split, token);
		piece->open = true;
	}
	if (!piece->placeholder)
		piece->placeholder = sg_placeholder_is(&split->lex, token, piece->brackets, split->file->layout,
		                                       split->part->environment);
}

static void take_part(struct split *split)
{
	struct piece piece = { 0 };
	struct sg_token token;

	/* The lexer sees the text up to the part's end: positions are those of the file. */
	sg_lex_init(&split->lex, split->text, split->part->to);
	split->lex.at = split->part->from;
	split->lex.comments = true;
	while (sg_lex_next(&split->lex, &token)) {
		if (token.kind == SG_TOKEN_COMMENT)
			take_comment(split, &token, &piece);
		else
			take_token(split, &piece, &token);
	}
	end_piece(split, &piece);
}

/* Does the tool run this one in a transaction? Tools that send a file as one query get the server's own, as soon as it is more than
 * one statement (protocol, "Multiple Statements in a Simple Query"). */
static bool in_transaction(const struct split *split, bool told_not)
{
	bool transaction = split->file->transaction && !told_not;

	switch (split->file->layout) {
	case SG_LAYOUT_GOLANG_MIGRATE:
	case SG_LAYOUT_PRISMA:
		return split->sent > 1;
	case SG_LAYOUT_DBMATE:
	case SG_LAYOUT_DIESEL:
	case SG_LAYOUT_SQLX:
		return transaction || split->sent > 1;
	case SG_LAYOUT_FLYWAY:
		return transaction && !split->alone;
	case SG_LAYOUT_PLAIN:
		return transaction && !split->alone && !split->own;
	case SG_LAYOUT_SQITCH:
		return false;
	case SG_LAYOUT_GOOSE:
	case SG_LAYOUT_MANIFEST:
		break;
	}
	return transaction;
}

static void split_text(struct split *split)
{
	struct sg_audit_migration *migration = split->migration;
	struct sg_marks marks;
	size_t begin = 0;

	if (split->length >= 2 && (memcmp(split->text, "\xFF\xFE", 2) == 0 || memcmp(split->text, "\xFE\xFF", 2) == 0)) {
		struct sg_err *err = tell(split, 1);

		(void)sg_err_primary(err, "the file is UTF-16, which is not read");
		(void)sg_err_hint(err, "Save it as UTF-8.");
		return;
	}
	if (split->length >= 3 && memcmp(split->text, "\xEF\xBB\xBF", 3) == 0)
		begin = split->seen = split->line_start = 3;
	split->sound = sg_text_utf8(split->text, split->length);
	sg_marks_read(split->file->layout, split->text, split->length, split->arena, &marks);
	for (size_t i = 0; i < marks.count; i++) {
		struct sg_marks_part *part = &marks.parts[i];

		if (part->from < begin)
			part->from = begin < part->to ? begin : part->to;
		split->part = part;
		take_part(split);
	}
	if (migration->count > 0 && split->list != NULL) {
		migration->statements = sg_arena_array(split->arena, migration->count, sizeof *migration->statements);
		memcpy(migration->statements, split->list, migration->count * sizeof *migration->statements);
	}
	migration->transaction = in_transaction(split, marks.no_transaction);
	free(split->list);
}

static void split_copy(const struct sg_audit_file *file, char *text, size_t length, struct sg_arena *arena,
                       struct sg_audit_migration *migration, struct sg_errs *errs)
{
	struct split split = { .file = file,
		               .shown = sg_bytes_shown(file->path, arena),
		               .arena = arena,
		               .migration = migration,
		               .errs = errs,
		               .text = text,
		               .length = length,
		               .line = 1 };

	*migration = (struct sg_audit_migration){ .id = file->id,
		                                  .title = file->title,
		                                  .path = split.shown,
		                                  .line = 1,
		                                  .layout = file->layout,
		                                  .transaction = file->transaction };
	split_text(&split);
}

void sg_audit_script_split(const struct sg_audit_file *file, const char *text, size_t length, struct sg_arena *arena,
                           struct sg_audit_migration *migration_r, struct sg_errs *errs)
{
	split_copy(file, sg_arena_strndup(arena, text, length), length, arena, migration_r, errs);
}

int sg_audit_script_read(const struct sg_audit_file *file, struct sg_arena *arena, struct sg_audit_migration *migration_r,
                         struct sg_errs *errs)
{
	struct sg_err err = SG_ERR_INIT;
	char *text;
	size_t length;

	if (sg_bytes_read(file->path, SG_AUDIT_FILE_LIMIT, arena, &text, &length, &err) != 0) {
		sg_err_move(sg_errs_add(errs), &err);
		return -1;
	}
	split_copy(file, text, length, arena, migration_r, errs);
	return 0;
}
