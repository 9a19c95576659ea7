/*
 * Child processes by fork and exec. fork, not posix_spawn, because the child has to change its user and ask for its parent's death
 * signal (which a change of user clears) before the exec.
 */
#include "config.h"

#include "tests/kit/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct sg_proc_user *sg_proc_user(void)
{
    static struct sg_proc_user user;
    static bool known;

    if (known)
        return &user;
    user = (struct sg_proc_user){.uid = geteuid(), .gid = getegid(), .drop = false};
    if (user.uid == 0) {
        const char *named = getenv("SGRUN_TEST_USER");
        struct passwd *pw = named != NULL ? getpwnam(named) : getpwnam("postgres");

        if (pw == NULL)
            pw = getpwnam("nobody");
        user.uid = pw != NULL ? pw->pw_uid : 65534;
        user.gid = pw != NULL ? pw->pw_gid : 65534;
        user.drop = true;
    }
    known = true;
    return &user;
}

static _Noreturn void fail(const char *what, const char *name)
{
    dprintf(2, "%s %s: %s\n", what, name, strerror(errno));
    _exit(127);
}

static void move_fd(int from, int to)
{
    if (from >= 0 && from != to && dup2(from, to) < 0)
        fail("cannot set up descriptor of", "a new process");
}

static _Noreturn void become(const struct sg_proc *what, const struct sg_proc_user *user, pid_t parent)
{
    sigset_t none;
    int in = what->in >= 0 ? what->in : open("/dev/null", O_RDONLY);

    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            (void)signal(sig, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (what->group)
        (void)setpgid(0, 0);
    move_fd(in, 0);
    move_fd(what->out, 1);
    move_fd(what->err, 2);
    if (close_range(3, ~0U, 0) != 0)
        for (int fd = 3; fd < 1024; fd++)
            (void)close(fd);
    if (what->drop && user->drop
        && (setgroups(1, &user->gid) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0))
        fail("cannot become another user for", what->argv[0]);
    if (what->cwd != NULL ? chdir(what->cwd) != 0 : what->drop && user->drop && chdir("/") != 0)
        fail("cannot go to", what->cwd != NULL ? what->cwd : "/");
    (void)prctl(PR_SET_PDEATHSIG, what->death_signal != 0 ? what->death_signal : SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if (what->envp != NULL)
        environ = (char **)(uintptr_t)what->envp;
    (void)execvp(what->argv[0], (char *const *)(uintptr_t)what->argv);
    fail("cannot start", what->argv[0]);
}

pid_t sg_proc_spawn(const struct sg_proc *what)
{
    const struct sg_proc_user *user = sg_proc_user();
    pid_t parent = getpid();
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    if (pid == 0)
        become(what, user, parent);
    if (pid > 0 && what->group)
        (void)setpgid(pid, pid); /* both sides do it, so that it is done when either goes on */
    return pid;
}

bool sg_proc_wait(pid_t pid, int timeout_ms, int *status_r)
{
    long waited_us = 0;
    long pause_us = 500;
    int status = 0;

    for (;;) {
        struct timespec pause;
        pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid || (got < 0 && errno == ECHILD)) {
            if (status_r != NULL)
                *status_r = status;
            return true;
        }
        if (waited_us / 1000 >= timeout_ms)
            return false;
        pause = (struct timespec){.tv_nsec = pause_us * 1000};
        (void)nanosleep(&pause, NULL);
        waited_us += pause_us;
        pause_us = pause_us < 10000 ? pause_us * 2 : pause_us;
    }
}

/* The parent of PID, or -1. The name in parentheses may itself hold blanks and parentheses: hence the last one. */
static pid_t parent_of(const char *pid)
{
    char path[64];
    char buf[512];
    const char *end;
    int parent = -1;
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if ((f = fopen(path, "re")) == NULL)
        return -1;
    n = fread(buf, 1, sizeof buf - 1, f);
    (void)fclose(f);
    buf[n] = '\0';
    end = strrchr(buf, ')');
    if (end == NULL || sscanf(end + 1, " %*c %d", &parent) != 1)
        return -1;
    return parent;
}

size_t sg_proc_children(pid_t parent, pid_t *pids, size_t max)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    if (proc == NULL)
        return 0;
    while (n < max && (entry = readdir(proc)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && parent_of(entry->d_name) == parent)
            pids[n++] = (pid_t)atoi(entry->d_name);
    (void)closedir(proc);
    return n;
}

void sg_proc_describe(pid_t pid, char *buf, size_t size)
{
    char path[64];
    char text[256];
    char number[16];
    FILE *f;
    size_t n;

    buf[0] = '\0';
    (void)snprintf(number, sizeof number, "%d", (int)pid);
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    if ((f = fopen(path, "re")) == NULL)
        return;
    n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\0' || text[i] == '\n')
            text[i] = ' ';
    text[n] = '\0';
    (void)snprintf(buf, size, "pid %d (parent %d): %s", (int)pid, (int)parent_of(number), text);
}

void sg_proc_status(int status, char *buf, size_t size)
{
    if (WIFEXITED(status))
        (void)snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status) && sigabbrev_np(WTERMSIG(status)) != NULL)
        (void)snprintf(buf, size, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else
        (void)snprintf(buf, size, "wait status %d", status);
}

/* Whether ENTRY ("NAME=value") is the variable that SETTING ("NAME=value" or "NAME") names. */
static bool same_variable(const char *entry, const char *setting)
{
    size_t len = strcspn(setting, "=");

    return strncmp(entry, setting, len) == 0 && entry[len] == '=';
}

char **sg_proc_env(const char *const *extra)
{
    size_t n = 0;
    size_t room = 1;
    char **env;

    for (char **e = environ; *e != NULL; e++)
        room++;
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        room++;
    env = calloc(room, sizeof *env);
    if (env == NULL)
        abort();
    for (char **e = environ; *e != NULL; e++) {
        bool leave = strncmp(*e, "PG", 2) == 0 || strncmp(*e, "SGRUN", 5) == 0;

        for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
            leave = leave || same_variable(*e, extra[i]);
        if (!leave && (env[n++] = strdup(*e)) == NULL)
            abort();
    }
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        if (strchr(extra[i], '=') != NULL && (env[n++] = strdup(extra[i])) == NULL)
            abort();
    return env;
}

void sg_proc_env_free(char **env)
{
    for (char **e = env; e != NULL && *e != NULL; e++)
        free(*e);
    free(env);
}
