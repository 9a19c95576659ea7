/*
 * sg_ddlf's directives.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/process/quote.h"
#include "tests/kit/test.h"

/* The text, or "misuse: …", "too big"; until the end of the test. */
static const char *format(size_t limit, const char *text, ...)
{
    va_list args;
    char *result = NULL;
    const char *copy;
    enum sg_quote status;

    va_start(args, text);
    status = sg_quote_format(text, args, limit, &result);
    va_end(args);
    if (status == SG_QUOTE_MISUSE)
        return sg_test_strf("misuse: %s", result);
    if (status != SG_QUOTED)
        return status == SG_QUOTE_TOO_BIG ? "too big" : "no memory";
    copy = sg_test_strf("%s", result);
    free(result);
    return copy;
}

SG_TEST(plain_text_stays)
{
    T_EQ_STR(format(100, ""), "");
    T_EQ_STR(format(100, "CREATE TABLE t ()"), "CREATE TABLE t ()");
    T_EQ_STR(format(100, "100%%, %%I"), "100%, %I");
    T_EQ_STR(format(100, "a %s b %s", "x\"'\\", ""), "a x\"'\\ b ");
}

SG_TEST(identifiers_are_always_quoted)
{
    T_EQ_STR(format(100, "%I", "leads"), "\"leads\"");
    T_EQ_STR(format(100, "%I.%I", "public", "order"), "\"public\".\"order\"");
    T_EQ_STR(format(100, "%I", "a\"b\"\"; DROP"), "\"a\"\"b\"\"\"\"; DROP\"");
    T_EQ_STR(format(100, "%I", "\xc3\xa4 b"), "\"\xc3\xa4 b\"");
}

SG_TEST(literals_are_safe_with_and_without_standard_strings)
{
    T_EQ_STR(format(100, "%L", "a"), "'a'");
    T_EQ_STR(format(100, "%L", ""), "''");
    T_EQ_STR(format(100, "%L", "it's"), "'it''s'");
    T_EQ_STR(format(100, "%L", "a\\b'c"), " E'a\\\\b''c'");
    T_EQ_STR(format(100, "DEFAULT%L", "\\'); --"), "DEFAULT E'\\\\''); --'");
    T_EQ_STR(format(100, "%L", NULL), "NULL");
}

SG_TEST(mistakes_are_named)
{
    T_EQ_STR(format(100, "%d", 1), "misuse: a directive is none of %I, %L, %s and %%");
    T_EQ_STR(format(100, "50%"), "misuse: a directive is none of %I, %L, %s and %%");
    T_EQ_STR(format(100, "%I", NULL), "misuse: %I was given NULL");
    T_EQ_STR(format(100, "%I", ""), "misuse: %I was given an empty name");
    T_EQ_STR(format(100, "a%s", NULL), "misuse: %s was given NULL");
}

SG_TEST(the_limit_holds)
{
    static char text[3000];

    memset(text, 'x', sizeof text - 1);
    T_EQ_STR(format(5, "12345"), "12345");
    T_EQ_STR(format(5, "123456"), "too big");
    T_EQ_STR(format(5, "%I", "1234"), "too big");
    T_EQ_INT(strlen(format(2999, "%s", text)), 2999);
    T_EQ_STR(format(2998, "%s", text), "too big");
}

static const struct sg_test quote[] = {SG_CASE(plain_text_stays), SG_CASE(identifiers_are_always_quoted),
                                       SG_CASE(literals_are_safe_with_and_without_standard_strings), SG_CASE(mistakes_are_named),
                                       SG_CASE(the_limit_holds), SG_CASES_END};
static const struct sg_suite suites[] = {{"quote", quote}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
