/* dml_judge.c - kind and verdict of an operation, once all of its migration is known.
 *
 * Safe is what can be shown to be small or needed: rows that stand in the file, duplicates that a UNIQUE of the same columns
 * would trip over, rows that a foreign key, CHECK or NOT NULL added later would refuse, and whatever happens to a table that
 * nobody else can see. What is not shown is not safe. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"

static bool is_unique(const struct sg_dml_fact *fact)
{
	return fact->kind == SG_FACT_UNIQUE_INDEX || fact->kind == SG_FACT_UNIQUE || fact->kind == SG_FACT_PRIMARY_KEY;
}

static bool writes(const struct sg_dml_op *op, const struct sg_dml_fact *fact)
{
	return op->tables.count > 0 && sg_dml_same_table(op->tables.list[0], fact->table);
}

/* An UPDATE helps a constraint only by changing what it is over. */
static bool changes(const struct sg_dml_op *op, const struct sg_dml_fact *fact)
{
	return op->verb == SG_VERB_DELETE || sg_dml_names_meet(&op->set, &fact->columns);
}

/* ---- what excuses it --------------------------------------------------------------------- */

static bool is_dedup(struct sg_audit_dml_notes *notes, const struct sg_dml_op *op, struct sg_dml_judgement *out)
{
	for (size_t g = 0; g < op->group_count; g++) {
		const struct sg_dml_group *group = &op->groups[g];

		if (!group->keeps)
			continue;
		out->group = out->group != NULL ? out->group : group;
		for (size_t f = 0; f < notes->fact_count && sg_dml_may_compare(notes); f++) {
			const struct sg_dml_fact *fact = &notes->facts[f];

			if (!is_unique(fact) || !writes(op, fact) || !changes(op, fact))
				continue;
			if (fact->seq > op->seq && sg_dml_names_equal(&group->by, &fact->columns)) {
				out->group = group;
				out->fact = fact;
				return true;
			}
			out->nearly = fact;
		}
	}
	return false;
}

static bool points_so(const struct sg_audit_scope *scope, const struct sg_dml_fact *fact, const struct sg_dml_orphan *orphan)
{
	const struct sg_model_table *parent = sg_model_table(scope->model, fact->parent);
	struct sg_dml_names key = fact->parent_columns;
	bool same = sg_dml_names_equal(&orphan->child, &fact->columns);

	if (!sg_dml_same_table(fact->parent, orphan->parent))
		return false;
	if (orphan->either)
		return same || sg_dml_names_equal(&orphan->parent_columns, &fact->columns);
	for (size_t i = 0; key.count == 0 && parent != NULL && i < parent->constraint_count; i++)
		if (parent->constraints[i].kind == 'p')
			for (size_t c = 0; c < parent->constraints[i].column_count; c++)
				sg_dml_names_add(scope->arena, &key, parent->constraints[i].columns[c]);
	return same && (key.count == 0 || sg_dml_names_equal(&orphan->parent_columns, &key));
}

/* The foreign key that they would break; *nearly_r: one that stands before. */
static const struct sg_dml_fact *key_for(const struct sg_audit_scope *scope, const struct sg_dml_op *op,
                                         const struct sg_dml_orphan *orphan, const struct sg_dml_fact **nearly_r)
{
	struct sg_audit_dml_notes *notes = scope->dml;

	for (size_t f = 0; f < notes->fact_count && sg_dml_may_compare(notes); f++) {
		const struct sg_dml_fact *fact = &notes->facts[f];

		if (fact->kind != SG_FACT_FOREIGN_KEY || !writes(op, fact) || !changes(op, fact) ||
		    !points_so(scope, fact, orphan))
			continue;
		if (fact->seq > op->seq)
			return fact;
		*nearly_r = fact;
	}
	return NULL;
}

static bool is_orphan_cleanup(const struct sg_audit_scope *scope, const struct sg_dml_op *op, struct sg_dml_judgement *out)
{
	for (size_t o = 0; o < op->orphan_count; o++) {
		const struct sg_dml_orphan *orphan = &op->orphans[o];
		const struct sg_dml_fact *fact = key_for(scope, op, orphan, &out->nearly);
		bool all = fact != NULL;

		out->orphan = out->orphan != NULL || orphan->parent.name == NULL ? out->orphan : orphan;
		for (size_t i = 0; all && orphan->choice != 0 && i < op->orphan_count; i++)
			if (op->orphans[i].choice == orphan->choice &&
			    key_for(scope, op, &op->orphans[i], &out->nearly) == NULL) {
				all = false;
				out->orphan = &op->orphans[i];
			}
		if (all) {
			out->orphan = orphan;
			out->fact = fact;
			return true;
		}
	}
	return false;
}

/* Would the constraint refuse what the condition finds? */
static bool refuses(const struct sg_dml_fact *fact, const struct sg_dml_condition *condition)
{
	bool value = condition->test == SG_TEST_EMPTY || condition->test == SG_TEST_CONSTANT;

	if (condition->subquery || condition->test == SG_TEST_NOT_NULL ||
	    !sg_dml_names_within(&condition->columns, &fact->columns))
		return false;
	switch (fact->kind) {
	case SG_FACT_CHECK:
		return true;
	case SG_FACT_NOT_NULL:
		return condition->test == SG_TEST_NULL;
	case SG_FACT_PRIMARY_KEY:
		return value || condition->test == SG_TEST_NULL;
	case SG_FACT_UNIQUE:
	case SG_FACT_UNIQUE_INDEX:
		return value;
	case SG_FACT_FOREIGN_KEY:
		break;
	}
	return false;
}

static const struct sg_dml_new_column *new_column(struct sg_audit_dml_notes *notes, const struct sg_dml_op *op,
                                                  const struct sg_dml_names *columns)
{
	for (size_t i = 0; i < notes->column_count && sg_dml_may_compare(notes); i++)
		if (op->tables.count > 0 && sg_dml_same_table(notes->columns[i].table, op->tables.list[0]) &&
		    sg_dml_names_have(columns, notes->columns[i].name))
			return &notes->columns[i];
	return NULL;
}

static bool is_cleanup(struct sg_audit_dml_notes *notes, const struct sg_dml_op *op, struct sg_dml_judgement *out)
{
	for (size_t c = 0; c < op->condition_count; c++)
		for (size_t f = 0; f < notes->fact_count && sg_dml_may_compare(notes); f++) {
			const struct sg_dml_fact *fact = &notes->facts[f];

			if (fact->seq < op->seq || !writes(op, fact) || !changes(op, fact) ||
			    !refuses(fact, &op->conditions[c]))
				continue;
			out->condition = &op->conditions[c];
			/* A column of this very migration has its default in every row: that is no clean-up of some. */
			if (new_column(notes, op, &op->conditions[c].columns) != NULL) {
				out->new_column = true;
				continue;
			}
			out->fact = fact;
			return true;
		}
	return false;
}

/* ---- what limits it ------------------------------------------------------------------------ */

/* IS NULL, = '', or = the default with which the column was added. */
static bool is_default(struct sg_audit_dml_notes *notes, const struct sg_dml_op *op, const struct sg_dml_condition *condition)
{
	const struct sg_dml_new_column *added = new_column(notes, op, &condition->columns);

	return condition->test == SG_TEST_NULL || condition->test == SG_TEST_EMPTY ||
	       (condition->test == SG_TEST_CONSTANT && condition->value != NULL && added != NULL && added->value != NULL &&
	        strcmp(added->value, condition->value) == 0);
}

static const struct sg_dml_condition *default_condition(struct sg_audit_dml_notes *notes, const struct sg_dml_op *op)
{
	for (size_t i = 0; i < op->condition_count; i++) {
		const struct sg_dml_condition *condition = &op->conditions[i];

		if (condition->columns.count > 0 && is_default(notes, op, condition) &&
		    (op->verb == SG_VERB_DELETE || sg_dml_names_meet(&op->set, &condition->columns)))
			return condition;
	}
	return NULL;
}

/* Constants of a column that is unique: a row each at most. */
static const struct sg_dml_condition *key_condition(const struct sg_audit_scope *scope, const struct sg_dml_op *op)
{
	const struct sg_model_table *table = op->tables.count > 0 ? sg_model_table(scope->model, op->tables.list[0]) : NULL;

	for (size_t i = 0; table != NULL && i < op->condition_count; i++) {
		const struct sg_dml_condition *condition = &op->conditions[i];

		if (condition->test != SG_TEST_CONSTANT || condition->values == 0 || condition->columns.count != 1 ||
		    (int64_t)condition->values >= scope->options->small_rows)
			continue;
		for (size_t c = 0; c < table->constraint_count; c++)
			if ((table->constraints[c].kind == 'p' || table->constraints[c].kind == 'u') &&
			    table->constraints[c].column_count == 1 &&
			    strcmp(table->constraints[c].columns[0], condition->columns.list[0]) == 0)
				return condition;
		for (size_t c = 0; c < table->index_count; c++)
			if (table->indexes[c].unique && !table->indexes[c].partial && table->indexes[c].column_count == 1 &&
			    strcmp(table->indexes[c].columns[0], condition->columns.list[0]) == 0)
				return condition;
	}
	return NULL;
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static void judge_change(const struct sg_audit_scope *scope, const struct sg_dml_op *op, struct sg_dml_judgement *out)
{
	bool update = op->verb == SG_VERB_UPDATE;
	struct sg_dml_judgement found = { .kind = update ? SG_DML_BULK_UPDATE : SG_DML_BULK_DELETE, .verdict = SG_DML_UNSAFE };
	const struct sg_dml_condition *condition;

	if (is_dedup(scope->dml, op, &found)) {
		found.kind = SG_DML_DEDUP_FOR_UNIQUE;
		found.verdict = SG_DML_SAFE;
	} else if (is_orphan_cleanup(scope, op, &found) || is_cleanup(scope->dml, op, &found)) {
		found.kind = SG_DML_ORPHAN_CLEANUP;
		found.verdict = SG_DML_SAFE;
	} else if (!op->loop && (condition = default_condition(scope->dml, op)) != NULL) {
		found.kind = update ? SG_DML_ONE_TIME_DEFAULT : SG_DML_BULK_DELETE;
		found.verdict = SG_DML_POTENTIALLY_UNSAFE;
		found.condition = condition;
		found.new_column = new_column(scope->dml, op, &condition->columns) != NULL;
	} else if (!op->loop && (condition = key_condition(scope, op)) != NULL) {
		found.kind = SG_DML_OTHER;
		found.verdict = SG_DML_POTENTIALLY_UNSAFE;
		found.condition = condition;
	}
	*out = found;
}

static void judge_rows(const struct sg_audit_scope *scope, const struct sg_dml_op *op, struct sg_dml_judgement *out)
{
	bool seed = op->literal && !op->loop && (int64_t)op->rows < scope->options->small_rows;

	out->kind = seed ? SG_DML_SEED_INSERT : SG_DML_DATA_COPY;
	out->verdict = seed ? SG_DML_SAFE : SG_DML_POTENTIALLY_UNSAFE;
	if (op->verb == SG_VERB_MERGE && (op->updates || op->deletes)) {
		out->kind = op->deletes ? SG_DML_BULK_DELETE : SG_DML_BULK_UPDATE;
		out->verdict = seed && !op->deletes ? SG_DML_POTENTIALLY_UNSAFE : SG_DML_UNSAFE;
	}
}

/* Nobody sees the rows of a new table, but the transaction lasts as long as it takes to write them: rows that stand in the
 * statement are few, rows read from another table are as many as that one has. A list made for an excused DELETE or UPDATE is a
 * part of that one. */
static bool is_copy(struct sg_audit_scope *scope, const struct sg_dml_op *op)
{
	const struct sg_dml_op *user = op->used_by > 0 ? &scope->dml->ops[op->used_by - 1] : NULL;
	struct sg_dml_judgement judgement = { .verdict = SG_DML_UNSAFE };

	if (!op->inserts || (op->literal && !op->loop) || (op->source_fresh && !op->loop))
		return false;
	if (user != NULL && (user->verb == SG_VERB_UPDATE || user->verb == SG_VERB_DELETE))
		judge_change(scope, user, &judgement);
	return judgement.verdict != SG_DML_SAFE;
}

void sg_dml_judge(struct sg_audit_scope *scope, const struct sg_dml_op *op, struct sg_dml_judgement *out)
{
	*out = (struct sg_dml_judgement){ .kind = SG_DML_OTHER, .verdict = SG_DML_UNSAFE };
	switch (op->verb) {
	case SG_VERB_INSERT:
	case SG_VERB_MERGE:
	case SG_VERB_COPY:
	case SG_VERB_CREATE:
		judge_rows(scope, op, out);
		break;
	case SG_VERB_UPDATE:
	case SG_VERB_DELETE:
		judge_change(scope, op, out);
		break;
	case SG_VERB_TRUNCATE:
		out->kind = SG_DML_BULK_DELETE;
		break;
	case SG_VERB_UNKNOWN:
		break;
	}
	if (op->fresh && (!op->hidden || op->verb == SG_VERB_CREATE))
		out->verdict = is_copy(scope, op) ? SG_DML_POTENTIALLY_UNSAFE : SG_DML_SAFE;
	else if (op->hidden && out->verdict != SG_DML_SAFE)
		out->verdict = SG_DML_UNSAFE;
}
