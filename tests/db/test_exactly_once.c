/* A backfill that is not idempotent, under faults of every kind, straight to the server: once.h. The same through PgBouncer is a
 * program of its own, so that they run side by side. */
#include "config.h"

#include "tests/db/once.h"

SG_TEST(direct)
{
    once_route(ROUTE_DIRECT, 20000, 16);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(direct, 1200), SG_CASES_END};
static const struct sg_suite suites[] = {{"exactly_once", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
