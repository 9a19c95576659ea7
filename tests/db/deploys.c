/*
 * Deploys in tests, as deploys.h says.
 */
#include "config.h"

#include "tests/db/deploys.h"

#include "tests/kit/tmp.h"

#define MOST_ARGS 16

struct place place_new(struct sg_server *server, bool pooled, int pool_size)
{
    struct place place = {.server = server != NULL ? server : sg_server_shared()};

    place.db = sg_server_new_db(place.server);
    place.direct = sg_server_conninfo(place.server, place.db, NULL);
    place.dsn = place.direct;
    if (pooled) {
        place.bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
            .dir = sg_server_dir(place.server), .port = sg_server_port(place.server), .pool_size = pool_size});

        place.dsn = sg_pgbouncer_conninfo(place.bouncer, place.db, NULL);
    }
    place.sql = sg_sql_open(place.direct);
    return place;
}

static const char *lines(const char *text)
{
    return text != NULL ? text : "";
}

const char *manifest_new(const struct place *place, const struct manifest *what)
{
    static int number;

    return sg_tmp_write(sg_test_strf("m%d.ini", ++number),
                        sg_test_strf("[sgrun]\nplugin_path = %s\n%s\n"
                                     "[database]\ndsn = %s\n%s\n"
                                     "[policy]\nlock_pause_ms = 100\n%s\n"
                                     "%s\n",
                                     sg_test_built("tests/scripted"), lines(what->sgrun),
                                     what->dsn != NULL ? what->dsn : place->dsn, lines(what->database), lines(what->policy),
                                     lines(what->steps)));
}

const char *step(const char *id, const char *text)
{
    return sg_test_strf("[migration %s]\nplugin = %s\n%s\n", id, id, text);
}

/* "sgrun --manifest FILE ARGS" */
static void fill(const char **argv, const char *manifest, const char *const *args)
{
    size_t n = 0;

    argv[n++] = sg_test_built("sgrun");
    argv[n++] = "--manifest";
    argv[n++] = manifest;
    while (*args != NULL && n < MOST_ARGS)
        argv[n++] = *args++;
    argv[n] = NULL;
}

struct sg_run_result sgrun_args(const char *manifest, const char *const *args)
{
    const char *argv[MOST_ARGS + 1];

    fill(argv, manifest, args);
    return sg_run(&(struct sg_run_opts){.argv = argv});
}

struct sg_run *sgrun_start_args(const char *manifest, const char *const *args)
{
    const char *argv[MOST_ARGS + 1];

    fill(argv, manifest, args);
    return sg_run_start(&(struct sg_run_opts){.argv = argv});
}

struct sg_run_result ended_at(struct sg_here here, struct sg_run_result run, int status)
{
    sg_test_check(here, false, run.exit == status && !run.timed_out, "exit status %d%s instead of %d; stderr:\n%s\nstdout:\n%s",
                  run.exit, run.timed_out ? " (did not end)" : "", status, run.err, run.out);
    return run;
}

static bool installed(const struct place *place)
{
    return sg_sql_value(place->sql, "SELECT to_regclass('sgrun.lease')") != NULL;
}

const char *ledger(const struct place *place)
{
    if (!installed(place))
        return "";
    return sg_sql_rows(place->sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id");
}

const char *lease_owner(const struct place *place)
{
    if (!installed(place))
        return NULL;
    return sg_sql_value(place->sql, "SELECT owner FROM sgrun.lease WHERE name = 'migrate'");
}
