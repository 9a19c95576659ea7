/*
 * Notes between a worker and its supervisor: everything crosses, nothing is believed, and nobody waits for ever.
 */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/exec/note.h"
#include "core/base/text.h"
#include "tests/kit/test.h"

static int ends[2];
static struct sg_arena arena;

static void pair(void)
{
    T_MUST_EQ_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    sg_arena_init(&arena);
}

static void unpair(void)
{
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
    }
    sg_arena_release(&arena);
}

SG_TEST(everything_crosses)
{
    pair();
    struct sg_note sent = {.kind = 7, .n = {INT64_MIN, -1, INT64_MAX, [SG_NOTE_NUMBERS - 1] = 4}, .texts = {"(17, 'k\xc3\xb6ln')", NULL, "third"}};
    sg_err_set(&sent.err, SG_CLASS_SQL, "division by %s", "zero");
    sg_err_detail(&sent.err, "row 17");
    sg_err_hint(&sent.err, "Mend the row.");
    sg_err_sqlstate(&sent.err, "22012");
    sg_err_at(&sent.err, "prod.ini", 42);
    sg_err_step(&sent.err, "lead_name");
    sg_err_statement(&sent.err, "UPDATE leads SET n = 1/0", 23);
    sent.err.uncertain = true;
    struct sg_note plain = {.kind = 9, .n = {1}};
    struct sg_note empty = {.kind = 0, .texts = {""}};
    T_TRUE(sg_note_send(ends[0], &sent));
    T_TRUE(sg_note_send(ends[0], &plain));
    T_TRUE(sg_note_send(ends[0], &empty));
    struct sg_note got;
    T_MUST_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
    T_EQ_INT(got.kind, 7);
    T_EQ_MEM(got.n, sizeof got.n, sent.n, sizeof sent.n);
    T_EQ_STR(got.texts[0], sent.texts[0]);
    T_NULL(got.texts[1]);
    T_EQ_STR(got.texts[2], "third");
    T_EQ_INT(got.err.class, SG_CLASS_SQL);
    T_EQ_STR(got.err.sqlstate, "22012");
    T_EQ_STR(got.err.primary, "division by zero");
    T_EQ_STR(got.err.detail, "row 17");
    T_EQ_STR(got.err.hint, "Mend the row.");
    T_EQ_STR(got.err.file, "prod.ini");
    T_EQ_INT(got.err.line, 42);
    T_EQ_STR(got.err.step, "lead_name");
    T_EQ_STR(got.err.statement, "UPDATE leads SET n = 1/0");
    T_EQ_INT(got.err.position, 23);
    T_TRUE(got.err.uncertain);
    T_MUST_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
    T_EQ_INT(got.kind, 9);
    T_EQ_INT(got.n[0], 1);
    T_NULL(got.texts[0]);
    T_NULL(got.err.primary);
    T_EQ_INT(got.err.class, SG_CLASS_NONE);
    T_FALSE(got.err.uncertain);
    T_MUST_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
    T_EQ_STR(got.texts[0], "");
    T_EQ_INT(sg_note_receive(ends[1], &arena, &got), 0);
    sg_err_release(&sent.err);
    unpair();
}

/* LENGTH bytes of two-byte characters, an odd byte before them if ODD. */
static char *umlauts(size_t length, bool odd)
{
    char *text = calloc(1, length + 2);
    T_MUST_NOT_NULL(text);
    size_t at = 0;
    if (odd) {
        text[at++] = 'x';
    }
    for (; at + 1 < length; at += 2) {
        memcpy(text + at, "\xc3\xb6", 2);
    }
    text[at] = '\0';
    return text;
}

SG_TEST(long_notes_are_cut_between_characters)
{
    pair();
    for (int odd = 0; odd < 2; odd++) {
        char *big = umlauts(1000000, odd), *other = umlauts(200000, !odd);
        struct sg_note sent = {.kind = 63, .texts = {"short"}}, got;
        sent.err = (struct sg_err){.class = SG_CLASS_SQL, .primary = sg_arena_strdup(&arena, "what is wrong"), .detail = other, .statement = big, .hint = big};
        T_TRUE(sg_note_send(ends[0], &sent));
        T_MUST_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
        T_EQ_STR(got.texts[0], "short");
        T_EQ_STR(got.err.primary, "what is wrong");
        const char *texts[] = {got.err.detail, got.err.statement, got.err.hint};
        for (int i = 0; i < 3; i++) {
            T_MUST_NOT_NULL(texts[i]);
            T_GT_INT(strlen(texts[i]), SG_NOTE_LIMIT / 4);
            T_TRUE(sg_text_utf8(texts[i], strlen(texts[i])));
        }
        T_LE_INT(strlen(texts[0]) + strlen(texts[1]) + strlen(texts[2]), SG_NOTE_LIMIT);
        free(big);
        free(other);
    }
    /* What is no UTF-8 is cut, too. */
    char *bytes = malloc(300001);
    T_MUST_NOT_NULL(bytes);
    memset(bytes, 0x80, 300000);
    bytes[300000] = '\0';
    struct sg_note sent = {.kind = 5, .texts = {bytes}}, got;
    T_TRUE(sg_note_send(ends[0], &sent));
    T_MUST_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
    T_GT_INT(strlen(got.texts[0]), SG_NOTE_LIMIT - 1000);
    free(bytes);
    unpair();
}

SG_TEST(garbage_is_not_believed)
{
    struct sg_note note = {.kind = 5, .texts = {"hello"}}, got;
    static char bytes[2 * SG_NOTE_LIMIT];
    char whole[SG_NOTE_LIMIT];
    pair();
    T_TRUE(sg_note_send(ends[0], &note));
    ssize_t length = recv(ends[1], whole, sizeof whole, 0);
    T_MUST(length > 5);
    /* Shorter and longer than it says. */
    for (ssize_t l = 1; l <= length + 3; l++) {
        T_EQ_INT(send(ends[0], whole, (size_t)l, 0), l);
        T_EQ_INT(sg_note_receive(ends[1], &arena, &got), l == length ? 1 : -1);
    }
    T_EQ_INT(send(ends[0], bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    T_EQ_INT(sg_note_receive(ends[1], &arena, &got), -1);
    /* Any bytes whatever: never more than an error. */
    for (int i = 0; i < 20000; i++) {
        memcpy(bytes, whole, (size_t)length);
        for (int n = (int)sg_test_rand(6); n >= 0; n--) {
            bytes[sg_test_rand((uint64_t)length)] = (char)sg_test_rand(256);
        }
        T_MUST(send(ends[0], bytes, (size_t)length, 0) == length);
        int r = sg_note_receive(ends[1], &arena, &got);
        T_MUST(r == 1 || r == -1);
        sg_arena_reset(&arena);
    }
    /* And the next one is understood. */
    T_TRUE(sg_note_send(ends[0], &note));
    T_EQ_INT(sg_note_receive(ends[1], &arena, &got), 1);
    T_EQ_STR(got.texts[0], "hello");
    unpair();
}

SG_TEST(the_other_end_is_gone)
{
    struct sg_note note = {.kind = 4}, got;
    pair();
    close(ends[1]);
    ends[1] = -1;
    /* No SIGPIPE: it would end this program. */
    T_FALSE(sg_note_send(ends[0], &note));
    T_EQ_INT(sg_note_receive(ends[0], &arena, &got), -1);
    unpair();
}

SG_TEST(last_words_are_heard)
{
    /* The worker goes, and has not read what it was sent. */
    struct sg_note last = {.kind = 63, .n = {3}, .texts = {"last words"}}, hold = {.kind = 9, .n = {1}}, got;
    pair();
    T_TRUE(sg_note_send(ends[0], &hold));
    T_TRUE(sg_note_send(ends[1], &last));
    close(ends[1]);
    ends[1] = -1;
    T_MUST_EQ_INT(sg_note_receive(ends[0], &arena, &got), 1);
    T_EQ_STR(got.texts[0], "last words");
    T_EQ_INT(sg_note_receive(ends[0], &arena, &got), -1);
    unpair();
}

static void *read_later(void *count)
{
    struct sg_note got;
    struct sg_arena mine;
    sg_arena_init(&mine);
    sg_test_sleep_ms(300);
    int *n = count;
    for (int64_t end = sg_test_now_ms() + 20000; sg_test_now_ms() < end;) {
        int r = sg_note_receive(ends[1], &mine, &got);
        if (r < 0) {
            break;
        }
        if (r == 0) {
            sg_test_sleep_ms(1);
        } else if (got.n[0] == *n) {
            ++*n;
        }
    }
    sg_arena_release(&mine);
    return NULL;
}

SG_TEST(waits_while_the_socket_is_full)
{
    pair();
    int count = 0;
    pthread_t reader;
    T_MUST_EQ_INT(pthread_create(&reader, NULL, read_later, &count), 0);
    int64_t begun = sg_test_now_ms();
    for (int i = 0; i < 5000; i++) {
        struct sg_note note = {.kind = 3, .n = {i}, .texts = {i % 500 ? NULL : "x"}};
        T_MUST(sg_note_send(ends[0], &note));
    }
    T_GE_INT(sg_test_now_ms() - begun, 200);
    close(ends[0]);
    ends[0] = -1;
    pthread_join(reader, NULL);
    T_EQ_INT(count, 5000);
    unpair();
}

static void nothing(int number)
{
    (void)number;
}

SG_TEST(does_not_wait_for_one_that_goes)
{
    pair();
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    pid_t parent = getpid();
    pid_t child = fork();
    T_MUST(child >= 0);
    if (child == 0) {
        /* Never reads; its parent is interrupted in its wait, and then it goes. */
        close(ends[0]);
        for (int i = 0; i < 3; i++) {
            sg_test_sleep_ms(100);
            kill(parent, SIGUSR1);
        }
        _exit(0);
    }
    close(ends[1]);
    ends[1] = -1;
    struct sg_note note = {.kind = 3}, got;
    int64_t begun = sg_test_now_ms();
    int sent = 0;
    while (sg_note_send(ends[0], &note) && sent < 100000) {
        sent++;
    }
    T_GT_INT(sent, 10);
    T_LT_INT(sent, 100000);
    T_GE_INT(sg_test_now_ms() - begun, 250);
    T_LT_INT(sg_test_now_ms() - begun, 10000);
    T_EQ_INT(sg_note_receive(ends[0], &arena, &got), -1);
    waitpid(child, NULL, 0);
    unpair();
}

static const struct sg_test tests[] = {
    SG_CASE(everything_crosses),
    SG_CASE(long_notes_are_cut_between_characters),
    SG_CASE(garbage_is_not_believed),
    SG_CASE(the_other_end_is_gone),
    SG_CASE(last_words_are_heard),
    SG_CASE(waits_while_the_socket_is_full),
    SG_CASE(does_not_wait_for_one_that_goes),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"note", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
