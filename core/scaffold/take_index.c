/* take_index.c - CREATE INDEX on a table that was there before becomes a section of the registry, in which it is built concurrently and
 * beside the deployment. Its pieces are the statement's own text; the section is read and judged as the runner will, before it is given. */
#include "config.h"

#include <string.h>

#include "core/index/definition.h"
#include "core/manifest/checks.h"
#include "core/scaffold/take_parts.h"
#include "core/sql/lex.h"
#include "core/sql/tree.h"

/* The inside of the parentheses that open next at or after `from`; *next_r is behind them. */
static const char *inside(struct take *take, size_t from, size_t *next_r)
{
	const char *sql = take->statement->text;
	size_t length = take->statement->length, end;
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, sql, length);
	lex.at = from;
	while (sg_lex_next(&lex, &token))
		if (sg_lex_char(&lex, &token, '(')) {
			end = take_close(sql, length, token.start);
			if (end == SIZE_MAX)
				return NULL;
			*next_r = end;
			return take_one_line(take->arena, take_cut(&take->scratch, sql, token.end, end - 1));
		}
	return NULL;
}

static bool read_pieces(struct take *take, struct take_step *step, const struct sg_json *body)
{
	const char *sql = take->statement->text;
	size_t length = take->statement->length, at = take_find_word(sql, length, 0, "ON", NULL), where, with;

	if (at == SIZE_MAX)
		return false;
	step->columns = inside(take, at, &at);
	if (step->columns == NULL)
		return false;
	if (sg_json_count(sg_json_get(body, "indexIncludingParams")) > 0) {
		step->include = inside(take, at, &at);
		if (step->include == NULL)
			return false;
	}
	where = take_find_word(sql, length, at, "WHERE", NULL);
	with = take_find_word(sql, where != SIZE_MAX ? where : length, at, "WITH", NULL);
	if (where != SIZE_MAX)
		step->where = take_one_line(take->arena, take_cut(&take->scratch, sql, where + 5, length));
	if (with != SIZE_MAX)
		step->with = inside(take, with, &with);
	step->unique = sg_json_true(sg_json_get(body, "unique")) ? "yes" : NULL;
	step->nulls_not_distinct = sg_json_true(sg_json_get(body, "nulls_not_distinct"));
	step->tablespace = sg_arena_strdup(take->arena, sg_json_text(sg_json_get(body, "tableSpace")));
	step->method = sg_arena_strdup(take->arena, sg_json_text(sg_json_get(body, "accessMethod")));
	return true;
}

/* $ begins a variable in a manifest. */
static void add_value(struct sg_buf *out, const char *key, const char *value)
{
	size_t column, line = out->length;

	sg_buf_addf(out, "%s = ", key);
	for (const char *p = value; *p != '\0'; p++) {
		size_t word = strcspn(p + 1, " ");

		column = out->length - line;
		/* A line goes on where a blank was; never before what would begin a comment, a key or a section there. */
		if (*p == ' ' && column > 100 && column + word > 150 && strchr("#;[", p[1]) == NULL) {
			sg_buf_adds(out, "\n    ");
			line = out->length;
			continue;
		}
		sg_buf_addc(out, *p);
		if (*p == '$')
			sg_buf_addc(out, '$');
	}
	sg_buf_addc(out, '\n');
}

static void add_given(struct sg_buf *out, const char *key, const char *value)
{
	if (value != NULL)
		add_value(out, key, value);
}

/* Would the runner take it? Else why not. */
static const char *refusal(struct take *take, const char *lines)
{
	const char *text = sg_arena_printf(&take->scratch, "[sgrun]\nplugin_path = .\n[database]\ndsn = embedded:x\n[index x]\n%s", lines);
	struct sg_manifest manifest;
	struct sg_errs errs = SG_ERRS_INIT;
	const char *why = NULL;
	bool sound = sg_manifest_parse("sgrun.ini", text, strlen(text), NULL, 0, true, &take->scratch, &manifest, &errs) == 0 &&
	             manifest.step_count == 1;

	if (sound)
		sound = sg_index_judge(&manifest, &manifest.steps[0], &errs) == 0;
	if (!sound)
		why = errs.count > 0 ? sg_arena_printf(take->arena, "%s%s%s", errs.list[0].primary, errs.list[0].detail != NULL ? ": " : "",
		                                       errs.list[0].detail != NULL ? errs.list[0].detail : "")
		                     : "it cannot be a section of a manifest";
	sg_errs_release(&errs);
	return why;
}

const char *take_index_section(struct take *take, const struct take_step *step, const char **why_r)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *lines;

	add_value(&out, "name", step->id);
	add_value(&out, "table", take_bare_table(&take->scratch, step->table));
	add_value(&out, "columns", step->columns);
	if (step->method != NULL && strcmp(step->method, "btree") != 0)
		add_value(&out, "method", step->method);
	add_given(&out, "unique", step->unique);
	add_given(&out, "include", step->include);
	if (step->nulls_not_distinct)
		add_value(&out, "nulls_not_distinct", "yes");
	add_given(&out, "with", step->with);
	add_given(&out, "tablespace", step->tablespace);
	add_given(&out, "where", step->where);
	lines = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	*why_r = refusal(take, lines);
	return *why_r == NULL ? lines : NULL;
}

void take_index(struct take *take, const struct sg_json *tree)
{
	const struct sg_json *body = sg_node_body(tree), *relation = sg_json_get(body, "relation");
	struct sg_relation table = sg_tree_relation(relation);
	const struct sg_model_table *known;
	const char *name = sg_json_text(sg_json_get(body, "idxname")), *why = NULL;
	struct take_step *step, piece = { .kind = TAKE_INDEX };
	size_t number = 1000000 + take->number; /* not one of the part's own */

	sg_model_apply(take->model, tree, take->statement->text, number);
	known = sg_model_table(take->model, table);
	for (size_t i = 0; name == NULL && known != NULL && i < known->index_count; i++)
		if (known->indexes[i].made_at == number)
			name = known->indexes[i].name;
	piece.table = table;
	piece.id = name;
	if (name == NULL || table.name == NULL || !sg_json_true(sg_json_get(relation, "inh")))
		why = name == NULL ? "the server chooses the index's name: give it one" : "ON ONLY: build the partitions' indexes as sections";
	else if (sg_check_index_name(name) != NULL)
		why = sg_check_index_name(name);
	else if (!read_pieces(take, &piece, body))
		why = "its columns cannot be told";
	else
		(void)take_index_section(take, &piece, &why);
	if (why != NULL) {
		take_say(take, SG_TAKEN_NOT, NULL, why);
		return;
	}
	for (size_t i = 0; i < take->count; i++)
		if (take->steps[i]->kind == TAKE_INDEX && strcmp(take->steps[i]->id, name) == 0 && take->steps[i]->gone == NULL) {
			take_say(take, SG_TAKEN_OFF, NULL, "a section makes that index already");
			return;
		}
	step = take_add_moved(take, TAKE_INDEX, sg_arena_strdup(take->arena, name), table);
	step->unique = piece.unique;
	step->method = piece.method;
	step->columns = piece.columns;
	step->include = piece.include;
	step->with = piece.with;
	step->tablespace = piece.tablespace;
	step->where = piece.where;
	step->nulls_not_distinct = piece.nulls_not_distinct;
	take_say(take, SG_TAKEN_INDEX, sg_arena_printf(&take->scratch, "index %s", name), NULL);
}
