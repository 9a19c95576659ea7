/* script.h - which statement of a script failed; for core/db only. */
#ifndef SG_SCRIPT_H
#define SG_SCRIPT_H

#include "core/db/db.h"

/* As sg_db_script; *answered_r: how many of its statements succeeded, also on failure. */
SG_MUST_CHECK int sg_db_script_counted(struct sg_db *db, const char *sql, int *answered_r, struct sg_err *err);
/* Byte offset of the n-th statement (from 0) of a script: of its first character
 * that is neither blank nor comment. The text's length if there are fewer. A
 * lexer's view: a function body in BEGIN ATOMIC … END counts as several. */
size_t sg_script_statement(const char *sql, int n);

#endif
