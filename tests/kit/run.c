/*
 * Running programs. Output goes to memory files (memfd), not pipes: a test that stops a program, or kills it, or looks away for a
 * while must not be able to block it, and what it had written until then is there afterwards.
 */
#include "config.h"

#include "tests/kit/run.h"

#include "tests/kit/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_MS 60000
#define MAX_OUTPUT ((off_t)16 << 20)
#define MAX_LISTED 256

struct sg_run {
    pid_t pid;
    int out, err; /* memory files */
    pid_t pump;   /* the process that copies from the terminal to `out`; 0: there is none */
    int64_t began;
    bool ended;
    int status;
    const char *name;
};

static void discard(void *arg)
{
    struct sg_run *run = arg;

    if (!run->ended) {
        (void)kill(-run->pid, SIGKILL);
        (void)sg_proc_wait(run->pid, 5000, NULL);
    }
    if (run->pump > 0) {
        (void)kill(run->pump, SIGKILL);
        (void)sg_proc_wait(run->pump, 5000, NULL);
    }
    (void)close(run->out);
    (void)close(run->err);
    free(run);
}

/* Copies what is written to a terminal to a memory file, until nobody has it open for writing. */
static _Noreturn void pump(int master, int to)
{
    char buf[4096];
    ssize_t got;

    while ((got = read(master, buf, sizeof buf)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0 && write(to, buf, (size_t)got) != got)
            break;
    _exit(0);
}

/* Opens a terminal, and starts the process that reads it; gives the end for the program, or -1. */
static int open_terminal(struct sg_run *run)
{
    struct winsize size = {.ws_row = 40, .ws_col = 120};
    struct termios mode;
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int slave = -1;

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name, sizeof name) != 0
        || (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || tcgetattr(slave, &mode) != 0)
        T_FATAL("no terminal to be had: %s", strerror(errno));
    mode.c_oflag &= ~(tcflag_t)OPOST;
    if (tcsetattr(slave, TCSANOW, &mode) != 0 || ioctl(slave, TIOCSWINSZ, &size) != 0)
        T_FATAL("cannot set up a terminal: %s", strerror(errno));
    (void)fflush(NULL);
    run->pump = fork();
    if (run->pump == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(slave); /* else it would never see the end */
        pump(master, run->out);
    }
    (void)close(master);
    return slave;
}

struct sg_run *sg_run_start(const struct sg_run_opts *opts)
{
    struct sg_run *run = calloc(1, sizeof *run);
    char **env = sg_proc_env(opts->env);
    struct sg_proc what = {.argv = opts->argv, .envp = (const char *const *)(uintptr_t)env, .cwd = opts->cwd, .in = -1,
                           .drop = opts->drop, .group = true};

    if (run == NULL)
        abort();
    what.out = run->out = memfd_create("stdout", MFD_CLOEXEC);
    what.err = run->err = memfd_create("stderr", MFD_CLOEXEC);
    run->began = sg_test_now_ms();
    run->name = sg_test_strf("%s", opts->argv[0]);
    run->ended = true; /* it has not begun */
    sg_test_defer(discard, run);
    if (opts->tty)
        what.out = what.err = open_terminal(run);
    run->pid = run->out >= 0 && run->err >= 0 ? sg_proc_spawn(&what) : -1;
    sg_proc_env_free(env);
    if (opts->tty)
        (void)close(what.out);
    if (run->pid < 0)
        T_FATAL("cannot start %s: %s", opts->argv[0], strerror(errno));
    run->ended = false;
    return run;
}

/* Whether the signal still waits for the process to be scheduled; false if it is stopped, or has ended. */
static bool pending(pid_t pid, int sig)
{
    char path[40], line[256];
    unsigned long long of_thread = 0, of_process = 0;
    bool stopped = false;
    FILE *status;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    status = fopen(path, "re");
    if (status == NULL)
        return false;
    while (fgets(line, sizeof line, status) != NULL) {
        stopped = stopped || strncmp(line, "State:\tT", 8) == 0 || strncmp(line, "State:\tZ", 8) == 0;
        if (strncmp(line, "SigPnd:", 7) == 0)
            of_thread = strtoull(line + 7, NULL, 16);
        else if (strncmp(line, "ShdPnd:", 7) == 0)
            of_process = strtoull(line + 7, NULL, 16);
    }
    (void)fclose(status);
    return !stopped && (((of_thread | of_process) >> (sig - 1)) & 1) != 0;
}

void sg_run_signal(struct sg_run *run, int sig)
{
    int64_t until = sg_test_now_ms() + 5000;

    if (sg_run_ended(run))
        return;
    (void)kill(run->pid, sig);
    /* a second one like it would be lost while this one is pending: the kernel keeps no count */
    while ((sig == SIGINT || sig == SIGTERM) && pending(run->pid, sig) && sg_test_now_ms() < until)
        sg_test_sleep_ms(1);
}

bool sg_run_ended(struct sg_run *run)
{
    if (!run->ended)
        run->ended = sg_proc_wait(run->pid, 0, &run->status);
    return run->ended;
}

static off_t length(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_size : 0;
}

/* What the memory file holds now, at most MAX_OUTPUT of it. Not by its own offset: the program writes with that. */
static const char *text_of(int fd, size_t *len_r)
{
    off_t len = length(fd);
    size_t room = (size_t)(len < MAX_OUTPUT ? len : MAX_OUTPUT);
    char *text = malloc(room + 1);
    size_t n = 0;
    ssize_t got;

    if (text == NULL)
        abort();
    while (n < room && (got = pread(fd, text + n, room - n, (off_t)n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    if (len_r != NULL)
        *len_r = n;
    sg_test_defer(free, text);
    return text;
}

/* What a sanitizer reports fails the test, whoever of the program's processes it was, and even if nobody minds how that one ended. */
static void judge_report(const struct sg_run *run, const char *err)
{
    static const char *const reports[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", ": runtime error: "};

    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++)
        if (strstr(err, reports[i]) != NULL) {
            T_FAIL("a sanitizer has something to say of %s:\n%s", run->name, err);
            return;
        }
}

struct sg_run_result sg_run_wait(struct sg_run *run, int timeout_ms)
{
    struct sg_run_result result = {.exit = -1};
    int64_t until = sg_test_now_ms() + timeout_ms;

    while (!run->ended) {
        run->ended = sg_proc_wait(run->pid, 20, &run->status);
        result.cut = length(run->out) > MAX_OUTPUT || length(run->err) > MAX_OUTPUT;
        if (!run->ended && (result.cut || sg_test_now_ms() >= until)) {
            result.timed_out = !result.cut;
            (void)kill(-run->pid, SIGKILL);
            run->ended = sg_proc_wait(run->pid, 10000, &run->status);
            break;
        }
    }
    if (run->pump > 0 && sg_proc_wait(run->pump, 2000, NULL)) /* all it wrote is there */
        run->pump = 0;
    result.ms = sg_test_now_ms() - run->began;
    if (WIFEXITED(run->status))
        result.exit = WEXITSTATUS(run->status);
    else if (WIFSIGNALED(run->status))
        result.signal = WTERMSIG(run->status);
    result.out = text_of(run->out, &result.out_len);
    result.err = text_of(run->err, &result.err_len);
    judge_report(run, result.err);
    return result;
}

struct sg_run_result sg_run(const struct sg_run_opts *opts)
{
    return sg_run_wait(sg_run_start(opts), opts->timeout_ms > 0 ? opts->timeout_ms : DEFAULT_MS);
}

pid_t sg_run_pid(const struct sg_run *run)
{
    return run->pid;
}

const char *sg_run_out(struct sg_run *run)
{
    return text_of(run->out, NULL);
}

const char *sg_run_err(struct sg_run *run)
{
    return text_of(run->err, NULL);
}

void sg_run_goes_on_at(struct sg_here here, struct sg_run *run)
{
    char how[64];

    if (!sg_run_ended(run))
        return;
    sg_proc_status(run->status, how, sizeof how);
    sg_test_fatal(here, "%s has ended (%s); stdout:\n%s\nstderr:\n%s", run->name, how, sg_run_out(run), sg_run_err(run));
}

void sg_run_await_at(struct sg_here here, struct sg_run *run, const char *text, int timeout_ms)
{
    int64_t until = sg_test_now_ms() + timeout_ms;

    for (;;) {
        bool over = sg_run_ended(run) || sg_test_now_ms() >= until; /* before the look, so that none is missed */
        const char *out = sg_run_out(run);
        const char *err = sg_run_err(run);

        if (strstr(out, text) != NULL || strstr(err, text) != NULL)
            return;
        if (over)
            sg_test_fatal(here, "%s did not write \"%s\" %s; stdout:\n%s\nstderr:\n%s", run->name, text,
                          run->ended ? "before it ended" : "in time", out, err);
        sg_test_sleep_ms(5);
    }
}

/* ---- what else runs ---- */

static void list(FILE *to, pid_t parent, int depth)
{
    pid_t pids[MAX_LISTED];
    size_t n = depth < 8 ? sg_proc_children(parent, pids, MAX_LISTED) : 0;

    for (size_t i = 0; i < n; i++) {
        char line[512];

        if (pids[i] == getpid())
            continue;
        sg_proc_describe(pids[i], line, sizeof line);
        if (line[0] != '\0')
            fprintf(to, "%s\n", line);
        list(to, pids[i], depth + 1);
    }
}

static const char *listed(pid_t parent)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const char *copy;

    if (f == NULL)
        abort();
    list(f, parent, 0);
    (void)fclose(f);
    copy = sg_test_strf("%s", text);
    free(text);
    return copy;
}

const char *sg_run_below(const struct sg_run *run)
{
    return listed(run->pid);
}

static bool is_sgrun(pid_t pid)
{
    char name[32] = "";
    FILE *f = fopen(sg_test_strf("/proc/%d/comm", (int)pid), "re");

    if (f == NULL)
        return false;
    if (fgets(name, sizeof name, f) == NULL)
        name[0] = '\0';
    (void)fclose(f);
    return strcmp(name, "sgrun\n") == 0;
}

size_t sg_run_lanes(const struct sg_run *run, pid_t *pids, size_t max)
{
    pid_t children[MAX_LISTED];
    size_t count = sg_proc_children(run->pid, children, MAX_LISTED), lanes = 0;

    for (size_t i = 0; i < count && lanes < max; i++)
        if (is_sgrun(children[i]))
            pids[lanes++] = children[i];
    return lanes;
}

/* Orphans become children of the supervisor, whose only other child we are. */
const char *sg_run_orphans(void)
{
    return listed(getppid());
}
