/* dml_dynamic.c - the text that EXECUTE is given, as far as it stands in the file: constants, ||, format(), quote_ident() and
 * kin.
 *
 * An identifier or a literal that comes from a variable is one identifier or literal, whatever it holds, if quote_ident, %I or
 * a regclass makes it: the statement's form is known, and a "?" stands for it. Anything else may be any SQL, and is not read.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit/dml.h"
#include "core/base/base.h"
#include "core/sql/tree.h"

#define TEXT_LIMIT  ((size_t)64 << 10)
#define DEPTH_LIMIT 200

#define HIDDEN_NAME    "\"" SG_DML_HIDDEN "\""
#define HIDDEN_LITERAL "'" SG_DML_HIDDEN "'"

static const char *made(struct sg_arena *arena, const struct sg_json *node, unsigned depth);

static bool is_call(const struct sg_json *node, const char *name)
{
	struct sg_relation called;

	return sg_tree_names(sg_json_get(sg_node_as(node, "FuncCall"), "funcname"), &called) && strcmp(called.name, name) == 0;
}

static const char *constant(struct sg_arena *arena, const struct sg_json *body)
{
	const struct sg_json *text = sg_json_get(body, "sval"), *number = sg_json_get(body, "ival");
	const char *value = sg_json_text(sg_json_get(text, "sval"));

	if (text != NULL)
		return value != NULL ? value : "";
	return number != NULL ? sg_arena_printf(arena, "%lld", (long long)sg_json_int(sg_json_get(number, "ival"))) : NULL;
}

static const char *quoted(struct sg_arena *arena, const char *text)
{
	char *out = sg_arena_alloc(arena, 2 * strlen(text) + 3);
	size_t length = 0;

	out[length++] = '\'';
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			out[length++] = '\'';
		out[length++] = *text;
	}
	out[length] = '\'';
	return out;
}

/* x::regclass, x::regtype, …: what it prints is quoted. */
static bool is_reg(const struct sg_json *node)
{
	struct sg_relation type;

	return sg_tree_names(sg_json_get(sg_json_get(sg_node_as(node, "TypeCast"), "typeName"), "names"), &type) &&
	       strncmp(type.name, "reg", 3) == 0;
}

/* One argument of format(). */
static const char *argument(struct sg_arena *arena, const struct sg_json *node, char as, unsigned depth)
{
	const char *text = made(arena, node, depth);

	if (as == 's')
		return text;
	if (as == 'I')
		return text != NULL && strcmp(text, HIDDEN_NAME) != 0 ? sg_tree_quote(arena, text) : HIDDEN_NAME;
	return text != NULL ? quoted(arena, text) : HIDDEN_LITERAL;
}

/* FuncCall format(…). Widths are not read: nobody uses them for SQL. */
static const char *format(struct sg_arena *arena, const struct sg_json *args, unsigned depth)
{
	const char *pattern = made(arena, sg_json_at(args, 0), depth), *text = "";
	size_t next = 1;

	while (pattern != NULL && *pattern != '\0') {
		size_t plain = strcspn(pattern, "%");
		const char *one;
		char *end;
		size_t which;

		if (strlen(text) + plain > TEXT_LIMIT)
			return NULL;
		text = sg_arena_printf(arena, "%s%.*s", text, (int)plain, pattern);
		pattern += plain;
		if (*pattern == '\0')
			return text;
		pattern++;
		if (*pattern == '%') {
			text = sg_arena_printf(arena, "%s%%", text);
			pattern++;
			continue;
		}
		which = next++;
		if (isdigit((unsigned char)*pattern)) {
			which = strtoul(pattern, &end, 10);
			if (*end != '$' || which == 0)
				return NULL;
			pattern = end + 1;
			next = which + 1;
		}
		if ((*pattern != 's' && *pattern != 'I' && *pattern != 'L') || which >= sg_json_count(args))
			return NULL;
		one = argument(arena, sg_json_at(args, which), *pattern++, depth);
		if (one == NULL || strlen(text) + strlen(one) > TEXT_LIMIT)
			return NULL;
		text = sg_arena_printf(arena, "%s%s", text, one);
	}
	return pattern != NULL ? text : NULL;
}

static const char *call(struct sg_arena *arena, const struct sg_json *node, unsigned depth)
{
	const struct sg_json *args = sg_json_get(sg_node_as(node, "FuncCall"), "args");

	if (is_call(node, "format"))
		return format(arena, args, depth);
	if (is_call(node, "quote_ident"))
		return argument(arena, sg_json_at(args, 0), 'I', depth);
	if (is_call(node, "quote_literal") || is_call(node, "quote_nullable"))
		return argument(arena, sg_json_at(args, 0), 'L', depth);
	if (is_call(node, "concat")) {
		const char *text = "";

		for (size_t i = 0; text != NULL && i < sg_json_count(args); i++) {
			const char *one = made(arena, sg_json_at(args, i), depth);

			text = one != NULL && strlen(text) + strlen(one) <= TEXT_LIMIT
			               ? sg_arena_printf(arena, "%s%s", text, one)
			               : NULL;
		}
		return text;
	}
	return NULL;
}

static const char *made(struct sg_arena *arena, const struct sg_json *node, unsigned depth)
{
	const struct sg_json *body;
	struct sg_relation op;

	if (depth > DEPTH_LIMIT)
		return NULL;
	depth++;
	if ((body = sg_node_as(node, "A_Const")) != NULL)
		return constant(arena, body);
	if ((body = sg_node_as(node, "TypeCast")) != NULL) {
		const char *text = made(arena, sg_json_get(body, "arg"), depth);

		return text == NULL && is_reg(node) ? HIDDEN_NAME : text;
	}
	if ((body = sg_node_as(node, "A_Expr")) != NULL && sg_tree_names(sg_json_get(body, "name"), &op) &&
	    strcmp(op.name, "||") == 0) {
		const char *left = made(arena, sg_json_get(body, "lexpr"), depth),
			   *right = made(arena, sg_json_get(body, "rexpr"), depth);

		return left == NULL || right == NULL || strlen(left) + strlen(right) > TEXT_LIMIT
		               ? NULL
		               : sg_arena_printf(arena, "%s%s", left, right);
	}
	return sg_node_as(node, "FuncCall") != NULL ? call(arena, node, depth) : NULL;
}

const char *sg_dml_made_text(struct sg_arena *arena, const struct sg_json *node)
{
	return made(arena, node, 0);
}
