/*
 * What a deploy leaves behind, so that two deploys can be compared: the schema as pg_dump tells it, sgrun's own state, and each
 * table's rows as a sorted set.
 *
 * Three kinds of values differ from one deploy to the next though nothing is wrong, and are left out, found by the catalogue and
 * not by name: what a sequence gave (identity, nextval) to a row that the deploy made, and what refers to such a row by a
 * foreign key: who is killed between two numbers leaves a gap; and a time of day between the start of the deploy and now, in a
 * column of a date-time type: it is when a row was written, not what it says. The same columns of rows that were there before
 * count like any other.
 */
#ifndef SG_TESTS_DB_LEFT_H
#define SG_TESTS_DB_LEFT_H

#include "tests/kit/sql.h"

/* What there was before: to be made right before the first deploy of a database. */
struct before {
    const char *highest; /* for each column fed by a sequence, the highest value: "(table, column, value), ..." as SQL */
    const char *at;      /* the server's clock */
};
struct before before_deploy(struct sg_sql *sql);

struct left {
    struct sg_sql *sql;
    struct before before;
    const char *schema; /* pg_dump --schema-only */
    const char *ledger; /* "id|outcome" */
    const char *state;  /* backfills and indexes: name and state; ranges and failures that are left */
    const char *rows;   /* "table|rows|digest" */
};
/* All of the running test's. CONNINFO: of that session's database. */
struct left left_read(struct sg_sql *sql, const char *conninfo, const struct before *before);

/* States that both are the same; shows the first rows of a table that differ. WHAT names the case. */
void left_same(const char *what, const struct left *wanted, const struct left *is);

#endif
