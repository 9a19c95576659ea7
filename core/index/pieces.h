/* pieces.h - a piece of SQL from an index's section, taken alone: `columns`, `where`, `include`, `with`, one of
 * `opclass`, or the whole of `sql`. For core/index/definition.c and its parts alone. Pure.
 *
 * A piece is first judged as text: quotes and brackets are closed within it, there is no semicolon, no name
 * that the server would cut, and no comment that could hide something; harmless comments are left out. Then it
 * is parsed in a frame (CREATE INDEX i ON t (PIECE)), and nothing of the frame may come out changed. */
#ifndef SG_INDEX_PIECES_H
#define SG_INDEX_PIECES_H

#include "core/base/json.h"
#include "core/index/definition.h"
#include "core/sql/lex.h"

/* A section while it is judged. */
struct sg_index_reading {
	const struct sg_manifest *manifest;
	const struct sg_step *step;
	struct sg_arena *arena;
	struct sg_errs *errs;  /* every mistake that is found */
	const char *method;    /* as the server keeps it; "btree" where none is written */
	const char *table;
	bool unique;
};

/* A new error of SG_CLASS_REFUSED at that key: "KEY: what is wrong". Valid until the next one; the caller adds detail and hint. */
struct sg_err *sg_index_mistake(struct sg_index_reading *reading, const char *key, const char *format, ...)
	SG_PRINTF(3, 4);

struct sg_index_token {
	struct sg_token token;
	unsigned depth;        /* of brackets around it; an opening and its closing one have that of what is around both */
};

struct sg_index_piece {
	const char *key;       /* of the section, for messages */
	const char *text;      /* without comments; NULL: there is none */
	struct sg_index_token *tokens; /* of text */
	size_t count;
	const struct sg_json *tree; /* what it became within the frame: a list, or the predicate */
	size_t offset;         /* what a location in the tree is too large by */
};

/* As text; in the whole statement one semicolon at its end is allowed, and left out. False: told. */
bool sg_index_piece_read(struct sg_index_reading *reading, const char *key, const char *text, bool whole,
                         struct sg_index_piece *piece_r);
/* Part of a piece that was read; [from, to) are tokens. */
struct sg_index_piece sg_index_piece_part(struct sg_index_reading *reading, const struct sg_index_piece *piece,
                                          size_t from, size_t to, const char *key);
/* Parses `before PIECE after`, which is a CREATE INDEX that differs from CREATE INDEX i ON t (a) in `member` alone. False: told, with
 * `write` as hint. */
bool sg_index_piece_parse(struct sg_index_reading *reading, struct sg_index_piece *piece, const char *before,
                          const char *after, const char *member, const char *write);
/* The IndexStmt of a text that is one statement; NULL with *count_r statements where it is something else, or -1: cause is set. Its
 * memory ends with the arena. */
const struct sg_json *sg_index_parse(struct sg_arena *arena, const char *text, int *count_r, struct sg_err *cause);
/* A syntax error of a piece: position and words fit the piece, not its frame. */
void sg_index_unreadable(struct sg_index_reading *reading, const struct sg_index_piece *piece, struct sg_err *cause,
                         const char *write);
/* Sets the error's statement to the piece and its position to that of a location in its tree. */
void sg_index_place(struct sg_err *err, const struct sg_index_piece *piece, size_t location);

/* ---- tokens ---- */
bool sg_index_token_is(const struct sg_index_piece *piece, size_t at, const char *word);
bool sg_index_token_char(const struct sg_index_piece *piece, size_t at, char c);
/* A name, quoted or not. */
bool sg_index_token_name(const struct sg_index_piece *piece, size_t at);
/* At an opening bracket: behind its closing one. */
size_t sg_index_token_past(const struct sg_index_piece *piece, size_t at);
/* The text of the tokens [from, to). */
const char *sg_index_token_text(struct sg_arena *arena, const struct sg_index_piece *piece, size_t from, size_t to);

/* Equal but for the places where they stand. */
bool sg_index_same(const struct sg_json *a, const struct sg_json *b);
bool sg_index_same_member(const struct sg_json *a, const struct sg_json *b, const char *member);

#endif
