/* locks.h - which locks a statement takes on relations that are named in it or that the model knows to hang on it, and whether
 * it reads or rewrites them: by the kind of statement, as measured on PostgreSQL 15.
 *
 * It is what the text says, not what a server does: tests/db/test_audit_locks.c compares the two. `work` is the most that can
 * come of it: what cannot be told (a type or function that was never seen) counts as a rewrite. The partitions below a named
 * parent, tables that use a domain, and what code runs inside (DO, functions, triggers) are left out. */
#ifndef SG_AUDIT_LOCKS_H
#define SG_AUDIT_LOCKS_H

#include "core/audit/model.h"

/* In the server's own order and numbers (src/include/storage/lockdefs.h): stronger ones are greater. */
enum sg_lock_mode {
	SG_LOCK_NONE, SG_LOCK_ACCESS_SHARE, SG_LOCK_ROW_SHARE, SG_LOCK_ROW_EXCLUSIVE, SG_LOCK_SHARE_UPDATE_EXCLUSIVE,
	SG_LOCK_SHARE, SG_LOCK_SHARE_ROW_EXCLUSIVE, SG_LOCK_EXCLUSIVE, SG_LOCK_ACCESS_EXCLUSIVE
};
/* As LOCK TABLE writes it: "ACCESS EXCLUSIVE". */
const char *sg_lock_mode_name(enum sg_lock_mode mode);

enum sg_lock_work {
	SG_LOCK_WORK_NONE,    /* as quick on a large table as on a small one (TRUNCATE too, though it makes a new file) */
	SG_LOCK_WORK_SCAN,    /* the table is read */
	SG_LOCK_WORK_REWRITE  /* … and written anew */
};

struct sg_lock {
	struct sg_relation relation; /* as it is named in the statement or in the model */
	enum sg_lock_mode mode;      /* the strongest of those that the statement takes on it */
	enum sg_lock_work work;
	bool named;                  /* false: not in the text, only the model tells */
};

struct sg_locks {
	struct sg_lock *list;        /* each relation once, in the order in which they are met */
	size_t count, capacity;
};

/* Appends what a statement takes; node and body: "AlterTableStmt" and its members. model: as it is before the statement. Tables
 * that the statement itself makes are not in it. Names live as long as tree and model. */
void sg_locks_of(const struct sg_model *model, const char *node, const struct sg_json *body, struct sg_arena *arena,
                 struct sg_locks *locks);
/* The default partition of a table that is known to have one, or NULL. */
const struct sg_model_table *sg_locks_default_partition(const struct sg_model *model, struct sg_relation parent);
/* For constraints: CHECKs of the table that stand, are validated, and name all of these columns (no columns: any but a mere
 * IS NOT NULL). The first of them, or NULL. They may or may not be what a partition's bounds need: only the server can tell. */
const struct sg_model_constraint *sg_locks_check_over(const struct sg_model_table *table, const char *const *columns, size_t count);

#endif
