/* placeholder.h - is a token no SQL, but a place where some tool puts text in before the server sees it?
 *
 * Outside of quotes none of these is SQL, so they count whatever the layout: ${name}, {{ name }}, {% … %}, #{name}, <%= … %>,
 * %(name)s, $schema$.table, and psql's :name, :'name', :"name" (but not a::cast, a := b, or the bounds of a slice, a[1:n]).
 * Inside of quotes they are text, but for the tools that put in there too: Flyway's ${name}, and between goose's ENVSUB ON and OFF
 * ${NAME} and $NAME. */
#ifndef SG_AUDIT_PLACEHOLDER_H
#define SG_AUDIT_PLACEHOLDER_H

#include "core/audit/migration.h"
#include "core/sql/lex.h"

/* brackets: how many [ of subscripts are open before the token. environment: goose's ENVSUB is on. */
bool sg_placeholder_is(const struct sg_lex *lex, const struct sg_token *token, size_t brackets, enum sg_audit_layout layout,
                       bool environment);
/* $schema$.table looks like the beginning of a dollar quote, which would swallow what follows up to the next $schema$.table, or all
 * of it; $re$.txt$re$ is one. True: token is now $schema$ alone, and
 * the lexer goes on behind it. */
bool sg_placeholder_cut(struct sg_lex *lex, struct sg_token *token);

#endif
