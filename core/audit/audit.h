/* audit.h - data work hidden in migrations, and what their definitions would lock or rewrite: told by parsing.
 *
 * Give it the migrations in order, then read the result. It needs no server. A statement that cannot be parsed is reported with
 * its place and the rest goes on; nothing that stands in a file can make it fail. */
#ifndef SG_AUDIT_H
#define SG_AUDIT_H

#include "core/audit/migration.h"
#include "core/audit/rules.h"

struct sg_audit_options {
	int server_version;          /* major: 15 */
	int64_t small_rows;          /* a literal INSERT of fewer rows is safe */
	const char *const *hot_tables; /* as they were named or measured ("leads", "crm.leads") */
	size_t hot_count;
	bool hot_known;              /* they were named or measured; false: every priority is MEDIUM or LOW, and that is said */
	const struct sg_list *allow; /* of [policy]; or NULL */
	struct sg_baseline *baseline; /* or NULL */
	const struct sg_manifest *manifest; /* or NULL; its [index] sections build what a migration may not */
};

enum sg_dml_kind {
	SG_DML_DEDUP_FOR_UNIQUE, SG_DML_SEED_INSERT, SG_DML_ORPHAN_CLEANUP, SG_DML_ONE_TIME_DEFAULT, SG_DML_BULK_UPDATE,
	SG_DML_BULK_DELETE, SG_DML_DATA_COPY, SG_DML_OTHER
};
const char *sg_dml_kind_name(enum sg_dml_kind kind); /* "dedup_for_unique", "orphan_cleanup_for_constraint", … */

enum sg_dml_verdict { SG_DML_SAFE, SG_DML_POTENTIALLY_UNSAFE, SG_DML_UNSAFE };
const char *sg_dml_verdict_name(enum sg_dml_verdict verdict); /* "SAFE", "POTENTIALLY UNSAFE", "UNSAFE" */

/* What became of a finding: */
enum sg_audit_standing {
	SG_STANDING_OPEN,      /* it counts */
	SG_STANDING_ALLOWED,   /* allowed by a comment or the manifest, with a reason */
	SG_STANDING_KNOWN      /* in the baseline */
};

struct sg_audit_place {
	size_t migration;      /* index in result->migrations */
	size_t statement;      /* from 0 */
	int line, column;      /* 0: of a journal */
	const char *text;      /* of the statement, secrets masked, blanks folded, cut at 300 bytes with "…" */
};

struct sg_audit_dml {
	struct sg_audit_place place;
	const char *type;      /* "DELETE", "UPDATE", "INSERT", "INSERT … SELECT", "MERGE", "COPY", "TRUNCATE", "SELECT INTO", "CREATE TABLE AS"; "EXECUTE": not known */
	const char *const *tables; /* that it writes, at least one but where dynamic SQL hides it */
	size_t table_count;
	const char *via;       /* "DO block", "function dedupe()"; or NULL: the statement itself */
	enum sg_dml_kind kind;
	enum sg_dml_verdict verdict;
	const char *reason;    /* why that kind and verdict: "unique index ux_messages_provider (line 31) covers provider_msg_id" */
	const char *action;    /* what to do: "None." or "Move it to a backfill: [backfill …] table = leads, key = id." */
	enum sg_audit_standing standing;
	const char *allowed;   /* the reason, for SG_STANDING_ALLOWED */
};

struct sg_audit_finding {
	struct sg_audit_place place;
	enum sg_rule_id rule;
	const char *table;     /* or NULL */
	const char *detail;    /* or NULL */
	enum sg_audit_standing standing;
	const char *allowed;
	/* With a rehearsal: what it saw. */
	enum { SG_SEEN_NOT, SG_SEEN_SO, SG_SEEN_OTHERWISE } seen; /* read only; measured, and it is so; measured, and it is not */
	const char *seen_what; /* "AccessExclusiveLock on leads, rewritten"; or NULL */
};

struct sg_audit_seen {         /* a migration */
	const char *id, *title, *path;
	int line;
	enum sg_audit_layout layout;
	const char *description;   /* title, else its first comment, else "" */
	size_t statements, unread, meta_commands, placeholders;
	/* The backfill audit: of those with DML */
	bool has_dml;
	enum sg_priority priority; /* core/manifest/manifest.h */
	const char *why;           /* "UPDATE of the hot table leads" */
	const char *const *tables; /* that its DML writes, in order, each once */
	size_t table_count;
	const char *const *types;  /* "UPDATE", "DELETE": each once */
	size_t type_count;
};

struct sg_audit_result {
	struct sg_arena *arena;    /* the run's: where all texts are */
	struct sg_audit_seen *migrations;
	size_t migration_count, migration_capacity;
	struct sg_audit_dml *dml;
	size_t dml_count, dml_capacity;
	struct sg_audit_finding *findings;
	size_t finding_count, finding_capacity;
	struct sg_errs errs;       /* what could not be read or parsed, with file and line; the rest was looked at */
	size_t statements, unread, meta_commands, placeholders; /* sums */
	size_t down, other;        /* files passed over */
};

struct sg_audit;
/* options and what it points to must live until the end. */
struct sg_audit *sg_audit_begin(const struct sg_audit_options *options, struct sg_arena *arena);
/* The next migration. errs: what reading it has said; they are taken over. migration may be freed afterwards. */
void sg_audit_migration(struct sg_audit *audit, const struct sg_audit_migration *migration, struct sg_errs *errs);
/* What could not be read besides: taken over. */
void sg_audit_unread(struct sg_audit *audit, struct sg_errs *errs);
/* Standings, priorities, sums. The result lives in the arena. Frees audit. */
struct sg_audit_result *sg_audit_end(struct sg_audit *audit);

/* Of what counts (SG_STANDING_OPEN). */
size_t sg_audit_count_dml(const struct sg_audit_result *result, enum sg_dml_verdict verdict);
size_t sg_audit_count_findings(const struct sg_audit_result *result, enum sg_severity severity);
/* A word of --fail-on: "unsafe", "potentially-unsafe" (either), "error", "warning" (or worse), "hint" (any), "unread", or a rule's
 * id or family. Is it one? */
bool sg_audit_is_limit(const char *word);
/* Does the result hold something that counts and that the word names? */
bool sg_audit_exceeds(const struct sg_audit_result *result, const char *word);

#endif
