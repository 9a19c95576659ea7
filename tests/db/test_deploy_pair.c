/* Two whole deploys of the example at once, straight to the server and through PgBouncer: kills.h. */
#include "config.h"

#include "tests/db/kills.h"

/* One way or the other; both with SGRUN_TEST_FULL. */
SG_TEST(two_deploys)
{
    bool pooled = sg_test_rand(2) == 0;

    deploys_at_once(pooled, sg_test_full() ? 6 : 1);
    if (sg_test_full())
        deploys_at_once(!pooled, 6);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(two_deploys, 1800), SG_CASES_END};
static const struct sg_suite suites[] = {{"deploy_pair", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
