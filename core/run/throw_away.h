/* throw_away.h - a private server that lives for one command, and the schema that is put into it: what a rehearsal and the test of
 * a plugin begin with. The real server is spoken to by pg_dump alone, and only if schema_from names it. */
#ifndef SG_RUN_THROW_AWAY_H
#define SG_RUN_THROW_AWAY_H

#include "core/db/db.h"
#include "core/manifest/manifest.h"
#include "core/rehearse/rehearsal.h"

struct sg_embedded;

struct sg_throw_away {
	/* the caller's: whose schema, role, state_schema, embedded_init and embedded_bindir hold */
	const struct sg_manifest *manifest;
	const char *schema_from;        /* a file or a connection string; NULL: embedded_init, else an empty database */
	struct sg_arena *arena;
	struct sg_rehearsal *rehearsal; /* gets server_version, schema_from, what was left out of it, what was filled */
	/* once it is there */
	struct sg_embedded *embedded;
	const char *folder;             /* for files of ours; goes with the server */
	const char *dsn;                /* of its database "postgres", as superuser; text may be added to it */
};

/* Starts the server, makes the manifest's role there (as superuser: what the real one may do is not known), loads the schema. */
SG_MUST_CHECK int sg_throw_away_start(struct sg_throw_away *server, struct sg_err *err);
/* dsn: the server's, or one of another of its databases. A signal ends what runs there. */
SG_MUST_CHECK int sg_throw_away_connect(const struct sg_throw_away *server, const char *dsn, struct sg_db **db_r,
                                        struct sg_err *err);
/* Made-up rows for its empty tables, and ANALYZE, as autovacuum would have made it. */
SG_MUST_CHECK int sg_throw_away_fill(struct sg_throw_away *server, const char *dsn, int64_t rows, struct sg_err *err);
/* The server's end, and that of its folder. */
void sg_throw_away_end(struct sg_throw_away *server);

#endif
