/*
 * One connection through the fault proxy. From the client's stream whole messages are taken, looked at and passed on, one by one,
 * since a fault falls between two of them. The server's stream passes as it comes; only its frames are followed, to know when an
 * answer is complete (ReadyForQuery).
 */
#include "config.h"

#include "tests/kit/proxy_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE_MAX ((size_t)4 << 20)    /* more is not read until some was written */
#define MESSAGE_MAX ((uint32_t)64 << 20)
#define STATEMENTS_MAX 100000
#define STATEMENT_MAX ((size_t)64 << 10)

#define CODE_CANCEL 80877102U
#define CODE_SSL 80877103U
#define CODE_GSS 80877104U

/* ---- queues ---- */

static void append(struct sg_bytes *q, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (q->at > 0) {
        memmove(q->data, q->data + q->at, q->len);
        q->at = 0;
    }
    if (q->len + len > q->room) {
        size_t room = (q->len + len) * 2;
        char *more = realloc(q->data, room);

        if (more == NULL)
            abort();
        q->data = more;
        q->room = room;
    }
    memcpy(q->data + q->len, data, len);
    q->len += len;
}

static void take(struct sg_bytes *q, size_t len)
{
    q->at += len;
    q->len -= len;
}

static uint32_t number_at(const char *p)
{
    uint32_t n;

    memcpy(&n, p, sizeof n);
    return ntohl(n);
}

/* ---- life ---- */

struct sg_proxy_conn *sg_proxy_conn_new(struct sg_proxy_hub *hub, int client, int server)
{
    struct sg_proxy_conn *conn = calloc(1, sizeof *conn);

    if (conn == NULL)
        abort();
    conn->hub = hub;
    conn->client = client;
    conn->server = server;
    return conn;
}

void sg_proxy_conn_cut(struct sg_proxy_conn *conn)
{
    if (conn->client >= 0)
        (void)close(conn->client);
    if (conn->server >= 0)
        (void)close(conn->server);
    conn->client = conn->server = -1;
}

void sg_proxy_conn_free(struct sg_proxy_conn *conn)
{
    sg_proxy_conn_cut(conn);
    free(conn->from_client.data);
    free(conn->to_server.data);
    free(conn->to_client.data);
    free(conn);
}

bool sg_proxy_conn_is_over(const struct sg_proxy_conn *conn)
{
    return conn->client < 0;
}

static void hit(struct sg_proxy_conn *conn)
{
    conn->hub->hits++;
    conn->hub->hit_pid = conn->pid;
}

/* ---- rules ---- */

static void log_statement(struct sg_proxy_hub *hub, const char *text, size_t len)
{
    if (hub->count >= STATEMENTS_MAX)
        return;
    if ((hub->count & (hub->count - 1)) == 0) { /* room for the next power of two */
        char **more = realloc(hub->statements, sizeof *more * (size_t)(hub->count > 0 ? hub->count * 2 : 1));

        if (more == NULL)
            abort();
        hub->statements = more;
    }
    hub->statements[hub->count] = strndup(text, len < STATEMENT_MAX ? len : STATEMENT_MAX);
    if (hub->statements[hub->count++] == NULL)
        abort();
}

static bool matches(const struct sg_proxy_request *rule, const struct sg_proxy_conn *conn, const char *text)
{
    if (rule->has_application && strstr(conn->application, rule->application) == NULL)
        return false;
    if (!rule->has_match)
        return true;
    return rule->whole ? strcmp(text, rule->match) == 0 : strstr(text, rule->match) != NULL;
}

/* The fault that is due at this statement. All rules count it, the first that is due is done. */
static enum sg_fault due(struct sg_proxy_conn *conn, const char *text, int *ms_r)
{
    struct sg_proxy_hub *hub = conn->hub;
    enum sg_fault fault = SG_FAULT_NONE;
    bool found = false;

    for (int i = 0; i < hub->nrules; i++) {
        const struct sg_proxy_request *rule = &hub->rules[i];
        int nth = rule->nth > 0 ? rule->nth : 1;

        if (!matches(rule, conn, text))
            continue;
        hub->seen[i]++;
        if (!found && (hub->seen[i] == nth || (rule->every && hub->seen[i] > nth))) {
            found = true;
            fault = rule->fault;
            *ms_r = rule->ms;
            if (fault == SG_FAULT_NONE)
                hit(conn);
        }
    }
    return fault;
}

/* Begins a fault at the statement that stands at the head of from_client. Gives whether the statement is passed on now. */
static bool begin(struct sg_proxy_conn *conn, enum sg_fault fault, int ms)
{
    switch (fault) {
    case SG_FAULT_DROP_REQUEST:
        hit(conn);
        sg_proxy_conn_cut(conn);
        return false;
    case SG_FAULT_HOLE:
        hit(conn);
        conn->hole = true;
        return false;
    case SG_FAULT_DELAY:
    case SG_FAULT_PAUSE:
        hit(conn);
        conn->held = true;
        conn->excused = true;
        conn->held_till = fault == SG_FAULT_DELAY ? sg_test_now_ms() + ms : 0;
        return false;
    case SG_FAULT_DROP_REPLY:
    case SG_FAULT_HOLE_REPLY:
    case SG_FAULT_CUT_NOW:
        conn->mute = true;
        break;
    case SG_FAULT_PAUSE_REPLY:
        conn->reply_held = true;
        break;
    case SG_FAULT_NONE:
        return true;
    }
    conn->fault = fault;
    conn->request_done = false;
    return true;
}

/* The rest of a fault that needs the whole request at the server: once that has been written. */
static void end_request(struct sg_proxy_conn *conn)
{
    if (!conn->request_done || conn->to_server.len > 0 || conn->hole)
        return;
    if (conn->fault == SG_FAULT_CUT_NOW) {
        hit(conn);
        sg_proxy_conn_cut(conn);
    } else if (conn->fault == SG_FAULT_HOLE_REPLY) {
        hit(conn);
        conn->hole = true;
    }
}

/* The rest of a fault that needs the server's answer. */
static void end_answer(struct sg_proxy_conn *conn)
{
    if (conn->fault == SG_FAULT_DROP_REPLY) {
        hit(conn);
        sg_proxy_conn_cut(conn);
    } else if (conn->fault == SG_FAULT_PAUSE_REPLY) {
        hit(conn);
        conn->fault = SG_FAULT_NONE;
    }
}

/* ---- the client's stream ---- */

static void read_startup(struct sg_proxy_conn *conn, const char *body, size_t len)
{
    size_t at = 0;

    while (at < len && body[at] != '\0') {
        const char *name = body + at;
        const char *value;

        at += strnlen(name, len - at) + 1;
        if (at >= len)
            return;
        value = body + at;
        at += strnlen(value, len - at) + 1;
        if (at > len)
            return;
        if (strcmp(name, "application_name") == 0 && strlen(value) < sizeof conn->application)
            memcpy(conn->application, value, strlen(value) + 1);
    }
}

/* The message without a type at the start of a connection. Gives false if it is not complete yet. */
static bool pass_startup(struct sg_proxy_conn *conn)
{
    struct sg_bytes *q = &conn->from_client;
    const char *p = q->data + q->at;
    uint32_t len = q->len >= 8 ? number_at(p) : 0;
    uint32_t code = q->len >= 8 ? number_at(p + 4) : 0;

    if (q->len < 8 || (len >= 8 && len <= MESSAGE_MAX && q->len < len))
        return false;
    if (len < 8 || len > MESSAGE_MAX) {
        sg_proxy_conn_cut(conn);
        return false;
    }
    if (code == CODE_SSL || code == CODE_GSS) { /* refused here: what is encrypted cannot be read */
        append(&conn->to_client, "N", 1);
    } else {
        append(&conn->to_server, p, len);
        conn->phase = code == CODE_CANCEL ? SG_CONN_RAW : SG_CONN_TYPED;
        if (code != CODE_CANCEL)
            read_startup(conn, p + 8, len - 8);
    }
    take(q, len);
    return true;
}

/* The text of a Query or Parse message, NULL if it is neither, or not well-formed. */
static const char *statement_of(const char *message, size_t len)
{
    const char *text = message + 5;
    const char *end = message + len;

    if (message[0] == 'P') { /* after the prepared statement's name */
        text = memchr(text, '\0', (size_t)(end - text));
        text = text != NULL ? text + 1 : end;
    }
    if ((message[0] != 'Q' && message[0] != 'P') || text >= end || memchr(text, '\0', (size_t)(end - text)) == NULL)
        return NULL;
    return text;
}

/* One message of the client. Gives false if it is not complete, or must not be passed on now. */
static bool pass_message(struct sg_proxy_conn *conn)
{
    struct sg_bytes *q = &conn->from_client;
    const char *p = q->data + q->at;
    size_t len = q->len >= 5 ? (size_t)number_at(p + 1) + 1 : 0;
    const char *text;

    if (q->len < 5 || (len <= MESSAGE_MAX && q->len < len))
        return false;
    if (len < 5 || len > MESSAGE_MAX) {
        sg_proxy_conn_cut(conn);
        return false;
    }
    text = statement_of(p, len);
    if (text != NULL && conn->excused) {
        conn->excused = false;
    } else if (text != NULL) {
        int ms = 0;
        enum sg_fault fault = due(conn, text, &ms);

        log_statement(conn->hub, text, strlen(text));
        if (!begin(conn, fault, ms))
            return false;
    }
    append(&conn->to_server, p, len);
    if (p[0] == 'Q' || p[0] == 'S' || p[0] == 'F') { /* what ReadyForQuery answers */
        conn->unanswered++;
        conn->request_done = conn->request_done || conn->fault != SG_FAULT_NONE;
    }
    take(q, len);
    return true;
}

static void pass_requests(struct sg_proxy_conn *conn)
{
    while (!sg_proxy_conn_is_over(conn) && conn->from_client.len > 0 && !conn->held && !conn->hole
           && !(conn->request_done && (conn->fault == SG_FAULT_CUT_NOW || conn->fault == SG_FAULT_HOLE_REPLY))) {
        if (conn->phase == SG_CONN_RAW) {
            append(&conn->to_server, conn->from_client.data + conn->from_client.at, conn->from_client.len);
            take(&conn->from_client, conn->from_client.len);
            return;
        }
        if (!(conn->phase == SG_CONN_STARTUP ? pass_startup(conn) : pass_message(conn)))
            return;
    }
}

/* ---- the server's stream ---- */

/* Follows the frames in what the server sent. */
static void follow(struct sg_proxy_conn *conn, const char *data, size_t len)
{
    while (len > 0) {
        size_t part;

        if (conn->head_len < 5) {
            conn->head[conn->head_len++] = (unsigned char)*data++;
            len--;
            if (conn->head_len < 5)
                continue;
            conn->body_left = number_at((const char *)conn->head + 1) - 4;
        }
        part = len < conn->body_left ? len : conn->body_left;
        for (size_t i = 0; i < part && conn->head_len < sizeof conn->head; i++)
            conn->head[conn->head_len++] = (unsigned char)data[i];
        data += part;
        len -= part;
        conn->body_left -= (uint32_t)part;
        if (conn->body_left > 0)
            return;
        if (conn->head[0] == 'K')
            conn->pid = (int)number_at((const char *)conn->head + 5);
        if (conn->head[0] == 'Z' && conn->unanswered > 0)
            conn->unanswered--; /* the one after the start answers none of ours */
        conn->head_len = 0;
    }
}

static void take_answer(struct sg_proxy_conn *conn, const char *data, size_t len)
{
    bool waited = conn->unanswered > 0;

    if (conn->phase == SG_CONN_TYPED)
        follow(conn, data, len);
    if (!conn->mute)
        append(&conn->to_client, data, len);
    if (waited && conn->unanswered == 0 && conn->request_done)
        end_answer(conn);
}

/* ---- sockets ---- */

/* Reads what is there; gives false at the end of the stream. */
static bool read_some(int fd, char *buf, size_t size, size_t *len_r)
{
    ssize_t got = recv(fd, buf, size, MSG_DONTWAIT);

    *len_r = got > 0 ? (size_t)got : 0;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Writes what can be written; gives false if nobody reads any more. */
static bool write_some(int fd, struct sg_bytes *q)
{
    while (q->len > 0) {
        ssize_t put = send(fd, q->data + q->at, q->len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (put < 0)
            return errno == EAGAIN || errno == EINTR;
        take(q, (size_t)put);
    }
    return true;
}

void sg_proxy_conn_poll(const struct sg_proxy_conn *conn, struct pollfd fds[2])
{
    bool reads_client = !conn->client_gone && !conn->held && conn->to_server.len < QUEUE_MAX;
    bool reads_server = !conn->server_gone && conn->to_client.len < QUEUE_MAX;
    bool writes_client = conn->to_client.len > 0 && !conn->reply_held;

    fds[0] = (struct pollfd){.fd = reads_client || writes_client ? conn->client : -1,
                             .events = (short)((reads_client ? POLLIN : 0) | (writes_client ? POLLOUT : 0))};
    fds[1] = (struct pollfd){.fd = reads_server || conn->to_server.len > 0 ? conn->server : -1,
                             .events = (short)((reads_server ? POLLIN : 0) | (conn->to_server.len > 0 ? POLLOUT : 0))};
    if (conn->hole) /* not even an end is noticed */
        fds[0].fd = fds[1].fd = -1;
}

/* Ends the connection when one side has gone and what it left is delivered. */
static void follow_ends(struct sg_proxy_conn *conn)
{
    bool for_client = conn->to_client.len > 0 && !conn->mute;

    if (conn->hole || sg_proxy_conn_is_over(conn))
        return;
    if (conn->server_gone && !conn->reply_held && !for_client) {
        if (conn->fault == SG_FAULT_DROP_REPLY)
            hit(conn); /* its answer was to go */
        sg_proxy_conn_cut(conn);
    } else if (conn->client_gone && !conn->held && conn->to_server.len == 0 && conn->fault != SG_FAULT_DROP_REPLY
               && conn->fault != SG_FAULT_PAUSE_REPLY) {
        sg_proxy_conn_cut(conn);
    }
}

void sg_proxy_conn_work(struct sg_proxy_conn *conn, const struct pollfd fds[2])
{
    static char buf[64 << 10];
    size_t len;

    if (conn->held && conn->held_till > 0 && sg_test_now_ms() >= conn->held_till)
        sg_proxy_conn_release(conn);
    if (sg_proxy_conn_is_over(conn) || conn->hole)
        return;
    if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !conn->server_gone) {
        conn->server_gone = !read_some(conn->server, buf, sizeof buf, &len);
        take_answer(conn, buf, len);
        if (sg_proxy_conn_is_over(conn))
            return;
    }
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !conn->client_gone && !conn->held) {
        conn->client_gone = !read_some(conn->client, buf, sizeof buf, &len);
        append(&conn->from_client, buf, len);
    }
    pass_requests(conn);
    if (sg_proxy_conn_is_over(conn))
        return;
    if (!write_some(conn->server, &conn->to_server))
        conn->to_server.len = 0; /* its end comes by reading */
    if (!conn->reply_held && !write_some(conn->client, &conn->to_client)) {
        conn->to_client.len = 0;
        conn->client_gone = true;
    }
    end_request(conn);
    follow_ends(conn);
}

void sg_proxy_conn_release(struct sg_proxy_conn *conn)
{
    conn->held = false;
    conn->held_till = 0;
    conn->reply_held = false;
    if (conn->fault == SG_FAULT_PAUSE_REPLY)
        conn->fault = SG_FAULT_NONE;
}
