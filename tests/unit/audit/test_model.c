/* The model: what it knows after statements. The test against a real server is tests/db/test_audit_model.c. */
#include "config.h"

#include "core/audit/model.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"
#include "tests/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_model(void *model)
{
    sg_model_free(model);
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

/* A model that has seen these migrations ("1", "2", …); NULL ends the list. */
static struct sg_model *after(const char *const *migrations)
{
    struct sg_model *model = sg_model_new();

    sg_test_defer(free_model, model);
    for (int i = 0; migrations[i] != NULL; i++) {
        sg_model_begin(model, sg_test_strf("%d", i + 1));
        apply(model, migrations[i]);
    }
    return model;
}
#define AFTER(...) after((const char *const[]){__VA_ARGS__, NULL})

static struct sg_relation named(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? (struct sg_relation){NULL, name}
                       : (struct sg_relation){sg_test_strf("%.*s", (int)(dot - name), name), dot + 1};
}

static const struct sg_model_table *table_of(const struct sg_model *model, const char *name)
{
    const struct sg_model_table *table = sg_model_table(model, named(name));

    if (table == NULL)
        sg_test_fatal(SG_HERE_, "%s: not in the model", name);
    return table;
}

/* "id bigint not null, a integer default" */
static const char *columns_of(const struct sg_model *model, const char *name)
{
    const struct sg_model_table *table = table_of(model, name);
    const char *text = "";

    for (size_t i = 0; i < table->column_count; i++) {
        const struct sg_model_column *c = &table->columns[i];

        text = sg_test_strf("%s%s%s %s%s%s%s%s%s", text, i > 0 ? ", " : "", c->name, c->type != NULL ? c->type : "?",
                            c->not_null ? " not null" : "", c->has_default ? " default" : "", c->serial ? " serial" : "",
                            c->identity ? " identity" : "", c->generated ? " generated" : "");
    }
    return text;
}

static bool is_new(const struct sg_model *model, const char *name)
{
    return sg_model_is_new(model, named(name));
}

SG_TEST(columns)
{
    const struct sg_model *model =
        AFTER("CREATE TABLE t (id bigserial PRIMARY KEY, a int DEFAULT 1, b varchar(20) NOT NULL, c numeric(10,2)[],"
              " d timestamptz, e int GENERATED ALWAYS AS IDENTITY, f int GENERATED ALWAYS AS (a + 1) STORED, g crm.mood)");

    T_EQ_STR(columns_of(model, "t"),
             "id bigint not null default serial, a integer default, b character varying(20) not null, c numeric(10,2)[],"
             " d timestamp with time zone, e integer not null identity, f integer generated, g \"crm\".\"mood\"");
    T_TRUE(table_of(model, "public.t")->known);
    T_EQ_STR(table_of(model, "t")->made_in, "1");
    T_TRUE(sg_model_column(table_of(model, "t"), "a") == &table_of(model, "t")->columns[1]);
    T_TRUE(sg_model_column(table_of(model, "t"), "z") == NULL);
    T_TRUE(sg_model_table(model, named("crm.t")) == NULL);
}

SG_TEST(altered)
{
    const struct sg_model *model = AFTER("CREATE TABLE t (id int, a int, b int)",
                                         "ALTER TABLE t ADD COLUMN c text NOT NULL, DROP COLUMN a, ALTER b TYPE bigint,"
                                         " ALTER b SET DEFAULT 1, ALTER id SET NOT NULL; ALTER TABLE t RENAME b TO bb;"
                                         "ALTER TABLE t RENAME TO u; ALTER TABLE x ADD y int");

    T_EQ_STR(columns_of(model, "u"), "id integer not null, bb bigint default, c text not null");
    T_EQ_STR(sg_model_column(table_of(model, "u"), "c")->made_in, "2");
    T_EQ_STR(sg_model_column(table_of(model, "u"), "bb")->made_in, "1");
    T_TRUE(sg_model_table(model, named("t")) == NULL);
    T_FALSE(table_of(model, "x")->known);
    T_TRUE(table_of(model, "x")->made_in == NULL);
    T_FALSE(is_new(model, "x"));
}

SG_TEST(newness)
{
    struct sg_model *model = AFTER("CREATE TABLE t (id int)");

    T_TRUE(is_new(model, "t"));
    T_TRUE(is_new(model, "public.t"));
    T_FALSE(is_new(model, "never"));
    sg_model_begin(model, "2");
    T_FALSE(is_new(model, "t"));
    apply(model, "CREATE TABLE IF NOT EXISTS t (id bigint)");
    T_FALSE(is_new(model, "t"));
    T_EQ_STR(columns_of(model, "t"), "id integer");
    apply(model, "DROP TABLE t");
    T_FALSE(is_new(model, "t"));
    T_TRUE(table_of(model, "t")->dropped);
    apply(model, "CREATE TABLE t (a text)");
    T_TRUE(is_new(model, "t"));
    T_EQ_STR(columns_of(model, "t"), "a text");
    apply(model, "CREATE MATERIALIZED VIEW mv AS SELECT 1; CREATE VIEW v AS SELECT 1; SELECT 1 AS a INTO si;"
                 "CREATE TABLE ta AS SELECT 1; CREATE FOREIGN TABLE ft (a int) SERVER s; CREATE TABLE p (a int) PARTITION BY LIST (a);"
                 "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)");
    T_TRUE(is_new(model, "mv") && is_new(model, "v") && is_new(model, "si") && is_new(model, "ta") && is_new(model, "ft") &&
           is_new(model, "p") && is_new(model, "p1"));
    T_EQ_INT(table_of(model, "p")->kind, 'p');
    apply(model, "CREATE TEMP TABLE t (b int)");
    T_TRUE(table_of(model, "t")->temporary);
    sg_model_begin(model, "3");
    T_FALSE(is_new(model, "p1"));
    T_FALSE(table_of(model, "t")->temporary);
}

SG_TEST(types)
{
    struct sg_model *model = AFTER("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN pos AS int CHECK (value > 0);"
                                   "CREATE DOMAIN d AS text; CREATE DOMAIN over AS pos; CREATE TYPE crm.pair AS (a int);"
                                   "CREATE TYPE r AS RANGE (subtype = int4); ALTER TYPE mood ADD VALUE 'ok'; ALTER TYPE seen ADD VALUE 'x'");
    const struct sg_model_type *mood = sg_model_type(model, named("public.mood"));

    T_MUST(mood != NULL);
    T_EQ_INT(mood->kind, SG_MODEL_ENUM);
    T_MUST_EQ_INT(mood->added_count, 1);
    T_EQ_STR(mood->added[0], "ok");
    T_TRUE(sg_model_type(model, named("pos"))->constrained);
    T_EQ_STR(sg_model_type(model, named("pos"))->base, "integer");
    T_FALSE(sg_model_type(model, named("d"))->constrained);
    T_TRUE(sg_model_type(model, named("over"))->constrained);
    T_EQ_INT(sg_model_type(model, named("crm.pair"))->kind, SG_MODEL_COMPOSITE);
    T_EQ_INT(sg_model_type(model, named("r"))->kind, SG_MODEL_RANGE);
    T_TRUE(sg_model_type(model, named("seen"))->made_in == NULL);
    T_TRUE(sg_model_type(model, named("pair")) == NULL);
    sg_model_begin(model, "2");
    T_EQ_INT(mood->added_count, 0);
    apply(model, "ALTER DOMAIN d SET NOT NULL; ALTER DOMAIN pos DROP CONSTRAINT pos_check");
    T_TRUE(sg_model_type(model, named("d"))->constrained);
    T_FALSE(sg_model_type(model, named("pos"))->constrained);
}

SG_TEST(routines)
{
    struct sg_model *model =
        AFTER("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$",
              "CREATE OR REPLACE FUNCTION crm.g(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; ALTER FUNCTION crm.g STABLE");
    const struct sg_model_routine *f = sg_model_routine(model, named("f")), *g = sg_model_routine(model, named("crm.g"));

    T_MUST(f != NULL && g != NULL);
    T_TRUE(f->trigger);
    T_EQ_STR(f->language, "plpgsql");
    T_EQ_INT(f->volatility, 'v');
    T_EQ_STR(f->made_in, "1");
    T_TRUE(f->statement != NULL && strstr(f->statement, "RETURN new") != NULL);
    T_FALSE(g->trigger);
    T_EQ_INT(g->volatility, 's');
}

/* ---- constraints and indexes: what rules ask ------------------------------------------ */

SG_TEST(constraints)
{
    struct sg_model *model =
        AFTER("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (a int UNIQUE, b int REFERENCES p, c int, UNIQUE (b, c))",
              "ALTER TABLE t ADD CONSTRAINT nn CHECK (c IS NOT NULL) NOT VALID; CREATE INDEX CONCURRENTLY i ON t (c, a) WHERE a > 0;"
              "CREATE UNIQUE INDEX u ON ONLY t (c DESC, lower(a::text)) INCLUDE (b)");
    const struct sg_model_table *t = table_of(model, "t"), *owner;
    const struct sg_model_constraint *nn = sg_model_constraint(t, "nn"), *key = sg_model_constraint(t, "t_b_fkey");
    const struct sg_model_index *i = sg_model_index(model, named("i"), &owner), *u = sg_model_index(model, named("public.u"), NULL);

    T_MUST(nn != NULL && key != NULL && i != NULL && u != NULL);
    T_EQ_INT(nn->kind, 'c');
    T_EQ_STR(nn->not_null, "c");
    T_TRUE(nn->not_valid);
    T_EQ_STR(nn->made_in, "2");
    T_EQ_INT(nn->made_at, 0);
    T_EQ_STR(key->parent.name, "p");
    T_NULL(key->parent_columns);
    T_EQ_STR(key->columns[0], "b");
    T_TRUE(owner == t);
    T_TRUE(i->partial && i->concurrent && !i->unique && !i->plain && !i->only);
    T_TRUE(u->unique && u->only && !u->plain);
    T_EQ_INT(u->column_count, 2);
    T_EQ_STR(u->columns[1], "");
    T_TRUE(sg_model_index(model, named("t_a_key"), NULL)->plain);
    T_TRUE(sg_model_is_indexed(t, (const char *const[]){"a"}, 1));
    T_TRUE(sg_model_is_indexed(t, (const char *const[]){"b"}, 1));
    T_TRUE(sg_model_is_indexed(t, (const char *const[]){"c", "b"}, 2));
    T_FALSE(sg_model_is_indexed(t, (const char *const[]){"c", "a"}, 2));
    apply(model, "ALTER TABLE t VALIDATE CONSTRAINT nn; DROP INDEX i");
    T_FALSE(sg_model_constraint(t, "nn")->not_valid);
    T_NULL(sg_model_index(model, named("i"), NULL));
    T_NULL(sg_model_constraint(t, "t_b_key"));
}

/* Names are cut as the server cuts them, on both sides. */
SG_TEST(long_names)
{
    char name[10241];
    struct sg_model *model;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    model = AFTER(sg_test_strf("CREATE TABLE %s (%s int UNIQUE)", name, name));
    T_TRUE(is_new(model, name));
    T_EQ_INT(strlen(table_of(model, name)->name.name), 63);
    name[63] = '\0';
    T_TRUE(is_new(model, name));
    T_NOT_NULL(sg_model_column(table_of(model, name), name));
    name[62] = '\0';
    T_FALSE(is_new(model, name));
}

/* ---- hostile ------------------------------------------------------------------------- */

static void apply_json(struct sg_model *model, const char *json)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_json *tree = sg_json_parse(json, strlen(json), &err);

    sg_err_release(&err);
    sg_model_apply(model, tree, "", 0);
    sg_json_free(tree);
}

/* A tree of which one member is missing, or is of another kind. */
static size_t apply_broken(struct sg_model *model, const char *sql)
{
    static const char *const instead[] = {"1,\"_\":", "\"x\",\"_\":", "{},\"_\":", "[],\"_\":", "[{\"String\":{}}],\"_\":", "null,\"_\":"};
    struct sg_json *tree = NULL;
    struct sg_err err = SG_ERR_INIT;
    size_t count = 0;
    char *json;

    if (sg_parse(sql, strlen(sql), &tree, &err) != SG_PARSE_OK)
        sg_test_fatal(SG_HERE_, "%s: %s", sql, err.primary);
    json = sg_json_dump(sg_json_get(sg_json_at(sg_json_get(tree, "stmts"), 0), "stmt"), 0);
    sg_json_free(tree);
    for (char *colon = strstr(json, "\":"); colon != NULL; colon = strstr(colon + 1, "\":")) {
        char before = colon[-1];

        colon[-1] = '_';
        apply_json(model, json);
        colon[-1] = before;
        for (size_t i = 0; i < SG_COUNT(instead); i++) {
            size_t head = (size_t)(colon - json) + 2, size = strlen(json) + strlen(instead[i]) + 1;
            char *other = sg_xmalloc(size);

            snprintf(other, size, "%.*s%s%s", (int)head, json, instead[i], json + head);
            apply_json(model, other);
            free(other);
            count++;
        }
    }
    free(json);
    return count;
}

static const char *const statements[] = {
    "CREATE TABLE t (a int PRIMARY KEY DEFAULT 1, b text CHECK (b <> '') REFERENCES u (b), UNIQUE (a, b), EXCLUDE USING gist (a WITH =) WHERE (a > 0))",
    "CREATE TABLE p (a int, LIKE t INCLUDING ALL) PARTITION BY LIST (a, (a + 1))",
    "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
    "CREATE TABLE h (x int) INHERITS (t, p)",
    "CREATE TABLE o OF pair (PRIMARY KEY (x))",
    "CREATE TABLE s.c AS SELECT a, b::text, * FROM t",
    "CREATE MATERIALIZED VIEW m (a) AS SELECT 1 UNION SELECT 2",
    "CREATE OR REPLACE VIEW v AS SELECT a FROM t",
    "SELECT a INTO z FROM t",
    "CREATE FOREIGN TABLE f (a int) SERVER s",
    "CREATE SCHEMA s CREATE TABLE a (id int PRIMARY KEY) CREATE INDEX ON a (id)",
    "ALTER TABLE p ADD COLUMN c int UNIQUE CHECK (c > 0), DROP COLUMN b CASCADE, ALTER a TYPE bigint, ALTER a SET NOT NULL, ALTER a DROP DEFAULT",
    "ALTER TABLE p ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES t (a) NOT VALID, ADD UNIQUE (a), ADD CHECK (a IS NOT NULL), VALIDATE CONSTRAINT k",
    "ALTER TABLE t ADD CONSTRAINT w PRIMARY KEY USING INDEX i, DROP CONSTRAINT t_pkey CASCADE, INHERIT p, NO INHERIT p",
    "ALTER TABLE p ATTACH PARTITION t DEFAULT",
    "ALTER TABLE p DETACH PARTITION t",
    "CREATE UNIQUE INDEX i ON p (a, lower(b) DESC) INCLUDE (c) WHERE a > 0",
    "ALTER INDEX i ATTACH PARTITION j",
    "DROP TABLE t, s.u CASCADE",
    "DROP SCHEMA s CASCADE",
    "DROP TYPE mood CASCADE",
    "DROP FUNCTION f(int)",
    "DROP INDEX i",
    "ALTER TABLE t RENAME a TO b",
    "ALTER TABLE p RENAME TO q",
    "ALTER TABLE q RENAME CONSTRAINT k TO l",
    "ALTER SCHEMA s RENAME TO r",
    "ALTER TYPE mood RENAME TO humour",
    "ALTER TABLE q SET SCHEMA r",
    "ALTER TYPE pair ADD ATTRIBUTE z int",
    "CREATE TYPE pair AS (x int, y text)",
    "CREATE TYPE mood AS ENUM ('a')",
    "ALTER TYPE mood ADD VALUE 'b'",
    "CREATE DOMAIN d AS int NOT NULL CHECK (value > 0)",
    "ALTER DOMAIN d DROP CONSTRAINT x",
    "CREATE FUNCTION f(a int) RETURNS trigger LANGUAGE plpgsql STABLE AS 'BEGIN END'",
    "ALTER FUNCTION f(int) IMMUTABLE",
    "CREATE SEQUENCE q",
};

SG_TEST(broken_trees)
{
    struct sg_model *model = AFTER("CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE p (a int, b text, c int) PARTITION BY LIST (a);"
                                   "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE INDEX i ON p (a)");
    size_t count = 0;

    for (size_t i = 0; i < SG_COUNT(statements); i++)
        count += apply_broken(model, statements[i]);
    T_GT_INT(count, 5000);
    for (size_t i = 0; i < SG_COUNT(statements); i++)
        apply(model, statements[i]);
    T_TRUE(sg_model_table(model, named("r.q")) != NULL);
    apply_json(model, "1");
    apply_json(model, "{}");
    apply_json(model, "[]");
    apply_json(model, "{\"CreateStmt\":1}");
}

/* Memory and time are bounded: what the server would refuse too is left out. */
SG_TEST(very_many)
{
    struct sg_model *model = AFTER("CREATE TABLE t (a int); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p0 PARTITION OF p DEFAULT");
    const struct sg_model_table *table;
    size_t made = 0;

    for (int i = 0; i < 4000; i++) {
        apply_json(model, sg_test_strf("{\"AlterTableStmt\":{\"relation\":{\"relname\":\"t\",\"inh\":true},\"cmds\":[{\"AlterTableCmd\":{\"subtype\":"
                                       "\"AT_AddColumn\",\"def\":{\"ColumnDef\":{\"colname\":\"c%d\",\"constraints\":[{\"Constraint\":{"
                                       "\"contype\":\"CONSTR_UNIQUE\"}}]}}}}]}}", i));
        apply_json(model, sg_test_strf("{\"AlterTableStmt\":{\"relation\":{\"relname\":\"p\",\"inh\":true},\"cmds\":[{\"AlterTableCmd\":{\"subtype\":"
                                       "\"AT_AddConstraint\",\"def\":{\"Constraint\":{\"contype\":\"CONSTR_UNIQUE\",\"conname\":\"k%d\",\"keys\":["
                                       "{\"String\":{\"sval\":\"a\"}}]}}}}]}}", i));
        apply_json(model, sg_test_strf("{\"CreateStmt\":{\"relation\":{\"relname\":\"h%d\",\"inh\":true},\"inhRelations\":[{\"RangeVar\":{\"relname\":"
                                       "\"h%d\"}},{\"RangeVar\":{\"relname\":\"h%d\"}}]}}", i, i - 1, i - 2));
    }
    T_EQ_INT(table_of(model, "t")->column_count, 1600);
    T_EQ_INT(table_of(model, "t")->index_count, 1599);
    T_EQ_INT(table_of(model, "p")->constraint_count, 4000);
    apply(model, "DROP TABLE p; DROP TABLE h0 CASCADE; ALTER TABLE h1 ADD COLUMN x int");
    for (size_t i = 0; (table = sg_model_table_at(model, i)) != NULL; i++)
        made += !table->dropped;
    T_GT_INT(made, 0);
}

static const struct sg_test tests[] = {SG_CASE(columns), SG_CASE(altered), SG_CASE(newness),
                                       SG_CASE(types),   SG_CASE(routines), SG_CASE(constraints), SG_CASE(long_names),
                                       SG_CASE(broken_trees), SG_CASE(very_many), SG_CASES_END};
static const struct sg_suite suites[] = {{"model", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
