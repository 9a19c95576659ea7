/*
 * Builders as processes, with a build of our own instead of sg_index_build: their ends, their deaths, and the supervisor's.
 * What they do to a server is seen in tests/db/test_index_builders.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/index/builder.h"
#include "core/index/builders.h"
#include "tests/kit/test.h"

/* Of all the processes. */
static struct {
    atomic_int starts, stops_seen, class_seen, sent, released;
    atomic_int pids[8];
} *shared;

static struct sg_arena arena;
static struct sg_run run;
static struct sg_observer observer;
static struct sg_step steps[8];
static struct sg_index_definition definitions[8];
static int progress_heard;
static char progress_text[100], logged[4000];
static int descriptors_before;

static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    T_MUST_NOT_NULL(dir);
    int count = -1; /* the folder itself */
    const struct dirent *entry;
    /* valgrind has its own, above all that we could have */
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.' && atoi(entry->d_name) < 1000;
    }
    closedir(dir);
    return count;
}

/* ---- the build: what it does, its name says ------------------------------------ */

static void die(int number)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    raise(number);
}

void sg_index_line_release(struct sg_index_line *line)
{
    atomic_fetch_add(&shared->released, line->kept);
    line->kept = false;
}

void sg_index_build(const struct sg_index_build *build, struct sg_index_result *result_r)
{
    const char *what = build->definition->name;
    int start = atomic_fetch_add(&shared->starts, 1);
    atomic_store(&shared->pids[start % 8], getpid());
    *result_r = (struct sg_index_result){.end = SG_INDEX_END_BUILT, .bytes = descriptors(), .attempts = start + 1, .build_ms = -1};
    if (strcmp(what, "short") == 0) {
        sg_test_sleep_ms(400);
        result_r->note = sg_arena_printf(build->run->arena, "it was %s", what);
    } else if (strcmp(what, "fails") == 0) {
        result_r->end = SG_INDEX_END_FAILED;
        sg_err_set(&result_r->err, SG_CLASS_SQL, "no such column");
        sg_err_sqlstate(&result_r->err, "42703");
    } else if (strcmp(what, "talks") == 0) {
        sg_log(SG_LOG_WARNING, "test", "talks", 0, "a line of the log");
        for (int i = 1; i <= 3; i++) {
            struct sg_index_progress progress = {.phase = "scanning", .done = i, .total = 3, .fraction = -1};
            build->progress(build->context, &progress);
        }
    } else if (strcmp(what, "chatters") == 0) {
        for (int i = 0; i < 20000; i++) {
            struct sg_index_progress progress = {.phase = "scanning", .done = i};
            build->progress(build->context, &progress);
        }
        atomic_store(&shared->sent, 1);
    } else if (strcmp(what, "heeds") == 0) {
        while (sg_stop_sleep(10000)) {
        }
        /* as one that has a carcass to drop */
        sg_test_sleep_ms(300);
        atomic_store(&shared->stops_seen, sg_stop_count());
        atomic_store(&shared->class_seen, (int)sg_stop_class());
        result_r->end = SG_INDEX_END_STOPPED;
    } else if (strcmp(what, "deaf") == 0) {
        for (int i = 0; i < 600; i++) {
            sg_test_sleep_ms(100);
        }
    } else if (strcmp(what, "killed once") == 0 && start == 0) {
        die(SIGKILL);
    } else if (strcmp(what, "killed") == 0) {
        die(SIGKILL);
    } else if (strcmp(what, "crashes") == 0) {
        die(SIGSEGV);
    } else if (strcmp(what, "leaves") == 0) {
        _exit(3);
    }
}

/* ---- the supervisor --------------------------------------------------------------- */

static void hear(void *context, const struct sg_step *step, const struct sg_index_progress *progress)
{
    T_TRUE(context == &observer);
    progress_heard++;
    (void)snprintf(progress_text, sizeof progress_text, "%s %s %lld of %lld", step->id, progress->phase, (long long)progress->done,
                   (long long)progress->total);
}

static void keep_log(const char *line, size_t length)
{
    size_t at = strlen(logged);
    T_MUST(at + length < sizeof logged);
    memcpy(logged + at, line, length);
    logged[at + length] = '\0';
}

static void begin(struct sg_builders *builders)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    T_MUST(shared != MAP_FAILED);
    descriptors_before = descriptors();
    sg_arena_init(&arena);
    observer = (struct sg_observer){.context = &observer, .index_progress = hear};
    run = (struct sg_run){.arena = &arena, .observer = &observer, .runner = "test"};
    progress_heard = 0;
    logged[0] = '\0';
    sg_log_divert(keep_log);
    sg_builders_init(builders, &run);
}

static void end(struct sg_builders *builders)
{
    sg_builders_release(builders);
    sg_log_divert(NULL);
    sg_arena_release(&arena);
    /* Nobody is left, dead or alive, and no descriptor. */
    T_EQ_INT(waitpid(-1, NULL, WNOHANG), -1);
    T_EQ_INT(errno, ECHILD);
    T_EQ_INT(descriptors(), descriptors_before);
    munmap(shared, sizeof *shared);
}

static void start(struct sg_builders *builders, int number, const char *what)
{
    struct sg_err err = SG_ERR_INIT;
    steps[number].id = what;
    definitions[number] =
        (struct sg_index_definition){.step = &steps[number], .name = what, .relation = sg_arena_printf(&arena, "public.t%d", number)};
    struct sg_index_build build = {.run = &run, .definition = &definitions[number]};
    T_MUST_EQ_INT(sg_builders_start(builders, &build, &err), 0);
}

static struct sg_index_result wait_for(struct sg_builders *builders, int ms, const char *what)
{
    const struct sg_index_definition *definition = NULL;
    struct sg_index_result result;
    if (!sg_builders_next(builders, ms, &definition, &result)) {
        T_FATAL("none has ended within %d ms", ms);
    }
    T_EQ_STR(definition->name, what);
    return result;
}

SG_TEST(several_at_once)
{
    struct sg_builders builders;
    begin(&builders);
    int64_t begun = sg_test_now_ms();
    for (int i = 0; i < 6; i++) {
        start(&builders, i, "short");
    }
    T_EQ_INT(sg_builders_alive(&builders), 6);
    T_TRUE(sg_builders_at(&builders, "public.t3"));
    T_FALSE(sg_builders_at(&builders, "public.t7"));
    bool seen[6] = {false};
    for (int i = 0; i < 6; i++) {
        const struct sg_index_definition *definition;
        struct sg_index_result result;
        T_MUST(sg_builders_next(&builders, 10000, &definition, &result));
        T_MUST(definition >= definitions && definition < definitions + 6);
        seen[definition - definitions] = true;
        T_FALSE(sg_builders_at(&builders, definition->relation));
        T_EQ_INT(result.end, SG_INDEX_END_BUILT);
        T_EQ_STR(result.note, "it was short");
        T_EQ_INT(result.err.class, SG_CLASS_NONE);
        /* Its own end of the pair, and the three: nothing of the supervisor's, or of the other builders'. */
        T_EQ_INT(result.bytes, 4);
    }
    /* At once, and heard at once. */
    T_LT_INT(sg_test_now_ms() - begun, 2000);
    for (int i = 0; i < 6; i++) {
        T_TRUE(seen[i]);
    }
    T_EQ_INT(sg_builders_alive(&builders), 0);
    const struct sg_index_definition *definition;
    struct sg_index_result result;
    begun = sg_test_now_ms();
    T_FALSE(sg_builders_next(&builders, 100, &definition, &result));
    T_GE_INT(sg_test_now_ms() - begun, 99);
    end(&builders);
}

SG_TEST(what_it_says_is_heard)
{
    struct sg_builders builders;
    begin(&builders);
    start(&builders, 0, "talks");
    struct sg_index_result result = wait_for(&builders, 10000, "talks");
    T_EQ_INT(result.end, SG_INDEX_END_BUILT);
    T_EQ_INT(progress_heard, 3);
    T_EQ_STR(progress_text, "talks scanning 3 of 3");
    T_EQ_STR(logged, "sgrun: warning: talks: a line of the log\n");
    start(&builders, 1, "fails");
    result = wait_for(&builders, 10000, "fails");
    T_EQ_INT(result.end, SG_INDEX_END_FAILED);
    T_EQ_STR(result.err.primary, "no such column");
    T_EQ_STR(result.err.sqlstate, "42703");
    sg_err_release(&result.err);
    /* One whose end nobody asks for. */
    start(&builders, 2, "fails");
    sg_test_sleep_ms(100);
    end(&builders);
}

SG_TEST(nobody_listens)
{
    /* The supervisor's terminal stands still: progress is left out, the build goes on. */
    struct sg_builders builders;
    begin(&builders);
    start(&builders, 0, "chatters");
    for (int i = 0; i < 200 && atomic_load(&shared->sent) == 0; i++) {
        sg_test_sleep_ms(50);
    }
    T_EQ_INT(atomic_load(&shared->sent), 1);
    struct sg_index_result result = wait_for(&builders, 10000, "chatters");
    T_EQ_INT(result.end, SG_INDEX_END_BUILT);
    T_GT_INT(progress_heard, 10);
    T_LT_INT(progress_heard, 20000);
    end(&builders);
}

SG_TEST(stops)
{
    for (int count = 1; count <= 2; count++) {
        struct sg_builders builders;
        begin(&builders);
        start(&builders, 0, "heeds");
        const struct sg_index_definition *definition;
        struct sg_index_result result;
        T_FALSE(sg_builders_next(&builders, 100, &definition, &result));
        for (int turn = 0; turn < 1000 && atomic_load(&shared->pids[0]) == 0; turn++)
            sg_test_sleep_ms(10); /* 0 would be all of us */
        T_MUST(atomic_load(&shared->pids[0]) > 0);
        for (int i = 1; i <= count; i++) {
            sg_builders_stop(&builders, i, SIGTERM);
        }
        /* Signals of a terminal reach it as well, and count for nothing. */
        kill(atomic_load(&shared->pids[0]), SIGINT);
        kill(atomic_load(&shared->pids[0]), SIGTERM);
        kill(atomic_load(&shared->pids[0]), SIGHUP);
        result = wait_for(&builders, 10000, "heeds");
        T_EQ_INT(result.end, SG_INDEX_END_STOPPED);
        T_FALSE(result.carcass);
        T_EQ_INT(atomic_load(&shared->stops_seen), count);
        T_EQ_INT(atomic_load(&shared->class_seen), SG_CLASS_TERMINATED);
        /* One that is started all the same is told. */
        start(&builders, 1, "heeds");
        result = wait_for(&builders, 10000, "heeds");
        T_EQ_INT(result.end, SG_INDEX_END_STOPPED);
        T_EQ_STR(logged, "");
        end(&builders);
    }
}

SG_TEST(heeds_no_stop)
{
    struct sg_builders builders;
    begin(&builders);
    start(&builders, 0, "deaf");
    int64_t begun = sg_test_now_ms();
    sg_builders_stop(&builders, 2, SIGINT);
    struct sg_index_result result;
    const struct sg_index_definition *definition;
    while (!sg_builders_next(&builders, 500, &definition, &result) && sg_test_now_ms() - begun < 20000) {
    }
    T_GE_INT(sg_test_now_ms() - begun, 4900);
    T_LT_INT(sg_test_now_ms() - begun, 8000);
    T_EQ_INT(result.end, SG_INDEX_END_STOPPED);
    T_TRUE(result.carcass);
    T_CONTAINS(result.note, "an invalid index may be left");
    T_CONTAINS(logged, "does not end: killed");
    T_EQ_INT(atomic_load(&shared->starts), 1);
    end(&builders);
}

SG_TEST(killed_once_is_started_again)
{
    struct sg_builders builders;
    begin(&builders);
    start(&builders, 0, "killed once");
    struct sg_index_result result = wait_for(&builders, 10000, "killed once");
    T_EQ_INT(result.end, SG_INDEX_END_BUILT);
    T_EQ_INT(result.attempts, 2);
    T_CONTAINS(logged, "killed once: its builder died (signal 9, Killed); a new one goes on");
    end(&builders);
}

SG_TEST(killed_again_has_failed)
{
    static const struct {
        const char *what;
        enum sg_class class;
        int starts;
        const char *text;
    } cases[] = {{"killed", SG_CLASS_CRASH, 2, "its builder died 2 times, the last by signal 9 (Killed)"},
                 {"crashes", SG_CLASS_BUG, 2, "its builder died 2 times, the last by signal 11 (Segmentation fault)"},
                 {"leaves", SG_CLASS_BUG, 1, "its builder ended without a word (exit status 3)"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sg_builders builders;
        begin(&builders);
        start(&builders, 0, cases[i].what);
        start(&builders, 1, "short");
        struct sg_index_result result, other;
        const struct sg_index_definition *first = NULL, *second = NULL;
        T_MUST(sg_builders_next(&builders, 10000, &first, &result));
        T_MUST(sg_builders_next(&builders, 10000, &second, &other));
        /* in either order: where all is slow the one that dies takes longer */
        if (strcmp(first->name, "short") == 0) {
            struct sg_index_result swap = result;
            result = other;
            other = swap;
            first = second;
        }
        T_EQ_STR(first->name, cases[i].what);
        T_EQ_INT(result.end, SG_INDEX_END_FAILED);
        T_EQ_INT(result.err.class, cases[i].class);
        T_EQ_STR(result.err.primary, cases[i].text);
        T_EQ_STR(result.err.step, cases[i].what);
        T_TRUE(result.carcass);
        T_EQ_INT(result.bytes, -1);
        sg_err_release(&result.err);
        /* The other one is not concerned. */
        T_EQ_INT(other.end, SG_INDEX_END_BUILT);
        T_EQ_INT(atomic_load(&shared->starts), cases[i].starts + 1);
        end(&builders);
    }
}

SG_TEST(the_supervisor_is_killed)
{
    struct sg_builders builders;
    begin(&builders);
    T_MUST_EQ_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t supervisor = fork();
    T_MUST(supervisor >= 0);
    if (supervisor == 0) {
        start(&builders, 0, "heeds");
        for (;;) {
            pause();
        }
    }
    for (int i = 0; i < 200 && atomic_load(&shared->pids[0]) == 0; i++) {
        sg_test_sleep_ms(50);
    }
    T_MUST(atomic_load(&shared->pids[0]) != 0);
    int status;
    kill(supervisor, SIGKILL);
    int64_t begun = sg_test_now_ms();
    T_MUST(waitpid(supervisor, &status, 0) == supervisor);
    /* Its builder does as at a first signal, and leaves in order. (One that does not: tests/unit/exec/test_worker.) */
    T_MUST(waitpid(-1, &status, 0) == atomic_load(&shared->pids[0]));
    T_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    T_GE_INT(sg_test_now_ms() - begun, 300);
    T_LT_INT(sg_test_now_ms() - begun, 5000);
    T_EQ_INT(atomic_load(&shared->stops_seen), 1);
    T_EQ_INT(atomic_load(&shared->class_seen), SG_CLASS_TERMINATED);
    T_MUST_EQ_INT(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    end(&builders);
}

static const struct sg_test tests[] = {
    SG_CASE(several_at_once),
    SG_CASE(what_it_says_is_heard),
    SG_CASE(nobody_listens),
    SG_CASE(stops),
    SG_CASE(heeds_no_stop),
    SG_CASE(killed_once_is_started_again),
    SG_CASE(killed_again_has_failed),
    SG_CASE(the_supervisor_is_killed),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"builders", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
