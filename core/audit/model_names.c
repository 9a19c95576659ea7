/* model_names.c - the names that the server chooses where a statement gives none: a migration that comes later uses them.
 *
 * As makeObjectName, ChooseRelationName, ChooseIndexName (src/backend/commands/indexcmds.c), ChooseConstraintName
 * (src/backend/catalog/pg_constraint.c) and FigureColname (src/backend/parser/parse_target.c) do it. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

#define NAME_BYTES 64 /* NAMEDATALEN */

/* The start of a text that is at most length bytes of whole characters. */
static size_t clipped(const char *text, size_t length)
{
	while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
		length--;
	return length;
}

/* As makeObjectName(). */
static const char *object_name(struct sg_model *model, const char *first, const char *second, const char *label)
{
	size_t length1 = strlen(first), length2 = second != NULL ? strlen(second) : 0;
	size_t available = NAME_BYTES - 1 - (second != NULL) - strlen(label) - 1;
	char name[NAME_BYTES + 1];

	while (length1 + length2 > available) {
		if (length1 > length2)
			length1--;
		else
			length2--;
	}
	length1 = clipped(first, length1);
	length2 = second != NULL ? clipped(second, length2) : 0;
	snprintf(name, sizeof name, "%.*s%s%.*s_%s", (int)length1, first, second != NULL ? "_" : "", (int)length2,
	         second != NULL ? second : "", label);
	return sg_model_keep(model, name);
}

const char *sg_model_choose(struct sg_table *table, const char *second, const char *label, bool relation, bool constraint)
{
	struct sg_model *model = table->model;
	const char *name = object_name(model, table->seen.name.name, second, label);

	for (unsigned pass = 1; (relation && sg_model_is_taken(model, table->schema, name)) ||
	                        (constraint && sg_map_find(&model->constraint_names, table->schema, name) != NULL);
	     pass++) {
		char numbered[32];

		snprintf(numbered, sizeof numbered, "%s%u", label, pass);
		name = object_name(model, table->seen.name.name, second, numbered);
	}
	return name;
}

const char *sg_model_join(struct sg_model *model, const char *const *names, size_t count)
{
	char joined[2 * NAME_BYTES] = "";
	size_t length = 0;

	for (size_t i = 0; i < count && length < NAME_BYTES; i++)
		length += (size_t)snprintf(joined + length, sizeof joined - length, "%s%s", length > 0 ? "_" : "", names[i]);
	/* Not cut at 63 bytes yet: object_name() cuts it, and by how much depends on the table's name. */
	return sg_model_keep_text(model, joined);
}

/* ---- what an expression is called -------------------------------------------------- */

static const char *last_string(const struct sg_json *list)
{
	for (size_t i = sg_json_count(list); i-- > 0;) {
		const char *text = sg_node_string(sg_json_at(list, i));

		if (text != NULL)
			return text;
	}
	return NULL;
}

static const struct {
	const char *op, *name;
} values[] = { { "SVFOP_CURRENT_DATE", "current_date" },
	       { "SVFOP_CURRENT_TIME", "current_time" },
	       { "SVFOP_CURRENT_TIME_N", "current_time" },
	       { "SVFOP_CURRENT_TIMESTAMP", "current_timestamp" },
	       { "SVFOP_CURRENT_TIMESTAMP_N", "current_timestamp" },
	       { "SVFOP_LOCALTIME", "localtime" },
	       { "SVFOP_LOCALTIME_N", "localtime" },
	       { "SVFOP_LOCALTIMESTAMP", "localtimestamp" },
	       { "SVFOP_LOCALTIMESTAMP_N", "localtimestamp" },
	       { "SVFOP_CURRENT_ROLE", "current_role" },
	       { "SVFOP_CURRENT_USER", "current_user" },
	       { "SVFOP_USER", "user" },
	       { "SVFOP_SESSION_USER", "session_user" },
	       { "SVFOP_CURRENT_CATALOG", "current_catalog" },
	       { "SVFOP_CURRENT_SCHEMA", "current_schema" } };

/* Nodes whose name does not depend on what is in them. */
static const struct {
	const char *node, *name;
} fixed[] = { { "GroupingFunc", "grouping" }, { "A_ArrayExpr", "array" }, { "RowExpr", "row" },
	      { "CoalesceExpr", "coalesce" }, { "XmlSerialize", "xmlserialize" } };

/* How sure the name is: 0 none, 1 a type's or "case", 2 a good one. */
static int figure(const struct sg_json *expr, const char **name_r)
{
	const char *node = sg_node_name(expr);
	const struct sg_json *body = sg_node_body(expr);
	const char *name = NULL;
	int strength;

	if (node == NULL)
		return 0;
	if (strcmp(node, "ColumnRef") == 0)
		name = last_string(sg_json_get(body, "fields"));
	else if (strcmp(node, "FuncCall") == 0)
		name = last_string(sg_json_get(body, "funcname"));
	else if (strcmp(node, "A_Expr") == 0)
		name = sg_node_is(body, "kind", "AEXPR_NULLIF") ? "nullif" : NULL;
	else if (strcmp(node, "MinMaxExpr") == 0)
		name = sg_node_is(body, "op", "IS_LEAST") ? "least" : "greatest";
	for (size_t i = 0; i < SG_COUNT(fixed); i++)
		if (strcmp(node, fixed[i].node) == 0)
			name = fixed[i].name;
	for (size_t i = 0; strcmp(node, "SQLValueFunction") == 0 && i < SG_COUNT(values); i++)
		if (sg_node_is(body, "op", values[i].op))
			name = values[i].name;
	if (name != NULL) {
		*name_r = name;
		return 2;
	}
	if (strcmp(node, "CollateClause") == 0)
		return figure(sg_json_get(body, "arg"), name_r);
	if (strcmp(node, "A_Indirection") == 0) {
		name = last_string(sg_json_get(body, "indirection"));
		if (name == NULL)
			return figure(sg_json_get(body, "arg"), name_r);
		*name_r = name;
		return 2;
	}
	if (strcmp(node, "TypeCast") == 0 || strcmp(node, "CaseExpr") == 0) {
		bool cast = node[0] == 'T';

		strength = figure(sg_json_get(body, cast ? "arg" : "defresult"), name_r);
		name = cast ? last_string(sg_json_get(sg_json_get(body, "typeName"), "names")) : "case";
		if (strength <= 1 && name != NULL) {
			*name_r = name;
			return 1;
		}
		return strength;
	}
	return 0;
}

const char *sg_model_figure(struct sg_model *model, const struct sg_json *expr)
{
	const char *name = NULL;

	return figure(expr, &name) > 0 ? sg_model_keep(model, name) : NULL;
}
