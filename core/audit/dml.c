/* dml.c */
#include "config.h"

#include "core/audit/scope.h"

void sg_dml_look(struct sg_audit_scope *scope, const struct sg_json *tree)
{
	(void)scope;
	(void)tree;
}

void sg_dml_end(struct sg_audit_scope *scope)
{
	(void)scope;
}

const char *sg_dml_kind_name(enum sg_dml_kind kind)
{
	static const char *const names[] = { "dedup_for_unique", "seed_insert", "orphan_cleanup_for_constraint", "one_time_default",
		                             "bulk_update",      "bulk_delete", "data_copy",                     "other" };

	return names[kind];
}

const char *sg_dml_verdict_name(enum sg_dml_verdict verdict)
{
	static const char *const names[] = { "SAFE", "POTENTIALLY UNSAFE", "UNSAFE" };

	return names[verdict];
}
