/* audited.h - what an audit of a manifest looks at: its plugins' statements, of a rehearsal or of the real runs; and which tables
 * are hot. */
#ifndef SG_RUN_AUDITED_H
#define SG_RUN_AUDITED_H

#include "core/audit/audit.h"
#include "core/exec/context.h"
#include "core/rehearse/rehearsal.h"

/* The migrations of a manifest as the audit takes them: each step's statements of a rehearsal … */
void sg_audit_of_rehearsal(const struct sg_rehearsal *rehearsal, struct sg_audit *audit);
/* … or of the journal of the real runs (a migration that is not recorded, or was reconciled, has none, and errs of the audit says so). */
SG_MUST_CHECK int sg_audit_of_ledger(struct sg_run *run, struct sg_audit *audit, struct sg_err *err);
/* Tables that are written most: those with over a hundredth of all rows inserted, updated and deleted in that time, at most
 * `most`, the busiest first. Reads pg_stat_user_tables twice. */
SG_MUST_CHECK int sg_hot_tables(struct sg_run *run, int seconds, size_t most, const char *const **tables_r, size_t *count_r,
                                struct sg_err *err);

#endif
