/* findings.h - what an audit or a rehearsal does with what it found: the baseline, and --fail-on. */
#ifndef SG_FINDINGS_H
#define SG_FINDINGS_H

#include "core/audit/baseline.h"
#include "core/cli/cli.h"
#include "core/cli/render_audit.h"

/* Reads --baseline into options->baseline, unless it is to be written. */
SG_MUST_CHECK int sg_findings_baseline(struct sg_cli *cli, struct sg_audit_options *options);
/* Warns of names in `allow =` that no rule bears. */
void sg_findings_check_allow(const struct sg_manifest *manifest);
/* What the audit found: writes the baseline if that was asked for (all of it is known then), and makes an error of class
 * SG_CLASS_FINDINGS of what --fail-on names; failed: how many steps of a rehearsal have failed. */
void sg_findings_judge(struct sg_cli *cli, struct sg_audit_about *about, struct sg_audit_result *result, size_t failed);

#endif
