/* parts.h - the parts of CREATE TABLE and ALTER TABLE that the families of rules look at; shared by rules_*.c only. Nothing here judges. */
#ifndef SG_AUDIT_PARTS_H
#define SG_AUDIT_PARTS_H

#include "core/audit/scope.h"

/* ALTER TABLE of a table: not of a view, an index, a sequence, a foreign table, whether the statement or the model says so. */
bool sg_parts_alter(const struct sg_audit_scope *scope, const char *node, const struct sg_json *body, struct sg_relation *table_r);
/* Members of its i-th command, NULL after the last. */
const struct sg_json *sg_parts_command(const struct sg_json *body, size_t i);
/* The ColumnDef of such a command, or NULL. */
const struct sg_json *sg_parts_column(const struct sg_json *command);
/* Members of the first Constraint of that kind ("CONSTR_CHECK") of a ColumnDef, or NULL. */
const struct sg_json *sg_parts_constraint(const struct sg_json *column, const char *kind);
/* A list of Strings; *count_r 0 and NULL for an empty one. Borrowed texts, the array in the arena. */
const char *const *sg_parts_strings(struct sg_arena *arena, const struct sg_json *list, size_t *count_r);
/* "a, b"; in the arena. */
const char *sg_parts_join(struct sg_arena *arena, const char *const *list, size_t count);
/* Was the column added by the migration that is looked at? */
bool sg_parts_column_is_new(const struct sg_audit_scope *scope, struct sg_relation table, const char *column);
/* NULL where nothing is known of it. */
const struct sg_model_column *sg_parts_known_column(const struct sg_audit_scope *scope, struct sg_relation table,
                                                    const char *column);
/* Does the CHECK let no row pass in which the column is NULL? */
bool sg_parts_proves(const struct sg_model_constraint *check, const char *column);
/* A validated CHECK that does so (it spares SET NOT NULL its scan since 12), or NULL. */
const struct sg_model_constraint *sg_parts_proof(const struct sg_model_table *table, const char *column);

#endif
