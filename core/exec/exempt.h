/* exempt.h - tables that a step may write to though it did not declare them: those
 * of extensions, and trigger_tables. For the probes (probe.h, writes.h). */
#ifndef SG_EXEMPT_H
#define SG_EXEMPT_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/exec/journal.h"
#include "core/manifest/manifest.h"

/* Appends a condition over c (pg_class) and n (its pg_namespace). What is in the state
 * schema is exempt by no setting. */
void sg_exempt_add(struct sg_buf *sql, const struct sg_manifest *manifest, const struct sg_step *step,
                   struct sg_arena *arena);
/* Notes such a table in the journal, once. */
void sg_exempt_note(struct sg_journal *journal, const char *schema, const char *name, struct sg_arena *arena);

#endif
