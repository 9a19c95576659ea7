/* conninfo.h - what dsn.c, target.c and open.c share with db.c, the only door to libpq. */
#ifndef SG_CONNINFO_H
#define SG_CONNINFO_H

#include "core/base/arena.h"
#include "core/db/db.h"

struct sg_conninfo {
	const char *keyword;
	const char *value; /* never NULL or "" */
	bool given;        /* by the text, a service file or the environment; else libpq's default */
};

/* The text (URI, conninfo or "") over service file over PG* variables over
 * libpq's defaults. -1 if libpq cannot read it (why is not said: it may repeat a password). */
SG_MUST_CHECK int sg_conninfo_read(const char *text, struct sg_arena *arena, struct sg_conninfo **list_r,
                                   size_t *count_r);

/* One place to try: arrays for PQconnectStartParams, and its name for people. */
struct sg_target {
	const char *const *keywords;
	const char *const *values;
	const char *text;
};

/* libpq's asynchronous connect spends the whole time on the first address that
 * does not answer; so each host, and each address of a host, is a target of its
 * own. Names that cannot be resolved stay as they are: libpq says it best. */
size_t sg_dsn_targets(const struct sg_dsn *dsn, struct sg_arena *arena, struct sg_target **targets_r);
/* The dsn with one keyword replaced or added. */
void sg_dsn_put(struct sg_dsn *dsn, struct sg_arena *arena, const char *keyword, const char *value);
const char *sg_dsn_get(const struct sg_dsn *dsn, const char *keyword); /* NULL if not there */

/* One attempt at one place, until the deadline; the session has been checked. */
SG_MUST_CHECK int sg_db_attempt(struct sg_db **db_r, const struct sg_target *target, int64_t deadline,
                                struct sg_err *err);
/* Version and parameters as sg_db_open promises, or SG_CLASS_STATE. */
SG_MUST_CHECK int sg_session_check(const struct sg_db *db, struct sg_err *err);
/* That they still are as then; else SG_CLASS_POLICY. Asks nobody: the server reports them. */
SG_MUST_CHECK int sg_session_kept(const struct sg_db *db, struct sg_err *err);

#endif
