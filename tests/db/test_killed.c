/* The runner is killed at each statement, directly at the server: as test_faults. The next runner waits out the dead one's lease, so
 * this takes its time, and is a program of its own. */
#include "config.h"

#include "tests/db/faults.h"

SG_TEST(runner_killed_direct)
{
    MIGRATIONS(ROUTE_DIRECT, 1, HARM_KILL_BEFORE, HARM_KILL_SENT, HARM_KILL_AFTER);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(runner_killed_direct, 1200), SG_CASES_END};
static const struct sg_suite suites[] = {{"killed", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
