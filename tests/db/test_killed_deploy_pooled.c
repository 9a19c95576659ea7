/* The example's whole deploy is killed at random moments, through PgBouncer in transaction mode, without direct_dsn, and
 * is as complete in the end as an undisturbed one: as test_killed_deploy. */
#include "config.h"

#include "tests/db/kills.h"

SG_TEST(killed_deploy_pooled)
{
    kills(true, sg_test_full() ? 50 : 5);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(killed_deploy_pooled, 1800), SG_CASES_END};
static const struct sg_suite suites[] = {{"killed_deploy", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
