/* dml_form.h - how the form of a DELETE or UPDATE is read: what the files dml_form*.c share; no one else includes it.
 *
 * Each query of the statement is a level with its sources; a name is looked up from the inside out, as the server does.
 * dml_form.c reads levels and sources, dml_form_where.c conditions, dml_form_groups.c by what duplicates are found,
 * dml_form_own.c what is said of the table's own columns. "Negative" is what stands under an odd number of NOTs: rows that NOT
 * IN (SELECT min(id) …) finds are those that are not picked. */
#ifndef SG_AUDIT_DML_FORM_H
#define SG_AUDIT_DML_FORM_H

#include "core/audit/dml.h"

/* What stands in a FROM. */
struct sg_form_source {
	const char *alias;
	struct sg_relation table; /* name NULL: a query */
	bool target;              /* the table that is written */
	bool derived;             /* a query over it */
	/* The right side of a LEFT JOIN: how it is joined with the target, and nothing else but that */
	bool missing, plain;
	struct sg_dml_orphan join;
	bool tested; /* … WHERE right.column IS NULL */
};

struct sg_form_level {
	const struct sg_form_level *up;
	const struct sg_dml_with *with;
	struct sg_form_source *sources;
	size_t count, capacity;
	bool negative;
	struct sg_dml_names equal;      /* columns that are equal in two instances of the target */
	bool unequal;                   /* and others differ */
	struct sg_dml_orphan pairs;     /* columns of the target (child) and of another table here that are equal */
	bool other;                     /* it says more than that */
	struct sg_form_source *joining; /* the quals of this LEFT JOIN's right side are being read */
};

struct sg_form {
	struct sg_arena *arena;
	const struct sg_model *model;
	struct sg_audit_dml_notes *notes;
	struct sg_dml_op *op;
	struct sg_relation target;
	struct sg_dml_names filters; /* names that say "not the first": rn > 1 */
	bool different, anti;        /* a comparison keeps one; … IS NULL of a joined query */
	bool linked;                 /* the target is joined with a query over it by equality */
	size_t choices;              /* ORs of which all sides find orphans */
	unsigned depth;
	size_t steps;
	size_t left_out; /* elements of lists that the tree lacks */
};

/* ---- dml_form.c ---- */

/* Whose column is it? *sure_r: false if it may be of a table further out as well. NULL: cannot be said. */
struct sg_form_source *sg_form_owner(const struct sg_form *form, const struct sg_form_level *level, const struct sg_json *ref,
                                     bool *sure_r);
/* The one source that all columns of an expression are of; *mixed_r is set if they are of several, or it has a subquery. */
struct sg_form_source *sg_form_owner_of(const struct sg_form *form, const struct sg_form_level *level,
                                        const struct sg_json *node, bool *sure_r, bool *mixed_r);
/* The table that is written, or a query over it. */
bool sg_form_is_target(const struct sg_form_source *source);
/* Reads a query. True: it reads the target. *level_r: what was seen at its top. */
bool sg_form_select(struct sg_form *form, const struct sg_json *select, const struct sg_form_level *up,
                    const struct sg_dml_with *with, bool negative, struct sg_form_level *level_r);

/* ---- dml_form_where.c ---- */

/* A WHERE, ON, or part of one. must: the level's rows all satisfy it (it stands under no OR). */
void sg_form_condition(struct sg_form *form, struct sg_form_level *level, const struct sg_json *node, bool negative, bool must);
/* One more column of the target that is equal to one of its parent. */
void sg_form_pair(struct sg_form *form, struct sg_dml_orphan *orphan, const struct sg_form_source *parent, const char *child,
                  const char *parent_column, bool either);
/* Rows that have no such parent are found. */
void sg_form_add_orphan(struct sg_form *form, const struct sg_dml_orphan *orphan);

/* ---- dml_form_groups.c ---- */

struct sg_dml_group *sg_form_add_group(struct sg_form *form, bool negative);
/* GROUP BY, windows, DISTINCT ON of a query over the target. */
void sg_form_groups(struct sg_form *form, struct sg_form_level *level, const struct sg_json *select);
/* "rn > 1": all but the first; "rn = 1": the first, which helps under a NOT. */
void sg_form_filter(struct sg_form *form, const char *op, const struct sg_json *left, const struct sg_json *right,
                    bool negative);
/* Once all is read: does one of each group stay? */
void sg_form_settle(struct sg_form *form);

/* ---- dml_form_own.c ---- */

void sg_form_own_conditions(struct sg_form *form, const struct sg_form_level *level, const struct sg_json *node);

#endif
