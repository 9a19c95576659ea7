/*
 * What each rule of the audit says of locks, scans and rewrites is what a real server does: for every measurable rule an example, in which
 * the rule is found, is sent to the server, and the lock that it takes there, its new files and its scans are compared with the claim.
 */
#include "config.h"

#include "core/run/audited.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/unit/audit/look.h"

#include <string.h>

/* Beside those of look_tables. */
static const char more_tables[] =
    "CREATE TABLE list (id bigint NOT NULL, k text NOT NULL) PARTITION BY LIST (k);\n"
    "CREATE TABLE list_d PARTITION OF list DEFAULT;\n"
    "CREATE TABLE child (id bigint PRIMARY KEY, p bigint, CONSTRAINT child_fk FOREIGN KEY (p) REFERENCES parent (id));\n"
    "CREATE TABLE keyless (id bigint NOT NULL, a int, b int);\n"
    "CREATE UNIQUE INDEX keyless_a ON keyless (a);\n"
    "CREATE TABLE ranked (id bigint PRIMARY KEY, p posint, c varchar(20) CHECK (c <> ''));\n"
    "CREATE TABLE proved (id bigint PRIMARY KEY, a int, CONSTRAINT proved_a CHECK (a IS NOT NULL));\n"
    "CREATE SCHEMA crm;\nCREATE TABLE crm.deals (id bigint PRIMARY KEY);\n";

static const char rows[] =
    "INSERT INTO t (id, a, b, c, other_id) SELECT g, g, 'x', 'y', 1 FROM generate_series(1, 3000) g;"
    "INSERT INTO other SELECT g, 'x' FROM generate_series(1, 3000) g; INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1);"
    "INSERT INTO part VALUES (1, '2026-02-01'); INSERT INTO list VALUES (1, 'z'); INSERT INTO cand VALUES (1, '2030-02-01');"
    "INSERT INTO keyless SELECT g, g, g FROM generate_series(1, 300) g; INSERT INTO ranked VALUES (1, 1, 'x');"
    "INSERT INTO proved VALUES (1, 1); REFRESH MATERIALIZED VIEW mv;"
    "CREATE TABLE seen AS SELECT oid, oid::regclass::text AS name, relfilenode AS file FROM pg_class"
    "  WHERE relkind IN ('r', 'p', 'm', 'v') AND oid >= 16384; ANALYZE";

/* Statements are separated by "; ". */
static const struct example {
    const char *rule, *sql;
} examples[] = {
    {"index.create_blocking", "CREATE INDEX i ON t (b)"},
    {"index.create_on_partitioned", "CREATE INDEX i ON part (id)"},
    {"index.drop_blocking", "DROP INDEX t_a"},
    {"index.reindex_blocking", "REINDEX TABLE t"},
    {"index.reindex_blocking", "REINDEX INDEX t_a"},
    {"column.add_volatile_default", "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT clock_timestamp()"},
    {"column.add_volatile_default", "ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()"},
    {"column.add_serial", "ALTER TABLE t ADD COLUMN z bigserial"},
    {"column.add_identity", "ALTER TABLE t ADD COLUMN z bigint GENERATED ALWAYS AS IDENTITY"},
    {"column.add_generated_stored", "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS (a + 1) STORED"},
    {"column.add_with_constraint", "ALTER TABLE t ADD COLUMN z int CHECK (z > 0)"},
    {"column.add_with_constraint", "ALTER TABLE t ADD COLUMN z int UNIQUE"},
    {"column.add_with_constraint", "ALTER TABLE t ADD COLUMN z bigint DEFAULT 1 REFERENCES other"},
    {"column.add_domain", "ALTER TABLE t ADD COLUMN z posint"},
    {"column.drop", "ALTER TABLE t DROP COLUMN b"},
    {"column.rename", "ALTER TABLE t RENAME COLUMN b TO bb"},
    {"column.type_rewrite", "ALTER TABLE t ALTER a TYPE bigint"},
    {"column.type_rewrite", "ALTER TABLE t ALTER c TYPE varchar(10)"},
    {"column.type_no_rewrite", "ALTER TABLE t ALTER c TYPE varchar(40)"},
    {"column.type_no_rewrite", "ALTER TABLE t ALTER n TYPE numeric(12,2)"},
    {"column.type_recheck", "ALTER TABLE ranked ALTER c TYPE varchar(40)"},
    {"column.set_not_null", "ALTER TABLE t ALTER b SET NOT NULL"},
    {"column.set_not_null_after_check", "ALTER TABLE proved ALTER a SET NOT NULL"},
    {"column.drop_not_null", "ALTER TABLE other ALTER name DROP NOT NULL"},
    {"column.change_default", "ALTER TABLE t ALTER a SET DEFAULT 1; ALTER TABLE t ALTER a SET DEFAULT 2"},
    {"constraint.add_check", "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0)"},
    {"constraint.add_fk", "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other (id)"},
    {"constraint.add_fk_not_valid", "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other (id) NOT VALID"},
    {"constraint.validate_same_tx", "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT x"},
    {"constraint.add_unique", "ALTER TABLE t ADD CONSTRAINT x UNIQUE (a)"},
    {"constraint.add_pk", "ALTER TABLE keyless ADD PRIMARY KEY (id)"},
    {"constraint.pk_using_index_nullable", "ALTER TABLE keyless ADD PRIMARY KEY USING INDEX keyless_a"},
    {"constraint.add_exclusion", "ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING btree (a WITH =)"},
    {"constraint.drop", "ALTER TABLE child DROP CONSTRAINT child_fk"},
    {"constraint.multiple_fks", "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other (id) NOT VALID; "
                                "ALTER TABLE cand ADD FOREIGN KEY (id) REFERENCES parent (id) NOT VALID"},
    {"table.create_with_fk", "CREATE TABLE n (id bigint PRIMARY KEY, p bigint REFERENCES parent)"},
    {"table.drop", "DROP TABLE child"},
    {"table.drop", "DROP TABLE part_1"},
    {"table.rename", "ALTER TABLE t RENAME TO t2"},
    {"table.set_schema", "ALTER TABLE t SET SCHEMA crm"},
    {"table.truncate", "TRUNCATE t"},
    {"table.truncate", "TRUNCATE parent CASCADE"},
    {"table.cluster_vacuum_full", "CLUSTER t USING t_a"},
    {"table.set_logged", "ALTER TABLE t SET UNLOGGED"},
    {"partition.create", "CREATE TABLE n PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"},
    {"partition.attach", "ALTER TABLE part ATTACH PARTITION cand FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"},
    {"partition.default_scan", "CREATE TABLE n PARTITION OF list FOR VALUES IN ('x')"},
    {"partition.detach", "ALTER TABLE part DETACH PARTITION part_1"},
    {"matview.refresh", "REFRESH MATERIALIZED VIEW mv"},
    {"trigger.create", "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()"},
    {"trigger.drop", "DROP TRIGGER t_touch ON t"},
    {"trigger.drop", "DROP FUNCTION touch() CASCADE"},
    {"trigger.toggle", "ALTER TABLE t DISABLE TRIGGER t_touch"},
    {"policy.rls", "ALTER TABLE t ENABLE ROW LEVEL SECURITY"},
    {"policy.rls", "CREATE POLICY x ON t USING (true)"},
    {"domain.constraint", "ALTER DOMAIN posint ADD CONSTRAINT big CHECK (value > 0)"},
    {"dml.update_no_where", "UPDATE t SET a = a"},
    {"dml.update_no_where", "DELETE FROM t"},
    {"schema.drop", "DROP SCHEMA crm CASCADE"},
};

/* ---- what is found --------------------------------------------------------------------- */

static const struct sg_audit_finding *find(const struct example *example)
{
    const struct look look = {.server_version = sg_server_version()};
    const char *before = sg_test_strf("%s%s", look_tables, more_tables);
    const struct sg_audit_result *result = look_at(&look, (const char *const[]){before, example->sql, NULL});

    for (size_t i = 0; i < result->finding_count; i++)
        if (result->findings[i].place.migration == 1 && strcmp(sg_rule(result->findings[i].rule)->id, example->rule) == 0)
            return &result->findings[i];
    T_FAIL("%s is not found in: %s", example->rule, example->sql);
    return NULL;
}

/* ---- what is measured ------------------------------------------------------------------- */

static const char strongest[] =
    "SELECT coalesce(max(array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',"
    " 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode)), 0) FROM pg_locks l"
    " JOIN seen s ON s.oid = l.relation WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted"
    " AND ('%s' = '' OR s.name = '%s')";
static const char rewritten[] = "SELECT count(*) FROM seen s JOIN pg_class c USING (oid) WHERE c.relfilenode <> s.file AND s.name <> 'seen'";
static const char scanned[] = "SELECT count(*) FROM seen s WHERE pg_stat_get_xact_numscans(s.oid) > 0 AND s.name <> 'seen'";

/* A rule without a rewrite or a scan must have neither, but for TRUNCATE's new files and what CLUSTER, REFRESH and CASCADE read. */
static bool may_do_more(const char *rule)
{
    static const char *const more[] = {"table.truncate", "table.cluster_vacuum_full", "matview.refresh", "schema.drop"};

    for (size_t i = 0; i < SG_COUNT(more); i++)
        if (strcmp(rule, more[i]) == 0)
            return true;
    return false;
}

static void compare(struct sg_sql *sql, const struct example *example, const struct sg_audit_finding *finding)
{
    struct sg_audit_claim claim = sg_audit_claim(sg_rule(finding->rule)->locks);
    const char *table = finding->table != NULL ? finding->table : "";
    int64_t files = sg_sql_int(sql, rewritten), scans = sg_sql_int(sql, scanned), lock;

    lock = sg_sql_int(sql, sg_test_strf(strongest, table, table));
    sg_test_check(SG_HERE_, false, lock == claim.strength, "%s: claims a lock of strength %d on '%s', measured %d: %s", example->rule,
                  claim.strength, table, (int)lock, example->sql);
    sg_test_check(SG_HERE_, false, !claim.rewrites || files > 0, "%s: claims a rewrite: %s", example->rule, example->sql);
    sg_test_check(SG_HERE_, false, !claim.scans || scans > 0, "%s: claims a scan: %s", example->rule, example->sql);
    if (may_do_more(example->rule))
        return;
    sg_test_check(SG_HERE_, false, claim.rewrites || files == 0, "%s: rewrites, and does not say so: %s", example->rule, example->sql);
    sg_test_check(SG_HERE_, false, claim.rewrites || claim.scans || scans == 0, "%s: scans, and does not say so: %s", example->rule,
                  example->sql);
}

/* In a session of its own, for the scans that it counts; up to the statement that the rule speaks of. */
static void measure(const char *conninfo, const struct example *example)
{
    const struct sg_audit_finding *finding = find(example);
    struct sg_sql *sql = sg_sql_open(conninfo);
    const char *at = example->sql;

    if (finding == NULL)
        return;
    sg_sql_exec(sql, "SET client_min_messages = warning; SET timezone = 'UTC'");
    sg_sql_exec(sql, "BEGIN");
    for (size_t i = 0; i <= finding->place.statement; i++) {
        const char *end = strstr(at, "; ");

        sg_sql_execf(sql, "%.*s", end != NULL ? (int)(end - at) : (int)strlen(at), at);
        at = end != NULL ? end + 2 : at + strlen(at);
    }
    compare(sql, example, finding);
    sg_sql_close(sql);
}

static bool is_due(const struct sg_rule *rule)
{
    int version = sg_server_version();

    return rule->measurable && rule->severity != SG_SEVERITY_NONE && sg_audit_claim(rule->locks).strength > 0 &&
           (rule->from == 0 || version >= rule->from) && (rule->until == 0 || version < rule->until);
}

SG_TEST(every_rule_has_an_example)
{
    for (int i = 0; i < SG_RULE_COUNT; i++) {
        const struct sg_rule *rule = sg_rule((enum sg_rule_id)i);
        size_t at = 0;

        while (at < SG_COUNT(examples) && strcmp(examples[at].rule, rule->id) != 0)
            at++;
        sg_test_check(SG_HERE_, false, !is_due(rule) || at < SG_COUNT(examples), "%s has no example", rule->id);
    }
}

SG_TEST(every_claim_holds)
{
    struct sg_server *server = sg_server_shared();
    const char *conninfo = sg_server_conninfo(server, sg_server_new_db(server), NULL);
    struct sg_sql *sql = sg_sql_open(conninfo);

    sg_sql_exec(sql, look_tables);
    sg_sql_exec(sql, more_tables);
    sg_sql_exec(sql, rows);
    for (size_t i = 0; i < SG_COUNT(examples); i++)
        if (is_due(sg_rule((enum sg_rule_id)sg_rule_find(examples[i].rule))))
            measure(conninfo, &examples[i]);
}

static const struct sg_test tests[] = {SG_CASE(every_rule_has_an_example), SG_CASE(every_claim_holds), SG_CASES_END};
static const struct sg_suite suites[] = {{"audit: rules", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
