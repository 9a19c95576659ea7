/* rules_column_type.c - ALTER COLUMN TYPE: does it write the table anew, read it whole, or neither?
 *
 * The rows stay in two of three real changes, and even then CHECKs over the column are verified again, and indexes are built anew
 * where collation or operators change. A table at the other end of a foreign key is locked too. */
#include "config.h"

#include <string.h>

#include "core/audit/parts.h"
#include "core/audit/rules_columns.h"
#include "core/audit/rules_types.h"
#include "core/audit/type_change.h"
#include "core/sql/tree.h"

struct change {
	struct sg_relation table;
	const struct sg_model_table *known; /* or NULL */
	const char *column;
	const char *label;         /* "column c of t: integer to bigint" */
	bool collation;            /* COLLATE is said */
	bool reindex;
};

static bool has(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* CheckIndexCompatible() of the server: an index stays unless its operators or collation change, or it computes something of the column. */
static bool is_rebuilt(const struct change *change, const struct sg_model_index *index)
{
	bool included = index->part_count > index->column_count &&
	                has(index->parts + index->column_count, index->part_count - index->column_count, change->column);

	if ((index->partial || has(index->columns, index->column_count, "")) && !included &&
	    has(index->uses, index->use_count, change->column))
		return true;
	return (change->reindex || change->collation) && has(index->columns, index->column_count, change->column);
}

/* What is over the column and has to be looked at row by row: CHECKs that hold, exclusion constraints, indexes that cannot stay. */
static bool find_rechecks(struct sg_audit_scope *scope, const struct change *change)
{
	const struct sg_model_table *table = change->known;
	bool found = false;

	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *constraint = &table->constraints[i];

		if ((constraint->kind != 'c' && constraint->kind != 'x') || constraint->not_valid ||
		    !has(constraint->columns, constraint->column_count, change->column))
			continue;
		found = true;
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_RECHECK, &change->table, "%s: %s %s is %s again", change->label,
		              constraint->kind == 'c' ? "CHECK" : "exclusion constraint",
		              constraint->name != NULL ? constraint->name : "without a name",
		              constraint->kind == 'c' ? "verified" : "built");
	}
	for (size_t i = 0; table != NULL && i < table->index_count; i++) {
		const struct sg_model_index *index = &table->indexes[i];

		if (!is_rebuilt(change, index))
			continue;
		found = true;
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_RECHECK, &change->table, "%s: index %s is built again", change->label,
		              index->name != NULL ? index->name : "without a name");
	}
	return found;
}

/* Also true, and worth a word to who reads that nothing is rewritten. */
static const char *also(struct sg_audit_scope *scope, const struct change *change)
{
	const struct sg_model_table *table = change->known;

	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *constraint = &table->constraints[i];

		if (constraint->kind == 'f' && has(constraint->columns, constraint->column_count, change->column))
			return sg_arena_printf(scope->arena, "; %s is locked as well, by a foreign key",
			                       sg_audit_name(scope->arena, constraint->parent));
	}
	return "";
}

static void report(struct sg_audit_scope *scope, const struct change *change, struct sg_type_change type, const char *to)
{
	const char *kept = sg_type_change_kept_from(scope->arena, to);

	if (type.verdict == SG_TYPE_REWRITES)
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_REWRITE, &change->table, "%s", change->label);
	else if (type.verdict == SG_TYPE_BY_ZONE)
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_REWRITE, &change->table, "%s, unless the session's TimeZone is UTC",
		              change->label);
	else if (type.verdict == SG_TYPE_UNKNOWN && kept != NULL)
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_REWRITE, &change->table, "%s; old type not seen, no rewrite if it was %s",
		              change->label, kept);
	else if (type.verdict == SG_TYPE_UNKNOWN)
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_REWRITE, &change->table, "%s; old type not seen", change->label);
	else if (!find_rechecks(scope, change))
		sg_audit_find(scope, SG_RULE_COLUMN_TYPE_NO_REWRITE, &change->table, "%s%s", change->label, also(scope, change));
}

void sg_rules_column_type(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *command, const char *name)
{
	const struct sg_json *definition = sg_parts_column(command);
	const struct sg_model_column *column = sg_parts_known_column(scope, table, name);
	const char *from = column != NULL ? column->type : NULL;
	const char *to = sg_tree_type(scope->arena, sg_json_get(definition, "typeName"));
	const char *on = sg_audit_name(scope->arena, table);
	struct sg_type_change type =
		sg_type_change_using(scope->arena, scope->model, from, to, name, sg_json_get(definition, "raw_default"));
	struct change change = { .table = table,
		                 .known = sg_model_table(scope->model, table),
		                 .column = name,
		                 .collation = sg_json_get(definition, "collClause") != NULL,
		                 .reindex = type.reindex };

	if (type.verdict == SG_TYPE_BY_ZONE && scope->options->server_version < 12)
		type.verdict = SG_TYPE_REWRITES;
	else if (type.verdict == SG_TYPE_BY_ZONE && sg_rules_zone_is_utc(scope))
		type.verdict = SG_TYPE_KEEPS;
	if (from != NULL && to != NULL)
		change.label = sg_arena_printf(scope->arena, "column %s of %s: %s to %s", name, on, from, to);
	else if (to != NULL)
		change.label = sg_arena_printf(scope->arena, "column %s of %s to %s", name, on, to);
	else
		change.label = sg_arena_printf(scope->arena, "column %s of %s", name, on);
	report(scope, &change, type, to);
}
