/* audited.h - what an audit of a manifest looks at: its plugins' statements, of a rehearsal or of the real runs; what the
 * rehearsal has measured of them; and which tables are hot. */
#ifndef SG_RUN_AUDITED_H
#define SG_RUN_AUDITED_H

#include "core/audit/audit.h"
#include "core/exec/context.h"
#include "core/rehearse/rehearsal.h"

/* The migrations of a manifest as the audit takes them: the statements of each of a rehearsal's steps that has any (indexes too: the
 * model must know them) … */
void sg_audit_of_rehearsal(const struct sg_manifest *manifest, const struct sg_rehearsal *rehearsal, struct sg_audit *audit);
/* What an audit by that cannot have seen, as not read: migrations whose fingerprint held before, that failed, wait, or were not
 * reached. */
void sg_audit_unrehearsed(const struct sg_manifest *manifest, const struct sg_rehearsal *rehearsal, struct sg_audit *audit);
/* Is the step one of those migrations? They are in the order of the steps. */
bool sg_audit_rehearsed(const struct sg_rehearsal_step *step);
/* … or of the journal of the real runs, in the order of the ledger. A migration that is not recorded, or was reconciled or adopted,
 * has none, and errs of the audit says so. Changes nothing; works behind a pooler and on a standby. */
SG_MUST_CHECK int sg_audit_of_ledger(struct sg_run *run, struct sg_audit *audit, struct sg_err *err);

/* Sets seen and seen_what of the findings whose rule is measurable: does what the rehearsal saw of the statement agree with what the
 * rule says it locks, rewrites and scans? result: of an audit of sg_audit_of_rehearsal(manifest, rehearsal, …). */
void sg_audit_measure(const struct sg_rehearsal *rehearsal, struct sg_audit_result *result);

/* What a rule's `locks` claims, read from its words: "ACCESS EXCLUSIVE on the table, rewritten". */
struct sg_audit_claim {
	int strength;          /* of the first lock that it names, 1 to 8; 0: it names none */
	bool rewrites, scans;
};
struct sg_audit_claim sg_audit_claim(const char *locks);

/* The server's major version. */
SG_MUST_CHECK int sg_audited_server(struct sg_run *run, int *major_r, struct sg_err *err);
/* Tables that are written most: those with over a hundredth of all rows inserted, updated and deleted in that time, at most
 * `most`, the busiest first. Reads pg_stat_user_tables twice; a signal ends the wait. SG_CLASS_STATE on a standby, which does not
 * count what it replays. */
SG_MUST_CHECK int sg_hot_tables(struct sg_run *run, int seconds, size_t most, const char *const **tables_r, size_t *count_r,
                                struct sg_err *err);

#endif
