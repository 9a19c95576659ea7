/* inner.h - a question about a query of the plugin's, with the query inside. */
#ifndef SG_INNER_H
#define SG_INNER_H

#include "core/base/arena.h"

/* "before" (the query) "after", for a query that sg_policy_judge read as one SELECT, VALUES or TABLE:
 * it ends before its semicolon, and a comment at its end hides nothing of what follows. The
 * query begins at the byte strlen(before). */
const char *sg_inner_sql(struct sg_arena *arena, const char *before, const char *query, const char *after);

#endif
