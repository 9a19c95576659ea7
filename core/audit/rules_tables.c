/* rules_tables.c */
#include "config.h"

#include "core/audit/scope.h"

void sg_rules_tables(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	(void)scope;
	(void)node;
	(void)body;
}

void sg_rules_tables_end(struct sg_audit_scope *scope)
{
	(void)scope;
}
