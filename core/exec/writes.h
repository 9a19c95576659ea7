/* writes.h - the server's word on which tables a batch wrote to.
 *
 * As probe.h, for backfills: ROW EXCLUSIVE held by this backend on a table means
 * that rows of it were written, or tried to be. Allowed are the declared table and
 * those of also_writes; a partition counts as its topmost parent. */
#ifndef SG_WRITES_H
#define SG_WRITES_H

#include "core/exec/executor.h"

struct sg_writes {
	const char *oids;   /* what may be written, with its parts if they are few, as the text of oid[] */
	const char *ours;   /* our own tables, likewise */
	const char *shared; /* those of them that a batch's claim locks */
	const char *shown;  /* for people: "public.leads, public.notes" */
};

/* table: the declared one (its oid), or 0 in drain mode. Names of also_writes, as
 * the server keeps them, are looked up in the open transaction; one that does not exist is
 * SG_CLASS_MANIFEST at the step's line. */
SG_MUST_CHECK int sg_writes_learn(struct sg_session *session, const struct sg_step *step, uint32_t table,
                                  struct sg_arena *arena, struct sg_writes *writes_r, struct sg_err *err);

/* CLOSE ALL, deferred triggers now, the guards of the batch again where the plugin may have
 * undone them, role and search_path taken back, then the look.
 * Anything else written, a lock that only DDL, TRUNCATE or LOCK take, or one above ROW SHARE on one of our own tables (ROW SHARE is
 * legal on backfills and backfill_ranges only): SG_CLASS_POLICY, naming the
 * tables, the way there as far as it can be told (cascade, trigger), and the
 * `also_writes =` line with all that it should hold. */
SG_MUST_CHECK int sg_writes_ask(struct sg_executor *executor, const struct sg_writes *writes, struct sg_err *err);

#endif
