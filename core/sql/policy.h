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
 * cast to ("character varying(255)", "public"."mood", "integer[]"): built by us of
 * quoted names and constants, so `SELECT NULL::TYPE` is safe to send, and libpq's
 * PQftype and PQfmod of it are what to compare with. For built-in types it is
 * what format_type() says. NULL: it could not be told from the text (%TYPE, odd
 * modifiers); then only the column's existence is compared. */
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
	bool drain;                 /* the backfill is SG_DRAIN: SKIP LOCKED is legal */
	/* Tables and materialized views that this migration made so far: what
	 * verdict.made said of statements that the server ran and did not pass over
	 * (SG_EXISTED). NULL: none. */
	const struct sg_relations *made;
	/* What verdict.body_writes said of routines that this migration made. NULL: none.
	 * From then on a write lock on these says nothing, so nothing opaque may follow. */
	const struct sg_relations *body_writes;
};

struct sg_verdict {
	const char *kind;       /* "ALTER TABLE", "CREATE INDEX", …; "unparsed" */
	bool opaque;            /* may run code that the parser cannot see: snapshot first */
	bool outside;           /* cannot run inside a transaction (SG_NO_TRANSACTION plugins only) */
	bool unparsed;          /* allowed unparsed: only the server's checks stand */
	/* "Already exists" passes only where the statement makes exactly one object,
	 * and only by that object's own SQLSTATE; the host then compares with the
	 * catalogue. With IF NOT EXISTS the server raises no error, but the
	 * comparison is due just the same. */
	enum sg_makes makes;
	const char *exists_sqlstates[3]; /* NULL-terminated; those that pass for this statement */
	struct sg_relation object;       /* the table, view, …; for COLUMN and CONSTRAINT and POLICY: its table */
	const char *member;              /* column, constraint or policy name; else NULL */
	const char *signature;           /* function: "schema.name(argument types)" for regprocedure; else NULL */
	const struct sg_wanted_column *columns; /* TABLE and composite TYPE: as declared; COLUMN: one */
	size_t column_count;
	/* CONSTRAINT: as pg_constraint.contype (c, f, p, u, x); TYPE: as pg_type.typtype
	 * (c, d, e, r); FUNCTION: as pg_proc.prokind (f, p); else 0 */
	char catalogue_kind;
	bool if_not_exists;
	const char *exists_hint;         /* NOTHING: why, as a hint for an "already exists" that fails; or NULL */
	/* Tables and materialized views that this statement makes; empty with IF NOT
	 * EXISTS, where they may be there, and large, already. */
	struct sg_relations made;
	/* CREATE FUNCTION and PROCEDURE in SQL: what the body writes to. The server reads
	 * the body when it makes the routine, and takes ROW EXCLUSIVE on these as if it
	 * ran (src/backend/parser/parse_clause.c, setTargetTable): the probe must not
	 * take that for a write. A schema NULL means any: the routine may have a
	 * search_path of its own. */
	struct sg_relations body_writes;
	/* The relations that it reads or changes by name; not what a definition in it
	 * (a view, a routine's body, a foreign key) only mentions. */
	struct sg_relations named;
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
