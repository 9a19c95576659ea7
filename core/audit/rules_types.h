/* rules_types.h - what the files of the families type.*, enum.* and name.* share, with rules_column_type.c; included by them only. */
#ifndef SG_AUDIT_RULES_TYPES_H
#define SG_AUDIT_RULES_TYPES_H

#include "core/audit/scope.h"

struct sg_rules_enum_value {
	const char *text;
	struct sg_relation type;
};

struct sg_audit_type_notes {
	size_t transaction;     /* that the values were added in */
	struct sg_rules_enum_value *values;
	size_t count, capacity;
	bool utc;               /* SET timezone = 'UTC' … */
	size_t utc_in;          /* … LOCAL to that transaction; 0: for the session */
};

/* Made at the first call. */
struct sg_audit_type_notes *sg_rules_type_notes(struct sg_audit_scope *scope);

/* Values added to enums, renamed, and used too soon. */
void sg_rules_enums(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);
/* SET timezone: timestamp becomes timestamptz without a rewrite where it is UTC. */
void sg_rules_zone(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);
bool sg_rules_zone_is_utc(const struct sg_audit_scope *scope);
/* Names that the server cuts. Of the text: in the tree they are cut already. */
void sg_rules_names(struct sg_audit_scope *scope);

#endif
