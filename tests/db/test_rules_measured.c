/*
 * What the rules of columns, constraints and domains claim of locks, scans and rewrites, held against a real server: each statement is
 * audited, and run in a transaction on tables with rows; what is found and what was seen must say the same, both ways.
 */
#include "config.h"

#include "core/base/buf.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/unit/audit/look.h"

#include <string.h>

/* What was there before, for both sides. */
static const char schema[] =
    "CREATE DOMAIN pos AS int CHECK (value > 0); CREATE DOMAIN plain AS int; CREATE DOMAIN filled AS text NOT NULL;"
    "CREATE TYPE mood AS ENUM ('sad', 'ok');"
    "CREATE FUNCTION vol() RETURNS int VOLATILE LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;"
    "CREATE FUNCTION imm() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;"
    "CREATE TABLE parent (id bigint PRIMARY KEY, code varchar(10));"
    "CREATE TABLE other (id bigint PRIMARY KEY);"
    "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text, c varchar(20), d timestamptz, ts timestamp, n numeric(10,2),"
    " other_id bigint, nn int NOT NULL DEFAULT 1, ck int CONSTRAINT ck_there CHECK (ck IS NOT NULL), e varchar(20), f varchar(20),"
    " g varchar(20), j json, dom pos, CONSTRAINT e_filled CHECK (e <> ''));"
    "CREATE INDEX t_f ON t (lower(f)); CREATE INDEX t_g ON t (g); CREATE INDEX t_ts ON t (ts);"
    "CREATE TABLE nopk (id bigint NOT NULL, v bigint); CREATE UNIQUE INDEX nopk_id ON nopk (id);"
    "CREATE UNIQUE INDEX nopk_v ON nopk (v);"
    "ALTER TABLE t ADD CONSTRAINT later CHECK (a IS NOT NULL) NOT VALID;"
    "CREATE TABLE linked (id bigint CONSTRAINT linked_id REFERENCES parent);"
    "CREATE TABLE part (id bigint, at timestamptz) PARTITION BY RANGE (at); CREATE TABLE part_1 PARTITION OF part DEFAULT;";

static const char rows[] =
    "INSERT INTO parent SELECT i, i FROM generate_series(1, 50) i; INSERT INTO other SELECT id FROM parent;"
    "INSERT INTO t SELECT i, i, 'b', 'c', now(), now(), 1, i, 1, 1, 'e', 'f', 'g', '{}', 1 FROM generate_series(1, 50) i;"
    "INSERT INTO nopk SELECT i, i FROM generate_series(1, 50) i; INSERT INTO linked SELECT id FROM parent;"
    "INSERT INTO part SELECT i, now() FROM generate_series(1, 50) i;";

static const char *const statements[] = {
    "ALTER TABLE t ADD z int",
    "ALTER TABLE t ADD z int NOT NULL DEFAULT 1",
    "ALTER TABLE t ADD z timestamptz DEFAULT now()",
    "ALTER TABLE t ADD z timestamptz DEFAULT clock_timestamp()",
    "ALTER TABLE t ADD z uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD z text DEFAULT 'x' || random()::text",
    "ALTER TABLE t ADD z int DEFAULT vol()",
    "ALTER TABLE t ADD z int DEFAULT imm()",
    "ALTER TABLE t ADD z bigserial",
    "ALTER TABLE t ADD z bigint GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD z int GENERATED ALWAYS AS (a + 1) STORED",
    "ALTER TABLE t ADD z int CHECK (z > 0)",
    "ALTER TABLE t ADD z int UNIQUE",
    "ALTER TABLE t ADD z bigint REFERENCES parent",
    "ALTER TABLE t ADD z bigint DEFAULT 1 REFERENCES parent",
    "ALTER TABLE nopk ADD z bigserial PRIMARY KEY",
    "ALTER TABLE t ADD z pos",
    "ALTER TABLE t ADD z pos DEFAULT 1",
    "ALTER TABLE t ADD z filled DEFAULT ''",
    "ALTER TABLE t ADD z plain DEFAULT 1",
    "ALTER TABLE t ADD z mood DEFAULT 'ok'",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int UNIQUE",
    "ALTER TABLE t DROP COLUMN b",
    "ALTER TABLE t RENAME b TO bb",
    "ALTER TABLE t ALTER b SET NOT NULL",
    "ALTER TABLE t ALTER a SET NOT NULL",
    "ALTER TABLE t ALTER ck SET NOT NULL",
    "ALTER TABLE t ALTER nn SET NOT NULL",
    "ALTER TABLE t ALTER id SET NOT NULL",
    "ALTER TABLE t ALTER nn DROP NOT NULL",
    "ALTER TABLE t ALTER nn SET DEFAULT 2",
    "ALTER TABLE t ALTER nn DROP DEFAULT; ALTER TABLE t ALTER nn ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ALTER a TYPE bigint",
    "ALTER TABLE t ALTER c TYPE varchar(40)",
    "ALTER TABLE t ALTER c TYPE varchar(10)",
    "ALTER TABLE t ALTER c TYPE text USING lower(c)",
    "ALTER TABLE t ALTER e TYPE varchar(40)",
    "ALTER TABLE t ALTER f TYPE varchar(40)",
    "ALTER TABLE t ALTER g TYPE varchar(40)",
    "ALTER TABLE t ALTER g TYPE varchar(40) COLLATE \"C\"",
    "ALTER TABLE t ALTER c TYPE varchar(40) COLLATE \"C\"",
    "ALTER TABLE t ALTER d TYPE timestamp",
    "SET timezone = 'UTC'; ALTER TABLE t ALTER d TYPE timestamp",
    "SET timezone = 'UTC'; ALTER TABLE t ALTER ts TYPE timestamptz",
    "ALTER TABLE t ALTER n TYPE numeric(12,2)",
    "ALTER TABLE t ALTER j TYPE jsonb",
    "ALTER TABLE t ALTER dom TYPE int",
    "ALTER TABLE t ALTER a TYPE pos",
    "ALTER TABLE linked ALTER id TYPE int",
    "ALTER TABLE t ADD CHECK (b <> '')",
    "ALTER TABLE t ADD CONSTRAINT k CHECK (b <> '') NOT VALID",
    "ALTER TABLE t VALIDATE CONSTRAINT later",
    "ALTER TABLE t ADD CONSTRAINT k CHECK (b <> '') NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k",
    "ALTER TABLE t ADD CONSTRAINT k CHECK (b <> '') NOT VALID, VALIDATE CONSTRAINT k",
    "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (other_id) REFERENCES other NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k",
    "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other",
    "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID",
    "ALTER TABLE part ADD FOREIGN KEY (id) REFERENCES parent",
    "ALTER TABLE part_1 ADD FOREIGN KEY (id) REFERENCES parent NOT VALID",
    "CREATE TABLE fresh (id bigint REFERENCES other); ALTER TABLE fresh ADD FOREIGN KEY (id) REFERENCES parent",
    "ALTER TABLE t ADD UNIQUE (a)",
    "ALTER TABLE nopk ADD CONSTRAINT u UNIQUE USING INDEX nopk_v",
    "ALTER TABLE nopk ADD PRIMARY KEY (id)",
    "ALTER TABLE nopk ADD PRIMARY KEY USING INDEX nopk_id",
    "ALTER TABLE nopk ADD PRIMARY KEY USING INDEX nopk_v",
    "ALTER TABLE part ADD UNIQUE (id, at)",
    "ALTER TABLE ONLY part ADD UNIQUE (id, at)",
    "ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)",
    "ALTER TABLE t DROP CONSTRAINT ck_there",
    "ALTER TABLE t DROP CONSTRAINT t_pkey",
    "ALTER TABLE linked DROP CONSTRAINT linked_id",
    "ALTER DOMAIN pos ADD CHECK (value < 99)",
    "ALTER DOMAIN pos ADD CONSTRAINT k CHECK (value < 99) NOT VALID",
    "ALTER DOMAIN pos ADD CONSTRAINT k CHECK (value < 99) NOT VALID; ALTER DOMAIN pos VALIDATE CONSTRAINT k",
    "ALTER DOMAIN pos SET NOT NULL",
    "ALTER DOMAIN pos SET DEFAULT 1",
};

struct seen {
    bool rewrites, scans;   /* a scan counts under SHARE or stronger: below that writes go on */
    const char *locks;      /* "t:AccessExclusiveLock parent:ShareRowExclusiveLock" */
};

static const char *server_db(void)
{
    struct sg_server *server = sg_server_shared();

    return sg_server_conninfo(server, sg_server_new_db(server), NULL);
}

/* In a session of its own: what was counted earlier must not be seen. */
static struct seen measure(const char *conninfo, const char *sql)
{
    struct sg_sql *session = sg_sql_open(conninfo);
    struct seen seen = {0};

    sg_sql_exec(session, "SET client_min_messages = error; SET timezone = 'Europe/Berlin'; CREATE TEMP TABLE before AS SELECT oid, relname, relfilenode, relkind FROM pg_class"
                         " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'); BEGIN");
    sg_sql_exec(session, sql);
    seen.rewrites = sg_sql_int(session, "SELECT count(*) FROM before b JOIN pg_class c USING (oid) WHERE b.relkind = 'r'"
                                        " AND b.relfilenode <> c.relfilenode") > 0;
    seen.scans = sg_sql_int(session, "SELECT count(*) FROM before b JOIN pg_stat_xact_user_tables s ON s.relid = b.oid"
                                     " WHERE s.seq_scan > 0 AND EXISTS (SELECT FROM pg_locks l WHERE l.relation = b.oid AND"
                                     " l.pid = pg_backend_pid() AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock',"
                                     " 'ExclusiveLock', 'AccessExclusiveLock'))") > 0;
    seen.locks = sg_sql_value(session, "SELECT coalesce(string_agg(b.relname || ':' || l.mode, ' ' ORDER BY b.relname, l.mode), '')"
                                       " FROM pg_locks l JOIN before b ON b.oid = l.relation WHERE l.pid = pg_backend_pid()");
    sg_sql_exec(session, "ROLLBACK");
    sg_sql_close(session);
    return seen;
}

/* "ACCESS EXCLUSIVE on the table" is true if "AccessExclusiveLock" was seen. */
static bool names_a_lock_of(const char *claim, const char *locks)
{
    static const char *const modes[][2] = {{"ACCESS EXCLUSIVE on", ":AccessExclusiveLock"},
                                           {"SHARE ROW EXCLUSIVE on", ":ShareRowExclusiveLock"},
                                           {"SHARE on", ":ShareLock"}};

    for (size_t i = 0; i < SG_COUNT(modes); i++)
        if (strncmp(claim, modes[i][0], strlen(modes[i][0])) == 0)
            return strstr(locks, modes[i][1]) != NULL;
    return true;
}

SG_TEST(rules_say_what_the_server_does)
{
    const char *conninfo = server_db();
    struct sg_sql *setup = sg_sql_open(conninfo);

    sg_sql_exec(setup, schema);
    sg_sql_exec(setup, rows);
    for (size_t s = 0; s < SG_COUNT(statements); s++) {
        const struct sg_audit_result *result =
            look_at(&(struct look){.server_version = sg_server_version()}, (const char *const[]){schema, statements[s], NULL});
        struct seen seen = measure(conninfo, statements[s]);
        bool rewrites = false, scans = false;
        const char *found = "";

        for (size_t i = 0; i < result->finding_count; i++) {
            const struct sg_rule *rule = sg_rule(result->findings[i].rule);

            if (result->findings[i].place.migration != 1 || !rule->measurable ||
                (strncmp(rule->id, "column.", 7) != 0 && strncmp(rule->id, "constraint.", 11) != 0 &&
                 strncmp(rule->id, "domain.", 7) != 0))
                continue;
            rewrites = rewrites || strstr(rule->locks, "rewritten") != NULL;
            scans = scans || strstr(rule->locks, "scanned") != NULL;
            found = sg_test_strf("%s %s", found, rule->id);
            sg_test_check(SG_HERE_, false, names_a_lock_of(rule->locks, seen.locks), "%s: %s says %s; there was %s",
                          statements[s], rule->id, rule->locks, seen.locks);
        }
        sg_test_check(SG_HERE_, false, rewrites == seen.rewrites && (rewrites || scans == seen.scans), "%s: found%s; %s, %s (%s)",
                      statements[s], found[0] != '\0' ? found : " nothing", seen.rewrites ? "rewritten" : "not rewritten",
                      seen.scans ? "scanned" : "not scanned", seen.locks);
    }
}

/* ---- every type to every type ------------------------------------------------------------ */

static const char types[] =
    "'int', 'bigint', 'smallint', 'oid', 'text', 'varchar', 'varchar(10)', 'varchar(20)', 'char(5)', 'char(10)', "
    "'bpchar', 'name', '\"char\"', 'numeric', 'numeric(5)', 'numeric(10,2)', 'numeric(12,2)', 'numeric(12,3)', "
    "'real', 'float8', 'timestamp', 'timestamp(3)', 'timestamptz', 'timestamptz(3)', 'date', 'time', 'time(3)', "
    "'interval', 'interval(3)', 'interval year', 'interval day to second(3)', 'bit(4)', 'varbit', 'varbit(4)', "
    "'varbit(8)', 'cidr', 'inet', 'json', 'jsonb', 'xml', 'boolean', 'int[]', 'text[]', 'varchar(10)[]', "
    "'varchar[]', 'plain', 'pos', 'num', 'short', 'shorter', 'mood'";
static const char type_schema[] =
    "CREATE DOMAIN plain AS int; CREATE DOMAIN pos AS int CHECK (value > 0); CREATE DOMAIN num AS numeric(10,2);"
    "CREATE DOMAIN short AS varchar(10); CREATE DOMAIN shorter AS short; CREATE TYPE mood AS ENUM ('ok');";

/* What the server did: "from|to|K|k": rows kept, index over the column kept (r: built again; -: none can be). */
static const char *changes(struct sg_sql *sql)
{
    sg_sql_exec(sql, type_schema);
    sg_sql_exec(sql, "CREATE TABLE said (a text, b text, was char, index char)");
    sg_sql_exec(sql, "SET client_min_messages = error; SET timezone = 'Europe/Berlin'");
    sg_sql_execf(sql,
                 "DO $$ DECLARE types text[] := ARRAY[%s]; a text; b text;"
                 " x oid; y oid; i oid; j oid; BEGIN FOREACH a IN ARRAY types LOOP FOREACH b IN ARRAY types LOOP BEGIN"
                 " EXECUTE format('CREATE TABLE x (c %%s)', a);"
                 " BEGIN CREATE INDEX xi ON x (c); EXCEPTION WHEN others THEN NULL; END;"
                 " SELECT relfilenode INTO x FROM pg_class WHERE oid = 'x'::regclass;"
                 " SELECT relfilenode INTO i FROM pg_class WHERE oid = to_regclass('xi');"
                 " EXECUTE format('ALTER TABLE x ALTER c TYPE %%s', b);"
                 " SELECT relfilenode INTO y FROM pg_class WHERE oid = 'x'::regclass;"
                 " SELECT relfilenode INTO j FROM pg_class WHERE oid = to_regclass('xi');"
                 " INSERT INTO said VALUES (a, b, CASE WHEN x = y THEN 'K' ELSE 'R' END,"
                 " CASE WHEN i IS NULL THEN '-' WHEN i = j THEN 'k' ELSE 'r' END);"
                 " EXCEPTION WHEN others THEN NULL; END; DROP TABLE IF EXISTS x; END LOOP; COMMIT; END LOOP; END $$",
                 types);
    return sg_sql_rows(sql, "SELECT a, b, was, index FROM said");
}

SG_TEST(every_type_to_every_type)
{
    const char *said = changes(sg_sql_open(server_db()));
    struct sg_buf before = SG_BUF_INIT, after = SG_BUF_INIT;
    const struct sg_audit_result *result;
    size_t count = 0, at = 0;

    sg_buf_adds(&before, type_schema);
    for (const char *line = said; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n', count++) {
        size_t from = strcspn(line, "|"), to = strcspn(line + from + 1, "|");

        sg_buf_addf(&before, "CREATE TABLE x%zu (c %.*s);", count, (int)from, line);
        if (line[from + to + 4] != '-')
            sg_buf_addf(&before, "CREATE INDEX xi%zu ON x%zu (c);", count, count);
        sg_buf_addf(&after, "ALTER TABLE x%zu ALTER c TYPE %.*s;", count, (int)to, line + from + 1);
    }
    T_TRUE(count > 700);
    result = look_at(&(struct look){.server_version = sg_server_version()}, (const char *const[]){before.data, after.data, NULL});
    count = 0;
    for (const char *line = said; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n', count++) {
        const char *end = line + strcspn(line, "\n"), *found = "nothing";
        const char *wanted = end[-3] == 'R'   ? "column.type_rewrite"
                             : end[-1] == 'r' ? "column.type_recheck"
                                              : "column.type_no_rewrite";

        for (; at < result->finding_count && (result->findings[at].place.migration == 0 ||
                                              result->findings[at].place.statement <= count);
             at++)
            if (result->findings[at].place.migration == 1 && result->findings[at].place.statement == count &&
                strncmp(sg_rule(result->findings[at].rule)->id, "column.type", 11) == 0)
                found = sg_rule(result->findings[at].rule)->id;
        sg_test_check(SG_HERE_, false, strcmp(found, wanted) == 0, "%.*s: %s", (int)(end - line), line, found);
    }
    sg_buf_release(&before);
    sg_buf_release(&after);
}

static const struct sg_test tests[] = {SG_CASE(rules_say_what_the_server_does), SG_CASE(every_type_to_every_type), SG_CASES_END};
static const struct sg_suite suites[] = {{"rules_measured", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
