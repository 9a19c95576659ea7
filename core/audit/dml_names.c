/* dml_names.c - sets of columns, names of tables, and the text of an expression by which two writings of it are compared. */
#include "config.h"

#include <string.h>

#include "core/audit/dml.h"
#include "core/base/base.h"
#include "core/base/buf.h"
#include "core/sql/tree.h"

#define SAY_LIMIT   256 /* bytes of an expression's text; longer ones are never compared */
#define WORK_LIMIT  50000000
#define NAMES_LIMIT 64 /* an index has at most 32: a longer list equals none, and looking through it stays cheap */

void sg_dml_names_add(struct sg_arena *arena, struct sg_dml_names *names, const char *name)
{
	if (names->count == NAMES_LIMIT)
		name = "…";
	if (name == NULL || names->count > NAMES_LIMIT || sg_dml_names_have(names, name))
		return;
	names->list = sg_arena_grow(arena, names->list, &names->capacity, names->count + 1, sizeof *names->list);
	names->list[names->count++] = sg_arena_strdup(arena, name);
}

bool sg_dml_names_have(const struct sg_dml_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i], name) == 0)
			return true;
	return false;
}

bool sg_dml_is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

bool sg_dml_names_within(const struct sg_dml_names *part, const struct sg_dml_names *whole)
{
	for (size_t i = 0; i < part->count; i++)
		if (!sg_dml_names_have(whole, part->list[i]))
			return false;
	return part->count > 0;
}

bool sg_dml_names_equal(const struct sg_dml_names *a, const struct sg_dml_names *b)
{
	return a->count == b->count && a->count <= NAMES_LIMIT && sg_dml_names_within(a, b);
}

bool sg_dml_names_meet(const struct sg_dml_names *a, const struct sg_dml_names *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (sg_dml_names_have(b, a->list[i]))
			return true;
	return false;
}

const char *sg_dml_names_text(struct sg_arena *arena, const struct sg_dml_names *names)
{
	const char *text = "";

	for (size_t i = 0; i < names->count; i++)
		text = sg_arena_printf(arena, "%s%s%s", text,
		                       i == 0                  ? ""
		                       : i + 1 == names->count ? " and "
		                                               : ", ",
		                       names->list[i]);
	return text;
}

bool sg_dml_may_compare(struct sg_audit_dml_notes *notes)
{
	return notes->work < WORK_LIMIT && ++notes->work > 0;
}

bool sg_dml_same_table(struct sg_relation a, struct sg_relation b)
{
	return a.name != NULL && b.name != NULL && strcmp(a.name, b.name) == 0 &&
	       (a.schema == NULL || b.schema == NULL || strcmp(a.schema, b.schema) == 0);
}

const char *sg_dml_column(const struct sg_json *node, const char **qualifier_r)
{
	const struct sg_json *fields = sg_json_get(sg_node_as(node, "ColumnRef"), "fields");
	size_t count = sg_json_count(fields);

	if (qualifier_r != NULL)
		*qualifier_r = count > 1 ? sg_node_string(sg_json_at(fields, count - 2)) : NULL;
	return count > 0 ? sg_node_string(sg_json_at(fields, count - 1)) : NULL;
}

/* ---- the text of an expression ---- */

static bool say(struct sg_buf *buf, const struct sg_json *node, unsigned depth);

static bool say_list(struct sg_buf *buf, const struct sg_json *list, const char *between, unsigned depth)
{
	for (size_t i = 0; i < sg_json_count(list); i++) {
		if (i > 0)
			sg_buf_adds(buf, between);
		if (!say(buf, sg_json_at(list, i), depth))
			return false;
	}
	return true;
}

static void say_constant(struct sg_buf *buf, const struct sg_json *body)
{
	const struct sg_json *value;

	if ((value = sg_json_get(body, "sval")) != NULL) {
		const char *text = sg_json_text(sg_json_get(value, "sval"));

		sg_buf_addf(buf, "'%s'", text != NULL ? text : "");
	} else if ((value = sg_json_get(body, "ival")) != NULL) {
		sg_buf_addf(buf, "%lld", (long long)sg_json_int(sg_json_get(value, "ival")));
	} else if ((value = sg_json_get(body, "fval")) != NULL) {
		const char *text = sg_json_text(sg_json_get(value, "fval"));

		sg_buf_adds(buf, text != NULL ? text : "0");
	} else if ((value = sg_json_get(body, "boolval")) != NULL) {
		sg_buf_adds(buf, sg_json_true(sg_json_get(value, "boolval")) ? "true" : "false");
	} else {
		sg_buf_adds(buf, sg_json_true(sg_json_get(body, "isnull")) ? "NULL" : "?");
	}
}

static bool say_type(struct sg_buf *buf, const struct sg_json *type)
{
	struct sg_relation name;

	if (!sg_tree_names(sg_json_get(type, "names"), &name))
		return false;
	sg_buf_addf(buf, "::%s%s", name.name, sg_json_count(sg_json_get(type, "arrayBounds")) > 0 ? "[]" : "");
	return true;
}

static bool say_operation(struct sg_buf *buf, const struct sg_json *body, unsigned depth)
{
	struct sg_relation name;

	if (!sg_node_is(body, "kind", "AEXPR_OP") || !sg_tree_names(sg_json_get(body, "name"), &name) ||
	    sg_json_get(body, "lexpr") == NULL)
		return false;
	sg_buf_addc(buf, '(');
	if (!say(buf, sg_json_get(body, "lexpr"), depth))
		return false;
	sg_buf_addf(buf, " %s ", name.name);
	if (!say(buf, sg_json_get(body, "rexpr"), depth))
		return false;
	sg_buf_addc(buf, ')');
	return true;
}

static bool say_call(struct sg_buf *buf, const struct sg_json *body, unsigned depth)
{
	struct sg_relation name;

	if (!sg_tree_names(sg_json_get(body, "funcname"), &name) || sg_json_get(body, "over") != NULL)
		return false;
	sg_buf_addf(buf, "%s(", name.name);
	if (!say_list(buf, sg_json_get(body, "args"), ", ", depth))
		return false;
	sg_buf_addc(buf, ')');
	return true;
}

static bool say(struct sg_buf *buf, const struct sg_json *node, unsigned depth)
{
	const char *column = sg_dml_column(node, NULL);
	const struct sg_json *body;

	if (buf->cut || depth > 32)
		return false;
	if (column != NULL) {
		sg_buf_adds(buf, column);
		return true;
	}
	if ((body = sg_node_as(node, "A_Const")) != NULL) {
		say_constant(buf, body);
		return true;
	}
	if ((body = sg_node_as(node, "FuncCall")) != NULL)
		return say_call(buf, body, depth + 1);
	if ((body = sg_node_as(node, "TypeCast")) != NULL)
		return say(buf, sg_json_get(body, "arg"), depth + 1) && say_type(buf, sg_json_get(body, "typeName"));
	if ((body = sg_node_as(node, "A_Expr")) != NULL)
		return say_operation(buf, body, depth + 1);
	if ((body = sg_node_as(node, "CoalesceExpr")) != NULL) {
		sg_buf_adds(buf, "coalesce(");
		if (!say_list(buf, sg_json_get(body, "args"), ", ", depth + 1))
			return false;
		sg_buf_addc(buf, ')');
		return true;
	}
	return false;
}

const char *sg_dml_say(struct sg_arena *arena, const struct sg_json *node)
{
	struct sg_buf buf;
	const char *text;

	sg_buf_init(&buf, SAY_LIMIT);
	text = say(&buf, node, 0) && !buf.cut ? sg_arena_strndup(arena, buf.data, buf.length) : NULL;
	sg_buf_release(&buf);
	return text;
}

void sg_dml_columns_of(struct sg_arena *arena, const struct sg_json *node, struct sg_dml_names *columns)
{
	if (sg_node_as(node, "SubLink") != NULL)
		return;
	if (sg_node_as(node, "ColumnRef") != NULL) {
		sg_dml_names_add(arena, columns, sg_dml_column(node, NULL));
		return;
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member))
		sg_dml_columns_of(arena, sg_json_value(member), columns);
	for (size_t i = 0; i < sg_json_count(node); i++)
		sg_dml_columns_of(arena, sg_json_at(node, i), columns);
}
