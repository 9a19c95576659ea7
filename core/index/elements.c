/* elements.c - the list of an index's columns taken apart: what is indexed, and by what rules.
 *
 * The tree says what there is, the tokens say how it was written; both must tell the same, or the list is refused. */
#include "config.h"
#include "core/index/judge.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/sql/tree.h"

static const char write_columns[] = "Write columns as between the brackets of CREATE INDEX … ON table (…): "
                                    "business_id, lower(email), (meta ->> 'plan'), created_at DESC.";
static const char write_opclass[] = "Write one operator class for each column, in their order: default, text_pattern_ops.";

static const char *dotted(struct sg_arena *arena, const struct sg_json *names, bool plain)
{
	const char *text = NULL;

	for (size_t i = 0; i < sg_json_count(names); i++) {
		const char *name = sg_node_string(sg_json_at(names, i));

		name = plain && name != NULL && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0'
		       ? name : sg_tree_quote(arena, name ? name : "");
		text = text == NULL ? name : sg_arena_printf(arena, "%s.%s", text, name);
	}
	return text;
}

/* "text_pattern_ops", "public.gist_trgm_ops (siglen = 32)": the tree's name, and the parameters as they were written. */
static const char *opclass_text(struct sg_arena *arena, const struct sg_index_piece *piece, size_t from,
                                const struct sg_json *tree)
{
	const struct sg_json *names = sg_json_get(tree, "opclass");
	const char *last = sg_node_string(sg_json_at(names, sg_json_count(names) - 1));
	size_t length = last ? strlen(last) : 0;
	/* no keyword ends so */
	const char *text = dotted(arena, names, length > 4 && strcmp(last + length - 4, "_ops") == 0 && sg_json_count(names) == 1);

	while (from < piece->count && !sg_index_token_char(piece, from, '('))
		from++;
	return from == piece->count ? text
	       : sg_arena_printf(arena, "%s %s", text, sg_index_token_text(arena, piece, from, sg_index_token_past(piece, from)));
}

/* Behind the column, call or (expression) with which an element begins. */
static size_t head_end(const struct sg_index_piece *piece)
{
	size_t at = 0;

	if (sg_index_token_char(piece, 0, '('))
		return sg_index_token_past(piece, 0);
	if (sg_index_token_is(piece, 0, "COLLATION") && sg_index_token_is(piece, 1, "FOR"))
		at++;
	if (at < piece->count)
		at++;
	if (sg_index_token_is(piece, at, "UESCAPE"))
		at += 2;
	while (sg_index_token_char(piece, at, '.'))
		at += 2;
	if (sg_index_token_char(piece, at, '('))
		at = sg_index_token_past(piece, at);
	return at < piece->count ? at : piece->count;
}

static bool mystery(struct sg_index_reading *reading, const struct sg_index_piece *piece)
{
	struct sg_err *err = sg_index_mistake(reading, piece->key, "it cannot be taken apart");

	(void)sg_err_detail(err, "Found: %.300s", piece->text);
	(void)sg_err_hint(err, "Put each expression into brackets of its own, or make the index in a migration.");
	return false;
}

static bool read_element(struct sg_index_reading *reading, struct sg_index_piece *piece, const struct sg_json *tree,
                         struct sg_index_element *element)
{
	size_t end = head_end(piece);
	struct sg_err cause = SG_ERR_INIT;
	const struct sg_json *alone, *elem;
	int count;

	element->tree = tree;
	element->head = sg_index_token_text(reading->arena, piece, 0, end);
	alone = sg_index_parse(reading->arena, sg_arena_printf(reading->arena, "CREATE INDEX i ON t (%s)", element->head), &count,
	                       &cause);
	sg_err_release(&cause);
	elem = sg_node_as(sg_json_at(sg_json_get(alone, "indexParams"), 0), "IndexElem");
	if (elem == NULL || sg_json_count(sg_json_get(alone, "indexParams")) != 1 || sg_json_get(elem, "opclass") != NULL ||
	    sg_json_get(elem, "collation") != NULL || !sg_index_same_member(elem, tree, "name") ||
	    !sg_index_same_member(elem, tree, "expr"))
		return mystery(reading, piece);
	element->collation = dotted(reading->arena, sg_json_get(tree, "collation"), false);
	if (sg_json_get(tree, "opclass") != NULL) {
		element->opclass = opclass_text(reading->arena, piece, end, tree);
		element->opclass_tree = tree;
	}
	return true;
}

/* Behind the name and the parameters that begin there. */
static size_t class_end(const struct sg_index_piece *piece, size_t at)
{
	if (at < piece->count)
		at++;
	while (sg_index_token_char(piece, at, '.'))
		at += 2;
	if (sg_index_token_char(piece, at, '('))
		at = sg_index_token_past(piece, at);
	return at < piece->count ? at : piece->count;
}

static bool one_class(struct sg_index_reading *reading, struct sg_index_piece *piece, struct sg_index_element *element)
{
	const struct sg_json *elem;
	struct sg_err *err;

	if (piece->count == 1 && sg_index_token_is(piece, 0, "DEFAULT"))
		return true;
	if (!sg_index_token_name(piece, 0) ||
	    !sg_index_piece_parse(reading, piece, "CREATE INDEX i ON t (a ", ")", "indexParams", write_opclass)) {
		if (!sg_index_token_name(piece, 0)) {
			err = sg_index_mistake(reading, piece->key, "no operator class: %.80s", piece->text);
			(void)sg_err_detail(err, "An operator class is a name, and has perhaps a schema and parameters.");
			(void)sg_err_hint(err, "%s", write_opclass);
		}
		return false;
	}
	elem = sg_node_as(sg_json_at(piece->tree, 0), "IndexElem");
	if (sg_json_get(elem, "opclass") == NULL || sg_json_get(elem, "collation") != NULL ||
	    !sg_node_is(elem, "ordering", "SORTBY_DEFAULT") || !sg_node_is(elem, "nulls_ordering", "SORTBY_NULLS_DEFAULT")) {
		err = sg_index_mistake(reading, piece->key, "no operator class: %.80s", piece->text);
		(void)sg_err_detail(err, "It is a word that stands behind the operator class.");
		(void)sg_err_hint(err, "Write COLLATE, DESC and NULLS LAST in columns.");
		return false;
	}
	element->opclass = opclass_text(reading->arena, piece, 0, elem);
	element->opclass_tree = elem;
	return true;
}

static bool put_classes(struct sg_index_reading *reading, const struct sg_index_piece *piece,
                        struct sg_index_elements *elements)
{
	size_t at = 0, count = 0;
	bool good = true;
	struct sg_err *err;

	for (size_t i = 0; i < elements->count; i++) {
		if (elements->list[i].opclass == NULL)
			continue;
		err = sg_index_mistake(reading, piece->key, "columns has operator classes of its own");
		(void)sg_err_detail(err, "%.80s has %.80s there.", elements->list[i].head, elements->list[i].opclass);
		(void)sg_err_hint(err, "Keep them in one of the two places.");
		return false;
	}
	while (at < piece->count) {
		size_t end = class_end(piece, at);
		struct sg_index_piece one = sg_index_piece_part(reading, piece, at, end, piece->key);

		if (count < elements->count)
			good = one_class(reading, &one, &elements->list[count]) && good;
		count++;
		at = end + sg_index_token_char(piece, end, ',');
	}
	if (count == elements->count)
		return good;
	err = sg_index_mistake(reading, piece->key, "%zu operator class%s for %zu column%s", count, count == 1 ? "" : "es",
	                       elements->count, elements->count == 1 ? "" : "s");
	(void)sg_err_detail(err, "Each column is given its operator class, in their order.");
	(void)sg_err_hint(err, "Write default for those that keep their type's own.");
	return false;
}

/* All of it in brackets with a comma between: a row, and never meant. */
static bool is_row(const struct sg_index_piece *columns)
{
	if (!sg_index_token_char(columns, 0, '(') || sg_index_token_past(columns, 0) != columns->count)
		return false;
	for (size_t i = 1; i + 1 < columns->count; i++)
		if (columns->tokens[i].depth == 1 && sg_index_token_char(columns, i, ','))
			return true;
	return false;
}

static bool row(struct sg_index_reading *reading, const struct sg_index_piece *columns)
{
	struct sg_err *err = sg_index_mistake(reading, columns->key, "brackets around several columns");

	(void)sg_err_detail(err, "Found: %.300s", columns->text);
	(void)sg_err_hint(err, "Leave the outer brackets out.");
	return false;
}

bool sg_index_elements_read(struct sg_index_reading *reading, struct sg_index_piece *columns,
                            struct sg_index_piece *opclass, struct sg_index_elements *elements_r)
{
	size_t count = 0, from = 0;

	if (is_row(columns))
		return row(reading, columns);
	if (!sg_index_piece_parse(reading, columns, "CREATE INDEX i ON t (", ")", "indexParams", write_columns))
		return false;
	elements_r->count = sg_json_count(columns->tree);
	elements_r->list = sg_arena_array(reading->arena, elements_r->count, sizeof *elements_r->list);
	for (size_t at = 0; at <= columns->count; at++) {
		struct sg_index_piece one;
		const struct sg_json *elem;

		if (at < columns->count && !(columns->tokens[at].depth == 0 && sg_index_token_char(columns, at, ',')))
			continue;
		if (count == elements_r->count)
			return mystery(reading, columns);
		elem = sg_node_as(sg_json_at(columns->tree, count), "IndexElem");
		one = sg_index_piece_part(reading, columns, from, at, columns->key);
		if (sg_node_as(sg_json_get(elem, "expr"), "RowExpr") != NULL)
			return row(reading, columns);
		if (!read_element(reading, &one, elem, &elements_r->list[count]))
			return false;
		count++;
		from = at + 1;
	}
	if (count != elements_r->count)
		return mystery(reading, columns);
	return opclass->text == NULL || put_classes(reading, opclass, elements_r);
}

const char *sg_index_elements_text(const struct sg_index_elements *elements, struct sg_arena *arena)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	for (size_t i = 0; i < elements->count; i++) {
		const struct sg_index_element *element = &elements->list[i];

		sg_buf_addf(&out, "%s%s", i ? ", " : "", element->head);
		if (element->collation != NULL)
			sg_buf_addf(&out, " COLLATE %s", element->collation);
		if (element->opclass != NULL)
			sg_buf_addf(&out, " %s", element->opclass);
		if (!sg_node_is(element->tree, "ordering", "SORTBY_DEFAULT"))
			sg_buf_adds(&out, sg_node_is(element->tree, "ordering", "SORTBY_DESC") ? " DESC" : " ASC");
		if (!sg_node_is(element->tree, "nulls_ordering", "SORTBY_NULLS_DEFAULT"))
			sg_buf_adds(&out, sg_node_is(element->tree, "nulls_ordering", "SORTBY_NULLS_FIRST") ? " NULLS FIRST"
			                                                                                    : " NULLS LAST");
	}
	text = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}
