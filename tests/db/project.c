/* Projects under test: see project.h. */
#include "config.h"

#include "tests/db/project.h"

#include "tests/kit/tmp.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 24

struct project *project_new(struct sg_server *server, const char *template_db)
{
    static int number;
    struct project *project = calloc(1, sizeof *project);

    if (project == NULL)
        abort();
    sg_test_defer(free, project);
    project->server = server != NULL ? server : sg_server_shared();
    if (template_db == NULL) {
        project->db = sg_server_new_db(project->server);
    } else { /* goes with the server: dropping one takes longer than making it */
        struct sg_sql *admin = sg_sql_open(sg_server_conninfo(project->server, "postgres", NULL));

        project->db = sg_test_strf("copy%d", ++number);
        sg_sql_execf(admin, "CREATE DATABASE %s TEMPLATE %s", project->db, template_db);
        sg_sql_close(admin);
    }
    project->conninfo = sg_server_conninfo(project->server, project->db, NULL);
    project->dsn = sg_server_url(project->server, project->db, NULL);
    project->path = sg_test_built("tests/scripted");
    project->sql = sg_sql_open(project->conninfo);
    return project;
}

void project_set(struct project *project, const char *name, const char *value)
{
    const char *entry = sg_test_strf("%s=%s", name, value);
    size_t length = strlen(name) + 1;

    for (int i = 0; i < project->variables; i++)
        if (strncmp(project->env[i], entry, length) == 0) {
            project->env[i] = entry;
            return;
        }
    T_MUST(project->variables + 1 < (int)(sizeof project->env / sizeof project->env[0]));
    project->env[project->variables++] = entry;
}

static const char *or_nothing(const char *text)
{
    return text != NULL ? text : "";
}

void project_write(struct project *project, const char *sections)
{
    project_set(project, "SGTEST_DSN", project->dsn);
    project->manifest = sg_tmp_write(
        sg_test_strf("%s.ini", project->db),
        sg_test_strf("[sgrun]\nplugin_path = %s\n%s\n[database]\ndsn = ${SGTEST_DSN}\n%s\n%s%s\n%s", project->path,
                     or_nothing(project->sgrun), or_nothing(project->database), project->policy != NULL ? "[policy]\n" : "",
                     or_nothing(project->policy), sections));
}

void project_one(struct project *project, const char *id, const char *ddl)
{
    project_set(project, "SGTEST_DDL", ddl);
    project_write(project, sg_test_strf("[migration %s]\nplugin = %s\noption.ddl1 = ${SGTEST_DDL}\n"
                                        "option.fingerprint = SELECT 1 WHERE false\n", id, id));
}

struct sg_run *project_start_args(struct project *project, const char *const *args)
{
    const char *argv[MAX_ARGS] = {sg_test_built("sgrun"), "--manifest", project->manifest};
    int n = 3;

    T_MUST_NOT_NULL(project->manifest);
    for (int i = 0; args[i] != NULL; i++) {
        T_MUST(n + 1 < MAX_ARGS);
        argv[n++] = args[i];
    }
    argv[n] = NULL;
    return sg_run_start(&(struct sg_run_opts){.argv = argv, .env = project->env, .drop = project->drop});
}

struct sg_run_result project_run_args(struct project *project, const char *const *args)
{
    return sg_run_wait(project_start_args(project, args), 60000);
}

struct sg_run_result project_must_at(struct sg_here here, struct project *project, int status, const char *const *args)
{
    struct sg_run_result run = project_run_args(project, args);

    sg_test_check(here, false, run.exit == status, "exit status %d (signal %d), not %d; it said:\n%s%s", run.exit, run.signal, status,
                  run.out, run.err);
    return run;
}

static void free_json(void *arg)
{
    sg_json_free(arg);
}

struct sg_json *project_json(const struct sg_run_result *run)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_json *json = sg_json_parse(run->out, run->out_len, &err);

    if (json == NULL)
        T_FATAL("no JSON: %s\n%s%s", err.primary != NULL ? err.primary : "?", run->out, run->err);
    sg_err_release(&err);
    sg_test_defer(free_json, json);
    return json;
}

struct sg_json *project_error(const struct sg_run_result *run)
{
    struct sg_json *json = project_json(run), *migrations = sg_json_get(json, "migrations");

    for (size_t i = 0; i < sg_json_count(migrations); i++) {
        struct sg_json *error = sg_json_get(sg_json_at(migrations, i), "error");

        if (sg_json_is_object(error))
            return error;
    }
    return sg_json_at(sg_json_get(json, "errors"), 0);
}

const char *project_text(const struct sg_json *object, const char *key)
{
    const char *text = sg_json_text(sg_json_get(object, key));

    return text != NULL ? text : "";
}

static bool installed(struct project *project)
{
    return sg_sql_value(project->sql, "SELECT to_regclass('sgrun.lease')") != NULL;
}

const char *project_ledger(struct project *project)
{
    return installed(project) ? sg_sql_rows(project->sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id") : "";
}

const char *project_lease(struct project *project)
{
    const char *owner = installed(project) ? sg_sql_value(project->sql, "SELECT owner FROM sgrun.lease") : NULL;

    return owner != NULL ? owner : "";
}

const char *project_rows(struct project *project)
{
    const char *query = sg_sql_value(
        project->sql,
        "SELECT string_agg(format('SELECT %L, count(*)::text, md5(string_agg(x.xmin::text || x::text, '','' ORDER BY x::text)) FROM %s x',"
        " c.oid::regclass, c.oid::regclass), ' UNION ALL ')"
        " || ' UNION ALL SELECT ''lo'', count(*)::text, sum(hashtext(encode(data, ''hex'')))::text FROM pg_largeobject"
        " UNION ALL SELECT ''sequences'', string_agg(sequencename || coalesce(last_value, 0), '','' ORDER BY sequencename), NULL"
        " FROM pg_sequences WHERE schemaname <> ''sgrun'' ORDER BY 1'"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind IN ('r', 'm') AND relispopulated"
        " AND nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'sgrun') AND relname <> 'mark'");

    return query == NULL ? "" : sg_sql_rows(project->sql, query);
}
