/*
 * What the files of the fault proxy say to each other; for proxy.c (the test's side), proxy_loop.c (the process) and proxy_conn.c
 * (one connection in it) only.
 */
#ifndef SG_TESTS_KIT_PROXY_PARTS_H
#define SG_TESTS_KIT_PROXY_PARTS_H

#include "tests/kit/proxy.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the test's requests, over a socket pair; each gets a struct sg_proxy_reply ---- */

enum sg_proxy_op { SG_OP_ARM, SG_OP_DISARM, SG_OP_ASK, SG_OP_STATEMENTS, SG_OP_FORGET, SG_OP_RELEASE, SG_OP_CUT, SG_OP_REFUSE };

struct sg_proxy_request {
    enum sg_proxy_op op;
    enum sg_fault fault;
    bool has_match, whole, has_application, every, refuse;
    int nth, ms;
    char match[1024];
    char application[64];
};

struct sg_proxy_reply {
    int hits, hit_pid, count, open, accepted;
    size_t bytes; /* SG_OP_STATEMENTS: as many follow, each text ended by a NUL */
};

/* The proxy's process; never returns. */
_Noreturn void sg_proxy_loop(int control, int listener, const char *upstream);

/* ---- one connection ---- */

/* Bytes in a queue: appended at its end, taken from its front. */
struct sg_bytes {
    char *data;
    size_t at, len, room; /* `len` bytes from `at` */
};

/* What the connections report to, and ask. */
struct sg_proxy_hub {
    struct sg_proxy_request rules[16];
    int seen[16]; /* statements that matched */
    int nrules;
    int hits, hit_pid, accepted;
    bool refuse;
    char **statements;
    int count;
};

struct sg_proxy_conn {
    struct sg_proxy_hub *hub;
    int client, server; /* sockets; -1 once it is over */
    enum { SG_CONN_STARTUP, SG_CONN_TYPED, SG_CONN_RAW } phase;
    struct sg_bytes from_client; /* not yet looked at */
    struct sg_bytes to_server, to_client;
    bool client_gone, server_gone; /* end of file */
    char application[64];
    int pid; /* of BackendKeyData */
    int unanswered; /* Query and Sync passed on, less ReadyForQuery come back */
    /* the server's stream: the message that is being passed */
    unsigned char head[13]; /* type, length, and the first 8 bytes of the body */
    size_t head_len;
    uint32_t body_left;
    /* faults */
    enum sg_fault fault; /* under way for the request that is being passed */
    bool request_done;   /* its last message was passed on */
    bool hole;
    bool held;       /* requests wait, */
    int64_t held_till; /* until then; 0: until released */
    bool excused;    /* the next statement is the one that was held: no rule for it */
    bool mute;       /* what the server says is thrown away */
    bool reply_held; /* or kept */
};

struct sg_proxy_conn *sg_proxy_conn_new(struct sg_proxy_hub *hub, int client, int server);
void sg_proxy_conn_free(struct sg_proxy_conn *conn);
/* Closes both sides. */
void sg_proxy_conn_cut(struct sg_proxy_conn *conn);
bool sg_proxy_conn_is_over(const struct sg_proxy_conn *conn);
/* What to wait for: fills two entries, client and server. */
void sg_proxy_conn_poll(const struct sg_proxy_conn *conn, struct pollfd fds[2]);
/* Does what can be done now. */
void sg_proxy_conn_work(struct sg_proxy_conn *conn, const struct pollfd fds[2]);
void sg_proxy_conn_release(struct sg_proxy_conn *conn);

#endif
