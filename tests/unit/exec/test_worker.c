/*
 * Workers: what they keep, how they are told, and that none outlives its supervisor by more than its patience.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/worker.h"
#include "tests/kit/test.h"

/* Of all the processes. */
static struct {
    atomic_int pid, stops, heard;
} *shared;

static void begin(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    T_MUST(shared != MAP_FAILED);
}

static void await_pid(void)
{
    for (int i = 0; i < 200 && atomic_load(&shared->pid) == 0; i++) {
        sg_test_sleep_ms(20);
    }
    T_MUST(atomic_load(&shared->pid) != 0);
}

/* Waits for a note, a second at most. */
static struct sg_note receive(int socket, struct sg_arena *arena)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    struct sg_note note;
    T_MUST_EQ_INT(poll(&wait, 1, 10000), 1);
    T_MUST_EQ_INT(sg_note_receive(socket, arena, &note), 1);
    return note;
}

/* Says which of the supervisor's descriptors it still has, and a line of the log. */
static void look_around(void *context)
{
    struct sg_note note = {.kind = SG_WORKER_OWN};
    int *fds = context;
    for (int i = 0; i < 3; i++) {
        note.n[i] = fcntl(fds[i], F_GETFD) >= 0;
    }
    sg_worker_send(&note);
    sg_log(SG_LOG_INFO, "test", NULL, 0, "hello");
}

SG_TEST(it_keeps_what_it_is_given)
{
    struct sg_arena arena;
    sg_arena_init(&arena);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    for (int keep = -1; keep < 3; keep++) {
        struct sg_err err = SG_ERR_INIT;
        struct sg_worker worker = {.work = look_around, .context = fds, .keep = keep < 0 ? -1 : fds[keep]};
        pid_t pid;
        int socket;
        T_MUST_EQ_INT(sg_worker_fork(&worker, &pid, &socket, &err), 0);
        struct sg_note note = receive(socket, &arena);
        T_EQ_INT(note.kind, SG_WORKER_OWN);
        for (int i = 0; i < 3; i++) {
            T_EQ_INT(note.n[i], i == keep);
        }
        note = receive(socket, &arena);
        T_EQ_INT(note.kind, SG_WORKER_LOG);
        T_EQ_STR(note.texts[0], "sgrun: hello\n");
        T_EQ_INT(sg_worker_reap(&pid, &socket, 10000), 0);
        T_EQ_INT(pid, 0);
        T_EQ_INT(socket, -1);
        T_EQ_INT(sg_worker_reap(&pid, &socket, 0), 0);
    }
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    sg_arena_release(&arena);
}

static void hear(const struct sg_note *note)
{
    atomic_fetch_add(&shared->heard, (int)note->n[0]);
}

static void wait_for_stop(void *context)
{
    (void)context;
    atomic_store(&shared->pid, getpid());
    while (sg_stop_count() < 2) {
        sg_test_sleep_ms(5);
    }
    atomic_store(&shared->stops, sg_stop_count() * 1000 + (int)sg_stop_class());
}

SG_TEST(it_is_told)
{
    begin();
    struct sg_err err = SG_ERR_INIT;
    struct sg_worker worker = {.work = wait_for_stop, .hear = hear, .keep = -1};
    pid_t pid;
    int socket;
    T_MUST_EQ_INT(sg_worker_fork(&worker, &pid, &socket, &err), 0);
    struct sg_note note = {.kind = SG_WORKER_OWN + 3, .n = {5}};
    await_pid();
    T_TRUE(sg_note_send(socket, &note));
    T_TRUE(sg_note_send(socket, &note));
    kill(pid, SIGINT);
    kill(pid, SIGTERM);
    sg_worker_stop(socket, 1, SIGTERM);
    sg_worker_stop(socket, 2, SIGTERM);
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    T_MUST_EQ_INT(poll(&wait, 1, 10000), 1);
    T_EQ_INT(sg_worker_reap(&pid, &socket, 10000), 0);
    T_EQ_INT(atomic_load(&shared->stops), 2000 + SG_CLASS_TERMINATED);
    T_EQ_INT(atomic_load(&shared->heard), 10);
    munmap(shared, sizeof *shared);
}

static void sleep_long(void *context)
{
    (void)context;
    atomic_store(&shared->pid, getpid());
    for (int i = 0; i < 6000; i++) {
        sg_test_sleep_ms(10);
        if (atomic_load(&shared->stops) != sg_stop_count()) {
            atomic_store(&shared->stops, sg_stop_count());
        }
    }
}

SG_TEST(one_that_does_not_end_is_killed)
{
    begin();
    struct sg_err err = SG_ERR_INIT;
    struct sg_worker worker = {.work = sleep_long, .keep = -1, .patience_ms = 60000};
    pid_t pid;
    int socket;
    T_MUST_EQ_INT(sg_worker_fork(&worker, &pid, &socket, &err), 0);
    await_pid();
    int64_t begun = sg_test_now_ms();
    int status = sg_worker_reap(&pid, &socket, 300);
    T_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    T_GE_INT(sg_test_now_ms() - begun, 300);
    T_EQ_INT(waitpid(-1, NULL, WNOHANG), -1);
    T_EQ_INT(errno, ECHILD);
    munmap(shared, sizeof *shared);
}

/* A supervisor with a worker that heeds nothing, killed; how the worker ended. */
static int orphan(int patience_ms, int64_t *ms_r)
{
    T_MUST_EQ_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t supervisor = fork();
    T_MUST(supervisor >= 0);
    if (supervisor == 0) {
        struct sg_err err = SG_ERR_INIT;
        struct sg_worker worker = {.work = sleep_long, .keep = -1, .patience_ms = patience_ms};
        pid_t pid;
        int socket;
        if (sg_worker_fork(&worker, &pid, &socket, &err) == 0) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    await_pid();
    int64_t begun = sg_test_now_ms();
    int status;
    kill(supervisor, SIGKILL);
    T_MUST(waitpid(supervisor, &status, 0) == supervisor);
    T_MUST(waitpid(-1, &status, 0) == atomic_load(&shared->pid));
    *ms_r = sg_test_now_ms() - begun;
    T_MUST_EQ_INT(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    return status;
}

SG_TEST(none_outlives_its_supervisor)
{
    int64_t ms;
    begin();
    int status = orphan(0, &ms);
    T_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    T_LT_INT(ms, 2000);
    /* The end of its socket may be heard a moment before the signal comes: a process closes its files before its children are told. */
    T_LE_INT(atomic_load(&shared->stops), 1);
    munmap(shared, sizeof *shared);
}

SG_TEST(patience_ends)
{
    int64_t ms;
    begin();
    int status = orphan(400, &ms);
    /* Asked once, asked twice, gone. */
    T_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    T_GE_INT(ms, 400 + SG_WORKER_LAST_MS);
    T_LT_INT(ms, 400 + SG_WORKER_LAST_MS + 3000);
    T_EQ_INT(atomic_load(&shared->stops), 2);
    munmap(shared, sizeof *shared);
}

static const struct sg_test tests[] = {
    SG_CASE(it_keeps_what_it_is_given),
    SG_CASE(it_is_told),
    SG_CASE(one_that_does_not_end_is_killed),
    SG_CASE(none_outlives_its_supervisor),
    SG_CASE(patience_ends),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"worker", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
