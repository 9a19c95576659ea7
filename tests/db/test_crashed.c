/* The postmaster is killed at each statement, and started again: as test_faults. */
#include "config.h"

#include "tests/db/faults.h"

SG_TEST(postmaster_killed_direct)
{
    MIGRATIONS(ROUTE_DIRECT, 1, HARM_CRASH_BEFORE, HARM_CRASH_AFTER);
}

SG_TEST(postmaster_killed_pooled)
{
    MIGRATIONS(ROUTE_POOLED, 1, HARM_CRASH_BEFORE, HARM_CRASH_AFTER);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(postmaster_killed_direct, 1200), SG_CASE_SECONDS(postmaster_killed_pooled, 1200), SG_CASES_END};
static const struct sg_suite suites[] = {{"crashed", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
