/*
 * Builders that take one index after the other, with a build of our own instead of sg_index_build: who stays, who gets which
 * index, and that none stays longer than it should. What they keep at a server: tests/db/test_index_line.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/index/builder.h"
#include "core/index/builders.h"
#include "tests/kit/test.h"

#define MOST 16

/* Of all the processes: of each build, in the order in which they were begun. */
static struct {
    atomic_int count, released;
    struct {
        pid_t pid;
        bool kept; /* by the build before it */
        int64_t deadline_ms;
        char name[32], rest[64], siblings[200];
    } builds[MOST];
} *shared;

static struct sg_arena arena;
static struct sg_run run;
static struct sg_manifest manifest;
static struct sg_observer observer;
static struct sg_index_definition definitions[MOST];
static struct sg_builders builders;
static char logged[4000];

/* ---- the build: what it does, its name says -------------------------------------- */

void sg_index_line_release(struct sg_index_line *line)
{
    atomic_fetch_add(&shared->released, line->kept);
    line->kept = false;
}

void sg_index_build(const struct sg_index_build *build, struct sg_index_result *result_r)
{
    const char *what = build->definition->name;
    int number = atomic_fetch_add(&shared->count, 1);
    *result_r = (struct sg_index_result){.end = SG_INDEX_END_BUILT, .bytes = number, .build_ms = -1};
    if (number >= MOST) {
        return;
    }
    shared->builds[number].pid = getpid();
    shared->builds[number].kept = build->line->kept;
    shared->builds[number].deadline_ms = build->deadline_ms;
    (void)snprintf(shared->builds[number].name, sizeof shared->builds[number].name, "%s", what);
    (void)snprintf(shared->builds[number].rest, sizeof shared->builds[number].rest, "%s", build->definition->rest);
    for (size_t i = 0; i < build->sibling_count; i++) {
        size_t at = strlen(shared->builds[number].siblings);
        (void)snprintf(shared->builds[number].siblings + at, sizeof shared->builds[number].siblings - at, "%s ", build->siblings[i]);
    }
    build->line->kept = true;
    if (strncmp(what, "fails", 5) == 0) {
        build->line->kept = false;
        result_r->end = SG_INDEX_END_FAILED;
        sg_err_set(&result_r->err, SG_CLASS_SQL, "no such column");
    } else if (strncmp(what, "heeds", 5) == 0) {
        while (sg_stop_sleep(10000)) {
        }
        build->line->kept = false;
        result_r->end = SG_INDEX_END_STOPPED;
    } else if (strncmp(what, "late", 4) == 0) {
        /* the stop comes too late for this one */
        while (sg_stop_sleep(10000)) {
        }
    } else if (strncmp(what, "dies", 4) == 0 && (number == 0 || strcmp(shared->builds[number - 1].name, what) != 0)) {
        (void)raise(SIGKILL);
    } else if (strncmp(what, "slow", 4) == 0) {
        sg_test_sleep_ms(300);
    }
}

/* ---- the supervisor ---------------------------------------------------------------- */

static void keep_log(const char *line, size_t length)
{
    size_t at = strlen(logged);
    T_MUST(at + length < sizeof logged);
    memcpy(logged + at, line, length);
    logged[at + length] = '\0';
}

/* A registry with these indexes, each on a table of its own. */
static void begin(const char *const *names)
{
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_buf text = SG_BUF_INIT;
    struct sg_err err = SG_ERR_INIT;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    T_MUST(shared != MAP_FAILED);
    sg_arena_init(&arena);
    sg_buf_adds(&text, "[sgrun]\nplugin_path = .\n[database]\ndsn = host=/nowhere dbname=x\n");
    for (size_t i = 0; names[i] != NULL; i++) {
        sg_buf_addf(&text, "[index %s]\ntable = t%zu\ncolumns = a%zu\n", names[i], i, i);
    }
    if (sg_manifest_parse("etc/test.ini", text.data, text.length, NULL, 0, false, &arena, &manifest, &errs) != 0) {
        T_FATAL("%s", errs.list[0].primary);
    }
    sg_buf_release(&text);
    for (size_t i = 0; i < manifest.step_count; i++) {
        T_MUST_EQ_INT(sg_index_define(&manifest, &manifest.steps[i], &arena, &definitions[i], &err), 0);
    }
    observer = (struct sg_observer){.context = &observer};
    run = (struct sg_run){.manifest = &manifest, .arena = &arena, .observer = &observer, .runner = "test"};
    logged[0] = '\0';
    sg_log_divert(keep_log);
    sg_builders_init(&builders, &run);
}

static void end(void)
{
    sg_builders_release(&builders);
    sg_log_divert(NULL);
    sg_arena_release(&arena);
    T_EQ_INT(waitpid(-1, NULL, WNOHANG), -1);
    T_EQ_INT(errno, ECHILD);
    munmap(shared, sizeof *shared);
}

static void start_with(size_t number, const char *const *siblings, size_t sibling_count, int64_t deadline_ms)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_index_build build = {.run = &run, .definition = &definitions[number], .siblings = siblings,
                                   .sibling_count = sibling_count, .deadline_ms = deadline_ms};
    T_MUST_EQ_INT(sg_builders_start(&builders, &build, &err), 0);
}

static void start(size_t number)
{
    start_with(number, NULL, 0, 0);
}

static struct sg_index_result wait_for(size_t number)
{
    const struct sg_index_definition *definition = NULL;
    struct sg_index_result result;
    if (!sg_builders_next(&builders, 10000, &definition, &result)) {
        T_FATAL("none has ended");
    }
    T_TRUE(definition == &definitions[number]);
    return result;
}

static void build(size_t number, enum sg_index_end as)
{
    start(number);
    struct sg_index_result result = wait_for(number);
    T_EQ_INT(result.end, as);
    sg_err_release(&result.err);
}

static bool lives(pid_t pid)
{
    return kill(pid, 0) == 0;
}

SG_TEST(one_after_the_other)
{
    static const char *const siblings[] = {"i3", "i1"};
    begin((const char *const[]){"i1", "i2", "i3", NULL});
    build(0, SG_INDEX_END_BUILT);
    T_EQ_INT(sg_builders_alive(&builders), 0);
    T_FALSE(sg_builders_at(&builders, "public.t0"));
    int64_t deadline = sg_test_now_ms() + 12345;
    start_with(1, siblings, 2, deadline);
    T_EQ_INT(sg_builders_alive(&builders), 1);
    T_TRUE(sg_builders_at(&builders, "public.t1"));
    T_EQ_INT(wait_for(1).end, SG_INDEX_END_BUILT);
    build(2, SG_INDEX_END_BUILT);
    for (int i = 0; i < 3; i++) {
        T_TRUE(shared->builds[i].pid == shared->builds[0].pid);
        T_EQ_INT(shared->builds[i].kept, i > 0);
        T_EQ_STR(shared->builds[i].name, sg_arena_printf(&arena, "i%d", i + 1));
        T_EQ_STR(shared->builds[i].rest, definitions[i].rest);
    }
    T_EQ_STR(shared->builds[1].siblings, "i3 i1 ");
    T_TRUE(shared->builds[1].deadline_ms == deadline);
    T_EQ_STR(shared->builds[2].siblings, "");
    T_TRUE(shared->builds[2].deadline_ms == 0);
    T_TRUE(lives(shared->builds[0].pid));
    sg_builders_rest(&builders);
    T_FALSE(lives(shared->builds[0].pid));
    T_EQ_INT(atomic_load(&shared->released), 1);
    T_EQ_STR(logged, "");
    end();
}

SG_TEST(after_a_failure_comes_a_fresh_one)
{
    begin((const char *const[]){"i1", "fails", "i3", "i4", NULL});
    build(0, SG_INDEX_END_BUILT);
    build(1, SG_INDEX_END_FAILED);
    T_FALSE(lives(shared->builds[0].pid));
    build(2, SG_INDEX_END_BUILT);
    build(3, SG_INDEX_END_BUILT);
    T_TRUE(shared->builds[1].pid == shared->builds[0].pid);
    T_TRUE(shared->builds[2].pid != shared->builds[1].pid);
    T_FALSE(shared->builds[2].kept);
    T_TRUE(shared->builds[3].pid == shared->builds[2].pid);
    T_TRUE(shared->builds[3].kept);
    end();
}

SG_TEST(two_at_once_and_then_one)
{
    begin((const char *const[]){"slow1", "slow2", "i3", "slow4", "slow5", NULL});
    start(0);
    start(1);
    for (int i = 0; i < 2; i++) {
        const struct sg_index_definition *definition;
        struct sg_index_result result;
        T_MUST(sg_builders_next(&builders, 10000, &definition, &result));
    }
    build(2, SG_INDEX_END_BUILT);
    T_TRUE(shared->builds[0].pid != shared->builds[1].pid);
    T_TRUE(shared->builds[2].kept);
    /* both are used again */
    start(3);
    start(4);
    T_EQ_INT(sg_builders_alive(&builders), 2);
    for (int i = 0; i < 2; i++) {
        const struct sg_index_definition *definition;
        struct sg_index_result result;
        T_MUST(sg_builders_next(&builders, 10000, &definition, &result));
    }
    T_TRUE(shared->builds[3].pid != shared->builds[4].pid);
    T_TRUE(shared->builds[3].kept && shared->builds[4].kept);
    end();
}

SG_TEST(killed_on_its_second)
{
    begin((const char *const[]){"i1", "dies", "i3", NULL});
    build(0, SG_INDEX_END_BUILT);
    build(1, SG_INDEX_END_BUILT);
    T_CONTAINS(logged, "dies: its builder died (signal 9, Killed); a new one goes on");
    T_EQ_INT(atomic_load(&shared->count), 3);
    T_TRUE(shared->builds[1].pid == shared->builds[0].pid);
    T_TRUE(shared->builds[2].pid != shared->builds[0].pid);
    T_FALSE(shared->builds[2].kept);
    T_EQ_STR(shared->builds[2].name, "dies");
    build(2, SG_INDEX_END_BUILT);
    T_TRUE(shared->builds[3].pid == shared->builds[2].pid);
    end();
}

SG_TEST(killed_while_it_waits)
{
    int status;
    begin((const char *const[]){"i1", "i2", NULL});
    build(0, SG_INDEX_END_BUILT);
    kill(shared->builds[0].pid, SIGKILL);
    siginfo_t info;
    T_MUST_EQ_INT(waitid(P_PID, (id_t)shared->builds[0].pid, &info, WEXITED | WNOWAIT), 0);
    build(1, SG_INDEX_END_BUILT);
    T_TRUE(shared->builds[1].pid != shared->builds[0].pid);
    T_EQ_STR(logged, "");
    T_EQ_INT(waitpid(shared->builds[0].pid, &status, WNOHANG), -1);
    end();
}

SG_TEST(none_waits_for_long)
{
    const struct sg_index_definition *definition;
    struct sg_index_result result;
    begin((const char *const[]){"i1", "heeds", NULL});
    build(0, SG_INDEX_END_BUILT);
    T_FALSE(sg_builders_next(&builders, 500, &definition, &result));
    T_TRUE(lives(shared->builds[0].pid));
    for (int i = 0; i < 4; i++) {
        T_FALSE(sg_builders_next(&builders, 200, &definition, &result));
    }
    T_FALSE(lives(shared->builds[0].pid));
    T_EQ_INT(atomic_load(&shared->released), 1);
    end();
}

SG_TEST(a_stop_between_two)
{
    begin((const char *const[]){"i1", "heeds", NULL});
    build(0, SG_INDEX_END_BUILT);
    sg_builders_stop(&builders, 1, SIGTERM);
    T_FALSE(lives(shared->builds[0].pid));
    /* one that is started all the same is told */
    build(1, SG_INDEX_END_STOPPED);
    T_TRUE(shared->builds[1].pid != shared->builds[0].pid);
    T_EQ_STR(logged, "");
    end();
}

SG_TEST(a_stop_while_one_is_built)
{
    begin((const char *const[]){"i1", "heeds", "late", NULL});
    build(0, SG_INDEX_END_BUILT);
    start(1);
    while (atomic_load(&shared->count) < 2) {
        sg_test_sleep_ms(10);
    }
    /* at work already, the second one fresh */
    start(2);
    while (atomic_load(&shared->count) < 3) {
        sg_test_sleep_ms(10);
    }
    sg_builders_stop(&builders, 1, SIGINT);
    for (int i = 0; i < 2; i++) {
        const struct sg_index_definition *definition;
        struct sg_index_result result;
        T_MUST(sg_builders_next(&builders, 10000, &definition, &result));
        T_EQ_INT(result.end, definition == &definitions[1] ? SG_INDEX_END_STOPPED : SG_INDEX_END_BUILT);
    }
    /* none has stayed, whatever it offered */
    T_FALSE(lives(shared->builds[1].pid));
    T_FALSE(lives(shared->builds[2].pid));
    T_EQ_STR(logged, "");
    end();
}

SG_TEST(the_supervisor_is_killed_while_one_waits)
{
    begin((const char *const[]){"i1", NULL});
    T_MUST_EQ_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t supervisor = fork();
    T_MUST(supervisor >= 0);
    if (supervisor == 0) {
        const struct sg_index_definition *definition;
        struct sg_index_result result;
        start(0);
        (void)sg_builders_next(&builders, 10000, &definition, &result);
        (void)raise(SIGKILL);
    }
    int status;
    T_MUST(waitpid(supervisor, &status, 0) == supervisor);
    T_TRUE(WIFSIGNALED(status));
    int64_t begun = sg_test_now_ms();
    T_MUST(waitpid(-1, &status, 0) == shared->builds[0].pid);
    T_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    T_LT_INT(sg_test_now_ms() - begun, 2000);
    T_EQ_INT(atomic_load(&shared->released), 1);
    T_MUST_EQ_INT(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    end();
}

static const struct sg_test tests[] = {
    SG_CASE(one_after_the_other),
    SG_CASE(after_a_failure_comes_a_fresh_one),
    SG_CASE(two_at_once_and_then_one),
    SG_CASE(killed_on_its_second),
    SG_CASE(killed_while_it_waits),
    SG_CASE(none_waits_for_long),
    SG_CASE(a_stop_between_two),
    SG_CASE(a_stop_while_one_is_built),
    SG_CASE(the_supervisor_is_killed_while_one_waits),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"builders_kept", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
