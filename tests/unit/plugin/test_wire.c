/*
 * Frames and fields: what is written is read back, in pieces of any size; what is cut, forged or too long is not.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/wire/wire.h"
#include "tests/kit/test.h"

static void put_sample(struct sg_wire_out *out)
{
    const struct sg_wire_hello hello = {.missing = 2,
                                        .size = 56,
                                        .magic = 0x53475231,
                                        .abi_major = 1,
                                        .kind = 2,
                                        .flags = 3,
                                        .id = "0096_lead_name",
                                        .title = "",
                                        .entries = {{1, NULL}, {2, "/lib/x.so"}, {0, NULL}}};

    sg_wire_begin(out, SG_WIRE_HELLO, 1);
    sg_wire_put_hello(out, &hello);
    T_EQ_INT(sg_wire_end(out), 0);
    sg_wire_begin(out, SG_WIRE_QUERY, 2);
    sg_wire_put_bytes(out, "a\0b", 3);
    sg_wire_put_u32(out, 3);
    sg_wire_put_value(out, "one");
    sg_wire_put_value(out, NULL);
    sg_wire_put_value(out, "");
    T_EQ_INT(sg_wire_end(out), 0);
    sg_wire_begin(out, SG_WIRE_DONE, 3);
    sg_wire_put_i64(out, INT64_MIN + 7);
    sg_wire_put_text(out, NULL);
    T_EQ_INT(sg_wire_end(out), 0);
    sg_wire_begin(out, SG_WIRE_LEAVE, 0xFFFFFFFE);
    T_EQ_INT(sg_wire_end(out), 0);
}

static void check_sample(const struct sg_wire_frame *frame, int number)
{
    struct sg_wire_fields fields;
    struct sg_wire_hello hello;
    size_t length;
    const char *bytes;

    sg_wire_fields_init(&fields, frame);
    switch (number) {
    case 0:
        T_EQ_INT(frame->type, SG_WIRE_HELLO);
        T_EQ_INT(frame->seq, 1);
        sg_wire_get_hello(&fields, &hello);
        T_EQ_INT(hello.missing, 2);
        T_EQ_INT(hello.magic, 0x53475231);
        T_EQ_INT(hello.flags, 3);
        T_EQ_STR(hello.id, "0096_lead_name");
        T_EQ_STR(hello.title, "");
        T_NULL(hello.key);
        T_EQ_INT(hello.entries[1].found, SG_WIRE_BORROWED);
        T_EQ_STR(hello.entries[1].from, "/lib/x.so");
        T_NULL(hello.entries[2].from);
        break;
    case 1:
        T_EQ_INT(frame->type, SG_WIRE_QUERY);
        bytes = sg_wire_get_bytes(&fields, &length);
        T_EQ_MEM(bytes, length, "a\0b", 3);
        T_EQ_INT(sg_wire_get_u32(&fields), 3);
        T_EQ_STR(sg_wire_get_value(&fields), "one");
        T_NULL(sg_wire_get_value(&fields));
        T_EQ_STR(sg_wire_get_value(&fields), "");
        break;
    case 2:
        T_EQ_INT(frame->type, SG_WIRE_DONE);
        T_EQ_INT(sg_wire_get_i64(&fields), INT64_MIN + 7);
        T_NULL(sg_wire_get_text(&fields));
        break;
    default:
        T_EQ_INT(frame->type, SG_WIRE_LEAVE);
        T_EQ_INT(frame->seq, 0xFFFFFFFE);
        T_EQ_INT(frame->length, 0);
    }
    T_TRUE(sg_wire_complete(&fields));
}

/* Gives the decoder `n` bytes as a read() would. */
static void feed(struct sg_wire_in *in, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        size_t room, part;
        unsigned char *to = sg_wire_room(in, &room);

        T_MUST_NOT_NULL(to);
        T_MUST(room > 0);
        part = n < room ? n : room;
        memcpy(to, bytes, part);
        sg_wire_got(in, part);
        bytes += part;
        n -= part;
    }
}

SG_TEST(reads_back_what_was_written)
{
    for (size_t piece = 1; piece < 40; piece++) {
        struct sg_wire_out out;
        struct sg_wire_in in;
        struct sg_wire_frame frame;
        int number = 0;

        sg_wire_out_init(&out, SG_WIRE_MAX_REQUEST);
        sg_wire_in_init(&in, SG_WIRE_MAX_REQUEST);
        put_sample(&out);
        for (size_t at = 0; at < out.length; at += piece) {
            feed(&in, out.data + at, out.length - at < piece ? out.length - at : piece);
            while (sg_wire_next(&in, &frame) == 1)
                check_sample(&frame, number++);
        }
        T_EQ_INT(number, 4);
        sg_wire_in_release(&in);
        sg_wire_out_release(&out);
    }
}

SG_TEST(every_truncation_only_waits)
{
    struct sg_wire_out out;

    sg_wire_out_init(&out, SG_WIRE_MAX_REQUEST);
    put_sample(&out);
    for (size_t length = 0; length < out.length; length++) {
        /* its own memory, so that reading past the end is seen by the sanitizers */
        struct sg_wire_in in;
        struct sg_wire_frame frame;
        int number = 0, status;

        sg_wire_in_init(&in, SG_WIRE_MAX_REQUEST);
        feed(&in, out.data, length);
        while ((status = sg_wire_next(&in, &frame)) == 1)
            number++;
        T_EQ_INT(status, 0);
        T_LT_INT(number, 4);
        sg_wire_in_release(&in);
    }
    sg_wire_out_release(&out);
}

/* A frame whose payload is exactly these bytes, in memory of exactly that size. */
static struct sg_wire_frame exact(const unsigned char *bytes, size_t length, unsigned char **memory_r)
{
    struct sg_wire_frame frame = {SG_WIRE_HELLO, 1, NULL, length};

    *memory_r = malloc(length > 0 ? length : 1);
    memcpy(*memory_r, bytes, length);
    frame.payload = *memory_r;
    return frame;
}

SG_TEST(every_cut_or_changed_payload_is_refused_or_harmless)
{
    struct sg_wire_out out;
    size_t payload;

    sg_wire_out_init(&out, SG_WIRE_MAX_REQUEST);
    put_sample(&out);
    payload = (size_t)out.data[0] | (size_t)out.data[1] << 8;
    for (size_t length = 0; length < payload; length++) {
        unsigned char *memory;
        const struct sg_wire_frame frame = exact(out.data + SG_WIRE_HEADER, length, &memory);
        struct sg_wire_fields fields;
        struct sg_wire_hello hello;

        sg_wire_fields_init(&fields, &frame);
        sg_wire_get_hello(&fields, &hello);
        T_FALSE(sg_wire_complete(&fields));
        T_TRUE(fields.bad);
        free(memory);
    }
    for (size_t at = 0; at < payload; at++)
        for (int bit = 0; bit < 8; bit++) {
            unsigned char *memory;
            const struct sg_wire_frame frame = exact(out.data + SG_WIRE_HEADER, payload, &memory);
            struct sg_wire_fields fields;
            struct sg_wire_hello hello;

            memory[at] ^= (unsigned char)(1 << bit);
            sg_wire_fields_init(&fields, &frame);
            sg_wire_get_hello(&fields, &hello);
            if (sg_wire_complete(&fields) && hello.id != NULL)
                T_LE_INT(strlen(hello.id), payload);
            free(memory);
        }
    sg_wire_out_release(&out);
}

static bool value_is_good(const char *bytes, size_t length, const char *expected)
{
    unsigned char *memory;
    const struct sg_wire_frame frame = exact((const unsigned char *)bytes, length, &memory);
    struct sg_wire_fields fields;
    const char *value;
    bool good;

    sg_wire_fields_init(&fields, &frame);
    value = sg_wire_get_value(&fields);
    good = sg_wire_complete(&fields);
    if (good)
        T_EQ_STR(value, expected);
    else
        T_NULL(value);
    free(memory);
    return good;
}

SG_TEST(a_value_has_one_spelling)
{
    T_TRUE(value_is_good("\0", 1, NULL));
    T_TRUE(value_is_good("\1\0", 2, ""));
    T_TRUE(value_is_good("\3ab\0", 4, "ab"));
    T_FALSE(value_is_good("", 0, NULL));
    T_FALSE(value_is_good("\3ab", 3, NULL));           /* no NUL */
    T_FALSE(value_is_good("\3ab!", 4, NULL));          /* none where it belongs */
    T_FALSE(value_is_good("\3a\0\0", 4, NULL));        /* one inside */
    T_FALSE(value_is_good("\x83\0ab\0", 5, NULL));     /* a length in two bytes that fits into one */
    T_FALSE(value_is_good("\x80\x80\x80", 3, NULL));   /* a length without an end */
    T_FALSE(value_is_good("\xff\xff\xff\xff\xff\xff\xff", 7, NULL));
    T_FALSE(value_is_good("\xff\xff\xff\xff\x7f", 5, NULL));
}

SG_TEST(long_values_are_read_back)
{
    static const size_t lengths[] = {126, 127, 128, 16382, 16383, 16384, 1 << 20, (1 << 21) + 5};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct sg_wire_out out;
        struct sg_wire_frame frame = {0};
        struct sg_wire_fields fields;
        char *text = malloc(lengths[i] + 1);
        const char *value;

        memset(text, 'v', lengths[i]);
        text[lengths[i]] = '\0';
        sg_wire_out_init(&out, SG_WIRE_MAX_ANSWER);
        sg_wire_begin(&out, SG_WIRE_ANSWER_ROWS, 1);
        sg_wire_put_value(&out, text);
        T_EQ_INT(sg_wire_end(&out), 0);
        frame.payload = out.data + SG_WIRE_HEADER;
        frame.length = out.length - SG_WIRE_HEADER;
        sg_wire_fields_init(&fields, &frame);
        value = sg_wire_get_value(&fields);
        T_TRUE(value != NULL && strcmp(value, text) == 0);
        T_TRUE(sg_wire_complete(&fields));
        sg_wire_out_release(&out);
        free(text);
    }
}

static int status_of_length(uint32_t length, size_t limit)
{
    const unsigned char header[SG_WIRE_HEADER] = {(unsigned char)length, (unsigned char)(length >> 8), (unsigned char)(length >> 16),
                                                  (unsigned char)(length >> 24), 21};
    struct sg_wire_in in;
    struct sg_wire_frame frame;
    int status;

    sg_wire_in_init(&in, limit);
    feed(&in, header, sizeof header);
    status = sg_wire_next(&in, &frame);
    /* what a header promises is not allocated */
    T_LE_INT(in.capacity, 64 << 10);
    sg_wire_in_release(&in);
    return status;
}

SG_TEST(a_length_over_the_limit_ends_it)
{
    T_EQ_INT(status_of_length(0, 1000), 1);
    T_EQ_INT(status_of_length(1000, 1000), 0);
    T_EQ_INT(status_of_length(1001, 1000), -1);
    T_EQ_INT(status_of_length(0x80000000u, SG_WIRE_MAX_REQUEST), -1);
    T_EQ_INT(status_of_length(0xFFFFFFFFu, SG_WIRE_MAX_ANSWER), -1);
    T_EQ_INT(status_of_length((uint32_t)SG_WIRE_MAX_REQUEST, SG_WIRE_MAX_REQUEST), 0);
}

SG_TEST(a_frame_over_the_limit_is_taken_back)
{
    struct sg_wire_out out;
    char bytes[200] = {0};

    sg_wire_out_init(&out, 100);
    sg_wire_begin(&out, SG_WIRE_DDL, 1);
    sg_wire_put_bytes(&out, bytes, 90);
    T_EQ_INT(sg_wire_end(&out), 0);
    T_EQ_INT(out.length, SG_WIRE_HEADER + 4 + 91);
    sg_wire_begin(&out, SG_WIRE_DDL, 2);
    sg_wire_put_bytes(&out, bytes, 96);
    sg_wire_put_u32(&out, 1);
    T_EQ_INT(sg_wire_end(&out), -1);
    T_EQ_INT(out.length, SG_WIRE_HEADER + 4 + 91);
    sg_wire_out_clear(&out);
    sg_wire_begin(&out, SG_WIRE_DDL, 3);
    sg_wire_put_bytes(&out, bytes, 200);
    T_EQ_INT(sg_wire_end(&out), -1);
    T_EQ_INT(out.length, 0);
    sg_wire_out_release(&out);
}

SG_TEST(what_was_sent_can_be_dropped)
{
    struct sg_wire_out out;
    struct sg_wire_in in;
    struct sg_wire_frame frame;
    int number = 0;

    sg_wire_out_init(&out, SG_WIRE_MAX_REQUEST);
    sg_wire_in_init(&in, SG_WIRE_MAX_REQUEST);
    put_sample(&out);
    while (out.length > 0) {
        feed(&in, out.data, out.length < 7 ? out.length : 7);
        sg_wire_out_drop(&out, 7);
    }
    while (sg_wire_next(&in, &frame) == 1)
        check_sample(&frame, number++);
    T_EQ_INT(number, 4);
    sg_wire_in_release(&in);
    sg_wire_out_release(&out);
}

SG_TEST(random_bytes_do_no_harm)
{
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[96], *memory;
        size_t length = sg_test_rand(sizeof bytes);
        struct sg_wire_frame frame;
        struct sg_wire_fields fields;
        size_t n;

        for (size_t i = 0; i < length; i++)
            bytes[i] = sg_test_rand(3) > 0 ? (unsigned char)sg_test_rand(5) : (unsigned char)sg_test_rand(256);
        frame = exact(bytes, length, &memory);
        sg_wire_fields_init(&fields, &frame);
        while (!fields.bad && fields.at < fields.end)
            switch (sg_test_rand(5)) {
            case 0:
                (void)sg_wire_get_u32(&fields);
                break;
            case 1:
                (void)sg_wire_get_i64(&fields);
                break;
            case 2:
                (void)sg_wire_get_bytes(&fields, &n);
                break;
            case 3:
                (void)sg_wire_get_text(&fields);
                break;
            default:
                (void)sg_wire_get_value(&fields);
            }
        T_TRUE(fields.at <= fields.end);
        free(memory);
    }
}

SG_TEST(types_have_names)
{
    T_EQ_STR(sg_wire_name(SG_WIRE_DONE), "done");
    T_EQ_STR(sg_wire_name(SG_WIRE_SETUP), "setup");
    T_EQ_STR(sg_wire_name(99), "unknown");
}

static const struct sg_test wire[] = {SG_CASE(reads_back_what_was_written),
                                      SG_CASE(every_truncation_only_waits),
                                      SG_CASE(every_cut_or_changed_payload_is_refused_or_harmless),
                                      SG_CASE(a_value_has_one_spelling),
                                      SG_CASE(long_values_are_read_back),
                                      SG_CASE(a_length_over_the_limit_ends_it),
                                      SG_CASE(a_frame_over_the_limit_is_taken_back),
                                      SG_CASE(what_was_sent_can_be_dropped),
                                      SG_CASE(random_bytes_do_no_harm),
                                      SG_CASE(types_have_names),
                                      SG_CASES_END};
static const struct sg_suite suites[] = {{"wire", wire}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
