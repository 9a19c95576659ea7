/* definition.c - see definition.h: the order in which a section is judged, and the statements that come of it.
 *
 * Whichever way an index is written, it becomes the same pieces, and the statement that is sent is made of these, parsed
 * once more and compared with what each piece was alone. So what is sent is what was judged. */
#include "config.h"
#include "core/index/definition.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/index/leftover.h"
#include "core/index/section.h"
#include "core/sql/tree.h"

/* ---- names ---- */

static void judge_names(struct sg_index_reading *reading, const struct sg_index_definition *definition, const char *tablespace)
{
	const struct sg_step *step = reading->step;
	const char *key = step->sql ? "sql" : "table";
	struct sg_err *err;

	if (sg_index_has_leftover_name(definition->name)) {
		err = sg_index_mistake(reading, "name", "%s", definition->name);
		(void)sg_err_detail(err, "The server gives names that end so to what REINDEX CONCURRENTLY leaves behind, and sgrun clears "
		                    "those away.");
		(void)sg_err_hint(err, "Give the index another name.");
	}
	if (strlen(definition->name) > 63) { /* the manifest's reader has said so, unless the step is not from there */
		err = sg_index_mistake(reading, "name", "a name of more than 63 bytes");
		(void)sg_err_detail(err, "The server would cut it, and mean another.");
		(void)sg_err_hint(err, "Give the index a shorter name.");
	}
	if (tablespace != NULL && strcmp(tablespace, "pg_global") == 0) {
		err = sg_index_mistake(reading, step->sql ? "sql" : "tablespace", "pg_global");
		(void)sg_err_detail(err, "Only what all databases share is kept there.");
		(void)sg_err_hint(err, "Name another tablespace, or leave it out.");
	}
	if (strcmp(definition->name, definition->table) == 0) {
		err = sg_index_mistake(reading, key, "%s is the name of the index, too", definition->table);
		(void)sg_err_detail(err, "Tables and indexes of a schema share their names.");
		(void)sg_err_hint(err, "Give the index another name.");
	}
	if (strcmp(definition->schema, reading->manifest->state_schema) == 0) {
		err = sg_index_mistake(reading, key, "%s is a table of sgrun's own", definition->relation);
		(void)sg_err_detail(err, "state_schema is %s.", definition->schema);
		(void)sg_err_hint(err, "Leave what is in there to sgrun.");
	} else if (strncmp(definition->schema, "pg_", 3) == 0 || strcmp(definition->schema, "information_schema") == 0) {
		err = sg_index_mistake(reading, key, "%s is a table of the system, or of one session", definition->relation);
		(void)sg_err_detail(err, "Its schema is %s.", definition->schema);
		(void)sg_err_hint(err, "Name a table of your own.");
	}
}

/* ---- the whole ---- */

/* No word of SQL among these. */
static const char *method_sql(struct sg_arena *arena, const char *method)
{
	static const char *const own[] = { "btree", "hash", "gist", "spgist", "gin", "brin" };

	for (size_t i = 0; i < SG_COUNT(own); i++)
		if (strcmp(own[i], method) == 0)
			return method;
	return sg_tree_quote(arena, method);
}

static const char *rest_of(const struct sg_index_reading *reading, const struct sg_index_section *section)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	sg_buf_addf(&out, "USING %s (", method_sql(reading->arena, reading->method));
	sg_buf_adds(&out, sg_index_elements_text(&section->elements, reading->arena));
	sg_buf_addc(&out, ')');
	if (section->include.text != NULL)
		sg_buf_addf(&out, " INCLUDE (%s)", section->include.text);
	if (section->nulls_not_distinct)
		sg_buf_adds(&out, " NULLS NOT DISTINCT");
	if (section->with.text != NULL)
		sg_buf_addf(&out, " WITH (%s)", section->with.text);
	if (section->tablespace != NULL)
		sg_buf_addf(&out, " TABLESPACE %s", sg_tree_quote(reading->arena, section->tablespace));
	if (section->where.text != NULL)
		sg_buf_addf(&out, " WHERE %s", section->where.text);
	text = sg_arena_strndup(reading->arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

static bool same_elements(const struct sg_json *list, const struct sg_index_elements *elements)
{
	if (sg_json_count(list) != elements->count)
		return false;
	for (size_t i = 0; i < elements->count; i++) {
		const struct sg_json *elem = sg_node_as(sg_json_at(list, i), "IndexElem");
		const struct sg_index_element *want = &elements->list[i];

		if (elem == NULL || !sg_index_same_member(elem, want->tree, "name") || !sg_index_same_member(elem, want->tree, "expr") ||
		    !sg_index_same_member(elem, want->tree, "collation") || !sg_index_same_member(elem, want->tree, "ordering") ||
		    !sg_index_same_member(elem, want->tree, "nulls_ordering") ||
		    !sg_index_same_member(elem, want->opclass_tree, "opclass") ||
		    !sg_index_same_member(elem, want->opclass_tree, "opclassopts"))
			return false;
	}
	return true;
}

static bool same_word(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_word(const struct sg_json *body, const char *member, const char *value)
{
	return same_word(sg_json_text(sg_json_get(body, member)), value);
}

/* Is the statement made of these pieces and nothing else? */
static bool as_wanted(const struct sg_index_reading *reading, const struct sg_json *statement, const struct sg_index_section *section,
                      const struct sg_index_definition *definition)
{
	static const char *const parts[] = { "accessMethod", "tableSpace", "indexParams", "indexIncludingParams", "options",
	                                     "whereClause", "unique", "nulls_not_distinct", "concurrent", "idxname" };
	const struct sg_json *relation = sg_json_get(statement, "relation");

	if (statement == NULL)
		return false;
	for (size_t i = 0; section->whole != NULL && i < SG_COUNT(parts); i++)
		if (!sg_index_same_member(statement, section->whole, parts[i]))
			return false;
	return is_word(statement, "idxname", definition->name) && is_word(relation, "schemaname", definition->schema) &&
	       is_word(relation, "relname", definition->table) && sg_json_true(sg_json_get(relation, "inh")) &&
	       is_word(statement, "accessMethod", reading->method) && is_word(statement, "tableSpace", section->tablespace) &&
	       same_elements(sg_json_get(statement, "indexParams"), &section->elements) &&
	       sg_index_same(sg_json_get(statement, "indexIncludingParams"), section->include.tree) &&
	       sg_index_same(sg_json_get(statement, "options"), section->with.tree) &&
	       sg_index_same(sg_json_get(statement, "whereClause"), section->where.tree) &&
	       sg_json_true(sg_json_get(statement, "unique")) == reading->unique &&
	       sg_json_true(sg_json_get(statement, "nulls_not_distinct")) == section->nulls_not_distinct &&
	       sg_json_true(sg_json_get(statement, "concurrent")) && !sg_json_true(sg_json_get(statement, "if_not_exists"));
}

static void judge_whole(struct sg_index_reading *reading, const struct sg_index_section *section,
                        const struct sg_index_definition *definition)
{
	const char *key = reading->step->sql ? "sql" : "columns";
	const char *text = sg_index_statement(definition, SG_INDEX_CONCURRENTLY, definition->name,
	                                      sg_index_relation_sql(definition, reading->arena), reading->arena);
	struct sg_err cause = SG_ERR_INIT, *err;
	int count;
	const struct sg_json *statement = sg_index_parse(reading->arena, text, &count, &cause);

	if (count < 0 || !as_wanted(reading, statement, section, definition)) {
		err = sg_index_mistake(reading, key, "the whole statement is not the sum of its parts");
		(void)sg_err_detail(err, "%s", count < 0 ? cause.primary : text);
		(void)sg_err_hint(err, "Write it in a simpler way, each expression in brackets of its own.");
	}
	sg_err_release(&cause);
}

static void set_keys(struct sg_index_definition *definition, const struct sg_index_elements *elements, struct sg_arena *arena)
{
	const char **keys = sg_arena_array(arena, elements->count, sizeof *keys);

	for (size_t i = 0; i < elements->count; i++)
		keys[i] = elements->list[i].collation == NULL ? elements->list[i].head
		          : sg_arena_printf(arena, "%s COLLATE %s", elements->list[i].head, elements->list[i].collation);
	definition->keys = keys;
	definition->key_count = elements->count;
}

/* Out of what judging took. */
static void keep(struct sg_index_definition *definition, struct sg_arena *arena)
{
	const char **keys = sg_arena_array(arena, definition->key_count, sizeof *keys);

	for (size_t i = 0; i < definition->key_count; i++)
		keys[i] = sg_arena_strdup(arena, definition->keys[i]);
	definition->keys = keys;
	definition->schema = sg_arena_strdup(arena, definition->schema);
	definition->table = sg_arena_strdup(arena, definition->table);
	definition->relation = sg_arena_strdup(arena, definition->relation);
	definition->rest = sg_arena_strdup(arena, definition->rest);
	definition->where = sg_arena_strdup(arena, definition->where);
}

/* The section is of the manifest's reader, which saw to it that there is sql, or table and columns. */
static bool define(struct sg_index_reading *reading, struct sg_index_definition *definition_r)
{
	struct sg_index_section section;
	size_t before = reading->errs->count;

	memset(definition_r, 0, sizeof *definition_r);
	definition_r->step = reading->step;
	definition_r->name = reading->step->id;
	if (!sg_index_section_read(reading, &section, definition_r))
		return false;
	judge_names(reading, definition_r, section.tablespace);
	if (reading->errs->count > before)
		return false;
	definition_r->unique = reading->unique;
	definition_r->nulls_not_distinct = section.nulls_not_distinct;
	definition_r->where = section.where.text;
	definition_r->rest = rest_of(reading, &section);
	set_keys(definition_r, &section.elements, reading->arena);
	judge_whole(reading, &section, definition_r);
	return reading->errs->count == before;
}

int sg_index_define(const struct sg_manifest *manifest, const struct sg_step *step, struct sg_arena *arena,
                    struct sg_index_definition *definition_r, struct sg_err *err)
{
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_index_reading reading = { .manifest = manifest, .step = step, .arena = &scratch, .errs = &errs };
	bool good = define(&reading, definition_r);
	size_t first = 0;

	for (size_t i = 1; i < errs.count; i++)
		if (errs.list[i].line < errs.list[first].line)
			first = i;
	if (good)
		keep(definition_r, arena);
	else
		sg_err_move(err, &errs.list[first]);
	sg_errs_release(&errs);
	sg_arena_release(&scratch);
	return good ? 0 : -1;
}

int sg_index_judge(const struct sg_manifest *manifest, const struct sg_step *step, struct sg_errs *errs)
{
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_index_reading reading = { .manifest = manifest, .step = step, .arena = &scratch, .errs = errs };
	struct sg_index_definition definition;
	size_t before = errs->count;
	bool good = define(&reading, &definition);

	/* by their lines; a handful */
	for (size_t i = before; i < errs->count; i++)
		for (size_t k = i; k > before && errs->list[k - 1].line > errs->list[k].line; k--) {
			struct sg_err err = errs->list[k];

			errs->list[k] = errs->list[k - 1];
			errs->list[k - 1] = err;
		}
	sg_arena_release(&scratch);
	return good ? 0 : -1;
}

const char *sg_index_statement(const struct sg_index_definition *definition, enum sg_index_how how, const char *name,
                               const char *relation, struct sg_arena *arena)
{
	return sg_arena_printf(arena, "CREATE %sINDEX %s%s ON %s%s %s", definition->unique ? "UNIQUE " : "",
	                       how == SG_INDEX_CONCURRENTLY ? "CONCURRENTLY " : "", sg_tree_quote(arena, name),
	                       how == SG_INDEX_ON_ONLY ? "ONLY " : "", relation, definition->rest);
}

const char *sg_index_relation_sql(const struct sg_index_definition *definition, struct sg_arena *arena)
{
	return sg_arena_printf(arena, "%s.%s", sg_tree_quote(arena, definition->schema),
	                       sg_tree_quote(arena, definition->table));
}
