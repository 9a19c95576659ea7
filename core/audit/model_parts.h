/* model_parts.h - the inside of the model, shared by its files and included by no one else.
 *
 * model.c keeps tables and finds them; model_table.c changes one table (columns, constraints, indexes); model_names.c chooses names
 * as the server does; model_create.c, model_alter.c and model_other.c read statements. Names are kept once (core/base/map.h) and cut
 * as the server cuts them, so they are compared as pointers: every name that reaches these functions has gone through
 * sg_model_keep() or sg_model_known(). */
#ifndef SG_AUDIT_MODEL_PARTS_H
#define SG_AUDIT_MODEL_PARTS_H

#include "core/audit/model.h"
#include "core/base/map.h"

#define SG_MODEL_COLUMNS_MAX 1600 /* MaxHeapAttributeNumber: dropped columns count too */
#define SG_MODEL_KEYS_MAX 32      /* INDEX_MAX_KEYS */
#define SG_MODEL_DEPTH_MAX 64     /* partitions of partitions of …: beyond it nothing is passed on */

struct sg_table {
	struct sg_model_table seen; /* first: what others hold is a pointer to this */
	struct sg_model *model;
	const char *schema;         /* as in the maps: never NULL */
	size_t made_by;             /* number of the migration; 0: it was there before */
	size_t attributes;          /* columns that were ever made */
	size_t referenced;          /* foreign keys that point to it, at least */
	struct sg_table *other;     /* the last that was made its DEFAULT partition; or NULL */
	struct sg_table **parents, **children; /* partitions and INHERITS */
	size_t parent_count, parent_capacity, child_count, child_capacity;
};

struct sg_type {
	struct sg_model_type seen;
	size_t checks;              /* of a domain */
	bool not_null, over_constrained;
	const struct sg_model_column *columns; /* of a composite type: name and type */
	size_t column_count;
	bool whole;                 /* they are all that it has */
	size_t added_capacity;
};

struct sg_routine {
	struct sg_model_routine seen;
	char *text;                 /* seen.statement, on the heap: OR REPLACE must not let the memory grow */
};

struct sg_model {
	struct sg_arena arena;
	struct sg_arena scratch;    /* a statement's, or that of a few */
	size_t applied;             /* statements */
	struct sg_names names;
	struct sg_map relations;    /* (schema, name): what = table; at = 0, or the place + 1 of one of its indexes */
	struct sg_map constraints;  /* (table, name): at = its place */
	struct sg_map constraint_names; /* (schema, name): at = how many */
	struct sg_map types, routines;  /* (schema, name) */
	struct sg_table **tables;
	size_t table_count, table_capacity;
	struct sg_table **temporary; /* of the migration that is looked at now */
	size_t temporary_count, temporary_capacity;
	struct sg_type **changed;   /* types with `added` of it */
	size_t changed_count, changed_capacity;
	const char *public, *pg_temp; /* the default schema: another while the elements of CREATE SCHEMA are looked at, … */
	const char *inside;         /* … and then this is it, else NULL */
	const char *migration;      /* its id */
	size_t number;              /* it is the number-th; 0: none was begun */
	size_t statement;
	size_t steps;               /* that may still be spent */
	size_t room;                /* columns, constraints, indexes and tables that may still be made */
};

/* ---- model.c ------------------------------------------------------------------- */

/* The one copy of a name, cut at 63 bytes; NULL stays NULL. Of a text: not cut. */
const char *sg_model_keep(struct sg_model *model, const char *name);
const char *sg_model_keep_text(struct sg_model *model, const char *text);
/* As kept before, or NULL. */
const char *sg_model_known(const struct sg_model *model, const char *name);
/* Schema as in the maps, made if it is new; of a temporary table it is pg_temp. */
const char *sg_model_schema(struct sg_model *model, const char *schema);
/* Schema as others see it: NULL where none was named. */
const char *sg_model_shown(struct sg_model *model, const char *schema);
/* Dropped ones are given too. NULL: never seen. */
struct sg_table *sg_model_find(const struct sg_model *model, struct sg_relation name);
/* As find, but dropped ones are none. */
struct sg_table *sg_model_live(const struct sg_model *model, struct sg_relation name);
/* As live, and one that was never seen, or was dropped, is entered as not known; NULL without a name or room. */
struct sg_table *sg_model_enter(struct sg_model *model, struct sg_relation name);
/* A new table in place of whatever bore the name; NULL without a name or room. */
struct sg_table *sg_model_make(struct sg_model *model, struct sg_relation name, char kind, bool temporary);
/* Takes some of the room; false: there is none, and what was to be made is left out. */
bool sg_model_take(struct sg_model *model, size_t count);
/* Of another table or index: does something live bear that name in the schema? */
bool sg_model_is_taken(const struct sg_model *model, const char *schema, const char *name);
void sg_model_rename(struct sg_table *table, const char *schema, const char *name);
/* It is no more; with it go its partitions and, if cascade, what inherits from it and points to it. */
void sg_model_drop(struct sg_table *table, bool cascade);
/* Looking through lists is paid for out of a bound for the whole audit, that no tree of people's comes near: tables that inherit
 * from each other on very many ways must not cost more. False: it is used up, do not look. */
bool sg_model_spend(struct sg_model *model, size_t steps);
/* Before something is passed on to a partition or heir. depth: from the table named. */
bool sg_model_goes_down(struct sg_table *child, size_t depth);
/* Each foreign key that points to the table. */
typedef void (*sg_model_reference_fn)(struct sg_table *of, struct sg_model_constraint *key, const void *arg);
void sg_model_each_reference(struct sg_table *table, sg_model_reference_fn run, const void *arg);
void sg_model_link(struct sg_table *parent, struct sg_table *child);
void sg_model_unlink(struct sg_table *parent, struct sg_table *child);

/* The type as text, kept; NULL: it cannot be said. */
const char *sg_model_type_text(struct sg_model *model, const struct sg_json *type);
/* A list of Strings as kept names; at most max, the rest is left out. */
const char *const *sg_model_names(struct sg_model *model, const struct sg_json *list, size_t max, size_t *count_r);

/* ---- model_table.c --------------------------------------------------------------- */

struct sg_model_column *sg_model_column_of(const struct sg_table *table, const char *name);
/* NULL: it is there, or there is no room. The rest of it is for the caller to fill in. */
struct sg_model_column *sg_model_add_column(struct sg_table *table, const char *name);
/* With what was made of it, here and below. only: heirs keep it. */
void sg_model_drop_column(struct sg_table *table, const char *name, bool cascade, bool only);
void sg_model_rename_column(struct sg_table *table, const char *old, const char *name);
struct sg_model_constraint *sg_model_constraint_of(const struct sg_table *table, const char *name);
/* In the table alone. NULL: one of that name is there, or there is no room. */
struct sg_model_constraint *sg_model_add_constraint(struct sg_table *table, const struct sg_model_constraint *constraint);
/* With its index, here and below; cascade: with the foreign keys that need it. */
void sg_model_drop_constraint(struct sg_table *table, struct sg_model_constraint *constraint, bool cascade, bool only);
void sg_model_rename_constraint(struct sg_table *table, struct sg_model_constraint *constraint, const char *name);
struct sg_model_index *sg_model_index_of(const struct sg_table *table, const char *name);
/* In the table alone. NULL: a relation of that name is there, or there is no room. */
struct sg_model_index *sg_model_add_index(struct sg_table *table, const struct sg_model_index *index);
/* With those of partitions that are attached to it. */
void sg_model_drop_index(struct sg_table *table, struct sg_model_index *index);
void sg_model_rename_index(struct sg_table *table, struct sg_model_index *index, const char *name);
/* Forgets all but the columns. */
void sg_model_strip(struct sg_table *table);
/* The names of its indexes and constraints go to another schema. */
void sg_model_move(struct sg_table *table, const char *schema);

/* ---- model_names.c --------------------------------------------------------------- */

/* As makeObjectName() and ChooseRelationName() of src/backend/commands/indexcmds.c: what is free in the table's schema.
 * second: or NULL. constraint: the name must not be one of a constraint either. */
const char *sg_model_choose(struct sg_table *table, const char *second, const char *label, bool relation, bool constraint);
/* "a_b": names joined as the server joins them for that. */
const char *sg_model_join(struct sg_model *model, const char *const *names, size_t count);
/* The name that a column made of the expression gets (FigureColname of src/backend/parser/parse_target.c); NULL: none. */
const char *sg_model_figure(struct sg_model *model, const struct sg_json *expr);

/* ---- the statements -------------------------------------------------------------- */

/* True: it was one of theirs. */
bool sg_model_apply_create(struct sg_model *model, const char *node, const struct sg_json *body);
bool sg_model_apply_alter(struct sg_model *model, const char *node, const struct sg_json *body);
bool sg_model_apply_index(struct sg_model *model, const char *node, const struct sg_json *body);
bool sg_model_apply_type(struct sg_model *model, const char *node, const struct sg_json *body);
bool sg_model_apply_routine(struct sg_model *model, const char *node, const struct sg_json *body, const char *text);
bool sg_model_apply_drop(struct sg_model *model, const char *node, const struct sg_json *body);
bool sg_model_apply_set_schema(struct sg_model *model, const char *node, const struct sg_json *body);
bool sg_model_apply_rename(struct sg_model *model, const char *node, const struct sg_json *body);

/* ---- model_expressions.c ------------------------------------------------------------ */

/* Names, each once. */
struct sg_model_list {
	const char **names;
	size_t count, capacity;
};
bool sg_model_list_has(const struct sg_model_list *list, const char *name);
void sg_model_list_add(struct sg_model *model, struct sg_model_list *list, const char *name);
/* The columns of the table that stand anywhere in an expression. */
void sg_model_collect(const struct sg_table *table, const struct sg_json *value, struct sg_model_list *list);
/* The column of "column IS NOT NULL" ("IS_NOT_NULL"), or of IS NULL ("IS_NULL"), and nothing else; or NULL. */
const char *sg_model_null_tested(struct sg_model *model, const struct sg_json *expr, const char *type);
/* Columns that are not NULL in any row that passes the CHECK. */
void sg_model_collect_proved(struct sg_model *model, const struct sg_json *expr, struct sg_model_list *list);

/* ---- model_index.c: what tables are given besides columns, here and below ----------- */

enum sg_model_phase { SG_MODEL_CHECKS, SG_MODEL_INDEXES, SG_MODEL_FOREIGN_KEYS };

/* A Constraint node if it is of that phase; column: of an inline one, else NULL. name: kept, in place of its own; or NULL. made_now: CREATE TABLE, where NOT VALID means
 * nothing. only: not for partitions and heirs. */
void sg_model_define_constraint(struct sg_table *table, const struct sg_json *constraint, const char *column, const char *name,
                                enum sg_model_phase phase, bool made_now, bool only);
/* The CHECK is an heir's now too. */
void sg_model_pass_check(struct sg_table *child, const struct sg_model_constraint *check, size_t depth);
/* Indexes and foreign keys of a partitioned table for a partition that is made or attached now: those that fit are taken, the
 * others are made. */
void sg_model_pass_keys(struct sg_table *parent, struct sg_table *child);
/* An index as another table has it, under a name of its own: LIKE … INCLUDING INDEXES. */
void sg_model_copy_index(struct sg_table *table, const struct sg_table *from, const struct sg_model_index *index);
void sg_model_set_not_null(struct sg_table *table, const char *name, bool not_null, bool only, size_t depth);

/* ---- model_create.c ---------------------------------------------------------------- */

/* A ColumnDef of CREATE TABLE or ADD COLUMN, without what has a name of its own. */
struct sg_model_column *sg_model_define_column(struct sg_table *table, const struct sg_json *column);
/* A parent's column for a child: NULL: it has it already, and now from that parent too. */
struct sg_model_column *sg_model_inherit_column(struct sg_table *child, const struct sg_model_column *column);

#endif
