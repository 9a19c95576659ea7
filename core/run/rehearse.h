/* rehearse.h - the whole manifest on a server of its own that is thrown away, with a trace of every statement. */
#ifndef SG_RUN_REHEARSE_H
#define SG_RUN_REHEARSE_H

#include "core/exec/observer.h"
#include "core/manifest/manifest.h"
#include "core/rehearse/rehearsal.h"

struct sg_rehearse_options {
	const char *schema_from; /* a file or a connection string; NULL: the manifest's embedded_init, else an empty database */
	int64_t rows;            /* a table; 0: none */
	bool statements_only;    /* for audit: indexes and backfills run only where a gate needs them, and nothing is measured */
};

/* Runs the whole manifest (migrations, indexes, backfills, in deploy's rounds) on a server of its own in a temporary folder that
 * is gone afterwards, whatever happens. The manifest's own server is never spoken to. What fails there is in the step; -1 only
 * where there is nothing to report (no PostgreSQL, no schema, refused plugins): errs. */
SG_MUST_CHECK int sg_rehearse(const struct sg_manifest *manifest, const struct sg_observer *observer,
                              const struct sg_rehearse_options *options, struct sg_arena *arena,
                              struct sg_rehearsal *rehearsal_r, struct sg_errs *errs);

#endif
