/*
 * What a plugin asks for, decoded: honest requests are read whole, no other gets through.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/plugin/abi.h"
#include "core/plugin/request.h"
#include "tests/kit/test.h"

static struct sg_wire_out out;
static struct sg_arena arena;
static struct sg_request request;
static enum sg_wire_type answer;

static struct sg_wire_out *begin(enum sg_wire_type type)
{
    sg_wire_out_init(&out, SG_WIRE_MAX_REQUEST);
    sg_wire_begin(&out, type, 1);
    return &out;
}

static enum sg_request_read read_it(void)
{
    struct sg_wire_frame frame;

    T_MUST_EQ_INT(sg_wire_end(&out), 0);
    frame.type = out.data[4];
    frame.seq = 1;
    frame.payload = out.data + SG_WIRE_HEADER;
    frame.length = out.length - SG_WIRE_HEADER;
    return sg_request_read(&frame, &arena, &request, &answer);
}

static void forget(void)
{
    sg_wire_out_release(&out);
    sg_arena_reset(&arena);
}

SG_TEST(statements_are_read)
{
    sg_wire_put_bytes(begin(SG_WIRE_DDL), "CREATE\0x", 8);
    T_EQ_INT(read_it(), SG_REQUEST_READ);
    T_EQ_INT(request.kind, SG_REQUEST_DDL);
    T_EQ_INT(answer, SG_WIRE_ANSWER_INT);
    T_EQ_MEM(request.sql, request.sql_length, "CREATE\0x", 8); /* that NUL is for the policy to refuse */
    forget();
    sg_wire_put_text(begin(SG_WIRE_QUERY), "SELECT $1");
    sg_wire_put_u32(&out, 3);
    sg_wire_put_value(&out, "a");
    sg_wire_put_value(&out, NULL);
    sg_wire_put_value(&out, "");
    T_EQ_INT(read_it(), SG_REQUEST_READ);
    T_EQ_INT(request.kind, SG_REQUEST_QUERY);
    T_EQ_INT(answer, SG_WIRE_ANSWER_ROWS);
    T_EQ_INT(request.n, 3);
    T_EQ_STR(request.values[0], "a");
    T_NULL(request.values[1]);
    T_EQ_STR(request.values[2], "");
    forget();
    sg_wire_put_text(begin(SG_WIRE_EXISTS), "SELECT $1");
    sg_wire_put_u32(&out, 1);
    sg_wire_put_value(&out, "a");
    T_EQ_INT(read_it(), SG_REQUEST_READ);
    T_EQ_INT(request.kind, SG_REQUEST_EXISTS);
    T_EQ_INT(answer, SG_WIRE_ANSWER_INT);
    T_EQ_STR(request.sql, "SELECT $1");
    T_EQ_INT(request.n, 1);
    forget();
}

SG_TEST(statements_are_bounded)
{
    char *large = calloc(1, SG_MAX_FUNCTION + 2);

    memset(large, ' ', SG_MAX_FUNCTION + 1);
    sg_wire_put_bytes(begin(SG_WIRE_DDL), large, SG_MAX_FUNCTION);
    T_EQ_INT(read_it(), SG_REQUEST_READ);
    forget();
    sg_wire_put_bytes(begin(SG_WIRE_DDL), large, SG_MAX_FUNCTION + 1);
    T_EQ_INT(read_it(), SG_REQUEST_BAD);
    forget();
    free(large);
    sg_wire_put_text(begin(SG_WIRE_DDL), NULL);
    T_EQ_INT(read_it(), SG_REQUEST_BAD);
    forget();
    sg_wire_put_text(begin(SG_WIRE_DDL), "CREATE");
    sg_wire_put_u32(&out, 0); /* more than the statement */
    T_EQ_INT(read_it(), SG_REQUEST_BAD);
    forget();
}

SG_TEST(parameters_are_counted)
{
    static const uint32_t claims[] = {2, 65535, 65536, 0x7FFFFFFF, 0xFFFFFFFF};

    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        sg_wire_put_text(begin(SG_WIRE_DML), "DELETE FROM t WHERE a = $1");
        sg_wire_put_u32(&out, claims[i]);
        sg_wire_put_value(&out, "one");
        T_EQ_INT(read_it(), SG_REQUEST_BAD);
        forget();
    }
    sg_wire_put_text(begin(SG_WIRE_DML), "DELETE FROM t");
    sg_wire_put_u32(&out, SG_MAX_PARAMETERS);
    for (int i = 0; i < SG_MAX_PARAMETERS; i++)
        sg_wire_put_value(&out, NULL);
    T_EQ_INT(read_it(), SG_REQUEST_READ);
    T_EQ_INT(request.n, SG_MAX_PARAMETERS);
    forget();
}

static enum sg_request_read question(enum sg_wire_type type, uint32_t what, const char *a, const char *b)
{
    enum sg_request_read status;

    sg_wire_put_u32(begin(type), what);
    sg_wire_put_text(&out, a);
    sg_wire_put_text(&out, b);
    status = read_it();
    forget();
    return status;
}

SG_TEST(questions_are_known_ones)
{
    static const bool two[] = {false, false, true, false, true, false, true, false, true, false, false, false, false, true};

    for (uint32_t what = SG_CHECK_TABLE; what <= SG_CHECK_POLICY; what++) {
        T_EQ_INT(question(SG_WIRE_CHECK, what, "a", two[what] ? "b" : NULL), SG_REQUEST_READ);
        T_EQ_INT(question(SG_WIRE_CHECK, what, "a", two[what] ? NULL : "b"), SG_REQUEST_BAD);
        T_EQ_INT(question(SG_WIRE_CHECK, what, NULL, two[what] ? "b" : NULL), SG_REQUEST_BAD);
        T_EQ_INT(question(SG_WIRE_DESCRIBE, what, "a", two[what] ? "b" : NULL), SG_REQUEST_BAD);
    }
    T_EQ_INT(question(SG_WIRE_DESCRIBE, SG_DESCRIBE_COLUMN_TYPE, "a", "b"), SG_REQUEST_READ);
    T_EQ_INT(answer, SG_WIRE_ANSWER_TEXT);
    T_EQ_INT(question(SG_WIRE_DESCRIBE, SG_DESCRIBE_CONSTRAINT, "a", "b"), SG_REQUEST_READ);
    T_EQ_INT(question(SG_WIRE_CHECK, SG_DESCRIBE_CONSTRAINT, "a", "b"), SG_REQUEST_BAD);
    T_EQ_INT(question(SG_WIRE_CHECK, 0, "a", NULL), SG_REQUEST_BAD);
    T_EQ_INT(question(SG_WIRE_CHECK, SG_CHECK_POLICY + 1, "a", "b"), SG_REQUEST_BAD);
    T_EQ_INT(question(SG_WIRE_DESCRIBE, SG_DESCRIBE_CONSTRAINT + 1, "a", "b"), SG_REQUEST_BAD);
    T_EQ_INT(question(SG_WIRE_CHECK, 0xFFFFFFFF, "a", "b"), SG_REQUEST_BAD);
}

SG_TEST(the_end_is_read)
{
    sg_wire_put_i64(begin(SG_WIRE_DONE), -3);
    sg_wire_put_text(&out, "why");
    T_EQ_INT(read_it(), SG_REQUEST_READ);
    T_EQ_INT(request.kind, SG_REQUEST_DONE);
    T_EQ_INT(request.status, -3);
    T_EQ_STR(request.fail, "why");
    forget();
    sg_wire_put_i64(begin(SG_WIRE_DONE), 0);
    T_EQ_INT(read_it(), SG_REQUEST_BAD);
    forget();
}

SG_TEST(all_else_is_no_request)
{
    for (uint32_t type = 0; type < 64; type++) {
        if (type >= SG_WIRE_DDL && type <= SG_WIRE_DESCRIBE)
            continue;
        if (type == SG_WIRE_DONE || type == SG_WIRE_EXISTS)
            continue;
        begin((enum sg_wire_type)type);
        T_EQ_INT(read_it(), SG_REQUEST_OTHER);
        forget();
    }
}

static const struct sg_test tests[] = {SG_CASE(statements_are_read),      SG_CASE(statements_are_bounded), SG_CASE(parameters_are_counted),
                                       SG_CASE(questions_are_known_ones), SG_CASE(the_end_is_read),        SG_CASE(all_else_is_no_request),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"request", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
