/*
 * Statements to try the policy with: the same lists for the unit tests, which ask the parser alone, and for the tests against real
 * servers, which run each one as a migration's and look at what stopped it.
 *
 * Everything is written for the database that sg_test_statements_base makes, in schema public. Where a statement needs more, its
 * own setup says so; that, too, is run by the database's owner before the migration.
 */
#ifndef SG_TESTS_KIT_STATEMENTS_H
#define SG_TESTS_KIT_STATEMENTS_H

#include <stddef.h>

enum sg_test_stop {
    SG_STOP_PARSER, /* refused before it is sent; by says with which words */
    SG_STOP_PROBE   /* sent; row locks or the snapshot betray it before COMMIT; by is the table written to */
};

/* In which call of the ABI it is tried. */
enum sg_test_call { SG_TRY_DDL, SG_TRY_QUERY };

/* A statement of run() that tries to change rows. */
struct sg_test_write {
    const char *name; /* short, unique */
    enum sg_test_call call;
    const char *setup; /* or NULL */
    const char *sql;
    enum sg_test_stop stop;
    const char *by;
};

/* A statement of run() that is legal, and succeeds. A list of them in one migration where one needs the others: before is sent by
 * sg_ddl first (the same migration), setup is there already. */
struct sg_test_legal {
    const char *setup;  /* or NULL */
    const char *before; /* or NULL */
    const char *sql;
};

extern const char sg_test_statements_base[];
extern const struct sg_test_write sg_test_writes[];
extern const size_t sg_test_writes_count;
extern const struct sg_test_legal sg_test_legals[];
extern const size_t sg_test_legals_count;

#endif
