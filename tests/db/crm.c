#include "config.h"

#include "tests/db/crm.h"
#include "tests/kit/server.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

struct crm crm_new(void)
{
    static bool loaded;
    struct sg_server *server = sg_server_shared();
    struct sg_sql *admin = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    const char *db = sg_server_new_db(server);
    struct crm crm = {.db = db, .url = sg_server_url(server, db, NULL), .conninfo = sg_server_conninfo(server, db, NULL)};

    if (!loaded) {
        struct sg_sql *first;
        const char *script = sg_tmp_read(sg_test_source("etc/demo-legacy.sql"));

        T_MUST_NOT_NULL(script);
        sg_sql_exec(admin, "CREATE DATABASE legacy TEMPLATE template0");
        first = sg_sql_open(sg_server_conninfo(server, "legacy", NULL));
        sg_sql_exec(first, script);
        sg_sql_close(first);
        loaded = true;
    }
    sg_sql_execf(admin, "DROP DATABASE %s", db);
    sg_sql_execf(admin, "CREATE DATABASE %s TEMPLATE legacy", db);
    sg_sql_close(admin);
    crm.sql = sg_sql_open(crm.conninfo);
    return crm;
}

#define MOST_ARGS 32

/* What runs it: the program, its manifest with the plugins as built, its environment; then these arguments. */
struct command {
    const char *argv[MOST_ARGS], *env[2];
    struct sg_run_opts opts;
};

static void command_init(struct command *command, const struct crm *crm, const char *const *args)
{
    size_t count = 0;

    *command = (struct command){.env = {sg_test_strf("DATABASE_URL=%s", crm->url)}};
    command->argv[count++] = sg_test_built("sgrun");
    command->argv[count++] = "--manifest";
    command->argv[count++] = sg_test_source("etc/prod.ini");
    command->argv[count++] = "--set";
    command->argv[count++] = sg_test_strf("sgrun.plugin_path=%s %s", sg_test_built("migrations"), sg_test_built("backfills"));
    for (; *args != NULL; args++) {
        T_MUST(count < MOST_ARGS - 1);
        command->argv[count++] = *args;
    }
    command->opts = (struct sg_run_opts){.argv = command->argv, .env = command->env};
}

struct sg_run_result crm_run_args(const struct crm *crm, const char *const *args)
{
    struct command command;

    command_init(&command, crm, args);
    return sg_run(&command.opts);
}

struct sg_run *crm_start_args(const struct crm *crm, const char *const *args)
{
    struct command command;

    command_init(&command, crm, args);
    return sg_run_start(&command.opts);
}

void crm_clean_jobs(const struct crm *crm)
{
    sg_sql_exec(crm->sql, "DELETE FROM outbound_call_jobs WHERE id > 20000");
}

const char *crm_ledger(const struct crm *crm)
{
    return sg_sql_rows(crm->sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id");
}

const char *crm_row_versions(const struct crm *crm)
{
    return sg_sql_rows(crm->sql, sg_sql_value(crm->sql,
        "SELECT string_agg(format('SELECT %L, count(*), sum(xmin::text::bigint), sum(xmax::text::bigint) FROM %s', c.oid::regclass,"
        " c.oid::regclass), ' UNION ALL ') || ' ORDER BY 1' FROM pg_class c WHERE relkind = 'r' AND"
        " relnamespace IN ('public'::regnamespace, 'archive'::regnamespace)"
        " AND relname NOT IN ('notes', 'business_calendars', 'calendar_routing_rules')"));
}

const char crm_all_recorded[] =
    "0011_leads_order_index|applied\n0061_business_timezone|reconciled\n0071_notes|applied\n0080_messages_channel|applied\n"
    "0081_business_language|applied\n0084_receipts_currency|applied\n0090_receipts_source|applied\n0096_lead_name|applied\n"
    "0102_business_tts_provider|reconciled\n0110_call_log_outcome|applied\n0113_unique_run_lead|applied\n"
    "0114_outbound_call_runs_lock_ts|applied\n0115_business_calendars|applied\n0117_leads_activity|applied";
