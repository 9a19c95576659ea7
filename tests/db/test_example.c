/*
 * The example from end to end: the legacy database, etc/prod.ini and the migrations as they were built. What is reconciled, what is
 * half there, what has to wait, and that no migration touches a row.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

/* A fresh copy of the legacy database, which is loaded once. */
struct crm {
    const char *url, *conninfo;
    struct sg_sql *sql;
};

static struct crm crm_new(void)
{
    static bool loaded;
    struct sg_server *server = sg_server_shared();
    struct sg_sql *admin = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    const char *db = sg_server_new_db(server);
    struct crm crm = {.url = sg_server_url(server, db, NULL), .conninfo = sg_server_conninfo(server, db, NULL)};

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

/* Runs the built sgrun on it; EXTRA is one more argument, or NULL. */
static struct sg_run_result sgrun(const struct crm *crm, const char *extra)
{
    return sg_run(&(struct sg_run_opts){
        .argv = (const char *const[]){sg_test_built("sgrun"), "--manifest", sg_test_source("etc/prod.ini"), "--set",
                                      sg_test_strf("sgrun.plugin_path=%s", sg_test_built("migrations")), extra, NULL},
        .env = (const char *const[]){sg_test_strf("DATABASE_URL=%s", crm->url), NULL}});
}

/* Lines "id|outcome", in order of their numbers. */
static const char *ledger(const struct crm *crm)
{
    return sg_sql_rows(crm->sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id");
}

/* For each table the sum of its rows' versions: another one if a row was inserted, updated or deleted. */
static const char *row_versions(const struct crm *crm)
{
    return sg_sql_rows(crm->sql, sg_sql_value(crm->sql,
        "SELECT string_agg(format('SELECT %L, count(*), sum(xmin::text::bigint), sum(xmax::text::bigint) FROM %s', c.oid::regclass,"
        " c.oid::regclass), ' UNION ALL ') || ' ORDER BY 1' FROM pg_class c WHERE relkind = 'r' AND"
        " relnamespace IN ('public'::regnamespace, 'archive'::regnamespace)"
        " AND relname NOT IN ('notes', 'business_calendars', 'calendar_routing_rules')"));
}

static const char all_done[] =
    "0011_leads_order_index|applied\n0061_business_timezone|reconciled\n0071_notes|applied\n0080_messages_channel|applied\n"
    "0081_business_language|applied\n0084_receipts_currency|applied\n0090_receipts_source|applied\n0096_lead_name|applied\n"
    "0102_business_tts_provider|reconciled\n0110_call_log_outcome|applied\n0113_unique_run_lead|applied\n"
    "0114_outbound_call_runs_lock_ts|applied\n0115_business_calendars|applied\n0117_leads_activity|applied";

SG_TEST(brings_the_legacy_database_up_to_date)
{
    struct crm crm = crm_new();
    const char *before = row_versions(&crm);
    struct sg_run_result run = sgrun(&crm, NULL);

    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    T_EQ_STR(ledger(&crm), all_done);
    T_EQ_STR(row_versions(&crm), before);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                                   " WHERE attrelid = 'leads'::regclass AND attname = 'name'"),
             "character varying(255)");
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM pg_constraint WHERE conname = 'unique_run_lead'"), 2);
    /* 0115 brings no index but primary keys */
    T_EQ_STR(sg_sql_rows(crm.sql, "SELECT indexrelid::regclass FROM pg_index WHERE indrelid IN"
                                  " ('business_calendars'::regclass, 'calendar_routing_rules'::regclass) ORDER BY 1"),
             "business_calendars_pkey\ncalendar_routing_rules_pkey");
}

SG_TEST(a_second_run_skips_all)
{
    struct crm crm = crm_new();
    const char *first;

    T_MUST_EQ_INT(sgrun(&crm, NULL).exit, 0);
    first = sg_sql_rows(crm.sql, "SELECT t::text FROM sgrun.schema_migrations t ORDER BY id");
    T_EQ_INT(sgrun(&crm, NULL).exit, 0);
    T_EQ_STR(sg_sql_rows(crm.sql, "SELECT t::text FROM sgrun.schema_migrations t ORDER BY id"), first);
}

SG_TEST(what_was_allowed_by_hand_stays_allowed)
{
    struct crm crm = crm_new();

    T_MUST_EQ_INT(sgrun(&crm, NULL).exit, 0);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT convalidated FROM pg_constraint WHERE conrelid = 'messages'::regclass"
                                   " AND conname = 'messages_channel_check'"),
             "t");
    sg_sql_expect(crm.sql, "INSERT INTO messages (business_id, channel) VALUES (1, 'whatsapp'), (1, 'voicemail'), (1, 'sms')", "");
    sg_sql_expect(crm.sql, "INSERT INTO messages (business_id, channel) VALUES (1, 'fax')", "23514");
}

SG_TEST(waits_for_the_workers_and_goes_on_later)
{
    struct crm crm = crm_new();
    struct sg_sql *worker = sg_sql_hold(crm.conninfo, "SELECT 1 FROM outbound_call_runs WHERE id = 1 FOR UPDATE");
    int pid = sg_sql_pid(worker);
    struct sg_run_result run = sgrun(&crm, "--set=policy.lock_seconds=1");

    T_EQ_INT(run.exit, 4);
    T_CONTAINS(run.err, sg_test_strf("%d", pid));
    T_CONTAINS(run.err, "0114_outbound_call_runs_lock_ts");
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM sgrun.schema_migrations"), 11);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0113_unique_run_lead");
    sg_sql_close(worker);
    T_EQ_INT(sgrun(&crm, NULL).exit, 0);
    T_EQ_STR(ledger(&crm), all_done);
}

SG_TEST(half_there_with_another_type_is_a_failure)
{
    struct crm crm = crm_new();
    struct sg_run_result run;

    sg_sql_exec(crm.sql, "ALTER TABLE call_log DROP COLUMN summary, ADD COLUMN summary varchar(20)");
    run = sgrun(&crm, NULL);
    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.err, "0110_call_log_outcome");
    T_CONTAINS(run.err, "character varying(20)");
    T_CONTAINS(run.err, "text");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0102_business_tts_provider");
    /* the column of its first statement is gone with it */
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'call_log'::regclass AND attname = 'outcome'"), 0);
    sg_sql_exec(crm.sql, "ALTER TABLE call_log ALTER COLUMN summary TYPE text");
    T_EQ_INT(sgrun(&crm, NULL).exit, 0);
    T_EQ_STR(ledger(&crm), all_done);
}

SG_TEST(duplicates_stop_the_unique_constraint)
{
    struct crm crm = crm_new();
    struct sg_run_result run;

    sg_sql_exec(crm.sql, "INSERT INTO outbound_call_jobs (run_id, lead_id) SELECT run_id, lead_id FROM outbound_call_jobs WHERE id = 7");
    run = sgrun(&crm, NULL);
    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.err, "23505");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0110_call_log_outcome");
    sg_sql_exec(crm.sql, "DELETE FROM outbound_call_jobs WHERE id > 20000");
    T_EQ_INT(sgrun(&crm, NULL).exit, 0);
    T_EQ_STR(ledger(&crm), all_done);
}

SG_TEST(the_demo_makes_its_own_server)
{
    const char *folder = sg_test_strf("%s/demo", sg_tmp_dir());
    struct sg_run_result run;

    for (int round = 1; round <= 2; round++) {
        run = sg_run_args(sg_test_built("sgrun"), "--manifest", sg_test_built("etc/demo.ini"), "--set",
                          sg_test_strf("database.dsn=embedded:%s", folder));
        T_EQ_STR(run.exit == 0 ? "" : run.err, "");
        T_CONTAINS(run.out, round == 1 ? "12 applied, 2 reconciled" : "14 migrations already recorded");
    }
}

static const struct sg_test tests[] = {SG_CASE(brings_the_legacy_database_up_to_date),
                                       SG_CASE(a_second_run_skips_all),
                                       SG_CASE(what_was_allowed_by_hand_stays_allowed),
                                       SG_CASE(waits_for_the_workers_and_goes_on_later),
                                       SG_CASE(half_there_with_another_type_is_a_failure),
                                       SG_CASE(duplicates_stop_the_unique_constraint),
                                       SG_CASE(the_demo_makes_its_own_server),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"example", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
