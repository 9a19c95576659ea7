/* run.h - what every command that talks to a server works with. */
#ifndef SG_RUN_H
#define SG_RUN_H

#include "core/base/arena.h"
#include "core/backfill/backfill.h"
#include "core/base/err.h"
#include "core/db/db.h"
#include "core/exec/context.h"
#include "core/index/build.h"
#include "core/manifest/manifest.h"
#include "core/state/backfills.h"
#include "core/state/indexes.h"
#include "core/state/ledger.h"
#include "core/state/schema.h"

/* Takes the DSNs apart, takes the secrets out of the environment, starts the
 * embedded server if the manifest names one. SG_CLASS_MANIFEST, SG_CLASS_CONNECTION. */
SG_MUST_CHECK int sg_run_open(struct sg_run *run, const struct sg_manifest *manifest,
                              const struct sg_observer *observer, struct sg_arena *arena, struct sg_err *err);
/* Stops the embedded server if we are its last user. */
void sg_run_close(struct sg_run *run);

/* ---- migrate -------------------------------------------------------------- */
struct sg_migrate_options {
	const char *to;     /* last migration to do, or NULL */
	int wait_seconds;   /* for another runner's lease */
};

struct sg_migrate_item {
	const struct sg_step *step;
	enum sg_outcome outcome;
	int64_t duration_ms;
	int attempts, existed;
	const char *waits_for; /* WAITING: "backfill:migration_90_dedupe" */
	const char *waits_why; /* and how that one stands: "not started", "312,000 of … left"; or NULL */
	bool outside;          /* SG_NO_TRANSACTION: a failure may leave something */
	struct sg_err err;     /* FAILED; freed with the run's arena */
};

struct sg_migrate_result {
	struct sg_migrate_item *items; /* every migration of the manifest, in order */
	size_t count;
	size_t skipped, applied, reconciled, superseded, waiting, failed, not_reached;
	int exit;                      /* exit status of the phase */
};

/* Runs what is not recorded. -1 only for what concerns no single step (no
 * server, lease, state, refused plugins: err); a failed step is in its item,
 * with result->exit, and 0 is returned. result_r is filled as far as it goes in
 * either case. */
SG_MUST_CHECK int sg_migrate(struct sg_run *run, const struct sg_migrate_options *options,
                             struct sg_migrate_result *result_r, struct sg_errs *errs);

/* Its numbers, by the outcomes of its items. */
void sg_migrate_count(struct sg_migrate_result *result);

/* ---- backfill ------------------------------------------------------------- */
struct sg_backfills_options {
	const char *only;      /* one key, or NULL: all */
	int jobs;              /* 0: each step's */
	int64_t deadline_ms;   /* sg_clock_ms; 0: none */
	/* migrations and indexes that go first: no backfill is begun once the gates of one of them are open */
	const struct sg_step *const *waiting;
	size_t waiting_count;
	const char *const *reopened; /* keys that an index has found undone: tried again, whatever an earlier round made of them */
	size_t reopened_count;
};

struct sg_backfills_item {
	const struct sg_step *step;
	const char *waits_for; /* WAITING: "migration:0096_lead_name" */
	struct sg_backfill_result result;
};

struct sg_backfills_result {
	struct sg_backfills_item *items; /* in the order of work: priority, then the manifest's */
	size_t count;
	size_t complete;       /* made complete by this run */
	size_t already, left, failed, waiting;
	bool opened;           /* the gates of one of options->waiting are open now */
	int exit;              /* 0 but for a signal; with --strict the caller looks at the items */
};

/* Runs those that are ready, one after the other, by priority. A backfill's trouble is
 * in its item; -1 only for what concerns none (no server, no state, wrong key): errs.
 * Makes the state tables when something is to be done. skip: keys that are not
 * tried again (deploy's later rounds), or NULL. */
SG_MUST_CHECK int sg_backfills_run(struct sg_run *run, const struct sg_backfills_options *options,
                                   const struct sg_backfills_result *before, struct sg_backfills_result *result_r,
                                   struct sg_errs *errs);

enum sg_backfill_ask { SG_BACKFILL_ASK_PAUSE, SG_BACKFILL_ASK_RESUME, SG_BACKFILL_ASK_RETRY, SG_BACKFILL_ASK_AGAIN };
/* --pause, --resume, --retry, --again; text_r: what was done, a line for people. */
SG_MUST_CHECK int sg_backfills_ask(struct sg_run *run, enum sg_backfill_ask what, const char *key,
                                   const char **text_r, struct sg_err *err);

/* ---- index ---------------------------------------------------------------- */
struct sg_indexes_options {
	const char *only;      /* one name, or NULL: all */
	int jobs;              /* builds at once; 0: [indexes] jobs. Fewer where memory_mb asks for it */
	int64_t deadline_ms;   /* sg_clock_ms; 0: none */
};

struct sg_indexes_item {
	const struct sg_step *step;
	const char *waits_for; /* WAITING: "backfill:dedupe_messages" */
	bool seen_only;        /* DRIFTED, FAILED: as a look has told; a later round of a deploy looks again */
	bool again;            /* tried once more, since a backfill was reopened for it */
	struct sg_index_result result;
};

struct sg_indexes_result {
	struct sg_indexes_item *items; /* in the order of work: priority, then the manifest's */
	size_t count;
	size_t built;          /* by this run */
	size_t already, drifted, left, failed, waiting;
	/* required backfills that duplicates have shown to be undone: their fingerprint does not hold, and they may begin
	 * again (drains and SG_REPEATABLE ones; they are pending again); once a run */
	const char **reopened;
	size_t reopened_count;
	int jobs;              /* how many could be at work at once */
	int exit;              /* 0 but for a signal; with --strict the caller looks at the items */
};

/* Looks at every index of the registry, builds what is missing or invalid and ready, several at once on different tables. An
 * index's trouble is in its item; -1 only for what concerns none (no server, no state, wrong name): errs. Makes the state
 * tables when something is to be done. before: what earlier rounds of a deploy found: nothing is tried twice but what waited, or was
 * reopened. */
SG_MUST_CHECK int sg_indexes_run(struct sg_run *run, const struct sg_indexes_options *options,
                                 const struct sg_indexes_result *before, struct sg_indexes_result *result_r,
                                 struct sg_errs *errs);

/* ---- deploy --------------------------------------------------------------- */
struct sg_deploy_options {
	struct sg_migrate_options migrate;
	bool migrations, indexes, backfills; /* --only-phase */
	int64_t deadline_ms;        /* --max-minutes: bounds all but migrations; 0: none */
	int jobs;                   /* of backfills and of indexes; 0: as the manifest says */
};

struct sg_deploy_result {
	struct sg_migrate_result migrate;     /* as after the last round: an outcome a migration, of any round */
	struct sg_indexes_result indexes;     /* likewise */
	struct sg_backfills_result backfills; /* likewise; count 0 where none was reached */
	int rounds;
};

/* Migrations until one waits, indexes that are ready, backfills that are ready, again while something new
 * became ready. No index and no backfill is begun after a failed migration. As sg_migrate: -1 and
 * errs for what concerns no single step. */
SG_MUST_CHECK int sg_deploy(struct sg_run *run, const struct sg_deploy_options *options,
                            struct sg_deploy_result *result_r, struct sg_errs *errs);

/* ---- plan ----------------------------------------------------------------- */
enum sg_action {
	SG_ACTION_SKIP, SG_ACTION_RECONCILE, SG_ACTION_RUN, SG_ACTION_RUN_MAYBE, SG_ACTION_WAIT,
	SG_ACTION_SUPERSEDED,
	SG_ACTION_REFUSED, /* its plugin: err says why */
	SG_ACTION_LATER,   /* behind --to */
	/* indexes */
	SG_ACTION_BUILD, SG_ACTION_BUILD_MAYBE, /* BUILD?: this deploy may open its gates first */
	SG_ACTION_REBUILD, /* invalid: dropped and built again */
	SG_ACTION_DRIFTED  /* valid, with another definition: left alone */
};

struct sg_plan_item {
	const struct sg_step *step;
	enum sg_action action;
	const char *title;     /* the manifest's, else the plugin's, or NULL */
	const char *reason;    /* one line for people, or NULL; of a WAIT: how its gate stands */
	const char *waits_for; /* WAIT, and NULL for a backfill that is paused */
	struct sg_err err;     /* REFUSED */
};

struct sg_plan {
	struct sg_plan_item *items; /* every step, in manifest order */
	size_t count;
	size_t skip, reconcile, run, wait, refused; /* of all kinds; run: also what is to be built */
	size_t drifted;
	size_t refused_migrations;  /* with one of these a deploy runs nothing */
	bool installed;             /* the state tables exist */
	const char **unlisted;      /* recorded ids that the manifest lacks */
	size_t unlisted_count;
	const char **late;          /* unrecorded ids that stand before recorded ones */
	size_t late_count;
};

const char *sg_action_name(enum sg_action action); /* "SKIP", "RUN?", … */

/* What deploy would do; changes nothing. Asks fingerprints of migrations in read-only
 * transactions that are rolled back; loads the plugins of backfills that are left. */
SG_MUST_CHECK int sg_plan_make(struct sg_run *run, const char *to, struct sg_plan *plan_r, struct sg_err *err);

/* ---- status --------------------------------------------------------------- */
struct sg_status_migration {
	const struct sg_step *step;        /* NULL: recorded, but not in the manifest */
	const char *id;
	const char *state;                 /* "applied", "reconciled", "adopted", "superseded", "pending", "waiting", "failed" */
	const char *title;                 /* or NULL */
	const char *applied_at, *reason;   /* or NULL */
	int64_t duration_ms;               /* -1: not known */
	int attempts;                      /* -1: not known */
	const char *const *waits_for;      /* gates that are not open */
	const char *const *waits_why;      /* each one's, or NULL, as in sg_migrate_item */
	size_t waits_count;
	struct sg_err err;                 /* the last failure since it was last recorded; class NONE if none */
	const char *failed_at;             /* or NULL */
};

struct sg_status_backfill {
	const struct sg_step *step;
	const struct sg_backfill_row *row; /* NULL: not begun */
	const char *state;                 /* as its row says; "pending", "waiting" without one; "stopped": running, but nobody is at it */
	const char *throttle;              /* what holds it ("paused by eva@host"), or NULL */
	const char *const *waits_for;      /* as of migrations; none once it is begun */
	const char *const *waits_why;
	size_t waits_count;
	const struct sg_bad_row *bad;      /* the first of its row's bad_rows */
	size_t bad_count;
};

struct sg_status_index {
	const struct sg_step *step;
	const struct sg_index_row *row;    /* NULL: never looked at */
	const char *state;                 /* as its row says; "missing", "waiting" without one; "stopped": building, but its claim has expired */
	struct sg_index_progress progress; /* of one that is being built now, as the server tells; phase NULL: not known */
	const char *const *waits_for;      /* as of backfills; none once it is valid */
	const char *const *waits_why;
	size_t waits_count;
	struct sg_err err;                 /* of FAILED, INVALID, DRIFTED; class NONE: none */
};

struct sg_status {
	int state_version;                 /* 0: not installed */
	const char *database;
	bool pooler;
	const char *lease_owner, *lease_since, *lease_doing; /* NULL: free */
	bool lease_alive;
	struct sg_status_migration *migrations;
	size_t migration_count;
	struct sg_status_backfill *backfills; /* every one of the manifest, in its order */
	size_t backfill_count;
	struct sg_status_index *indexes;   /* likewise */
	size_t index_count;
	size_t pending, waiting, failed;   /* summary, over all kinds */
};

/* Asks no fingerprint, loads no plugin. */
SG_MUST_CHECK int sg_status_read(struct sg_run *run, struct sg_status *status_r, struct sg_err *err);

/* ---- verify --------------------------------------------------------------- */
enum sg_verified { SG_VERIFIED_HOLDS, SG_VERIFIED_DRIFT, SG_VERIFIED_UNKNOWN /* err says why */ };

struct sg_verify_item {
	const struct sg_step *step;
	const char *recorded;              /* "applied", …; for --adopt: what it is now */
	enum sg_verified verified;
	bool adopted;                      /* recorded by this call */
	struct sg_err err;                 /* UNKNOWN */
};

struct sg_verify_result {
	struct sg_verify_item *items;
	size_t count, holds, drift, unknown, adopted;
	int exit;
};

/* Fingerprints of everything recorded but superseded. */
SG_MUST_CHECK int sg_verify(struct sg_run *run, struct sg_verify_result *result_r, struct sg_err *err);
/* Records `id` unrun if its fingerprint holds; else exit 8 in the result. */
SG_MUST_CHECK int sg_verify_adopt(struct sg_run *run, const char *id, int wait_seconds,
                                  struct sg_verify_result *result_r, struct sg_err *err);
/* Records all up to `id` as adopted with the reason; those that do not hold are listed. */
SG_MUST_CHECK int sg_verify_adopt_to(struct sg_run *run, const char *id, const char *reason, int wait_seconds,
                                     struct sg_verify_result *result_r, struct sg_err *err);

/* ---- check ---------------------------------------------------------------- */
/* Loads every plugin of the manifest and judges it, and every index section, without any server; each
 * refusal in errs with manifest file and line. 0 when all are fine. */
SG_MUST_CHECK int sg_check_steps(const struct sg_manifest *manifest, struct sg_errs *errs);

#endif
