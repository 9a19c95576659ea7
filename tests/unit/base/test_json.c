/* JSON that is read: the trees of json_tree.c and jansson's values must be the same to whoever looks. A real number among the
 * elements is what the trees leave to jansson, so the same text is read by both. */
#include "config.h"

#include "core/base/buf.h"
#include "core/base/json.h"
#include "tests/kit/test.h"

#include <stdlib.h>
#include <string.h>

static void free_json(void *json)
{
    sg_json_free(json);
}

static struct sg_json *parsed(const char *text, size_t length)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_json *json = sg_json_parse(text, length, &err);

    if (json != NULL)
        sg_test_defer(free_json, json);
    T_EQ_INT(json == NULL, err.class != SG_CLASS_NONE);
    sg_err_release(&err);
    return json;
}

/* As text again, all kinds looked at on the way; NULL: it was not read. */
static void write_value(struct sg_buf *buf, const struct sg_json *json)
{
    if (sg_json_is_object(json)) {
        for (void *at = sg_json_next(json, NULL); at != NULL; at = sg_json_next(json, at)) {
            sg_buf_addf(buf, "{%s:", sg_json_key(at));
            write_value(buf, sg_json_value(at));
            sg_buf_adds(buf, sg_json_get(json, sg_json_key(at)) == sg_json_value(at) ? "}" : "another!");
        }
        T_NULL(sg_json_get(json, "no such member"));
    } else if (sg_json_is_array(json)) {
        for (size_t i = 0; i < sg_json_count(json); i++) {
            sg_buf_adds(buf, "[");
            write_value(buf, sg_json_at(json, i));
        }
        T_NULL(sg_json_at(json, sg_json_count(json)));
    } else {
        sg_buf_addf(buf, "<%s %lld %d>", sg_json_text(json) != NULL ? sg_json_text(json) : "-", (long long)sg_json_int(json),
                    sg_json_true(json));
        T_NULL(sg_json_get(json, "a"));
        T_NULL(sg_json_next(json, NULL));
        T_EQ_INT(sg_json_count(json), 0);
    }
}

static const char *shown(const struct sg_json *json)
{
    struct sg_buf buf = SG_BUF_INIT;
    const char *text;
    char *dumped = sg_json_dump(json, 0);

    write_value(&buf, json);
    text = sg_test_strf("%s %s", buf.data, dumped);
    sg_buf_release(&buf);
    free(dumped);
    return text;
}

static const char *const good[] = {
    "1", "-1", "0", "-0", "123456789012345678", "999999999999999999", "9223372036854775807", "-9223372036854775808", "true", "false",
    "null", "\"\"", "\"a\"", "\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "\"\\u0001\\u00e9\\u20ac\\uD83D\\uDE00\"", "\"äöü€😀\"", "{}", "[]",
    " { } ", "[ ]", "{\"a\":1}", "{\"a\":{\"b\":[1,2,{\"c\":\"d\"}]},\"\":null}", "[1,[2,[3,[]]],{}]", "{ \"a\" : [ 1 , 2 ] , \"b\" : \"\\u0041\" }",
    "\"\x7f\"", "{\"k\\\"ey\":1}"};

SG_TEST(both_readers_agree)
{
    for (size_t i = 0; i < SG_COUNT(good); i++) {
        const char *text = sg_test_strf("[%s]", good[i]), *other = sg_test_strf("[%s,1.5]", good[i]);
        struct sg_json *tree = parsed(text, strlen(text)), *jansson = parsed(other, strlen(other));

        if (tree == NULL || jansson == NULL) {
            T_FAIL("not read: %s", text);
            continue;
        }
        T_EQ_STR(shown(sg_json_at(tree, 0)), shown(sg_json_at(jansson, 0)));
    }
}

SG_TEST(what_is_no_json)
{
    static const char *const bad[] = {"", " ", "1", "\"a\"", "null", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
                                      "{a:1}", "{\"a\":1}x", "[01]", "[-]", "[1a]", "[+1]", "[tru]", "[nullx]", "[\"a]", "[\"\\x\"]",
                                      "[\"\\u12\"]", "[\"\\u0000\"]", "[\"\\uD800\"]", "[\"\n\"]", "[\"\xff\"]", "[\"\xc3\"]",
                                      "{\"a\":1,\"a\":2}", "[1 2]", "[92233720368547758070]", "[1]]", "'a'", "[.5]", "\xef\xbb\xbf[1]"};

    for (size_t i = 0; i < SG_COUNT(bad); i++)
        sg_test_check(SG_HERE_, false, parsed(bad[i], strlen(bad[i])) == NULL, "read: %s", bad[i]);
    T_NULL(parsed("[1]\0", 4));
    T_NULL(parsed("[\"a\0b\"]", 7));
    T_NOT_NULL(parsed("[1]x", 3));
}

static char *repeated(const char *open, int times, const char *middle, const char *close)
{
    struct sg_buf buf = SG_BUF_INIT;
    char *text;

    for (int i = 0; i < times; i++)
        sg_buf_adds(&buf, open);
    sg_buf_adds(&buf, middle);
    for (int i = 0; i < times; i++)
        sg_buf_adds(&buf, close);
    text = sg_buf_detach(&buf);
    sg_test_defer(free, text);
    return text;
}

SG_TEST(deep_and_wide)
{
    const char *deep = repeated("[", 900, "", "]"), *deeper = repeated("{\"a\":[", 900, "", "]}"), *deepest = repeated("[", 100000, "", "]");
    const char *wide = sg_test_strf("[%s1]", repeated("1,", 100000, "", ""));
    struct sg_buf many = SG_BUF_INIT;

    T_NOT_NULL(parsed(deep, strlen(deep)));
    T_NOT_NULL(parsed(deeper, strlen(deeper))); /* 1,800 levels: jansson's */
    T_NULL(parsed(deepest, strlen(deepest)));
    T_EQ_INT(sg_json_count(parsed(wide, strlen(wide))), 100001);
    for (int i = 0; i < 1000; i++)
        sg_buf_addf(&many, "%s\"k%d\":%d", i > 0 ? "," : "{", i, i);
    sg_buf_adds(&many, "}");
    T_EQ_INT(sg_json_int(sg_json_get(parsed(many.data, many.length), "k999")), 999);
    sg_buf_release(&many);
}

/* A tree may be given away to what is built. */
SG_TEST(given_away)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_json *object = sg_json_object(), *array = sg_json_array();
    char *text;

    sg_test_defer(free_json, object);
    sg_json_set(object, "a", sg_json_parse("{\"b\":[1,\"x\",true,false,null]}", 29, &err));
    sg_json_add(array, sg_json_parse("[]", 2, &err));
    sg_json_set(object, "c", array);
    text = sg_json_dump(object, 0);
    sg_test_defer(free, text);
    T_EQ_STR(text, "{\"a\":{\"b\":[1,\"x\",true,false,null]},\"c\":[[]]}");
}

static const struct sg_test tests[] = {SG_CASE(both_readers_agree), SG_CASE(what_is_no_json), SG_CASE(deep_and_wide),
                                       SG_CASE(given_away), SG_CASES_END};
static const struct sg_suite suites[] = {{"json", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
