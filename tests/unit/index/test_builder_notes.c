/*
 * What a builder tells crosses whole, whatever is in it; what is no such note is not believed.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/index/builder.h"
#include "tests/kit/test.h"

static int ends[2];
static struct sg_arena arena;

static void pair(void)
{
    T_MUST_EQ_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    sg_arena_init(&arena);
}

static void unpair(void)
{
    close(ends[0]);
    close(ends[1]);
    sg_arena_release(&arena);
}

/* There and back, by way of the socket. */
static struct sg_note cross(const struct sg_note *note)
{
    struct sg_note got;
    T_MUST(sg_note_send(ends[0], note));
    T_MUST_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
    return got;
}

SG_TEST(progress_crosses)
{
    pair();
    struct sg_index_progress sent = {.phase = "building index: scanning table",
                                     .phase_number = 2,
                                     .phases = 5,
                                     .done = 1LL << 40,
                                     .total = 1LL << 41,
                                     .blocks = true,
                                     .fraction = 0.5,
                                     .seconds_left = 77,
                                     .waits_for = "pid 4711 (psql, user k\xc3\xb6ln)",
                                     .waits_ms = 3000000000,
                                     .doing = "",
                                     .part = 3,
                                     .parts = 12,
                                     .elapsed_ms = 5000000000},
                             got;
    struct sg_note note, back;
    sg_builder_pack_progress(&sent, &note);
    back = cross(&note);
    T_MUST_EQ_INT(sg_builder_unpack_progress(&back, &got), 0);
    T_EQ_STR(got.phase, sent.phase);
    T_EQ_INT(got.phase_number, 2);
    T_EQ_INT(got.phases, 5);
    T_EQ_INT(got.done, sent.done);
    T_EQ_INT(got.total, sent.total);
    T_TRUE(got.blocks);
    T_TRUE(got.fraction == 0.5);
    T_EQ_INT(got.seconds_left, 77);
    T_EQ_STR(got.waits_for, sent.waits_for);
    T_EQ_INT(got.waits_ms, 3000000000);
    T_EQ_STR(got.doing, "");
    T_EQ_INT(got.part, 3);
    T_EQ_INT(got.parts, 12);
    T_EQ_INT(got.elapsed_ms, 5000000000);
    /* Nothing known. */
    sent = (struct sg_index_progress){.fraction = -1, .seconds_left = -1};
    sg_builder_pack_progress(&sent, &note);
    back = cross(&note);
    T_MUST_EQ_INT(sg_builder_unpack_progress(&back, &got), 0);
    T_NULL(got.phase);
    T_NULL(got.waits_for);
    T_NULL(got.doing);
    T_TRUE(got.fraction == -1);
    T_EQ_INT(got.seconds_left, -1);
    T_FALSE(got.blocks);
    /* A server that counts past its total, and what is no number. */
    sent.fraction = 1.25;
    sg_builder_pack_progress(&sent, &note);
    T_MUST_EQ_INT(sg_builder_unpack_progress(&note, &got), 0);
    T_TRUE(got.fraction == 1);
    sent.fraction = (double)NAN;
    sg_builder_pack_progress(&sent, &note);
    T_MUST_EQ_INT(sg_builder_unpack_progress(&note, &got), 0);
    T_TRUE(got.fraction == -1);
    unpair();
}

SG_TEST(results_cross)
{
    pair();
    for (int end = SG_INDEX_END_ALREADY; end <= SG_INDEX_END_NOT_REACHED; end++) {
        for (int flags = 0; flags < 8; flags++) {
            struct sg_index_result sent = {.end = (enum sg_index_end)end,
                                           .duration_ms = 1LL << 40,
                                           .build_ms = -1,
                                           .bytes = 1LL << 50,
                                           .attempts = 3,
                                           .rebuilt = flags & 1,
                                           .carcass = flags & 2,
                                           .duplicates = flags & 4,
                                           .partitions = 17,
                                           .note = end % 2 ? "is now constraint uq_x" : NULL},
                                   got;
            struct sg_note note, back;
            if (end == SG_INDEX_END_FAILED) {
                sg_err_set(&sent.err, SG_CLASS_SQL, "could not create unique index");
                sg_err_sqlstate(&sent.err, "23505");
                sg_err_detail(&sent.err, "(a, b)=(1, 2): 3 times");
                sg_err_hint(&sent.err, "Remove them.");
                sg_err_at(&sent.err, "prod.ini", 12);
                sg_err_step(&sent.err, "uq_x");
                sg_err_statement(&sent.err, "CREATE UNIQUE INDEX CONCURRENTLY uq_x ON t (a, b)", 8);
            }
            sg_builder_pack_result(&sent, &note);
            back = cross(&note);
            T_MUST_EQ_INT(sg_builder_unpack_result(&back, &got), 0);
            T_EQ_INT(got.end, end);
            T_EQ_INT(got.duration_ms, sent.duration_ms);
            T_EQ_INT(got.build_ms, -1);
            T_EQ_INT(got.bytes, sent.bytes);
            T_EQ_INT(got.attempts, 3);
            T_EQ_INT(got.rebuilt, sent.rebuilt);
            T_EQ_INT(got.carcass, sent.carcass);
            T_EQ_INT(got.duplicates, sent.duplicates);
            T_EQ_INT(got.partitions, 17);
            T_EQ_STR(got.note, sent.note);
            T_EQ_INT(got.err.class, sent.err.class);
            T_EQ_STR(got.err.sqlstate, sent.err.sqlstate);
            T_EQ_STR(got.err.primary, sent.err.primary);
            T_EQ_STR(got.err.detail, sent.err.detail);
            T_EQ_STR(got.err.hint, sent.err.hint);
            T_EQ_STR(got.err.file, sent.err.file);
            T_EQ_INT(got.err.line, sent.err.line);
            T_EQ_STR(got.err.step, sent.err.step);
            T_EQ_STR(got.err.statement, sent.err.statement);
            T_EQ_INT(got.err.position, sent.err.position);
            sg_err_release(&sent.err);
        }
    }
    unpair();
}

SG_TEST(long_texts_are_cut)
{
    pair();
    char *huge = malloc(1000001);
    T_MUST_NOT_NULL(huge);
    memset(huge, 'x', 1000000);
    huge[1000000] = '\0';
    struct sg_index_result sent = {.end = SG_INDEX_END_FAILED, .note = huge}, got;
    sg_err_set(&sent.err, SG_CLASS_SQL, "what is wrong");
    sg_err_statement(&sent.err, huge, 0);
    struct sg_note note, back;
    sg_builder_pack_result(&sent, &note);
    back = cross(&note);
    T_MUST_EQ_INT(sg_builder_unpack_result(&back, &got), 0);
    T_EQ_STR(got.err.primary, "what is wrong");
    T_GT_INT(strlen(got.note), 1000);
    T_LE_INT(strlen(got.note) + strlen(got.err.statement), SG_NOTE_LIMIT);
    sg_err_release(&sent.err);
    free(huge);
    unpair();
}

SG_TEST(garbage_is_not_believed)
{
    struct sg_index_progress progress = {.phases = 5}, progress_got;
    struct sg_index_result result = {.end = SG_INDEX_END_BUILT}, result_got;
    struct sg_note note, bad;
    sg_builder_pack_progress(&progress, &note);
    T_EQ_INT(sg_builder_unpack_result(&note, &result_got), -1);
    for (int i = 0; i < SG_NOTE_NUMBERS; i++) {
        bad = note;
        bad.n[i] = INT64_MIN;
        int r = sg_builder_unpack_progress(&bad, &progress_got);
        T_EQ_INT(r, i <= 1 || i == 8 || i == 9 ? -1 : 0);
    }
    sg_builder_pack_result(&result, &note);
    T_EQ_INT(sg_builder_unpack_progress(&note, &progress_got), -1);
    T_EQ_INT(sg_builder_unpack_result(&note, &result_got), 0);
    bad = note;
    bad.n[0] = SG_INDEX_END_NOT_REACHED + 1;
    T_EQ_INT(sg_builder_unpack_result(&bad, &result_got), -1);
    bad.n[0] = -1;
    T_EQ_INT(sg_builder_unpack_result(&bad, &result_got), -1);
    bad = note;
    bad.n[4] = INT64_MAX;
    T_EQ_INT(sg_builder_unpack_result(&bad, &result_got), -1);
}

static const struct sg_test tests[] = {
    SG_CASE(progress_crosses),
    SG_CASE(results_cross),
    SG_CASE(long_texts_are_cut),
    SG_CASE(garbage_is_not_believed),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"builder_notes", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
