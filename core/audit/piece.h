/* piece.h - one statement while it is read, token by token: where it ends, and what its first words say of it.
 *
 * For script.c only. It never parses: what it says of statements that it knows by their words is right for each that the server
 * would take, and harmless for others. */
#ifndef SG_AUDIT_PIECE_H
#define SG_AUDIT_PIECE_H

#include "core/sql/lex.h"

#define PIECE_WORDS 4
#define PIECE_WORD_BYTES 16

struct piece {
	bool some;             /* a token was added */
	size_t from, to;       /* bytes, without comments around it */
	size_t tokens;
	char words[PIECE_WORDS][PIECE_WORD_BYTES]; /* the first words in capitals, as long as nothing else comes; longer ones cut */
	size_t word_count;
	size_t parentheses, brackets; /* that are open; brackets: those of subscripts, not of ARRAY[…] */
	size_t bodies;         /* BEGIN ATOMIC, and CASE in it, that are open */
	char last[PIECE_WORD_BYTES]; /* the token before, if it was a word, or "." */
	bool concurrently, from_stdin; /* these words are in it, outside of parentheses (concurrently: anywhere) */
	bool placeholder, open; /* set by the reader */
};

void sg_piece_add(struct piece *piece, const struct sg_lex *lex, const struct sg_token *token);
/* Does a semicolon end it here? */
bool sg_piece_ends(const struct piece *piece);
/* COPY … FROM stdin: data follows. */
bool sg_piece_copies(const struct piece *piece);
/* The server refuses it in a transaction block. (PreventInTransactionBlock; for subscriptions, whose slots may be left out, too.) */
bool sg_piece_is_alone(const struct piece *piece);
/* BEGIN or START TRANSACTION. */
bool sg_piece_begins(const struct piece *piece);

#endif
