/*
 * Runners that meet: what tests of the lease have in common. Their migrations add columns to a table t, or drop its index t_a.
 */
#ifndef SG_TESTS_DB_RUNNERS_H
#define SG_TESTS_DB_RUNNERS_H

#include "tests/db/deploys.h"

/* A lease as short as it may be, and a server that gives up a silent transaction well before. */
#define SHORT_LEASE "lease_seconds = 2"
#define SHORT_IDLE "idle_seconds = 1"

/* A migration ID that adds COLUMN to t, with further lines. */
const char *add_column(const char *id, const char *column, const char *lines);
/* How many columns t has. */
int columns(const struct place *place);

/* A migration x01 outside a transaction; it waits for all that read the table. */
extern const char drop_index[];
/* Until its statement waits. */
void await_drop(const struct place *place);

/* Who recorded a migration; NULL: nobody. */
const char *recorded_by(const struct place *place, const char *id);
/* States that OWNER, "root@host:PID/...", is the runner that this process was. */
void expect_runner(const char *owner, struct sg_run *run);

#endif
