/* dml.h - the DML analysis: what its files share; no one else includes it.
 *
 * A migration is read once. dml.c walks what is run and notes operations; dml_facts.c notes what the migration's DDL adds (a
 * UNIQUE index, a foreign key, …); both count one sequence, so that "later" is known inside a DO block too. dml_routines.c
 * reads bodies, and dml_dynamic.c SQL that is put together at run time. dml_form*.c tell by what a DELETE or UPDATE chooses its
 * rows, dml_rows.c how many rows an INSERT writes. At the end dml_judge.c gives kinds and verdicts, dml_texts.c says why. Trees
 * are gone by then, so an operation holds copies, in the migration's arena. */
#ifndef SG_AUDIT_DML_H
#define SG_AUDIT_DML_H

#include "core/audit/scope.h"

/* ---- lists of names ---- */

/* Columns, or texts of expressions as sg_dml_say() gives them. */
struct sg_dml_names {
	const char **list;
	size_t count, capacity;
};
/* Appends a copy; a duplicate or NULL is left out. */
void sg_dml_names_add(struct sg_arena *arena, struct sg_dml_names *names, const char *name);
bool sg_dml_names_have(const struct sg_dml_names *names, const char *name);
/* list ends with NULL. */
bool sg_dml_is_one_of(const char *name, const char *const *list);
/* As sets. */
bool sg_dml_names_equal(const struct sg_dml_names *a, const struct sg_dml_names *b);
bool sg_dml_names_within(const struct sg_dml_names *part, const struct sg_dml_names *whole);
bool sg_dml_names_meet(const struct sg_dml_names *a, const struct sg_dml_names *b);
/* "a", "a and b", "a, b and c" */
const char *sg_dml_names_text(struct sg_arena *arena, const struct sg_dml_names *names);

/* Two names of the same table; a missing schema fits any. */
bool sg_dml_same_table(struct sg_relation a, struct sg_relation b);
/* The text of an expression without qualifiers, the same for the same expression: "lower(email)", "provider_msg_id"; NULL for
 * what is too long or holds a subquery. */
const char *sg_dml_say(struct sg_arena *arena, const struct sg_json *node);
/* The columns that an expression names, subqueries left out. */
void sg_dml_columns_of(struct sg_arena *arena, const struct sg_json *node, struct sg_dml_names *columns);
/* Last part of a ColumnRef's name, and what stands before it (NULL: nothing); NULL for "*" and for what is no ColumnRef. */
const char *sg_dml_column(const struct sg_json *node, const char **qualifier_r);

/* ---- operations ---- */

enum sg_dml_verb {
	SG_VERB_INSERT,
	SG_VERB_UPDATE,
	SG_VERB_DELETE,
	SG_VERB_MERGE,
	SG_VERB_COPY,
	SG_VERB_TRUNCATE,
	SG_VERB_CREATE,
	SG_VERB_UNKNOWN
};

/* Duplicates are found by these. */
struct sg_dml_group {
	struct sg_dml_names by;
	const char *filter; /* row_number() and the like AS: one stays only where the WHERE says so of this name; else NULL */
	bool negative;      /* it stands in NOT IN (…) */
	bool picks;         /* it picks one of each group: min(id), DISTINCT ON, a.id > b.id, row_number() … */
	bool having;        /* HAVING: groups of one are left alone */
	bool whole;         /* all rows of a group are found, or it is not asked at all */
	bool settled;       /* of a table that was made before: nothing more is said of it here */
	bool keeps;         /* the sum of it: one of each group stays */
};

/* Rows whose parent is missing: child[i] has no partner parent_columns[i]. */
struct sg_dml_orphan {
	struct sg_relation parent;
	struct sg_dml_names child, parent_columns;
	/* NOT EXISTS (… WHERE id = lead_id): either may be of either table */
	bool either;
	size_t choice; /* it is one side of an OR: all of the same number must be excused; 0: none */
};

enum sg_dml_test { SG_TEST_OTHER, SG_TEST_NOT_NULL, SG_TEST_NULL, SG_TEST_EMPTY, SG_TEST_CONSTANT };
/* What the WHERE, or a part of it that must hold, says of columns of the table itself. */
struct sg_dml_condition {
	struct sg_dml_names columns;
	enum sg_dml_test test; /* EMPTY: = 0, '', false, '{}'; CONSTANT: = or IN of constants; of an OR the weakest */
	const char *value;     /* CONSTANT of one value: as sg_dml_say() says it */
	size_t values;         /* CONSTANT: how many */
	bool subquery;         /* it has one */
};

struct sg_dml_op {
	size_t statement; /* of the migration */
	size_t seq;
	const char *type; /* as struct sg_audit_dml says it */
	const char *via;
	enum sg_dml_verb verb;
	struct sg_relations tables;
	bool hidden; /* the table's name is made at run time */
	bool fresh;  /* all of the tables are new or temporary */
	bool temporary;
	bool loop;          /* it stands in a loop */
	const char *unread; /* VERB_UNKNOWN: why it cannot be judged */
	/* INSERT, MERGE, COPY, CREATE */
	bool literal; /* the rows stand in the statement: so many */
	size_t rows;
	struct sg_relation source;      /* else the table they come from, if there is one: one that was there before, if there is */
	bool source_fresh;              /* that one is new or temporary as well */
	size_t used_by;                 /* CREATE: one more than the place of the operation that it lists rows for; 0: none */
	bool inserts, updates, deletes; /* MERGE */
	/* UPDATE, DELETE */
	bool limited;            /* there is a WHERE, or a join */
	struct sg_dml_names set; /* columns that UPDATE sets */
	struct sg_dml_group *groups;
	size_t group_count, group_capacity;
	struct sg_dml_orphan *orphans;
	size_t orphan_count, orphan_capacity;
	struct sg_dml_condition *conditions;
	size_t condition_count, condition_capacity;
	struct sg_dml_names
		tested; /* columns that somewhere must not be NULL or equal something: rows with NULL are left alone */
	bool cascade;   /* TRUNCATE … CASCADE */
};

/* ---- what the DDL adds ---- */

enum sg_dml_fact_kind {
	SG_FACT_UNIQUE_INDEX,
	SG_FACT_UNIQUE,
	SG_FACT_PRIMARY_KEY,
	SG_FACT_FOREIGN_KEY,
	SG_FACT_CHECK,
	SG_FACT_NOT_NULL
};

struct sg_dml_fact {
	enum sg_dml_fact_kind kind;
	struct sg_relation table;
	const char *name; /* or NULL */
	struct sg_dml_names columns;
	struct sg_relation parent;
	struct sg_dml_names parent_columns; /* empty: its primary key */
	size_t seq;                         /* from here on rows must satisfy it */
	int line;                           /* of its statement */
	size_t statement;
	bool not_valid;
};

/* A column that the migration adds. */
struct sg_dml_new_column {
	struct sg_relation table;
	const char *name;
	const char *value; /* its default, as sg_dml_say() says it; NULL: none, or cannot be said */
};

struct sg_audit_dml_notes {
	struct sg_dml_op *ops;
	size_t op_count, op_capacity;
	struct sg_dml_fact *facts;
	size_t fact_count, fact_capacity;
	struct sg_dml_new_column *columns;
	size_t column_count, column_capacity;
	struct sg_relations made, temporary; /* tables */
	size_t seq;
	size_t body_bytes; /* of routines read so far: see dml_routines.c */
	size_t work;       /* comparisons of operations with definitions */
};
/* Each operation is compared with each definition. Thousands of both are fine; a file of hundreds of thousands is not written
 * by anybody, and what it has too many of is not found: false. */
bool sg_dml_may_compare(struct sg_audit_dml_notes *notes);

/* ---- reading ---- */

/* A statement, or a part of one, that is read. */
struct sg_dml_reader {
	struct sg_audit_scope *scope;
	struct sg_audit_dml_notes *notes;
	const char *via;
	bool loop;
	unsigned depth;               /* of bodies in bodies */
	struct sg_relations *visited; /* routines read for this statement */
};

/* dml.c: a text of SQL, any number of statements; `statements`: what it holds are statements to be run, and not being able to
 * read one is told (otherwise it is an expression: SELECT …, and it is passed over). */
void sg_dml_read_text(struct sg_dml_reader *reader, const char *sql, bool statements);
/* One statement of the tree; sql: its text, for DO. */
void sg_dml_read(struct sg_dml_reader *reader, const struct sg_json *tree, const char *sql);
/* An operation of unknown effect: kind other. */
void sg_dml_unread(struct sg_dml_reader *reader, const char *type, const char *why);
/* dml_facts.c: what a definition adds. */
void sg_dml_facts(struct sg_dml_reader *reader, const char *node, const struct sg_json *body);
/* dml_routines.c */
void sg_dml_read_do(struct sg_dml_reader *reader, const struct sg_json *body, const char *sql);
void sg_dml_read_call(struct sg_dml_reader *reader, struct sg_relation name);
/* dml_dynamic.c: the text that an expression of EXECUTE makes; parts of which only the form is known (quote_ident(x), %I, %L)
 * become the identifier or literal "?". NULL: not known. */
#define SG_DML_HIDDEN "?"
const char *sg_dml_made_text(struct sg_arena *arena, const struct sg_json *node);
/* dml_form.c: fills in by what it chooses its rows. with: WITH clauses around it, or NULL. */
struct sg_dml_with {
	const struct sg_dml_with *up;
	const struct sg_json *clause;
};
void sg_dml_form(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *body,
                 const struct sg_dml_with *with);
/* CREATE TABLE … AS: a list of ids that a DELETE further down uses is read by what it lists of its source. */
void sg_dml_form_query(struct sg_dml_reader *reader, struct sg_dml_op *op, const struct sg_json *select,
                       const struct sg_dml_with *with);
/* The CTE of that name in sight; NULL: none. *at_r (or NULL): the WITH that has it. */
const struct sg_json *sg_dml_cte(const struct sg_dml_with *with, const char *name, const struct sg_dml_with **at_r);
/* Nobody else can see it: it is temporary, or a table (no view) that this migration makes. */
bool sg_dml_is_fresh(const struct sg_dml_reader *reader, struct sg_relation table);
/* dml_rows.c: the rows that an INSERT's (MERGE's) source has; *source_r: the first table that it reads, of those that were
 * there before if there are any. False: not written out. */
bool sg_dml_rows(struct sg_dml_reader *reader, const struct sg_json *select, const struct sg_dml_with *with, size_t *rows_r,
                 struct sg_relation *source_r);

/* ---- judging ---- */

struct sg_dml_judgement {
	enum sg_dml_kind kind;
	enum sg_dml_verdict verdict;
	const struct sg_dml_fact *fact;   /* what excuses it; or NULL */
	const struct sg_dml_fact *nearly; /* a constraint that would, but stands before it, or is on other columns; or NULL */
	const struct sg_dml_group *group; /* by what it finds duplicates */
	const struct sg_dml_orphan *orphan;
	const struct sg_dml_condition *condition;
	bool new_column; /* the condition holds for every row: the column is new */
};
void sg_dml_judge(struct sg_audit_scope *scope, const struct sg_dml_op *op, struct sg_dml_judgement *out);
/* In the result's arena. */
const char *sg_dml_reason(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement);
const char *sg_dml_action(struct sg_audit_scope *scope, const struct sg_dml_op *op, const struct sg_dml_judgement *judgement);

#endif
