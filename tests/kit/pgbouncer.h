/*
 * Private PgBouncers for tests: transaction pooling, a unix socket in a short folder (and 127.0.0.1, if asked for), trust, retry of
 * a failed login after 1 s instead of 15; as root they run as the user that the servers run as.
 *
 * A PgBouncer belongs to the test that started it. Whatever fails here ends the test, with its log.
 */
#ifndef SG_TESTS_KIT_PGBOUNCER_H
#define SG_TESTS_KIT_PGBOUNCER_H

#include "tests/kit/test.h"

#include <stdbool.h>
#include <sys/types.h>

struct sg_pgbouncer;

struct sg_pgbouncer_opts {
    const char *dir;          /* the folder of the socket of what it stands before: sg_server_dir(), sg_proxy_dir() */
    int port;                 /* and its port */
    const char *const *roles; /* the roles that may log in besides postgres; ends with NULL; or NULL */
    int pool_size;            /* server connections a database and role; 0: 20 */
    int query_wait_timeout;   /* seconds a client waits for one; 0: 120 */
    bool tcp;                 /* listen on 127.0.0.1 too */
    const char *conf;         /* further lines of [pgbouncer]; they win; or NULL */
};

struct sg_pgbouncer *sg_pgbouncer_start(const struct sg_pgbouncer_opts *opts);

/* How to reach a database through it as a role (NULL: postgres); live until the test's end. The admin console is the database
 * "pgbouncer" (PAUSE, RECONNECT, SHOW POOLS). */
const char *sg_pgbouncer_conninfo(const struct sg_pgbouncer *bouncer, const char *db, const char *role);
const char *sg_pgbouncer_url(const struct sg_pgbouncer *bouncer, const char *db, const char *role);
/* The same over TCP; only with opts.tcp. */
const char *sg_pgbouncer_tcp_conninfo(const struct sg_pgbouncer *bouncer, const char *db, const char *role);
const char *sg_pgbouncer_dir(const struct sg_pgbouncer *bouncer);
int sg_pgbouncer_port(const struct sg_pgbouncer *bouncer);
pid_t sg_pgbouncer_pid(const struct sg_pgbouncer *bouncer);

/* SIGTERM: it closes all connections and leaves. */
void sg_pgbouncer_stop(struct sg_pgbouncer *bouncer);
/* SIGKILL. */
void sg_pgbouncer_kill(struct sg_pgbouncer *bouncer);
/* Starts it again, after either; stops it first if it runs. */
void sg_pgbouncer_restart(struct sg_pgbouncer *bouncer);

/* Its log so far; lives until the end of the test. */
const char *sg_pgbouncer_log(const struct sg_pgbouncer *bouncer);

#endif
