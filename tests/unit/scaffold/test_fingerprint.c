/* What is asked for after a migration, of its statements alone. */
#include "config.h"

#include "core/audit/script.h"
#include "core/scaffold/fingerprint.h"
#include "core/sql/parse.h"
#include "tests/kit/test.h"

#include <string.h>

/* The questions of `sql`, a line each; of statements without one "N: why". before: what was there, or NULL. */
static const char *asks_after(const char *before, const char *sql)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_model *model = sg_model_new();
    const char *text = "";

    for (int round = 0; round < 2; round++) {
        struct sg_audit_file file = {.path = "x.sql", .id = round == 0 ? "1" : "2", .transaction = true};
        struct sg_audit_migration migration;
        struct sg_errs errs = SG_ERRS_INIT;
        struct sg_fingerprint *fingerprint = sg_fingerprint_begin(model, file.id, &arena);
        const char *from = round == 0 ? before != NULL ? before : "" : sql;
        const struct sg_asks *asks;

        sg_audit_script_split(&file, from, strlen(from), &arena, &migration, &errs);
        sg_model_begin(model, file.id);
        for (size_t i = 0; i < migration.count; i++) {
            struct sg_json *tree;
            const struct sg_json *one;
            struct sg_err err = SG_ERR_INIT;

            if (sg_parse(migration.statements[i].text, migration.statements[i].length, &tree, &err) != SG_PARSE_OK)
                sg_test_fatal(SG_HERE_, "%s: %s", migration.statements[i].text, err.primary);
            one = sg_json_get(sg_json_at(sg_json_get(tree, "stmts"), 0), "stmt");
            sg_model_apply(model, one, migration.statements[i].text, i);
            sg_fingerprint_add(fingerprint, one, i);
            sg_json_free(tree);
        }
        asks = sg_fingerprint_end(fingerprint);
        for (size_t i = 0; round == 1 && i < asks->count; i++)
            text = asks->list[i].question != NULL ? sg_test_strf("%s%s\n", text, asks->list[i].question)
                                                  : sg_test_strf("%s%zu: %s\n", text, asks->list[i].statement + 1, asks->list[i].why);
        sg_errs_release(&errs);
    }
    sg_model_free(model);
    sg_arena_release(&arena);
    return text;
}

#define T_ASKS(sql, expected) T_EQ_STR(asks_after("CREATE TABLE t (id int, a int); CREATE TABLE s.\"U u\" (id int)", (sql)), (expected))

SG_TEST(what_is_made)
{
    T_ASKS("CREATE TABLE n (id bigint, note varchar(20), m mood)",
           "sg_table_exists(sg, \"n\")\ncolumn_is(sg, \"n\", \"id\", \"bigint\")\n"
           "column_is(sg, \"n\", \"note\", \"character varying(20)\")\nsg_column_exists(sg, \"n\", \"m\")\n");
    T_ASKS("ALTER TABLE s.\"U u\" ADD COLUMN \"x \"\"y\" timestamptz",
           "column_is(sg, \"s.\\\"U u\\\"\", \"x \\\"y\", \"timestamp with time zone\")\n");
    T_ASKS("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "sg_constraint_exists(sg, \"t\", \"c\")\n");
    T_ASKS("ALTER TABLE t ADD UNIQUE (a)", "sg_constraint_exists(sg, \"t\", \"t_a_key\")\n");
    T_ASKS("ALTER TABLE t ALTER a SET NOT NULL", "column_not_null(sg, \"t\", \"a\")\n");
    T_ASKS("ALTER TABLE t ALTER a TYPE bigint", "column_is(sg, \"t\", \"a\", \"bigint\")\n");
    T_ASKS("CREATE INDEX i ON t (a)", "sg_index_exists(sg, \"i\")\n");
    T_ASKS("CREATE INDEX ON t (a)", "sg_index_exists(sg, \"t_a_idx\")\n");
    T_ASKS("CREATE TYPE mood AS ENUM ('a')", "sg_type_exists(sg, \"mood\")\n");
    T_ASKS("ALTER TYPE mood ADD VALUE 'b'", "sg_enum_value_exists(sg, \"mood\", \"b\")\n");
    T_ASKS("CREATE TRIGGER g BEFORE UPDATE ON t EXECUTE FUNCTION f()", "sg_trigger_exists(sg, \"t\", \"g\")\n");
    T_ASKS("CREATE VIEW v AS SELECT 1", "sg_view_exists(sg, \"v\")\n");
    T_ASKS("CREATE POLICY p ON t", "sg_policy_exists(sg, \"t\", \"p\")\n");
    T_ASKS("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "row_security_is_on(sg, \"t\")\n");
    T_ASKS("CREATE EXTENSION \"uuid-ossp\"", "sg_extension_exists(sg, \"uuid-ossp\")\n");
    T_ASKS("CREATE SCHEMA crm", "sg_schema_exists(sg, \"crm\")\n");
    T_ASKS("CREATE SEQUENCE q", "sg_sequence_exists(sg, \"q\")\n");
    T_ASKS("COMMENT ON TABLE t IS 'every t'", "table_comment_is(sg, \"t\", \"every t\")\n");
    T_ASKS("COMMENT ON COLUMN t.a IS 'an a'", "column_comment_is(sg, \"t\", \"a\", \"an a\")\n");
    T_ASKS("CREATE FUNCTION f(x int, OUT y text) LANGUAGE sql AS 'SELECT 1'",
           "function_is(sg, \"f(integer)\",\n\t                   \"SELECT 1\")\n");
}

SG_TEST(what_is_taken_away)
{
    T_ASKS("DROP TABLE t", "!sg_table_exists(sg, \"t\")\n");
    T_ASKS("ALTER TABLE t DROP COLUMN a", "sg_table_exists(sg, \"t\") && !sg_column_exists(sg, \"t\", \"a\")\n");
    T_ASKS("ALTER TABLE t RENAME COLUMN a TO b",
           "sg_table_exists(sg, \"t\") && !sg_column_exists(sg, \"t\", \"a\")\nsg_column_exists(sg, \"t\", \"b\")\n");
    T_ASKS("ALTER TABLE t RENAME TO u", "!sg_table_exists(sg, \"t\")\nsg_table_exists(sg, \"u\")\n");
    T_ASKS("DROP INDEX i", "!sg_index_exists(sg, \"i\")\n");
    T_ASKS("DROP FUNCTION f(int)", "!sg_function_exists(sg, \"f(integer)\")\n");
    T_ASKS("DROP TRIGGER g ON t", "sg_table_exists(sg, \"t\") && !sg_trigger_exists(sg, \"t\", \"g\")\n");
    T_ASKS("ALTER TABLE t SET SCHEMA crm", "sg_table_exists(sg, \"crm.t\")\n");
}

/* A later statement changes what an earlier one has made. */
SG_TEST(one_after_the_other)
{
    T_ASKS("CREATE TABLE n (id int); DROP TABLE n",
           "1: undone by statement 2\n1: undone by statement 2\n2: it takes away what this migration made\n");
    T_ASKS("ALTER TABLE t ADD b int; ALTER TABLE t RENAME b TO c",
           "column_is(sg, \"t\", \"c\", \"integer\")\n2: it renames what this migration made\n");
    T_ASKS("CREATE TABLE n (id int); ALTER TABLE n RENAME TO m",
           "sg_table_exists(sg, \"m\")\ncolumn_is(sg, \"m\", \"id\", \"integer\")\n2: it renames what this migration made\n");
    T_ASKS("DROP TRIGGER g ON t; CREATE TRIGGER g BEFORE UPDATE ON t EXECUTE FUNCTION f()",
           "1: undone by statement 2\nsg_trigger_exists(sg, \"t\", \"g\")\n");
    T_ASKS("ALTER TABLE t ADD b int; ALTER TABLE t ALTER b TYPE bigint",
           "1: undone by statement 2\ncolumn_is(sg, \"t\", \"b\", \"bigint\")\n");
}

SG_TEST(what_leaves_nothing)
{
    T_ASKS("UPDATE t SET a = 1", "1: nothing that it leaves behind can be asked for\n");
    T_ASKS("GRANT SELECT ON t TO PUBLIC", "1: privileges are not asked for\n");
    T_ASKS("ALTER TABLE t ALTER a SET DEFAULT 1", "1: a default, an identity or a storage setting is not asked for\n");
    T_ASKS("CREATE TEMP TABLE x (id int)", "1: a temporary table is gone at the end\n");
    T_ASKS("CREATE OR REPLACE VIEW v AS SELECT 1", "1: a view's new definition is not compared\n");
}

SG_TEST(helpers_that_are_called)
{
    struct sg_asked list[] = {{.question = "column_is(sg, \"t\", \"a\", \"text\")"}, {.why = "column_not_null("}};
    struct sg_asks asks = {.list = list, .count = 2};
    struct sg_buf out = SG_BUF_INIT;

    sg_fingerprint_helpers(&out, &asks);
    T_CONTAINS(out.data, "static int column_is(");
    T_LACKS(out.data, "column_not_null");
    sg_buf_release(&out);
}

static const struct sg_test tests[] = {SG_CASE(what_is_made), SG_CASE(what_is_taken_away), SG_CASE(one_after_the_other),
                                       SG_CASE(what_leaves_nothing), SG_CASE(helpers_that_are_called), SG_CASES_END};
static const struct sg_suite suites[] = {{"fingerprint", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
