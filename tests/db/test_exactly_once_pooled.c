/* As test_exactly_once, through PgBouncer: with the faults before it, and behind it. */
#include "config.h"

#include "tests/db/once.h"

SG_TEST(before_the_pooler)
{
    once_route(&(struct once_opts){.route = ROUTE_POOLED}, 20000, 19);
}

SG_TEST(behind_the_pooler)
{
    once_route(&(struct once_opts){.route = ROUTE_BEHIND}, 20000, 19);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(before_the_pooler, 1200), SG_CASE_SECONDS(behind_the_pooler, 1200),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"exactly_once", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
