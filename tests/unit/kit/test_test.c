/*
 * The test kit judged from outside: bad_tests, a program whose tests go wrong in every way, must be reported for what it is.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Runs bad_tests with one argument (NULL: none) and perhaps one setting. */
static struct sg_run_result run_bad(const char *name, const char *setting)
{
    const char *const argv[] = {sg_test_built("tests/unit/kit/bad_tests"), name, NULL};
    const char *const env[] = {setting, NULL};

    return sg_run(&(struct sg_run_opts){.argv = argv, .env = env});
}

/* The rest of the line in TEXT that begins with START. */
static const char *line_after(const char *text, const char *start)
{
    const char *at = strstr(text, start);

    if (at == NULL)
        T_FATAL("no \"%s\" in: %s", start, text);
    at += strlen(start);
    return sg_test_strf("%.*s", (int)strcspn(at, "\n"), at);
}

SG_TEST(all_kinds_are_counted)
{
    struct sg_run_result r = run_bad(NULL, "SGRUN_TEST_SEED=1");
    const char *closing = "\n2 passed, 7 failed\n";
    size_t len = strlen(r.out);

    T_EQ_INT(r.exit, 1);
    T_MUST(len > strlen(closing));
    T_EQ_STR(r.out + len - strlen(closing), closing);
    T_CONTAINS(r.out, "seed 1, 1 skipped, ");
    T_CONTAINS(r.out, "ok   first/passes ");
    T_CONTAINS(r.out, "FAIL first/fails_often ");
    T_CONTAINS(r.out, "FAIL first/fails_and_cleans_up ");
    T_CONTAINS(r.out, "FAIL first/states_nothing ");
    T_CONTAINS(r.out, "skip second/skips: not today\n");
    T_CONTAINS(r.out, "ok   second/comes_after ");
}

SG_TEST(messages_have_place_and_values)
{
    const char *out = run_bad("fails_often", NULL).out;

    T_CONTAINS(out, "tests/unit/kit/bad_tests.c:");
    T_CONTAINS(out, "1 == 2: 1 and 2\n");
    T_CONTAINS(out, "\"left\" and \"right\"\n");
    T_CONTAINS(out, "\"left\" and NULL\n");
    T_CONTAINS(out, "contains \"needle\": \"haystack\"\n");
    T_CONTAINS(out, "differ at byte 1: 0x62 and 0x63");
    T_CONTAINS(out, "differ in length: 2 and 3 bytes");
    T_CONTAINS(out, "is not NULL\n");
    T_CONTAINS(out, ": own words 7\n");
    T_CONTAINS(out, "\n0 passed, 1 failed\n");
}

SG_TEST(a_sanitizers_report_is_a_failure)
{
    T_CONTAINS(run_bad("runs_what_is_reported", NULL).out, "a sanitizer has something to say of /bin/sh:\n==1==ERROR: LeakSanitizer");
}

SG_TEST(clean_ups_run_after_a_fatal_failure)
{
    const char *out = run_bad("fails_and_cleans_up", NULL).out;

    T_CONTAINS(out, "clean-up second\nclean-up first\n");
    T_LACKS(out, "clean-up never");
    T_LACKS(out, "went on");
}

SG_TEST(a_crash_is_one_failure)
{
    struct sg_run_result r = run_bad("s", "SGRUN_TEST_SEED=2"); /* every name has an s */

    T_CONTAINS(r.out, ": killed by SIGTERM\n");
    T_CONTAINS(r.out, "FAIL first/exits ");
    T_CONTAINS(r.out, ": exit status 0\n");
    T_CONTAINS(r.out, "ok   second/comes_after ");
}

SG_TEST(a_hang_is_ended_with_all_its_processes)
{
    struct sg_run_result r = run_bad("hangs", NULL);

    T_EQ_INT(r.exit, 1);
    T_CONTAINS(r.out, "no end after 1 s");
    T_CONTAINS(r.out, "bad_tests"); /* the child of its own session is named */
    T_LT_INT(r.ms, 10000);
    T_EQ_STR(sg_run_orphans(), "");
}

SG_TEST(no_test_is_a_failure)
{
    struct sg_run_result r = run_bad("no such test", NULL);

    T_EQ_INT(r.exit, 1);
    T_CONTAINS(r.out, "\n0 passed, 0 failed\n");
}

SG_TEST(a_seed_repeats)
{
    const char *one = line_after(run_bad("comes_after", "SGRUN_TEST_SEED=5").out, "random ");
    const char *two = line_after(run_bad("second", "SGRUN_TEST_SEED=5").out, "random ");
    const char *other = line_after(run_bad("comes_after", "SGRUN_TEST_SEED=6").out, "random ");

    T_EQ_STR(one, two);
    T_NE_STR(one, other);
}

SG_TEST(folders_are_removed)
{
    const char *folder = line_after(run_bad(NULL, NULL).out, "folder ");

    folder = sg_test_strf("%.*s", (int)(strchr(folder, ',') - folder), folder);
    T_CONTAINS(folder, "/sgt-");
    T_FALSE(access(folder, F_OK) == 0);
    *strrchr((char *)(uintptr_t)folder, '/') = '\0';
    T_FALSE(access(folder, F_OK) == 0);
}

/* An interrupt from the terminal, or a time-out of whoever runs the tests. */
SG_TEST(a_signal_ends_it_cleanly)
{
    const char *const argv[] = {sg_test_built("tests/unit/kit/bad_tests"), "hangs", NULL};
    const char *const env[] = {"SGRUN_TEST_SECONDS=12000", NULL}; /* 100 s for this one */
    struct sg_run *run = sg_run_start(&(struct sg_run_opts){.argv = argv, .env = env});
    struct sg_run_result r;

    sg_run_await(run, "hangs in ", 10000);
    sg_run_signal(run, SIGTERM);
    r = sg_run_wait(run, 10000);
    T_EQ_INT(r.exit, 1);
    T_CONTAINS(r.out, "interrupted by SIGTERM\n");
    T_CONTAINS(r.out, "\n0 passed, 1 failed\n");
    T_EQ_STR(sg_run_orphans(), "");
}

/* Killed together with its supervisor it leaves a folder; the next program removes it. */
SG_TEST(what_a_killed_program_left_is_swept)
{
    const char *const argv[] = {sg_test_built("tests/unit/kit/bad_tests"), "hangs", NULL};
    struct sg_run *run = sg_run_start(&(struct sg_run_opts){.argv = argv});
    const char *folder;

    sg_run_await(run, "hangs in ", 10000);
    folder = line_after(sg_run_out(run), "hangs in ");
    sg_run_signal(run, SIGKILL);
    (void)sg_run_wait(run, 10000);
    T_TRUE(access(folder, F_OK) == 0);
    T_EQ_INT(run_bad("passes", NULL).exit, 0);
    T_FALSE(access(folder, F_OK) == 0);
}

SG_TEST(programs_are_run)
{
    struct sg_run_result r = sg_run_args("sh", "-c", "echo out; echo err >&2; exit 3");
    const char *const sleeper[] = {"sleep", "100", NULL};
    const char *const showing[] = {"sh", "-c", "echo \"$A$B$PGHOST\"", NULL};
    const char *const flooding[] = {"cat", "/dev/zero", NULL};
    const char *const env[] = {"A=1", "HOME", NULL};

    T_EQ_INT(r.exit, 3);
    T_EQ_STR(r.out, "out\n");
    T_EQ_STR(r.err, "err\n");
    r = sg_run(&(struct sg_run_opts){.argv = sleeper, .timeout_ms = 50});
    T_TRUE(r.timed_out);
    T_EQ_INT(r.signal, SIGKILL);
    T_EQ_INT(r.exit, -1);
    r = sg_run(&(struct sg_run_opts){.argv = showing, .env = env});
    T_EQ_STR(r.out, "1\n");
    r = sg_run(&(struct sg_run_opts){.argv = flooding});
    T_TRUE(r.cut);
    T_FALSE(r.timed_out);
    r = sg_run_args("/no/such/program");
    T_EQ_INT(r.exit, 127);
    T_CONTAINS(r.err, "cannot start /no/such/program");
}

SG_TEST(programs_run_in_the_background)
{
    const char *const argv[] = {"sh", "-c", "echo one; while :; do :; done", NULL};
    struct sg_run *run = sg_run_start(&(struct sg_run_opts){.argv = argv});

    sg_run_await(run, "one", 5000);
    T_FALSE(sg_run_ended(run));
    sg_run_signal(run, SIGSTOP);
    sg_run_signal(run, SIGCONT);
    sg_run_signal(run, SIGTERM);
    T_EQ_INT(sg_run_wait(run, 5000).signal, SIGTERM);
    T_TRUE(sg_run_ended(run));
}

SG_TEST(programs_get_a_terminal)
{
    const char *const argv[] = {"sh", "-c", "[ -t 1 ] && [ -t 2 ] && stty size <&1; echo more >&2", NULL};

    T_EQ_STR(sg_run(&(struct sg_run_opts){.argv = argv, .tty = true}).out, "40 120\nmore\n");
    T_EQ_STR(sg_run(&(struct sg_run_opts){.argv = argv}).out, "");
}

static const struct sg_test tests[] = {
    SG_CASE(all_kinds_are_counted),
    SG_CASE(messages_have_place_and_values), SG_CASE(a_sanitizers_report_is_a_failure),
    SG_CASE(clean_ups_run_after_a_fatal_failure),
    SG_CASE(a_crash_is_one_failure),
    SG_CASE(a_hang_is_ended_with_all_its_processes),
    SG_CASE(no_test_is_a_failure),
    SG_CASE(a_seed_repeats),
    SG_CASE(folders_are_removed),
    SG_CASE(a_signal_ends_it_cleanly),
    SG_CASE(what_a_killed_program_left_is_swept),
    SG_CASE(programs_are_run),
    SG_CASE(programs_run_in_the_background),
    SG_CASE(programs_get_a_terminal),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"kit", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
