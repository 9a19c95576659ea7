/* rules_types.c */
#include "config.h"

#include "core/audit/scope.h"

void sg_rules_types(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	(void)scope;
	(void)node;
	(void)body;
}
