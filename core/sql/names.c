/* names.c - nothing that a step sends may name the runner's own tables.
 *
 * The state schema is found wherever the tree has a name: relations, types,
 * functions, operators, objects of DROP, GRANT, COMMENT and ALTER, schemas as
 * objects of their own, search_path in SET clauses, literals that are read as
 * names. A text that builds the name at run time is not seen here; the server's
 * check of locks on our tables comes before COMMIT. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/lex.h"
#include "core/sql/tree.h"

/* Only needed where state_schema is the schema of the application too. */
static const char *const state_tables[] = { "meta",      "schema_migrations", "journal",           "attempts", "backfills",
	                                    "backfill_ranges", "backfill_failures", "indexes", "lease" };

/* Lists of Strings that are columns, labels or arguments, never qualified names. */
static const char *const not_names[] = { "keys", "fk_attrs", "pk_attrs", "fk_del_set_cols", "colnames", "aliases",
	                                 "columns", "vals", "args", "including" };

static bool shared(const struct sg_judge *judge)
{
	return judge->rules->schema != NULL && strcmp(judge->rules->schema, judge->rules->state_schema) == 0;
}

static bool is_state_schema(const struct sg_judge *judge, const char *schema)
{
	return schema != NULL && judge->rules->state_schema != NULL && strcmp(schema, judge->rules->state_schema) == 0;
}

static bool is_state_table(const struct sg_judge *judge, struct sg_relation relation)
{
	if (judge->rules->state_schema == NULL || relation.name == NULL)
		return false;
	if (!shared(judge))
		return is_state_schema(judge, relation.schema);
	if (relation.schema != NULL && !is_state_schema(judge, relation.schema))
		return false;
	for (size_t i = 0; i < SG_COUNT(state_tables); i++)
		if (strcmp(state_tables[i], relation.name) == 0)
			return true;
	return false;
}

static int refuse(struct sg_judge *judge, size_t offset)
{
	const char *state = judge->rules->state_schema;
	size_t found = sg_judge_find(judge, offset, state);

	/* A name's location is its first part, but not every node has one. */
	if (found == offset && strncasecmp(judge->sql + offset, state, strlen(state)) != 0)
		found = sg_judge_find(judge, 0, state) > 0 ? sg_judge_find(judge, 0, state) : offset;
	return sg_judge_refuse(judge, found, SG_HINT_STATE, "the schema \"%s\" belongs to the runner, and a step may not name it",
	                       judge->rules->state_schema);
}

int sg_judge_reference(struct sg_judge *judge, struct sg_relation relation, size_t offset)
{
	return is_state_table(judge, relation) ? refuse(judge, offset) : 0;
}

int sg_judge_relation(struct sg_judge *judge, struct sg_relation relation, size_t offset)
{
	if (is_state_table(judge, relation))
		return refuse(judge, offset);
	sg_relations_add(judge->arena, &judge->verdict->named, relation);
	return 0;
}

int sg_judge_name_list(struct sg_judge *judge, const char *key, const struct sg_json *list, size_t near)
{
	size_t count = sg_json_count(list);
	struct sg_relation name;

	if (count == 0 || sg_node_string(sg_json_at(list, 0)) == NULL)
		return 0;
	for (size_t i = 0; i < SG_COUNT(not_names); i++)
		if (strcmp(key, not_names[i]) == 0)
			return 0;
	/* a.b is a column of a table a; only from three parts on there is a schema */
	if (strcmp(key, "fields") == 0 && count < 3)
		return 0;
	if (shared(judge)) {
		name.schema = count > 1 ? sg_node_string(sg_json_at(list, count - 2)) : NULL;
		name.name = sg_node_string(sg_json_at(list, count - 1));
		return name.schema != NULL && is_state_table(judge, name) ? refuse(judge, near) : 0;
	}
	for (size_t i = 0; i + 1 < count; i++)
		if (is_state_schema(judge, sg_node_string(sg_json_at(list, i))))
			return refuse(judge, near);
	return 0;
}

/* The folded identifier at the start of text equals the state schema; rest_r is what follows. */
static bool starts_with_state(const struct sg_judge *judge, const char *text, const char **rest_r)
{
	const char *state = judge->rules->state_schema;
	size_t size = strlen(state);

	text += strspn(text, " \t\r\n\"");
	if (strncasecmp(text, state, size) != 0)
		return false;
	*rest_r = text + size + strspn(text + size, " \t\r\n\"");
	return (*rest_r)[0] == '\0' || (*rest_r)[0] == '.' || (*rest_r)[0] == ',' || *rest_r != text + size;
}

int sg_judge_name_literal(struct sg_judge *judge, const struct sg_json *node, size_t near)
{
	struct sg_json *body = sg_node_as(node, "A_Const");
	const char *text = sg_json_text(sg_json_get(sg_json_get(body, "sval"), "sval"));
	const char *rest;

	if (text == NULL || judge->rules->state_schema == NULL || shared(judge) || !starts_with_state(judge, text, &rest) ||
	    rest[0] != '.')
		return 0;
	return refuse(judge, sg_judge_at(body, near));
}

int sg_judge_name_body(struct sg_judge *judge, const char *body, size_t near)
{
	struct sg_lex lex;
	struct sg_token token;
	bool before = false;
	const char *state = judge->rules->state_schema;

	if (state == NULL || shared(judge))
		return 0;
	sg_lex_init(&lex, body, strlen(body));
	while (sg_lex_next(&lex, &token)) {
		const char *rest;

		if (before && sg_lex_char(&lex, &token, '.'))
			return refuse(judge, near);
		before = sg_lex_is(&lex, &token, state) ||
		         (token.kind == SG_TOKEN_QUOTED && token.inner_end - token.inner == strlen(state) &&
		          memcmp(body + token.inner, state, strlen(state)) == 0);
		if ((token.kind == SG_TOKEN_STRING || token.kind == SG_TOKEN_DOLLAR) && lex.at <= lex.length &&
		    starts_with_state(judge, body + token.inner, &rest) && rest[0] == '.')
			return refuse(judge, near);
	}
	return 0;
}

/* Members that are the name of a schema as they stand. */
static int check_members(struct sg_judge *judge, const struct sg_json *body, size_t near)
{
	static const char *const members[] = { "schemaname", "newschema", "local_schema" };

	for (size_t i = 0; i < SG_COUNT(members); i++)
		if (is_state_schema(judge, sg_json_text(sg_json_get(body, members[i]))))
			return refuse(judge, near);
	return 0;
}

/* Strings in a list (or one alone) that are names of schemas. */
static int check_schemas(struct sg_judge *judge, const struct sg_json *value, size_t near)
{
	if (is_state_schema(judge, sg_node_string(value)))
		return refuse(judge, near);
	if (sg_node_as(value, "List") != NULL)
		value = sg_json_get(sg_node_as(value, "List"), "items");
	for (size_t i = 0; i < sg_json_count(value); i++)
		if (is_state_schema(judge, sg_node_string(sg_json_at(value, i))))
			return refuse(judge, near);
	return 0;
}

/* SET search_path in a function's, role's or database's settings. */
static int check_setting(struct sg_judge *judge, const struct sg_json *body, size_t near)
{
	const struct sg_json *args = sg_json_get(body, "args");

	for (size_t i = 0; i < sg_json_count(args); i++) {
		const char *text = sg_json_text(
			sg_json_get(sg_json_get(sg_node_as(sg_json_at(args, i), "A_Const"), "sval"), "sval"));

		for (const char *part = text; part != NULL; part = strchr(part, ',')) {
			const char *rest;

			part += part[0] == ',' ? 1 : 0;
			if (starts_with_state(judge, part, &rest) && rest[0] != '.')
				return refuse(judge, near);
		}
	}
	return 0;
}

int sg_judge_names(struct sg_judge *judge, const char *node, const struct sg_json *body, size_t near)
{
	const char *kind;

	/* With a schema in common, schemas as such are the application's to change. */
	if (judge->rules->state_schema == NULL || shared(judge))
		return 0;
	near = sg_judge_at(body, near);
	if (check_members(judge, body, near) != 0)
		return -1;
	if (strcmp(node, "VariableSetStmt") == 0 || strcmp(node, "setstmt") == 0)
		return sg_node_is(body, "name", "search_path") ? check_setting(judge, body, near) : 0;
	if (strcmp(node, "DefElem") == 0) {
		if (sg_node_is(body, "defname", "schema") || sg_node_is(body, "defname", "schemas"))
			return check_schemas(judge, sg_json_get(body, "arg"), near);
		return 0;
	}
	if (strcmp(node, "PublicationObjSpec") == 0 || strcmp(node, "CreateSchemaStmt") == 0) {
		const char *name = sg_json_text(sg_json_get(body, "name"));

		if (name == NULL && sg_json_get(body, "schemaname") == NULL)
			name = sg_json_text(sg_json_get(sg_json_get(body, "authrole"), "rolename"));
		return is_state_schema(judge, name) ? refuse(judge, near) : 0;
	}
	if (sg_node_is(body, "renameType", "OBJECT_SCHEMA") &&
	    (is_state_schema(judge, sg_json_text(sg_json_get(body, "subname"))) ||
	     is_state_schema(judge, sg_json_text(sg_json_get(body, "newname")))))
		return refuse(judge, near);
	kind = sg_json_text(sg_json_get(body, "removeType"));
	kind = kind != NULL ? kind : sg_json_text(sg_json_get(body, "objtype"));
	kind = kind != NULL ? kind : sg_json_text(sg_json_get(body, "objectType"));
	if ((kind != NULL && strcmp(kind, "OBJECT_SCHEMA") == 0) || sg_node_is(body, "targtype", "ACL_TARGET_ALL_IN_SCHEMA"))
		return check_schemas(judge, sg_json_get(body, "objects"), near) != 0 ||
		                       check_schemas(judge, sg_json_get(body, "object"), near) != 0
		               ? -1
		               : 0;
	return 0;
}
