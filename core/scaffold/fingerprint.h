/* fingerprint.h - what a migration has done can be asked for: of each statement, the question that is true after it and false
 * before.
 *
 * Derived from parse trees alone: table, column with type, index, constraint, type, enum value, function, trigger, view, policy,
 * extension, schema, sequence, comment; for drops and renames the negative. A later statement of the migration may undo what an earlier one
 * made (CREATE, then DROP or RENAME): then the earlier question is left out. What gives none says why. */
#ifndef SG_SCAFFOLD_FINGERPRINT_H
#define SG_SCAFFOLD_FINGERPRINT_H

#include "core/audit/model.h"
#include "core/base/buf.h"

struct sg_asked {
	size_t statement;      /* which gave it, from 0 */
	const char *question;  /* a C expression: sg_column_exists(sg, "leads", "name"); NULL: none */
	const char *why;       /* question NULL: "an UPDATE leaves nothing that could be asked for"; "undone by statement 4" */
};

struct sg_asks {
	struct sg_asked *list; /* at least one a statement, in order */
	size_t count, capacity;
};

struct sg_fingerprint;
/* model: where each statement is applied before it is added here; it knows the names that the server chooses. migration: as it
 * was given to sg_model_begin(). */
struct sg_fingerprint *sg_fingerprint_begin(const struct sg_model *model, const char *migration, struct sg_arena *arena);
/* `before` is of the migration before this one, in a tree that is known from its first migration to its last: what this one takes away or
 * renames of what those before it made, those will not ask for once all has run. So none of them may be ended before the last
 * statement of the tree was added, nor the model be gone. A question that is the only one of its migration stays. */
void sg_fingerprint_follow(struct sg_fingerprint *fingerprint, struct sg_fingerprint *before);
/* The next statement, by the number that the model was given: its tree as in the list of sg_parse(). */
void sg_fingerprint_add(struct sg_fingerprint *fingerprint, const struct sg_json *tree, size_t number);
/* Frees it; the answer lives in the arena. */
const struct sg_asks *sg_fingerprint_end(struct sg_fingerprint *fingerprint);
/* The static functions that the questions call, those that are called only: C source before fingerprint(). */
void sg_fingerprint_helpers(struct sg_buf *out, const struct sg_asks *asks);

#endif
