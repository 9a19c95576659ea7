/*
 * The audit's table of locks (core/audit/locks.h) says what a real server does: each statement is sent in a transaction, pg_locks, the
 * files and the scans are read, and all must be as the table has it, no lock more and none less.
 */
#include "config.h"

#include "core/audit/locks.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"

#include <stdlib.h>
#include <string.h>

static const char *const schema[] = {
    "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, b text, c varchar(20), other_id bigint)",
    "CREATE TABLE other (id bigint PRIMARY KEY, name text)",
    "CREATE TABLE parent (id bigint PRIMARY KEY)",
    "CREATE TABLE child (id bigint PRIMARY KEY, p bigint, CONSTRAINT child_fk FOREIGN KEY (p) REFERENCES parent (id))",
    "CREATE TABLE loose (id bigint PRIMARY KEY, p bigint)",
    "ALTER TABLE loose ADD CONSTRAINT loose_fk FOREIGN KEY (p) REFERENCES parent (id) NOT VALID",
    "ALTER TABLE loose ADD CONSTRAINT loose_p CHECK (p > 0) NOT VALID",
    "CREATE TABLE narrow (id bigint PRIMARY KEY, p int REFERENCES other (id), CHECK (p IS NOT NULL))",
    "CREATE TABLE part (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at)",
    "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "CREATE TABLE list (id bigint NOT NULL, k text NOT NULL) PARTITION BY LIST (k)",
    "CREATE TABLE list_d PARTITION OF list DEFAULT",
    "CREATE TABLE checked (id bigint NOT NULL, k text NOT NULL) PARTITION BY LIST (k)",
    "CREATE TABLE checked_d PARTITION OF checked DEFAULT",
    "ALTER TABLE checked_d ADD CONSTRAINT not_x CHECK (k <> 'x')",
    "CREATE TABLE cand (id bigint NOT NULL, at date NOT NULL)",
    "CREATE TABLE proved (id bigint NOT NULL, at date NOT NULL, CHECK (at >= '2030-01-01' AND at < '2031-01-01'))",
    "CREATE UNIQUE INDEX t_a ON t (a)",
    "CREATE MATERIALIZED VIEW mv AS SELECT id FROM t",
    "CREATE UNIQUE INDEX mv_id ON mv (id)",
    "CREATE VIEW v AS SELECT id FROM t",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    "CREATE TRIGGER t_touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE POLICY t_all ON t USING (true)",
    "CREATE RULE other_rule AS ON DELETE TO other DO ALSO NOTHING",
    "CREATE SCHEMA s2",
    "CREATE TABLE s2.inside (id bigint PRIMARY KEY)",
    "CREATE TABLE heir () INHERITS (other)",
};

/* Rows in each table that is to be scanned. */
static const char rows[] =
    "INSERT INTO t SELECT g, g, 'x', 'y', 1 FROM generate_series(1, 3000) g; INSERT INTO other SELECT g, 'x' FROM generate_series(1, 3000) g;"
    "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1); INSERT INTO loose VALUES (1, 1); INSERT INTO narrow VALUES (1, 1);"
    "INSERT INTO part VALUES (1, '2026-02-01'); INSERT INTO list VALUES (1, 'z'); INSERT INTO checked VALUES (1, 'z');"
    "INSERT INTO cand VALUES (1, '2030-02-01'); INSERT INTO proved VALUES (1, '2030-02-01'); REFRESH MATERIALIZED VIEW mv;"
    "CREATE TABLE seen AS SELECT oid, relname::text AS name, relfilenode AS file FROM pg_class"
    "  WHERE relkind IN ('r', 'p', 'm', 'v') AND oid >= 16384; ANALYZE";

struct sample {
    const char *sql;
    const char *not_told;  /* relations that the text does not tell: partitions, what a cascade meets; " part_1 " */
    bool less;             /* the server does less than the text says at most */
};

static const struct sample samples[] = {
    /* ALTER TABLE */
    {.sql = "ALTER TABLE t ADD COLUMN z int"},
    {.sql = "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT now()"},
    {.sql = "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT clock_timestamp()"},
    {.sql = "ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()"},
    {.sql = "ALTER TABLE t ADD COLUMN z bigserial"},
    {.sql = "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS IDENTITY"},
    {.sql = "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS (a + 1) STORED"},
    {.sql = "ALTER TABLE t ADD COLUMN z int CHECK (z > 0)"},
    {.sql = "ALTER TABLE t ADD COLUMN z int UNIQUE"},
    {.sql = "ALTER TABLE t ADD COLUMN z bigint REFERENCES other"},
    {.sql = "ALTER TABLE t DROP COLUMN b"},
    {.sql = "ALTER TABLE t ALTER a TYPE bigint"},
    {.sql = "ALTER TABLE t ALTER c TYPE varchar(40)"},
    {.sql = "ALTER TABLE t ALTER c TYPE text"},
    {.sql = "ALTER TABLE t ALTER c TYPE varchar(10)"},
    {.sql = "ALTER TABLE parent ALTER id TYPE numeric"},
    {.sql = "ALTER TABLE narrow ALTER p TYPE bigint", .less = true},
    {.sql = "ALTER TABLE child DROP COLUMN p"},
    {.sql = "ALTER TABLE parent DROP COLUMN id CASCADE"},
    {.sql = "ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE"},
    {.sql = "ALTER TABLE proved ALTER id SET NOT NULL"},
    {.sql = "ALTER TABLE loose ALTER id SET NOT NULL"},
    {.sql = "ALTER TABLE narrow ALTER p SET NOT NULL"},
    {.sql = "ALTER TABLE t ALTER b SET NOT NULL"},
    {.sql = "ALTER TABLE t ALTER a DROP NOT NULL"},
    {.sql = "ALTER TABLE t ALTER a SET DEFAULT 1"},
    {.sql = "ALTER TABLE t ALTER a SET STATISTICS 100"},
    {.sql = "ALTER TABLE t ALTER a SET (n_distinct = 5)"},
    {.sql = "ALTER TABLE t ALTER b SET STORAGE external"},
    {.sql = "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0)"},
    {.sql = "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) NOT VALID"},
    {.sql = "ALTER TABLE t ADD CONSTRAINT x UNIQUE (a)"},
    {.sql = "ALTER TABLE t ADD CONSTRAINT x UNIQUE USING INDEX t_a"},
    {.sql = "ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING btree (a WITH =)"},
    {.sql = "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other (id)"},
    {.sql = "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other (id) NOT VALID"},
    {.sql = "ALTER TABLE loose VALIDATE CONSTRAINT loose_fk"},
    {.sql = "ALTER TABLE loose VALIDATE CONSTRAINT loose_p"},
    {.sql = "ALTER TABLE child DROP CONSTRAINT child_fk"},
    {.sql = "ALTER TABLE loose DROP CONSTRAINT loose_p"},
    {.sql = "ALTER TABLE t DISABLE TRIGGER t_touch"},
    {.sql = "ALTER TABLE t ENABLE TRIGGER ALL"},
    {.sql = "ALTER TABLE t ENABLE ROW LEVEL SECURITY"},
    {.sql = "ALTER TABLE t SET (fillfactor = 70)"},
    {.sql = "ALTER TABLE t RESET (fillfactor)"},
    {.sql = "ALTER TABLE t CLUSTER ON t_a"},
    {.sql = "ALTER TABLE t SET WITHOUT CLUSTER"},
    {.sql = "ALTER TABLE t REPLICA IDENTITY FULL"},
    {.sql = "ALTER TABLE t OWNER TO postgres"},
    {.sql = "ALTER TABLE t SET UNLOGGED"},
    {.sql = "ALTER TABLE t SET TABLESPACE pg_default", .less = true},
    {.sql = "ALTER TABLE heir NO INHERIT other", .not_told = " other "},
    {.sql = "ALTER TABLE part ATTACH PARTITION cand FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"},
    {.sql = "ALTER TABLE part ATTACH PARTITION proved FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"},
    {.sql = "ALTER TABLE part DETACH PARTITION part_1"},
    /* other names */
    {.sql = "ALTER TABLE t RENAME TO t2"},
    {.sql = "ALTER TABLE t RENAME COLUMN a TO aa", .not_told = " v mv "},
    {.sql = "ALTER TABLE t RENAME CONSTRAINT t_pkey TO t_key"},
    {.sql = "ALTER TRIGGER t_touch ON t RENAME TO touch"},
    {.sql = "ALTER INDEX t_a RENAME TO t_b"},
    {.sql = "ALTER TABLE t SET SCHEMA s2"},
    {.sql = "ALTER SCHEMA s2 RENAME TO s3"},
    {.sql = "ALTER VIEW v RENAME TO v2"},
    /* CREATE */
    {.sql = "CREATE TABLE n (id bigint PRIMARY KEY, p bigint REFERENCES parent, o bigint REFERENCES other)"},
    {.sql = "CREATE TABLE n (id bigint PRIMARY KEY, up bigint REFERENCES n)"},
    {.sql = "CREATE TABLE n (LIKE t INCLUDING ALL)"},
    {.sql = "CREATE TABLE n () INHERITS (other)"},
    {.sql = "CREATE TABLE n PARTITION OF part FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"},
    {.sql = "CREATE TABLE n PARTITION OF list FOR VALUES IN ('x')"},
    {.sql = "CREATE TABLE n PARTITION OF checked FOR VALUES IN ('x')"},
    {.sql = "CREATE TABLE n AS SELECT * FROM other", .not_told = " heir "},
    {.sql = "CREATE INDEX ON t (b)"},
    {.sql = "CREATE INDEX ON part (id)", .not_told = " part_1 ", .less = true},
    {.sql = "CREATE INDEX ON ONLY part (id)"},
    {.sql = "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()"},
    {.sql = "CREATE POLICY x ON t USING (true)"},
    {.sql = "ALTER POLICY t_all ON t USING (false)"},
    {.sql = "CREATE RULE x AS ON DELETE TO t DO ALSO NOTHING"},
    {.sql = "CREATE STATISTICS x ON a, b FROM t"},
    {.sql = "CREATE OR REPLACE VIEW v AS SELECT id, 1 AS one FROM t"},
    {.sql = "COMMENT ON TABLE t IS 'x'"},
    {.sql = "COMMENT ON COLUMN t.a IS 'x'"},
    {.sql = "GRANT SELECT ON t TO public"},
    /* DROP */
    {.sql = "DROP TABLE child"},
    {.sql = "DROP TABLE parent CASCADE"},
    {.sql = "DROP TABLE part_1"},
    {.sql = "DROP TABLE list_d"},
    {.sql = "DROP VIEW v"},
    {.sql = "DROP MATERIALIZED VIEW mv"},
    {.sql = "DROP INDEX t_a"},
    {.sql = "DROP TRIGGER t_touch ON t"},
    {.sql = "DROP POLICY t_all ON t"},
    {.sql = "DROP RULE other_rule ON other"},
    {.sql = "DROP SCHEMA s2 CASCADE"},
    {.sql = "DROP FUNCTION touch() CASCADE", .not_told = " t "},
    {.sql = "TRUNCATE t"},
    {.sql = "TRUNCATE parent CASCADE"},
    /* the rest */
    {.sql = "REINDEX TABLE t"},
    {.sql = "REINDEX INDEX t_a"},
    {.sql = "CLUSTER t USING t_a"},
    {.sql = "REFRESH MATERIALIZED VIEW mv", .not_told = " t "},
    {.sql = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv", .less = true},
    {.sql = "ANALYZE t", .less = true},
    {.sql = "LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE"},
    {.sql = "LOCK TABLE t, other", .not_told = " heir "},
    {.sql = "UPDATE t SET a = a"},
    {.sql = "DELETE FROM t WHERE id = 1"},
    {.sql = "INSERT INTO other VALUES (10000, 'x')"},
    {.sql = "INSERT INTO other SELECT id + 10000, 'x' FROM t"},
    {.sql = "COPY other FROM '/dev/null'"},
};

/* ---- what the table says ------------------------------------------------------------- */

static const struct sg_json *parse(const char *sql, struct sg_json **tree_r)
{
    struct sg_err err = SG_ERR_INIT;

    if (sg_parse(sql, strlen(sql), tree_r, &err) != SG_PARSE_OK)
        sg_test_fatal(SG_HERE_, "%s: %s", sql, err.primary);
    return sg_json_get(sg_json_at(sg_json_get(*tree_r, "stmts"), 0), "stmt");
}

static struct sg_model *new_model(void)
{
    struct sg_model *model = sg_model_new();

    sg_model_begin(model, "1");
    for (size_t i = 0; i < SG_COUNT(schema); i++) {
        struct sg_json *tree;

        sg_model_apply(model, parse(schema[i], &tree), schema[i], i);
        sg_json_free(tree);
    }
    sg_model_begin(model, "2");
    return model;
}

struct told {
    const char *locks;     /* "other:SHARE t:ACCESS EXCLUSIVE", by name; those that stop a writer or DDL */
    const char *scanned, *rewritten;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sg_lock *)a)->relation.name, ((const struct sg_lock *)b)->relation.name);
}

static const char *append(const char *list, const char *word)
{
    return sg_test_strf("%s%s%s", list, list[0] != '\0' ? " " : "", word);
}

static struct told table_says(const struct sg_model *model, const char *sql)
{
    struct told told = {"", "", ""};
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_locks locks = {NULL, 0, 0};
    struct sg_json *tree;
    const struct sg_json *statement = parse(sql, &tree);

    sg_locks_of(model, sg_node_name(statement), sg_node_body(statement), &arena, &locks);
    if (locks.count > 0)
        qsort(locks.list, locks.count, sizeof *locks.list, by_name);
    for (size_t i = 0; i < locks.count; i++) {
        const struct sg_lock *lock = &locks.list[i];

        if (lock->mode >= SG_LOCK_ROW_EXCLUSIVE)
            told.locks = append(told.locks, sg_test_strf("%s:%s", lock->relation.name, sg_lock_mode_name(lock->mode)));
        if (lock->work == SG_LOCK_WORK_REWRITE)
            told.rewritten = append(told.rewritten, lock->relation.name);
        else if (lock->work == SG_LOCK_WORK_SCAN)
            told.scanned = append(told.scanned, lock->relation.name);
    }
    sg_json_free(tree);
    sg_arena_release(&arena);
    return told;
}

/* ---- what the server does -------------------------------------------------------------- */

static const char of_locks[] =
    "WITH taken AS (SELECT s.name, max(array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',"
    "  'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode)) AS n"
    "  FROM pg_locks l JOIN seen s ON s.oid = l.relation WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted"
    "  AND strpos('%s', ' ' || s.name || ' ') = 0 GROUP BY s.name)"
    " SELECT coalesce(string_agg(name || ':' || (ARRAY['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE',"
    "  'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'])[n], ' ' ORDER BY name COLLATE \"C\"), '') FROM taken WHERE n >= 3";

static const char of_files[] =
    "SELECT coalesce(string_agg(s.name, ' ' ORDER BY s.name COLLATE \"C\"), '') FROM seen s JOIN pg_class c USING (oid)"
    " WHERE c.relfilenode <> s.file AND s.name <> 'seen'";

static const char of_scans[] =
    "SELECT coalesce(string_agg(s.name, ' ' ORDER BY s.name COLLATE \"C\"), '') FROM seen s JOIN pg_class c USING (oid)"
    " WHERE pg_stat_get_xact_numscans(s.oid) > 0 AND s.name <> 'seen' AND c.relfilenode = s.file"
    " AND strpos('%s', ' ' || s.name || ' ') = 0";

/* In a session of its own: what was scanned is counted by the session, and a rollback does not take it back. */
static struct told server_says(const char *conninfo, const struct sample *sample)
{
    const char *not_told = sample->not_told != NULL ? sample->not_told : "";
    struct sg_sql *sql = sg_sql_open(conninfo);
    struct told told;

    sg_sql_exec(sql, "SET client_min_messages = warning");

    sg_sql_exec(sql, "BEGIN");
    sg_sql_exec(sql, sample->sql);
    told.scanned = sg_sql_value(sql, sg_test_strf(of_scans, not_told));
    told.locks = sg_sql_value(sql, sg_test_strf(of_locks, not_told));
    told.rewritten = sg_sql_value(sql, of_files);
    sg_sql_close(sql);
    return told;
}

/* TRUNCATE's new files are empty: nothing that takes time. What only is read by an index is no scan. */
static void compare(const struct sample *sample, struct told says, struct told does)
{
    bool truncate = strncmp(sample->sql, "TRUNCATE", 8) == 0;

    sg_test_check(SG_HERE_, false, strcmp(says.locks, does.locks) == 0, "%s: the table says %s, the server does %s", sample->sql,
                  says.locks, does.locks);
    if (sample->less)
        return;
    sg_test_check(SG_HERE_, false, truncate || strcmp(says.rewritten, does.rewritten) == 0,
                  "%s: the table says that it rewrites '%s', the server rewrites '%s'", sample->sql, says.rewritten, does.rewritten);
    sg_test_check(SG_HERE_, false, strcmp(says.scanned, does.scanned) == 0,
                  "%s: the table says that it scans '%s', the server scans '%s'", sample->sql, says.scanned, does.scanned);
}

SG_TEST(each_statement)
{
    struct sg_server *server = sg_server_shared();
    const char *conninfo = sg_server_conninfo(server, sg_server_new_db(server), NULL);
    struct sg_sql *sql = sg_sql_open(conninfo);
    struct sg_model *model = new_model();

    for (size_t i = 0; i < SG_COUNT(schema); i++)
        sg_sql_exec(sql, schema[i]);
    sg_sql_exec(sql, rows);
    for (size_t i = 0; i < SG_COUNT(samples); i++)
        compare(&samples[i], table_says(model, samples[i].sql), server_says(conninfo, &samples[i]));
    sg_model_free(model);
}

static const struct sg_test tests[] = {SG_CASE(each_statement), SG_CASES_END};
static const struct sg_suite suites[] = {{"audit: locks", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
