/* walk.c - the whole tree, never only its top node.
 *
 * Each object of the JSON is visited once. A node that writes is refused
 * wherever it stands (a CTE, a rule's action, under EXPLAIN or PREPARE); a
 * statement inside a statement that the list does not allow there is refused as
 * well, so that a grammar with more nodes than we know fails closed. Depth is
 * bounded by the JSON reader's 2,048 levels. */
#include "config.h"

#include <string.h>

#include "core/sql/judge.h"
#include "core/sql/tree.h"

struct walk {
	struct sg_judge *judge;
	unsigned flags;
	const struct sg_json *top; /* already judged by the list */
};

static int visit(struct walk *walk, const char *key, const struct sg_json *value, size_t near);

static bool is_capital(const char *key)
{
	return key[0] >= 'A' && key[0] <= 'Z';
}

static bool ends_with_stmt(const char *node)
{
	size_t size = strlen(node);

	return size > 4 && strcmp(node + size - 4, "Stmt") == 0;
}

static int visit_call(struct walk *walk, const struct sg_json *body, size_t near)
{
	struct sg_judge *judge = walk->judge;
	const struct sg_json *args = sg_json_get(body, "args");
	struct sg_relation name;
	enum sg_function kind;
	const char *what;
	bool bare = true;

	near = sg_judge_at(body, near);
	if (!sg_tree_names(sg_json_get(body, "funcname"), &name))
		return sg_judge_refuse(judge, near, NULL, "a function without a name");
	for (size_t i = 0; i < sg_json_count(args); i++) {
		if (sg_judge_name_literal(judge, sg_json_at(args, i), near) != 0)
			return -1;
		/* An argument may be cast on its way in, by a function of users'. */
		bare = bare && sg_node_as(sg_json_at(args, i), "A_Const") != NULL;
	}
	if (walk->flags & SG_WALK_DEFINITION)
		return 0;
	kind = sg_function_kind(name, sg_json_count(args) > 0, &what);
	if (kind == SG_FUNCTION_DENIED || (kind == SG_FUNCTION_SEQUENCE && (walk->flags & SG_WALK_READ)))
		return sg_judge_refuse(judge, near, kind == SG_FUNCTION_SEQUENCE ? SG_HINT_DDL : SG_HINT_OPERATOR,
		                       "%s() %s", name.name, what);
	if (judge->rules->no_transaction && judge->call == SG_CALL_DDL && kind == SG_FUNCTION_UNKNOWN)
		return sg_judge_refuse(judge, near, "Outside a transaction nothing could be rolled back that it wrote.",
		                       "%s() is not known to be harmless, and no check could follow it outside a transaction",
		                       name.name);
	if (kind == SG_FUNCTION_UNKNOWN || !bare)
		judge->verdict->opaque = true;
	return 0;
}

static int visit_lock(struct walk *walk, const struct sg_json *body, size_t near)
{
	static const struct {
		const char *strength, *text;
	} names[] = { { "LCS_FORKEYSHARE", "FOR KEY SHARE" },
		      { "LCS_FORSHARE", "FOR SHARE" },
		      { "LCS_FORNOKEYUPDATE", "FOR NO KEY UPDATE" } };
	struct sg_judge *judge = walk->judge;
	const char *text = "FOR UPDATE";

	for (size_t i = 0; i < SG_COUNT(names); i++)
		if (sg_node_is(body, "strength", names[i].strength))
			text = names[i].text;
	if (!(walk->flags & SG_WALK_LOCKS))
		return sg_judge_refuse(judge, sg_judge_find(judge, near, "FOR"),
		                       "Only a backfill's batch may lock rows; leave the clause out.",
		                       "%s locks rows, and this is to be a read", text);
	if (sg_node_is(body, "waitPolicy", "LockWaitSkip") && !judge->rules->drain)
		return sg_judge_refuse(judge, sg_judge_find(judge, near, "SKIP"),
		                       "Leave it out: the runner halves a batch that meets a locked row and defers that row. "
		                       "A plugin that selects its own rows is declared with SG_DRAIN.",
		                       "SKIP LOCKED loses rows in silence where the batch is a range of keys");
	return 0;
}

static bool is_catalog(const struct sg_json *rangevar)
{
	const char *schema = sg_json_text(sg_json_get(rangevar, "schemaname"));

	return schema != NULL && (strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0);
}

static int visit_dml(struct walk *walk, const char *node, const struct sg_json *body, size_t near)
{
	const struct sg_statement *statement = sg_statement_find(node);
	struct sg_judge *judge = walk->judge;
	const struct sg_json *target = sg_json_get(body, "relation");
	const char *name = sg_json_text(sg_json_get(target, "relname"));

	if (!(walk->flags & SG_WALK_DML))
		return sg_judge_refuse(judge, sg_judge_find(judge, near, statement->kind), SG_HINT_BACKFILL,
		                       judge->call == SG_CALL_QUERY ? "%s writes rows, and this is to be a read"
		                                                    : "%s writes rows, and a migration is DDL only",
		                       statement->kind);
	if (is_catalog(target) || (name != NULL && strncmp(name, "pg_", 3) == 0))
		return sg_judge_refuse(judge, sg_judge_at(target, near), SG_HINT_DDL,
		                       "the catalogue's tables are not to be written to");
	return 0;
}

/* A statement inside a statement. */
static int visit_statement(struct walk *walk, const char *node, const struct sg_json *body, size_t near)
{
	const struct sg_statement *statement = sg_statement_find(node);

	if (strcmp(node, "SelectStmt") == 0 || (walk->flags & SG_WALK_BODY))
		return 0;
	if (strcmp(node, "InsertStmt") == 0 || strcmp(node, "UpdateStmt") == 0 || strcmp(node, "DeleteStmt") == 0 ||
	    strcmp(node, "MergeStmt") == 0)
		return visit_dml(walk, node, body, near);
	/* CREATE RULE … DO NOTIFY is a definition. */
	if (strcmp(node, "NotifyStmt") == 0 && (walk->flags & SG_WALK_DEFINITION))
		return 0;
	/* … FUNCTION … SET search_path = …: a setting of the routine. REPLICA IDENTITY: an action. */
	if (strcmp(node, "VariableSetStmt") == 0 || strcmp(node, "ReplicaIdentityStmt") == 0)
		return 0;
	if ((walk->flags & SG_WALK_SCHEMA) && statement != NULL && statement->rule == NULL)
		return 0;
	if (statement != NULL && statement->rule != NULL)
		return sg_judge_refuse(walk->judge, near, statement->hint, "%s %s", statement->kind, statement->rule);
	return sg_judge_refuse(walk->judge, near, NULL, "a statement (%s) inside another is not known to be allowed",
	                       statement != NULL ? statement->kind : node);
}

static int visit_node(struct walk *walk, const char *node, const struct sg_json *body, size_t near)
{
	struct sg_judge *judge = walk->judge;

	if (body != walk->top && ends_with_stmt(node) && visit_statement(walk, node, body, near) != 0)
		return -1;
	if (strcmp(node, "FuncCall") == 0)
		return visit_call(walk, body, near);
	if (strcmp(node, "LockingClause") == 0)
		return visit_lock(walk, body, near);
	if (strcmp(node, "TypeCast") == 0) {
		const struct sg_json *type = sg_json_get(body, "typeName");
		struct sg_relation name;

		if (!sg_tree_type_is_builtin(type) && !(walk->flags & SG_WALK_DEFINITION))
			judge->verdict->opaque = true;
		if (sg_tree_names(sg_json_get(type, "names"), &name) && strncmp(name.name, "reg", 3) == 0)
			return sg_judge_name_literal(judge, sg_json_get(body, "arg"), near);
	}
	if (strcmp(node, "A_Expr") == 0 && !(walk->flags & SG_WALK_DEFINITION)) {
		struct sg_relation name;

		if (sg_tree_names(sg_json_get(body, "name"), &name) &&
		    ((name.schema != NULL && strcmp(name.schema, "pg_catalog") != 0) || !sg_operator_is_plain(name.name)))
			judge->verdict->opaque = true;
	}
	return 0;
}

/* A definition only mentions what it will use, and a foreign key the table that
 * it points to: the executor takes verdict.named for what a statement may change. */
static int visit_relation(struct walk *walk, const char *key, const struct sg_json *body, size_t near)
{
	bool mentioned = strcmp(key, "pktable") == 0 || (walk->flags & (SG_WALK_DEFINITION | SG_WALK_BODY)) ||
	                 (walk->judge->call == SG_CALL_DDL && (walk->flags & SG_WALK_READ));

	/* What is read may be a view, and a view may call anything. */
	if ((walk->flags & SG_WALK_READ) && !is_catalog(body))
		walk->judge->verdict->opaque = true;
	near = sg_judge_at(body, near);
	return mentioned ? sg_judge_reference(walk->judge, sg_tree_relation(body), near)
	                 : sg_judge_relation(walk->judge, sg_tree_relation(body), near);
}

/* Where a schema stands other than in a relation's or a list's name. */
static bool has_names(const char *key)
{
	return strcmp(key, "DefElem") == 0 || strcmp(key, "PublicationObjSpec") == 0 || strcmp(key, "setstmt") == 0 ||
	       strcmp(key, "action") == 0 || (is_capital(key) && ends_with_stmt(key));
}

static int visit_object(struct walk *walk, const char *key, const struct sg_json *value, size_t near)
{
	near = sg_judge_at(value, near);
	if (is_capital(key) && visit_node(walk, key, value, near) != 0)
		return -1;
	if (strcmp(key, "funccall") == 0 && visit_call(walk, value, near) != 0)
		return -1;
	if (strcmp(key, "intoClause") == 0 && !(walk->flags & SG_WALK_BODY))
		return sg_judge_refuse(walk->judge, sg_judge_find(walk->judge, 0, "INTO"), SG_HINT_BACKFILL,
		                       "SELECT INTO fills a table, and a migration is DDL only");
	if (sg_json_get(value, "relname") != NULL && visit_relation(walk, key, value, near) != 0)
		return -1;
	if (has_names(key) && sg_judge_names(walk->judge, key, value, near) != 0)
		return -1;
	for (void *member = sg_json_next(value, NULL); member != NULL; member = sg_json_next(value, member))
		if (visit(walk, sg_json_key(member), sg_json_value(member), near) != 0)
			return -1;
	return 0;
}

static int visit(struct walk *walk, const char *key, const struct sg_json *value, size_t near)
{
	if (sg_json_is_object(value))
		return visit_object(walk, key, value, near);
	if (!sg_json_is_array(value))
		return 0;
	if (sg_judge_name_list(walk->judge, key, value, near) != 0)
		return -1;
	for (size_t i = 0; i < sg_json_count(value); i++) {
		const struct sg_json *item = sg_json_at(value, i);

		/* The parts of a name were looked at as a whole. */
		if (sg_node_string(item) != NULL)
			continue;
		if (visit(walk, "", item, near) != 0)
			return -1;
		/* What follows in the list stands further right: carets move on. */
		near = sg_judge_at(sg_node_body(item), near);
	}
	return 0;
}

int sg_judge_walk(struct sg_judge *judge, const struct sg_json *tree, unsigned flags)
{
	struct walk walk = { judge, flags, flags & SG_WALK_DML ? NULL : sg_node_body(tree) };

	return visit(&walk, "", tree, 0);
}
