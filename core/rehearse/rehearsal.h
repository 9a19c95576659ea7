/* rehearsal.h - what a rehearsal saw: plain data, for whoever reports it.
 *
 * All texts live in the run's arena. "There before" means: before the step began; only locks on such tables are shown, for
 * nobody waits for a table that nobody else can see. */
#ifndef SG_REHEARSAL_H
#define SG_REHEARSAL_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/exec/observer.h"
#include "core/manifest/manifest.h"

struct sg_rehearsal_lock {
	const char *relation;  /* "leads"; "crm.leads" outside of [database] schema */
	char kind;             /* as pg_class.relkind */
	const char *mode;      /* "AccessExclusiveLock": the strongest that the statement newly took */
	int strength;          /* 1 (AccessShareLock) to 8 (AccessExclusiveLock) */
};

struct sg_rehearsal_statement {
	const char *text;      /* secrets masked */
	const char *kind;      /* "ALTER TABLE" */
	int64_t us;            /* how long it took */
	bool existed;          /* passed as "already exists" */
	struct sg_rehearsal_lock *locks; /* newly taken on relations that were there before; ACCESS SHARE left out */
	size_t lock_count;
	const char *const *rewritten; /* tables there before whose file is another now (relfilenode); an index only where its table's is not */
	size_t rewritten_count;
	const char *const *scanned;   /* tables there before that were read from end to end */
	size_t scanned_count;
	int64_t *scanned_rows;        /* how many rows each had */
};

struct sg_rehearsal_held {      /* at the end of a step: a table, and its strongest lock */
	const char *relation;
	const char *mode;
	int strength;
	int64_t us;            /* from the statement that took it to COMMIT */
	size_t statement;      /* which took it */
};

struct sg_rehearsal_step {
	const struct sg_step *step; /* a migration, an index, a backfill */
	const char *title;     /* or NULL */
	/* of a migration: SKIPPED only where it is recorded in the database that the schema is of; a backfill or index:
	 * APPLIED, FAILED, WAITING, NOT_REACHED */
	enum sg_outcome outcome;
	struct sg_err err;     /* FAILED; its texts are the arena's: it is not to be released */
	const char *note;      /* "waits for backfill:x"; how many batches, how large; or NULL */
	int64_t us;            /* the whole step */
	/* Its statement ran outside any transaction. sampled: its locks were looked at from aside while it ran, and held is from
	 * their first sight to their last; else (it was over too soon) they are not measured. */
	bool outside, sampled;
	/* The proof of the fingerprint (migrations and backfills): -1 not asked, 0 false, 1 true. */
	int before, after;
	struct sg_rehearsal_statement *statements; /* of migrations, and CREATE INDEX of an index; in order */
	size_t statement_count;
	struct sg_rehearsal_held *held; /* strongest first */
	size_t held_count;
};

struct sg_rehearsal_table {     /* what --rows filled */
	const char *relation;
	int64_t rows;
	const char *why;       /* rows 0: "refused by CHECK leads_score (SQLSTATE 23514)"; else NULL */
};

struct sg_rehearsal {
	int server_version;    /* major */
	const char *schema_from; /* "empty database", "etc/schema.sql", "host=… dbname=…" without password */
	int64_t rows;          /* --rows; 0: none */
	/* Statements of the schema that could not be run here: "etc/schema.sql, line 12: extension … is not available,
	 * SQLSTATE 0A000: CREATE EXTENSION …". */
	const char **left_out;
	size_t left_out_count, left_out_capacity;
	struct sg_rehearsal_table *filled;
	size_t filled_count, filled_capacity;
	struct sg_rehearsal_step *steps; /* in the order in which they ran; those not reached at the end */
	size_t step_count, step_capacity;
	bool complete;         /* everything in the manifest was done */
	int64_t us;
};

#endif
