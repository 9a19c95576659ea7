/* priority.c */
#include "config.h"

#include "core/audit/scope.h"

void sg_audit_prioritize(struct sg_audit_result *result, const struct sg_audit_options *options)
{
	(void)result;
	(void)options;
}
