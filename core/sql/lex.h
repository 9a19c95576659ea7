/* lex.h - the tokens of a piece of SQL, for positions and for masking.
 *
 * A total function over any bytes: what is ill-formed becomes some token, an
 * unterminated literal one that runs to the end. It follows PostgreSQL's scan.l
 * (standard_conforming_strings = on). It never decides what may be sent; for
 * that there is the parser. */
#ifndef SG_LEX_H
#define SG_LEX_H

#include "core/base/base.h"

enum sg_token_kind {
	SG_TOKEN_WORD,   /* identifier or keyword, not quoted */
	SG_TOKEN_QUOTED, /* "identifier" (U& included) */
	SG_TOKEN_STRING, /* '…' with its prefix (E, B, X, N, U&) */
	SG_TOKEN_DOLLAR, /* $tag$…$tag$ */
	SG_TOKEN_NUMBER,
	SG_TOKEN_PARAM,  /* $1 */
	SG_TOKEN_COMMENT, /* only where lex.comments asks for them: "--" to the end of its line, or all of a nested one */
	SG_TOKEN_OTHER   /* an operator, one character of punctuation, or junk */
};

struct sg_token {
	enum sg_token_kind kind;
	size_t start, end;  /* bytes */
	size_t inner, inner_end; /* STRING, DOLLAR, QUOTED, COMMENT: what is between the quotes or the signs of the comment */
	bool closed;        /* the closing quote (or end of the comment) is there */
};

struct sg_lex {
	const char *sql;
	size_t length, at;
	bool comments; /* false after sg_lex_init: comments are passed over; true: they are tokens */
};

void sg_lex_init(struct sg_lex *lex, const char *sql, size_t length);
/* The next token after blanks and comments; false at the end. */
bool sg_lex_next(struct sg_lex *lex, struct sg_token *token_r);
/* Is the token this word (in capitals here, any case there)? */
bool sg_lex_is(const struct sg_lex *lex, const struct sg_token *token, const char *word);
/* Is it this one character? */
bool sg_lex_char(const struct sg_lex *lex, const struct sg_token *token, char c);
/* Byte offset of the first such word at or after `from` (which need not be the
 * start of a token); `from` itself when there is none. */
size_t sg_lex_find(const char *sql, size_t length, size_t from, const char *word);

#endif
