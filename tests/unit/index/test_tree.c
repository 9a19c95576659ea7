/* Names of partitions' indexes. */
#include "config.h"
#include "core/index/tree.h"

#include <string.h>

#include "core/base/text.h"
#include "tests/kit/test.h"

static struct sg_arena arena;

static void release(void *unused)
{
    (void)unused;
    sg_arena_release(&arena);
}

static const char *name(const char *index, const char *table, bool hashed)
{
    return sg_tree_name(&arena, index, table, hashed);
}

SG_TEST(short_ones_are_plain)
{
    sg_test_defer(release, NULL);
    T_EQ_STR(name("idx", "calls_2026", false), "idx_calls_2026");
    /* 63 bytes are enough */
    T_EQ_STR(name("i", "a123456789b123456789c123456789d123456789e123456789f123456789g", false),
             "i_a123456789b123456789c123456789d123456789e123456789f123456789g");
    T_EQ_INT(strlen(name("i", "a123456789b123456789c123456789d123456789e123456789f123456789g1", false)), 43);
}

SG_TEST(long_ones_are_cut_and_told_apart)
{
    const char *index = "idx_business_calendars_by_business_and_priority_of_all";
    const char *a, *b;

    sg_test_defer(release, NULL);
    a = name(index, "business_calendars_with_a_very_long_name_2026_01", false);
    b = name(index, "business_calendars_with_a_very_long_name_2026_02", false);
    T_LE_INT(strlen(a), SG_INDEX_NAME_BYTES);
    T_NE_STR(a, b);
    T_TRUE(sg_text_prefix(a, "idx_business_calend"));
    T_CONTAINS(a, "_long_name_2026_01_");
    T_EQ_STR(a, name(index, "business_calendars_with_a_very_long_name_2026_01", false)); /* on every run */
    /* the same characters at other places */
    T_NE_STR(name("a", "b_c", true), name("a_b", "c", true));
}

SG_TEST(characters_stay_whole)
{
    sg_test_defer(release, NULL);
    for (int i = 0; i < 8; i++) {
        char index[64], table[64];
        const char *made;

        memset(index, 0, sizeof index);
        memset(table, 0, sizeof table);
        memset(index, 'i', (size_t)i);
        memset(table, 't', (size_t)(7 - i));
        for (int j = 0; j < 26; j++) {
            memcpy(index + strlen(index), "é", 2);
            memcpy(table + strlen(table), "ü", 2);
        }
        made = name(index, table, false);
        T_LE_INT(strlen(made), SG_INDEX_NAME_BYTES);
        T_TRUE(sg_text_utf8(made, strlen(made)));
    }
}

SG_TEST(a_hash_is_asked_for)
{
    sg_test_defer(release, NULL);
    T_TRUE(sg_text_prefix(name("idx", "m1", true), "idx_m1_"));
    T_EQ_INT(strlen(name("idx", "m1", true)), strlen("idx_m1_") + 8);
}

static const struct sg_test tests[] = {SG_CASE(short_ones_are_plain), SG_CASE(long_ones_are_cut_and_told_apart),
                                       SG_CASE(characters_stay_whole), SG_CASE(a_hash_is_asked_for), SG_CASES_END};
static const struct sg_suite suites[] = {{"tree", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
