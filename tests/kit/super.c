/*
 * The supervisor. It does nothing but fork, wait and clean up, so that no test can bring it down. As "child subreaper" it inherits
 * every orphan of the tests (servers, their backends, programs that daemonized): what is its child once the tests' process is gone
 * was left behind, and is ended. So nothing has to be registered, and nothing can be forgotten.
 */
#include "config.h"

#include "tests/kit/super.h"

#include "tests/kit/proc.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_LEFT 512      /* processes looked at in one round of the reaper */
#define POLITE_MS 3000    /* what a postmaster gets to remove its shared memory */
#define LOOK_MS 100       /* how often the watchdog looks */

struct sg_super *sg_super_new(void)
{
    struct sg_super *state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (state == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    state->current = -1;
    return state;
}

void sg_super_free(struct sg_super *state)
{
    (void)munmap(state, sizeof *state);
}

static bool is_postgres(pid_t pid)
{
    char text[512];

    sg_proc_describe(pid, text, sizeof text);
    return strstr(text, "postgres") != NULL;
}

/* Ends all children, and theirs, which become ours when their parents go. First politely to postmasters, for SIGKILL would leave
 * their System V memory behind. */
static void reap_all(void)
{
    pid_t pids[MAX_LEFT];
    int64_t polite_until = sg_test_now_ms() + POLITE_MS;
    bool first = true;

    for (;;) {
        size_t n = sg_proc_children(getpid(), pids, MAX_LEFT);
        bool polite = sg_test_now_ms() < polite_until;

        for (size_t i = 0; i < n; i++) {
            if (!is_postgres(pids[i]) || !polite) {
                (void)kill(pids[i], SIGKILL);
            } else if (first) {
                (void)kill(pids[i], SIGQUIT);
                (void)kill(pids[i], SIGCONT);
            }
        }
        first = false;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (n == 0)
            return;
        sg_test_sleep_ms(5);
    }
}

/* What runs below PID, indented, for the report of a time-out: usually the last line is the culprit. */
static void print_below(pid_t pid, int depth)
{
    pid_t pids[MAX_LEFT];
    size_t n = depth < 6 ? sg_proc_children(pid, pids, MAX_LEFT) : 0;

    for (size_t i = 0; i < n; i++) {
        char text[512];

        sg_proc_describe(pids[i], text, sizeof text);
        printf("    %*s%s\n", depth * 2, "", text);
        print_below(pids[i], depth + 1);
    }
}

/* The running test did not come to its own end: it has failed, for the reason in WHY. */
static void fail_current(struct sg_super *state, const char *why)
{
    printf("FAIL %s %.3f s: %s\n", state->name, (double)(sg_test_now_ms() - state->began_ms) / 1000.0, why);
    state->failed++;
    state->current = -1;
}

/* Waits for CHILD's end, or ends it: 0 when it ended, the signal if one came for us. */
static int watch(struct sg_super *state, pid_t child, const sigset_t *signals, int *status_r)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};

    for (;;) {
        pid_t ended;
        int status;
        int sig;

        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) /* orphans too: a test may be waiting for one to be gone */
            if (ended == child) {
                *status_r = status;
                return 0;
            }
        sig = sigtimedwait(signals, NULL, &look);
        if (sig > 0 && sig != SIGCHLD)
            return sig;
        if (state->current >= 0 && sg_test_now_ms() - state->began_ms > (int64_t)state->seconds * 1000) {
            char why[64];

            (void)snprintf(why, sizeof why, "no end after %d s; it was ended, with:", state->seconds);
            fail_current(state, why);
            print_below(child, 0);
            (void)kill(-child, SIGKILL);
            (void)kill(child, SIGKILL);
        }
    }
}

/* One child: from its start to the last trace of it gone. Gives false if a signal ended us. */
static bool run_one(struct sg_super *state, void (*run)(struct sg_super *), const sigset_t *signals, const sigset_t *before)
{
    pid_t parent = getpid();
    pid_t child;
    int status = 0;
    int sig;
    char why[64];

    (void)fflush(NULL);
    child = fork();
    if (child < 0) {
        perror("fork");
        exit(1);
    }
    if (child == 0) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
        (void)sigprocmask(SIG_SETMASK, before, NULL);
        if (null >= 0)
            (void)dup2(null, 0);
        sg_tmp_unlock();
        if (getppid() != parent)
            _exit(1);
        run(state);
        exit(0);
    }
    (void)setpgid(child, child);
    sig = watch(state, child, signals, &status);
    if (sig != 0) {
        (void)kill(-child, SIGKILL);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
        if (state->current >= 0)
            fail_current(state, "interrupted");
    }
    (void)kill(-child, SIGKILL);
    reap_all();
    sg_tmp_wipe();
    sg_proc_status(status, why, sizeof why);
    if (state->current >= 0) {
        fail_current(state, why);
    } else if (sig == 0 && status != 0 && state->next >= state->total) {
        printf("FAIL: after the last test: %s\n", why); /* a sanitizer's report at exit, or a crash in a clean-up */
        state->failed++;
    }
    if (sig != 0)
        printf("interrupted by SIG%s\n", sigabbrev_np(sig));
    return sig == 0;
}

bool sg_super_run(struct sg_super *state, void (*child)(struct sg_super *state))
{
    sigset_t signals;
    sigset_t before;
    bool good = true;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGQUIT);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (sg_tmp_base() == NULL) {
        perror("no temporary folder");
        exit(1);
    }
    while (good && !state->finished) {
        int begun = state->next;

        good = run_one(state, child, &signals, &before);
        if (good && !state->finished && state->next == begun) {
            printf("FAIL: the tests' process ends before it begins a test\n");
            state->failed++;
            break;
        }
        if (state->next >= state->total)
            break;
    }
    sg_tmp_remove_base();
    return good;
}
