/*
 * A proxy that breaks things: it stands between a client and a PostgreSQL server (or PgBouncer, on either side of it), reads the
 * wire protocol (docs: "Frontend/Backend Protocol"), and at a chosen statement does what a bad network or a dying machine would do.
 * It is a process of its own, so that a test can be written in sequence.
 *
 * A statement is a Query or a Parse message of a client. A rule says at which one what is to happen:
 *
 *     sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REPLY, .match = "COMMIT", .whole = true});
 *     sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .nth = 7});     the 7th statement from now on
 *
 * A request is the statement's messages up to and with its Sync (for a Query: that message). In pipeline mode "the answer" means
 * the answers to all that was sent.
 *
 * A proxy belongs to the test that started it.
 */
#ifndef SG_TESTS_KIT_PROXY_H
#define SG_TESTS_KIT_PROXY_H

#include "tests/kit/test.h"

#include <stdbool.h>

struct sg_proxy;

enum sg_fault {
    SG_FAULT_NONE,         /* counts only */
    SG_FAULT_DROP_REQUEST, /* the request never arrives; both sides are cut */
    SG_FAULT_DROP_REPLY,   /* the server answers, the answer is not passed on, then both sides are cut */
    SG_FAULT_CUT_NOW,      /* the request is passed on, and both sides are cut at once: the answer is nobody's */
    SG_FAULT_HOLE,         /* the request never arrives, and nothing is said any more in either direction; both sockets stay open */
    SG_FAULT_HOLE_REPLY,   /* the request is passed on, and from then on as above */
    SG_FAULT_DELAY,        /* the request, and what follows it, waits `ms` milliseconds */
    SG_FAULT_PAUSE,        /* the request waits until sg_proxy_release(); what the server says is passed on meanwhile */
    SG_FAULT_PAUSE_REPLY,  /* the server answers, and the answer waits until sg_proxy_release() */
};

struct sg_proxy_rule {
    enum sg_fault fault;
    const char *match;       /* a part of the statement's text; NULL: every statement */
    bool whole;              /* `match` is the whole text */
    const char *application; /* a part of the connection's application_name as it was at its start; NULL: every connection */
    int nth;                 /* at the nth of those that match, counted from when it was armed (0: 1) */
    bool every;              /* and at each one after that */
    int ms;                  /* for SG_FAULT_DELAY */
};

/* Starts one before the server or PgBouncer whose socket is in DIR. */
struct sg_proxy *sg_proxy_start(const char *dir, int port);

/* How to reach a database through it; live until the test's end. */
const char *sg_proxy_conninfo(const struct sg_proxy *proxy, const char *db, const char *role);
const char *sg_proxy_url(const struct sg_proxy *proxy, const char *db, const char *role);
const char *sg_proxy_dir(const struct sg_proxy *proxy);
int sg_proxy_port(const struct sg_proxy *proxy);

/* Adds a rule; at most 16. If several are due at one statement, the first is done. It stays armed, but is done once unless `every`. */
void sg_proxy_arm(struct sg_proxy *proxy, const struct sg_proxy_rule *rule);
/* Takes all rules away. What was begun goes on: a hole stays a hole. */
void sg_proxy_disarm(struct sg_proxy *proxy);

/* How often a fault was done since the start or sg_proxy_forget. Counted when it is complete: DROP_REPLY when both sides have been
 * cut, PAUSE_REPLY when the server's answer is complete. */
int sg_proxy_hits(struct sg_proxy *proxy);
/* Waits until it was so often; gives false if it was not within that time. */
bool sg_proxy_await_hits(struct sg_proxy *proxy, int hits, int timeout_ms);
/* The process id that the server told the client at the connection of the last hit: of its backend, if it is a server; else 0. */
int sg_proxy_hit_pid(struct sg_proxy *proxy);

/* The statements seen since the start or sg_proxy_forget, of all connections, in the order of their arrival: their number, and the
 * text of one (from 0), at most 64 KiB of it; NULL for a number too high. */
int sg_proxy_count(struct sg_proxy *proxy);
const char *sg_proxy_statement(struct sg_proxy *proxy, int number);
/* All of them, numbered from 1, a line each (line breaks in them as blanks), for messages and for looking through. */
const char *sg_proxy_statements(struct sg_proxy *proxy);
/* Forgets statements and hits. */
void sg_proxy_forget(struct sg_proxy *proxy);

/* Lets go on what SG_FAULT_PAUSE, PAUSE_REPLY or DELAY holds. */
void sg_proxy_release(struct sg_proxy *proxy);
/* Cuts all connections, holes too. */
void sg_proxy_cut(struct sg_proxy *proxy);
/* From now on new connections are cut as soon as they come (true), or served again (false). */
void sg_proxy_refuse(struct sg_proxy *proxy, bool refuse);
/* Connections that are open now; that were ever accepted, cancel requests included. */
int sg_proxy_open(struct sg_proxy *proxy);
int sg_proxy_accepted(struct sg_proxy *proxy);

#endif
