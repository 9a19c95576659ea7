/*
 * The example's migrations: the legacy database, etc/prod.ini and the plugins as they were built. What is reconciled, what is half
 * there, what has to wait, and that no migration touches a row. Its backfills are tested in test_crm_backfills.c.
 */
#include "config.h"

#include "tests/db/crm.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

/* Its migrations alone, with nothing in the way of 0113; EXTRA is one more argument, or NULL. */
static struct sg_run_result migrate(const struct crm *crm, const char *extra)
{
    return crm_run(crm, "migrate", CRM_NO_GATE, extra);
}

/* A copy in which nothing is in the way of 0113. */
static struct crm cleaned(void)
{
    struct crm crm = crm_new();

    crm_clean_jobs(&crm);
    return crm;
}

SG_TEST(brings_the_legacy_database_up_to_date)
{
    struct crm crm = cleaned();
    const char *before = crm_row_versions(&crm);
    struct sg_run_result run = migrate(&crm, NULL);

    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    T_EQ_STR(crm_ledger(&crm), crm_all_recorded);
    T_EQ_STR(crm_row_versions(&crm), before);
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
    struct crm crm = cleaned();
    const char *first;

    T_MUST_EQ_INT(migrate(&crm, NULL).exit, 0);
    first = sg_sql_rows(crm.sql, "SELECT t::text FROM sgrun.schema_migrations t ORDER BY id");
    T_EQ_INT(migrate(&crm, NULL).exit, 0);
    T_EQ_STR(sg_sql_rows(crm.sql, "SELECT t::text FROM sgrun.schema_migrations t ORDER BY id"), first);
}

SG_TEST(what_was_allowed_by_hand_stays_allowed)
{
    struct crm crm = cleaned();

    T_MUST_EQ_INT(migrate(&crm, NULL).exit, 0);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT convalidated FROM pg_constraint WHERE conrelid = 'messages'::regclass"
                                   " AND conname = 'messages_channel_check'"),
             "t");
    sg_sql_expect(crm.sql, "INSERT INTO messages (business_id, channel) VALUES (1, 'whatsapp'), (1, 'voicemail'), (1, 'sms')", "");
    sg_sql_expect(crm.sql, "INSERT INTO messages (business_id, channel) VALUES (1, 'fax')", "23514");
}

SG_TEST(waits_for_the_workers_and_goes_on_later)
{
    struct crm crm = cleaned();
    struct sg_sql *worker = sg_sql_hold(crm.conninfo, "SELECT 1 FROM outbound_call_runs WHERE id = 1 FOR UPDATE");
    int pid = sg_sql_pid(worker);
    struct sg_run_result run = migrate(&crm, "--set=policy.lock_seconds=1");

    T_EQ_INT(run.exit, 4);
    T_CONTAINS(run.err, sg_test_strf("%d", pid));
    T_CONTAINS(run.err, "0114_outbound_call_runs_lock_ts");
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM sgrun.schema_migrations"), 11);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0113_unique_run_lead");
    sg_sql_close(worker);
    T_EQ_INT(migrate(&crm, NULL).exit, 0);
    T_EQ_STR(crm_ledger(&crm), crm_all_recorded);
}

SG_TEST(half_there_with_another_type_is_a_failure)
{
    struct crm crm = cleaned();
    struct sg_run_result run;

    sg_sql_exec(crm.sql, "ALTER TABLE call_log DROP COLUMN summary, ADD COLUMN summary varchar(20)");
    run = migrate(&crm, NULL);
    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.err, "0110_call_log_outcome");
    T_CONTAINS(run.err, "character varying(20)");
    T_CONTAINS(run.err, "text");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0102_business_tts_provider");
    /* the column of its first statement is gone with it */
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'call_log'::regclass AND attname = 'outcome'"), 0);
    sg_sql_exec(crm.sql, "ALTER TABLE call_log ALTER COLUMN summary TYPE text");
    T_EQ_INT(migrate(&crm, NULL).exit, 0);
    T_EQ_STR(crm_ledger(&crm), crm_all_recorded);
}

SG_TEST(duplicates_stop_the_unique_constraint)
{
    struct crm crm = crm_new();
    struct sg_run_result run = migrate(&crm, NULL);

    T_EQ_INT(run.exit, 1);
    T_CONTAINS(run.err, "23505");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0110_call_log_outcome");
    crm_clean_jobs(&crm);
    T_EQ_INT(migrate(&crm, NULL).exit, 0);
    T_EQ_STR(crm_ledger(&crm), crm_all_recorded);
}

/* Which is what its gate is for; and migrations alone do not open it. */
SG_TEST(the_unique_constraint_waits_for_its_backfill)
{
    struct crm crm = crm_new();
    struct sg_run_result run = crm_run(&crm, "migrate");

    T_EQ_INT(run.exit, 3);
    T_CONTAINS(run.out, "backfill:clean_outbound_call_jobs");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT max(id) FROM sgrun.schema_migrations"), "0110_call_log_outcome");
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM outbound_call_jobs"), 20614);
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
        T_CONTAINS(run.out, round == 1 ? "Backfills: 16 complete" : "Backfills: 16 already complete");
        T_CONTAINS(run.out, round == 1 ? "Indexes: 32 built (" : "Indexes: 34 already valid");
        T_LACKS(run.out, "FAILED");
    }
}

static const struct sg_test tests[] = {SG_CASE(brings_the_legacy_database_up_to_date),
                                       SG_CASE(a_second_run_skips_all),
                                       SG_CASE(what_was_allowed_by_hand_stays_allowed),
                                       SG_CASE(waits_for_the_workers_and_goes_on_later),
                                       SG_CASE(half_there_with_another_type_is_a_failure),
                                       SG_CASE(duplicates_stop_the_unique_constraint),
                                       SG_CASE(the_unique_constraint_waits_for_its_backfill),
                                       SG_CASE(the_demo_makes_its_own_server),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"example", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
