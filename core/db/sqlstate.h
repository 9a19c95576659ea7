/* sqlstate.h - what an error of the server, a pooler or libpq means for us.
 *
 * A pure function over a table, so that each row has its test. Sources: the
 * PostgreSQL documentation, appendix "PostgreSQL Error Codes"; libpq's way of
 * reporting lost connections (src/interfaces/libpq/fe-exec.c, fe-misc.c);
 * PgBouncer, whose own errors are all 08P01 without the field 'V'. */
#ifndef SG_SQLSTATE_H
#define SG_SQLSTATE_H

#include "core/base/base.h"
#include "core/base/class.h"

enum sg_phase { SG_PHASE_CONNECT, SG_PHASE_STATEMENT, SG_PHASE_COMMIT };

struct sg_report {
	enum sg_phase phase;
	const char *sqlstate; /* NULL or "": libpq itself speaks */
	const char *severity; /* as untranslated as it was sent; may be NULL */
	bool by_server;       /* it had the field 'V': PostgreSQL itself speaks, no pooler */
	bool bad;             /* PQstatus is CONNECTION_BAD */
	const char *schema;   /* PG_DIAG_SCHEMA_NAME or NULL */
	const char *message;  /* primary message or NULL; read only where no code tells apart */
	bool standby;         /* the server says in_hot_standby = on */
};

struct sg_verdict {
	enum sg_class class;
	bool dead;      /* the connection is of no more use */
	bool uncertain; /* phase COMMIT: it may have been committed */
};

struct sg_verdict sg_sqlstate_judge(const struct sg_report *report);
/* True for 53200 (out of shared memory): a second attempt may help, a third will not. */
bool sg_sqlstate_retry_once(const char *sqlstate);

#endif
