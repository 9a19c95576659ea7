/*
 * Deploys in tests: a manifest of scripted migrations (tests/scripted) for a database of the test's own, and the built sgrun run on
 * it, to its end or in the background.
 *
 * Everything belongs to the running test.
 */
#ifndef SG_TESTS_DB_DEPLOYS_H
#define SG_TESTS_DB_DEPLOYS_H

#include "tests/kit/pgbouncer.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

/* A database of the shared server, or of a server of the test's own. */
struct place {
    struct sg_server *server;
    const char *db;       /* its name */
    const char *direct;   /* conninfo of the superuser, straight to the server */
    const char *dsn;      /* what manifests say: the same, or through a PgBouncer in transaction mode */
    struct sg_sql *sql;   /* a session of the test's own, straight */
    struct sg_pgbouncer *bouncer; /* or NULL */
};

/* SERVER NULL: the shared one. POOLED: a PgBouncer of its own before it, with POOL_SIZE server connections (0: 20). */
struct place place_new(struct sg_server *server, bool pooled, int pool_size);

/* Lines of the manifest's sections besides what is always there; NULL: none. */
struct manifest {
    const char *dsn;      /* as it is written; NULL: the place's */
    const char *sgrun, *database, *policy;
    const char *steps;    /* whole sections */
};

/* Writes it; gives its path. */
const char *manifest_new(const struct place *place, const struct manifest *what);

/* "[migration ID]" with its plugin and these lines, which may be "". */
const char *step(const char *id, const char *lines);

/* Runs the built sgrun on a manifest, with a command and its options; or starts it. */
#define sgrun(manifest, ...) sgrun_args((manifest), (const char *const[]){__VA_ARGS__, NULL})
#define sgrun_start(manifest, ...) sgrun_start_args((manifest), (const char *const[]){__VA_ARGS__, NULL})
struct sg_run_result sgrun_args(const char *manifest, const char *const *args);
struct sg_run *sgrun_start_args(const char *manifest, const char *const *args);

/* States the exit status, showing stderr if it is another; gives the result. */
#define ended(run, status) ended_at(SG_HERE_, (run), (status))
struct sg_run_result ended_at(struct sg_here here, struct sg_run_result run, int status);

/* Lines "id|outcome", by id; "" without state tables. */
const char *ledger(const struct place *place);
/* The owner of the lease; NULL if it is free. */
const char *lease_owner(const struct place *place);

#endif
