/* dml_form.c - by what does a DELETE or UPDATE choose its rows? By duplicates (GROUP BY, windows, DISTINCT ON, a join of the
 * table with itself), by parents that are missing (NOT EXISTS, NOT IN, LEFT JOIN … IS NULL), by values of its own columns.
 *
 * It reads forms, it proves nothing: what it does not know is "other", and then nothing excuses the statement. */
#include "config.h"
#include "core/audit/dml_form.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

#define CTE_DEPTH 16
#define CTE_STEPS 256

/* ---- names ---------------------------------------------------------------------- */

/* Whose column is it? *sure_r: false if it may be of a table further out as well. */
struct sg_form_source *sg_form_owner(const struct sg_form *form, const struct sg_form_level *level, const struct sg_json *ref,
                                     bool *sure_r)
{
	const char *qualifier, *name = sg_dml_column(ref, &qualifier);
	struct sg_form_source *maybe = NULL;

	*sure_r = true;
	for (; level != NULL && name != NULL; level = level->up)
		for (size_t i = 0; i < level->count; i++) {
			struct sg_form_source *source = &level->sources[i];
			const struct sg_model_table *table;

			if (qualifier != NULL) {
				if (source->alias != NULL && strcmp(source->alias, qualifier) == 0)
					return source;
				continue;
			}
			table = source->table.name != NULL ? sg_model_table(form->model, source->table) : NULL;
			if (table != NULL && sg_model_column(table, name) != NULL)
				return source;
			if ((table == NULL || !table->known) && maybe == NULL) {
				*sure_r = level->up == NULL && level->count == 1;
				maybe = source;
			}
		}
	return maybe;
}

/* The one source that all columns of an expression are of. */
struct sg_form_source *sg_form_owner_of(const struct sg_form *form, const struct sg_form_level *level,
                                        const struct sg_json *node, bool *sure_r, bool *mixed_r)
{
	struct sg_form_source *found = NULL;

	if (sg_node_as(node, "ColumnRef") != NULL)
		return sg_form_owner(form, level, node, sure_r);
	if (sg_node_as(node, "SubLink") != NULL) {
		*mixed_r = true;
		return NULL;
	}
	for (void *member = sg_json_next(node, NULL); member != NULL; member = sg_json_next(node, member)) {
		struct sg_form_source *one = sg_form_owner_of(form, level, sg_json_value(member), sure_r, mixed_r);

		*mixed_r = *mixed_r || (found != NULL && one != NULL && one != found);
		found = one != NULL ? one : found;
	}
	for (size_t i = 0; i < sg_json_count(node); i++) {
		struct sg_form_source *one = sg_form_owner_of(form, level, sg_json_at(node, i), sure_r, mixed_r);

		*mixed_r = *mixed_r || (found != NULL && one != NULL && one != found);
		found = one != NULL ? one : found;
	}
	return found;
}

bool sg_form_is_target(const struct sg_form_source *source)
{
	return source != NULL && (source->target || source->derived);
}

/* ---- sources ------------------------------------------------------------------------- */

static struct sg_form_source *add_source(struct sg_form *form, struct sg_form_level *level, const struct sg_json *body)
{
	const char *alias = sg_json_text(sg_json_get(sg_json_get(body, "alias"), "aliasname"));
	struct sg_form_source *source;

	level->sources = sg_arena_grow(form->arena, level->sources, &level->capacity, level->count + 1, sizeof *level->sources);
	source = &level->sources[level->count++];
	*source = (struct sg_form_source){ .alias = alias };
	return source;
}

/* CREATE TEMP TABLE … AS lists what it finds in the target: as a query over it. */
static bool is_list_of_target(struct sg_form *form, const struct sg_form_level *level, struct sg_relation name)
{
	struct sg_dml_op *made = NULL;

	for (size_t i = form->notes->op_count; made == NULL && i-- > 0 && sg_dml_may_compare(form->notes);) {
		struct sg_dml_op *op = &form->notes->ops[i];

		if (op->verb == SG_VERB_CREATE && op->tables.count > 0 && sg_dml_same_table(op->tables.list[0], name))
			made = op;
	}
	if (made == NULL || !sg_dml_same_table(made->source, form->target) || made == form->op)
		return false;
	made->used_by = (size_t)(form->op - form->notes->ops) + 1;
	for (size_t i = 0; i < made->group_count; i++) {
		struct sg_dml_group *group = sg_form_add_group(form, level->negative);

		*group = made->groups[i];
		group->keeps = level->negative ? group->picks && group->filter == NULL && !group->having : group->keeps;
		group->settled = true;
	}
	for (size_t i = 0; !level->negative && i < made->orphan_count; i++)
		sg_form_add_orphan(form, &made->orphans[i]);
	return true;
}

static void add_table(struct sg_form *form, struct sg_form_level *level, const struct sg_json *body)
{
	struct sg_relation name = sg_tree_relation(body);
	const struct sg_dml_with *at = NULL;
	const struct sg_json *query = name.schema == NULL ? sg_dml_cte(level->with, name.name, &at) : NULL;
	struct sg_form_source *source = add_source(form, level, body);
	size_t index = level->count - 1;

	if (source->alias == NULL)
		source->alias = name.name;
	if (query == NULL) {
		source->table = name;
		source->target = sg_dml_same_table(name, form->target);
		source->derived = !source->target && is_list_of_target(form, level, name);
		return;
	}
	if (form->depth < CTE_DEPTH && ++form->steps <= CTE_STEPS) {
		struct sg_form_level inner;
		bool derived;

		form->depth++;
		derived = sg_form_select(form, sg_node_as(query, "SelectStmt"), NULL, at, level->negative, &inner);
		form->depth--;
		level->sources[index].derived = derived;
	}
}

static void add_item(struct sg_form *form, struct sg_form_level *level, const struct sg_json *item)
{
	const struct sg_json *body;

	if ((body = sg_node_as(item, "RangeVar")) != NULL) {
		add_table(form, level, body);
	} else if ((body = sg_node_as(item, "RangeSubselect")) != NULL) {
		size_t index;
		struct sg_form_level inner;
		bool derived;

		add_source(form, level, body);
		index = level->count - 1;
		derived = sg_form_select(form, sg_node_as(sg_json_get(body, "subquery"), "SelectStmt"), level, level->with,
		                         level->negative, &inner);
		level->sources[index].derived = derived;
	} else if ((body = sg_node_as(item, "JoinExpr")) != NULL) {
		bool left = sg_node_is(body, "jointype", "JOIN_LEFT"), other = level->other;
		const struct sg_json *using = sg_json_get(body, "usingClause");
		size_t first = level->count, right;

		add_item(form, level, sg_json_get(body, "larg"));
		right = level->count;
		add_item(form, level, sg_json_get(body, "rarg"));
		if (left && level->count == right + 1 && level->sources[right].table.name != NULL &&
		    !level->sources[right].target) {
			level->sources[right].missing = true;
			level->joining = &level->sources[right];
			level->other = false;
		}
		sg_form_condition(form, level, sg_json_get(body, "quals"), false, true);
		for (size_t i = 0; i < sg_json_count(using) && right == first + 1 && level->count == right + 1; i++) {
			const char *name = sg_node_string(sg_json_at(using, i));
			struct sg_form_source *l = &level->sources[first], *r = &level->sources[right];

			if (l->target && r->target)
				sg_dml_names_add(form->arena, &level->equal, name);
			else if (l->target && level->joining != NULL)
				sg_form_pair(form, &level->joining->join, r, name, name, false);
		}
		if (level->joining != NULL) {
			level->joining->plain = !level->other;
			level->joining = NULL;
			level->other = other;
		}
	} else {
		add_source(form, level, sg_node_body(item));
	}
}

static bool holds_target(const struct sg_form_level *level)
{
	for (size_t i = 0; i < level->count; i++)
		if (sg_form_is_target(&level->sources[i]))
			return true;
	return false;
}

/* What is known once the FROM and the WHERE of a level are read. */
static void end_level(struct sg_form *form, struct sg_form_level *level)
{
	for (size_t i = 0; i < level->count; i++) {
		const struct sg_form_source *source = &level->sources[i];

		if (source->missing && source->tested && source->plain && !level->negative)
			sg_form_add_orphan(form, &source->join);
	}
	/* DELETE … USING t o WHERE o.x = t.x AND o.id < t.id; SELECT a.id FROM t a JOIN t b ON … */
	if (level->equal.count > 0 && level->unequal && !level->negative) {
		size_t instances = 0;
		struct sg_dml_group *group;

		for (size_t i = 0; i < level->count; i++)
			instances += level->sources[i].target;
		if (instances < 2)
			return; /* correlated: look_at_sublink knows which way */
		group = sg_form_add_group(form, false);
		group->by = level->equal;
		group->picks = true;
		group->having = true; /* of one alone there is no pair */
	}
}

/* True: it reads the target. *level_r: what was seen at its top. */
bool sg_form_select(struct sg_form *form, const struct sg_json *select, const struct sg_form_level *up,
                    const struct sg_dml_with *with, bool negative, struct sg_form_level *level_r)
{
	const struct sg_json *from = sg_json_get(select, "fromClause");
	struct sg_dml_with inner = { .up = with, .clause = sg_json_get(select, "withClause") };
	struct sg_form_level level = { .up = up, .with = inner.clause != NULL ? &inner : with, .negative = negative };
	bool holds;

	if (sg_json_get(select, "larg") != NULL) {
		bool except = sg_node_is(select, "op", "SETOP_EXCEPT");
		struct sg_form_level right;

		holds = sg_form_select(form, sg_json_get(select, "larg"), up, level.with, negative, level_r);
		holds = sg_form_select(form, sg_json_get(select, "rarg"), up, level.with, except ? !negative : negative,
		                       &right) ||
		        holds;
		level_r->other = true;
		return holds;
	}
	for (size_t i = 0; i < sg_json_count(from); i++)
		add_item(form, &level, sg_json_at(from, i));
	sg_form_condition(form, &level, sg_json_get(select, "whereClause"), false, true);
	end_level(form, &level);
	holds = holds_target(&level);
	if (holds)
		sg_form_groups(form, &level, select);
	if (sg_json_get(select, "limitCount") != NULL || sg_json_get(select, "havingClause") != NULL)
		level.other = true;
	level.with = with;
	*level_r = level;
	return holds;
}

/* ---- the whole ---------------------------------------------------------------------------- */

void sg_dml_form_query(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *select,
                       const struct sg_dml_with *with)
{
	struct sg_form form = { .arena = reader->scope->arena,
		                .model = reader->scope->model,
		                .notes = reader->notes,
		                .op = op,
		                .target = op->source };
	struct sg_form_level level;

	sg_form_select(&form, select, NULL, with, false, &level);
	sg_form_settle(&form);
}

void sg_dml_form(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *body, const struct sg_dml_with *with)
{
	const struct sg_json *where = sg_json_get(body, "whereClause"), *targets = sg_json_get(body, "targetList");
	const struct sg_json *from = sg_json_get(body, op->verb == SG_VERB_DELETE ? "usingClause" : "fromClause");
	struct sg_form form = { .arena = reader->scope->arena,
		                .model = reader->scope->model,
		                .notes = reader->notes,
		                .op = op,
		                .target = sg_tree_relation(sg_json_get(body, "relation")),
		                .left_out = reader->scope->left_out };
	struct sg_form_level level = { .with = with };
	struct sg_form_source *own = add_source(&form, &level, sg_json_get(body, "relation"));
	size_t groups, orphans;

	own->alias = own->alias != NULL ? own->alias : form.target.name;
	own->table = form.target;
	own->target = true;
	for (size_t i = 0; i < sg_json_count(from); i++)
		add_item(&form, &level, sg_json_at(from, i));
	groups = op->group_count;
	orphans = op->orphan_count;
	sg_form_condition(&form, &level, where, false, true);
	if (!form.linked) { /* USING a query, and no row of it is asked for */
		for (size_t i = 0; i < groups; i++)
			op->groups[i].whole = true;
		for (size_t i = 0; i < orphans; i++)
			op->orphans[i].parent.name = NULL;
	}
	if (level.equal.count > 0) /* other instances of the table say nothing of its rows unless they are joined */
		end_level(&form, &level);
	sg_form_own_conditions(&form, &level, where);
	for (size_t i = 0; op->verb == SG_VERB_UPDATE && i < sg_json_count(targets); i++)
		sg_dml_names_add(form.arena, &op->set,
		                 sg_json_text(sg_json_get(sg_node_as(sg_json_at(targets, i), "ResTarget"), "name")));
	op->limited = where != NULL || from != NULL;
	sg_form_settle(&form);
}
