/* manifest.h - the manifest, read and checked: what every other part works from.
 *
 * Everything lives in the arena that sg_manifest_read was given. All errors of a
 * manifest are collected, each with file and line, and reported in one go. */
#ifndef SG_MANIFEST_H
#define SG_MANIFEST_H

#include "core/base/arena.h"
#include "core/base/err.h"

enum sg_step_kind { SG_STEP_MIGRATION, SG_STEP_BACKFILL, SG_STEP_INDEX };
enum sg_priority { SG_PRIORITY_HIGH, SG_PRIORITY_MEDIUM, SG_PRIORITY_LOW };

struct sg_list {
	const char *const *items;
	size_t count;
};

#define SG_MAX_RUNGS 16

/* [policy]; a step's own keys replace single values. Times in the unit of the name. */
struct sg_policy_settings {
	int max_retries, retry_seconds, retry_base_ms, retry_cap_ms;
	int lock_rungs_ms[SG_MAX_RUNGS];
	size_t lock_rungs;
	int lock_seconds, lock_pause_ms;
	int ddl_seconds, read_seconds, idle_seconds, plugin_seconds;
	bool already_exists_pass;
	struct sg_list trigger_tables;
	bool unparsed_allow;
	const char *reason;          /* required with unparsed = allow */
	bool waiting_allow;
	struct sg_list allow;
};

/* [backfills] */
struct sg_backfill_settings {
	int batch_size;              /* 0 = auto */
	int target_batch_ms, max_batch, jobs, max_seconds, max_passes, pass_pause_seconds, max_bad_rows;
	int lock_ms, statement_seconds;
	double duty;
	const char *window;          /* as written, checked; or NULL */
	int max_lag_mb, max_lag_seconds, max_wal_backlog_mb, max_blocked;
	bool unknown_signal_stop;
};

/* [indexes] */
struct sg_index_settings {
	int jobs, max_seconds, lock_seconds;
	int memory_mb;               /* of builds at once, by the server's maintenance_work_mem; 0 = no limit */
};

struct sg_require {
	enum sg_step_kind kind;
	const char *id;
	int line;
};

struct sg_option {
	const char *key;             /* without "option." */
	const char *value;
	int line;
};

/* Where a key of a section stands. */
struct sg_key_place {
	const char *key;
	int line;                    /* below 0: it came by --set */
};

struct sg_step {
	enum sg_step_kind kind;
	const char *id;              /* identity: id or name key, else the section's name */
	const char *label;           /* the section's name */
	int line;                    /* of the section's header */
	const char *title;           /* or NULL */
	const char *description;     /* or NULL */
	const char *plugin;          /* migrations and backfills */
	int plugin_line;
	const char *sha256;          /* 64 lower-case hex digits, or NULL */
	struct sg_list libraries;
	const struct sg_require *requires;
	size_t require_count;
	const char *migration;       /* backfills and indexes: id of the migration they come after, or NULL */
	const char *superseded_by;   /* migrations: id, or NULL */
	enum sg_priority priority;
	struct sg_list also_writes;
	const struct sg_option *options;
	size_t option_count;
	/* indexes */
	const char *table, *columns, *opclass, *method, *where, *include, *with, *tablespace, *sql;
	bool unique, nulls_not_distinct, critical;
	const struct sg_key_place *keys; /* of the section, those with a value; of indexes only */
	size_t key_count;
	/* the file's settings with this section's own on top */
	struct sg_policy_settings policy;
	struct sg_backfill_settings backfill;
	struct sg_index_settings index;
};

struct sg_manifest {
	const char *path;            /* as given */
	const char *folder;          /* relative paths start here */
	/* [sgrun] */
	struct sg_list plugin_path;  /* made absolute or relative to the working folder */
	const char *state_schema;
	int sandbox;                 /* enum sg_sandbox of core/plugin/process.h */
	int lease_seconds, wait_seconds;
	/* [database] */
	const char *dsn;             /* may hold a password: never print it. NULL only where lenient */
	int dsn_line;
	const char *direct_dsn;      /* or NULL; likewise */
	const char *schema, *role;   /* role may be NULL */
	int connect_seconds;
	const char *embedded;        /* folder of embedded:FOLDER, resolved; or NULL */
	const char *embedded_init;   /* file, resolved; or NULL */
	const char *embedded_bindir; /* or NULL */
	struct sg_list secrets;      /* names of the environment variables that dsn and direct_dsn used */
	/* [audit] */
	struct sg_list hot_tables;
	int small_rows;
	/* defaults, and the steps in file order */
	struct sg_policy_settings policy;
	struct sg_backfill_settings backfill;
	struct sg_index_settings index;
	struct sg_step *steps;
	size_t step_count;
	const struct sg_step *const *by_id; /* sorted, for sg_manifest_step */
};

/* One `--set SECTION.KEY=VALUE`; SECTION as in the file ("policy",
 * "migration 0096_lead_name"). The value is taken as it is: no ${NAME} in it, the
 * shell has had its turn. The last one of a key wins. */
struct sg_override {
	const char *section, *key, *value;
};

/* Splits "SECTION.KEY=VALUE" (at the last dot before the first '=' that makes a
 * known key; "option.x" keys included). SG_CLASS_USAGE when it cannot be. */
SG_MUST_CHECK int sg_override_parse(const char *text, struct sg_arena *arena, struct sg_override *override_r,
                                    struct sg_err *err);

/* lenient: an unset variable in [database] is a warning (sgrun check). On -1
 * errs holds every error found (SG_CLASS_MANIFEST; SG_CLASS_USAGE when the file
 * cannot be read, or for what came by --set, both without file and line), in
 * order of their lines, each with primary, detail and hint (cannot be read: no
 * detail); warnings are logged. What errs held before stays in it and makes -1. */
SG_MUST_CHECK int sg_manifest_read(const char *path, const struct sg_override *overrides, size_t override_count,
                                   bool lenient, struct sg_arena *arena, struct sg_manifest *manifest_r,
                                   struct sg_errs *errs);

/* The same from memory; path is for messages and as the start of relative paths. */
SG_MUST_CHECK int sg_manifest_parse(const char *path, const char *bytes, size_t length,
                                    const struct sg_override *overrides, size_t override_count, bool lenient,
                                    struct sg_arena *arena, struct sg_manifest *manifest_r, struct sg_errs *errs);

/* The step of that kind and id, or NULL. */
const struct sg_step *sg_manifest_step(const struct sg_manifest *manifest, enum sg_step_kind kind, const char *id);

/* What to say of one that it has not: SG_CLASS_USAGE, with the nearest that it has. Returns -1. */
int sg_manifest_no_step_err(const struct sg_manifest *manifest, enum sg_step_kind kind, const char *id, struct sg_err *err);

/* The line of an index's key, below 0 if it came by --set; of the section if it has no such key. */
int sg_step_line(const struct sg_step *step, const char *key);

const char *sg_step_kind_name(enum sg_step_kind kind); /* "migration", "backfill", "index" */

#endif
