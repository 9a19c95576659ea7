/* trial_parts.h - what the files of the trial share. Of use to nobody else. */
#ifndef SG_RUN_TRIAL_PARTS_H
#define SG_RUN_TRIAL_PARTS_H

#include "core/exec/trace.h"
#include "core/run/run.h"
#include "core/run/throw_away.h"
#include "core/run/trial.h"

struct trial {
	const struct sg_trial_options *options;
	struct sg_arena *arena;
	struct sg_trial *result;
	struct sg_errs *errs;
	struct sg_manifest whole;       /* relieved (rehearse_parts.h), every plugin under trial with its path */
	struct sg_throw_away server;
	struct sg_rehearsal rehearsal;  /* of the server's schema and rows */
	int databases;                  /* made so far */
	const char *rest;               /* the database in which what comes before was run; NULL: none yet */
	bool *rested;                   /* which of whole's steps were run there */
};

/* A plugin under trial. */
struct trial_subject {
	const char *path;
	struct sg_step *step;           /* of trial.whole; NULL: refused */
	uint32_t kind, flags;
};

/* ---- trial.c ---- */
/* A new point; OK until something else is said. Valid until the next one. */
struct sg_trial_point *trial_point(struct trial *trial, const char *step, const char *what);
void trial_note(struct trial *trial, struct sg_trial_point *point, const char *format, ...) SG_PRINTF(3, 4);
/* NOT_OK; takes over err. */
void trial_fail(struct trial *trial, struct sg_trial_point *point, struct sg_err *err);
void trial_failf(struct trial *trial, struct sg_trial_point *point, const char *hint, const char *format, ...) SG_PRINTF(4, 5);
void trial_skip(struct trial *trial, struct sg_trial_point *point, const char *format, ...) SG_PRINTF(3, 4);

/* ---- trial_database.c ---- */
/* A copy of a database; NULL: of the one that the schema was loaded into. Without our own tables if fresh. */
SG_MUST_CHECK int trial_copy(struct trial *trial, const char *from, bool fresh, const char **name_r, struct sg_err *err);
SG_MUST_CHECK int trial_drop(struct trial *trial, const char *name, struct sg_err *err);
const char *trial_dsn(const struct trial *trial, const char *name);
SG_MUST_CHECK int trial_connect(const struct trial *trial, const char *name, struct sg_db **db_r, struct sg_err *err);
/* Takes our own tables out of it: nothing is recorded there any more. */
SG_MUST_CHECK int trial_forget(struct trial *trial, const char *name, struct sg_err *err);
/* The database with all that the subject rests on, as far as it could be run: failed_r says what could not, or is NULL. */
SG_MUST_CHECK int trial_rest(struct trial *trial, const struct trial_subject *subject, const char **name_r,
                             struct sg_err **failed_r, struct sg_err *err);
/* whole's steps of which include is true, on that database. Gates that lead out of it are left out; include NULL: that one step alone. */
struct sg_manifest *trial_manifest(struct trial *trial, const bool *include, const struct sg_step *alone, const char *name);

/* ---- trial_rows.c: what is in the tables ---- */
struct trial_table {
	const char *relation;     /* quoted, with its schema */
	const char *shown;
	const char *row;          /* an expression: a row as text; what the clock or a sequence gave since `base` was made is not in it */
};
struct trial_tables {
	struct trial_table *list;
	size_t count;
};
SG_MUST_CHECK int trial_tables_read(struct trial *trial, const char *base, struct trial_tables *tables_r, struct sg_err *err);
/* A text for each table that differs from another's where the rows do. */
SG_MUST_CHECK int trial_contents(struct trial *trial, const struct trial_tables *tables, const char *name, const char *const **contents_r,
                                 struct sg_err *err);
/* Conditions that find a few rows of base that are other ones in `name`: one for each table, or NULL. */
SG_MUST_CHECK int trial_changed(struct trial *trial, const struct trial_tables *tables, const char *base, const char *name,
                                const char *const **where_r, struct sg_err *err);

/* ---- trial_migration.c, trial_backfill.c: all points of one ---- */
SG_MUST_CHECK int trial_migration(struct trial *trial, const struct trial_subject *subject, const char *base, struct sg_err *err);
SG_MUST_CHECK int trial_backfill(struct trial *trial, const struct trial_subject *subject, const char *base, struct sg_err *err);

#endif
