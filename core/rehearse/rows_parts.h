/* rows_parts.h - what the parts of the making of rows share; nobody else includes it.
 *
 * A table's rows come of one INSERT … SELECT … FROM generate_series(1, N) AS g(i). Each column has a list of ways to make its
 * value, each an expression over the row's number; what is refused by a constraint is tried with another way, on a few
 * hundred rows in a SELECT, before the INSERT. */
#ifndef SG_ROWS_PARTS_H
#define SG_ROWS_PARTS_H

#include "core/base/buf.h"
#include "core/db/db.h"

/* Stands for the row's number in an expression: no letter of SQL, and a text that has it is left out. */
#define ROWS_I "\001"

struct rows_way {
	const char *sql;       /* an expression with ROWS_I in it */
	int64_t distinct;      /* gives that many different values for 1, 2, 3, … before it begins again; 0: without end */
};
struct rows_ways {
	struct rows_way *list;
	size_t count, capacity;
};

enum rows_nulls { ROWS_NULLS_NONE, ROWS_NULLS_TENTH, ROWS_NULLS_ALL };

struct rows_column {
	const char *name;      /* quoted */
	int number;            /* pg_attribute.attnum */
	const char *type;      /* for a cast */
	const char *type_oid;
	int typmod;
	char category;         /* pg_type.typcategory, of a domain's base */
	bool nullable;
	bool always;           /* identity GENERATED ALWAYS */
	const char *generated; /* its expression, or NULL: the server makes it */
	const char *fallback;  /* DEFAULT's expression, or NULL */
	const char *sequence;  /* of a serial or an identity (quoted, for regclass), or NULL */
	bool by_server;        /* is left out of the INSERT: serial or identity */
	struct rows_ways ways;
	size_t way;
	enum rows_nulls nulls;
	int64_t stride;        /* how many rows go by before it takes its next value; 1 mostly */
	int key;               /* of keys: which gives its value; -1 */
	int key_column;        /* which of its columns */
	bool bound;            /* a partition key: the one way is right */
	bool shaped;           /* the ways to please a CHECK are in the list already */
};

enum rows_rule_kind { ROWS_RULE_CHECK, ROWS_RULE_PARTITION, ROWS_RULE_UNIQUE, ROWS_RULE_EXCLUDE };

struct rows_rule {
	enum rows_rule_kind kind;
	const char *name;
	const char *sql;       /* CHECK, PARTITION: the expression */
	const char *where;     /* UNIQUE, EXCLUDE: of a partial index, or NULL */
	const char **keys;     /* UNIQUE, EXCLUDE: columns or expressions; and the operators of EXCLUDE */
	const char **operators;
	size_t key_count;
	bool plain;            /* UNIQUE: of columns alone, without WHERE */
	int *numbers;          /* the columns that it speaks of; 0: any */
	size_t number_count;
	bool nulls_equal;      /* NULLS NOT DISTINCT, or a primary key */
	bool deferrable;
	bool unmet;            /* no way was found */
	size_t place;          /* in the order of reading */
};

/* A foreign key. */
struct rows_key {
	const char *name;
	const char *parent;    /* quoted, with its schema; ONLY before it where that is how the server looks */
	const char *parent_oid;
	const char *parent_name; /* for people */
	int *numbers;
	const char **columns;  /* the parent's, quoted */
	size_t count;
	bool full;             /* MATCH FULL */
	bool self;
	bool used;             /* gives values to its columns */
	bool partial;          /* some of its columns have their value from another key */
	int64_t parents;       /* how many rows of the parent it goes round */
	int64_t stride;
};

struct rows_table {
	const char *oid;
	const char *relation;  /* quoted, with its schema */
	const char *shown;     /* for people */
	char kind;
	struct rows_column *columns;
	size_t column_count;
	struct rows_rule *rules;
	size_t rule_count, rule_capacity;
	struct rows_key *keys;
	size_t key_count;
	bool overriding;       /* a value for an identity is given */
	bool filtered;         /* rows that a CHECK refuses are left out */
	int64_t rows;          /* to be made */
	bool done, filled;
	const char *why;
};

/* The ways of a type, once they are known. */
struct rows_known {
	const char *oid;
	int typmod;
	struct rows_ways ways;
};

struct rows {
	struct sg_db *db;
	int64_t n;             /* --rows */
	int64_t sample;        /* on how many a rule is tried */
	int tries;             /* left for this table */
	struct sg_arena *arena;  /* all tables' */
	struct sg_arena scratch; /* one table's */
	struct sg_arena types;   /* what `known` is made of */
	struct rows_known *known;
	size_t known_count, known_capacity;
};

/* ---- rows_read.c: from the catalogue ---- */
SG_MUST_CHECK int rows_read_columns(struct rows *rows, struct rows_table *table, struct sg_err *err);
SG_MUST_CHECK int rows_read_keys(struct rows *rows, struct rows_table *table, struct sg_err *err);
SG_MUST_CHECK int rows_read_rules(struct rows *rows, struct rows_table *table, struct sg_err *err);
/* NULL if there is none. */
struct rows_column *rows_column_of(const struct rows_table *table, int number);

/* ---- rows_types.c: values by type ---- */
/* Appends the ways to make a value of that type, the best first; none for a type that nobody knows. */
SG_MUST_CHECK int rows_type_ways(struct rows *rows, const char *oid, int typmod, int depth, struct rows_ways *ways,
                                 struct sg_err *err);
/* sql is taken as it is. */
void rows_ways_add(struct rows *rows, struct rows_ways *ways, const char *sql, int64_t distinct);
/* "$i" in a text of ours becomes the row's number. */
void rows_ways_addf(struct rows *rows, struct rows_ways *ways, int64_t distinct, const char *format, ...) SG_PRINTF(4, 5);

/* ---- rows_shapes.c: values that a CHECK asks for ---- */
/* Appends what the text of a rule suggests for a column, and what is common. */
SG_MUST_CHECK int rows_shapes_add(struct rows *rows, struct rows_column *column, const char *rule, struct sg_err *err);

/* ---- rows_bounds.c: values within the bounds of partitions ---- */
SG_MUST_CHECK int rows_bounds_read(struct rows *rows, struct rows_table *table, struct sg_err *err);

/* ---- rows_choose.c: which way for which column ---- */
SG_MUST_CHECK int rows_choose(struct rows *rows, struct rows_table *table, struct sg_err *err);

/* ---- rows_source.c: the SELECT ---- */
/* The SELECT that gives rows 1 to n with every column that is not left to the server; all: with those, too. */
const char *rows_source(struct rows *rows, const struct rows_table *table, int64_t n, bool all);
/* Appends a column's expression. */
void rows_add_column(struct sg_buf *sql, const struct rows_column *column);
/* 1: the statement's one value is true (or NULL); 0: false, or it failed; -1 the connection is lost. */
SG_MUST_CHECK int rows_true(struct rows *rows, const char *sql, struct sg_err *err);

#endif
