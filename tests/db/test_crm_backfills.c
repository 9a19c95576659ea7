/*
 * The example's backfills: the legacy database is brought up to date by one deploy, and then the data itself is looked at: against
 * a copy of what was there before, in other words than the backfills use. What people entered stays, and another sweep changes
 * nothing.
 */
#include "config.h"

#include "tests/db/crm.h"
#include "tests/kit/test.h"

#define BACKFILLS 16

/* The rows as they were, in schema "before". And duplicates that lie far apart: those of the legacy data are neighbours. */
static void remember(const struct crm *crm)
{
    static const char *const tables[] = {"business", "leads", "messages", "call_log", "whatsapp_message", "receipts",
                                         "business_contact_channels", "email_templates", "outbound_call_jobs"};

    sg_sql_exec(crm->sql, "INSERT INTO messages (business_id, channel, provider_msg_id) SELECT business_id, channel,"
                          " provider_msg_id FROM messages WHERE id IN (1, 2, 45000) AND provider_msg_id <> ''");
    sg_sql_exec(crm->sql, "INSERT INTO call_log (business_id, call_sid, started_at) SELECT business_id, call_sid, started_at"
                          " FROM call_log WHERE id IN (1, 2, 20000) AND call_sid <> ''");
    sg_sql_exec(crm->sql, "INSERT INTO whatsapp_message (business_id, provider_message_id) SELECT business_id,"
                          " provider_message_id FROM whatsapp_message WHERE id IN (1, 2, 15000) AND provider_message_id <> ''");
    sg_sql_exec(crm->sql, "CREATE SCHEMA before");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        sg_sql_execf(crm->sql, "CREATE TABLE before.%s AS TABLE %s", tables[i], tables[i]);
}

/* States that the query counts nothing. */
#define NONE(crm, query) T_EQ_INT(sg_sql_int((crm)->sql, "SELECT count(*) FROM " query), 0)

static void names_are_put_together(const struct crm *crm)
{
    NONE(crm, "leads WHERE name IS NULL OR name <> btrim(name) OR name LIKE '%  %'");
    /* by another way than the backfill's */
    NONE(crm, "leads WHERE name <> btrim(coalesce(btrim(first_name), '') || ' ' || coalesce(btrim(last_name), ''))");
    T_GT_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM leads WHERE name = ''"), 100);
    T_GT_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM leads WHERE name = 'Olga O''Brien'"), 10);
}

static void leads_have_place_and_activity(const struct crm *crm)
{
    NONE(crm, "leads WHERE order_index <> id");
    NONE(crm, "leads l LEFT JOIN (SELECT lead_id, max(at) AS at FROM"
              " (SELECT lead_id, created_at AS at FROM messages UNION ALL SELECT lead_id, started_at FROM call_log"
              "  UNION ALL SELECT lead_id, created_at AT TIME ZONE 'UTC' FROM appointments) e GROUP BY 1) a ON a.lead_id = l.id"
              " WHERE last_activity_at IS DISTINCT FROM greatest(a.at, l.created_at AT TIME ZONE 'UTC')");
    /* and nothing else of them was touched */
    NONE(crm, "(SELECT id, business_id, first_name, last_name, email, notes, updated_at FROM before.leads"
              " EXCEPT ALL SELECT id, business_id, first_name, last_name, email, notes, updated_at FROM leads) s");
    T_EQ_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM leads"), 50000);
}

static void notes_are_rows(const struct crm *crm)
{
    T_EQ_STR(sg_sql_value(crm->sql, "SELECT (count(*), sum(hashtext(body)), count(DISTINCT lead_id)) FROM notes"),
             sg_sql_value(crm->sql, "SELECT (count(*), sum(hashtext(notes)), count(*)) FROM before.leads WHERE trim(notes) <> ''"));
    NONE(crm, "notes n JOIN leads l ON l.id = lead_id WHERE n.body <> l.notes OR n.business_id <> l.business_id");
    /* the next one that is written gets an id of the identity */
    T_EQ_INT(sg_sql_int(crm->sql, "INSERT INTO notes (business_id, lead_id, body) VALUES (1, 1, 'x') RETURNING id"), 1);
    sg_sql_exec(crm->sql, "DELETE FROM notes WHERE id = 1");
}

/* Of rows that share the provider's id, a column (and perhaps another column), the first is left, and all rows without an id. */
static void lowest_are_kept(const struct crm *crm, const char *table, const char *column, const char *other)
{
    const char *kept = sg_test_strf(
        "SELECT (count(*), sum(id)) FROM (SELECT *, row_number() OVER (PARTITION BY %s, %s ORDER BY id) AS n FROM before.%s) s"
        " WHERE n = 1 OR %s = '' OR %s IS NULL", column, other, table, column, column);

    T_EQ_STR(sg_sql_value(crm->sql, sg_test_strf("SELECT (count(*), sum(id)) FROM %s", table)), sg_sql_value(crm->sql, kept));
    T_LT_INT(sg_sql_int(crm->sql, sg_test_strf("SELECT count(*) FROM %s", table)),
             sg_sql_int(crm->sql, sg_test_strf("SELECT count(*) FROM before.%s", table)));
}

static void lowest_ids_are_kept(const struct crm *crm)
{
    lowest_are_kept(crm, "messages", "provider_msg_id", "1");
    lowest_are_kept(crm, "call_log", "call_sid", "1");
    lowest_are_kept(crm, "whatsapp_message", "provider_message_id", "business_id");
    NONE(crm, "(SELECT id, business_id, lead_id, provider_msg_id, body FROM messages"
              " EXCEPT ALL SELECT id, business_id, lead_id, provider_msg_id, body FROM before.messages) s");
    /* those far apart were among them */
    NONE(crm, "messages WHERE id > 90000");
    NONE(crm, "call_log WHERE id > 40000");
    NONE(crm, "whatsapp_message WHERE id > 30000");
    T_GT_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM before.messages WHERE id > 90000"), 0);
    T_GT_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM before.call_log WHERE id > 40000"), 0);
    T_GT_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM before.whatsapp_message WHERE id > 30000"), 0);
}

static void jobs_are_clean(const struct crm *crm)
{
    T_EQ_STR(sg_sql_value(crm->sql, "SELECT (count(*), max(id)) FROM outbound_call_jobs"), "(20000,20000)");
    NONE(crm, "(TABLE outbound_call_jobs EXCEPT ALL TABLE before.outbound_call_jobs) s");
    T_EQ_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM pg_constraint WHERE conname = 'unique_run_lead'"
                                  " AND conrelid = 'public.outbound_call_jobs'::regclass"), 1);
}

static void calls_have_outcomes(const struct crm *crm)
{
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT DISTINCT coalesce(status, '-'), coalesce(outcome, '-') FROM call_log ORDER BY 1"),
             "|-\n-|-\nbusy|busy\ncompleted|answered\nfailed|failed\nno-answer|missed");
    NONE(crm, "call_log WHERE (ended_at IS NULL) <> (duration_seconds IS NULL)");
    NONE(crm, "call_log WHERE started_at + duration_seconds * interval '1 second' <> ended_at");
}

static void receipts_have_currency_and_source(const struct crm *crm)
{
    NONE(crm, "receipts r JOIN business b ON b.id = business_id WHERE (currency IS NULL) <> (country_code IS NULL)");
    NONE(crm, "receipts WHERE (currency IS NULL) <> (vat_rate IS NULL) OR (vat_rate IS NULL) <> (net_amount IS NULL)");
    NONE(crm, "receipts WHERE abs(net_amount + net_amount * vat_rate / 100 - amount) > 0.0101");
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT DISTINCT extract(year FROM coalesce(issued_at, r.created_at)) > 2024, vat_rate, currency"
                                   " FROM receipts r JOIN business b ON b.id = business_id WHERE country_code IN ('IL', 'DE')"
                                   " ORDER BY 3, 1"),
             "f|19.00|EUR\nt|19.00|EUR\nf|17.00|ILS\nt|18.00|ILS");
    NONE(crm, "receipts WHERE (source = 'sync') <> (coalesce(external_id, '') <> '')");
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT DISTINCT source FROM receipts ORDER BY 1"), "manual\nsync");
    NONE(crm, "(TABLE before.receipts EXCEPT ALL SELECT id, business_id, lead_id, receipt_number, external_id, customer_email,"
              " amount, status, issued_at, paid_at, created_at FROM receipts) s");
}

static void businesses_have_what_they_need(const struct crm *crm)
{
    NONE(crm, "business WHERE country_code IS NOT NULL AND (timezone IS NULL OR default_language IS NULL)");
    NONE(crm, "business WHERE country_code IS NULL AND default_language IS NOT NULL");
    NONE(crm, "business b LEFT JOIN pg_timezone_names z ON z.name = b.timezone WHERE b.timezone IS NOT NULL AND z.name IS NULL");
    NONE(crm, "business n JOIN before.business b USING (id) WHERE b.timezone <> n.timezone");
    T_EQ_STR(sg_sql_value(crm->sql, "SELECT DISTINCT (timezone, default_language) FROM business"
                                    " WHERE country_code = 'AT' AND id > 20"), "(Europe/Vienna,de)");
    /* one channel each: theirs, or a new one */
    NONE(crm, "business b WHERE (SELECT count(*) FROM business_contact_channels c WHERE c.business_id = b.id) <> 1");
    NONE(crm, "(TABLE before.business_contact_channels EXCEPT ALL TABLE business_contact_channels) s");
    NONE(crm, "business b JOIN business_contact_channels c ON c.business_id = b.id WHERE address <> phone OR kind <> 'phone'");
    NONE(crm, "business b WHERE (SELECT count(*) FROM business_calendars c WHERE c.business_id = b.id) <> 1");
    NONE(crm, "business b JOIN business_calendars c ON c.business_id = b.id WHERE c.timezone IS DISTINCT FROM b.timezone");
    T_EQ_STR(sg_sql_rows(crm->sql, "(SELECT key FROM email_templates EXCEPT SELECT key FROM before.email_templates) ORDER BY 1"),
             "missed_call\nreceipt_sent\nreview_request");
    NONE(crm, "(TABLE before.email_templates EXCEPT ALL TABLE email_templates) s");
}

static void all_complete(const struct crm *crm)
{
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT key, state FROM sgrun.backfills WHERE state <> 'complete' ORDER BY 1"), "");
    T_EQ_INT(sg_sql_int(crm->sql, "SELECT count(*) FROM sgrun.backfills"), BACKFILLS);
    NONE(crm, "sgrun.backfill_ranges");
    NONE(crm, "sgrun.backfill_failures");
}

SG_TEST(one_deploy_leaves_all_data_as_wanted)
{
    struct crm crm = crm_new();
    struct sg_run_result run;

    remember(&crm);
    run = crm_run(&crm, "deploy", "--jobs=2");
    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    T_EQ_STR(crm_ledger(&crm), crm_all_recorded);
    all_complete(&crm);
    names_are_put_together(&crm);
    leads_have_place_and_activity(&crm);
    notes_are_rows(&crm);
    lowest_ids_are_kept(&crm);
    jobs_are_clean(&crm);
    calls_have_outcomes(&crm);
    receipts_have_currency_and_source(&crm);
    businesses_have_what_they_need(&crm);
}

/* Every version of every row that a backfill writes to, those of notes and calendars too. */
static const char *all_versions(const struct crm *crm)
{
    const char *versions = crm_row_versions(crm);

    for (int i = 0; i < 2; i++)
        versions = sg_test_strf("%s\n%s", versions, sg_sql_rows(crm->sql, sg_test_strf(
            "SELECT count(*), sum(xmin::text::bigint), sum(xmax::text::bigint) FROM %s", i ? "notes" : "business_calendars")));
    return versions;
}

SG_TEST(again_changes_nothing)
{
    struct crm crm = crm_new();
    struct sg_run_result run;
    const char *versions;

    T_MUST_EQ_INT(crm_run(&crm, "deploy").exit, 0);
    all_complete(&crm);
    versions = all_versions(&crm);

    run = crm_run(&crm, "deploy");
    T_EQ_INT(run.exit, 0);
    T_CONTAINS(run.out, "Up to date");
    T_EQ_STR(all_versions(&crm), versions);

    /* not even if each is made to look at every row once more */
    for (int i = 0; i < BACKFILLS; i++) {
        const char *key = sg_sql_value(crm.sql, sg_test_strf("SELECT key FROM sgrun.backfills ORDER BY key OFFSET %d LIMIT 1", i));

        run = crm_run(&crm, "backfill", "--again", key);
        T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    }
    run = crm_run(&crm, "backfill", "--strict");
    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    all_complete(&crm);
    T_EQ_STR(all_versions(&crm), versions);
}

SG_TEST(what_people_entered_stays)
{
    struct crm crm = crm_new();

    T_MUST_EQ_INT(crm_run(&crm, "migrate").exit, 3);
    sg_sql_exec(crm.sql, "UPDATE leads SET order_index = 5 WHERE id = 7; UPDATE leads SET name = 'By hand' WHERE id = 8;"
                         "UPDATE business SET default_language = 'it', timezone = 'Europe/Rome' WHERE id = 30;"
                         "UPDATE receipts SET currency = 'CHF' WHERE id = 9; UPDATE call_log SET outcome = 'sold' WHERE id = 10;"
                         "INSERT INTO email_templates (key, subject, body) VALUES ('missed_call', 'Ours', 'Ours');"
                         "INSERT INTO business_contact_channels (business_id, kind, address) VALUES (31, 'whatsapp', '+1');"
                         "UPDATE business SET phone = ' ', owner_email = 'o@example.com' WHERE id = 32;"
                         "UPDATE business SET phone = '', owner_email = '' WHERE id = 34;"
                         /* a clock that was set back */
                         "UPDATE call_log SET ended_at = started_at - interval '1 hour', status = 'completed' WHERE id = 11");
    T_MUST_EQ_INT(crm_run(&crm, "deploy", "--strict").exit, 0);
    all_complete(&crm);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT (order_index, (SELECT name FROM leads WHERE id = 8)) FROM leads WHERE id = 7"),
             "(5,\"By hand\")");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT (default_language, b.timezone, c.timezone) FROM business b JOIN business_calendars c"
                                   " ON business_id = b.id WHERE b.id = 30"), "(it,Europe/Rome,Europe/Rome)");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT (currency, vat_rate) FROM receipts WHERE id = 9"), "(CHF,)");
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT outcome FROM call_log WHERE id = 10"), "sold");
    T_EQ_INT(sg_sql_int(crm.sql, "SELECT duration_seconds FROM call_log WHERE id = 11"), 0);
    T_EQ_STR(sg_sql_value(crm.sql, "SELECT subject FROM email_templates WHERE key = 'missed_call'"), "Ours");
    /* theirs; the owner's address; nothing to say */
    T_EQ_STR(sg_sql_rows(crm.sql, "SELECT business_id, kind, address FROM business_contact_channels"
                                  " WHERE business_id IN (31, 32, 34) ORDER BY 1"), "31|whatsapp|+1\n32|email|o@example.com");
}

static const struct sg_test tests[] = {SG_CASE(one_deploy_leaves_all_data_as_wanted), SG_CASE(again_changes_nothing),
                                       SG_CASE(what_people_entered_stays), SG_CASES_END};
static const struct sg_suite suites[] = {{"crm_backfills", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
