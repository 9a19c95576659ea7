/*
 * Private servers. The postmaster is our own child (no pg_ctl): so that its end is seen at once, it can be killed for certain, and
 * it gets SIGQUIT should the tests' process die. Whether it is up is read from postmaster.pid, whose eighth line says "ready"
 * (src/include/utils/pidfile.h), which costs no connection.
 */
#include "config.h"

#include "tests/kit/server.h"

#include "tests/kit/proc.h"
#include "tests/kit/sql.h"
#include "tests/kit/tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 5432
#define START_MS 60000 /* includes recovery */
#define STOP_MS 30000
#define MAX_BACKENDS 256

struct sg_server {
    char dir[64];   /* socket, log and data */
    char data[80];
    char log[80];
    pid_t pid;      /* 0: not running */
    pid_t orphans[MAX_BACKENDS]; /* backends of a killed postmaster */
    size_t norphans;
    int databases;  /* made so far */
};

static struct sg_server *shared;

/* ---- the programs ---- */

static bool has_programs(const char *dir)
{
    return access(sg_test_strf("%s/initdb", dir), X_OK) == 0 && access(sg_test_strf("%s/postgres", dir), X_OK) == 0;
}

static bool dir_of_pg_config(char *dir, size_t size)
{
    FILE *f = popen("pg_config --bindir 2>/dev/null", "re");
    bool good = f != NULL && fgets(dir, (int)size, f) != NULL;

    if (f != NULL)
        (void)pclose(f);
    if (good)
        dir[strcspn(dir, "\n")] = '\0';
    return good && has_programs(dir);
}

static bool dir_of_highest(char *dir, size_t size)
{
    glob_t found;
    int best = 0;

    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int version = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));

        if (version > best && has_programs(found.gl_pathv[i])) {
            best = version;
            (void)snprintf(dir, size, "%s", found.gl_pathv[i]);
        }
    }
    globfree(&found);
    return best > 0;
}

const char *sg_server_program(const char *name)
{
    static char dir[512];
    static char path[640];
    const char *given = getenv("SGRUN_TEST_PGBIN");

    if (dir[0] == '\0') {
        if (given != NULL && *given != '\0') {
            (void)snprintf(dir, sizeof dir, "%s", given);
            if (!has_programs(dir))
                T_FATAL("SGRUN_TEST_PGBIN=%s: no initdb and postgres there", given);
        } else if (!dir_of_pg_config(dir, sizeof dir) && !dir_of_highest(dir, sizeof dir)) {
            dir[0] = '\0';
            T_FATAL("no PostgreSQL server found: install postgresql-15, or set SGRUN_TEST_PGBIN to the folder of initdb");
        }
    }
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* Runs a program as the servers' user to its end, its output in LOG; ends the test if it fails. */
static void run_program(const char *const *argv, const char *log)
{
    static const char *const settings[] = {"LC_ALL=C", "TZ=UTC", NULL};
    char **env = sg_proc_env(settings);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct sg_proc what = {.argv = argv, .envp = (const char *const *)(uintptr_t)env, .in = -1, .out = fd, .err = fd, .drop = true};
    int status = -1;
    pid_t pid = fd >= 0 ? sg_proc_spawn(&what) : -1;

    if (fd >= 0)
        (void)close(fd);
    sg_proc_env_free(env);
    if (pid < 0 || !sg_proc_wait(pid, START_MS, &status) || status != 0) {
        const char *text = sg_tmp_read(log);

        if (pid > 0)
            (void)kill(pid, SIGKILL);
        T_FATAL("%s failed (wait status %d): %s", argv[0], status, text != NULL ? text : strerror(errno));
    }
}

int sg_server_version(void)
{
    char line[128] = "";
    const char *command = sg_test_strf("'%s' --version", sg_server_program("postgres"));
    FILE *f = popen(command, "re");
    int version = 0;

    if (f == NULL || fgets(line, sizeof line, f) == NULL || sscanf(line, "postgres (PostgreSQL) %d", &version) != 1)
        T_FATAL("cannot read a version from %s: %s", command, line);
    (void)pclose(f);
    return version;
}

/* ---- the data folder ---- */

/* Settings of every server: quick, small, silent about time, and with what tests of locks and two-phase commits need. */
static const char settings[] = "listen_addresses = ''\n"
                               "fsync = off\n"
                               "full_page_writes = off\n"
                               "max_connections = 80\n"
                               "max_prepared_transactions = 10\n"
                               "shared_buffers = 24MB\n"
                               "min_wal_size = 32MB\n"
                               "dynamic_shared_memory_type = mmap\n" /* in the data folder: nothing is left in /dev/shm */
                               "log_line_prefix = '%m [%p] %a '\n"
                               "timezone = 'UTC'\n"
                               "log_timezone = 'UTC'\n";

static void write_settings(const struct sg_server *server, const char *text)
{
    FILE *f = fopen(sg_test_strf("%s/postgresql.conf", server->data), "ae");

    if (f == NULL || fprintf(f, "%s\n", text) < 0 || fclose(f) != 0)
        T_FATAL("cannot write postgresql.conf in %s: %s", server->data, strerror(errno));
}

/* The data folder that others are copied from, made on first use. */
static const char *template(void)
{
    static char path[64];
    const struct sg_proc_user *user = sg_proc_user();

    if (path[0] == '\0') {
        const char *dir = sg_tmp_new("tmpl", 0700, user->uid, user->gid);
        const char *data = sg_test_strf("%s/data", dir);
        const char *const argv[] = {sg_server_program("initdb"), "-A", "trust", "-N", "-U", "postgres", "-E", "UTF8", "--locale=C",
                                    "--wal-segsize=16", "-D", data, NULL};

        run_program(argv, sg_test_strf("%s/log", dir));
        (void)snprintf(path, sizeof path, "%s", data);
    }
    return path;
}

/* ---- start and stop ---- */

/* The state that postmaster.pid tells: its eighth line, "" if it is not there yet. */
static void read_state(const struct sg_server *server, char *state, size_t size)
{
    char line[128];
    FILE *f = fopen(sg_test_strf("%s/postmaster.pid", server->data), "re");
    long pid = 0;

    state[0] = '\0';
    if (f == NULL)
        return;
    for (int i = 1; fgets(line, sizeof line, f) != NULL; i++) {
        if (i == 1)
            pid = strtol(line, NULL, 10);
        if (i == 8 && pid == (long)server->pid) /* not one that a killed postmaster left */
            (void)snprintf(state, size, "%.*s", (int)strcspn(line, " \n"), line);
    }
    (void)fclose(f);
}

/* After SIGKILL of a postmaster: a new one refuses to start while backends of the old one are attached to its memory. */
static void end_orphans(struct sg_server *server)
{
    int64_t patience = sg_test_now_ms() + 1000;

    for (size_t i = 0; i < server->norphans; i++)
        while (kill(server->orphans[i], 0) == 0) {
            if (sg_test_now_ms() > patience)
                (void)kill(server->orphans[i], SIGKILL);
            sg_test_sleep_ms(2);
        }
    server->norphans = 0;
}

static void boot(struct sg_server *server)
{
    const char *const argv[] = {sg_server_program("postgres"), "-D", server->data, "-k", server->dir, NULL};
    static const char *const env_settings[] = {"LC_ALL=C", NULL};
    char **env = sg_proc_env(env_settings);
    int fd = open(server->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct sg_proc what = {.argv = argv,
                           .envp = (const char *const *)(uintptr_t)env,
                           .in = -1,
                           .out = fd,
                           .err = fd,
                           .drop = true,
                           .group = true,
                           .death_signal = SIGQUIT};
    int64_t until = sg_test_now_ms() + START_MS;

    end_orphans(server);
    server->pid = sg_proc_spawn(&what);
    (void)close(fd);
    sg_proc_env_free(env);
    if (server->pid < 0)
        T_FATAL("cannot start %s: %s", argv[0], strerror(errno));
    for (;;) {
        char state[16];
        int status;

        read_state(server, state, sizeof state);
        if (strcmp(state, "ready") == 0 || strcmp(state, "standby") == 0)
            return;
        if (sg_proc_wait(server->pid, 0, &status)) {
            server->pid = 0;
            T_FATAL("the server did not start (wait status %d); its log: %s", status, sg_server_log(server));
        }
        if (sg_test_now_ms() > until)
            T_FATAL("the server is not ready after %d s; its log: %s", START_MS / 1000, sg_server_log(server));
        sg_test_sleep_ms(2);
    }
}

static void note_orphans(struct sg_server *server)
{
    server->norphans = sg_proc_children(server->pid, server->orphans, MAX_BACKENDS);
}

static void discard(void *arg)
{
    struct sg_server *server = arg;

    if (server->pid > 0) {
        note_orphans(server);
        (void)kill(server->pid, SIGCONT);
        (void)kill(server->pid, SIGQUIT);
        if (!sg_proc_wait(server->pid, 6000, NULL)) {
            (void)kill(server->pid, SIGKILL);
            (void)sg_proc_wait(server->pid, STOP_MS, NULL);
        }
    }
    end_orphans(server);
    sg_tmp_remove(server->dir);
    if (server == shared)
        shared = NULL;
    free(server);
}

static struct sg_server *new_server(const char *conf, bool is_shared)
{
    const struct sg_proc_user *user = sg_proc_user();
    const char *from = template();
    const char *dir = sg_tmp_new("s", 0700, user->uid, user->gid);
    const char *argv[] = {"cp", "-a", "--reflink=auto", from, NULL, NULL};
    struct sg_server *server = calloc(1, sizeof *server);

    if (server == NULL)
        abort();
    (void)snprintf(server->dir, sizeof server->dir, "%s", dir);
    (void)snprintf(server->data, sizeof server->data, "%s/data", dir);
    (void)snprintf(server->log, sizeof server->log, "%s/log", dir);
    if (is_shared) {
        shared = server;
        sg_test_at_end(discard, server);
    } else {
        sg_test_defer(discard, server);
    }
    argv[4] = server->data;
    run_program(argv, server->log);
    write_settings(server, settings);
    write_settings(server, conf != NULL ? conf : "");
    boot(server);
    return server;
}

struct sg_server *sg_server_start(const char *conf)
{
    return new_server(conf, false);
}

struct sg_server *sg_server_shared(void)
{
    int status;

    if (shared == NULL)
        return new_server(NULL, true);
    if (shared->pid > 0 && sg_proc_wait(shared->pid, 0, &status))
        shared->pid = 0;
    if (shared->pid == 0)
        boot(shared);
    return shared;
}

void sg_server_stop(struct sg_server *server, enum sg_server_stop how)
{
    bool gone;

    if (server->pid == 0)
        return;
    (void)kill(server->pid, how == SG_STOP_FAST ? SIGINT : SIGQUIT);
    gone = sg_proc_wait(server->pid, STOP_MS / 2, NULL);
    /* a postmaster that has just lost a backend, and starts anew, may hear of a fast shutdown and go on for ever */
    if (!gone) {
        (void)kill(server->pid, SIGQUIT);
        gone = sg_proc_wait(server->pid, STOP_MS / 2, NULL);
    }
    if (!gone)
        T_FATAL("the server did not stop; its log: %s", sg_server_log(server));
    server->pid = 0;
}

void sg_server_kill(struct sg_server *server)
{
    if (server->pid == 0)
        return;
    note_orphans(server);
    (void)kill(server->pid, SIGKILL);
    (void)sg_proc_wait(server->pid, STOP_MS, NULL);
    server->pid = 0;
}

bool sg_server_kill_backend(struct sg_server *server, pid_t pid)
{
    pid_t pids[MAX_BACKENDS];
    size_t n = sg_proc_children(server->pid, pids, MAX_BACKENDS);

    for (size_t i = 0; i < n; i++)
        if (pids[i] == pid) {
            (void)kill(pid, SIGKILL);
            return true;
        }
    return false;
}

void sg_server_restart(struct sg_server *server)
{
    if (server->pid > 0)
        sg_server_stop(server, SG_STOP_FAST);
    boot(server);
}

void sg_server_configure(struct sg_server *server, const char *conf)
{
    write_settings(server, conf);
    if (server->pid > 0)
        (void)kill(server->pid, SIGHUP);
}

void sg_server_be_standby(struct sg_server *server, bool standby)
{
    char signal[4096];
    FILE *file;

    (void)snprintf(signal, sizeof signal, "%s/standby.signal", sg_server_data(server));
    sg_server_stop(server, SG_STOP_FAST);
    if (standby) {
        file = fopen(signal, "w");
        T_MUST_NOT_NULL(file);
        T_MUST_EQ_INT(fclose(file), 0);
    } else if (unlink(signal) != 0) {
        sg_test_fatal(SG_HERE_, "%s: %s", signal, strerror(errno));
    }
    sg_server_restart(server);
}

/* ---- reaching it ---- */

static void drop_db(void *arg)
{
    char *name = arg;

    if (shared != NULL && shared->pid > 0) {
        struct sg_sql *sql = sg_sql_try_open(sg_server_conninfo(shared, "postgres", NULL), NULL);

        if (sql != NULL) /* a database that cannot be dropped goes with the server */
            (void)sg_sql_try(sql, sg_test_strf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name));
        sg_sql_close(sql);
    }
    free(name);
}

const char *sg_server_new_db(struct sg_server *server)
{
    const char *name = sg_test_strf("t%d", ++server->databases);
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));

    sg_sql_execf(sql, "CREATE DATABASE %s", name);
    sg_sql_close(sql);
    if (server == shared) { /* the others are removed whole */
        char *copy = strdup(name);

        if (copy == NULL)
            abort();
        sg_test_defer(drop_db, copy);
    }
    return name;
}

const char *sg_server_conninfo(const struct sg_server *server, const char *db, const char *role)
{
    return sg_test_strf("host=%s port=%d dbname=%s user=%s", server->dir, PORT, db, role != NULL ? role : "postgres");
}

const char *sg_server_url(const struct sg_server *server, const char *db, const char *role)
{
    return sg_test_strf("postgresql://%s@/%s?host=%s&port=%d", role != NULL ? role : "postgres", db, server->dir, PORT);
}

const char *sg_server_dir(const struct sg_server *server)
{
    return server->dir;
}

int sg_server_port(const struct sg_server *server)
{
    (void)server;
    return PORT;
}

const char *sg_server_data(const struct sg_server *server)
{
    return server->data;
}

pid_t sg_server_pid(const struct sg_server *server)
{
    return server->pid;
}

const char *sg_server_log(const struct sg_server *server)
{
    const char *text = sg_tmp_read(server->log);

    return text != NULL ? text : "(no log)";
}
