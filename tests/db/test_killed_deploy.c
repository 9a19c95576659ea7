/* The example's whole deploy is killed at random moments, directly at the server, and is as complete in the end as an undisturbed
 * one: kills.h. The same through PgBouncer is a program of its own, so that they run side by side. */
#include "config.h"

#include "tests/db/kills.h"

SG_TEST(killed_deploy_direct)
{
    kills(false, sg_test_full() ? 50 : 5);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(killed_deploy_direct, 1800), SG_CASES_END};
static const struct sg_suite suites[] = {{"killed_deploy", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
