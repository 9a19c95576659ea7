/* script.h - SQL scripts: read from a file, taken apart by a lexer's rules. */
#ifndef SG_SCRIPT_H
#define SG_SCRIPT_H

#include "core/db/db.h"

/* Reads a file of UTF-8 text of at most 256 MiB; what: the setting that named it, for messages. SG_CLASS_MANIFEST. */
SG_MUST_CHECK int sg_script_read(const char *what, const char *file, struct sg_arena *arena, char **sql_r,
                                 struct sg_err *err);

/* As sg_db_script; *answered_r: how many of its statements succeeded, also on failure. */
SG_MUST_CHECK int sg_db_script_counted(struct sg_db *db, const char *sql, int *answered_r, struct sg_err *err);
/* Byte offset of the n-th statement (from 0) of a script: of its first character
 * that is neither blank nor comment. The text's length if there are fewer. A
 * lexer's view: a function body in BEGIN ATOMIC … END counts as several. */
size_t sg_script_statement(const char *sql, int n);

/* One after the other: where the first statement at or after that offset begins, past blanks, comments and semicolons (at the text's
 * end: none); and where the one that begins there ends, at its semicolon or the text's end. Semicolons in BEGIN ATOMIC … END and in
 * parentheses do not end it. */
size_t sg_script_begin(const char *sql, size_t at);
size_t sg_script_end(const char *sql, size_t at);

#endif
