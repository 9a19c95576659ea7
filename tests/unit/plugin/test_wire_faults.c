/*
 * The host's end of the wire when reads and writes are cut at each byte, fail, or memory does not suffice: frames arrive whole and in
 * order or not at all, what was sent is on the other side byte for byte, and without memory the process ends and says why.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/plugin/channel.h"
#include "tests/kit/test.h"
#include "tests/unit/fault.h"

#define FRAMES 4

struct ends {
    struct sg_channel channel;
    int socket, output; /* the plugin's ends */
    struct sg_err err;
};

static void open_ends(struct ends *e)
{
    int sockets[2], pipes[2];

    T_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && pipe2(pipes, O_NONBLOCK) == 0);
    *e = (struct ends){.socket = sockets[1], .output = pipes[1], .err = SG_ERR_INIT};
    sg_channel_init(&e->channel, sockets[0], pipes[0], "0001_a");
}

static void close_ends(struct ends *e)
{
    fault_none();
    close(e->socket);
    close(e->output);
    sg_channel_release(&e->channel);
    sg_err_release(&e->err);
}

/* Four requests, one of them without a payload. ends_r: where each ends. */
static void put_requests(struct sg_wire_out *out, size_t *ends_r)
{
    sg_wire_out_init(out, SG_WIRE_MAX_REQUEST);
    sg_wire_begin(out, SG_WIRE_DDL, 1);
    sg_wire_put_text(out, "CREATE TABLE a ()");
    T_MUST_EQ_INT(sg_wire_end(out), 0);
    ends_r[0] = out->length;
    sg_wire_begin(out, SG_WIRE_QUERY, 2);
    sg_wire_put_text(out, "SELECT $1");
    sg_wire_put_u32(out, 1);
    sg_wire_put_value(out, "x");
    T_MUST_EQ_INT(sg_wire_end(out), 0);
    ends_r[1] = out->length;
    sg_wire_begin(out, SG_WIRE_PROGRESS, 3);
    T_MUST_EQ_INT(sg_wire_end(out), 0);
    ends_r[2] = out->length;
    sg_wire_begin(out, SG_WIRE_DONE, 4);
    sg_wire_put_i64(out, -7);
    sg_wire_put_text(out, NULL);
    T_MUST_EQ_INT(sg_wire_end(out), 0);
    ends_r[3] = out->length;
}

/* Takes what is whole; each must be byte for byte what was put. */
static size_t take_all(struct ends *e, const struct sg_wire_out *sent, const size_t *ends, size_t taken)
{
    struct sg_wire_frame frame;
    int status;

    while ((status = sg_channel_take(&e->channel, &frame, &e->err)) > 0) {
        size_t start = taken == 0 ? 0 : ends[taken - 1];

        T_MUST(taken < FRAMES);
        T_EQ_INT(frame.seq, taken + 1);
        T_EQ_MEM(frame.payload, frame.length, sent->data + start + SG_WIRE_HEADER, ends[taken] - start - SG_WIRE_HEADER);
        taken++;
    }
    T_EQ_INT(status, 0);
    return taken;
}

static size_t whole_at(const size_t *ends, size_t bytes)
{
    size_t whole = 0;

    while (whole < FRAMES && ends[whole] <= bytes)
        whole++;
    return whole;
}

SG_TEST(reads_cut_at_each_byte)
{
    size_t ends[FRAMES];
    struct sg_wire_out sent;

    put_requests(&sent, ends);
    for (size_t cut = 1; cut < sent.length; cut++) {
        const long plan[] = {-EINTR, (long)cut, -EAGAIN, -EINTR};
        struct ends e;
        size_t taken = 0;

        open_ends(&e);
        T_MUST_EQ_INT(write(e.socket, sent.data, sent.length), sent.length);
        fault_reads(e.channel.socket, plan, SG_COUNT(plan));
        for (int i = 0; i < 2; i++)
            T_MUST_EQ_INT(sg_channel_pump(&e.channel, 100, &e.err), 0);
        taken = take_all(&e, &sent, ends, taken);
        T_EQ_INT(taken, whole_at(ends, cut));
        for (int i = 0; i < 3; i++)
            T_MUST_EQ_INT(sg_channel_pump(&e.channel, 100, &e.err), 0);
        T_EQ_INT(take_all(&e, &sent, ends, taken), FRAMES);
        T_TRUE(fault_over() && e.channel.socket >= 0 && !sg_channel_unasked(&e.channel));
        close_ends(&e);
    }
    sg_wire_out_release(&sent);
}

SG_TEST(reads_of_one_byte_each)
{
    const long plan[] = {1, -EAGAIN, 1, -EINTR};
    size_t ends[FRAMES], taken = 0;
    struct sg_wire_out sent;
    struct ends e;

    put_requests(&sent, ends);
    open_ends(&e);
    T_MUST_EQ_INT(write(e.socket, sent.data, sent.length), sent.length);
    fault_reads(e.channel.socket, plan, SG_COUNT(plan));
    fault_repeat();
    for (size_t i = 0; i < 2 * sent.length; i++) {
        T_MUST_EQ_INT(sg_channel_pump(&e.channel, 100, &e.err), 0);
        taken = take_all(&e, &sent, ends, taken);
        T_EQ_INT(taken, whole_at(ends, i / 2 + 1));
    }
    T_EQ_INT(taken, FRAMES);
    close_ends(&e);
    sg_wire_out_release(&sent);
}

/* A connection that breaks after any byte: what was whole by then is there, nothing else is, and the socket is given up. */
SG_TEST(the_end_after_each_byte)
{
    static const long ends_of_it[] = {0, -ECONNRESET, -EIO, -ENOMEM};
    size_t ends[FRAMES];
    struct sg_wire_out sent;

    put_requests(&sent, ends);
    for (size_t cut = 1; cut <= sent.length; cut++) {
        long plan[] = {(long)cut, ends_of_it[cut % SG_COUNT(ends_of_it)]};
        struct ends e;

        open_ends(&e);
        T_MUST_EQ_INT(write(e.socket, sent.data, sent.length), sent.length);
        T_MUST_EQ_INT(write(e.socket, "x", 1), 1); /* something is there to be read again */
        fault_reads(e.channel.socket, plan, SG_COUNT(plan));
        for (int i = 0; i < 3; i++)
            T_MUST_EQ_INT(sg_channel_pump(&e.channel, i < 2 ? 100 : 0, &e.err), 0);
        T_EQ_INT(take_all(&e, &sent, ends, 0), whole_at(ends, cut));
        T_EQ_INT(e.channel.socket, -1);
        T_TRUE(fault_over());
        close_ends(&e);
    }
    sg_wire_out_release(&sent);
}

static size_t read_there(struct ends *e, unsigned char *to, size_t size)
{
    size_t length = 0;
    ssize_t n;

    while (length < size && (n = recv(e->socket, to + length, size - length, MSG_DONTWAIT)) > 0)
        length += (size_t)n;
    return length;
}

static void put_answer(struct sg_channel *channel)
{
    sg_wire_begin(&channel->out, SG_WIRE_ANSWER_TEXT, 1);
    sg_wire_put_text(&channel->out, "the quick brown fox");
}

SG_TEST(writes_cut_at_each_byte)
{
    unsigned char want[256], got[256];
    struct ends whole;
    size_t length;

    open_ends(&whole);
    put_answer(&whole.channel);
    T_MUST_EQ_INT(sg_channel_send(&whole.channel, &whole.err), 0);
    length = read_there(&whole, want, sizeof want);
    T_MUST(length > SG_WIRE_HEADER);
    close_ends(&whole);
    for (size_t cut = 1; cut + 1 < length; cut++) {
        const long plan[] = {(long)cut, -EAGAIN, -EINTR, 1, -EAGAIN};
        struct ends e;

        open_ends(&e);
        fault_writes(e.channel.socket, plan, SG_COUNT(plan));
        put_answer(&e.channel);
        T_MUST_EQ_INT(sg_channel_send(&e.channel, &e.err), 0);
        T_EQ_INT(read_there(&e, got, sizeof got), cut);
        for (int i = 0; i < 3; i++)
            T_MUST_EQ_INT(sg_channel_pump(&e.channel, 100, &e.err), 0);
        T_EQ_MEM(got, cut + read_there(&e, got + cut, sizeof got - cut), want, length);
        T_TRUE(fault_over() && e.channel.out.length == 0 && e.channel.sent == 0);
        /* and the next frame is not behind it by a byte */
        put_answer(&e.channel);
        T_MUST_EQ_INT(sg_channel_send(&e.channel, &e.err), 0);
        T_EQ_MEM(got, read_there(&e, got, sizeof got), want, length);
        close_ends(&e);
    }
}

/* A plugin that is gone is told nothing more, and what it said before is still read. */
SG_TEST(a_failed_write_leaves_what_was_said)
{
    static const long errors[] = {-EPIPE, -ECONNRESET, -ENOBUFS, 0};
    size_t ends[FRAMES];
    struct sg_wire_out sent;

    put_requests(&sent, ends);
    for (size_t i = 0; i < SG_COUNT(errors); i++) {
        struct ends e;

        open_ends(&e);
        T_MUST_EQ_INT(write(e.socket, sent.data, sent.length), sent.length);
        fault_writes(e.channel.socket, &errors[i], 1);
        put_answer(&e.channel);
        T_MUST_EQ_INT(sg_channel_send(&e.channel, &e.err), 0);
        T_TRUE(fault_over());
        T_EQ_INT(e.channel.out.length, 0);
        T_MUST_EQ_INT(sg_channel_pump(&e.channel, 100, &e.err), 0);
        T_EQ_INT(take_all(&e, &sent, ends, 0), FRAMES);
        close_ends(&e);
    }
    sg_wire_out_release(&sent);
}

SG_TEST(output_that_cannot_be_read_is_over)
{
    static const long plan[] = {3, -EINTR, -EAGAIN, 4, -EIO};
    struct ends e;

    open_ends(&e);
    T_MUST_EQ_INT(write(e.output, "one\ntwo\nthree\n", 14), 14);
    fault_reads(e.channel.output, plan, SG_COUNT(plan));
    for (size_t i = 0; i < SG_COUNT(plan); i++)
        T_MUST_EQ_INT(sg_channel_pump(&e.channel, 100, &e.err), 0);
    T_TRUE(fault_over());
    T_EQ_INT(e.channel.output, -1);
    T_EQ_INT(e.channel.lines, 1);
    T_EQ_MEM(e.channel.line.data, e.channel.line.length, "two", 3);
    close_ends(&e);
}

/* ---- memory ----------------------------------------------------------------- */

struct scene {
    size_t fail_at;
    bool large; /* frames that need more room twice */
};

static void exchange(void *context)
{
    const struct scene *scene = context;
    size_t size = scene->large ? 150000 : 10;
    char *text = malloc(size + 1);
    struct sg_wire_frame frame;
    struct sg_wire_out sent;
    struct ends e;
    size_t at = 0;
    int status = 0;

    memset(text, 'x', size);
    text[size] = '\0';
    open_ends(&e);
    sg_wire_out_init(&sent, SG_WIRE_MAX_REQUEST);
    sg_wire_begin(&sent, SG_WIRE_DDL, 1);
    sg_wire_put_text(&sent, text);
    if (sg_wire_end(&sent) != 0)
        _exit(98);
    fault_memory(scene->fail_at);
    while (status == 0) {
        ssize_t n = at < sent.length ? send(e.socket, sent.data + at, sent.length - at, MSG_DONTWAIT) : 0;

        at += n > 0 ? (size_t)n : 0;
        if (sg_channel_pump(&e.channel, 100, &e.err) != 0)
            _exit(97);
        status = sg_channel_take(&e.channel, &frame, &e.err);
    }
    if (status < 0 || frame.length != size + 5 || memcmp(frame.payload + 4, text, size) != 0)
        _exit(96);
    sg_wire_begin(&e.channel.out, SG_WIRE_ANSWER_TEXT, 1);
    sg_wire_put_text(&e.channel.out, text);
    if (sg_channel_send(&e.channel, &e.err) != 0)
        _exit(95);
    /* how many there were: the parent goes on to the next as long as one was refused */
    if (scene->fail_at != 0 && fault_allocations() >= scene->fail_at)
        _exit(94);
    fault_memory(0);
    sg_wire_out_release(&sent);
    close_ends(&e);
    free(text);
}

static size_t until_enough(bool large)
{
    struct scene scene = {.large = large};
    char said[512];

    for (;;) {
        int status;

        scene.fail_at++;
        T_MUST(scene.fail_at < 200);
        status = fault_child(exchange, &scene, said, sizeof said);
        if (status == 0)
            return scene.fail_at - 1;
        T_MUST_EQ_INT(status, 70);
        if (strncmp(said, "sgrun: out of memory (", 22) != 0 || strchr(said, '\n') != strrchr(said, '\n'))
            T_FAIL("allocation %zu: %s", scene.fail_at, said);
    }
}

SG_TEST(without_memory_it_ends_and_says_so)
{
    T_GE_INT(until_enough(false), 2); /* one of the way in, one of the way out */
    T_GE_INT(until_enough(true), 6); /* and each time a buffer doubles */
}

/* In the encoder itself: it takes back what was begun, says which failure it was, and is as new after a clear. */
SG_TEST(the_encoder_without_memory)
{
    for (size_t n = 1;; n++) {
        struct sg_wire_out out;
        size_t whole, i;

        sg_wire_out_init(&out, SG_WIRE_MAX_ANSWER);
        fault_memory(n);
        for (i = 0, whole = 0; i < 200; i++) {
            sg_wire_begin(&out, SG_WIRE_LOG, (uint32_t)i);
            sg_wire_put_text(&out, "0123456789012345678901234567890123456789");
            if (sg_wire_end(&out) != 0)
                break;
            whole = out.length;
        }
        fault_memory(0);
        T_EQ_INT(out.length, whole);
        T_EQ_INT(out.failed, i < 200);
        T_EQ_INT(out.no_memory, i < 200);
        T_EQ_INT(out.length % (SG_WIRE_HEADER + 4 + 41), 0);
        if (i == 200) {
            sg_wire_out_release(&out);
            T_GT_INT(n, 3);
            break;
        }
        sg_wire_put_u32(&out, 1); /* nothing more is taken */
        T_EQ_INT(out.length, whole);
        sg_wire_out_clear(&out);
        T_FALSE(out.failed || out.no_memory);
        sg_wire_begin(&out, SG_WIRE_LEAVE, 0);
        T_EQ_INT(sg_wire_end(&out), 0);
        T_EQ_INT(out.length, SG_WIRE_HEADER);
        sg_wire_out_release(&out);
    }
}

static const struct sg_test tests[] = {SG_CASE(reads_cut_at_each_byte),
                                       SG_CASE(reads_of_one_byte_each),
                                       SG_CASE(the_end_after_each_byte),
                                       SG_CASE(writes_cut_at_each_byte),
                                       SG_CASE(a_failed_write_leaves_what_was_said),
                                       SG_CASE(output_that_cannot_be_read_is_over),
                                       SG_CASE(without_memory_it_ends_and_says_so),
                                       SG_CASE(the_encoder_without_memory),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"wire_faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
