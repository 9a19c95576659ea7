/* take_change.c - UPDATE and DELETE over a table become a backfill: the statement as it was, over one range of keys at a time.
 *
 * What is left to do is derived from the statement, too: of DELETE, a row that its WHERE still finds; of UPDATE, a row whose columns are not
 * what SET makes of them. Where SET gives another value each time, or goes on from the old one, nobody can tell by looking:
 * then the fingerprint is the author's, and the report says so. */
#include "config.h"

#include <string.h>

#include "core/manifest/checks.h"
#include "core/scaffold/take_parts.h"
#include "core/sql/tree.h"

struct change {
	const char *sql;
	size_t length;
	bool update;
	const struct sg_json *body;
	struct sg_relation table;
	const char *target;    /* "leads l": as it was written */
	const char *alias;     /* what columns are qualified with */
	const char *others;    /* of FROM or USING; or NULL */
	const char *where;     /* or NULL */
	const char *head;      /* up to where WHERE would begin */
	struct sg_list sets;   /* "a = 1": as they were written */
	const char *keys[16];
	size_t key_count;
	bool guessed;          /* the key */
};

/* ---- pieces ------------------------------------------------------------------------------------ */

static size_t first_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static const char *read_pieces(struct take *take, struct change *c)
{
	const char *sql = c->sql;
	size_t length = c->length, returning = take_find_word(sql, length, 0, "RETURNING", NULL), end = first_of(returning, length);
	size_t where = take_find_word(sql, end, 0, "WHERE", NULL), others, begin, to = first_of(where, end);
	struct sg_arena *arena = take->arena;

	if (c->update) {
		size_t set = take_find_word(sql, end, 0, "SET", NULL);

		if (set == SIZE_MAX)
			return "its SET is not found";
		others = take_find_word(sql, to, set, "FROM", "DISTINCT");
		c->target = take_cut(arena, sql, 6, set);
		c->sets = take_split(arena, sql, set + 3, first_of(others, to));
		begin = others != SIZE_MAX ? others + 4 : SIZE_MAX;
	} else {
		size_t from = take_find_word(sql, end, 0, "FROM", NULL);

		if (from == SIZE_MAX)
			return "its FROM is not found";
		others = take_find_word(sql, to, from, "USING", NULL);
		c->target = take_cut(arena, sql, from + 4, first_of(others, to));
		begin = others != SIZE_MAX ? others + 5 : SIZE_MAX;
	}
	if (begin != SIZE_MAX)
		c->others = take_cut(arena, sql, begin, to);
	if (where != SIZE_MAX)
		c->where = take_cut(arena, sql, where + 5, end);
	c->head = take_cut(arena, sql, 0, to);
	return NULL;
}

/* In parentheses, whatever it ends with. */
static const char *wrapped(struct take *take, const char *text)
{
	return sg_arena_printf(take->arena, strstr(text, "--") != NULL ? "(%s\n)" : "(%s)", text);
}

/* ---- the key ------------------------------------------------------------------------------------- */

static bool fits_key(const char *column)
{
	return sg_check_identifier(column) == NULL;
}

static bool read_key(struct take *take, struct change *c)
{
	const struct sg_model_table *table = sg_model_table(take->model, c->table);
	const struct sg_model_constraint *key = NULL;

	for (size_t i = 0; table != NULL && i < table->constraint_count; i++)
		if (table->constraints[i].kind == 'p')
			key = &table->constraints[i];
	for (size_t i = 0; key == NULL && table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *unique = &table->constraints[i];
		const struct sg_model_column *column = unique->column_count == 1 ? sg_model_column(table, unique->columns[0]) : NULL;

		if (unique->kind == 'u' && column != NULL && column->not_null)
			key = unique;
	}
	if (key != NULL && key->column_count <= SG_COUNT(c->keys)) {
		for (size_t i = 0; i < key->column_count; i++) {
			if (!fits_key(key->columns[i]))
				return false;
			c->keys[i] = sg_arena_strdup(take->arena, key->columns[i]);
		}
		c->key_count = key->column_count;
		return c->key_count > 0;
	}
	if (table != NULL && table->known)
		return false;
	/* The runner refuses it by name where it is none: no harm in guessing. */
	c->keys[0] = "id";
	c->key_count = 1;
	c->guessed = true;
	return true;
}

static void add_key(struct take *take, struct change *c, struct sg_buf *out, size_t column)
{
	sg_buf_addf(out, "%s.%s", c->alias, take_sql_name(&take->scratch, c->keys[column]));
}

static const char *range(struct take *take, struct change *c)
{
	struct sg_buf out = SG_BUF_INIT;
	size_t n = c->key_count;
	const char *text;

	sg_buf_adds(&out, n > 1 ? "(" : "");
	for (size_t i = 0; i < n; i++) {
		sg_buf_adds(&out, i > 0 ? ", " : "");
		add_key(take, c, &out, i);
	}
	sg_buf_adds(&out, n > 1 ? ") BETWEEN (" : " BETWEEN ");
	for (size_t i = 0; i < 2 * n; i++)
		sg_buf_addf(&out, "%s$%zu", i == 0 ? "" : i == n ? (n > 1 ? ") AND (" : " AND ") : ", ", i + 1);
	sg_buf_adds(&out, n > 1 ? ")" : "");
	text = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

static const char *arguments(struct take *take, const struct change *c)
{
	const char *text = "";

	if (c->key_count == 1)
		return "batch->first, batch->last";
	for (size_t i = 0; i < 2 * c->key_count; i++)
		text = sg_arena_printf(take->arena, "%s%sbatch->%s[%zu]", text, i == 0 ? "" : ", ", i < c->key_count ? "firsts" : "lasts",
		                       i % c->key_count);
	return text;
}

/* ---- what is left ---------------------------------------------------------------------------------- */

/* Types that have no equality. */
static bool compares(const struct sg_model_column *column)
{
	return column == NULL || column->type == NULL ||
	       (strcmp(column->type, "json") != 0 && strcmp(column->type, "xml") != 0 && strcmp(column->type, "point") != 0 &&
	        strcmp(column->type, "polygon") != 0 && strncmp(column->type, "json[]", 6) != 0);
}

static const struct sg_json *target_at(const struct change *c, size_t i)
{
	return sg_node_as(sg_json_at(sg_json_get(c->body, "targetList"), i), "ResTarget");
}

/* lower(email) set once is the same when it is set again. */
static bool is_idempotent(const struct sg_json *value)
{
	static const char *const names[] = { "lower", "upper", "trim", "btrim", "initcap" };
	const struct sg_json *call = sg_node_as(value, "FuncCall"), *args = sg_json_get(call, "args");
	struct sg_relation name;

	if (sg_node_as(value, "ColumnRef") != NULL)
		return true;
	if (sg_node_as(value, "CoalesceExpr") != NULL) {
		/* coalesce(a, x): a itself where there is one */
		return sg_node_as(sg_json_at(sg_json_get(sg_node_as(value, "CoalesceExpr"), "args"), 0), "ColumnRef") != NULL;
	}
	if (call == NULL || sg_json_count(args) != 1 || !sg_tree_names(sg_json_get(call, "funcname"), &name))
		return false;
	for (size_t i = 0; i < SG_COUNT(names); i++)
		if (strcmp(names[i], name.name) == 0)
			return is_idempotent(sg_json_at(args, 0));
	return false;
}

/* The column and what it is compared with where the WHERE is "… AND column IS NULL AND …": rows that are done are not found. */
static bool leaves_out(const struct sg_json *where, const char *column)
{
	const struct sg_json *both = sg_node_as(where, "BoolExpr"), *test = sg_node_as(where, "NullTest");
	const struct sg_json *fields = sg_json_get(sg_node_as(sg_json_get(test, "arg"), "ColumnRef"), "fields");

	if (sg_node_is(both, "boolop", "AND_EXPR")) {
		for (size_t i = 0; i < sg_json_count(sg_json_get(both, "args")); i++)
			if (leaves_out(sg_json_at(sg_json_get(both, "args"), i), column))
				return true;
		return false;
	}
	return sg_node_is(test, "nulltesttype", "IS_NULL") && sg_json_count(fields) > 0 &&
	       take_same(sg_node_string(sg_json_at(fields, sg_json_count(fields) - 1)), column);
}

/* Never NULL, whatever the row holds: constants, the time, a new uuid. */
static bool is_never_null(const struct sg_json *value)
{
	const struct sg_json *constant = sg_node_as(value, "A_Const"), *call = sg_node_as(value, "FuncCall");
	struct sg_relation name;

	if (constant != NULL)
		return !sg_json_true(sg_json_get(constant, "isnull"));
	if (sg_node_as(value, "TypeCast") != NULL)
		return is_never_null(sg_json_get(sg_node_as(value, "TypeCast"), "arg"));
	if (sg_node_as(value, "SQLValueFunction") != NULL)
		return true;
	if (sg_node_as(value, "CoalesceExpr") != NULL) {
		const struct sg_json *args = sg_json_get(sg_node_as(value, "CoalesceExpr"), "args");

		return is_never_null(sg_json_at(args, sg_json_count(args) - 1));
	}
	return call != NULL && sg_tree_names(sg_json_get(call, "funcname"), &name) &&
	       (strcmp(name.name, "now") == 0 || strcmp(name.name, "gen_random_uuid") == 0 || strcmp(name.name, "uuid_generate_v4") == 0 ||
	        strcmp(name.name, "random") == 0 || strcmp(name.name, "clock_timestamp") == 0 || strcmp(name.name, "concat") == 0);
}

/* The part of "a = x" behind the sign; NULL: not of that form. */
static const char *value_text(struct take *take, const char *set)
{
	const char *sign = strchr(set, '=');
	const char *name = sign != NULL ? take_cut(&take->scratch, set, 0, (size_t)(sign - set)) : "";

	if (sign == NULL || sign[1] == '=' || strchr(name, '(') != NULL || strchr(name, '[') != NULL || strchr(name, '.') != NULL)
		return NULL;
	return take_cut(take->arena, set, (size_t)(sign - set) + 1, strlen(set));
}

/* "WHERE …" that finds what is left, without the word; NULL: nobody can tell. "" finds every row. */
static const char *left(struct take *take, struct change *c, const char **why_r)
{
	const struct sg_json *targets = sg_json_get(c->body, "targetList"), *where = sg_json_get(c->body, "whereClause");
	const struct sg_model_table *table = sg_model_table(take->model, c->table);
	const char *found = c->where != NULL ? wrapped(take, c->where) : "true", *rest = "";

	if (!c->update)
		return found;
	for (size_t i = 0; i < sg_json_count(targets); i++)
		if (leaves_out(where, sg_json_text(sg_json_get(target_at(c, i), "name"))) && is_never_null(sg_json_get(target_at(c, i), "val")))
			return found;
	*why_r = "SET is not of single columns";
	if (sg_json_count(targets) != c->sets.count)
		return NULL;
	for (size_t i = 0; i < c->sets.count; i++) {
		const struct sg_json *target = target_at(c, i), *value = sg_json_get(target, "val");
		const char *column = sg_json_text(sg_json_get(target, "name"));
		const char *text = column != NULL ? value_text(take, c->sets.items[i]) : NULL;
		bool again = false;

		if (text == NULL || sg_json_get(target, "indirection") != NULL || sg_node_as(value, "MultiAssignRef") != NULL)
			return NULL;
		/* updated_at = now() beside what counts is not compared */
		if (take_is_volatile(value)) {
			*why_r = sg_arena_printf(take->arena, "%s becomes another value each time", column);
			if (c->sets.count > 1)
				continue;
			return NULL;
		}
		for (size_t k = 0; k < sg_json_count(targets); k++)
			again |= take_names_column(value, sg_json_text(sg_json_get(target_at(c, k), "name")));
		if (again && !is_idempotent(value)) {
			*why_r = sg_arena_printf(take->arena, "%s goes on from its old value: done twice is not done once", column);
			return NULL;
		}
		if (!compares(sg_model_column(table, column))) {
			*why_r = sg_arena_printf(take->arena, "the type of %s has no equality", column);
			return NULL;
		}
		rest = sg_arena_printf(take->arena, "%s%s%s.%s IS DISTINCT FROM %s", rest, rest[0] != '\0' ? " OR " : "", c->alias,
		                       take_sql_name(&take->scratch, column), wrapped(take, text));
	}
	return rest[0] == '\0' ? NULL : sg_arena_printf(take->arena, "%s AND (%s)", found, rest);
}

/* ---- the source ---------------------------------------------------------------------------------------- */

static const char *key_list(struct take *take, const struct change *c)
{
	const char *text = "";

	for (size_t i = 0; i < c->key_count; i++)
		text = sg_arena_printf(&take->scratch, "%s%s%s", text, i > 0 ? ", " : "", take_sql_name(&take->scratch, c->keys[i]));
	return text;
}

static const char *source(struct take *take, const struct change *c, const char *id, const char *batch, const char *found, const char *why)
{
	struct sg_arena *a = &take->scratch;
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	sg_buf_addf(&out, "/* %s.c - rows of %s%s%s\n *\n * Taken over of %s:%d. A batch is a range of the key in a transaction of its own. */\n", id,
	            take_comment(a, take_bare_table(a, c->table)), take->title != NULL ? ": " : "", take_comment(a, take->title),
	            take_comment(a, take->file->path), take->statement->line);
	sg_buf_addf(&out, "#include <sgrun/plugin.h>\n\nSG_BACKFILL%s(%s, %s, %s, %s%s);\n\n", found != NULL ? "_X" : "",
	            take_literal(a, id, 1), take_literal(a, take->title != NULL ? take->title : id, 1),
	            take_literal(a, take_sql_table(a, c->table), 1), take_literal(a, key_list(take, c), 1),
	            found != NULL ? ", SG_REPEATABLE" : "");
	if (found != NULL)
		sg_buf_addf(&out, "/* Is no row left to do? */\nint fingerprint(sg_ctx *sg)\n{\n" TAKE_GUARDS "\treturn !sg_exists(sg,\n\t\t%s,\n\t\tSG_NOARGS);\n}\n\n",
		            take_literal(a, found, 2));
	else
		sg_buf_addf(&out, "/* TO DO: %s, so what is left must be said by hand: as long\n * as this is 0, the backfill is never complete. */\n"
		                  "int fingerprint(sg_ctx *sg)\n{\n\t(void)sg;\n\treturn 0;\n}\n\n",
		            take_comment(a, why));
	sg_buf_addf(&out, "int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)\n{\n\treturn sg_dml(sg,\n\t\t%s,\n\t\tSG_ARGS(%s));\n}\n",
	            take_literal(a, batch, 2), arguments(take, c));
	text = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

const char *take_judge_batch(struct take *take, const char *sql, bool drain)
{
	struct sg_policy_rules rules = { .phase = SG_PHASE_BATCH, .state_schema = take->state_schema, .schema = "public", .drain = drain };
	struct sg_verdict verdict;
	struct sg_err err = SG_ERR_INIT;
	const char *why = NULL;

	if (sg_policy_judge(&rules, SG_CALL_DML, sql, strlen(sql), &take->scratch, &verdict, &err) != 0)
		why = sg_arena_strdup(take->arena, err.primary);
	sg_err_release(&err);
	return why;
}

static const char *judge_question(struct take *take, const char *sql)
{
	struct sg_policy_rules rules = { .phase = SG_PHASE_FINGERPRINT, .state_schema = take->state_schema, .schema = "public" };
	struct sg_verdict verdict;
	struct sg_err err = SG_ERR_INIT;
	const char *why = NULL;

	if (sg_policy_judge(&rules, SG_CALL_QUERY, sql, strlen(sql), &take->scratch, &verdict, &err) != 0)
		why = sg_arena_strdup(take->arena, err.primary);
	sg_err_release(&err);
	return why;
}

static bool changes_key(const struct change *c)
{
	for (size_t i = 0; i < sg_json_count(sg_json_get(c->body, "targetList")); i++)
		for (size_t k = 0; k < c->key_count; k++)
			if (c->update && take_same(sg_json_text(sg_json_get(target_at(c, i), "name")), c->keys[k]))
				return true;
	return false;
}

static const char *obstacle(struct take *take, struct change *c)
{
	const char *why;

	if (sg_json_get(c->body, "withClause") != NULL)
		return "a WITH before it: rewrite it as a subquery, then it can be a backfill";
	if (c->table.name == NULL)
		return "its table is not found";
	if (sg_json_get(c->body, "relation") != NULL && sg_check_table(take_bare_table(&take->scratch, c->table)) != NULL)
		return sg_check_table(take_bare_table(&take->scratch, c->table));
	why = read_pieces(take, c);
	if (why != NULL)
		return why;
	if (read_key(take, c) && changes_key(c))
		return "it changes the key by which its rows are walked: write a backfill that selects its own rows";
	return c->key_count > 0 ? NULL : "its table has no primary key: write a backfill that selects its own rows (sgrun new backfill, without --key)";
}

void take_change(struct take *take, const char *node, const struct sg_json *tree)
{
	const struct sg_json *body = sg_node_body(tree), *relation = sg_json_get(body, "relation");
	struct change c = { .sql = take->statement->text,
		            .length = take->statement->length,
		            .update = strcmp(node, "UpdateStmt") == 0,
		            .body = body,
		            .table = sg_tree_relation(relation) };
	const char *alias = sg_json_text(sg_json_get(sg_json_get(relation, "alias"), "aliasname"));
	const char *why = NULL, *batch, *rows, *found = NULL, *id, *note = NULL;
	struct take_step *step;

	why = obstacle(take, &c);
	if (why != NULL) {
		take_say(take, SG_TAKEN_NOT, NULL, why);
		return;
	}
	c.alias = take_sql_name(take->arena, alias != NULL ? alias : c.table.name);
	batch = sg_arena_printf(take->arena, "%s\n WHERE %s%s%s", c.head, c.where != NULL ? wrapped(take, c.where) : "",
	                        c.where != NULL ? " AND " : "", range(take, &c));
	why = take_judge_batch(take, batch, false);
	if (why != NULL) {
		take_say(take, SG_TAKEN_NOT, NULL, why);
		return;
	}
	rows = left(take, &c, &why);
	if (rows != NULL) {
		found = sg_arena_printf(take->arena, "SELECT 1 FROM %s%s%s\n WHERE %s", c.target, c.others != NULL ? ", " : "",
		                        c.others != NULL ? c.others : "", rows);
		why = judge_question(take, found);
		if (why != NULL)
			found = NULL;
	}
	id = take_free_id(take, TAKE_FILL, take_id_of(take->arena, sg_arena_printf(&take->scratch, "%s_%s_%s", take->id,
	                                                                          c.update ? "update" : "delete", c.table.name), 180));
	step = take_add_moved(take, TAKE_FILL, id, c.table);
	take_remember(take, step, tree);
	step->source = source(take, &c, id, batch, found, why != NULL ? why : "it cannot be told");
	if (found == NULL)
		note = sg_arena_printf(&take->scratch, "say in its fingerprint what is left to do: %s", why);
	if (c.guessed)
		note = sg_arena_printf(&take->scratch, "the key \"id\" is a guess%s%s", note != NULL ? "; " : "", note != NULL ? note : "");
	else if ((c.others != NULL || take_has_subquery(tree)) && note == NULL)
		note = "it reads more than the row itself: see that a batch of rows at a time is the same";
	take_say(take, SG_TAKEN_BACKFILL, id, note);
	take->taken->statements[take->number].no_fingerprint = found == NULL;
}
