/* rules_types.h - the other files of the families type.*, enum.* and name.*; included by them only. */
#ifndef SG_AUDIT_RULES_TYPES_H
#define SG_AUDIT_RULES_TYPES_H

#include "core/audit/scope.h"

/* Values added to enums, renamed, and used too soon. */
void sg_rules_enums(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);
/* Names that the server cuts. Of the text: in the tree they are cut already. */
void sg_rules_names(struct sg_audit_scope *scope);

#endif
