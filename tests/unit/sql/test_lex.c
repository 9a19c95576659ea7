/* Tokens: PostgreSQL's rules for quotes, comments and operators; any bytes give an end. */
#include "config.h"

#include "core/sql/lex.h"
#include "tests/kit/test.h"

#include <stdio.h>
#include <string.h>

/* The tokens as "kind:text", separated by blanks. */
static const char *tokens_with(bool comments, const char *sql)
{
    static const char kinds[] = "wqsdnpco";
    struct sg_lex lex;
    struct sg_token token;
    const char *text = "";

    sg_lex_init(&lex, sql, strlen(sql));
    lex.comments = comments;
    while (sg_lex_next(&lex, &token))
        text = sg_test_strf("%s%s%c:%.*s%s", text, text[0] != '\0' ? " " : "", kinds[token.kind], (int)(token.end - token.start),
                            sql + token.start, token.closed ? "" : "!");
    return text;
}

static const char *tokens(const char *sql)
{
    return tokens_with(false, sql);
}

SG_TEST(words_numbers_operators)
{
    T_EQ_STR(tokens("ALTER table_1 $1 + 1.5e-3"), "w:ALTER w:table_1 p:$1 o:+ n:1.5e-3");
    T_EQ_STR(tokens("a.b,c;x::int[1]"), "w:a o:. w:b o:, w:c o:; w:x o:: o:: w:int o:[ n:1 o:]");
    T_EQ_STR(tokens("\xc3\xa9t\xc3\xa9"), "w:\xc3\xa9t\xc3\xa9");
    T_EQ_STR(tokens("1..10"), "n:1 o:. o:. n:10");
    T_EQ_STR(tokens("a>=b"), "w:a o:>= w:b");
}

SG_TEST(strings)
{
    T_EQ_STR(tokens("'it''s' b"), "s:'it''s' w:b");
    T_EQ_STR(tokens("'a\\' b"), "s:'a\\' w:b");
    T_EQ_STR(tokens("E'a\\'b' c"), "s:E'a\\'b' w:c");
    T_EQ_STR(tokens("x'1F' b'0' n'a' U&'\\0041'"), "s:x'1F' s:b'0' s:n'a' s:U&'\\0041'");
    T_EQ_STR(tokens("\"a\"\"b\" U&\"c\""), "q:\"a\"\"b\" q:U&\"c\"");
    T_EQ_STR(tokens("'open"), "s:'open!");
}

SG_TEST(dollar_quotes)
{
    T_EQ_STR(tokens("$$a$$ b"), "d:$$a$$ w:b");
    T_EQ_STR(tokens("$x$ $$ $y$ $x$ b"), "d:$x$ $$ $y$ $x$ w:b");
    T_EQ_STR(tokens("a$b$c"), "w:a$b$c");
    T_EQ_STR(tokens("$x b"), "o:$ w:x w:b");
    T_EQ_STR(tokens("$x$ open $y$"), "d:$x$ open $y$!");
}

SG_TEST(comments)
{
    T_EQ_STR(tokens("a -- b\nc"), "w:a w:c");
    T_EQ_STR(tokens("a /* b /* c */ d */ e"), "w:a w:e");
    T_EQ_STR(tokens("a+/*b*/-c--d"), "w:a o:+ o:- w:c");
    T_EQ_STR(tokens("/* open"), "");
}

SG_TEST(comments_as_tokens)
{
    T_EQ_STR(tokens_with(true, "a -- b\nc"), "w:a c:-- b w:c");
    T_EQ_STR(tokens_with(true, "--\r\nc--"), "c:-- w:c c:--");
    T_EQ_STR(tokens_with(true, "/* b /* c */ d */e"), "c:/* b /* c */ d */ w:e");
    T_EQ_STR(tokens_with(true, "a+/**/ /* open /* */"), "w:a o:+ c:/**/ c:/* open /* */!");
    T_EQ_STR(tokens_with(true, "/*/"), "c:/*/!");
    T_EQ_STR(tokens_with(true, "'--' \"/*\" $$--$$"), "s:'--' q:\"/*\" d:$$--$$");
}

SG_TEST(find)
{
    const char *sql = "/* DELETE */ 'DELETE' delete FROM x";

    T_EQ_INT(sg_lex_find(sql, strlen(sql), 0, "DELETE"), 22);
    T_EQ_INT(sg_lex_find(sql, strlen(sql), 3, "NOWHERE"), 3);
}

SG_TEST(any_bytes_end)
{
    for (int round = 0; round < 2000; round++) {
        static const char some[] = "'\"$$eEuU&/*-\\;()[]+.09ax_\n\0\xff";
        char text[64];
        struct sg_lex lex;
        struct sg_token token;
        size_t last = 0, length = (size_t)sg_test_rand(sizeof(text));

        for (size_t i = 0; i < length; i++)
            text[i] = some[sg_test_rand(sizeof(some) - 1)];
        sg_lex_init(&lex, text, length);
        while (sg_lex_next(&lex, &token)) {
            T_TRUE(token.start >= last && token.end > token.start && token.end <= length);
            last = token.end;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(words_numbers_operators), SG_CASE(strings), SG_CASE(dollar_quotes),
                                           SG_CASE(comments), SG_CASE(comments_as_tokens), SG_CASE(find), SG_CASE(any_bytes_end), SG_CASES_END};
    static const struct sg_suite suites[] = {{"lex", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
