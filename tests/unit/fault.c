/*
 * The calls of fault.h.
 */
#include "config.h"
#include "tests/unit/fault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/test.h"

struct plan {
    int fd;
    const long *what;
    size_t count, at;
};

static struct plan reads = {.fd = -1}, writes = {.fd = -1};
static bool repeat, counting;
static size_t fail_at, allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __real_recv(int fd, void *buf, size_t size, int flags);
ssize_t __real_send(int fd, const void *buf, size_t size, int flags);
void __real__exit(int status) __attribute__((noreturn));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags);
void __wrap__exit(int status) __attribute__((noreturn));

#ifdef SG_COVERAGE
void __real___gcov_dump(void);
void __wrap___gcov_dump(void);

/* It allocates. */
void __wrap___gcov_dump(void)
{
    counting = false;
    __real___gcov_dump();
}
#endif

void fault_reads(int fd, const long *plan, size_t count)
{
    reads = (struct plan){fd, plan, count, 0};
}

void fault_writes(int fd, const long *plan, size_t count)
{
    writes = (struct plan){fd, plan, count, 0};
}

void fault_repeat(void)
{
    repeat = true;
}

int fault_over(void)
{
    return reads.at == reads.count && writes.at == writes.count;
}

void fault_none(void)
{
    reads = writes = (struct plan){.fd = -1};
    repeat = false;
}

/* What happens in this call: the most bytes, or less than 0 with errno set; SIZE is more than 0. */
static ssize_t next(struct plan *plan, int fd, size_t size)
{
    long what;

    if (plan->fd != fd || plan->at >= plan->count)
        return (ssize_t)size;
    what = plan->what[plan->at++];
    if (repeat && plan->at == plan->count)
        plan->at = 0;
    if (what < 0) {
        errno = (int)-what;
        return -1;
    }
    return (size_t)what < size ? (ssize_t)what : (ssize_t)size;
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
    ssize_t most = next(&reads, fd, size);

    return most <= 0 ? most : __real_read(fd, buf, (size_t)most);
}

ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags)
{
    ssize_t most = (flags & MSG_PEEK) != 0 ? (ssize_t)size : next(&reads, fd, size);

    return most <= 0 ? most : __real_recv(fd, buf, (size_t)most, flags);
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
    ssize_t most = next(&writes, fd, size);

    return most <= 0 ? most : __real_write(fd, buf, (size_t)most);
}

ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags)
{
    ssize_t most = next(&writes, fd, size);

    return most <= 0 ? most : __real_send(fd, buf, (size_t)most, flags);
}

void fault_memory(size_t n)
{
    fail_at = n;
    allocations = 0;
    counting = true;
}

size_t fault_allocations(void)
{
    return allocations;
}

static bool refused(void)
{
    if (!counting)
        return false;
    allocations++;
    if (fail_at == 0 || allocations < fail_at)
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

/* The counters of an instrumented build are worth keeping, however it ends. */
void __wrap__exit(int status)
{
    counting = false;
#ifdef SG_COVERAGE
    __wrap___gcov_dump();
#endif
    __real__exit(status);
}

int fault_child(void (*what)(void *), void *context, char *said, size_t size)
{
    int pipes[2], status;
    size_t length = 0;
    ssize_t n;
    pid_t pid;

    T_MUST(pipe(pipes) == 0);
    pid = fork();
    T_MUST(pid >= 0);
    if (pid == 0) {
        if (dup2(pipes[1], STDERR_FILENO) < 0)
            __real__exit(99);
        close(pipes[0]);
        close(pipes[1]);
        what(context);
        __wrap__exit(0);
    }
    close(pipes[1]);
    while (length + 1 < size && (n = __real_read(pipes[0], said + length, size - 1 - length)) > 0)
        length += (size_t)n;
    said[length] = '\0';
    close(pipes[0]);
    T_MUST(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
