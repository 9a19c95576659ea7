/*
 * A project under test: a manifest in a folder of the test's own, a database, and the built sgrun run on both.
 *
 * SQL goes into the manifest by environment variables (`option.ddl1 = ${DDL1}`), so that a test writes it as it is. Everything
 * belongs to the running test.
 */
#ifndef SG_TESTS_DB_PROJECT_H
#define SG_TESTS_DB_PROJECT_H

#include "core/base/json.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

struct project {
    struct sg_server *server;
    const char *db;        /* the database's name */
    const char *conninfo;  /* as its owner and superuser */
    const char *dsn;       /* what the manifest says: the same as a URL, until the test writes another */
    const char *path;      /* plugin_path; at first the scripted ones */
    const char *sgrun;     /* further lines of [sgrun], [database], [policy]; or NULL */
    const char *database;
    const char *policy;
    struct sg_sql *sql;    /* a session on it */
    const char *manifest;  /* its path, once written */
    bool drop;             /* as root, run sgrun as an unprivileged user */
    int variables;
    const char *env[64];
};

/* On a new database, empty or a copy of TEMPLATE; SERVER NULL: the shared one. */
struct project *project_new(struct sg_server *server, const char *template_db);
/* Sets an environment variable of sgrun's. */
void project_set(struct project *project, const char *name, const char *value);
/* Writes the manifest: what the fields say, and then these sections. Again: writes it anew. */
void project_write(struct project *project, const char *sections);
/* Writes one section "[migration ID]" for a scripted plugin with this DDL, and nothing else. */
void project_one(struct project *project, const char *id, const char *ddl);

/* Runs sgrun on it: the command and its options. */
#define project_run(project, ...) project_run_args((project), (const char *const[]){__VA_ARGS__, NULL})
struct sg_run_result project_run_args(struct project *project, const char *const *args);
struct sg_run *project_start_args(struct project *project, const char *const *args);
/* Runs it, and states its exit status; shows all it said if it is another. */
#define project_must(project, status, ...) \
    project_must_at(SG_HERE_, (project), (status), (const char *const[]){__VA_ARGS__, NULL})
struct sg_run_result project_must_at(struct sg_here here, struct project *project, int status, const char *const *args);
/* What --json said, parsed; freed with the test. Ends the test if it is no JSON. */
struct sg_json *project_json(const struct sg_run_result *run);
/* The first error in it: a migration's, else the command's; NULL if there is none. And a text of an object, "" for what is not there. */
struct sg_json *project_error(const struct sg_run_result *run);
const char *project_text(const struct sg_json *object, const char *key);

/* "id|outcome" lines by id; "" without state tables. */
const char *project_ledger(struct project *project);
/* The lease's owner; "" if it is free, or was never made. */
const char *project_lease(struct project *project);
/* Every row of every table but sgrun's own and one named mark, with its version, large objects and sequences: another text if anything was written. */
const char *project_rows(struct project *project);

#endif
