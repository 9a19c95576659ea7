/* existing.h - an object was there already: is it the one that was wanted? */
#ifndef SG_EXISTING_H
#define SG_EXISTING_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"
#include "core/sql/policy.h"

/* Compares the catalogue with what the statement declares: the kind of object,
 * a column's type, the names and types of a table's columns. Different:
 * SG_CLASS_SQL, with both said. Runs in the step's transaction, after the
 * savepoint was rolled back to. */
SG_MUST_CHECK int sg_existing_compare(struct sg_db *db, const struct sg_verdict *verdict, struct sg_arena *arena,
                                      struct sg_err *err);

#endif
