/* load.h - a schema for a rehearsal: a file of SQL, statement by statement, as far as it goes here.
 *
 * What a dump holds may not be had on a private server: an extension that is not installed, a parameter of a newer version. So each
 * statement is a transaction of its own; one that fails is left out and named, and the rest goes on. Roles that are missing are made
 * (unable to log in). Passed over in silence: psql's \commands, BEGIN and COMMIT, CREATE/ALTER/DROP DATABASE, SET of an unknown
 * parameter. Passed over and named: COPY and its rows; user mappings and subscriptions, by which the private server could speak to
 * a real one. */
#ifndef SG_REHEARSE_LOAD_H
#define SG_REHEARSE_LOAD_H

#include "core/db/db.h"
#include "core/rehearse/rehearsal.h"

/* name: how people know the file. What was left out is appended to rehearsal->left_out, and said in the log. SG_CLASS_STATE where
 * not a single statement passed; else as the connection fails, or a signal. */
SG_MUST_CHECK int sg_schema_load(struct sg_db *db, const char *file, const char *name, struct sg_arena *arena,
                                 struct sg_rehearsal *rehearsal, struct sg_err *err);

#endif
