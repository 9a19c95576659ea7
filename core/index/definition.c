/* definition.c - see definition.h: the order in which a section is judged, and the statements that come of it.
 *
 * Whichever way an index is written, it becomes the same pieces, and the statement that is sent is made of these, parsed
 * once more and compared with what each piece was alone. So what is sent is what was judged. */
#include "config.h"
#include "core/index/definition.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/index/judge.h"
#include "core/sql/tree.h"

struct pieces {
	struct sg_index_piece columns, opclass, include, with, where;
	struct sg_index_elements elements;
	const char *tablespace;
	bool nulls_not_distinct;
	const struct sg_json *whole; /* `sql`: what the section's own statement is */
};

static const char write_sql[] = "Write one statement: CREATE [UNIQUE] INDEX CONCURRENTLY name ON table (…).";

/* ---- names ---- */

static bool left_over(const char *name)
{
	size_t length = strlen(name);

	while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9')
		length--;
	return length > 6 && (strncmp(name + length - 6, "_ccnew", 6) == 0 || strncmp(name + length - 6, "_ccold", 6) == 0);
}

static void judge_names(struct sg_index_reading *reading, const struct sg_index_definition *definition, const char *tablespace)
{
	const struct sg_step *step = reading->step;
	const char *key = step->sql ? "sql" : "table";
	struct sg_err *err;

	if (left_over(definition->name)) {
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

static void read_rest(struct sg_index_reading *reading, struct pieces *pieces)
{
	struct sg_index_piece *include = &pieces->include, *with = &pieces->with, *where = &pieces->where;

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

static void judge(struct sg_index_reading *reading, struct pieces *pieces)
{
	bool columns = pieces->columns.text != NULL &&
	               sg_index_elements_read(reading, &pieces->columns, &pieces->opclass, &pieces->elements);

	if (!columns)
		pieces->elements.count = 0;
	read_rest(reading, pieces);
	for (size_t i = 0; i < pieces->elements.count; i++)
		sg_index_judge_expression(reading, &pieces->columns, sg_json_get(pieces->elements.list[i].tree, "expr"));
	if (pieces->where.text != NULL)
		sg_index_judge_expression(reading, &pieces->where, pieces->where.tree);
	sg_index_judge_columns(reading, &pieces->columns, &pieces->elements, &pieces->include);
	sg_index_judge_method(reading, &pieces->elements, &pieces->columns, &pieces->include);
	if (pieces->with.text != NULL)
		sg_index_judge_with(reading, &pieces->with);
	if (pieces->nulls_not_distinct && !reading->unique) {
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

static void read_keys(struct sg_index_reading *reading, struct pieces *pieces, struct sg_index_definition *definition)
{
	const struct sg_step *step = reading->step;
	const char *schema, *table;

	table_of(reading, &schema, &table);
	set_relation(definition, schema, table, reading->arena);
	reading->method = step->method ? step->method : "btree";
	reading->unique = step->unique;
	pieces->nulls_not_distinct = step->nulls_not_distinct;
	pieces->tablespace = step->tablespace;
	read_key(reading, "columns", step->columns, &pieces->columns);
	read_key(reading, "opclass", step->opclass, &pieces->opclass);
	read_key(reading, "include", step->include, &pieces->include);
	read_key(reading, "with", step->with, &pieces->with);
	read_key(reading, "where", step->where, &pieces->where);
	judge(reading, pieces);
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
static bool cut(struct sg_index_reading *reading, const struct sg_index_piece *sql, struct pieces *pieces)
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
	pieces->columns = sg_index_piece_part(reading, sql, at + 1, end - 1, "sql");
	for (at = end; at < sql->count; at = end) {
		end = at + 1;
		if (sg_index_token_is(sql, at, "INCLUDE") || sg_index_token_is(sql, at, "WITH")) {
			struct sg_index_piece *piece = sg_index_token_is(sql, at, "WITH") ? &pieces->with : &pieces->include;

			if (!sg_index_token_char(sql, at + 1, '('))
				return false;
			end = sg_index_token_past(sql, at + 1);
			*piece = sg_index_piece_part(reading, sql, at + 2, end - 1, "sql");
		} else if (sg_index_token_is(sql, at, "TABLESPACE")) {
			while (end < sql->count && !sg_index_token_is(sql, end, "WHERE"))
				end++;
		} else if (sg_index_token_is(sql, at, "WHERE")) {
			end = sql->count;
			pieces->where = sg_index_piece_part(reading, sql, at + 1, end, "sql");
		}
	}
	return true;
}

static bool read_sql(struct sg_index_reading *reading, struct pieces *pieces, struct sg_index_definition *definition)
{
	struct sg_err cause = SG_ERR_INIT;
	struct sg_index_piece sql;
	struct sg_relation table;
	int count;

	if (!sg_index_piece_read(reading, "sql", reading->step->sql, true, &sql))
		return false;
	pieces->whole = sg_index_parse(reading->arena, sql.text, &count, &cause);
	if (count < 0) {
		sg_index_unreadable(reading, &sql, &cause, write_sql);
		return false;
	}
	if (!judge_statement(reading, &sql, pieces->whole, count) && pieces->whole == NULL)
		return false;
	table = sg_tree_relation(sg_json_get(pieces->whole, "relation"));
	set_relation(definition, table.schema ? table.schema : reading->manifest->schema, table.name ? table.name : "",
	             reading->arena);
	judge_table(reading, definition);
	reading->method = sg_json_text(sg_json_get(pieces->whole, "accessMethod"));
	reading->unique = sg_json_true(sg_json_get(pieces->whole, "unique"));
	pieces->nulls_not_distinct = sg_json_true(sg_json_get(pieces->whole, "nulls_not_distinct"));
	pieces->tablespace = sg_json_text(sg_json_get(pieces->whole, "tableSpace"));
	if (!cut(reading, &sql, pieces))
		return wrong(reading, "it cannot be taken apart", sg_arena_printf(reading->arena, "Found: %.300s", sql.text),
		             "Write table, columns and the other keys instead.");
	judge(reading, pieces);
	return true;
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

static const char *rest_of(const struct sg_index_reading *reading, const struct pieces *pieces)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	sg_buf_addf(&out, "USING %s (", method_sql(reading->arena, reading->method));
	sg_buf_adds(&out, sg_index_elements_text(&pieces->elements, reading->arena));
	sg_buf_addc(&out, ')');
	if (pieces->include.text != NULL)
		sg_buf_addf(&out, " INCLUDE (%s)", pieces->include.text);
	if (pieces->nulls_not_distinct)
		sg_buf_adds(&out, " NULLS NOT DISTINCT");
	if (pieces->with.text != NULL)
		sg_buf_addf(&out, " WITH (%s)", pieces->with.text);
	if (pieces->tablespace != NULL)
		sg_buf_addf(&out, " TABLESPACE %s", sg_tree_quote(reading->arena, pieces->tablespace));
	if (pieces->where.text != NULL)
		sg_buf_addf(&out, " WHERE %s", pieces->where.text);
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
static bool as_wanted(const struct sg_index_reading *reading, const struct sg_json *statement, const struct pieces *pieces,
                      const struct sg_index_definition *definition)
{
	static const char *const parts[] = { "accessMethod", "tableSpace", "indexParams", "indexIncludingParams", "options",
	                                     "whereClause", "unique", "nulls_not_distinct", "concurrent", "idxname" };
	const struct sg_json *relation = sg_json_get(statement, "relation");

	if (statement == NULL)
		return false;
	for (size_t i = 0; pieces->whole != NULL && i < SG_COUNT(parts); i++)
		if (!sg_index_same_member(statement, pieces->whole, parts[i]))
			return false;
	return is_word(statement, "idxname", definition->name) && is_word(relation, "schemaname", definition->schema) &&
	       is_word(relation, "relname", definition->table) && sg_json_true(sg_json_get(relation, "inh")) &&
	       is_word(statement, "accessMethod", reading->method) && is_word(statement, "tableSpace", pieces->tablespace) &&
	       same_elements(sg_json_get(statement, "indexParams"), &pieces->elements) &&
	       sg_index_same(sg_json_get(statement, "indexIncludingParams"), pieces->include.tree) &&
	       sg_index_same(sg_json_get(statement, "options"), pieces->with.tree) &&
	       sg_index_same(sg_json_get(statement, "whereClause"), pieces->where.tree) &&
	       sg_json_true(sg_json_get(statement, "unique")) == reading->unique &&
	       sg_json_true(sg_json_get(statement, "nulls_not_distinct")) == pieces->nulls_not_distinct &&
	       sg_json_true(sg_json_get(statement, "concurrent")) && !sg_json_true(sg_json_get(statement, "if_not_exists"));
}

static void judge_whole(struct sg_index_reading *reading, const struct pieces *pieces,
                        const struct sg_index_definition *definition)
{
	const char *key = reading->step->sql ? "sql" : "columns";
	const char *text = sg_index_statement(definition, SG_INDEX_CONCURRENTLY, definition->name,
	                                      sg_index_relation_sql(definition, reading->arena), reading->arena);
	struct sg_err cause = SG_ERR_INIT, *err;
	int count;
	const struct sg_json *statement = sg_index_parse(reading->arena, text, &count, &cause);

	if (count < 0 || !as_wanted(reading, statement, pieces, definition)) {
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
	struct pieces pieces = { .columns.key = "columns", .include.key = "include", .with.key = "with", .where.key = "where" };
	size_t before = reading->errs->count;

	memset(definition_r, 0, sizeof *definition_r);
	definition_r->step = reading->step;
	definition_r->name = reading->step->id;
	if (reading->step->sql == NULL)
		read_keys(reading, &pieces, definition_r);
	else if (!read_sql(reading, &pieces, definition_r))
		return false;
	judge_names(reading, definition_r, pieces.tablespace);
	if (reading->errs->count > before)
		return false;
	definition_r->unique = reading->unique;
	definition_r->nulls_not_distinct = pieces.nulls_not_distinct;
	definition_r->where = pieces.where.text;
	definition_r->rest = rest_of(reading, &pieces);
	set_keys(definition_r, &pieces.elements, reading->arena);
	judge_whole(reading, &pieces, definition_r);
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
