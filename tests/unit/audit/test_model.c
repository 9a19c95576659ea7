/* The model: what it knows after statements. The test against a real server is tests/db/test_audit_model.c. */
#include "config.h"

#include "core/audit/model.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"
#include "tests/kit/test.h"

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

static const struct sg_test tests[] = {SG_CASE(columns), SG_CASE(altered), SG_CASE(newness),
                                       SG_CASE(types),   SG_CASE(routines), SG_CASES_END};
static const struct sg_suite suites[] = {{"model", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
