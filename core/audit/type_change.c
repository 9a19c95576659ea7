/* type_change.c - see type_change.h. A change without a conversion function keeps the rows; a length or precision is no conversion
 * where its support function says that no value can change. */
#include "config.h"
#include "core/audit/type_change.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

#define DOMAIN_DEPTH 16

struct type {
	const char *name;  /* without modifiers: "character varying", "timestamp with time zone", "\"public\".\"mood\"" */
	long mods[2];
	int count;         /* of them; -1: they are no numbers */
	bool array;
};

/* The first '(' that is in no quoted name; NULL: none. */
static const char *find_mods(const char *text)
{
	bool quoted = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '(' && !quoted)
			return p;
	}
	return NULL;
}

static struct type read_type(struct sg_arena *arena, const char *text)
{
	struct type type = { .name = text };
	size_t length = strlen(text);
	const char *open, *close;

	if (length > 2 && strcmp(text + length - 2, "[]") == 0) {
		type.array = true;
		text = type.name = sg_arena_strndup(arena, text, length - 2);
	}
	open = find_mods(text);
	close = open != NULL ? strchr(open, ')') : NULL;
	if (close == NULL)
		return type;
	type.name = sg_arena_printf(arena, "%.*s%s", (int)(open - text), text, close + 1);
	for (const char *p = open + 1; p < close && type.count >= 0;) {
		char *end;
		long value = strtol(p, &end, 10);

		if (end == p || type.count == 2) {
			type.count = -1;
			break;
		}
		type.mods[type.count++] = value;
		p = *end == ',' ? end + 1 : end;
		if (end < close && *end != ',')
			type.count = -1;
	}
	return type;
}

const char *sg_type_bare(struct sg_arena *arena, const char *type)
{
	struct type read = read_type(arena, type);

	return read.array ? sg_arena_printf(arena, "%s[]", read.name) : read.name;
}

/* ---- types that the migrations made --------------------------------------------- */

/* "\"a\".\"b\"" to a and b. False for what is no quoted name: a type of pg_catalog. Two of those have to be quoted. */
static bool names_of(struct sg_arena *arena, const char *text, struct sg_relation *name_r)
{
	*name_r = (struct sg_relation){ NULL, NULL };
	if (strcmp(text, "\"char\"") == 0 || strcmp(text, "\"bit\"") == 0)
		return false;
	while (*text == '"') {
		char *out = sg_arena_alloc(arena, strlen(text) + 1);
		size_t length = 0;

		for (text++; *text != '\0' && (*text != '"' || text[1] == '"'); text++) {
			text += *text == '"';
			out[length++] = *text;
		}
		name_r->schema = name_r->name;
		name_r->name = out;
		text += *text == '"';
		if (*text != '.')
			break;
		text++;
	}
	return name_r->name != NULL && *text == '\0';
}

const struct sg_model_type *sg_type_in_model(struct sg_arena *arena, const struct sg_model *model, const char *type)
{
	struct sg_relation name;

	return type != NULL && names_of(arena, read_type(arena, type).name, &name) ? sg_model_type(model, name) : NULL;
}

bool sg_type_is_constrained(struct sg_arena *arena, const struct sg_model *model, const char *type)
{
	const struct sg_model_type *known = sg_type_in_model(arena, model, type);

	for (int i = 0; i < DOMAIN_DEPTH && known != NULL && known->kind == SG_MODEL_DOMAIN; i++) {
		if (known->constrained)
			return true;
		known = sg_type_in_model(arena, model, known->base);
	}
	return false;
}

/* What is under a domain, however deep. A column of a domain has no modifier of its own, so the server does not know that its
 * values are short enough: bare takes it away. NULL: not known. */
static const char *base_of(struct sg_arena *arena, const struct sg_model *model, const char *type, bool bare)
{
	const struct sg_model_type *known = sg_type_in_model(arena, model, type);

	for (int i = 0; i < DOMAIN_DEPTH && known != NULL && known->kind == SG_MODEL_DOMAIN; i++) {
		if (known->base == NULL)
			return NULL;
		type = bare ? sg_type_bare(arena, known->base) : known->base;
		known = sg_type_in_model(arena, model, type);
	}
	return type;
}

/* ---- the server's rules ------------------------------------------------------------ */

static bool is(const struct type *type, const char *name)
{
	return strcmp(type->name, name) == 0;
}

static bool one_of(const struct type *type, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is(type, names[i]))
			return true;
	return false;
}

#define ONE_OF(type, ...) \
	one_of((type), (const char *const[]){ __VA_ARGS__ }, \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* pg_cast.castmethod 'b', among what columns have. */
static bool same_bits(const struct type *from, const struct type *to)
{
	if (ONE_OF(from, "text", "character varying", "xml"))
		if (ONE_OF(to, "text", "character varying", "bpchar"))
			return true;
	if (ONE_OF(from, "integer", "oid") &&
	    ONE_OF(to, "integer", "oid", "regclass", "regproc", "regtype"))
		return true;
	if (ONE_OF(from, "regclass", "regproc", "regtype") && ONE_OF(to, "integer", "oid"))
		return true;
	if (ONE_OF(from, "bit", "\"bit\"", "bit varying") && ONE_OF(to, "\"bit\"", "bit varying"))
		return true;
	return is(from, "cidr") && is(to, "inet");
}

/* The smallest field of an interval's range: 0 for seconds and for no range at all. */
static int least_field(const char *name)
{
	static const char *const fields[] = { "second", "minute", "hour", "day", "month", "year" };
	const char *last = strrchr(name, ' ');

	for (size_t i = 0; last != NULL && i < SG_COUNT(fields); i++)
		if (strcmp(last + 1, fields[i]) == 0)
			return (int)i;
	return 0;
}

static bool is_interval(const struct type *type)
{
	return strncmp(type->name, "interval", 8) == 0 && (type->name[8] == '\0' || type->name[8] == ' ');
}

/* timestamp_support and interval_support: no precision is the highest, 6. */
static bool keeps_precision(const struct type *from, const struct type *to)
{
	long had = from->count > 0 ? from->mods[0] : 6, has = to->count > 0 ? to->mods[0] : 6;

	return has >= 6 || (from->count > 0 && has >= had);
}

/* The same type with other modifiers. */
static bool keeps_values(const struct type *from, const struct type *to)
{
	if (from->count < 0 || to->count < 0)
		return false;
	if (ONE_OF(to, "character varying", "bit varying"))
		return to->count == 0 || (from->count > 0 && to->mods[0] >= from->mods[0]);
	if (is(to, "numeric"))
		return to->count == 0 || (from->count > 0 && to->mods[1] == from->mods[1] && to->mods[0] >= from->mods[0]);
	if (ONE_OF(to, "time without time zone", "time with time zone", "timestamp without time zone",
	           "timestamp with time zone"))
		return keeps_precision(from, to);
	return to->count == 0 || (from->count == to->count && memcmp(from->mods, to->mods, sizeof to->mods) == 0);
}

static bool is_citext(struct sg_arena *arena, const struct type *type)
{
	struct sg_relation name;

	return names_of(arena, type->name, &name) && strcmp(name.name, "citext") == 0;
}

static struct sg_type_change judge(struct sg_arena *arena, const struct type *from, const struct type *to)
{
	static const char with[] = "timestamp with time zone", without[] = "timestamp without time zone";
	struct sg_type_change change = { .verdict = SG_TYPE_REWRITES };

	/* Without a modifier there is nothing to be done to the elements; for all else arrays have no support function. */
	if (from->array || to->array) {
		if (from->array && to->array && is(from, to->name) && to->count == 0)
			change.verdict = SG_TYPE_KEEPS;
		return change;
	}
	if (is_interval(from) && is_interval(to)) {
		if (least_field(to->name) <= least_field(from->name) &&
		    (least_field(from->name) > 0 || keeps_precision(from, to)))
			change.verdict = SG_TYPE_KEEPS;
	} else if (is(from, to->name)) {
		change.verdict = keeps_values(from, to) ? SG_TYPE_KEEPS : SG_TYPE_REWRITES;
	} else if (is(from, "character") && is(to, "bpchar")) {
		change.verdict = SG_TYPE_KEEPS;
	} else if ((is(from, with) && is(to, without)) || (is(from, without) && is(to, with))) {
		/* The conversion comes first, and a precision after it is one of a value without any. */
		change.verdict = to->count == 0 || to->mods[0] >= 6 ? SG_TYPE_BY_ZONE : SG_TYPE_REWRITES;
		change.reindex = true;
	} else if (to->count == 0 && same_bits(from, to)) {
		change.verdict = SG_TYPE_KEEPS;
		change.reindex = ONE_OF(from, "integer", "bit", "\"bit\"", "bit varying") || ONE_OF(to, "integer", "bpchar");
	} else if (to->count == 0 && ((is_citext(arena, to) && ONE_OF(from, "text", "character varying")) ||
	                              (is_citext(arena, from) && ONE_OF(to, "text", "character varying", "bpchar")))) {
		change = (struct sg_type_change){ .verdict = SG_TYPE_KEEPS, .reindex = true };
	}
	return change;
}

struct sg_type_change sg_type_change_of(struct sg_arena *arena, const struct sg_model *model, const char *from, const char *to)
{
	struct sg_type_change change = { .verdict = SG_TYPE_UNKNOWN };
	struct sg_relation name;
	struct type old, new;

	if (from == NULL || to == NULL)
		return change;
	if (strcmp(from, to) == 0) {
		change.verdict = SG_TYPE_SAME;
		return change;
	}
	/* CoerceToDomain keeps the rows only where there is nothing to check. */
	if (sg_type_is_constrained(arena, model, to)) {
		change.verdict = SG_TYPE_REWRITES;
		return change;
	}
	from = base_of(arena, model, from, true);
	to = base_of(arena, model, to, false);
	if (from == NULL || to == NULL)
		return change;
	old = read_type(arena, from);
	new = read_type(arena, to);
	change = judge(arena, &old, &new);
	if (change.verdict == SG_TYPE_REWRITES && !old.array && !new.array && !is_citext(arena, &old) && !is_citext(arena, &new) &&
	    !is(&old, new.name) &&
	    ((names_of(arena, old.name, &name) && sg_model_type(model, name) == NULL) ||
	     (names_of(arena, new.name, &name) && sg_model_type(model, name) == NULL)))
		change.verdict = SG_TYPE_UNKNOWN; /* it may be a domain */
	return change;
}

static struct sg_type_change worse(struct sg_type_change a, struct sg_type_change b)
{
	return (struct sg_type_change){ .verdict = a.verdict > b.verdict ? a.verdict : b.verdict,
		                        .reindex = a.reindex || b.reindex };
}

struct sg_type_change sg_type_change_using(struct sg_arena *arena, const struct sg_model *model, const char *from, const char *to,
                                           const char *column, const struct sg_json *expression)
{
	const struct sg_json *cast = sg_node_as(expression, "TypeCast");
	const struct sg_json *fields = sg_json_get(sg_node_as(expression, "ColumnRef"), "fields");
	size_t count = sg_json_count(fields);

	if (expression == NULL)
		return sg_type_change_of(arena, model, from, to);
	if (cast != NULL) {
		const char *middle = sg_tree_type(arena, sg_json_get(cast, "typeName"));

		return worse(sg_type_change_using(arena, model, from, middle, column, sg_json_get(cast, "arg")),
		             sg_type_change_of(arena, model, middle, to));
	}
	if (count > 0) {
		const char *name = sg_node_string(sg_json_at(fields, count - 1));

		if (name != NULL && strcmp(name, column) == 0)
			return sg_type_change_of(arena, model, from, to);
	}
	return (struct sg_type_change){ .verdict = SG_TYPE_REWRITES };
}

const char *sg_type_change_kept_from(struct sg_arena *arena, const char *to)
{
	struct type type;

	if (to == NULL)
		return NULL;
	type = read_type(arena, to);
	if (type.array || type.count < 0)
		return NULL;
	if (is(&type, "text") || (is(&type, "character varying") && type.count == 0))
		return "varchar or text";
	if (is(&type, "character varying"))
		return sg_arena_printf(arena, "varchar of at most %ld", type.mods[0]);
	if (is(&type, "bit varying"))
		return type.count == 0 ? "bit or varbit" : sg_arena_printf(arena, "varbit of at most %ld", type.mods[0]);
	if (is(&type, "numeric"))
		return type.count == 0 ? "numeric"
		                       : sg_arena_printf(arena, "numeric of scale %ld and at most %ld digits", type.mods[1],
		                                         type.mods[0]);
	if (is(&type, "timestamp with time zone"))
		return type.count == 0 ? "timestamp, and TimeZone is UTC" : "timestamptz of no higher precision";
	if (is(&type, "timestamp without time zone"))
		return type.count == 0 ? "timestamptz, and TimeZone is UTC" : "timestamp of no higher precision";
	if (is(&type, "inet"))
		return "cidr";
	return NULL;
}
