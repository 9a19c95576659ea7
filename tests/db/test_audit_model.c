/* The audit's model against a real server: after the same statements both have the same tables, columns, constraints and indexes,
 * of the same names. Where they differ on purpose, it is said at the case. */
#include "config.h"

#include "core/audit/model.h"
#include "core/base/buf.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

#include <stdlib.h>
#include <string.h>

/* What the catalogue says, one fact a line. Types lose their quotes: format_type() quotes only where need be. */
static const char catalogue[] =
    "WITH tables AS (SELECT c.oid, c.relkind, CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name"
    "    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v')"
    "    AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'),"
    " facts AS ("
    "SELECT format('table %s %s%s', name, relkind, coalesce((SELECT ' of ' || p.relname FROM pg_inherits i JOIN pg_class p ON"
    "    p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relispartition AND i.inhrelid = tables.oid), '')) AS fact FROM tables"
    " UNION ALL SELECT format('column %s.%s %s%s%s%s%s', name, attname, CASE WHEN relkind IN ('v', 'm') THEN '-' ELSE"
    "    format_type(atttypid, atttypmod) END, CASE WHEN attnotnull THEN ' not null' END,"
    "    CASE WHEN atthasdef AND attgenerated = '' THEN ' default' END, CASE WHEN attidentity <> '' THEN ' identity' END,"
    "    CASE WHEN attgenerated <> '' THEN ' generated' END) FROM tables JOIN pg_attribute ON attrelid = oid WHERE attnum > 0"
    "    AND NOT attisdropped"
    " UNION ALL SELECT format('constraint %s.%s %s %s%s%s', name, conname, contype, (SELECT string_agg(CASE WHEN k = 0 THEN '' ELSE"
    "    attname END, ',' ORDER BY CASE WHEN contype = 'c' THEN k ELSE o END) FROM unnest(conkey) WITH ORDINALITY AS u(k, o) LEFT JOIN pg_attribute ON attrelid = conrelid AND"
    "    attnum = k), CASE WHEN NOT convalidated THEN ' not valid' END, (SELECT ' -> ' || f.name FROM tables f WHERE f.oid = confrelid))"
    "    FROM tables JOIN pg_constraint c ON conrelid = tables.oid WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND"
    "    NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)"
    " UNION ALL SELECT format('index %s.%s %s%s%s%s', name, i.relname, (SELECT string_agg(coalesce(attname, ''), ',' ORDER BY o) FROM"
    "    unnest(indkey[0:indnkeyatts - 1]) WITH ORDINALITY AS u(k, o) LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = k AND k > 0),"
    "    CASE WHEN indisunique THEN ' unique' END, CASE WHEN indpred IS NOT NULL THEN ' partial' END, (SELECT ' of ' || pi.relname"
    "    FROM pg_inherits h JOIN pg_class pi ON pi.oid = h.inhparent WHERE h.inhrelid = i.oid))"
    "    FROM tables JOIN pg_index ON indrelid = tables.oid JOIN pg_class i ON i.oid = indexrelid"
    ") SELECT string_agg(fact, E'\\n' ORDER BY fact COLLATE \"C\") FROM facts";

static const char *shown(struct sg_relation name)
{
    return name.schema == NULL || strcmp(name.schema, "public") == 0 ? name.name : sg_test_strf("%s.%s", name.schema, name.name);
}

static const char *joined(const char *const *names, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = sg_test_strf("%s%s%s", text, i > 0 ? "," : "", names[i]);
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A CHECK's columns come in the order of the table. */
static const char *check_columns(const struct sg_model_table *table, const struct sg_model_constraint *c)
{
    const char *text = "";

    for (size_t i = 0; i < table->column_count; i++)
        for (size_t k = 0; k < c->column_count; k++)
            if (strcmp(table->columns[i].name, c->columns[k]) == 0)
                text = sg_test_strf("%s%s%s", text, text[0] != '\0' ? "," : "", c->columns[k]);
    return text;
}

struct facts {
    const char *list[4000];
    size_t count;
};

static void add_table(struct facts *facts, const struct sg_model *model, const struct sg_model_table *table)
{
    const char *name = shown(table->name);

    facts->list[facts->count++] = sg_test_strf("table %s %c%s%s", name, table->kind, table->partition_of.name != NULL ? " of " : "",
                                               table->partition_of.name != NULL ? table->partition_of.name : "");
    for (size_t i = 0; i < table->column_count; i++) {
        const struct sg_model_column *c = &table->columns[i];

        facts->list[facts->count++] =
            sg_test_strf("column %s.%s %s%s%s%s%s", name, c->name, strchr("vm", table->kind) != NULL ? "-" : c->type != NULL ? c->type : "?",
                         c->not_null ? " not null" : "", c->has_default ? " default" : "", c->identity ? " identity" : "",
                         c->generated ? " generated" : "");
    }
    for (size_t i = 0; i < table->constraint_count; i++) {
        const struct sg_model_constraint *c = &table->constraints[i];

        facts->list[facts->count++] =
            sg_test_strf("constraint %s.%s %c %s%s%s%s", name, c->name, c->kind,
                         c->kind == 'c' ? check_columns(table, c) : joined(c->columns, c->column_count), c->not_valid ? " not valid" : "",
                         c->kind == 'f' ? " -> " : "", c->kind == 'f' ? shown(c->parent) : "");
        T_TRUE(sg_model_constraint(table, c->name) == c);
    }
    for (size_t i = 0; i < table->index_count; i++) {
        const struct sg_model_index *index = &table->indexes[i];

        facts->list[facts->count++] = sg_test_strf(
            "index %s.%s %s%s%s%s%s", name, index->name, joined(index->columns, index->column_count), index->unique ? " unique" : "",
            index->partial ? " partial" : "", index->attached_to.name != NULL ? " of " : "",
            index->attached_to.name != NULL ? index->attached_to.name : "");
        T_TRUE(sg_model_index(model, (struct sg_relation){table->name.schema, index->name}, NULL) == index);
    }
}

static const char *facts_of(const struct sg_model *model)
{
    struct facts *facts = sg_xcalloc(1, sizeof *facts);
    struct sg_buf buf = SG_BUF_INIT;
    const struct sg_model_table *table;
    const char *text;

    for (size_t i = 0; (table = sg_model_table_at(model, i)) != NULL; i++)
        if (!table->dropped && table->kind != 'S')
            add_table(facts, model, table);
    qsort(facts->list, facts->count, sizeof facts->list[0], by_text);
    for (size_t i = 0; i < facts->count; i++)
        sg_buf_addf(&buf, "%s%s", i > 0 ? "\n" : "", facts->list[i]);
    text = sg_test_strf("%s", buf.data);
    sg_buf_release(&buf);
    free(facts);
    return text;
}

static const char *without_quotes(const char *text)
{
    char *copy = sg_xstrdup(text != NULL ? text : "");
    size_t out = 0;

    sg_test_defer(free, copy);
    for (size_t i = 0; copy[i] != '\0'; i++)
        if (copy[i] != '"')
            copy[out++] = copy[i];
    copy[out] = '\0';
    return copy;
}

/* Lines of one text that are not in the other. */
static const char *lacking(const char *in, const char *of, const char *mark)
{
    const char *missing = "";

    for (const char *line = in; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *whole = sg_test_strf("\n%.*s\n", (int)length, line);

        if (strstr(sg_test_strf("\n%s\n", of), whole) == NULL)
            missing = sg_test_strf("%s\n  %s %.*s", missing, mark, (int)length, line);
        line += length + (line[length] == '\n');
    }
    return missing;
}

static void apply(struct sg_model *model, const char *sql)
{
    struct sg_json *tree = NULL;
    struct sg_err err = SG_ERR_INIT;
    const struct sg_json *list;

    if (sg_parse(sql, strlen(sql), &tree, &err) != SG_PARSE_OK)
        sg_test_fatal(SG_HERE_, "%s: %s", sql, err.primary);
    list = sg_json_get(tree, "stmts");
    for (size_t i = 0; i < sg_json_count(list); i++)
        sg_model_apply(model, sg_json_get(sg_json_at(list, i), "stmt"), sql, i);
    sg_json_free(tree);
}

static void free_model(void *model)
{
    sg_model_free(model);
}

/* All on one server, each in an empty database's worth of schemas; what differs is said by name. */
static void compare(struct sg_here here, struct sg_sql *session, const char *sql)
{
    struct sg_model *model = sg_model_new();
    const char *theirs, *ours, *more, *less;
    char *at = sg_xstrdup(sql);

    sg_test_defer(free_model, model);
    sg_test_defer(free, at);
    sg_sql_exec(session, "DROP SCHEMA IF EXISTS crm, old, new CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
    sg_model_begin(model, "1");
    /* "@" begins a statement that must be sent by itself (CONCURRENTLY). */
    while (at != NULL) {
        char *next = strchr(at, '@');

        if (next != NULL)
            *next++ = '\0';
        sg_sql_exec_at(here, session, at);
        apply(model, at);
        at = next;
    }
    theirs = without_quotes(sg_sql_value(session, catalogue));
    ours = without_quotes(facts_of(model));
    less = lacking(theirs, ours, "server only:");
    more = lacking(ours, theirs, "model only: ");
    sg_test_check(here, false, less[0] == '\0' && more[0] == '\0', "%s%s%s", sql, less, more);
}

#define SAME(sql) compare(SG_HERE_, session, (sql))

static struct sg_sql *open_session(void)
{
    struct sg_server *server = sg_server_shared();
    struct sg_sql *session = sg_sql_open(sg_server_conninfo(server, sg_server_new_db(server), NULL));

    sg_sql_exec(session, "SET client_min_messages = error");
    return session;
}

SG_TEST(tables)
{
    struct sg_sql *session = open_session();

    SAME("CREATE TABLE t (id bigserial PRIMARY KEY, a int DEFAULT 1, b varchar(20) NOT NULL, c numeric(10,2)[], d timestamptz(3),"
         " e int GENERATED ALWAYS AS IDENTITY, f int GENERATED ALWAYS AS (a + 1) STORED, g char(3), h bit(4), i interval day, j \"char\","
         " k float4, l bool, m time, n json, o uuid DEFAULT gen_random_uuid())");
    SAME("CREATE TABLE IF NOT EXISTS t (a int); CREATE TABLE IF NOT EXISTS t (b int)");
    SAME("CREATE SCHEMA crm; CREATE TABLE crm.t (a int PRIMARY KEY); CREATE TABLE t (a int PRIMARY KEY REFERENCES crm.t); CREATE TABLE \"Weird Name\" (\"A b\" int UNIQUE)");
    SAME("CREATE SCHEMA crm CREATE TABLE a (id int PRIMARY KEY) CREATE TABLE b (id int REFERENCES a) CREATE INDEX ON b (id)");
    SAME("CREATE TABLE t (a int, b text); DROP TABLE t; CREATE TABLE t (c int); DROP TABLE IF EXISTS u; CREATE TABLE v (a int)");
    SAME("CREATE TYPE mood AS ENUM ('a'); CREATE SCHEMA crm; CREATE TYPE crm.mood AS ENUM ('b'); CREATE DOMAIN d AS text; CREATE TABLE t (a mood, b crm.mood[], c d)");
    SAME("CREATE TYPE pair AS (x int, y varchar(3)); CREATE TABLE t OF pair (PRIMARY KEY (x), y WITH OPTIONS DEFAULT 'a' NOT NULL)");
    SAME("CREATE TABLE t (a int); CREATE TABLE c AS SELECT a, a::bigint AS b, 'x'::varchar(3) AS c FROM t WITH NO DATA; DROP TABLE t; ALTER TABLE c ALTER a TYPE text");
    SAME("CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, lower(b::text), b + 1 AS d FROM t; CREATE VIEW w (x, y) AS SELECT a, b FROM t;"
         "CREATE MATERIALIZED VIEW m AS SELECT a, count(*) FROM t GROUP BY a; CREATE UNIQUE INDEX ON m (a); CREATE OR REPLACE VIEW w (x, y, z) AS SELECT a, b, a + b FROM t");
    SAME("CREATE UNLOGGED TABLE t (a int); ALTER TABLE t SET LOGGED; ALTER TABLE t OWNER TO CURRENT_USER; COMMENT ON TABLE t IS 'x'");
}

SG_TEST(names_of_constraints)
{
    struct sg_sql *session = open_session();

    SAME("CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, c int CHECK (c > 0), d int REFERENCES t, UNIQUE (b, c), CHECK (a > b), CHECK (1 > 0),"
         " FOREIGN KEY (b, c) REFERENCES t (b, c))");
    SAME("CREATE TABLE t (a int UNIQUE UNIQUE, b int UNIQUE CONSTRAINT own UNIQUE, d int UNIQUE PRIMARY KEY, c int CHECK (c > 0) CHECK (c < 9), CHECK (a > 0), CHECK (b > 0 AND a > 0), CHECK (c <> 1))");
    SAME("CREATE TABLE t (a int, b int); ALTER TABLE t ADD UNIQUE (a); ALTER TABLE t ADD UNIQUE (a); ALTER TABLE t ADD CHECK (a > 0); ALTER TABLE t ADD CHECK (a > 0) NOT VALID;"
         "ALTER TABLE t ADD PRIMARY KEY (a, b); CREATE INDEX ON t (a); CREATE INDEX ON t (a, b); CREATE INDEX ON t (a)");
    SAME("CREATE TABLE t_a_key (x int); CREATE TABLE t (a int UNIQUE); CREATE TABLE t_pkey (x int); ALTER TABLE t ADD PRIMARY KEY (a); CREATE INDEX t_a_idx ON t_a_key (x); CREATE INDEX ON t (a)");
    SAME("CREATE TABLE a_table_with_quite_a_long_name_indeed_for_a_test (a_column_with_quite_a_long_name_too int UNIQUE, b int, CHECK (b > 0),"
         " UNIQUE (a_column_with_quite_a_long_name_too, b)); CREATE INDEX ON a_table_with_quite_a_long_name_indeed_for_a_test (a_column_with_quite_a_long_name_too, b);"
         "CREATE INDEX ON a_table_with_quite_a_long_name_indeed_for_a_test (a_column_with_quite_a_long_name_too, b)");
    SAME("CREATE TABLE t (\"größenänderungsübersichtstabellenspalte\" int UNIQUE, \"äääääääääääääääääääääääääääääää\" int UNIQUE,"
         " UNIQUE (\"größenänderungsübersichtstabellenspalte\", \"äääääääääääääääääääääääääääääää\"))");
    SAME("CREATE TABLE a_name_that_is_longer_than_what_the_server_keeps_of_it_so_it_is_cut_somewhere (a int UNIQUE)");
    SAME("CREATE TABLE t (a int, b text, c jsonb, d timestamp); CREATE INDEX ON t (lower(b)); CREATE INDEX ON t ((a + 1)); CREATE INDEX ON t (a, (a + 2), lower(b), upper(b), lower(b || 'x'));"
         "CREATE INDEX ON t ((c ->> 'x')); CREATE INDEX ON t ((a::text)); CREATE INDEX ON t (coalesce(a, 1)); CREATE INDEX ON t ((CASE WHEN a > 1 THEN 1 END));"
         "CREATE INDEX ON t ((b COLLATE \"C\")); CREATE INDEX ON t (greatest(a, 1)); CREATE INDEX ON t (nullif(a, 1)); CREATE INDEX ON t (date_trunc('day', d)); CREATE INDEX ON t ((ARRAY[a]))");
    SAME("CREATE TABLE t (a int, b int, c int); CREATE INDEX ON t (a) INCLUDE (b, c); CREATE UNIQUE INDEX ON t (a, b) WHERE c > 0; ALTER TABLE t ADD UNIQUE (c) INCLUDE (a);"
         "CREATE INDEX i ON t USING hash (a); CREATE INDEX IF NOT EXISTS i ON t (c); CREATE INDEX ON t (a DESC NULLS LAST, b DESC)"
        );
    SAME("CREATE TABLE t (a int4range, b int, EXCLUDE USING gist (a WITH &&), EXCLUDE (b WITH =) WHERE (b > 0), CONSTRAINT e EXCLUDE USING gist (a WITH &&, (int4range(b, b + 1)) WITH &&))");
    SAME("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (a int REFERENCES p, b int CONSTRAINT own REFERENCES p (id) ON DELETE CASCADE); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p;"
         "ALTER TABLE t ADD CONSTRAINT nv FOREIGN KEY (b) REFERENCES p NOT VALID; ALTER TABLE t ADD CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT nv");
    SAME("CREATE TABLE t (a int, b int); CREATE TABLE u (a int CHECK (a > 0)); ALTER TABLE u RENAME TO w; ALTER TABLE t RENAME TO u; ALTER TABLE u ADD CHECK (a > 0)");
}

SG_TEST(altered)
{
    struct sg_sql *session = open_session();

    SAME("CREATE TABLE t (a int, b int); ALTER TABLE t ADD COLUMN c text NOT NULL DEFAULT 'x', DROP COLUMN b, ALTER a TYPE bigint, ALTER a SET DEFAULT 1, ALTER a SET NOT NULL,"
         " ADD CHECK (c <> ''), ADD COLUMN d int UNIQUE CHECK (d > 0) REFERENCES t (d), ADD PRIMARY KEY (a)");
    SAME("CREATE TABLE t (a int NOT NULL DEFAULT 1, b int GENERATED ALWAYS AS (a) STORED, c int GENERATED BY DEFAULT AS IDENTITY); ALTER TABLE t ALTER a DROP NOT NULL, ALTER a DROP DEFAULT,"
         " ALTER b DROP EXPRESSION, ALTER c DROP IDENTITY; ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY; ALTER TABLE t ALTER a SET GENERATED BY DEFAULT");
    SAME("CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN IF NOT EXISTS a text UNIQUE, ADD COLUMN IF NOT EXISTS b text UNIQUE; ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS x");
    SAME("CREATE TABLE t (a int UNIQUE, b int, c int CHECK (c > 0), CHECK (a > b), UNIQUE (b, c)); CREATE INDEX ON t (b); CREATE INDEX ON t (c, a); CREATE INDEX ON t ((b + 1)); CREATE INDEX ON t (c) WHERE b > 0;"
         "CREATE INDEX ON t (c) INCLUDE (b); CREATE INDEX keep ON t (c); ALTER TABLE t DROP COLUMN b");
    SAME("CREATE TABLE p (a int PRIMARY KEY, b int UNIQUE); CREATE TABLE c (a int REFERENCES p, b int REFERENCES p (b)); ALTER TABLE p DROP CONSTRAINT p_b_key CASCADE; ALTER TABLE p DROP COLUMN a CASCADE");
    SAME("CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE c (a int REFERENCES p); CREATE TABLE d (a int REFERENCES p); DROP TABLE c; DROP TABLE p CASCADE");
    SAME("CREATE TABLE t (a int NOT NULL, b int); CREATE UNIQUE INDEX i ON t (a); CREATE UNIQUE INDEX j ON t (b, a); ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX i; ALTER TABLE t ADD UNIQUE USING INDEX j");
    SAME("CREATE TABLE t (a int); @CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)@ALTER TABLE t ADD CONSTRAINT i PRIMARY KEY USING INDEX i@CREATE INDEX CONCURRENTLY k ON t (a)@DROP INDEX CONCURRENTLY k");
    SAME("CREATE TABLE t (a int UNIQUE); ALTER TABLE t DROP CONSTRAINT t_a_key; ALTER TABLE t ADD UNIQUE (a); ALTER TABLE t DROP CONSTRAINT IF EXISTS nope");
    SAME("CREATE TABLE t (a int PRIMARY KEY, b int); ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (b); ALTER TABLE t ALTER a DROP NOT NULL");
    SAME("CREATE TABLE t (a int CHECK (a > 0)); ALTER TABLE t ALTER a TYPE bigint; ALTER TABLE t RENAME a TO b; ALTER TABLE t ALTER b TYPE numeric(5,2) USING b::numeric");
    SAME("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (a mood, b int, c mood[]); ALTER TYPE mood RENAME TO humour; CREATE TABLE u (a humour)"
         /* an array of a renamed type keeps its text in the model */ "; ALTER TABLE t DROP COLUMN c");
    SAME("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (a mood, b int); DROP TYPE mood CASCADE");
}

SG_TEST(renamed)
{
    struct sg_sql *session = open_session();

    SAME("CREATE TABLE t (a int UNIQUE, b int CHECK (b > 0), UNIQUE (a, b)); CREATE TABLE c (a int REFERENCES t (a)); ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME a TO z; ALTER TABLE u RENAME CONSTRAINT t_b_check TO x"
         );
    SAME("CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX i ON t (b); ALTER INDEX i RENAME TO j; ALTER INDEX t_pkey RENAME TO pk; ALTER TABLE j RENAME TO k; ALTER TABLE t RENAME CONSTRAINT pk TO pk2");
    SAME("CREATE SCHEMA crm; CREATE TABLE t (a int PRIMARY KEY CHECK (a > 0)); CREATE TABLE c (a int REFERENCES t); ALTER TABLE t SET SCHEMA crm; CREATE TABLE t (a int PRIMARY KEY); DROP INDEX IF EXISTS crm.nope");
    SAME("CREATE SCHEMA old; CREATE TABLE old.t (a int PRIMARY KEY); CREATE TABLE c (a int REFERENCES old.t); CREATE INDEX i ON old.t (a); ALTER SCHEMA old RENAME TO new; ALTER TABLE new.t ADD b int; DROP INDEX new.i");
    SAME("CREATE SCHEMA crm; CREATE TABLE crm.t (a int PRIMARY KEY); CREATE TABLE c (a int REFERENCES crm.t); DROP SCHEMA crm CASCADE");
    SAME("CREATE TABLE t (a int); ALTER TABLE t RENAME TO u; CREATE TABLE t (b int); ALTER TABLE u RENAME TO v; DROP TABLE t; ALTER TABLE v RENAME TO t");
    SAME("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; ALTER VIEW v RENAME TO w; ALTER TABLE w RENAME a TO b; DROP VIEW w; CREATE MATERIALIZED VIEW m AS SELECT a FROM t; ALTER MATERIALIZED VIEW m RENAME TO n; DROP MATERIALIZED VIEW n");
}

SG_TEST(likes_and_heirs)
{
    struct sg_sql *session = open_session();

    SAME("CREATE TABLE t (a int PRIMARY KEY, b int NOT NULL DEFAULT 1 CHECK (b > 0), c int GENERATED ALWAYS AS (b) STORED, d int GENERATED ALWAYS AS IDENTITY, UNIQUE (b, d)); CREATE INDEX own ON t (lower(b::text)) WHERE b > 0;"
         "CREATE TABLE l (LIKE t); CREATE TABLE m (x int, LIKE t INCLUDING ALL, y int UNIQUE); CREATE TABLE n (LIKE t INCLUDING DEFAULTS INCLUDING CONSTRAINTS); CREATE TABLE o (LIKE t INCLUDING INDEXES EXCLUDING CONSTRAINTS)");
    SAME("CREATE TABLE p (a int NOT NULL CHECK (a > 0), b int DEFAULT 1 UNIQUE); CREATE TABLE c (b int, d int) INHERITS (p); ALTER TABLE p ADD COLUMN e text DEFAULT 'x'; ALTER TABLE p ALTER b TYPE bigint; ALTER TABLE p ADD CONSTRAINT k CHECK (b > 0);"
         "ALTER TABLE p ADD CONSTRAINT l CHECK (b > 0) NO INHERIT; ALTER TABLE p RENAME a TO z; ALTER TABLE p ALTER b SET NOT NULL; ALTER TABLE p ALTER b SET DEFAULT 2");
    SAME("CREATE TABLE p (a int CHECK (a > 0), b int); CREATE TABLE c (b int) INHERITS (p); ALTER TABLE p DROP COLUMN b; ALTER TABLE p DROP CONSTRAINT p_a_check; ALTER TABLE p DROP COLUMN a");
    SAME("CREATE TABLE p (a int CHECK (a > 0), b int); CREATE TABLE c () INHERITS (p); ALTER TABLE ONLY p DROP COLUMN b; ALTER TABLE ONLY p DROP CONSTRAINT p_a_check; ALTER TABLE c NO INHERIT p; ALTER TABLE p DROP COLUMN a; ALTER TABLE p ADD x int");
    SAME("CREATE TABLE p (a int); CREATE TABLE c (a int, b int); ALTER TABLE c INHERIT p; ALTER TABLE p ADD d int; DROP TABLE p CASCADE");
    SAME("CREATE TABLE p (a int); CREATE TABLE q (a int, b int); CREATE TABLE c (a int) INHERITS (p, q); ALTER TABLE p ALTER a SET NOT NULL; ALTER TABLE q DROP COLUMN b; ALTER TABLE p ADD PRIMARY KEY (a)");
}

SG_TEST(partitions)
{
    struct sg_sql *session = open_session();

    SAME("CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int, at date NOT NULL, r int REFERENCES r, b text DEFAULT 'x', CHECK (id > 0), PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE INDEX ON p (b); CREATE INDEX ON p (lower(b));"
         "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); CREATE TABLE p2 PARTITION OF p (CHECK (b <> '')) DEFAULT; CREATE INDEX ON p (r); ALTER TABLE p ADD UNIQUE (r, at); ALTER TABLE p ADD COLUMN z int;"
         "ALTER TABLE p ADD CHECK (z > 0); ALTER TABLE p ALTER z SET NOT NULL");
    SAME("CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int, at int) PARTITION BY LIST (at); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); ALTER TABLE p ADD FOREIGN KEY (id) REFERENCES r; ALTER TABLE p ADD CONSTRAINT k FOREIGN KEY (at) REFERENCES r;"
         "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); ALTER TABLE p DROP CONSTRAINT p_id_fkey; DROP TABLE p1");
    SAME("CREATE TABLE p (id int NOT NULL, at int) PARTITION BY LIST (at); CREATE INDEX i ON p (id); ALTER TABLE p ADD UNIQUE (id, at); CREATE TABLE c (id int NOT NULL, at int, UNIQUE (id, at)); CREATE INDEX ci ON c (id); CREATE TABLE d (id int NOT NULL, at int);"
         "ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1); ALTER TABLE p ATTACH PARTITION d FOR VALUES IN (2); ALTER TABLE p DETACH PARTITION c; ALTER TABLE p ADD x int; DROP INDEX i");
    SAME("CREATE TABLE p (id int NOT NULL, at int) PARTITION BY LIST (at); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX i ON ONLY p (id); CREATE INDEX i1 ON p1 (id); ALTER INDEX i ATTACH PARTITION i1; ALTER INDEX i RENAME TO j; CREATE INDEX k ON p (at)");
    SAME("CREATE TABLE p (id int, at int, PRIMARY KEY (id, at)) PARTITION BY LIST (at); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY HASH (id); CREATE TABLE p11 PARTITION OF p1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
         "CREATE INDEX ON p (id); ALTER TABLE p RENAME id TO key; ALTER TABLE p RENAME CONSTRAINT p_pkey TO pk; ALTER TABLE p ADD y text CHECK (y <> '')");
    SAME("CREATE TABLE p (id int, at int, PRIMARY KEY (id, at)) PARTITION BY LIST (at); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); ALTER TABLE p RENAME TO q; ALTER TABLE q DROP CONSTRAINT p_pkey; CREATE TABLE q2 PARTITION OF q DEFAULT; DROP TABLE q");
    SAME("CREATE TABLE p (id int, at int) PARTITION BY LIST (at); CREATE TABLE c (LIKE p INCLUDING ALL); ALTER TABLE c ADD CONSTRAINT b CHECK (at = 1); ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1); ALTER TABLE c DROP CONSTRAINT b;"
         "ALTER TABLE p ALTER id SET DEFAULT 3; ALTER TABLE p DROP COLUMN id");
    SAME("CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int, at int, CONSTRAINT f FOREIGN KEY (id) REFERENCES r) PARTITION BY LIST (at); CREATE TABLE c (id int, at int, FOREIGN KEY (id) REFERENCES r); CREATE TABLE d (id int, at int, CONSTRAINT f CHECK (id > 0));"
         "ALTER TABLE p ATTACH PARTITION c FOR VALUES IN (1); ALTER TABLE p ATTACH PARTITION d FOR VALUES IN (2); ALTER TABLE p RENAME CONSTRAINT f TO g; ALTER TABLE p DETACH PARTITION d");
    SAME("CREATE TABLE r (id int PRIMARY KEY) PARTITION BY HASH (id); CREATE TABLE r0 PARTITION OF r FOR VALUES WITH (MODULUS 1, REMAINDER 0); CREATE TABLE t (id int REFERENCES r)");
}

static const struct sg_test tests[] = {SG_CASE(tables),  SG_CASE(names_of_constraints), SG_CASE(altered),
                                       SG_CASE(renamed), SG_CASE(likes_and_heirs),      SG_CASE(partitions), SG_CASES_END};
static const struct sg_suite suites[] = {{"audit model", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
