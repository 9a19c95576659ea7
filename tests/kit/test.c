/*
 * Tests over CUnit. CUnit holds the registry, runs the functions and records the failures; what it lacks is here: messages with
 * values, an exit status that tells the truth (CU_basic_run_tests gives 0 with failed tests), failure of tests without a statement,
 * clean-ups that run after a fatal failure too, and a supervisor around it all.
 */
#include "config.h"

#include "tests/kit/test.h"

#include "tests/kit/super.h"
#include "tests/kit/tmp.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECONDS 120
#define SHOWN_MAX 2000 /* bytes shown of a text in a message */

struct clean_up {
    struct clean_up *next;
    void (*fn)(void *);
    void *arg;
};

/* A test that was chosen, in the order of the tables. */
struct chosen {
    const struct sg_suite *suite;
    const struct sg_test *test;
};

static struct chosen *chosen;
static struct sg_super *state;
static uint64_t seed;

/* The running test. */
static struct {
    const struct chosen *what;
    jmp_buf end;
    bool running, skipped;
    int stated, failures;
    uint64_t rand;
    struct clean_up *clean_ups; /* newest first */
    struct clean_up *texts;
} now;

static struct clean_up *at_end; /* newest first */
static struct clean_up *program_texts;

/* ---- clean-ups and texts ---- */

static void push(struct clean_up **list, void (*fn)(void *), void *arg)
{
    struct clean_up *c = malloc(sizeof *c);

    if (c == NULL)
        abort();
    *c = (struct clean_up){*list, fn, arg};
    *list = c;
}

static void run_list(struct clean_up **list)
{
    while (*list != NULL) {
        struct clean_up *c = *list;

        *list = c->next; /* first, so that one that fails fatally is not called again */
        if (c->fn != NULL)
            c->fn(c->arg);
        free(c);
    }
}

void sg_test_defer(void (*fn)(void *), void *arg)
{
    push(now.running ? &now.clean_ups : &at_end, fn, arg);
}

void sg_test_at_end(void (*fn)(void *), void *arg)
{
    push(&at_end, fn, arg);
}

void sg_test_undefer(void (*fn)(void *), void *arg)
{
    struct clean_up **lists[] = {&now.clean_ups, &at_end};

    for (size_t i = 0; i < 2; i++)
        for (struct clean_up **at = lists[i]; *at != NULL; at = &(*at)->next)
            if ((*at)->fn == fn && (*at)->arg == arg) {
                struct clean_up *gone = *at;

                *at = gone->next;
                free(gone);
                return;
            }
}

const char *sg_test_strf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        abort();
    va_end(args);
    push(now.running ? &now.texts : &program_texts, free, text);
    return text;
}

/* ---- statements ---- */

static void note_failure(struct sg_here here, const char *message)
{
    now.failures++;
    if (now.failures == 1)
        printf("%s/%s:\n", now.what->suite->name, now.what->test->name);
    printf("  %s:%d: %s\n", here.file, here.line, message);
    (void)CU_assertImplementation(CU_FALSE, (unsigned)here.line, message, here.file, "", CU_FALSE);
}

__attribute__((format(printf, 4, 0)))
static void state_it(struct sg_here here, bool fatal, bool ok, const char *fmt, va_list args)
{
    char *message = NULL;

    if (!now.running) { /* in a clean-up at the end of the program, or in main: there is no test to fail */
        if (ok)
            return;
        fprintf(stderr, "%s:%d: outside of a test: ", here.file, here.line);
        vfprintf(stderr, fmt, args);
        fprintf(stderr, "\n");
        exit(3);
    }
    now.stated++;
    if (ok) {
        (void)CU_assertImplementation(CU_TRUE, (unsigned)here.line, "", here.file, "", CU_FALSE);
        return;
    }
    if (vasprintf(&message, fmt, args) < 0)
        abort();
    note_failure(here, message);
    free(message);
    if (fatal)
        longjmp(now.end, 1);
}

void sg_test_check(struct sg_here here, bool fatal, bool ok, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    state_it(here, fatal, ok, fmt, args);
    va_end(args);
}

void sg_test_fatal(struct sg_here here, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    state_it(here, true, false, fmt, args);
    va_end(args);
    abort(); /* not reached */
}

void sg_test_skip(const char *fmt, ...)
{
    va_list args;

    if (!now.running)
        abort();
    printf("skip %s/%s: ", now.what->suite->name, now.what->test->name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    now.skipped = true;
    longjmp(now.end, 1);
}

void sg_test_true(struct sg_here here, bool fatal, const char *text, bool x)
{
    sg_test_check(here, fatal, x, "does not hold: %s", text);
}

void sg_test_int(struct sg_here here, bool fatal, const char *atext, const char *op, const char *btext, long long a, long long b)
{
    bool ok = strcmp(op, "==") == 0   ? a == b
              : strcmp(op, "!=") == 0 ? a != b
              : strcmp(op, "<") == 0  ? a < b
              : strcmp(op, "<=") == 0 ? a <= b
              : strcmp(op, ">") == 0  ? a > b
                                      : a >= b;

    sg_test_check(here, fatal, ok, "%s %s %s: %lld and %lld", atext, op, btext, a, b);
}

/* A text for a message, on the heap: quoted if it is short, else from a line of its own, and cut where it is too long. */
static char *shown(const char *text)
{
    char *out = NULL;
    size_t len = text != NULL ? strlen(text) : 0;
    bool lines = text != NULL && (len > 100 || strchr(text, '\n') != NULL);

    if ((text == NULL ? asprintf(&out, "NULL")
         : lines      ? asprintf(&out, "<<<\n%.*s%s\n  >>>", SHOWN_MAX, text, len > SHOWN_MAX ? " ..." : "")
                      : asprintf(&out, "\"%s\"", text))
        < 0)
        abort();
    return out;
}

void sg_test_str(struct sg_here here, bool fatal, bool equal, const char *atext, const char *btext, const char *a, const char *b)
{
    bool same = a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
    const char *as;
    const char *bs;

    if (same == equal) {
        sg_test_check(here, fatal, true, "%s", "");
        return;
    }
    as = shown(a);
    bs = shown(b);
    push(&now.texts, free, (void *)(uintptr_t)as); /* a fatal failure does not come back */
    push(&now.texts, free, (void *)(uintptr_t)bs);
    sg_test_check(here, fatal, false, "%s %s %s: %s and %s", atext, equal ? "equals" : "differs from", btext, as, bs);
}

void sg_test_contains(struct sg_here here, bool fatal, bool want, const char *text, const char *hay, const char *needle)
{
    bool has = hay != NULL && needle != NULL && strstr(hay, needle) != NULL;
    char *hs;

    if (has == want) {
        sg_test_check(here, fatal, true, "%s", "");
        return;
    }
    hs = shown(hay);
    push(&now.texts, free, hs);
    sg_test_check(here, fatal, false, "%s %s \"%s\": %s", text, want ? "contains" : "lacks", needle != NULL ? needle : "(NULL)", hs);
}

void sg_test_mem(struct sg_here here, bool fatal, const char *atext, const char *btext, const void *a, size_t alen, const void *b,
                 size_t blen)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    size_t at = 0;

    while (at < alen && at < blen && x[at] == y[at])
        at++;
    if (alen == blen && at == alen)
        sg_test_check(here, fatal, true, "%s", "");
    else if (at < alen && at < blen)
        sg_test_check(here, fatal, false, "%s and %s differ at byte %zu: 0x%02x and 0x%02x (%zu and %zu bytes)", atext, btext, at,
                      x[at], y[at], alen, blen);
    else
        sg_test_check(here, fatal, false, "%s and %s differ in length: %zu and %zu bytes", atext, btext, alen, blen);
}

void sg_test_null(struct sg_here here, bool fatal, bool want, const char *text, const void *p)
{
    sg_test_check(here, fatal, (p == NULL) == want, "%s is %s", text, p == NULL ? "NULL" : "not NULL");
}

/* ---- at hand ---- */

/* splitmix64: a seed of any shape gives a good sequence. */
static uint64_t mix(uint64_t *s)
{
    uint64_t z = (*s += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t sg_test_rand(uint64_t limit)
{
    return limit > 0 ? mix(&now.rand) % limit : 0;
}

bool sg_test_full(void)
{
    const char *full = getenv("SGRUN_TEST_FULL");

    return full != NULL && strcmp(full, "1") == 0;
}

bool sg_test_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "/vgpreload_") != NULL;
}

const char *sg_test_name(void)
{
    return now.running && state != NULL ? state->name : "";
}

static const char *in_tree(const char *variable, const char *compiled, const char *file)
{
    const char *tree = getenv(variable);

    return sg_test_strf("%s/%s", tree != NULL && tree[0] == '/' ? tree : compiled, file);
}

const char *sg_test_source(const char *file)
{
    return in_tree("SGRUN_TEST_SRCDIR", SG_TEST_SRCDIR, file);
}

const char *sg_test_built(const char *file)
{
    const char *installed = getenv("SGRUN_TEST_BINDIR");

    if (installed != NULL && strcmp(file, "sgrun") == 0)
        return sg_test_strf("%s/sgrun", installed);
    return in_tree("SGRUN_TEST_BUILDDIR", SG_TEST_BUILDDIR, file);
}

int64_t sg_test_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void sg_test_sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* ---- running ---- */

static int seconds_of(const struct sg_test *test)
{
    const char *wish = getenv("SGRUN_TEST_SECONDS");
    long limit = wish != NULL ? strtol(wish, NULL, 10) : 0;
    long own = test->seconds > 0 ? test->seconds : DEFAULT_SECONDS;

    if (limit < 1 || limit > 86400)
        return (int)own;
    return (int)(own * limit / DEFAULT_SECONDS > 0 ? own * limit / DEFAULT_SECONDS : 1);
}

/* The test's own sequence of random numbers: of the seed and its name (FNV-1a), so that it is the same when it is run alone. */
static uint64_t seed_of(const char *name)
{
    uint64_t h = 0xcbf29ce484222325U;

    for (const char *p = name; *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3U;
    return h ^ seed;
}

/* The function that CUnit calls for each test; CUnit's has no argument, so the handler below has said which one it is. */
static void run_now(void)
{
    struct sg_here where = {now.what->suite->name, 0};

    if (setjmp(now.end) == 0)
        now.what->test->run();
    while (now.clean_ups != NULL) /* a clean-up may fail fatally: the rest is still run */
        if (setjmp(now.end) == 0)
            run_list(&now.clean_ups);
    if (now.stated == 0 && !now.skipped)
        note_failure(where, "the test states nothing: it cannot fail");
    run_list(&now.texts);
}

static void test_begins(const CU_pTest test, const CU_pSuite suite)
{
    (void)test;
    (void)suite;
    now.what = &chosen[state->next];
    now.running = true;
    now.skipped = false;
    now.stated = now.failures = 0;
    (void)snprintf(state->name, sizeof state->name, "%s/%s", now.what->suite->name, now.what->test->name);
    now.rand = seed_of(state->name);
    state->seconds = seconds_of(now.what->test);
    state->began_ms = sg_test_now_ms();
    state->current = state->next++;
}

static void test_ends(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
    double seconds = (double)(sg_test_now_ms() - state->began_ms) / 1000.0;
    bool failed = now.failures > 0 || failures != NULL;

    (void)test;
    (void)suite;
    now.running = false;
    if (failed)
        state->failed++;
    else if (now.skipped)
        state->skipped++;
    else
        state->passed++;
    if (failed || !now.skipped)
        printf("%s %s %.3f s\n", failed ? "FAIL" : "ok  ", state->name, seconds);
    state->current = -1;
}

/* The tests' process: from the first test that has not been begun to the last. */
static void run_rest(struct sg_super *super)
{
    CU_pSuite suite = NULL;

    if (CU_initialize_registry() != CUE_SUCCESS)
        abort();
    for (int i = super->next; i < super->total; i++) {
        if (suite == NULL || chosen[i].suite != chosen[i - 1].suite)
            suite = CU_add_suite(chosen[i].suite->name, NULL, NULL);
        if (suite == NULL || CU_add_test(suite, chosen[i].test->name, run_now) == NULL) {
            fprintf(stderr, "CUnit: %s/%s: %s\n", chosen[i].suite->name, chosen[i].test->name, CU_get_error_msg());
            exit(2);
        }
    }
    CU_set_test_start_handler(test_begins);
    CU_set_test_complete_handler(test_ends);
    (void)CU_run_all_tests();
    CU_cleanup_registry();
    run_list(&at_end);
    run_list(&program_texts);
    free(chosen);
    chosen = NULL;
    super->finished = true;
}

static bool is_chosen(const char *suite, const char *test, int argc, char **argv)
{
    char name[256];

    (void)snprintf(name, sizeof name, "%s/%s", suite, test);
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]) != NULL)
            return true;
    return argc < 2;
}

static int choose(const struct sg_suite *suites, int argc, char **argv)
{
    int n = 0;

    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1 && (chosen = calloc((size_t)n + 1, sizeof *chosen)) == NULL)
            abort();
        n = 0;
        for (const struct sg_suite *s = suites; s->name != NULL; s++)
            for (const struct sg_test *t = s->tests; t->name != NULL; t++)
                if (is_chosen(s->name, t->name, argc, argv)) {
                    if (pass == 1)
                        chosen[n] = (struct chosen){s, t};
                    n++;
                }
    }
    return n;
}

static void set_seed(void)
{
    const char *given = getenv("SGRUN_TEST_SEED");
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    seed = given != NULL && *given != '\0' ? strtoull(given, NULL, 10)
                                           : ((uint64_t)ts.tv_nsec * 2654435761U ^ (uint64_t)ts.tv_sec ^ (uint64_t)getpid()) & UINT32_MAX;
}

int sg_test_main(int argc, char **argv, const struct sg_suite *suites)
{
    bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
    const char *nofork = getenv("SGRUN_TEST_NOFORK");
    int64_t began = sg_test_now_ms();
    bool good = true;
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (list) {
        argc--;
        argv++;
    }
    state = sg_super_new();
    state->total = choose(suites, argc, argv);
    if (list) {
        for (int i = 0; i < state->total; i++)
            printf("%s/%s\n", chosen[i].suite->name, chosen[i].test->name);
        free(chosen);
        sg_super_free(state);
        return 0;
    }
    set_seed();
    if (state->total == 0) {
        printf("no test has such a name\n");
        good = false;
    } else if (nofork != NULL && strcmp(nofork, "1") == 0) {
        run_rest(state);
        sg_tmp_remove_base();
    } else {
        good = sg_super_run(state, run_rest);
    }
    failed = state->failed;
    printf("seed %llu, %d skipped, %.1f s\n", (unsigned long long)seed, state->skipped, (double)(sg_test_now_ms() - began) / 1000.0);
    printf("%d passed, %d failed\n", state->passed, failed);
    free(chosen);
    sg_super_free(state);
    return failed > 0 || !good ? 1 : 0;
}
