/* Whatever can end is ended in each phase of a build, through PgBouncer, without direct_dsn: build_faults.h. */
#include "config.h"

#include "tests/db/build_faults.h"

SG_TEST(faults_pooled)
{
    build_faults(WAY_POOLED, 14);
}

SG_TEST(kills_pooled)
{
    build_kills(WAY_POOLED, 6);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(faults_pooled, 1200), SG_CASE_SECONDS(kills_pooled, 600), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
