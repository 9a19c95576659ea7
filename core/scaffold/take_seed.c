/* take_seed.c - INSERT … VALUES becomes a backfill that writes the rows that are not there yet, one statement a row.
 *
 * Row by row, since a literal takes the type of its column only where it is inserted itself: in a VALUES list that is selected from, every
 * 'text' is text, and no jsonb. Whether a row is there is asked by the key that the table has for certain (primary key, unique),
 * else by all its values. */
#include "config.h"

#include <string.h>

#include "core/manifest/checks.h"
#include "core/scaffold/take_parts.h"
#include "core/sql/tree.h"

#define MOST_ROWS 2000

struct seed {
	const struct sg_json *body, *rows;
	struct sg_relation table;
	const char **columns;
	size_t column_count;
	struct sg_list row_texts;
	const char *conflict;      /* "ON CONFLICT …", or "" */
	bool updates;              /* … DO UPDATE */
	const char *const *set;    /* columns that DO UPDATE sets to EXCLUDED's */
	size_t set_count;
	bool by_values;            /* a row was asked for by all its values: no key is known */
};

static const char *read_columns(struct take *take, struct seed *s)
{
	const struct sg_json *cols = sg_json_get(s->body, "cols");
	const struct sg_model_table *table = sg_model_table(take->model, s->table);
	size_t width = sg_json_count(sg_json_get(sg_node_as(sg_json_at(s->rows, 0), "List"), "items"));

	s->column_count = sg_json_count(cols) > 0 ? sg_json_count(cols) : width;
	s->columns = sg_arena_array(take->arena, s->column_count + 1, sizeof *s->columns);
	if (sg_json_count(cols) == 0 && (table == NULL || !table->known || table->column_count < width))
		return "it names no columns, and the table's are not known: name them";
	for (size_t i = 0; i < s->column_count; i++) {
		const struct sg_json *target = sg_node_as(sg_json_at(cols, i), "ResTarget");
		const char *name = sg_json_count(cols) > 0 ? sg_json_text(sg_json_get(target, "name")) : table->columns[i].name;

		if (name == NULL || sg_json_get(target, "indirection") != NULL)
			return "it writes a part of a column";
		s->columns[i] = sg_arena_strdup(take->arena, name);
	}
	return NULL;
}

/* DO UPDATE SET a = EXCLUDED.a and nothing else: a row that is so is done. */
static const char *read_conflict(struct take *take, struct seed *s)
{
	const struct sg_json *conflict = sg_json_get(s->body, "onConflictClause"), *targets = sg_json_get(conflict, "targetList");
	const char **set;

	s->updates = sg_node_is(conflict, "action", "ONCONFLICT_UPDATE");
	if (!s->updates)
		return NULL;
	set = sg_arena_array(take->arena, sg_json_count(targets) + 1, sizeof *set);
	for (size_t i = 0; i < sg_json_count(targets); i++) {
		const struct sg_json *target = sg_node_as(sg_json_at(targets, i), "ResTarget");
		const struct sg_json *fields = sg_json_get(sg_node_as(sg_json_get(target, "val"), "ColumnRef"), "fields");
		const char *name = sg_json_text(sg_json_get(target, "name"));

		if (sg_json_count(fields) != 2 || !take_same(sg_node_string(sg_json_at(fields, 0)), "excluded") ||
		    !take_same(sg_node_string(sg_json_at(fields, 1)), name))
			return "ON CONFLICT DO UPDATE sets more than EXCLUDED's own columns: nobody can tell when a row is done";
		set[s->set_count++] = sg_arena_strdup(take->arena, name);
	}
	s->set = set;
	return sg_json_get(conflict, "whereClause") != NULL ? "ON CONFLICT DO UPDATE … WHERE: nobody can tell when a row is done" : NULL;
}

static const char *read_seed(struct take *take, struct seed *s)
{
	const struct sg_json *select = sg_node_as(sg_json_get(s->body, "selectStmt"), "SelectStmt");
	const char *sql = take->statement->text, *why;
	size_t length = take->statement->length, values, end, on;

	s->rows = sg_json_get(select, "valuesLists");
	if (sg_json_get(s->body, "withClause") != NULL || sg_json_get(select, "withClause") != NULL)
		return "a WITH before it: write a backfill of it (sgrun new backfill, without --key)";
	if (sg_json_count(s->rows) == 0)
		return select != NULL ? "INSERT … SELECT grows with what it reads: write a backfill of it (sgrun new backfill)"
		                      : "INSERT … DEFAULT VALUES: no row of it can be told from another";
	if (sg_json_count(s->rows) > MOST_ROWS)
		return "too many rows for a source: load them by hand";
	if (s->table.name == NULL || sg_check_table(take_bare_table(&take->scratch, s->table)) != NULL)
		return "the table's name cannot stand in a manifest";
	why = read_columns(take, s);
	if (why == NULL)
		why = read_conflict(take, s);
	if (why != NULL)
		return why;
	values = take_find_word(sql, length, 0, "VALUES", NULL);
	if (values == SIZE_MAX)
		return "its VALUES are not found";
	end = take_find_word(sql, length, values, "RETURNING", NULL);
	end = end < length ? end : length;
	on = take_find_word(sql, end, values, "ON", NULL);
	s->conflict = on != SIZE_MAX ? take_cut(take->arena, sql, on, end) : "";
	s->row_texts = take_split(take->arena, sql, values + 6, on < end ? on : end);
	return s->row_texts.count == sg_json_count(s->rows) ? NULL : "its rows cannot be told apart";
}

/* ---- is a row there ----------------------------------------------------------------------------- */

static size_t find(const struct seed *s, const char *column)
{
	for (size_t i = 0; i < s->column_count; i++)
		if (strcmp(s->columns[i], column) == 0)
			return i;
	return SIZE_MAX;
}

static const struct sg_json *value_at(const struct sg_json *row, size_t i)
{
	return sg_json_at(sg_json_get(sg_node_as(row, "List"), "items"), i);
}

/* Is every one of these columns given, with a value that is the same each time? */
static bool are_given(const struct seed *s, const struct sg_json *row, const char *const *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = columns[i] != NULL ? find(s, columns[i]) : SIZE_MAX;
		const struct sg_json *value = at != SIZE_MAX ? value_at(row, at) : NULL;

		if (value == NULL || take_is_volatile(value) || sg_json_true(sg_json_get(sg_node_as(value, "A_Const"), "isnull")) ||
		    sg_node_as(value, "SetToDefault") != NULL)
			return false;
	}
	return count > 0;
}

/* The columns by which a row is known; count 0: there are none. */
static struct sg_list key_of(struct take *take, const struct seed *s, const struct sg_json *row)
{
	const struct sg_model_table *table = sg_model_table(take->model, s->table);

	for (int unique = 0; table != NULL && unique < 2; unique++)
		for (size_t i = 0; i < table->constraint_count; i++) {
			const struct sg_model_constraint *c = &table->constraints[i];

			if (c->kind == (unique ? 'u' : 'p') && are_given(s, row, c->columns, c->column_count))
				return (struct sg_list){ c->columns, c->column_count };
		}
	for (size_t i = 0; table != NULL && i < table->index_count; i++) {
		const struct sg_model_index *index = &table->indexes[i];

		if (index->unique && index->plain && are_given(s, row, index->columns, index->column_count))
			return (struct sg_list){ index->columns, index->column_count };
	}
	return (struct sg_list){ NULL, 0 };
}

static bool compares(struct take *take, const struct seed *s, size_t i)
{
	const struct sg_model_column *column = sg_model_column(sg_model_table(take->model, s->table), s->columns[i]);

	return column == NULL || column->type == NULL || (strcmp(column->type, "json") != 0 && strcmp(column->type, "xml") != 0);
}

/* "a = 1 AND b = 2"; NULL: nothing of the row can be asked for. */
static const char *condition(struct take *take, struct seed *s, const struct sg_json *row, const struct sg_list *texts)
{
	struct sg_list key = key_of(take, s, row);
	const char *text = "";

	s->by_values |= key.count == 0;
	for (size_t i = 0; i < s->column_count; i++) {
		const struct sg_json *value = value_at(row, i);
		bool wanted = key.count == 0, of_key = false;

		for (size_t k = 0; k < key.count; k++)
			of_key |= take_same(key.items[k], s->columns[i]);
		for (size_t k = 0; k < s->set_count; k++)
			wanted |= take_same(s->set[k], s->columns[i]);
		if ((!wanted && !of_key) || value == NULL || sg_node_as(value, "SetToDefault") != NULL || take_is_volatile(value) ||
		    !compares(take, s, i))
			continue;
		text = sg_arena_printf(&take->scratch, "%s%s%s %s %s", text, text[0] != '\0' ? " AND " : "",
		                       take_sql_name(&take->scratch, s->columns[i]), of_key ? "=" : "IS NOT DISTINCT FROM", texts->items[i]);
	}
	return text[0] != '\0' ? text : NULL;
}

/* ---- the source ----------------------------------------------------------------------------------- */

static const char *row_of(struct take *take, struct seed *s, size_t number, const char **insert_r, const char **found_r)
{
	const struct sg_json *row = sg_json_at(s->rows, number);
	const char *text = s->row_texts.items[number], *columns = "", *values = "", *where, *why;
	const char *table = take_sql_table(&take->scratch, s->table);
	const char *alias = sg_json_text(sg_json_get(sg_json_get(sg_json_get(s->body, "relation"), "alias"), "aliasname"));
	size_t length = strlen(text);
	struct sg_list texts;

	if (length < 2 || text[0] != '(' || take_close(text, length, 0) != length)
		return "its rows cannot be told apart";
	texts = take_split(&take->scratch, text, 1, length - 1);
	if (texts.count != s->column_count || sg_json_count(sg_json_get(sg_node_as(row, "List"), "items")) != texts.count)
		return "a row has not as many values as there are columns";
	for (size_t i = 0; i < texts.count; i++) {
		if (sg_node_as(value_at(row, i), "SetToDefault") != NULL)
			continue;
		columns = sg_arena_printf(&take->scratch, "%s%s%s", columns, columns[0] != '\0' ? ", " : "",
		                          take_sql_name(&take->scratch, s->columns[i]));
		values = sg_arena_printf(&take->scratch, "%s%s%s", values, values[0] != '\0' ? ", " : "", texts.items[i]);
	}
	where = condition(take, s, row, &texts);
	if (where == NULL || columns[0] == '\0')
		return "nothing of a row can be asked for: it would be written again and again";
	*found_r = sg_arena_printf(take->arena, "SELECT 1 FROM %s WHERE %s", table, where);
	*insert_r = sg_arena_printf(take->arena, "INSERT INTO %s%s%s (%s)%s\n SELECT %s\n WHERE NOT EXISTS (%s)%s%s", table,
	                            alias != NULL ? " AS " : "", alias != NULL ? take_sql_name(&take->scratch, alias) : "", columns,
	                            sg_node_is(s->body, "override", "OVERRIDING_SYSTEM_VALUE") ? " OVERRIDING SYSTEM VALUE"
	                            : sg_node_is(s->body, "override", "OVERRIDING_USER_VALUE") ? " OVERRIDING USER VALUE"
	                                                                                       : "",
	                            values, *found_r, s->conflict[0] != '\0' ? "\n " : "", s->conflict);
	why = take_judge_batch(take, *insert_r, true);
	return why;
}

static const char *source(struct take *take, const struct seed *s, const char *id, const char *const *inserts, const char *const *founds)
{
	struct sg_arena *a = &take->scratch;
	struct sg_buf out = SG_BUF_INIT;
	size_t count = s->row_texts.count;
	const char *text;

	sg_buf_addf(&out, "/* %s.c - %zu row%s of %s%s%s\n *\n * Taken over of %s:%d. There is no table to walk, so this is a drain: it is called until every row is there. */\n",
	            id, count, count == 1 ? "" : "s", take_comment(a, take_bare_table(a, s->table)), take->title != NULL ? ": " : "",
	            take_comment(a, take->title), take_comment(a, take->file->path), take->statement->line);
	sg_buf_addf(&out, "#include <sgrun/plugin.h>\n\nSG_DRAIN(%s, %s);\n\n", take_literal(a, id, 1),
	            take_literal(a, take->title != NULL ? take->title : id, 1));
	sg_buf_adds(&out, "static const struct {\n\tconst char *found, *insert;\n} rows[] = {\n");
	for (size_t i = 0; i < count; i++)
		sg_buf_addf(&out, "\t{ %s,\n\t  %s },\n", take_literal(a, founds[i], 2), take_literal(a, inserts[i], 2));
	sg_buf_adds(&out, "};\n#define COUNT (sizeof rows / sizeof rows[0])\n\n"
	                  "/* Is every row there? */\nint fingerprint(sg_ctx *sg)\n{\n" TAKE_GUARDS "\tfor (size_t i = 0; i < COUNT; i++)\n"
	                  "\t\tif (!sg_exists(sg, rows[i].found, SG_NOARGS))\n\t\t\treturn 0;\n\treturn 1;\n}\n\n"
	                  "int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)\n{\n\tint64_t written = 0;\n\n"
	                  "\t(void)batch; /* so few rows are no matter of sizes */\n\tfor (size_t i = 0; i < COUNT; i++)\n"
	                  "\t\twritten += sg_dml(sg, rows[i].insert, SG_NOARGS);\n\treturn written;\n}\n");
	text = sg_arena_strndup(take->arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

/* Two rows that are asked for by the same words would be one. */
static bool are_distinct(const char *const *founds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(founds[i], founds[k]) == 0)
				return false;
	return true;
}

void take_seed(struct take *take, const struct sg_json *tree)
{
	struct seed s = { .body = sg_node_body(tree), .conflict = "" };
	const char **inserts, **founds, *why, *id;
	struct take_step *step;

	s.table = sg_tree_relation(sg_json_get(s.body, "relation"));
	why = read_seed(take, &s);
	inserts = sg_arena_array(take->arena, s.row_texts.count + 1, sizeof *inserts);
	founds = sg_arena_array(take->arena, s.row_texts.count + 1, sizeof *founds);
	for (size_t i = 0; why == NULL && i < s.row_texts.count; i++)
		why = row_of(take, &s, i, &inserts[i], &founds[i]);
	if (why == NULL && !are_distinct(founds, s.row_texts.count))
		why = "two of its rows are the same, and no key tells them apart";
	if (why != NULL) {
		take_say(take, SG_TAKEN_NOT, NULL, why);
		return;
	}
	id = take_free_id(take, TAKE_FILL, take_id_of(take->arena, sg_arena_printf(&take->scratch, "%s_seed_%s", take->id, s.table.name), 180));
	step = take_add_moved(take, TAKE_FILL, id, s.table);
	take_remember(take, step, tree);
	step->source = source(take, &s, id, inserts, founds);
	step->keys = sg_arena_printf(take->arena, "also_writes = %s\n", take_bare_table(&take->scratch, s.table));
	take_say(take, SG_TAKEN_SEED, id, s.by_values ? "no key of the table is known for every row: it is asked for by its values" : NULL);
}
