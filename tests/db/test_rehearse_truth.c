/*
 * What a rehearsal says of a statement, held against what PostgreSQL is known to do: locks on what was there before, new files, tables
 * read from end to end, each with its rows.
 */
#include "config.h"

#include "tests/db/rehearsed.h"

#include "core/base/buf.h"
#include "tests/kit/tmp.h"

#include <string.h>

/* t refers to parent, has an index, a domain, constraints that are not validated; tck has one that is. */
static const char schema[] =
    "CREATE DOMAIN dom@ AS int CHECK (VALUE < 1000000);\n"
    "CREATE TABLE parent@ (id int PRIMARY KEY); INSERT INTO parent@ SELECT generate_series(1, 100);\n"
    "CREATE TABLE t@ (a int, b int, p int, v varchar(10), d dom@);\n"
    "INSERT INTO t@ SELECT g, g, g % 100 + 1, 'x', g FROM generate_series(1, 5000) g;\n"
    "CREATE INDEX t_a@ ON t@ (a);\n"
    "ALTER TABLE t@ ADD CONSTRAINT nv CHECK (b > 0) NOT VALID;\n"
    "ALTER TABLE t@ ADD CONSTRAINT fknv FOREIGN KEY (p) REFERENCES parent@ NOT VALID;\n"
    "CREATE TABLE tck@ (a int, CONSTRAINT c CHECK (a IS NOT NULL)); INSERT INTO tck@ SELECT generate_series(1, 3000);\n"
    "CREATE TABLE nopk@ (a int); INSERT INTO nopk@ SELECT generate_series(1, 4000);\n"
    "CREATE TABLE part@ (a int, b int) PARTITION BY RANGE (a);\n"
    "CREATE TABLE part_1@ PARTITION OF part@ FOR VALUES FROM (1) TO (10000); INSERT INTO part@ SELECT g, g FROM generate_series(1, 2000) g;\n"
    "CREATE TABLE cand@ (a int, b int); INSERT INTO cand@ SELECT g, g FROM generate_series(20001, 21000) g;\n"
    "CREATE MATERIALIZED VIEW mv@ AS SELECT a FROM nopk@;\n"
    "CREATE FUNCTION f@() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n"
    "CREATE TABLE nothing@ (a int);\n"
    "CREATE SCHEMA crm@; CREATE TABLE crm@.leads (id int);\n";

static const struct {
    const char *sql, *did;
} truths[] = {
    {"ALTER TABLE t@ ADD COLUMN x int", "t@:AccessExclusive"},
    {"ALTER TABLE t@ ADD COLUMN x timestamptz DEFAULT now()", "t@:AccessExclusive"},
    {"ALTER TABLE t@ ADD COLUMN x timestamptz DEFAULT clock_timestamp()", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"ALTER TABLE t@ ADD COLUMN x bigserial", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"ALTER TABLE t@ ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"ALTER TABLE t@ ADD COLUMN x int GENERATED ALWAYS AS (a * 2) STORED", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"ALTER TABLE t@ ADD COLUMN x int CHECK (x > 0)", "t@:AccessExclusive scan:t@(5000)"},
    {"ALTER TABLE t@ ADD COLUMN x dom@", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"ALTER TABLE t@ ALTER a TYPE bigint", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"ALTER TABLE t@ ALTER v TYPE varchar(50)", "t@:AccessExclusive"},
    {"ALTER TABLE t@ ALTER v TYPE text", "t@:AccessExclusive"},
    {"ALTER TABLE t@ ADD COLUMN x int UNIQUE", "t@:AccessExclusive scan:t@(5000)"},
    {"ALTER TABLE part@ ADD COLUMN x int", "part@:AccessExclusive part_1@:AccessExclusive"},
    {"ALTER TABLE t@ ALTER b SET NOT NULL", "t@:AccessExclusive scan:t@(5000)"},
    {"ALTER TABLE tck@ ALTER a SET NOT NULL", "tck@:AccessExclusive"},
    {"ALTER TABLE t@ DROP COLUMN v", "t@:AccessExclusive"},
    {"ALTER TABLE t@ RENAME COLUMN v TO w", "t@:AccessExclusive"},
    {"ALTER TABLE t@ ADD CONSTRAINT c CHECK (a > 0)", "t@:AccessExclusive scan:t@(5000)"},
    {"ALTER TABLE t@ ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "t@:AccessExclusive"},
    {"ALTER TABLE t@ VALIDATE CONSTRAINT nv", "t@:ShareUpdateExclusive scan:t@(5000)"},
    {"ALTER TABLE t@ ADD FOREIGN KEY (p) REFERENCES parent@",
     "parent@:ShareRowExclusive t@:ShareRowExclusive scan:parent@(100) scan:t@(5000)"},
    {"ALTER TABLE t@ ADD FOREIGN KEY (p) REFERENCES parent@ NOT VALID", "parent@:ShareRowExclusive t@:ShareRowExclusive"},
    {"ALTER TABLE t@ VALIDATE CONSTRAINT fknv", "t@:ShareUpdateExclusive parent@:RowShare scan:parent@(100) scan:t@(5000)"},
    {"ALTER TABLE t@ ADD UNIQUE (a)", "t@:AccessExclusive scan:t@(5000)"},
    {"ALTER TABLE t@ DROP CONSTRAINT nv", "t@:AccessExclusive"},
    {"ALTER TABLE nopk@ ADD PRIMARY KEY (a)", "nopk@:AccessExclusive scan:nopk@(4000)"},
    {"DROP INDEX t_a@", "t@:AccessExclusive"},
    {"CREATE TABLE n@ (p int REFERENCES parent@)", "parent@:ShareRowExclusive"},
    {"DROP TABLE cand@", "cand@:AccessExclusive"},
    {"ALTER TABLE t@ RENAME TO t2@", "t@:AccessExclusive"},
    {"ALTER TABLE t@ SET UNLOGGED", "t@:AccessExclusive rewrite:t@ scan:t@(5000)"},
    {"CREATE TABLE part_9@ PARTITION OF part@ FOR VALUES FROM (90000) TO (99999)", "part@:AccessExclusive"},
    {"ALTER TABLE part@ ATTACH PARTITION cand@ FOR VALUES FROM (20000) TO (30000)",
     "cand@:AccessExclusive part@:ShareUpdateExclusive scan:cand@(1000)"},
    {"ALTER TABLE part@ DETACH PARTITION part_1@", "part@:AccessExclusive part_1@:AccessExclusive"},
    {"CREATE TRIGGER tr BEFORE INSERT ON t@ FOR EACH ROW EXECUTE FUNCTION f@()", "t@:ShareRowExclusive"},
    {"ALTER TABLE t@ DISABLE TRIGGER USER", "t@:ShareRowExclusive"},
    {"CREATE POLICY po ON t@", "t@:AccessExclusive"},
    {"ALTER TABLE t@ SET (fillfactor = 50)", "t@:ShareUpdateExclusive"},
    {"ALTER DOMAIN dom@ ADD CHECK (VALUE > 0)", "t@:Share scan:t@(5000)"},
    {"CREATE VIEW vv@ AS SELECT a FROM t@", ""},
    {"CREATE TABLE n@ (a int, b int UNIQUE)", ""},
    {"ALTER TABLE crm@.leads ADD COLUMN x int", "crm@.leads:AccessExclusive"},
};
#define TRUTHS (sizeof truths / sizeof truths[0])

/* @ stands for the statement's number: each has tables of its own, for all of them run in one transaction. */
static void add(struct sg_buf *to, const char *text, size_t number)
{
    for (; *text != '\0'; text++) {
        if (*text == '@')
            sg_buf_addf(to, "%zu", number);
        else
            sg_buf_addc(to, *text);
    }
}

SG_TEST(tells_what_each_statement_does)
{
    struct sg_buf all = SG_BUF_INIT, steps = SG_BUF_INIT, expected = SG_BUF_INIT;
    struct sg_rehearse_options options = {0};
    struct rehearsed *r;

    sg_buf_adds(&steps, "[migration s01]\nplugin = s01\noption.table = done\n");
    for (size_t i = 0; i < TRUTHS; i++) {
        add(&all, schema, i);
        sg_buf_addf(&steps, "option.ddl%zu = ", i + 1);
        add(&steps, truths[i].sql, i);
        sg_buf_addc(&steps, '\n');
    }
    sg_buf_addf(&steps, "option.ddl%zu = CREATE TABLE done (a int)\n", TRUTHS + 1);
    options.schema_from = rehearsed_schema(all.data);
    r = rehearse(NULL, steps.data, &options);
    T_EQ_INT(r->status, 0);
    if (!r->rehearsal.complete || r->rehearsal.left_out_count > 0)
        T_FATAL("%s", rehearsed_all(r));
    for (size_t i = 0; i < TRUTHS; i++) {
        const struct sg_rehearsal_statement *statement = &rehearsed_step(r, "s01")->statements[i];

        sg_buf_clear(&expected);
        add(&expected, truths[i].did, i);
        if (strcmp(rehearsed_did(statement, true), expected.length > 0 ? expected.data : "") != 0)
            T_FAIL("%s: %s, not %s", statement->text, rehearsed_did(statement, true), expected.data);
    }
    sg_buf_release(&all);
    sg_buf_release(&steps);
    sg_buf_release(&expected);
}

static const struct sg_test truth[] = {SG_CASE(tells_what_each_statement_does), SG_CASES_END};
static const struct sg_suite suites[] = {{"truth", truth}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
