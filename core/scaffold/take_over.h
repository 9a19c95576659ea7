/* take_over.h - SQL in, plugins out: a tree of SQL migrations becomes C sources, index sections and one manifest, and a report
 * of what was taken over and what needs a hand.
 *
 * Each statement of the input ends up in exactly one of these: a call of sg_ddl in a migration's source; a section [index …]
 * (CREATE INDEX on a table that was there before the migration, concurrent or not; DROP INDEX CONCURRENTLY and REINDEX: a migration
 * of their own, SG_NO_TRANSACTION); a proposal of a backfill (UPDATE and DELETE over a table: source with the statement's own WHERE and SET,
 * a range over the table's primary key where the model knows it; literal INSERTs: a seed that is written whole); taken off (BEGIN, COMMIT, the
 * guards: SET lock_timeout and the like, which the runner sets); or named with file and line as left to do. None is dropped in
 * silence: the report's sums add up to the input's statements. */
#ifndef SG_TAKE_OVER_H
#define SG_TAKE_OVER_H

#include "core/audit/migration.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/scaffold/scaffold.h"

enum sg_taken {
	SG_TAKEN_DDL,          /* in run() */
	SG_TAKEN_OUTSIDE,      /* a migration of its own, SG_NO_TRANSACTION */
	SG_TAKEN_INDEX,        /* [index …] */
	SG_TAKEN_BACKFILL,     /* a source of a backfill, to be completed by hand where `note` says so */
	SG_TAKEN_SEED,         /* a backfill that inserts literal rows, complete */
	SG_TAKEN_OFF,          /* not needed: the runner does that */
	SG_TAKEN_NOT           /* left to do by hand: note says why */
};

struct sg_taken_statement {
	const char *path;
	int line;
	const char *text;      /* excerpt, secrets masked */
	enum sg_taken taken;
	const char *into;      /* step or section; or NULL */
	const char *note;      /* why, or what is left to do; or NULL */
	bool no_fingerprint;   /* nothing can be asked for after it (note says why) */
	bool unproven;         /* … nor after any of its migration: that fails until its fingerprint is written by hand */
};

struct sg_taken_over {
	struct sg_taken_statement *statements;
	size_t count, capacity;
	size_t files, empty;   /* read; of these without a statement */
	size_t migrations, indexes, backfills; /* steps made */
	size_t per[SG_TAKEN_NOT + 1];
	struct sg_errs errs;   /* what could not be read, parsed or taken: file and line */
};

struct sg_take_over_options {
	struct sg_scaffold_where where;
	const char *id;        /* of the one migration, for a single file; NULL: ids of the layout */
	const char *title;
};

/* The migrations in order; texts live in the arena. Ids that are not fit for a step are made so (the report says it). */
SG_MUST_CHECK int sg_take_over(const struct sg_take_over_options *options, const char *const *paths, size_t path_count,
                               struct sg_arena *arena, struct sg_scaffold *scaffold, struct sg_taken_over *taken_r,
                               struct sg_err *err);

#endif
