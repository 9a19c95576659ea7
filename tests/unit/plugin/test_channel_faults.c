/*
 * The plugin process's end of the wire (descriptor 0, blocking) when reads and writes are cut at each byte, fail, or memory does not
 * suffice: it goes on where it can, and else ends with the documented status. Each case is a process of its own, as in life.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/process/channel.h"
#include "tests/kit/test.h"
#include "tests/unit/fault.h"

struct scene {
    const long *reads, *writes;
    size_t nreads, nwrites, fail_at, size;
    int other; /* the host's end */
    bool repeat;
};

static char text[200000];

static size_t put_answer(struct sg_wire_out *out, size_t size)
{
    memset(text, 'y', size);
    text[size] = '\0';
    sg_wire_out_init(out, SG_WIRE_MAX_ANSWER);
    sg_wire_begin(out, SG_WIRE_ANSWER_TEXT, 1);
    sg_wire_put_text(out, text);
    return sg_wire_end(out) == 0 ? out->length : 0;
}

/* Asks, gets a text, keeps it; what was asked waits in the host's end. */
static void exchange(void *context)
{
    const struct scene *scene = context;
    struct sg_wire_frame frame;
    struct sg_wire_out answer;
    struct sg_wire_fields fields;
    unsigned char *kept;
    int sockets[2], size = 1 << 20;
    size_t length = put_answer(&answer, scene->size);
    unsigned char asked[64];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 || dup2(sockets[0], SG_CHANNEL_FD) < 0 ||
        setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size) != 0)
        _exit(90);
    if (send(sockets[1], answer.data, length, MSG_DONTWAIT) != (ssize_t)length)
        _exit(91);
    sg_wire_out_release(&answer);
    fault_reads(SG_CHANNEL_FD, scene->reads, scene->nreads);
    fault_writes(SG_CHANNEL_FD, scene->writes, scene->nwrites);
    if (scene->repeat)
        fault_repeat();
    fault_memory(scene->fail_at);
    sg_wire_put_text(sg_channel_begin(SG_WIRE_DDL), "CREATE TABLE a ()");
    if (sg_channel_ask(SG_WIRE_ANSWER_TEXT, &frame) != 0)
        _exit(92);
    kept = sg_channel_keep(&frame);
    frame.payload = kept;
    sg_wire_fields_init(&fields, &frame);
    if (strcmp(sg_wire_get_text(&fields), text) != 0 || !sg_wire_complete(&fields))
        _exit(93);
    if (scene->fail_at != 0 && fault_allocations() >= scene->fail_at)
        _exit(94);
    fault_none();
    /* a frame: 12 bytes, 4 of length, the text and its NUL */
    if (recv(sockets[1], asked, sizeof asked, MSG_DONTWAIT) != SG_WIRE_HEADER + 4 + 18 || memcmp(asked + 16, "CREATE TABLE a ()", 18) != 0)
        _exit(95);
    free(kept);
}

static int play(struct scene *scene)
{
    char said[256];
    int status;

    if (scene->size == 0)
        scene->size = 20;
    status = fault_child(exchange, scene, said, sizeof said);
    T_EQ_STR(said, "");
    return status;
}

SG_TEST(reads_and_writes_cut_at_each_byte)
{
    const long bytes[] = {1, -EINTR};

    for (long cut = 1; cut < 37; cut++) {
        const long reads[] = {-EINTR, cut, -EINTR}, writes[] = {cut < 34 ? cut : 1, -EINTR, 1, -EINTR};

        T_EQ_INT(play(&(struct scene){.reads = reads, .nreads = 3, .writes = writes, .nwrites = 4}), 0);
    }
    T_EQ_INT(play(&(struct scene){.reads = bytes, .nreads = 2, .writes = bytes, .nwrites = 2, .repeat = true}), 0);
}

/* The host is gone, or its end is not what it was: nothing half is taken for whole. */
SG_TEST(the_end_after_each_byte)
{
    static const long ends_of_it[] = {0, -ECONNRESET, -EAGAIN, -EIO};

    for (long cut = 1; cut < 37; cut++) {
        const long plan[] = {cut, ends_of_it[cut % 4]};

        T_EQ_INT(play(&(struct scene){.reads = plan, .nreads = 2}), SG_EXIT_HOST);
        if (cut < 34)
            T_EQ_INT(play(&(struct scene){.writes = plan, .nwrites = 2}), SG_EXIT_HOST);
    }
}

SG_TEST(without_memory_it_ends)
{
    size_t n = 0;
    int status;

    do {
        T_MUST(++n < 100);
        status = play(&(struct scene){.fail_at = n, .size = 100000});
        if (status != 0)
            T_MUST_EQ_INT(status, SG_EXIT_MEMORY);
    } while (status != 0);
    T_GT_INT(n, 4); /* the request, the answer's first and further room, the copy */
}

static void too_large(void *context)
{
    static char large[(18 << 20) + 1];

    (void)context;
    memset(large, 'x', sizeof large - 1);
    sg_wire_put_text(sg_channel_begin(SG_WIRE_DDL), large);
    _exit(sg_channel_send() == -1 ? 3 : 2);
}

/* Too large is another thing than too little memory: the caller can say of what. */
SG_TEST(what_is_too_large_is_not_sent)
{
    char said[64];

    T_EQ_INT(fault_child(too_large, NULL, said, sizeof said), 3);
}

static const struct sg_test tests[] = {SG_CASE(reads_and_writes_cut_at_each_byte), SG_CASE(the_end_after_each_byte),
                                       SG_CASE(without_memory_it_ends), SG_CASE(what_is_too_large_is_not_sent), SG_CASES_END};
static const struct sg_suite suites[] = {{"channel_faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
