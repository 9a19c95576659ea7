/* What is written as C is read back as the same bytes by a compiler. */
#include "config.h"

#include "core/scaffold/c_text.h"
#include "tests/kit/test.h"

#include <stdlib.h>
#include <string.h>

static const char *literal(const char *text, size_t width)
{
    struct sg_buf out = SG_BUF_INIT;
    const char *copy;

    sg_c_literal(&out, text, strlen(text), 1, width);
    copy = sg_test_strf("%s", out.data);
    sg_buf_release(&out);
    return copy;
}

SG_TEST(literals)
{
    T_EQ_STR(literal("", 80), "\"\"");
    T_EQ_STR(literal("a \"b\" \\ c", 80), "\"a \\\"b\\\" \\\\ c\"");
    T_EQ_STR(literal("a\tb\r\nc", 80), "\"a\\tb\\r\\n\"\n\t\"c\"");
    T_EQ_STR(literal("\x01" "1\x7f", 80), "\"\\0011\\177\"");
    T_EQ_STR(literal("what?" "?/", 80), "\"what?\\?/\"");
    T_EQ_STR(literal("gr\xc3\xbc\xc3\x9f", 80), "\"gr\xc3\xbc\xc3\x9f\"");
    T_EQ_STR(literal("CREATE TABLE t (a integer, b text)", 20), "\"CREATE TABLE t (a \"\n\t\"integer, b text)\"");
}

/* Undoes it as a compiler does, for any bytes and any width. */
static size_t read_back(const char *c, char *out)
{
    size_t length = 0;
    bool inside = false;

    for (; *c != '\0'; c++) {
        if (*c == '"') {
            inside = !inside;
        } else if (!inside) {
            T_TRUE(*c == '\n' || *c == '\t');
        } else if (*c != '\\') {
            out[length++] = *c;
        } else if (*++c >= '0' && *c <= '7') {
            out[length++] = (char)((c[0] - '0') * 64 + (c[1] - '0') * 8 + (c[2] - '0'));
            c += 2;
        } else {
            out[length++] = *c == 'n' ? '\n' : *c == 't' ? '\t' : *c == 'r' ? '\r' : *c;
        }
    }
    T_FALSE(inside);
    return length;
}

SG_TEST(any_bytes)
{
    for (int round = 0; round < 2000; round++) {
        char text[200], back[400];
        size_t length = sg_test_rand(sizeof text);
        struct sg_buf out = SG_BUF_INIT;

        for (size_t i = 0; i < length; i++)
            text[i] = sg_test_rand(3) == 0 ? (char)(1 + sg_test_rand(255)) : " ?\\\"ab\n"[sg_test_rand(7)];
        sg_c_literal(&out, text, length, 2, 20 + sg_test_rand(60));
        T_FALSE(strstr(out.data, "\?\?") != NULL);
        T_MUST_EQ_INT(read_back(out.data, back), length);
        T_TRUE(memcmp(back, text, length) == 0);
        sg_buf_release(&out);
    }
}

SG_TEST(comments)
{
    struct sg_buf out = SG_BUF_INIT;

    sg_c_comment(&out, "ends */ here /* or there\nnext\x01line */", " * ", 200);
    T_EQ_STR(out.data, "ends * / here / * or there\n * next line * /");
    sg_buf_release(&out);
}

static const struct sg_test tests[] = {SG_CASE(literals), SG_CASE(any_bytes), SG_CASE(comments), SG_CASES_END};
static const struct sg_suite suites[] = {{"c_text", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
