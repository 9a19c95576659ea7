/* Two whole deploys of the example at once, straight to the server and through PgBouncer: kills.h. */
#include "config.h"

#include "tests/db/kills.h"

SG_TEST(two_deploys_direct)
{
    deploys_at_once(false, sg_test_full() ? 6 : 1);
}

SG_TEST(two_deploys_pooled)
{
    deploys_at_once(true, sg_test_full() ? 6 : 1);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(two_deploys_direct, 900), SG_CASE_SECONDS(two_deploys_pooled, 900),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"deploy_pair", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
