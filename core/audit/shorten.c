/* shorten.c - see shorten.h. One pass over the tokens: each open list counts its commas, and from a certain one on nothing is
 * copied until the list ends. */
#include "config.h"
#include "core/audit/shorten.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/sql/lex.h"

#define DEPTH         64  /* parentheses; lists further inside stay as they are */
#define LITERAL_LIMIT 256 /* bytes */

struct list {
	size_t commas;
	bool values; /* VALUES: the rows of this level are elements */
	bool row;    /* the last token closed one of its rows */
	bool dropping;
};

struct cut {
	struct sg_lex lex;
	struct sg_buf out;
	struct list lists[DEPTH]; /* [0]: outside of all parentheses, [1]: inside the first, … */
	size_t depth;
	size_t dropping; /* lists that do */
	size_t copied;   /* up to here the text was looked at */
	size_t left_out;
};

static void copy_until(struct cut *cut, size_t at)
{
	if (cut->dropping == 0 && at > cut->copied)
		sg_buf_add(&cut->out, cut->lex.sql + cut->copied, at - cut->copied);
	cut->copied = at;
}

static struct list *top(struct cut *cut)
{
	return cut->depth < DEPTH ? &cut->lists[cut->depth] : NULL;
}

/* The list goes no further; from `at` on the text counts again. */
static void end_list(struct cut *cut, struct list *list, size_t at)
{
	if (list->dropping) {
		cut->copied = at;
		cut->dropping--;
	}
	*list = (struct list){ .commas = 0 };
}

static void comma(struct cut *cut, struct list *list, size_t at)
{
	/* Outside of parentheses only rows of VALUES are elements. */
	if (cut->depth == 0 && !list->values)
		return;
	list->commas++;
	list->row = false;
	if (list->commas >= SG_SHORTEN_KEPT)
		cut->left_out++;
	if (list->commas == SG_SHORTEN_KEPT && !list->dropping) {
		copy_until(cut, at);
		list->dropping = true;
		cut->dropping++;
	}
}

static void look_at(struct cut *cut, const struct sg_token *token)
{
	struct list *list = top(cut);

	if (sg_lex_char(&cut->lex, token, '(')) {
		cut->depth++;
		if (top(cut) != NULL)
			*top(cut) = (struct list){ .commas = 0 };
	} else if (sg_lex_char(&cut->lex, token, ')')) {
		if (list != NULL && cut->depth > 0)
			end_list(cut, list, token->start);
		cut->depth -= cut->depth > 0 ? 1 : 0;
		if (top(cut) != NULL)
			top(cut)->row = true;
	} else if (list == NULL) {
		return;
	} else if (sg_lex_char(&cut->lex, token, ',')) {
		comma(cut, list, token->start);
	} else if (list->values && list->row) {
		end_list(cut, list, token->start); /* ON CONFLICT … */
	} else if (sg_lex_is(&cut->lex, token, "VALUES")) {
		*list = (struct list){ .values = true, .commas = 0 };
	} else if ((token->kind == SG_TOKEN_STRING || token->kind == SG_TOKEN_DOLLAR) && token->closed &&
	           token->end - token->start > LITERAL_LIMIT) {
		copy_until(cut, token->start);
		if (cut->dropping == 0)
			sg_buf_adds(&cut->out, "''");
		cut->copied = token->end;
	}
}

static bool is_of_rows(struct sg_lex *lex)
{
	static const char *const words[] = { "INSERT", "WITH", "UPDATE", "DELETE", "MERGE", "SELECT", "VALUES" };
	struct sg_token token;

	if (!sg_lex_next(lex, &token))
		return false;
	for (size_t i = 0; i < SG_COUNT(words); i++)
		if (sg_lex_is(lex, &token, words[i]))
			return true;
	return false;
}

const char *sg_audit_shorten(struct sg_arena *arena, const char *text, size_t length, size_t *left_out_r)
{
	struct cut cut = { .depth = 0 };
	struct sg_token token;
	const char *shorter;

	sg_lex_init(&cut.lex, text, length);
	*left_out_r = 0;
	if (!is_of_rows(&cut.lex))
		return NULL;
	sg_lex_init(&cut.lex, text, length);
	sg_buf_init(&cut.out, 0);
	while (sg_lex_next(&cut.lex, &token))
		look_at(&cut, &token);
	cut.dropping = 0; /* nothing closed it, or rows were the end */
	if (!cut.lists[0].dropping)
		copy_until(&cut, length);
	shorter = sg_arena_strndup(arena, cut.out.data, cut.out.length);
	sg_buf_release(&cut.out);
	*left_out_r = cut.left_out;
	return shorter;
}
