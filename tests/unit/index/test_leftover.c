/* Names of invalid indexes that were left: as the server gives them, and ours. */
#include "config.h"

#include "core/index/leftover.h"
#include "tests/kit/test.h"

#include <string.h>

#define LONG "a_name_that_is_as_long_as_a_name_may_be_to_the_very_last_byte_o" /* 63 bytes */

SG_TEST(as_reindex_names_them)
{
    T_TRUE(sg_index_is_leftover("i", "i_ccnew"));
    T_TRUE(sg_index_is_leftover("i", "i_ccnew1"));
    T_TRUE(sg_index_is_leftover("i", "i_ccold"));
    T_TRUE(sg_index_is_leftover("a_ccnew", "a_ccnew_ccnew"));
    T_TRUE(sg_index_is_leftover(LONG, "a_name_that_is_as_long_as_a_name_may_be_to_the_very_last_ccnew1"));
    T_TRUE(sg_index_is_leftover("\xc3\xa4rger_\xc3\xa4", "\xc3\xa4rger_\xc3\xa4_ccold7"));
}

SG_TEST(what_is_none)
{
    static const char *const none[] = {"i", "", "_", "i_", "j_ccnew", "ii_ccnew", "_ccnew", "i_ccnewer", "i_ccnew1x", "i_ccne",
                                       "i_ccnew_1", "i_CCNEW", "i_ccnew1 "};

    for (size_t k = 0; k < sizeof none / sizeof *none; k++)
        T_FALSE(sg_index_is_leftover("i", none[k]));
    T_FALSE(sg_index_is_leftover(LONG, "a_name_that_is_ccnew")); /* cut further than it had to be */
    T_FALSE(sg_index_is_leftover("a_ccnew", "a_ccnew"));
    T_FALSE(sg_index_has_leftover_name("a_ccnewer"));
    T_TRUE(sg_index_has_leftover_name("a_ccold12"));
}

SG_TEST(ours_is_one)
{
    static const char *const names[] = {"i", "i_ccnew", LONG, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"};
    struct sg_arena arena = SG_ARENA_INIT;

    T_EQ_STR(sg_index_leftover_name(&arena, "i", 4294967295), "i_ccold4294967295");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        for (uint32_t oid = 16384; oid < 4000000000u; oid = oid * 7 + 1) {
            const char *name = sg_index_leftover_name(&arena, names[k], oid);

            T_TRUE(strlen(name) <= 63);
            T_TRUE(sg_index_is_leftover(names[k], name));
            T_TRUE(sg_index_has_leftover_name(name));
            if (oid > 500000000u)
                break;
        }
    sg_arena_release(&arena);
}

static const struct sg_test tests[] = {SG_CASE(as_reindex_names_them), SG_CASE(what_is_none), SG_CASE(ours_is_one), SG_CASES_END};
static const struct sg_suite suites[] = {{"leftover", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
