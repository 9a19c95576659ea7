/* section.c - see section.h. A statement is cut at the words that begin its parts; that it was cut in the right
 * places is seen when the whole is compared (definition.c). */
#include "config.h"
#include "core/index/section.h"

#include <string.h>

#include "core/base/text.h"
#include "core/sql/tree.h"

static const char write_sql[] = "Write one statement: CREATE [UNIQUE] INDEX CONCURRENTLY name ON table (…).";

/* For people and as a key: quoted only where it could be read as another. */
static const char *part(struct sg_arena *arena, const char *name)
{
	return name[0] == '\0' || strpbrk(name, ".\"") != NULL ? sg_tree_quote(arena, name) : name;
}

static void set_relation(struct sg_index_definition *definition, const char *schema, const char *table, struct sg_arena *arena)
{
	definition->schema = sg_arena_strdup(arena, schema);
	definition->table = sg_arena_strdup(arena, table);
	definition->relation = sg_arena_printf(arena, "%s.%s", part(arena, schema), part(arena, table));
}

/* "name" or "schema.name" as the section has it. */
static void table_of(const struct sg_index_reading *reading, const char **schema_r, const char **table_r)
{
	const char *dot = strchr(reading->step->table, '.');

	*schema_r = dot ? sg_arena_strndup(reading->arena, reading->step->table, (size_t)(dot - reading->step->table))
	                : reading->manifest->schema;
	*table_r = dot ? dot + 1 : reading->step->table;
}

/* ---- the section's keys ---- */

/* The words with which people begin what follows them. */
static bool begins_with(struct sg_index_reading *reading, const struct sg_index_piece *piece, const char *word)
{
	struct sg_err *err;

	if (!sg_index_token_is(piece, 0, word))
		return false;
	err = sg_index_mistake(reading, piece->key, "it begins with %s", word);
	(void)sg_err_detail(err, "Found: %.300s", piece->text);
	(void)sg_err_hint(err, "Leave the word out: the key says it.");
	return true;
}

static void read_rest(struct sg_index_reading *reading, struct sg_index_section *section)
{
	struct sg_index_piece *include = &section->include, *with = &section->with, *where = &section->where;

	if (include->text != NULL && (begins_with(reading, include, "INCLUDE") ||
	    !sg_index_piece_parse(reading, include, "CREATE INDEX i ON t (a) INCLUDE (", ")", "indexIncludingParams",
	                          "Write names of columns, separated by commas, without brackets.")))
		include->text = NULL;
	if (with->text != NULL && (begins_with(reading, with, "WITH") ||
	    !sg_index_piece_parse(reading, with, "CREATE INDEX i ON t (a) WITH (", ")", "options",
	                          "Write storage parameters without brackets: fillfactor = 70.")))
		with->text = NULL;
	if (where->text != NULL && (begins_with(reading, where, "WHERE") ||
	    !sg_index_piece_parse(reading, where, "CREATE INDEX i ON t (a) WHERE ", "", "whereClause",
	                          "Write the predicate alone, without WHERE: deleted_at IS NULL.")))
		where->text = NULL;
}

static void judge(struct sg_index_reading *reading, struct sg_index_section *section)
{
	bool columns = section->columns.text != NULL &&
	               sg_index_elements_read(reading, &section->columns, &section->opclass, &section->elements);

	if (!columns)
		section->elements.count = 0;
	read_rest(reading, section);
	for (size_t i = 0; i < section->elements.count; i++)
		sg_index_judge_expression(reading, &section->columns, sg_json_get(section->elements.list[i].tree, "expr"));
	if (section->where.text != NULL)
		sg_index_judge_expression(reading, &section->where, section->where.tree);
	sg_index_judge_columns(reading, &section->columns, &section->elements, &section->include);
	sg_index_judge_method(reading, &section->elements, &section->columns, &section->include);
	if (section->with.text != NULL)
		sg_index_judge_with(reading, &section->with);
	if (section->nulls_not_distinct && !reading->unique) {
		struct sg_err *err = sg_index_mistake(reading, reading->step->sql ? "sql" : "nulls_not_distinct",
		                                      "NULLS NOT DISTINCT without UNIQUE");

		(void)sg_err_detail(err, "It says what is equal in a unique index.");
		(void)sg_err_hint(err, "Make the index unique, or leave it out.");
	}
}

static void read_key(struct sg_index_reading *reading, const char *key, const char *text, struct sg_index_piece *piece_r)
{
	piece_r->key = key;
	if (text != NULL && !sg_index_piece_read(reading, key, text, false, piece_r))
		piece_r->text = NULL;
}

static void read_keys(struct sg_index_reading *reading, struct sg_index_section *section, struct sg_index_definition *definition)
{
	const struct sg_step *step = reading->step;
	const char *schema, *table;

	table_of(reading, &schema, &table);
	set_relation(definition, schema, table, reading->arena);
	reading->method = step->method ? step->method : "btree";
	reading->unique = step->unique;
	section->nulls_not_distinct = step->nulls_not_distinct;
	section->tablespace = step->tablespace;
	read_key(reading, "columns", step->columns, &section->columns);
	read_key(reading, "opclass", step->opclass, &section->opclass);
	read_key(reading, "include", step->include, &section->include);
	read_key(reading, "with", step->with, &section->with);
	read_key(reading, "where", step->where, &section->where);
	judge(reading, section);
}

/* ---- sql ---- */

static bool wrong(struct sg_index_reading *reading, const char *what, const char *detail, const char *hint)
{
	struct sg_err *err = sg_index_mistake(reading, "sql", "%s", what);

	(void)sg_err_detail(err, "%s", detail);
	(void)sg_err_hint(err, "%s", hint);
	return false;
}

/* What of it can be said without looking at its parts. */
static bool judge_statement(struct sg_index_reading *reading, const struct sg_index_piece *sql, const struct sg_json *statement,
                            int count)
{
	const struct sg_json *relation = sg_json_get(statement, "relation");
	const char *name = sg_json_text(sg_json_get(statement, "idxname"));
	struct sg_arena *arena = reading->arena;
	bool good = true;

	if (statement == NULL)
		return wrong(reading, count == 1 ? "it is no CREATE INDEX" : "it is not one statement",
		             sg_arena_printf(arena, "Found: %.300s", sql->text), write_sql);
	if (!sg_json_true(sg_json_get(statement, "concurrent")))
		good = wrong(reading, "without CONCURRENTLY", "It would keep everybody from writing to the table while it is built.",
		             "Write CREATE INDEX CONCURRENTLY.");
	if (!sg_json_true(sg_json_get(relation, "inh")))
		good = wrong(reading, "ON ONLY", "It makes an index that is invalid until each partition has its own.",
		             "Leave ONLY out: the partitions' indexes are built one by one, and joined.");
	if (name == NULL)
		good = wrong(reading, "an index without a name", "The server would choose one, and nobody would know it.",
		             sg_arena_printf(arena, "Write CREATE INDEX CONCURRENTLY %s ON ….", reading->step->id));
	else if (strcmp(name, reading->step->id) != 0)
		good = wrong(reading, sg_arena_printf(arena, "it makes %s", name),
		             sg_arena_printf(arena, "The section's index is %s.", reading->step->id),
		             "Let both have one name; unquoted ones are lower case to the server. name = … is for long ones.");
	if (sg_json_get(relation, "catalogname") != NULL)
		good = wrong(reading, "a table with the name of a database", "An index is made in the database of [database].",
		             "Write table or schema.table.");
	return good;
}

static void judge_table(struct sg_index_reading *reading, const struct sg_index_definition *definition)
{
	const char *schema, *table;
	struct sg_err *err;

	if (reading->step->table == NULL)
		return;
	table_of(reading, &schema, &table);
	if (strcmp(schema, definition->schema) == 0 && strcmp(table, definition->table) == 0)
		return;
	err = sg_index_mistake(reading, "table", "sql is about another table");
	(void)sg_err_detail(err, "sql names %s, and table %s.%s.", definition->relation, part(reading->arena, schema),
	                    part(reading->arena, table));
	(void)sg_err_hint(err, "Let both name one, or leave table out.");
}

/* CREATE … ON name [USING method] (columns) [INCLUDE (…)] [NULLS [NOT] DISTINCT] [WITH (…)] [TABLESPACE name] [WHERE …].
 * False: it is not written so, though the grammar knew it. */
static bool cut(struct sg_index_reading *reading, const struct sg_index_piece *sql, struct sg_index_section *section)
{
	size_t at = 0, end;

	while (at < sql->count && !sg_index_token_is(sql, at, "ON"))
		at++;
	while (at < sql->count && !sg_index_token_char(sql, at, '(') && !sg_index_token_is(sql, at, "USING"))
		at++;
	if (sg_index_token_is(sql, at, "USING"))
		while (at < sql->count && !sg_index_token_char(sql, at, '('))
			at++;
	if (at >= sql->count)
		return false;
	end = sg_index_token_past(sql, at);
	section->columns = sg_index_piece_part(reading, sql, at + 1, end - 1, "sql");
	for (at = end; at < sql->count; at = end) {
		end = at + 1;
		if (sg_index_token_is(sql, at, "INCLUDE") || sg_index_token_is(sql, at, "WITH")) {
			struct sg_index_piece *piece = sg_index_token_is(sql, at, "WITH") ? &section->with : &section->include;

			if (!sg_index_token_char(sql, at + 1, '('))
				return false;
			end = sg_index_token_past(sql, at + 1);
			*piece = sg_index_piece_part(reading, sql, at + 2, end - 1, "sql");
		} else if (sg_index_token_is(sql, at, "TABLESPACE")) {
			while (end < sql->count && !sg_index_token_is(sql, end, "WHERE"))
				end++;
		} else if (sg_index_token_is(sql, at, "WHERE")) {
			end = sql->count;
			section->where = sg_index_piece_part(reading, sql, at + 1, end, "sql");
		}
	}
	return true;
}

static bool read_sql(struct sg_index_reading *reading, struct sg_index_section *section, struct sg_index_definition *definition)
{
	struct sg_err cause = SG_ERR_INIT;
	struct sg_index_piece sql;
	struct sg_relation table;
	int count;

	if (!sg_index_piece_read(reading, "sql", reading->step->sql, true, &sql))
		return false;
	section->whole = sg_index_parse(reading->arena, sql.text, &count, &cause);
	if (count < 0) {
		sg_index_unreadable(reading, &sql, &cause, write_sql);
		return false;
	}
	if (!judge_statement(reading, &sql, section->whole, count) && section->whole == NULL)
		return false;
	table = sg_tree_relation(sg_json_get(section->whole, "relation"));
	set_relation(definition, table.schema ? table.schema : reading->manifest->schema, table.name ? table.name : "",
	             reading->arena);
	judge_table(reading, definition);
	reading->method = sg_json_text(sg_json_get(section->whole, "accessMethod"));
	reading->unique = sg_json_true(sg_json_get(section->whole, "unique"));
	section->nulls_not_distinct = sg_json_true(sg_json_get(section->whole, "nulls_not_distinct"));
	section->tablespace = sg_json_text(sg_json_get(section->whole, "tableSpace"));
	if (!cut(reading, &sql, section))
		return wrong(reading, "it cannot be taken apart", sg_arena_printf(reading->arena, "Found: %.300s", sql.text),
		             "Write table, columns and the other keys instead.");
	judge(reading, section);
	return true;
}

bool sg_index_section_read(struct sg_index_reading *reading, struct sg_index_section *section_r,
                           struct sg_index_definition *definition)
{
	*section_r = (struct sg_index_section){
		.columns.key = "columns", .include.key = "include", .with.key = "with", .where.key = "where",
	};
	if (reading->step->sql != NULL)
		return read_sql(reading, section_r, definition);
	read_keys(reading, section_r, definition);
	return true;
}
