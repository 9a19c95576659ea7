/*
 * Private PgBouncers. It is our own child in the foreground, so that its end is seen and it dies with the tests' process. It is up
 * once its socket takes a connection, which it does without any server behind it.
 */
#include "config.h"

#include "tests/kit/pgbouncer.h"

#include "tests/kit/proc.h"
#include "tests/kit/tmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT 6432
#define WAIT_MS 20000

struct sg_pgbouncer {
    char dir[64]; /* socket, log, settings */
    int port;
    pid_t pid; /* 0: not running */
};

/* The program; /usr/sbin is not in everybody's PATH. */
static const char *program(void)
{
    return access("/usr/sbin/pgbouncer", X_OK) == 0 ? "/usr/sbin/pgbouncer" : "pgbouncer";
}

/* A TCP port that is free now. Another may take it before PgBouncer does: then that does not start, and says so. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0;

    if (fd >= 0)
        (void)close(fd);
    if (!good)
        T_FATAL("no free port on 127.0.0.1: %s", strerror(errno));
    return ntohs(address.sin_port);
}

static void write_file(const struct sg_pgbouncer *bouncer, const char *name, const char *text)
{
    const struct sg_proc_user *user = sg_proc_user();
    const char *path = sg_test_strf("%s/%s", bouncer->dir, name);
    FILE *f = fopen(path, "we");

    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 || (user->drop && chown(path, user->uid, user->gid) != 0))
        T_FATAL("cannot write %s: %s", path, strerror(errno));
}

static void write_settings(const struct sg_pgbouncer *bouncer, const struct sg_pgbouncer_opts *opts)
{
    const char *users = "\"postgres\" \"\"\n";

    for (size_t i = 0; opts->roles != NULL && opts->roles[i] != NULL; i++)
        users = sg_test_strf("%s\"%s\" \"\"\n", users, opts->roles[i]);
    write_file(bouncer, "users", users);
    write_file(bouncer, "ini",
               sg_test_strf("[databases]\n"
                            "* = host=%s port=%d\n"
                            "[pgbouncer]\n"
                            "pool_mode = transaction\n"
                            "unix_socket_dir = %s\n"
                            "unix_socket_mode = 0777\n"
                            "listen_port = %d\n"
                            "%s"
                            "auth_type = trust\n"
                            "auth_file = %s/users\n"
                            "admin_users = postgres\n"
                            "server_login_retry = 1\n"
                            "default_pool_size = %d\n"
                            "query_wait_timeout = %d\n"
                            "max_client_conn = 200\n"
                            "%s\n",
                            opts->dir, opts->port, bouncer->dir, bouncer->port, opts->tcp ? "listen_addr = 127.0.0.1\n" : "", bouncer->dir,
                            opts->pool_size > 0 ? opts->pool_size : 20, opts->query_wait_timeout > 0 ? opts->query_wait_timeout : 120,
                            opts->conf != NULL ? opts->conf : ""));
}

static bool takes_connections(const struct sg_pgbouncer *bouncer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", bouncer->dir, bouncer->port);
    good = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good;
}

static void boot(struct sg_pgbouncer *bouncer)
{
    const char *const argv[] = {program(), sg_test_strf("%s/ini", bouncer->dir), NULL};
    char **env = sg_proc_env(NULL);
    int fd = open(sg_test_strf("%s/log", bouncer->dir), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct sg_proc what = {.argv = argv, .envp = (const char *const *)(uintptr_t)env, .in = -1, .out = fd, .err = fd, .drop = true,
                           .group = true};
    int64_t until = sg_test_now_ms() + WAIT_MS;

    (void)unlink(sg_test_strf("%s/.s.PGSQL.%d", bouncer->dir, bouncer->port)); /* a killed one's */
    bouncer->pid = sg_proc_spawn(&what);
    (void)close(fd);
    sg_proc_env_free(env);
    if (bouncer->pid < 0)
        T_FATAL("cannot start %s: %s", argv[0], strerror(errno));
    while (!takes_connections(bouncer)) {
        int status;

        if (sg_proc_wait(bouncer->pid, 0, &status)) {
            bouncer->pid = 0;
            T_FATAL("PgBouncer did not start (wait status %d); its log: %s", status, sg_pgbouncer_log(bouncer));
        }
        if (sg_test_now_ms() > until)
            T_FATAL("PgBouncer takes no connection; its log: %s", sg_pgbouncer_log(bouncer));
        sg_test_sleep_ms(2);
    }
}

static void end_by(struct sg_pgbouncer *bouncer, int sig)
{
    if (bouncer->pid > 0) {
        (void)kill(bouncer->pid, sig);
        if (!sg_proc_wait(bouncer->pid, WAIT_MS, NULL)) {
            (void)kill(bouncer->pid, SIGKILL);
            (void)sg_proc_wait(bouncer->pid, WAIT_MS, NULL);
        }
    }
    bouncer->pid = 0;
}

static void discard(void *arg)
{
    struct sg_pgbouncer *bouncer = arg;

    end_by(bouncer, SIGKILL);
    sg_tmp_remove(bouncer->dir);
    free(bouncer);
}

struct sg_pgbouncer *sg_pgbouncer_start(const struct sg_pgbouncer_opts *opts)
{
    const struct sg_proc_user *user = sg_proc_user();
    const char *dir = sg_tmp_new("b", 0700, user->uid, user->gid);
    struct sg_pgbouncer *bouncer = calloc(1, sizeof *bouncer);

    if (bouncer == NULL)
        abort();
    (void)snprintf(bouncer->dir, sizeof bouncer->dir, "%s", dir);
    sg_test_defer(discard, bouncer);
    bouncer->port = opts->tcp ? free_port() : PORT;
    write_settings(bouncer, opts);
    boot(bouncer);
    return bouncer;
}

void sg_pgbouncer_stop(struct sg_pgbouncer *bouncer)
{
    end_by(bouncer, SIGTERM);
}

void sg_pgbouncer_kill(struct sg_pgbouncer *bouncer)
{
    end_by(bouncer, SIGKILL);
}

void sg_pgbouncer_restart(struct sg_pgbouncer *bouncer)
{
    end_by(bouncer, SIGTERM);
    boot(bouncer);
}

const char *sg_pgbouncer_conninfo(const struct sg_pgbouncer *bouncer, const char *db, const char *role)
{
    return sg_test_strf("host=%s port=%d dbname=%s user=%s", bouncer->dir, bouncer->port, db, role != NULL ? role : "postgres");
}

const char *sg_pgbouncer_tcp_conninfo(const struct sg_pgbouncer *bouncer, const char *db, const char *role)
{
    return sg_test_strf("host=127.0.0.1 port=%d dbname=%s user=%s", bouncer->port, db, role != NULL ? role : "postgres");
}

const char *sg_pgbouncer_url(const struct sg_pgbouncer *bouncer, const char *db, const char *role)
{
    return sg_test_strf("postgresql://%s@/%s?host=%s&port=%d", role != NULL ? role : "postgres", db, bouncer->dir, bouncer->port);
}

const char *sg_pgbouncer_dir(const struct sg_pgbouncer *bouncer)
{
    return bouncer->dir;
}

int sg_pgbouncer_port(const struct sg_pgbouncer *bouncer)
{
    return bouncer->port;
}

pid_t sg_pgbouncer_pid(const struct sg_pgbouncer *bouncer)
{
    return bouncer->pid;
}

const char *sg_pgbouncer_log(const struct sg_pgbouncer *bouncer)
{
    const char *text = sg_tmp_read(sg_test_strf("%s/log", bouncer->dir));

    return text != NULL ? text : "(no log)";
}
