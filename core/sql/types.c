/* types.c - a TypeName of the tree as SQL text, as tree.h says.
 *
 * Built-in names are spelt as format_type() spells them, so that messages read
 * like psql's \d. The modifiers of interval are the grammar's masks
 * (src/include/utils/timestamp.h). */
#include "config.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

struct builtin {
	const char *name;
	const char *sql;    /* as format_type() says it */
	const char *suffix; /* after the modifier */
	bool serial;
};

/* Sorted by name. With pg_catalog before them, or alone: pg_catalog is always searched first. */
static const struct builtin builtins[] = {
	{ "bigserial", "bigint", "", true },
	{ "bit", "bit", "", false },
	{ "bool", "boolean", "", false },
	{ "bpchar", "character", "", false },
	{ "bytea", "bytea", "", false },
	{ "char", "\"char\"", "", false },
	{ "cidr", "cidr", "", false },
	{ "date", "date", "", false },
	{ "daterange", "daterange", "", false },
	{ "float4", "real", "", false },
	{ "float8", "double precision", "", false },
	{ "inet", "inet", "", false },
	{ "int2", "smallint", "", false },
	{ "int4", "integer", "", false },
	{ "int4range", "int4range", "", false },
	{ "int8", "bigint", "", false },
	{ "int8range", "int8range", "", false },
	{ "interval", "interval", "", false },
	{ "json", "json", "", false },
	{ "jsonb", "jsonb", "", false },
	{ "jsonpath", "jsonpath", "", false },
	{ "macaddr", "macaddr", "", false },
	{ "macaddr8", "macaddr8", "", false },
	{ "money", "money", "", false },
	{ "name", "name", "", false },
	{ "numeric", "numeric", "", false },
	{ "numrange", "numrange", "", false },
	{ "oid", "oid", "", false },
	{ "point", "point", "", false },
	{ "regclass", "regclass", "", false },
	{ "regproc", "regproc", "", false },
	{ "regtype", "regtype", "", false },
	{ "serial", "integer", "", true },
	{ "serial2", "smallint", "", true },
	{ "serial4", "integer", "", true },
	{ "serial8", "bigint", "", true },
	{ "smallserial", "smallint", "", true },
	{ "text", "text", "", false },
	{ "time", "time", " without time zone", false },
	{ "timestamp", "timestamp", " without time zone", false },
	{ "timestamptz", "timestamp", " with time zone", false },
	{ "timetz", "time", " with time zone", false },
	{ "tsquery", "tsquery", "", false },
	{ "tsrange", "tsrange", "", false },
	{ "tstzrange", "tstzrange", "", false },
	{ "tsvector", "tsvector", "", false },
	{ "uuid", "uuid", "", false },
	{ "varbit", "bit varying", "", false },
	{ "varchar", "character varying", "", false },
	{ "void", "void", "", false },
	{ "xml", "xml", "", false },
};

static const struct builtin *find(const struct sg_json *type)
{
	const struct sg_json *names = sg_json_get(type, "names");
	struct sg_relation name;
	size_t low = 0, high = SG_COUNT(builtins);

	if (sg_json_count(names) > 2 || !sg_tree_names(names, &name) ||
	    (name.schema != NULL && strcmp(name.schema, "pg_catalog") != 0))
		return NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name.name, builtins[middle].name);

		if (order == 0)
			/* serial is a word of the grammar, not a type of pg_catalog */
			return builtins[middle].serial && name.schema != NULL ? NULL : &builtins[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool sg_tree_type_is_serial(const struct sg_json *type)
{
	const struct builtin *builtin = find(type);

	return builtin != NULL && builtin->serial;
}

bool sg_tree_type_is_builtin(const struct sg_json *type)
{
	return find(type) != NULL && !sg_json_true(sg_json_get(type, "setof")) && !sg_json_true(sg_json_get(type, "pct_type"));
}

/* An integer constant; false for anything else. */
static bool constant(const struct sg_json *node, int64_t *value_r)
{
	struct sg_json *integer = sg_json_get(sg_node_as(node, "A_Const"), "ival");

	*value_r = sg_json_int(sg_json_get(integer, "ival"));
	return integer != NULL;
}

static const char *interval_fields(int64_t mask)
{
	switch (mask) {
	case 0x7FFF: return "";
	case 4: return " year";
	case 2: return " month";
	case 8: return " day";
	case 1024: return " hour";
	case 2048: return " minute";
	case 4096: return " second";
	case 6: return " year to month";
	case 1032: return " day to hour";
	case 3080: return " day to minute";
	case 7176: return " day to second";
	case 3072: return " hour to minute";
	case 7168: return " hour to second";
	case 6144: return " minute to second";
	default: return NULL;
	}
}

static const char *interval_text(struct sg_arena *arena, const struct sg_json *mods)
{
	int64_t mask = 0x7FFF, precision = 0;
	bool precise = sg_json_count(mods) > 1;
	const char *fields;

	if (sg_json_count(mods) > 2 || (mods != NULL && !constant(sg_json_at(mods, 0), &mask)) ||
	    (precise && !constant(sg_json_at(mods, 1), &precision)))
		return NULL;
	fields = interval_fields(mask);
	if (fields == NULL)
		return NULL;
	return precise ? sg_arena_printf(arena, "interval%s(%lld)", fields, (long long)precision)
	               : sg_arena_printf(arena, "interval%s", fields);
}

/* "(10,2)", "" without modifiers, NULL for what is neither number nor plain name. */
static const char *modifiers(struct sg_arena *arena, const struct sg_json *mods)
{
	const char *text = "";

	for (size_t i = 0; i < sg_json_count(mods); i++) {
		const struct sg_json *mod = sg_json_at(mods, i);
		const struct sg_json *fields = sg_json_get(sg_node_as(mod, "ColumnRef"), "fields");
		const char *name = sg_json_count(fields) == 1 ? sg_node_string(sg_json_at(fields, 0)) : NULL;
		int64_t value;

		if (constant(mod, &value))
			text = sg_arena_printf(arena, "%s%s%lld", text, i == 0 ? "(" : ",", (long long)value);
		else if (name != NULL)
			text = sg_arena_printf(arena, "%s%s%s", text, i == 0 ? "(" : ",", sg_tree_quote(arena, name));
		else
			return NULL;
	}
	return text[0] != '\0' ? sg_arena_printf(arena, "%s)", text) : text;
}

const char *sg_tree_type(struct sg_arena *arena, const struct sg_json *type)
{
	const struct builtin *builtin = find(type);
	const struct sg_json *names = sg_json_get(type, "names"), *mods = sg_json_get(type, "typmods");
	const char *array = sg_json_count(sg_json_get(type, "arrayBounds")) > 0 ? "[]" : "";
	const char *mod, *text;
	struct sg_relation name;

	if (sg_json_true(sg_json_get(type, "setof")) || sg_json_true(sg_json_get(type, "pct_type")) ||
	    sg_json_count(names) > 2 || !sg_tree_names(names, &name))
		return NULL;
	if (builtin != NULL && strcmp(builtin->name, "interval") == 0) {
		text = interval_text(arena, mods);
		return text != NULL ? sg_arena_printf(arena, "%s%s", text, array) : NULL;
	}
	mod = modifiers(arena, mods);
	if (mod == NULL)
		return NULL;
	/* bpchar without a length is not character, which would be character(1) */
	if (builtin != NULL && strcmp(builtin->name, "bpchar") == 0 && mod[0] == '\0')
		return sg_arena_printf(arena, "bpchar%s", array);
	/* likewise bit, which is bit(1) when said so */
	if (builtin != NULL && strcmp(builtin->name, "bit") == 0 && mod[0] == '\0')
		return sg_arena_printf(arena, "\"bit\"%s", array);
	if (builtin != NULL)
		return sg_arena_printf(arena, "%s%s%s%s", builtin->sql, mod, builtin->suffix, array);
	return sg_arena_printf(arena, "%s%s%s%s%s", name.schema != NULL ? sg_tree_quote(arena, name.schema) : "",
	                       name.schema != NULL ? "." : "", sg_tree_quote(arena, name.name), mod, array);
}
