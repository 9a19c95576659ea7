/* method.c - what PostgreSQL's own access methods can and cannot do, and their storage parameters.
 *
 * From the handlers in src/backend/access and from src/backend/access/common/reloptions.c of versions 14 to 18. Methods of
 * extensions are left to the server. */
#include "config.h"
#include "core/index/judge.h"

#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/sql/tree.h"

#define INDEX_MAX_KEYS 32 /* src/include/pg_config_manual.h */

struct method {
	const char *name;
	bool unique, order, include, several;
};

static const struct method methods[] = {
	{ "btree", true, true, true, true },    { "hash", false, false, false, false },
	{ "gist", false, false, true, true },   { "spgist", false, false, true, false },
	{ "gin", false, false, false, true },   { "brin", false, false, false, true }
};

static const struct method *method_of(const struct sg_index_reading *reading)
{
	for (size_t i = 0; i < SG_COUNT(methods); i++)
		if (strcmp(methods[i].name, reading->method) == 0)
			return &methods[i];
	return NULL;
}

static void cannot(struct sg_index_reading *reading, const char *key, const char *what, const char *hint)
{
	struct sg_err *err = sg_index_mistake(reading, key, "%s with method %s", what, reading->method);

	(void)sg_err_detail(err, "Of PostgreSQL's access methods %s cannot do that.", reading->method);
	(void)sg_err_hint(err, "%s", hint);
}

void sg_index_judge_method(struct sg_index_reading *reading, const struct sg_index_elements *elements,
                           const struct sg_index_piece *columns, const struct sg_index_piece *include)
{
	const struct method *method = method_of(reading);
	bool sql = reading->step->sql != NULL, order = false;

	for (size_t i = 0; method == NULL && i < SG_COUNT(methods); i++)
		if (strcasecmp(methods[i].name, reading->method) == 0) {
			struct sg_err *err = sg_index_mistake(reading, sql ? "sql" : "method", "%s", reading->method);

			(void)sg_err_detail(err, "Names of access methods are told apart by case, too.");
			(void)sg_err_hint(err, "Write %s.", methods[i].name);
		}
	if (method == NULL)
		return;
	for (size_t i = 0; i < elements->count; i++)
		order = order || !sg_node_is(elements->list[i].tree, "ordering", "SORTBY_DEFAULT") ||
		        !sg_node_is(elements->list[i].tree, "nulls_ordering", "SORTBY_NULLS_DEFAULT");
	if (reading->unique && !method->unique)
		cannot(reading, sql ? "sql" : "unique", "unique", "Only a btree can be unique: leave method out, or unique.");
	if (order && !method->order)
		cannot(reading, columns->key, "ASC, DESC or NULLS FIRST or LAST", "Leave the direction out: only a btree is ordered.");
	if (elements->count > 1 && !method->several)
		cannot(reading, columns->key, "more than one column", "Make one index for each column.");
	if (include->text != NULL && !method->include)
		cannot(reading, include->key, "columns carried along", "Columns can be carried along by btree, gist and spgist.");
}

/* ---- columns ---- */

/* The column's name where an element is nothing else, in brackets or not. */
static const char *plain(const struct sg_json *elem)
{
	const char *name = sg_json_text(sg_json_get(elem, "name"));
	const struct sg_json *fields = sg_json_get(sg_node_as(sg_json_get(elem, "expr"), "ColumnRef"), "fields");

	return name != NULL ? name : sg_json_count(fields) == 1 ? sg_node_string(sg_json_at(fields, 0)) : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_element(const struct sg_index_element *a, const struct sg_index_element *b)
{
	const char *x = plain(a->tree), *y = plain(b->tree);

	if (!same_text(a->collation, b->collation) || !same_text(a->opclass, b->opclass))
		return false;
	return x != NULL && y != NULL ? strcmp(x, y) == 0
	       : x == NULL && y == NULL && sg_index_same_member(a->tree, b->tree, "expr");
}

static void twice(struct sg_index_reading *reading, const char *key, const char *what, const char *where)
{
	struct sg_err *err = sg_index_mistake(reading, key, "%.80s is here twice", what);

	(void)sg_err_detail(err, "It is %s already.", where);
	(void)sg_err_hint(err, "Leave one of them out: the second adds nothing but its size.");
}

static void check_system(struct sg_index_reading *reading, const char *key, const char *name)
{
	static const char *const names[] = { "ctid", "xmin", "cmin", "xmax", "cmax", "tableoid" };

	for (size_t i = 0; name != NULL && i < SG_COUNT(names); i++)
		if (strcmp(names[i], name) == 0) {
			struct sg_err *err = sg_index_mistake(reading, key, "%s is a system column", name);

			(void)sg_err_detail(err, "The server makes no index on it.");
			(void)sg_err_hint(err, "Index a column of the table's own.");
		}
}

static void judge_included(struct sg_index_reading *reading, const struct sg_index_elements *elements,
                           const struct sg_index_piece *include, size_t at)
{
	const struct sg_json *elem = sg_node_as(sg_json_at(include->tree, at), "IndexElem");
	const char *name = sg_json_text(sg_json_get(elem, "name"));

	if (name == NULL || sg_json_get(elem, "collation") != NULL || sg_json_get(elem, "opclass") != NULL ||
	    !sg_node_is(elem, "ordering", "SORTBY_DEFAULT") || !sg_node_is(elem, "nulls_ordering", "SORTBY_NULLS_DEFAULT")) {
		struct sg_err *err = sg_index_mistake(reading, include->key, "%s%s", name ? name : "an expression",
		                                      name ? " with more than its name" : "");

		(void)sg_err_detail(err, "What is carried along is not searched and not ordered: %.200s", include->text);
		(void)sg_err_hint(err, "Write names of columns, separated by commas, without brackets.");
		return;
	}
	check_system(reading, include->key, name);
	for (size_t i = 0; i < at; i++)
		if (same_text(sg_json_text(sg_json_get(sg_node_as(sg_json_at(include->tree, i), "IndexElem"), "name")), name)) {
			twice(reading, include->key, name, "in include");
			return;
		}
	/* of other methods some cannot give back what they index */
	for (size_t i = 0; i < elements->count && strcmp(reading->method, "btree") == 0; i++)
		if (same_text(plain(elements->list[i].tree), name)) {
			twice(reading, include->key, name, "in columns");
			return;
		}
}

void sg_index_judge_columns(struct sg_index_reading *reading, const struct sg_index_piece *columns,
                            const struct sg_index_elements *elements, const struct sg_index_piece *include)
{
	size_t count = elements->count + sg_json_count(include->tree);

	if (count > INDEX_MAX_KEYS) {
		struct sg_err *err = sg_index_mistake(reading, columns->key, "%zu columns, and an index has at most %d", count,
		                                      INDEX_MAX_KEYS);

		(void)sg_err_detail(err, "Those of include count, too.");
		(void)sg_err_hint(err, "Leave some out.");
	}
	for (size_t i = 0; i < elements->count; i++) {
		check_system(reading, columns->key, sg_json_text(sg_json_get(elements->list[i].tree, "name")));
		for (size_t k = 0; k < i; k++)
			if (same_element(&elements->list[i], &elements->list[k])) {
				twice(reading, columns->key, elements->list[i].head, "in columns");
				break;
			}
	}
	for (size_t i = 0; i < sg_json_count(include->tree); i++)
		judge_included(reading, elements, include, i);
}

/* ---- storage parameters ---- */

static const struct parameter {
	const char *name;
	const char *methods;   /* with a blank on both sides */
	int64_t min, max;      /* of a number */
	const char *words;     /* or these, likewise; NULL: a number */
} parameters[] = {
	{ "fillfactor", " btree hash gist spgist ", 10, 100, NULL },
	{ "deduplicate_items", " btree ", 0, 0, " on off true false yes no 1 0 " },
	{ "buffering", " gist ", 0, 0, " on off auto " },
	{ "fastupdate", " gin ", 0, 0, " on off true false yes no 1 0 " },
	{ "gin_pending_list_limit", " gin ", 64, INT32_MAX, NULL },
	{ "pages_per_range", " brin ", 1, 131072, NULL },
	{ "autosummarize", " brin ", 0, 0, " on off true false yes no 1 0 " }
};

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; length > 0 && at[1] != '\0'; at = strchr(at + 1, ' '))
		if (strncasecmp(at + 1, word, length) == 0 && at[1 + length] == ' ')
			return true;
	return false;
}

/* The value as text; "" where there is none. */
static const char *value_of(struct sg_arena *arena, const struct sg_json *option)
{
	const struct sg_json *arg = sg_json_get(option, "arg"), *type = sg_node_as(arg, "TypeName");
	const char *text = sg_node_string(arg);
	struct sg_relation name;

	if (sg_node_as(arg, "Integer") != NULL)
		return sg_arena_printf(arena, "%jd", (intmax_t)sg_json_int(sg_json_get(sg_node_as(arg, "Integer"), "ival")));
	if (sg_node_as(arg, "Float") != NULL)
		text = sg_json_text(sg_json_get(sg_node_as(arg, "Float"), "fval"));
	else if (type != NULL && sg_tree_names(sg_json_get(type, "names"), &name))
		text = name.name;
	return text ? text : "";
}

static void unknown_parameter(struct sg_index_reading *reading, const struct sg_index_piece *with, const char *name)
{
	struct sg_err *err = sg_index_mistake(reading, with->key, "method %s has no storage parameter %.80s", reading->method, name);
	struct sg_buf list = SG_BUF_INIT;

	for (size_t i = 0; i < SG_COUNT(parameters); i++)
		if (has_word(parameters[i].methods, reading->method))
			sg_buf_addf(&list, "%s%s", list.length ? ", " : "", parameters[i].name);
	(void)sg_err_detail(err, "It has %s.", list.data);
	(void)sg_err_hint(err, "Write with = %s = …, without the brackets; or leave it out.", list.data[0] == 'd' ? "fillfactor" :
	                  sg_arena_strndup(reading->arena, list.data, strcspn(list.data, ",")));
	sg_buf_release(&list);
}

static void judge_parameter(struct sg_index_reading *reading, const struct sg_index_piece *with, const struct sg_json *option,
                            const char *name)
{
	const char *value = value_of(reading->arena, option);
	const struct parameter *parameter = NULL;
	struct sg_err *err;
	int64_t number;

	for (size_t i = 0; i < SG_COUNT(parameters); i++)
		if (strcmp(parameters[i].name, name) == 0 && has_word(parameters[i].methods, reading->method))
			parameter = &parameters[i];
	if (parameter == NULL || sg_json_get(option, "defnamespace") != NULL) {
		unknown_parameter(reading, with, name);
		return;
	}
	if (parameter->words != NULL ? has_word(parameter->words, value) ||
	                               (value[0] == '\0' && sg_json_get(option, "arg") == NULL && parameter->words[1] == 'o' &&
	                                strstr(parameter->words, "auto") == NULL)
	                             : sg_text_int(value, parameter->min, parameter->max, &number))
		return;
	err = sg_index_mistake(reading, with->key, "%s = %.80s: not allowed", name, value);
	(void)sg_err_detail(err, "It is a storage parameter of method %s.", reading->method);
	if (parameter->words != NULL)
		(void)sg_err_hint(err, "Write on or off%s.", strstr(parameter->words, "auto") ? " or auto" : "");
	else
		(void)sg_err_hint(err, "Allowed are whole numbers from %jd to %jd.", (intmax_t)parameter->min,
		                  (intmax_t)parameter->max);
}

void sg_index_judge_with(struct sg_index_reading *reading, const struct sg_index_piece *with)
{
	const struct method *method = method_of(reading);

	for (size_t i = 0; i < sg_json_count(with->tree); i++) {
		const struct sg_json *option = sg_node_as(sg_json_at(with->tree, i), "DefElem");
		const char *name = sg_json_text(sg_json_get(option, "defname"));
		bool first = true;

		if (name == NULL)
			continue;
		for (size_t k = 0; k < i; k++)
			if (sg_node_is(sg_node_as(sg_json_at(with->tree, k), "DefElem"), "defname", name))
				first = false;
		if (!first)
			twice(reading, with->key, name, "in with");
		else if (method != NULL)
			judge_parameter(reading, with, option, name);
	}
}
