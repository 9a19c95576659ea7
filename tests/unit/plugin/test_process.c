/*
 * Plugin processes, good and bad, without a server.
 */
#include "config.h"

#include "tests/kit/test.h"
#include "tests/unit/plugin/host.h"

SG_TEST(a_good_migration_is_run)
{
    const char *const options[] = {"count", "3"};
    struct play p = {.plugin = "good_ddl", .options = options, .option_count = 1};

    play(&p);
    T_EQ_STR(p.err.primary, NULL);
    T_EQ_INT(p.err.class, SG_CLASS_NONE);
    T_EQ_INT(p.fingerprint, 0);
    T_EQ_INT(p.status, 0);
    T_EQ_INT(p.checks, 1);
    T_EQ_INT(p.ddl, 3);
    T_EQ_STR(p.sql, "CREATE TABLE t3 (id bigint)");
    sg_err_release(&p.err);
}

static const struct sg_test good[] = {SG_CASE(a_good_migration_is_run), SG_CASES_END};
static const struct sg_suite suites[] = {{"good", good}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
