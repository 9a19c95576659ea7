/* take_fate.c - what later statements do to an index that became a section.
 *
 * A section says what is to be there in the end: an index that is dropped again must have none, or it would be built anew; one that is
 * renamed, or whose table or columns are, is written as it is called in the end, and built once it can be. */
#include "config.h"

#include <string.h>

#include "core/scaffold/take_parts.h"
#include "core/sql/lex.h"
#include "core/sql/tree.h"

static struct take_step *section_of(struct take *take, const char *name)
{
	for (size_t i = 0; name != NULL && i < take->count; i++)
		if (take->steps[i]->kind == TAKE_INDEX && take->steps[i]->gone == NULL && strcmp(take->steps[i]->id, name) == 0)
			return take->steps[i];
	return NULL;
}

static bool is_required(const struct take *take, const struct take_step *step)
{
	for (size_t i = 0; i < take->count; i++)
		for (size_t k = 0; k < take->steps[i]->require_count; k++)
			if (take->steps[i]->requires[k] == step)
				return true;
	return false;
}

static void give_up(struct take *take, struct take_step *step, const char *why)
{
	struct sg_taken_statement *statement = &take->taken->statements[step->statement];
	size_t kept = 0;

	step->gone = why;
	statement->taken = SG_TAKEN_OFF;
	statement->into = NULL;
	statement->note = why;
	for (size_t i = 0; i < take->touched_count; i++)
		if (take->touched[i].by != step)
			take->touched[kept++] = take->touched[i];
	take->touched_count = kept;
}

/* DROP INDEX of nothing but sections: neither is made. */
static bool drop_index(struct take *take, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	struct sg_relation name;

	for (size_t i = 0; i < sg_json_count(objects); i++)
		if (!sg_tree_names(sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items"), &name) ||
		    section_of(take, name.name) == NULL)
			return false;
	for (size_t i = 0; i < sg_json_count(objects); i++) {
		struct take_step *step;

		(void)sg_tree_names(sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items"), &name);
		step = section_of(take, name.name);
		if (step != NULL)
			give_up(take, step, sg_arena_printf(take->arena, "it is dropped again in %s:%d", take->file->path, take->statement->line));
	}
	take_say(take, SG_TAKEN_OFF, NULL, "it drops an index that was to be a section: neither is made");
	return sg_json_count(objects) > 0;
}

static bool rename_index(struct take *take, const struct sg_json *body)
{
	struct take_step *step = section_of(take, sg_tree_relation(sg_json_get(body, "relation")).name);
	const char *to = sg_json_text(sg_json_get(body, "newname"));

	if (step == NULL || to == NULL)
		return false;
	step->id = sg_arena_strdup(take->arena, to);
	take->taken->statements[step->statement].into = sg_arena_printf(take->arena, "index %s", to);
	take_say(take, SG_TAKEN_OFF, NULL, "the index's section has the new name");
	return true;
}

bool take_is_settled(struct take *take, const struct sg_json *tree)
{
	const struct sg_json *drop = sg_node_as(tree, "DropStmt"), *rename = sg_node_as(tree, "RenameStmt");
	bool settled = (sg_node_is(drop, "removeType", "OBJECT_INDEX") && drop_index(take, drop)) ||
	               (sg_node_is(rename, "renameType", "OBJECT_INDEX") && rename_index(take, rename));

	if (settled)
		sg_model_apply(take->model, tree, take->statement->text, 1000000 + take->number);
	return settled;
}

/* ---- tables and columns that are renamed --------------------------------------------------------- */

bool take_follows(struct take *take, const struct sg_json *tree, const struct take_step *step)
{
	const struct sg_json *rename = sg_node_as(tree, "RenameStmt"), *move = sg_node_as(tree, "AlterObjectSchemaStmt");
	const struct sg_json *body = rename != NULL ? rename : move;

	return body != NULL && step->kind == TAKE_INDEX && !is_required(take, step) &&
	       (sg_node_is(body, rename != NULL ? "renameType" : "objectType", "OBJECT_TABLE") ||
	        sg_node_is(body, "renameType", "OBJECT_COLUMN")) &&
	       take_same_table(sg_tree_relation(sg_json_get(body, "relation")), step->table);
}

/* Each such name becomes the other: those of columns, in pieces of one index's own statement. */
static const char *renamed(struct take *take, const char *text, const char *old, const char *to)
{
	struct sg_buf out = SG_BUF_INIT;
	struct sg_lex lex;
	struct sg_token token;
	size_t at = 0;
	const char *result;

	if (text == NULL)
		return NULL;
	sg_lex_init(&lex, text, strlen(text));
	while (sg_lex_next(&lex, &token)) {
		size_t size = token.inner_end - token.inner;
		bool same = token.kind == SG_TOKEN_QUOTED ? size == strlen(old) && memcmp(text + token.inner, old, size) == 0
		            : token.kind == SG_TOKEN_WORD && token.end - token.start == strlen(old) &&
		                      strncmp(take_lower(&take->scratch, text + token.start, token.end - token.start), old, strlen(old)) == 0;

		sg_buf_add(&out, text + at, token.start - at);
		if (same)
			sg_buf_adds(&out, take_sql_name(&take->scratch, to));
		else
			sg_buf_add(&out, text + token.start, token.end - token.start);
		at = token.end;
	}
	sg_buf_adds(&out, text + at);
	result = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	return result;
}

void take_follow(struct take *take, const struct sg_json *tree)
{
	const struct sg_json *rename = sg_node_as(tree, "RenameStmt"), *body = rename != NULL ? rename : sg_node_body(tree);
	const char *to = sg_json_text(sg_json_get(body, rename != NULL ? "newname" : "newschema"));
	const char *old = sg_json_text(sg_json_get(body, "subname"));

	for (size_t i = 0; to != NULL && i < take->count; i++) {
		struct take_step *step = take->steps[i];

		if (!take_follows(take, tree, step))
			continue;
		step->after = take->part;
		if (rename == NULL) {
			step->table.schema = sg_arena_strdup(take->arena, to);
		} else if (sg_node_is(rename, "renameType", "OBJECT_TABLE")) {
			step->table.name = sg_arena_strdup(take->arena, to);
		} else if (old != NULL) {
			step->columns = renamed(take, step->columns, old, to);
			step->include = renamed(take, step->include, old, to);
			step->where = renamed(take, step->where, old, to);
		}
		for (size_t k = 0; k < take->touched_count; k++)
			if (take->touched[k].by == step)
				take->touched[k].table = step->table;
	}
}

/* ADD CONSTRAINT x … USING INDEX y renames y to x: the section is called x from the beginning. */
const char *take_using_index(struct take *take, const struct sg_json *tree)
{
	const struct sg_json *cmds = sg_json_get(sg_node_as(tree, "AlterTableStmt"), "cmds");
	const char *text = take->statement->text;

	for (size_t i = 0; i < sg_json_count(cmds); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_get(sg_node_as(sg_json_at(cmds, i), "AlterTableCmd"), "def"), "Constraint");
		const char *index = sg_json_text(sg_json_get(constraint, "indexname")), *name = sg_json_text(sg_json_get(constraint, "conname"));
		struct take_step *step = section_of(take, index);

		if (step == NULL || name == NULL || strcmp(index, name) == 0)
			continue;
		text = renamed(take, text, index, name);
		step->id = sg_arena_strdup(take->arena, name);
		take->taken->statements[step->statement].into = sg_arena_printf(take->arena, "index %s", name);
	}
	return text;
}

/* At the end: those that went with their table or column. */
void take_settle(struct take *take)
{
	for (size_t i = 0; i < take->count; i++) {
		struct take_step *step = take->steps[i];
		const struct sg_model_table *table;

		if (step->kind != TAKE_INDEX || step->gone != NULL)
			continue;
		table = sg_model_table(take->model, step->table);
		if (sg_model_index(take->model, (struct sg_relation){ step->table.schema, step->id }, NULL) == NULL ||
		    (table != NULL && table->dropped))
			give_up(take, step, "its table, or what it is over, is dropped again by a later migration");
	}
}
