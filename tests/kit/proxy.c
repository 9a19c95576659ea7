/*
 * The test's side of the fault proxy: starts its process, and puts questions to it over a socket pair. Every call waits for the
 * proxy's reply, so that a rule is armed when sg_proxy_arm returns.
 */
#include "config.h"

#include "tests/kit/proxy.h"

#include "tests/kit/proc.h"
#include "tests/kit/proxy_parts.h"
#include "tests/kit/tmp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT 5432

struct sg_proxy {
    char dir[64];
    pid_t pid;
    int control;
};

static void discard(void *arg)
{
    struct sg_proxy *proxy = arg;

    if (proxy->pid > 0) {
        (void)kill(proxy->pid, SIGKILL);
        (void)sg_proc_wait(proxy->pid, 5000, NULL);
    }
    (void)close(proxy->control);
    sg_tmp_remove(proxy->dir);
    free(proxy);
}

static int listen_in(const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", dir, PORT);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(address.sun_path, 0777) != 0
        || listen(fd, 64) != 0)
        T_FATAL("cannot listen on %s: %s", address.sun_path, strerror(errno));
    return fd;
}

struct sg_proxy *sg_proxy_start(const char *dir, int port)
{
    const char *own = sg_tmp_new("x", 0755, (uid_t)-1, (gid_t)-1); /* a PgBouncer of another user may come through it */
    const char *upstream = sg_test_strf("%s/.s.PGSQL.%d", dir, port);
    struct sg_proxy *proxy = calloc(1, sizeof *proxy);
    pid_t parent = getpid();
    int pair[2];
    int listener;

    if (proxy == NULL)
        abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        T_FATAL("socketpair: %s", strerror(errno));
    proxy->control = pair[0];
    (void)snprintf(proxy->dir, sizeof proxy->dir, "%s", own);
    sg_test_defer(discard, proxy);
    listener = listen_in(own);
    (void)fflush(NULL);
    proxy->pid = fork();
    if (proxy->pid < 0)
        T_FATAL("fork: %s", strerror(errno));
    if (proxy->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        sg_proxy_loop(pair[1], listener, upstream);
    }
    (void)close(listener);
    (void)close(pair[1]);
    return proxy;
}

static void read_all(struct sg_proxy *proxy, void *buf, size_t len)
{
    if (len > 0 && recv(proxy->control, buf, len, MSG_WAITALL) != (ssize_t)len)
        T_FATAL("the proxy's process is gone");
}

static struct sg_proxy_reply ask(struct sg_proxy *proxy, const struct sg_proxy_request *request)
{
    struct sg_proxy_reply reply;

    if (send(proxy->control, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        T_FATAL("the proxy's process is gone");
    read_all(proxy, &reply, sizeof reply);
    return reply;
}

static struct sg_proxy_reply ask_op(struct sg_proxy *proxy, enum sg_proxy_op op)
{
    return ask(proxy, &(struct sg_proxy_request){.op = op});
}

void sg_proxy_arm(struct sg_proxy *proxy, const struct sg_proxy_rule *rule)
{
    struct sg_proxy_request request = {.op = SG_OP_ARM,
                                       .fault = rule->fault,
                                       .has_match = rule->match != NULL,
                                       .whole = rule->whole,
                                       .has_application = rule->application != NULL,
                                       .every = rule->every,
                                       .nth = rule->nth,
                                       .ms = rule->ms};

    if ((rule->match != NULL && strlen(rule->match) >= sizeof request.match)
        || (rule->application != NULL && strlen(rule->application) >= sizeof request.application))
        T_FATAL("a rule's text is too long");
    (void)snprintf(request.match, sizeof request.match, "%s", rule->match != NULL ? rule->match : "");
    (void)snprintf(request.application, sizeof request.application, "%s", rule->application != NULL ? rule->application : "");
    (void)ask(proxy, &request);
}

void sg_proxy_disarm(struct sg_proxy *proxy)
{
    (void)ask_op(proxy, SG_OP_DISARM);
}

int sg_proxy_hits(struct sg_proxy *proxy)
{
    return ask_op(proxy, SG_OP_ASK).hits;
}

int sg_proxy_hit_pid(struct sg_proxy *proxy)
{
    return ask_op(proxy, SG_OP_ASK).hit_pid;
}

bool sg_proxy_await_hits(struct sg_proxy *proxy, int hits, int timeout_ms)
{
    int64_t until = sg_test_now_ms() + timeout_ms;

    while (sg_proxy_hits(proxy) < hits) {
        if (sg_test_now_ms() >= until)
            return false;
        sg_test_sleep_ms(2);
    }
    return true;
}

int sg_proxy_count(struct sg_proxy *proxy)
{
    return ask_op(proxy, SG_OP_ASK).count;
}

/* All statements, one after the other, each ended by a NUL. */
static char *statements(struct sg_proxy *proxy, int *count_r)
{
    struct sg_proxy_reply reply = ask_op(proxy, SG_OP_STATEMENTS);
    char *all = malloc(reply.bytes + 1);

    if (all == NULL)
        abort();
    sg_test_defer(free, all);
    read_all(proxy, all, reply.bytes);
    *count_r = reply.count;
    return all;
}

const char *sg_proxy_statement(struct sg_proxy *proxy, int number)
{
    int count = 0;
    const char *text = statements(proxy, &count);

    if (number < 0 || number >= count)
        return NULL;
    for (int i = 0; i < number; i++)
        text += strlen(text) + 1;
    return text;
}

const char *sg_proxy_statements(struct sg_proxy *proxy)
{
    int count = 0;
    char *text = statements(proxy, &count);
    char *all = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&all, &size);

    if (f == NULL)
        abort();
    for (int i = 0; i < count; i++) {
        for (char *p = text; (p = strchr(p, '\n')) != NULL;)
            *p = ' ';
        fprintf(f, "%d %s\n", i + 1, text);
        text += strlen(text) + 1;
    }
    (void)fclose(f);
    sg_test_defer(free, all);
    return all;
}

void sg_proxy_forget(struct sg_proxy *proxy)
{
    (void)ask_op(proxy, SG_OP_FORGET);
}

void sg_proxy_release(struct sg_proxy *proxy)
{
    (void)ask_op(proxy, SG_OP_RELEASE);
}

void sg_proxy_cut(struct sg_proxy *proxy)
{
    (void)ask_op(proxy, SG_OP_CUT);
}

void sg_proxy_refuse(struct sg_proxy *proxy, bool refuse)
{
    (void)ask(proxy, &(struct sg_proxy_request){.op = SG_OP_REFUSE, .refuse = refuse});
}

int sg_proxy_open(struct sg_proxy *proxy)
{
    return ask_op(proxy, SG_OP_ASK).open;
}

int sg_proxy_accepted(struct sg_proxy *proxy)
{
    return ask_op(proxy, SG_OP_ASK).accepted;
}

const char *sg_proxy_conninfo(const struct sg_proxy *proxy, const char *db, const char *role)
{
    return sg_test_strf("host=%s port=%d dbname=%s user=%s", proxy->dir, PORT, db, role != NULL ? role : "postgres");
}

const char *sg_proxy_url(const struct sg_proxy *proxy, const char *db, const char *role)
{
    return sg_test_strf("postgresql://%s@/%s?host=%s&port=%d", role != NULL ? role : "postgres", db, proxy->dir, PORT);
}

const char *sg_proxy_dir(const struct sg_proxy *proxy)
{
    return proxy->dir;
}

int sg_proxy_port(const struct sg_proxy *proxy)
{
    (void)proxy;
    return PORT;
}
