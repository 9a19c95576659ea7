/* rows.h - made-up rows for a rehearsal: every empty ordinary table gets so many, by type, so that rewrites and scans show.
 *
 * Row i of a table is made of i: integers are i, texts are words with i in them, times go back from a fixed day, and so on; so
 * keys are unique, and a foreign key to a table filled before, or a later one between id columns, holds. Generated columns,
 * identities and serials are left to the server; enums and domains get values of theirs; partitions get rows of their bounds
 * through their parent where those can be met. NOT NULL is honoured; a nullable column is NULL in every tenth row. One
 * transaction a table: one that refuses (a CHECK, an exclusion constraint, a trigger, a type nobody knows) stays empty and says why. */
#ifndef SG_REHEARSE_ROWS_H
#define SG_REHEARSE_ROWS_H

#include "core/db/db.h"
#include "core/rehearse/rehearsal.h"

/* Fills the tables that are empty, outside of pg_catalog, information_schema and state_schema, parents of foreign keys first;
 * triggers of users do not fire. Appends to rehearsal->filled: each table that was filled, or that stayed empty and why (a table
 * named there before is not tried again). -1 only where the connection fails. */
SG_MUST_CHECK int sg_rows_fill(struct sg_db *db, const char *state_schema, int64_t rows, struct sg_arena *arena,
                               struct sg_rehearsal *rehearsal, struct sg_err *err);

#endif
