/* table.*, partition.*, matview.*, trigger.*, policy.*, schema.*, lock.*: each rule, where it must be found and where not. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

#define FOUND(id, sql) T_EQ_STR(look_rules(NULL, id, sql), id)
#define NONE(id, sql) T_EQ_STR(look_rules(NULL, id, sql), "")

/* What is said of the rule's first finding in the second migration. */
static const char *detail(const char *before, const char *sql, enum sg_rule_id rule)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){before, sql, NULL});

    for (size_t i = 0; i < result->finding_count; i++)
        if (result->findings[i].place.migration == 1 && result->findings[i].rule == rule)
            return result->findings[i].detail != NULL ? result->findings[i].detail : "";
    return "not found";
}

SG_TEST(create_with_fk)
{
    static const char id[] = "table.create_with_fk";

    FOUND(id, "CREATE TABLE n (id bigint PRIMARY KEY, p bigint REFERENCES parent)");
    FOUND(id, "CREATE TABLE n (id bigint PRIMARY KEY, p bigint, FOREIGN KEY (p) REFERENCES public.parent (id))");
    NONE(id, "CREATE TABLE m (id bigint PRIMARY KEY); CREATE TABLE n (id bigint PRIMARY KEY, m bigint REFERENCES m)");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY, up bigint REFERENCES n)");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY, p bigint)");
    T_EQ_STR(detail(look_tables, "CREATE TABLE n (p bigint REFERENCES parent)", SG_RULE_TABLE_CREATE_WITH_FK), "n refers to parent");
}

SG_TEST(drop)
{
    static const char fk[] = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)";

    FOUND("table.drop", "DROP TABLE t");
    FOUND("table.drop", "DROP TABLE IF EXISTS never_seen CASCADE");
    NONE("table.drop", "CREATE TABLE n (id bigint PRIMARY KEY); DROP TABLE n");
    NONE("table.drop", "CREATE TEMP TABLE n (id bigint); DROP TABLE n");
    NONE("table.drop", "DROP VIEW v");
    T_EQ_STR(detail(fk, "DROP TABLE c", SG_RULE_TABLE_DROP), "c; locked too, by foreign keys or partitions: p");
    T_EQ_STR(detail(fk, "DROP TABLE p CASCADE", SG_RULE_TABLE_DROP), "p; locked too, by foreign keys or partitions: c");
    T_EQ_STR(detail(look_tables, "DROP TABLE part_1", SG_RULE_TABLE_DROP), "part_1; locked too, by foreign keys or partitions: part");
    T_EQ_STR(detail(look_tables, "DROP TABLE t", SG_RULE_TABLE_DROP), "t");
}

SG_TEST(rename)
{
    FOUND("table.rename", "ALTER TABLE t RENAME TO t2");
    FOUND("table.rename", "ALTER TABLE IF EXISTS public.never_seen RENAME TO seen");
    NONE("table.rename", "ALTER TABLE t RENAME TO t2; CREATE VIEW t AS SELECT * FROM t2");
    NONE("table.rename", "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n RENAME TO m");
    NONE("table.rename", "ALTER TABLE t RENAME CONSTRAINT t_pkey TO pk");
    NONE("table.rename", "ALTER INDEX t_a RENAME TO t_b");
    NONE("table.rename",
         "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE t RENAME TO t_old; ALTER TABLE n RENAME TO t");
}

SG_TEST(set_schema)
{
    FOUND("table.set_schema", "ALTER TABLE t SET SCHEMA crm");
    FOUND("table.set_schema", "ALTER SCHEMA crm RENAME TO sales");
    NONE("table.set_schema", "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n SET SCHEMA crm");
    NONE("table.set_schema", "ALTER FUNCTION touch() SET SCHEMA crm");
}

SG_TEST(truncate)
{
    static const char fk[] = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)";

    FOUND("table.truncate", "TRUNCATE t");
    FOUND("table.truncate", "TRUNCATE TABLE ONLY parent, other RESTART IDENTITY CASCADE");
    NONE("table.truncate", "CREATE TABLE n (id bigint PRIMARY KEY); TRUNCATE n");
    NONE("table.truncate", "DELETE FROM t");
    T_EQ_STR(detail(fk, "TRUNCATE p CASCADE", SG_RULE_TABLE_TRUNCATE), "p; emptied too, by CASCADE: c");
}

SG_TEST(cluster_vacuum_full)
{
    static const char id[] = "table.cluster_vacuum_full";

    FOUND(id, "CLUSTER t USING t_a");
    FOUND(id, "CLUSTER");
    FOUND(id, "VACUUM FULL t");
    FOUND(id, "VACUUM (FULL, ANALYZE)");
    NONE(id, "VACUUM ANALYZE t");
    NONE(id, "VACUUM (FULL OFF) t");
    NONE(id, "ALTER TABLE t CLUSTER ON t_a");
    NONE(id, "ANALYZE t");
}

SG_TEST(set_logged)
{
    static const char id[] = "table.set_logged";

    FOUND(id, "ALTER TABLE t SET UNLOGGED");
    FOUND(id, "ALTER TABLE t SET LOGGED");
    FOUND(id, "ALTER TABLE t SET TABLESPACE fast");
    FOUND(id, "ALTER TABLE t SET ACCESS METHOD columnar");
    FOUND(id, "ALTER INDEX t_a SET TABLESPACE fast");
    FOUND(id, "ALTER TABLE ALL IN TABLESPACE old SET TABLESPACE fast");
    NONE(id, "ALTER TABLE t SET (fillfactor = 70)");
    NONE(id, "ALTER TABLE part SET TABLESPACE fast");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n SET UNLOGGED");
}

SG_TEST(no_pk)
{
    static const char id[] = "table.no_pk";

    FOUND(id, "CREATE TABLE n (id bigint)");
    FOUND(id, "CREATE TABLE n AS SELECT * FROM t");
    FOUND(id, "CREATE TABLE n (LIKE t)");
    FOUND(id, "CREATE TABLE n (id bigint UNIQUE) PARTITION BY HASH (id)");
    NONE(id, "CREATE TABLE n (id bigint PRIMARY KEY)");
    NONE(id, "CREATE TABLE n (id bigint); ALTER TABLE n ADD PRIMARY KEY (id)");
    NONE(id, "CREATE TABLE n (LIKE t INCLUDING ALL)");
    NONE(id, "CREATE TABLE n (LIKE t INCLUDING INDEXES)");
    NONE(id, "CREATE TEMP TABLE n (id bigint)");
    NONE(id, "CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')");
    NONE(id, "CREATE TABLE n (id bigint); DROP TABLE n");
}

SG_TEST(unlogged)
{
    FOUND("table.unlogged", "CREATE UNLOGGED TABLE n (id bigint PRIMARY KEY)");
    FOUND("table.unlogged", "CREATE UNLOGGED TABLE n AS SELECT 1 AS id");
    NONE("table.unlogged", "CREATE TEMP TABLE n (id bigint PRIMARY KEY)");
    NONE("table.unlogged", "CREATE TABLE unlogged (id bigint PRIMARY KEY)");
}

static const char with_default[] =
    "CREATE TABLE part (id bigint NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);"
    "CREATE TABLE part_d PARTITION OF part DEFAULT;"
    "CREATE TABLE cand (id bigint NOT NULL, at timestamptz NOT NULL);"
    "CREATE TABLE good (id bigint NOT NULL, at timestamptz NOT NULL,"
    "  CONSTRAINT good_at CHECK (at >= '2030-01-01' AND at < '2031-01-01'));"
    "CREATE TABLE bad (id bigint NOT NULL, at timestamptz NOT NULL, CHECK (id > 0))";

SG_TEST(partition_create)
{
    static const char id[] = "partition.create";

    FOUND(id, "CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')");
    FOUND(id, "CREATE TABLE part_d PARTITION OF public.part DEFAULT");
    NONE(id, "CREATE TABLE n (id int) PARTITION BY RANGE (id); CREATE TABLE n_1 PARTITION OF n FOR VALUES FROM (1) TO (2)");
    NONE(id, "CREATE TABLE part_2 (LIKE part INCLUDING ALL)");
}

SG_TEST(partition_default_scan)
{
    static const char id[] = "partition.default_scan";

    T_EQ_STR(look_rules_after(NULL, id, with_default, "CREATE TABLE p2 PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), id);
    T_EQ_STR(look_rules_after(NULL, id, with_default,
                              "ALTER TABLE part ATTACH PARTITION good FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), id);
    T_EQ_STR(look_rules_after(NULL, id, with_default,
                              "ALTER TABLE part_d ADD CONSTRAINT x CHECK (at < '2030-01-01');"
                              "CREATE TABLE p2 PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), "");
    NONE(id, "CREATE TABLE p2 PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')");
    NONE(id, "CREATE TABLE p2 PARTITION OF part DEFAULT");
}

SG_TEST(partition_attach)
{
    static const char id[] = "partition.attach";

    FOUND(id, "ALTER TABLE part ATTACH PARTITION cand FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')");
    T_EQ_STR(look_rules_after(NULL, id, with_default,
                              "ALTER TABLE part ATTACH PARTITION bad FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), id);
    T_EQ_STR(look_rules_after(NULL, id, with_default,
                              "ALTER TABLE cand ADD CONSTRAINT x CHECK (at >= '2030-01-01' AND at < '2031-01-01') NOT VALID;"
                              "ALTER TABLE part ATTACH PARTITION cand FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), id);
    T_EQ_STR(look_rules_after(NULL, id, with_default,
                              "ALTER TABLE part ATTACH PARTITION good FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), "");
    T_EQ_STR(look_rules_after(NULL, id, with_default,
                              "ALTER TABLE cand ADD CONSTRAINT x CHECK (at >= '2030-01-01' AND at < '2031-01-01') NOT VALID;"
                              "ALTER TABLE cand VALIDATE CONSTRAINT x;"
                              "ALTER TABLE part ATTACH PARTITION cand FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"), "");
    NONE(id, "CREATE TABLE part_2 (LIKE part);"
             "ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')");
}

SG_TEST(partition_detach)
{
    FOUND("partition.detach", "ALTER TABLE part DETACH PARTITION part_1");
    FOUND("partition.detach", "ALTER TABLE never_seen DETACH PARTITION never_seen_1");
    NONE("partition.detach", "ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY");
    NONE("partition.detach", "ALTER TABLE part DETACH PARTITION part_1 FINALIZE");
}

SG_TEST(matview_refresh)
{
    FOUND("matview.refresh", "REFRESH MATERIALIZED VIEW mv");
    FOUND("matview.refresh", "REFRESH MATERIALIZED VIEW public.mv WITH NO DATA");
    NONE("matview.refresh", "REFRESH MATERIALIZED VIEW CONCURRENTLY mv");
    NONE("matview.refresh", "CREATE MATERIALIZED VIEW m AS SELECT 1 WITH NO DATA; REFRESH MATERIALIZED VIEW m");
}

SG_TEST(trigger_create)
{
    FOUND("trigger.create", "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()");
    FOUND("trigger.create", "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON public.never_seen FOR EACH ROW EXECUTE FUNCTION touch()");
    NONE("trigger.create", "CREATE TABLE n (id bigint PRIMARY KEY);"
                           "CREATE TRIGGER x BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION touch()");
    NONE("trigger.create", "CREATE VIEW v AS SELECT 1 AS a;"
                           "CREATE TRIGGER x INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION touch()");
    NONE("trigger.create", "CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION f()");
}

SG_TEST(trigger_drop)
{
    FOUND("trigger.drop", "DROP TRIGGER t_touch ON t");
    FOUND("trigger.drop", "DROP FUNCTION touch() CASCADE");
    FOUND("trigger.drop", "DROP FUNCTION IF EXISTS never_seen CASCADE");
    NONE("trigger.drop", "DROP FUNCTION touch()");
    NONE("trigger.drop", "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION one() CASCADE");
    NONE("trigger.drop", "DROP EVENT TRIGGER x");
    NONE("trigger.drop", "CREATE TABLE n (id bigint PRIMARY KEY);"
                         "CREATE TRIGGER x BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION touch(); DROP TRIGGER x ON n");
}

SG_TEST(trigger_toggle)
{
    FOUND("trigger.toggle", "ALTER TABLE t DISABLE TRIGGER ALL");
    FOUND("trigger.toggle", "ALTER TABLE t ENABLE TRIGGER t_touch");
    FOUND("trigger.toggle", "SET session_replication_role = replica");
    NONE("trigger.toggle", "SET session_replication_role = DEFAULT");
    NONE("trigger.toggle", "ALTER TABLE t DISABLE RULE r");
    NONE("trigger.toggle", "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n DISABLE TRIGGER ALL");
}

SG_TEST(policy_rls)
{
    FOUND("policy.rls", "CREATE POLICY p ON t USING (id > 0)");
    FOUND("policy.rls", "ALTER TABLE t ENABLE ROW LEVEL SECURITY");
    FOUND("policy.rls", "DROP POLICY p ON t");
    FOUND("policy.rls", "ALTER POLICY p ON t USING (true)");
    NONE("policy.rls", "CREATE TABLE n (id bigint PRIMARY KEY); ALTER TABLE n ENABLE ROW LEVEL SECURITY;"
                       "CREATE POLICY p ON n USING (true)");
    NONE("policy.rls", "GRANT SELECT ON t TO public");
}

SG_TEST(schema_drop)
{
    FOUND("schema.drop", "DROP SCHEMA crm CASCADE");
    FOUND("schema.drop", "DROP DATABASE app");
    FOUND("schema.drop", "DROP OWNED BY someone");
    NONE("schema.drop", "DROP SCHEMA crm");
    NONE("schema.drop", "CREATE SCHEMA crm");
}

SG_TEST(lock_explicit)
{
    FOUND("lock.explicit", "LOCK TABLE t");
    FOUND("lock.explicit", "LOCK t, other IN SHARE ROW EXCLUSIVE MODE NOWAIT");
    NONE("lock.explicit", "LOCK TABLE t IN ACCESS SHARE MODE");
    NONE("lock.explicit", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE");
    NONE("lock.explicit", "CREATE TABLE n (id bigint PRIMARY KEY); LOCK TABLE n");
    T_EQ_STR(detail(look_tables, "LOCK t IN SHARE MODE", SG_RULE_LOCK_EXPLICIT), "t IN SHARE MODE");
}

/* What is no rule, and why, stands in the table. */
SG_TEST(no_rules)
{
    T_EQ_INT(sg_rule(SG_RULE_TABLE_IF_EXISTS)->severity, SG_SEVERITY_NONE);
    T_EQ_INT(sg_rule(SG_RULE_TABLE_REWRITE_OTHER)->severity, SG_SEVERITY_NONE);
    T_EQ_INT(sg_rule(SG_RULE_ORM_ONLY)->severity, SG_SEVERITY_NONE);
    T_EQ_INT(sg_rule(SG_RULE_DML_ANY)->severity, SG_SEVERITY_NONE);
    T_TRUE(strncmp(sg_rule(SG_RULE_ORM_ONLY)->why, "No rule: ", 9) == 0);
}

static const struct sg_test tables[] = {SG_CASE(create_with_fk), SG_CASE(drop), SG_CASE(rename), SG_CASE(set_schema),
                                        SG_CASE(truncate), SG_CASE(cluster_vacuum_full), SG_CASE(set_logged), SG_CASE(no_pk),
                                        SG_CASE(unlogged), SG_CASE(no_rules), SG_CASES_END};
static const struct sg_test objects[] = {SG_CASE(partition_create), SG_CASE(partition_default_scan), SG_CASE(partition_attach),
                                         SG_CASE(partition_detach), SG_CASE(matview_refresh), SG_CASE(trigger_create),
                                         SG_CASE(trigger_drop), SG_CASE(trigger_toggle), SG_CASE(policy_rls),
                                         SG_CASE(schema_drop), SG_CASE(lock_explicit), SG_CASES_END};
static const struct sg_suite suites[] = {{"rules: table", tables}, {"rules: objects", objects}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
