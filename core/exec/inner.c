/* inner.c - see inner.h. */
#include "config.h"
#include "core/exec/inner.h"

#include <string.h>

#include "core/sql/lex.h"

const char *sg_inner_sql(struct sg_arena *arena, const char *before, const char *query, const char *after)
{
	size_t length = strlen(query);
	struct sg_token token;
	struct sg_lex lex;

	/* In one SELECT a semicolon can only be its end. */
	sg_lex_init(&lex, query, length);
	while (sg_lex_next(&lex, &token))
		if (sg_lex_char(&lex, &token, ';')) {
			length = token.start;
			break;
		}
	return sg_arena_printf(arena, "%s%.*s\n%s", before, (int)length, query, after);
}
