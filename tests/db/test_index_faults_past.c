/* Whatever can end is ended in each phase of a build, through PgBouncer, with direct_dsn: build_faults.h. */
#include "config.h"

#include "tests/db/build_faults.h"

SG_TEST(faults_past)
{
    build_faults(WAY_PAST, 5);
}

SG_TEST(kills_past)
{
    build_kills(WAY_PAST, 3);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(faults_past, 1200), SG_CASE_SECONDS(kills_past, 600), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
