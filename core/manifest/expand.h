/* expand.h - ${NAME} in the manifest's values.
 *
 * `${NAME}` is an environment variable, `${NAME:-text}` the same with a default
 * for when it is unset or empty, `$$` a dollar sign; '$' before anything else is
 * itself. A default ends at the first '}' and is taken as it is. What a variable
 * holds is not looked at again, but must be UTF-8 without control characters. */
#ifndef SG_EXPAND_H
#define SG_EXPAND_H

#include "core/manifest/reading.h"

#define SG_EXPAND_LIMIT ((size_t)1 << 20)        /* bytes of a value */
#define SG_EXPAND_TOTAL_LIMIT ((size_t)16 << 20) /* bytes that variables may add in all */

struct sg_expansion {
	const char *text;      /* in the arena; the value itself where nothing was to be done */
	const char **names;    /* the variables that were used and set */
	size_t count, capacity;
	const char *unset;     /* the first that is not set and has no default, or NULL */
};

/* total is raised by what was added. -1: err says what is wrong with the value
 * or a variable; the value is never repeated. An unset variable is no error
 * here: it counts as empty and is named. */
SG_MUST_CHECK int sg_expand(const char *value, struct sg_arena *arena, size_t *total,
                            struct sg_expansion *expansion_r, struct sg_err *err);

#endif
