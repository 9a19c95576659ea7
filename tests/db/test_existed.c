/*
 * What is there already, from end to end: RECONCILE, half there, and "already exists", which passes for a statement that makes
 * exactly one object if that object is the one that was wanted, and for nothing else.
 */
#include "config.h"

#include "tests/db/project.h"

#include <string.h>

static const char there[] =
    "CREATE TABLE t (id int CONSTRAINT t_pk PRIMARY KEY, name varchar(255), n numeric(10,2), a int);"
    "INSERT INTO t VALUES (1, 'one', 1, 1), (2, 'two', 2, 1);"
    "ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > 0); CREATE UNIQUE INDEX t_index ON t (name); CREATE VIEW v AS SELECT 1 AS a;"
    "CREATE SEQUENCE s; CREATE SCHEMA sch; CREATE TYPE mood AS ENUM ('sad'); CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE POLICY pol ON t USING (true); CREATE EXTENSION hstore; CREATE TABLE sch.t (id int);"
    "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touched();";

static struct project *project_there(void)
{
    struct project *project = project_new(NULL, NULL);

    sg_sql_exec(project->sql, there);
    return project;
}

/* One migration that makes `mark` and sends this besides. */
static void write_one(struct project *project, const char *ddl)
{
    project_set(project, "DDL", ddl);
    project_write(project, "[migration s01]\nplugin = s01\noption.table = mark\noption.ddl1 = CREATE TABLE mark ()\noption.ddl2 = ${DDL}\n");
}

SG_TEST(each_kind_of_object_passes_when_it_is_the_same)
{
    static const char *const statements[] = {
        "CREATE TABLE t (id int4, name character varying(255), n decimal(10,2), a integer)",
        "CREATE TABLE public.t (id int4, name character varying(255), n decimal(10,2), a integer)",
        "CREATE TABLE sch.t (id int)",
        "ALTER TABLE t ADD COLUMN name varchar(255)",
        "ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > 0)",
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE SEQUENCE s",
        "CREATE SCHEMA sch",
        "CREATE TYPE mood AS ENUM ('sad')",
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE POLICY pol ON t USING (true)",
        "CREATE EXTENSION hstore",
    };
    struct project *project = project_there();
    const char *section = "[migration s01]\nplugin = s01\noption.table = mark\noption.ddl1 = CREATE TABLE mark ()\n";
    struct sg_run_result run;
    size_t count = sizeof statements / sizeof statements[0];

    for (size_t i = 0; i < count; i++) {
        project_set(project, sg_test_strf("DDL%zu", i), statements[i]);
        section = sg_test_strf("%soption.ddl%zu = ${DDL%zu}\n", section, i + 2, i);
    }
    project_write(project, section);
    run = project_must(project, 0, "--json");
    T_EQ_INT(sg_json_int(sg_json_get(sg_json_at(sg_json_get(project_json(&run), "migrations"), 0), "existed")), count);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.journal WHERE kind LIKE '%(existed)'"), count);
    T_EQ_STR(project_ledger(project), "s01|applied");
    T_CONTAINS(run.err, "was there already, as wanted");
}

struct failing {
    const char *sql, *sqlstate;
    const char *detail; /* words of detail or hint */
};

static const struct failing cases[] = {
    /* another than the one that is wanted: both are told */
    {"ALTER TABLE t ADD COLUMN name varchar(200)", "42701", "There: name character varying(255). Wanted: name character varying(200)."},
    {"ALTER TABLE t ADD COLUMN name text", "42701", "There: name character varying(255). Wanted: name text."},
    {"ALTER TABLE t ADD COLUMN a bigint", "42701", "There: a integer. Wanted: a bigint."},
    {"CREATE TABLE t (id int, name varchar(255), n numeric(10,2), a int, z int)", "42P07", "no column z"},
    {"CREATE TABLE t (id int, name varchar(255), n numeric(10,2))", "42P07", "column a integer"},
    {"CREATE TABLE t (id bigint, name varchar(255), n numeric(10,2), a int)", "42P07", "There: id integer. Wanted: id bigint."},
    {"CREATE TABLE v (a int)", "42P07", "There: another kind of relation. Wanted: a table."},
    {"CREATE TABLE s (a int)", "42P07", "Wanted: a table."},
    {"CREATE VIEW t AS SELECT 1 AS a", "42P07", "Wanted: a view."},
    {"CREATE SEQUENCE t_index", "42P07", "Wanted: a sequence."},
    {"ALTER TABLE t ADD CONSTRAINT t_index UNIQUE (name)", "42P07", "There: an index or relation of that name."},
    {"ALTER TABLE t ADD CONSTRAINT t_check UNIQUE (id)", "42710", ""},
    /* IF NOT EXISTS is no excuse */
    {"ALTER TABLE t ADD COLUMN IF NOT EXISTS name text", "", "There: name character varying(255). Wanted: name text."},
    {"CREATE TABLE IF NOT EXISTS t (id int)", "", "column name character varying(255)"},
    {"CREATE SEQUENCE IF NOT EXISTS t", "", "Wanted: a sequence."},
    /* more than one object */
    {"ALTER TABLE t ADD COLUMN name varchar(255), ADD COLUMN z int", "42701", "sg_ddl"},
    {"ALTER TABLE t ADD COLUMN z int, ADD CONSTRAINT t_check CHECK (a > 0)", "42710", "sg_ddl"},
    {"ALTER TABLE t ADD COLUMN name varchar(255) UNIQUE", "42701", "constraint by an sg_ddl of its own"},
    {"CREATE TABLE t (LIKE sch.t)", "42P07", "LIKE"},
    /* what is no making */
    {"ALTER TABLE t RENAME COLUMN a TO name", "42701", ""},
    {"ALTER VIEW v RENAME TO s", "42P07", ""},
    {"CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touched()", "42710", ""},
    /* data, whatever the object */
    {"ALTER TABLE t ADD CONSTRAINT t_unique UNIQUE (a)", "23505", "Key (a)=(1) is duplicated"},
    {"ALTER TABLE t ADD CONSTRAINT t_check2 CHECK (a > 1)", "23514", ""},
    /* absence is not existence */
    {"ALTER TABLE nothing_there ADD COLUMN a int", "42P01", ""},
};

SG_TEST(what_is_another_fails_and_says_both)
{
    struct project *project = project_there();
    const char *rows = project_rows(project);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sg_run_result run;
        struct sg_json *error;

        write_one(project, cases[i].sql);
        run = project_run(project, "--json");
        if (run.exit != 1)
            T_FATAL("%s: exit status %d\n%s%s", cases[i].sql, run.exit, run.out, run.err);
        error = project_error(&run);
        T_EQ_STR(project_text(error, "class"), "sql");
        T_EQ_STR(project_text(error, "sqlstate"), cases[i].sqlstate);
        T_EQ_STR(project_text(error, "statement"), cases[i].sql);
        if (strstr(project_text(error, "detail"), cases[i].detail) == NULL && strstr(project_text(error, "hint"), cases[i].detail) == NULL)
            T_FAIL("%s: neither detail \"%s\" nor hint \"%s\" says \"%s\"", cases[i].sql, project_text(error, "detail"),
                   project_text(error, "hint"), cases[i].detail);
        T_EQ_STR(project_ledger(project), "");
        T_EQ_STR(project_rows(project), rows);
        T_EQ_STR(sg_sql_value(project->sql, "SELECT to_regclass('mark')"), NULL);
        T_EQ_STR(project_lease(project), "");
    }
}

SG_TEST(already_exists_may_be_a_failure)
{
    struct project *project = project_there();

    project->policy = "already_exists = fail\n";
    write_one(project, "CREATE SEQUENCE s");
    T_CONTAINS(project_must(project, 1, NULL).err, "42P07");
    T_EQ_STR(project_ledger(project), "");
    /* or for one step */
    project->policy = NULL;
    project_set(project, "DDL", "CREATE SEQUENCE s");
    project_write(project, "[migration s01]\nplugin = s01\nalready_exists = fail\noption.table = mark\noption.ddl1 = CREATE TABLE mark ()\n"
                           "option.ddl2 = ${DDL}\n");
    project_must(project, 1, NULL);
    write_one(project, "CREATE SEQUENCE s");
    project_must(project, 0, NULL);
}

SG_TEST(if_not_exists_makes_what_is_missing)
{
    struct project *project = project_there();

    write_one(project, "CREATE TABLE IF NOT EXISTS n (id int, b text)");
    project_must(project, 0, NULL);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'n'::regclass AND attnum > 0"), 2);
}

SG_TEST(what_is_there_is_reconciled)
{
    struct project *project = project_there();

    project_write(project, "[migration s01]\nplugin = s01\noption.table = t\noption.ddl1 = CREATE TABLE t (never int)\n"
                           "[migration s02]\nplugin = s02\noption.fingerprint = SELECT 1 FROM pg_class WHERE relname = 'v'\n");
    T_CONTAINS(project_must(project, 0, NULL).out, "2 reconciled");
    T_EQ_STR(project_ledger(project), "s01|reconciled\ns02|reconciled");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM sgrun.journal"), 0);
    T_NE_STR(sg_sql_value(project->sql, "SELECT plugin_sha256 FROM sgrun.schema_migrations WHERE id = 's01'"), NULL);
}

/* One of its columns was added by hand: the rest is made, the one is passed over. */
SG_TEST(half_there_is_completed)
{
    struct project *project = project_there();
    struct sg_run_result run;

    sg_sql_exec(project->sql, "ALTER TABLE t ADD COLUMN second text");
    project_write(project,
                  "[migration s01]\nplugin = s01\noption.ddl1 = ALTER TABLE t ADD COLUMN first int\noption.ddl2 = ALTER TABLE t ADD COLUMN second text\n"
                  "option.ddl3 = ALTER TABLE t ADD COLUMN third date\noption.fingerprint = SELECT 1 FROM pg_attribute"
                  " WHERE attrelid = 't'::regclass\n   AND attname IN ('first', 'second', 'third') HAVING count(*) = 3\n");
    run = project_must(project, 0, NULL);
    T_CONTAINS(run.out, "1 object existed already");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT seq, kind FROM sgrun.journal ORDER BY seq"), "1|ALTER TABLE\n2|ALTER TABLE (existed)\n3|ALTER TABLE");
    T_EQ_STR(project_ledger(project), "s01|applied");
}

static const struct sg_test tests[] = {SG_CASE(each_kind_of_object_passes_when_it_is_the_same),
                                       SG_CASE(what_is_another_fails_and_says_both),
                                       SG_CASE(already_exists_may_be_a_failure),
                                       SG_CASE(if_not_exists_makes_what_is_missing),
                                       SG_CASE(what_is_there_is_reconciled),
                                       SG_CASE(half_there_is_completed),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"existed", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
