/*
 * A backfill that is not idempotent, under faults: it adds 1 to a counter of each row, by two sgrun processes of two lanes each, that
 * are killed, cut off and crashed under as it goes. At the end every counter is 1, or some row was done twice or never.
 *
 * Faults are spread over the backfill's length: each waits until its share of the rows is done, and is tried until it has hit.
 */
#ifndef SG_TESTS_DB_ONCE_H
#define SG_TESTS_DB_ONCE_H

#include "tests/db/faults.h"

/* What else makes it hard. */
struct once_opts {
    enum route route;
    bool beside_locks; /* the application holds rows, here and there, all the time: deferred ranges, and later passes */
    bool with_poison;  /* some rows fail for their own data; at the end they are mended and done, by --retry */
    const char *lines; /* of its section: how large a batch is and what it does, or NULL: ten rows, 5 ms. Slow enough that a fault
                        * which takes a second (or has to be tried again) hits a backfill that is still at work */
};

/* A test: ROWS rows and FAULTS faults (17 kinds there are, 19 with a PgBouncer); with SGRUN_TEST_FULL ten times as
 * many of both. */
void once_route(const struct once_opts *opts, int rows, int faults);

#endif
