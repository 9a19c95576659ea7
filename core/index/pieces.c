/* pieces.c - see pieces.h. */
#include "config.h"
#include "core/index/pieces.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */
#define FRAME "CREATE INDEX i ON t (a)"

struct sg_err *sg_index_mistake(struct sg_index_reading *reading, const char *key, const char *format, ...)
{
	int line = sg_step_line(reading->step, key);
	struct sg_err *err = sg_errs_add(reading->errs);
	struct sg_buf text;
	va_list args;

	sg_buf_init(&text, 4096);
	if (line < 0)
		sg_buf_addf(&text, "--set index %s.", reading->step->label);
	sg_buf_addf(&text, "%s: ", key);
	va_start(args, format);
	sg_buf_vaddf(&text, format, args);
	va_end(args);
	(void)sg_err_set(err, SG_CLASS_REFUSED, "%s", text.data);
	(void)sg_err_step(err, reading->step->id);
	if (line >= 0)
		(void)sg_err_at(err, reading->manifest->path, line);
	sg_buf_release(&text);
	return err;
}

void sg_index_place(struct sg_err *err, const struct sg_index_piece *piece, size_t location)
{
	(void)sg_parse_place(err, piece->text, strlen(piece->text), location < piece->offset ? 0 : location - piece->offset);
}

/* ---- as text ---- */

enum gap { GAP_BLANK, GAP_COMMENT, GAP_LINE, GAP_OPEN };

/* What is between two tokens. */
static enum gap gap_of(const char *text, size_t from, size_t to)
{
	enum gap gap = GAP_BLANK;
	size_t depth = 0;

	while (from < to) {
		const char *at = text + from;
		bool two = from + 1 < to;

		if (two && at[0] == '/' && at[1] == '*') {
			gap = GAP_COMMENT;
			depth++;
			from += 2;
		} else if (two && depth > 0 && at[0] == '*' && at[1] == '/') {
			depth--;
			from += 2;
		} else if (two && depth == 0 && at[0] == '-' && at[1] == '-') {
			return GAP_LINE;
		} else {
			from++;
		}
	}
	return depth > 0 ? GAP_OPEN : gap;
}

static bool bad_gap(struct sg_index_reading *reading, const char *key, const char *text, size_t from, size_t to,
                    enum gap gap)
{
	struct sg_err *err;

	if (gap == GAP_LINE) {
		err = sg_index_mistake(reading, key, "a comment that begins with --");
		(void)sg_err_detail(err, "The lines of a value are one line to the server: it would hide all that follows it.");
		(void)sg_err_hint(err, "Write /* … */, or a line that begins with ';' above the key.");
	} else {
		err = sg_index_mistake(reading, key, "a comment that does not end");
		(void)sg_err_detail(err, "It begins with /*, and there is no */.");
		(void)sg_err_hint(err, "Close it, or leave it out.");
	}
	while (from < to && text[from] != '-' && text[from] != '/')
		from++;
	(void)sg_parse_place(err, text, strlen(text), from);
	return false;
}

static bool bad_token(struct sg_index_reading *reading, const char *key, const char *text, size_t place, const char *what,
                      const char *detail, const char *hint)
{
	struct sg_err *err = sg_index_mistake(reading, key, "%s", what);

	(void)sg_err_detail(err, "%s", detail);
	(void)sg_err_hint(err, "%s", hint);
	(void)sg_parse_place(err, text, strlen(text), place);
	return false;
}

static bool too_long(const char *text, const struct sg_token *token)
{
	size_t length = token->end - token->start;

	if (token->kind == SG_TOKEN_QUOTED) {
		if (text[token->start] != '"') /* U&"": its escapes make it longer than it is */
			return false;
		length = token->inner_end - token->inner;
		for (size_t i = token->inner; i + 1 < token->inner_end; i++)
			if (text[i] == '"' && text[i + 1] == '"') {
				length--;
				i++;
			}
	}
	return (token->kind == SG_TOKEN_WORD || token->kind == SG_TOKEN_QUOTED) && length > NAME_MAX_BYTES;
}

struct brackets {
	char *open;     /* each opening one that is not closed yet */
	size_t *places;
	unsigned depth;
};

static bool read_token(struct sg_index_reading *reading, const char *key, const char *text, bool whole, bool last,
                       const struct sg_token *token, struct brackets *brackets, unsigned *depth_r)
{
	char c = token->kind == SG_TOKEN_OTHER && token->end - token->start == 1 ? text[token->start] : '\0';

	*depth_r = brackets->depth;
	if (!token->closed)
		return bad_token(reading, key, text, token->start, "a quote that is not closed",
		                 "What is quoted runs to the end of the value.", "Close it; a quote in a literal is written twice.");
	if (too_long(text, token))
		return bad_token(reading, key, text, token->start, "a name of more than 63 bytes",
		                 "The server would cut it, and mean another.", "Write the name as the server keeps it.");
	if (c == ';' && !(whole && last))
		return bad_token(reading, key, text, token->start, "a semicolon",
		                 whole ? "There is to be one statement." : "The value is a part of a statement, and cannot end it.",
		                 whole ? "Keep the CREATE INDEX alone; other statements belong in a migration." : "Leave it out.");
	if (c == '(' || c == '[') {
		brackets->places[brackets->depth] = token->start;
		brackets->open[brackets->depth++] = c;
	} else if (c == ')' || c == ']') {
		if (brackets->depth == 0 || brackets->open[brackets->depth - 1] != (c == ')' ? '(' : '['))
			return bad_token(reading, key, text, token->start, "a closing bracket without an opening one",
			                 "A value may not reach beyond itself.", "Close what is opened in this value, and nothing else.");
		*depth_r = --brackets->depth;
	}
	return true;
}

/* The text with each comment as one blank. */
static const char *without_comments(struct sg_arena *arena, const char *text)
{
	struct sg_buf out = SG_BUF_INIT;
	struct sg_token token;
	struct sg_lex lex;
	const char *clean;
	size_t end = 0;

	sg_lex_init(&lex, text, strlen(text));
	while (sg_lex_next(&lex, &token)) {
		if (end == 0) /* nothing in front of the first */
			;
		else if (gap_of(text, end, token.start) == GAP_BLANK)
			sg_buf_add(&out, text + end, token.start - end);
		else
			sg_buf_addc(&out, ' ');
		sg_buf_add(&out, text + token.start, token.end - token.start);
		end = token.end;
	}
	clean = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return clean;
}

static void note_token(struct sg_arena *arena, struct sg_index_piece *piece, size_t *capacity, const struct sg_token *token,
                       unsigned depth)
{
	piece->tokens = sg_arena_grow(arena, piece->tokens, capacity, piece->count + 1, sizeof *piece->tokens);
	piece->tokens[piece->count++] = (struct sg_index_token){ *token, depth };
}

bool sg_index_piece_read(struct sg_index_reading *reading, const char *key, const char *text, bool whole,
                         struct sg_index_piece *piece_r)
{
	struct brackets brackets = { sg_arena_alloc(reading->arena, strlen(text) + 1),
		                     sg_arena_array(reading->arena, strlen(text) + 1, sizeof(size_t)), 0 };
	struct sg_token token, next;
	struct sg_lex lex;
	size_t end = 0, capacity = 0;
	enum gap gap;
	bool more;

	*piece_r = (struct sg_index_piece){ .key = key };
	if (!sg_text_utf8(text, strlen(text))) {
		struct sg_err *err = sg_index_mistake(reading, key, "not valid UTF-8");

		(void)sg_err_detail(err, "The server would read it differently, or not at all.");
		(void)sg_err_hint(err, "Write the value in UTF-8.");
		return false;
	}
	/* comments first: then what is judged is what is kept */
	sg_lex_init(&lex, text, strlen(text));
	do {
		more = sg_lex_next(&lex, &token);
		gap = gap_of(text, end, more ? token.start : strlen(text));
		if (gap > GAP_COMMENT)
			return bad_gap(reading, key, text, end, more ? token.start : strlen(text), gap);
		end = token.end;
	} while (more);
	piece_r->text = text = without_comments(reading->arena, text);
	sg_lex_init(&lex, text, strlen(text));
	more = sg_lex_next(&lex, &next);
	if (!more)
		return bad_token(reading, key, text, 0, "nothing but comments", "It is to be SQL.", "Write it, or leave the key out.");
	while (more) {
		unsigned depth;

		token = next;
		more = sg_lex_next(&lex, &next);
		if (!read_token(reading, key, text, whole, !more, &token, &brackets, &depth))
			return false;
		note_token(reading->arena, piece_r, &capacity, &token, depth);
	}
	if (brackets.depth > 0)
		return bad_token(reading, key, text, brackets.places[brackets.depth - 1], "an opening bracket without a closing one",
		                 "A value may not reach beyond itself.", "Close what is opened in this value.");
	if (whole && sg_index_token_char(piece_r, piece_r->count - 1, ';'))
		*piece_r = sg_index_piece_part(reading, piece_r, 0, piece_r->count - 1, key);
	return true;
}

struct sg_index_piece sg_index_piece_part(struct sg_index_reading *reading, const struct sg_index_piece *piece,
                                          size_t from, size_t to, const char *key)
{
	struct sg_index_piece part = { .key = key, .text = sg_index_token_text(reading->arena, piece, from, to) };
	size_t base = from < to ? piece->tokens[from].token.start : 0;
	unsigned depth = from < to ? piece->tokens[from].depth : 0;

	part.tokens = sg_arena_array(reading->arena, to - from, sizeof *part.tokens);
	for (size_t i = from; i < to; i++) {
		struct sg_index_token token = piece->tokens[i];

		token.token.start -= base;
		token.token.end -= base;
		token.token.inner -= token.token.inner >= base ? base : 0;
		token.token.inner_end -= token.token.inner_end >= base ? base : 0;
		token.depth -= depth;
		part.tokens[part.count++] = token;
	}
	return part;
}

bool sg_index_token_is(const struct sg_index_piece *piece, size_t at, const char *word)
{
	const struct sg_lex lex = { .sql = piece->text, .length = strlen(piece->text) };

	return at < piece->count && sg_lex_is(&lex, &piece->tokens[at].token, word);
}

bool sg_index_token_char(const struct sg_index_piece *piece, size_t at, char c)
{
	const struct sg_lex lex = { .sql = piece->text, .length = strlen(piece->text) };

	return at < piece->count && sg_lex_char(&lex, &piece->tokens[at].token, c);
}

bool sg_index_token_name(const struct sg_index_piece *piece, size_t at)
{
	return at < piece->count &&
	       (piece->tokens[at].token.kind == SG_TOKEN_WORD || piece->tokens[at].token.kind == SG_TOKEN_QUOTED);
}

size_t sg_index_token_past(const struct sg_index_piece *piece, size_t at)
{
	unsigned depth = piece->tokens[at].depth;

	do
		at++;
	while (at < piece->count && piece->tokens[at].depth > depth);
	return at < piece->count ? at + 1 : at;
}

const char *sg_index_token_text(struct sg_arena *arena, const struct sg_index_piece *piece, size_t from, size_t to)
{
	if (from >= to)
		return "";
	return sg_arena_strndup(arena, piece->text + piece->tokens[from].token.start,
	                        piece->tokens[to - 1].token.end - piece->tokens[from].token.start);
}

/* ---- as SQL ---- */

static void free_tree(void *tree)
{
	sg_json_free(tree);
}

const struct sg_json *sg_index_parse(struct sg_arena *arena, const char *text, int *count_r, struct sg_err *cause)
{
	const struct sg_json *list;
	struct sg_json *tree;

	*count_r = -1;
	if (sg_parse(text, strlen(text), &tree, cause) != SG_PARSE_OK)
		return NULL;
	sg_arena_defer(arena, free_tree, tree);
	list = sg_json_get(tree, "stmts");
	*count_r = (int)sg_json_count(list);
	return *count_r == 1 ? sg_node_as(sg_json_get(sg_json_at(list, 0), "stmt"), "IndexStmt") : NULL;
}

static bool is_place(const char *key)
{
	return strcmp(key, "location") == 0 || strcmp(key, "stmt_location") == 0 || strcmp(key, "stmt_len") == 0;
}

static size_t members(const struct sg_json *object)
{
	size_t count = 0;

	for (void *at = sg_json_next(object, NULL); at != NULL; at = sg_json_next(object, at))
		count += !is_place(sg_json_key(at));
	return count;
}

/* As deep as the JSON reader lets a tree be. */
bool sg_index_same(const struct sg_json *a, const struct sg_json *b)
{
	const char *text;

	if (a == NULL || b == NULL)
		return a == b;
	if (sg_json_is_object(a)) {
		if (!sg_json_is_object(b) || members(a) != members(b))
			return false;
		for (void *at = sg_json_next(a, NULL); at != NULL; at = sg_json_next(a, at))
			if (!is_place(sg_json_key(at)) && !sg_index_same(sg_json_value(at), sg_json_get(b, sg_json_key(at))))
				return false;
		return true;
	}
	if (sg_json_is_array(a)) {
		if (!sg_json_is_array(b) || sg_json_count(a) != sg_json_count(b))
			return false;
		for (size_t i = 0; i < sg_json_count(a); i++)
			if (!sg_index_same(sg_json_at(a, i), sg_json_at(b, i)))
				return false;
		return true;
	}
	text = sg_json_text(a);
	if (text != NULL)
		return sg_json_text(b) != NULL && strcmp(text, sg_json_text(b)) == 0;
	return sg_json_text(b) == NULL && !sg_json_is_object(b) && !sg_json_is_array(b) &&
	       sg_json_int(a) == sg_json_int(b) && sg_json_true(a) == sg_json_true(b);
}

bool sg_index_same_member(const struct sg_json *a, const struct sg_json *b, const char *member)
{
	return sg_index_same(sg_json_get(a, member), sg_json_get(b, member));
}

/* Does it differ from the bare frame in that member alone? */
static bool within(struct sg_arena *arena, const struct sg_json *statement, const char *member)
{
	struct sg_err cause = SG_ERR_INIT;
	int count;
	const struct sg_json *frame = sg_index_parse(arena, FRAME, &count, &cause);
	size_t others = 0;

	SG_ASSERT(frame != NULL);
	for (void *at = sg_json_next(statement, NULL); at != NULL; at = sg_json_next(statement, at)) {
		if (strcmp(sg_json_key(at), member) == 0)
			continue;
		others++;
		if (!sg_index_same(sg_json_value(at), sg_json_get(frame, sg_json_key(at))))
			return false;
	}
	return others == members(frame) - (sg_json_get(frame, member) != NULL);
}

void sg_index_unreadable(struct sg_index_reading *reading, const struct sg_index_piece *piece, struct sg_err *cause,
                         const char *write)
{
	size_t chars = sg_text_chars(piece->text, strlen(piece->text)), place = 0;
	bool open = false;
	struct sg_err *err;

	if (cause->position > 0) {
		/* the frame is ASCII */
		place = (size_t)cause->position > piece->offset ? (size_t)cause->position - piece->offset - 1 : 0;
		open = place >= chars && piece->offset > 0;
	}
	if (open)
		err = sg_index_mistake(reading, piece->key, "it ends too early, or does not begin as it should");
	else
		err = sg_index_mistake(reading, piece->key, "%s", cause->primary);
	(void)sg_err_hint(err, "%s", write);
	(void)sg_parse_place(err, piece->text, strlen(piece->text), sg_text_offset(piece->text, place));
	sg_err_release(cause);
}

bool sg_index_piece_parse(struct sg_index_reading *reading, struct sg_index_piece *piece, const char *before,
                          const char *after, const char *member, const char *write)
{
	const char *text = sg_arena_printf(reading->arena, "%s%s%s", before, piece->text, after);
	struct sg_err cause = SG_ERR_INIT, *err;
	const struct sg_json *statement;
	int count;

	piece->offset = strlen(before);
	statement = sg_index_parse(reading->arena, text, &count, &cause);
	if (count < 0) {
		sg_index_unreadable(reading, piece, &cause, write);
		return false;
	}
	if (statement == NULL || !within(reading->arena, statement, member)) {
		err = sg_index_mistake(reading, piece->key, "it reaches beyond its own part of the statement");
		(void)sg_err_detail(err, "Found: %.300s", piece->text);
		(void)sg_err_hint(err, "%s", write);
		return false;
	}
	piece->tree = sg_json_get(statement, member);
	return true;
}
