/* mask.h - SQL without its secrets, for the journal, logs and error messages. */
#ifndef SG_MASK_H
#define SG_MASK_H

#include "core/base/arena.h"

/* The statement with the secrets that its syntax shows put out: literals after
 * PASSWORD, CONNECTION and COPY's PROGRAM, in OPTIONS (…) of foreign servers and
 * user mappings, in crypt(…) and its kin, in an INSERT that names a column like
 * password, secret or token,
 * and any literal that looks like a connection string or holds such a statement.
 * Each character between the quotes becomes '*', so that positions in
 * characters stay what they were. Never fails; sql is returned when there is
 * nothing to put out. */
const char *sg_sql_mask_secrets(struct sg_arena *arena, const char *sql);

/* What a server says about a statement: each part of the text between double
 * quotes that stands in a masked place of the statement becomes "***". masked
 * is what sg_sql_mask_secrets gave for sql. */
const char *sg_sql_mask_quoted(struct sg_arena *arena, const char *sql, const char *masked, const char *text);

/* Every literal becomes '?' and every comment a blank: another session's query,
 * as an operator may see it. Takes what pg_stat_activity has, cut in the middle
 * or not; "…" where it cannot be sure. */
const char *sg_sql_mask_literals(struct sg_arena *arena, const char *sql);

#endif
