/* tx.*, timeouts.*, dml.*, allow.*: each rule, where it must be found and where not. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

#define FOUND(id, sql) T_EQ_STR(look_rules(NULL, id, sql), id)
#define NONE(id, sql) T_EQ_STR(look_rules(NULL, id, sql), "")

static const struct look outside = {.no_transaction = true};

static const struct sg_audit_finding *first(const struct sg_audit_result *result, enum sg_rule_id rule)
{
    for (size_t i = 0; i < result->finding_count; i++)
        if (result->findings[i].place.migration == result->migration_count - 1 && result->findings[i].rule == rule)
            return &result->findings[i];
    return NULL;
}

SG_TEST(wide)
{
    static const char id[] = "tx.wide";

    FOUND(id, "ALTER TABLE t ADD COLUMN z int; UPDATE t SET z = 1");
    FOUND(id, "ALTER TABLE t ADD COLUMN z int; CREATE INDEX ON t (z)");
    FOUND(id, "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT x");
    FOUND(id, "DROP TABLE other; ALTER TABLE t ALTER a SET NOT NULL");
    FOUND(id, "ALTER TABLE t ADD COLUMN z int; CREATE TABLE n AS SELECT * FROM other");
    FOUND(id, "ALTER TABLE t ADD COLUMN z int; INSERT INTO other SELECT id, 'x' FROM parent");
    NONE(id, "UPDATE t SET a = 1; ALTER TABLE t ADD COLUMN z int");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE t ALTER a SET NOT NULL");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; UPDATE t SET z = 1 WHERE id = 5");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; INSERT INTO other VALUES (1, 'x')");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; CREATE TABLE n (id bigint PRIMARY KEY); CREATE INDEX ON n (id)");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n ADD z int; UPDATE t SET a = 1");
    NONE(id, "ALTER TABLE other ADD COLUMN z int; ALTER TABLE t ALTER c TYPE text");
    FOUND(id, "ALTER TABLE other ADD COLUMN z int; ALTER TABLE t ALTER c TYPE varchar(5)");
    NONE(id, "BEGIN; ALTER TABLE t ADD COLUMN z int; CREATE INDEX CONCURRENTLY i ON t (z); COMMIT");
    NONE(id, "BEGIN; ALTER TABLE t ADD COLUMN z int; COMMIT; BEGIN; UPDATE t SET z = 1; COMMIT");
    T_EQ_STR(look_rules(&outside, id, "ALTER TABLE t ADD COLUMN z int; UPDATE t SET z = 1"), "");
}

SG_TEST(wide_says_which)
{
    const struct sg_audit_result *result =
        look_at(NULL, (const char *const[]){look_tables, "ALTER TABLE t ADD COLUMN z int;\nSELECT 1;\nUPDATE other SET kind = 'x';\n"
                                                         "UPDATE t SET z = 1", NULL});
    const struct sg_audit_finding *found = first(result, SG_RULE_TX_WIDE);
    int count = 0;

    T_TRUE(found != NULL);
    if (found == NULL)
        return;
    T_EQ_STR(found->detail, "t is locked ACCESS EXCLUSIVE in line 1, and stays so while other is written");
    T_EQ_INT(found->place.line, 3);
    for (size_t i = 0; i < result->finding_count; i++)
        count += result->findings[i].rule == SG_RULE_TX_WIDE;
    T_EQ_INT(count, 1);
}

SG_TEST(several_tables)
{
    static const char id[] = "tx.several_tables";

    FOUND(id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE other ADD COLUMN z int");
    FOUND(id, "LOCK TABLE parent IN SHARE MODE; DROP TABLE t");
    FOUND(id, "DROP TRIGGER t_touch ON t; CREATE TRIGGER x BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION touch()");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE public.t ADD COLUMN y int");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE other SET (fillfactor = 70)");
    NONE(id, "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n ADD z int; ALTER TABLE t ADD COLUMN z int");
    T_EQ_STR(look_rules(&outside, id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE other ADD COLUMN z int"), "");
}

SG_TEST(multiple_alter)
{
    static const char id[] = "tx.multiple_alter";

    FOUND(id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE t ADD COLUMN y int");
    FOUND(id, "ALTER TABLE t DROP COLUMN a; SELECT 1; ALTER TABLE public.t ALTER b SET DEFAULT 'x'; ALTER TABLE t DROP COLUMN c");
    NONE(id, "ALTER TABLE t ADD COLUMN z int, ADD COLUMN y int");
    NONE(id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE other ADD COLUMN z int");
    NONE(id, "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT x");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n ADD z int; ALTER TABLE n ADD y int");
    T_EQ_STR(look_rules(&outside, id, "ALTER TABLE t ADD COLUMN z int; ALTER TABLE t ADD COLUMN y int"), "");
}

SG_TEST(nesting)
{
    static const char id[] = "tx.nesting";
    static const struct look flyway = {.layout = SG_LAYOUT_FLYWAY};
    static const struct look sqlx = {.layout = SG_LAYOUT_SQLX};
    static const struct look sqitch = {.layout = SG_LAYOUT_SQITCH};
    static const struct look bare = {.layout = SG_LAYOUT_FLYWAY, .no_transaction = true};

    T_EQ_STR(look_rules(&flyway, id, "BEGIN; SELECT 1; COMMIT"), id);
    T_EQ_STR(look_rules(&sqlx, id, "SELECT 1; COMMIT"), id);
    T_EQ_STR(look_rules(&sqitch, id, "BEGIN; SELECT 1; COMMIT"), "");
    T_EQ_STR(look_rules(&bare, id, "BEGIN; SELECT 1; COMMIT"), "");
    NONE(id, "BEGIN; SELECT 1; COMMIT");
    T_EQ_STR(look_rules(&flyway, id, "SAVEPOINT a; SELECT 1; RELEASE a"), "");
}

SG_TEST(lock_timeout)
{
    static const char id[] = "timeouts.lock";

    FOUND(id, "ALTER TABLE t ADD COLUMN z int");
    FOUND(id, "SET lock_timeout = 0; DROP TABLE t");
    FOUND(id, "SET lock_timeout = '2s'; RESET lock_timeout; DROP TABLE t");
    FOUND(id, "ALTER TABLE t ADD COLUMN z int; SET lock_timeout = '2s'");
    FOUND(id, "BEGIN; SET LOCAL lock_timeout = '2s'; COMMIT; BEGIN; DROP TABLE t; COMMIT");
    T_EQ_STR(look_rules(&outside, id, "SET LOCAL lock_timeout = '2s'; DROP TABLE t"), id);
    FOUND(id, "DROP VIEW v");
    NONE(id, "CREATE VIEW v AS SELECT 1 AS one; DROP VIEW v");
    NONE(id, "SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN z int");
    NONE(id, "SET LOCAL lock_timeout TO 500; ALTER TABLE t ADD COLUMN z int");
    NONE(id, "SELECT pg_catalog.set_config('lock_timeout', '2s', true); ALTER TABLE t ADD COLUMN z int");
    NONE(id, "CREATE INDEX i ON t (b)");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n ADD COLUMN z int");
    NONE(id, "COMMENT ON TABLE t IS 'x'");
}

SG_TEST(statement_timeout)
{
    static const char id[] = "timeouts.statement";

    FOUND(id, "CREATE INDEX i ON t (b)");
    FOUND(id, "SET lock_timeout = '2s'; ALTER TABLE t ALTER a SET NOT NULL");
    NONE(id, "SET statement_timeout = '1min'; CREATE INDEX i ON t (b)");
    NONE(id, "SET LOCAL transaction_timeout = '1min'; ALTER TABLE t ALTER a SET NOT NULL");
    NONE(id, "ALTER TABLE t ADD COLUMN z int");
    NONE(id, "ALTER TABLE t ALTER c TYPE text");
    T_EQ_STR(look_rules(&outside, id, "CREATE INDEX CONCURRENTLY i ON t (b)"), "");
}

SG_TEST(update_no_where)
{
    static const char id[] = "dml.update_no_where";

    FOUND(id, "UPDATE t SET a = 1");
    FOUND(id, "DELETE FROM ONLY t WHERE true");
    FOUND(id, "UPDATE t SET a = 1 WHERE 1 = 1");
    FOUND(id, "WITH gone AS (DELETE FROM other RETURNING id) SELECT count(*) FROM gone");
    NONE(id, "UPDATE t SET a = 1 WHERE a IS NULL");
    NONE(id, "DELETE FROM t USING other WHERE t.other_id = other.id");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY); UPDATE n SET id = 1");
    NONE(id, "INSERT INTO other VALUES (1, 'x')");
}

SG_TEST(duplicate_assignment)
{
    static const char id[] = "dml.duplicate_assignment";

    FOUND(id, "UPDATE t SET a = 1, b = 'x', a = 2 WHERE id = 1");
    FOUND(id, "INSERT INTO other (id, id) VALUES (1, 2)");
    FOUND(id, "INSERT INTO other (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'a', name = 'b'");
    NONE(id, "UPDATE t SET a = 1, b = 'a' WHERE id = 1");
    NONE(id, "UPDATE t SET tags[1] = 'x', tags[2] = 'y' WHERE id = 1");
    NONE(id, "INSERT INTO other (id, name) VALUES (1, 'x')");
}

/* ---- allow --------------------------------------------------------------------------- */

/* The statement alone, with that line above it: "RULE: standing" of each finding of the family. */
static const char *allowed(const char *sql, const char *rule, const char *reason)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_audit_options options = {.server_version = 15, .small_rows = 100};
    struct sg_audit_allow allow = {.rule = rule, .reason = reason, .line = 1};
    struct sg_audit_statement statement = {.text = sql, .length = strlen(sql), .line = 2, .column = 1, .allows = &allow,
                                           .allow_count = 1};
    struct sg_audit_migration migration = {.id = "1", .path = "1.sql", .line = 1, .transaction = true, .statements = &statement,
                                           .count = 1};
    struct sg_audit *audit = sg_audit_begin(&options, &arena);
    struct sg_audit_result *result;
    const char *text = "";

    sg_audit_migration(audit, &migration, NULL);
    result = sg_audit_end(audit);
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct sg_audit_finding *finding = &result->findings[i];

        if (strncmp(sg_rule(finding->rule)->id, "index.", 6) == 0 || strncmp(sg_rule(finding->rule)->id, "allow.", 6) == 0)
            text = sg_test_strf("%s%s%s%s", text, text[0] != '\0' ? " " : "", sg_rule(finding->rule)->id,
                                finding->standing == SG_STANDING_ALLOWED ? " (allowed)" : "");
    }
    sg_arena_release(&arena);
    return text;
}

SG_TEST(allow_without_reason)
{
    static const char sql[] = "CREATE INDEX i ON t (a)";

    T_EQ_STR(allowed(sql, "index.create_blocking", ""), "index.create_blocking allow.without_reason");
    T_EQ_STR(allowed(sql, "nothing", ""), "index.create_blocking allow.without_reason");
    T_EQ_STR(allowed(sql, "index.create_blocking", "small table"), "index.create_blocking (allowed)");
    T_EQ_STR(allowed(sql, "index.*", "small table"), "index.create_blocking (allowed)");
}

SG_TEST(allow_unknown)
{
    static const char sql[] = "CREATE INDEX i ON t (a)";

    T_EQ_STR(allowed(sql, "index.create_bloking", "small table"), "index.create_blocking allow.unknown");
    T_EQ_STR(allowed(sql, "index.hash", "small table"), "index.create_blocking allow.unknown");
    T_EQ_STR(allowed(sql, "dml", "small table"), "index.create_blocking allow.unknown");
    T_EQ_STR(allowed(sql, "index.create_blocking", "small table"), "index.create_blocking (allowed)");
    T_EQ_STR(allowed("SELECT 1", "*", "all is well"), "allow.unknown");
}

/* A table that is renamed is the same one; a sample is no scan; the parent of a table that is new has no rows to be joined with. */
SG_TEST(renamed_sampled_new)
{
    T_RULES("tx.several tx.wide", "ALTER TABLE t DROP COLUMN c; ALTER TABLE t RENAME TO tt; ALTER TABLE tt SET SCHEMA crm;", "");
    T_RULES("tx.several", "ALTER TABLE t DROP COLUMN c; ALTER TABLE t RENAME TO tt; ALTER TABLE other DROP COLUMN kind;", "tx.several_tables");
    T_RULES("tx.wide", "ALTER TABLE t DROP COLUMN c; ANALYZE t;", "");
    T_RULES("tx.wide", "ALTER TABLE t DROP COLUMN c; CREATE INDEX ON t (a);", "tx.wide");
    T_RULES("timeouts.statement",
            "CREATE TABLE n (id bigint PRIMARY KEY, t_id bigint); ALTER TABLE n ADD FOREIGN KEY (t_id) REFERENCES t (id);", "");
    T_RULES("timeouts.statement", "ALTER TABLE other ADD FOREIGN KEY (id) REFERENCES t (id);", "timeouts.statement");
}

SG_TEST(detached_beside_a_default)
{
    const struct look alone = {.no_transaction = true};
    const char *before = sg_test_strf("%sCREATE TABLE part_d PARTITION OF part DEFAULT;", look_tables);

    T_EQ_STR(look_rules(&alone, "index.", "ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY"), "");
    T_EQ_STR(look_rules_after(&alone, "index.", before, "ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY"),
             "index.concurrently_refused");
}

static const struct sg_test transactions[] = {SG_CASE(wide), SG_CASE(wide_says_which), SG_CASE(several_tables),
                                              SG_CASE(multiple_alter), SG_CASE(nesting), SG_CASE(renamed_sampled_new),
                                              SG_CASE(detached_beside_a_default), SG_CASES_END};
static const struct sg_test timeouts[] = {SG_CASE(lock_timeout), SG_CASE(statement_timeout), SG_CASES_END};
static const struct sg_test dml[] = {SG_CASE(update_no_where), SG_CASE(duplicate_assignment), SG_CASES_END};
static const struct sg_test allows[] = {SG_CASE(allow_without_reason), SG_CASE(allow_unknown), SG_CASES_END};
static const struct sg_suite suites[] = {{"rules: tx", transactions}, {"rules: timeouts", timeouts}, {"rules: dml", dml},
                                         {"rules: allow", allows}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
