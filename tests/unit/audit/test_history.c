/* The history that this tool began with: the data work that its team found in its own migrations, rebuilt as SQL, and what the rules say
 * of it. docs/AUDIT.md has the same tables, with the reason where the rules and the team differ. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/layout.h"
#include "core/audit/script.h"

static const char *const hot[] = {"leads", "call_log", "receipts", "messages", "appointments"};

static void release(void *arena)
{
    sg_arena_release(arena);
}

static const struct sg_audit_result *history(const char *folder)
{
    static struct sg_arena arena = SG_ARENA_INIT;
    static const struct sg_audit_options options = {
        .server_version = 15, .small_rows = 100, .hot_tables = hot, .hot_count = sizeof hot / sizeof *hot, .hot_known = true};
    struct sg_audit_files files = {.count = 0};
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_audit *audit = sg_audit_begin(&options, &arena);
    const struct sg_audit_result *result;

    sg_test_defer(release, &arena);
    if (sg_audit_files_find(sg_test_source(folder), &arena, &files, &errs) != 0 || errs.count > 0)
        T_FATAL("%s cannot be read", folder);
    for (size_t i = 0; i < files.count; i++) {
        struct sg_audit_migration migration;

        if (sg_audit_script_read(&files.list[i], &arena, &migration, &errs) != 0)
            T_FATAL("%s cannot be read", files.list[i].path);
        sg_audit_migration(audit, &migration, &errs);
    }
    sg_errs_release(&errs);
    result = sg_audit_end(audit);
    T_EQ_INT(result->errs.count, 0);
    return result;
}

static int number(const char *id)
{
    return (int)strtol(id, NULL, 10);
}

SG_TEST(the_twelve_operations)
{
    static const struct {
        int id;
        const char *type, *table;
        enum sg_dml_kind kind;
        enum sg_dml_verdict verdict;
        const char *reason;
    } expected[] = {
        {1607, "DELETE", "messages", SG_DML_DEDUP_FOR_UNIQUE, SG_DML_SAFE, "unique index ux_messages_provider_msg_id (line 6) covers provider_msg_id"},
        {1718, "UPDATE", "leads", SG_DML_ONE_TIME_DEFAULT, SG_DML_POTENTIALLY_UNSAFE, "order_index"},
        {1739, "DELETE", "call_log", SG_DML_DEDUP_FOR_UNIQUE, SG_DML_SAFE, "unique index ux_call_log_call_sid (line 5) covers call_sid"},
        {1818, "INSERT … SELECT", "business_contact_channels", SG_DML_DATA_COPY, SG_DML_POTENTIALLY_UNSAFE, "as long as business is large"},
        {1831, "INSERT … SELECT", "business_contact_channels", SG_DML_DATA_COPY, SG_DML_POTENTIALLY_UNSAFE, "as long as business is large"},
        {3460, "INSERT", "email_templates", SG_DML_SEED_INSERT, SG_DML_SAFE, "1 row"},
        {3474, "INSERT", "email_templates", SG_DML_SEED_INSERT, SG_DML_SAFE, "1 row"},
        {3488, "INSERT", "email_templates", SG_DML_SEED_INSERT, SG_DML_SAFE, "1 row"},
        {4945, "DELETE", "whatsapp_message", SG_DML_DEDUP_FOR_UNIQUE, SG_DML_SAFE, "covers business_id and provider_message_id"},
        {6684, "DELETE", "outbound_call_jobs", SG_DML_ORPHAN_CLEANUP, SG_DML_SAFE, "foreign key outbound_call_jobs_run_id_fkey (line 4)"},
        {6754, "DELETE", "outbound_call_jobs", SG_DML_DEDUP_FOR_UNIQUE, SG_DML_SAFE, "UNIQUE constraint unique_run_lead (line 5)"},
        {7033, "INSERT … SELECT", "business_calendars", SG_DML_DATA_COPY, SG_DML_POTENTIALLY_UNSAFE, "as long as business is large"},
    };
    const struct sg_audit_result *result = history("tests/audit/history/dml");

    T_MUST_EQ_INT(result->dml_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < result->dml_count; i++) {
        const struct sg_audit_dml *dml = &result->dml[i];

        T_EQ_INT(number(result->migrations[dml->place.migration].id), expected[i].id);
        T_EQ_STR(dml->type, expected[i].type);
        T_MUST_EQ_INT(dml->table_count, 1);
        T_EQ_STR(dml->tables[0], expected[i].table);
        T_EQ_STR(sg_dml_kind_name(dml->kind), sg_dml_kind_name(expected[i].kind));
        T_EQ_STR(sg_dml_verdict_name(dml->verdict), sg_dml_verdict_name(expected[i].verdict));
        T_CONTAINS(dml->reason, expected[i].reason);
        T_LACKS(dml->reason, "rows without");
        if (dml->verdict == SG_DML_SAFE)
            T_EQ_STR(dml->action, "None.");
        else
            T_CONTAINS(dml->action, "key = id");
    }
}

static const char *joined(const char *const *list, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = sg_test_strf("%s%s%s", text, i > 0 ? ", " : "", list[i]);
    return text;
}

SG_TEST(the_twenty_five_migrations)
{
    static const struct {
        int id;
        const char *tables, *types; /* NULL: no data work, whatever its comments say */
        enum sg_priority priority;
    } expected[] = {
        {1, NULL, NULL, SG_PRIORITY_HIGH},
        {6, "messages", "DELETE", SG_PRIORITY_LOW},
        {11, "leads", "UPDATE", SG_PRIORITY_HIGH},
        {15, "call_log", "DELETE", SG_PRIORITY_LOW},
        {36, NULL, NULL, SG_PRIORITY_HIGH},
        {61, "business", "UPDATE", SG_PRIORITY_MEDIUM},
        {71, "notes", "UPDATE", SG_PRIORITY_MEDIUM},
        {75, "notes", "UPDATE", SG_PRIORITY_MEDIUM},
        {81, "business", "UPDATE", SG_PRIORITY_MEDIUM},
        {84, "receipts", "UPDATE", SG_PRIORITY_HIGH},
        {85, NULL, NULL, SG_PRIORITY_HIGH},
        {86, "receipt_sync_runs", "UPDATE", SG_PRIORITY_MEDIUM},
        {87, "whatsapp_message", "DELETE", SG_PRIORITY_LOW},
        {89, "receipt_sync_runs", "UPDATE", SG_PRIORITY_MEDIUM},
        {90, "receipts, receipt_sync_runs", "UPDATE", SG_PRIORITY_HIGH},
        {91, "receipts", "UPDATE", SG_PRIORITY_HIGH},
        {92, "receipts", "UPDATE", SG_PRIORITY_HIGH},
        {96, "leads", "UPDATE", SG_PRIORITY_HIGH},
        {97, "receipts", "UPDATE", SG_PRIORITY_HIGH},
        {102, "business", "UPDATE", SG_PRIORITY_MEDIUM},
        {103, "background_jobs", "UPDATE", SG_PRIORITY_MEDIUM},
        {110, "call_log", "UPDATE", SG_PRIORITY_HIGH},
        {112, "appointments", "UPDATE", SG_PRIORITY_HIGH},
        {113, "outbound_call_jobs", "UPDATE, DELETE", SG_PRIORITY_MEDIUM},
        {114, "outbound_call_runs", "UPDATE", SG_PRIORITY_MEDIUM},
        {117, "leads, appointments", "UPDATE", SG_PRIORITY_HIGH},
    };
    const struct sg_audit_result *result = history("tests/audit/history/backfills");

    T_MUST_EQ_INT(result->migration_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < result->migration_count; i++) {
        const struct sg_audit_seen *seen = &result->migrations[i];

        T_EQ_INT(number(seen->id), expected[i].id);
        T_EQ_INT(seen->has_dml, expected[i].tables != NULL);
        if (!seen->has_dml)
            continue;
        T_EQ_STR(sg_test_strf("%d %s", expected[i].id, joined(seen->tables, seen->table_count)),
                 sg_test_strf("%d %s", expected[i].id, expected[i].tables));
        T_EQ_STR(joined(seen->types, seen->type_count), expected[i].types);
        T_EQ_INT(seen->priority, expected[i].priority);
        T_NE_STR(seen->why, NULL);
    }
}

static const struct sg_test tests[] = {SG_CASE(the_twelve_operations), SG_CASE(the_twenty_five_migrations), SG_CASES_END};
static const struct sg_suite suites[] = {{"history", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
