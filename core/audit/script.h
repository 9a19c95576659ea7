/* script.h - one SQL file taken apart: its statements, where they stand, and what is said in comments.
 *
 * It splits as the server's scanner would (quotes, dollar quotes, nested comments, BEGIN ATOMIC … END bodies, the parentheses of
 * CREATE RULE), takes the part that goes up by the layout's marks (marks.h), passes over psql's \commands (\copy and COPY's data
 * included) and statements with placeholders (placeholder.h), and counts both. Any bytes may come: nothing here trusts them.
 *
 * An allow comment is for the statement that it stands above or in; behind a statement, on the line where that one ends, for
 * that one.
 *
 * `transaction` of the migration is what the tool does by default: Flyway wraps a file unless a statement of it cannot be in a
 * transaction, goose, dbmate, diesel and sqlx wrap it unless they are told not to, sqitch leaves it to the script. golang-migrate and
 * Prisma send the file as one query, and so do dbmate, diesel and sqlx when told not to wrap it: the server makes one transaction of it
 * if it is more than one statement. A PLAIN file is in one unless a statement of it cannot be, or begins its own. */
#ifndef SG_AUDIT_SCRIPT_H
#define SG_AUDIT_SCRIPT_H

#include "core/audit/layout.h"

/* Bytes; a larger file is an error of its own. */
#define SG_AUDIT_FILE_LIMIT ((size_t)32 << 20)

/* The text of a file (or of a test). Never fails: what is odd is in errs, with file and line (an unterminated quote, a NUL
 * byte, ill-formed UTF-8: the statement is left out; at most eleven errors a file). The migration's path is the file's with odd
 * bytes made visible. */
void sg_audit_script_split(const struct sg_audit_file *file, const char *text, size_t length, struct sg_arena *arena,
                           struct sg_audit_migration *migration_r, struct sg_errs *errs);
/* Reads the file and splits it. -1: it cannot be read, or is larger than the limit; errs says so. */
SG_MUST_CHECK int sg_audit_script_read(const struct sg_audit_file *file, struct sg_arena *arena,
                                       struct sg_audit_migration *migration_r, struct sg_errs *errs);

#endif
