/* rules.c - the table of rules.h. Its rows stand in rules_table_*.h, by family; what they say was measured on PostgreSQL 15, 17
 * and 18 (docs/AUDIT.md says how): locks are those on tables that were there before. */
#include "config.h"
#include "core/audit/rules.h"

#include <string.h>

#include "core/base/base.h"

static const struct sg_rule rules[SG_RULE_COUNT] = {
#include "core/audit/rules_table_indexes.h"
#include "core/audit/rules_table_columns.h"
#include "core/audit/rules_table_constraints.h"
#include "core/audit/rules_table_tables.h"
#include "core/audit/rules_table_transaction.h"
};

const char *sg_severity_name(enum sg_severity severity)
{
	static const char *const names[] = { "none", "hint", "warning", "error" };

	return names[severity];
}

const struct sg_rule *sg_rule(enum sg_rule_id id)
{
	SG_ASSERT(id < SG_RULE_COUNT && rules[id].id != NULL);
	return &rules[id];
}

int sg_rule_find(const char *id)
{
	for (int i = 0; i < SG_RULE_COUNT; i++)
		if (strcmp(rules[i].id, id) == 0)
			return i;
	return -1;
}

bool sg_rule_matches(const char *pattern, const char *id)
{
	size_t length = strlen(pattern);

	if (strcmp(pattern, "*") == 0 || strcmp(pattern, id) == 0)
		return true;
	return length > 2 && strcmp(pattern + length - 2, ".*") == 0 && strncmp(pattern, id, length - 1) == 0;
}
