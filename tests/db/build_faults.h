/*
 * Faults while an index is built: in each phase of its build, whatever can be ended is ended: sgrun, its builder, the backend, the
 * connection, the server, the pooler; or a signal comes. Then everything that held it is let go, one more run is undisturbed,
 * and the index is valid, with nothing left behind (builds.h).
 */
#ifndef SG_TESTS_DB_BUILD_FAULTS_H
#define SG_TESTS_DB_BUILD_FAULTS_H

#include "tests/db/builds.h"

enum blow {
    BLOW_KILL,        /* SIGKILL to sgrun alone: its builder finds out */
    BLOW_KILL_ALL,    /* to it and its builder at once */
    BLOW_KILL_BUILDER,
    BLOW_GHOST,       /* both are stopped (SIGSTOP) until the next run has come, and killed then: the backend goes on alone */
    BLOW_FREEZE,      /* the builder is stopped until its claim has run out and another run is at it, and goes on then */
    BLOW_TERMINATE,   /* pg_terminate_backend of the backend that builds */
    BLOW_CANCEL,      /* pg_cancel_backend: not for sgrun to know who it was */
    BLOW_CUT,         /* its connections are cut */
    BLOW_INT,         /* SIGINT, SIGTERM: once; twice */
    BLOW_TERM,
    BLOW_INT_TWICE,
    BLOW_TERM_TWICE,
    BLOW_BOUNCER,     /* PgBouncer is killed and started again */
    BLOW_CRASH,       /* the postmaster is killed and started again */
    BLOW_COUNT,
};

/* A test: each of these phases and faults, N of them by chance; with SGRUN_TEST_FULL all. */
void build_faults(enum way way, int n);

/* A test: sgrun is killed, N times, at any moment of the build of a larger index that nothing holds: the phases that cannot be held
 * (sorting, loading, the scan of the new index) are hit too. Prints which; with SGRUN_TEST_FULL six times as often. */
void build_kills(enum way way, int n);

#endif
