/* dml_facts.c - what a migration's definitions add that a write before them may be needed for: UNIQUE, primary and foreign
 * keys, CHECK, NOT NULL. It reads the tree by itself, so that definitions inside DO blocks count, in the order in which they
 * are run. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"
#include "core/sql/tree.h"

static struct sg_relation copy(struct sg_arena *arena, struct sg_relation name)
{
	return (struct sg_relation){ .schema = sg_arena_strdup(arena, name.schema), .name = sg_arena_strdup(arena, name.name) };
}

static struct sg_dml_fact *add(struct sg_dml_reader *reader, enum sg_dml_fact_kind kind, struct sg_relation table,
                               const char *name)
{
	struct sg_audit_dml_notes *notes = reader->notes;
	struct sg_arena *arena = reader->scope->arena;
	struct sg_dml_fact *fact;

	notes->facts = sg_arena_grow(arena, notes->facts, &notes->fact_capacity, notes->fact_count + 1, sizeof *notes->facts);
	fact = &notes->facts[notes->fact_count++];
	*fact = (struct sg_dml_fact){ .kind = kind,
		                      .table = copy(arena, table),
		                      .name = sg_arena_strdup(arena, name),
		                      .seq = notes->seq++,
		                      .line = reader->scope->statement->line,
		                      .statement = reader->scope->number };
	return fact;
}

static void add_strings(struct sg_arena *arena, struct sg_dml_names *names, const struct sg_json *list)
{
	for (size_t i = 0; i < sg_json_count(list); i++)
		sg_dml_names_add(arena, names, sg_node_string(sg_json_at(list, i)));
}

/* ADD CONSTRAINT … USING INDEX: what that index is over. */
static void add_index_columns(struct sg_dml_reader *reader, struct sg_dml_fact *fact, const char *name)
{
	struct sg_audit_dml_notes *notes = reader->notes;
	const struct sg_model_index *known;
	struct sg_arena *arena = reader->scope->arena;

	for (size_t i = 0; i < notes->fact_count && sg_dml_may_compare(notes); i++) {
		const struct sg_dml_fact *other = &notes->facts[i];

		if (other->kind != SG_FACT_UNIQUE_INDEX || other->name == NULL || strcmp(other->name, name) != 0)
			continue;
		for (size_t c = 0; c < other->columns.count; c++)
			sg_dml_names_add(arena, &fact->columns, other->columns.list[c]);
		return;
	}
	known = sg_model_index(reader->scope->model, (struct sg_relation){ .schema = fact->table.schema, .name = name }, NULL);
	for (size_t c = 0; known != NULL && c < known->column_count; c++)
		sg_dml_names_add(arena, &fact->columns, known->columns[c][0] != '\0' ? known->columns[c] : "?");
}

static void constraint(struct sg_dml_reader *reader, struct sg_relation table, const struct sg_json *body, const char *column)
{
	struct sg_arena *arena = reader->scope->arena;
	const char *name = sg_json_text(sg_json_get(body, "conname")), *using = sg_json_text(sg_json_get(body, "indexname"));
	struct sg_dml_fact *fact = NULL;
	const struct sg_json *columns = sg_json_get(body, "keys");

	if (sg_node_is(body, "contype", "CONSTR_UNIQUE") || sg_node_is(body, "contype", "CONSTR_PRIMARY")) {
		bool primary = sg_node_is(body, "contype", "CONSTR_PRIMARY");

		fact = add(reader, primary ? SG_FACT_PRIMARY_KEY : SG_FACT_UNIQUE, table, name != NULL ? name : using);
		if (using != NULL)
			add_index_columns(reader, fact, using);
	} else if (sg_node_is(body, "contype", "CONSTR_FOREIGN")) {
		fact = add(reader, SG_FACT_FOREIGN_KEY, table, name);
		fact->parent = copy(arena, sg_tree_relation(sg_json_get(body, "pktable")));
		add_strings(arena, &fact->parent_columns, sg_json_get(body, "pk_attrs"));
		columns = sg_json_get(body, "fk_attrs");
	} else if (sg_node_is(body, "contype", "CONSTR_CHECK")) {
		fact = add(reader, SG_FACT_CHECK, table, name);
		sg_dml_columns_of(arena, sg_json_get(body, "raw_expr"), &fact->columns);
		columns = NULL;
	} else if (sg_node_is(body, "contype", "CONSTR_NOTNULL")) {
		fact = add(reader, SG_FACT_NOT_NULL, table, name);
	}
	if (fact == NULL)
		return;
	fact->not_valid = sg_json_true(sg_json_get(body, "skip_validation"));
	add_strings(arena, &fact->columns, columns);
	if (fact->columns.count == 0)
		sg_dml_names_add(arena, &fact->columns, column);
}

static void new_column(struct sg_dml_reader *reader, struct sg_relation table, const struct sg_json *column)
{
	struct sg_audit_dml_notes *notes = reader->notes;
	struct sg_arena *arena = reader->scope->arena;
	const struct sg_json *constraints = sg_json_get(column, "constraints");
	const char *name = sg_json_text(sg_json_get(column, "colname"));
	struct sg_dml_new_column *added;

	if (name == NULL)
		return;
	notes->columns =
		sg_arena_grow(arena, notes->columns, &notes->column_capacity, notes->column_count + 1, sizeof *notes->columns);
	added = &notes->columns[notes->column_count++];
	*added = (struct sg_dml_new_column){ .table = copy(arena, table), .name = sg_arena_strdup(arena, name) };
	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *body = sg_node_as(sg_json_at(constraints, i), "Constraint");

		if (sg_node_is(body, "contype", "CONSTR_DEFAULT"))
			added->value = sg_dml_say(arena, sg_json_get(body, "raw_expr"));
		else
			constraint(reader, table, body, name);
	}
}

/* From here on all rows satisfy it: an earlier NOT VALID let the old ones be. */
static void validate(struct sg_dml_reader *reader, struct sg_relation table, const char *name)
{
	struct sg_audit_dml_notes *notes = reader->notes;
	const struct sg_model_constraint *known = sg_model_constraint(sg_model_table(reader->scope->model, table), name);
	struct sg_arena *arena = reader->scope->arena;
	struct sg_dml_fact *fact;

	for (size_t i = 0; name != NULL && i < notes->fact_count && sg_dml_may_compare(notes); i++) {
		const struct sg_dml_fact *other = &notes->facts[i];

		if (other->name == NULL || strcmp(other->name, name) != 0 || !sg_dml_same_table(other->table, table) ||
		    !other->not_valid)
			continue;
		fact = add(reader, other->kind, table, name);
		other = &notes->facts[i]; /* the list may have moved */
		fact->columns = other->columns;
		fact->parent = other->parent;
		fact->parent_columns = other->parent_columns;
		return;
	}
	if (name == NULL || known == NULL || !known->not_valid || (known->kind != 'f' && known->kind != 'c'))
		return;
	fact = add(reader, known->kind == 'f' ? SG_FACT_FOREIGN_KEY : SG_FACT_CHECK, table, name);
	for (size_t c = 0; c < known->column_count; c++)
		sg_dml_names_add(arena, &fact->columns, known->columns[c]);
	if (known->kind == 'f')
		fact->parent = copy(arena, known->parent);
	for (size_t c = 0; c < known->parent_column_count; c++)
		sg_dml_names_add(arena, &fact->parent_columns, known->parent_columns[c]);
}

static void alter_table(struct sg_dml_reader *reader, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *commands = sg_json_get(body, "cmds");

	for (size_t i = 0; i < sg_json_count(commands); i++) {
		const struct sg_json *command = sg_node_as(sg_json_at(commands, i), "AlterTableCmd");
		const char *name = sg_json_text(sg_json_get(command, "name"));

		if (sg_node_is(command, "subtype", "AT_AddConstraint"))
			constraint(reader, table, sg_node_as(sg_json_get(command, "def"), "Constraint"), NULL);
		else if (sg_node_is(command, "subtype", "AT_AddColumn"))
			new_column(reader, table, sg_node_as(sg_json_get(command, "def"), "ColumnDef"));
		else if (sg_node_is(command, "subtype", "AT_SetNotNull"))
			sg_dml_names_add(reader->scope->arena, &add(reader, SG_FACT_NOT_NULL, table, NULL)->columns, name);
		else if (sg_node_is(command, "subtype", "AT_ValidateConstraint"))
			validate(reader, table, name);
	}
}

static void unique_index(struct sg_dml_reader *reader, const struct sg_json *body)
{
	struct sg_arena *arena = reader->scope->arena;
	const struct sg_json *params = sg_json_get(body, "indexParams");
	struct sg_dml_fact *fact;

	if (!sg_json_true(sg_json_get(body, "unique")))
		return;
	fact = add(reader, SG_FACT_UNIQUE_INDEX, sg_tree_relation(sg_json_get(body, "relation")),
	           sg_json_text(sg_json_get(body, "idxname")));
	for (size_t i = 0; i < sg_json_count(params); i++) {
		const struct sg_json *element = sg_node_as(sg_json_at(params, i), "IndexElem");
		const char *name = sg_json_text(sg_json_get(element, "name"));

		if (name == NULL)
			name = sg_dml_say(arena, sg_json_get(element, "expr"));
		sg_dml_names_add(arena, &fact->columns, name != NULL ? name : "?");
	}
}

void sg_dml_facts(struct sg_dml_reader *reader, const char *node, const struct sg_json *body)
{
	if (strcmp(node, "AlterTableStmt") == 0) {
		alter_table(reader, body);
	} else if (strcmp(node, "IndexStmt") == 0) {
		unique_index(reader, body);
	} else if (strcmp(node, "CreateStmt") == 0 && reader->via != NULL) {
		/* the model does not look into bodies */
		const struct sg_json *relation = sg_json_get(body, "relation");

		sg_relations_add(reader->scope->arena,
		                 sg_node_is(relation, "relpersistence", "t") ? &reader->notes->temporary : &reader->notes->made,
		                 sg_tree_relation(relation));
	}
}
