/* Whatever can end is ended in each phase of a build, straight to the server: build_faults.h. */
#include "config.h"

#include "tests/db/build_faults.h"

SG_TEST(faults_direct)
{
    build_faults(WAY_DIRECT, 14);
}

SG_TEST(kills_direct)
{
    build_kills(WAY_DIRECT, 6);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(faults_direct, 1200), SG_CASE_SECONDS(kills_direct, 600), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
