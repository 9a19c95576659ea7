/* said.h - what a server said, made into a struct sg_err. Pure; for core/db only. */
#ifndef SG_SAID_H
#define SG_SAID_H

#include "core/base/err.h"
#include "core/db/sqlstate.h"

/* The fields of an error message (PostgreSQL documentation, "Error and Notice
 * Message Fields"); NULL where not sent. */
struct sg_said {
	const char *sqlstate, *severity, *severity_plain; /* plain: field 'V', which no pooler sends */
	const char *primary, *detail, *hint, *context, *position;
	const char *schema, *table, *column, *type, *constraint;
	bool standby; /* it says of itself that it is one */
};

struct sg_verdict sg_said_judge(const struct sg_said *said, enum sg_phase phase, bool bad);
/* sql is what was running, or NULL to leave it out. Returns -1. */
int sg_said_fail(const struct sg_said *said, const struct sg_verdict *verdict, const char *sql, struct sg_err *err);
/* A connection that could not be had: libpq's message in PQERRORS_VERBOSE, which
 * is the only place where the SQLSTATE stands. password: the server wanted one
 * and got none. Returns -1. */
int sg_said_refused(const char *message, bool password, const char *where, struct sg_err *err);

#endif
