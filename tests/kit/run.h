/*
 * Running programs in tests: to their end with a deadline, or in the background, to be stopped, continued or killed meanwhile.
 * stdin is /dev/null; stdout and stderr go to memory files, so that nothing has to be drained while the program runs.
 *
 * A program that still runs at the end of its test is killed, with its process group.
 */
#ifndef SG_TESTS_KIT_RUN_H
#define SG_TESTS_KIT_RUN_H

#include "tests/kit/test.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sg_run;

struct sg_run_opts {
    const char *const *argv; /* ends with NULL; argv[0] is searched in PATH */
    const char *const *env;  /* "NAME=value" sets, "NAME" removes, ends with NULL; on top of our environment without PG*, SGRUN* */
    const char *cwd;         /* NULL: ours */
    bool drop;               /* as root, run it as the user that the servers run as */
    bool tty;                /* stdout and stderr are one terminal of 120 columns, which does not change line ends: all is in `out` */
    int timeout_ms;          /* then its process group is killed; 0: 60 s. For sg_run only */
};

/* What became of it. The texts end with a NUL (and may hold others before it); they live until the end of the test. */
struct sg_run_result {
    int exit;        /* exit status, or -1 if a signal ended it */
    int signal;      /* that signal, or 0 */
    bool timed_out;  /* killed by us at its deadline */
    bool cut;        /* more than 16 MiB of output: killed, and the rest is not here */
    const char *out; /* stdout */
    size_t out_len;
    const char *err; /* stderr */
    size_t err_len;
    int64_t ms;      /* how long it took */
};

/* Runs it to its end. */
struct sg_run_result sg_run(const struct sg_run_opts *opts);

/* The same in short: arguments as a list. sg_run_args("sgrun", "--version") searches PATH; give a path for a built program. */
#define sg_run_args(...) sg_run(&(struct sg_run_opts){.argv = (const char *const[]){__VA_ARGS__, NULL}})

/* Starts it in the background. */
struct sg_run *sg_run_start(const struct sg_run_opts *opts);
/* Sends a signal to it alone: SIGSTOP, SIGCONT, SIGKILL, SIGTERM, ... Of SIGINT and SIGTERM it returns when it was taken, so that two of
 * them are two. */
void sg_run_signal(struct sg_run *run, int sig);
/* Whether it has ended. */
bool sg_run_ended(struct sg_run *run);
/* Waits for its end, at most that long (then it is killed with its group, and timed_out says so). Once for each. */
struct sg_run_result sg_run_wait(struct sg_run *run, int timeout_ms);
pid_t sg_run_pid(const struct sg_run *run);
/* What it has written to stdout, or stderr, so far. */
const char *sg_run_out(struct sg_run *run);
const char *sg_run_err(struct sg_run *run);
/* Waits until its stdout or stderr contains TEXT; ends the test, showing both, if it ends or that time passes without. */
#define sg_run_await(run, text, timeout_ms) sg_run_await_at(SG_HERE_, (run), (text), (timeout_ms))
/* Fails, with all that it wrote, if it has ended. */
#define sg_run_goes_on(run) sg_run_goes_on_at(SG_HERE_, (run))

/* The processes that come from it and run now, as "pid N (parent M): command" lines; "" if there are none. */
const char *sg_run_below(const struct sg_run *run);
/* Its children that are sgrun themselves: lanes. Gives their number, at most MAX. (For a moment a plugin's process is one, too, before its
 * exec. The name is all that another user than root may see of them: they are not dumpable.) */
size_t sg_run_lanes(const struct sg_run *run, pid_t *pids, size_t max);
/* Processes whose parent ended and which nobody waits for, that came from this test program: what a killed runner left behind. Lines
 * as above; "" if there are none. */
const char *sg_run_orphans(void);

/* ---- behind the macros ---- */
void sg_run_goes_on_at(struct sg_here here, struct sg_run *run);
void sg_run_await_at(struct sg_here here, struct sg_run *run, const char *text, int timeout_ms);

#endif
