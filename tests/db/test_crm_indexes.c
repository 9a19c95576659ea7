/*
 * The example's indexes: one deploy of the legacy database leaves every listed one valid, the unique ones only after the clean-ups
 * that they need; another deploy changes nothing.
 */
#include "config.h"

#include "tests/db/crm.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <string.h>

/* The names of the sections [index NAME] of etc/prod.ini, as a list of literals; how many there are. */
static const char *listed(int *count_r)
{
    const char *list = "";
    int count = 0;

    for (const char *at = sg_tmp_read(sg_test_source("etc/prod.ini")); (at = strstr(at, "\n[index ")) != NULL; at += 8, count++)
        list = sg_test_strf("%s%s'%.*s'", list, count ? ", " : "", (int)strcspn(at + 8, "]"), at + 8);
    T_MUST(count > 25);
    if (count_r != NULL)
        *count_r = count;
    return list;
}

/* Each index of the application with its definition, whether it can be used, and what tells it from one that was made anew. */
static const char *all_indexes(const struct crm *crm)
{
    return sg_sql_rows(crm->sql, "SELECT c.oid, c.relfilenode, pg_get_indexdef(c.oid), indisvalid, indisready, indislive FROM pg_index i"
                                 " JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace ORDER BY c.relname");
}

static void deploy(const struct crm *crm)
{
    struct sg_run_result run = crm_run(crm, "deploy", "--strict");

    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    T_MUST_EQ_INT(run.exit, 0);
}

static void all_are_valid(const struct crm *crm)
{
    int count;
    const char *names = listed(&count);

    T_EQ_STR(sg_sql_rows(crm->sql, sg_test_strf(
        "SELECT n FROM unnest(ARRAY[%s]) n WHERE NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = indexrelid"
        " WHERE relname = n AND relnamespace = 'public'::regnamespace AND indisvalid AND indisready AND indislive)", names)), "");
    T_EQ_STR(sg_sql_rows(crm->sql, sg_test_strf("SELECT n, state FROM unnest(ARRAY[%s]) n LEFT JOIN sgrun.indexes ON name = n"
                                                " WHERE state IS DISTINCT FROM 'valid'", names)), "");
    T_EQ_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM sgrun.indexes"), count);
    /* no claim lives on, and nothing is left behind, whatever its name */
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT name, owner FROM sgrun.indexes WHERE owner IS NOT NULL"), "");
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)"), "");
}

/* As the server understood them: a few of each kind. */
static void definitions_are_as_written(const struct crm *crm)
{
    static const struct {
        const char *name, *definition;
    } each[] = {
        {"idx_business_calendars_priority", "INDEX idx_business_calendars_priority ON public.business_calendars USING btree (business_id, priority)"},
        {"uq_call_log_call_sid", "UNIQUE INDEX uq_call_log_call_sid ON public.call_log USING btree (call_sid) WHERE ((call_sid)::text <> ''::text)"},
        {"idx_leads_business_name", "INDEX idx_leads_business_name ON public.leads USING btree (business_id, lower((name)::text) text_pattern_ops)"
                                    " WHERE (deleted_at IS NULL)"},
        {"idx_leads_board", "INDEX idx_leads_board ON public.leads USING btree (business_id, status, order_index, id) WITH (fillfactor='80')"
                            " WHERE (deleted_at IS NULL)"},
        {"idx_leads_business_activity", "INDEX idx_leads_business_activity ON public.leads USING btree (business_id, last_activity_at DESC NULLS LAST)"
                                        " WHERE ((deleted_at IS NULL) AND (NOT do_not_contact))"},
        {"idx_call_log_raw", "INDEX idx_call_log_raw ON public.call_log USING gin (raw jsonb_path_ops) WHERE (raw IS NOT NULL)"},
        {"idx_messages_created", "INDEX idx_messages_created ON public.messages USING brin (created_at) WITH (pages_per_range='32', autosummarize='on')"},
        {"idx_appointments_business_starts", "INDEX idx_appointments_business_starts ON public.appointments USING btree (business_id, starts_at)"
                                             " INCLUDE (ends_at, status)"},
        {"idx_outbound_call_runs_running", "INDEX idx_outbound_call_runs_running ON public.outbound_call_runs USING btree (lock_ts NULLS FIRST, id)"
                                           " WHERE ((started_at IS NOT NULL) AND (finished_at IS NULL))"},
    };

    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        T_EQ_STR(sg_sql_value(crm->sql, sg_test_strf("SELECT pg_get_indexdef('%s'::regclass)", each[i].name)),
                 sg_test_strf("CREATE %s", each[i].definition));
}

/* The webhook that comes twice is refused from now on; what has no id may come as often as it likes. */
static void nothing_comes_twice(const struct crm *crm)
{
    static const char *const rows[] = {
        "INSERT INTO messages (business_id, channel, provider_msg_id) VALUES (1, 'sms', ",
        "INSERT INTO call_log (business_id, started_at, call_sid) VALUES (1, now(), ",
        "INSERT INTO whatsapp_message (business_id, provider_message_id) VALUES (1, "};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int round = 0; round < 2; round++) {
            sg_sql_exec(crm->sql, sg_test_strf("%s'')", rows[i]));
            sg_sql_exec(crm->sql, sg_test_strf("%sNULL)", rows[i]));
        }
        sg_sql_exec(crm->sql, sg_test_strf("%s'test-twice')", rows[i]));
        sg_sql_expect(crm->sql, sg_test_strf("%s'test-twice')", rows[i]), "23505");
    }
    /* the sandbox's id is another business's message */
    sg_sql_exec(crm->sql, "INSERT INTO whatsapp_message (business_id, provider_message_id) VALUES (2, 'test-twice')");
}

SG_TEST(one_deploy_makes_them_all)
{
    struct crm crm = crm_new();
    const char *there = sg_sql_rows(crm.sql, "SELECT 'idx_leads_phone'::regclass::oid, 'idx_messages_lead_id'::regclass::oid"), *all, *rows;

    deploy(&crm);
    T_EQ_STR(crm_ledger(&crm), crm_all_recorded);
    all_are_valid(&crm);
    definitions_are_as_written(&crm);
    /* what was there already is the same one */
    T_EQ_STR(sg_sql_rows(crm.sql, "SELECT 'idx_leads_phone'::regclass::oid, 'idx_messages_lead_id'::regclass::oid"), there);
    all = all_indexes(&crm);
    rows = sg_sql_rows(crm.sql, "SELECT i::text, xmin FROM sgrun.indexes i ORDER BY name");

    deploy(&crm);
    all_are_valid(&crm);
    T_EQ_STR(all_indexes(&crm), all);
    T_EQ_STR(sg_sql_rows(crm.sql, "SELECT i::text, xmin FROM sgrun.indexes i ORDER BY name"), rows);
    nothing_comes_twice(&crm);
}

/* Each by its own backfill: while that is undone they are not begun, as there would be duplicates in their way. */
SG_TEST(unique_ones_wait_for_their_clean_up)
{
    static const char *const unique[][2] = {{"uq_messages_provider_msg_id", "dedupe_messages_provider_msg_id"},
                                            {"uq_call_log_call_sid", "dedupe_call_log_call_sid"},
                                            {"uq_whatsapp_message_provider_id", "dedupe_whatsapp_message"}};
    struct crm crm = crm_new();
    struct sg_run_result run = crm_run(&crm, "deploy", "--only-phase=migrate,index", CRM_NO_GATE);

    /* without the clean-up 0113 fails; what does not need it, and what comes before it, is there */
    T_CONTAINS(run.err, "0113_unique_run_lead");
    crm_clean_jobs(&crm);
    run = crm_run(&crm, "deploy", "--only-phase=migrate,index", CRM_NO_GATE);
    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM pg_class WHERE relname ~ '^uq_'"), 0);
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM sgrun.indexes WHERE name ~ '^uq_' AND state NOT IN ('missing')"), 0);
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT count(*) FROM sgrun.indexes WHERE name = 'idx_appointments_calendar_id' AND state = 'valid'"), 1);
    for (size_t i = 0; i < sizeof unique / sizeof *unique; i++)
        T_CONTAINS(run.out, unique[i][0]);

    deploy(&crm);
    all_are_valid(&crm);
    for (size_t i = 0; i < sizeof unique / sizeof *unique; i++)
        T_EQ_STR(sg_sql_value(crm.sql, sg_test_strf("SELECT b.state = 'complete' AND b.finished_at <= i.started_at FROM sgrun.backfills b,"
                                                    " sgrun.indexes i WHERE key = '%s' AND name = '%s'", unique[i][1], unique[i][0])), "t");
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(one_deploy_makes_them_all, 300),
                                       SG_CASE_SECONDS(unique_ones_wait_for_their_clean_up, 300), SG_CASES_END};
static const struct sg_suite suites[] = {{"crm indexes", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
