/* model.h - what the statements looked at so far have made: tables, columns, constraints, indexes, types, routines.
 *
 * A reading, not a database: what was there before the first migration is not known, and everything here says so (`known`,
 * NULL). Rules ask it before a statement is applied to it, so that "made in this migration" and "the column's old type" can be
 * told. All texts live in the model's arena, for the whole audit. Lookups cost the same however many tables there are. */
#ifndef SG_AUDIT_MODEL_H
#define SG_AUDIT_MODEL_H

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/sql/policy.h"

struct sg_model_column {
	const char *name;
	const char *type;       /* as sg_tree_type() says it ("character varying(255)"); NULL: cannot be said */
	bool serial, identity, generated;
	bool not_null;
	bool has_default;
	bool local;             /* defined for this table; false: it is its parents' alone */
	unsigned inherited;     /* parents (partitioned tables, INHERITS) that have it */
	const char *made_in;    /* id of the migration that added it; NULL: it was there before, or is not known */
};

struct sg_model_constraint {
	const char *name;       /* given, or as the server would choose it; NULL: cannot be said */
	char kind;              /* as pg_constraint.contype: c f p u x */
	const char *const *columns; /* what it is over; CHECK: every column it names */
	size_t column_count;
	const char *not_null;   /* CHECK (col IS NOT NULL) and nothing else: the column; else NULL */
	const char *const *proved;  /* CHECK: columns that are NOT NULL in every row that passes it: a AND b, NOT (a IS NULL), … */
	size_t proved_count;
	struct sg_relation parent;  /* FOREIGN KEY: what it points to */
	const char *const *parent_columns; /* NULL: its primary key */
	size_t parent_column_count;
	bool not_valid;         /* NOT VALID, and not validated since */
	const char *index;      /* USING INDEX; else NULL */
	bool no_inherit;        /* CHECK … NO INHERIT */
	bool local;             /* as of a column */
	unsigned inherited;
	const char *of;         /* a partition's: its name on the parent; else NULL */
	const char *made_in;
	size_t made_at;         /* index of the statement in that migration */
};

struct sg_model_index {
	const char *name;       /* given, or as the server would choose it */
	struct sg_relation table;
	const char *const *columns; /* key columns in order; "" for an expression; INCLUDE left out */
	size_t column_count;
	const char *const *parts; /* what the server calls its columns: "lower" for lower(email); INCLUDE among them */
	size_t part_count;
	const char *const *uses; /* columns that expressions, WHERE and INCLUDE name */
	size_t use_count;
	bool constraint;        /* it is a constraint's, of the same name */
	struct sg_relation attached_to; /* the partitioned index that it is part of; name NULL: none */
	const char *method;     /* "btree" */
	bool unique, partial, only; /* ON ONLY */
	bool concurrent;
	bool plain;             /* the key columns in their usual order and nothing else: no expression, INCLUDE, operator class,
	                         * collation, DESC, NULLS FIRST or LAST, WHERE */
	const char *made_in;
	size_t made_at;
};

struct sg_model_table {
	struct sg_relation name;    /* schema NULL: as it was named, in the default schema */
	char kind;              /* as pg_class.relkind: r p v m f S; 'r' where it is not known */
	bool known;             /* its CREATE was seen: the columns are all of it */
	bool temporary;
	bool dropped;           /* it is no more (kept, so that a later use can be explained) */
	struct sg_relation partition_of; /* name NULL: none */
	bool default_partition; /* … as its DEFAULT */
	const char *const *partition_keys; /* PARTITION BY: columns in order, "" for an expression; NULL: none, or not known */
	size_t partition_key_count;
	const char *made_in;    /* id of the migration; NULL: there before */
	struct sg_model_column *columns;
	size_t column_count, column_capacity;
	struct sg_model_constraint *constraints;
	size_t constraint_count, constraint_capacity;
	struct sg_model_index *indexes;
	size_t index_count, index_capacity;
};

enum sg_model_type_kind { SG_MODEL_ENUM, SG_MODEL_DOMAIN, SG_MODEL_COMPOSITE, SG_MODEL_RANGE };
struct sg_model_type {
	struct sg_relation name;
	enum sg_model_type_kind kind;
	bool constrained;       /* a domain with CHECK or NOT NULL */
	const char *base;       /* a domain's, as sg_tree_type() says it; or NULL */
	const char *made_in;
	/* ALTER TYPE … ADD VALUE: of the migration that is looked at now */
	const char *const *added;
	size_t added_count;
};

struct sg_model_routine {
	struct sg_relation name;
	bool trigger;           /* RETURNS trigger */
	const char *language;   /* "plpgsql", "sql", … */
	char volatility;        /* i s v, as declared */
	const char *statement;  /* the whole CREATE FUNCTION, for who wants to read its body; texts of over 1 MiB are NULL */
	const char *made_in;
};

struct sg_model;

struct sg_model *sg_model_new(void);
void sg_model_free(struct sg_model *model);
/* From here on, what is made is made by that migration. */
void sg_model_begin(struct sg_model *model, const char *migration);
/* A statement of it, by number, has been sent. tree: one statement, as in the list of sg_parse() ({"CreateStmt": {…}}); text: as in
 * sg_audit_statement. What it does not know leaves the model as it is. Wrong or hostile trees do no harm. */
void sg_model_apply(struct sg_model *model, const struct sg_json *tree, const char *text, size_t number);

/* A missing schema means the default ("public") on both sides. NULL: never seen (or, `dropped` tables included, only seen as
 * dropped: those are given). Tables that were only named by ALTER and the like are there too, with known = false. */
const struct sg_model_table *sg_model_table(const struct sg_model *model, struct sg_relation name);
/* Made by the migration that is looked at now: nobody else can see it yet. */
bool sg_model_is_new(const struct sg_model *model, struct sg_relation table);
/* NULL for a table that is NULL, too. */
const struct sg_model_column *sg_model_column(const struct sg_model_table *table, const char *name);
const struct sg_model_constraint *sg_model_constraint(const struct sg_model_table *table, const char *name);
/* By the index's own name; *table_r (or NULL) its table. */
const struct sg_model_index *sg_model_index(const struct sg_model *model, struct sg_relation name,
                                            const struct sg_model_table **table_r);
const struct sg_model_type *sg_model_type(const struct sg_model *model, struct sg_relation name);
/* The last of that name, whatever its arguments. */
const struct sg_model_routine *sg_model_routine(const struct sg_model *model, struct sg_relation name);
/* Does an index or a unique constraint begin with these columns, in any order among them? Partial ones do not count. */
bool sg_model_is_indexed(const struct sg_model_table *table, const char *const *columns, size_t count);
/* Foreign keys that point to the table, at least: 0 spares looking for them. */
size_t sg_model_referenced(const struct sg_model_table *table);
/* Its DEFAULT partition, or NULL. */
const struct sg_model_table *sg_model_default_partition(const struct sg_model_table *table);
/* All tables, in the order in which they were first named: for i = 0, 1, … until NULL. */
const struct sg_model_table *sg_model_table_at(const struct sg_model *model, size_t i);

#endif
