/*
 * What the tests of faults share: a server, alone or with a PgBouncer, and a proxy between sgrun and it; a manifest of scripted
 * migrations whose double application would show; and the judgement that, after a fault and one more run, everything is as if
 * there had been no fault.
 *
 * One database serves a whole test: each case empties it again.
 */
#ifndef SG_TESTS_DB_FAULTS_H
#define SG_TESTS_DB_FAULTS_H

#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

/* How sgrun reaches the server, and where the proxy stands. */
enum route {
    ROUTE_DIRECT, /* sgrun, proxy, server */
    ROUTE_POOLED, /* sgrun, proxy, PgBouncer, server; direct_dsn leads past PgBouncer, by a proxy of its own */
    ROUTE_BEHIND, /* sgrun, PgBouncer, proxy, server; direct_dsn leads straight to the server */
};

struct place {
    enum route route;
    struct sg_server *server;
    struct sg_pgbouncer *bouncer; /* NULL for ROUTE_DIRECT */
    struct sg_proxy *proxy;       /* where faults are made */
    struct sg_proxy *past;        /* ROUTE_POOLED: what direct_dsn goes through; ROUTE_DIRECT: `proxy` itself; else NULL */
    const char *db;
    struct sg_sql *sql;           /* our own session, straight to the server */
    const char *manifest;         /* the one in use */
    /* of the undisturbed run: */
    const char *ledger, *journal, *schema;
    int statements;               /* through `proxy`, */
    int past_statements;          /* and through `past` */
    int hits;                     /* faults made so far */
};

/* Starts all of it; the server is this test's alone. */
void place_open(struct place *place, enum route route);
/* Writes a manifest: this [policy] (or ""), on top of short times, and these steps. It is the one in use from now on. */
void place_manifest(struct place *place, const char *policy, const char *steps);
/* Five migrations: several statements; one that leaves a trace each time; "already exists"; RECONCILE; a rename. */
const char *place_five(void);
/* One SG_NO_TRANSACTION migration between two usual ones. */
const char *place_outside(void);

/* The database as it was found: no state, no migration. Opens our session anew if it was lost. */
void place_reset(struct place *place);
/* Resets, runs without a fault, and remembers what it leaves. */
void place_measure(struct place *place);

/* Starts `sgrun --manifest … --wait 10`; EXTRA is one more argument, or NULL. */
struct sg_run *place_start(struct place *place, const char *extra);
/* The same to its end, within 60 s. */
struct sg_run_result place_run(struct place *place, const char *extra);

/* After a fault: one more run, then ledger, journal and schema are those of the undisturbed run; the lease is free; nobody holds or
 * waits for a lock; no process is left. WHAT names the case in messages. EXACT: outcomes and journal too; else an SG_NO_TRANSACTION
 * step may be recorded as reconciled. KILLED: the lease may be a dead runner's, and runs out. */
void place_settle(struct place *place, const char *what, bool exact, bool killed);

/* ---- one fault at one statement ---- */

enum harm {
    HARM_KILL_BEFORE,  /* the runner is killed before the statement gets out of its machine */
    HARM_KILL_SENT,    /* after it was sent */
    HARM_KILL_AFTER,   /* after it was done, before the answer came */
    HARM_END_BEFORE,   /* the backend is terminated before the statement came */
    HARM_END_AFTER,    /* after it was done, before the answer went out */
    HARM_CUT_REQUEST,  /* the connection is cut before the statement, */
    HARM_CUT_SENT,     /* with it, */
    HARM_CUT_REPLY,    /* after it, without its answer */
    HARM_CRASH_BEFORE, /* the postmaster is killed before the statement came, */
    HARM_CRASH_AFTER,  /* after it was done */
    HARM_COUNT,
};

const char *harm_name(enum harm harm);
/* From a reset database: a run with the harm at the nth statement (from 1) through PROXY that contains MATCH (NULL: any), then
 * place_settle. Gives false, after settling, if the run ended before there was such a statement. */
bool place_harm(struct place *place, struct sg_proxy *proxy, enum harm harm, const char *match, int nth, bool exact);

/* A test: the five migrations, with each of these harms at every statement of theirs (SGRUN_TEST_FULL), or at N by chance. */
void place_migrations(enum route route, const enum harm *harms, size_t count, int n);
#define MIGRATIONS(route, n, ...)                                               \
    do {                                                                        \
        static const enum harm harms_[] = {__VA_ARGS__};                        \
        place_migrations((route), harms_, sizeof harms_ / sizeof *harms_, (n)); \
    } while (0)

#endif
