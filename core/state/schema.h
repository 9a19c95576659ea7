/* schema.h - the state tables: their SQL, their installation, their version. */
#ifndef SG_STATE_SCHEMA_H
#define SG_STATE_SCHEMA_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

#define SG_STATE_VERSION 1

/* The whole SQL, as a DBA could run it (`check --state-sql`); in the arena. */
const char *sg_state_sql(const char *state_schema, struct sg_arena *arena);

/* Makes the tables in one transaction that first takes a transaction-scoped
 * try-lock (pooler-safe; never waits inside a transaction), unless they are
 * there. Safe to run by any number of runners at once. SG_CLASS_STATE for a
 * missing privilege or another tool's table. */
SG_MUST_CHECK int sg_state_install(struct sg_db *db, const char *state_schema, struct sg_err *err);

/* Says of 42501 that this role lacks a privilege on the state tables, to read or
 * to write to them; leaves other errors as they are. */
void sg_state_explain(struct sg_err *err, const char *what, const char *state_schema);

/* Turns a server's "no such table" into "not installed": true for 42P01 and 3F000. */
bool sg_state_is_missing(const struct sg_err *err);

#endif
