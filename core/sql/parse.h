/* parse.h - the one door to libpg_query: text in, PostgreSQL's own tree out.
 *
 * What it never does: hand out a tree of a text that the server would read
 * differently (a NUL byte, ill-formed UTF-8), or let a long chain like 1+1+…
 * run out of stack. The trees assume standard_conforming_strings = on and
 * client_encoding UTF8; the executor checks both on every connection. */
#ifndef SG_PARSE_H
#define SG_PARSE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/json.h"

/* Bytes. A function's or DO's body is one long literal, and gets more. */
#define SG_PARSE_LIMIT ((size_t)64 << 10)
#define SG_PARSE_BODY_LIMIT ((size_t)1 << 20)

enum sg_parse_result {
	SG_PARSE_OK,
	SG_PARSE_SYNTAX, /* the grammar does not know it; a newer server might */
	SG_PARSE_REFUSED /* too long, not UTF-8, nested too deeply: never sent */
};

/* *tree_r: {"version": …, "stmts": [{"stmt": {NODE: {…}}, "stmt_location": …}, …]},
 * freed with sg_json_free. Otherwise err is SG_CLASS_POLICY, with statement and
 * position. sql need not end with a NUL. */
SG_MUST_CHECK enum sg_parse_result sg_parse(const char *sql, size_t length, struct sg_json **tree_r,
                                            struct sg_err *err);
/* The plpgsql body of a DO statement (the whole statement is given): an array of
 * {"PLpgSQL_function": …}. */
SG_MUST_CHECK enum sg_parse_result sg_parse_plpgsql(const char *sql, size_t length, struct sg_json **tree_r,
                                                    struct sg_err *err);
/* Sets the error's statement, secrets masked, and its position from a byte offset. */
int sg_parse_place(struct sg_err *err, const char *sql, size_t length, size_t offset);
/* "15" */
const char *sg_parse_grammar(void);

#endif
