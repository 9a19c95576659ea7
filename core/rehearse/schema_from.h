/* schema_from.h - the schema that a rehearsal starts from: a file, or `pg_dump --schema-only` of a real database.
 *
 * pg_dump is the only thing that ever touches the real server. Its password travels as in core/db (never on a command line,
 * never in the log); it has a deadline, and its messages are told as ours. */
#ifndef SG_REHEARSE_SCHEMA_FROM_H
#define SG_REHEARSE_SCHEMA_FROM_H

#include "core/base/arena.h"
#include "core/base/err.h"

/* Is it a connection string (a URI of postgres:// or postgresql://, or conninfo: key = value)? Else it is a file. */
bool sg_schema_from_is_dsn(const char *from);
/* Writes plain SQL to `file`: without owners, privileges, tablespaces, publications and subscriptions. pg_dump must be as new as the
 * server at least; bindir: where to look first; NULL: as core/db/embedded.h. state_schema's tables are kept out: the rehearsal
 * starts with an empty ledger, unless `ledger` is set: then its schema_migrations rows are taken too, so that what is recorded there is
 * skipped. SG_CLASS_CONNECTION, SG_CLASS_STATE. */
SG_MUST_CHECK int sg_schema_from_dump(const char *dsn, const char *bindir, const char *state_schema, bool ledger,
                                      const char *file, struct sg_arena *arena, struct sg_err *err);
/* For people: "host=db.example dbname=crm", secrets left out; or the file's name. */
const char *sg_schema_from_name(const char *from, struct sg_arena *arena);

#endif
