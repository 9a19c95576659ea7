/*
 * Builds of indexes under test: a site is a database with a table t, a manifest of index sections and a way to the server; a
 * build can be held in each of its phases; and what must hold after every run, whatever became of it.
 *
 * How a build is held. The index of these tests is on (gate(a) slow_ops): the function waits at rows whose a is -1 or -2, the
 * operator class's comparison at -1, each while a gate is shut, which is an advisory lock of the test's own. Other phases are
 * held as an application would: by a transaction that has written the table, by one with an old snapshot, by a lock.
 *
 * Everything belongs to the running test.
 */
#ifndef SG_TESTS_DB_BUILDS_H
#define SG_TESTS_DB_BUILDS_H

#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

enum way {
    WAY_DIRECT, /* sgrun, proxy, server */
    WAY_POOLED, /* sgrun, proxy, PgBouncer, server; no direct_dsn */
    WAY_PAST,   /* likewise, and direct_dsn, through a proxy of its own, past PgBouncer */
};

#define MOST_HOLDERS 4

struct site {
    enum way way;
    struct sg_server *server;
    struct sg_pgbouncer *bouncer; /* or NULL */
    struct sg_proxy *proxy, *past;
    const char *db, *direct;      /* conninfo of the superuser, straight */
    const char *role;             /* who sgrun connects as, by chance: the superuser, or the owner of all tables, who may not see
                                   * what others do (no pg_read_all_stats) */
    struct sg_sql *sql;           /* our own session, straight */
    const char *manifest;
    const char *taken, *taken_as; /* an index whose name a constraint took away (ADD CONSTRAINT … USING INDEX), and its name then */
    struct sg_sql *holders[MOST_HOLDERS];
    int holder_count;
};

/* OWN: a server of the test's own, which may be killed. The table t (id bigint PRIMARY KEY, a int NOT NULL, b int, note text)
 * has 300 rows and one whose a is -1. */
void site_open(struct site *site, enum way way, bool own);
/* The same with a server of its own that has these lines in its configuration, or the shared one (NULL); a pool of so many
 * connections (0: 20), these lines in PgBouncer's configuration (or NULL). */
void site_open_with(struct site *site, enum way way, const char *conf, int pool_size, const char *bouncer_conf);
/* A new database of it, by the same way and as the same role. The manifest is to be written anew. */
void site_renew(struct site *site);
/* Gives that role what was made in schema public since; also done by site_manifest. */
void site_own(struct site *site);
/* Writes the manifest: [sgrun] and [policy] with short times, then these lines (keys of [policy], further sections). */
void site_manifest(struct site *site, const char *lines);
/* "[index NAME]" on t, of gate(a) slow_ops, with these lines. */
const char *site_section(const char *name, const char *lines);

/* Runs `sgrun --manifest … ARGS`, or starts it. */
#define site_run(site, ...) site_run_args((site), (const char *const[]){__VA_ARGS__, NULL})
#define site_start(site, ...) site_start_args((site), (const char *const[]){__VA_ARGS__, NULL})
struct sg_run_result site_run_args(struct site *site, const char *const *args);
struct sg_run *site_start_args(struct site *site, const char *const *args);
/* Waits for its end, at most 60 s; checks what it said with site_honest. */
#define site_end(site, run, what) site_end_at(SG_HERE_, (site), (run), (what))
struct sg_run_result site_end_at(struct sg_here here, struct site *site, struct sg_run *run, const char *what);
/* What a run said, both ways. */
const char *site_said(struct sg_run_result run);
/* Our own session again, if the server was away. */
void site_again(struct site *site);

/* "valid", "invalid", "invalid, ready", "missing": what pg_index has of that name. */
const char *site_index(struct site *site, const char *name);
/* What sgrun's table says of it; "" for no row. */
const char *site_state(struct site *site, const char *name);

/* What a run that ended by itself says is true: what it calls built or valid is valid in pg_index; and every invalid index that
 * there is now is named by it, together with the word "invalid". Called by site_end. */
void site_honest(struct sg_here here, struct site *site, const struct sg_run_result *run, const char *what);
/* After all: what sgrun's table calls valid is valid; no builder is left, no session of sgrun's at work, no claim that is alive. */
#define site_quiet(site, what) site_quiet_at(SG_HERE_, (site), (what))
void site_quiet_at(struct sg_here here, struct site *site, const char *what);
/* One more run, undisturbed: exit status 0, these indexes (names separated by blanks) valid, no other invalid; then site_quiet. */
#define site_settle(site, names, what) site_settle_at(SG_HERE_, (site), (names), (what))
void site_settle_at(struct sg_here here, struct site *site, const char *names, const char *what);
/* Drops these indexes and what sgrun knows of them, for the next case. */
void site_clear(struct site *site);

/* ---- holding a build ---- */

enum phase {
    PHASE_LOCK,            /* it waits for the table's lock, before anything is made */
    PHASE_WRITERS,         /* waiting for writers before build */
    PHASE_SCAN,            /* building index: scanning table */
    PHASE_SORT,            /* building index: sorting live tuples */
    PHASE_WRITERS_AGAIN,   /* waiting for writers before validation */
    PHASE_VALIDATE,        /* index validation: scanning table */
    PHASE_SNAPSHOTS,       /* waiting for old snapshots */
    PHASE_DROP,            /* not of a build: DROP INDEX CONCURRENTLY of a broken one waits for a reader */
    PHASE_COUNT,
};
const char *phase_name(enum phase phase);
/* A loop over phases: WANT of them by chance, all with SGRUN_TEST_FULL. SOME_PHASE(phase, 2, PHASE_LOCK, PHASE_SCAN, …) { … } */
struct phases {
    enum phase list[PHASE_COUNT];
    int count, left;
};
struct phases phases_some(int want, const enum phase *all, int count);
bool phases_next(struct phases *phases, enum phase *phase_r);
#define SOME_PHASE(phase, want, ...)                                                                                           \
    struct phases some_##phase = phases_some((want), (const enum phase[]){__VA_ARGS__},                                        \
                                             (int)(sizeof(const enum phase[]){__VA_ARGS__} / sizeof(enum phase)));             \
    for (enum phase phase; phases_next(&some_##phase, &(phase));)

/* Sees to it that a build begun after this comes to that phase and stays there; returns when it is there. START begins it, NULL:
 * `sgrun index`. Gives the run. */
struct sg_run *site_hold(struct site *site, enum phase phase);
/* Its two halves, for builds that somebody else begins: what must be there before, and the rest once it is under way, until the
 * phase is seen. RUN: the run to show if it is never seen, or NULL. */
void site_hold_before(struct site *site, enum phase phase);
void site_hold_after(struct site *site, enum phase phase, struct sg_run *run);
/* The process id of the backend that builds an index on t, or drops one; 0: none. */
int site_builder_backend(struct site *site);
/* Lets all go that was held. */
void site_release(struct site *site);

#endif
