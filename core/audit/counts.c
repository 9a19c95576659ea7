/* counts.c - what of a result counts: for summaries and for --fail-on. */
#include "config.h"
#include "core/audit/audit.h"

#include <string.h>

size_t sg_audit_count_dml(const struct sg_audit_result *result, enum sg_dml_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < result->dml_count; i++)
		count += result->dml[i].standing == SG_STANDING_OPEN && result->dml[i].verdict == verdict;
	return count;
}

size_t sg_audit_count_findings(const struct sg_audit_result *result, enum sg_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < result->finding_count; i++)
		count += result->findings[i].standing == SG_STANDING_OPEN && sg_rule(result->findings[i].rule)->severity == severity;
	return count;
}

static int severity_of_limit(const char *word)
{
	static const char *const words[] = { NULL, "hint", "warning", "error" };

	for (int i = SG_SEVERITY_HINT; i <= SG_SEVERITY_ERROR; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return SG_SEVERITY_NONE;
}

bool sg_audit_is_limit(const char *word)
{
	if (strcmp(word, "unsafe") == 0 || strcmp(word, "potentially-unsafe") == 0 || strcmp(word, "unread") == 0 ||
	    severity_of_limit(word) != SG_SEVERITY_NONE)
		return true;
	for (int i = 0; i < SG_RULE_COUNT; i++)
		if (strcmp(word, "*") != 0 && sg_rule_matches(word, sg_rule((enum sg_rule_id)i)->id))
			return true;
	return false;
}

bool sg_audit_exceeds(const struct sg_audit_result *result, const char *word)
{
	int severity = severity_of_limit(word);

	if (strcmp(word, "unread") == 0)
		return result->errs.count > 0;
	if (strcmp(word, "unsafe") == 0)
		return sg_audit_count_dml(result, SG_DML_UNSAFE) > 0;
	if (strcmp(word, "potentially-unsafe") == 0)
		return sg_audit_count_dml(result, SG_DML_UNSAFE) + sg_audit_count_dml(result, SG_DML_POTENTIALLY_UNSAFE) > 0;
	for (size_t i = 0; i < result->finding_count; i++) {
		const struct sg_rule *rule = sg_rule(result->findings[i].rule);

		if (result->findings[i].standing != SG_STANDING_OPEN)
			continue;
		if (severity != SG_SEVERITY_NONE ? (int)rule->severity >= severity : sg_rule_matches(word, rule->id))
			return true;
	}
	return false;
}
