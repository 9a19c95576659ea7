/*
 * For tests of the state's tables: a database of its own with the tables made, sessions of the product on it, and the calls of
 * ranges.h as one transaction each, as a lane makes them.
 */
#ifndef SG_TESTS_DB_STATES_H
#define SG_TESTS_DB_STATES_H

#include "core/db/db.h"
#include "core/state/backfills.h"
#include "core/state/ranges.h"
#include "core/state/schema.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

#define STATE "sgrun \"state\""      /* a name that needs its quotes */
#define SCHEMA "\"sgrun \"\"state\"\"\""

/* What the tests' calls allocate, and their errors: released with the test. */
extern struct sg_arena arena;
extern struct sg_err err;

struct states {
    struct sg_db *db;        /* the product's connection */
    struct sg_sql *sql;      /* the test's own look */
    const char *conninfo;
};

/* A new database, the tables made; operators and functions of a hostile search_path are in schema evil. */
struct states states_new(void);
/* One more connection of the product. */
struct sg_db *states_open(const struct states *states);
/* Ends the test with the error, if that is not 0. */
void must(int status);
/* Runs a text; the test ends if it fails. */
void run(struct sg_db *db, const char *sql);
/* BEGIN, with the search_path of an application that means us harm, or one that means nothing. */
void begin(struct sg_db *db);
void begin_hostile(struct sg_db *db);
void commit(struct sg_db *db);
/* The claim of a lane: asked as session.c does, inside a LATERAL. */
struct sg_claim claim(struct sg_db *db, const struct sg_ranges *of, int64_t mine, const char *deferred_before);
/* "range 3 (5,9] deferred" and so on: the claim as a text. */
const char *claimed(const struct sg_claim *claim);
/* Sends what the calls of ranges.h appended, and empties it. */
void flush(struct sg_db *db, struct sg_buf *sql);
/* A key of one column. */
sg_range_key key1(const char *value);

#endif
