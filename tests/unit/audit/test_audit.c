/* The audit as a whole: places, what is not read, standings, limits. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

SG_TEST(what_cannot_be_parsed)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){"SELECT 1;\nSELECT\n  FROM FROM;\nSELECT 2", "", NULL});

    T_EQ_INT(result->migration_count, 2);
    T_EQ_INT(result->statements, 3);
    T_EQ_INT(result->unread, 1);
    T_MUST_EQ_INT(result->errs.count, 1);
    T_EQ_STR(result->errs.list[0].file, "1.sql");
    T_EQ_INT(result->errs.list[0].line, 3);
    T_TRUE(sg_audit_exceeds(result, "unread"));
    T_FALSE(sg_audit_exceeds(result, "hint"));
}

SG_TEST(limits)
{
    T_TRUE(sg_audit_is_limit("unsafe"));
    T_TRUE(sg_audit_is_limit("potentially-unsafe"));
    T_TRUE(sg_audit_is_limit("warning"));
    T_TRUE(sg_audit_is_limit("index.*"));
    T_TRUE(sg_audit_is_limit("index.hash"));
    T_FALSE(sg_audit_is_limit("index.hush"));
    T_FALSE(sg_audit_is_limit("none"));
    T_FALSE(sg_audit_is_limit(""));
}

static const struct sg_test tests[] = {SG_CASE(what_cannot_be_parsed), SG_CASE(limits), SG_CASES_END};
static const struct sg_suite suites[] = {{"audit", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
