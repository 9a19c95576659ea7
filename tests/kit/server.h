/*
 * Private PostgreSQL servers for tests: trust authentication, a unix socket in a short folder, no TCP, no fsync; as root they run as
 * an unprivileged user. The data folder is made by initdb once a program and copied for each server. The binaries are those of
 * SGRUN_TEST_PGBIN, else of `pg_config --bindir`, else of the highest version under /usr/lib/postgresql.
 *
 * A server belongs to the test that started it and is stopped and removed with it; the shared one lives to the program's end.
 * Whatever fails here ends the test, with the server's log.
 */
#ifndef SG_TESTS_KIT_SERVER_H
#define SG_TESTS_KIT_SERVER_H

#include "tests/kit/test.h"

#include <stdbool.h>
#include <sys/types.h>

struct sg_server;

/* How to stop: fast rolls back what runs; immediate is a crash with a notice to the clients (SIGQUIT: recovery at the next start). */
enum sg_server_stop { SG_STOP_FAST, SG_STOP_IMMEDIATE };

/* Starts a new server. CONF: further lines for postgresql.conf ("fsync = on\nlog_statement = all\n"), they win; or NULL. */
struct sg_server *sg_server_start(const char *conf);

/* The one that all tests of this program may use, each with a database of its own: started on first use, and again if some test
 * ended it. Do not kill, stop or reconfigure it. */
struct sg_server *sg_server_shared(void);

/* Makes an empty database and gives its name (a word in small letters). It is dropped with the test. */
const char *sg_server_new_db(struct sg_server *server);

/* How to reach a database as a role (NULL: the superuser, postgres): a libpq conninfo, or a URI. Live until the test's end. */
const char *sg_server_conninfo(const struct sg_server *server, const char *db, const char *role);
const char *sg_server_url(const struct sg_server *server, const char *db, const char *role);

/* The folder of the socket, for whoever builds his own conninfo or stands in between; its port; the data folder; the postmaster. */
const char *sg_server_dir(const struct sg_server *server);
int sg_server_port(const struct sg_server *server);
const char *sg_server_data(const struct sg_server *server);
pid_t sg_server_pid(const struct sg_server *server);

/* The version's first part, 15. */
int sg_server_version(void);

/* Stops it and waits for it. Its data stays. */
void sg_server_stop(struct sg_server *server, enum sg_server_stop how);
/* kill -9 the postmaster alone; its backends see it for themselves, within a moment, or when they next look. */
void sg_server_kill(struct sg_server *server);
/* kill -9 one backend: the server restarts itself after it, in recovery. Does not wait for that. false: it is no backend (any more). */
bool sg_server_kill_backend(struct sg_server *server, pid_t pid);
/* Starts it again, after any of these. Backends of a killed postmaster that still run after a second are killed first. */
void sg_server_restart(struct sg_server *server);
/* Stops it, fast, and starts it again as a standby of nobody, or as a primary. */
void sg_server_be_standby(struct sg_server *server, bool standby);
/* Reads the configuration again (SIGHUP), after adding these lines to it. Returns before every backend has seen it. */
void sg_server_configure(struct sg_server *server, const char *conf);

/* Its log so far; lives until the end of the test. */
const char *sg_server_log(const struct sg_server *server);

/* The path of one of PostgreSQL's programs ("psql"); lives until the program's end. */
const char *sg_server_program(const char *name);

#endif
