/*
 * "Already exists", against a real server: the statement fails with its own SQLSTATE, and what is there is compared with what it
 * would have made. Passed over is only what is the same.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/exec/existing.h"
#include "tests/kit/server.h"
#include "tests/kit/test.h"

#include <string.h>

static const char there[] =
    "CREATE TABLE t (id int CONSTRAINT t_pk PRIMARY KEY, name varchar(255), n numeric(10,2)[], a int);"
    "ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > 0), ADD CONSTRAINT t_unique UNIQUE (a);"
    "CREATE TABLE u (id int PRIMARY KEY, t_id int CONSTRAINT u_fk REFERENCES t);"
    "CREATE INDEX plain ON t (name);"
    "CREATE VIEW v AS SELECT 1 AS a; CREATE SEQUENCE s; CREATE SCHEMA sch;"
    "CREATE TYPE mood AS ENUM ('a'); CREATE TYPE pair AS (x int, y text); CREATE DOMAIN d AS int;"
    "CREATE FUNCTION f(a varchar(5), b int[]) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE PROCEDURE p(a int) LANGUAGE sql AS '';"
    "CREATE POLICY pol ON t USING (true);";

/* sql; NULL: passed over; else what the error's detail holds. The statement's own error must be one of those that pass. */
static const struct {
    const char *sql, *differs;
} cases[] = {
    {"CREATE TABLE t (id int, name varchar(255), n decimal(10,2)[], a int4)", NULL},
    {"CREATE TABLE t (id int, name varchar(200), n numeric(10,2)[], a int)", "name character varying(255). Wanted: name character varying(200)"},
    {"CREATE TABLE t (id int, name varchar(255), n numeric(10,2)[])", "column a integer"},
    {"CREATE TABLE t (id int, name varchar(255), n numeric(10,2)[], a int, z int)", "no column z"},
    {"CREATE TABLE v (a int)", "another kind of relation. Wanted: a table"},
    {"CREATE VIEW v AS SELECT 2 AS a", NULL},
    {"CREATE VIEW t AS SELECT 2 AS a", "Wanted: a view"},
    {"CREATE SEQUENCE s", NULL},
    {"CREATE SEQUENCE plain", "Wanted: a sequence"},
    {"CREATE SCHEMA sch", NULL},
    {"ALTER TABLE t ADD COLUMN name varchar(255)", NULL},
    {"ALTER TABLE t ADD COLUMN name text", "character varying(255). Wanted: name text"},
    {"ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > 1)", NULL},
    {"ALTER TABLE t ADD CONSTRAINT t_unique UNIQUE (a)", NULL},
    {"ALTER TABLE t ADD CONSTRAINT t_pk UNIQUE (id)", "a primary key. Wanted: a UNIQUE constraint"},
    {"ALTER TABLE u ADD CONSTRAINT u_fk CHECK (t_id > 0)", "a foreign key. Wanted: a CHECK constraint"},
    {"ALTER TABLE t ADD CONSTRAINT plain UNIQUE (name)", "an index or relation of that name. Wanted: a UNIQUE constraint"},
    {"ALTER TABLE u ADD CONSTRAINT t_unique UNIQUE (t_id)", "an index or relation of that name"},
    {"CREATE TYPE mood AS ENUM ('a')", NULL},
    {"CREATE TYPE mood AS (x int)", "an enum. Wanted: a composite type"},
    {"CREATE TYPE pair AS (x int, y text)", NULL},
    {"CREATE TYPE pair AS (x int, y int)", "y text. Wanted: y integer"},
    {"CREATE DOMAIN d AS int", NULL},
    {"CREATE DOMAIN mood AS int", "an enum. Wanted: a domain"},
    {"CREATE FUNCTION f(x varchar(5), VARIADIC y int[]) RETURNS int LANGUAGE sql AS 'SELECT 2'", NULL},
    {"CREATE FUNCTION p(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "a procedure. Wanted: a function"},
    {"CREATE POLICY pol ON t USING (false)", NULL},
};

SG_TEST(passes_over_what_is_the_same)
{
    struct sg_server *server = sg_server_shared();
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct sg_policy_rules rules = {.phase = SG_PHASE_RUN, .state_schema = "sgrun", .schema = "public"};
    struct sg_dsn dsn;
    struct sg_db *db;

    T_MUST_EQ_INT(sg_dsn_parse(sg_server_conninfo(server, sg_server_new_db(server), NULL), &arena, &dsn, &err), 0);
    T_MUST_EQ_INT(sg_db_open(&db, &dsn, "test", sg_clock_ms() + 10000, &err), 0);
    T_MUST_EQ_INT(sg_db_script(db, there, &err), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_verdict verdict;

        if (sg_policy_judge(&rules, SG_CALL_DDL, cases[i].sql, strlen(cases[i].sql), &arena, &verdict, &err) != 0)
            T_FATAL("refused: %s: %s", cases[i].sql, err.primary);
        T_MUST_EQ_INT(sg_db_script(db, "BEGIN; SAVEPOINT x", &err), 0);
        if (sg_db_query(db, cases[i].sql, 0, NULL, &arena, NULL, &err) == 0)
            T_FATAL("%s: did not fail", cases[i].sql);
        T_EQ_STR(err.sqlstate, verdict.exists_sqlstates[0]);
        sg_err_clear(&err);
        T_MUST_EQ_INT(sg_db_script(db, "ROLLBACK TO SAVEPOINT x", &err), 0);
        if (sg_existing_compare(db, &verdict, &arena, &err) == 0)
            T_TRUE(cases[i].differs == NULL ? true : (T_FAIL("%s: passed over", cases[i].sql), false));
        else if (cases[i].differs == NULL)
            T_FAIL("%s: %s %s", cases[i].sql, err.primary, err.detail != NULL ? err.detail : "");
        else
            T_CONTAINS(err.detail, cases[i].differs);
        sg_err_clear(&err);
        sg_db_rollback(db);
    }
    sg_db_close(db);
    sg_arena_release(&arena);
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(passes_over_what_is_the_same), SG_CASES_END};
    static const struct sg_suite suites[] = {{"existing", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
