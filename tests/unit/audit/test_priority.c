/* The backfill audit: how soon a migration's data work must leave it. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

static const char tables[] = "CREATE TABLE leads (id int PRIMARY KEY, a text); CREATE TABLE log (id int PRIMARY KEY, a text);";

static const struct sg_audit_seen *seen(const char *hot, const char *sql)
{
    const struct look look = {.hot = hot};
    const struct sg_audit_result *result = look_at(&look, (const char *const[]){tables, sql, NULL});

    return &result->migrations[1];
}

/* "HIGH", or "" where there is no data work. */
static const char *priority(const char *hot, const char *sql)
{
    static const char *const names[] = {[SG_PRIORITY_HIGH] = "HIGH", [SG_PRIORITY_MEDIUM] = "MEDIUM", [SG_PRIORITY_LOW] = "LOW"};
    const struct sg_audit_seen *one = seen(hot, sql);

    return one->has_dml ? names[one->priority] : "";
}

#define DEDUP "DELETE FROM leads x USING leads y WHERE x.id > y.id AND x.a = y.a; ALTER TABLE leads ADD UNIQUE (a);"

SG_TEST(hot_tables)
{
    T_EQ_STR(priority("leads", "UPDATE leads SET a = 1"), "HIGH");
    T_EQ_STR(priority("crm.leads", "UPDATE leads SET a = 1"), "HIGH");
    T_EQ_STR(priority("leads", "UPDATE crm.leads SET a = 1"), "HIGH");
    T_EQ_STR(priority("crm.leads", "UPDATE public.leads SET a = 1"), "MEDIUM");
    T_EQ_STR(priority("leads", "UPDATE log SET a = 1"), "MEDIUM");
    T_EQ_STR(priority("leads", "UPDATE log SET a = 1; DELETE FROM leads"), "HIGH");
    T_EQ_STR(priority("leads", "UPDATE log SET a = (SELECT max(a) FROM leads)"), "MEDIUM");
    T_EQ_STR(priority("leads", "INSERT INTO log SELECT id FROM leads"), "MEDIUM");
    T_EQ_STR(priority("leads", "INSERT INTO leads SELECT id FROM log"), "HIGH");
    T_EQ_STR(priority("leads", DEDUP " UPDATE leads SET a = 1"), "HIGH");
    T_CONTAINS(seen("leads", "UPDATE log SET a = 1; DELETE FROM leads")->why, "DELETE of the hot table leads");
}

SG_TEST(low_on_any_table)
{
    T_EQ_STR(priority("leads", DEDUP), "LOW");
    T_EQ_STR(priority("leads", "INSERT INTO leads VALUES (1)"), "LOW");
    T_EQ_STR(priority("leads", "DELETE FROM leads WHERE a = 'x'; ALTER TABLE leads ADD CHECK (a <> 'x')"), "LOW");
    T_EQ_STR(priority("leads", DEDUP " UPDATE log SET a = 1"), "MEDIUM");
    T_EQ_STR(priority("leads", "CREATE TABLE n (a text); UPDATE n SET a = 1"), "LOW");
}

SG_TEST(hot_tables_that_are_not_known)
{
    T_EQ_STR(priority(NULL, "UPDATE leads SET a = 1"), "MEDIUM");
    T_EQ_STR(priority(NULL, DEDUP), "LOW");
    T_CONTAINS(seen(NULL, "UPDATE leads SET a = 1")->why, "which tables are hot is not known");
}

SG_TEST(no_data_work)
{
    T_EQ_STR(priority("leads", "-- UPDATE leads\nALTER TABLE leads ADD COLUMN b int"), "");
    T_EQ_STR(priority("leads", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE leads SET a = 1'"), "");
}

SG_TEST(each_once)
{
    const struct sg_audit_seen *one = seen("leads", "UPDATE leads SET a = 1; UPDATE log SET a = 1; DELETE FROM leads; UPDATE leads SET a = 2;"
                                                    "INSERT INTO n3 VALUES (1); INSERT INTO n4 VALUES (1)");

    T_MUST_EQ_INT(one->table_count, 4);
    T_EQ_STR(one->tables[0], "leads");
    T_EQ_STR(one->tables[1], "log");
    T_EQ_STR(one->tables[3], "n4");
    T_MUST_EQ_INT(one->type_count, 3);
    T_EQ_STR(one->types[0], "UPDATE");
    T_EQ_STR(one->types[1], "DELETE");
}

static const struct sg_test tests[] = {SG_CASE(hot_tables),   SG_CASE(low_on_any_table), SG_CASE(hot_tables_that_are_not_known),
                                       SG_CASE(no_data_work), SG_CASE(each_once),        SG_CASES_END};
static const struct sg_suite suites[] = {{"priority", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
