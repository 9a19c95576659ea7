/* policy.h - may this statement be sent, from this call, in this phase?
 *
 * A pure function of the text and a few facts: no connection, no state. What is
 * not known to be allowed is refused. The server's own checks (core/exec/probe.h)
 * come after it and see what no parser can. */
#ifndef SG_POLICY_H
#define SG_POLICY_H

#include "core/base/arena.h"
#include "core/base/err.h"

enum sg_phase { SG_PHASE_FINGERPRINT, SG_PHASE_RUN, SG_PHASE_BATCH };
enum sg_call { SG_CALL_QUERY, SG_CALL_DDL, SG_CALL_DML };

/* schema NULL = not qualified in the text. Names as the server would fold them. */
struct sg_relation {
	const char *schema;
	const char *name;
};

struct sg_relations {
	struct sg_relation *list;
	size_t count, capacity;
};

enum sg_makes {
	SG_MAKES_NOTHING, /* "already exists" is a failure */
	SG_MAKES_TABLE, SG_MAKES_SEQUENCE, SG_MAKES_VIEW, SG_MAKES_SCHEMA, SG_MAKES_FUNCTION,
	SG_MAKES_TYPE, SG_MAKES_POLICY, SG_MAKES_EXTENSION, SG_MAKES_COLUMN, SG_MAKES_CONSTRAINT
};

/* A column as the statement declares it; type is SQL text that the server can
 * cast to regtype ("character varying(255)", "public.mood", "integer[]"). */
struct sg_wanted_column {
	const char *name;
	const char *type;
};

struct sg_policy_rules {
	enum sg_phase phase;
	const char *state_schema;   /* nothing may name it */
	const char *schema;         /* what an unqualified name means */
	bool no_transaction;        /* the plugin is SG_NO_TRANSACTION */
	bool unparsed_allow;        /* unparsed = allow */
	const struct sg_relations *made; /* tables and materialized views that this migration made so far */
};

struct sg_verdict {
	const char *kind;       /* "ALTER TABLE", "CREATE INDEX", …; "unparsed" */
	bool opaque;            /* may run code that the parser cannot see: snapshot first */
	bool outside;           /* cannot run inside a transaction (SG_NO_TRANSACTION plugins only) */
	bool unparsed;          /* allowed unparsed: only the server's checks stand */
	/* "already exists" (DESIGN: exactly one object, by its own SQLSTATE) */
	enum sg_makes makes;
	const char *exists_sqlstates[3]; /* NULL-terminated; those that pass for this statement */
	struct sg_relation object;       /* the table, view, …; for COLUMN and CONSTRAINT and POLICY: its table */
	const char *member;              /* column, constraint or policy name; else NULL */
	const char *signature;           /* function: "schema.name(argument types)" for regprocedure; else NULL */
	const struct sg_wanted_column *columns; /* TABLE: as declared; COLUMN: one */
	size_t column_count;
	struct sg_relations made;        /* tables and materialized views that this statement makes */
	struct sg_relations named;       /* every relation that it names (journal, messages) */
};

/* 0: may be sent. -1: err is SG_CLASS_POLICY, with the statement, the position
 * of the offending part, the rule as primary and where such a statement belongs
 * as hint. length may be anything; bytes may be anything. All that the verdict
 * points to lives in the arena. Not thread-safe (libpg_query keeps state): call
 * it from one thread. */
SG_MUST_CHECK int sg_policy_judge(const struct sg_policy_rules *rules, enum sg_call call, const char *sql,
                                  size_t length, struct sg_arena *arena, struct sg_verdict *verdict_r,
                                  struct sg_err *err);

/* The grammar's version, from the library that was built against: "15". */
const char *sg_policy_grammar(void);

#endif
