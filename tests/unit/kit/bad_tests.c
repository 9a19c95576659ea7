/*
 * Tests that go wrong in each way a test can. Not one of the tests: test_test.c runs this program and reads what it says.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void say(void *text)
{
    printf("clean-up %s\n", (const char *)text);
}

SG_TEST(passes)
{
    T_TRUE(true);
    T_FALSE(false);
    T_EQ_INT(2, 2);
    T_NE_INT(2, 3);
    T_LT_INT(-1, 0);
    T_LE_INT(0, 0);
    T_GT_INT(1, 0);
    T_GE_INT(1, 1);
    T_EQ_STR("a", "a");
    T_EQ_STR(NULL, NULL);
    T_NE_STR("a", NULL);
    T_CONTAINS("abc", "bc");
    T_LACKS("abc", "x");
    T_LACKS(NULL, "x");
    T_EQ_MEM("a\0b", 3, "a\0b", 3);
    T_NULL(NULL);
    T_NOT_NULL("");
}

SG_TEST(fails_often)
{
    T_EQ_INT(1, 2);
    T_EQ_STR("left", "right");
    T_EQ_STR("left", NULL);
    T_CONTAINS("haystack", "needle");
    T_EQ_MEM("ab", 2, "ac", 2);
    T_EQ_MEM("ab", 2, "abc", 3);
    T_NULL("");
    T_FAIL("own words %d", 7);
}

SG_TEST(fails_and_cleans_up)
{
    static char first[] = "first";
    static char second[] = "second";
    static char never[] = "never";

    sg_test_defer(say, first);
    sg_test_defer(say, second);
    sg_test_defer(say, never);
    sg_test_undefer(say, never);
    T_MUST_EQ_INT(1, 2);
    printf("went on after a fatal failure\n");
}

SG_TEST(states_nothing) {}

SG_TEST(crashes)
{
    (void)prctl(PR_SET_DUMPABLE, 0); /* no core file for this */
    (void)sg_tmp_write("some/file", "left behind");
    T_TRUE(true);
    (void)signal(SIGTERM, SIG_DFL);
    (void)raise(SIGTERM);
}

SG_TEST(exits)
{
    T_TRUE(true);
    exit(0);
}

/* With a child in a session of its own, which no process group reaches. */
SG_TEST(hangs)
{
    if (fork() == 0) {
        (void)setsid();
        for (;;)
            (void)pause();
    }
    T_TRUE(true);
    printf("hangs in %s\n", sg_tmp_dir());
    for (;;)
        (void)pause();
}

SG_TEST(runs_what_is_reported)
{
    T_EQ_INT(sg_run_args("/bin/sh", "-c", "echo '==1==ERROR: LeakSanitizer: detected memory leaks' >&2").exit, 0);
}

SG_TEST(skips)
{
    T_SKIP("not %s", "today");
}

SG_TEST(comes_after)
{
    printf("folder %s, random %d\n", sg_tmp_dir(), (int)sg_test_rand(1000000));
    T_EQ_STR(sg_tmp_read(sg_tmp_write("a/b", "text")), "text");
}

static const struct sg_test first[] = {SG_CASE(passes),  SG_CASE(fails_often), SG_CASE(fails_and_cleans_up), SG_CASE(states_nothing),
                                       SG_CASE(crashes), SG_CASE(exits),       SG_CASE_SECONDS(hangs, 1),    SG_CASE(runs_what_is_reported),
                                       SG_CASES_END};
static const struct sg_test second[] = {SG_CASE(skips), SG_CASE(comes_after), SG_CASES_END};
static const struct sg_suite suites[] = {{"first", first}, {"second", second}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
