/* look.h - what the server has of an index: pg_index by schema and name, and nothing else,
 * is the truth.
 *
 * The wanted definition is made by the server itself: in a transaction that is rolled back,
 * the index on an empty copy (LIKE) of its table, and pg_get_indexdef of both, names masked. Nothing
 * here waits for a lock longer than a second, and no transaction is left open: while an index is
 * built, no snapshot of ours may be alive. */
#ifndef SG_INDEX_LOOK_H
#define SG_INDEX_LOOK_H

#include "core/exec/session.h"
#include "core/index/definition.h"

enum sg_index_found {
	SG_INDEX_FOUND_NO_TABLE,
	SG_INDEX_FOUND_MISSING,
	SG_INDEX_FOUND_VALID,    /* valid, ready, and of the wanted definition */
	SG_INDEX_FOUND_DRIFTED,  /* valid, but different; or the name belongs to something else */
	SG_INDEX_FOUND_INVALID
};
const char *sg_index_found_name(enum sg_index_found found);

struct sg_index_look {
	enum sg_index_found found;
	uint32_t table_oid, index_oid; /* 0: not there */
	bool partitioned;        /* the table is */
	const char *is, *wanted; /* DRIFTED: both definitions, or what it is instead ("a view"), for people */
	const char *constraint;  /* VALID: no index has the name, but this constraint has an equal one: ADD CONSTRAINT … USING
	                          * INDEX took it over and renamed it; or NULL */
	bool not_compared;       /* VALID: this role may not make what the comparison needs; why: */
	const char *why;
	int64_t bytes;           /* of the index, -1: not there */
	const char *const *leftovers; /* invalid NAME_ccnew, NAME_ccnew1, NAME_ccold on the same table: names, not quoted */
	size_t leftover_count;
	int64_t table_rows, table_bytes; /* estimate; -1: not known */
};
/* session: open, no transaction. SG_CLASS_LOCKED: somebody has locked the table (err says so; ask again later). A definition
 * that the server refuses (no such column, not immutable, NULLS NOT DISTINCT before version 15) is an error of its
 * class, found before anything is built. */
SG_MUST_CHECK int sg_index_look(struct sg_session *session, const struct sg_index_definition *definition,
                                struct sg_arena *arena, struct sg_index_look *look_r, struct sg_err *err);
/* The same where this run has made the wanted index on a copy of the table before (a look has found it MISSING): one that is not
 * there and not unique is MISSING without that; its building will tell if something has changed since. */
SG_MUST_CHECK int sg_index_look_made(struct sg_session *session, const struct sg_index_definition *definition,
                                     struct sg_arena *arena, struct sg_index_look *look_r, struct sg_err *err);
/* A glance at many, in one statement: what the catalogue alone tells. sure_r: of those looks_r is all there is to say;
 * each of the others needs a look of its own (missing ones too: their definition may be refused). Never SG_CLASS_LOCKED: where a
 * table is locked, nothing is sure after a second. */
SG_MUST_CHECK int sg_index_look_many(struct sg_session *session, const struct sg_index_definition *const *definitions, size_t count,
                                     struct sg_arena *arena, struct sg_index_look *looks_r, bool *sure_r, struct sg_err *err);

/* Who is at the table in a way that a build would wait for or run into. */
struct sg_index_busy {
	bool building;      /* some session builds or rebuilds an index on the table, or waits to begin (pg_stat_progress_create_index,
	                     * and ShareUpdateExclusiveLock of a session whose query is CREATE INDEX CONCURRENTLY) */
	int pid;
	bool same;          /* it is this very index */
	bool ours;          /* of an sgrun (application_name sgrun…), a ghost perhaps */
	const char *text;   /* "pid 4711 (psql, user app, active for 34 s: CREATE INDEX …)", literals masked */
};
/* but_pid: our own build's backend, or 0. Autovacuum does not count: it steps aside for a build. */
SG_MUST_CHECK int sg_index_busy(struct sg_session *session, const struct sg_index_definition *definition, int but_pid,
                                struct sg_arena *arena, struct sg_index_busy *busy_r, struct sg_err *err);

#endif
