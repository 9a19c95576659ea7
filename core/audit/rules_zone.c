/* rules_zone.c - is the session's TimeZone known to be UTC? Between timestamp and timestamptz the server then leaves the rows as they are
 * (timestamptz_timestamp and TimestampTimestampTzRequiresRewrite() in src/backend/utils/adt/timestamp.c, since 12). */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "core/audit/rules_types.h"
#include "core/sql/tree.h"

struct sg_audit_type_notes *sg_rules_type_notes(struct sg_audit_scope *scope)
{
	if (scope->types == NULL)
		scope->types = sg_arena_alloc(scope->arena, sizeof *scope->types);
	return scope->types;
}

static bool is_utc(const char *zone)
{
	static const char *const names[] = { "UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal" };

	for (size_t i = 0; zone != NULL && i < SG_COUNT(names); i++)
		if (strcasecmp(zone, names[i]) == 0)
			return true;
	return false;
}

void sg_rules_zone(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	const struct sg_json *value;
	struct sg_audit_type_notes *notes;
	const char *name = sg_json_text(sg_json_get(body, "name"));

	if (strcmp(node, "VariableSetStmt") != 0 ||
	    (!sg_node_is(body, "kind", "VAR_RESET_ALL") && (name == NULL || strcasecmp(name, "timezone") != 0)))
		return;
	notes = sg_rules_type_notes(scope);
	value = sg_node_as(sg_json_at(sg_json_get(body, "args"), 0), "A_Const");
	notes->utc = sg_node_is(body, "kind", "VAR_SET_VALUE") && is_utc(sg_json_text(sg_json_get(sg_json_get(value, "sval"), "sval")));
	notes->utc_in = sg_json_true(sg_json_get(body, "is_local")) ? scope->transaction : 0;
	/* LOCAL in no transaction does nothing. */
	notes->utc = notes->utc && (scope->in_transaction || notes->utc_in == 0);
}

bool sg_rules_zone_is_utc(const struct sg_audit_scope *scope)
{
	return scope->types != NULL && scope->types->utc &&
	       (scope->types->utc_in == 0 || scope->types->utc_in == scope->transaction);
}
