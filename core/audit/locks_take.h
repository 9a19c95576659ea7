/* locks_take.h - what the files of core/audit/locks.h share; included by no one else. */
#ifndef SG_AUDIT_LOCKS_TAKE_H
#define SG_AUDIT_LOCKS_TAKE_H

#include "core/audit/locks.h"

struct sg_taking {
	const struct sg_model *model;
	struct sg_arena *arena;
	struct sg_locks *locks;
};

/* The relation is locked; a relation without a name, or no lock: nothing. */
void sg_locks_take(const struct sg_taking *taking, struct sg_relation relation, enum sg_lock_mode mode, enum sg_lock_work work);
/* The same, where only the model tells, not the text. */
void sg_locks_take_too(const struct sg_taking *taking, struct sg_relation relation, enum sg_lock_mode mode, enum sg_lock_work work);
/* The default partition of a parent that gets another one. */
void sg_locks_take_default(const struct sg_taking *taking, struct sg_relation parent);

bool sg_locks_same(const char *a, const char *b);
bool sg_locks_same_table(const struct sg_model *model, struct sg_relation a, struct sg_relation b);
/* "OBJECT_TABLE", a view, a materialized view, a foreign table. */
bool sg_locks_relation_kind(const char *kind);

/* locks_alter.c */
void sg_locks_of_create(const struct sg_taking *taking, const struct sg_json *body); /* CREATE TABLE */
void sg_locks_of_alter(const struct sg_taking *taking, const struct sg_json *body);  /* ALTER TABLE */
/* locks_drop.c */
void sg_locks_of_drop(const struct sg_taking *taking, const struct sg_json *body);
void sg_locks_of_truncate(const struct sg_taking *taking, const struct sg_json *body);
/* The table of a list of names that ends with the name of a column, trigger, policy or rule; name NULL: there is none. */
struct sg_relation sg_locks_table_of_part(const struct sg_json *items);

#endif
