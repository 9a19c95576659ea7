/* dml_texts.c - what is said of an operation: the reason of its verdict, with the line of what excuses it, and what to do. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "core/audit/dml.h"
#include "core/audit/section.h"

/* ---- the reason --------------------------------------------------------------------------- */

static const char *place_of(struct sg_arena *arena, const struct sg_dml_fact *fact)
{
	return fact->line > 0 ? sg_arena_printf(arena, "line %d", fact->line)
	                      : sg_arena_printf(arena, "statement %zu", fact->statement + 1);
}

/* "unique index ux_x (line 31)" */
static const char *fact_text(struct sg_arena *arena, const struct sg_dml_fact *fact)
{
	static const char *const kinds[] = { [SG_FACT_UNIQUE_INDEX] = "unique index", [SG_FACT_UNIQUE] = "UNIQUE constraint",
		                             [SG_FACT_PRIMARY_KEY] = "primary key",   [SG_FACT_FOREIGN_KEY] = "foreign key",
		                             [SG_FACT_CHECK] = "CHECK constraint",    [SG_FACT_NOT_NULL] = "NOT NULL" };

	return sg_arena_printf(arena, "%s%s%s (%s)", kinds[fact->kind], fact->name != NULL ? " " : "",
	                       fact->name != NULL ? fact->name : "", place_of(arena, fact));
}

/* GROUP BY takes two NULLs for equal, and UNIQUE does not: such rows would go although nothing needs it. */
static const char *null_warning(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_names *by)
{
	const struct sg_model_table *table = sg_model_table(scope->model, op->tables.list[0]);

	for (size_t i = 0; i < by->count; i++) {
		const struct sg_model_column *column = sg_model_column(table, by->list[i]);

		if ((column != NULL && column->not_null) || sg_dml_names_have(&op->tested, by->list[i]) ||
		    strchr(by->list[i], '(') != NULL)
			continue;
		return sg_arena_printf(
			scope->arena,
			"; rows without %s count as duplicates here, as they do not for UNIQUE: see that none is lost",
			by->list[i]);
	}
	return "";
}

static const char *excuse(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement)
{
	struct sg_arena *arena = scope->arena;
	const struct sg_dml_fact *fact = judgement->fact;
	const char *columns = sg_dml_names_text(arena, &fact->columns);

	if (judgement->kind == SG_DML_DEDUP_FOR_UNIQUE)
		return sg_arena_printf(arena, "%s covers %s%s", fact_text(arena, fact), columns,
		                       null_warning(scope, op, &judgement->group->by));
	if (fact->kind == SG_FACT_FOREIGN_KEY)
		return sg_arena_printf(arena, "%s joins %s with %s as it does", fact_text(arena, fact), columns,
		                       fact->parent.name);
	return sg_arena_printf(arena, "%s on %s refuses the rows that it finds by %s", fact_text(arena, fact), columns,
	                       sg_dml_names_text(arena, &judgement->condition->columns));
}

static const char *of_rows(struct sg_audit_scope *scope, const struct sg_dml_op *op)
{
	struct sg_arena *arena = scope->arena;
	bool many = (int64_t)op->rows >= scope->options->small_rows;

	if (!op->literal && op->source.name != NULL)
		return sg_arena_printf(arena, "it takes as long as %s is large", sg_audit_name(arena, op->source));
	if (!op->literal)
		return "how many rows it writes cannot be seen";
	if (op->loop)
		return "it stands in a loop: how many rows it writes cannot be seen";
	return sg_arena_printf(arena, "%zu row%s written out%s", op->rows, op->rows == 1 ? "" : "s",
	                       many ? sg_arena_printf(arena, ", and small_rows is %" PRId64, scope->options->small_rows) : "");
}

/* How long it takes to fill a table that is new. */
static const char *of_copy(struct sg_audit_scope *scope, const struct sg_dml_op *op)
{
	if (op->source.name != NULL)
		return sg_arena_printf(scope->arena, "%s is large",
		                       sg_audit_name(scope->arena, op->source));
	return "there are rows for it; how many cannot be seen here";
}

/* Why it is no de-duplication or clean-up, if it looks like one. */
static const char *no_excuse(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement)
{
	struct sg_arena *arena = scope->arena;
	const struct sg_dml_fact *nearly = judgement->nearly;

	if (judgement->group != NULL && nearly != NULL && nearly->seq < op->seq)
		return sg_arena_printf(arena, "; duplicates by %s, but %s stands before it",
		                       sg_dml_names_text(arena, &judgement->group->by), fact_text(arena, nearly));
	if (judgement->group != NULL && nearly != NULL)
		return sg_arena_printf(arena, "; duplicates by %s, but %s is on %s",
		                       sg_dml_names_text(arena, &judgement->group->by), fact_text(arena, nearly),
		                       sg_dml_names_text(arena, &nearly->columns));
	if (judgement->group != NULL)
		return sg_arena_printf(arena, "; duplicates by %s, but no UNIQUE on that follows in this migration",
		                       sg_dml_names_text(arena, &judgement->group->by));
	if (judgement->orphan != NULL && nearly != NULL)
		return sg_arena_printf(arena, "; orphans of %s, but %s stands before it", judgement->orphan->parent.name,
		                       fact_text(arena, nearly));
	if (judgement->orphan != NULL)
		return sg_arena_printf(arena, "; orphans of %s, but no foreign key to it follows in this migration",
		                       judgement->orphan->parent.name);
	return "";
}

static const char *of_change(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement)
{
	struct sg_arena *arena = scope->arena;
	const struct sg_dml_condition *condition = judgement->condition;
	const char *table = op->tables.count > 0 ? op->tables.list[0].name : "the table";
	const char *columns = condition != NULL ? sg_dml_names_text(arena, &condition->columns) : "";

	if (judgement->fact != NULL)
		return excuse(scope, op, judgement);
	if (judgement->kind == SG_DML_OTHER && condition != NULL)
		return sg_arena_printf(arena, "by constants of the key %s: at most %zu row%s", columns, condition->values,
		                       condition->values == 1 ? "" : "s");
	if (judgement->new_column)
		return sg_arena_printf(arena, "this migration adds %s, so its WHERE holds for every row of %s", columns, table);
	if (judgement->verdict == SG_DML_POTENTIALLY_UNSAFE && condition != NULL)
		return sg_arena_printf(
			arena, "its WHERE leaves it the rows where %s %s not been given a value: few, or all of %s%s", columns,
			condition->columns.count > 1 ? "have" : "has", table, no_excuse(scope, op, judgement));
	if (op->loop)
		return sg_arena_printf(arena, "it stands in a loop, and takes as long as there are rows%s",
		                       no_excuse(scope, op, judgement));
	return op->limited ? sg_arena_printf(arena, "it takes as long as %s has rows for it%s", table,
	                                     no_excuse(scope, op, judgement))
	                   : sg_arena_printf(arena, "no WHERE: every row of %s", table);
}

const char *sg_dml_reason(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement)
{
	struct sg_arena *arena = scope->result->arena;
	const char *table = op->tables.count > 0 ? sg_audit_name(scope->arena, op->tables.list[0]) : "the table";

	if (op->unread != NULL)
		return sg_arena_strdup(arena, op->unread);
	if (op->fresh && judgement->verdict != SG_DML_SAFE)
		return sg_arena_printf(arena, "nobody else can see %s yet, but the migration's transaction lasts as long as %s", table,
		                       of_copy(scope, op));
	if (op->fresh && op->temporary && op->used_by > 0 && !op->literal)
		return sg_arena_printf(arena, "%s is temporary, and lists the rows of an operation that is safe", table);
	if (op->fresh && op->temporary)
		return sg_arena_printf(arena, "%s is temporary: nobody else can see it", table);
	if (op->fresh)
		return sg_arena_printf(arena, "%s is made by this migration: nobody else can see it yet", table);
	if (op->hidden)
		return sg_arena_strdup(arena, "the table's name is made at run time");
	switch (op->verb) {
	case SG_VERB_UPDATE:
	case SG_VERB_DELETE:
		return sg_arena_strdup(arena, of_change(scope, op, judgement));
	case SG_VERB_TRUNCATE:
		return sg_arena_printf(arena, "every row of %s%s, and nobody reads it meanwhile", table,
		                       op->cascade ? " and of all that point to it" : "");
	case SG_VERB_MERGE:
		if (op->updates || op->deletes)
			return sg_arena_printf(arena, "it changes rows of %s that match; %s", table, of_rows(scope, op));
		break;
	default:
		break;
	}
	return sg_arena_strdup(arena, of_rows(scope, op));
}

/* ---- the action ---------------------------------------------------------------------------- */

/* The key to walk a table by: its primary key, if that is known. */
static const char *key_of(struct sg_audit_scope *scope, struct sg_relation table)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);

	for (size_t i = 0; known != NULL && i < known->constraint_count; i++)
		if (known->constraints[i].kind == 'p' && known->constraints[i].column_count > 0) {
			const char *text = known->constraints[i].columns[0];

			for (size_t c = 1; c < known->constraints[i].column_count; c++)
				text = sg_arena_printf(scope->arena, "%s, %s", text, known->constraints[i].columns[c]);
			return text;
		}
	return "its primary key";
}

/* Has the migration work on other tables too, which is a backfill of its own? */
static bool has_others(const struct sg_audit_scope *scope, struct sg_relation table)
{
	const struct sg_audit_dml_notes *notes = scope->dml;

	for (size_t i = 0; notes != NULL && i < notes->op_count; i++)
		if (notes->ops[i].tables.count > 0 && !notes->ops[i].fresh && !sg_dml_same_table(notes->ops[i].tables.list[0], table))
			return true;
	return false;
}

static const char *section_of(const struct sg_audit_scope *scope, struct sg_relation table)
{
	const struct sg_audit_migration *migration = scope->migration;
	const char *section = sg_audit_section(scope->arena, migration->id, migration->title, migration->layout);

	return has_others(scope, table) ? sg_audit_section_of(scope->arena, section, table.name) : section;
}

const char *sg_dml_action(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement)
{
	struct sg_arena *arena = scope->result->arena;
	struct sg_relation table = op->tables.count > 0 ? op->tables.list[0] : (struct sg_relation){ .name = NULL };
	const char *name, *section;

	if (judgement->verdict == SG_DML_SAFE)
		return "None.";
	if (table.name == NULL)
		return "Write the statements out, so that they can be judged; what changes rows belongs in a backfill.";
	name = sg_audit_name(scope->arena, table);
	section = sg_arena_printf(scope->arena, "[backfill %s] migration = %s", section_of(scope, table),
	                          scope->migration->id);
	if (op->verb == SG_VERB_TRUNCATE)
		return sg_arena_printf(arena,
		                       "If nobody uses %s any more, drop it in a later release; else delete its rows in a "
		                       "backfill: table = %s, "
		                       "key = %s (SG_BACKFILL in its plugin); manifest: %s.",
		                       name, name, key_of(scope, table), section);
	if (op->inserts && op->temporary)
		return sg_arena_printf(arena,
		                       "Move what %s is for to a backfill%s%s; if it always stays small, allow it with a reason.",
		                       name, op->source.name != NULL ? " that walks " : "",
		                       op->source.name != NULL ? sg_audit_name(scope->arena, op->source) : "");
	if (op->inserts && op->source.name != NULL)
		return sg_arena_printf(arena,
		                       "Move it to a backfill: table = %s, key = %s (SG_BACKFILL in its plugin); manifest: %s, "
		                       "also_writes = %s.",
		                       sg_audit_name(scope->arena, op->source), key_of(scope, op->source), section, name);
	if (op->inserts)
		return sg_arena_printf(
			arena,
			"Load the rows in a backfill that drains (SG_DRAIN in its plugin); manifest: %s, also_writes = %s.",
			section, name);
	return sg_arena_printf(arena, "Move it to a backfill: table = %s, key = %s (SG_BACKFILL in its plugin); manifest: %s.",
	                       name, key_of(scope, table), section);
}
