/* render_html.h - an audit and a rehearsal as one page of HTML: what the Markdown says, in its words, and pictures of it.
 *
 * Pure, as render_audit.h. The words come from the renderers of the Markdown; what is new here is what folds, what filters
 * (without a script), and the two charts of a rehearsal. */
#ifndef SG_RENDER_HTML_H
#define SG_RENDER_HTML_H

#include "core/cli/render_audit.h"

/* Entries of one list on a page, a rule's or the operations'; a longer one is cut, and says so. */
#define SG_HTML_MOST ((size_t)200)

/* The whole page. */
void sg_render_audit_html(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
void sg_render_rehearsal_html(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal,
                              const struct sg_audit_result *audit);

/* ---- the parts ---- */

/* A number of the summary; tone: "bad", "warn", "good" or "". */
void sg_html_tile(struct sg_buf *out, const char *tone, const char *head, const char *value, const char *note);
/* "DDL findings", by severity and rule. */
void sg_html_findings(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_audit_result *result);
/* "DML safety analysis". */
void sg_html_dml(struct sg_buf *out, const struct sg_audit_result *result);

/* How long each table was locked at the longest, by the mode of the lock. Nothing where no step locked any. */
void sg_html_locks(struct sg_buf *out, const struct sg_rehearsal *rehearsal);
/* The whole run, and a lane a step. */
void sg_html_timeline(struct sg_buf *out, const struct sg_rehearsal *rehearsal);
/* A step alone, by its own scale. */
void sg_html_lane(struct sg_buf *out, const struct sg_rehearsal_step *step);

#endif
