/* Tests that are run twice, straight to the server and through PgBouncer without direct_dsn: BOTH_WAYS(name) { … way … } and
 * BOTH_CASES(name). */
#ifndef SG_TESTS_DB_BOTH_WAYS_H
#define SG_TESTS_DB_BOTH_WAYS_H

#include "tests/db/builds.h"

#define BOTH_WAYS(name)                         \
    static void name(enum way way);             \
    SG_TEST(name##_direct) { name(WAY_DIRECT); } \
    SG_TEST(name##_pooled) { name(WAY_POOLED); } \
    static void name(enum way way)
#define BOTH_CASES(name) SG_CASE(name##_direct), SG_CASE(name##_pooled)

#endif
