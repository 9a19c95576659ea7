/* judge.h - what a piece of an index may hold, as far as its tree and its method tell. For core/index/section.c
 * alone. Pure. Each tells what it finds, and goes on. */
#ifndef SG_INDEX_JUDGE_H
#define SG_INDEX_JUDGE_H

#include "core/index/pieces.h"

/* A key of the index. */
struct sg_index_element {
	const char *head;       /* column, call or (expression), as written */
	const struct sg_json *tree; /* its IndexElem */
	const char *collation;  /* quoted, or NULL */
	const char *opclass;    /* quoted as need be, with its parameters; or NULL */
	const struct sg_json *opclass_tree; /* the IndexElem that has it */
};

struct sg_index_elements {
	struct sg_index_element *list;
	size_t count;
};

/* The columns taken apart, with the operator classes of the key opclass put in (opclass->text NULL: there is none).
 * False: told, and nothing can be said of them. */
bool sg_index_elements_read(struct sg_index_reading *reading, struct sg_index_piece *columns,
                            struct sg_index_piece *opclass, struct sg_index_elements *elements_r);
/* "a COLLATE "C" text_pattern_ops DESC, lower(b)" */
const char *sg_index_elements_text(const struct sg_index_elements *elements, struct sg_arena *arena);

/* Subqueries, aggregates, parameters, the time of day, … */
void sg_index_judge_expression(struct sg_index_reading *reading, const struct sg_index_piece *piece,
                               const struct sg_json *tree);
/* Each column once, none of the system's, and no more than an index can have. included: or NULL. */
void sg_index_judge_columns(struct sg_index_reading *reading, const struct sg_index_piece *columns,
                            const struct sg_index_elements *elements, const struct sg_index_piece *include);
/* What the access method cannot do; of one that came with an extension nothing is said. columns is the key that has the elements. */
void sg_index_judge_method(struct sg_index_reading *reading, const struct sg_index_elements *elements,
                           const struct sg_index_piece *columns, const struct sg_index_piece *include);
/* Storage parameters by name and value, of the methods that PostgreSQL has. */
void sg_index_judge_with(struct sg_index_reading *reading, const struct sg_index_piece *with);

#endif
