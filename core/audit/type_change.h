/* type_change.h - must ALTER COLUMN … TYPE write every row anew?
 *
 * What the server decides in ATColumnChangeRequiresRewrite() (src/backend/commands/tablecmds.c) and in the planner support
 * functions of varchar, numeric, varbit, time, timestamp and interval, said again for the texts of sg_tree_type(). Measured on 15. */
#ifndef SG_AUDIT_TYPE_CHANGE_H
#define SG_AUDIT_TYPE_CHANGE_H

#include "core/audit/model.h"

enum sg_type_verdict {
	SG_TYPE_SAME,
	SG_TYPE_KEEPS,    /* the rows stay as they are */
	SG_TYPE_BY_ZONE,  /* timestamp with or without time zone: they stay if the session's TimeZone is UTC (since 12), else not */
	SG_TYPE_UNKNOWN,  /* a type is not known well enough: it may go either way */
	SG_TYPE_REWRITES
};

struct sg_type_change {
	enum sg_type_verdict verdict;
	bool reindex;     /* even without a rewrite, indexes over the column are built anew: their operators change */
};

/* from, to: as sg_tree_type() says types; NULL: not known. */
struct sg_type_change sg_type_change_of(struct sg_arena *arena, const struct sg_model *model, const char *from, const char *to);
/* With USING: the expression over that column; NULL as without. */
struct sg_type_change sg_type_change_using(struct sg_arena *arena, const struct sg_model *model, const char *from, const char *to,
                                           const char *column, const struct sg_json *expression);
/* What the old type must have been for the rows to stay: "varchar or text"; NULL: there is nothing worth naming. */
const char *sg_type_change_kept_from(struct sg_arena *arena, const char *to);

/* A domain of the model that checks its values: its own CHECK or NOT NULL, or that of the domain under it. */
bool sg_type_is_constrained(struct sg_arena *arena, const struct sg_model *model, const char *type);
/* The type of the model behind such a text, or NULL. */
const struct sg_model_type *sg_type_in_model(struct sg_arena *arena, const struct sg_model *model, const char *type);
/* The text without modifiers: "numeric(10,2)" gives "numeric". */
const char *sg_type_bare(struct sg_arena *arena, const char *type);

#endif
