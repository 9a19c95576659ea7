/* locks_take.h - what the files of core/audit/locks.h share; included by no one else. */
#ifndef SG_AUDIT_LOCKS_TAKE_H
#define SG_AUDIT_LOCKS_TAKE_H

#include "core/audit/locks.h"

/* Hostile trees: beyond so many tables nobody looks for those that refer to one. */
#define SG_LOCKS_LOOK_MAX 8192

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

/* Each foreign key of another table that points to this one (NULL: none). */
typedef void (*sg_locks_child_fn)(const struct sg_taking *taking, const struct sg_model_table *child,
                                  const struct sg_model_constraint *key, const void *arg);
void sg_locks_each_child(const struct sg_taking *taking, const struct sg_model_table *parent, sg_locks_child_fn run,
                         const void *arg);

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
