/* dsn.h - where a server is: a libpq URI or conninfo string, taken apart.
 *
 * PG* variables, service files and ~/.pgpass apply as in libpq; `options` and
 * PGOPTIONS are refused, since behind a pooler they are dropped in silence.
 * After sg_dsn_take_secrets() no password is left in our environment. */
#ifndef SG_DSN_H
#define SG_DSN_H

#include "core/base/arena.h"
#include "core/base/err.h"

struct sg_dsn {
	const char *const *keywords; /* NULL-terminated, for PQconnectStartParams */
	const char *const *values;
	const char *text;            /* for people: host, port, dbname, user; never the password */
	const char *database;        /* dbname, for status --json */
};

/* text is a URI, a conninfo string, or "" (only defaults and PG*). Errors:
 * SG_CLASS_MANIFEST; the message never repeats the text, which may hold a password. */
SG_MUST_CHECK int sg_dsn_parse(const char *text, struct sg_arena *arena, struct sg_dsn *dsn_r, struct sg_err *err);
/* Overwrites and removes PGPASSWORD and every environment variable whose value
 * is named in `names` (what the manifest took a DSN from). */
void sg_dsn_take_secrets(const char *const *names, size_t count);

#endif
