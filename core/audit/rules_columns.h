/* rules_columns.h - the second file of the family column.*; included by its two files only. */
#ifndef SG_AUDIT_RULES_COLUMNS_H
#define SG_AUDIT_RULES_COLUMNS_H

#include "core/audit/scope.h"

/* ALTER COLUMN name TYPE …; command: the AlterTableCmd's members. */
void sg_rules_column_type(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command, const char *name);

#endif
