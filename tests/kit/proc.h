/*
 * Child processes: start one, wait for it with a deadline, see whose children run. Under server.h, pgbouncer.h, run.h and the
 * supervisor; knows nothing of tests and reports by return values.
 */
#ifndef SG_TESTS_KIT_PROC_H
#define SG_TESTS_KIT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whom a server runs as: ourselves, or for root, whom PostgreSQL refuses, `postgres`, else `nobody` (SGRUN_TEST_USER names another). */
struct sg_proc_user {
    uid_t uid;
    gid_t gid;
    bool drop; /* we are root and have to become that user */
};
const struct sg_proc_user *sg_proc_user(void);

struct sg_proc {
    const char *const *argv; /* ends with NULL; argv[0] is searched in PATH */
    const char *const *envp; /* the whole environment; NULL: ours */
    const char *cwd;         /* NULL: ours */
    int in, out, err;        /* descriptors; in -1: /dev/null; out or err -1: ours */
    bool drop;               /* become sg_proc_user() */
    bool group;              /* lead a process group of its own */
    int death_signal;        /* what it gets when we die (0: SIGKILL) */
};

/* Starts it. Every descriptor but 0, 1, 2 is closed, signals are as a shell would have them. -1 and errno if there is no process; a
 * program that cannot be started says so on its stderr and ends with 127. */
pid_t sg_proc_spawn(const struct sg_proc *what);

/* Whether PID, a child, ended within that time (0: look once); then it is reaped and *status_r is as waitpid() gives it. */
bool sg_proc_wait(pid_t pid, int timeout_ms, int *status_r);

/* The children of PARENT now; gives their number, at most MAX. */
size_t sg_proc_children(pid_t parent, pid_t *pids, size_t max);

/* "pid 12 (parent 10): postgres: mig ..." or "" */
void sg_proc_describe(pid_t pid, char *buf, size_t size);

/* What waitpid() gave, in words: "exit status 3", "killed by SIGSEGV". */
void sg_proc_status(int status, char *buf, size_t size);

/* What remains of the environment for programs under test: ours without PG*, SGRUN*, and what EXTRA says ("NAME=value" sets, "NAME"
 * removes; NULL: nothing). An array that ends with NULL, to be freed with sg_proc_env_free. */
char **sg_proc_env(const char *const *extra);
void sg_proc_env_free(char **env);

#endif
