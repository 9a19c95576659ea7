/*
 * Tests: how they are written, and how a test program runs them.
 *
 * A test is a function made by SG_TEST. It states what must hold with the T_ macros; each prints both values and its place when it
 * does not hold. T_x notes the failure and goes on, T_MUST_x ends the test. A test in which nothing was stated has failed: it
 * proves nothing.
 *
 *     SG_TEST(reads_an_empty_file)
 *     {
 *         T_EQ_INT(lines(""), 0);
 *         T_MUST_EQ_STR(first(""), NULL);
 *     }
 *
 *     static const struct sg_test tests[] = {SG_CASE(reads_an_empty_file), SG_CASE_SECONDS(reads_slowly, 300), SG_CASES_END};
 *     static const struct sg_suite suites[] = {{"reader", tests}, SG_SUITES_END};
 *
 *     int main(int argc, char **argv) { return sg_test_main(argc, argv, suites); }
 *
 * The program runs all tests, or those whose "suite/name" contains one of its arguments; --list names them. Tests run one after the
 * other in a child process of its own process group, in the order of the table. Its parent, the supervisor, is the watchdog (120 s
 * a test), and the reaper: whatever way a test ends, by a crash or a signal too, every process that came from it is ended, its
 * folders are removed, and the tests after it are still run. The last line is "N passed, N failed".
 *
 * Environment:
 *   SGRUN_TEST_SEED       the seed of sg_test_rand; printed, so that a failed run can be repeated
 *   SGRUN_TEST_FULL=1     sg_test_full() is true: long tests run
 *   SGRUN_TEST_SECONDS    the watchdog's limit instead of 120; a case's own limit is scaled in proportion
 *   SGRUN_TEST_NOFORK=1   no supervisor, for a debugger: no watchdog, and the first crash ends it all
 *   SGRUN_TEST_KEEP=1     the folders are kept, and named
 */
#ifndef SG_TESTS_KIT_TEST_H
#define SG_TESTS_KIT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A test: its function's name, the function, and the seconds after which it counts as hanging (0: the default). */
struct sg_test {
    const char *name;
    void (*run)(void);
    int seconds;
};

/* A suite: a name and a table of tests that ends with SG_CASES_END. */
struct sg_suite {
    const char *name;
    const struct sg_test *tests;
};

#define SG_TEST(name) static void name(void)
#define SG_CASE(name) {#name, name, 0}
#define SG_CASE_SECONDS(name, seconds) {#name, name, seconds}
#define SG_CASES_END {NULL, NULL, 0}
#define SG_SUITES_END {NULL, NULL}

/* Runs the tests and prints the closing line. Returns the program's exit status: 0, or 1 if any test failed or none was run. */
int sg_test_main(int argc, char **argv, const struct sg_suite *suites);

/* ---- what must hold; each argument is evaluated once ---- */

#define T_TRUE(x) sg_test_true(SG_HERE_, false, #x, (x))
#define T_FALSE(x) sg_test_true(SG_HERE_, false, "!(" #x ")", !(x))
#define T_EQ_INT(a, b) sg_test_int(SG_HERE_, false, #a, "==", #b, (long long)(a), (long long)(b))
#define T_NE_INT(a, b) sg_test_int(SG_HERE_, false, #a, "!=", #b, (long long)(a), (long long)(b))
#define T_LT_INT(a, b) sg_test_int(SG_HERE_, false, #a, "<", #b, (long long)(a), (long long)(b))
#define T_LE_INT(a, b) sg_test_int(SG_HERE_, false, #a, "<=", #b, (long long)(a), (long long)(b))
#define T_GT_INT(a, b) sg_test_int(SG_HERE_, false, #a, ">", #b, (long long)(a), (long long)(b))
#define T_GE_INT(a, b) sg_test_int(SG_HERE_, false, #a, ">=", #b, (long long)(a), (long long)(b))
/* Texts; NULL equals NULL only. */
#define T_EQ_STR(a, b) sg_test_str(SG_HERE_, false, true, #a, #b, (a), (b))
#define T_NE_STR(a, b) sg_test_str(SG_HERE_, false, false, #a, #b, (a), (b))
#define T_CONTAINS(hay, needle) sg_test_contains(SG_HERE_, false, true, #hay, (hay), (needle))
#define T_LACKS(hay, needle) sg_test_contains(SG_HERE_, false, false, #hay, (hay), (needle))
#define T_EQ_MEM(a, alen, b, blen) sg_test_mem(SG_HERE_, false, #a, #b, (a), (alen), (b), (blen))
#define T_NULL(p) sg_test_null(SG_HERE_, false, true, #p, (p))
#define T_NOT_NULL(p) sg_test_null(SG_HERE_, false, false, #p, (p))
/* Reached only if something is wrong. */
#define T_FAIL(...) sg_test_check(SG_HERE_, false, false, __VA_ARGS__)

/* The same, and the test ends here if it does not hold. */
#define T_MUST(x) sg_test_true(SG_HERE_, true, #x, (x))
#define T_MUST_EQ_INT(a, b) sg_test_int(SG_HERE_, true, #a, "==", #b, (long long)(a), (long long)(b))
#define T_MUST_EQ_STR(a, b) sg_test_str(SG_HERE_, true, true, #a, #b, (a), (b))
#define T_MUST_CONTAIN(hay, needle) sg_test_contains(SG_HERE_, true, true, #hay, (hay), (needle))
#define T_MUST_NOT_NULL(p) sg_test_null(SG_HERE_, true, false, #p, (p))
#define T_FATAL(...) sg_test_fatal(SG_HERE_, __VA_ARGS__)

/* Ends the test, which then counts neither as passed nor as failed; for what this machine or this run cannot do. Says why. */
#define T_SKIP(...) sg_test_skip(__VA_ARGS__)

/* ---- what a test has at hand ---- */

/* A formatted text that lives until the end of the test (outside of a test: until the program's end). Never NULL. */
const char *sg_test_strf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Has FN(ARG) called when the test ends, in whatever way but a crash; the last one asked for is called first. */
void sg_test_defer(void (*fn)(void *), void *arg);
/* Takes back the newest sg_test_defer(FN, ARG); nothing if there is none. */
void sg_test_undefer(void (*fn)(void *), void *arg);
/* The same at the end of the program's last test, for what tests share. */
void sg_test_at_end(void (*fn)(void *), void *arg);

/* A pseudo-random number below LIMIT (> 0). The sequence depends on the seed and the test's name alone. */
uint64_t sg_test_rand(uint64_t limit);

/* Whether the long tests were asked for. */
bool sg_test_full(void);

/* Whether this runs under valgrind: some fifty times slower, and a posix_spawn there never learns that exec failed. */
bool sg_test_valgrind(void);

/* The name of the test that runs, "suite/name"; "" outside of one. */
const char *sg_test_name(void);

/* The absolute path of FILE in the source tree, or in the build tree; lives until the end of the test. "sgrun" is that of
 * $SGRUN_TEST_BINDIR where it is set: "make installcheck" tests what is installed. */
const char *sg_test_source(const char *file);
const char *sg_test_built(const char *file);

/* Milliseconds of a clock that never goes back; sleeping that long, whatever signals come. */
int64_t sg_test_now_ms(void);
void sg_test_sleep_ms(int64_t ms);

/* ---- behind the macros; also for helpers that get their caller's place ---- */

struct sg_here {
    const char *file;
    int line;
};
#define SG_HERE_ ((struct sg_here){__FILE__, __LINE__})

void sg_test_check(struct sg_here here, bool fatal, bool ok, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
_Noreturn void sg_test_fatal(struct sg_here here, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void sg_test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sg_test_true(struct sg_here here, bool fatal, const char *text, bool x);
void sg_test_int(struct sg_here here, bool fatal, const char *atext, const char *op, const char *btext, long long a, long long b);
void sg_test_str(struct sg_here here, bool fatal, bool equal, const char *atext, const char *btext, const char *a, const char *b);
void sg_test_contains(struct sg_here here, bool fatal, bool want, const char *text, const char *hay, const char *needle);
void sg_test_mem(struct sg_here here, bool fatal, const char *atext, const char *btext, const void *a, size_t alen, const void *b,
                 size_t blen);
void sg_test_null(struct sg_here here, bool fatal, bool want, const char *text, const void *p);

#endif
