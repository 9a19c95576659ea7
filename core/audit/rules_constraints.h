/* rules_constraints.h - what the two files of the family constraint.* share; included by them only. */
#ifndef SG_AUDIT_RULES_CONSTRAINTS_H
#define SG_AUDIT_RULES_CONSTRAINTS_H

#include "core/audit/scope.h"

/* A foreign key that the migration makes; texts in the migration's arena. */
struct sg_rules_fk {
	size_t number;                  /* of the statement */
	struct sg_relation child, parent;
	const char *const *columns;
	size_t column_count;
	const char *const *parent_columns; /* NULL: the primary key */
	size_t parent_column_count;
};

struct sg_audit_constraint_notes {
	size_t *transactions;           /* by statement: the number of the transaction that it was sent in */
	struct sg_rules_fk *keys;
	size_t key_count, key_capacity;
	size_t locking;                 /* the transaction in which `locked` is held */
	struct sg_relations locked;     /* tables that were there before, by foreign keys that ALTER TABLE adds */
};
/* Made at the first call. */
struct sg_audit_constraint_notes *sg_rules_constraint_notes(struct sg_audit_scope *scope);

/* constraint: CONSTR_FOREIGN; column: that it stands in, or NULL for one with columns of its own; alter: of ALTER TABLE. */
void sg_rules_foreign_key(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint,
                          const struct sg_json *column, bool alter);
/* All of a ColumnDef. */
void sg_rules_foreign_keys_of(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *column, bool alter);
/* What can be said when the whole migration was seen: types, indexes. */
void sg_rules_foreign_keys_end(struct sg_audit_scope *scope);

#endif
