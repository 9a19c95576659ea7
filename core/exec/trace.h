/* trace.h - who wants to see what each statement of a migration does: a rehearsal, and nobody else.
 *
 * Its members are called in the process that runs the migrations, on the session that sends them and in
 * their transaction. Each may be NULL, and so may the run's trace. What takes an err may fail as a
 * statement may: the attempt is then rolled back. */
#ifndef SG_TRACE_H
#define SG_TRACE_H

#include "core/db/db.h"
#include "core/exec/context.h"

struct sg_trace {
	void *context;
	/* An attempt begins; what was seen of an earlier one was rolled back. */
	void (*begun)(void *context, const struct sg_step *step);
	/* The fingerprint was asked: of a migration or a backfill, before its work or after. */
	void (*asked)(void *context, const struct sg_step *step, bool holds);
	/* The next statement of run is about to be sent. outside: in no transaction. */
	int (*before)(void *context, const struct sg_step *step, struct sg_db *db, bool outside, struct sg_err *err);
	/* It has succeeded, or passed as "already exists". sql: secrets masked; both texts live as long as the attempt. */
	int (*after)(void *context, const struct sg_step *step, struct sg_db *db, const char *kind, const char *sql,
	             bool existed, struct sg_err *err);
	/* The attempt's transaction was committed just now. */
	void (*committed)(void *context, const struct sg_step *step);
};

/* These call what is there. */
void sg_trace_begun(const struct sg_run *run, const struct sg_step *step);
void sg_trace_asked(const struct sg_run *run, const struct sg_step *step, bool holds);
SG_MUST_CHECK int sg_trace_before(const struct sg_run *run, const struct sg_step *step, struct sg_db *db, bool outside,
                                  struct sg_err *err);
SG_MUST_CHECK int sg_trace_after(const struct sg_run *run, const struct sg_step *step, struct sg_db *db, const char *kind,
                                 const char *sql, bool existed, struct sg_err *err);
void sg_trace_committed(const struct sg_run *run, const struct sg_step *step);

#endif
