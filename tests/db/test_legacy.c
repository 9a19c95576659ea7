/*
 * The example's legacy database: it loads in one message over a plain connection, it is the same every time, and it has the mess that
 * the example is about, no more and no less than the steps expect.
 */
#include "config.h"

#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

/* A fresh database with the script loaded in it. */
static struct sg_sql *load(void)
{
    struct sg_server *server = sg_server_shared();
    const char *script = sg_tmp_read(sg_test_source("etc/demo-legacy.sql"));
    struct sg_sql *sql;

    T_MUST_NOT_NULL(script);
    sql = sg_sql_open(sg_server_conninfo(server, sg_server_new_db(server), NULL));
    sg_sql_exec(sql, script);
    return sql;
}

/* A line "table rows hash of all rows" for each table. */
static const char *contents(struct sg_sql *sql)
{
    return sg_sql_rows(sql, sg_sql_value(sql,
        "SELECT string_agg(format('SELECT %L, count(*), md5(string_agg(t::text, '','' ORDER BY t::text)) FROM %s t', c.oid::regclass,"
        " c.oid::regclass), ' UNION ALL ') || ' ORDER BY 1' FROM pg_class c"
        " WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'archive'::regnamespace)"));
}

SG_TEST(loads_the_same_every_time)
{
    struct sg_sql *one = load(), *two = load();

    T_CONTAINS(contents(one), "leads|50000|");
    T_EQ_STR(contents(one), contents(two));
}

static void has_the_tables_and_rows(struct sg_sql *sql)
{
    T_EQ_STR(sg_sql_rows(sql, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"),
             "appointments\nbackground_jobs\nbusiness\nbusiness_contact_channels\ncall_log\nemail_templates\nfaqs\nleads\nmessages\n"
             "outbound_call_jobs\noutbound_call_runs\nreceipt_sync_runs\nreceipts\nwhatsapp_message");
    /* every sequence stands where the next id follows */
    T_EQ_INT(sg_sql_int(sql, "SELECT nextval('leads_id_seq') - max(id) FROM leads"), 1);
    T_EQ_INT(sg_sql_int(sql, "SELECT nextval('whatsapp_message_id_seq') - max(id) FROM whatsapp_message"), 1);
    T_EQ_INT(sg_sql_int(sql, "SELECT nextval('email_templates_id_seq') - max(id) FROM email_templates"), 1);
    T_EQ_INT(sg_sql_int(sql, "SELECT nextval('business_contact_channels_id_seq') - max(id) FROM business_contact_channels"), 1);
    /* the planner's estimates are there, for whoever shows progress */
    T_EQ_INT(sg_sql_int(sql, "SELECT reltuples FROM pg_class WHERE oid = 'leads'::regclass"), 50000);
}

static void has_the_mess(struct sg_sql *sql)
{
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM leads WHERE first_name IS NULL AND last_name IS NULL"), 100);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM leads WHERE first_name = '' OR last_name = ''"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) - count(DISTINCT provider_msg_id) FROM messages WHERE provider_msg_id <> ''"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM messages WHERE provider_msg_id = ''"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) - count(DISTINCT call_sid) FROM call_log WHERE call_sid <> ''"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) - count(DISTINCT (business_id, provider_message_id)) FROM whatsapp_message"
                             " WHERE provider_message_id <> ''"), 500);
    /* the same id in two businesses is no duplicate */
    T_GT_INT(sg_sql_int(sql, "SELECT count(DISTINCT business_id) FROM whatsapp_message WHERE provider_message_id = 'wamid.test'"), 10);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = m.lead_id)"
                             " AND lead_id IS NOT NULL"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM receipts r WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = r.lead_id)"
                             " AND lead_id IS NOT NULL"), 100);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM business b WHERE NOT EXISTS (SELECT 1 FROM business_contact_channels c"
                             " WHERE c.business_id = b.id)"), 100);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM business WHERE timezone IS NULL AND country_code IS NOT NULL"), 100);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM business WHERE country_code IS NULL"), 5);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM leads WHERE notes <> ''"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM receipts WHERE external_id <> ''"), 1000);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM receipts r JOIN business b ON b.id = business_id"
                             " WHERE country_code = 'IL' AND issued_at >= '2025-01-01'"), 10);
    T_GT_INT(sg_sql_int(sql, "SELECT count(*) FROM call_log WHERE status = '' OR status IS NULL OR ended_at IS NULL"), 1000);
}

static void has_jobs_planned_twice_and_orphans(struct sg_sql *sql)
{
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM outbound_call_jobs"), 20614);
    T_EQ_INT(sg_sql_int(sql, "SELECT nextval('outbound_call_jobs_id_seq') - max(id) FROM outbound_call_jobs"), 1);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) - count(DISTINCT (run_id, lead_id)) FROM outbound_call_jobs"), 414);
    T_EQ_INT(sg_sql_int(sql, "SELECT max(n) FROM (SELECT count(*) AS n FROM outbound_call_jobs GROUP BY run_id, lead_id) s"), 3);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM outbound_call_jobs j JOIN leads l ON l.id = lead_id"
                             " WHERE NOT EXISTS (SELECT 1 FROM outbound_call_runs r WHERE r.id = run_id)"), 100);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM outbound_call_jobs j JOIN outbound_call_runs r ON r.id = run_id"
                             " WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = lead_id)"), 100);
    /* which 0113 does not survive */
    sg_sql_expect(sql, "ALTER TABLE outbound_call_jobs ADD CONSTRAINT unique_run_lead UNIQUE (run_id, lead_id)", "23505");
    /* and a constraint of the name that 0113 adds, on another table */
    T_EQ_STR(sg_sql_rows(sql, "SELECT conrelid::regclass FROM pg_constraint WHERE conname = 'unique_run_lead'"),
             "archive.outbound_call_jobs");
}

SG_TEST(has_what_the_steps_expect)
{
    struct sg_sql *sql = load();

    has_the_tables_and_rows(sql);
    has_the_mess(sql);
    has_jobs_planned_twice_and_orphans(sql);
}

static const struct sg_test tests[] = {SG_CASE(loads_the_same_every_time), SG_CASE(has_what_the_steps_expect), SG_CASES_END};
static const struct sg_suite suites[] = {{"legacy", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
