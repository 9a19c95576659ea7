/* model_create.c - CREATE TABLE and what else makes something that has columns: views, materialized views, foreign tables,
 * SELECT INTO, sequences, and the elements of CREATE SCHEMA. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

struct sg_model_column *sg_model_define_column(struct sg_table *table, const struct sg_json *body)
{
	struct sg_model *model = table->model;
	const struct sg_json *type = sg_json_get(body, "typeName"), *constraints = sg_json_get(body, "constraints");
	struct sg_model_column *column =
		sg_model_add_column(table, sg_model_keep(model, sg_json_text(sg_json_get(body, "colname"))));

	if (column == NULL)
		return NULL;
	column->type = type != NULL ? sg_model_type_text(model, type) : NULL;
	column->serial = sg_tree_type_is_serial(type);
	column->not_null = column->serial || sg_json_true(sg_json_get(body, "is_not_null"));
	column->has_default = column->serial || sg_json_get(body, "raw_default") != NULL;
	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(constraints, i), "Constraint");

		if (sg_node_is(constraint, "contype", "CONSTR_NOTNULL") || sg_node_is(constraint, "contype", "CONSTR_PRIMARY"))
			column->not_null = true;
		else if (sg_node_is(constraint, "contype", "CONSTR_DEFAULT"))
			column->has_default = true;
		else if (sg_node_is(constraint, "contype", "CONSTR_GENERATED"))
			column->generated = true;
		else if (sg_node_is(constraint, "contype", "CONSTR_IDENTITY"))
			column->identity = column->not_null = true;
	}
	return column;
}

static void create_table(struct sg_model *model, const struct sg_json *body, char kind)
{
	const struct sg_json *rangevar = sg_json_get(body, "relation"), *elements = sg_json_get(body, "tableElts");
	struct sg_relation name = sg_tree_relation(rangevar);
	struct sg_table *table;

	if (sg_json_true(sg_json_get(body, "if_not_exists")) && sg_model_live(model, name) != NULL)
		return;
	if (sg_json_get(body, "partspec") != NULL)
		kind = 'p';
	table = sg_model_make(model, name, kind, sg_node_is(rangevar, "relpersistence", "t"));
	for (size_t i = 0; table != NULL && i < sg_json_count(elements); i++) {
		const struct sg_json *column = sg_node_as(sg_json_at(elements, i), "ColumnDef");

		if (column != NULL)
			sg_model_define_column(table, column);
	}
}

/* CREATE TABLE AS, CREATE MATERIALIZED VIEW, SELECT INTO: into is an IntoClause. */
static void create_as(struct sg_model *model, const struct sg_json *into, char kind, bool if_not_exists)
{
	const struct sg_json *rangevar = sg_json_get(into, "rel");
	struct sg_relation name = sg_tree_relation(rangevar);

	if (if_not_exists && sg_model_live(model, name) != NULL)
		return;
	sg_model_make(model, name, kind, sg_node_is(rangevar, "relpersistence", "t"));
}

bool sg_model_apply_create(struct sg_model *model, const char *node, const struct sg_json *body)
{
	if (strcmp(node, "CreateStmt") == 0)
		create_table(model, body, 'r');
	else if (strcmp(node, "CreateForeignTableStmt") == 0)
		create_table(model, sg_json_get(body, "base"), 'f');
	else if (strcmp(node, "CreateTableAsStmt") == 0)
		create_as(model, sg_json_get(body, "into"), sg_node_is(body, "objtype", "OBJECT_MATVIEW") ? 'm' : 'r',
		          sg_json_true(sg_json_get(body, "if_not_exists")));
	else if (strcmp(node, "SelectStmt") == 0 && sg_json_get(body, "intoClause") != NULL)
		create_as(model, sg_json_get(body, "intoClause"), 'r', false);
	else if (strcmp(node, "ViewStmt") == 0) {
		const struct sg_json *view = sg_json_get(body, "view");
		struct sg_table *there = sg_model_live(model, sg_tree_relation(view));

		if (there == NULL || !sg_json_true(sg_json_get(body, "replace")))
			sg_model_make(model, sg_tree_relation(view), 'v', sg_node_is(view, "relpersistence", "t"));
	} else if (strcmp(node, "CreateSeqStmt") == 0) {
		const struct sg_json *sequence = sg_json_get(body, "sequence");

		if (sg_model_live(model, sg_tree_relation(sequence)) == NULL)
			sg_model_make(model, sg_tree_relation(sequence), 'S', sg_node_is(sequence, "relpersistence", "t"));
	} else
		return false;
	return true;
}
