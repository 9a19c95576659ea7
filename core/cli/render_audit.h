/* render_audit.h - the reports of an audit and of a rehearsal: in Markdown for people, as JSON for scripts.
 *
 * Pure: results in, a buffer or a JSON tree out. The Markdown begins with its summary, for an operator reads the top. The
 * members of the JSON are a contract (sgrun(1), OUTPUT): they are only ever added to. */
#ifndef SG_RENDER_AUDIT_H
#define SG_RENDER_AUDIT_H

#include "core/audit/audit.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/manifest/manifest.h"
#include "core/rehearse/rehearsal.h"

/* Where the statements came from. */
enum sg_audit_source { SG_AUDIT_FILES, SG_AUDIT_REHEARSAL, SG_AUDIT_LEDGER };
/* How it is known which tables are hot. */
enum sg_audit_hot { SG_HOT_UNKNOWN, SG_HOT_OPTION, SG_HOT_MANIFEST, SG_HOT_MEASURED };

/* Entries of one list in Markdown; a longer one is cut, and says so: --json has all. */
#define SG_RENDER_MOST ((size_t)5000)

/* What was looked at, and how: what the result itself does not know. */
struct sg_audit_about {
	enum sg_audit_source source;
	const char *const *paths;            /* SG_AUDIT_FILES */
	size_t path_count;
	const struct sg_manifest *manifest;  /* or NULL */
	const struct sg_audit_options *options;
	const char *version_of;              /* whose server_version: "as asked for", "the server's", "the grammar's" */
	enum sg_audit_hot hot;
	int sample_seconds;                  /* SG_HOT_MEASURED */
	const char *baseline;                /* its file, or NULL */
	size_t baseline_unmet;               /* lines of it that met nothing */
	bool baseline_written;               /* anew, by this run */
	size_t baseline_lines;               /* then: how many */
	const struct sg_rehearsal *rehearsal; /* that the statements are of; or NULL */
};

/* The whole report. */
void sg_render_audit(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
void sg_render_audit_json(struct sg_json *into, const struct sg_audit_about *about, const struct sg_audit_result *result);

/* A rehearsal, with what the audit says of its statements. */
void sg_render_rehearsal(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal,
                         const struct sg_audit_result *audit);
void sg_render_rehearsal_json(struct sg_json *into, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal,
                              const struct sg_audit_result *audit);

/* ---- the parts, for the files of this report ---- */

/* "db/V2__x.sql:31", or "0096_lead_name, statement 2" of a journal; in the arena. */
const char *sg_render_place(const struct sg_audit_result *result, const struct sg_audit_place *place, struct sg_arena *arena);
/* "read", "measured: …", "measured otherwise: …" */
void sg_render_seen(struct sg_buf *out, const struct sg_audit_finding *finding);
/* What it is about: the detail, else the rule's title with the table. */
void sg_render_finding_what(struct sg_buf *out, const struct sg_audit_finding *finding);
/* What the rules say that were found: locks, why, the safe way, since; each once, by severity. */
void sg_render_rules(struct sg_buf *out, const struct sg_audit_result *result);
/* "- and 12 more, see --json", if there are more than so many. */
void sg_render_more(struct sg_buf *out, size_t count, size_t most);
/* "HIGH" */
const char *sg_render_priority(enum sg_priority priority);

/* "## DML safety analysis" and what is below it; "## Backfill audit"; "## DDL findings"; "## Allowed" and "## Known"; "## Not
 * read". Each renders nothing where there is nothing to say. */
void sg_render_audit_dml(struct sg_buf *out, const struct sg_audit_result *result);
void sg_render_audit_backfills(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
void sg_render_audit_findings(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
void sg_render_audit_silent(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
void sg_render_audit_unread(struct sg_buf *out, const struct sg_audit_result *result);
/* The list of DML that needs action, at most `most` of them; how many there are. */
size_t sg_render_audit_actions(struct sg_buf *out, const struct sg_audit_result *result, size_t most);

/* ---- smaller parts, of which the page in HTML is made: each says what it says in the Markdown ---- */

/* "# Audit of …" and what was looked at; "## Summary", or a glad word where nothing was found. */
void sg_render_audit_head(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
void sg_render_audit_summary(struct sg_buf *out, const struct sg_audit_result *result);
/* "### 1. place: VERDICT" and what is said of it; "### DML summary", what needs action, and the items. */
void sg_render_dml_operation(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_dml *dml, size_t number);
void sg_render_dml_kinds(struct sg_buf *out, const struct sg_audit_result *result);
void sg_render_dml_actions(struct sg_buf *out, const struct sg_audit_result *result);
/* An entry of a list each; of a finding with its rule's id, or without where that is said already. */
void sg_render_finding(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_finding *finding,
                       bool with_rule, bool rehearsed);
void sg_render_rule(struct sg_buf *out, const struct sg_rule *rule);
/* "Errors", and what that means. */
const char *sg_render_severities(enum sg_severity severity);
const char *sg_render_meaning(enum sg_severity severity);
#define SG_RENDER_READ_ONLY \
	"All of it is read from the statements, on tables as large as yours may be; `sgrun rehearse` measures.\n\n"

/* Of a rehearsal: "# Rehearsal of …" with its end, server, schema and rows; what failed; the findings, how many were measured, and
 * the errors; the fingerprints; the strongest locks; "## Steps"; a step: "### step: title (applied)" and its tables, or nothing where
 * it did nothing or only built its index; and a table of those. */
void sg_render_rehearsal_head(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal);
void sg_render_rehearsal_failed(struct sg_buf *out, const struct sg_rehearsal *rehearsal);
void sg_render_rehearsal_locks(struct sg_buf *out, const struct sg_rehearsal *rehearsal);
void sg_render_rehearsal_proofs(struct sg_buf *out, const struct sg_rehearsal *rehearsal);
void sg_render_rehearsal_measured(struct sg_buf *out, const struct sg_audit_result *audit);
void sg_render_rehearsal_steps(struct sg_buf *out, const struct sg_rehearsal *rehearsal);
/* migration: its place in the audit's. */
void sg_render_rehearsal_step(struct sg_buf *out, const struct sg_rehearsal_step *step, const struct sg_audit_result *audit,
                              size_t migration);
void sg_render_rehearsal_built(struct sg_buf *out, const struct sg_rehearsal *rehearsal, const struct sg_audit_result *audit);
#define SG_RENDER_EXCERPT 200 /* characters of a statement in a step's table */
#define SG_RENDER_STATEMENTS \
	"## Statements\n\nLocks on tables that were there before the step; reading alone (ACCESS SHARE) is left out.\n\n"

#endif
