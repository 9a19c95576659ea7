/* The parser's traps, each measured before it was written down. */
#include "config.h"

#include "core/sql/parse.h"
#include "tests/kit/test.h"

#include <stdlib.h>
#include <string.h>

static struct sg_err err;

static enum sg_parse_result parse_bytes(const char *sql, size_t length)
{
    struct sg_json *tree = NULL;
    enum sg_parse_result result;

    sg_err_clear(&err);
    result = sg_parse(sql, length, &tree, &err);
    T_EQ_INT(result == SG_PARSE_OK, tree != NULL);
    sg_json_free(tree);
    return result;
}

static enum sg_parse_result parse(const char *sql)
{
    return parse_bytes(sql, strlen(sql));
}

/* prefix, then part again and again up to size bytes. */
static char *chain(const char *prefix, const char *part, size_t size)
{
    char *text = malloc(size + strlen(part) + 1);
    size_t at = strlen(prefix);

    memcpy(text, prefix, at);
    for (; at + strlen(part) <= size; at += strlen(part))
        memcpy(text + at, part, strlen(part));
    text[at] = '\0';
    sg_test_defer(free, text);
    return text;
}

SG_TEST(an_error_is_no_empty_tree)
{
    T_EQ_INT(parse("DELETE FRM t"), SG_PARSE_SYNTAX);
    T_CONTAINS(err.primary, "the grammar of PostgreSQL 15 cannot read this: syntax error at or near \"FRM\"");
    T_EQ_INT(err.class, SG_CLASS_POLICY);
    T_EQ_INT(err.position, 8);
    T_EQ_STR(sg_parse_grammar(), "15");
}

SG_TEST(positions_are_characters)
{
    T_EQ_INT(parse("ALTER TABLE \"\xc3\xa9\xc3\xa9\" FRM x"), SG_PARSE_SYNTAX);
    T_EQ_INT(err.position, 18);
}

SG_TEST(a_nul_does_not_cut)
{
    T_EQ_INT(parse_bytes("SELECT 1\0; DELETE FROM t", 24), SG_PARSE_REFUSED);
    T_CONTAINS(err.primary, "NUL byte, at byte 9");
}

SG_TEST(ill_formed_utf8_is_refused)
{
    T_EQ_INT(parse("SELECT '\xff'"), SG_PARSE_REFUSED);
    T_CONTAINS(err.primary, "not valid UTF-8");
    T_EQ_INT(parse("SELECT '\xc0\xa7'"), SG_PARSE_REFUSED);
    T_EQ_INT(parse("SELECT '\xed\xa0\x80'"), SG_PARSE_REFUSED);
    T_EQ_INT(parse("SELECT '\xf0\x9f\x90\x98'"), SG_PARSE_OK);
}

SG_TEST(nothing_is_no_statement)
{
    static const char *const empty[] = {"", " ", ";", ";;;", "-- x", "/* x */"};

    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct sg_json *tree = NULL;

        T_EQ_INT(sg_parse(empty[i], strlen(empty[i]), &tree, &err), SG_PARSE_OK);
        T_EQ_INT(sg_json_count(sg_json_get(tree, "stmts")), 0);
        sg_json_free(tree);
    }
}

/* Each of these recurses once for every part. */
SG_TEST(chains_do_not_run_out_of_stack)
{
    static const struct {
        const char *prefix, *part;
    } chains[] = {{"SELECT 1", "+1"},   {"SELECT 1", " UNION SELECT 1"}, {"SELECT a", "::a"},        {"SELECT 1", " AND 1"},
                  {"SELECT 1", "||1"},  {"SELECT a", "[1]"},             {"SELECT a", " IS NULL"},   {"SELECT a", " COLLATE c"},
                  {"SELECT ", "-"},     {"SELECT ", "("},                {"SELECT ", "NOT "},        {"SELECT ", "f("},
                  {"TABLE a", " JOIN a ON 1"}, {"SELECT 1 FROM a", " CROSS JOIN a"}, {"SELECT 1", " AT TIME ZONE 1"},
                  {"SELECT a", ".a"},   {"SELECT ", "CASE WHEN "},       {"SELECT ", "ARRAY["},      {"SELECT 1 FROM a", ",a"}};

    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        const char *sql = chain(chains[i].prefix, chains[i].part, 60 * 1024);
        enum sg_parse_result result = parse(sql);

        if (result == SG_PARSE_REFUSED)
            T_CONTAINS(err.primary, "nested too deeply");
        /* What is flat passes, what is no grammar fails: all that counts here is that we live. */
        T_TRUE(result == SG_PARSE_OK || result == SG_PARSE_REFUSED || result == SG_PARSE_SYNTAX);
    }
    T_EQ_INT(parse(chain("SELECT 1", "+1", 60 * 1024)), SG_PARSE_REFUSED);
    T_EQ_INT(parse(chain("SELECT 1", "+1", 2000)), SG_PARSE_OK);
}

/* The same in the body of a DO block, up to its own limit. */
SG_TEST(deep_bodies_do_not_run_out_of_stack)
{
    static const struct {
        const char *prefix, *part;
    } chains[] = {{"DO $$ BEGIN x := 1", "+1"},     {"DO $$ ", "BEGIN "},          {"DO $$ BEGIN ", "IF a THEN "},
                  {"DO $$ BEGIN ", "LOOP "},        {"DO $$ BEGIN IF a THEN ", "ELSIF a THEN "},
                  {"DO $$ BEGIN CASE a ", "WHEN 1 THEN "}, {"DO $$ BEGIN PERFORM 1", " UNION SELECT 1"},
                  {"DO $$ BEGIN FOR x IN SELECT 1", "||1"}, {"DO $$ BEGIN x", "[1]"}, {"DO $$ ", "<<a>> BEGIN "},
                  {"DO $$ DECLARE x int := 1", "+1"}};
    static const size_t sizes[] = {7000, 60 * 1024, 1000 * 1024};

    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            const char *sql = sg_test_strf("%s; END $$", chain(chains[i].prefix, chains[i].part, sizes[k]));
            struct sg_json *tree = NULL;
            enum sg_parse_result result = sg_parse_plpgsql(sql, strlen(sql), &tree, &err);

            T_TRUE(result == SG_PARSE_OK || result == SG_PARSE_REFUSED || result == SG_PARSE_SYNTAX);
            sg_json_free(tree);
            sg_err_clear(&err);
        }
}

SG_TEST(long_texts)
{
    const char *text = chain("SELECT '", "x", 70000);
    const char *body;

    T_EQ_INT(parse(text), SG_PARSE_REFUSED);
    T_CONTAINS(err.primary, "70000 bytes long, and 65536 are allowed");
    body = sg_test_strf("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS '%s'", chain("", "SELECT 1; ", 900 * 1024));
    T_EQ_INT(parse(body), SG_PARSE_OK);
    body = sg_test_strf("CREATE FUNCTION f() RETURNS int RETURN %s", chain("1", "+1", 900 * 1024));
    T_EQ_INT(parse(body), SG_PARSE_REFUSED);
    T_CONTAINS(err.primary, "nested too deeply");
    T_EQ_INT(parse(chain("DO '", "x", 1 << 21)), SG_PARSE_REFUSED);
    T_CONTAINS(err.primary, "1048576 are allowed");
    /* a function is not what the text says it is, but what it begins with */
    T_EQ_INT(parse(chain("SELECT 1 /* CREATE FUNCTION */", "+1", 100000)), SG_PARSE_REFUSED);
}

SG_TEST(a_literal_in_the_message_is_not_told)
{
    T_EQ_INT(parse("ALTER ROLE a PASWORD 'geheim'"), SG_PARSE_SYNTAX);
    T_EQ_INT(parse("ALTER ROLE a 'geheim'"), SG_PARSE_SYNTAX);
    T_LACKS(err.primary, "geheim");
    T_EQ_INT(parse("ALTER ROLE a PASSWORD 'geheim"), SG_PARSE_SYNTAX);
    T_LACKS(err.primary, "geheim");
    T_LACKS(err.statement, "geheim");
}

SG_TEST(plpgsql_bodies)
{
    struct sg_json *tree = NULL;
    const char *sql = "DO $$ BEGIN PERFORM f(1); END $$";
    char *text;

    T_EQ_INT(sg_parse_plpgsql(sql, strlen(sql), &tree, &err), SG_PARSE_OK);
    text = sg_json_dump(tree, 0);
    T_CONTAINS(text, "SELECT f(1)");
    free(text);
    sg_json_free(tree);
    sql = "DO $$ BEGIN PERFORM; $$";
    T_EQ_INT(sg_parse_plpgsql(sql, strlen(sql), &tree, &err), SG_PARSE_SYNTAX);
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(an_error_is_no_empty_tree),
                                           SG_CASE(positions_are_characters),
                                           SG_CASE(a_nul_does_not_cut),
                                           SG_CASE(ill_formed_utf8_is_refused),
                                           SG_CASE(nothing_is_no_statement),
                                           SG_CASE(chains_do_not_run_out_of_stack),
                                           SG_CASE(deep_bodies_do_not_run_out_of_stack),
                                           SG_CASE(long_texts),
                                           SG_CASE(a_literal_in_the_message_is_not_told),
                                           SG_CASE(plpgsql_bodies),
                                           SG_CASES_END};
    static const struct sg_suite suites[] = {{"parse", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
