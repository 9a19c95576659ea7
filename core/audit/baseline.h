/* baseline.h - what an old tree is forgiven: a file of fingerprints of findings, so that only new ones count.
 *
 * A line each: 16 hexadecimal digits, a blank, and for people the rule and the place. The digits are of the SHA-256 of migration
 * id, rule (or "dml:" and kind), and the statement with its blanks folded: they stay when lines move, files are renamed in front
 * of the id, or other statements change. Several equal ones are told apart by a count. Lines that begin with # are comments. */
#ifndef SG_AUDIT_BASELINE_H
#define SG_AUDIT_BASELINE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"

struct sg_baseline;

/* Reads it. SG_CLASS_MANIFEST with file and line for a line that is none. At most 16 MiB. */
SG_MUST_CHECK int sg_baseline_read(const char *path, struct sg_arena *arena, struct sg_baseline **baseline_r,
                                   struct sg_err *err);
/* Is that finding in it? Each line counts once: of two equal findings and one line, the first is known. NULL: none is. */
bool sg_baseline_known(struct sg_baseline *baseline, const char *migration, const char *rule, const char *statement);
/* How many lines met no finding: they may be taken out. */
size_t sg_baseline_unmet(const struct sg_baseline *baseline);
/* A line for a finding, as read above. place: "path:line". */
void sg_baseline_line(struct sg_buf *out, const char *migration, const char *rule, const char *statement, const char *place);

#endif
