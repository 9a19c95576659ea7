/* A backfill that is not idempotent, under faults of every kind, straight to the server: once.h. The same through PgBouncer is a
 * program of its own, so that they run side by side. */
#include "config.h"

#include "tests/db/once.h"

SG_TEST(direct)
{
    once_route(&(struct once_opts){.route = ROUTE_DIRECT}, 20000, 17);
}

/* Rows that others hold, and rows that fail: ranges that are deferred, passes, bad rows and their retry. */
SG_TEST(with_locks_and_poison)
{
    once_route(&(struct once_opts){.route = ROUTE_DIRECT, .beside_locks = true, .with_poison = true}, 10000, 8);
}

/* Sizes that change as it goes: it is the rows that take their time. */
SG_TEST(auto_size)
{
    static const char lines[] =
        "batch_size = auto\ntarget_batch_ms = 20\nmax_batch = 50\n"
        "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2 AND pg_sleep(0.0005)::text = ''\n";

    once_route(&(struct once_opts){.route = ROUTE_DIRECT, .lines = lines}, 12000, 8);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(direct, 1200), SG_CASE_SECONDS(with_locks_and_poison, 1200),
                                       SG_CASE_SECONDS(auto_size, 1200), SG_CASES_END};
static const struct sg_suite suites[] = {{"exactly_once", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
