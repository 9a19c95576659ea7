/* tree.c - nodes and names of tree.h. Types are in types.c. */
#include "config.h"

#include "core/sql/tree.h"

#include <string.h>
#include <strings.h>

const char *sg_node_name(const struct sg_json *node)
{
	void *member = sg_json_is_object(node) ? sg_json_next(node, NULL) : NULL;
	const char *key = member != NULL ? sg_json_key(member) : NULL;

	return key != NULL && key[0] >= 'A' && key[0] <= 'Z' ? key : NULL;
}

struct sg_json *sg_node_body(const struct sg_json *node)
{
	return sg_node_name(node) != NULL ? sg_json_value(sg_json_next(node, NULL)) : NULL;
}

struct sg_json *sg_node_as(const struct sg_json *node, const char *name)
{
	return sg_json_get(node, name);
}

const char *sg_node_string(const struct sg_json *node)
{
	struct sg_json *body = sg_json_get(node, "String");
	const char *text = sg_json_text(sg_json_get(body, "sval"));

	return body == NULL ? NULL : text != NULL ? text : "";
}

bool sg_node_is(const struct sg_json *body, const char *member, const char *value)
{
	const char *text = sg_json_text(sg_json_get(body, member));

	return text != NULL && strcmp(text, value) == 0;
}

struct sg_json *sg_node_option(const struct sg_json *list, const char *name)
{
	for (size_t i = 0; i < sg_json_count(list); i++) {
		struct sg_json *option = sg_node_as(sg_json_at(list, i), "DefElem");
		const char *has = sg_json_text(sg_json_get(option, "defname"));

		if (has != NULL && strcasecmp(has, name) == 0)
			return option;
	}
	return NULL;
}

bool sg_node_option_on(const struct sg_json *option)
{
	struct sg_json *arg = sg_json_get(option, "arg");
	struct sg_json *number = sg_node_as(arg, "Integer"), *boolean = sg_node_as(arg, "Boolean");
	const char *text = sg_node_string(arg);

	if (option == NULL)
		return false;
	if (number != NULL)
		return sg_json_int(sg_json_get(number, "ival")) != 0;
	if (boolean != NULL)
		return sg_json_true(sg_json_get(boolean, "boolval"));
	return text == NULL || (strcasecmp(text, "false") != 0 && strcasecmp(text, "off") != 0);
}

bool sg_tree_names(const struct sg_json *list, struct sg_relation *name_r)
{
	size_t count = sg_json_count(list);

	name_r->schema = count > 1 ? sg_node_string(sg_json_at(list, count - 2)) : NULL;
	name_r->name = count > 0 ? sg_node_string(sg_json_at(list, count - 1)) : NULL;
	return name_r->name != NULL;
}

struct sg_relation sg_tree_relation(const struct sg_json *rangevar)
{
	return (struct sg_relation){ .schema = sg_json_text(sg_json_get(rangevar, "schemaname")),
		                     .name = sg_json_text(sg_json_get(rangevar, "relname")) };
}

const char *sg_tree_quote(struct sg_arena *arena, const char *name)
{
	size_t size = strlen(name), out = 0;
	char *text = sg_arena_alloc(arena, 2 * size + 3);

	text[out++] = '"';
	for (size_t i = 0; i < size; i++) {
		if (name[i] == '"')
			text[out++] = '"';
		text[out++] = name[i];
	}
	text[out] = '"';
	return text;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void sg_relations_add(struct sg_arena *arena, struct sg_relations *list, struct sg_relation relation)
{
	if (relation.name == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		if (same(list->list[i].schema, relation.schema) && same(list->list[i].name, relation.name))
			return;
	list->list = sg_arena_grow(arena, list->list, &list->capacity, list->count + 1, sizeof(*list->list));
	list->list[list->count++] = (struct sg_relation){ .schema = sg_arena_strdup(arena, relation.schema),
		                                          .name = sg_arena_strdup(arena, relation.name) };
}

bool sg_relations_have(const struct sg_relations *list, struct sg_relation relation, const char *schema)
{
	if (list == NULL || relation.name == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (same(list->list[i].name, relation.name) &&
		    same(list->list[i].schema != NULL ? list->list[i].schema : schema,
		         relation.schema != NULL ? relation.schema : schema))
			return true;
	return false;
}
