/* trial.h - a plugin on a server that is thrown away: what its author promises, asked point by point (sgrun test).
 *
 * Each point works in a database of its own, a copy of what was prepared, by the ordinary code: nothing of a step's course
 * is done differently here. */
#ifndef SG_RUN_TRIAL_H
#define SG_RUN_TRIAL_H

#include "core/manifest/manifest.h"

enum sg_trial_end { SG_TRIAL_OK, SG_TRIAL_NOT_OK, SG_TRIAL_SKIPPED };

struct sg_trial_point {
	const char *step;        /* its id; the plugin's file where that could not be asked */
	const char *what;        /* "the fingerprint does not hold before" */
	enum sg_trial_end end;
	const char *why;         /* SKIPPED */
	struct sg_err *err;      /* NOT_OK; released with the arena. Else NULL */
	const char **notes;      /* what the author should know besides */
	size_t note_count, note_capacity;
};

struct sg_trial {
	int server_version;      /* major; 0: no server was needed */
	const char *schema_from; /* as in struct sg_rehearsal; or NULL */
	const char **left_out;   /* of that schema */
	size_t left_out_count;
	struct sg_trial_point *points; /* in the order of the plugins */
	size_t count, capacity;
	size_t failed, skipped;
};

struct sg_trial_options {
	const char *const *plugins; /* files */
	size_t plugin_count;
	const struct sg_manifest *manifest; /* whose sections hold for them, and whose earlier steps are run first; or NULL:
	                                     * defaults, and each rests on those before it */
	const char *schema_from;    /* a file or a connection string; NULL: the manifest's embedded_init, else an empty database */
	int64_t rows;               /* in each table that is empty; below 0: 1000 for a backfill, none for a migration */
};

/* -1 only where there is nothing to report (no PostgreSQL, no schema, a plugin that the manifest has not, a signal): errs. */
SG_MUST_CHECK int sg_trial(const struct sg_trial_options *options, struct sg_arena *arena, struct sg_trial *trial_r,
                           struct sg_errs *errs);

#endif
