/*
 * The fault proxy's process: one loop over its listener, its connections and the test's requests. Forked from the tests' process,
 * it keeps nothing of it but the two descriptors, and dies with it.
 */
#include "config.h"

#include "tests/kit/proxy_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CONNS 256
#define TICK_MS 5 /* how exact a delay is */

static struct sg_proxy_hub hub;
static struct sg_proxy_conn *conns[MAX_CONNS];
static int nconns;

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* A new client; without a server for it, it is cut. */
static void take_client(int listener, const char *upstream)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int server = -1;

    if (client < 0)
        return;
    hub.accepted++;
    if (!hub.refuse && nconns < MAX_CONNS)
        server = connect_to(upstream);
    if (server < 0)
        (void)close(client);
    else
        conns[nconns++] = sg_proxy_conn_new(&hub, client, server);
}

static void forget(void)
{
    for (int i = 0; i < hub.count; i++)
        free(hub.statements[i]);
    free(hub.statements);
    hub.statements = NULL;
    hub.count = hub.hits = hub.hit_pid = 0;
}

static void arm(const struct sg_proxy_request *rule)
{
    if (hub.nrules < (int)(sizeof hub.rules / sizeof hub.rules[0])) {
        hub.rules[hub.nrules] = *rule;
        hub.seen[hub.nrules++] = 0;
    }
}

static void write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t put = send(fd, p, len, MSG_NOSIGNAL);

        if (put < 0 && errno != EINTR)
            _exit(0); /* the test is gone */
        if (put > 0) {
            p += put;
            len -= (size_t)put;
        }
    }
}

static void answer(int control, const struct sg_proxy_request *request)
{
    struct sg_proxy_reply reply = {
        .hits = hub.hits, .hit_pid = hub.hit_pid, .count = hub.count, .open = nconns, .accepted = hub.accepted};

    if (request->op == SG_OP_STATEMENTS)
        for (int i = 0; i < hub.count; i++)
            reply.bytes += strlen(hub.statements[i]) + 1;
    write_all(control, &reply, sizeof reply);
    if (request->op == SG_OP_STATEMENTS)
        for (int i = 0; i < hub.count; i++)
            write_all(control, hub.statements[i], strlen(hub.statements[i]) + 1);
}

static void serve(int control)
{
    struct sg_proxy_request request;
    ssize_t got = recv(control, &request, sizeof request, MSG_WAITALL);

    if (got != (ssize_t)sizeof request)
        _exit(0);
    switch (request.op) {
    case SG_OP_ARM:
        arm(&request);
        break;
    case SG_OP_DISARM:
        hub.nrules = 0;
        break;
    case SG_OP_FORGET:
        forget();
        break;
    case SG_OP_REFUSE:
        hub.refuse = request.refuse;
        break;
    case SG_OP_RELEASE:
        for (int i = 0; i < nconns; i++)
            sg_proxy_conn_release(conns[i]);
        break;
    case SG_OP_CUT:
        for (int i = 0; i < nconns; i++)
            sg_proxy_conn_cut(conns[i]);
        break;
    case SG_OP_ASK:
    case SG_OP_STATEMENTS:
        break;
    }
    answer(control, &request);
}

/* Keeps descriptors 0 to 2 and these two, which may get other numbers. */
static void keep_only(int *control, int *listener)
{
    int a = fcntl(*control, F_DUPFD_CLOEXEC, 200);
    int b = fcntl(*listener, F_DUPFD_CLOEXEC, 200);

    if (a != 200 || b != 201)
        _exit(1);
    (void)close_range(3, 199, 0);
    (void)close_range(202, ~0U, 0);
    *control = a;
    *listener = b;
}

void sg_proxy_loop(int control, int listener, const char *upstream)
{
    (void)signal(SIGPIPE, SIG_IGN);
    keep_only(&control, &listener);
    for (;;) {
        struct pollfd fds[2 + 2 * MAX_CONNS] = {{.fd = control, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
        bool timed = false;
        int polled = nconns; /* those that come meanwhile are not in fds */

        for (int i = 0; i < polled; i++) {
            sg_proxy_conn_poll(conns[i], &fds[2 + 2 * i]);
            timed = timed || conns[i]->held_till > 0;
        }
        if (poll(fds, (nfds_t)(2 + 2 * polled), timed ? TICK_MS : -1) < 0 && errno != EINTR)
            _exit(1);
        for (int i = 0; i < polled; i++)
            sg_proxy_conn_work(conns[i], &fds[2 + 2 * i]);
        if (fds[0].revents != 0)
            serve(control);
        for (int i = 0; i < polled; i++) /* released: there may be requests in the queue already */
            sg_proxy_conn_work(conns[i], (const struct pollfd[2]){{.fd = -1}, {.fd = -1}});
        if ((fds[1].revents & POLLIN) != 0)
            take_client(listener, upstream);
        for (int i = nconns - 1; i >= 0; i--)
            if (sg_proxy_conn_is_over(conns[i])) {
                sg_proxy_conn_free(conns[i]);
                conns[i] = conns[--nconns];
            }
    }
}
