/* rules_foreign_keys.c - foreign keys: they lock two tables, and read both unless told not to. What needs the whole migration (is there
 * an index in the end? are the types equal?) is judged at its end. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "core/audit/parts.h"
#include "core/audit/rules_constraints.h"
#include "core/audit/type_change.h"
#include "core/sql/tree.h"

#define LOCKED_MAX 1000 /* tables that a transaction locks: of more nothing new is said */

static const char *const *copy_strings(struct sg_arena *arena, const struct sg_json *list, size_t *count_r)
{
	size_t count = sg_json_count(list);
	const char **strings = count > 0 ? sg_arena_array(arena, count, sizeof *strings) : NULL;

	*count_r = 0;
	for (size_t i = 0; i < count; i++) {
		const char *text = sg_node_string(sg_json_at(list, i));

		if (text != NULL)
			strings[(*count_r)++] = sg_arena_strdup(arena, text);
	}
	return *count_r > 0 ? strings : NULL;
}

static struct sg_relation copy_relation(struct sg_arena *arena, struct sg_relation relation)
{
	return (struct sg_relation){ sg_arena_strdup(arena, relation.schema), sg_arena_strdup(arena, relation.name) };
}

static const struct sg_rules_fk *note(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint,
                                      const struct sg_json *column)
{
	struct sg_audit_constraint_notes *notes = sg_rules_constraint_notes(scope);
	struct sg_arena *arena = scope->arena;
	struct sg_rules_fk *key;

	notes->keys = sg_arena_grow(arena, notes->keys, &notes->key_capacity, notes->key_count + 1, sizeof *notes->keys);
	key = &notes->keys[notes->key_count++];
	*key = (struct sg_rules_fk){ .number = scope->number,
		                     .child = copy_relation(arena, table),
		                     .parent = copy_relation(arena, sg_tree_relation(sg_json_get(constraint, "pktable"))) };
	key->parent_columns = copy_strings(arena, sg_json_get(constraint, "pk_attrs"), &key->parent_column_count);
	if (column == NULL) {
		key->columns = copy_strings(arena, sg_json_get(constraint, "fk_attrs"), &key->column_count);
	} else {
		const char **one = sg_arena_array(arena, 1, sizeof *one);
		const char *name = sg_json_text(sg_json_get(column, "colname"));

		one[0] = sg_arena_strdup(arena, name != NULL ? name : "");
		key->columns = one;
		key->column_count = 1;
	}
	return key;
}

/* ---- locks ----------------------------------------------------------------------------- */

static bool was_there(const struct sg_audit_scope *scope, struct sg_relation table)
{
	const struct sg_model_table *known = sg_model_table(scope->model, table);

	return table.name != NULL && !sg_model_is_new(scope->model, table) && (known == NULL || !known->temporary);
}

/* Does it lock a table that no foreign key before it in the transaction did? The first one only notes its own. */
static void count_locks(struct sg_audit_scope *scope, const struct sg_rules_fk *key, const char *label)
{
	struct sg_audit_constraint_notes *notes = scope->constraints;
	size_t before;

	if (!scope->in_transaction)
		return;
	if (notes->locking != scope->transaction)
		notes->locked.count = 0;
	notes->locking = scope->transaction;
	before = notes->locked.count;
	if (before >= LOCKED_MAX)
		return;
	if (was_there(scope, key->child))
		sg_relations_add(scope->arena, &notes->locked, key->child);
	if (was_there(scope, key->parent))
		sg_relations_add(scope->arena, &notes->locked, key->parent);
	if (before > 0 && notes->locked.count > before)
		sg_audit_find(scope, SG_RULE_CONSTRAINT_MULTIPLE_FKS, was_there(scope, key->child) ? &key->child : &key->parent,
		              "%s; %zu tables are locked by now", label, notes->locked.count);
}

/* In a column's definition without a default there is nothing to be checked: it is NULL in every row. */
static bool is_checked(const struct sg_json *constraint, const struct sg_json *column)
{
	return column == NULL ? !sg_json_true(sg_json_get(constraint, "skip_validation"))
	                      : sg_parts_constraint(column, "CONSTR_DEFAULT") != NULL;
}

static void look_at_lock(struct sg_audit_scope *scope, const struct sg_rules_fk *key, bool checked, bool in_column, const char *label)
{
	const struct sg_model_table *known = sg_model_table(scope->model, key->child);
	bool partitioned = known != NULL && known->kind == 'p' && scope->options->server_version < 18;

	if (partitioned && !checked && !in_column)
		sg_audit_find(scope, SG_RULE_CONSTRAINT_ADD_FK, &key->child,
		              "%s: fails, a partitioned table takes no NOT VALID before 18; add it to each partition NOT VALID, validate "
		              "there, then add it here: the partitions are not read again", label);
	else if (partitioned && checked)
		sg_audit_find(scope, SG_RULE_CONSTRAINT_ADD_FK, &key->child,
		              "%s: NOT VALID cannot be said of a partitioned table before 18; add it to each partition NOT VALID, "
		              "validate there, then add it here: partitions that have it are not read again", label);
	else if (checked && !in_column && was_there(scope, key->child))
		sg_audit_find(scope, SG_RULE_CONSTRAINT_ADD_FK, &key->child, "%s", label);
	else if (!checked || !was_there(scope, key->child))
		sg_audit_find(scope, SG_RULE_CONSTRAINT_ADD_FK_NOT_VALID, was_there(scope, key->child) ? &key->child : &key->parent,
		              "%s", label);
}

void sg_rules_foreign_key(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *constraint,
                          const struct sg_json *column, bool alter)
{
	const struct sg_rules_fk *key = note(scope, table, constraint, column);
	const char *label;

	if (!alter || key->parent.name == NULL)
		return;
	label = sg_arena_printf(scope->arena, "%s (%s) to %s", sg_audit_name(scope->arena, key->child),
	                        sg_parts_join(scope->arena, key->columns, key->column_count),
	                        sg_audit_name(scope->arena, key->parent));
	look_at_lock(scope, key, is_checked(constraint, column), column != NULL, label);
	count_locks(scope, key, label);
}

void sg_rules_foreign_keys_of(struct sg_audit_scope *scope, struct sg_relation table, const struct sg_json *column, bool alter)
{
	const struct sg_json *list = sg_json_get(column, "constraints");

	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(list, i), "Constraint");

		if (sg_node_is(constraint, "contype", "CONSTR_FOREIGN"))
			sg_rules_foreign_key(scope, table, constraint, column, alter);
	}
}

/* ---- when all was seen -------------------------------------------------------------------- */

/* The types of text are one for a comparison, and modifiers are none of its business. */
static const char *comparable(struct sg_arena *arena, const char *type)
{
	const char *bare = sg_type_bare(arena, type);

	return strcmp(bare, "character varying") == 0 ? "text" : bare;
}

static void look_at_types(struct sg_audit_scope *scope, const struct sg_rules_fk *key, const struct sg_model_table *child)
{
	const struct sg_model_table *parent = sg_model_table(scope->model, key->parent);
	const char *const *columns = key->parent_columns;
	size_t count = key->parent_column_count;

	for (size_t i = 0; parent != NULL && columns == NULL && i < parent->constraint_count; i++)
		if (parent->constraints[i].kind == 'p') {
			columns = parent->constraints[i].columns;
			count = parent->constraints[i].column_count;
		}
	for (size_t i = 0; parent != NULL && columns != NULL && i < count && i < key->column_count; i++) {
		const struct sg_model_column *from = sg_model_column(child, key->columns[i]), *to = sg_model_column(parent, columns[i]);

		if (from == NULL || to == NULL || from->type == NULL || to->type == NULL ||
		    strcmp(comparable(scope->arena, from->type), comparable(scope->arena, to->type)) == 0 ||
		    sg_type_in_model(scope->arena, scope->model, from->type) != NULL ||
		    sg_type_in_model(scope->arena, scope->model, to->type) != NULL)
			continue;
		sg_audit_find_at(scope, key->number, SG_RULE_CONSTRAINT_FK_TYPE_MISMATCH, NULL, "%s.%s is %s, %s.%s is %s",
		                 sg_audit_name(scope->arena, key->child), key->columns[i], from->type,
		                 sg_audit_name(scope->arena, key->parent), columns[i], to->type);
	}
}

/* Of a table that was not seen whole, an index may be there: only a column of this migration cannot have one. */
static bool may_be_indexed(const struct sg_audit_scope *scope, const struct sg_rules_fk *key, const struct sg_model_table *child)
{
	for (size_t i = 0; !child->known && i < key->column_count; i++)
		if (sg_parts_column_is_new(scope, key->child, key->columns[i]))
			return false;
	return !child->known;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is it one of the first columns of such a list ("run_id, lead_id DESC")? A name in quotes is compared without them. */
static bool leads(const char *columns, size_t count, const char *column)
{
	size_t length = strlen(column);

	for (const char *at = columns; count > 0; count--) {
		const char *end = at + strcspn(at, ",");

		while (is_blank(*at) || *at == '"')
			at++;
		if (strncmp(at, column, length) == 0 && (at + length == end || is_blank(at[length]) || at[length] == '"'))
			return true;
		if (*end == '\0')
			break;
		at = end + 1;
	}
	return false;
}

/* A partial index is of use only if it leaves out none but the rows that refer to nothing: "run_id IS NOT NULL". */
static bool covers_all(struct sg_arena *arena, const char *where, const struct sg_rules_fk *key)
{
	return where == NULL ||
	       (key->column_count == 1 && strcasecmp(where, sg_arena_printf(arena, "%s IS NOT NULL", key->columns[0])) == 0);
}

/* An index section of the manifest does it: after the migration, and concurrently. */
static bool is_in_registry(const struct sg_audit_scope *scope, const struct sg_rules_fk *key)
{
	const struct sg_manifest *manifest = scope->options->manifest;

	for (size_t i = 0; manifest != NULL && i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];
		const char *dot = step->kind == SG_STEP_INDEX && step->table != NULL ? strrchr(step->table, '.') : NULL;
		size_t found = 0;

		if (step->kind != SG_STEP_INDEX || step->table == NULL || step->columns == NULL ||
		    !covers_all(scope->arena, step->where, key) ||
		    strcmp(dot != NULL ? dot + 1 : step->table, key->child.name) != 0)
			continue;
		while (found < key->column_count && leads(step->columns, key->column_count, key->columns[found]))
			found++;
		if (found == key->column_count)
			return true;
	}
	return false;
}

void sg_rules_foreign_keys_end(struct sg_audit_scope *scope)
{
	const struct sg_audit_constraint_notes *notes = scope->constraints;

	for (size_t i = 0; notes != NULL && i < notes->key_count; i++) {
		const struct sg_rules_fk *key = &notes->keys[i];
		const struct sg_model_table *child = sg_model_table(scope->model, key->child);

		if (child == NULL || child->dropped || child->temporary)
			continue;
		look_at_types(scope, key, child);
		if (key->column_count > 0 && !sg_model_is_indexed(child, key->columns, key->column_count) &&
		    !may_be_indexed(scope, key, child) && !is_in_registry(scope, key))
			sg_audit_find_at(scope, key->number, SG_RULE_CONSTRAINT_FK_WITHOUT_INDEX, NULL, "%s (%s) to %s",
			                 sg_audit_name(scope->arena, key->child),
			                 sg_parts_join(scope->arena, key->columns, key->column_count),
			                 key->parent.name != NULL ? sg_audit_name(scope->arena, key->parent) : "?");
	}
}
