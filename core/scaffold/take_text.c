/* take_text.c - pieces of a statement, cut out of its own text so that it stays as its author wrote it. What was cut is put together and
 * parsed again before anything is made of it; so a piece that is cut wrongly is found out, and never sent. */
#include "config.h"

#include <string.h>

#include "core/scaffold/c_text.h"
#include "core/scaffold/take_parts.h"
#include "core/sql/lex.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

bool take_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *schema_of(struct sg_relation table)
{
	return table.schema != NULL ? table.schema : "public";
}

bool take_same_table(struct sg_relation a, struct sg_relation b)
{
	return take_same(a.name, b.name) && strcmp(schema_of(a), schema_of(b)) == 0;
}

const char *take_sql_name(struct sg_arena *arena, const char *name)
{
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	const char *text;

	if (name[plain] != '\0' || plain == 0 || plain > 63 || (name[0] >= '0' && name[0] <= '9'))
		return sg_tree_quote(arena, name);
	/* Is it a word of SQL? The grammar knows. */
	text = sg_arena_printf(arena, "CREATE TABLE %s (%s int)", name, name);
	if (sg_parse(text, strlen(text), &tree, &err) != SG_PARSE_OK)
		name = sg_tree_quote(arena, name);
	sg_json_free(tree);
	sg_err_release(&err);
	return name;
}

const char *take_sql_table(struct sg_arena *arena, struct sg_relation table)
{
	return table.schema != NULL ? sg_arena_printf(arena, "%s.%s", take_sql_name(arena, table.schema), take_sql_name(arena, table.name))
	                            : take_sql_name(arena, table.name);
}

const char *take_bare_table(struct sg_arena *arena, struct sg_relation table)
{
	return table.schema != NULL ? sg_arena_printf(arena, "%s.%s", table.schema, table.name) : sg_arena_strdup(arena, table.name);
}

const char *take_id_of(struct sg_arena *arena, const char *text, size_t limit)
{
	size_t length = strlen(text), n = 0;
	char *id = sg_arena_alloc(arena, (length < limit ? length : limit) + 2);

	for (size_t i = 0; i < length && n < limit; i++) {
		unsigned char c = (unsigned char)text[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';

		if (fits)
			id[n++] = (char)c;
		else if (n > 0 && id[n - 1] != '_')
			id[n++] = '_';
	}
	while (n > 1 && id[n - 1] == '_')
		n--;
	/* neither hidden, nor an option, nor the folder itself */
	for (size_t i = 0; i < n && (id[i] == '.' || id[i] == '-'); i++)
		id[i] = '_';
	if (n == 0)
		id[n++] = 'x';
	id[n] = '\0';
	return id;
}

const char *take_literal(struct sg_arena *arena, const char *text, int indent)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *literal;

	sg_c_literal(&out, text, strlen(text), indent, 96);
	literal = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return literal;
}

const char *take_comment(struct sg_arena *arena, const char *text)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *comment;

	sg_c_comment(&out, text, " ", 4000);
	for (size_t i = 0; i < out.length; i++)
		if (out.data[i] == '\n')
			out.data[i] = ' ';
	comment = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return comment;
}

const char *take_lower(struct sg_arena *arena, const char *word, size_t length)
{
	char *text = sg_arena_strndup(arena, word, length);

	for (char *p = text; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return text;
}

/* ---- tokens -------------------------------------------------------------------------------- */

static void follow(const struct sg_lex *lex, const struct sg_token *token, int *depth)
{
	if (sg_lex_char(lex, token, '(') || sg_lex_char(lex, token, '['))
		++*depth;
	else if (sg_lex_char(lex, token, ')') || sg_lex_char(lex, token, ']'))
		--*depth;
}

size_t take_find_word(const char *sql, size_t length, size_t from, const char *word, const char *not_after)
{
	struct sg_lex lex;
	struct sg_token token;
	bool after = false;
	int depth = 0;

	sg_lex_init(&lex, sql, length);
	lex.at = from;
	while (sg_lex_next(&lex, &token)) {
		follow(&lex, &token, &depth);
		if (depth == 0 && token.kind == SG_TOKEN_WORD && sg_lex_is(&lex, &token, word) && !after)
			return token.start;
		after = not_after != NULL && token.kind == SG_TOKEN_WORD && sg_lex_is(&lex, &token, not_after);
	}
	return SIZE_MAX;
}

const char *take_cut(struct sg_arena *arena, const char *sql, size_t from, size_t to)
{
	struct sg_lex lex;
	struct sg_token token;
	size_t first = to, last = from;

	sg_lex_init(&lex, sql, to);
	lex.at = from;
	while (sg_lex_next(&lex, &token)) {
		if (first == to)
			first = token.start;
		last = token.end;
	}
	return first < last ? sg_arena_strndup(arena, sql + first, last - first) : "";
}

const char *take_one_line(struct sg_arena *arena, const char *sql)
{
	struct sg_buf out = SG_BUF_INIT;
	struct sg_lex lex;
	struct sg_token token;
	size_t before = 0;
	const char *text;

	sg_lex_init(&lex, sql, strlen(sql));
	while (sg_lex_next(&lex, &token)) {
		if (token.start > before && before > 0)
			sg_buf_addc(&out, ' ');
		sg_buf_add(&out, sql + token.start, token.end - token.start);
		before = token.end;
	}
	text = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

struct sg_list take_split(struct sg_arena *arena, const char *sql, size_t from, size_t to)
{
	const char **items = NULL;
	size_t count = 0, capacity = 0, begin = from;
	struct sg_lex lex;
	struct sg_token token;
	int depth = 0;
	bool some = false;

	sg_lex_init(&lex, sql, to);
	lex.at = from;
	while (sg_lex_next(&lex, &token)) {
		follow(&lex, &token, &depth);
		some = true;
		if (depth == 0 && sg_lex_char(&lex, &token, ',')) {
			items = sg_arena_grow(arena, items, &capacity, count + 1, sizeof *items);
			items[count++] = take_cut(arena, sql, begin, token.start);
			begin = token.end;
		}
	}
	if (some) {
		items = sg_arena_grow(arena, items, &capacity, count + 1, sizeof *items);
		items[count++] = take_cut(arena, sql, begin, to);
	}
	return (struct sg_list){ items, count };
}

size_t take_close(const char *sql, size_t length, size_t from)
{
	struct sg_lex lex;
	struct sg_token token;
	int depth = 0;

	sg_lex_init(&lex, sql, length);
	lex.at = from;
	while (sg_lex_next(&lex, &token)) {
		follow(&lex, &token, &depth);
		if (depth <= 0)
			return token.end;
	}
	return SIZE_MAX;
}

/* ---- what an expression names --------------------------------------------------------------- */

/* Any node of the tree, at any depth, that the test holds for. The parser bounds how deep it is. */
static bool any(const struct sg_json *tree, bool (*test)(const char *key, const struct sg_json *value, const void *what), const void *what)
{
	if (sg_json_is_array(tree)) {
		for (size_t i = 0; i < sg_json_count(tree); i++)
			if (any(sg_json_at(tree, i), test, what))
				return true;
		return false;
	}
	for (void *iter = sg_json_is_object(tree) ? sg_json_next(tree, NULL) : NULL; iter != NULL; iter = sg_json_next(tree, iter))
		if (test(sg_json_key(iter), sg_json_value(iter), what) || any(sg_json_value(iter), test, what))
			return true;
	return false;
}

/* Functions that give the same for the same: what is not here counts as another value each time. */
static bool is_volatile(const char *key, const struct sg_json *value, const void *what)
{
	static const char *const steady[] = { "lower", "upper", "initcap", "trim", "btrim", "ltrim", "rtrim", "replace", "concat",
		                              "concat_ws", "coalesce", "nullif", "length", "char_length", "substr", "substring",
		                              "split_part", "left", "right", "md5", "abs", "round", "floor", "ceil", "greatest", "least",
		                              "regexp_replace", "to_char", "date_trunc", "jsonb_build_object", "jsonb_build_array",
		                              "to_jsonb", "encode", "decode", "translate", "position", "min", "max", "count", "sum",
		                              "make_interval", "date_part", "extract", "timezone", "row_number", "array_length" };
	struct sg_relation name;

	(void)what;
	if (strcmp(key, "SQLValueFunction") == 0 || strcmp(key, "SetToDefault") == 0 || strcmp(key, "ParamRef") == 0)
		return true;
	if (strcmp(key, "FuncCall") != 0 || !sg_tree_names(sg_json_get(value, "funcname"), &name))
		return false;
	for (size_t i = 0; i < SG_COUNT(steady); i++)
		if (strcmp(steady[i], name.name) == 0 && (name.schema == NULL || strcmp(name.schema, "pg_catalog") == 0))
			return false;
	return true;
}

bool take_is_volatile(const struct sg_json *tree)
{
	return any(tree, is_volatile, NULL);
}

static bool is_column(const char *key, const struct sg_json *value, const void *what)
{
	const struct sg_json *fields = sg_json_get(value, "fields");
	const struct sg_json *last = sg_json_at(fields, sg_json_count(fields) - 1);

	return strcmp(key, "ColumnRef") == 0 && sg_json_count(fields) > 0 &&
	       (sg_node_as(last, "A_Star") != NULL || take_same(sg_node_string(last), what));
}

bool take_names_column(const struct sg_json *tree, const char *column)
{
	return any(tree, is_column, column);
}

static bool is_subquery(const char *key, const struct sg_json *value, const void *what)
{
	(void)value;
	(void)what;
	return strcmp(key, "SubLink") == 0;
}

bool take_has_subquery(const struct sg_json *tree)
{
	return any(tree, is_subquery, NULL);
}
